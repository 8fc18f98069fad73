//! RFC 9111 section 5.2.2.5: `no-store` wins beside whatever else is said, in a new response as in a 304.

use super::{hold, letter};
use crate::support::{date, not_modified, ok, secs};

const REFUSED: &str = "fwd=uri-miss; response-no-store";

#[tokio::test]
async fn rfc9111_section_5_2_2_5_no_other_directive_outweighs_it() {
    for beside in [
        "no-store, max-age=60",
        "max-age=60, no-store",
        "s-maxage=60, no-store, public",
        "public, NO-Store, must-revalidate",
        "no-store=1, max-age=60",
        "no-store=\"x-a\", max-age=60",
        "no-store, no-cache",
        "immutable, max-age=60, no-store",
        "no-store, stale-while-revalidate=60, stale-if-error=60, max-age=0",
        "max-age=60|cache-control: no-store",
        "no-store|cache-control: max-age=60",
        ", ,no-store,,max-age=60",
        "max-age=\"60, no-store",
    ] {
        let expires = date(100);
        hold("200 OK", &[(&format!("cache-control: {beside}|etag: \"a\"|expires: {expires}|"), REFUSED)])
            .await;
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_5_another_word_that_holds_it_is_not_it() {
    for beside in ["x-no-store", "no-store-please", "x=\"no-store\"", "x=\"a, no-store, b\"", "x=no-store"] {
        hold("200 OK", &[(&format!("cache-control: {beside}, max-age=60|"), "hit; ttl=60")]).await;
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_5_a_newer_response_that_is_not_stored_answers_its_client_alone() {
    for newer in ["no-store", "no-store, max-age=0", "no-store, max-age=60"] {
        let (proxy, origin) = letter([
            ok("cache-control: max-age=60\r\netag: \"a\"\r\n", "old"),
            ok(&format!("cache-control: {newer}\r\netag: \"b\"\r\n"), "new"),
        ])
        .await;
        proxy.get("/x").send().await;
        let forced = proxy.get("/x").field("cache-control", "no-cache").send().await;
        assert_eq!(
            (forced.text().as_str(), forced.said().as_str()),
            ("new", "fwd=request; response-no-store")
        );
        // The newer one left no trace, and what it has outdated is gone: the next request has the origin's last word too.
        let next = proxy.get("/x").send().await;
        assert_eq!((next.text().as_str(), next.field("etag").as_str()), ("new", "\"b\""));
        assert_eq!(origin.count(), 3);
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_5_once_stale_the_older_response_is_of_no_use_beside_a_newer_one_that_is_not_stored()
 {
    let (proxy, origin) = letter([
        ok("cache-control: max-age=10\r\n", "old"),
        ok("cache-control: no-store, max-age=60\r\n", "new"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    for n in 2..5 {
        assert_eq!(proxy.get("/x").send().await.text(), "new");
        assert_eq!(origin.count(), n);
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_5_a_304_that_forbids_storing_ends_what_was_stored() {
    for forbids in ["no-store", "max-age=60, no-store", "private, max-age=60"] {
        let (proxy, origin) = letter([
            ok("cache-control: max-age=10, stale-if-error=600\r\netag: \"a\"\r\n", "old"),
            not_modified(&format!("cache-control: {forbids}\r\netag: \"a\"\r\n")),
            ok(&format!("cache-control: {forbids}\r\netag: \"a\"\r\n"), "asked for whole"),
            ok(&format!("cache-control: {forbids}\r\netag: \"a\"\r\n"), "asked for again"),
        ])
        .await;
        proxy.get("/x").send().await;
        proxy.advance(secs(10));
        assert_eq!(proxy.get("/x").send().await.text(), "asked for whole", "{forbids}");
        assert_eq!(proxy.get("/x").send().await.text(), "asked for again", "{forbids}");
        let conditions: Vec<_> =
            origin.seen().iter().map(|seen| seen.field("if-none-match").is_some()).collect();
        assert_eq!(conditions, [false, true, false, false], "nothing is left to be validated");
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_1_5_of_a_request_it_neither_stores_the_answer_nor_uses_what_is_stored() {
    let (proxy, origin) = letter([
        ok("cache-control: max-age=60\r\n", "first"),
        ok("cache-control: max-age=60\r\n", "second"),
        ok("cache-control: max-age=60\r\n", "third"),
    ])
    .await;
    let unstored = || proxy.get("/x").field("cache-control", "no-store");
    assert_eq!(unstored().send().await.text(), "first");
    assert_eq!(proxy.get("/x").send().await.text(), "second");
    assert_eq!(unstored().send().await.text(), "third");
    assert_eq!(proxy.get("/x").send().await.text(), "second");
    assert_eq!(origin.count(), 3);
}
