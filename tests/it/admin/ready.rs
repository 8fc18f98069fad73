//! Whether the proxy is ready, and what is in the way if it is not.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::support::{
    Answer, Program, Wire, clock, get, in_turn, ok, proxy, scripted, stage, unheard, until,
};

async fn ready(admin: SocketAddr) -> Answer {
    get(admin, "/readyz").field("host", "localhost").send().await
}

/// The checks that have not passed.
fn failed(answer: &Answer) -> Vec<String> {
    let document = answer.json();
    let checks = document["checks"].as_object().expect("checks");
    let failed: Vec<String> =
        checks.iter().filter(|(_, check)| check["passed"] != true).map(|(name, _)| name.clone()).collect();
    assert_eq!(document["ready"], failed.is_empty());
    assert_eq!(answer.status.as_u16(), if failed.is_empty() { 200 } else { 503 });
    assert!(checks.values().all(|check| check["passed"] == true || check["why"].is_string()), "{document}");
    failed
}

#[tokio::test]
async fn a_proxy_that_listens_in_front_of_an_origin_is_ready() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    // The workers begin to accept on threads of their own.
    let answer = until(|| ready(proxy.admin_address()), |answer| answer.status == 200).await;
    let passed = json!({ "passed": true });
    let checks = json!({
        "listening": passed,
        "config": { "passed": true, "loaded": "2023-11-14T22:13:20.000Z" },
        "origin": passed,
        "draining": passed,
    });
    assert_eq!(answer.json(), json!({ "ready": true, "checks": checks }));
    assert_eq!(failed(&answer), Vec::<String>::new());
}

#[tokio::test]
async fn an_origin_that_is_not_there_is_named_as_what_failed_and_not_shown() {
    let gone = unheard();
    let proxy = proxy().admin().start(gone.address, &clock()).await;
    let origin_alone = |answer: &Answer| failed(answer) == ["origin"];
    let answer = until(|| ready(proxy.admin_address()), origin_alone).await;
    let why = answer.json()["checks"]["origin"]["why"].clone();
    assert_eq!(why, Value::from("no connection to the origin can be made; the log says why"));
    assert!(!answer.text().contains(&gone.address.port().to_string()));
    let alive = get(proxy.admin_address(), "/healthz").field("host", "localhost").send().await;
    assert_eq!((alive.status.as_u16(), alive.text().as_str()), (200, "alive\n"), "it is alive all the same");
}

#[tokio::test]
async fn an_origin_that_answered_a_moment_ago_is_not_asked_again() {
    let origin = stage().await;
    let proxy = proxy().server("workers = 1").admin().start(origin.address, &clock()).await;
    let mut client = Wire::connect(proxy.address).await;
    client.send("GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n").await;
    let mut line = origin.accept().await;
    // From here on nobody can connect to it. What is connected goes on.
    let _unheard = origin.leave();
    loop {
        line.head().await;
        line.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        client.head().await;
        // However slow this machine is: once in a while a moment is short enough.
        if failed(&ready(proxy.admin_address()).await).is_empty() {
            return;
        }
        client.send("GET /x HTTP/1.1\r\nhost: api.example\r\n\r\n").await;
    }
}

#[tokio::test]
async fn a_proxy_that_drains_is_alive_and_not_ready() {
    let origin = stage().await;
    let mut program = Program::serve(origin.address, "workers = 2\n[admin]\nlisten = \"127.0.0.1:0\"");
    let address = program.address();
    let admin = program.address();
    let mut client = Wire::ask(address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    program.signal("TERM");
    let drains = |answer: &Answer| answer.json()["checks"]["draining"]["passed"] == false;
    let answer = until(|| ready(admin), drains).await;
    assert!(failed(&answer).contains(&"draining".to_owned()), "{}", answer.text());
    assert_eq!(get(admin, "/healthz").field("host", "localhost").send().await.status, 200);
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    client.head().await;
    assert_eq!(client.take(5).await, b"hello", "what was in flight completes");
    assert_eq!(program.end().await.code(), Some(0));
}

#[tokio::test]
async fn an_origin_that_takes_connections_and_answers_nothing_is_what_failed() {
    let origin = stage().await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    let asking = tokio::spawn(proxy.get("/x").send());
    let mut wire = origin.accept().await;
    wire.head().await;
    wire.close().await;
    assert_eq!(asking.await.expect("an answer").status, 502);
    let answer = until(|| ready(proxy.admin_address()), |answer| failed(answer) == ["origin"]).await;
    let why = answer.json()["checks"]["origin"]["why"].clone();
    assert!(why.as_str().expect("words").contains("has answered nothing"), "{why}");
}
