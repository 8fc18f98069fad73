//! `/metrics`: what is counted, under which labels, and that nothing a client sends becomes one.

use std::collections::BTreeMap;

use crate::support::{
    Proxy, Stage, answer_with, clock, ok, proxy, raw, scripted, secs, stage, unheard, until,
};

/// Every sample, by its name and labels as they are written; of what is not a count, the whole part.
struct Samples(BTreeMap<String, u64>);

impl Samples {
    async fn of(proxy: &Proxy) -> Self {
        let answer = proxy.admin("/metrics").send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.field("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        let text = answer.text();
        let samples = text.lines().filter(|line| !line.starts_with('#')).map(|line| {
            let (name, value) = line.rsplit_once(' ').expect("a sample");
            let whole = value.split('.').next().and_then(|whole| whole.parse().ok());
            (name.to_owned(), whole.unwrap_or_default())
        });
        Self(samples.collect())
    }

    /// The sample with this name and labels, without the prefix that all have.
    fn get(&self, name: &str) -> u64 {
        self.0.get(&format!("plimsoll_{name}")).copied().unwrap_or_default()
    }

    /// The sum of all samples of this name.
    fn sum(&self, name: &str) -> u64 {
        let of_name = self.0.iter().filter(|(known, _)| {
            known.strip_prefix("plimsoll_").and_then(|known| known.split('{').next()) == Some(name)
        });
        of_name.map(|(_, value)| value).sum()
    }
}

const PRODUCT: &str = "name = 'product'\npath = '/product/{id}'\nlevel = 'changing'\nttl = '30s'";
const CART: &str = "name = 'cart'\npath = '/my-cart'\nlevel = 'user'";

#[tokio::test]
async fn requests_are_counted_by_route_level_outcome_and_status() {
    let origin = scripted(|_, seen| {
        if seen.line.contains("missing") { answer_with("404 Not Found", "", "no") } else { ok("", "hello") }
    })
    .await;
    let proxy = proxy().admin().route(PRODUCT).route(CART).start(origin.address, &clock()).await;
    for target in ["/product/1", "/product/1", "/product/1", "/product/missing", "/my-cart", "/else"] {
        proxy.get(target).send().await;
    }
    let samples = Samples::of(&proxy).await;
    for (labels, count) in [
        (r#"route="product",level="2",outcome="uri-miss",status="2xx""#, 1),
        (r#"route="product",level="2",outcome="hit",status="2xx""#, 2),
        (r#"route="product",level="2",outcome="uri-miss",status="4xx""#, 1),
        (r#"route="cart",level="3",outcome="bypass",status="2xx""#, 1),
        (r#"route="default",level="unknown",outcome="uri-miss",status="2xx""#, 1),
    ] {
        assert_eq!(samples.get(&format!("requests_total{{{labels}}}")), count, "{labels}");
    }
    assert_eq!(samples.sum("requests_total"), 6);
    assert_eq!(samples.get(r#"reasons_total{route="cart",reason="route-declared"}"#), 1);
    assert_eq!(samples.get(r#"reasons_total{route="default",reason="no-freshness"}"#), 1);
    assert_eq!(samples.get(r#"origin_answers_total{status="2xx"}"#), 3);
    assert_eq!(samples.get("origin_response_seconds_count"), 4);
    assert_eq!(samples.get("origin_up"), 1);
}

#[tokio::test]
async fn durations_and_content_are_counted_when_answers_are_over() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    for _ in 0..3 {
        proxy.get("/product/1").send().await;
    }
    let are_over = |samples: &Samples| samples.sum("request_duration_seconds_count") >= 3;
    let samples = until(|| Samples::of(&proxy), are_over).await;
    assert_eq!(samples.get(r#"request_duration_seconds_count{outcome="hit"}"#), 2);
    assert_eq!(samples.get(r#"request_duration_seconds_count{outcome="uri-miss"}"#), 1);
    assert_eq!(samples.get(r#"served_content_bytes_total{route="product",outcome="hit"}"#), 10);
    assert_eq!(samples.get(r#"served_content_bytes_total{route="product",outcome="uri-miss"}"#), 5);
    assert_eq!(samples.get(r#"saved_content_bytes_total{route="product"}"#), 10);
    assert_eq!(samples.sum("unfinished_answers_total"), 0);
}

#[tokio::test]
async fn what_the_store_holds_is_shown_against_its_capacity() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy()
        .admin()
        .cache("capacity = '1 MiB'\nmax_object = '64 KiB'")
        .route(PRODUCT)
        .start(origin.address, &clock())
        .await;
    for id in 0..10 {
        proxy.get(&format!("/product/{id}")).send().await;
    }
    let samples = until(|| Samples::of(&proxy), |samples| samples.get("stored_objects") >= 10).await;
    assert_eq!(samples.get("stored_objects"), 10);
    assert_eq!(samples.get("store_capacity_bytes"), 1024 * 1024);
    let bytes = samples.get("stored_bytes");
    assert!((50..1024 * 1024).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn shared_fetches_are_counted_with_those_who_waited() {
    let stage: Stage = stage().await;
    let proxy = proxy().admin().route(PRODUCT).start(stage.address, &clock()).await;
    let ask = || tokio::spawn(proxy.get("/product/1").send());
    let first = ask();
    let mut origin = stage.accept().await;
    origin.head().await;
    let others = [ask(), ask()];
    proxy.followers(2).await;
    assert_eq!(Samples::of(&proxy).await.get("fetches_in_progress"), 1);
    origin.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    first.await.expect("an answer");
    for other in others {
        assert!(other.await.expect("an answer").cache().contains("collapsed"));
    }
    let samples = until(|| Samples::of(&proxy), |samples| samples.get("fetches_in_progress") < 1).await;
    assert_eq!(samples.get(r#"shared_fetches_total{route="product",role="leader"}"#), 1);
    assert_eq!(samples.get(r#"shared_fetches_total{route="product",role="follower"}"#), 2);
    assert_eq!(samples.get(r#"collapsed_requests_total{route="product",shared="yes"}"#), 2);
}

#[tokio::test]
async fn what_goes_wrong_has_a_counter_of_its_own() {
    let nobody = unheard();
    let proxy = proxy().admin().route(PRODUCT).start(nobody.address, &clock()).await;
    assert_eq!(proxy.get("/product/1").send().await.status, 502);
    raw(proxy.address, "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n").await;
    raw(proxy.address, "GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n").await;
    let samples = Samples::of(&proxy).await;
    let of_route = r#"requests_total{route="product",level="unknown",outcome="error",status="5xx"}"#;
    assert_eq!(samples.get(of_route), 1, "the route is known");
    assert_eq!(samples.get(r#"problems_total{problem="origin-unreachable"}"#), 1);
    assert_eq!(samples.get(r#"origin_errors_total{kind="connect"}"#), 1);
    assert_eq!(
        samples.sum("refused_messages_total") + samples.get(r#"problems_total{problem="bad-host"}"#),
        2
    );
    let no_route = r#"requests_total{route="",level="unknown",outcome="error",status="4xx"}"#;
    assert_eq!(samples.get(no_route), 2);
    assert_eq!(samples.get("origin_up"), 0);
    assert_eq!(samples.get("connections_total"), 3);
    assert_eq!(
        until(|| Samples::of(&proxy), |samples| samples.get("connections_open") < 1)
            .await
            .sum("panics_total"),
        0
    );
}

#[tokio::test]
async fn stale_answers_and_findings_are_counted() {
    let origin = scripted(|_, seen| {
        if seen.line.contains("login") { ok("set-cookie: sid=1\r\n", "hello") } else { ok("", "hello") }
    })
    .await;
    let (clock, route) = (clock(), format!("{PRODUCT}\nstale_while_revalidate = '60s'"));
    let proxy = proxy().admin().route(&route).start(origin.address, &clock).await;
    proxy.get("/product/1").send().await;
    proxy.advance(secs(31));
    assert!(proxy.get("/product/1").send().await.cache().starts_with("hit; ttl=-1"));
    proxy.get("/product/login").send().await;
    let samples = Samples::of(&proxy).await;
    assert_eq!(samples.get(r#"stale_answers_total{route="product"}"#), 1);
    assert_eq!(samples.get(r#"findings_total{route="product",reason="set-cookie"}"#), 1);
}

#[tokio::test]
async fn nothing_that_a_client_sends_becomes_a_label() {
    let origin = scripted(|_, _| ok("cache-control: max-age=60\r\n", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    let before = Samples::of(&proxy).await.0.len();
    for client in 0..20 {
        let ask = proxy
            .get(&format!("/product/{client}?secret{client}=x"))
            .field("host", &format!("h{client}.example"));
        ask.field("user-agent", &format!("agent{client}")).send().await;
        proxy.get("/product/1").method(&format!("METHOD{client}")).send().await;
    }
    let after = Samples::of(&proxy).await.0;
    assert!(
        after
            .keys()
            .all(|name| !["secret", "agent", ".example", "METHOD"].iter().any(|sent| name.contains(sent)))
    );
    assert!(after.len() <= before + 8, "{} samples after {before}", after.len());
}

#[tokio::test]
async fn purges_are_counted_by_kind_and_mode() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    for content in [r#"{"all":true}"#, r#"{"tag":"a","soft":true}"#, r#"{"tag":["a","b"],"soft":true}"#] {
        let purge = proxy.admin("/api/purge").method("POST").field("content-type", "application/json");
        assert_eq!(purge.body(content).send().await.status, 200, "{content}");
    }
    let gone = |samples: &Samples| samples.get(r#"evictions_total{cause="purged"}"#) >= 1;
    let samples = until(|| Samples::of(&proxy), gone).await;
    assert_eq!(samples.get(r#"purges_total{kind="all",mode="hard"}"#), 1);
    assert_eq!(samples.get(r#"purges_total{kind="tag",mode="soft"}"#), 3);
}
