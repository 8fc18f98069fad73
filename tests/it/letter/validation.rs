//! What the origin is told of what is held (RFC 9111 section 4.3.1), and what need not be asked at all.

use super::{HIT, MISS};
use crate::support::{answer_with, clock, date, not_modified, ok, proxy, scripted, secs, until};

const VARIANT: &str = "fwd=vary-miss; stored; level=2; route=default";

#[tokio::test]
async fn rfc9111_section_4_3_1_every_entity_tag_that_is_held_is_offered_for_other_fields() {
    let origin = scripted(|number, seen| match (number, seen.field("accept-language")) {
        (0 | 1, Some(value)) => {
            ok(&format!("vary: accept-language\r\netag: \"{value}\"\r\ncache-control: max-age=60\r\n"), value)
        }
        _ => not_modified("vary: accept-language\r\netag: \"en\"\r\ncache-control: max-age=60\r\n"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let ask = |value: &'static str| proxy.get("/x").field("accept-language", value).send();
    assert_eq!(ask("en").await.cache(), MISS);
    assert_eq!(ask("de").await.cache(), VARIANT);
    let named = ask("fr").await;
    assert_eq!((named.status.as_u16(), named.text().as_str()), (200, "en"));
    assert_eq!(named.cache(), "fwd=vary-miss; fwd-status=304; stored; level=2; route=default");
    assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"de\", \"en\""));
    for (value, text) in [("fr", "en"), ("en", "en"), ("de", "de")] {
        let hit = ask(value).await;
        assert_eq!((hit.cache().as_str(), hit.text().as_str()), (HIT, text));
    }
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn rfc9111_section_4_3_4_a_304_that_names_none_of_those_offered_is_asked_for_again() {
    for tag in ["etag: \"other\"\r\n", ""] {
        let origin = scripted(move |number, seen| match (number, seen.field("if-none-match")) {
            (_, Some(_)) => not_modified(&format!("vary: accept-language\r\n{tag}")),
            _ => ok(
                "vary: accept-language\r\netag: \"a\"\r\ncache-control: max-age=60\r\n",
                &format!("fetch {number}"),
            ),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").field("accept-language", "en").send().await;
        let other = proxy.get("/x").field("accept-language", "de").send().await;
        assert_eq!((other.text().as_str(), other.cache().as_str()), ("fetch 2", VARIANT), "{tag}");
    }
}

#[tokio::test]
async fn what_a_client_may_not_have_is_not_offered_for_it() {
    let origin =
        scripted(|_, _| ok("vary: accept-language\r\netag: \"a\"\r\ncache-control: max-age=60\r\n", "x"))
            .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").field("accept-language", "en").send().await;
    proxy.get("/x").field("accept-language", "de").field("cookie", "sid=1").send().await;
    assert_eq!(origin.seen()[1].field("if-none-match"), None);
}

#[tokio::test]
async fn rfc8246_section_2_what_is_immutable_is_not_asked_about_by_a_reload_while_it_is_fresh() {
    for (fields, reload) in [("immutable, ", "hit; ttl=50; level=2; route=default"), ("", "fwd=request")] {
        let fields = format!("cache-control: {fields}max-age=60\r\netag: \"a\"\r\n");
        let origin = scripted(move |_, _| ok(&fields, "x")).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let ask = |directive: &'static str| proxy.get("/x").field("cache-control", directive).send();
        ask("x").await;
        proxy.advance(secs(10));
        assert!(ask("max-age=0").await.cache().starts_with(reload), "{reload}");
        assert!(ask("no-cache").await.cache().starts_with("fwd=request"), "the user's own wish counts");
        proxy.advance(secs(60));
        assert!(!ask("max-age=0").await.cache().starts_with("hit"), "stale is stale");
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_4_no_cache_with_a_validator_is_stored_and_validated_each_time() {
    let origin = scripted(|number, _| match number {
        0 => ok("cache-control: no-cache\r\netag: \"a\"\r\n", "x"),
        _ => not_modified("cache-control: no-cache\r\netag: \"a\"\r\n"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    assert!(proxy.get("/x").send().await.cache().starts_with("fwd=uri-miss; stored"));
    for _ in 0..2 {
        let answer = proxy.get("/x").send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "x"));
        assert!(answer.cache().starts_with("fwd=stale; fwd-status=304"), "{}", answer.cache());
    }
    assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"a\""));
}

#[tokio::test]
async fn rfc9110_section_8_8_1_only_strong_tags_are_offered_in_matters_of_negotiation_and_to_who_can_use_them()
 {
    for (fields, asked) in [
        ("vary: accept-language\r\netag: W/\"a\"\r\n", "accept-language"),
        ("vary: x-tenant\r\netag: \"a\"\r\n", "x-tenant"),
        ("vary: accept-language, x-tenant\r\netag: \"a\"\r\n", "x-tenant"),
        ("vary: accept-encoding\r\ncontent-encoding: gzip\r\netag: \"a\"\r\n", "accept-encoding"),
    ] {
        let origin = scripted(move |_, _| ok(&format!("{fields}cache-control: max-age=60\r\n"), "x")).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").field(asked, "gzip").send().await;
        proxy.get("/x").send().await;
        assert_eq!(origin.count(), 2, "{fields}");
        assert_eq!(origin.seen()[1].field("if-none-match"), None, "{fields}");
    }
}

#[tokio::test]
async fn a_weakly_equal_tag_confirms_and_does_not_change_the_tag_of_what_is_held() {
    for (held, named) in [("W/\"a\"", "\"a\""), ("\"a\"", "W/\"a\"")] {
        let origin = scripted(move |number, _| match number {
            0 => ok(&format!("cache-control: max-age=10\r\netag: {held}\r\n"), "x"),
            _ => not_modified(&format!("cache-control: max-age=60\r\netag: {named}\r\n")),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(10));
        assert_eq!(proxy.get("/x").send().await.field("etag"), held);
        let hit = proxy.get("/x").send().await;
        assert_eq!((hit.cache().as_str(), hit.field("etag").as_str()), (HIT, held));
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_3_an_answer_that_is_not_stored_ends_what_was_held() {
    let stale = "cache-control: max-age=10, stale-while-revalidate=1000, stale-if-error=1000\r\n";
    for (status, fields) in [
        ("410 Gone", ""),
        ("404 Not Found", ""),
        ("403 Forbidden", ""),
        ("302 Found", "location: /login\r\n"),
        ("200 OK", "cache-control: private\r\n"),
        ("200 OK", "cache-control: no-store\r\n"),
    ] {
        let origin = scripted(move |number, _| match number {
            0 => ok(stale, "old"),
            1 => answer_with(status, fields, "word"),
            _ => answer_with("500 Internal Server Error", "", "broken"),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(20));
        let hit = proxy.get("/x").send().await;
        assert_eq!(hit.text(), "old", "inside the window");
        let after = until(|| proxy.get("/x").send(), |answer| answer.text() != "old").await;
        assert_eq!(after.text(), "broken", "{status} {fields}: what was deleted does not come back");
    }
}

#[tokio::test]
async fn a_failing_origin_ends_nothing() {
    for status in ["500 Internal Server Error", "503 Service Unavailable", "429 Too Many Requests"] {
        let origin = scripted(move |number, _| match number {
            0 => ok("cache-control: max-age=10\r\netag: \"a\"\r\n", "old"),
            1 => answer_with(status, "", ""),
            _ => not_modified("etag: \"a\"\r\ncache-control: max-age=60\r\n"),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(20));
        proxy.get("/x").send().await;
        assert_eq!(proxy.get("/x").send().await.text(), "old", "{status}");
    }
}

#[tokio::test]
async fn who_asks_with_authorization_does_not_end_what_is_stored_for_all() {
    let origin = scripted(|number, _| match number {
        0 => ok("cache-control: no-cache\r\netag: \"a\"\r\n", "x"),
        _ => not_modified("etag: \"a\"\r\n"),
    })
    .await;
    let proxy = proxy().cache("profile = 'rfc9111'").start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let known = proxy.get("/x").field("authorization", "me").send().await;
    assert_eq!(
        (known.text().as_str(), known.cache().as_str()),
        ("x", "fwd=stale; fwd-status=304; level=2; route=default")
    );
    let anybody = proxy.get("/x").send().await;
    assert_eq!(anybody.text(), "x");
    assert_eq!((origin.count(), origin.seen()[2].field("if-none-match")), (3, Some("\"a\"")));
}

#[tokio::test]
async fn rfc9111_section_4_of_two_that_fit_the_newest_by_date_is_used() {
    let origin = scripted(|number, _| match number {
        0 => ok(&format!("vary: x-a\r\ndate: {}\r\ncache-control: max-age=60\r\n", date(0)), "newer"),
        _ => ok(&format!("date: {}\r\ncache-control: max-age=60\r\n", date(-30)), "older"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").field("x-a", "1").send().await;
    proxy.get("/x").field("x-a", "2").send().await;
    assert_eq!(proxy.get("/x").field("x-a", "1").send().await.text(), "newer");
}
