//! What is larger than `cache.max_object` is passed on unstored, whole and in bounded memory, and says why.

use crate::support::{
    Proxy, Reply, Scripted, Seen, Wire, answer_with, clock, in_turn, ok, proxy, scripted, secs, stage, until,
};

const KIB: usize = 1024;

/// A proxy that stores at most 64 KiB in one piece.
async fn bounded(
    route: &str,
    script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Proxy, Scripted) {
    let origin = scripted(script).await;
    let proxy = proxy()
        .cache("max_object = '64 KiB'\ncapacity = '4 MiB'")
        .route(&format!("name = 'x'\npath = '/x'\n{route}"))
        .start(origin.address, &clock())
        .await;
    (proxy, origin)
}

/// An answer in chunks of 1 KiB.
fn chunked(kibibytes: usize) -> Reply {
    let mut bytes =
        b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..kibibytes {
        bytes.extend_from_slice(format!("400\r\n{}\r\n", "x".repeat(KIB)).as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    Reply::Bytes(bytes)
}

const DECLARED: &str = "level = 'changing'\nttl = '30s'";

#[tokio::test]
async fn exactly_max_object_is_stored_and_one_byte_more_is_not() {
    for route in [DECLARED, "level = 'origin'"] {
        for (length, is_hit) in [(64 * KIB, true), (64 * KIB + 1, false)] {
            let reply = ok("cache-control: max-age=60\r\n", &"x".repeat(length));
            let (proxy, _origin) = bounded(route, in_turn([reply])).await;
            assert_eq!(proxy.get("/x").send().await.body.len(), length);
            let second = proxy.get("/x").send().await;
            assert_eq!(second.body.len(), length);
            assert_eq!(second.cache().starts_with("hit"), is_hit, "{length}: {}", second.cache());
            assert_eq!(second.cache().ends_with("detail=too-large"), !is_hit, "{length}: {}", second.cache());
        }
    }
}

#[tokio::test]
async fn on_a_declared_route_the_clients_own_request_follows_with_its_range() {
    let (proxy, origin) = bounded(DECLARED, |_, seen| match seen.field("range") {
        None => ok("", &"x".repeat(100 * KIB)),
        Some(_) => answer_with("206 Partial Content", "content-range: bytes 0-4/102400\r\n", "xxxxx"),
    })
    .await;
    let ask = || proxy.get("/x?mine=1").field("range", "bytes=0-4").field("x-mine", "yes").send();
    let part = ask().await;
    assert_eq!((part.status.as_u16(), part.text().as_str()), (206, "xxxxx"));
    assert_eq!(part.cache(), "fwd=bypass; level=2; route=x; detail=too-large");
    let seen = origin.seen();
    assert_eq!((seen[0].line.as_str(), seen[0].field("range")), ("GET /x HTTP/1.1", None));
    assert_eq!((seen[0].field("x-mine"), seen.len()), (None, 2));
    assert_eq!(
        (seen[1].line.as_str(), seen[1].field("range")),
        ("GET /x?mine=1 HTTP/1.1", Some("bytes=0-4"))
    );
    assert_eq!(seen[1].field("x-mine"), Some("yes"));
    assert_eq!(ask().await.status, 206);
    assert_eq!(origin.count(), 3, "the key is remembered: no fetch of the whole goes first");
    proxy.advance(secs(30));
    ask().await;
    assert_eq!(origin.count(), 5, "the memory of it is over");
}

#[tokio::test]
async fn the_memory_of_a_key_that_is_too_large_does_not_touch_its_neighbours() {
    let origin =
        scripted(|_, seen| ok("", &"x".repeat(if seen.line.contains("/large ") { 100 * KIB } else { 9 })))
            .await;
    let proxy = proxy()
        .cache("max_object = '64 KiB'")
        .route("name = 'x'\npath = '/{id}'\nlevel = 'permanent'")
        .start(origin.address, &clock())
        .await;
    proxy.get("/large").send().await;
    proxy.get("/small").send().await;
    assert_eq!(proxy.get("/small").send().await.cache(), "hit; level=1; route=x");
    assert_eq!(proxy.get("/large").send().await.cache(), "fwd=bypass; level=1; route=x; detail=too-large");
}

#[tokio::test]
async fn where_the_origin_decides_what_is_too_large_is_passed_on_at_once() {
    let reply = ok("cache-control: max-age=60\r\n", &"x".repeat(100 * KIB));
    let (proxy, origin) = bounded("level = 'origin'", in_turn([reply])).await;
    for count in 1..3 {
        let whole = proxy.get("/x").send().await;
        assert_eq!(whole.body.len(), 100 * KIB);
        assert_eq!(whole.cache(), "fwd=uri-miss; level=2; route=x; detail=too-large");
        assert_eq!(origin.count(), count);
    }
}

#[tokio::test]
async fn chunks_that_outgrow_max_object_reach_their_client_whole_and_are_not_stored() {
    for route in [DECLARED, "level = 'origin'"] {
        let (proxy, origin) = bounded(route, in_turn([chunked(1000)])).await;
        for count in 1..3 {
            let whole = proxy.get("/x").send().await;
            assert_eq!(whole.body.len(), 1000 * KIB);
            assert!(whole.cache().starts_with("fwd="), "{}", whole.cache());
            assert_eq!(origin.count(), count);
        }
        until(|| async { proxy.resident_bytes() }, |bytes| *bytes == 0).await;
    }
}

#[tokio::test]
async fn chunks_that_outgrow_max_object_wait_for_their_client_in_bounded_memory() {
    let origin = stage().await;
    let proxy = proxy()
        .cache("max_object = '64 KiB'\ncapacity = '4 MiB'")
        .route("path = '/x'\nlevel = 'permanent'")
        .start(origin.address, &clock())
        .await;
    let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.head().await;
    let writing = tokio::spawn(async move {
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(16 * KIB));
        for _ in 0..4096 {
            line.send(&chunk).await;
        }
        line.send("0\r\n\r\n").await;
    });
    let (mut read, mut most) = (0, 0);
    loop {
        let chunk = client.chunk().await;
        if chunk.is_empty() {
            break;
        }
        read += chunk.len();
        most = most.max(proxy.resident_bytes());
    }
    assert_eq!(read, 64 * KIB * KIB);
    assert!(most < 512 * KIB as u64, "{most} bytes were held");
    writing.await.expect("no panic");
}

#[tokio::test]
async fn an_outgrown_answer_whose_client_has_left_is_not_read_to_its_end() {
    let origin = stage().await;
    let proxy = proxy()
        .cache("max_object = '64 KiB'\ncapacity = '4 MiB'")
        .route("path = '/x'\nlevel = 'permanent'")
        .start(origin.address, &clock())
        .await;
    let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.head().await;
    client.reset();
    let chunk = format!("4000\r\n{}\r\n", "x".repeat(16 * KIB));
    // An endless answer: only that the proxy hangs up ends this.
    while line.try_send(&chunk).await.is_ok() {}
    until(|| async { proxy.resident_bytes() }, |bytes| *bytes == 0).await;
}
