//! Whatever a client sends, the answer is JSON that says what was wrong.

use super::{Reply, silent};

fn assert_refused(reply: &Reply, status: u16, what: &str) {
    assert_eq!(reply.status, status, "{what}: {reply:?}");
    assert_eq!(reply.field("content-type"), "application/json", "{what}");
    assert!(reply.error().len() > 10, "{what}");
    assert!(!reply.field("x-origin-requests").is_empty(), "{what}");
}

#[tokio::test]
async fn an_unknown_language_is_400_with_links_to_the_known() {
    let origin = silent();
    let targets =
        ["/product/1234&language=klingon", "/product/1234?language=klingon", "/product/1234?language="];
    for target in targets.into_iter().chain(["/product/1234&language=", "/product/1234?language=French"]) {
        let reply = origin.get(target).await;
        assert_refused(&reply, 400, target);
        let links = reply.value()["links"].as_object().unwrap().clone();
        assert_eq!(links.keys().collect::<Vec<_>>(), ["english", "french", "german"]);
        for href in links.values() {
            assert_eq!(origin.get(href.as_str().unwrap()).await.status, 200);
        }
    }
    let cookie = origin.session("bob").await;
    let ask = origin.ask("PUT", "/level4/preferences").field("cookie", &cookie);
    let put = ask.json(r#"{"language":"klingon"}"#).send().await;
    assert_refused(&put, 400, "preferences");
    assert_eq!(put.value()["links"]["german"], "/product/1234?language=german");
}

#[tokio::test]
async fn a_language_said_twice_is_400() {
    let origin = silent();
    for target in [
        "/product/1234?language=french&language=german",
        "/product/1234&language=french?language=french",
        "/product/1234&language=french&language=german",
    ] {
        assert_refused(&origin.get(target).await, 400, target);
    }
}

#[tokio::test]
async fn a_path_that_names_nothing_is_404() {
    let origin = silent();
    for target in [
        "/nothing",
        "/product/",
        "/product/99",
        "/product/+1234",
        "/product/01234",
        "/product/-1",
        "/product/99999999999999999999",
        "/product/1234&colour=red",
        "/product/1234/",
        "/product/99&language=french",
        "/warehouse/sales/soon",
        "/warehouse/sales/2012.0",
        "/cart/x",
        "/user/me/preferences",
    ] {
        assert_refused(&origin.get(target).await, 404, target);
    }
    assert_refused(&origin.get("/product/%ff").await, 400, "not UTF-8");
}

#[tokio::test]
async fn a_method_that_a_resource_does_not_answer_is_405_with_those_it_does() {
    let origin = silent();
    for (method, target, allow) in [
        ("POST", "/product/1234", "DELETE,GET,HEAD,PUT"),
        ("DELETE", "/warehouse/sales/2012", "GET,HEAD"),
        ("PATCH", "/picture.bmp", "DELETE,GET,HEAD,PUT"),
        ("POST", "/load/1", "GET,HEAD"),
        ("GET", "/stateless/login", "POST"),
        ("GET", "/stateless/checkout", "POST"),
        ("GET", "/stateful/checkout", "POST"),
        ("DELETE", "/stateful/cart", "GET,HEAD,POST"),
        ("POST", "/weather?city=London", "GET,HEAD"),
        ("POST", "/registration", "GET,HEAD"),
        ("PUT", "/jazz", "GET,HEAD"),
        ("GET", "/level4/preferences", "PUT"),
        ("BREW", "/", "GET,HEAD"),
    ] {
        let reply = origin.ask(method, target).send().await;
        assert_refused(&reply, 405, target);
        let mut allowed: Vec<&str> = reply.field("allow").split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{method} {target}");
    }
}

#[tokio::test]
async fn content_that_is_not_the_json_asked_for_is_refused() {
    let origin = silent();
    let cookie = origin.session("alice").await;
    let put = |content: &str| origin.ask("PUT", "/product/1234").json(content);
    for content in [
        "",
        "{",
        "null",
        "[]",
        "[1,1]",
        "{}",
        r#"{"price":"1","stock":1}"#,
        r#"{"price":-1,"stock":1}"#,
        r#"{"price":1e999,"stock":1}"#,
        r#"{"price":1e7,"stock":1}"#,
        r#"{"price":1,"stock":-1}"#,
        r#"{"price":1,"stock":0.5}"#,
        "\u{0}",
    ] {
        assert_refused(&put(content).send().await, 400, content);
    }
    let deep = "[".repeat(60_000);
    assert_refused(&put(&deep).send().await, 400, "deep");
    let long = format!(r#"{{"price":1,"stock":1,"name":"{}"}}"#, "x".repeat(64 * 1024));
    assert_refused(&put(&long).send().await, 413, "long");
    let announced = put("{}").field("content-length", "99999999999").send().await;
    assert_refused(&announced, 413, "announced as long");
    for ask in [
        origin.ask("PUT", "/product/1234"),
        origin.ask("PUT", "/product/1234").content("text/plain", r#"{"price":1,"stock":1}"#),
        origin.ask("POST", "/stateless/login").content("application/x-www-form-urlencoded", "username=alice"),
        origin.ask("POST", "/stateful/login"),
        origin.ask("POST", "/stateful/cart").field("cookie", &cookie),
        origin.ask("PUT", "/level4/preferences").field("cookie", &cookie),
    ] {
        assert_refused(&ask.send().await, 415, "no JSON");
    }
    assert_refused(&origin.ask("POST", "/stateful/login").json("[1]").send().await, 400, "array");
}

#[tokio::test]
async fn json_is_taken_under_every_name_it_has() {
    let origin = silent();
    for media in ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"] {
        let put = origin.ask("PUT", "/product/1234").content(media, r#"{"price":1,"stock":1}"#).send().await;
        assert_eq!(put.status, 200, "{media}");
    }
}

#[tokio::test]
async fn a_picture_that_is_no_bitmap_is_refused() {
    let origin = silent();
    let drawn = origin.get("/picture.bmp").await.content;
    let put = |content: Vec<u8>| origin.ask("PUT", "/picture.bmp").content("image/bmp", content).send();
    assert_refused(&put(Vec::new()).await, 400, "empty");
    assert_refused(&put(b"BM".to_vec()).await, 400, "headers missing");
    assert_refused(&put(drawn[..1000].to_vec()).await, 400, "cut off");
    assert_refused(&put([b"GIF89a", &drawn[6..]].concat()).await, 400, "another format");
    assert_refused(&put(vec![b'B'; 1024 * 1024 + 1]).await, 413, "long");
    let untyped = origin.ask("PUT", "/picture.bmp").content("image/png", drawn.to_vec()).send().await;
    assert_refused(&untyped, 415, "another type");
    assert_eq!(origin.get("/picture.bmp").await.content, drawn);
}

#[tokio::test]
async fn an_order_that_the_load_target_cannot_fill_is_refused() {
    let origin = silent();
    for target in [
        "/load/x",
        "/load/-1",
        "/load/+1",
        "/load/1.5",
        "/load/4611686018427387905",
        "/load/99999999999999999999999",
        "/load/1?delay=soon",
        "/load/1?delay=-1",
        "/load/1?delay=2h",
        "/load/1?delay=99999999999999999999s",
        "/load/1?jitter=61m",
        "/load/1?status=199",
        "/load/1?status=600",
        "/load/1?status=ok",
        "/load/1?chunked=perhaps",
        "/load/1?fail=often",
        "/load/0?fail=truncate",
        "/load/1?fail=stall&status=204",
        "/load/1?status=200&status=500",
    ] {
        assert_refused(&origin.get(target).await, 400, target);
    }
    assert_refused(&origin.get("/load/1?fail=truncate").await, 501, "no connection to break");
}
