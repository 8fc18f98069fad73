//! What a running proxy says about a request: `GET /api/explain`, and `plimsoll explain --admin`.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    sync::Arc,
};

use http::header::AUTHORIZATION;
use plimsoll::{cli::admin_client::query, explain::Live};
use serde_json::Value;
use tokio::sync::Notify;

use crate::support::{
    Ended, Proxy, Reply, answer_with, clock, in_turn, not_modified, ok, proxy, scripted, secs, unheard,
    until, within,
};

const PRODUCT: &str = "name = \"product\"\npath = \"/product/{id}\"\nlevel = \"changing\"\nttl = \"30s\"\n";

/// The answer to a question with these fields about this path of the usual host.
async fn asked(proxy: &Proxy, url: &str, fields: &[&str]) -> Live {
    let mut parameters = vec![("url", url.to_owned()), ("header", "Host: api.example".to_owned())];
    parameters.extend(fields.iter().map(|field| ("header", (*field).to_owned())));
    let answer = proxy.admin(&format!("/api/explain?{}", query(&parameters))).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).expect("an explanation")
}

fn now(live: &Live) -> (&str, Option<&str>, Option<&str>, Option<&str>) {
    let now = &live.now;
    (&now.action, now.fwd.as_deref(), now.reason.as_deref(), now.cache_status.as_deref())
}

