//! Partial content is stored, combined into larger parts and into the whole, and used for smaller ranges
//! (RFC 9111 sections 3.3 and 3.4).

use super::{HIT, MISS};
use crate::support::{
    Answer, Proxy, Reply, Scripted, Seen, answer_with, clock, in_turn, ok, proxy, scripted, secs,
};

const CONTENT: &str = "0123456789";
const PARTIAL: &str = "fwd=partial; stored; level=2; route=default";

/// The answer of an origin that knows ranges: of one range of the content, or the whole.
fn ranged(seen: &Seen, fields: &str) -> Reply {
    let Some(range) = seen.field("range").and_then(|range| range.strip_prefix("bytes=")) else {
        return ok(fields, CONTENT);
    };
    let (first, last) = range.split_once('-').expect("a range");
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => (first, last.min(CONTENT.len() - 1)),
        (Ok(first), Err(_)) => (first, CONTENT.len() - 1),
        (Err(_), Ok(last)) => (CONTENT.len() - last, CONTENT.len() - 1),
        (Err(_), Err(_)) => panic!("no range: {range}"),
    };
    let fields = format!("{fields}content-range: bytes {first}-{last}/{}\r\n", CONTENT.len());
    answer_with("206 Partial Content", &fields, &CONTENT[first..=last])
}

/// An origin that knows ranges and sends these fields, behind a proxy without routes.
async fn house(fields: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |_, seen| ranged(seen, fields)).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    (origin, proxy)
}

async fn part(proxy: &Proxy, range: &str) -> Answer {
    proxy.get("/x").field("range", &format!("bytes={range}")).send().await
}

fn told(answer: &Answer) -> (u16, String, String, String) {
    (answer.status.as_u16(), answer.text(), answer.field("content-range"), answer.cache())
}

fn is(status: u16, text: &str, range: &str, cache: &str) -> (u16, String, String, String) {
    (status, text.to_owned(), range.to_owned(), cache.to_owned())
}

const STRONG: &str = "etag: \"a\"\r\ncache-control: max-age=60\r\nx-one: 1\r\n";

