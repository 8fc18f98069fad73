//! Interim responses on their way to the client whose request led the fetch (RFC 9110 section 15.2).

use crate::support::{Builder, Proxy, Stage, Wire, clock, proxy, secs, stage, until};

const HINT: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\nconnection: x-hop\r\nx-hop: 1\r\n\r\n";
const FINAL: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 5\r\n\r\nhello";
const ASK: &str = "GET /x HTTP/1.1\r\nhost: a\r\n";

/// The ways through the house: by the operator's word, by the origin's, and past the cache.
fn ways() -> [Builder; 3] {
    ["changing", "origin", "user"]
        .map(|level| proxy().route(&format!("path = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'")))
}

async fn staged(builder: Builder) -> (Proxy, Stage) {
    let origin = stage().await;
    (builder.start(origin.address, &clock()).await, origin)
}

#[tokio::test]
async fn hints_reach_the_client_before_the_final_response_without_fields_of_the_connection() {
    for builder in ways() {
        let (proxy, origin) = staged(builder).await;
        let mut client = Wire::ask(proxy.address, ASK).await;
        let mut line = origin.accept().await;
        line.head().await;
        for _ in 0..2 {
            line.send(HINT).await;
            assert_eq!(client.head().await, "http/1.1 103 early hints\r\nlink: </a.css>\r\n\r\n");
        }
        line.send("HTTP/1.1 102 Processing\r\n\r\n").await;
        assert_eq!(client.head().await, "http/1.1 102 processing\r\n\r\n");
        line.send(FINAL).await;
        let head = client.head().await;
        assert!(head.starts_with("http/1.1 200") && !head.contains("link"), "{head}");
        assert_eq!(client.take(5).await, b"hello");
    }
}

#[tokio::test]
async fn hints_in_one_piece_with_the_final_response_keep_their_order() {
    for builder in ways() {
        let (proxy, origin) = staged(builder).await;
        let mut client = Wire::connect(proxy.address).await;
        let pipelined = format!("{ASK}\r\n{}\r\n", ASK.replace("/x", "/y"));
        client.send(pipelined).await;
        let mut line = origin.accept().await;
        for _ in 0..2 {
            line.head().await;
            line.send(format!("{HINT}{HINT}{FINAL}")).await;
            for status in ["103", "103", "200"] {
                assert!(client.head().await.starts_with(&format!("http/1.1 {status}")));
            }
            assert_eq!(client.take(5).await, b"hello");
        }
    }
}

#[tokio::test]
async fn hints_are_not_stored() {
    let [declared, undeclared, _] = ways();
    for builder in [declared, undeclared] {
        let (proxy, origin) = staged(builder).await;
        let mut first = Wire::ask(proxy.address, ASK).await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send(format!("{HINT}{FINAL}")).await;
        assert!(first.head().await.starts_with("http/1.1 103"));
        // Whoever has read all of it finds it stored.
        assert!(first.head().await.starts_with("http/1.1 200"));
        first.take(5).await;
        let mut second = Wire::ask(proxy.address, ASK).await;
        assert!(second.head().await.starts_with("http/1.1 200"));
    }
}

#[tokio::test]
async fn a_client_of_http_1_0_hears_no_hints() {
    for builder in ways() {
        let (proxy, origin) = staged(builder).await;
        let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.0\r\nhost: a\r\n").await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send(format!("{HINT}{FINAL}")).await;
        assert!(client.head().await.starts_with("http/1.0 200"));
    }
}

#[tokio::test]
async fn a_refresh_in_the_background_tells_nobody_hints() {
    let route = "path = '/{*rest}'\nlevel = 'changing'\nttl = '10s'\nstale_while_revalidate = '60s'";
    let (proxy, origin) = staged(proxy().route(route)).await;
    let plain = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
    let mut client = Wire::ask(proxy.address, ASK).await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send(plain).await;
    client.head().await;
    client.take(5).await;
    proxy.advance(secs(20));
    client.send(format!("{ASK}\r\n")).await;
    assert!(client.head().await.contains("hit; ttl=-10"));
    client.take(5).await;
    line.head().await;
    line.send(HINT).await;
    // The next request of the same connection is answered while the refresh still hangs.
    client.send(format!("{ASK}\r\n")).await;
    assert!(client.head().await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_flood_of_hints_is_dropped_beyond_the_cap_and_the_answer_comes() {
    for builder in ways() {
        let (proxy, origin) = staged(builder).await;
        let mut client =
            Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n").await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send(HINT.repeat(60)).await;
        line.send(FINAL).await;
        let answer = String::from_utf8(client.rest().await).expect("text");
        assert_eq!(answer.matches("HTTP/1.1 103").count(), 16, "{}", answer.len());
        assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    }
}

#[tokio::test]
async fn continue_is_between_neighbours() {
    let (proxy, origin) = staged(proxy()).await;
    let ask = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n";
    let mut client = Wire::ask(proxy.address, ask).await;
    assert_eq!(client.head().await, "http/1.1 100 continue\r\n\r\n", "the proxy's own");
    client.send("hello").await;
    let mut line = origin.accept().await;
    assert!(!line.head().await.contains("expect"));
    assert_eq!(line.take(5).await, b"hello");
    line.send(format!("HTTP/1.1 100 Continue\r\n\r\n{FINAL}")).await;
    assert!(client.head().await.starts_with("http/1.1 200"));
}

#[tokio::test]
async fn a_client_that_leaves_after_a_hint_takes_nothing_with_it() {
    let [declared, ..] = ways();
    let (proxy, origin) = staged(declared).await;
    let mut client = Wire::ask(proxy.address, ASK).await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send(HINT).await;
    client.head().await;
    client.reset();
    line.send(format!("{HINT}{FINAL}")).await;
    let ask = || proxy.get("/x").field("host", "a").field("cache-control", "only-if-cached").send();
    until(ask, |answer| answer.cache().starts_with("hit")).await;
}
