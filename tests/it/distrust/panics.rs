//! A panic fails the one request that meets it.

use crate::support::{Answer, Wire, clock, ok, proxy, scripted, within};

fn is_internal(answer: &Answer) {
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert_eq!(answer.json()["type"], "urn:plimsoll:problem:internal");
    assert!(!answer.text().contains("test"), "{}", answer.text());
}

#[tokio::test]
async fn a_panic_in_the_request_function_fails_one_request() {
    let origin = scripted(|_, _| ok("cache-control: max-age=60\r\n", "hello")).await;
    let proxy = proxy().server("workers = 1").start(origin.address, &clock()).await;
    let mut client = Wire::connect(proxy.address).await;
    for (path, status) in [("/panics", "500"), ("/x", "200"), ("/panics", "500"), ("/x", "200")] {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: api.example\r\n\r\n")).await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "the connection goes on: {head}");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        client.take(length.and_then(|length| length.parse().ok()).expect("a length")).await;
    }
    is_internal(&proxy.get("/panics").send().await);
    is_internal(&proxy.get("/panics").method("POST").body("hello").send().await);
    assert_eq!(proxy.incidents(), vec![("panic", String::new()); 4]);
}

#[tokio::test]
async fn a_panic_in_a_fetch_fails_the_request_that_waits_for_it() {
    let origin = scripted(|_, seen| {
        ok(if seen.line.contains("/private") { "set-cookie: a=b\r\n" } else { "" }, "hello")
    })
    .await;
    let route = "name = 'panics'\npath = '/{*rest}'\nlevel = 'changing'\nttl = '30s'";
    let proxy = proxy().server("workers = 1").route(route).start(origin.address, &clock()).await;
    is_internal(&within(proxy.get("/private").send()).await);
    assert_eq!(proxy.get("/x").send().await.text(), "hello");
    assert_eq!(proxy.incidents(), [("panic", String::new()), ("problem", "internal".to_owned())]);
}
