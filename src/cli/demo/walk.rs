//! The walk: every system of the sample origin, two requests each, and what its level demands of them.

mod stateful;
mod unsafe_methods;

use std::{io, time::Duration};

use super::{
    Row,
    stage::{Answer, Stage},
};

/// A request of the walk.
#[derive(Clone, Copy, Debug)]
struct Ask<'a> {
    method: &'static str,
    target: &'a str,
    fields: &'a [(&'a str, &'a str)],
    content: &'a str,
}

impl<'a> Ask<'a> {
    const fn get(target: &'a str) -> Self {
        Self { method: "GET", target, fields: &[], content: "" }
    }

    const fn by(self, fields: &'a [(&'a str, &'a str)]) -> Self {
        Self { fields, ..self }
    }

    const fn with(self, method: &'static str, fields: &'a [(&'a str, &'a str)], content: &'a str) -> Self {
        Self { method, fields, content, ..self }
    }
}

/// Two answers, and how many requests reached the origin for them.
struct Pair {
    first: Answer,
    second: Answer,
    fetches: u64,
}

/// What a row is about.
#[derive(Clone, Copy, Debug)]
struct About {
    system: &'static str,
    level: Option<u8>,
    why: &'static str,
}

impl About {
    const fn level(system: &'static str, level: u8, why: &'static str) -> Self {
        Self { system, level: Some(level), why }
    }

    const fn method(system: &'static str, why: &'static str) -> Self {
        Self { system, level: None, why }
    }
}

/// Something that must be true of a pair, and what to say where it is not.
type Demand = (bool, &'static str);

/// Walks through all systems.
pub(super) async fn walk(stage: &Stage) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    shared(stage, &mut rows).await?;
    expiring(stage, &mut rows).await?;
    let alice = bearer(stage, "alice", "password123").await?;
    let bob = bearer(stage, "bob", "mypassword").await?;
    by_user(stage, &mut rows, &alice, &bob).await?;
    stateful::by_session(stage, &mut rows).await?;
    rows.push(twice(stage, About::level("random", 5, "the answer is chance"), "/random").await?);
    unsafe_methods::walk(stage, &mut rows).await?;
    // Last, since an instance of the origin is lost on the way.
    stateful::losing_an_instance(stage, &mut rows, &alice).await?;
    Ok(rows)
}

/// Levels 1 and 2: fetched once, served to everybody.
async fn shared(stage: &Stage, rows: &mut Vec<Row>) -> io::Result<()> {
    let targets = [
        (About::level("permanent data", 1, "a closed year never changes"), "/warehouse/sales/2012"),
        (About::level("language in the path", 1, "the request says it all"), "/product/1234&language=french"),
        (
            About::level("language in the query", 1, "the request says it all"),
            "/product/1234?language=french",
        ),
        (
            About::level("jazz artists", 1, "the query says it all"),
            "/jazz?firstname=Miles&lastname=Davis&grammys=8",
        ),
        (About::level("file that changes", 2, "redrawn at times"), "/picture.bmp"),
        (About::level("dynamic data", 2, "price and stock change"), "/product/1234"),
        (About::level("registration", 2, "the URL carries the state"), "/registration"),
        (About::level("load target", 2, "any size and delay"), "/load/1024"),
    ];
    for (about, target) in targets {
        rows.push(twice(stage, about, target).await?);
    }
    Ok(())
}

/// A lifetime that ends: by a clock turned forward, not by waiting.
async fn expiring(stage: &Stage, rows: &mut Vec<Row>) -> io::Result<()> {
    let target = "/weather?city=London";
    rows.push(twice(stage, About::level("weather", 2, "drifts with time"), target).await?);
    let before = stage.fetches();
    let first = ask(stage, Ask::get(target)).await?;
    stage.advance(Duration::from_secs(3600));
    let second = ask(stage, Ask::get(target)).await?;
    let pair = Pair { first, second, fetches: stage.fetches() - before };
    let demands = [
        (is_hit(&pair.first), "the first request should be a hit"),
        (says(&pair.second, "fwd=stale"), "after an hour the stored answer should be stale"),
    ];
    let about = About::level("an hour later", 2, "its lifetime is over");
    rows.push(row(about, format!("GET {target}"), &pair, &demands));
    Ok(())
}

