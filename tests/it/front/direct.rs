//! Hits and short answers go out without the protocol engine, and everything else through it: a client cannot tell, but by
//! the time.

use crate::support::{Proxy, Reply, Scripted, Wire, clock, in_turn, ok, proxy, scripted, stage};

fn request(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: api.example\r\n{more}\r\n")
}

/// A proxy that holds this content for `/x`, and the origin that it is from.
async fn holding(content: &str) -> (Proxy, Scripted) {
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", content)])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    (proxy, origin)
}

#[tokio::test]
async fn pipelined_answers_keep_their_order_whichever_way_each_goes() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let mut client = Wire::connect(proxy.address).await;
    client.send(request("GET", "/stored", "")).await;
    let mut line = origin.accept().await;
    line.head().await;
    let stored = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\netag: \"1\"\r\ncontent-length: 6\r\n\r\n";
    line.send(format!("{stored}stored")).await;
    client.head().await;
    client.take(6).await;
    let asked = [
        request("GET", "/stored", ""),
        request("HEAD", "/stored", ""),
        request("GET", "/stored", "connection: keep-alive\r\n"),
        request("GET", "/stored", "if-none-match: \"1\"\r\n"),
        request("GET", "/stored", "range: bytes=2-3\r\n"),
        request("GET", "/slow", ""),
        request("GET", "/stored", ""),
        format!("{}abc", request("POST", "/sent", "content-length: 3\r\n")),
        request("GET", "/stored", ""),
        request("GET", "/stored", "connection: close\r\n"),
        request("GET", "/beyond", ""),
    ];
    client.send(asked.concat()).await;
    for (status, content) in
        [("200 ok", "stored"), ("200 ok", ""), ("200 ok", "stored"), ("304", ""), ("206", "or")]
    {
        let head = client.head().await;
        assert!(head.starts_with(&format!("http/1.1 {status}")) && head.contains("plimsoll; hit"), "{head}");
        assert_eq!(client.take(content.len()).await, content.as_bytes(), "{head}");
    }
    // What follows a miss waits for it, though it is stored.
    assert!(line.head().await.starts_with("get /slow "));
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow").await;
    assert!(client.head().await.contains("fwd=uri-miss"));
    assert_eq!(client.take(4).await, b"slow");
    assert!(client.head().await.contains("plimsoll; hit"));
    assert_eq!(client.take(6).await, b"stored");
    assert!(line.head().await.starts_with("post /sent "));
    assert_eq!(line.take(3).await, b"abc");
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsent").await;
    assert!(client.head().await.contains("fwd=method"));
    assert_eq!(client.take(4).await, b"sent");
    assert!(client.head().await.contains("plimsoll; hit"));
    assert_eq!(client.take(6).await, b"stored");
    let last = client.head().await;
    assert!(last.contains("plimsoll; hit") && last.contains("\r\nconnection: close\r\n"), "{last}");
    assert_eq!(client.rest().await, b"stored", "nothing is read behind the last request");
}

