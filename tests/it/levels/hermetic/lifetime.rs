//! What may be stored on a declared route, for how long, and which words of the origin count.

use super::{
    super::{reply, twice},
    HIT, MISS, with_route,
};
use crate::support::{Proxy, Scripted, clock, ok, proxy, scripted, secs};

/// An origin that always answers this, behind `/r/{id}` at this level.
async fn house(level: &str, lines: &str, status: &'static str, fields: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |_, _| reply(status, fields, "answer")).await;
    let route = format!("name = 'r'\npath = '/r/{{id}}'\nlevel = '{level}'\n{lines}");
    let proxy = proxy().route(&route).start(origin.address, &clock()).await;
    (origin, proxy)
}

/// The Cache-Status of the first and the second request.
async fn caches(proxy: &Proxy) -> [String; 2] {
    twice(proxy.get("/r/1")).await.map(|answer| answer.cache())
}

#[tokio::test]
async fn a_permanent_answer_lives_until_the_origin_gives_it_an_end() {
    for (fields, first, second) in [
        ("", "fwd=uri-miss; stored; level=1; route=r", "hit; level=1; route=r"),
        // What never changes is immutable: that is no freshness lifetime.
        ("cache-control: immutable\r\n", "fwd=uri-miss; stored; level=1; route=r", "hit; level=1; route=r"),
        ("cache-control: max-age=10\r\n", MISS, "hit; ttl=10; level=2; route=r"),
        ("cache-control: max-age=10, s-maxage=7\r\n", MISS, "hit; ttl=7; level=2; route=r"),
    ] {
        let (origin, proxy) = house("permanent", "", "200 OK", fields).await;
        assert_eq!(caches(&proxy).await, [first, second], "{fields}");
        proxy.advance(secs(100 * 365 * 86_400));
        let later = proxy.get("/r/1").send().await.cache();
        let ended = "fwd=stale; stored; level=2; route=r";
        assert_eq!(later, if first == MISS { ended } else { second }, "{fields}");
        assert_eq!(origin.count(), if first == MISS { 2 } else { 1 });
    }
}

#[tokio::test]
async fn the_origins_word_comes_before_the_routes_ttl() {
    for (fields, second) in [
        ("", HIT),
        ("cache-control: max-age=5\r\n", "hit; ttl=5; level=2; route=r"),
        ("cache-control: max-age=5\r\nage: 2\r\n", "hit; ttl=3; level=2; route=r"),
        ("cache-control: max-age=0\r\n", "fwd=stale; stored; level=2; route=r"),
        ("cache-control: max-age=nonsense\r\n", "fwd=stale; stored; level=2; route=r"),
        (
            "date: Tue, 14 Nov 2023 22:13:20 GMT\r\nexpires: Tue, 14 Nov 2023 22:13:30 GMT\r\n",
            "hit; ttl=10; level=2; route=r",
        ),
        ("expires: 0\r\n", "fwd=stale; stored; level=2; route=r"),
        // A Last-Modified is no explicit lifetime: the operator's word is better than a guess.
        ("last-modified: Tue, 31 Dec 2013 00:00:00 GMT\r\n", HIT),
        ("cache-control: no-cache\r\n", "fwd=stale; stored; level=2; route=r"),
    ] {
        let (_origin, proxy) = house("changing", "ttl = '60s'", "200 OK", fields).await;
        let [first, again] = caches(&proxy).await;
        assert_eq!((first.as_str(), again.as_str()), (MISS, second), "{fields}");
    }
}

#[tokio::test]
async fn bounds_of_the_route_raise_and_lower_what_the_origin_says() {
    for (lines, fields, ttl) in [
        ("min_ttl = '30s'", "cache-control: max-age=5\r\n", 30),
        ("min_ttl = '30s'", "cache-control: max-age=40\r\n", 40),
        ("max_ttl = '20s'", "cache-control: max-age=40\r\n", 20),
        ("ttl = '60s'\nmax_ttl = '20s'", "", 20),
    ] {
        let (_origin, proxy) = house("changing", lines, "200 OK", fields).await;
        let expected = [MISS.to_owned(), format!("hit; ttl={ttl}; level=2; route=r")];
        assert_eq!(caches(&proxy).await, expected, "{lines} {fields}");
    }
    let (_origin, proxy) = house("permanent", "max_ttl = '20s'", "200 OK", "").await;
    assert_eq!(caches(&proxy).await[1], "hit; ttl=20; level=1; route=r");
}

