//! Who may have a response that somebody asked for (RFC 9111 section 3.5), and what the profile `safe` adds.

use super::{HIT, MISS, caches, house};
use crate::support::{clock, ok, proxy, scripted};

const IDENTITIES: [(&str, &str); 6] = [
    ("authorization", "Bearer t"),
    ("x-api-key", "k"),
    ("x-auth-token", "t"),
    ("x-forwarded-user", "alice"),
    ("x-forwarded-client-cert", "Hash=1"),
    ("cookie", "session=1"),
];

/// Whether a response with this Cache-Control to a request with this field is stored and given to the next one like it.
async fn is_shared(profile: &str, control: &'static str, (name, value): (&str, &str)) -> bool {
    let (origin, proxy) = house(profile, control).await;
    let [first, second] = caches(proxy.get("/x").field(name, value)).await;
    let shared = origin.count() == 1;
    if shared {
        assert_eq!([first.as_str(), second.as_str()], [MISS, HIT], "{name} {control}");
    } else {
        let (level, detail) = if name == "cookie" { (4, "request-session") } else { (3, "request-identity") };
        let bypass = format!("fwd=bypass; level={level}; route=default; detail={detail}");
        assert_eq!([&first, &second], [&bypass; 2], "{name} {control}");
    }
    shared
}

#[tokio::test]
async fn under_safe_every_identity_needs_the_origins_word() {
    for identity in IDENTITIES {
        for (control, shared) in [
            ("cache-control: max-age=60\r\n", false),
            ("cache-control: max-age=60, public\r\n", true),
            ("cache-control: s-maxage=60\r\n", true),
            // Must-revalidate is enough for Authorization alone.
            ("cache-control: max-age=60, must-revalidate\r\n", identity.0 == "authorization"),
            ("cache-control: max-age=60, proxy-revalidate\r\n", false),
        ] {
            assert_eq!(is_shared("safe", control, identity).await, shared, "{identity:?} {control}");
        }
    }
}

#[tokio::test]
async fn under_rfc9111_only_authorization_is_special() {
    for identity in IDENTITIES {
        let special = identity.0 == "authorization";
        for (control, shared) in [
            ("cache-control: max-age=60\r\n", !special),
            ("cache-control: max-age=60, public\r\n", true),
            ("cache-control: s-maxage=60\r\n", true),
            ("cache-control: max-age=60, must-revalidate\r\n", true),
        ] {
            assert_eq!(is_shared("rfc9111", control, identity).await, shared, "{identity:?} {control}");
        }
    }
}

#[tokio::test]
async fn under_safe_what_nobody_was_told_is_not_told_to_somebody() {
    for (name, value) in IDENTITIES {
        let (origin, proxy) = house("safe", "cache-control: max-age=60\r\n").await;
        assert_eq!(proxy.get("/x").send().await.cache(), MISS);
        assert_eq!(proxy.get("/x").field(name, value).send().await.text(), "fetch 1", "{name}");
        // And somebody's answer has not taken the place of nobody's.
        let nobody = proxy.get("/x").send().await;
        assert_eq!((nobody.cache().as_str(), nobody.text().as_str()), (HIT, "fetch 0"));
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn a_request_with_identity_says_bypass_also_where_something_is_held_for_nobody() {
    let origin = scripted(|_, _| ok("cache-control: max-age=60\r\n", "answer")).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let somebody = proxy.get("/x").field("x-api-key", "k").send().await;
    assert_eq!(somebody.cache(), "fwd=bypass; level=3; route=default; detail=request-identity");
}

#[tokio::test]
async fn the_operator_says_where_identity_rides() {
    let origin = scripted(|_, _| ok("cache-control: max-age=60\r\n", "answer")).await;
    let proxy = proxy()
        .identity("user = ['header:x-tenant']\nsession = ['cookie:sid', 'header:x-session']")
        .start(origin.address, &clock())
        .await;
    assert_eq!(proxy.get("/x").field("cookie", "theme=dark").send().await.cache(), MISS);
    assert_eq!(proxy.get("/x").field("x-api-key", "k").send().await.cache(), HIT);
    for (name, value) in [("x-tenant", "t"), ("x-session", "s"), ("cookie", "a=b; sid=1")] {
        proxy.get("/x").field(name, value).send().await;
    }
    // RFC 9111 knows Authorization whatever the operator says.
    proxy.get("/x").field("authorization", "Bearer t").send().await;
    assert_eq!(origin.count(), 5);
}

#[tokio::test]
async fn analytics_cookies_are_stripped_and_share() {
    let (origin, proxy) = house("safe", "cache-control: max-age=60\r\n").await;
    for (n, cookies) in ["_ga=1; _gid=2", "_ga_X1=3", "_pk_id.1.a=4; __utma=5"].into_iter().enumerate() {
        let answer = proxy.get("/x").field("cookie", cookies).send().await;
        assert_eq!(answer.cache(), if n == 0 { MISS } else { HIT }, "{cookies}");
    }
    assert_eq!(origin.seen()[0].field("cookie"), None);
    // Beside a session they are stripped as well, and the session goes on.
    proxy.get("/x").field("cookie", "_ga=1; session=s; _gid=2").field("cookie", "theme=t").send().await;
    assert_eq!(origin.seen()[1].field("cookie"), Some("session=s; theme=t"));
}
