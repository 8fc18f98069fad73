//! What the answer to an unsafe request ends, its own target aside (RFC 9111 section 4.4, RFC 9875).

use super::{HIT, MISS};
use crate::support::{Proxy, Scripted, answer_with, clock, ok, proxy, scripted};

/// A proxy that holds `/a`, `/a?b` and `/c/d`, in front of an origin that answers writes like this.
async fn stocked(status: &'static str, fields: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |_, seen| {
        let is_read = seen.line.starts_with("GET");
        if is_read { ok("cache-control: max-age=60\r\n", "x") } else { answer_with(status, fields, "") }
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for _ in 0..2 {
        read_all(&proxy).await;
    }
    (origin, proxy)
}

const READ: [&str; 3] = ["/a", "/a?b", "/c/d"];

async fn read_all(proxy: &Proxy) -> Vec<String> {
    let mut caches = Vec::new();
    for target in READ {
        caches.push(proxy.get(target).send().await.cache());
    }
    caches
}

#[tokio::test]
async fn rfc9111_section_4_4_a_write_ends_the_same_origin_places_that_its_answer_names() {
    for (fields, expected) in [
        ("location: /a\r\n", [MISS, HIT, HIT]),
        ("content-location: /a?b\r\n", [HIT, MISS, HIT]),
        ("location: http://api.example/c/d#part\r\ncontent-location: a\r\n", [MISS, HIT, MISS]),
        ("location: ./c/../c/%64\r\n", [HIT, HIT, MISS]),
        ("location: http://other.example/a\r\n", [HIT, HIT, HIT]),
        ("location: https://api.example/a\r\n", [HIT, HIT, HIT]),
        ("location: http://api.example:81/a\r\n", [HIT, HIT, HIT]),
        ("location: not a place\r\n", [HIT, HIT, HIT]),
        ("location: /a\r\nlocation: /c/d\r\n", [HIT, HIT, HIT]),
    ] {
        for (method, status) in
            [("POST", "201 Created"), ("PUT", "204 No Content"), ("X-MERGE", "303 See Other")]
        {
            let (_origin, proxy) = stocked(status, fields).await;
            proxy.get("/w").method(method).send().await;
            assert_eq!(read_all(&proxy).await, expected, "{method} {status} {fields}");
        }
    }
}

#[tokio::test]
async fn rfc9111_section_4_4_a_write_that_failed_or_a_safe_method_names_nothing() {
    for (method, status) in
        [("POST", "400 Bad Request"), ("PUT", "500 Internal Server Error"), ("OPTIONS", "200 OK")]
    {
        let (_origin, proxy) = stocked(status, "location: /a\r\ncontent-location: /c/d\r\n").await;
        proxy.get("/w").method(method).send().await;
        assert_eq!(read_all(&proxy).await, [HIT; 3], "{method} {status}");
    }
}

/// A proxy with `/a` in two groups, `/b` in one and `/c` in none, and a writer that ends these.
async fn grouped(ended: &'static str) -> Proxy {
    let origin = scripted(move |_, seen| match seen.line.split(' ').collect::<Vec<_>>()[..] {
        ["GET", "/a", _] => ok("cache-control: max-age=60\r\ncache-groups: \"one\", \"two\"\r\n", "x"),
        ["GET", "/b", _] => ok("cache-control: max-age=60\r\ncache-groups: \"two\";x\r\n", "x"),
        ["GET", ..] => ok("cache-control: max-age=60\r\n", "x"),
        _ => answer_with("200 OK", &format!("cache-group-invalidation: {ended}\r\n"), ""),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for host in ["api.example", "other.example"] {
        for target in ["/a", "/b", "/c"] {
            proxy.get(target).field("host", host).send().await;
        }
    }
    proxy
}

async fn held(proxy: &Proxy, host: &str) -> [bool; 3] {
    let mut held = [false; 3];
    for (target, held) in ["/a", "/b", "/c"].into_iter().zip(&mut held) {
        *held = proxy.get(target).field("host", host).send().await.cache() == HIT;
    }
    held
}

#[tokio::test]
async fn rfc9875_section_3_a_write_ends_the_groups_that_it_names_and_no_others() {
    for (ended, left) in [
        ("\"one\"", [false, true, true]),
        ("\"two\"", [false, false, true]),
        ("\"One\"", [true, true, true]),
        ("one", [true, true, true]),
        ("\"none\", \"one\"", [false, true, true]),
    ] {
        let proxy = grouped(ended).await;
        proxy.get("/w").method("POST").send().await;
        assert_eq!(held(&proxy, "api.example").await, left, "{ended}");
        assert_eq!(held(&proxy, "other.example").await, [true; 3], "groups are of one origin");
    }
}

#[tokio::test]
async fn rfc9875_section_3_a_safe_request_ends_no_group() {
    let proxy = grouped("\"one\", \"two\"").await;
    proxy.get("/w").method("OPTIONS").send().await;
    assert_eq!(held(&proxy, "api.example").await, [true; 3]);
}
