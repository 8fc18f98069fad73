//! The OpenAPI description is true: what it describes is there, and every answer is as it says.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Map, Value, json};

use super::{TOKEN, posting, with_token};
use crate::support::{Answer, Ask, Proxy, clock, in_turn, ok, proxy, scripted, unheard, until, within};

/// What cannot be met without waiting for it: content that is too slow.
const UNMET: [(&str, &str, u16); 1] = [("post", "/api/purge", 408)];

/// What has no end. What comes of it has a test of its own.
const STREAM: &str = "text/event-stream";

/// The description, with every object closed: an answer may have no member that is not described.
async fn description(proxy: &Proxy) -> Value {
    let answer = proxy.admin("/api/openapi.json").send().await;
    assert_eq!((answer.status.as_u16(), answer.field("content-type").as_str()), (200, "application/json"));
    let mut document = answer.json();
    close(&mut document["components"]["schemas"]);
    document
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && members.get("type") == Some(&json!("object")) {
                members.entry("additionalProperties").or_insert(json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// What a schema of the description says against this.
fn faults(document: &Value, schema: &Value, instance: &Value) -> Vec<String> {
    let mut whole = schema.as_object().expect("a schema").clone();
    whole.insert("components".to_owned(), document["components"].clone());
    let validator = jsonschema::draft202012::new(&Value::Object(whole)).expect("a schema that can be used");
    validator.iter_errors(instance).map(|error| format!("{error} at {}", error.instance_path())).collect()
}

/// An answer; of a stream without an end only the head.
async fn whole(ask: Ask) -> Answer {
    let (head, body) = ask.open().await.into_parts();
    let mut answer = Answer { status: head.status, fields: head.headers, body: Bytes::new() };
    if answer.field("content-type") != STREAM {
        answer.body = body.collect().await.expect("a whole answer").to_bytes();
    }
    answer
}

/// Holds that an answer is described, and as it says.
fn is_as_described(document: &Value, method: &str, path: &str, answer: &Answer) {
    let operation = &document["paths"][path][method.to_ascii_lowercase()];
    let described = &operation["responses"][answer.status.as_str()];
    assert!(described.is_object(), "{method} {path} {} is not described: {}", answer.status, answer.text());
    let content = described["content"].as_object().expect("content");
    let schema = content.get(&answer.field("content-type"));
    let schema =
        &schema.unwrap_or_else(|| panic!("{method} {path}: not {}", answer.field("content-type")))["schema"];
    if answer.field("content-type") == STREAM {
        return;
    }
    let is_json = answer.field("content-type").contains("json");
    let instance = if is_json { answer.json() } else { Value::String(answer.text()) };
    let faults = faults(document, schema, &instance);
    assert!(faults.is_empty(), "{method} {path} {}: {faults:?}\n{}", answer.status, answer.text());
}

async fn started(admin: &str) -> Proxy {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let route = "name = \"product\"\npath = \"/product/{id}\"\nlevel = \"changing\"\nttl = \"60s\"\nhost = \"api.example\"\n\
        methods = [\"GET\"]\nwith_query = [\"a\"]\nstate = { query = [\"a\"], headers = [\"accept\"] }";
    proxy().route(route).admin_with(admin).start(origin.address, &clock()).await
}

/// Each operation that is described: its method in lower case, and its path.
fn operations(document: &Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().expect("paths");
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("an item").keys();
        methods.map(|method| (method.clone(), path.clone())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn it_is_openapi_3_1_and_each_operation_has_what_one_needs() {
    let proxy = started("").await;
    let document = description(&proxy).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut names = BTreeSet::new();
    for (method, path) in operations(&document) {
        let operation = &document["paths"][&path][&method];
        assert!(names.insert(operation["operationId"].to_string()), "{path}: a name that is there twice");
        assert!(operation["summary"].is_string(), "{path}");
        let open = operation["security"] == json!([{}]);
        assert_eq!(open, ["/healthz", "/readyz"].contains(&path.as_str()), "{path}");
        assert_eq!(operation["responses"]["401"].is_object(), !open, "{path}");
        for response in operation["responses"].as_object().expect("responses").values() {
            assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
        }
    }
}

/// That what is there is described is so by construction: `admin` has one list of both. The rest is here.
#[tokio::test]
async fn what_is_described_is_there_with_these_methods_and_no_others() {
    let proxy = started("").await;
    let document = description(&proxy).await;
    let paths: BTreeSet<String> = operations(&document).into_iter().map(|(_, path)| path).collect();
    let known = ["/api/openapi.json", "/api/purge", "/api/routes", "/healthz", "/readyz"];
    assert!(known.iter().all(|path| paths.contains(*path)), "{paths:?}");
    for path in paths {
        let item = document["paths"][&path].as_object().expect("an item");
        let mut described: BTreeSet<String> = item.keys().map(|method| method.to_ascii_uppercase()).collect();
        // Who describes GET means HEAD as well (RFC 9110 section 9.3.2).
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let answer = proxy.admin(&path).method("SAIL").send().await;
        let allowed: BTreeSet<String> = answer.field("allow").split(',').map(str::to_owned).collect();
        assert_eq!((answer.status.as_u16(), allowed), (405, described), "{path}");
    }
}

/// What resources have to be asked with, so that they say all that they may say.
fn asked_with(path: &str) -> &'static [&'static str] {
    match path {
        "/api/explain" => &["?url=/product/1%3Fa%3D1", "?url=*&method=OPTIONS"],
        _ => &[],
    }
}

/// A request for each status that an operation may answer with, as far as one can be had.
fn requests(proxy: &Proxy, is_guarded: bool, method: &str, path: &str) -> Vec<Ask> {
    let ask = || proxy.admin(path);
    let shown = || with_token(ask(), TOKEN);
    let foreign = || shown().field("origin", "http://evil.example");
    if method == "post" {
        let content = |content: &str| posting(shown(), content);
        let large = format!("{{\"tag\":\"{}\"}}", "x".repeat(64 * 1024));
        vec![
            content(r#"{"all":true}"#),
            content(r#"{"tag":["a","b"],"soft":true}"#),
            content(r#"{"route":"prodct"}"#),
            content("{"),
            content(&large),
            shown().method("POST"),
            posting(ask(), r#"{"all":true}"#),
            posting(foreign(), r#"{"all":true}"#),
            posting(shown(), r#"{"all":true}"#).field("host", "evil.example"),
        ]
    } else {
        let none = ask().field("host", "a b");
        let name = if is_guarded { shown() } else { ask().field("host", "evil.example") };
        let parameter = with_token(proxy.admin(&format!("{path}?no-such=parameter")), TOKEN);
        let more =
            asked_with(path).iter().map(|query| with_token(proxy.admin(&format!("{path}{query}")), TOKEN));
        [shown(), ask(), foreign(), none, name, parameter].into_iter().chain(more).collect()
    }
}

#[tokio::test]
async fn every_answer_is_as_it_is_described_and_everything_described_is_met() {
    let open = started("").await;
    let guarded = started(&format!("token = \"{TOKEN}\"")).await;
    let gone = unheard();
    let alone = proxy().admin().start(gone.address, &clock()).await;
    let document = description(&open).await;
    let ready = || open.admin("/readyz").send();
    until(ready, |answer| answer.status == 200).await;
    let mut met = BTreeSet::new();
    for (method, path) in operations(&document) {
        let asked = [(&open, false), (&guarded, true), (&alone, false)];
        for ask in asked.into_iter().flat_map(|(proxy, guarded)| requests(proxy, guarded, &method, &path)) {
            let answer = whole(ask).await;
            is_as_described(&document, &method, &path, &answer);
            met.insert((method.clone(), path.clone(), answer.status.as_u16()));
        }
    }
    let mut followers = Vec::new();
    while followers.last().is_none_or(|last: &Response<Incoming>| last.status() == 200) {
        followers.push(open.admin("/api/events").open().await);
    }
    let (head, body) = followers.pop().expect("one too many").into_parts();
    let body = body.collect().await.expect("a whole answer").to_bytes();
    is_as_described(
        &document,
        "get",
        "/api/events",
        &Answer { status: head.status, fields: head.headers, body },
    );
    met.insert(("get".to_owned(), "/api/events".to_owned(), 503));
    let mut described = BTreeSet::new();
    for (method, path) in operations(&document) {
        let responses: &Map<String, Value> =
            document["paths"][&path][&method]["responses"].as_object().expect("responses");
        for status in responses.keys() {
            described.insert((method.clone(), path.clone(), status.parse().expect("a status")));
        }
    }
    for (method, path, status) in UNMET {
        assert!(described.remove(&(method.to_owned(), path.to_owned(), status)));
    }
    assert_eq!(met, described);
}

#[tokio::test]
async fn what_is_told_of_a_decision_is_as_it_is_described() {
    let proxy = started("").await;
    let document = description(&proxy).await;
    let described = &document["paths"]["/api/events"]["get"]["responses"]["200"]["content"];
    let schema = &described[STREAM]["schema"];
    let mut events = proxy.admin("/api/events").open().await.into_body();
    for target in ["/product/1?a=1", "/product/1?a=1", "/other"] {
        proxy.get(target).send().await;
    }
    let (mut told, mut decisions) = (String::new(), Vec::new());
    while decisions.len() < 3 {
        let frame = within(events.frame()).await.expect("a stream without end").expect("a frame");
        told += &String::from_utf8_lossy(&frame.into_data().unwrap_or_default());
        decisions = told
            .split_inclusive("\n\n")
            .filter(|event| event.ends_with("\n\n") && event.contains("event: decision\n"))
            .filter_map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")))
            .map(str::to_owned)
            .collect();
    }
    for decision in decisions {
        let decision: Value = serde_json::from_str(&decision).expect("JSON");
        let faults = faults(&document, schema, &decision);
        assert!(faults.is_empty(), "{faults:?}\n{decision}");
    }
}

#[tokio::test]
async fn a_purge_that_is_taken_is_one_that_is_described_and_one_that_is_not_is_not() {
    let proxy = started("").await;
    let document = description(&proxy).await;
    let schema =
        &document["paths"]["/api/purge"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    for content in [
        json!({ "url": "http://api.example/" }),
        json!({ "tag": ["a", "b"], "soft": true }),
        json!({ "route": "product" }),
        json!({ "prefix": "/" }),
        json!({ "host": "api.example" }),
        json!({ "all": true, "soft": false }),
        json!({}),
        json!({ "soft": true }),
        json!({ "all": false }),
        json!({ "all": true, "tag": "a" }),
        json!({ "tag": [] }),
        json!({ "tag": null }),
        json!({ "tag": 1 }),
        json!({ "tag": "a", "soft": null }),
        json!({ "tag": "a", "hard": true }),
        json!([]),
        json!(["http://api.example/"]),
        json!("all"),
    ] {
        let answer = posting(proxy.admin("/api/purge"), content.to_string()).send().await;
        assert_eq!(answer.status == 200, faults(&document, schema, &content).is_empty(), "{content}");
    }
}
