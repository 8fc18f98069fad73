//! Each refusal of the admin listener.

use super::{TOKEN, posting, problem, with_token};
use crate::support::{Answer, Ask, Proxy, clock, get, in_turn, ok, proxy, raw, scripted};

async fn started(admin: &str) -> Proxy {
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", "from the origin")])).await;
    proxy().admin_with(admin).start(origin.address, &clock()).await
}

/// Sends this, and holds that it is refused with this status and name.
async fn is_refused(ask: Ask, status: u16, name: &str) -> Answer {
    let answer = ask.send().await;
    assert_eq!((answer.status.as_u16(), problem(&answer).as_str()), (status, name), "{}", answer.text());
    answer
}

#[tokio::test]
async fn a_name_that_anybody_could_let_lead_here_is_refused_as_host() {
    let proxy = started("").await;
    for target in ["/healthz", "/readyz", "/api/routes", "/api/openapi.json", "/no/such"] {
        is_refused(proxy.admin(target).field("host", "evil.example:9090"), 421, "foreign-host").await;
    }
    let port = proxy.admin_address().port();
    for host in
        ["localhost".to_owned(), format!("localhost:{port}"), "[::1]".to_owned(), "10.0.0.7".to_owned()]
    {
        assert_eq!(proxy.admin("/healthz").field("host", &host).send().await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_host_that_is_missing_or_there_twice_is_refused() {
    let proxy = started("").await;
    for lines in ["", "host: 127.0.0.1\r\nhost: 127.0.0.1\r\n"] {
        let request = format!("GET /healthz HTTP/1.1\r\n{lines}connection: close\r\n\r\n");
        let answer = raw(proxy.admin_address(), request).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("problem:bad-host"), "{answer}");
    }
    for (path, status) in [("/healthz", "200"), ("/api/routes", "400")] {
        let answer = raw(proxy.admin_address(), format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.0 {status} ")),
            "a health check of old needs none: {answer}"
        );
    }
    let elsewhere =
        "GET http://evil.example/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n";
    let answer = raw(proxy.admin_address(), elsewhere).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("problem:bad-host"), "{answer}");
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused() {
    let proxy = started("").await;
    let own = format!("http://{}", proxy.admin_address());
    for origin in ["http://evil.example", "http://127.0.0.1:1", "null", "https://localhost"] {
        is_refused(proxy.admin("/api/routes").field("origin", origin), 403, "cross-origin").await;
        let purge = posting(proxy.admin("/api/purge"), r#"{"all":true}"#).field("origin", origin);
        is_refused(purge, 403, "cross-origin").await;
    }
    for site in ["cross-site", "same-site"] {
        let image =
            proxy.admin("/api/routes").field("sec-fetch-site", site).field("sec-fetch-mode", "no-cors");
        is_refused(image, 403, "cross-origin").await;
    }
    let link =
        proxy.admin("/healthz").field("sec-fetch-site", "cross-site").field("sec-fetch-mode", "navigate");
    assert_eq!(link.field("sec-fetch-dest", "document").send().await.status, 200, "a link");
    let ours = posting(proxy.admin("/api/purge"), r#"{"all":true}"#).field("origin", &own);
    assert_eq!(ours.field("sec-fetch-site", "same-origin").send().await.status, 200, "a page of its own");
}

#[tokio::test]
async fn what_a_form_can_send_is_refused() {
    let proxy = started("").await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"]
    {
        let form = proxy.admin("/api/purge").method("POST").field("content-type", content_type);
        is_refused(form.body(r#"{"all":true}"#), 415, "not-json").await;
    }
    is_refused(proxy.admin("/api/purge").method("POST").body(r#"{"all":true}"#), 415, "not-json").await;
}

#[tokio::test]
async fn without_the_token_there_is_nothing_but_health() {
    let proxy = started(&format!("token = \"{TOKEN}\"")).await;
    let wrong = TOKEN.replace('0', "1");
    for target in ["/api/routes", "/api/openapi.json", "/no/such", "/"] {
        for ask in [
            proxy.admin(target),
            with_token(proxy.admin(target), &wrong),
            with_token(proxy.admin(target), &TOKEN[1..]),
            proxy.admin(target).field("authorization", TOKEN),
            proxy.admin(target).field("cookie", &format!("token={TOKEN}")),
            proxy.admin(&format!("{target}?token={TOKEN}")),
        ] {
            let answer = is_refused(ask, 401, "token-needed").await;
            assert_eq!(answer.field("www-authenticate"), "Bearer realm=\"plimsoll admin\"");
            assert!(!answer.text().contains(TOKEN) && !answer.text().contains(&wrong));
        }
    }
    is_refused(posting(proxy.admin("/api/purge"), r#"{"all":true}"#), 401, "token-needed").await;
    for target in ["/healthz", "/readyz"] {
        assert_ne!(proxy.admin(target).send().await.status, 401, "{target}");
    }
    // With it, names of the operator's own choice are fine as Host.
    let asked = with_token(proxy.admin("/api/routes"), TOKEN).field("host", "admin.example");
    assert_eq!(asked.send().await.status, 200);
    is_refused(with_token(proxy.admin("/no/such"), TOKEN), 404, "no-such-resource").await;
}

#[tokio::test]
async fn methods_and_resources_that_are_not_there_are_refused() {
    let proxy = started("").await;
    for (target, allow) in [("/healthz", "GET,HEAD"), ("/api/routes", "GET,HEAD"), ("/api/purge", "POST")] {
        for method in ["PUT", "DELETE", "OPTIONS", "PURGE", "TRACE"] {
            let answer = is_refused(proxy.admin(target).method(method), 405, "method-not-allowed").await;
            assert_eq!(answer.field("allow"), allow, "{method} {target}");
        }
    }
    is_refused(proxy.admin("/api/purge"), 405, "method-not-allowed").await;
    for target in ["/no/such", "/api", "/api/purge/", "//healthz"] {
        is_refused(proxy.admin(target), 404, "no-such-resource").await;
    }
}

#[tokio::test]
async fn content_that_is_too_large_is_refused_whether_its_length_is_stated_or_not() {
    let proxy = started("").await;
    let large = format!("{{\"tag\":\"{}\"}}", "x".repeat(64 * 1024));
    let answer =
        is_refused(posting(proxy.admin("/api/purge"), large.clone()), 413, "content-too-large").await;
    assert_eq!(answer.field("connection"), "close");
    let head = "POST /api/purge HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let chunked =
        format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let answer = raw(proxy.admin_address(), chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn every_answer_says_that_it_is_for_who_asked_alone() {
    let proxy = started(&format!("token = \"{TOKEN}\"")).await;
    let mut statuses = Vec::new();
    for ask in [
        proxy.admin("/healthz"),
        proxy.admin("/api/routes"),
        proxy.admin("/api/routes").field("origin", "http://evil.example"),
        with_token(proxy.admin("/api/openapi.json"), TOKEN),
        with_token(proxy.admin("/no/such"), TOKEN),
        with_token(proxy.admin("/api/routes").method("DELETE"), TOKEN),
        with_token(posting(proxy.admin("/api/purge"), "{}"), TOKEN),
        with_token(proxy.admin("/api/purge").method("POST"), TOKEN),
    ] {
        let answer = ask.send().await;
        statuses.push(answer.status.as_u16());
        assert_eq!(answer.field("cache-control"), "no-store");
        assert_eq!(answer.field("x-content-type-options"), "nosniff");
        assert_eq!(answer.field("cross-origin-resource-policy"), "same-origin");
        assert!(answer.fields.keys().all(|name| !name.as_str().starts_with("access-control-")));
    }
    assert_eq!(statuses, [200, 401, 403, 200, 404, 405, 400, 415]);
}

#[tokio::test]
async fn nothing_of_it_is_where_clients_connect() {
    let proxy = started("").await;
    let described = proxy.admin("/api/openapi.json").send().await.json();
    let paths = described["paths"].as_object().expect("paths");
    assert!(paths.len() >= 5, "{paths:?}");
    for path in paths.keys().map(String::as_str).chain(["/"]) {
        assert_eq!(get(proxy.address, path).send().await.text(), "from the origin", "{path}");
        let posted = posting(proxy.get(path), r#"{"all":true}"#).send().await;
        assert_eq!(posted.text(), "from the origin", "{path}");
    }
}