#[tokio::test]
async fn nothing_is_stored_before_anybody_asked() {
    let origin = scripted(|_, _| ok("", "x")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    let live = asked(&proxy, "/product/1", &[]).await;
    assert_eq!(live.explanation.key.as_deref(), Some("GET http://api.example/product/1"));
    assert_eq!((live.stored.len(), live.memory.uncacheable.is_some(), live.in_flight), (0, false, None));
    assert_eq!(now(&live), ("fetch", Some("uri-miss"), None, None));
    assert_eq!(origin.count(), 0, "a question is no request");
}

#[tokio::test]
async fn what_is_stored_is_told_as_it_ages() {
    let route = PRODUCT.to_owned() + "stale_while_revalidate = \"10s\"\nstale_if_error = \"5m\"\n";
    let origin = scripted(|_, _| ok("etag: \"a\"\r\ncontent-type: text/plain\r\n", "12345")).await;
    let proxy = proxy().admin().route(&route).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    let fresh = asked(&proxy, "/product/1?utm=1", &["Cookie: sid=1"]).await;
    let variant = &fresh.stored[0];
    assert_eq!(
        (variant.status, variant.level.number, variant.age, variant.lifetime),
        (200, 2, 0, Some(30.0))
    );
    assert_eq!((variant.content_length, variant.etag.as_deref()), (5, Some("\"a\"")));
    assert_eq!((variant.stale_while_revalidate, variant.stale_if_error), (10.0, 300.0));
    assert!(variant.selected && variant.memory_bytes > 5, "{variant:?}");
    let line = "plimsoll; hit; ttl=30; level=2; route=product";
    assert_eq!(now(&fresh), ("hit", None, None, Some(line)));
    assert_eq!(fresh.explanation.cache_status.as_deref(), Some(line));

    proxy.advance(secs(3));
    assert_eq!(asked(&proxy, "/product/1", &[]).await.stored[0].remaining, "fresh for 27s");
    proxy.advance(secs(30));
    let stale = asked(&proxy, "/product/1", &[]).await;
    let variant = &stale.stored[0];
    assert_eq!((&*variant.remaining, variant.ttl, variant.age), ("stale for 3s", Some(-3), 33));
    let line = "plimsoll; hit; ttl=-3; level=2; route=product";
    assert_eq!(now(&stale), ("hit-stale", None, None, Some(line)));
    proxy.advance(secs(60));
    let validated = asked(&proxy, "/product/1", &[]).await;
    assert_eq!(now(&validated), ("validate", Some("stale"), None, None));
    assert!(validated.stored[0].selected);
    assert_eq!(origin.count(), 1, "looking refreshes nothing");
}

#[tokio::test]
async fn what_never_expires_says_so() {
    let route = "name = \"year\"\npath = \"/{year}\"\nlevel = \"permanent\"\n";
    let origin = scripted(|_, _| ok("", "x")).await;
    let proxy = proxy().admin().route(route).start(origin.address, &clock()).await;
    proxy.get("/2012").send().await;
    proxy.advance(secs(1_000_000));
    let live = asked(&proxy, "/2012", &[]).await;
    let variant = &live.stored[0];
    assert_eq!((&*variant.remaining, variant.lifetime, variant.ttl), ("never expires", None, None));
    assert_eq!(now(&live).3, Some("plimsoll; hit; level=1; route=year"));
}

#[tokio::test]
async fn of_several_variants_the_newest_comes_first_and_the_right_one_is_marked() {
    let fields = "cache-control: max-age=60\r\nvary: accept-language\r\n";
    let origin = scripted(move |_, seen| ok(fields, seen.field("accept-language").unwrap_or("none"))).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    for language in ["fr", "german"] {
        proxy.get("/x").field("accept-language", language).send().await;
        proxy.advance(secs(1));
    }
    let live = asked(&proxy, "/x", &["Accept-Language: fr"]).await;
    let told: Vec<_> = live
        .stored
        .iter()
        .map(|variant| (variant.selected, variant.age, variant.content_length, &variant.varies_by[0]))
        .map(|(selected, age, length, field)| (selected, age, length, &*field.name, field.value.as_deref()))
        .collect();
    let name = "accept-language";
    assert_eq!(told, [(false, 1, 6, name, Some("german")), (true, 2, 2, name, Some("fr"))]);
    let other = asked(&proxy, "/x", &["Accept-Language: it"]).await;
    assert!(other.stored.iter().all(|variant| !variant.selected));
    assert_eq!(now(&other), ("fetch", Some("vary-miss"), None, None));
}

#[tokio::test]
async fn a_part_is_told_and_that_it_would_be_completed() {
    let fields = "cache-control: max-age=60\r\netag: \"a\"\r\ncontent-range: bytes 0-3/10\r\n";
    let origin = scripted(move |_, _| answer_with("206 Partial Content", fields, "0123")).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    proxy.get("/x").field("range", "bytes=0-3").send().await;
    let ask = || asked(&proxy, "/x", &[]);
    let live = until(ask, |live| !live.stored.is_empty()).await;
    let part = live.stored[0].part.expect("a part");
    assert_eq!((part.first, part.last, part.complete), (0, 3, 10));
    assert_eq!(now(&live), ("complete", Some("partial"), None, None));
    assert_eq!(now(&asked(&proxy, "/x", &["Range: bytes=1-2"]).await).0, "hit");
}

#[tokio::test]
async fn a_key_that_proved_uncacheable_says_why() {
    let origin = scripted(|_, _| ok("set-cookie: sid=1\r\n", "x")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    let live = asked(&proxy, "/product/1", &[]).await;
    assert_eq!(live.memory.uncacheable.as_deref(), Some("set-cookie"));
    let cache_status = "plimsoll; fwd=bypass; level=4; route=product; detail=set-cookie";
    assert_eq!(now(&live), ("bypass", Some("bypass"), Some("set-cookie"), Some(cache_status)));
    assert_eq!(live.explanation.level.map(|level| level.number), Some(4), "what is remembered is evidence");
    assert!(live.explanation.advice[0].starts_with("core/stateless"));
    assert_eq!(proxy.get("/product/1").send().await.field("cache-status"), cache_status);
}

#[tokio::test]
async fn a_key_whose_answers_are_for_nobody_else_says_so() {
    let origin = scripted(|_, _| ok("cache-control: private\r\n", "x")).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    let live = asked(&proxy, "/x", &[]).await;
    assert_eq!((live.memory.not_shared, live.memory.uncacheable), (true, None));
}

#[tokio::test]
async fn a_fetch_in_progress_is_told_with_those_who_follow_it() {
    let go = Arc::new(Notify::new());
    let held = Arc::clone(&go);
    let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na".to_vec();
    let origin = scripted(move |_, _| Reply::Wait(begun.clone(), Arc::clone(&held), b"b".to_vec())).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    let first = proxy.get("/product/1").open().await;
    let second = proxy.get("/product/1").open().await;
    let live = asked(&proxy, "/product/1", &[]).await;
    assert_eq!(live.in_flight.map(|flight| flight.followers), Some(1));
    assert_eq!((live.stored.len(), now(&live).0), (0, "fetch"));
    go.notify_one();
    drop((first, second));
    within(until(|| asked(&proxy, "/product/1", &[]), |live| live.in_flight.is_none())).await;
    assert_eq!(asked(&proxy, "/product/1", &[]).await.stored.len(), 1);
}

#[tokio::test]
async fn what_says_who_asks_is_never_shown() {
    let fields = "cache-control: public, max-age=60\r\nvary: cookie, authorization, accept\r\n";
    let origin = scripted(move |_, _| ok(fields, "x")).await;
    let proxy = proxy().admin().cache("profile = \"rfc9111\"").start(origin.address, &clock()).await;
    let ask = proxy.get("/x").field("cookie", "sid=secret").field("authorization", "Bearer secret");
    ask.field("accept", "text/plain").send().await;
    for fields in [&[][..], &["Cookie: sid=secret", "Authorization: Bearer secret", "Accept: text/plain"]] {
        let live = asked(&proxy, "/x", fields).await;
        let nominated = &live.stored[0].varies_by;
        assert_eq!(nominated.iter().filter(|field| field.hidden).count(), 2);
        assert_eq!(nominated[2].value.as_deref(), Some("text/plain"));
        let text = serde_json::to_string(&live).expect("JSON");
        assert!(!text.contains("secret"), "{text}");
        assert_eq!(live.stored[0].selected, !fields.is_empty());
    }
}

#[tokio::test]
async fn looking_reports_nothing_and_asks_nobody() {
    let origin = scripted(|_, _| ok("vary: x-theme\r\n", "x")).await;
    let proxy = proxy().admin().route(PRODUCT).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    let before = proxy.admin("/api/routes").send().await.json();
    let live = asked(&proxy, "/product/1", &["X-Theme: dark"]).await;
    assert_eq!(now(&live).2, Some("vary-undeclared"));
    assert_eq!(proxy.admin("/api/routes").send().await.json(), before, "no finding is counted");
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn a_path_without_a_host_is_one_of_where_clients_connect() {
    let origin = scripted(|_, _| ok("", "x")).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    let said = proxy.admin("/api/explain?url=/x").send().await.json();
    assert_eq!(said["explanation"]["request"]["url"], format!("http://{}/x", proxy.address));
    let said = proxy.admin("/api/explain?url=https://Other.example/x").send().await.json();
    assert_eq!(said["explanation"]["request"]["url"], "https://other.example/x");
}

#[tokio::test]
async fn a_question_that_cannot_be_understood_says_which_parameter_and_what_to_do() {
    let origin = scripted(|_, _| ok("", "x")).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    let long = format!("?url=/{}", "x".repeat(40_000));
    let many = format!("?url=/{}", "&header=a:b".repeat(101));
    for (query, name, word) in [
        ("", "bad-parameter", "url: say which URL: url=http"),
        ("?url=", "bad-parameter", "url: say which URL: url=http"),
        ("?url=a%20b", "bad-parameter", "url: it is not a URL"),
        ("?url=ftp://a/b", "bad-parameter", "url: the URL must be a path, or start with http://"),
        ("?url=/a&url=/b", "bad-parameter", "url is given more than once"),
        ("?url=/a&method=a%20b", "bad-parameter", "method: it is not the name of a method: write GET"),
        ("?url=/a&header=nonsense", "bad-parameter", "header: write it as 'Name: value'"),
        ("?url=/a&header=a%20b:c", "bad-parameter", "header: `a b` is not a field name"),
        ("?url=/a&header=a:b%0d%0ac:d", "bad-parameter", "header: no field can have this value"),
        ("?url=/a&from=1.2.3.4", "bad-parameter", "the parameters are url, method, header and content"),
        (&long, "bad-parameter", "the query is longer than 32768 bytes"),
        (&many, "bad-parameter", "header: there are more than 100"),
        ("?url=/a&header=Host:not%20a%20host", "would-be-refused", "400 Bad Request: bad-target"),
        ("?url=*&method=OPTIONS", "would-be-refused", "501 Not Implemented: not-a-resource"),
    ] {
        let answer = proxy.admin(&format!("/api/explain{query}")).send().await;
        let (said, shown) = (answer.json(), &query[..query.len().min(80)]);
        assert_eq!(answer.status, if name == "bad-parameter" { 400 } else { 422 }, "{shown}");
        assert_eq!(said["type"], format!("urn:plimsoll:problem:{name}"), "{shown}");
        assert!(said["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{shown}: {said}");
    }
}

#[tokio::test]
async fn a_soft_purge_is_told_as_what_it_is() {
    let origin = scripted(|_, _| ok("", "x")).await;
    let route = PRODUCT.to_owned() + "stale_while_revalidate = \"10s\"\n";
    let proxy = proxy().admin().route(&route).start(origin.address, &clock()).await;
    proxy.get("/product/1").send().await;
    proxy.advance(secs(1));
    let purge = proxy.admin("/api/purge").method("POST").field("content-type", "application/json");
    let purged = purge.body("{\"route\":\"product\",\"soft\":true}").send().await;
    assert_eq!(purged.status, 200, "{}", purged.text());
    proxy.advance(secs(2));
    let live = asked(&proxy, "/product/1", &[]).await;
    let variant = &live.stored[0];
    assert_eq!((variant.softly_purged, &*variant.remaining, variant.age), (true, "stale for 2s", 3));
    let cache_status = "plimsoll; hit; ttl=-2; level=2; route=product";
    assert_eq!(now(&live), ("hit-stale", None, None, Some(cache_status)));
    assert_eq!(proxy.get("/product/1").send().await.field("cache-status"), cache_status);
}

/// Runs `plimsoll explain --admin` at this address, with this token in the environment.
async fn plimsoll(address: impl ToString, token: Option<&str>, arguments: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command.args(["explain", "--admin", &address.to_string()]).args(arguments).stdin(Stdio::null());
    match token {
        Some(token) => command.env("PLIMSOLL_ADMIN_TOKEN", token),
        None => command.env_remove("PLIMSOLL_ADMIN_TOKEN"),
    };
    let output =
        tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("to run");
    Ended {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

#[tokio::test]
async fn the_command_prints_what_the_proxy_says() {
    let fields = "cache-control: max-age=60\r\netag: \"a\"\r\nvary: accept-language\r\n";
    let origin = scripted(in_turn([ok(fields, "12345"), not_modified(fields)])).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    proxy.get("/x").field("accept-language", "fr").send().await;
    let url = "http://api.example/x";
    let ended = plimsoll(proxy.admin_address(), None, &["-H", "Accept-Language: fr", url]).await;
    assert_eq!((ended.status, &*ended.err), (Some(0), ""), "{}", ended.out);
    let memory = asked(&proxy, "/x", &[]).await.stored[0].memory_bytes;
    let rows = format!(
        "stored      200, level 2 changing, age 0s, fresh for 60s (the one for this request)\n            \
         5 bytes, {memory} bytes of memory\n            \
         etag \"a\"\n            \
         varies by accept-language: fr\n\
         now         hit: answered from the store\n\
         client sees Cache-Status: plimsoll; hit; ttl=60; level=2; route=default\n"
    );
    assert!(ended.out.ends_with(&rows), "{}", ended.out);
    let missed = plimsoll(format!("http://{}", proxy.admin_address()), None, &[url]).await;
    assert!(
        missed.out.contains("now         fetch: the origin is asked (fwd=vary-miss)\n"),
        "{}",
        missed.out
    );
    let json = plimsoll(proxy.admin_address(), None, &["--json", "-X", "POST", "-d", "a=1", url]).await;
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (&json["explanation"]["request"]["method"], &json["now"]["fwd"]),
        (&"POST".into(), &"method".into())
    );
    assert_eq!((&json["explanation"]["key"], &json["stored"]), (&Value::Null, &Value::Array(Vec::new())));
}

#[tokio::test]
async fn the_command_ends_as_it_does_without_a_proxy_where_a_request_would_be_refused() {
    let origin = scripted(|_, _| ok("", "x")).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    let ended = plimsoll(proxy.admin_address(), None, &["-H", "Host: not a host", "/x"]).await;
    assert_eq!((ended.status, &*ended.out), (Some(1), ""));
    assert_eq!(ended.err, "plimsoll: this request would be refused with 400 Bad Request: bad-target\n");
}

#[tokio::test]
async fn who_does_not_answer_is_named_with_what_to_do() {
    let nobody = unheard();
    let origin = scripted(|_, _| ok("", "x")).await;
    let proxy = proxy().admin().start(origin.address, &clock()).await;
    let with_token = scripted(|_, seen| match seen.field(AUTHORIZATION.as_str()) {
        Some("Bearer right") => answer_with("400 Bad Request", "", "{\"detail\":\"in its own words\"}"),
        _ => answer_with("401 Unauthorized", "", ""),
    })
    .await;
    let cases: [(SocketAddr, Option<&str>, &str); 7] = [
        (nobody.address, None, "--admin"),
        (origin.address, None, "not the admin place of this version"),
        (proxy.address, None, "this is where clients connect"),
        (with_token.address, None, "set PLIMSOLL_ADMIN_TOKEN"),
        (with_token.address, Some("wrong"), "does not accept this token"),
        (with_token.address, Some("right"), "in its own words"),
        (with_token.address, Some("bad\n"), "PLIMSOLL_ADMIN_TOKEN has a character"),
    ];
    for (address, token, word) in cases {
        let ended = plimsoll(address, token, &["/x"]).await;
        assert_eq!((ended.status, &*ended.out), (Some(2), ""), "{ended:?}");
        assert!(ended.err.contains(word) && ended.err.lines().count() == 1, "{word}: {}", ended.err);
    }
}

#[tokio::test]
async fn an_answer_is_judged_by_a_config_and_not_by_a_proxy() {
    for arguments in
        [&["--status", "200", "/x"][..], &["--response", "a: b", "/x"], &["--config", "a.toml", "/x"]]
    {
        let ended = plimsoll("127.0.0.1:9090", None, arguments).await;
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.err.contains("cannot be used with"), "{}", ended.err);
    }
    let ended = plimsoll("nowhere", None, &["/x"]).await;
    assert_eq!(ended.status, Some(2));
    assert!(ended.err.contains("127.0.0.1:9090"), "{}", ended.err);
}
