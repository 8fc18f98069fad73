//! Whatever clients add to a request that no key holds, the origin is asked once and sees none of it.

use std::collections::BTreeSet;

use super::{HIT, MISS, ROUTE, with_route};
use crate::support::{Ask, clock, ok, proxy, sample, scripted, secs};

/// All that the proxy itself says to the origin on a route that declares nothing.
const CLOSED_LIST: [&str; 8] = [
    "accept-encoding",
    "forwarded",
    "host",
    "traceparent",
    "user-agent",
    "via",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Fields that a client may send and no origin behind a declared route may see.
const SMUGGLED: [&str; 30] = [
    "accept",
    "accept-language",
    "api-key",
    "authorization",
    "baggage",
    "cf-connecting-ip",
    "cookie",
    "dnt",
    "from",
    "if-range",
    "origin",
    "priority",
    "proxy-authorization",
    "referer",
    "sec-fetch-site",
    "traceparent",
    "true-client-ip",
    "x-access-token",
    "x-api-key",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-user",
    "x-host",
    "x-http-method-override",
    "x-original-url",
    "x-real-ip",
    "x-requested-with",
    "x-rewrite-url",
    "x-anything",
];

/// The same request, with the `n`th of all that may differ between clients.
fn disguised(ask: Ask, n: usize) -> Ask {
    let ask = ask
        .field("cookie", &format!("session=s{n}; theme=t{n}"))
        .field("authorization", &format!("Bearer token-{n}"))
        .field("x-api-key", &format!("key-{n}"))
        .field("user-agent", &format!("agent/{n}"))
        .field("accept-language", &format!("x-n{n}, en;q=0.5"))
        .field("referer", &format!("http://elsewhere.example/{n}"))
        .field("forwarded", &format!("for=192.0.2.{n};host=evil-{n}.example;proto=https"))
        .field("x-forwarded-host", &format!("evil-{n}.example"))
        .field("x-forwarded-proto", "https");
    ask.field(SMUGGLED[n % SMUGGLED.len()], &format!("smuggled-{n}"))
}

#[tokio::test]
async fn a_hundred_clients_in_disguise_cost_one_fetch_of_a_closed_list_of_fields() {
    let clock = clock();
    let origin = sample(&clock).await;
    let proxy = proxy()
        .route("name = 'r'\npath = '/product/{id}'\nlevel = 'changing'\nttl = '60s'")
        .start(origin.address, &clock)
        .await;
    let mut bodies = BTreeSet::new();
    for n in 0..100 {
        let target = format!("/product/1234?utm_source=u{n}&cb={n}&language=french&{n}");
        let answer = disguised(proxy.get(&target), n).send().await;
        assert_eq!(answer.cache(), if n == 0 { MISS } else { HIT });
        bodies.insert(answer.text());
    }
    assert_eq!((origin.answered(), bodies.len()), (1, 1));
    let seen = &origin.recorded()[0];
    assert_eq!(seen.target, "/product/1234");
    let names: BTreeSet<&str> = seen.fields.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, BTreeSet::from(CLOSED_LIST));
    let value = |name: &str| seen.fields[name].to_str().expect("text").to_owned();
    assert_eq!(value("host"), "api.example");
    assert_eq!(value("x-forwarded-host"), "api.example");
    assert_eq!(value("x-forwarded-proto"), "http");
    assert_eq!(value("forwarded"), "host=\"api.example\";proto=http");
    assert_eq!(value("via"), "1.1 plimsoll");
    assert_eq!(value("accept-encoding"), "identity");
    assert!(value("user-agent").starts_with("plimsoll/"));
    assert!(!value("traceparent").contains("smuggled"));
}

#[tokio::test]
async fn each_smuggled_field_alone_stays_behind() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = with_route(origin.address, "").await;
    for (n, name) in SMUGGLED.iter().enumerate() {
        let answer = proxy.get(&format!("/r/{n}")).field(name, "smuggled").send().await;
        assert_eq!(answer.cache(), MISS, "{name}");
        assert_eq!(proxy.get(&format!("/r/{n}")).send().await.cache(), HIT, "{name}");
    }
    for seen in origin.seen() {
        let names: BTreeSet<&str> = seen.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(CLOSED_LIST));
        assert!(seen.fields.iter().all(|(_, value)| value != "smuggled"), "{seen:?}");
    }
    assert_eq!(origin.count(), SMUGGLED.len());
}

#[tokio::test]
async fn what_a_client_calls_hop_by_hop_changes_nothing() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = with_route(origin.address, "").await;
    let ask = proxy.get("/r/1").field("connection", "close, x-forwarded-proto, via").field("te", "trailers");
    assert_eq!(ask.send().await.cache(), MISS);
    let seen = &origin.seen()[0];
    let names: BTreeSet<&str> = seen.fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(CLOSED_LIST));
}

