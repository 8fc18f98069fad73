//! The key of a request on a route that says nothing: the target as it came, and what Vary names.

use super::{HIT, MISS, caches, house, twice};
use crate::support::{clock, ok, proxy, raw, scripted};

#[tokio::test]
async fn the_query_is_keyed_and_sent_byte_for_byte() {
    let (origin, proxy) = house("safe", "cache-control: max-age=60\r\n").await;
    let targets = [
        "/x?a=1&b=2",
        "/x?b=2&a=1",
        "/x?a=1&b=2&",
        "/x?a=%31&b=2",
        "/x?",
        "/x",
        "/x?utm_source=a;cb=evil",
        "/x?A=1",
    ];
    for target in targets {
        assert_eq!(caches(proxy.get(target)).await, [MISS, HIT], "{target}");
    }
    let lines: Vec<_> = origin.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, targets.map(|target| format!("GET {target} HTTP/1.1")));
}

#[tokio::test]
async fn host_and_scheme_are_in_the_key() {
    let origin = scripted(|_, seen| {
        let told = format!("{:?} {:?}", seen.field("host"), seen.field("x-forwarded-proto"));
        ok("cache-control: max-age=60\r\n", &told)
    })
    .await;
    let proxy = proxy().server("trusted_proxies = ['127.0.0.1']").start(origin.address, &clock()).await;
    for host in ["a.example", "b.example"] {
        for scheme in ["http", "https"] {
            let ask = proxy.get("/x").field("host", host).field("x-forwarded-proto", scheme);
            for (answer, cache) in twice(ask).await.into_iter().zip([MISS, HIT]) {
                assert_eq!(answer.text(), format!("{:?} {:?}", Some(host), Some(scheme)));
                assert_eq!(answer.cache(), cache);
            }
        }
    }
    // Without a word of the trusted proxy it is the connection's own.
    assert_eq!(proxy.get("/x").field("host", "A.example").send().await.cache(), HIT);
    assert_eq!(origin.count(), 4);
}

#[tokio::test]
async fn who_is_not_trusted_cannot_choose_the_scheme_or_poison_by_forwarded_fields() {
    let origin = scripted(|_, seen| {
        let told: Vec<_> = seen
            .fields
            .iter()
            .filter(|(name, _)| {
                let name = name.replace('_', "-");
                ["forwarded", "x-api-key", "content-length", "proxy"].contains(&name.as_str())
                    || name.starts_with("x-forwarded-")
            })
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        ok("cache-control: max-age=60\r\n", &told.concat())
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let evil = proxy
        .get("/x")
        .field("forwarded", "host=evil;proto=https")
        .field("x-forwarded-for", "evil")
        .field("x-forwarded-host", "evil")
        .field("x-forwarded-proto", "https")
        // What CGI would make the same variables of.
        .field("x_forwarded-host", "evil")
        .field("x-forwarded_for", "evil")
        .field("x_api_key", "evil")
        .field("content_length", "evil")
        .field("proxy", "evil");
    let poisoned = evil.send().await;
    assert!(!poisoned.text().contains("evil") && !poisoned.text().contains("https"), "{}", poisoned.text());
    assert_eq!(proxy.get("/x").send().await.cache(), HIT);
}

#[tokio::test]
async fn fields_that_ask_for_something_else_bypass_both_ways() {
    for name in [
        "x-original-url",
        "x-rewrite-url",
        "x-host",
        "x-http-host-override",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let origin = scripted(move |_, seen| {
            ok("cache-control: public, max-age=60\r\n", seen.field(name).unwrap_or("plain"))
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        for cache in [MISS, HIT] {
            let other = proxy.get("/x").field(name, "other").send().await;
            assert_eq!(other.text(), "other");
            assert_eq!(other.cache(), "fwd=bypass; route=default; detail=override-field", "{name}");
            let plain = proxy.get("/x").send().await;
            assert_eq!((plain.text().as_str(), plain.cache().as_str()), ("plain", cache));
        }
    }
}

#[tokio::test]
async fn vary_is_honoured() {
    let origin = scripted(|_, seen| {
        let language = seen.field("accept-language").unwrap_or("none");
        ok("cache-control: max-age=60\r\nvary: Accept-Language\r\n", language)
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let other = "fwd=vary-miss; stored; level=2; route=default";
    for (language, first) in [("fr", MISS), ("en, de", other), ("en, de;q=0.5", other)] {
        let answers = twice(proxy.get("/x").field("accept-language", language)).await;
        assert!(answers.iter().all(|answer| answer.text() == language));
        assert_eq!(answers.map(|answer| answer.cache()), [first, HIT]);
    }
    assert_eq!(caches(proxy.get("/x")).await, [other, HIT]);
    // Order, case and space say nothing.
    let same = proxy.get("/x").field("accept-language", "De ,en").send().await;
    assert_eq!((same.cache().as_str(), same.text().as_str()), (HIT, "en, de"));
}

#[tokio::test]
async fn a_field_that_the_client_calls_hop_by_hop_chose_no_variant() {
    let origin = scripted(|_, seen| {
        let language = seen.field("accept-language").unwrap_or("no language");
        ok("cache-control: max-age=60\r\nvary: accept-language\r\n", language)
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let poisoner = "GET /x HTTP/1.1\r\nhost: api.example\r\naccept-language: fr\r\n\
                    connection: close, accept-language\r\n\r\n";
    raw(proxy.address, poisoner).await;
    let french = proxy.get("/x").field("accept-language", "fr").send().await;
    assert_eq!(french.text(), "fr", "{}", french.cache());
}
