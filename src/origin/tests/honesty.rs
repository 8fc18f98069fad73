//! What an origin says about caching: nothing, or the truth.

use std::time::Duration;

use super::{Fixture, Reply, honest, silent};

const CACHING: [&str; 8] =
    ["cache-control", "etag", "last-modified", "expires", "vary", "pragma", "age", "accept-ranges"];

/// Asks for everything that is there to be asked for, in every role.
async fn everything(origin: &Fixture) -> Vec<(&'static str, Reply)> {
    let mut replies = Vec::new();
    for target in [
        "/",
        "/warehouse/sales/2012",
        "/warehouse/sales/2014",
        "/product/1234",
        "/product/99",
        "/product/1234?language=french",
        "/product/1234&language=klingon",
        "/picture.bmp",
        "/cart/5678",
        "/user/4567/preferences",
        "/load/10",
        "/load/10?status=500",
        "/load/10?chunked=1",
        "/weather?city=London",
        "/weather?city=Atlantis",
        "/weather",
        "/jazz?grammys=1",
        "/bank",
        "/bank/transferforms/dlwelch",
        "/bank/transferforms/dlwelch/pending/1234",
        "/bank/vault",
        "/registration?state=guess",
        "/login",
        "/stateful/cart",
        "/my-cart",
        "/level4/product/1234",
        "/random",
        "/nothing",
    ] {
        replies.push((target, origin.get(target).await));
    }
    for target in
        ["/my-cart", "/publicity", "/level3/product/1234", "/level3/product/1236", "/level3/greeting/1234"]
    {
        replies.push((target, origin.get_as("alice", target).await));
    }
    let cookie = origin.session("alice").await;
    let target = "/level4/product/1234";
    replies.push((target, origin.ask("GET", target).field("cookie", &cookie).send().await));
    replies
        .push(("/stateful/cart", origin.ask("GET", "/stateful/cart").field("cookie", &cookie).send().await));
    let pending = "/bank/transferforms/dlwelch/pending/1235";
    replies.push(("POST pending", origin.ask("POST", pending).send().await));
    replies.push(("DELETE /product/1234", origin.delete("/product/1234").await));
    replies.push(("DELETE /cart/5678", origin.delete("/cart/5678").await));
    replies
}

#[tokio::test]
async fn a_silent_origin_sends_no_caching_field_at_all() {
    for (target, reply) in everything(&silent()).await {
        for name in CACHING {
            assert!(!reply.fields.contains_key(name), "{target} has {name}");
        }
    }
}

#[tokio::test]
async fn an_honest_origin_says_of_everything_how_it_may_be_cached() {
    for (target, reply) in everything(&honest()).await {
        assert!(reply.fields.contains_key("cache-control"), "{target}");
        assert!(!reply.fields.contains_key("accept-ranges"), "{target}");
    }
}

