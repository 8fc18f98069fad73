//! What a proxy does to a message on its way: fields of one connection stay behind, Via and Forwarded say what
//! happened, targets and hosts arrive as they were meant (RFC 9110 sections 7.2 and 7.6, RFC 7239).

use std::sync::Arc;

use tokio::sync::Notify;

use crate::support::{Builder, Proxy, Reply, Scripted, Seen, Wire, clock, in_turn, ok, proxy, raw, scripted};

/// A proxy with these settings in front of an origin that answers with these fields.
async fn answering(builder: Builder, fields: &str) -> (Proxy, Scripted) {
    let origin = scripted(in_turn([ok(fields, "hello")])).await;
    let proxy = builder.start(origin.address, &clock()).await;
    (proxy, origin)
}

/// The ways through the house: by the operator's word, by the origin's, and past the cache.
fn ways() -> [Builder; 3] {
    let route = |level: &str| {
        proxy().route(&format!("name = 'x'\npath = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'"))
    };
    [route("changing"), route("origin"), route("user")]
}

/// The members of a field, over all its lines.
fn members(seen: &Seen, name: &str) -> String {
    let lines = seen.fields.iter().filter(|(known, _)| known == name);
    lines.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
}

const TRUSTING: &str = "trusted_proxies = ['127.0.0.0/8']";

