//! What happens when a lifetime is over: the origin confirms, replaces or fails, and stale responses are used inside
//! their windows only (RFC 9111 sections 4.2.4 and 4.3, RFC 5861).

use std::sync::Arc;

use tokio::sync::Notify;

use crate::support::{
    Proxy, Reply, Scripted, answer_with, clock, date, in_turn, not_modified, ok, proxy, scripted, secs,
    stage, until,
};

/// A proxy without routes in front of an origin that replies in turn.
async fn letter<const N: usize>(replies: [Reply; N]) -> (Proxy, Scripted) {
    let origin = scripted(in_turn(replies)).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    (proxy, origin)
}

/// A 304 of this second.
fn confirms(second: i64, fields: &str) -> Reply {
    not_modified(&format!("date: {}\r\n{fields}", date(second)))
}

const CONFIRMED: &str = "fwd=stale; fwd-status=304; stored; level=2; route=default";

#[tokio::test]
async fn rfc9111_section_4_3_4_a_304_brings_the_fields_up_to_date_and_keeps_the_content() {
    let (proxy, origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\nx-version: 1\r\nx-kept: yes\r\n", "hello"),
        confirms(10, "etag: \"a\"\r\ncache-control: max-age=20\r\nx-version: 2\r\nx-version: 3\r\n"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    let confirmed = proxy.get("/x").send().await;
    assert_eq!((confirmed.status.as_u16(), confirmed.cache().as_str()), (200, CONFIRMED));
    assert_eq!((confirmed.text().as_str(), confirmed.field("x-version").as_str()), ("hello", "2, 3"));
    assert_eq!(origin.seen()[1].field("if-none-match"), Some("\"a\""));
    proxy.advance(secs(5));
    let hit = proxy.get("/x").send().await;
    assert_eq!(hit.cache(), "hit; ttl=15; level=2; route=default");
    assert_eq!((hit.text().as_str(), hit.field("x-version").as_str()), ("hello", "2, 3"));
    assert_eq!((hit.field("x-kept").as_str(), hit.field("age").as_str()), ("yes", "5"));
    assert_eq!(hit.field("via"), "1.1 plimsoll", "Via does not grow with each validation");
}

#[tokio::test]
async fn rfc9111_section_4_3_1_a_response_without_an_entity_tag_is_validated_by_its_date() {
    let modified = format!("last-modified: {}\r\ncache-control: max-age=10\r\n", date(-500));
    let (proxy, origin) = letter([ok(&modified, "hello"), confirms(10, "")]).await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    let confirmed = proxy.get("/x").send().await;
    assert_eq!((confirmed.cache().as_str(), confirmed.text().as_str()), (CONFIRMED, "hello"));
    let seen = &origin.seen()[1];
    assert_eq!(
        (seen.field("if-modified-since"), seen.field("if-none-match")),
        (Some(date(-500).as_str()), None)
    );
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=10; level=2; route=default");
}

#[tokio::test]
async fn on_a_declared_route_a_304_renews_the_ttl() {
    let origin =
        scripted(in_turn([ok("etag: W/\"a\"\r\n", "hello"), confirms(30, "etag: W/\"a\"\r\n")])).await;
    let proxy = proxy()
        .route("name = 'x'\npath = '/x'\nlevel = 'changing'\nttl = '30s'")
        .start(origin.address, &clock())
        .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(30));
    let confirmed = proxy.get("/x").send().await;
    assert_eq!(confirmed.cache(), "fwd=stale; fwd-status=304; stored; level=2; route=x");
    assert_eq!(confirmed.text(), "hello");
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=30; level=2; route=x");
}

#[tokio::test]
async fn rfc9111_section_3_2_a_304_does_not_change_the_framing_of_what_is_stored() {
    let (proxy, _origin) = letter([
        ok("etag: \"a\"\r\ncontent-type: text/plain\r\ncache-control: max-age=10\r\n", "hello"),
        confirms(
            10,
            "etag: \"a\"\r\ncontent-length: 999\r\ncontent-encoding: br\r\ncontent-type: text/html\r\n",
        ),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    for expected in [CONFIRMED, "hit; ttl=10; level=2; route=default"] {
        let answer = proxy.get("/x").send().await;
        assert_eq!((answer.cache().as_str(), answer.text().as_str()), (expected, "hello"));
        assert_eq!(
            (answer.field("content-length"), answer.field("content-encoding")),
            ("5".into(), String::new())
        );
        assert_eq!(answer.field("content-type"), "text/html", "that is no matter of framing");
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_4_a_304_for_another_entity_tag_is_asked_for_again_without_a_condition() {
    let (proxy, origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\n", "old"),
        not_modified("etag: \"b\"\r\n"),
        ok("etag: \"b\"\r\ncache-control: max-age=10\r\n", "new"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    let renewed = proxy.get("/x").send().await;
    assert_eq!((renewed.text().as_str(), renewed.field("etag").as_str()), ("new", "\"b\""));
    assert_eq!(renewed.cache(), "fwd=stale; stored; level=2; route=default");
    let conditions: Vec<_> =
        origin.seen().iter().map(|seen| seen.field("if-none-match").map(str::to_owned)).collect();
    assert_eq!(conditions, [None, Some("\"a\"".to_owned()), None]);
    assert_eq!(proxy.get("/x").send().await.text(), "new");
}

#[tokio::test]
async fn rfc9110_section_15_4_5_a_304_to_a_request_without_a_condition_is_nonsense_and_never_stored() {
    let declared = "name = 'x'\npath = '/{*rest}'\nlevel = 'changing'\nttl = '30s'";
    for builder in [proxy(), proxy().route(declared)] {
        let origin = scripted(in_turn([
            not_modified("etag: \"a\"\r\ncache-control: max-age=60\r\n"),
            ok("cache-control: max-age=60\r\n", "hello"),
        ]))
        .await;
        let proxy = builder.start(origin.address, &clock()).await;
        let refused = proxy.get("/x").send().await;
        assert_eq!(refused.status, 502);
        assert_eq!(refused.json()["type"], "urn:plimsoll:problem:origin-nonsense");
        assert_eq!(proxy.get("/x").send().await.text(), "hello");
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_2_a_client_gets_its_own_304_from_the_store_before_and_after_a_validation() {
    let (proxy, origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\n", "hello"),
        confirms(10, "etag: \"a\"\r\n"),
    ])
    .await;
    proxy.get("/x").send().await;
    for _ in 0..2 {
        let answer = proxy.get("/x").field("if-none-match", "\"a\"").send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (304, ""));
        assert_eq!(answer.field("etag"), "\"a\"");
        proxy.advance(secs(10));
    }
    assert_eq!(origin.count(), 2, "the second of them was stale");
    let other = proxy.get("/y").field("if-none-match", "\"z\"").send().await;
    assert_eq!(other.status, 304, "a condition of the client's own is the origin's to answer");
    assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"z\""));
}

#[tokio::test]
async fn rfc9111_section_4_3_3_a_full_answer_replaces_what_was_stored() {
    let (proxy, origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\nx-old: 1\r\n", "old"),
        ok("etag: \"b\"\r\ncache-control: max-age=20\r\n", "new"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    for expected in ["fwd=stale; stored; level=2; route=default", "hit; ttl=20; level=2; route=default"] {
        let answer = proxy.get("/x").send().await;
        assert_eq!((answer.cache().as_str(), answer.text().as_str()), (expected, "new"));
        assert_eq!((answer.field("etag").as_str(), answer.field("x-old").as_str()), ("\"b\"", ""));
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn rfc9111_section_4_3_3_an_answer_that_may_not_be_stored_is_passed_on_in_place_of_a_stale_one() {
    let (proxy, _origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\n", "old"),
        ok("cache-control: no-store\r\n", "new"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    for _ in 0..2 {
        let answer = proxy.get("/x").send().await;
        assert_eq!(answer.text(), "new");
        assert!(answer.cache().ends_with("detail=response-no-store"), "{}", answer.cache());
    }
}

#[tokio::test]
async fn rfc5861_section_3_inside_its_window_a_stale_response_is_served_while_one_request_refreshes_it() {
    let go = Arc::new(Notify::new());
    let old = ok("cache-control: max-age=10, stale-while-revalidate=30\r\n", "old");
    let new = b"HTTP/1.1 200 OK\r\ncache-control: max-age=10\r\ncontent-length: 3\r\n\r\nnew".to_vec();
    let (proxy, origin) = letter([old, Reply::Wait(Vec::new(), Arc::clone(&go), new)]).await;
    proxy.get("/x").send().await;
    proxy.advance(secs(13));
    for _ in 0..5 {
        let stale = proxy.get("/x").send().await;
        assert_eq!(stale.cache(), "hit; ttl=-3; level=2; route=default");
        assert_eq!((stale.text().as_str(), stale.field("age").as_str()), ("old", "13"));
    }
    origin.arrived(2).await;
    go.notify_one();
    let fresh = until(|| proxy.get("/x").send(), |answer| answer.text() == "new").await;
    assert_eq!(
        (fresh.cache().as_str(), fresh.field("age").as_str()),
        ("hit; ttl=10; level=2; route=default", "0")
    );
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn rfc5861_section_3_a_refresh_in_the_background_may_be_a_304() {
    let (proxy, origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10, stale-while-revalidate=30\r\n", "hello"),
        confirms(11, "etag: \"a\"\r\n"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(11));
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=-1; level=2; route=default");
    let fresh = until(|| proxy.get("/x").send(), |answer| !answer.cache().contains("ttl=-")).await;
    assert_eq!(fresh.cache(), "hit; ttl=10; level=2; route=default");
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn rfc5861_section_3_outside_its_window_a_stale_response_waits_for_the_origin() {
    let (proxy, _origin) = letter([
        ok("cache-control: max-age=10, stale-while-revalidate=30\r\n", "old"),
        ok("cache-control: max-age=10\r\n", "new"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(40));
    assert_eq!(proxy.get("/x").send().await.cache(), "fwd=stale; stored; level=2; route=default");
}

#[tokio::test]
async fn a_route_may_give_the_windows_that_the_origin_does_not() {
    let origin = scripted(in_turn([ok("", "old"), Reply::Reset(Vec::new())])).await;
    let windows = "stale_while_revalidate = '10s'\nstale_if_error = '60s'";
    let proxy = proxy()
        .route(&format!("name = 'x'\npath = '/x'\nlevel = 'changing'\nttl = '30s'\n{windows}"))
        .start(origin.address, &clock())
        .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(35));
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=-5; level=2; route=x");
    proxy.advance(secs(35));
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=-40; level=2; route=x; detail=stale-if-error");
}

const FAILING: &str = "cache-control: max-age=10, stale-if-error=30\r\n";

#[tokio::test]
async fn rfc5861_section_4_a_stale_response_stands_in_for_a_server_error_inside_its_window() {
    for status in ["500 Broken", "502 Bad Gateway", "503 Unavailable", "504 Gateway Timeout"] {
        let (proxy, origin) = letter([ok(FAILING, "old"), answer_with(status, "", "oops")]).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(13));
        let stale = proxy.get("/x").send().await;
        assert_eq!(stale.cache(), "hit; ttl=-3; level=2; route=default; detail=stale-if-error", "{status}");
        assert_eq!((stale.status.as_u16(), stale.text().as_str()), (200, "old"));
        assert_eq!(stale.field("age"), "13");
        proxy.advance(secs(27));
        let failed = proxy.get("/x").send().await;
        assert_eq!(
            (failed.status.as_str(), failed.text().as_str()),
            (&status[..3], "oops"),
            "the window is over"
        );
        assert_eq!(origin.count(), 3);
    }
}

#[tokio::test]
async fn rfc5861_section_4_a_stale_response_does_not_stand_in_for_an_answer_that_is_no_failure() {
    for status in ["404 Not Found", "410 Gone", "403 Forbidden"] {
        let (proxy, _origin) = letter([ok(FAILING, "old"), answer_with(status, "", "no more")]).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(13));
        assert_eq!(proxy.get("/x").send().await.text(), "no more", "{status}");
    }
}

#[tokio::test]
async fn rfc5861_section_4_a_stale_response_stands_in_for_an_origin_that_is_gone() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let asking = tokio::spawn(proxy.get("/x").send());
    let mut line = origin.accept().await;
    line.head().await;
    line.send(format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n{FAILING}\r\nold")).await;
    assert_eq!(asking.await.expect("an answer").text(), "old");
    line.close().await;
    let _unheard = origin.leave();
    proxy.advance(secs(13));
    let stale = proxy.get("/x").send().await;
    assert_eq!(stale.cache(), "hit; ttl=-3; level=2; route=default; detail=stale-if-error");
    proxy.advance(secs(27));
    assert_eq!(proxy.get("/x").send().await.status, 502);
}

#[tokio::test]
async fn rfc5861_section_4_a_stale_response_stands_in_for_an_origin_that_says_nothing() {
    for (silence, status) in [(Reply::Stall(Vec::new()), 504), (Reply::Reset(Vec::new()), 502)] {
        let origin = scripted(in_turn([ok(FAILING, "old"), silence])).await;
        let proxy = proxy().origin("response_timeout = '200ms'").start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(13));
        let stale = proxy.get("/x").send().await;
        assert_eq!(stale.cache(), "hit; ttl=-3; level=2; route=default; detail=stale-if-error");
        proxy.advance(secs(27));
        assert_eq!(proxy.get("/x").send().await.status, status);
    }
}

#[tokio::test]
async fn rfc9111_section_4_2_4_must_revalidate_closes_both_windows() {
    for directive in ["must-revalidate", "proxy-revalidate", "no-cache"] {
        let fields = format!(
            "etag: \"a\"\r\ncache-control: max-age=10, {directive}, stale-while-revalidate=30, stale-if-error=30\r\n"
        );
        let (proxy, _origin) = letter([ok(&fields, "old"), answer_with("503 Unavailable", "", "oops")]).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(13));
        let failed = proxy.get("/x").send().await;
        assert_eq!((failed.status.as_u16(), failed.text().as_str()), (503, "oops"), "{directive}");
        assert!(failed.cache().starts_with("fwd=stale"), "{directive}: {}", failed.cache());
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_2_a_routes_windows_yield_to_must_revalidate() {
    let origin =
        scripted(in_turn([ok("cache-control: must-revalidate\r\n", "old"), Reply::Reset(Vec::new())])).await;
    let windows = "stale_while_revalidate = '60s'\nstale_if_error = '60s'";
    let proxy = proxy()
        .route(&format!("path = '/x'\nlevel = 'changing'\nttl = '30s'\n{windows}"))
        .start(origin.address, &clock())
        .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(31));
    assert_eq!(proxy.get("/x").send().await.status, 502);
}

#[tokio::test]
async fn rfc9110_section_6_6_1_a_304_without_a_date_counts_from_its_receipt() {
    let (proxy, origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\n", "hello"),
        not_modified("etag: \"a\"\r\n"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    assert_eq!(proxy.get("/x").send().await.cache(), CONFIRMED);
    let hit = proxy.get("/x").send().await;
    assert_eq!(hit.cache(), "hit; ttl=10; level=2; route=default");
    assert_eq!((hit.field("age"), hit.field("date")), ("0".to_owned(), date(10)));
    assert_eq!(origin.count(), 2);
}
