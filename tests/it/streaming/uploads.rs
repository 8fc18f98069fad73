//! Uploads and their answers: each goes on while the other does, and neither looks whole when it is not.

use super::{MIB, played};
use crate::support::{Proxy, Stage, Wire, clock, proxy, stage, within};

#[tokio::test]
async fn an_upload_flows_to_the_origin_before_it_is_complete_or_answered() {
    let (proxy, origin) = played(proxy()).await;
    for framing in ["content-length: 10\r\n", "transfer-encoding: chunked\r\n"] {
        let mut client =
            Wire::ask(proxy.address, &format!("POST /x HTTP/1.1\r\nhost: api.example\r\n{framing}")).await;
        let chunked = framing.starts_with("transfer");
        let mut line = None;
        for word in ["hello", "world"] {
            client.send(if chunked { format!("5\r\n{word}\r\n") } else { word.to_owned() }).await;
            let line: &mut Wire = match &mut line {
                Some(line) => line,
                none => {
                    let mut wire = origin.accept().await;
                    assert!(wire.head().await.contains(framing));
                    none.insert(wire)
                }
            };
            let arrived = if chunked { line.chunk().await } else { line.take(5).await };
            assert_eq!(arrived, word.as_bytes());
        }
        let mut line = line.expect("a connection");
        if chunked {
            client.send("0\r\n\r\n").await;
            assert_eq!(line.chunk().await, b"");
        }
        line.send("HTTP/1.1 201 Created\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await;
        assert!(client.head().await.starts_with("http/1.1 201"));
    }
}

#[tokio::test]
async fn an_answer_may_come_before_the_upload_is_complete() {
    let (proxy, origin) = played(proxy()).await;
    let head = "POST /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 1000000\r\n";
    let mut client = Wire::ask(proxy.address, head).await;
    client.send("hello").await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno").await;
    assert!(client.head().await.starts_with("http/1.1 413"));
    assert_eq!(client.take(2).await, b"no");
}

#[tokio::test]
async fn an_upload_and_its_answer_flow_at_the_same_time_and_the_connection_goes_on_behind_both() {
    let (proxy, origin) = played(proxy().server("workers = 1")).await;
    for (framing, is_chunked) in [("content-length: 15\r\n", false), ("transfer-encoding: chunked\r\n", true)]
    {
        let mut client =
            Wire::ask(proxy.address, &format!("POST /x HTTP/1.1\r\nhost: api.example\r\n{framing}")).await;
        let say = |word: &str| if is_chunked { format!("5\r\n{word}\r\n") } else { word.to_owned() };
        client.send(say("hello")).await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        client.head().await;
        for word in ["world", "again"] {
            line.send(format!("5\r\n{word}\r\n")).await;
            assert_eq!(client.chunk().await, word.as_bytes());
            client.send(say(word)).await;
        }
        line.send("0\r\n\r\n").await;
        assert_eq!(client.chunk().await, b"");
        for word in ["hello", "world", "again"] {
            let arrived = if is_chunked { line.chunk().await } else { line.take(5).await };
            assert_eq!(arrived, word.as_bytes());
        }
        if is_chunked {
            client.send("0\r\n\r\n").await;
            assert_eq!(line.chunk().await, b"");
        }
        finds(&proxy, &origin, &mut line).await;
    }
}

/// Asks until a request comes over this connection: one that comes a moment too early comes over another.
async fn finds(proxy: &Proxy, origin: &Stage, line: &mut Wire) {
    let last = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
    let mut is_found = false;
    while !is_found {
        let asking = tokio::spawn(proxy.get("/next").send());
        tokio::select! {
            head = line.head() => {
                assert!(head.starts_with("get /next "), "{head}");
                line.send(last).await;
                is_found = true;
            }
            mut other = origin.accept() => {
                other.head().await;
                other.send(last).await;
            }
        }
        assert_eq!(asking.await.expect("an answer").status, 204);
    }
}

#[tokio::test]
async fn an_upload_goes_on_behind_an_answer_that_is_over_before_it() {
    let (proxy, origin) = played(proxy().server("workers = 1")).await;
    for answer in [
        "200 OK\r\ncontent-length: 2\r\n\r\nok",
        "200 OK\r\ncontent-length: 0\r\n\r\n",
        "204 No Content\r\n\r\n",
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let mut client =
            Wire::ask(proxy.address, "POST /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 10\r\n").await;
        client.send("hello").await;
        let mut line = origin.accept().await;
        line.head().await;
        assert_eq!(line.take(5).await, b"hello");
        line.send(format!("HTTP/1.1 {answer}")).await;
        let head = client.head().await;
        if head.contains("chunked") {
            assert_eq!(client.chunk().await, b"ok");
            assert_eq!(client.chunk().await, b"");
        } else if head.contains("content-length: 2") {
            assert_eq!(client.take(2).await, b"ok");
        }
        // Its end, and another request in the same segment.
        client.send("worldGET /next HTTP/1.1\r\nhost: api.example\r\nauthorization: me\r\n\r\n").await;
        assert_eq!(line.take(5).await, b"world", "{answer}");
        let last = "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";
        tokio::select! {
            _ = line.head() => line.send(last).await,
            mut other = origin.accept() => {
                other.head().await;
                other.send(last).await;
            }
        }
        assert!(client.head().await.starts_with("http/1.1 204"), "{answer}");
    }
}

#[tokio::test]
async fn an_origin_that_answers_and_takes_no_more_of_the_upload_is_left() {
    let origin = stage().await;
    let proxy = proxy().origin("body_timeout = '500ms'").start(origin.address, &clock()).await;
    let mut client =
        Wire::ask(proxy.address, "POST /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 100000000\r\n")
            .await;
    let mut line = origin.accept().await;
    line.head().await;
    let uploading = tokio::spawn(async move { while client.try_send(vec![b'x'; MIB]).await.is_ok() {} });
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    within(uploading).await.expect("it ends");
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let (proxy, origin) = played(proxy()).await;
    let head = "POST /x HTTP/1.1\r\nhost: api.example\r\nexpect: 100-continue\r\ncontent-length: 5\r\n";
    let mut client = Wire::ask(proxy.address, head).await;
    let mut line = origin.accept().await;
    assert!(!line.head().await.contains("expect:"));
    assert!(client.head().await.starts_with("http/1.1 100"));
    client.send("hello").await;
    assert_eq!(line.take(5).await, b"hello");
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert!(client.head().await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn an_upload_that_breaks_off_never_looks_complete_to_the_origin() {
    for framing in ["content-length: 10\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let (proxy, origin) = played(proxy()).await;
        let mut client = Wire::connect(proxy.address).await;
        client.send(format!("POST /x HTTP/1.1\r\nhost: api.example\r\n{framing}")).await;
        let mut line = origin.accept().await;
        line.head().await;
        client.reset();
        let arrived = String::from_utf8(line.rest().await).expect("text");
        assert!(arrived.trim_start_matches("5\r\n").starts_with("hello"), "{arrived:?}");
        assert!(!arrived.contains("0\r\n"), "a last chunk: {arrived:?}");
    }
}
