//! RFC 9111 section 5.2.1: what a request demands holds also where a stale response could stand in for an error.

use super::letter;
use crate::support::{Reply, answer_with, ok, secs};

#[tokio::test]
async fn rfc9111_section_5_2_1_1_a_request_that_limits_the_age_gets_nothing_stale_in_the_place_of_an_error() {
    for failure in [Reply::Reset(Vec::new()), answer_with("503 Unavailable", "", "oops")] {
        let old = ok("cache-control: max-age=10, stale-if-error=60\r\n", "old");
        let (proxy, _origin) = letter([old, failure]).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(20));
        let plain = proxy.get("/x").send().await;
        assert_eq!(plain.said(), "hit; ttl=-10; stale-if-error");
        // Its age is within the limit, and it is stale all the same.
        let demanding = proxy.get("/x").field("cache-control", "max-age=30").send().await;
        assert!(demanding.status.is_server_error(), "{}", demanding.status);
        let lenient = proxy.get("/x").field("cache-control", "max-age=30, max-stale=5").send().await;
        assert_eq!(lenient.said(), "hit; ttl=-10; stale-if-error");
    }
}
