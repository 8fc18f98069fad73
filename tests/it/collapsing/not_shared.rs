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
        let (origin, go) =
            gated(|number| number == 0, move |number, _| ok(fields, &format!("for request {number:02}")))
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
    let (origin, go) = gated(
        |number| number == 0,
        |_, seen| match seen.field("cookie") {
            None => ok("set-cookie: a=b\r\n", ""),
            Some(cookie) => ok("", cookie),
        },
    )
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
    let (_leader, _fetch) = begin(&proxy, &origin, 6, "pub").await;
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
        let (mut plain, mut second) = lead(&proxy, &origin).await;
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
        let (mut leader, mut fetch) = begin(&proxy, &origin, 6, "old").await;
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
async fn a_stream_without_an_end_has_no_followers() {
    for kind in ["text/event-stream", "multipart/x-mixed-replace; boundary=b", "application/grpc+proto"] {
        let origin = stage().await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let (mut one, mut first) = lead(&proxy, &origin).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{FRESH}content-length: 9\r\n\r\n");
        first.send(&head).await;
        one.head().await;
        let (mut two, mut second) = lead(&proxy, &origin).await;
        second.send(&head).await;
        assert!(two.head().await.contains("detail=endless-stream"), "{kind}");
    }
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

#[tokio::test]
async fn who_follows_what_is_known_to_be_too_large_asks_for_itself() {
    for (builder, route) in ways() {
        let content = "x".repeat(100 * 1024);
        let go = Arc::new(Notify::new());
        let gate = Arc::clone(&go);
        let origin = scripted(move |number, _| match ok(FRESH, &content) {
            Reply::Bytes(answer) if number == 0 => Reply::Wait(Vec::new(), Arc::clone(&gate), answer),
            answer => answer,
        })
        .await;
        let proxy = builder.cache("max_object = '64 KiB'").start(origin.address, &clock()).await;
        let crowd = crowd(&proxy.get("/x"), 5);
        proxy.followers(4).await;
        go.notify_one();
        for answer in answers(crowd).await {
            assert_eq!(answer.body.len(), 100 * 1024, "{route}: {}", answer.cache());
        }
        let discarded = usize::from(route != "default");
        assert_eq!(
            origin.count(),
            5 + discarded,
            "{route}: one for each, and at most what was asked for all"
        );
    }
}

#[tokio::test]
async fn who_follows_what_turns_out_to_be_too_large_is_aborted_and_never_cut_short_cleanly() {
    for (builder, route) in ways() {
        let origin = stage().await;
        let proxy = builder.cache("max_object = '64 KiB'").start(origin.address, &clock()).await;
        let (mut leader, mut fetch) = lead(&proxy, &origin).await;
        let last = "connection: close\r\ntransfer-encoding: chunked";
        fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}{last}\r\n\r\n3\r\nabc\r\n")).await;
        leader.head().await;
        assert_eq!(leader.chunk().await, b"abc");
        let mut follower = Wire::ask(proxy.address, GET).await;
        assert!(follower.head().await.contains("collapsed; level=2"), "{route}");
        assert_eq!(follower.chunk().await, b"abc");
        let more = format!("{:x}\r\n{}\r\n", 100 * 1024, "x".repeat(100 * 1024));
        fetch.send(more).await;
        fetch.send("0\r\n\r\n").await;
        let rest = String::from_utf8(follower.rest().await).expect("text");
        assert!(!rest.ends_with("0\r\n\r\n"), "{route}: an end that looks like one");
        let mut length = 0;
        loop {
            let chunk = leader.chunk().await;
            if chunk.is_empty() {
                break;
            }
            length += chunk.len();
        }
        assert_eq!(length, 100 * 1024, "{route}: the leader has it whole");
        // Who comes next is not cut off like that: each has a fetch of its own.
        let (_one, _first) = lead(&proxy, &origin).await;
        let (_two, _second) = lead(&proxy, &origin).await;
        assert_eq!(proxy.count_of(Role::Follower), 1, "{route}");
    }
}