#[tokio::test]
async fn a_silent_origin_ignores_conditions() {
    let reply = silent().ask("GET", "/product/1234").field("if-none-match", "*").send().await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn an_honest_origin_says_what_the_level_says() {
    let origin = honest();
    for (target, control) in [
        ("/warehouse/sales/2012", "public, max-age=31536000, immutable"),
        ("/product/1234&language=french", "public, max-age=31536000, immutable"),
        ("/product/1234", "public, max-age=10"),
        ("/load/5", "public, max-age=10"),
        ("/warehouse/sales/2014", "public, max-age=5"),
        ("/product/1234?language=klingon", "no-store"),
        ("/random", "no-store"),
    ] {
        let reply = origin.get(target).await;
        assert_eq!((reply.field("cache-control"), reply.field("vary")), (control, ""), "{target}");
    }
    for target in ["/my-cart", "/publicity", "/level3/product/1234", "/level3/greeting/1234"] {
        let reply = origin.get_as("alice", target).await;
        assert_eq!(
            (reply.field("cache-control"), reply.field("vary")),
            ("private, max-age=10", "Authorization")
        );
        let nobody = origin.get(target).await;
        assert_eq!(
            (nobody.field("cache-control"), nobody.field("vary")),
            ("private, no-store", "Authorization")
        );
    }
    let cookie = origin.session("alice").await;
    for ask in [
        origin.ask("GET", "/level4/product/1234"),
        origin.ask("GET", "/level4/product/1234").field("cookie", &cookie),
    ] {
        let reply = ask.send().await;
        assert_eq!((reply.field("cache-control"), reply.field("vary")), ("private, no-store", "Cookie"));
    }
}

#[tokio::test]
async fn a_refusal_is_as_private_as_the_answer_would_be() {
    let origin = honest();
    origin.delete("/product/1235").await;
    for (target, status) in [
        ("/level3/product/1235", 410),
        ("/level3/product/1236", 403),
        ("/level3/product/99", 404),
        ("/level3/product/x", 404),
        ("/level3/greeting/99", 404),
        ("/level3/greeting/x", 404),
    ] {
        let reply = origin.get_as("alice", target).await;
        assert_eq!(
            (reply.status.as_u16(), reply.field("cache-control")),
            (status, "private, no-store"),
            "{target}"
        );
        assert_eq!(reply.field("vary"), "Authorization", "{target}");
    }
    let cookie = origin.session("alice").await;
    for target in ["/level4/product/99", "/level4/product/x"] {
        let reply = origin.ask("GET", target).field("cookie", &cookie).send().await;
        assert_eq!(
            (reply.status.as_u16(), reply.field("cache-control")),
            (404, "private, no-store"),
            "{target}"
        );
        assert_eq!(reply.field("vary"), "Cookie", "{target}");
    }
}

#[tokio::test]
async fn what_is_missing_is_never_called_immutable() {
    let origin = honest();
    origin.delete("/product/1234").await;
    assert_eq!(origin.get("/product/1234").await.field("cache-control"), "public, max-age=5");
    assert_eq!(origin.get("/product/9&language=french").await.field("cache-control"), "public, max-age=5");
}

#[tokio::test]
async fn a_tag_stands_for_the_content_until_the_content_changes() {
    let origin = honest();
    for target in ["/product/1234", "/picture.bmp", "/load/100", "/warehouse/sales/2012", "/cart/5678", "/"] {
        let first = origin.get(target).await;
        let tag = first.field("etag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{target} {tag}");
        for condition in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let reply = origin.ask(method, target).field("if-none-match", &condition).send().await;
                assert_eq!((reply.status.as_u16(), reply.content.len()), (304, 0), "{target} {condition}");
                assert_eq!(reply.field("etag"), tag);
                assert_eq!(reply.field("cache-control"), first.field("cache-control"));
                assert_eq!((reply.field("content-length"), reply.field("content-type")), ("", ""));
            }
        }
        let other = origin.ask("GET", target).field("if-none-match", "\"other\"").send().await;
        assert_eq!((other.status.as_u16(), other.content), (200, first.content), "{target}");
    }
    let tag = origin.get("/product/1234").await.field("etag").to_owned();
    origin.hand.advance(Duration::from_secs(30));
    let changed = origin.ask("GET", "/product/1234").field("if-none-match", &tag).send().await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.field("etag"), tag);
}

