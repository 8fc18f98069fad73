//! Clients that are too large, too slow, or too many.

use super::{is_refused, storing};
use crate::{
    corpus::with_fields,
    support::{Program, Proxy, Reply, Wire, clock, get, in_turn, ok, proxy, scripted, stage, until, within},
};

#[tokio::test]
async fn too_many_fields_and_too_large_heads_are_refused() {
    is_refused(with_fields(&"x: 1\r\n".repeat(100)), 431, "too-many-fields").await;
    is_refused(with_fields(&format!("x: {}\r\n", "a".repeat(500 << 10))), 431, "head-too-large").await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(70 << 10));
    is_refused(long, 414, "target-too-long").await;
    let longer_than_usual = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(9 << 10));
    is_refused(longer_than_usual, 414, "target-too-long").await;
}

#[tokio::test]
async fn a_hundred_fields_are_not_too_many_and_the_operator_may_allow_more() {
    let (small, _origin) = storing().await;
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let limits = "max_fields = 300\nmax_head = '200 KiB'\nmax_target = '32 KiB'";
    let large = proxy().server(limits).start(origin.address, &clock()).await;
    let ask = |fields: usize, length: usize| {
        let rest = "x: 1\r\n".repeat(fields - 2);
        format!("GET /{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{rest}\r\n", "a".repeat(length))
    };
    for (address, fields, length) in
        [(small.address, 100, 10), (large.address, 101, 30 << 10), (large.address, 300, 10)]
    {
        let answer = crate::support::raw(address, ask(fields, length)).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{fields}, {length}: {answer}");
    }
}

#[tokio::test]
async fn a_slow_head_is_answered_408_and_others_are_served() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let proxy = proxy().server("head_timeout = '200ms'\nworkers = 1").start(origin.address, &clock()).await;
    let mut slow = Wire::connect(proxy.address).await;
    slow.send("GET /x HTTP/1.1\r\nhost: a").await;
    assert_eq!(proxy.get("/x").send().await.text(), "hello");
    let answer = String::from_utf8(slow.rest().await).expect("text");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("problem:head-too-slow\""), "{answer}");
}

#[tokio::test]
async fn a_connection_without_a_request_is_ended_without_a_word() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let quick = "head_timeout = '100ms'\nidle_timeout = '100ms'";
    let proxy = proxy().server(quick).start(origin.address, &clock()).await;
    assert_eq!(Wire::connect(proxy.address).await.rest().await, b"");
    let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\n").await;
    client.head().await;
    assert_eq!(client.rest().await, b"hello", "and after its answer it is idle");
    counted(&proxy, "client-too-slow", "idle").await;
}

/// Waits until this limit has been counted.
async fn counted(proxy: &Proxy, name: &'static str, detail: &str) {
    let wanted = (name, detail.to_owned());
    until(|| async { proxy.incidents() }, |incidents| incidents.contains(&wanted)).await;
}

#[tokio::test]
async fn a_client_that_waits_for_a_slow_origin_is_not_idle() {
    let origin = stage().await;
    let proxy = proxy().server("idle_timeout = '50ms'").start(origin.address, &clock()).await;
    let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    // Another connection is idle for as long, and is ended.
    let mut other = Wire::ask(proxy.address, "GET http:/ HTTP/1.1\r\nhost: a\r\n").await;
    other.rest().await;
    let mut idle = Wire::ask(proxy.address, "OPTIONS * HTTP/1.1\r\nhost: a\r\n").await;
    idle.rest().await;
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    client.head().await;
    assert_eq!(client.take(5).await, b"hello");
}

#[tokio::test]
async fn a_slow_body_is_given_up_at_the_clients_own_deadline() {
    let origin = stage().await;
    let settings = "body_timeout = '200ms'";
    let proxy = proxy().server(settings).start(origin.address, &clock()).await;
    let mut client = Wire::ask(proxy.address, "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n").await;
    client.send("hello").await;
    let mut line = origin.accept().await;
    line.head().await;
    let answer = String::from_utf8(client.rest().await).expect("text");
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("content-too-slow"), "{answer}");
    counted(&proxy, "problem", "content-too-slow").await;
}

