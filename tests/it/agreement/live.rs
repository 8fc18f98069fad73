//! A running proxy does what it has just said it would do: requests by chance, each after another one for the same target
//! and after some time, so that something of every kind is stored.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use fastrand::Rng;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use plimsoll::{cli::admin_client::query, explain::Live};

use super::{
    ROUTES, ask,
    generate::{Case, case_of},
};
use crate::support::{
    Answer, Proxy, Reply, Scripted, Seen, clock, not_modified, scripted, secs, start_text, until,
};

/// How many targets there are.
const CASES: usize = 800;
/// How many seconds pass before a target is asked for again: within every lifetime, within a window, beyond both.
const PAUSES: [u64; 5] = [0, 0, 12, 40, 2000];
/// How often what is seen may differ from what was said. Content may be stored a moment after its client has it all.
const ATTEMPTS: usize = 5;

#[tokio::test]
async fn the_proxy_does_what_it_says_under_the_profile_safe() {
    agree("safe", 3).await;
}

#[tokio::test]
async fn the_proxy_does_what_it_says_to_the_letter_of_the_rfc() {
    agree("rfc9111", 4).await;
}

async fn agree(profile: &str, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let cases: Vec<_> = (0..CASES).map(|id| Case::generate(&mut rng, id)).collect();
    let answers = cases.clone();
    let origin = scripted(move |_, seen| {
        let case = case_of(&seen.line).and_then(|id| answers.get(id)).expect("a case");
        reply(case, seen)
    })
    .await;
    let config = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nworkers = 2\n[admin]\nlisten = \"127.0.0.1:0\"\n[origin]\nurl = \"http://{}\"\n\
         [cache]\nprofile = \"{profile}\"\nmax_object = \"1 KiB\"\nmax_query_content = \"64 B\"\n{ROUTES}",
        origin.address
    );
    let proxy = start_text("test.toml", &config, &clock()).await;
    let stage = Stage { client: Client::builder(TokioExecutor::new()).build_http(), proxy, origin };
    let mut actions = BTreeMap::<String, usize>::new();
    let mut faults = Vec::new();
    for case in cases {
        let case = if rng.bool() { plain(case) } else { case };
        let again = variation(&mut rng, &case);
        ask(&stage.client, stage.proxy.address, &case).await;
        stage.proxy.advance(secs(PAUSES[rng.usize(..PAUSES.len())]));
        let mut attempt = stage.attempt(&again).await;
        for _ in 1..ATTEMPTS {
            if attempt.fault.is_none() {
                break;
            }
            attempt = stage.attempt(&again).await;
        }
        *actions.entry(attempt.action).or_default() += 1;
        faults.extend(attempt.fault.map(|fault| format!("{fault}\n  first: {case:?}\n  then: {again:?}")));
    }
    let shown = &faults[..faults.len().min(8)];
    assert!(faults.is_empty(), "{} of {CASES} differ, such as\n{}", faults.len(), shown.join("\n"));
    let kinds: BTreeSet<&str> = actions.keys().map(String::as_str).collect();
    let wanted = ["bypass", "fetch", "hit", "hit-stale", "only-if-cached", "refused", "validate"];
    assert!(
        wanted.iter().all(|kind| kinds.contains(kind)),
        "an agreement about nothing is none: {actions:?}"
    );
    assert!(actions["hit"] >= 40 && actions["validate"] >= 60 && actions["bypass"] >= 100, "{actions:?}");
}

/// What the origin says: that what is stored is still good, to every second target that has a tag of its own.
fn reply(case: &Case, seen: &Seen) -> Reply {
    let tag = case.answer.iter().find(|(name, _)| *name == "etag").map(|(_, value)| value.as_str());
    match (tag, seen.field("if-none-match")) {
        (Some(tag), Some(asked)) if case.id.is_multiple_of(2) && case.status == 200 && asked == tag => {
            not_modified(&format!("etag: {tag}\r\n"))
        }
        _ => case.reply(seen.line.split(' ').next().expect("a method")),
    }
}

