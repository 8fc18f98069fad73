//! The fetch is for the whole representation: Range, If-None-Match and If-Modified-Since are answered from what is stored,
//! on a miss as on a hit, and never reach the origin.

use super::{HIT, MISS, with_route};
use crate::support::{Answer, Proxy, Scripted, ok, scripted};

const CONTENT: &str = "0123456789";

async fn house() -> (Scripted, Proxy) {
    let fields =
        "etag: \"tag\"\r\nlast-modified: Tue, 31 Dec 2013 00:00:00 GMT\r\ncontent-type: text/plain\r\n";
    let origin = scripted(move |_, _| ok(fields, CONTENT)).await;
    let proxy = with_route(origin.address, "").await;
    (origin, proxy)
}

/// The answers to a request with these fields, on a miss and on a hit; the origin has seen one whole request.
async fn miss_and_hit(fields: &[(&str, &str)]) -> [Answer; 2] {
    let (origin, proxy) = house().await;
    let ask = fields.iter().fold(proxy.get("/r/1"), |ask, (name, value)| ask.field(name, value));
    let answers = [ask.clone().send().await, ask.send().await];
    // The origin's status is told where the client gets another one (RFC 9211 section 2.4).
    let miss = if answers[0].status == 200 {
        MISS
    } else {
        "fwd=uri-miss; fwd-status=200; stored; level=2; route=r"
    };
    assert_eq!([answers[0].cache().as_str(), answers[1].cache().as_str()], [miss, HIT]);
    assert_eq!(proxy.get("/r/1").send().await.text(), CONTENT);
    assert_eq!(origin.count(), 1);
    let conditions = ["range", "if-range", "if-none-match", "if-modified-since"];
    assert!(conditions.iter().all(|name| origin.seen()[0].field(name).is_none()), "{:?}", origin.seen());
    answers
}

#[tokio::test]
async fn a_range_is_cut_from_the_whole() {
    for (range, part, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-1", "9", "bytes 9-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
    ] {
        for answer in miss_and_hit(&[("range", range)]).await {
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (206, part), "{range}");
            assert_eq!(answer.field("content-range"), content_range);
            assert_eq!(answer.field("content-length"), part.len().to_string());
            assert_eq!(answer.field("etag"), "\"tag\"");
        }
    }
}

#[tokio::test]
async fn a_range_beyond_the_end_is_416() {
    for answer in miss_and_hit(&[("range", "bytes=10-")]).await {
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (416, ""));
        assert_eq!(answer.field("content-range"), "bytes */10");
    }
}

#[tokio::test]
async fn a_range_that_is_not_understood_is_the_whole() {
    for range in ["bytes=", "bytes=4-2", "lines=1-2", "bytes=0-1,4-2"] {
        for answer in miss_and_hit(&[("range", range)]).await {
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, CONTENT), "{range}");
        }
    }
}

#[tokio::test]
async fn if_range_of_something_else_is_the_whole() {
    for (condition, status) in [
        ("\"tag\"", 206),
        ("\"other\"", 200),
        ("W/\"tag\"", 200),
        ("Tue, 31 Dec 2013 00:00:00 GMT", 206),
        ("Wed, 01 Jan 2014 00:00:00 GMT", 200),
    ] {
        for answer in miss_and_hit(&[("range", "bytes=0-0"), ("if-range", condition)]).await {
            assert_eq!(answer.status, status, "{condition}");
        }
    }
}

#[tokio::test]
async fn a_client_that_holds_the_answer_is_told_so() {
    for fields in [
        [("if-none-match", "\"x\", W/\"tag\"")].as_slice(),
        &[("if-none-match", "*")],
        &[("if-modified-since", "Tue, 31 Dec 2013 00:00:00 GMT")],
        // The condition comes before the range.
        &[("if-none-match", "\"tag\""), ("range", "bytes=0-0")],
    ] {
        for answer in miss_and_hit(fields).await {
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (304, ""), "{fields:?}");
            assert_eq!(answer.field("etag"), "\"tag\"");
            assert_eq!(answer.field("content-type"), "");
        }
    }
}

#[tokio::test]
async fn a_client_that_holds_something_else_gets_the_whole() {
    for fields in [
        [("if-none-match", "\"x\"")].as_slice(),
        &[("if-modified-since", "Mon, 30 Dec 2013 00:00:00 GMT")],
        &[("if-none-match", "\"x\""), ("if-modified-since", "Tue, 31 Dec 2013 00:00:00 GMT")],
        &[("if-modified-since", "no date")],
    ] {
        for answer in miss_and_hit(fields).await {
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, CONTENT), "{fields:?}");
        }
    }
}

#[tokio::test]
async fn head_ignores_range_and_heeds_conditions() {
    let (origin, proxy) = house().await;
    for _ in 0..2 {
        let ranged = proxy.get("/r/1").method("HEAD").field("range", "bytes=0-0").send().await;
        assert_eq!((ranged.status.as_u16(), ranged.field("content-length").as_str()), (200, "10"));
        let held = proxy.get("/r/1").method("HEAD").field("if-none-match", "\"tag\"").send().await;
        assert_eq!(held.status, 304);
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn an_answer_too_large_to_store_sends_the_clients_own_range() {
    let origin = scripted(|_, seen| match seen.field("range") {
        Some(_) => super::super::reply("206 Partial Content", "content-range: bytes 0-0/2000\r\n", "p"),
        None => ok("", &"x".repeat(2000)),
    })
    .await;
    let proxy = crate::support::proxy()
        .cache("max_object = '1 KiB'")
        .route(super::ROUTE)
        .start(origin.address, &crate::support::clock())
        .await;
    let ask = proxy.get("/r/1").field("range", "bytes=0-0");
    for n in [2, 3] {
        let answer = ask.clone().send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (206, "p"));
        assert_eq!(answer.cache(), "fwd=bypass; level=2; route=r; detail=too-large");
        assert_eq!(origin.count(), n);
    }
}
