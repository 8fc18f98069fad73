//! What a running proxy holds under the key of a request, and what it would do with the request now: planned with what
//! is stored and remembered, by the functions that the proxy calls.

use http::{
    HeaderMap, HeaderName,
    header::{CONTENT_ENCODING, CONTENT_TYPE, PROXY_AUTHORIZATION},
};

use super::{
    Explanation, InFlightSaid, LevelSaid, Live, MemorySaid, NominatedSaid, NowSaid, PartSaid, Question, Seen,
    VariantSaid, decide, described,
};
use crate::{
    decision::{Bypass, Classified, Nature, Plan, Reason, Stored, plan},
    level::Identity,
    proxy::{Known, Preview, Problem, Settings, Shared},
    semantics::{
        Now,
        cache_status::{Fwd, Handling},
        freshness::{FreshnessLifetime, Remaining},
        partial::Part,
    },
    store::{Entry, Variants},
};

/// What stands in the place of a value that says who asks.
const HIDDEN: &str = "(hidden)";

/// Says what there is to say about a request, what this proxy holds under its key, and what it would do with it now.
///
/// Values of fields that say who asks are hidden: an explanation is shown around.
///
/// # Errors
/// The problem that the client would get.
pub fn explain_live(question: &Question, shared: &Shared) -> Result<Live, Problem> {
    let (settings, moment) = (shared.settings(), shared.now());
    let preview = question.preview(moment, settings, shared.routes())?;
    let known = preview.key.as_ref().map(|key| shared.look(key, moment)).unwrap_or_default();
    let outlook = Outlook::of(&preview, question.fields(), &known, settings, moment);
    let (decision, mut evidence) = decide(&preview, question.fields(), settings, moment);
    // What is remembered about the key is evidence too.
    if let Some(Plan::Bypass(bypass)) = &outlook.plan {
        evidence = evidence.join(bypass.evidence);
    }
    let now = outlook.said(&preview, settings);
    let mut explanation = described(&preview, question, decision, evidence, evidence.level());
    explanation.cache_status.clone_from(&now.cache_status);
    hide_identity(&mut explanation, &settings.policy.identity);
    let entries = known.variants.iter().flat_map(Variants::iter).enumerate();
    Ok(Live {
        explanation,
        stored: entries
            .map(|(index, entry)| {
                let selected = outlook.variant() == Some(index);
                variant_said(entry, selected, moment, &settings.policy.identity)
            })
            .collect(),
        memory: MemorySaid {
            uncacheable: known.uncacheable.map(|reason| reason.name().into()),
            not_shared: known.is_unshared,
        },
        in_flight: known.followers.map(|followers| InFlightSaid { followers }),
        now,
    })
}

/// What would become of a request.
struct Outlook<'a> {
    /// The plan; none where the request may not be answered at all.
    plan: Option<Plan>,
    variants: Vec<&'a Stored>,
}

impl<'a> Outlook<'a> {
    fn of(preview: &Preview, fields: &HeaderMap, known: &'a Known, settings: &Settings, moment: Now) -> Self {
        let entries = known.variants.iter().flat_map(Variants::iter);
        let variants: Vec<&Stored> = entries.map(|entry| entry.meta()).collect();
        let plan = match &preview.classified {
            Classified::Bypass(bypass) => Some(Plan::Bypass(*bypass)),
            Classified::OnlyIfCached => None,
            Classified::Keyed(keyed) => {
                let stored = variants.iter().copied();
                Some(plan(keyed, fields, stored, known.uncacheable, &settings.policy, moment))
            }
        };
        Self { plan, variants }
    }

    /// The stored response that the plan is about.
    const fn variant(&self) -> Option<usize> {
        match self.plan {
            Some(
                Plan::Serve { variant, .. }
                | Plan::ServeStale { variant, .. }
                | Plan::Validate { variant, .. }
                | Plan::Complete { variant, .. },
            ) => Some(variant),
            Some(Plan::Fetch { .. } | Plan::Bypass(_) | Plan::OnlyIfCached) | None => None,
        }
    }

    fn said(&self, preview: &Preview, settings: &Settings) -> NowSaid {
        let level = self.variant().and_then(|index| self.variants.get(index)).map(|stored| stored.level());
        let hit = |remaining: Remaining| Seen {
            handling: Handling::Hit { ttl: remaining.ttl() },
            level,
            reason: None,
        };
        let (action, fwd, seen) = match &self.plan {
            Some(Plan::Serve { remaining, .. }) => ("hit", None, Some(hit(*remaining))),
            Some(Plan::ServeStale { since, .. }) => ("hit-stale", None, Some(hit(Remaining::Stale(*since)))),
            Some(Plan::Validate { fwd, .. }) => ("validate", Some(*fwd), None),
            Some(Plan::Complete { .. }) => ("complete", Some(Fwd::Partial), None),
            Some(Plan::Fetch { fwd }) => ("fetch", Some(*fwd), None),
            Some(Plan::Bypass(bypass)) => ("bypass", Some(bypass.fwd), Some(Seen::bypassed(*bypass))),
            Some(Plan::OnlyIfCached) | None => ("only-if-cached", None, None),
        };
        NowSaid {
            action: action.into(),
            fwd: fwd.map(|fwd| fwd.name().into()),
            reason: self.reason().map(|reason| reason.name().into()),
            cache_status: seen.and_then(|seen| seen.line(&preview.route, settings)),
        }
    }

