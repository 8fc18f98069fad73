//! RFC 9111 section 5.2.2.3: `must-understand` limits storing to statuses whose caching is understood, and where it is, it
//! takes the `no-store` beside it back.

use super::{hold, letter};
use crate::support::{ok, secs};

#[tokio::test]
async fn rfc9111_section_5_2_2_3_no_store_beside_it_is_for_caches_that_do_not_understand() {
    for control in [
        "must-understand, no-store, max-age=60",
        "no-store, must-understand, max-age=60",
        "max-age=60, No-Store, Must-Understand",
        "no-store|cache-control: must-understand, max-age=60",
    ] {
        for status in ["200 OK", "203 Nonauthoritative", "301 Moved", "404 Not Found", "410 Gone"] {
            hold(status, &[(&format!("cache-control: {control}|"), "hit; ttl=60")]).await;
        }
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_3_a_status_that_is_not_understood_is_not_stored() {
    for status in ["299 Odd", "399 Odd", "499 Odd", "599 Odd"] {
        hold(
            status,
            &[
                ("cache-control: max-age=60|", "hit; ttl=60"),
                ("cache-control: must-understand, max-age=60|", "fwd=uri-miss; must-understand"),
                ("cache-control: must-understand, max-age=60, no-store|", "fwd=uri-miss; must-understand"),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_3_it_takes_back_no_other_prohibition() {
    hold(
        "200 OK",
        &[
            (
                "cache-control: must-understand, no-store, private, max-age=60|",
                "fwd=bypass; response-private",
            ),
            ("cache-control: must-understand, no-store|", "fwd=uri-miss; no-freshness"),
            ("cache-control: must-understand, no-store, no-cache, max-age=60|", "fwd=stale; stored"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9111_section_5_2_2_3_what_was_stored_thanks_to_it_is_validated_like_anything_else() {
    let (proxy, origin) =
        letter([ok("cache-control: must-understand, no-store, max-age=10\r\netag: \"a\"\r\n", "hello")])
            .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    assert_eq!(proxy.get("/x").send().await.said(), "fwd=stale; stored");
    assert_eq!(origin.seen()[1].field("if-none-match"), Some("\"a\""));
}
