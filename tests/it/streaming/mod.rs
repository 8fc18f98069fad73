//! Content on its way: it is passed on as it comes, in both directions, as fast as its reader reads and no faster.

mod uploads;

use std::time::Duration;

use tokio::sync::watch;

use crate::support::{
    Builder, Program, Proxy, Stage, Wire, clock, proxy, sample, secs, stage, until, within,
};

const MIB: usize = 1024 * 1024;

/// The ways through the house: stored by the operator's word, stored by the origin's, and not stored at all.
fn ways() -> [Builder; 3] {
    let route = |level: &str| {
        proxy().route(&format!("name = 'x'\npath = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'"))
    };
    [route("changing"), route("origin"), route("user")]
}

/// A proxy in front of an origin that the test plays.
async fn played(builder: Builder) -> (Proxy, Stage) {
    let origin = stage().await;
    let patient = "response_timeout = '300s'\nbody_timeout = '300s'";
    let proxy = builder.origin(patient).start(origin.address, &clock()).await;
    (proxy, origin)
}

/// A GET of `/x` on a connection of its own.
async fn get(proxy: &Proxy, fields: &str) -> Wire {
    Wire::ask(proxy.address, &format!("GET /x HTTP/1.1\r\nhost: api.example\r\n{fields}")).await
}

/// A client that has asked for `/x`, and its request at the origin.
async fn asked(proxy: &Proxy, origin: &Stage) -> (Wire, Wire) {
    let client = get(proxy, "").await;
    let mut line = origin.accept().await;
    line.head().await;
    (client, line)
}

const FRESH: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n";

/// Writes this many mebibytes to the wire, and tells how many have been accepted so far.
fn pour(mut wire: Wire, mebibytes: usize) -> watch::Receiver<usize> {
    let (counter, count) = watch::channel(0);
    tokio::spawn(async move {
        let block = vec![b'x'; MIB];
        for written in 1..=mebibytes {
            if wire.try_send(&block).await.is_err() {
                return;
            }
            counter.send_replace(written);
        }
        wire.rest().await;
    });
    count
}

/// Waits until a count stands still. A machine that is slower than that makes it stand still earlier, never later.
async fn standstill(count: &mut watch::Receiver<usize>) -> usize {
    while tokio::time::timeout(Duration::from_secs(2), count.changed())
        .await
        .is_ok_and(|changed| changed.is_ok())
    {}
    *count.borrow()
}

/// Reads exactly this many mebibytes, and holds them no longer than that takes.
async fn drain(wire: &mut Wire, mebibytes: usize) {
    for _ in 0..mebibytes {
        assert!(wire.take(MIB).await.iter().all(|byte| *byte == b'x'));
    }
}

#[tokio::test]
async fn the_first_bytes_reach_the_client_before_the_origin_has_sent_the_last() {
    for builder in ways() {
        let (proxy, origin) = played(builder).await;
        let (mut client, mut line) = asked(&proxy, &origin).await;
        line.send(format!("{FRESH}content-length: 10\r\n\r\n")).await;
        assert!(client.head().await.contains("content-length: 10\r\n"), "the head comes before any content");
        line.send("hello").await;
        assert_eq!(client.take(5).await, b"hello");
        line.send("world").await;
        assert_eq!(client.take(5).await, b"world");
    }
}

#[tokio::test]
async fn content_that_came_with_its_head_goes_out_as_it_will_from_the_store() {
    let all = ["content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"];
    for rest in all {
        let [builder, ..] = ways();
        let (proxy, origin) = played(builder).await;
        let (mut client, mut line) = asked(&proxy, &origin).await;
        line.send(format!("HTTP/1.1 200 OK\r\netag: \"1\"\r\nx-kind: a\r\nx-kind: b\r\n{rest}")).await;
        let fetched = client.head().await;
        assert_eq!(client.take(5).await, b"hello");
        client.send("GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n").await;
        let held = client.head().await;
        assert_eq!(client.take(5).await, b"hello");
        assert!(fetched.contains("cache-status: plimsoll; fwd=uri-miss; stored;"), "{fetched}");
        assert!(held.contains("cache-status: plimsoll; hit;"), "{held}");
        let in_common = |head: &str| -> Vec<String> {
            let own = |line: &&str| !line.starts_with("age: ") && !line.starts_with("cache-status: ");
            head.lines().filter(own).map(str::to_owned).collect()
        };
        assert_eq!(in_common(&fetched), in_common(&held));
        assert!(held.contains("content-length: 5\r\n"), "{held}");
    }
}

