//! The third question, when the head of the origin's answer is there: store it, pass it on, or discard it?
//! (RFC 9111 sections 3 and 4.3; the levels' own rules)

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HOST, LAST_MODIFIED, SET_COOKIE,
    },
};

use super::{
    Framing, Keyed, Nature, Policy, Reason, Refusal, Sharing, Stored, Times,
    heeded::{Heeded, content_coding, is_endless},
    lifetime::{declared_lifetime, jittered},
    plan::is_absent,
};
use crate::{
    key::{Codings, KeyMethod},
    level::{Evidence, EvidenceSet, Level, Profile},
    route::Route,
    semantics::{
        Now,
        freshness::{
            FreshnessLifetime, corrected_initial_age, date_of, explicit_lifetime, heuristic_lifetime,
        },
        partial::{Extent, Part, claims_to_be_a_part},
        range::asks_for_a_part,
        validation::{EntityTag, LastModified},
        vary::Nominations,
    },
};

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// An answer of the origin, as the decision sees it.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its fields, without those that concern one connection only.
    pub fields: &'a HeaderMap,
    /// How the end of its content is known.
    pub framing: Framing,
    /// Both clocks when the request was sent.
    pub asked: Now,
    /// Both clocks when the head arrived.
    pub received: Now,
    /// Whether the fetch was for the content, and not for the head only.
    pub with_content: bool,
    /// Chance, 0.0 to 1.0, for the route's jitter.
    pub chance: f64,
}

/// The answer to the third question.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What to do with the answer.
    pub verdict: Verdict,
    /// The evidence of route, request and response.
    pub evidence: EvidenceSet,
}

/// What to do with an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Store it.
    Store {
        /// Its metadata.
        stored: Box<Stored>,
        /// Fields that nobody gets.
        strip: Vec<HeaderName>,
        /// Fields that are not stored: only the client that asked gets them.
        unshared: Vec<HeaderName>,
        /// Why the client that asked does not get this answer, but its own: what is stored is not for it.
        not_for_client: Option<Reason>,
    },
    /// Pass it on to the client that asked, and store nothing.
    Refuse(Reason),
    /// It is not even for the client that asked: the client's own request is to be forwarded, and the key remembered.
    Discard(Reason),
}

/// What to do with this answer to a request of this route (see the module's words).
///
/// `request` are the client's own fields.
pub fn judge(
    answer: &Answered<'_>,
    request: &HeaderMap,
    keyed: &Keyed,
    route: &Route,
    policy: &Policy,
) -> Judgement {
    let heeded = Heeded::of(answer.fields, ignored(keyed, route), &policy.targeted);
    match keyed.declared {
        Some(level) => judge_hermetic(answer, &heeded, request, keyed, route, level, policy),
        None => judge_whole(answer, &heeded, request, keyed, route, policy),
    }
}

/// The fields that do not count: only where the fetch was hermetic can the operator know better than the origin.
fn ignored<'a>(keyed: &Keyed, route: &'a Route) -> &'a [HeaderName] {
    if keyed.declared.is_some() { &route.ignore } else { &[] }
}

/// An answer to a hermetic fetch: nothing but the key decided it, so anything that speaks of identity means that the
/// route was declared too low for this key.
fn judge_hermetic(
    answer: &Answered<'_>,
    heeded: &Heeded<'_>,
    request: &HeaderMap,
    keyed: &Keyed,
    route: &Route,
    level: Level,
    policy: &Policy,
) -> Judgement {
    let explicit = explicit_lifetime(&heeded.directives, &heeded.fields, answer.received.wall);
    let mut evidence = keyed.evidence.join(heeded.evidence()).join(heeded.identity_evidence(policy));
    if explicit.is_some() {
        evidence = evidence.with(Evidence::ExplicitFreshness);
    }
    if matches!(answer.status.as_u16(), 401 | 403 | 407) {
        evidence = evidence.with(Evidence::AccessControl);
    }
    let judged = |verdict| Judgement { verdict, evidence };
    if let (true, Some(decisive)) = (evidence.is_unshareable(), evidence.decisive()) {
        return judged(Verdict::Discard(decisive.into()));
    }
    let coding = content_coding(answer.fields);
    if let Some(refusal) = unfit_for_hermetic(answer, keyed, coding, policy) {
        return judged(Verdict::Discard(refusal.into()));
    }
    let undeclared = undeclared(heeded, keyed, route);
    let is_sent = |name: &HeaderName| route.forward.contains(name) && request.contains_key(name);
    let lifetime = match declared_lifetime(answer, explicit, level, &route.lifetime) {
        _ if let Some(refusal) = heeded.forbidden(answer.status) => Err(refusal),
        _ if answer.framing == Framing::CloseDelimited => Err(Refusal::CloseDelimited),
        // What `forward` sent has decided this answer: it is for this client, and for nobody else.
        _ if undeclared.iter().any(is_sent) => Err(Refusal::VaryUndeclared),
        lifetime => lifetime,
    };
    let withheld: Vec<_> = undeclared.iter().filter(|name| !is_sent(name)).collect();
    let not_for_client = not_for_client(answer.status, &withheld, request, keyed);
    let lifetime = match (lifetime, not_for_client) {
        (Ok(lifetime), _) => lifetime,
        // That it is not stored does not make it an answer for this client. A failing server's is, as any would be.
        (Err(_), Some(reason)) if !answer.status.is_server_error() => {
            return judged(Verdict::Discard(reason.into()));
        }
        (Err(refusal), _) => return judged(Verdict::Refuse(refusal.into())),
    };
    let varies_by_coding = heeded.vary.names().contains(&ACCEPT_ENCODING);
    let nature = Nature::Hermetic { offered: keyed.codings, varies_by_coding, undeclared };
    let stored = stored(
        answer,
        heeded,
        jittered(lifetime, &route.lifetime, answer.chance),
        coding,
        nature,
        evidence,
        route,
    );
    judged(Verdict::Store {
        stored: Box::new(stored),
        strip: route.ignore.iter().filter(|name| **name == SET_COOKIE).cloned().collect(),
        unshared: heeded.unshared(),
        not_for_client: not_for_client.map(Reason::from),
    })
}

