//! What the origin is told of what is held (RFC 9111 section 4.3.1), and what need not be asked at all.

use super::{HIT, MISS};
use crate::support::{clock, not_modified, ok, proxy, scripted, secs};

const VARIANT: &str = "fwd=vary-miss; stored; level=2; route=default";

#[tokio::test]
async fn rfc9111_section_4_3_1_every_entity_tag_that_is_held_is_offered_for_other_fields() {
    let origin = scripted(|number, seen| match (number, seen.field("x-a")) {
        (0 | 1, Some(value)) => {
            ok(&format!("vary: x-a\r\netag: \"{value}\"\r\ncache-control: max-age=60\r\n"), value)
        }
        _ => not_modified("vary: x-a\r\netag: \"one\"\r\ncache-control: max-age=60\r\n"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let ask = |value: &'static str| proxy.get("/x").field("x-a", value).send();
    assert_eq!(ask("one").await.cache(), MISS);
    assert_eq!(ask("two").await.cache(), VARIANT);
    let named = ask("three").await;
    assert_eq!((named.status.as_u16(), named.text().as_str()), (200, "one"));
    assert_eq!(named.cache(), "fwd=vary-miss; fwd-status=304; stored; level=2; route=default");
    assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"two\", \"one\""));
    for (value, text) in [("three", "one"), ("one", "one"), ("two", "two")] {
        let hit = ask(value).await;
        assert_eq!((hit.cache().as_str(), hit.text().as_str()), (HIT, text));
    }
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn a_304_that_names_none_of_those_offered_is_asked_for_again() {
    for tag in ["etag: \"other\"\r\n", ""] {
        let origin = scripted(move |number, seen| match (number, seen.field("if-none-match")) {
            (_, Some(_)) => not_modified(&format!("vary: x-a\r\n{tag}")),
            _ => ok("vary: x-a\r\netag: \"a\"\r\ncache-control: max-age=60\r\n", &format!("fetch {number}")),
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").field("x-a", "1").send().await;
        let other = proxy.get("/x").field("x-a", "2").send().await;
        assert_eq!((other.text().as_str(), other.cache().as_str()), ("fetch 2", VARIANT), "{tag}");
    }
}

#[tokio::test]
async fn what_a_client_may_not_have_is_not_offered_for_it() {
    let origin = scripted(|_, _| ok("vary: x-a\r\netag: \"a\"\r\ncache-control: max-age=60\r\n", "x")).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").field("x-a", "1").send().await;
    proxy.get("/x").field("x-a", "2").field("cookie", "sid=1").send().await;
    assert_eq!(origin.seen()[1].field("if-none-match"), None);
}

#[tokio::test]
async fn rfc8246_what_is_immutable_is_not_asked_about_by_a_reload_while_it_is_fresh() {
    for (fields, reload) in [("immutable, ", "hit; ttl=50; level=2; route=default"), ("", "fwd=request")] {
        let fields = format!("cache-control: {fields}max-age=60\r\netag: \"a\"\r\n");
        let origin = scripted(move |_, _| ok(&fields, "x")).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let ask = |directive: &'static str| proxy.get("/x").field("cache-control", directive).send();
        ask("x").await;
        proxy.advance(secs(10));
        assert!(ask("max-age=0").await.cache().starts_with(reload), "{reload}");
        assert!(ask("no-cache").await.cache().starts_with("fwd=request"), "the user's own wish counts");
        proxy.advance(secs(60));
        assert!(!ask("max-age=0").await.cache().starts_with("hit"), "stale is stale");
    }
}

#[tokio::test]
async fn rfc9111_section_5_2_2_4_no_cache_with_a_validator_is_stored_and_validated_each_time() {
    let origin = scripted(|number, _| match number {
        0 => ok("cache-control: no-cache\r\netag: \"a\"\r\n", "x"),
        _ => not_modified("cache-control: no-cache\r\netag: \"a\"\r\n"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    assert!(proxy.get("/x").send().await.cache().starts_with("fwd=uri-miss; stored"));
    for _ in 0..2 {
        let answer = proxy.get("/x").send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "x"));
        assert!(answer.cache().starts_with("fwd=stale; fwd-status=304"), "{}", answer.cache());
    }
    assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"a\""));
}
