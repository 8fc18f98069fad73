//! `plimsoll explain`: what would happen to a request, and why, without a network.

mod answer;
mod said;
mod text;

use std::{net::Ipv4Addr, path::PathBuf, process::ExitCode, time::Duration};

use bytes::Bytes;
use clap::Args;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri,
    header::{CONTENT_LENGTH, HOST},
    request::Parts,
};

pub use said::Explanation;

use super::{COULD_NOT_START, serve};
use crate::{
    config::{Config, format_duration},
    decision::{Bypass, Classified, Keyed, Plan, Reason, plan},
    key::{CacheKey, Codings, Scheme},
    level::{EvidenceSet, Level, advice},
    observe::{Clock as _, SystemClock},
    proxy::{Peer, Preview, Settings},
    route::{LifetimeRules, Route, Treatment},
    semantics::{
        Now,
        cache_status::{CacheStatus, Fwd},
        freshness::FreshnessLifetime,
    },
};
use answer::{Judged, Seen, answer};
use said::{
    AskedFor, Decided, EvidenceSaid, ExplicitState, LeftBehind, LevelSaid, ONLY_IF_CACHED, OriginRequest,
    RouteSaid,
};

/// Say what would happen to a request, and why, without a network
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  plimsoll explain '/product/1234&language=french'\n  \
    plimsoll explain -H 'Cookie: sid=1' --json /my-cart\n  \
    plimsoll explain --status 200 --response 'Set-Cookie: sid=1' /product/1234\n\n\
    Exit status: 0 explained; 1 the request would be refused; 2 bad usage or bad config.")]
pub struct ExplainArgs {
    /// The config file
    #[arg(long, value_name = "FILE", default_value = serve::DEFAULT_CONFIG)]
    pub config: PathBuf,
    /// The request's method
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub method: Method,
    /// A field of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The request's content
    #[arg(short = 'd', long, value_name = "TEXT", default_value = "")]
    pub data: String,
    /// A field of the origin's answer: says also what would become of it; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    pub response: Vec<(HeaderName, HeaderValue)>,
    /// The status of the origin's answer
    #[arg(long, value_name = "CODE", value_parser = status)]
    pub status: Option<StatusCode>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// The target: a path, or an absolute URL
    pub url: Uri,
}

fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| format!("`{name}` is not a field name"))?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "no field can have this value".to_owned())?;
    Ok((name, value))
}

fn status(text: &str) -> Result<StatusCode, String> {
    let final_status = text.parse().ok().filter(|status: &StatusCode| !status.is_informational());
    final_status.ok_or_else(|| "a status is a number from 200 to 599".to_owned())
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> ExitCode {
    let config = match Config::load(&args.config) {
        Ok(loaded) => loaded.config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(COULD_NOT_START);
        }
    };
    match explain(args, &config, SystemClock::start().now()) {
        Ok(explanation) if args.json => match serde_json::to_string_pretty(&explanation) {
            Ok(json) => {
                println!("{json}");
                ExitCode::SUCCESS
            }
            Err(error) => super::could_not_start(&error),
        },
        Ok(explanation) => {
            print!("{explanation}");
            ExitCode::SUCCESS
        }
        Err(refused) => {
            eprintln!("plimsoll: {refused}");
            ExitCode::FAILURE
        }
    }
}

/// Says what would happen to a request, and to the answer where one is given, by the functions that the proxy calls:
/// `tests/it/agreement.rs` holds the two together. The config comes from `config`; the one that `args` name is not read.
///
/// # Errors
/// The request would be refused, with this status and for this reason.
pub fn explain(args: &ExplainArgs, config: &Config, now: Now) -> Result<Explanation, String> {
    let settings = serve::proxy_settings(config);
    let (head, scheme) = head(args)?;
    let sent = head.headers.clone();
    let peer = Peer { address: Some(Ipv4Addr::LOCALHOST.into()), scheme };
    let content = Bytes::from(args.data.clone());
    let preview = Preview::of(head, content, peer, now, &settings, &config.routes).map_err(|problem| {
        format!("this request would be refused with {}: {}", problem.status(), problem.name())
    })?;
    let (decided, request_evidence) = decide(&preview, &sent, &settings, now);
    let is_answered = args.asks_about_response() && decided.action != ONLY_IF_CACHED.action;
    let judged = is_answered.then(|| answer(args, &preview, &sent, &settings, now)).flatten();
    let evidence = judged.as_ref().map_or(request_evidence, |judged| judged.evidence);
    let level = judged.as_ref().map_or_else(|| evidence.level(), |judged| judged.level);
    Ok(Explanation {
        request: AskedFor { method: args.method.to_string(), url: preview.target.to_string() },
        route: route_said(&preview.route),
        evidence: evidence
            .iter()
            .map(|found| EvidenceSaid { name: found.name(), level: found.level().number() })
            .collect(),
        level: level.map(|level| LevelSaid { number: level.number(), name: level.name() }),
        decision: decided,
        key: preview.key.as_ref().map(ToString::to_string),
        explicit_state: preview.key.as_ref().map(|key| explicit_state(key, Codings::accepted(&sent))),
        left_behind: left_behind(&preview, &sent),
        lifetime: lifetime(&preview, judged.as_ref()),
        cache_status: cache_status(&preview, judged.as_ref(), &settings),
        response: judged.map(|judged| judged.said),
        origin_request: origin_request(&preview),
        advice: level.map_or_else(Vec::new, |level| advice(level).to_vec()),
    })
}

