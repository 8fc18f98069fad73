//! Accept-Encoding is always explicit state: nobody gets content in a coding that it did not offer to read.

use super::{HIT, MISS, with_route};
use crate::support::{Proxy, Scripted, ok, scripted};

const VARY_MISS: &str = "fwd=vary-miss; stored; level=2; route=r";

/// An origin that codes where it may: gzip before br before nothing.
async fn coding(vary: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |_, seen| {
        let offered = seen.field("accept-encoding").unwrap_or_default();
        match ["gzip", "br"].into_iter().find(|coding| offered.contains(coding)) {
            Some(coding) => ok(&format!("{vary}content-encoding: {coding}\r\n"), &format!("in {coding}")),
            None => ok(vary, "plain"),
        }
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    (origin, proxy)
}

/// An origin that never codes.
async fn plain(vary: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |_, _| ok(vary, "plain")).await;
    let proxy = with_route(origin.address, "").await;
    (origin, proxy)
}

/// What each of these clients gets, in order: Accept-Encoding, content, Cache-Status.
async fn expect(proxy: &Proxy, clients: &[(&str, &str, &str)]) {
    for (accepted, content, cache) in clients {
        let answer = proxy.get("/r/1").field("accept-encoding", accepted).send().await;
        assert_eq!((answer.text().as_str(), answer.cache().as_str()), (*content, *cache), "{accepted}");
        let coding = content.strip_prefix("in ").unwrap_or_default();
        assert_eq!(answer.field("content-encoding"), coding);
    }
}

const VARY: &str = "vary: Accept-Encoding\r\n";

#[tokio::test]
async fn coded_content_is_given_only_to_who_offered_its_coding() {
    for vary in [VARY, ""] {
        let (origin, proxy) = coding(vary).await;
        expect(
            &proxy,
            &[
                ("gzip", "in gzip", MISS),
                ("gzip, deflate, sdch", "in gzip", HIT),
                ("X-GZIP;q=0.2", "in gzip", HIT),
                ("identity", "plain", VARY_MISS),
                ("gzip;q=0", "plain", HIT),
                ("deflate", "plain", HIT),
            ],
        )
        .await;
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn plain_content_that_varies_serves_only_those_whose_codings_were_offered() {
    let (origin, proxy) = coding(VARY).await;
    expect(
        &proxy,
        &[
            ("", "plain", MISS),
            ("br", "in br", VARY_MISS),
            ("gzip", "in gzip", VARY_MISS),
            ("identity", "plain", HIT),
            ("br", "in br", HIT),
            ("gzip", "in gzip", HIT),
        ],
    )
    .await;
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn plain_content_that_was_chosen_over_all_codings_serves_everybody() {
    let (origin, proxy) = plain(VARY).await;
    expect(
        &proxy,
        &[
            ("gzip, br, zstd", "plain", MISS),
            ("gzip", "plain", HIT),
            ("br;q=0.1, *;q=0", "plain", HIT),
            ("identity", "plain", HIT),
            ("*", "plain", HIT),
        ],
    )
    .await;
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn plain_content_that_does_not_vary_serves_everybody() {
    let (origin, proxy) = plain("").await;
    expect(&proxy, &[("identity", "plain", MISS), ("gzip", "plain", HIT), ("br", "plain", HIT)]).await;
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn the_origin_is_offered_what_the_client_accepts_of_the_codings_in_play() {
    let (origin, proxy) = plain("").await;
    for (n, (accepted, offered)) in [
        ("gzip;q=0.3, deflate, br", "br, gzip"),
        ("*", "br, gzip, zstd"),
        ("*;q=0.5, gzip;q=0", "br, zstd"),
        ("deflate", "identity"),
        ("gzip;q=nonsense", "identity"),
    ]
    .into_iter()
    .enumerate()
    {
        proxy.get(&format!("/r/{n}")).field("accept-encoding", accepted).send().await;
        assert_eq!(origin.seen()[n].field("accept-encoding"), Some(offered), "{accepted}");
    }
}