#[tokio::test]
async fn min_ttl_never_overrides_no_cache_or_no_store() {
    let lines = "ttl = '60s'\nmin_ttl = '30s'";
    let (origin, proxy) = house("changing", lines, "200 OK", "cache-control: no-cache, max-age=5\r\n").await;
    caches(&proxy).await;
    assert_eq!(origin.count(), 2);
    let (_origin, proxy) = house("changing", lines, "200 OK", "cache-control: NO-store\r\n").await;
    let refused = "fwd=uri-miss; level=2; route=r; detail=response-no-store";
    assert_eq!(caches(&proxy).await, [refused, refused]);
}

#[tokio::test]
async fn without_a_ttl_an_answer_is_stored_and_validated_each_time() {
    let origin = scripted(|n, seen| match seen.field("if-none-match") {
        Some("\"a\"") => reply("304 Not Modified", "etag: \"a\"\r\n", ""),
        _ => ok("etag: \"a\"\r\n", &format!("fetch {n}")),
    })
    .await;
    let route = "name = 'r'\npath = '/r/{id}'\nlevel = 'changing'";
    let proxy = proxy().route(route).start(origin.address, &clock()).await;
    assert_eq!(proxy.get("/r/1").send().await.cache(), MISS);
    for n in 2..5 {
        let answer = proxy.get("/r/1").send().await;
        assert_eq!(answer.cache(), "fwd=stale; fwd-status=304; stored; level=2; route=r");
        assert_eq!(answer.text(), "fetch 0");
        assert_eq!(origin.count(), n);
    }
}

#[tokio::test]
async fn statuses_that_the_ttl_covers_hit_and_others_need_the_origins_word() {
    for status in
        ["200 OK", "203 Non-Authoritative Information", "301 Moved Permanently", "308 Permanent Redirect"]
    {
        let (_origin, proxy) = house("changing", "ttl = '60s'", status, "location: /r/2\r\n").await;
        assert_eq!(caches(&proxy).await, [MISS, HIT], "{status}");
    }
    for status in ["201 Created", "202 Accepted", "500 Internal Server Error", "501 Not Implemented"] {
        let (_origin, proxy) = house("changing", "ttl = '60s'", status, "").await;
        let refused = "fwd=uri-miss; level=2; route=r; detail=status-not-storable";
        assert_eq!(caches(&proxy).await, [refused, refused], "{status}");
        let (_origin, proxy) = house("changing", "ttl = '60s'", status, "cache-control: max-age=9\r\n").await;
        assert_eq!(caches(&proxy).await, [MISS, "hit; ttl=9; level=2; route=r"], "{status}");
    }
}

#[tokio::test]
async fn an_empty_answer_is_an_answer() {
    let origin = scripted(|_, _| super::super::bytes("HTTP/1.1 204 No Content\r\nx-tag: t\r\n\r\n")).await;
    let proxy = with_route(origin.address, "").await;
    for (answer, cache) in twice(proxy.get("/r/1")).await.into_iter().zip([MISS, HIT]) {
        assert_eq!((answer.status.as_u16(), answer.cache().as_str()), (204, cache));
        assert_eq!((answer.field("x-tag").as_str(), answer.field("content-length").as_str()), ("t", ""));
    }
}

#[tokio::test]
async fn what_is_absent_has_a_lifetime_of_its_own() {
    for status in ["404 Not Found", "410 Gone"] {
        for (lines, fields, ttl) in [
            ("ttl = '60s'", "", 5),
            ("ttl = '60s'\nnegative_ttl = '7s'", "", 7),
            ("ttl = '60s'\nnegative_ttl = '7s'", "cache-control: max-age=9\r\n", 9),
        ] {
            let (_origin, proxy) = house("changing", lines, status, fields).await;
            let expected = [MISS.to_owned(), format!("hit; ttl={ttl}; level=2; route=r")];
            assert_eq!(caches(&proxy).await, expected, "{status} {lines}");
            proxy.advance(secs(ttl));
            assert_eq!(proxy.get("/r/1").send().await.cache(), "fwd=stale; stored; level=2; route=r");
        }
        let (_origin, proxy) = house("permanent", "", status, "").await;
        assert_eq!(caches(&proxy).await[1], "hit; ttl=5; level=1; route=r");
    }
}