impl ExplainArgs {
    fn asks_about_response(&self) -> bool {
        self.status.is_some() || !self.response.is_empty()
    }
}

/// The request as a client would send it, and the scheme of its connection.
fn head(args: &ExplainArgs) -> Result<(Parts, Scheme), String> {
    let mut request = Request::new(());
    *request.method_mut() = args.method.clone();
    *request.uri_mut() = args.url.clone();
    let scheme = args.url.scheme_str().map_or(Some(Scheme::Http), Scheme::parse);
    let scheme = scheme.ok_or("the URL must be a path, or start with http:// or https://")?;
    for (name, value) in &args.headers {
        request.headers_mut().append(name, value.clone());
    }
    if !request.headers().contains_key(HOST) {
        let authority = args.url.authority().map_or("localhost", |authority| authority.as_str());
        request
            .headers_mut()
            .insert(HOST, HeaderValue::try_from(authority).map_err(|error| error.to_string())?);
    }
    // As any client says how long its content is.
    if !args.data.is_empty() && !request.headers().contains_key(CONTENT_LENGTH) {
        request.headers_mut().insert(CONTENT_LENGTH, args.data.len().into());
    }
    Ok((request.into_parts().0, scheme))
}

fn keyed(preview: &Preview) -> Option<&Keyed> {
    match &preview.classified {
        Classified::Keyed(keyed) => Some(keyed),
        Classified::Bypass(_) | Classified::OnlyIfCached => None,
    }
}

fn decide(preview: &Preview, fields: &HeaderMap, settings: &Settings, now: Now) -> (Decided, EvidenceSet) {
    let bypass = match &preview.classified {
        Classified::Bypass(bypass) => *bypass,
        Classified::OnlyIfCached => return (ONLY_IF_CACHED, EvidenceSet::EMPTY),
        Classified::Keyed(keyed) => {
            let decided = match plan(keyed, fields, [], None, &settings.policy, now) {
                Plan::OnlyIfCached => ONLY_IF_CACHED,
                _ => Decided { action: "fetch", fwd: Some("uri-miss"), reason: None },
            };
            return (decided, keyed.evidence);
        }
    };
    let reason = bypass.reason.map(Reason::name);
    (Decided { action: "bypass", fwd: Some(bypass.fwd.name()), reason }, bypass.evidence)
}

/// What Cache-Status would say, where it does not depend on an answer that is not there.
fn cache_status(preview: &Preview, judged: Option<&Judged>, settings: &Settings) -> Option<String> {
    let seen = match (&preview.classified, judged) {
        (Classified::Bypass(Bypass { fwd, reason, evidence }), _) => {
            Seen::forwarded(*fwd, evidence.level().filter(|_| *fwd != Fwd::Method), *reason)
        }
        (_, judged) => judged?.seen?,
    };
    let Seen { handling, level, reason } = seen;
    let route = preview.route.name.as_str();
    let line = CacheStatus { handling, level, route, detail: reason.map(Reason::name) }.to_value();
    settings.cache_status.then(|| String::from_utf8_lossy(line.as_bytes()).into_owned())
}

fn route_said(route: &Route) -> RouteSaid {
    let level = match route.treatment {
        Treatment::Declared(level) => level.name(),
        Treatment::Origin => "origin",
    };
    RouteSaid { name: route.name.clone(), path: route.matches.path.as_str().to_owned(), level }
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
        accept_encoding: codings.as_str(),
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

#[cfg(test)]
mod tests;