/// The same with a request that asks for nothing special, so that more is stored.
fn plain(mut case: Case) -> Case {
    case.fields.retain(|(name, _)| *name == "host");
    (case.method, case.content) = ("GET", String::new());
    case
}

/// Another request for the same target, or the same one.
fn variation(rng: &mut Rng, case: &Case) -> Case {
    let other = Case::generate(rng, case.id);
    let mut again = case.clone();
    match rng.u32(..3) {
        0 => {}
        1 => again.fields = other.fields,
        _ => (again.method, again.fields, again.content) = (other.method, other.fields, other.content),
    }
    again
}

struct Stage {
    client: Client<HttpConnector, Full<Bytes>>,
    proxy: Proxy,
    origin: Scripted,
}

/// What was said about a request, in a word, and where that was not what happened.
struct Attempt {
    action: String,
    fault: Option<String>,
}

impl Stage {
    async fn attempt(&self, case: &Case) -> Attempt {
        let said = until(|| explained(&self.proxy, case), is_at_rest).await;
        let before = self.origin.count();
        let answer = ask(&self.client, self.proxy.address, case).await;
        let fetched = self.origin.count() - before;
        let action = said.as_ref().map_or("refused", |live| &live.now.action).to_owned();
        let fault = difference(&said, &answer, fetched);
        let fault = fault.map(|what| {
            let now = said.as_ref().map(|live| (&live.now, &live.memory, &live.stored));
            format!("{what}\n  said: {now:?}\n  done: {:?}, {fetched} fetches", answer.field("cache-status"))
        });
        Attempt { action, fault }
    }
}

/// The explanation of a case, or why it would be refused.
async fn explained(proxy: &Proxy, case: &Case) -> Result<Live, String> {
    let mut parameters = vec![("url", case.target.clone()), ("method", case.method.to_owned())];
    parameters.extend(case.fields.iter().map(|(name, value)| ("header", format!("{name}: {value}"))));
    if !case.content.is_empty() {
        parameters.push(("content", case.content.clone()));
    }
    let answer = proxy.admin(&format!("/api/explain?{}", query(&parameters))).send().await;
    if answer.status == 200 {
        return Ok(serde_json::from_slice(&answer.body).expect("an explanation"));
    }
    assert_eq!(answer.status, 422, "{}", answer.text());
    Err(answer.json()["detail"].as_str().expect("text").to_owned())
}

fn is_at_rest(said: &Result<Live, String>) -> bool {
    said.as_ref().is_ok_and(|live| live.in_flight.is_none()) || said.is_err()
}

/// Where what was done is not what was said.
fn difference(said: &Result<Live, String>, answer: &Answer, fetched: usize) -> Option<String> {
    let differs = |what: &str| Some(what.to_owned());
    let now = match said {
        Ok(live) => &live.now,
        Err(refused) => {
            let is_refused = refused.contains(&format!("refused with {}", answer.status)) && fetched == 0;
            return if is_refused { None } else { differs("it is not refused") };
        }
    };
    let status = answer.field("cache-status");
    if let Some(line) = &now.cache_status {
        // The answer to a write may be stored for later reads.
        return if *line == status { None } else { differs("Cache-Status") };
    }
    let parameter = |name: &str| {
        let mut parts = status.split("; ");
        parts.find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    match &*now.action {
        "only-if-cached" if answer.status == 504 && status.is_empty() && fetched == 0 => None,
        // The origin has failed, or said what cannot be.
        "fetch" | "validate" | "complete" if answer.status == 502 => None,
        "validate" if status.contains("stale-if-error") && fetched > 0 => None,
        "fetch" | "validate" | "complete" => {
            let fwd = parameter("fwd");
            // What came back may be of a level that is not shared.
            let is_bypass = fwd.as_deref() == Some("bypass") && parameter("detail").is_some();
            let is_said = fwd.is_some() && fwd.as_deref() == now.fwd.as_deref();
            if (is_said || is_bypass) && fetched > 0 { None } else { differs("why it is forwarded") }
        }
        _ => differs("what is done"),
    }
}