#[tokio::test]
async fn what_is_absent_for_nobody_may_be_there_for_somebody() {
    for (name, value) in [("cookie", "s=1"), ("authorization", "Bearer t"), ("x-api-key", "k")] {
        for warmed in [false, true] {
            let origin = scripted(move |_, seen| match seen.field(name) {
                Some(_) => ok("", "there"),
                None => reply("404 Not Found", "", "absent"),
            })
            .await;
            let proxy = with_route(origin.address, "").await;
            if warmed {
                assert_eq!(proxy.get("/r/1").send().await.cache(), MISS);
            }
            let somebody = proxy.get("/r/1").field(name, value).send().await;
            assert_eq!((somebody.status.as_u16(), somebody.text().as_str()), (200, "there"), "{name}");
            assert_eq!(somebody.cache(), "fwd=bypass; level=2; route=r; detail=absent-for-identity");
            let nobody = proxy.get("/r/1").field("cookie", "_ga=analytics").send().await;
            assert_eq!((nobody.status.as_u16(), nobody.text().as_str()), (404, "absent"));
            assert_eq!(nobody.cache(), "hit; ttl=5; level=2; route=r");
            assert_eq!(origin.count(), 2);
        }
    }
}

#[tokio::test]
async fn an_unstored_absence_is_no_answer_to_somebody() {
    let origin = scripted(|_, seen| match seen.field("authorization") {
        Some(_) => ok("", "there"),
        None => reply("404 Not Found", "cache-control: no-store\r\n", "absent"),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    let somebody = proxy.get("/r/1").field("authorization", "Bearer t").send().await;
    assert_eq!((somebody.status.as_u16(), somebody.text().as_str()), (200, "there"));
}

#[tokio::test]
async fn forwarded_fields_reach_the_origin_and_split_nothing() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = with_route(origin.address, "forward = ['x-request-id', 'x-tenant']").await;
    let ask = |id: &str| proxy.get("/r/1").field("x-request-id", id).field("x-other", "1");
    assert_eq!(ask("one").send().await.cache(), MISS);
    assert_eq!(ask("two").send().await.cache(), HIT);
    let seen = &origin.seen()[0];
    assert_eq!((seen.field("x-request-id"), seen.field("x-tenant")), (Some("one"), None));
    assert_eq!(seen.field("x-other"), None);
}

#[tokio::test]
async fn ignored_fields_of_the_origin_do_not_count_and_a_cookie_among_them_is_removed() {
    let fields = "cache-control: no-store, private\r\nset-cookie: session=new\r\nvary: cookie\r\n";
    let ignore = "ttl = '60s'\nignore = ['cache-control', 'set-cookie', 'vary']";
    let (origin, proxy) = house("changing", ignore, "200 OK", fields).await;
    for (answer, cache) in twice(proxy.get("/r/1")).await.into_iter().zip([MISS, HIT]) {
        assert_eq!(answer.cache(), cache);
        assert!(!answer.fields.contains_key("set-cookie"));
        assert_eq!(answer.field("cache-control"), "no-store, private");
    }
    assert_eq!(origin.count(), 1);
    // What is not ignored still counts.
    let (_origin, proxy) = house("changing", "ttl = '60s'\nignore = ['set-cookie']", "200 OK", fields).await;
    assert_eq!(caches(&proxy).await[0], "fwd=bypass; level=4; route=r; detail=vary-cookie");
}

#[tokio::test]
async fn an_ignored_cookie_is_removed_from_an_answer_that_is_not_stored_too() {
    let ignore = "ttl = '60s'\nignore = ['set-cookie']";
    for (status, fields, reason) in [
        ("200 OK", "cache-control: no-store\r\nset-cookie: s=1\r\n", "response-no-store"),
        ("500 Internal Server Error", "set-cookie: s=1\r\n", "status-not-storable"),
    ] {
        let (_origin, proxy) = house("changing", ignore, status, fields).await;
        let answer = proxy.get("/r/1").send().await;
        assert!(!answer.fields.contains_key("set-cookie"), "{status}");
        assert_eq!(answer.cache(), format!("fwd=uri-miss; level=2; route=r; detail={reason}"));
    }
}

#[tokio::test]
async fn declare_tells_clients_what_the_level_means_where_the_origin_says_nothing() {
    for (level, lines, declared) in [
        ("permanent", "", "public, max-age=31536000, immutable"),
        ("changing", "ttl = '60s'", "public, max-age=60"),
        ("user", "", "private, no-cache"),
        ("session", "", "no-store"),
        ("random", "", "no-store"),
    ] {
        let (_origin, proxy) = house(level, &format!("{lines}\ndeclare = true"), "200 OK", "").await;
        for answer in twice(proxy.get("/r/1")).await {
            assert_eq!(answer.field("cache-control"), declared, "{level}");
        }
        let (_origin, proxy) = house(level, lines, "200 OK", "").await;
        assert_eq!(proxy.get("/r/1").send().await.field("cache-control"), "", "{level}");
        let said = "cache-control: max-age=3\r\n";
        let (_origin, proxy) = house(level, &format!("{lines}\ndeclare = true"), "200 OK", said).await;
        assert_eq!(proxy.get("/r/1").send().await.field("cache-control"), "max-age=3", "{level}");
    }
}
