//! What is on its way while something is purged.

use http_body_util::BodyExt as _;
use tokio::sync::Notify;

use super::*;

/// The first answer waits after these bytes of it until it is told to go on; the others are new.
async fn held_after(first: &'static str) -> (Scripted, Arc<Notify>) {
    const OLD: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 7\r\n\r\nold one";
    let go = Arc::new(Notify::new());
    let rest = Arc::clone(&go);
    let origin = scripted(move |number, _| {
        if number == 0 {
            let rest_of_it = OLD.strip_prefix(first).expect("the beginning");
            Reply::Wait(first.into(), Arc::clone(&rest), rest_of_it.into())
        } else {
            ok("cache-control: max-age=600\r\n", "new")
        }
    })
    .await;
    (origin, go)
}

const MID_BODY: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncontent-length: 7\r\n\r\nol";

#[tokio::test]
async fn a_fetch_that_has_no_answer_yet_is_not_stored_and_not_for_who_comes_after() {
    for mode in MODES {
        for kind in all_kinds() {
            let (origin, go) = held_after("").await;
            let proxy = x("").start(origin.address, &clock()).await;
            let early = tokio::spawn(proxy.get("/x/1").send());
            origin.arrived(1).await;
            proxy.purge(kind.clone(), mode);
            let late = tokio::spawn(proxy.get("/x/1").send());
            proxy.followers(1).await;
            go.notify_one();
            assert_eq!(early.await.unwrap().text(), "old one", "who asked before gets what there is");
            assert_eq!(late.await.unwrap().text(), "new", "{kind:?} {mode:?}");
            let next = until(|| proxy.get("/x/1").send(), |answer| answer.cache().starts_with("hit")).await;
            assert_eq!((next.text().as_str(), origin.count()), ("new", 2), "{kind:?} {mode:?}");
        }
    }
}

#[tokio::test]
async fn a_fill_in_the_middle_goes_on_for_its_readers_takes_no_others_and_is_not_stored() {
    for mode in MODES {
        for kind in all_kinds() {
            let (origin, go) = held_after(MID_BODY).await;
            let proxy = x("").start(origin.address, &clock()).await;
            let leader = proxy.get("/x/1").open().await;
            let follower = proxy.get("/x/1").open().await;
            assert_eq!(
                follower.headers()["cache-status"],
                "plimsoll; fwd=uri-miss; collapsed; level=2; route=x"
            );
            proxy.purge(kind.clone(), mode);
            // Its answer comes although the fill stands still.
            let late = proxy.get("/x/1").send().await;
            assert_eq!(late.text(), "new", "{kind:?} {mode:?}");
            go.notify_one();
            for reader in [leader, follower] {
                assert_eq!(reader.into_body().collect().await.unwrap().to_bytes(), "old one");
            }
            let next = until(|| proxy.get("/x/1").send(), |answer| answer.cache().starts_with("hit")).await;
            assert_eq!((next.text().as_str(), origin.count()), ("new", 2), "{kind:?} {mode:?}");
        }
    }
}

