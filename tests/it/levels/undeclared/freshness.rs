//! What is stored at all, and for how long.

use super::{house, reply, twice};
use crate::support::{clock, ok, proxy, scripted, secs};

#[tokio::test]
async fn what_the_origin_forbids_to_share_is_not_stored() {
    for (fields, cache) in [
        (
            "cache-control: private, max-age=60\r\n",
            "fwd=bypass; level=3; route=default; detail=response-private",
        ),
        ("cache-control: PriVate\r\n", "fwd=bypass; level=3; route=default; detail=response-private"),
        (
            "cache-control: max-age=60\r\ncache-control: private\r\n",
            "fwd=bypass; level=3; route=default; detail=response-private",
        ),
        (
            "cache-control: max-age=60, NO-STORE\r\n",
            "fwd=uri-miss; level=2; route=default; detail=response-no-store",
        ),
        (
            "cache-control: public,max-age=60\r\ncache-control: x=\"a,b\" , No-Store\r\n",
            "fwd=uri-miss; level=2; route=default; detail=response-no-store",
        ),
        (
            "cache-control: max-age=60\r\nvary: accept, *\r\n",
            "fwd=bypass; level=5; route=default; detail=vary-star",
        ),
        (
            "cache-control: max-age=60\r\nvary: COOKIE\r\n",
            "fwd=bypass; level=4; route=default; detail=vary-cookie",
        ),
        (
            "cache-control: public, max-age=60\r\nvary: accept\r\nvary: authorization\r\n",
            "fwd=bypass; level=3; route=default; detail=vary-identity",
        ),
        (
            "cache-control: public, max-age=60\r\nset-cookie: a=b\r\n",
            "fwd=bypass; level=4; route=default; detail=set-cookie",
        ),
        (
            "cache-control: max-age=60\r\ncontent-type: text/event-stream\r\n",
            "fwd=uri-miss; level=2; route=default; detail=endless-stream",
        ),
        ("", "fwd=uri-miss; route=default; detail=no-freshness"),
    ] {
        let (origin, proxy) = house("safe", fields).await;
        for (n, answer) in twice(proxy.get("/x")).await.into_iter().enumerate() {
            assert_eq!((answer.cache().as_str(), answer.text()), (cache, format!("fetch {n}")), "{fields}");
        }
        assert_eq!(origin.count(), 2);
    }
}

/// What the test's clock shows when it starts.
const NOW: &str = "date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";

#[tokio::test]
async fn freshness_is_read_as_a_shared_cache_reads_it() {
    for (fields, ttl) in [
        ("cache-control: max-age=60\r\n", 60),
        ("cache-control: max-age=60, s-maxage=7\r\n", 7),
        ("expires: Tue, 14 Nov 2023 22:14:20 GMT\r\n", 60),
        ("expires: Tuesday, 14-Nov-23 22:14:20 GMT\r\n", 60),
        ("cache-control: max-age=9\r\nexpires: Tue, 14 Nov 2023 22:14:20 GMT\r\n", 9),
        // A tenth of the time since it was modified, and never more than a day.
        ("last-modified: Tue, 14 Nov 2023 22:03:20 GMT\r\n", 60),
        ("last-modified: Tue, 31 Dec 2013 00:00:00 GMT\r\n", 86_400),
        // Age that was added up on the way.
        ("cache-control: max-age=60\r\nage: 20\r\n", 40),
    ] {
        let origin = scripted(move |_, _| ok(&format!("{NOW}{fields}"), "answer")).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let [first, second] = twice(proxy.get("/x")).await;
        assert!(first.cache().starts_with("fwd=uri-miss; stored; "), "{fields}: {}", first.cache());
        assert!(second.cache().starts_with(&format!("hit; ttl={ttl}; ")), "{fields}: {}", second.cache());
        proxy.advance(secs(ttl));
        assert!(proxy.get("/x").send().await.cache().starts_with("fwd=stale; "), "{fields}");
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn age_adds_up_over_caches() {
    let (_origin, proxy) = house("safe", "cache-control: max-age=60\r\nage: 20\r\n").await;
    assert_eq!(proxy.get("/x").send().await.field("age"), "20");
    proxy.advance(secs(5));
    let later = proxy.get("/x").send().await;
    assert_eq!(
        (later.field("age").as_str(), later.cache().as_str()),
        ("25", "hit; ttl=35; level=2; route=default")
    );
    // A Date of ten seconds ago is an age as well.
    let dated = "cache-control: max-age=60\r\ndate: Tue, 14 Nov 2023 22:13:10 GMT\r\n";
    let (_origin, proxy) = house("safe", dated).await;
    assert_eq!(twice(proxy.get("/x")).await[1].field("age"), "10");
}

#[tokio::test]
async fn nothing_is_guessed_for_statuses_that_allow_no_guess() {
    let modified = "last-modified: Tue, 31 Dec 2013 00:00:00 GMT\r\n";
    for (status, fields, stored) in [
        ("404 Not Found", "", false),
        ("410 Gone", "", false),
        ("200 OK", "", false),
        ("200 OK", modified, true),
        ("404 Not Found", modified, true),
        ("302 Found", modified, false),
        ("403 Forbidden", modified, false),
        ("500 Internal Server Error", modified, false),
        ("404 Not Found", "cache-control: max-age=60\r\n", true),
        ("302 Found", "cache-control: max-age=60\r\n", true),
    ] {
        let origin = scripted(move |_, _| reply(status, fields, "answer")).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let [_, second] = twice(proxy.get("/x")).await;
        assert_eq!(origin.count(), if stored { 1 } else { 2 }, "{status} {fields}");
        if !stored {
            assert_eq!(second.cache(), "fwd=uri-miss; route=default; detail=no-freshness");
        }
    }
}
