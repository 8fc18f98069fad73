//! Answers of an origin whose end can be understood in two ways, or in none: a 502, and nothing stored
//! (RFC 9112 sections 6.1 and 6.3).

use crate::support::{Builder, Reply, clock, in_turn, ok, proxy, scripted};

/// The ways through the house: stored by the operator's word, stored by the origin's, and not stored at all.
fn ways() -> [(&'static str, Builder); 3] {
    let route = |level: &str| {
        proxy().route(&format!("name = 'x'\npath = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'"))
    };
    [("changing", route("changing")), ("origin", route("origin")), ("user", route("user"))]
}

/// Holds that an answer with these field lines and this content is a 502 on every way, and that nothing of it is kept.
async fn refused(status: &str, fields: &str, content: &str) {
    for (way, builder) in ways() {
        let answer = format!("HTTP/1.1 {status}\r\ncache-control: max-age=60\r\n{fields}\r\n{content}");
        let origin = scripted(in_turn([
            Reply::Close(answer.into_bytes()),
            ok("cache-control: max-age=60\r\n", "good"),
        ]))
        .await;
        let proxy = builder.start(origin.address, &clock()).await;
        let answer = proxy.get("/x").send().await;
        assert_eq!(answer.status, 502, "{way}, {fields:?}: {} {:?}", answer.text(), answer.fields);
        assert_eq!(answer.field("content-type"), "application/problem+json", "{way}, {fields:?}");
        assert_eq!(proxy.get("/x").send().await.text(), "good", "{way}, {fields:?}");
    }
}

#[tokio::test]
async fn a_transfer_coding_that_does_not_end_with_chunked_is_refused() {
    refused("200 OK", "transfer-encoding: gzip\r\n", "hello, this could be cut short").await;
}

#[tokio::test]
async fn a_length_beside_chunks_is_refused() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    refused("200 OK", "content-length: 5\r\ntransfer-encoding: chunked\r\n", chunks).await;
    refused("200 OK", "transfer-encoding: chunked\r\ncontent-length: 5\r\n", chunks).await;
}

#[tokio::test]
async fn a_transfer_coding_beside_chunked_is_refused() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    refused("200 OK", "transfer-encoding: gzip, chunked\r\n", chunks).await;
    refused("200 OK", "transfer-encoding: chunked, chunked\r\n", chunks).await;
}

#[tokio::test]
async fn a_length_that_is_stated_twice_in_one_line_never_reaches_the_client_like_that() {
    for (way, builder) in ways() {
        let twice = b"HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\n\r\nhello".to_vec();
        let origin = scripted(in_turn([Reply::Close(twice)])).await;
        let proxy = builder.start(origin.address, &clock()).await;
        let request = "GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
        let answer = crate::support::raw(proxy.address, request).await;
        // RFC 9112 section 6.3: either refused, or replaced by the one value.
        assert!(!answer.contains("5, 5"), "{way}: {answer}");
    }
}

#[tokio::test]
async fn a_change_of_protocol_that_nobody_asked_for_is_refused() {
    for (way, builder) in ways() {
        let switch =
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\nbytes"
                .to_vec();
        let origin = scripted(in_turn([Reply::Close(switch)])).await;
        let proxy = builder.start(origin.address, &clock()).await;
        let request = "GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
        let answer = crate::support::raw(proxy.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{way}: {answer}");
    }
}