#[tokio::test]
async fn rfc9111_section_3_3_a_stored_part_answers_ranges_within_it() {
    let (origin, proxy) = house(STRONG).await;
    let first = part(&proxy, "2-7").await;
    assert_eq!(told(&first), is(206, "234567", "bytes 2-7/10", MISS));
    for (range, text, content_range) in
        [("2-7", "234567", "bytes 2-7/10"), ("3-4", "34", "bytes 3-4/10"), ("7-7", "7", "bytes 7-7/10")]
    {
        let hit = part(&proxy, range).await;
        assert_eq!(told(&hit), is(206, text, content_range, HIT), "{range}");
        assert_eq!(hit.field("content-length"), text.len().to_string());
        assert_eq!(hit.field("x-one"), "1");
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn rfc9111_section_3_3_a_part_never_answers_what_it_does_not_hold() {
    let (origin, proxy) = house(STRONG).await;
    part(&proxy, "2-7").await;
    assert_eq!(told(&part(&proxy, "6-8").await), is(206, "678", "bytes 6-8/10", PARTIAL));
    assert_eq!(told(&part(&proxy, "-1").await), is(206, "9", "bytes 9-9/10", PARTIAL));
    let head = proxy.get("/x").method("HEAD").send().await;
    assert_eq!((head.status.as_u16(), head.field("content-length").as_str()), (200, "10"));
    assert_eq!(origin.seen()[3].line, "HEAD /x HTTP/1.1");
}

#[tokio::test]
async fn rfc9111_section_3_4_parts_with_a_strong_validator_grow_together() {
    let (origin, proxy) = house(STRONG).await;
    for (range, text) in [("0-2", "012"), ("6-9", "6789"), ("3-5", "345")] {
        assert_eq!(
            (part(&proxy, range).await.text(), part(&proxy, range).await.cache()),
            (text.into(), HIT.into())
        );
    }
    assert_eq!(told(&part(&proxy, "1-8").await), is(206, "12345678", "bytes 1-8/10", HIT));
    let whole = proxy.get("/x").send().await;
    assert_eq!(told(&whole), is(200, CONTENT, "", HIT));
    assert_eq!((whole.field("content-length").as_str(), whole.field("x-one").as_str()), ("10", "1"));
    let head = proxy.get("/x").method("HEAD").send().await;
    assert_eq!((head.cache().as_str(), head.field("content-length").as_str()), (HIT, "10"));
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn rfc9111_section_3_4_overlapping_parts_are_one() {
    let (origin, proxy) = house(STRONG).await;
    part(&proxy, "2-5").await;
    part(&proxy, "4-8").await;
    assert_eq!(told(&part(&proxy, "2-8").await), is(206, "2345678", "bytes 2-8/10", HIT));
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn rfc9111_section_3_4_parts_without_a_strong_validator_are_never_combined() {
    let weak = "etag: W/\"a\"\r\ncache-control: max-age=60\r\n";
    for (fields, tries) in [("cache-control: max-age=60\r\n", 1), (weak, 0)] {
        let (origin, proxy) = house(fields).await;
        part(&proxy, "0-4").await;
        part(&proxy, "5-9").await;
        assert_eq!(told(&part(&proxy, "5-9").await), is(206, "56789", "bytes 5-9/10", HIT), "{fields}");
        let cache = proxy.get("/x").send().await.cache();
        assert!(cache.starts_with("fwd=partial"), "{fields}: {cache}");
        assert_eq!(origin.count(), 3 + tries, "{fields}");
        assert_eq!(origin.seen()[2 + tries].field("range"), None, "{fields}: in the end the whole");
    }
}

#[tokio::test]
async fn rfc9111_section_3_4_a_part_of_a_new_representation_ends_the_old_one() {
    let origin = scripted(|number, seen| {
        ranged(seen, if number == 0 { STRONG } else { "etag: \"b\"\r\ncache-control: max-age=60\r\n" })
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    part(&proxy, "0-4").await;
    part(&proxy, "5-9").await;
    assert_eq!(part(&proxy, "0-4").await.cache(), PARTIAL, "what was of the old one is gone");
    assert_eq!(part(&proxy, "0-9").await.cache(), HIT, "the two of the new one are whole");
}

#[tokio::test]
async fn rfc9111_section_3_3_a_part_is_completed_by_what_it_lacks() {
    for (held, asked) in [("0-3", "bytes=4-"), ("6-9", "bytes=0-5")] {
        let (origin, proxy) = house(STRONG).await;
        part(&proxy, held).await;
        let whole = proxy.get("/x").send().await;
        assert_eq!(
            told(&whole),
            is(200, CONTENT, "", "fwd=partial; fwd-status=206; stored; level=2; route=default")
        );
        assert_eq!(whole.field("content-length"), "10");
        let seen = &origin.seen()[1];
        assert_eq!((seen.field("range"), seen.field("if-range")), (Some(asked), Some("\"a\"")));
        assert_eq!(told(&proxy.get("/x").send().await), is(200, CONTENT, "", HIT));
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn rfc9111_section_3_3_what_completes_a_part_and_is_cut_short_is_no_clean_end_and_is_not_stored() {
    let head = format!(
        "HTTP/1.1 206 Partial Content\r\ncontent-length: 6\r\n{STRONG}content-range: bytes 4-9/10\r\n\r\n4567"
    );
    let origin = scripted(move |number, seen| match number {
        1 => Reply::Close(head.clone().into_bytes()),
        _ => ranged(seen, STRONG),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    part(&proxy, "0-3").await;
    assert!(proxy.get("/x").try_send().await.is_err());
    assert_eq!(part(&proxy, "0-3").await.cache(), HIT, "what was held is still there");
    assert_eq!(part(&proxy, "0-7").await.status, 206, "and no more than that");
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn rfc9111_section_3_4_what_does_not_complete_a_part_is_asked_for_whole() {
    let other = "etag: \"b\"\r\ncache-control: max-age=60\r\n";
    let rows: [(&str, Reply); 5] = [
        ("the new representation", ok(other, "new")),
        (
            "bytes of another one",
            answer_with("206 Partial Content", &format!("{other}content-range: bytes 4-9/10\r\n"), "456789"),
        ),
        (
            "other bytes",
            answer_with("206 Partial Content", &format!("{STRONG}content-range: bytes 5-9/10\r\n"), "56789"),
        ),
        (
            "bytes of a longer one",
            answer_with("206 Partial Content", &format!("{STRONG}content-range: bytes 4-9/11\r\n"), "456789"),
        ),
        ("no bytes", answer_with("416 Range Not Satisfiable", "content-range: bytes */3\r\n", "")),
    ];
    for (what, reply) in rows {
        let first =
            answer_with("206 Partial Content", &format!("{STRONG}content-range: bytes 0-3/10\r\n"), "0123");
        let origin = scripted(in_turn([first, reply, ok(other, "new")])).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        part(&proxy, "0-3").await;
        let whole = proxy.get("/x").send().await;
        assert_eq!(told(&whole), is(200, "new", "", PARTIAL), "{what}");
        assert_eq!(told(&proxy.get("/x").send().await), is(200, "new", "", HIT), "{what}");
        let last = origin.seen().pop().expect("a request");
        assert_eq!(
            (last.field("range").is_some(), last.field("if-range").is_some()),
            (what.starts_with("the new"), what.starts_with("the new")),
            "{what}"
        );
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_4_a_stale_part_is_confirmed_like_anything_stored() {
    let origin = scripted(|_, seen| match seen.field("if-none-match") {
        Some(_) => answer_with("304 Not Modified", "etag: \"a\"\r\ncache-control: max-age=60\r\n", ""),
        None => ranged(seen, "etag: \"a\"\r\ncache-control: max-age=10\r\n"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    part(&proxy, "2-5").await;
    proxy.advance(secs(10));
    let confirmed = part(&proxy, "3-4").await;
    assert_eq!(
        told(&confirmed),
        is(206, "34", "bytes 3-4/10", "fwd=stale; fwd-status=304; stored; level=2; route=default")
    );
    assert_eq!(told(&part(&proxy, "2-5").await), is(206, "2345", "bytes 2-5/10", HIT));
}

#[tokio::test]
async fn rfc9110_section_13_1_5_if_range_of_another_representation_is_not_answered_from_a_part() {
    let (origin, proxy) = house(STRONG).await;
    part(&proxy, "2-5").await;
    let same = proxy.get("/x").field("range", "bytes=2-5").field("if-range", "\"a\"").send().await;
    assert_eq!(told(&same), is(206, "2345", "bytes 2-5/10", HIT));
    proxy.get("/x").field("range", "bytes=2-5").field("if-range", "\"b\"").send().await;
    assert_eq!(origin.seen()[1].field("if-range"), Some("\"b\""));
}

#[tokio::test]
async fn rfc9110_section_13_1_5_a_part_confirmed_with_another_date_is_not_for_if_range_with_the_old_one() {
    let old = "etag: \"a\"\r\nlast-modified: Mon, 06 Nov 2023 08:00:00 GMT\r\ncache-control: max-age=10\r\n";
    let new = "etag: \"a\"\r\nlast-modified: Tue, 07 Nov 2023 08:00:00 GMT\r\ncache-control: max-age=10\r\n";
    let origin = scripted(move |_, seen| match seen.field("if-none-match") {
        Some(_) => answer_with("304 Not Modified", new, ""),
        None if seen.field("if-range").is_some_and(|date| !date.starts_with("Tue")) => ok(new, CONTENT),
        None => ranged(seen, old),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    part(&proxy, "2-5").await;
    proxy.advance(secs(10));
    let resumed = proxy
        .get("/x")
        .field("range", "bytes=4-5")
        .field("if-range", "Mon, 06 Nov 2023 08:00:00 GMT")
        .send()
        .await;
    assert_eq!((resumed.status.as_u16(), resumed.text().as_str()), (200, CONTENT), "{}", resumed.cache());
}

#[tokio::test]
async fn what_is_no_part_that_can_be_placed_is_only_passed_on() {
    let fresh = "etag: \"a\"\r\ncache-control: max-age=60\r\n";
    let chunked = format!(
        "HTTP/1.1 206 Partial Content\r\ntransfer-encoding: chunked\r\n{fresh}content-range: bytes 0-1/10\r\n\r\n2\r\n01\r\n0\r\n\r\n"
    );
    let rows = [
        answer_with("206 Partial Content", fresh, "01"),
        answer_with("206 Partial Content", &format!("{fresh}content-range: bytes 0-1/*\r\n"), "01"),
        answer_with("206 Partial Content", &format!("{fresh}content-range: bytes 0-2/10\r\n"), "01"),
        answer_with(
            "206 Partial Content",
            &format!("{fresh}content-type: multipart/byteranges; boundary=x\r\n"),
            "01",
        ),
        answer_with("200 OK", &format!("{fresh}content-range: bytes 0-1/10\r\n"), "01"),
        Reply::Bytes(chunked.into_bytes()),
    ];
    for reply in rows {
        let origin = scripted(in_turn([reply.clone()])).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        for _ in 0..2 {
            let passed = part(&proxy, "0-1").await;
            let expected = "fwd=uri-miss; level=2; route=default; detail=partial-content";
            assert_eq!((passed.text().as_str(), passed.cache().as_str()), ("01", expected), "{reply:?}");
        }
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn a_part_that_reaches_the_end_is_believed_where_its_length_and_its_numbers_differ() {
    let origin = scripted(|_, seen| match seen.field("range") {
        Some("bytes=-6") => {
            answer_with("206 Partial Content", &format!("{STRONG}content-range: bytes 4-9/10\r\n"), "45678")
        }
        _ => ranged(seen, STRONG),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    assert_eq!(
        told(&part(&proxy, "-6").await),
        is(206, "45678", "bytes 4-9/10", MISS),
        "passed on as it came"
    );
    assert_eq!(told(&part(&proxy, "-1").await), is(206, "8", "bytes 8-8/9", HIT));
    part(&proxy, "0-3").await;
    let whole = proxy.get("/x").send().await;
    assert_eq!(whole.text(), CONTENT, "never put together with a part of another length");
}

#[tokio::test]
async fn rfc9111_section_4_4_a_stored_part_ends_with_a_write() {
    let (_origin, proxy) = house(STRONG).await;
    part(&proxy, "2-5").await;
    proxy.get("/x").method("DELETE").send().await;
    assert_eq!(part(&proxy, "2-5").await.cache(), MISS);
}

#[tokio::test]
async fn on_a_declared_route_the_whole_is_fetched_and_parts_are_cut_from_it() {
    let origin = scripted(|_, seen| ranged(seen, "etag: \"a\"\r\n")).await;
    let proxy = proxy()
        .route("name = 'x'\npath = '/x'\nlevel = 2\nttl = '60s'")
        .start(origin.address, &clock())
        .await;
    assert_eq!(part(&proxy, "2-5").await.text(), "2345");
    assert_eq!(
        told(&part(&proxy, "0-9").await),
        is(206, CONTENT, "bytes 0-9/10", "hit; ttl=60; level=2; route=x")
    );
    assert_eq!((origin.count(), origin.seen()[0].field("range")), (1, None));
}

#[tokio::test]
async fn rfc9110_section_15_3_7_3_bytes_without_the_same_validator_or_in_another_coding_complete_nothing() {
    let range = "content-range: bytes 4-9/10\r\ncache-control: max-age=60\r\n";
    for fields in [range.to_owned(), format!("{range}etag: \"a\"\r\ncontent-encoding: gzip\r\n")] {
        let origin = scripted(move |number, seen| match number {
            1 => answer_with("206 Partial Content", &fields, "XXXXXX"),
            _ => ranged(seen, STRONG),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        part(&proxy, "0-3").await;
        let whole = proxy.get("/x").send().await;
        assert_eq!(told(&whole), is(200, CONTENT, "", PARTIAL));
        assert_eq!(origin.count(), 3);
    }
}

#[tokio::test]
async fn rfc9110_section_15_3_7_3_the_whole_as_one_part_is_the_whole() {
    let (origin, proxy) = house(STRONG).await;
    let all = part(&proxy, "0-").await;
    assert_eq!(told(&all), is(206, CONTENT, "bytes 0-9/10", MISS));
    assert_eq!(told(&proxy.get("/x").send().await), is(200, CONTENT, "", HIT));
    assert_eq!(told(&part(&proxy, "3-4").await), is(206, "34", "bytes 3-4/10", HIT));
    assert_eq!(proxy.get("/x").method("HEAD").send().await.cache(), HIT);
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn rfc9530_section_2_a_digest_of_other_content_is_not_passed_on() {
    let fields = "content-digest: sha-256=:AA==:\r\ncontent-md5: AA==\r\nrepr-digest: sha-256=:BB==:\r\n";
    let origin = scripted(move |_, seen| ranged(seen, &format!("{STRONG}{fields}"))).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let digests = |answer: &Answer| {
        ["content-digest", "content-md5", "repr-digest"].map(|name| !answer.field(name).is_empty())
    };
    assert_eq!(digests(&part(&proxy, "0-3").await), [true, true, true], "as it came");
    assert_eq!(digests(&proxy.get("/x").send().await), [false, false, true], "put together");
    let other = proxy.get("/y").send().await;
    assert_eq!(digests(&other), [true, true, true]);
    let cut = proxy.get("/y").field("range", "bytes=0-1").send().await;
    assert_eq!((cut.status.as_u16(), digests(&cut)), (206, [false, false, true]));
    let several = proxy.get("/y").field("range", "bytes=0-1,4-5").send().await;
    assert_eq!((several.status.as_u16(), digests(&several)), (206, [false, false, true]));
}

#[tokio::test]
async fn rfc9110_section_15_5_17_a_416_is_about_one_range_and_never_stored() {
    let answer = |number: usize, _: &Seen| match number {
        0 => answer_with(
            "416 Range Not Satisfiable",
            "content-range: bytes */3\r\ncache-control: max-age=60\r\n",
            "",
        ),
        _ => ok("cache-control: max-age=60\r\nexpires: x\r\netag: \"a\"\r\n", CONTENT),
    };
    let origin = scripted(answer).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    assert_eq!(part(&proxy, "100-").await.status, 416);
    assert_eq!(told(&proxy.get("/x").send().await), is(200, CONTENT, "", MISS));
    let own = part(&proxy, "100-").await;
    assert_eq!((own.status.as_u16(), own.field("content-range").as_str()), (416, "bytes */10"));
    assert_eq!((own.field("cache-control").as_str(), own.field("etag").as_str()), ("no-store", ""));
    assert_eq!((own.field("expires").as_str(), own.field("content-type").as_str()), ("", ""));
}
