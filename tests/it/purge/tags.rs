//! Tags: those of the route, and those that the origin gives.

use std::fmt::Write as _;

use super::*;

#[tokio::test]
async fn a_tag_of_the_route_reaches_what_its_template_made_it_for() {
    let origin = numbered("").await;
    let proxy = proxy()
        .route("name = 'p'\npath = '/p/{id}'\nlevel = 'changing'\ntags = ['product', 'product:{id}']")
        .start(origin.address, &clock())
        .await;
    let read = async |left: [bool; 3]| {
        for (target, left) in ["/p/1", "/p/2", "/y"].into_iter().zip(left) {
            assert_eq!(is_hit(&proxy, target).await, left, "{target}");
        }
    };
    read([false; 3]).await;
    read([true; 3]).await;
    assert_eq!(proxy.purge(tag("product:1"), Hard), "tag product:1");
    read([false, true, true]).await;
    for other in ["Product", "product:", "product:{id}", "product ", "p"] {
        proxy.purge(tag(other), Hard);
    }
    read([true; 3]).await;
    proxy.purge(tag("product"), Hard);
    read([false, false, true]).await;
}

#[tokio::test]
async fn the_origins_tags_count_on_every_route_and_pass_on_unchanged() {
    let fields = "cache-tag: a, b c ,d\r\ncache-tag: e\r\nsurrogate-key: f g/1  h,i\r\ncache-groups: \"j k\", \"l\";x\r\n";
    let origin = numbered(fields).await;
    for builder in [proxy(), x("")] {
        let proxy = builder.start(origin.address, &clock()).await;
        proxy.get("/x/1").send().await;
        for reaches in ["a", "b c", "d", "e", "f", "g/1", "h,i", "j k", "l"] {
            let answer = proxy.get("/x/1").send().await;
            assert!(answer.cache().starts_with("hit"), "before {reaches}");
            assert_eq!(answer.field("cache-tag"), "a, b c ,d, e");
            assert_eq!(answer.field("surrogate-key"), "f g/1  h,i");
            assert_eq!(answer.field("cache-groups"), "\"j k\", \"l\";x");
            proxy.purge(tag(reaches), Hard);
            assert!(!is_hit(&proxy, "/x/1").await, "{reaches}");
        }
        for misses in ["A", "b", "c", "h", "j", "\"l\"", "a, b c ,d", "x"] {
            proxy.purge(tag(misses), Hard);
            assert!(is_hit(&proxy, "/x/1").await, "{misses}");
        }
    }
}

#[tokio::test]
async fn tags_in_a_field_that_the_route_ignores_do_not_count() {
    let origin = numbered("cache-tag: a\r\nsurrogate-key: b\r\ncache-groups: \"c\"\r\n").await;
    for (ignored, gone) in [
        ("cache-tag", [false, true, true]),
        ("surrogate-key", [true, false, true]),
        ("cache-groups", [true, true, false]),
    ] {
        let proxy = x(&format!("ignore = ['{ignored}']")).start(origin.address, &clock()).await;
        for (name, gone) in ["a", "b", "c"].into_iter().zip(gone) {
            proxy.get("/x/1").send().await;
            proxy.purge(tag(name), Hard);
            assert_eq!(!is_hit(&proxy, "/x/1").await, gone, "{name}, {ignored} is ignored");
        }
        proxy.purge(tag("t"), Hard);
        assert!(!is_hit(&proxy, "/x/1").await, "the route's own");
    }
}

#[tokio::test]
async fn an_answer_with_more_tags_than_are_told_apart_ends_with_any_tag() {
    let origin = scripted(|_, seen| {
        let count = if seen.line.contains("/many") { 129 } else { 128 };
        let mut tags = String::new();
        (0..count).for_each(|number| write!(tags, "tag{number} ").unwrap());
        ok(&format!("cache-control: max-age=600\r\nsurrogate-key: {tags}\r\n"), "x")
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for target in ["/many", "/few"] {
        proxy.get(target).send().await;
    }
    for purge in [url("http://api.example/z"), route("default"), host("other"), prefix("/z")] {
        let reaches = purge == route("default");
        proxy.purge(purge.clone(), Hard);
        assert_eq!(is_hit(&proxy, "/many").await, !reaches, "{purge:?}");
        assert_eq!(is_hit(&proxy, "/few").await, !reaches, "{purge:?}");
    }
    for (name, few) in [("another", true), ("tag128", true), ("tag127", false), ("tag0", false)] {
        proxy.purge(tag(name), Hard);
        assert!(!is_hit(&proxy, "/many").await, "{name}");
        assert_eq!(is_hit(&proxy, "/few").await, few, "{name}");
    }
}

#[tokio::test]
async fn a_validation_brings_its_own_tags() {
    let origin = scripted(|number, _| match number {
        0 => ok("cache-control: max-age=10\r\netag: \"1\"\r\ncache-tag: old\r\n", "x"),
        1 => not_modified("cache-control: max-age=600\r\netag: \"1\"\r\ncache-tag: new\r\n"),
        _ => ok("cache-control: max-age=600\r\n", "y"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/").send().await;
    proxy.advance(secs(20));
    assert_eq!(proxy.get("/").send().await.said(), "fwd=stale; fwd-status=304; stored");
    proxy.purge(tag("old"), Hard);
    assert!(is_hit(&proxy, "/").await);
    proxy.purge(tag("new"), Hard);
    assert!(!is_hit(&proxy, "/").await);
}
