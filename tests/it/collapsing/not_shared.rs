//! What is never shared: answers for one client, for other fields, of other keys, and what a write has ended.

use super::*;

#[tokio::test]
async fn what_proves_private_is_shared_with_nobody_and_nobody_waits_for_it_again() {
    for fields in [
        "cache-control: private\r\n",
        "cache-control: no-store\r\n",
        "set-cookie: a=b\r\n",
        "vary: *\r\n",
        "",
    ] {
        let go = Arc::new(Notify::new());
        let gate = Arc::clone(&go);
        let origin = scripted(move |number, _| {
            let answer = answer_with("200 OK", fields, &format!("for request {number:02}"));
            let Reply::Bytes(bytes) = answer else { unreachable!("a whole answer") };
            if number == 0 { Reply::Wait(Vec::new(), Arc::clone(&gate), bytes) } else { Reply::Bytes(bytes) }
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let crowd = crowd(&proxy.get("/x"), 10);
        proxy.followers(9).await;
        go.notify_one();
        let answers = answers(crowd).await;
        let texts: std::collections::BTreeSet<_> = answers.iter().map(Answer::text).collect();
        assert_eq!((texts.len(), origin.count()), (10, 10), "{fields}: each has its own");
        let refused = answers.iter().filter(|answer| answer.cache().contains("collapsed=?0")).count();
        assert_eq!(refused, 9, "{fields}");
        let waited = proxy.count_of(Role::Follower);
        proxy.get("/x").send().await;
        let later = proxy.get("/x").send().await;
        assert!(!later.cache().contains("collapsed"), "{}", later.cache());
        assert_eq!(proxy.count_of(Role::Follower), waited);
    }
}

#[tokio::test]
async fn on_a_declared_route_what_proves_too_low_is_fetched_by_each_client_itself() {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let origin = scripted(move |number, seen| match seen.field("cookie") {
        None => {
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: a=b\r\n\r\n".to_vec();
            if number == 0 {
                Reply::Wait(Vec::new(), Arc::clone(&gate), answer)
            } else {
                Reply::Bytes(answer)
            }
        }
        Some(cookie) => ok("", cookie),
    })
    .await;
    let proxy = proxy().route(DECLARED).start(origin.address, &clock()).await;
    let crowd: Vec<_> =
        (0..5).map(|n| tokio::spawn(proxy.get("/x").field("cookie", &format!("sid={n}")).send())).collect();
    proxy.followers(4).await;
    go.notify_one();
    for (n, answer) in answers(crowd).await.into_iter().enumerate() {
        assert_eq!(answer.text(), format!("sid={n}"));
        assert_eq!(answer.cache(), "fwd=bypass; level=4; route=x; detail=set-cookie");
    }
    assert_eq!(origin.count(), 6);
}

#[tokio::test]
async fn a_follower_has_only_what_its_own_fields_would_have_got() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let get = |value: &str| format!("GET /x HTTP/1.1\r\nhost: api.example\r\nx-a: {value}\r\n");
    let mut leader = Wire::ask(proxy.address, &get("1")).await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}vary: x-a\r\ncontent-length: 2\r\n\r\n1")).await;
    leader.head().await;
    let mut same = Wire::ask(proxy.address, &get("1")).await;
    assert!(same.head().await.contains("collapsed; level=2"));
    let mut other = Wire::ask(proxy.address, &get("2")).await;
    let mut own = origin.accept().await;
    assert!(own.head().await.contains("x-a: 2"), "its own fetch, at once");
    own.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2").await;
    assert!(other.head().await.contains("collapsed=?0"));
    assert_eq!(other.take(1).await, b"2");
    fetch.send("1").await;
    assert_eq!((leader.take(2).await, same.take(2).await), (b"11".to_vec(), b"11".to_vec()));
}

#[tokio::test]
async fn who_asks_is_no_follower_of_what_is_not_for_everybody() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let (mut leader, mut fetch) = lead(&proxy, &origin).await;
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 6\r\n\r\npub")).await;
    leader.head().await;
    let mut known =
        Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\nauthorization: Bearer me\r\n")
            .await;
    let mut own = origin.accept().await;
    assert!(own.head().await.contains("authorization: bearer me"));
    own.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmine").await;
    known.head().await;
    assert_eq!(known.take(4).await, b"mine");
}

#[tokio::test]
async fn ranges_and_conditions_lead_nobody_where_the_origin_decides() {
    for field in [
        "range: bytes=0-1\r\n",
        "if-none-match: \"a\"\r\n",
        "if-modified-since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
    ] {
        let origin = stage().await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let _special = Wire::ask(proxy.address, &format!("{GET}{field}")).await;
        let mut first = origin.accept().await;
        first.head().await;
        let mut plain = Wire::ask(proxy.address, GET).await;
        let mut second = origin.accept().await;
        second.head().await;
        second.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 1\r\n\r\nw")).await;
        plain.head().await;
        assert_eq!(plain.take(1).await, b"w", "{field}");
    }
}

#[tokio::test]
async fn a_write_during_a_fill_keeps_it_from_being_stored_and_from_taking_followers() {
    for (builder, _) in ways() {
        let origin = stage().await;
        let proxy = builder.server("workers = 1").start(origin.address, &clock()).await;
        let mut leader = Wire::ask(proxy.address, GET).await;
        let mut fetch = origin.accept().await;
        fetch.head().await;
        fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 6\r\n\r\nold")).await;
        leader.head().await;
        let mut writer =
            Wire::ask(proxy.address, "PUT /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 0\r\n").await;
        let mut write = origin.accept().await;
        write.head().await;
        write.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        writer.head().await;
        let mut reader = Wire::ask(proxy.address, GET).await;
        let mut again = write;
        let head = again.head().await;
        assert!(head.starts_with("get /x"), "{head}");
        again.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 3\r\n\r\nnew")).await;
        reader.head().await;
        assert_eq!(reader.take(3).await, b"new");
        fetch.send("old").await;
        assert_eq!(leader.take(6).await, b"oldold");
        let hit = proxy.get("/x").send().await;
        assert_eq!((hit.text().as_str(), hit.cache().starts_with("hit")), ("new", true));
    }
}

#[tokio::test]
async fn an_event_stream_has_no_followers() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let mut one = Wire::ask(proxy.address, GET).await;
    let mut first = origin.accept().await;
    first.head().await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: max-age=60\r\ncontent-length: 9\r\n\r\n";
    first.send(head).await;
    one.head().await;
    let mut two = Wire::ask(proxy.address, GET).await;
    let mut second = origin.accept().await;
    second.head().await;
    second.send(head).await;
    assert!(two.head().await.contains("detail=endless-stream"));
}

#[tokio::test]
async fn other_keys_and_other_codings_have_flights_of_their_own() {
    let origin = stage().await;
    let proxy = proxy().route(DECLARED).start(origin.address, &clock()).await;
    let mut fetches = Vec::new();
    for (target, coding) in [("/x", "gzip"), ("/x", "br"), ("/x?q=1", "gzip")] {
        let client = Wire::ask(
            proxy.address,
            &format!("GET {target} HTTP/1.1\r\nhost: api.example\r\naccept-encoding: {coding}\r\n"),
        )
        .await;
        let mut fetch = origin.accept().await;
        assert!(fetch.head().await.contains(coding));
        fetches.push((client, fetch));
    }
    assert_eq!(proxy.count_of(Role::Follower), 0);
}
