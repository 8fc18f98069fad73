//! A client that has ended its side still reads: it gets what it asked for (RFC 9112 section 9.6).

use crate::support::{Builder, Wire, clock, in_turn, ok, proxy, scripted, stage};

fn ways() -> [(&'static str, Builder); 2] {
    let declared = proxy().route("name = 'x'\npath = '/{*rest}'\nttl = '30s'\nlevel = 'changing'");
    [("undeclared", proxy()), ("declared", declared)]
}

#[tokio::test]
async fn who_ends_its_side_after_a_request_gets_its_answer() {
    for (way, builder) in ways() {
        let origin = stage().await;
        let proxy = builder.start(origin.address, &clock()).await;
        let mut client = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\n").await;
        client.end().await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\ncache-control: max-age=60\r\n\r\nhello").await;
        let head = client.head().await;
        assert!(head.starts_with("http/1.1 200 ok"), "{way}: {head}");
        line.send("world").await;
        assert_eq!(client.rest().await, b"helloworld", "{way}: whole, and the connection ends");

        let mut again = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\n").await;
        again.end().await;
        let hit = again.head().await;
        assert!(hit.contains("cache-status: plimsoll; hit"), "{way}: {hit}");
        assert_eq!(again.rest().await, b"helloworld", "{way}");
    }
}

#[tokio::test]
async fn who_ends_its_side_gets_an_answer_that_is_there_in_one_piece() {
    for answer in ["204 No Content\r\n\r\n", "200 OK\r\ncontent-length: 5\r\n\r\nhello"] {
        let origin = stage().await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let mut client =
            Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: a\r\nauthorization: me\r\n").await;
        client.end().await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send(format!("HTTP/1.1 {answer}")).await;
        assert!(client.head().await.starts_with(&format!("http/1.1 {}", &answer[..4])));
        assert_eq!(client.rest().await, answer.split_once("\r\n\r\n").expect("a head").1.as_bytes());
    }
}

#[tokio::test]
async fn who_ends_its_side_gets_the_answers_to_all_that_it_asked() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let mut client = Wire::connect(proxy.address).await;
    let post = "POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc";
    client.send(post.repeat(2)).await;
    client.end().await;
    let mut line = origin.accept().await;
    for answer in ["first", "other"] {
        line.head().await;
        assert_eq!(line.take(3).await, b"abc");
        line.send(format!("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{answer}")).await;
        client.head().await;
        assert_eq!(client.take(5).await, answer.as_bytes());
    }
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn who_ends_its_side_within_a_request_has_not_made_one() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let mut client = Wire::connect(proxy.address).await;
    client.send("POST /x HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhello").await;
    let mut line = origin.accept().await;
    line.head().await;
    client.end().await;
    assert_eq!(line.rest().await, b"hello", "what is cut short ends the connection to the origin");
    client.rest().await;
}

#[tokio::test]
async fn who_ends_its_side_and_reads_late_gets_all_of_its_answer() {
    let content: String = (b'a'..=b'z').cycle().take(3_000_000).map(char::from).collect();
    let stored = "cache-control: max-age=60\r\n";
    for (way, fields, version) in [
        ("a bypass", "cache-control: no-store\r\n", "1.1"),
        ("a hit through the engine", stored, "1.0"),
        ("a hit past it", stored, "1.1"),
    ] {
        let origin = scripted(in_turn([ok(fields, &content), ok(fields, &content)])).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        let mut client = Wire::narrow(proxy.address).await;
        client.send(format!("GET /x HTTP/{version}\r\nhost: a\r\n\r\n")).await;
        client.end().await;
        client.head().await;
        let rest = client.rest().await;
        assert!(rest == content.as_bytes(), "{way}: {} bytes", rest.len());
    }
}