#[tokio::test]
async fn content_that_drips_is_given_up_although_it_never_stands_still() {
    let origin = stage().await;
    let settings = "body_timeout = '300ms'\nmin_body_rate = '1 GiB'";
    let proxy = proxy().server(settings).start(origin.address, &clock()).await;
    let head = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n";
    let mut client = Wire::ask(proxy.address, head).await;
    let mut line = origin.accept().await;
    line.head().await;
    // Each byte waits until the one before has arrived: that is slow where a thousand million a second are asked for.
    let dripping = async {
        let mut arrived = 0;
        while client.try_send("x").await.is_ok() && line.byte().await.is_some() {
            arrived += 1;
        }
        arrived
    };
    let arrived = within(dripping).await;
    assert!(arrived < 1_000_000, "the place at the origin is free");
    counted(&proxy, "problem", "content-too-slow").await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_and_others_are_served() {
    let content = "x".repeat(32 << 20);
    let origin = scripted(move |_, _| ok("", &content)).await;
    let settings = "write_timeout = '200ms'\nworkers = 1";
    let proxy = proxy().server(settings).start(origin.address, &clock()).await;
    let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\n").await;
    client.head().await;
    // The place of a connection that is cut is free again: nothing is held for it any more.
    origin.arrived(1).await;
    let other = proxy.get("/y").send().await;
    assert_eq!(other.body.len(), 32 << 20);
    // It reads nothing, so only a reset can tell it.
    let cut = async {
        while client.try_send("x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within(cut).await;
    counted(&proxy, "client-too-slow", "write").await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_more_after_many_hits_is_cut() {
    let content = "x".repeat(4_000_000);
    let origin = scripted(in_turn([
        ok("cache-control: max-age=60\r\n", "hello"),
        ok("cache-control: max-age=60\r\n", &content),
    ]))
    .await;
    let proxy = proxy().server("write_timeout = '200ms'\nworkers = 1").start(origin.address, &clock()).await;
    proxy.get("/small").send().await;
    proxy.get("/large").send().await;
    // What is done without a pause has a bound: more than that comes at once, and is taken.
    let small = "GET /small HTTP/1.1\r\nhost: a\r\n\r\n".repeat(300);
    let mut client = Wire::narrow(proxy.address).await;
    client.send(&small).await;
    let answer = client.head().await.len() + "hello".len();
    client.take("hello".len() + 299 * answer).await;
    client.send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.head().await;
    counted(&proxy, "client-too-slow", "write").await;
    // And who takes nothing from the start.
    let mut client = Wire::narrow(proxy.address).await;
    let flood = async { while client.try_send(&small).await.is_ok() {} };
    within(flood).await;
}

#[tokio::test]
async fn a_head_behind_hits_has_no_more_time_than_any() {
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", "hello")])).await;
    let proxy = proxy().server("head_timeout = '200ms'").start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    for hits in 1..4 {
        let mut client = Wire::connect(proxy.address).await;
        let whole = "GET /x HTTP/1.1\r\nhost: a\r\n\r\n".repeat(hits);
        client.send(format!("{whole}GET /x HT")).await;
        for _ in 0..hits {
            client.head().await;
            client.take(5).await;
        }
        assert!(client.head().await.starts_with("http/1.1 408 "), "{hits}");
    }
}

#[tokio::test]
async fn who_comes_when_there_is_no_room_is_answered_503_and_let_in_later() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let proxy = proxy().server("max_connections = 1").start(origin.address, &clock()).await;
    let mut only = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\n").await;
    only.head().await;
    let answer = proxy.get("/x").send().await;
    assert_eq!((answer.status.as_u16(), answer.field("retry-after").as_str()), (503, "1"));
    counted(&proxy, "turned-away", "").await;
    assert_eq!(answer.field("content-type"), "application/problem+json");
    assert_eq!(answer.json()["type"], "urn:plimsoll:problem:busy");
    assert_eq!(answer.field("connection"), "close");
    drop(only);
    until(|| proxy.get("/x").send(), |answer| answer.status == 200).await;
}

#[tokio::test]
async fn accept_survives_when_there_are_no_descriptors_left() {
    let origin = scripted(in_turn([
        ok("", "hello"),
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()),
    ]))
    .await;
    let mut program = Program::serve_with_descriptors(origin.address, 48);
    let address = program.address();
    assert_eq!(get(address, "/x").send().await.status, 200);
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(Wire::connect(address).await);
    }
    drop(crowd);
    let _ = until(
        || get(address, "/x").try_send(),
        |answer| answer.as_ref().is_ok_and(|answer| answer.status == 200),
    )
    .await;
    assert!(program.runs());
}
