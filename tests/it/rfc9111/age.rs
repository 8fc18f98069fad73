//! RFC 9111 sections 1.2.2 and 5.1: an Age so large that a counter might wrap makes a response old, and never young.

use super::{hold, letter};
use crate::support::{ok, secs};

/// Ages at the edges of the numbers that counters have.
const LARGE: [&str; 9] = [
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "4294967300",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
];

#[tokio::test]
async fn rfc9111_section_1_2_2_no_age_wraps_around_to_a_young_one() {
    for age in LARGE {
        let fields = format!("cache-control: max-age=3600|age: {age}|");
        hold("200 OK", &[(&fields, "fwd=stale; stored")]).await;
        let fields = format!("cache-control: max-age=3600|age: 000000{age}|");
        hold("200 OK", &[(&fields, "fwd=stale; stored")]).await;
    }
}

#[tokio::test]
async fn rfc9111_section_1_2_2_the_largest_lifetime_ends_with_the_largest_age() {
    let forever = "cache-control: max-age=99999999999999999999";
    hold(
        "200 OK",
        &[
            (&format!("{forever}|age: 2147483647|"), "hit; ttl=1"),
            (&format!("{forever}|age: 2147483648|"), "fwd=stale; stored"),
            (&format!("{forever}|age: 99999999999999999999|"), "fwd=stale; stored"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9111_section_5_1_a_large_age_is_told_on_and_grows_no_further_than_its_bound() {
    let (proxy, _origin) =
        letter([ok("cache-control: max-age=99999999999, x=y\r\nage: 2147483640\r\n", "hello")]).await;
    assert_eq!(proxy.get("/x").send().await.field("age"), "2147483640");
    proxy.advance(secs(5));
    let hit = proxy.get("/x").send().await;
    assert_eq!((hit.said().as_str(), hit.field("age").as_str()), ("hit; ttl=3", "2147483645"));
    for beyond in ["2147483648", "18446744073709551616"] {
        let fields = format!("cache-control: max-age=10\r\nage: {beyond}\r\n");
        let (proxy, _origin) = letter([ok(&fields, "hello")]).await;
        let passed = proxy.get("/x").send().await;
        assert_eq!(passed.field("age"), "2147483648");
        let stale = proxy.get("/x").field("cache-control", "max-stale").send().await;
        assert_eq!(stale.field("age"), "2147483648");
    }
}
