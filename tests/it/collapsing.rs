//! One fetch for a key, however many clients ask: who waits, who shares, and what is never shared.

use std::sync::Arc;

use plimsoll::observe::Role;
use tokio::{sync::Notify, task::JoinHandle};

use crate::support::{
    Answer, Ask, Builder, Reply, Scripted, Wire, answer_with, clock, ok, proxy, scripted, secs, stage, until,
    within,
};

const DECLARED: &str = "name = 'x'\npath = '/x'\nlevel = 'changing'\nttl = '60s'\nstate = { query = ['q'] }";
const FRESH: &str = "cache-control: max-age=60\r\n";

/// The two kinds of route that store, each with the name that Cache-Status has for it.
fn ways() -> [(Builder, &'static str); 2] {
    [(proxy().route(DECLARED), "x"), (proxy(), "default")]
}

/// Sends many requests at once.
fn crowd(ask: &Ask, n: usize) -> Vec<JoinHandle<Answer>> {
    (0..n).map(|_| tokio::spawn(ask.clone().send())).collect()
}

async fn answers(crowd: Vec<JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for one in crowd {
        answers.push(within(one).await.expect("no panic"));
    }
    answers
}

/// An origin that answers each request only when it is told to, with these fields and its number.
async fn held_back(fields: &'static str) -> (Scripted, Arc<Notify>) {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let origin = scripted(move |number, _| {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n{fields}\r\nfetch {number}");
        Reply::Wait(Vec::new(), Arc::clone(&gate), answer.into_bytes())
    })
    .await;
    (origin, go)
}

/// Lets every request that has come and will come be answered.
fn open(go: &Arc<Notify>) -> JoinHandle<()> {
    let go = Arc::clone(go);
    tokio::spawn(async move {
        loop {
            go.notify_one();
            tokio::task::yield_now().await;
        }
    })
}

fn collapsed(answers: &[Answer], fwd: &str, route: &str) -> usize {
    let expected = format!("fwd={fwd}; collapsed; level=2; route={route}");
    answers.iter().filter(|answer| answer.cache() == expected).count()
}

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
        let go = Arc::new(Notify::new());
        let gate = Arc::clone(&go);
        let origin = scripted(move |number, _| {
            if number == 0 {
                return ok("cache-control: max-age=60\r\netag: \"a\"\r\n", "held");
            }
            let confirmed = "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\ncache-control: max-age=60\r\n\r\n";
            Reply::Wait(Vec::new(), Arc::clone(&gate), confirmed.as_bytes().to_vec())
        })
        .await;
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
async fn followers_have_the_head_when_it_arrives_and_bytes_as_they_arrive() {
    for (builder, route) in ways() {
        let origin = stage().await;
        let proxy = builder.start(origin.address, &clock()).await;
        let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
        let mut leader = Wire::ask(proxy.address, get).await;
        let mut fetch = origin.accept().await;
        fetch.head().await;
        fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 9\r\n\r\none")).await;
        leader.head().await;
        assert_eq!(leader.take(3).await, b"one");
        let mut late = Wire::ask(proxy.address, get).await;
        assert!(late.head().await.contains(&format!("fwd=uri-miss; collapsed; level=2; route={route}")));
        assert_eq!(late.take(3).await, b"one", "what is held already");
        fetch.send("two").await;
        assert_eq!((leader.take(3).await, late.take(3).await), (b"two".to_vec(), b"two".to_vec()));
        let mut last = Wire::ask(proxy.address, &format!("{get}range: bytes=4-7\r\n")).await;
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
    let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
    let mut leader = Wire::ask(proxy.address, get).await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: {length}\r\n\r\n")).await;
    leader.head().await;
    let mut idle = Wire::ask(proxy.address, get).await;
    idle.head().await;
    let mut peer = Wire::ask(proxy.address, get).await;
    peer.head().await;
    let content = vec![b'x'; length];
    let ((), leaders, peers) = tokio::join!(fetch.send(&content), leader.take(length), peer.take(length));
    assert!(leaders == content && peers == content);
    assert_eq!(idle.take(length).await, content, "and has all of it when it goes on");
}

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
    let mut leader = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
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
        let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
        let _special = Wire::ask(proxy.address, &format!("{get}{field}")).await;
        let mut first = origin.accept().await;
        first.head().await;
        let mut plain = Wire::ask(proxy.address, get).await;
        let mut second = origin.accept().await;
        second.head().await;
        second.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 1\r\n\r\nw")).await;
        plain.head().await;
        assert_eq!(plain.take(1).await, b"w", "{field}");
    }
}

#[tokio::test]
async fn a_leader_that_hangs_is_left_at_the_lock_timeout() {
    let origin = stage().await;
    let proxy = proxy().cache("lock_timeout = '50ms'").start(origin.address, &clock()).await;
    let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
    let _leader = Wire::ask(proxy.address, get).await;
    let mut hangs = origin.accept().await;
    hangs.head().await;
    let mut follower = Wire::ask(proxy.address, get).await;
    let mut own = origin.accept().await;
    own.head().await;
    own.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 1\r\n\r\nw")).await;
    assert!(follower.head().await.contains("fwd=uri-miss; stored; collapsed=?0"));
}

#[tokio::test]
async fn a_fetch_that_fails_is_tried_again_by_one_of_those_who_wait() {
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let origin = scripted(move |number, _| match number {
        // Not a word, and the end of the connection.
        0 => Reply::Wait(Vec::new(), Arc::clone(&gate), b"nonsense\r\n\r\n".to_vec()),
        _ => ok(FRESH, "second"),
    })
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
async fn a_write_during_a_fill_keeps_it_from_being_stored_and_from_taking_followers() {
    for (builder, _) in ways() {
        let origin = stage().await;
        let proxy = builder.server("workers = 1").start(origin.address, &clock()).await;
        let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
        let mut leader = Wire::ask(proxy.address, get).await;
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
        let mut reader = Wire::ask(proxy.address, get).await;
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
async fn the_leaders_client_leaves_and_a_hundred_follow_all_complete() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let leader = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
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
    let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
    let mut leader = Wire::ask(proxy.address, get).await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 6\r\n\r\nans")).await;
    leader.head().await;
    let mut follower = Wire::ask(proxy.address, get).await;
    follower.head().await;
    drop(fetch);
    assert_eq!((leader.rest().await, follower.rest().await), (b"ans".to_vec(), b"ans".to_vec()));
    let mut next = Wire::ask(proxy.address, get).await;
    let mut again = origin.accept().await;
    again.head().await;
    again.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    next.head().await;
    assert_eq!(next.take(2).await, b"ok", "nothing of it was stored");
}

#[tokio::test]
async fn a_fetch_that_nobody_waits_for_ends_after_the_fill_timeout() {
    let origin = stage().await;
    let proxy = proxy().cache("fill_timeout = '50ms'").start(origin.address, &clock()).await;
    let mut leader = Wire::ask(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut fetch = origin.accept().await;
    fetch.head().await;
    fetch.send(format!("HTTP/1.1 200 OK\r\n{FRESH}content-length: 6\r\n\r\nans")).await;
    leader.head().await;
    leader.reset();
    fetch.rest().await;
}

#[tokio::test]
async fn an_event_stream_has_no_followers() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let get = "GET /x HTTP/1.1\r\nhost: api.example\r\n";
    let mut one = Wire::ask(proxy.address, get).await;
    let mut first = origin.accept().await;
    first.head().await;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: max-age=60\r\ncontent-length: 9\r\n\r\n";
    first.send(head).await;
    one.head().await;
    let mut two = Wire::ask(proxy.address, get).await;
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
