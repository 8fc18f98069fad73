//! Methods that change something: they go to the origin as they came, and end what is stored for their target if they
//! succeed (RFC 9111 section 4.4).

use std::sync::Arc;

use tokio::sync::Notify;

use crate::support::{Proxy, Reply, Scripted, answer_with, clock, ok, proxy, scripted, until};

const UNSAFE: [&str; 4] = ["PUT", "POST", "DELETE", "PATCH"];

/// A proxy in front of an origin that answers GET with a number that grows, and everything else with this status.
async fn changing(status: &'static str) -> (Proxy, Scripted) {
    let origin = scripted(move |number, seen| {
        if seen.line.starts_with("GET ") {
            ok("cache-control: max-age=60\r\n", &number.to_string())
        } else {
            answer_with(status, "", "")
        }
    })
    .await;
    let proxy = proxy()
        .route("name = 'x'\npath = '/x/{id}'\nlevel = 'changing'\nttl = '30s'\nstate = { query = ['a'] }")
        .start(origin.address, &clock())
        .await;
    (proxy, origin)
}

async fn is_hit(proxy: &Proxy, target: &str) -> bool {
    proxy.get(target).send().await.cache().starts_with("hit")
}

#[tokio::test]
async fn they_are_forwarded_because_of_their_method() {
    let (proxy, origin) = changing("200 OK").await;
    for (number, method) in UNSAFE.into_iter().enumerate() {
        let answer =
            proxy.get("/x/1?b=2").method(method).field("cookie", "sid=1").body("content").send().await;
        assert_eq!(answer.cache(), "fwd=method; route=x", "{method}");
        let seen = &origin.seen()[number];
        assert_eq!(seen.line, format!("{method} /x/1?b=2 HTTP/1.1"));
        assert_eq!((seen.body.as_slice(), seen.field("cookie")), (b"content".as_slice(), Some("sid=1")));
    }
    let answer = proxy.get("/elsewhere").method("POST").body("content").send().await;
    assert_eq!(answer.cache(), "fwd=method; route=default");
}

#[tokio::test]
async fn a_preflight_passes_through_and_invalidates_nothing() {
    let (proxy, origin) = changing("204 No Content").await;
    proxy.get("/x/1").send().await;
    let preflight = proxy
        .get("/x/1")
        .method("OPTIONS")
        .field("origin", "https://shop.example")
        .field("access-control-request-method", "PUT")
        .send()
        .await;
    assert_eq!((preflight.status.as_u16(), preflight.cache().as_str()), (204, "fwd=method; route=x"));
    assert_eq!(origin.seen()[1].field("origin"), Some("https://shop.example"));
    assert!(is_hit(&proxy, "/x/1").await);
}

#[tokio::test]
async fn success_ends_what_is_stored_for_the_target() {
    for status in ["200 OK", "201 Created", "204 No Content", "303 See Other"] {
        for method in UNSAFE {
            for target in ["/x/1", "/elsewhere"] {
                let (proxy, _origin) = changing(status).await;
                proxy.get(target).send().await;
                assert!(is_hit(&proxy, target).await);
                proxy.get(target).method(method).body("content").send().await;
                assert!(!is_hit(&proxy, target).await, "{method} {target}, {status}");
                assert!(is_hit(&proxy, target).await);
            }
        }
    }
}

#[tokio::test]
async fn failure_ends_nothing() {
    for status in ["400 Bad Request", "404 Not Found", "409 Conflict", "500 Broken", "503 Unavailable"] {
        for method in UNSAFE {
            for target in ["/x/1", "/elsewhere"] {
                let (proxy, _origin) = changing(status).await;
                proxy.get(target).send().await;
                proxy.get(target).method(method).body("content").send().await;
                assert!(is_hit(&proxy, target).await, "{method} {target}, {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_method_that_nobody_knows_is_taken_for_unsafe() {
    let (proxy, _origin) = changing("200 OK").await;
    proxy.get("/x/1").send().await;
    assert_eq!(proxy.get("/x/1").method("FROB").send().await.cache(), "fwd=method; route=x");
    assert!(!is_hit(&proxy, "/x/1").await);
}

#[tokio::test]
async fn on_a_declared_route_every_query_of_the_path_is_ended_and_no_other_path() {
    let (proxy, _origin) = changing("200 OK").await;
    for target in ["/x/1?a=1", "/x/1?a=2", "/x/2?a=1"] {
        proxy.get(target).send().await;
    }
    proxy.get("/x/1").method("PUT").body("content").send().await;
    assert!(!is_hit(&proxy, "/x/1?a=1").await && !is_hit(&proxy, "/x/1?a=2").await);
    assert!(is_hit(&proxy, "/x/2?a=1").await);
}

#[tokio::test]
async fn elsewhere_only_the_target_itself_is_ended() {
    let (proxy, _origin) = changing("200 OK").await;
    for target in ["/y?a=1", "/y?a=2"] {
        proxy.get(target).send().await;
    }
    proxy.get("/y?a=1").method("DELETE").send().await;
    assert!(!is_hit(&proxy, "/y?a=1").await);
    assert!(is_hit(&proxy, "/y?a=2").await);
}

#[tokio::test]
async fn another_host_or_another_spelling_is_another_matter_or_the_same() {
    let (proxy, _origin) = changing("200 OK").await;
    proxy.get("/x/~a").send().await;
    proxy.get("/x/~a").method("PUT").field("host", "other.example").body("content").send().await;
    assert!(is_hit(&proxy, "/x/~a").await);
    proxy.get("/x/b/../%7Ea").method("PUT").body("content").send().await;
    assert!(!is_hit(&proxy, "/x/~a").await);
}

#[tokio::test]
async fn an_invalidation_is_over_before_the_client_hears_of_the_success() {
    let go = Arc::new(Notify::new());
    let rest = Arc::clone(&go);
    let origin = scripted(move |number, seen| {
        if seen.line.starts_with("GET ") {
            ok("cache-control: max-age=60\r\n", &number.to_string())
        } else {
            Reply::Wait(
                b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n".to_vec(),
                Arc::clone(&rest),
                b"hello".to_vec(),
            )
        }
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let head = proxy.get("/x").method("PUT").body("content").open().await;
    assert_eq!(head.status(), 200);
    assert!(!is_hit(&proxy, "/x").await, "the head is there, its content is not");
    go.notify_one();
}

#[tokio::test]
async fn a_fill_that_began_before_a_write_is_not_stored() {
    let go = Arc::new(Notify::new());
    let rest = Arc::clone(&go);
    let origin = scripted(move |number, seen| match (seen.line.starts_with("GET "), number) {
        (true, 0) => Reply::Wait(
            b"HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\ncontent-length: 7\r\n\r\nol".to_vec(),
            Arc::clone(&rest),
            b"d one".to_vec(),
        ),
        (true, _) => ok("cache-control: max-age=60\r\n", "new"),
        (false, _) => ok("", ""),
    })
    .await;
    let proxy = proxy().route("path = '/x'\nlevel = 'permanent'").start(origin.address, &clock()).await;
    let filling = proxy.get("/x").open().await;
    assert_eq!(filling.status(), 200);
    proxy.get("/x").method("PUT").body("content").send().await;
    go.notify_one();
    let whole =
        http_body_util::BodyExt::collect(filling.into_body()).await.expect("a whole answer").to_bytes();
    assert_eq!(whole, "old one");
    let next = until(|| proxy.get("/x").send(), |answer| answer.cache().starts_with("hit")).await;
    assert_eq!(next.text(), "new");
}