#[tokio::test]
async fn chunks_are_passed_on_one_by_one() {
    for builder in ways() {
        let (proxy, origin) = played(builder).await;
        let (mut client, mut line) = asked(&proxy, &origin).await;
        line.send(format!("{FRESH}transfer-encoding: chunked\r\n\r\n")).await;
        assert!(client.head().await.contains("transfer-encoding: chunked\r\n"));
        for word in ["hello", "world"] {
            line.send(format!("5\r\n{word}\r\n")).await;
            assert_eq!(client.chunk().await, word.as_bytes());
        }
        line.send("0\r\n\r\n").await;
        assert_eq!(client.chunk().await, b"");
    }
}

#[tokio::test]
async fn an_event_stream_is_passed_on_event_by_event_and_belongs_to_one_client() {
    for (builder, detail) in ways().into_iter().zip(["endless-stream", "endless-stream", "route-declared"]) {
        let (proxy, origin) = played(builder).await;
        for _ in 0..2 {
            let mut client = get(&proxy, "").await;
            let mut line = origin.accept().await;
            let head = line.head().await;
            let stream = format!(
                "{FRESH}content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            line.send(&stream).await;
            // On a declared route the answer to the proxy's own request is discarded: the client's own follows it.
            let mut line = if head.contains("x-forwarded-for") { line } else { origin.accept().await };
            if !head.contains("x-forwarded-for") {
                assert!(line.head().await.contains("x-forwarded-for"));
                line.send(&stream).await;
            }
            assert!(client.head().await.contains(&format!("detail={detail}\r\n")));
            for number in 0..3 {
                let event = format!("data: {number}\n\n");
                line.send(format!("{:x}\r\n{event}\r\n", event.len())).await;
                assert_eq!(client.chunk().await, event.as_bytes());
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_slows_the_origin_down() {
    for framing in ["content-length: 134217728\r\n", "connection: close\r\n"] {
        let (proxy, origin) = played(proxy().route("path = '/x'\nlevel = 'user'")).await;
        let (mut client, mut line) = asked(&proxy, &origin).await;
        line.send(format!("{FRESH}{framing}\r\n")).await;
        client.head().await;
        let mut accepted = pour(line, 128);
        let taken = standstill(&mut accepted).await;
        assert!(taken < 48, "{taken} MiB were taken from the origin for a client that has read nothing");
        if framing.starts_with("content-length") {
            drain(&mut client, 128).await;
            assert_eq!(*accepted.borrow(), 128);
        }
    }
}

#[tokio::test]
async fn an_origin_that_reads_slowly_slows_the_client_down() {
    let (proxy, origin) = played(proxy()).await;
    let head = "POST /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 134217728\r\n";
    let client = Wire::ask(proxy.address, head).await;
    let mut accepted = pour(client, 128);
    let mut line = origin.accept().await;
    line.head().await;
    let taken = standstill(&mut accepted).await;
    assert!(taken < 48, "{taken} MiB were taken from the client for an origin that has read nothing");
    drain(&mut line, 128).await;
}

#[tokio::test]
async fn a_client_that_leaves_during_a_fill_does_not_end_it() {
    for builder in ways().into_iter().take(2) {
        let (proxy, origin) = played(builder).await;
        let (mut client, mut line) = asked(&proxy, &origin).await;
        line.send(format!("{FRESH}content-length: 10\r\n\r\nhello")).await;
        client.head().await;
        client.reset();
        line.send("world").await;
        // Whoever asks for nothing but the cache never causes a fetch.
        let only = || proxy.get("/x").field("cache-control", "only-if-cached").send();
        let hit = until(only, |answer| answer.status != 504).await;
        assert!(hit.cache().starts_with("hit; ttl="), "{}", hit.cache());
        assert_eq!(hit.text(), "helloworld");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_does_not_end_the_fetch() {
    let (proxy, origin) = played(proxy().route("path = '/x'\nlevel = 'permanent'")).await;
    let (client, mut line) = asked(&proxy, &origin).await;
    client.reset();
    line.send(format!("{FRESH}content-length: 5\r\n\r\nhello")).await;
    let only = || proxy.get("/x").field("cache-control", "only-if-cached").send();
    assert_eq!(until(only, |answer| answer.status != 504).await.text(), "hello");
}

#[tokio::test]
async fn where_nothing_is_stored_a_client_that_leaves_ends_the_origins_work() {
    for content in
        ["content-length: 1000000\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"]
    {
        let (proxy, origin) = played(proxy().route("path = '/x'\nlevel = 'user'")).await;
        let (mut client, mut line) = asked(&proxy, &origin).await;
        line.send(format!("HTTP/1.1 200 OK\r\n{content}")).await;
        client.head().await;
        client.reset();
        assert_eq!(line.rest().await, b"", "the connection ends, and no other request came on it");
    }
}

#[tokio::test]
async fn where_nothing_is_stored_a_client_that_leaves_before_the_head_ends_the_origins_work() {
    let (proxy, origin) = played(proxy().route("path = '/x'\nlevel = 'user'")).await;
    let (client, mut line) = asked(&proxy, &origin).await;
    client.reset();
    assert_eq!(line.rest().await, b"");
}

/// A quarter of a gibibyte passes through a process that may grow by an eighth of that: on a busy machine the allocator
/// gives back late what it is given back.
const LARGE: usize = 256;
const SLACK_KIB: u64 = 32 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_download_needs_no_memory() {
    let origin = sample(&clock()).await;
    let routes = "[[route]]\npath = '/load/{bytes}'\nlevel = 'user'\nmethods = ['GET']";
    // Up to `max_object` is taken from the origin ahead of a client that reads slowly.
    let config = format!("workers = 1\n[cache]\nmax_object = '4 MiB'\n{routes}");
    let mut program = Program::serve(origin.address, &config);
    let address = program.address();
    let load = |mebibytes: usize| async move {
        let target = format!("GET /load/{} HTTP/1.1\r\nhost: api.example\r\n", mebibytes * MIB);
        let mut client = Wire::ask(address, &target).await;
        client.head().await;
        for _ in 0..mebibytes {
            client.take(MIB).await;
        }
    };
    load(4).await;
    let before = program.memory("VmHWM");
    load(LARGE).await;
    let grown = program.memory("VmHWM") - before;
    assert!(grown < SLACK_KIB, "{grown} KiB more for {LARGE} MiB of content");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_upload_needs_no_memory() {
    let origin = stage().await;
    let mut program = Program::serve(origin.address, "workers = 1");
    let address = program.address();
    let mut before = 0;
    for mebibytes in [4, LARGE] {
        before = program.memory("VmHWM");
        let head = format!("PUT /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: {}\r\n", mebibytes * MIB);
        let mut client = Wire::ask(address, &head).await;
        let writing = tokio::spawn(async move {
            for _ in 0..mebibytes {
                client.send(vec![b'x'; MIB]).await;
            }
            client.head().await
        });
        let mut line = origin.accept().await;
        line.head().await;
        drain(&mut line, mebibytes).await;
        line.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        assert!(within(writing).await.expect("an answer").starts_with("http/1.1 204"));
    }
    let grown = program.memory("VmHWM") - before;
    assert!(grown < SLACK_KIB, "{grown} KiB more for {LARGE} MiB of content");
}

#[tokio::test]
async fn a_body_that_stands_still_does_not_stop_other_requests() {
    let (proxy, origin) = played(proxy().server("workers = 1")).await;
    let mut waiting = get(&proxy, "").await;
    let mut stalled = origin.accept().await;
    stalled.head().await;
    stalled.send(format!("{FRESH}content-length: 10\r\n\r\nhello")).await;
    waiting.head().await;
    let mut other = Wire::ask(proxy.address, "GET /y HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    assert!(line.head().await.starts_with("get /y "));
    line.send(format!("{FRESH}content-length: 5\r\n\r\nother")).await;
    other.head().await;
    assert_eq!(other.take(5).await, b"other");
    proxy.advance(secs(1));
    stalled.send("world").await;
    assert_eq!(waiting.take(10).await, b"helloworld");
}