    const fn reason(&self) -> Option<Reason> {
        match self.plan {
            Some(Plan::Bypass(Bypass { reason, .. })) => reason,
            _ => None,
        }
    }
}

fn variant_said(entry: &Entry<Stored>, selected: bool, now: Now, identity: &Identity) -> VariantSaid {
    let stored = entry.meta();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let field = |name: &HeaderName| {
        let head = entry.head();
        let mut lines = head.lines();
        lines.find(|(known, _)| *known == name.as_str().as_bytes()).map(|(_, value)| text(value))
    };
    let remaining = stored.remaining(now);
    VariantSaid {
        selected,
        status: stored.status.as_u16(),
        level: LevelSaid::of(stored.level()),
        age: stored.age(now).as_secs(),
        lifetime: match stored.times.lifetime() {
            FreshnessLifetime::Forever => None,
            FreshnessLifetime::Finite(lifetime) => Some(lifetime.as_secs_f64()),
        },
        remaining: remaining_said(remaining),
        ttl: remaining.ttl(),
        stale_while_revalidate: stored.times.stale_while_revalidate().as_secs_f64(),
        stale_if_error: stored.times.stale_if_error().as_secs_f64(),
        softly_purged: stored.is_ended(),
        validated_each_time: stored.always_validate,
        never_stale: stored.forbids_stale,
        content_length: entry.body().len(),
        content_type: field(&CONTENT_TYPE),
        content_encoding: field(&CONTENT_ENCODING),
        part: stored.extent().part().map(part_said),
        etag: stored.tag.as_ref().map(|tag| text(tag.as_bytes())),
        last_modified: stored
            .last_modified
            .as_ref()
            .and_then(|modified| Some(text(modified.to_value()?.as_bytes()))),
        varies_by: varies_by(stored, identity),
        memory_bytes: entry.resident_bytes(),
    }
}

fn remaining_said(remaining: Remaining) -> String {
    let seconds = remaining.ttl().unwrap_or_default().unsigned_abs();
    match remaining {
        Remaining::Forever => "never expires".to_owned(),
        Remaining::Fresh(_) => format!("fresh for {seconds}s"),
        Remaining::Stale(_) => format!("stale for {seconds}s"),
    }
}

pub(super) fn part_said(part: Part) -> PartSaid {
    let range = part.range();
    PartSaid { first: range.start, last: range.end.saturating_sub(1), complete: part.complete() }
}

/// What a stored response nominates: by its Vary, as far as that is not in the key.
fn varies_by(stored: &Stored, identity: &Identity) -> Vec<NominatedSaid> {
    let said =
        |name: &str, value: Option<String>| NominatedSaid { name: name.to_owned(), value, hidden: false };
    match &stored.nature {
        Nature::Hermetic { offered, varies_by_coding, undeclared } => {
            let coding = varies_by_coding.then(|| said("accept-encoding", Some(offered.as_str().to_owned())));
            // A hermetic fetch has no field that the route does not declare.
            coding.into_iter().chain(undeclared.iter().map(|name| said(name.as_str(), None))).collect()
        }
        Nature::Nominated { fields, .. } => fields
            .values()
            .map(|(name, value)| {
                let hidden = value.is_some() && says_who_asks(name, identity);
                let value = value.filter(|_| !hidden).map(|value| value.escape_ascii().to_string());
                NominatedSaid { hidden, ..said(name.as_str(), value) }
            })
            .collect(),
    }
}

/// Whether a field may say who asks: by the word of the operator, or as it usually does. To hide one too many does less
/// harm than to show one.
fn says_who_asks(name: &HeaderName, identity: &Identity) -> bool {
    let is_known = |identity: &Identity| identity.is_user_field(name) || identity.is_session_field(name);
    *name == PROXY_AUTHORIZATION || is_known(identity) || is_known(&Identity::default())
}

/// Takes the values of fields that say who asks out of an explanation.
fn hide_identity(explanation: &mut Explanation, identity: &Identity) {
    let is_hidden = |name: &str| HeaderName::try_from(name).is_ok_and(|name| says_who_asks(&name, identity));
    for (_, value) in explanation.origin_request.fields.iter_mut().filter(|(name, _)| is_hidden(name)) {
        HIDDEN.clone_into(value);
    }
    // Where nothing is stored, explicit state may name such a field.
    let Some(state) = &mut explanation.explicit_state else { return };
    for (name, value) in state.fields.iter_mut().filter(|(name, _)| is_hidden(name)) {
        let Some(value) = value else { continue };
        if let Some(key) = &mut explanation.key {
            *key = key.replace(&format!(" {name}=\"{value}\""), &format!(" {name}={HIDDEN}"));
        }
        HIDDEN.clone_into(value);
    }
}
