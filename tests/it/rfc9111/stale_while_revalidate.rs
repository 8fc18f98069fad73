//! RFC 5861 section 3: inside its window a stale response is served at once and refreshed meanwhile; the window begins
//! where the lifetime ends.

use super::{hold, letter};
use crate::support::{Reply, answer_with, ok, secs, until};

#[tokio::test]
async fn rfc5861_section_3_the_window_begins_where_the_lifetime_ends_and_has_an_end() {
    for (control, age, seconds, expected) in [
        ("max-age=10, stale-while-revalidate=20", "0", 9, "hit; ttl=1"),
        ("max-age=10, stale-while-revalidate=20", "0", 10, "hit; ttl=0"),
        ("max-age=10, stale-while-revalidate=20", "0", 29, "hit; ttl=-19"),
        ("max-age=10, stale-while-revalidate=20", "0", 30, "fwd=stale; stored"),
        // Time that was spent on the way counts.
        ("max-age=10, stale-while-revalidate=20", "15", 0, "hit; ttl=-5"),
        ("max-age=10, stale-while-revalidate=20", "15", 15, "fwd=stale; stored"),
        ("max-age=0, stale-while-revalidate=20", "0", 5, "hit; ttl=-5"),
        ("max-age=99, s-maxage=10, stale-while-revalidate=20", "0", 15, "hit; ttl=-5"),
        ("s-maxage=1, stale-while-revalidate=59", "0", 30, "hit; ttl=-29"),
        ("s-maxage=1, stale-while-revalidate=59", "0", 60, "fwd=stale; stored"),
        ("max-age=10, stale-while-revalidate=99999999999999999999", "0", 86_400, "hit; ttl=-86390"),
    ] {
        let fields = format!("cache-control: {control}\r\nage: {age}\r\n");
        let (proxy, _origin) = letter([ok(&fields, "hello")]).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(seconds));
        assert_eq!(proxy.get("/x").send().await.said(), expected, "{control}, age {age}, after {seconds} s");
    }
}

#[tokio::test]
async fn rfc5861_section_3_a_window_that_cannot_be_read_or_is_empty_is_none() {
    for window in ["stale-while-revalidate", "stale-while-revalidate=", "stale-while-revalidate=-5"] {
        hold("200 OK", &[(&format!("cache-control: max-age=0, {window}|"), "fwd=stale; stored")]).await;
    }
    for window in ["stale-while-revalidate=0", "stale-while-revalidate=1.5", "stale-while-revalidate=a9"] {
        hold("200 OK", &[(&format!("cache-control: max-age=0, {window}|"), "fwd=stale; stored")]).await;
    }
}

#[tokio::test]
async fn rfc5861_section_3_a_window_alone_is_no_lifetime() {
    hold("200 OK", &[("cache-control: stale-while-revalidate=60|", "fwd=uri-miss; no-freshness")]).await;
}

#[tokio::test]
async fn rfc9111_section_5_2_1_a_request_that_wants_better_gets_it_inside_the_window() {
    for demand in ["no-cache", "max-age=5", "max-age=60", "min-fresh=1"] {
        let (proxy, origin) = letter([
            ok("cache-control: max-age=10, stale-while-revalidate=60\r\n", "old"),
            ok("cache-control: max-age=10\r\n", "new"),
        ])
        .await;
        proxy.get("/x").send().await;
        proxy.advance(secs(15));
        let answer = proxy.get("/x").field("cache-control", demand).send().await;
        assert_eq!((answer.text().as_str(), origin.count()), ("new", 2), "{demand}");
    }
}

#[tokio::test]
async fn rfc5861_section_3_a_refresh_that_fails_leaves_the_stale_response_in_its_window_and_is_tried_again() {
    for failure in [Reply::Reset(Vec::new()), answer_with("500 Broken", "", "oops")] {
        let (proxy, origin) = letter([
            ok("cache-control: max-age=10, stale-while-revalidate=60\r\n", "old"),
            failure.clone(),
            failure.clone(),
            failure,
            ok("cache-control: max-age=10\r\n", "new"),
        ])
        .await;
        proxy.get("/x").send().await;
        proxy.advance(secs(15));
        let renewed = until(
            || proxy.get("/x").send(),
            |answer| {
                let is_new = answer.text() == "new";
                assert!(is_new || answer.said() == "hit; ttl=-5", "{}", answer.cache());
                is_new
            },
        )
        .await;
        assert_eq!(renewed.said(), "hit; ttl=10");
        assert_eq!(origin.count(), 5, "each of the failures was one try");
    }
}

#[tokio::test]
async fn rfc5861_section_3_a_head_is_answered_from_the_window_as_well() {
    let (proxy, _origin) =
        letter([ok("cache-control: max-age=10, stale-while-revalidate=60\r\netag: \"a\"\r\n", "hello")])
            .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(15));
    let head = proxy.get("/x").method("HEAD").send().await;
    assert_eq!((head.said().as_str(), head.field("content-length").as_str()), ("hit; ttl=-5", "5"));
}