/// Level 3, each beside its lowering.
async fn by_user(stage: &Stage, rows: &mut Vec<Row>, alice: &str, bob: &str) -> io::Result<()> {
    let (as_alice, as_bob) = ([("authorization", alice)], [("authorization", bob)]);
    let targets = [
        (About::level("access control", 3, "bob may not see it"), "/level3/product/1234"),
        (About::level("hidden data", 3, "depends on the account"), "/publicity"),
        (About::level("personal URL", 3, "the URL does not say whose"), "/my-cart"),
        (About::level("stored preference", 3, "the URL hides the language"), "/level3/greeting/1234"),
    ];
    for (about, target) in targets {
        let asks = [Ask::get(target).by(&as_alice), Ask::get(target).by(&as_bob)];
        let pair = both(stage, asks).await?;
        rows.push(row(about, format!("GET {target} (alice, bob)"), &pair, &unshared(&pair)));
    }
    let lowered = [
        (About::level("lowered: a named cart", 2, "the URL names the cart"), "/cart/5678"),
        (About::level("lowered: read once", 2, "the URL names the user"), "/user/4567/preferences"),
        (About::level("lowered: stated", 1, "the URL states the language"), "/product/1235?language=french"),
    ];
    for (about, target) in lowered {
        // Alice and bob share one answer, whatever they send with it.
        let asks = [Ask::get(target).by(&as_alice), Ask::get(target).by(&as_bob)];
        let pair = both(stage, asks).await?;
        rows.push(row(about, format!("GET {target} (alice, bob)"), &pair, &once(&pair)));
    }
    Ok(())
}

/// The same request twice, at a level that is shared or not.
async fn twice(stage: &Stage, about: About, target: &str) -> io::Result<Row> {
    let pair = both(stage, [Ask::get(target); 2]).await?;
    let shared = about.level.is_some_and(|level| level <= 2);
    let demands = if shared { once(&pair) } else { unshared(&pair) };
    Ok(row(about, format!("GET {target}"), &pair, &demands))
}

/// One fetch, and a hit with the same answer.
fn once(pair: &Pair) -> Vec<Demand> {
    vec![
        (pair.first.status.is_success(), "the first answer should be a success"),
        (says(&pair.first, "fwd=uri-miss; stored"), "the first request should be fetched and stored"),
        (is_hit(&pair.second), "the second request should be a hit"),
        (pair.first.body == pair.second.body, "both answers should be the same"),
        (pair.fetches == 1, "the origin should be asked once"),
    ]
}

/// Two fetches, and answers that differ.
fn unshared(pair: &Pair) -> Vec<Demand> {
    vec![
        (says(&pair.first, "fwd=bypass") && says(&pair.second, "fwd=bypass"), "both requests should bypass"),
        (pair.first.body != pair.second.body, "the answers should differ"),
        (pair.fetches == 2, "the origin should be asked twice"),
    ]
}

fn row(about: About, request: String, pair: &Pair, demands: &[Demand]) -> Row {
    let as_demanded = about.level.is_none_or(|level| {
        let level = format!("; level={level};");
        cache_status(&pair.first).contains(&level) && cache_status(&pair.second).contains(&level)
    });
    let demands =
        [(as_demanded, "Cache-Status should state the level")].into_iter().chain(demands.iter().copied());
    let wrong = demands.into_iter().find(|(held, _)| !held).map(|(_, what)| what.to_owned());
    Row {
        system: about.system,
        request,
        level: about.level,
        first: outcome(&pair.first),
        second: outcome(&pair.second),
        why: about.why,
        requests: 2,
        saved: 2_u64.saturating_sub(pair.fetches),
        wrong,
    }
}

async fn both(stage: &Stage, asks: [Ask<'_>; 2]) -> io::Result<Pair> {
    let before = stage.fetches();
    let first = ask(stage, asks[0]).await?;
    let second = ask(stage, asks[1]).await?;
    Ok(Pair { first, second, fetches: stage.fetches() - before })
}

async fn ask(stage: &Stage, ask: Ask<'_>) -> io::Result<Answer> {
    stage.ask(ask.method, ask.target, ask.fields, ask.content).await
}

/// A Bearer token of the stateless shop.
async fn bearer(stage: &Stage, user: &str, password: &str) -> io::Result<String> {
    let answer = ask(stage, login("/stateless/login", &credentials(user, password))).await?;
    Ok(format!("Bearer {}", answer.member("token")))
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

const fn login<'a>(target: &'a str, credentials: &'a str) -> Ask<'a> {
    Ask::get(target).with("POST", &JSON, credentials)
}

fn credentials(user: &str, password: &str) -> String {
    serde_json::json!({ "username": user, "password": password }).to_string()
}

fn cache_status(answer: &Answer) -> &str {
    answer.field("cache-status").trim_start_matches("plimsoll; ")
}

fn says(answer: &Answer, what: &str) -> bool {
    cache_status(answer).starts_with(what)
}

fn is_hit(answer: &Answer) -> bool {
    says(answer, "hit")
}

/// Status, and what Cache-Status says before level and route, which have columns of their own.
fn outcome(answer: &Answer) -> String {
    let said = cache_status(answer);
    let end = said.find("; level=").or_else(|| said.find("; route=")).unwrap_or(said.len());
    format!("{} {}", answer.status.as_u16(), &said[..end])
}
