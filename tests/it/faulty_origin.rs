//! Origins that break: what is cut short is never stored and never looks whole, and what cannot be answered is a
//! problem that says so without telling how the house is built.

use std::sync::Arc;

use tokio::sync::Notify;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::{
    Answer, Builder, Proxy, Reply, Scripted, Wire, clock, in_turn, ok, proxy, scripted, secs, stage, unheard,
};

/// The ways through the house: stored by the operator's word, stored by the origin's, and not stored at all.
fn ways() -> [(&'static str, Builder); 3] {
    let route = |level: &str| {
        proxy().route(&format!("name = 'x'\npath = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'"))
    };
    [("changing", route("changing")), ("origin", route("origin")), ("user", route("user"))]
}

/// A proxy in front of an origin that breaks in this way once, and works after that.
async fn breaks_once(builder: Builder, fault: Reply) -> (Proxy, Scripted) {
    let origin = scripted(in_turn([fault, ok("cache-control: max-age=60\r\n", "hello")])).await;
    let timeouts = "response_timeout = '300ms'\nbody_timeout = '300ms'";
    let proxy = builder.origin(timeouts).start(origin.address, &clock()).await;
    (proxy, origin)
}

/// Nothing of a broken answer was kept: the next request goes to the origin, and gets what that says.
async fn nothing_was_kept(proxy: &Proxy, origin: &Scripted, what: &str) {
    let next = proxy.get("/x").send().await;
    assert!(next.cache().starts_with("fwd="), "{what}: {}", next.cache());
    assert_eq!((next.text().as_str(), origin.count()), ("hello", 2), "{what}");
}

/// A problem of the proxy's own: a status, a stable type, and nothing about what is behind.
fn is_problem(answer: &Answer, status: u16, kind: &str, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.field("content-type"), "application/problem+json", "{what}");
    let problem = answer.json();
    assert_eq!(problem["type"], format!("urn:plimsoll:problem:{kind}"), "{what}");
    assert_eq!(problem["status"], status, "{what}");
    assert!(problem["title"].as_str().is_some_and(|title| !title.is_empty()), "{what}");
    for secret in ["127.0.0.1", "hyper", "os error", "connection closed", "tcp", "::", "src/"] {
        assert!(!answer.text().contains(secret), "{what} tells {secret:?}: {}", answer.text());
    }
    assert_eq!(answer.field("cache-status"), "", "{what}: neither the origin nor the store gave this");
    assert_eq!(answer.field("cache-control"), "no-store", "{what}");
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

const FRESH: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n";

#[tokio::test]
async fn a_body_that_is_cut_short_is_an_abort_and_is_not_stored() {
    let length = bytes(&format!("{FRESH}content-length: 100\r\n\r\nhello, world"));
    let chunked = bytes(&format!("{FRESH}transfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n"));
    let in_a_chunk = bytes(&format!("{FRESH}transfer-encoding: chunked\r\n\r\nff\r\nhello, world"));
    let no_crlf = bytes(&format!("{FRESH}transfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n0\r\n"));
    let faults = [
        ("12 of 100 bytes, then the end", Reply::Close(length.clone())),
        ("12 of 100 bytes, then a reset", Reply::Reset(length.clone())),
        ("12 of 100 bytes, then silence", Reply::Stall(length)),
        ("no last chunk, then the end", Reply::Close(chunked.clone())),
        ("no last chunk, then a reset", Reply::Reset(chunked.clone())),
        ("no last chunk, then silence", Reply::Stall(chunked)),
        ("an end within a chunk", Reply::Close(in_a_chunk)),
        ("an end within the last chunk", Reply::Close(no_crlf)),
    ];
    for (fault, reply) in faults {
        for (way, builder) in ways() {
            let what = format!("{fault}, {way}");
            let (proxy, origin) = breaks_once(builder, reply.clone()).await;
            match proxy.get("/x").try_send().await {
                Err(cut) => assert!(!cut.is_user(), "{what}: {cut}"),
                // A reset may overtake the head.
                Ok(answer) => is_problem(&answer, 502, "origin-unreachable", &what),
            }
            nothing_was_kept(&proxy, &origin, &what).await;
        }
    }
}

#[tokio::test]
async fn a_body_that_is_cut_short_ends_with_neither_its_length_nor_a_last_chunk() {
    for (way, builder) in ways() {
        let cut = bytes(&format!("{FRESH}transfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n"));
        let (proxy, _origin) = breaks_once(builder, Reply::Close(cut)).await;
        let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
        let head = client.head().await;
        assert!(head.contains("transfer-encoding: chunked"), "{way}: {head}");
        assert_eq!(client.rest().await, b"C\r\nhello, world\r\n", "{way}");
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_sees_a_reset_where_content_is_cut_short() {
    for (way, builder) in ways() {
        let cut = bytes(&format!("{FRESH}transfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n"));
        let (proxy, _origin) = breaks_once(builder, Reply::Close(cut)).await;
        let mut client = TcpStream::connect(proxy.address).await.expect("a connection to the proxy");
        client.write_all(b"GET /x HTTP/1.0\r\nhost: api.example\r\n\r\n").await.expect("to write");
        let end = client.read_to_end(&mut Vec::new()).await;
        assert_eq!(end.expect_err(way).kind(), std::io::ErrorKind::ConnectionReset, "{way}");
    }
}

#[tokio::test]
async fn content_that_a_client_does_not_send_is_not_the_fault_of_the_origin() {
    let (proxy, _origin) = breaks_once(proxy(), Reply::Stall(Vec::new())).await;
    let mut client = Wire::connect(proxy.address).await;
    client.send("POST /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 10\r\n\r\nhello").await;
    let head = client.head().await;
    assert!(head.starts_with("http/1.1 408"), "{head}");
}

#[tokio::test]
async fn what_is_no_answer_is_a_502() {
    let breaks = [
        ("an end before the head", Reply::Close(Vec::new())),
        ("a reset before the head", Reply::Reset(Vec::new())),
        ("an end within the head", Reply::Close(bytes("HTTP/1.1 200 OK\r\ncontent-le"))),
    ];
    let nonsense = [
        ("garbage", Reply::Close(bytes("\u{1}\u{2}\u{3}hello, this is no HTTP\r\n\r\n"))),
        ("another protocol", Reply::Close(bytes("220 mail.example ESMTP\r\n"))),
        ("a version that is none", Reply::Close(bytes("HTTP/9.9 200 OK\r\n\r\n"))),
        ("a status that is none", Reply::Close(bytes("HTTP/1.1 2OO OK\r\n\r\n"))),
        ("a line without a colon", Reply::Close(bytes("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"))),
        (
            "a space before a colon",
            Reply::Close(bytes(&format!("{FRESH}a : b\r\ncontent-length: 0\r\n\r\n"))),
        ),
        (
            "two lengths",
            Reply::Close(bytes(&format!("{FRESH}content-length: 5\r\ncontent-length: 6\r\n\r\nhello"))),
        ),
        ("a length that is none", Reply::Close(bytes(&format!("{FRESH}content-length: +5\r\n\r\nhello")))),
        ("a length that is a list", Reply::Close(bytes(&format!("{FRESH}content-length: 5,6\r\n\r\nhello")))),
        ("an empty length", Reply::Close(bytes(&format!("{FRESH}content-length: \r\n\r\nhello")))),
        (
            "a length beyond 64 bits",
            Reply::Close(bytes(&format!("{FRESH}content-length: {}0\r\n\r\nhello", u64::MAX))),
        ),
        (
            "a folded line",
            Reply::Close(bytes(&format!("{FRESH}x: a\r\n b\r\ncontent-length: 5\r\n\r\nhello"))),
        ),
        ("a NUL", Reply::Close(bytes(&format!("{FRESH}x: a\0b\r\ncontent-length: 5\r\n\r\nhello")))),
        (
            "chunks in HTTP/1.0",
            Reply::Close(bytes("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")),
        ),
        ("1,000 fields", Reply::Close(bytes(&format!("{FRESH}{}\r\n", "x: y\r\n".repeat(1000))))),
        ("a head of a mebibyte", Reply::Close(bytes(&format!("{FRESH}x: {}\r\n\r\n", "v".repeat(1 << 20))))),
    ];
    let breaks = breaks.into_iter().map(|(fault, reply)| (fault, reply, "origin-unreachable"));
    let nonsense = nonsense.into_iter().map(|(fault, reply)| (fault, reply, "origin-nonsense"));
    for (fault, reply, kind) in breaks.chain(nonsense) {
        for (way, builder) in ways() {
            let what = format!("{fault}, {way}");
            let (proxy, origin) = breaks_once(builder, reply.clone()).await;
            is_problem(&proxy.get("/x").send().await, 502, kind, &what);
            nothing_was_kept(&proxy, &origin, &what).await;
        }
    }
}

#[tokio::test]
async fn an_origin_that_refuses_connections_is_a_502() {
    for (way, builder) in ways() {
        let gone = unheard();
        let proxy = builder.start(gone.address, &clock()).await;
        is_problem(&proxy.get("/x").send().await, 502, "origin-unreachable", way);
        is_problem(
            &proxy.get("/x").method("POST").body("hello").send().await,
            502,
            "origin-unreachable",
            way,
        );
    }
}

#[tokio::test]
async fn a_head_that_never_comes_is_a_504() {
    for (fault, reply) in [
        ("silence", Reply::Stall(Vec::new())),
        ("silence within the head", Reply::Stall(bytes("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n"))),
    ] {
        for (way, builder) in ways() {
            let what = format!("{fault}, {way}");
            let (proxy, origin) = breaks_once(builder, reply.clone()).await;
            is_problem(&proxy.get("/x").send().await, 504, "origin-timeout", &what);
            nothing_was_kept(&proxy, &origin, &what).await;
        }
    }
}

#[tokio::test]
async fn a_request_with_content_gets_the_same_problems() {
    for (reply, status, kind) in [
        (Reply::Close(Vec::new()), 502, "origin-unreachable"),
        (Reply::Close(bytes("hello\r\n\r\n")), 502, "origin-nonsense"),
        (Reply::Stall(Vec::new()), 504, "origin-timeout"),
    ] {
        let (proxy, origin) = breaks_once(proxy(), reply).await;
        let answer = proxy.get("/x").method("POST").body("hello").send().await;
        is_problem(&answer, status, kind, "POST");
        assert_eq!(origin.seen()[0].body, b"hello");
        assert_eq!(origin.count(), 1, "a POST is never sent twice");
    }
}

#[tokio::test]
async fn the_connection_to_the_client_goes_on_after_a_problem() {
    let (proxy, _origin) = breaks_once(proxy(), Reply::Close(Vec::new())).await;
    let mut client = Wire::connect(proxy.address).await;
    for status in ["502", "200"] {
        client.send("GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n").await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        client.take(length.and_then(|length| length.parse().ok()).expect("a length")).await;
    }
}

#[tokio::test]
async fn the_proxy_outlives_one_fault_after_another() {
    let head = format!("{FRESH}content-length: 100\r\n\r\n");
    let faults: Vec<Reply> = ["", "HTTP", "\0\0\0\0", "HTTP/1.1 200", &head, &format!("{head}hello")]
        .into_iter()
        .flat_map(|text| [Reply::Close(bytes(text)), Reply::Reset(bytes(text)), Reply::Stall(bytes(text))])
        .collect();
    let count = faults.len();
    let origin = scripted(move |number, _| faults.get(number).cloned().unwrap_or(ok("", "hello"))).await;
    let proxy = proxy()
        .route("path = '/{*rest}'\nlevel = 'permanent'")
        .origin("response_timeout = '100ms'\nbody_timeout = '100ms'")
        .start(origin.address, &clock())
        .await;
    for number in 0..count {
        let broken = proxy.get("/x").try_send().await;
        assert!(broken.is_err() || broken.is_ok_and(|answer| answer.status.is_server_error()), "{number}");
    }
    assert_eq!(proxy.get("/x").send().await.text(), "hello");
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; level=1; route=rest");
    assert_eq!(origin.count(), count + 1);
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_passed_on_whole_and_not_stored() {
    for (way, builder) in ways() {
        let (proxy, origin) =
            breaks_once(builder, Reply::Close(bytes(&format!("{FRESH}\r\nhello, world")))).await;
        let whole = proxy.get("/x").send().await;
        assert_eq!((whole.status.as_u16(), whole.text().as_str()), (200, "hello, world"), "{way}");
        let detail = if way == "user" { "detail=route-declared" } else { "detail=close-delimited" };
        assert!(whole.cache().ends_with(detail), "{way}: {}", whole.cache());
        nothing_was_kept(&proxy, &origin, way).await;
    }
}

#[tokio::test]
async fn an_http_1_0_answer_with_a_length_is_as_good_as_any() {
    let old = bytes("HTTP/1.0 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\nhello");
    let origin = scripted(in_turn([Reply::Close(old)])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for expected in ["fwd=uri-miss; stored; level=2; route=default", "hit; ttl=60; level=2; route=default"] {
        let answer = proxy.get("/x").send().await;
        assert_eq!((answer.cache().as_str(), answer.text().as_str()), (expected, "hello"));
    }
}

#[tokio::test]
async fn bytes_beyond_an_answer_never_start_the_next_one() {
    let evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let heads = [
        format!("{FRESH}content-length: 5\r\n\r\nhello{evil}"),
        format!("{FRESH}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n{evil}"),
        format!("HTTP/1.1 204 No Content\r\n\r\n{evil}"),
        format!("HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n{evil}"),
    ];
    for head in heads {
        for (way, builder) in ways() {
            let first = bytes(&head);
            let origin = scripted(move |_, seen| {
                if seen.line.starts_with("GET /first") { Reply::Bytes(first.clone()) } else { ok("", "good") }
            })
            .await;
            // One worker has one pool, so that the second request could find the first one's connection.
            let proxy = builder.server("workers = 1").start(origin.address, &clock()).await;
            for number in 0..4 {
                proxy.get(&format!("/first/{number}")).send().await;
                let next = proxy.get(&format!("/next/{number}")).send().await;
                assert_eq!(next.text(), "good", "{way}: {head:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_refresh_that_is_cut_short_leaves_what_was_stored() {
    let windows = "cache-control: max-age=10, stale-if-error=100\r\n";
    let cut = Reply::Close(bytes(&format!("{FRESH}content-length: 100\r\n\r\nhello, world")));
    let origin = scripted(in_turn([ok(windows, "old"), cut, Reply::Close(Vec::new())])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    proxy.advance(secs(13));
    assert!(proxy.get("/x").try_send().await.is_err());
    let stale = proxy.get("/x").send().await;
    assert_eq!(stale.cache(), "hit; ttl=-3; level=2; route=default; detail=stale-if-error");
    assert_eq!(stale.text(), "old");
}

#[tokio::test]
async fn interim_answers_are_not_taken_for_the_answer() {
    for (way, builder) in ways() {
        let interim = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
        let both = Reply::Bytes(bytes(&format!("{interim}{FRESH}content-length: 5\r\n\r\nhello")));
        let origin = scripted(in_turn([both])).await;
        let proxy = builder.start(origin.address, &clock()).await;
        let answer = proxy.get("/x").send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "hello"), "{way}");
        assert_eq!(answer.field("link"), "", "{way}");
    }
}

#[tokio::test]
async fn a_post_is_not_sent_again_when_a_reused_connection_breaks() {
    let origin = stage().await;
    let proxy = proxy().server("workers = 1").start(origin.address, &clock()).await;
    let post = || tokio::spawn(proxy.get("/x").method("POST").body("hello").send());
    let first = post();
    let mut line = origin.accept().await;
    line.head().await;
    line.take(5).await;
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(first.await.expect("an answer").status, 200);
    let second = post();
    line.head().await;
    line.reset();
    is_problem(&second.await.expect("an answer"), 502, "origin-unreachable", "POST");
}

#[tokio::test]
async fn a_slow_head_within_its_time_is_no_fault() {
    let go = Arc::new(Notify::new());
    let rest = bytes("cache-control: max-age=60\r\ncontent-length: 5\r\n\r\nhello");
    let slow = Reply::Wait(bytes("HTTP/1.1 200 OK\r\n"), Arc::clone(&go), rest);
    let origin = scripted(in_turn([slow])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let asking = tokio::spawn(proxy.get("/x").send());
    origin.arrived(1).await;
    go.notify_one();
    assert_eq!(asking.await.expect("an answer").text(), "hello");
}