#[tokio::test]
async fn a_date_of_change_answers_conditions_where_no_tag_does() {
    let origin = honest();
    origin.ask("PUT", "/product/1234").json(r#"{"price":1,"stock":1}"#).send().await;
    origin.hand.advance(Duration::from_secs(5));
    let modified = origin.get("/product/1234").await.field("last-modified").to_owned();
    assert_eq!(modified, "Wed, 15 Jan 2014 12:00:00 GMT");
    let since = |date: &str| origin.ask("GET", "/product/1234").field("if-modified-since", date);
    assert_eq!(since(&modified).send().await.status, 304);
    assert_eq!(since("Wed, 15 Jan 2014 11:59:59 GMT").send().await.status, 200);
    assert_eq!(since("no date").send().await.status, 200);
    assert_eq!(since(&modified).field("if-none-match", "\"other\"").send().await.status, 200);
    origin.ask("PUT", "/product/1234").json(r#"{"price":2,"stock":1}"#).send().await;
    assert_eq!(since(&modified).send().await.status, 200);
}

#[tokio::test]
async fn a_second_that_is_not_over_dates_nothing() {
    let origin = honest();
    let put = |content| origin.ask("PUT", "/product/1234").json(content).send();
    put(r#"{"price":1,"stock":1}"#).await;
    assert_eq!(origin.get("/product/1234").await.field("last-modified"), "");
    put(r#"{"price":2,"stock":1}"#).await;
    origin.hand.advance(Duration::from_secs(1));
    assert_ne!(origin.get("/product/1234").await.field("last-modified"), "");
}

#[tokio::test]
async fn a_precondition_that_fails_is_412() {
    let origin = honest();
    let tag = origin.get("/cart/5678").await.field("etag").to_owned();
    let ask = |name, value: &str| origin.ask("GET", "/cart/5678").field(name, value).send();
    assert_eq!(ask("if-match", &tag).await.status, 200);
    assert_eq!(ask("if-match", "*").await.status, 200);
    assert_eq!(ask("if-match", &format!("W/{tag}")).await.status, 412);
    let failed = ask("if-unmodified-since", "Mon, 30 Dec 2013 00:00:00 GMT").await;
    assert_eq!((failed.status.as_u16(), failed.field("cache-control")), (412, "no-store"));
    assert!(!failed.error().is_empty());
    assert_eq!(ask("if-unmodified-since", "Tue, 31 Dec 2013 00:00:00 GMT").await.status, 200);
}

#[tokio::test]
async fn a_change_is_made_only_to_what_its_conditions_name() {
    let origin = honest();
    let bitmap = origin.get("/picture.bmp").await.content;
    let put = |target: &'static str| match target {
        "/picture.bmp" => origin.ask("PUT", target).content("image/bmp", bitmap.clone()),
        _ => origin.ask("PUT", target).json(r#"{"price":3,"stock":3}"#),
    };
    for target in ["/product/1234", "/picture.bmp"] {
        let tag = origin.get(target).await.field("etag").to_owned();
        for (name, value) in [
            ("if-match", "\"other\""),
            ("if-none-match", "*"),
            ("if-none-match", &tag),
            ("if-unmodified-since", "Sat, 01 Jan 2000 00:00:00 GMT"),
        ] {
            let refused = put(target).field(name, value).send().await;
            assert_eq!(refused.status, 412, "{target} {name}");
            assert!(!refused.error().is_empty());
            let kept = origin.ask("DELETE", target).field(name, value).send().await;
            assert_eq!(kept.status, 412, "{target} {name}");
        }
        assert_eq!(origin.get(target).await.field("etag"), tag, "{target}");
        assert!(put(target).field("if-match", &tag).send().await.status.is_success());
        let tag = origin.get(target).await.field("etag").to_owned();
        assert_eq!(origin.ask("DELETE", target).field("if-match", &tag).send().await.status, 204);
        assert_eq!(put(target).field("if-match", "*").send().await.status, 412, "{target}");
        assert_eq!(put(target).field("if-none-match", "*").send().await.status, 201, "{target}");
    }
}

#[tokio::test]
async fn a_silent_origin_has_no_tags_to_compare() {
    let origin = silent();
    let put =
        origin.ask("PUT", "/product/1234").field("if-match", "\"any\"").json(r#"{"price":3,"stock":3}"#);
    assert_eq!(put.send().await.status, 200);
}

#[tokio::test]
async fn errors_and_sessions_have_no_validators() {
    let origin = honest();
    let cookie = origin.session("alice").await;
    let session = origin.ask("GET", "/level4/product/1234").field("cookie", &cookie).send().await;
    for reply in [session, origin.get("/random").await, origin.get("/product/99").await] {
        assert_eq!((reply.field("etag"), reply.field("last-modified")), ("", ""), "{reply:?}");
    }
    let absent = origin.ask("GET", "/product/99").field("if-none-match", "*").send().await;
    assert_eq!(absent.status, 404);
}

#[tokio::test]
async fn the_date_is_that_of_the_origins_clock() {
    let reply = silent().get("/").await;
    assert_eq!(reply.field("date"), "Wed, 15 Jan 2014 12:00:00 GMT");
}
