//! Promises of the levels that the code does not keep yet: each test says what must happen, and fails today.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

use super::twice;
use crate::support::{clock, ok, proxy, scripted};

const ROUTE: &str = "name = 'r'\npath = '/r/{id}'\nlevel = 'changing'\nttl = '60s'\n";

// "... and it is reported (event, metric, `explain`): the route says too little." Whoever asks first.
#[tokio::test]
async fn a_bypass_for_an_undeclared_field_is_reported_also_where_another_asked_first() {
    let origin = scripted(|_, _| ok("vary: accept-language\r\n", "answer")).await;
    let proxy = proxy().admin().route(ROUTE).start(origin.address, &clock()).await;
    proxy.get("/r/1").send().await;
    let french = proxy.get("/r/1").field("accept-language", "fr").send().await;
    assert_eq!(french.cache(), "fwd=bypass; level=2; route=r; detail=vary-undeclared");
    let routes = proxy.admin("/api/routes").send().await.json();
    assert_eq!(routes["routes"][0]["findings"][0]["reason"], "vary-undeclared");
}

// "A client's `Forwarded` and `X-Forwarded-*` are replaced by the proxy's own, unless the client's address is trusted."
#[tokio::test]
async fn no_forwarded_field_of_an_untrusted_client_poisons_what_is_stored() {
    for name in ["x-forwarded-prefix", "x-forwarded-port", "x-forwarded-server", "x-forwarded-scheme"] {
        let origin =
            scripted(move |_, seen| ok("cache-control: max-age=60\r\n", seen.field(name).unwrap_or("clean")))
                .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").field(name, "evil").send().await;
        assert_eq!(proxy.get("/x").send().await.text(), "clean", "{name}");
    }
}

// "`private=\"field\"` follows RFC 9111": the field is not stored, but the client that asked gets its own answer.
#[tokio::test]
async fn a_field_that_is_private_reaches_the_client_that_asked() {
    let origin =
        scripted(|_, _| ok("cache-control: max-age=60, private=\"x-own\"\r\nx-own: yes\r\n", "answer")).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let [first, second] = twice(proxy.get("/x")).await;
    assert_eq!((first.field("x-own").as_str(), second.field("x-own").as_str()), ("yes", ""));
    assert_eq!(second.cache(), "hit; ttl=60; level=2; route=default");
}

// "Evidence of a response comes from the field that governs this cache (targeted fields first, RFC 9213)."
#[tokio::test]
async fn the_targeted_field_governs() {
    let fields = "cdn-cache-control: max-age=9\r\ncache-control: private\r\n";
    let origin = scripted(move |_, _| ok(fields, "answer")).await;
    let proxy = proxy().route(ROUTE).start(origin.address, &clock()).await;
    for target in ["/x", "/r/1"] {
        let [_, second] = twice(proxy.get(target)).await;
        assert!(second.cache().starts_with("hit; ttl=9; level=2; "), "{target}: {}", second.cache());
    }
}

// Vary is honoured: what the proxy writes itself chose the answer as well, here the client's address.
#[tokio::test]
async fn vary_by_a_field_that_the_proxy_writes_keeps_two_addresses_apart() {
    let origin = scripted(|_, seen| {
        let address = seen.field("x-forwarded-for").unwrap_or_default();
        ok("cache-control: max-age=60\r\nvary: x-forwarded-for\r\n", address)
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for address in ["127.0.0.1", "127.0.0.2"] {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(address.parse().expect("an address"), 0)).expect("to bind");
        let mut stream = socket.connect(proxy.address).await.expect("a connection to the proxy");
        let request = "GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("to write");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with(&format!("\r\n\r\n{address}")), "{answer}");
    }
}
