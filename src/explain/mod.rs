//! What would happen to a request, and why, in words: told by the functions that the proxy itself calls.
//!
//! [`explain`] needs no network and no store: it says what a config makes of a request, and of an answer to it.
//! [`explain_live`] asks a proxy that runs, and says besides what that holds under the key and what it would do now.
//! `tests/it/agreement.rs` and `tests/it/explain_live.rs` hold both to what the proxy does.

mod answer;
mod held;
mod live;
mod question;
mod said;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderMap, StatusCode};

pub use held::{InFlightSaid, Live, MemorySaid, NominatedSaid, NowSaid, PartSaid, VariantSaid};
pub use live::explain_live;
pub use question::{Question, field};
pub use said::{
    AskedFor, Decided, EvidenceSaid, Explanation, ExplicitState, LeftBehind, LevelSaid, OriginRequest,
    ResponseSaid, RouteSaid,
};

use crate::{
    decision::{Bypass, Classified, Keyed, Plan, Reason, plan},
    key::{CacheKey, Codings},
    level::{EvidenceSet, Level, advice},
    proxy::{Preview, Problem, Settings},
    route::{LifetimeRules, Route, RouteTable, Treatment, format_duration},
    semantics::{
        Now,
        cache_status::{CacheStatus, Fwd, Handling},
        freshness::FreshnessLifetime,
    },
};
use answer::{Judged, answer};

/// An answer of the origin's that is to be judged.
#[derive(Clone, Debug)]
pub struct GivenAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub fields: HeaderMap,
}

/// Says what would happen to a request while nothing is stored under its key, and to the answer where one is given.
///
/// # Errors
/// The problem that the client would get.
pub fn explain(
    question: &Question,
    given: Option<&GivenAnswer>,
    routes: &RouteTable,
    settings: &Settings,
    now: Now,
) -> Result<Explanation, Problem> {
    let preview = question.preview(now, settings, routes)?;
    let (decision, request_evidence) = decide(&preview, question.fields(), settings, now);
    let given = given.filter(|_| !decision.is_only_if_cached());
    let judged = given.and_then(|given| answer(question, given, &preview, settings, now));
    let evidence = judged.as_ref().map_or(request_evidence, |judged| judged.evidence);
    let level = judged.as_ref().map_or_else(|| evidence.level(), |judged| judged.level);
    let seen = match (&preview.classified, &judged) {
        (Classified::Bypass(bypass), _) => Some(Seen::bypassed(*bypass)),
        (_, judged) => judged.as_ref().and_then(|judged| judged.seen),
    };
    Ok(Explanation {
        lifetime: lifetime(&preview, judged.as_ref()),
        cache_status: seen.and_then(|seen| seen.line(&preview.route, settings)),
        response: judged.map(|judged| judged.said),
        ..described(&preview, question, decision, evidence, level)
    })
}

/// What there is to say about a request whatever answers it.
fn described(
    preview: &Preview,
    question: &Question,
    decision: Decided,
    evidence: EvidenceSet,
    level: Option<Level>,
) -> Explanation {
    let sent = question.fields();
    Explanation {
        request: AskedFor { method: question.method().to_string(), url: preview.target.to_string() },
        route: route_said(&preview.route),
        evidence: evidence
            .iter()
            .map(|found| EvidenceSaid { name: found.name().into(), level: found.level().number() })
            .collect(),
        level: level.map(LevelSaid::of),
        decision,
        key: preview.key.as_ref().map(ToString::to_string),
        explicit_state: preview.key.as_ref().map(|key| explicit_state(key, Codings::accepted(sent))),
        origin_request: origin_request(preview),
        left_behind: left_behind(preview, sent),
        lifetime: lifetime(preview, None),
        response: None,
        cache_status: None,
        advice: level.map_or_else(Vec::new, |level| advice(level).iter().map(|&word| word.into()).collect()),
    }
}

/// What Cache-Status says: what was done, at which level, and why.
#[derive(Clone, Copy, Debug)]
struct Seen {
    handling: Handling,
    level: Option<Level>,
    reason: Option<Reason>,
}

impl Seen {
    const fn forwarded(why: Fwd, level: Option<Level>, reason: Option<Reason>) -> Self {
        Self { handling: Handling::forwarded(why), level, reason }
    }

    fn bypassed(bypass: Bypass) -> Self {
        let Bypass { fwd, reason, evidence } = bypass;
        Self::forwarded(fwd, evidence.level().filter(|_| fwd != Fwd::Method), reason)
    }

