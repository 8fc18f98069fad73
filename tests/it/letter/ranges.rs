//! Ranges of what is stored whole, one or several (RFC 9110 sections 14.2 and 15.3.7).

use super::{HIT, MISS};
use crate::support::{Answer, Proxy, Reply, answer_with, clock, date, in_turn, ok, proxy, scripted};

const CONTENT: &str = "0123456789";
const FIELDS: &str = "etag: \"a\"\r\ncache-control: max-age=60\r\ncontent-type: text/plain\r\n";

/// A proxy that has stored this answer.
async fn stored(reply: Reply) -> Proxy {
    let origin = scripted(in_turn([reply])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    assert_eq!(proxy.get("/x").send().await.cache(), MISS);
    proxy
}

async fn range(proxy: &Proxy, range: &str) -> Answer {
    proxy.get("/x").field("range", &format!("bytes={range}")).send().await
}

#[tokio::test]
async fn rfc9110_section_15_3_7_2_several_ranges_are_one_answer_in_parts() {
    let proxy = stored(ok(FIELDS, CONTENT)).await;
    let answer = range(&proxy, "8-9, 0-1, 20-30, 1-2").await;
    assert_eq!((answer.status.as_u16(), answer.cache().as_str()), (206, HIT));
    assert_eq!((answer.field("etag").as_str(), answer.field("content-range").as_str()), ("\"a\"", ""));
    let content_type = answer.field("content-type");
    let boundary = content_type.strip_prefix("multipart/byteranges; boundary=").expect("a boundary");
    let part = |range, text| {
        format!(
            "--{boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes {range}/10\r\n\r\n{text}\r\n"
        )
    };
    let expected = [part("8-9", "89"), part("0-2", "012"), format!("--{boundary}--\r\n")].concat();
    assert_eq!(answer.text(), expected);
    assert_eq!(answer.field("content-length"), expected.len().to_string());
    assert_ne!(range(&proxy, "8-9,0-1").await.field("content-type"), content_type, "chance made it");
}

#[tokio::test]
async fn rfc9110_section_15_3_7_2_several_ranges_that_come_to_one_are_a_plain_part() {
    let proxy = stored(ok(FIELDS, CONTENT)).await;
    for (asked, text, content_range) in [
        ("20-30,4-5", "45", "bytes 4-5/10"),
        ("0-3,2-5", "012345", "bytes 0-5/10"),
        ("0-,-1", CONTENT, "bytes 0-9/10"),
    ] {
        let answer = range(&proxy, asked).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (206, text), "{asked}");
        assert_eq!(answer.field("content-range"), content_range, "{asked}");
        assert_eq!(answer.field("content-type"), "text/plain", "{asked}");
    }
    let none = range(&proxy, "20-30,10-").await;
    assert_eq!((none.status.as_u16(), none.field("content-range").as_str()), (416, "bytes */10"));
}

#[tokio::test]
async fn a_thousand_ranges_are_the_whole() {
    let proxy = stored(ok(FIELDS, CONTENT)).await;
    let answer = range(&proxy, &vec!["0-0"; 1000].join(",")).await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, CONTENT));
}

#[tokio::test]
async fn several_ranges_of_what_is_encoded_are_the_whole() {
    let encoded = format!("{FIELDS}content-encoding: gzip\r\n");
    let proxy = stored(ok(&encoded, CONTENT)).await;
    let answer = range(&proxy, "0-1,4-5").await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, CONTENT));
    let one = range(&proxy, "0-1").await;
    assert_eq!((one.status.as_u16(), one.text().as_str()), (206, "01"));
}

#[tokio::test]
async fn rfc9110_section_14_2_several_ranges_yield_to_head_and_to_conditions() {
    let proxy = stored(ok(FIELDS, CONTENT)).await;
    let ask = || proxy.get("/x").field("range", "bytes=0-1,4-5");
    let head = ask().method("HEAD").send().await;
    assert_eq!((head.status.as_u16(), head.field("content-length").as_str()), (200, "10"));
    assert_eq!(ask().field("if-none-match", "\"a\"").send().await.status, 304);
    assert_eq!(ask().field("if-range", "\"a\"").send().await.status, 206);
    assert_eq!(ask().field("if-range", "\"b\"").send().await.status, 200);
}

#[tokio::test]
async fn what_is_still_on_its_way_answers_several_ranges_whole() {
    let origin = scripted(in_turn([ok(FIELDS, CONTENT)])).await;
    let proxy =
        proxy().route("path = '/x'\nlevel = 'changing'\nttl = '30s'").start(origin.address, &clock()).await;
    let first = range(&proxy, "0-1,4-5").await;
    assert_eq!((first.status.as_u16(), first.text().as_str()), (200, CONTENT));
    assert_eq!(range(&proxy, "0-1,4-5").await.status, 206);
}

#[tokio::test]
async fn rfc9110_section_13_1_5_if_range_by_date_wants_a_strong_one() {
    for (modified, status) in [(-1, 206), (0, 200)] {
        let fields = format!(
            "last-modified: {0}\r\ndate: {1}\r\ncache-control: max-age=60\r\n",
            date(modified),
            date(0)
        );
        let proxy = stored(ok(&fields, CONTENT)).await;
        let ask = proxy.get("/x").field("range", "bytes=0-1").field("if-range", &date(modified));
        assert_eq!(ask.send().await.status, status, "modified {modified} s after the response was made");
    }
}

#[tokio::test]
async fn rfc9111_section_3_3_a_stored_part_answers_several_ranges_within_it() {
    let fields = format!("{FIELDS}content-range: bytes 2-7/10\r\n");
    let origin = scripted(in_turn([answer_with("206 Partial Content", &fields, &CONTENT[2..8])])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    range(&proxy, "2-7").await;
    let answer = range(&proxy, "6-7,2-3").await;
    assert_eq!((answer.status.as_u16(), answer.cache().as_str()), (206, HIT));
    let text = answer.text();
    assert!(
        text.contains("bytes 6-7/10\r\n\r\n67\r\n--") && text.contains("bytes 2-3/10\r\n\r\n23\r\n--"),
        "{text}"
    );
    assert_ne!(range(&proxy, "6-7,0-3").await.cache(), HIT);
}
