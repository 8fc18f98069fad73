//! An explanation as text, for people.

use std::fmt;

use crate::explain::{Decided, Explanation, Live, NominatedSaid, NowSaid, VariantSaid};

/// An explanation as rows with a label each.
pub(super) struct Text<'a> {
    explanation: &'a Explanation,
    live: Option<&'a Live>,
}

impl<'a> Text<'a> {
    /// That of a config.
    pub(super) const fn of(explanation: &'a Explanation) -> Self {
        Self { explanation, live: None }
    }

    /// That of a running proxy.
    pub(super) const fn of_live(live: &'a Live) -> Self {
        Self { explanation: &live.explanation, live: Some(live) }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.explanation;
        let Explanation { request, route, decision, .. } = said;
        row(f, "request", &format!("{} {}", request.method, request.url))?;
        row(f, "route", &format!("{} ({}), level {}", route.name, route.path, route.level))?;
        for found in &said.evidence {
            row(f, "evidence", &format!("{}: level {}", found.name, found.level))?;
        }
        match &said.level {
            Some(level) => row(f, "level", &format!("{} {}", level.number, level.name))?,
            None => row(f, "level", "unknown: there is no evidence")?,
        }
        row(f, "decision", &decision_text(decision))?;
        key_and_state(f, said)?;
        to_origin(f, said)?;
        row(f, "lifetime", &said.lifetime)?;
        answer(f, said)?;
        if let Some(live) = self.live {
            stored(f, live)?;
        }
        if let Some(line) = &said.cache_status {
            row(f, "client sees", &format!("Cache-Status: {line}"))?;
        }
        said.advice.iter().try_for_each(|advice| row(f, "advice", advice))
    }
}

fn decision_text(decision: &Decided) -> String {
    match &*decision.action {
        "fetch" => "looked up in the store; on a miss fetched, and judged when the answer comes".to_owned(),
        "bypass" => {
            format!("forwarded as it came{}", forwarded(decision.fwd.as_deref(), decision.reason.as_deref()))
        }
        _ => "answered only from the store, with 504 where nothing is stored".to_owned(),
    }
}

/// Why a request goes to the origin.
fn forwarded(fwd: Option<&str>, reason: Option<&str>) -> String {
    format!(" (fwd={}){}", fwd.unwrap_or_default(), because(reason))
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(", because of {reason}")).unwrap_or_default()
}

fn key_and_state(f: &mut fmt::Formatter<'_>, said: &Explanation) -> fmt::Result {
    let Some(key) = &said.key else {
        return row(f, "key", "none: no cache answers this method");
    };
    let unused = if said.decision.action == "bypass" { " (not looked up: the request bypasses)" } else { "" };
    row(f, "key", &format!("{key}{unused}"))?;
    let Some(state) = &said.explicit_state else { return Ok(()) };
    row(f, "state", &format!("{} {} {} {}", state.method, state.scheme, state.authority, state.path))?;
    if let Some(query) = &state.query {
        row(f, "", &format!("query {query}"))?;
    }
    for (name, value) in &state.fields {
        row(f, "", &format!("{name}: {}", value.as_deref().unwrap_or("(absent)")))?;
    }
    row(f, "", &format!("accept-encoding: {}", state.accept_encoding))
}

fn to_origin(f: &mut fmt::Formatter<'_>, said: &Explanation) -> fmt::Result {
    let request = &said.origin_request;
    row(f, "to origin", &format!("{} {}", request.method, request.target))?;
    for (name, value) in &request.fields {
        row(f, "", &format!("{name}: {value}"))?;
    }
    let left = &said.left_behind;
    if !left.query.is_empty() {
        row(f, "stays here", &format!("query {}", left.query.join(", ")))?;
    }
    if !left.fields.is_empty() {
        row(f, "stays here", &format!("fields {}", left.fields.join(", ")))?;
    }
    Ok(())
}

/// What would become of the answer that was given.
fn answer(f: &mut fmt::Formatter<'_>, said: &Explanation) -> fmt::Result {
    let Some(response) = &said.response else { return Ok(()) };
    let because = because(response.reason.as_deref());
    row(
        f,
        "answer",
        &match &*response.verdict {
            "store" => format!("{} is stored{because}", response.status),
            "pass" => format!("{} is passed on and not stored{because}", response.status),
            "error" => format!("{} answers nothing that was asked: the client gets 502", response.status),
            _ => format!(
                "{} is discarded{because}: the client's own request is forwarded, nothing is stored",
                response.status
            ),
        },
    )?;
    row(f, "again", &format!("the same request right after: {}", response.again))
}