#[tokio::test]
async fn spellings_of_one_target_share_one_fetch() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = proxy()
        .route(&format!("{ROUTE}state = {{ query = ['b', 'a'] }}"))
        .start(origin.address, &clock())
        .await;
    let asks = [
        proxy.get("/r/~x?b=2&a=1&a=0"),
        proxy.get("/r/%7ex?junk&a=1&b=2&a=0"),
        proxy.get("/q/../r/./%7E%78?%61=1&a=0&b=2").field("host", "API.Example:80"),
    ];
    for (n, ask) in asks.into_iter().enumerate() {
        assert_eq!(ask.send().await.cache(), if n == 0 { MISS } else { HIT });
    }
    // The order of repeats is state, and so is an encoded slash.
    assert_eq!(proxy.get("/r/~x?a=0&a=1&b=2").send().await.cache(), MISS);
    assert_eq!(proxy.get("/r/~x%2F?a=1&a=0&b=2").send().await.cache(), MISS);
    let lines: Vec<String> = origin.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "GET /r/~x?a=1&a=0&b=2 HTTP/1.1",
            "GET /r/~x?a=0&a=1&b=2 HTTP/1.1",
            "GET /r/~x%2F?a=1&a=0&b=2 HTTP/1.1"
        ]
    );
}

#[tokio::test]
async fn two_hosts_never_share() {
    let origin = scripted(|_, seen| ok("", seen.field("host").unwrap_or_default())).await;
    let proxy = with_route(origin.address, "").await;
    for host in ["one.example", "two.example", "one.example:8080"] {
        let answer = proxy.get("/r/1").field("host", host).send().await;
        assert_eq!((answer.cache().as_str(), answer.text().as_str()), (MISS, host));
    }
}

#[tokio::test]
async fn the_origins_own_host_is_sent_where_the_config_says_so() {
    let origin = scripted(|_, _| ok("", "answer")).await;
    let proxy = proxy().origin("host = 'origin'").route(ROUTE).start(origin.address, &clock()).await;
    proxy.get("/r/1").send().await;
    let seen = &origin.seen()[0];
    assert_eq!(seen.field("host"), Some(origin.address.to_string().as_str()));
    assert_eq!(seen.field("x-forwarded-host"), Some("api.example"));
}

#[tokio::test]
async fn the_scheme_that_a_trusted_proxy_tells_is_keyed_and_told() {
    let origin = scripted(|_, seen| ok("", seen.field("x-forwarded-proto").unwrap_or_default())).await;
    let trusting = proxy()
        .server("trusted_proxies = ['127.0.0.0/8']")
        .route(ROUTE)
        .start(origin.address, &clock())
        .await;
    for scheme in ["https", "http"] {
        let answer = trusting.get("/r/1").field("x-forwarded-proto", scheme).send().await;
        assert_eq!((answer.cache().as_str(), answer.text().as_str()), (MISS, scheme));
    }
    assert_eq!(origin.seen()[0].field("forwarded"), Some("host=\"api.example\";proto=https"));
    assert_eq!(trusting.get("/r/1").send().await.text(), "http");
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn head_and_get_share_one_fetch_in_either_order() {
    for order in [["HEAD", "GET"], ["GET", "HEAD"]] {
        let origin = scripted(|_, _| ok("x-tag: t\r\n", "answer")).await;
        let proxy = with_route(origin.address, "").await;
        let mut caches = Vec::new();
        for method in order {
            let answer = proxy.get("/r/1").method(method).send().await;
            assert_eq!(answer.field("content-length"), "6", "{method}");
            assert_eq!(answer.field("x-tag"), "t");
            assert_eq!(answer.text(), if method == "HEAD" { "" } else { "answer" });
            caches.push(answer.cache());
        }
        assert_eq!(caches, [MISS, HIT]);
        assert_eq!(origin.count(), 1);
        assert_eq!(origin.seen()[0].line, "GET /r/1 HTTP/1.1");
    }
}

#[tokio::test]
async fn validation_sends_the_stored_validators_and_nothing_else() {
    let tagged = "etag: \"one\"\r\nlast-modified: Tue, 31 Dec 2013 00:00:00 GMT\r\n";
    let origin = scripted(move |n, _| match n {
        0 => ok(tagged, "answer"),
        _ => super::super::reply("304 Not Modified", "etag: \"one\"\r\n", ""),
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    proxy.get("/r/1").send().await;
    proxy.advance(secs(60));
    let ask = proxy.get("/r/1").field("cookie", "s=1").field("if-none-match", "\"client\"");
    let answer = ask.send().await;
    assert_eq!(answer.cache(), "fwd=stale; fwd-status=304; stored; level=2; route=r");
    assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "answer"));
    let seen = &origin.seen()[1];
    let names: BTreeSet<&str> = seen.fields.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected = BTreeSet::from(CLOSED_LIST);
    expected.extend(["if-modified-since", "if-none-match"]);
    assert_eq!(names, expected);
    assert_eq!(seen.field("if-none-match"), Some("\"one\""));
}
