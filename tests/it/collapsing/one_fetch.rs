//! A crowd is one fetch, and everybody reads it as it arrives; what becomes of it when the leader leaves, hangs or fails.

use super::*;

#[tokio::test]
async fn a_crowd_on_a_cold_key_is_one_fetch() {
    for (builder, route) in ways() {
        let (origin, go) = held_back(FRESH).await;
        let proxy = builder.start(origin.address, &clock()).await;
        let crowd = crowd(&proxy.get("/x"), 50);
        proxy.followers(49).await;
        go.notify_one();
        let answers = answers(crowd).await;
        assert!(
            answers.iter().all(|answer| (answer.status.as_u16(), answer.text().as_str()) == (200, "fetch 0"))
        );
        assert_eq!(collapsed(&answers, "uri-miss", route), 49);
        assert_eq!(
            (origin.count(), proxy.count_of(Role::Leader), proxy.count_of(Role::Follower)),
            (1, 1, 49)
        );
    }
}

#[tokio::test]
async fn a_crowd_on_an_expired_key_is_one_validation() {
    for (builder, route) in ways() {
        let fields = "cache-control: max-age=60\r\netag: \"a\"\r\n";
        let (origin, go) = confirmed(|number| number > 0, fields).await;
        let proxy = builder.start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        proxy.advance(secs(60));
        let crowd = crowd(&proxy.get("/x"), 20);
        proxy.followers(19).await;
        go.notify_one();
        let answers = answers(crowd).await;
        assert!(answers.iter().all(|answer| answer.text() == "held"));
        assert_eq!(collapsed(&answers, "stale", route), 19);
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn a_crowd_while_refreshing_is_one_fetch_and_nobody_waits() {
    let (origin, go) = held_back("cache-control: max-age=100, stale-while-revalidate=50\r\n").await;
    let proxy = proxy().start(origin.address, &clock()).await;
    go.notify_one();
    proxy.get("/x").send().await;
    proxy.advance(secs(120));
    for answer in answers(crowd(&proxy.get("/x"), 20)).await {
        assert_eq!(
            (answer.text().as_str(), answer.cache().as_str()),
            ("fetch 0", "hit; ttl=-20; level=2; route=default")
        );
    }
    origin.arrived(2).await;
    assert_eq!(origin.count(), 2);
    // Outside the window they join the refresh that is under way.
    proxy.advance(secs(40));
    let late = crowd(&proxy.get("/x"), 3);
    proxy.followers(3).await;
    go.notify_one();
    let late = answers(late).await;
    assert!(late.iter().all(|answer| answer.text() == "fetch 1"));
    assert_eq!((collapsed(&late, "stale", "default"), origin.count()), (3, 2));
}

#[tokio::test]
async fn a_crowd_that_asks_on_and_on_is_one_fetch_for_each_time_that_the_response_goes_stale() {
    const AT_ONCE: usize = 20;
    let fields = "cache-control: max-age=10, stale-while-revalidate=100\r\n";
    let origin = scripted(move |_, _| ok(fields, "x")).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let mut wires = Vec::new();
    for _ in 0..4 {
        wires.push(Wire::connect(proxy.address).await);
    }
    for times in 1..=100 {
        proxy.advance(secs(11));
        for wire in &mut wires {
            wire.send(format!("{GET}\r\n").repeat(AT_ONCE)).await;
        }
        for wire in &mut wires {
            for _ in 0..AT_ONCE {
                wire.head().await;
                wire.take(1).await;
            }
        }
        until(|| proxy.get("/x").send(), |answer| !answer.cache().contains("ttl=-")).await;
        assert_eq!(origin.count(), times + 1);
    }
}

#[tokio::test]
async fn followers_have_the_head_when_it_arrives_and_bytes_as_they_arrive() {
    for (builder, route) in ways() {
        let origin = stage().await;
        let proxy = builder.start(origin.address, &clock()).await;
        let (mut leader, mut fetch) = begin(&proxy, &origin, 9, "one").await;
        assert_eq!(leader.take(3).await, b"one");
        let mut late = Wire::ask(proxy.address, GET).await;
        assert!(late.head().await.contains(&format!("fwd=uri-miss; collapsed; level=2; route={route}")));
        assert_eq!(late.take(3).await, b"one", "what is held already");
        fetch.send("two").await;
        assert_eq!((leader.take(3).await, late.take(3).await), (b"two".to_vec(), b"two".to_vec()));
        let mut last = Wire::ask(proxy.address, &format!("{GET}range: bytes=4-7\r\n")).await;
        if route == "x" {
            assert!(last.head().await.starts_with("http/1.1 206"));
            assert_eq!(last.take(2).await, b"wo");
        }
        fetch.send("end").await;
        assert_eq!((leader.take(3).await, late.take(3).await), (b"end".to_vec(), b"end".to_vec()));
    }
}

#[tokio::test]
async fn a_follower_that_stands_still_slows_nobody_down() {
    let length = 8 << 20;
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let (mut leader, mut fetch) = begin(&proxy, &origin, length, "").await;
    let mut idle = Wire::ask(proxy.address, GET).await;
    idle.head().await;
    let mut peer = Wire::ask(proxy.address, GET).await;
    peer.head().await;
    let content = vec![b'x'; length];
    let ((), leaders, peers) = tokio::join!(fetch.send(&content), leader.take(length), peer.take(length));
    assert!(leaders == content && peers == content);
    assert_eq!(idle.take(length).await, content, "and has all of it when it goes on");
}

#[tokio::test]
async fn a_leader_that_hangs_is_left_at_the_lock_timeout() {
    let origin = stage().await;
    let proxy = proxy().cache("lock_timeout = '50ms'").start(origin.address, &clock()).await;
    let _hangs = lead(&proxy, &origin).await;
    let (mut follower, mut own) = lead(&proxy, &origin).await;
    own.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 1\r\n\r\nw")).await;
    assert!(follower.head().await.contains("fwd=uri-miss; stored; collapsed=?0"));
}

#[tokio::test]
async fn a_fetch_that_fails_is_tried_again_by_one_of_those_who_wait() {
    // Not a word that means anything, and the connection is of no more use.
    let failure = || Reply::Bytes(b"nonsense\r\n\r\n".to_vec());
    let (origin, go) = gated(
        |number| number == 0,
        move |number, _| if number == 0 { failure() } else { ok(FRESH, "second") },
    )
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let crowd = crowd(&proxy.get("/x"), 10);
    proxy.followers(9).await;
    go.notify_one();
    let answers = answers(crowd).await;
    let failed = answers.iter().filter(|answer| answer.status == 502).count();
    assert_eq!(failed, 1, "only the leader has the failure");
    assert!(answers.iter().filter(|answer| answer.status == 200).all(|answer| answer.text() == "second"));
    assert_eq!((origin.count(), proxy.count_of(Role::Retry)), (2, 1));
}

#[tokio::test]
async fn an_origin_that_always_fails_is_asked_a_bounded_number_of_times() {
    let origin = scripted(|_, _| Reply::Close(Vec::new())).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let answers = answers(crowd(&proxy.get("/x"), 50)).await;
    assert!(answers.iter().all(|answer| answer.status == 502));
    // Who leads has the answer of its own fetch, and who has waited three times has the failure of another.
    assert!(origin.count() <= 50, "{}", origin.count());
}

#[tokio::test]
async fn the_leaders_client_leaves_and_a_hundred_follow_all_complete() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let (leader, mut fetch) = lead(&proxy, &origin).await;
    let crowd = crowd(&proxy.get("/x"), 100);
    proxy.followers(100).await;
    leader.reset();
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 6\r\n\r\nans")).await;
    fetch.send("wer").await;
    assert!(answers(crowd).await.iter().all(|answer| answer.text() == "answer"));
}

#[tokio::test]
async fn a_fill_that_dies_aborts_its_followers_and_never_ends_cleanly() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let (mut leader, fetch) = begin(&proxy, &origin, 6, "ans").await;
    let mut follower = Wire::ask(proxy.address, GET).await;
    follower.head().await;
    drop(fetch);
    assert_eq!((leader.rest().await, follower.rest().await), (b"ans".to_vec(), b"ans".to_vec()));
    let (mut next, mut again) = lead(&proxy, &origin).await;
    again.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    next.head().await;
    assert_eq!(next.take(2).await, b"ok", "nothing of it was stored");
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_ends_after_the_fill_timeout() {
    let origin = stage().await;
    let proxy = proxy().cache("fill_timeout = '50ms'").start(origin.address, &clock()).await;
    let (leader, mut fetch) = begin(&proxy, &origin, 6, "ans").await;
    leader.reset();
    fetch.rest().await;
}

#[tokio::test]
async fn a_fetch_without_an_answer_that_nobody_waits_for_ends_after_the_fill_timeout() {
    for (builder, _) in ways() {
        let origin = stage().await;
        let limits = "response_timeout = '10m'\ntotal_timeout = '20m'";
        let proxy =
            builder.origin(limits).cache("fill_timeout = '50ms'").start(origin.address, &clock()).await;
        let (leader, mut fetch) = lead(&proxy, &origin).await;
        let follower = Wire::ask(proxy.address, GET).await;
        proxy.followers(1).await;
        leader.reset();
        follower.reset();
        fetch.rest().await;
    }
}

#[tokio::test]
async fn a_refresh_that_nobody_ever_waited_for_is_not_ended_by_the_fill_timeout() {
    let origin = stage().await;
    let proxy = proxy().cache("fill_timeout = '1ms'").start(origin.address, &clock()).await;
    let answer = |content: &str| {
        let fields = "cache-control: max-age=60, stale-while-revalidate=600\r\ncontent-length: 3";
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{fields}\r\n\r\n{content}")
    };
    let (mut client, mut fetch) = lead(&proxy, &origin).await;
    fetch.send(answer("old")).await;
    client.head().await;
    assert_eq!(client.take(3).await, b"old");
    until(|| proxy.get("/x").send(), |answer| answer.cache().starts_with("hit")).await;
    proxy.advance(secs(61));
    assert_eq!(proxy.get("/x").send().await.text(), "old");
    let mut refresh = origin.accept().await;
    refresh.head().await;
    // One that was deserted later has ended.
    let other = Wire::ask(proxy.address, "GET /y HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut others = origin.accept().await;
    others.head().await;
    other.reset();
    others.rest().await;
    refresh.send(answer("new")).await;
    until(|| proxy.get("/x").send(), |answer| answer.text() == "new").await;
}

#[tokio::test]
async fn the_answer_to_a_crowd_is_a_hit_for_who_comes_after() {
    let (origin, go) = held_back(FRESH).await;
    let opened = open(&go);
    let proxy = proxy().start(origin.address, &clock()).await;
    answers(crowd(&proxy.get("/x"), 20)).await;
    let hit = until(|| proxy.get("/x").send(), |answer| answer.cache().starts_with("hit")).await;
    assert_eq!((hit.text().as_str(), origin.count()), ("fetch 0", 1));
    opened.abort();
}