#[tokio::test]
async fn a_hit_is_the_same_whichever_way_it_goes_and_however_its_request_comes() {
    let content = ["hello", &"x".repeat(9000), &"y".repeat(200_000)];
    for content in content {
        let origin =
            scripted(in_turn([ok("cache-control: max-age=60\r\nx-a: 1\r\nx-a: 2\r\n", content)])).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        let mut heads = Vec::new();
        // An answer on a connection that ends behind it goes through the engine.
        for (more, part) in [("", 1000), ("", 1), ("", 7), ("connection: close\r\n", 1000)] {
            let mut client = Wire::connect(proxy.address).await;
            for part in request("GET", "/x", more).as_bytes().chunks(part) {
                client.send(part).await;
            }
            let mut lines: Vec<String> = client.head().await.lines().map(str::to_owned).collect();
            assert_eq!(client.take(content.len()).await, content.as_bytes());
            lines.retain(|line| line != "connection: close");
            lines.sort();
            heads.push(lines);
        }
        assert!(heads.iter().all(|head| *head == heads[0]), "{heads:?}");
        assert!(
            heads[0].iter().any(|line| *line == format!("content-length: {}", content.len())),
            "{heads:?}"
        );
        assert_eq!(origin.count(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_passed_on_is_the_same_whichever_way_it_goes() {
    let large = format!("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n{}", "x".repeat(200_000));
    for (method, answer, content) in [
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nhello", 5),
        ("GET", "HTTP/1.1 404 Nothing Of That Kind\r\ncontent-length: 0\r\n\r\n", 0),
        ("GET", "HTTP/1.0 503 Service Unavailable\r\n\r\nhello", 5),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 0),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 0),
        ("HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 0),
        ("OPTIONS", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nallow: GET\r\n\r\n", 0),
        ("DELETE", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 5),
        ("GET", &large, 200_000),
    ] {
        let answer = answer.as_bytes().to_vec();
        let origin = scripted(move |_, _| Reply::Close(answer.clone())).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let mut answers = Vec::new();
        for more in ["authorization: me\r\n", "authorization: me\r\nconnection: close\r\n"] {
            let mut client = Wire::connect(proxy.address).await;
            client.send(request(method, "/x", more)).await;
            let mut lines: Vec<String> = client.head().await.lines().map(str::to_owned).collect();
            let got = if lines.iter().any(|line| line == "transfer-encoding: chunked") && content > 0 {
                client.chunk().await
            } else {
                client.take(content).await
            };
            lines
                .retain(|line| !["connection: close", "transfer-encoding: chunked"].contains(&line.as_str()));
            lines.retain(|line| content == 0 || !line.starts_with("content-length: "));
            lines.sort();
            answers.push((lines, got));
        }
        assert_eq!(answers[0], answers[1], "{method} {content}");
    }
}

#[tokio::test]
async fn what_comes_while_an_answer_is_waited_for_is_read_behind_it() {
    let origin = stage().await;
    let proxy = proxy().server("workers = 1\nhead_timeout = '5s'").start(origin.address, &clock()).await;
    for parts in [&["", ""][..], &["GET /second HTT", "P/1.1\r\nhost: api.example\r\n\r\n"], &["G"]] {
        let mut client = Wire::connect(proxy.address).await;
        client.send(request("GET", "/first", "authorization: me\r\n")).await;
        let mut line = origin.accept().await;
        assert!(line.head().await.starts_with("get /first "));
        client.send(parts[0]).await;
        line.send("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n").await;
        assert!(client.head().await.starts_with("http/1.1 103 "));
        line.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nfirst").await;
        assert!(client.head().await.starts_with("http/1.1 200 "));
        assert_eq!(client.take(5).await, b"first");
        if let Some(rest) = parts.get(1).filter(|rest| !rest.is_empty()) {
            client.send(rest).await;
            let mut line = origin.accept().await;
            assert!(line.head().await.starts_with("get /second "));
            line.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 6\r\n\r\nsecond").await;
            client.head().await;
            assert_eq!(client.take(6).await, b"second");
        }
        client.end().await;
        assert_eq!(client.rest().await, b"");
    }
}

#[tokio::test]
async fn a_large_hit_comes_whole_to_who_reads_late_and_the_connection_goes_on() {
    let content: String = (b'a'..=b'z').cycle().take(1_500_000).map(char::from).collect();
    let (proxy, _origin) = holding(&content).await;
    let mut client = Wire::connect(proxy.address).await;
    // More than any socket buffers: each answer is written in parts, while the next request is there already.
    client.send(request("GET", "/x", "").repeat(8)).await;
    // Somebody else is served meanwhile.
    assert_eq!(proxy.get("/x").send().await.body.len(), content.len());
    for _ in 0..8 {
        assert!(client.head().await.contains("plimsoll; hit"));
        assert!(client.take(content.len()).await == content.as_bytes());
    }
    client.end().await;
    assert_eq!(client.rest().await, b"");
}

#[tokio::test]
async fn draining_ends_a_connection_that_has_only_had_hits_and_lets_an_answer_be_read_to_its_end() {
    let content = "x".repeat(4_000_000);
    let (proxy, _origin) = holding(&content).await;
    let mut idle = Wire::ask(proxy.address, &request("GET", "/x", "").replace("\r\n\r\n", "\r\n")).await;
    idle.head().await;
    idle.take(content.len()).await;
    let mut reading = Vec::new();
    // With an engine, which would end without a word where another protocol was asked for, and without one.
    for first in [Some("connection: upgrade\r\nupgrade: x\r\n"), Some(""), None] {
        let mut client = Wire::narrow(proxy.address).await;
        if let Some(fields) = first {
            client.send(request("HEAD", "/x", fields)).await;
            client.head().await;
        }
        client.send(request("GET", "/x", "")).await;
        client.head().await;
        reading.push(client);
    }
    let stopping = tokio::spawn(proxy.stop());
    assert_eq!(idle.byte().await, None, "an idle connection ends at once");
    for mut client in reading {
        assert_eq!(client.rest().await.len(), content.len(), "what was begun is finished");
    }
    stopping.await.expect("it stops");
}

#[tokio::test]
async fn who_sends_on_behind_a_refused_head_reads_all_answers() {
    let content = "x".repeat(300_000);
    let (proxy, _origin) = holding(&content).await;
    for first in ["", "connection: upgrade\r\nupgrade: x\r\n"] {
        let mut client = Wire::narrow(proxy.address).await;
        client.send(request("HEAD", "/x", first)).await;
        client.head().await;
        let refused = "GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n";
        client.send(format!("{}{refused}{}", request("GET", "/x", ""), "y".repeat(20_000))).await;
        assert!(client.head().await.contains("plimsoll; hit"));
        assert_eq!(client.take(content.len()).await.len(), content.len());
        assert!(client.head().await.starts_with("http/1.1 400 "));
        // A reset instead of the end would be an error.
        client.rest().await;
    }
}