    /// The line; none where the operator has it off.
    fn line(self, route: &Route, settings: &Settings) -> Option<String> {
        let Self { handling, level, reason } = self;
        let line = CacheStatus { handling, level, route: &route.name, detail: reason.map(Reason::name) };
        let value = line.to_value();
        settings.cache_status.then(|| String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

impl LevelSaid {
    fn of(level: Level) -> Self {
        Self { number: level.number(), name: level.name().into() }
    }
}

impl Decided {
    fn bypass(bypass: Bypass) -> Self {
        Self {
            action: "bypass".into(),
            fwd: Some(bypass.fwd.name().into()),
            reason: bypass.reason.map(|reason| reason.name().into()),
        }
    }
}

fn keyed(preview: &Preview) -> Option<&Keyed> {
    match &preview.classified {
        Classified::Keyed(keyed) => Some(keyed),
        Classified::Bypass(_) | Classified::OnlyIfCached => None,
    }
}

/// The decision while nothing is stored, with the evidence of route and request.
fn decide(preview: &Preview, fields: &HeaderMap, settings: &Settings, now: Now) -> (Decided, EvidenceSet) {
    match &preview.classified {
        Classified::Bypass(bypass) => (Decided::bypass(*bypass), bypass.evidence),
        Classified::OnlyIfCached => (Decided::ONLY_IF_CACHED, EvidenceSet::EMPTY),
        Classified::Keyed(keyed) => {
            let decided = match plan(keyed, fields, [], None, &settings.policy, now) {
                Plan::OnlyIfCached => Decided::ONLY_IF_CACHED,
                _ => Decided { action: "fetch".into(), fwd: Some("uri-miss".into()), reason: None },
            };
            (decided, keyed.evidence)
        }
    }
}

fn route_said(route: &Route) -> RouteSaid {
    let level = match route.treatment {
        Treatment::Declared(level) => level.name(),
        Treatment::Origin => "origin",
    };
    RouteSaid { name: route.name.clone(), path: route.matches.path.as_str().to_owned(), level: level.into() }
}

fn explicit_state(key: &CacheKey, codings: Codings) -> ExplicitState {
    let parts = key.parts();
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    ExplicitState {
        method: parts.method.to_method().to_string(),
        scheme: parts.scheme.to_string(),
        authority: parts.authority.to_owned(),
        path: parts.path.to_owned(),
        query: parts.query.map(str::to_owned),
        fields: parts.fields.iter().map(|(name, value)| ((*name).to_owned(), value.map(text))).collect(),
        accept_encoding: codings.as_str().into(),
    }
}

fn origin_request(preview: &Preview) -> OriginRequest {
    let request = &preview.outgoing;
    // A traceparent is new each time: showing one would say that it is part of the answer.
    let fields = request
        .headers()
        .iter()
        .filter(|(name, _)| *name != "traceparent")
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    OriginRequest {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        fields: fields.collect(),
    }
}

/// Query parameters and fields of the client that the origin would not see, by name.
fn left_behind(preview: &Preview, sent: &HeaderMap) -> LeftBehind {
    let names = |query: Option<&str>| -> Vec<String> {
        let parts = query.unwrap_or_default().split('&').filter(|part| !part.is_empty());
        parts.map(|part| part.split('=').next().unwrap_or(part).to_owned()).collect()
    };
    let kept = names(preview.outgoing.uri().query());
    let mut query: Vec<String> =
        names(preview.target.query()).into_iter().filter(|name| !kept.contains(name)).collect();
    query.dedup();
    let outgoing = preview.outgoing.headers();
    let fields = sent.keys().filter(|name| !outgoing.contains_key(*name)).map(ToString::to_string).collect();
    LeftBehind { query, fields }
}

fn lifetime(preview: &Preview, judged: Option<&Judged>) -> String {
    if let Some(judged) = judged {
        return match judged.lifetime {
            Some(_) if judged.always_validate => "stored, and validated each time".to_owned(),
            Some(FreshnessLifetime::Forever) => "for ever: it ends by eviction or purge".to_owned(),
            Some(FreshnessLifetime::Finite(lifetime)) => jittered(lifetime, &preview.route.lifetime),
            None => "not stored".to_owned(),
        };
    }
    match (&preview.classified, preview.route.treatment) {
        (Classified::Bypass(_) | Classified::OnlyIfCached, _) => "not stored".to_owned(),
        (_, Treatment::Declared(Level::Permanent)) => {
            "for ever, unless the origin states a lifetime: it ends by eviction or purge".to_owned()
        }
        (_, Treatment::Declared(_)) => {
            let rules = &preview.route.lifetime;
            format!(
                "{}, unless the origin states a lifetime",
                jittered(rules.ttl.max(rules.min_ttl.unwrap_or_default()), rules)
            )
        }
        (_, Treatment::Origin) => "as long as the origin's own fields say".to_owned(),
    }
}

fn jittered(lifetime: Duration, rules: &LifetimeRules) -> String {
    if lifetime.is_zero() {
        return "0s: validated each time".to_owned();
    }
    let longest = format_duration(lifetime);
    if rules.jitter > 0.0 { format!("up to {longest}, shortened by jitter") } else { longest }
}

/// That a request would be refused, in words.
pub fn would_be_refused(problem: Problem) -> String {
    format!("this request would be refused with {}: {}", problem.status(), problem.name())
}