#[tokio::test]
async fn fields_of_the_clients_connection_do_not_reach_the_origin() {
    for (builder, is_own) in ways().into_iter().zip([false, false, true]) {
        let (proxy, origin) = answering(builder, "").await;
        proxy
            .get("/x")
            .field("connection", "X-Mine, keep-alive")
            .field("connection", "x-other")
            .field("x-mine", "1")
            .field("x-other", "2")
            .field("keep-alive", "timeout=5")
            .field("proxy-connection", "keep-alive")
            .field("proxy-authorization", "Basic abc")
            .field("te", "trailers")
            .field("trailer", "x-late")
            .field("upgrade", "h2c")
            .send()
            .await;
        let seen = &origin.seen()[0];
        for name in ["x-mine", "x-other", "keep-alive", "proxy-connection", "trailer", "upgrade"] {
            assert_eq!(seen.field(name), None, "{name}: {seen:?}");
        }
        // What goes through as it came says anew, for its next connection, that its client would take trailers.
        assert_eq!(seen.field("te"), is_own.then_some("trailers"));
        assert_eq!(seen.field("connection"), is_own.then_some("te"));
        assert_eq!(seen.field("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn fields_of_the_origins_connection_do_not_reach_the_client_neither_now_nor_from_the_store() {
    let fields = "connection: x-mine\r\nconnection: X-Other\r\nx-mine: 1\r\nx-other: 2\r\nkeep-alive: timeout=5\r\n\
                  proxy-connection: keep-alive\r\nproxy-authenticate: Basic\r\ntrailer: x-late\r\nupgrade: h2c\r\n\
                  cache-control: max-age=60\r\nx-end: 3\r\n";
    for builder in ways() {
        let (proxy, _origin) = answering(builder, fields).await;
        for _ in 0..2 {
            let answer = proxy.get("/x").send().await;
            for name in
                ["x-mine", "x-other", "keep-alive", "proxy-connection", "proxy-authenticate", "trailer"]
            {
                assert_eq!(answer.field(name), "", "{name}: {}", answer.cache());
            }
            assert_eq!((answer.field("upgrade").as_str(), answer.field("connection").as_str()), ("", ""));
            assert_eq!(answer.field("x-end"), "3");
        }
    }
}

#[tokio::test]
async fn via_is_appended_to_in_both_directions() {
    for (builder, is_own) in ways().into_iter().zip([true, false, false]) {
        let (proxy, origin) = answering(builder, "via: 1.0 behind\r\ncache-control: max-age=60\r\n").await;
        for _ in 0..2 {
            let answer = proxy.get("/x").field("via", "1.1 before").send().await;
            assert_eq!(answer.field("via"), "1.0 behind, 1.1 plimsoll");
        }
        let sent = if is_own { "1.1 plimsoll" } else { "1.1 before, 1.1 plimsoll" };
        assert_eq!(members(&origin.seen()[0], "via"), sent);
    }
}

#[tokio::test]
async fn what_an_unknown_client_says_about_its_way_is_replaced() {
    for builder in ways().into_iter().skip(1) {
        let (proxy, origin) = answering(builder, "").await;
        proxy
            .get("/x")
            .field("forwarded", "for=6.6.6.6;host=evil.example;proto=https")
            .field("x-forwarded-for", "6.6.6.6")
            .field("x-forwarded-host", "evil.example")
            .field("x-forwarded-proto", "https")
            .send()
            .await;
        let seen = &origin.seen()[0];
        assert_eq!(members(seen, "forwarded"), "for=127.0.0.1;host=\"api.example\";proto=http");
        assert_eq!(members(seen, "x-forwarded-for"), "127.0.0.1");
        assert_eq!(members(seen, "x-forwarded-host"), "api.example");
        assert_eq!(members(seen, "x-forwarded-proto"), "http");
    }
}

/// What a trusted proxy that passes on everything makes of a client's request.
async fn by_a_trusted_proxy(builder: Builder) -> Seen {
    let (proxy, origin) = answering(builder.server(TRUSTING), "").await;
    proxy
        .get("/x")
        .field("forwarded", "for=9.9.9.9;proto=https")
        .field("x-forwarded-for", "9.9.9.9, 8.8.8.8, <evil>")
        .field("x-forwarded-for", "7.7.7.7")
        .field("x-forwarded-host", "shop.example")
        .field("x-forwarded-prefix", "/shop")
        .field("x-forwarded-proto", "https")
        .send()
        .await;
    origin.seen().remove(0)
}

const OWN: &str = "for=127.0.0.1;host=\"api.example\";proto=https";

#[tokio::test]
async fn what_a_trusted_proxy_says_about_the_way_is_appended_to() {
    let [_, _, bypassing] = ways();
    let seen = &by_a_trusted_proxy(bypassing).await;
    assert_eq!(members(seen, "forwarded"), format!("for=9.9.9.9;proto=https, {OWN}"));
    assert_eq!(members(seen, "x-forwarded-for"), "9.9.9.9, 8.8.8.8, <evil>, 7.7.7.7, 127.0.0.1");
    assert_eq!(members(seen, "x-forwarded-host"), "shop.example");
    assert_eq!(members(seen, "x-forwarded-prefix"), "/shop");
    assert_eq!(members(seen, "x-forwarded-proto"), "https");
}

#[tokio::test]
async fn where_the_answer_may_be_shared_a_trusted_proxy_passes_on_nothing_but_addresses_and_what_is_keyed() {
    let [_, undeclared, _] = ways();
    let seen = &by_a_trusted_proxy(undeclared).await;
    assert_eq!(members(seen, "forwarded"), OWN);
    assert_eq!(members(seen, "x-forwarded-for"), "9.9.9.9, 8.8.8.8, 7.7.7.7, 127.0.0.1");
    assert_eq!(members(seen, "x-forwarded-host"), "api.example");
    assert_eq!(members(seen, "x-forwarded-prefix"), "");
    assert_eq!(members(seen, "x-forwarded-proto"), "https");
}

#[tokio::test]
async fn a_hermetic_fetch_names_host_and_scheme_and_never_the_client() {
    let [declared, ..] = ways();
    let (proxy, origin) = answering(declared.server(TRUSTING), "").await;
    proxy.get("/x").field("x-forwarded-for", "9.9.9.9").field("x-forwarded-proto", "https").send().await;
    let seen = &origin.seen()[0];
    let forwarded = members(seen, "forwarded");
    assert!(forwarded.contains("proto=https") && forwarded.contains("api.example"), "{forwarded}");
    assert_eq!(seen.field("x-forwarded-for"), None);
    let all = format!("{:?}", seen.fields);
    assert!(!all.contains("127.0.0.1") && !all.contains("9.9.9.9"), "{all}");
}

#[tokio::test]
async fn the_scheme_that_a_trusted_proxy_tells_is_part_of_the_key() {
    let [declared, ..] = ways();
    let (proxy, origin) = answering(declared.server(TRUSTING), "").await;
    for scheme in ["http", "https"] {
        let answer = proxy.get("/x").field("x-forwarded-proto", scheme).send().await;
        assert_eq!(answer.cache(), "fwd=uri-miss; stored; level=2; route=x", "{scheme}");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn the_origin_sees_the_clients_host_or_its_own() {
    for builder in ways() {
        let (proxy, origin) = answering(builder.clone(), "").await;
        proxy.get("/x").field("host", "Shop.Example:80").send().await;
        assert_eq!(origin.seen()[0].field("host"), Some("shop.example"));

        let (proxy, origin) = answering(builder.origin("host = 'origin'"), "").await;
        proxy.get("/x").field("host", "shop.example").send().await;
        assert_eq!(origin.seen()[0].field("host"), Some(origin.address.to_string().as_str()));
    }
}

#[tokio::test]
async fn an_absolute_target_is_forwarded_in_origin_form_under_its_own_host() {
    for builder in ways() {
        let (proxy, origin) = answering(builder, "cache-control: max-age=60\r\n").await;
        let request =
            "GET http://shop.example/x HTTP/1.1\r\nhost: other.example\r\nconnection: close\r\n\r\n";
        let answer = raw(proxy.address, request).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let seen = &origin.seen()[0];
        assert_eq!((seen.line.as_str(), seen.field("host")), ("GET /x HTTP/1.1", Some("shop.example")));
    }
}

#[tokio::test]
async fn an_absolute_target_without_a_path_is_forwarded_with_one() {
    let (proxy, origin) = answering(proxy(), "").await;
    for method in ["GET", "POST", "DELETE"] {
        let end = "host: a\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        raw(proxy.address, format!("{method} http://shop.example?x=1 HTTP/1.1\r\n{end}")).await;
    }
    let lines: Vec<_> = origin.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /?x=1 HTTP/1.1", "POST /?x=1 HTTP/1.1", "DELETE /?x=1 HTTP/1.1"]);
}

#[tokio::test]
async fn an_old_client_is_not_told_that_the_connection_goes_on_behind_content_of_unknown_length() {
    for builder in ways() {
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n".to_vec();
        let go = Arc::new(Notify::new());
        let origin =
            scripted(in_turn([Reply::Wait(chunked, Arc::clone(&go), b"3\r\nllo\r\n0\r\n\r\n".to_vec())]))
                .await;
        let proxy = builder.start(origin.address, &clock()).await;
        let get = "GET /x HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n";
        let mut client = Wire::ask(proxy.address, get).await;
        let head = client.head().await;
        assert!(head.starts_with("http/1.0 200") && !head.contains("keep-alive"), "{head}");
        go.notify_one();
        assert_eq!(client.rest().await, b"hello");
    }
}

#[tokio::test]
async fn an_absolute_target_has_the_key_of_its_origin_form() {
    let [declared, ..] = ways();
    let (proxy, origin) = answering(declared, "").await;
    proxy.get("/x").field("host", "shop.example").send().await;
    let request = "GET http://shop.example/x HTTP/1.1\r\nhost: other.example\r\nconnection: close\r\n\r\n";
    assert!(raw(proxy.address, request).await.contains("plimsoll; hit"));
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_request_without_exactly_one_host_is_a_400() {
    let (proxy, origin) = answering(proxy(), "").await;
    for (hosts, rule) in [
        ("", "host-missing"),
        ("host: a.example\r\nhost: b.example\r\n", "host-repeated"),
        ("host: a.example\r\nhost: a.example\r\n", "host-repeated"),
    ] {
        let answer = raw(proxy.address, format!("GET /x HTTP/1.1\r\n{hosts}connection: close\r\n\r\n")).await;
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 400"), "{hosts:?}: {head}");
        assert!(head.contains("application/problem+json"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(problem["type"], format!("urn:plimsoll:problem:{rule}"));
    }
    for (host, problem) in [
        ("", "host-invalid"),
        ("a b", "host-invalid"),
        ("a/b", "host-invalid"),
        ("a@b", "host-invalid"),
        ("a.example:port", "bad-target"),
        ("a.example:99999999", "bad-target"),
    ] {
        let answer =
            raw(proxy.address, format!("GET /x HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{host:?}: {answer}");
        assert!(answer.contains(&format!("urn:plimsoll:problem:{problem}\"")), "{host:?}: {answer}");
    }
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn connect_is_refused() {
    let (proxy, origin) = answering(proxy(), "").await;
    let target = origin.address;
    let request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\nconnection: close\r\n\r\n");
    let answer = raw(proxy.address, request).await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    assert!(answer.contains("urn:plimsoll:problem:connect"), "{answer}");
    assert_eq!(origin.count(), 0);
}

#[tokio::test]
async fn a_bypassed_request_arrives_as_it_came() {
    let (proxy, origin) = answering(proxy().route("path = '/{*rest}'\nlevel = 'user'"), "").await;
    let target = "/a%2Fb/%7Euser?b=2&a=1&a=%20";
    let ask =
        proxy.get(target).field("authorization", "Bearer t").field("cookie", "sid=1").field("x-mine", "a");
    ask.field("x-mine", "b").send().await;
    let seen = &origin.seen()[0];
    assert_eq!(seen.line, format!("GET {target} HTTP/1.1"));
    assert_eq!(members(seen, "authorization"), "Bearer t");
    assert_eq!((members(seen, "cookie").as_str(), members(seen, "x-mine").as_str()), ("sid=1", "a, b"));
}

#[tokio::test]
async fn an_answer_that_is_passed_on_keeps_its_reason_and_its_lines_in_their_order() {
    let head = b"HTTP/1.1 404 Nobody Home\r\nX-B: 1\r\nSet-Cookie: a=1\r\nKeep-Alive: timeout=5\r\nx-a: \t\xe9\t \r\n\
        Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nset-cookie: b=2\r\nConnection: keep-alive\r\nx-b:\r\n";
    let origin = scripted(in_turn([
        Reply::Bytes([&head[..], b"Content-Length: 5\r\n\r\nhello"].concat()),
        Reply::Bytes([&head[..], b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"].concat()),
    ]))
    .await;
    let proxy =
        proxy().route("name = 'x'\npath = '/x'\nlevel = 'user'").start(origin.address, &clock()).await;
    let expected = b"HTTP/1.1 404 Nobody Home\r\nx-b: 1\r\nset-cookie: a=1\r\nx-a: \xe9\r\n\
        date: Sun, 06 Nov 1994 08:49:37 GMT\r\nset-cookie: b=2\r\nx-b: \r\nvia: 1.1 plimsoll\r\n\
        cache-status: plimsoll; fwd=bypass; level=3; route=x; detail=route-declared\r\ncontent-length: 5\r\n\r\nhello";
    let mut client = Wire::connect(proxy.address).await;
    for _ in 0..2 {
        client.send("GET /x HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let got = client.take(expected.len()).await;
        assert_eq!(got.escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
    // By way of the engine, which makes a map of the lines.
    let last = proxy.get("/x").field("connection", "close").send().await;
    assert_eq!(
        (last.status.as_u16(), last.field("set-cookie").as_str(), last.text().as_str()),
        (404, "a=1, b=2", "hello")
    );
    assert_eq!((last.field("x-b").as_str(), last.field("keep-alive").as_str()), ("1, ", ""));
}

#[tokio::test]
async fn get_with_content_is_forwarded_whole_and_stays_out_of_the_cache() {
    for builder in ways().into_iter().take(2) {
        let (proxy, origin) = answering(builder, "cache-control: max-age=60\r\n").await;
        proxy.get("/x").send().await;
        let answer = proxy.get("/x").body("content").send().await;
        assert!(answer.cache().ends_with("detail=request-content"), "{}", answer.cache());
        assert_eq!(origin.seen()[1].body, b"content");
        assert!(proxy.get("/x").send().await.cache().starts_with("hit"));
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_its_content() {
    for (builder, is_hit) in ways().into_iter().zip([true, true, false]) {
        let origin = scripted(|_, seen| {
            let fields = "cache-control: max-age=60\r\n";
            if seen.line.starts_with("HEAD") {
                Reply::Bytes(format!("HTTP/1.1 200 OK\r\n{fields}content-length: 5\r\n\r\n").into_bytes())
            } else {
                ok(fields, "hello")
            }
        })
        .await;
        let proxy = builder.start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        let head = proxy.get("/x").method("HEAD").send().await;
        assert_eq!((head.text().as_str(), head.field("content-length").as_str()), ("", "5"));
        assert_eq!(head.cache().starts_with("hit"), is_hit, "{}", head.cache());
        assert_eq!(
            proxy.get("/x").send().await.text(),
            "hello",
            "the answer to HEAD is not taken for one to GET"
        );
    }
}

#[tokio::test]
async fn cache_status_can_be_switched_off_and_appends_to_that_of_other_caches() {
    let fields = "cache-status: inner; hit\r\ncache-control: max-age=60\r\n";
    for builder in ways() {
        let (proxy, _origin) = answering(builder.clone().server("cache_status = 'off'"), fields).await;
        for _ in 0..2 {
            assert_eq!(proxy.get("/x").send().await.field("cache-status"), "inner; hit");
        }
        let (proxy, _origin) = answering(builder, fields).await;
        for _ in 0..2 {
            let all = proxy.get("/x").send().await.field("cache-status");
            assert!(all.starts_with("inner; hit, plimsoll; "), "{all}");
        }
    }
}

#[tokio::test]
async fn via_names_the_version_in_which_a_message_came() {
    for (builder, client_is_told) in ways().into_iter().zip([false, true, true]) {
        let old = b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec();
        let origin = scripted(in_turn([Reply::Close(old)])).await;
        let proxy = builder.start(origin.address, &clock()).await;
        let answer = raw(proxy.address, "GET /x HTTP/1.0\r\nhost: api.example\r\n\r\n").await;
        assert!(answer.contains("via: 1.0 plimsoll\r\n"), "{answer}");
        if client_is_told {
            assert_eq!(origin.seen()[0].field("via"), Some("1.0 plimsoll"));
        }
    }
}