/// Why an answer to a hermetic fetch, good for others, is not what the client that asked would have got itself.
fn not_for_client(
    status: StatusCode,
    withheld: &[&HeaderName],
    request: &HeaderMap,
    keyed: &Keyed,
) -> Option<Refusal> {
    if is_absent(status) && keyed.carried.any() {
        Some(Refusal::AbsentForIdentity)
    } else if withheld.iter().any(|name| request.contains_key(*name)) {
        Some(Refusal::VaryUndeclared)
    } else {
        None
    }
}

/// Why an answer to a hermetic fetch is of no use to the client that asked.
fn unfit_for_hermetic(
    answer: &Answered<'_>,
    keyed: &Keyed,
    coding: Option<Codings>,
    policy: &Policy,
) -> Option<Refusal> {
    if !matches!(answer.status.as_u16(), 200..=299 | 301 | 308 | 404 | 410 | 500..=599) {
        return Some(Refusal::StatusUnexpected);
    }
    if answer.status == StatusCode::PARTIAL_CONTENT || claims_to_be_a_part(answer.fields) {
        return Some(Refusal::PartialContent);
    }
    if is_endless(answer.fields) {
        return Some(Refusal::EndlessStream);
    }
    if is_too_large(answer, policy) {
        return Some(Refusal::TooLarge);
    }
    let usable = coding.is_some_and(|coding| keyed.codings.is_superset(coding));
    (!usable).then_some(Refusal::ContentCoding)
}

/// The fields that an answer's Vary names and the route does not declare. What the key holds anyway needs no word of
/// the route: the codings, the host and the scheme, and what the content of a QUERY is.
fn undeclared(heeded: &Heeded<'_>, keyed: &Keyed, route: &Route) -> Box<[HeaderName]> {
    let is_query = keyed.key.parts().method == KeyMethod::Query;
    let is_declared = |name: &HeaderName| {
        [ACCEPT_ENCODING, HOST, X_FORWARDED_PROTO].contains(name)
            || (is_query && [CONTENT_TYPE, CONTENT_ENCODING].contains(name))
            || route.state.fields.iter().any(|field| field.name == *name)
    };
    heeded.vary.names().iter().filter(|name| !is_declared(name)).cloned().collect()
}

/// An answer to a request that was forwarded whole: the origin's own fields decide (RFC 9111 section 3).
fn judge_whole(
    answer: &Answered<'_>,
    heeded: &Heeded<'_>,
    request: &HeaderMap,
    keyed: &Keyed,
    route: &Route,
    policy: &Policy,
) -> Judgement {
    let directives = &heeded.directives;
    let explicit = explicit_lifetime(directives, &heeded.fields, answer.received.wall);
    let sharing = Sharing {
        everybody: directives.public || directives.s_maxage.is_some(),
        must_revalidate: directives.must_revalidate,
    };
    let mut evidence = heeded.evidence();
    if policy.profile == Profile::Safe {
        evidence = evidence.join(heeded.identity_evidence(policy));
    }
    if !sharing.allows(keyed.carried, policy.profile) {
        evidence = evidence.join(keyed.evidence);
    }
    if explicit.is_some() {
        evidence = evidence.with(Evidence::ExplicitFreshness);
    }
    let judged = |verdict| Judgement { verdict, evidence };
    if let (true, Some(decisive)) = (evidence.is_unshareable(), evidence.decisive()) {
        return judged(Verdict::Refuse(decisive.into()));
    }
    if let Some(refusal) = unfit_to_store(answer, heeded, policy) {
        return judged(Verdict::Refuse(refusal.into()));
    }
    let rules = &route.lifetime;
    let given = explicit.map(|given| given.max(rules.min_ttl.unwrap_or_default()));
    let may_guess = policy.profile != Profile::Safe || directives.public || !is_of_one_request(answer.status);
    let guess = || heuristic_lifetime(answer.status, directives, &heeded.fields, answer.received.wall);
    let guessed = || may_guess.then(guess).flatten();
    let Some(lifetime) =
        given.or_else(guessed).or_else(|| heeded.validated_lifetime(answer.status, answer.received.wall))
    else {
        return judged(Verdict::Refuse(Refusal::NoFreshness.into()));
    };
    let extent = match extent(answer, request) {
        Ok(extent) => extent,
        Err(refusal) => return judged(Verdict::Refuse(refusal.into())),
    };
    let lifetime = FreshnessLifetime::Finite(lifetime.min(rules.max_ttl.unwrap_or(Duration::MAX)));
    let fields = Nominations::of(&heeded.vary, request, &heeded.fields);
    let nature = Nature::Nominated { fields, sharing };
    let coding = content_coding(answer.fields);
    let mut stored =
        stored(answer, heeded, jittered(lifetime, rules, answer.chance), coding, nature, evidence, route);
    let mut unshared = heeded.unshared();
    if extent != Extent::Whole {
        // A 206 is a part of what 200 would have been; which part is stated anew each time.
        stored.status = StatusCode::OK;
        stored.set_extent(extent);
        unshared.push(CONTENT_RANGE);
    }
    judged(Verdict::Store { stored: Box::new(stored), strip: Vec::new(), unshared, not_for_client: None })
}

