//! Trailer sections on their way through (RFC 9110 section 6.5).

use crate::support::{Builder, Wire, clock, proxy, stage};

/// The ways through the house: by the operator's word, by the origin's, and past the cache.
fn ways() -> [Builder; 3] {
    ["changing", "origin", "user"]
        .map(|level| proxy().route(&format!("path = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'")))
}

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ntransfer-encoding: chunked\r\n\
                      trailer: x-sum, x-other\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: abc\r\nx-unnamed: 1\r\n\r\n";

#[tokio::test]
async fn trailers_of_an_answer_reach_a_client_that_asked_and_are_neither_merged_nor_stored() {
    for builder in ways() {
        let origin = stage().await;
        let proxy = builder.start(origin.address, &clock()).await;
        let ask = "GET /x HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te\r\n";
        let mut client = Wire::ask(proxy.address, ask).await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send(ANSWER).await;
        let head = client.head().await;
        assert!(head.contains("trailer: x-sum, x-other\r\n") && !head.contains("x-sum:"), "{head}");
        assert_eq!(client.chunk().await, b"hello");
        assert_eq!(client.head().await, "0\r\nx-sum: abc\r\n\r\n");
        if head.contains("stored") {
            client.send(format!("{ask}\r\n")).await;
            let head = client.head().await;
            assert!(head.contains("plimsoll; hit") && !head.contains("x-sum"), "{head}");
            assert_eq!(client.take(5).await, b"hello");
        }
    }
}

#[tokio::test]
async fn a_client_that_did_not_ask_gets_no_trailers() {
    for builder in ways() {
        let origin = stage().await;
        let proxy = builder.start(origin.address, &clock()).await;
        let mut client =
            Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n").await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send(ANSWER).await;
        let answer = String::from_utf8(client.rest().await).expect("text");
        assert!(!answer.to_ascii_lowercase().contains("x-sum") && answer.ends_with("0\r\n\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn trailers_of_a_request_reach_the_origin() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for method in ["POST", "GET"] {
        let ask = format!(
            "{method} /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\
                 trailer: Cookie, x-sum, x-forwarded-for, X_Forwarded_For, proxy, x-api-key\r\n"
        );
        let mut client = Wire::ask(proxy.address, &ask).await;
        // What says who asks, and the way here, has its place in the head only.
        let also = "cookie: sid=1\r\nx-forwarded-for: 192.0.2.1\r\nx-api-key: k\r\n";
        client.send(format!("5\r\nhello\r\n0\r\n{also}x-sum: abc\r\n\r\n")).await;
        let mut line = origin.accept().await;
        let head = line.head().await;
        assert!(
            head.contains("trailer: x-sum\r\n") && head.contains("transfer-encoding: chunked\r\n"),
            "{head}"
        );
        assert_eq!(line.chunk().await, b"hello");
        assert_eq!(line.head().await, "0\r\nx-sum: abc\r\n\r\n");
        line.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await;
        assert!(client.head().await.starts_with("http/1.1 204"));
    }
}