/// What the running proxy holds, and what it would do now.
fn stored(f: &mut fmt::Formatter<'_>, live: &Live) -> fmt::Result {
    if live.stored.is_empty() {
        row(f, "stored", "nothing under this key")?;
    }
    for variant in &live.stored {
        stored_variant(f, variant)?;
    }
    if let Some(reason) = &live.memory.uncacheable {
        row(f, "remembered", &format!("uncacheable for a while, because of {reason}"))?;
    }
    if live.memory.not_shared {
        row(f, "remembered", "not shared for a while: nobody waits for the fetch of another")?;
    }
    if let Some(flight) = live.in_flight {
        let followers = match flight.followers {
            0 => "nobody follows it yet".to_owned(),
            1 => "1 request follows it".to_owned(),
            n => format!("{n} requests follow it"),
        };
        row(f, "in flight", &format!("a fetch for this key: {followers}"))?;
    }
    row(f, "now", &now_text(&live.now, live))
}

fn stored_variant(f: &mut fmt::Formatter<'_>, variant: &VariantSaid) -> fmt::Result {
    let mark = if variant.selected { " (the one for this request)" } else { "" };
    let VariantSaid { status, level, age, remaining, .. } = variant;
    row(
        f,
        "stored",
        &format!("{status}, level {} {}, age {age}s, {remaining}{mark}", level.number, level.name),
    )?;
    let mut rules = Vec::new();
    if variant.softly_purged {
        rules.push("ended by a soft purge".to_owned());
    }
    if variant.validated_each_time {
        rules.push("validated each time".to_owned());
    }
    if variant.never_stale {
        rules.push("never used stale".to_owned());
    }
    if variant.stale_while_revalidate > 0.0 {
        rules.push(format!("stale-while-revalidate {}s", variant.stale_while_revalidate));
    }
    if variant.stale_if_error > 0.0 {
        rules.push(format!("stale-if-error {}s", variant.stale_if_error));
    }
    if !rules.is_empty() {
        row(f, "", &rules.join(", "))?;
    }
    row(f, "", &content(variant))?;
    let validators: Vec<String> = [("etag", &variant.etag), ("last-modified", &variant.last_modified)]
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?)))
        .collect();
    let validators = if validators.is_empty() { "no validator".to_owned() } else { validators.join(", ") };
    row(f, "", &validators)?;
    variant.varies_by.iter().try_for_each(|field| row(f, "", &format!("varies by {}", nominated(field))))
}

/// What is held of the content, and what it costs.
fn content(variant: &VariantSaid) -> String {
    let mut parts = vec![match variant.part {
        None => format!("{} bytes", variant.content_length),
        Some(part) => format!("bytes {} to {} of {}", part.first, part.last, part.complete),
    }];
    parts.extend([&variant.content_type, &variant.content_encoding].into_iter().flatten().cloned());
    parts.push(format!("{} bytes of memory", variant.memory_bytes));
    parts.join(", ")
}

fn nominated(field: &NominatedSaid) -> String {
    let value = match &field.value {
        _ if field.hidden => "(hidden)",
        Some(value) => value,
        None => "(absent)",
    };
    format!("{}: {value}", field.name)
}

fn now_text(now: &NowSaid, live: &Live) -> String {
    let selected = live.stored.iter().find(|variant| variant.selected);
    let has_validator =
        selected.is_some_and(|variant| variant.etag.is_some() || variant.last_modified.is_some());
    let word = &now.action;
    let what = match &**word {
        "hit" => "answered from the store",
        "hit-stale" => "answered from the store, and refreshed meanwhile",
        "validate" if has_validator => "the origin is asked whether what is stored is still good",
        "validate" => "fetched anew: what is stored has no validator",
        "complete" => "the origin is asked for the bytes that are missing",
        "fetch" => "the origin is asked",
        "bypass" => "forwarded as it came",
        _ => "504: nothing stored may be used, and the request forbids to ask the origin",
    };
    let why = now.fwd.as_deref().map(|fwd| forwarded(Some(fwd), now.reason.as_deref())).unwrap_or_default();
    format!("{word}: {what}{why}")
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    writeln!(f, "{label:<11} {text}")
}
