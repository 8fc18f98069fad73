//! What is remembered of an answer that was for nobody else: for whom, for how long, and what it is no reason for.

use super::*;

const COOKIE: &str = "cookie: sid=1\r\n";

#[tokio::test]
async fn what_is_said_to_who_says_who_asks_is_no_reason_for_the_others() {
    let (origin, go) = gated(|number| number > 0, |number, _| ok(FRESH, &format!("fetch {number}"))).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let known = proxy.get("/x").field("cookie", "sid=1").send().await;
    assert!(known.cache().contains("detail=request-session"), "{}", known.cache());
    let crowd = crowd(&proxy.get("/x"), 20);
    proxy.followers(19).await;
    go.notify_one();
    let answers = answers(crowd).await;
    assert_eq!((collapsed(&answers, "uri-miss", "default"), origin.count()), (19, 2));
}

#[tokio::test]
async fn who_waited_for_the_answer_of_one_who_says_who_asks_shares_another() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let mut known = Wire::ask(proxy.address, &format!("{GET}{COOKIE}")).await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
    let crowd = crowd(&proxy.get("/x"), 5);
    let mut like = Wire::ask(proxy.address, &format!("{GET}{COOKIE}")).await;
    proxy.followers(6).await;
    let last = "connection: close\r\ncontent-length: 4";
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}{last}\r\n\r\nmine")).await;
    known.head().await;
    assert_eq!(known.take(4).await, b"mine");
    // One for all who do not say it, and one for who does.
    let mut fetches = Vec::new();
    for _ in 0..2 {
        let mut connection = origin.accept().await;
        let is_of_known = connection.head().await.contains("cookie");
        let content = if is_of_known { "same" } else { "ours" };
        connection.send(format!("HTTP/1.1 200 OK\r\n{FRESH}{last}\r\n\r\n{content}")).await;
        fetches.push((connection, is_of_known));
    }
    assert_eq!(fetches.iter().filter(|(_, is_of_known)| *is_of_known).count(), 1);
    assert!(!like.head().await.contains("collapsed;"));
    assert_eq!(like.take(4).await, b"same");
    assert!(answers(crowd).await.iter().all(|answer| answer.text() == "ours"));
}

#[tokio::test]
async fn what_is_validated_each_time_makes_a_crowd_wait_once_and_says_so() {
    for fields in
        ["cache-control: no-cache\r\netag: \"a\"\r\n", "cache-control: max-age=0\r\netag: \"a\"\r\n"]
    {
        let (origin, go) = confirmed(|number| number == 1, fields).await;
        let proxy = proxy().cache("uncacheable_memory = '10s'").start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        // What was remembered of that.
        proxy.advance(secs(11));
        let crowd = crowd(&proxy.get("/x"), 10);
        proxy.followers(9).await;
        go.notify_one();
        let answers = answers(crowd).await;
        assert!(answers.iter().all(|answer| answer.text() == "held"), "{fields}");
        let refused = answers.iter().filter(|answer| answer.cache().contains("collapsed=?0")).count();
        assert_eq!((refused, origin.count(), proxy.count_of(Role::Follower)), (9, 11, 9), "{fields}");
        assert!(!proxy.get("/x").send().await.cache().contains("collapsed"), "{fields}");
    }
}

#[tokio::test]
async fn an_answer_that_proves_too_large_ends_what_it_would_have_replaced() {
    let fields = "cache-control: max-age=60, stale-while-revalidate=600\r\n";
    let declared = format!("{DECLARED}\nstale_while_revalidate = '600s'");
    // Who says who asks is told the same as all others where the fetch does not say it.
    for (builder, cookie) in [(proxy(), None), (proxy().route(&declared), Some("sid=1"))] {
        let large = "x".repeat(100 * 1024);
        let origin = scripted(move |number, _| match number {
            0 => ok(fields, "small"),
            _ => Reply::Bytes(
                format!(
                    "HTTP/1.1 200 OK\r\n{fields}transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
                    large.len()
                )
                .into(),
            ),
        })
        .await;
        let proxy = builder.cache("max_object = '64 KiB'").start(origin.address, &clock()).await;
        let get = || cookie.map_or_else(|| proxy.get("/x"), |cookie| proxy.get("/x").field("cookie", cookie));
        get().send().await;
        proxy.advance(secs(61));
        let stale = get().send().await;
        assert_eq!((stale.text().as_str(), stale.cache().starts_with("hit")), ("small", true), "{cookie:?}");
        let answer = until(|| get().send(), |answer| !answer.cache().starts_with("hit")).await;
        assert_eq!(answer.body.len(), 100 * 1024, "{cookie:?}");
    }
}

#[tokio::test]
async fn while_an_outgrown_answer_is_still_on_its_way_the_key_has_flights_again_once_the_memory_is_over() {
    for (builder, route) in ways() {
        let origin = stage().await;
        let cache = "max_object = '64 KiB'\nuncacheable_memory = '10s'";
        let proxy = builder.cache(cache).start(origin.address, &clock()).await;
        let (mut leader, mut fetch) = lead(&proxy, &origin).await;
        let large = format!("{:x}\r\n{}\r\n", 100 * 1024, "x".repeat(100 * 1024));
        fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}transfer-encoding: chunked\r\n\r\n{large}")).await;
        leader.head().await;
        let mut length = 0;
        while length < 100 * 1024 {
            length += leader.chunk().await.len();
        }
        proxy.advance(secs(11));
        let (mut next, mut again) = lead(&proxy, &origin).await;
        let mut follower = Wire::ask(proxy.address, GET).await;
        proxy.followers(1).await;
        again.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 2\r\n\r\nok")).await;
        next.head().await;
        assert!(follower.head().await.contains("collapsed; level=2"), "{route}");
        assert_eq!((next.take(2).await, follower.take(2).await), (b"ok".to_vec(), b"ok".to_vec()));
    }
}