/// Whether the status speaks of this request more than of its target. RFC 9110 section 15.1 lets a cache guess a lifetime
/// for these, but where an origin heeds more than method and target, one client's request would cause what all others get.
fn is_of_one_request(status: StatusCode) -> bool {
    matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::URI_TOO_LONG | StatusCode::NOT_IMPLEMENTED)
}

/// Which bytes an answer holds. A 206 is stored as the part that it says it is, if the request asked for one and the
/// content is framed by its length (RFC 9111 section 3.3).
fn extent(answer: &Answered<'_>, request: &HeaderMap) -> Result<Extent, Refusal> {
    if answer.status != StatusCode::PARTIAL_CONTENT {
        return if claims_to_be_a_part(answer.fields) {
            Err(Refusal::PartialContent)
        } else {
            Ok(Extent::Whole)
        };
    }
    let Framing::Length(length) = answer.framing else { return Err(Refusal::PartialContent) };
    Part::of_answer(answer.fields, length)
        .filter(|_| asks_for_a_part(request))
        .map(Extent::Part)
        .ok_or(Refusal::PartialContent)
}

/// Why an answer to a whole request is not stored, lifetimes aside.
fn unfit_to_store(answer: &Answered<'_>, heeded: &Heeded<'_>, policy: &Policy) -> Option<Refusal> {
    if let Some(refusal) = heeded.forbidden(answer.status) {
        Some(refusal)
    } else if !answer.with_content {
        Some(Refusal::HeadRequest)
    } else if matches!(answer.status, StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE) {
        // What they say is about the request's own condition or range, which is not in the key.
        Some(Refusal::StatusNotStorable)
    } else if is_endless(answer.fields) {
        Some(Refusal::EndlessStream)
    } else if is_too_large(answer, policy) {
        Some(Refusal::TooLarge)
    } else if answer.framing == Framing::CloseDelimited {
        Some(Refusal::CloseDelimited)
    } else {
        None
    }
}

fn is_too_large(answer: &Answered<'_>, policy: &Policy) -> bool {
    matches!(answer.framing, Framing::Length(length) if length > policy.max_object)
}

fn stored(
    answer: &Answered<'_>,
    heeded: &Heeded<'_>,
    lifetime: FreshnessLifetime,
    coding: Option<Codings>,
    nature: Nature,
    evidence: EvidenceSet,
    route: &Route,
) -> Stored {
    let directives = &heeded.directives;
    // The origin's s-maxage closes the operator's window but not its own (RFC 9111 sections 4.2.4 and 5.2.2.10).
    let is_closed = directives.s_maxage.is_some();
    let window = |given: Option<Duration>, rule: Option<Duration>| {
        let window = given.or(if is_closed { None } else { rule }).unwrap_or_default();
        if directives.forbids_stale() { Duration::ZERO } else { window }
    };
    let times = Times::new(
        corrected_initial_age(answer.fields, answer.asked, answer.received),
        answer.received.mono,
        date_of(answer.fields, answer.received.wall),
        lifetime,
    );
    let rules = &route.lifetime;
    Stored {
        status: answer.status,
        times: times.with_windows(
            window(directives.stale_while_revalidate, rules.stale_while_revalidate),
            window(directives.stale_if_error, rules.stale_if_error),
        ),
        always_validate: directives.no_cache.is_whole(),
        immutable: directives.immutable,
        forbids_stale: directives.forbids_stale() || directives.s_maxage.is_some(),
        tag: answer.fields.get(ETAG).and_then(EntityTag::new),
        last_modified: answer.fields.get(LAST_MODIFIED).map(LastModified::new),
        rare: None,
        coding,
        nature,
        evidence,
    }
}
