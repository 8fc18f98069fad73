//! `POST /api/purge` and `plimsoll purge`: what is named is gone or stale, and who asks is told, in the right words and with
//! the right exit status.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::{TOKEN, posting, problem};
use crate::support::{
    Answer, Ended, Proxy, Scripted, clock, in_turn, ok, proxy, run, run_with_token, scripted, secs, unheard,
};

const ROUTES: &str = "name = \"product\"\npath = \"/product/{id}\"\nlevel = \"changing\"\nttl = \"60s\"\n\
    stale_while_revalidate = \"60s\"\ntags = [\"product\", \"product:{id}\"]\nstate = { query = [\"language\"] }";

async fn origin() -> Scripted {
    scripted(in_turn([ok("", "one"), ok("", "two"), ok("", "three")])).await
}

async fn started(admin: &str, origin: &Scripted) -> Proxy {
    proxy().route(ROUTES).admin_with(admin).start(origin.address, &clock()).await
}

async fn purge(proxy: &Proxy, content: Value) -> Answer {
    posting(proxy.admin("/api/purge"), content.to_string()).send().await
}

/// Runs the command without standing in the way of the proxy.
async fn command(admin: SocketAddr, token: Option<&'static str>, line: &str) -> Ended {
    let words = format!("purge --admin {admin} {line}");
    let run = move || {
        let words: Vec<&str> = words.split_whitespace().collect();
        token.map_or_else(|| run(&words), |token| run_with_token(token, &words))
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

#[tokio::test]
async fn what_is_named_is_gone_and_said_in_canonical_form() {
    for (asked, said) in [
        (
            json!({ "url": "HTTP://API.example:80/product/%31?utm=a&language=fr" }),
            json!([{ "kind": "url", "name": "http://api.example/product/1?language=fr" }]),
        ),
        (json!({ "tag": "product:1" }), json!([{ "kind": "tag", "name": "product:1" }])),
        (
            json!({ "tag": ["other", "product"] }),
            json!([{ "kind": "tag", "name": "other" }, { "kind": "tag", "name": "product" }]),
        ),
        (json!({ "route": ["product"] }), json!([{ "kind": "route", "name": "product" }])),
        (json!({ "prefix": "/produ" }), json!([{ "kind": "prefix", "name": "/produ" }])),
        (
            json!({ "prefix": "http://api.example/" }),
            json!([{ "kind": "prefix", "name": "http://api.example/" }]),
        ),
        (json!({ "host": "API.example", "soft": false }), json!([{ "kind": "host", "name": "api.example" }])),
        (json!({ "all": true }), json!([{ "kind": "all" }])),
    ] {
        let origin = origin().await;
        let proxy = started("", &origin).await;
        let target = "/product/1?language=fr";
        assert_eq!(proxy.get(target).send().await.said(), "fwd=uri-miss; stored");
        assert_eq!(proxy.get(target).send().await.said(), "hit; ttl=60");
        let answer = purge(&proxy, asked.clone()).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        assert_eq!(answer.json(), json!({ "purged": said, "soft": false }), "{asked}");
        let again = proxy.get(target).send().await;
        assert_eq!(
            (again.said().as_str(), again.text().as_str()),
            ("fwd=uri-miss; stored", "two"),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn what_is_purged_softly_is_stale_and_not_gone() {
    let origin = origin().await;
    let proxy = started("", &origin).await;
    proxy.get("/product/1").send().await;
    let answer = purge(&proxy, json!({ "tag": "product", "soft": true })).await;
    assert_eq!(answer.json(), json!({ "purged": [{ "kind": "tag", "name": "product" }], "soft": true }));
    proxy.advance(secs(1));
    let stale = proxy.get("/product/1").send().await;
    assert_eq!(stale.text(), "one", "served while it is fetched anew: {}", stale.cache());
    assert!(stale.said().starts_with("hit; ttl=-"), "{}", stale.cache());
}

#[tokio::test]
async fn what_cannot_be_purged_is_refused_whole_with_what_would_be_right() {
    let origin = origin().await;
    let proxy = started("", &origin).await;
    proxy.get("/product/1").send().await;
    for (asked, said) in [
        ("", "a JSON object"),
        ("{\"tag\":", "EOF"),
        ("[]", "a JSON object"),
        ("[\"http://api.example/product/1\"]", "a JSON object"),
        ("{}", "exactly one of url, tag, route, prefix, host and all"),
        ("{\"soft\":true}", "exactly one of"),
        ("{\"tag\":\"product\",\"url\":\"http://api.example/product/1\"}", "exactly one of"),
        ("{\"all\":true,\"tag\":\"product\"}", "exactly one of"),
        ("{\"all\":false}", "nothing is named"),
        ("{\"tag\":[]}", "nothing is named"),
        ("{\"tag\":null}", "a string, or an array of strings"),
        ("{\"tag\":1}", "a string, or an array of strings"),
        ("{\"tag\":[\"product\",1]}", "a string, or an array of strings"),
        ("{\"tags\":\"product\"}", "unknown field `tags`"),
        ("{\"tag\":\"product\",\"tag\":\"product\"}", "duplicate field `tag`"),
        ("{\"tag\":\"product\",\"soft\":\"yes\"}", "invalid type"),
        ("{\"tag\":\"product\"} {}", "trailing"),
        ("{\"tag\":[\"product\",\"\"]}", "a tag without a name"),
        ("{\"route\":[\"product\",\"prodct\"]}", "did you mean \\\"product\\\"?"),
        ("{\"url\":\"/product/1\"}", "as clients do"),
        ("{\"prefix\":\"product\"}", "begin it with a slash"),
        ("{\"host\":\"http://api.example\"}", "more than a host"),
    ] {
        let answer = posting(proxy.admin("/api/purge"), asked).send().await;
        assert_eq!((answer.status.as_u16(), problem(&answer).as_str()), (400, "bad-document"), "{asked}");
        assert!(answer.text().contains(said), "{asked} does not say {said}: {}", answer.text());
    }
    assert_eq!(proxy.get("/product/1").send().await.said(), "hit; ttl=60", "nothing was purged");
}

#[tokio::test]
async fn the_command_says_in_a_line_each_what_was_purged_and_how() {
    let origin = origin().await;
    let proxy = started("", &origin).await;
    let admin = proxy.admin_address();
    for (line, said) in [
        ("--url http://API.example/product/1", "purged url http://api.example/product/1: gone\n"),
        ("--tag a --tag b --soft", "purged tag a: stale from now on\npurged tag b: stale from now on\n"),
        ("--route product default", "purged route product: gone\npurged route default: gone\n"),
        ("--prefix /product/", "purged prefix /product/: gone\n"),
        ("--host api.example", "purged host api.example: gone\n"),
        ("--all", "purged all: gone\n"),
        ("--all --soft --json", "{\"purged\":[{\"kind\":\"all\"}],\"soft\":true}\n"),
    ] {
        proxy.get("/product/1").send().await;
        let ended = command(admin, None, line).await;
        assert_eq!((ended.status, ended.out.as_str(), ended.err.as_str()), (Some(0), said, ""), "{line}");
    }
    assert_eq!(proxy.get("/product/1").send().await.text(), "three", "some of them ended it");
}

#[tokio::test]
async fn the_command_tells_what_was_refused_from_what_could_not_be_asked() {
    let origin = origin().await;
    let proxy = started(&format!("token = \"{TOKEN}\""), &origin).await;
    let admin = proxy.admin_address();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("token");
    std::fs::write(&file, TOKEN).expect("to write a file");
    let shown = format!("--token-file {}", file.display());
    for (token, line, status, said) in [
        (Some(TOKEN), "--all", 0, ""),
        (None, &format!("--all {shown}"), 0, ""),
        (None, "--all", 1, "wants a token"),
        (Some("0123456789abcdef"), "--all", 1, "does not accept"),
        (Some(TOKEN), "--route prodct", 1, "did you mean \"product\"?"),
        (Some(TOKEN), "--prefix product", 1, "begin it with a slash"),
        (None, "--all --token-file no/such", 2, "--token-file"),
        (Some(TOKEN), "", 2, "--url"),
        (Some(TOKEN), "--all --tag a", 2, "--tag"),
    ] {
        let ended = command(admin, token, line).await;
        assert_eq!(ended.status, Some(status), "{line}: {ended:?}");
        assert!(ended.err.contains(said) && !ended.err.contains(TOKEN), "{line}: {}", ended.err);
        assert_eq!(ended.out.is_empty(), status != 0, "{line}: {}", ended.out);
    }
    let gone = unheard();
    let ended = command(gone.address, None, "--all").await;
    assert_eq!(ended.status, Some(2), "{ended:?}");
    assert!(ended.err.contains("is plimsoll running"), "{}", ended.err);
    // Where clients connect there is no admin place.
    let ended = command(proxy.address, None, "--all").await;
    assert_eq!(ended.status, Some(2), "{ended:?}");
}
