//! RFC 9111 sections 3.2, 4.3.4 and 4.3.5: a 304 brings Date, Expires and Age up to date, and the lifetime is counted anew
//! from what is there then. What is stored for another status than HEAD tells of is not brought up to date at all.

use super::{letter, lines};
use crate::support::{Answer, Reply, answer_with, date, not_modified, ok, secs};

/// What a response that was stored with these fields says when these of a 304 have confirmed it ten seconds later: to the
/// client whose request led to it, and to the next one.
async fn confirmed(stored: &str, update: &str) -> [Answer; 2] {
    let (proxy, _origin) = letter([
        ok(&lines(&format!("etag: \"a\"|{stored}")), "hello"),
        not_modified(&lines(&format!("etag: \"a\"|{update}"))),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    let first = proxy.get("/x").send().await;
    assert_eq!(
        (first.said().as_str(), first.text().as_str()),
        ("fwd=stale; fwd-status=304; stored", "hello")
    );
    [first, proxy.get("/x").send().await]
}

fn dated(second: i64) -> String {
    format!("date: {}|", date(second))
}

fn until(second: i64) -> String {
    format!("expires: {}|", date(second))
}

#[tokio::test]
async fn rfc9111_section_3_2_date_and_expires_of_a_304_take_the_place_of_the_stored_ones() {
    let stored = dated(0) + &until(10);
    for (update, date_now, expires_now, then) in [
        (dated(10) + &until(70), 10, 70, "hit; ttl=60"),
        // The lifetime is that from the one date to the other, and a clock of the origin's own changes nothing.
        (dated(9) + &until(69), 9, 69, "hit; ttl=59"),
        (dated(400) + &until(460), 400, 460, "hit; ttl=60"),
        (until(70), 10, 70, "hit; ttl=60"),
        (dated(10), 10, 10, "fwd=stale; fwd-status=304; stored"),
        (dated(10) + &until(10), 10, 10, "fwd=stale; fwd-status=304; stored"),
        (dated(10) + &until(-100), 10, -100, "fwd=stale; fwd-status=304; stored"),
    ] {
        let [first, second] = confirmed(&stored, &update).await;
        assert_eq!(second.said(), then, "{update}");
        for answer in [first, second] {
            assert_eq!((answer.field("date"), answer.field("expires")), (date(date_now), date(expires_now)));
            let lines = |name| answer.fields.get_all(name).iter().count();
            assert_eq!((lines("date"), lines("expires")), (1, 1), "{update}");
        }
    }
}

#[tokio::test]
async fn rfc9111_section_4_2_1_a_max_age_that_a_304_brings_goes_before_a_stored_expires() {
    let stored = dated(0) + &until(10);
    let [_, second] = confirmed(&stored, &(dated(10) + "cache-control: max-age=60|")).await;
    assert_eq!((second.said().as_str(), second.field("expires")), ("hit; ttl=60", date(10)));
}

#[tokio::test]
async fn rfc9111_section_4_2_1_a_stored_max_age_goes_before_an_expires_that_a_304_brings() {
    let stored = dated(0) + "cache-control: max-age=10|";
    let [_, second] = confirmed(&stored, &(dated(10) + &until(500))).await;
    assert_eq!((second.said().as_str(), second.field("expires")), ("hit; ttl=10", date(500)));
}

#[tokio::test]
async fn rfc9111_section_4_2_3_age_counts_from_the_confirmation_and_not_from_the_first_receipt() {
    let stored = dated(0) + "age: 3|cache-control: max-age=10|";
    let [_, second] = confirmed(&stored, &dated(10)).await;
    assert_eq!((second.said().as_str(), second.field("age").as_str()), ("hit; ttl=10", "0"));
    // Unless the 304 itself is old, or its date says so.
    let [_, second] = confirmed(&stored, &(dated(10) + "age: 4|")).await;
    assert_eq!((second.said().as_str(), second.field("age").as_str()), ("hit; ttl=6", "4"));
    let [_, second] = confirmed(&stored, &dated(8)).await;
    assert_eq!((second.said().as_str(), second.field("age").as_str()), ("hit; ttl=8", "2"));
}

#[tokio::test]
async fn rfc9111_section_4_2_2_a_guess_is_made_anew_from_the_newer_dates() {
    let stored = dated(0) + &format!("last-modified: {}|", date(-100));
    // A tenth of 110 seconds since the same Last-Modified, and a tenth of 1010 since another.
    let [_, second] = confirmed(&stored, &dated(10)).await;
    assert_eq!(second.said(), "hit; ttl=11");
    let [_, second] = confirmed(&stored, &(dated(10) + &format!("last-modified: {}|", date(-1000)))).await;
    assert_eq!((second.said().as_str(), second.field("last-modified")), ("hit; ttl=101", date(-1000)));
}

#[tokio::test]
async fn rfc9111_section_3_2_repeated_fields_of_a_304_arrive_as_they_were_sent() {
    let stored = dated(0) + "cache-control: max-age=10|x-list: a|x-list: b|x-kept: 1|x-kept: 2|";
    for answer in confirmed(&stored, &(dated(10) + "x-list: c|x-list: d|x-list: c|")).await {
        let lines =
            |name| answer.fields.get_all(name).iter().map(|line| line.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!((lines("x-list"), lines("x-kept")), (vec!["c", "d", "c"], vec!["1", "2"]));
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_5_a_200_to_head_does_not_speak_of_a_stored_404() {
    let (proxy, origin) = letter([
        answer_with("404 Not Found", "cache-control: max-age=10\r\n", "gone."),
        // As long as what is stored, and without a validator that would tell them apart.
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncache-control: max-age=10\r\n\r\n".to_vec()),
        ok("cache-control: max-age=10\r\n", "there"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    assert_eq!(proxy.get("/x").method("HEAD").send().await.status, 200);
    let answer = proxy.get("/x").send().await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str(), origin.count()), (200, "there", 3));
}

#[tokio::test]
async fn rfc9111_section_4_3_5_responses_that_head_brings_up_to_date_stay_in_their_order() {
    // No validator and no length tells the two apart, so HEAD speaks of both.
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncache-control: max-age=10\r\n\r\n".to_vec();
    let (proxy, origin) = letter([
        ok("cache-control: max-age=10\r\n", "old"),
        ok("cache-control: max-age=10\r\nvary: x-lang\r\n", "new"),
        Reply::Bytes(head),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    assert_eq!(proxy.get("/x").send().await.text(), "new");
    proxy.advance(secs(10));
    proxy.get("/x").method("HEAD").send().await;
    assert_eq!((proxy.get("/x").send().await.text().as_str(), origin.count()), ("new", 3));
}
