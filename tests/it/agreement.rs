//! `explain` and the running proxy agree: the same thousands of requests and answers, made by chance, are explained
//! without a network and sent through a proxy with the same config, and what each says is compared.

mod generate;
mod live;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use plimsoll::{
    cli::explain::{ExplainArgs, explain},
    config::Config,
    observe::Clock as _,
};
use serde_json::Value;

use crate::support::{Answer, Seen, clock, scripted, start_text};
use generate::{Case, case_of};

const ROUTES: &str = include_str!("agreement/routes.toml");
/// Requests for each proxy.
const CASES: usize = 4000;
/// How many are under way at once.
const AT_ONCE: usize = 16;
/// How often what is to be a hit is asked for.
const ATTEMPTS: usize = 200;

#[tokio::test]
async fn explain_and_the_proxy_agree_under_the_profile_safe() {
    agree("", "", "safe", 1).await;
}

#[tokio::test]
async fn explain_and_the_proxy_agree_to_the_letter_of_the_rfc_behind_another_proxy() {
    agree("trusted_proxies = [\"127.0.0.1\"]", "host = \"origin\"", "rfc9111", 2).await;
}

/// A case, what `explain` says about it, and what the proxy did: to the request, and to the same one right after.
struct Compared {
    case: Case,
    said: Result<Value, String>,
    first: Answer,
    second: Answer,
}

/// Compares the two under a config with these lines in `[server]` and `[origin]`, and this profile.
async fn agree(server: &str, origin_lines: &str, profile: &str, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let cases: Vec<_> = (0..CASES).map(|id| Case::generate(&mut rng, id)).collect();
    let answers = cases.clone();
    let origin = scripted(move |_, seen: &Seen| {
        let case = case_of(&seen.line).and_then(|id| answers.get(id)).expect("a case");
        case.reply(seen.line.split(' ').next().expect("a method"))
    })
    .await;
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 2\n{server}\n[origin]\nurl = \"http://{}\"\n{origin_lines}\n[cache]\nprofile = \
         \"{profile}\"\nmax_object = \"1 KiB\"\nmax_query_content = \"64 B\"\n{ROUTES}",
        origin.address
    );
    let clock = clock();
    let explained = Config::parse("test.toml", &config).unwrap_or_else(|errors| panic!("{errors}")).config;
    let said: Vec<_> = cases
        .iter()
        .map(|case| {
            let said = explain(&arguments(case), &explained, clock.now())?;
            Ok(serde_json::to_value(said).expect("JSON"))
        })
        .collect();
    let proxy = start_text("test.toml", &config, &clock).await;

    // Writes come last: an invalidation may reach more than it was meant to.
    let (writes, reads): (Vec<_>, Vec<_>) =
        cases.into_iter().zip(said).partition(|(case, _)| !matches!(case.method, "GET" | "HEAD" | "QUERY"));
    let mut compared = ask_all(proxy.address, reads).await;
    compared.extend(ask_all(proxy.address, writes).await);

    let mut arrived = BTreeMap::new();
    for request in origin.seen() {
        arrived.entry(case_of(&request.line).expect("a case")).or_insert(request);
    }
    let differences: Vec<_> =
        compared.iter().filter_map(|compared| difference(compared, arrived.get(&compared.case.id))).collect();
    assert!(
        differences.is_empty(),
        "{} of {CASES} differ, such as\n{}",
        differences.len(),
        differences[..differences.len().min(8)].join("\n")
    );
    assert_variety(&compared);
}

/// The command line of a case.
fn arguments(case: &Case) -> ExplainArgs {
    ExplainArgs {
        config: PathBuf::new(),
        admin: None,
        token_file: None,
        method: Method::from_bytes(case.method.as_bytes()).expect("a method"),
        headers: fields(&case.fields),
        data: case.content.clone(),
        response: fields(&case.answer),
        status: Some(case.status),
        json: true,
        url: case.target.parse().expect("a target"),
    }
}

