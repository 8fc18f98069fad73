//! A client that reads slowly holds no connection to the origin for longer than there is room to read ahead of it.

use crate::support::{Reply, Wire, clock, ok, proxy, scripted, stage, until, within};

const MIB: usize = 1024 * 1024;

/// Content that is not stored, of this many bytes.
fn large(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", "x".repeat(length))
}

#[tokio::test]
async fn content_within_max_object_frees_the_origin_although_its_client_reads_nothing() {
    for method in ["GET", "POST"] {
        // More than the buffers of the sockets between all three would take.
        let origin = scripted(|_, seen| match () {
            () if seen.line.contains(" /x ") => Reply::Bytes(large(12 * MIB).into_bytes()),
            () => ok("", "next"),
        })
        .await;
        let proxy = proxy()
            .origin("max_fetches = 1\nmax_queue = 1\nqueue_timeout = '1h'")
            .cache("max_object = '16 MiB'\ncapacity = '1 GiB'")
            .route("path = '/x'\nlevel = 'user'")
            .start(origin.address, &clock())
            .await;
        let mut slow =
            Wire::ask(proxy.address, &format!("{method} /x HTTP/1.1\r\nhost: api.example\r\n")).await;
        origin.arrived(1).await;
        // There may be one exchange at a time: this waits until the first one has ended.
        assert_eq!(within(proxy.get("/next").send()).await.text(), "next");
        assert!(slow.head().await.contains("content-length: 12582912"));
        for _ in 0..12 {
            assert!(slow.take(MIB).await.iter().all(|byte| *byte == b'x'));
        }
        slow.reset();
        until(|| async { proxy.resident_bytes() }, |bytes| *bytes == 0).await;
    }
}

#[tokio::test]
async fn what_is_read_ahead_is_counted_and_bounded() {
    let origin = stage().await;
    let proxy = proxy()
        .cache("max_object = '1 MiB'\ncapacity = '64 MiB'")
        .route("path = '/x'\nlevel = 'user'")
        .start(origin.address, &clock())
        .await;
    let mut slow = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    let pouring = tokio::spawn(async move {
        line.send(large(64 * MIB)).await;
        line
    });
    let full = until(|| async { proxy.resident_bytes() }, |bytes| *bytes >= MIB as u64).await;
    assert!(full < 2 * MIB as u64, "{full}");
    assert!(!pouring.is_finished());
    slow.head().await;
    for _ in 0..64 {
        slow.take(MIB).await;
        assert!(proxy.resident_bytes() < 2 * MIB as u64);
    }
    within(pouring).await.expect("no panic");
}

#[tokio::test]
async fn where_the_store_has_no_room_little_is_read_ahead() {
    let origin = stage().await;
    let proxy = proxy()
        .cache("max_object = '4 MiB'\ncapacity = '4 MiB'")
        .route("path = '/x'\nlevel = 'user'")
        .start(origin.address, &clock())
        .await;
    let mut lines = Vec::new();
    for _ in 0..8 {
        let client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
        let mut line = origin.accept().await;
        line.head().await;
        let pouring = tokio::spawn(async move {
            let _ = line.try_send(large(64 * MIB)).await;
        });
        lines.push((client, pouring));
    }
    let spare = |bytes: &u64| *bytes >= 4 * MIB as u64;
    let full = until(|| async { proxy.resident_bytes() }, spare).await;
    assert!(full < 6 * MIB as u64, "{full}");
    drop(lines);
    until(|| async { proxy.resident_bytes() }, |bytes| *bytes == 0).await;
}

#[tokio::test]
async fn an_answer_that_is_cut_short_behind_what_was_read_ahead_never_looks_whole() {
    for (begun, framing) in [(12, "content-length: 100"), (100_000, "content-length: 1000000")] {
        let cut = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{}", "x".repeat(begun));
        let origin = scripted(move |_, _| Reply::Close(cut.clone().into_bytes())).await;
        let proxy = proxy().route("path = '/x'\nlevel = 'user'").start(origin.address, &clock()).await;
        assert!(proxy.get("/x").try_send().await.is_err(), "{begun}");
        assert!(proxy.get("/x").method("POST").try_send().await.is_err(), "{begun}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_origins_work_although_nothing_comes() {
    let origin = stage().await;
    let proxy = proxy().route("path = '/x'\nlevel = 'user'").start(origin.address, &clock()).await;
    let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello").await;
    client.head().await;
    client.take(5).await;
    client.reset();
    assert_eq!(line.rest().await, b"", "the proxy hangs up");
}
