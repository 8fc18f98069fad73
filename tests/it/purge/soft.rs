//! Softly purged: stale since then, by the rules for what is stale.

use super::*;

/// An origin that answers with a number and confirms what it answered first.
async fn confirming() -> Scripted {
    scripted(|number, seen| {
        if seen.field("if-none-match") == Some("\"0\"") {
            not_modified("etag: \"0\"\r\n")
        } else {
            ok(&format!("etag: \"{number}\"\r\n"), &number.to_string())
        }
    })
    .await
}

#[tokio::test]
async fn inside_its_window_it_is_served_and_refreshed_and_the_window_begins_with_the_purge() {
    for kind in all_kinds() {
        let origin = numbered("").await;
        let proxy = x("ignore = ['cache-control']\nstale_while_revalidate = '30s'")
            .start(origin.address, &clock())
            .await;
        proxy.get("/x/1").send().await;
        proxy.advance(secs(10));
        assert_eq!(proxy.get("/x/1").send().await.said(), "hit; ttl=50");
        proxy.purge(kind.clone(), Soft);
        proxy.advance(secs(29));
        let answer = proxy.get("/x/1").send().await;
        assert_eq!((answer.said().as_str(), answer.text().as_str()), ("hit; ttl=-29", "0"), "{kind:?}");
        let fresh = until(|| proxy.get("/x/1").send(), |answer| answer.said() == "hit; ttl=60").await;
        assert_eq!(fresh.text(), "1", "{kind:?}");
        // And where nobody comes in time, it is fetched.
        proxy.purge(kind.clone(), Soft);
        proxy.advance(secs(30));
        let answer = proxy.get("/x/1").send().await;
        assert_eq!((answer.said().as_str(), answer.text().as_str()), ("fwd=stale; stored", "2"), "{kind:?}");
        assert_eq!(proxy.evictions().purged, 0);
    }
}

#[tokio::test]
async fn what_was_stale_before_is_stale_for_as_long_as_it_was() {
    let origin = numbered("").await;
    let proxy =
        x("ignore = ['cache-control']\nstale_while_revalidate = '30s'").start(origin.address, &clock()).await;
    proxy.get("/x/1").send().await;
    proxy.advance(secs(89));
    proxy.purge(Purge::All, Soft);
    proxy.advance(secs(1));
    assert_eq!(proxy.get("/x/1").send().await.said(), "fwd=stale; stored");
    // Two purges: the first one counts.
    proxy.purge(Purge::All, Soft);
    proxy.advance(secs(20));
    proxy.purge(Purge::All, Soft);
    proxy.advance(secs(10));
    assert_eq!(proxy.get("/x/1").send().await.said(), "fwd=stale; stored");
}

#[tokio::test]
async fn where_the_origin_fails_it_stands_in_for_as_long_as_the_rule_says() {
    let origin = scripted(|number, _| {
        if number == 0 { ok("", "old") } else { answer_with("503 Service Unavailable", "", "broken") }
    })
    .await;
    let proxy = x("stale_if_error = '30s'").start(origin.address, &clock()).await;
    proxy.get("/x/1").send().await;
    proxy.purge(tag("t"), Soft);
    proxy.advance(secs(29));
    let answer = proxy.get("/x/1").send().await;
    assert_eq!((answer.said().as_str(), answer.text().as_str()), ("hit; ttl=-29; stale-if-error", "old"));
    proxy.advance(secs(1));
    assert_eq!(proxy.get("/x/1").send().await.status, 503);
}

#[tokio::test]
async fn without_a_window_it_is_validated_before_it_is_used() {
    for kind in all_kinds() {
        let origin = confirming().await;
        let proxy = x("").start(origin.address, &clock()).await;
        proxy.get("/x/1").send().await;
        proxy.purge(kind.clone(), Soft);
        let answer = proxy.get("/x/1").send().await;
        assert_eq!(answer.said(), "fwd=stale; fwd-status=304; stored", "{kind:?}");
        assert_eq!((answer.text().as_str(), origin.seen()[1].field("if-none-match")), ("0", Some("\"0\"")));
        assert_eq!(proxy.get("/x/1").send().await.said(), "hit; ttl=60", "{kind:?}");
        proxy.purge(kind.clone(), Hard);
        let answer = proxy.get("/x/1").send().await;
        assert_eq!(
            (answer.said().as_str(), answer.text().as_str()),
            ("fwd=uri-miss; stored", "2"),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn what_is_permanent_is_stale_all_the_same_and_says_after_it_what_it_said_before() {
    for (window, said) in
        [("", "fwd=stale; fwd-status=304; stored"), ("stale_while_revalidate = '30s'", "hit; ttl=-1")]
    {
        let origin = confirming().await;
        let proxy = proxy()
            .route(&format!("name = 'x'\npath = '/x/{{id}}'\nlevel = 'permanent'\ndeclare = true\n{window}"))
            .start(origin.address, &clock())
            .await;
        let first = proxy.get("/x/1").send().await;
        assert_eq!(first.field("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(proxy.get("/x/1").send().await.said(), "hit");
        proxy.purge(prefix("/x/1"), Soft);
        proxy.advance(secs(1));
        assert_eq!(proxy.get("/x/1").send().await.said(), said);
        let answer = until(|| proxy.get("/x/1").send(), |answer| answer.said() == "hit").await;
        assert_eq!(answer.field("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!((answer.text().as_str(), answer.field("via")), ("0", first.field("via")));
    }
}

#[tokio::test]
async fn the_times_that_a_route_declares_are_not_those_of_the_purge() {
    let origin = confirming().await;
    let proxy = x("declare = true\nstate = { query = [] }").start(origin.address, &clock()).await;
    proxy.get("/x/1").send().await;
    proxy.purge(Purge::All, Soft);
    proxy.advance(secs(7));
    for _ in 0..2 {
        assert_eq!(proxy.get("/x/1").send().await.field("cache-control"), "public, max-age=60");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn a_soft_purge_revives_nothing_and_a_hard_one_ends_what_is_stale() {
    for (first, second) in [(Soft, Hard), (Hard, Soft)] {
        for kind in all_kinds() {
            let origin = confirming().await;
            let proxy = x("stale_while_revalidate = '1h'\nstale_if_error = '1h'")
                .start(origin.address, &clock())
                .await;
            proxy.get("/x/1").send().await;
            proxy.purge(kind.clone(), first);
            proxy.purge(kind.clone(), second);
            let answer = proxy.get("/x/1").send().await;
            assert_eq!(answer.said(), "fwd=uri-miss; stored", "{kind:?}, {first:?} and {second:?}");
            assert_eq!(origin.seen()[1].field("if-none-match"), None);
        }
    }
}

#[tokio::test]
async fn of_a_key_only_the_variants_that_are_reached_go_stale() {
    let origin = scripted(|_, seen| {
        let tenant = seen.field("x-tenant").unwrap_or("none");
        ok(&format!("cache-control: max-age=600\r\nvary: x-tenant\r\ncache-tag: {tenant}\r\n"), tenant)
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let said = async |tenant| proxy.get("/").field("x-tenant", tenant).send().await.said();
    for tenant in ["a", "b"] {
        said(tenant).await;
    }
    proxy.purge(tag("a"), Soft);
    assert_eq!((said("b").await.as_str(), said("a").await.as_str()), ("hit; ttl=600", "fwd=stale; stored"));
    assert_eq!((said("b").await.as_str(), said("a").await.as_str()), ("hit; ttl=600", "hit; ttl=600"));
}