#[tokio::test]
async fn a_fill_whose_tags_are_not_known_yet_is_not_stored_if_one_of_them_is_purged() {
    for mode in MODES {
        let go = Arc::new(Notify::new());
        let rest = Arc::clone(&go);
        let origin = scripted(move |_, _| {
            let answer = "HTTP/1.1 200 OK\r\ncache-control: max-age=600\r\ncache-tag: a\r\ncontent-length: 3\r\n\r\nold";
            Reply::Wait(Vec::new(), Arc::clone(&rest), answer.into())
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        for (name, stored) in [("a", false), ("b", true)] {
            let asked = tokio::spawn(proxy.get("/").send());
            origin.arrived(origin.count().max(if stored { 2 } else { 1 })).await;
            proxy.purge(tag(name), mode);
            go.notify_one();
            let said = asked.await.unwrap().said();
            assert_eq!(said, if stored { "fwd=uri-miss; stored" } else { "fwd=uri-miss; invalidated" });
        }
        until(|| async { is_hit(&proxy, "/").await }, |hit| *hit).await;
    }
}

#[tokio::test]
async fn a_validation_that_began_before_a_purge_makes_nothing_fresh() {
    for mode in MODES {
        let go = Arc::new(Notify::new());
        let rest = Arc::clone(&go);
        let fields = "cache-control: max-age=10\r\netag: \"1\"\r\n";
        let origin = scripted(move |number, _| match number {
            0 => ok(fields, "old"),
            1 => {
                let confirmed = format!("HTTP/1.1 304 Not Modified\r\n{fields}\r\n");
                Reply::Wait(Vec::new(), Arc::clone(&rest), confirmed.into_bytes())
            }
            _ => ok(fields, "new"),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/").send().await;
        proxy.advance(secs(20));
        let asked = tokio::spawn(proxy.get("/").send());
        origin.arrived(2).await;
        proxy.purge(url("http://api.example/"), mode);
        go.notify_one();
        assert_eq!(asked.await.unwrap().text(), "old");
        let next = proxy.get("/").send().await;
        let way = if mode == Hard { "fwd=uri-miss; stored" } else { "fwd=stale; stored" };
        assert_eq!((next.text().as_str(), next.said().as_str()), ("new", way), "{mode:?}");
    }
}

#[tokio::test]
async fn a_refresh_that_began_before_a_soft_purge_does_not_make_it_current() {
    let go = Arc::new(Notify::new());
    let rest = Arc::clone(&go);
    let origin = scripted(move |number, _| match number {
        1 => Reply::Wait(
            b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nmid".to_vec(),
            Arc::clone(&rest),
            b"dle!".to_vec(),
        ),
        _ => ok("", &number.to_string()),
    })
    .await;
    let proxy = x("stale_while_revalidate = '1h'").start(origin.address, &clock()).await;
    proxy.get("/x/1").send().await;
    proxy.advance(secs(70));
    assert_eq!(proxy.get("/x/1").send().await.said(), "hit; ttl=-10");
    origin.arrived(2).await;
    proxy.purge(tag("t"), Soft);
    go.notify_one();
    let fresh = until(
        || proxy.get("/x/1").send(),
        |answer| {
            assert_ne!(answer.text(), "middle!", "it was fetched before the purge");
            answer.said() == "hit; ttl=60"
        },
    )
    .await;
    assert_eq!((fresh.text().as_str(), origin.count()), ("2", 3));
}

#[tokio::test]
async fn a_post_that_began_before_a_purge_leaves_no_answer_to_get() {
    for (kind, is_stored) in [
        (tag("a"), false),
        (route("default"), false),
        (host("api.example"), false),
        (prefix("/w"), false),
        (Purge::All, false),
        (url("http://api.example/w"), false),
        (tag("b"), true),
    ] {
        for mode in MODES {
            let go = Arc::new(Notify::new());
            let rest = Arc::clone(&go);
            let origin = scripted(move |number, _| {
                let answer = "HTTP/1.1 200 OK\r\ncontent-location: /w\r\ncache-control: max-age=600\r\ncache-tag: a\r\n\
                              content-length: 3\r\n\r\nold";
                if number == 0 {
                    Reply::Wait(Vec::new(), Arc::clone(&rest), answer.into())
                } else {
                    ok("cache-control: max-age=600\r\n", "new")
                }
            })
            .await;
            let proxy = proxy().start(origin.address, &clock()).await;
            let written = tokio::spawn(proxy.get("/w").method("POST").body("x").send());
            origin.arrived(1).await;
            proxy.purge(kind.clone(), mode);
            go.notify_one();
            assert_eq!(written.await.unwrap().text(), "old");
            let next = until(|| proxy.get("/w").send(), |answer| answer.cache().starts_with("hit")).await;
            assert_eq!(next.text(), if is_stored { "old" } else { "new" }, "{kind:?} {mode:?}");
        }
    }
}

/// Who has waited for the fetch of another in vain asks with what it found before the purge.
#[tokio::test]
async fn what_was_found_before_a_purge_is_brought_back_by_no_word_of_the_origin() {
    const HELD: &str = "cache-control: max-age=600\r\nvary: accept-language\r\netag: \"1\"\r\n";
    for mode in MODES {
        let go = Arc::new(Notify::new());
        let rest = Arc::clone(&go);
        let origin = scripted(move |number, _| match number {
            0 => ok(HELD, "held"),
            1 => {
                let answer = "HTTP/1.1 200 OK\r\ncache-control: no-store\r\ncontent-length: 3\r\n\r\nown";
                Reply::Wait(Vec::new(), Arc::clone(&rest), answer.into())
            }
            2 => not_modified(HELD),
            _ => ok(HELD, "new"),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/").field("accept-language", "fr").send().await;
        let german = proxy.get("/").field("accept-language", "de");
        let leader = tokio::spawn(german.clone().send());
        origin.arrived(2).await;
        let follower = tokio::spawn(german.clone().send());
        proxy.followers(1).await;
        proxy.purge(Purge::All, mode);
        go.notify_one();
        assert_eq!(leader.await.unwrap().text(), "own");
        assert_eq!(follower.await.unwrap().text(), "held");
        assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"1\""));
        // Softly purged, it was confirmed after the purge.
        let answer = german.send().await;
        assert_eq!(answer.text(), if mode == Hard { "new" } else { "held" }, "{mode:?}");
    }
}