fn fields(fields: &[(&'static str, String)]) -> Vec<(HeaderName, HeaderValue)> {
    let field = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    };
    fields.iter().map(field).collect()
}

/// Sends every request twice, some of them at once, over connections that stay open.
async fn ask_all(address: SocketAddr, cases: Vec<(Case, Result<Value, String>)>) -> Vec<Compared> {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let queue = Arc::new(std::sync::Mutex::new(cases));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (client, queue) = (client.clone(), Arc::clone(&queue));
            tokio::spawn(async move {
                let mut done = Vec::new();
                loop {
                    let next = queue.lock().expect("no panic").pop();
                    let Some((case, said)) = next else { return done };
                    done.push(ask_twice(&client, address, case, said).await);
                }
            })
        })
        .collect();
    let mut compared = Vec::new();
    for worker in workers {
        compared.extend(worker.await.expect("no panic"));
    }
    compared
}

async fn ask_twice(
    client: &Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    case: Case,
    said: Result<Value, String>,
) -> Compared {
    let first = ask(client, address, &case).await;
    let to_be_hit = said.as_ref().is_ok_and(|said| said["response"]["again"] == "hit");
    // Who asked for less than the whole has its answer before all that is stored has arrived.
    let mut second = ask(client, address, &case).await;
    for _ in 0..ATTEMPTS {
        if !to_be_hit || is_hit(&second) {
            break;
        }
        second = ask(client, address, &case).await;
    }
    Compared { case, said, first, second }
}

async fn ask(client: &Client<HttpConnector, Full<Bytes>>, address: SocketAddr, case: &Case) -> Answer {
    let mut request = Request::new(Full::new(Bytes::from(case.content.clone())));
    *request.method_mut() = Method::from_bytes(case.method.as_bytes()).expect("a method");
    *request.uri_mut() = format!("http://{address}{}", case.target).parse::<Uri>().expect("a target");
    request.headers_mut().extend(fields(&case.fields).into_iter().fold(
        http::HeaderMap::new(),
        |mut fields, (name, value)| {
            fields.append(name, value);
            fields
        },
    ));
    let (parts, body) = client.request(request).await.expect("an answer").into_parts();
    let body = body.collect().await.expect("a whole answer").to_bytes();
    Answer { status: parts.status, fields: parts.headers, body }
}

fn is_hit(answer: &Answer) -> bool {
    answer.cache().starts_with("hit")
}

/// Where the two disagree.
fn difference(compared: &Compared, seen: Option<&Seen>) -> Option<String> {
    let Compared { case, said, first, second } = compared;
    let differs = |what: &str, said: &dyn std::fmt::Debug, done: &dyn std::fmt::Debug| {
        Some(format!("{what}\n  explain: {said:?}\n  proxy:   {done:?}\n  {case:?}"))
    };
    let said = match said {
        Ok(said) => said,
        Err(refused) => {
            let is_refused = refused.contains(&format!("refused with {}", first.status)) && seen.is_none();
            return if is_refused { None } else { differs("refused", refused, first) };
        }
    };
    if said["decision"]["action"] == "only-if-cached" {
        let is_refused = first.status == 504 && seen.is_none() && said["response"].is_null();
        return if is_refused { None } else { differs("only if cached", said, first) };
    }
    let status = first.field("cache-status");
    if said["cache_status"].as_str().unwrap_or_default() != status {
        return differs("Cache-Status", &said["cache_status"], &status);
    }
    if said["response"]["verdict"] == "error" && first.status != 502 {
        return differs("an answer that cannot be", &said["response"], first);
    }
    if let Some(difference) = differs_in_parts(said, &status) {
        return differs(&difference, said, &status);
    }
    let Some(seen) = seen else {
        return differs("nothing reached the origin", &said["origin_request"], first);
    };
    let (expected, arrived) = (origin_request(&said["origin_request"]), as_arrived(seen));
    if expected != arrived {
        return differs("the request to the origin", &expected, &arrived);
    }
    if (said["response"]["again"] == "hit") != is_hit(second) {
        return differs("the same again", &said["response"], &second.cache());
    }
    None
}

