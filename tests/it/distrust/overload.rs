//! More than the origin should be asked at once: so many fetches, so many that wait for one of them to end, and a cheap
//! refusal for the rest.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::support::{Answer, Builder, Proxy, Reply, Scripted, clock, ok, proxy, scripted, secs, until};

/// An origin that answers in two halves under `/slow`, the second when told; and at once everywhere else.
async fn halting(first: &'static str) -> (Scripted, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let told = Arc::clone(&go);
    let whole = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let origin = scripted(move |_, seen| {
        if seen.line.contains(" /slow") {
            let rest = whole.strip_prefix(first).expect("how it begins");
            Reply::Wait(first.into(), Arc::clone(&told), rest.into())
        } else {
            ok("cache-control: max-age=60\r\n", "quick")
        }
    })
    .await;
    (origin, go)
}

fn at_once(fetches: usize, queue: usize) -> Builder {
    proxy().origin(&format!("max_fetches = {fetches}\nmax_queue = {queue}\nqueue_timeout = '1h'"))
}

fn is_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert_eq!(answer.json()["type"], "urn:plimsoll:problem:overloaded");
    assert_eq!(answer.field("retry-after"), "1");
    assert_eq!(answer.field("cache-status"), "");
}

fn overloads(proxy: &Proxy) -> Vec<String> {
    proxy.incidents().into_iter().filter(|(name, _)| *name == "overload").map(|(_, why)| why).collect()
}

#[tokio::test]
async fn a_flood_of_random_queries_is_bounded_and_the_rest_is_refused_at_once() {
    let (origin, go) = halting("").await;
    let proxy = at_once(3, 0).start(origin.address, &clock()).await;
    let slow: Vec<_> = (0..3).map(|n| tokio::spawn(proxy.get(&format!("/slow?{n}")).send())).collect();
    origin.arrived(3).await;
    for n in 0..20 {
        is_refused(&proxy.get(&format!("/x?{n}")).send().await);
        is_refused(&proxy.get("/x").method("POST").body("hello").send().await);
    }
    assert_eq!(origin.count(), 3);
    assert_eq!(overloads(&proxy), ["queue-full"; 40]);
    for answer in slow {
        go.notify_one();
        until(|| async { go.notify_one() }, |()| answer.is_finished()).await;
        assert_eq!(answer.await.expect("an answer").text(), "hello");
    }
    assert_eq!(proxy.get("/x").send().await.text(), "quick");
}

#[tokio::test]
async fn what_is_stored_is_served_under_overload() {
    let (origin, _go) = halting("").await;
    let proxy = at_once(1, 0).start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let _slow = tokio::spawn(proxy.get("/slow").send());
    origin.arrived(2).await;
    assert!(proxy.get("/x").send().await.cache().starts_with("hit"));
    is_refused(&proxy.get("/y").send().await);
}

#[tokio::test]
async fn a_few_wait_for_their_turn() {
    let (origin, go) = halting("").await;
    let proxy = at_once(1, 1).start(origin.address, &clock()).await;
    let slow = tokio::spawn(proxy.get("/slow").send());
    origin.arrived(1).await;
    let waits = tokio::spawn(proxy.get("/x").send());
    // The queue has room for one: whoever of the two comes later is refused.
    let other = proxy.get("/y").send();
    let other = tokio::spawn(other);
    until(|| async {}, |()| waits.is_finished() || other.is_finished()).await;
    assert_eq!(origin.count(), 1);
    go.notify_one();
    assert_eq!(slow.await.expect("an answer").text(), "hello");
    let (waits, other) = (waits.await.expect("an answer"), other.await.expect("an answer"));
    let (served, refused) = if waits.status == 200 { (waits, other) } else { (other, waits) };
    assert_eq!(served.text(), "quick");
    is_refused(&refused);
}

#[tokio::test]
async fn nobody_waits_for_ever() {
    let (origin, _go) = halting("").await;
    let proxy = proxy()
        .origin("max_fetches = 1\nmax_queue = 100\nqueue_timeout = '100ms'")
        .start(origin.address, &clock())
        .await;
    let _slow = tokio::spawn(proxy.get("/slow").send());
    origin.arrived(1).await;
    is_refused(&proxy.get("/x").send().await);
    assert_eq!(overloads(&proxy), ["wait-too-long"]);
}

#[tokio::test]
async fn a_fetch_ends_with_its_content_and_not_with_its_head() {
    for path in ["/slow", "/slow/stored"] {
        let (origin, go) = halting("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel").await;
        let route = "path = '/slow/stored'\nlevel = 'changing'\nttl = '30s'";
        let proxy = at_once(1, 0).route(route).start(origin.address, &clock()).await;
        let slow = tokio::spawn(proxy.get(path).send());
        origin.arrived(1).await;
        is_refused(&proxy.get("/x").send().await);
        go.notify_one();
        assert_eq!(slow.await.expect("an answer").text(), "hello", "{path}");
        assert_eq!(proxy.get("/x").send().await.text(), "quick", "{path}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_back() {
    let (origin, _go) = halting("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel").await;
    let proxy = at_once(1, 0).start(origin.address, &clock()).await;
    let slow = proxy.get("/slow").method("OPTIONS").open().await;
    is_refused(&proxy.get("/x").send().await);
    drop(slow);
    let answer = until(|| proxy.get("/x").send(), |answer| answer.status == 200).await;
    assert_eq!(answer.text(), "quick");
}

#[tokio::test]
async fn a_stale_answer_stands_in_where_its_origin_allows() {
    let go = Arc::new(Notify::new());
    let origin = scripted(move |_, seen| match () {
        () if seen.line.contains(" /slow") => Reply::Wait(Vec::new(), Arc::clone(&go), Vec::new()),
        () => ok("cache-control: max-age=10, stale-if-error=100\r\n", "old"),
    })
    .await;
    let proxy = at_once(1, 0).start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let _slow = tokio::spawn(proxy.get("/slow").send());
    origin.arrived(2).await;
    proxy.advance(secs(13));
    let stale = proxy.get("/x").send().await;
    assert_eq!(stale.cache(), "hit; ttl=-3; level=2; route=default; detail=stale-if-error");
}