/// Route, level, decision and reason, each for itself in the explanation, against the line of the proxy.
fn differs_in_parts(said: &Value, status: &str) -> Option<String> {
    let parameters: BTreeMap<&str, &str> =
        status.split("; ").map(|one| one.split_once('=').unwrap_or((one, ""))).collect();
    let has = |name: &str| parameters.get(name).copied();
    let is = |name: &str, value: &Value| has(name).map(str::to_owned) == value.as_str().map(str::to_owned);
    let response = &said["response"];
    if !status.is_empty() && !is("route", &said["route"]["name"]) {
        return Some("the route".to_owned());
    }
    let not_for_client = response["verdict"] == "store" && !response["reason"].is_null();
    let level = has("level").and_then(|level| level.parse::<u64>().ok());
    let by_method = has("fwd") == Some("method");
    if !status.is_empty() && !by_method && !not_for_client && level != said["level"]["number"].as_u64() {
        return Some("the level".to_owned());
    }
    let bypasses = said["decision"]["action"] == "bypass";
    if bypasses && !(is("fwd", &said["decision"]["fwd"]) && is("detail", &said["decision"]["reason"])) {
        return Some("the decision".to_owned());
    }
    let is_stored = response["verdict"] == "store" && response["reason"].is_null();
    if is_stored != has("stored").is_some() || (!bypasses && !is("detail", &response["reason"])) {
        return Some("the verdict".to_owned());
    }
    None
}

/// A request to the origin: method and target, and its fields in order of their names.
type Sent = (String, Vec<(String, String)>);

fn origin_request(said: &Value) -> Sent {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let fields = said["fields"].as_array().expect("fields").iter();
    let mut fields: Vec<_> = fields.map(|field| (text(&field[0]), text(&field[1]))).collect();
    fields.sort();
    (format!("{} {} HTTP/1.1", text(&said["method"]), text(&said["target"])), fields)
}

fn as_arrived(seen: &Seen) -> Sent {
    // A traceparent is new each time.
    let mut fields: Vec<_> = seen.fields.iter().filter(|(name, _)| name != "traceparent").cloned().collect();
    fields.sort();
    (seen.line.clone(), fields)
}

/// That chance has made something of everything: an agreement about nothing is none.
fn assert_variety(compared: &[Compared]) {
    let count = |wish: &dyn Fn(&Compared) -> bool| compared.iter().filter(|compared| wish(compared)).count();
    let said = |compared: &Compared, pointer: &str, value: &str| {
        compared.said.as_ref().is_ok_and(|said| said.pointer(pointer).and_then(Value::as_str) == Some(value))
    };
    for (pointer, value, at_least) in [
        ("/decision/action", "bypass", 200),
        ("/decision/action", "fetch", 600),
        ("/decision/action", "only-if-cached", 5),
        ("/decision/fwd", "method", 80),
        ("/response/verdict", "store", 200),
        ("/response/verdict", "pass", 100),
        ("/response/verdict", "discard", 100),
        ("/response/verdict", "error", 5),
        ("/response/again", "hit", 150),
        ("/response/again", "validate", 20),
        ("/response/again", "bypass", 100),
    ] {
        let found = count(&|compared| said(compared, pointer, value));
        assert!(found >= at_least, "{found} times {pointer} is {value}, which is less than {at_least}");
    }
    assert!(count(&|compared| compared.said.is_err()) >= 5, "some are refused");
    let details: BTreeSet<String> = compared
        .iter()
        .filter_map(|compared| Some(compared.first.cache().split_once("detail=")?.1.to_owned()))
        .collect();
    assert!(details.len() >= 20, "only these reasons: {details:?}");
}
