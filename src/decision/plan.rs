//! The second question: what is stored under the key, and may it be used now? (RFC 9111 section 4)

use std::time::Duration;

use http::{
    HeaderMap, HeaderName, Method, StatusCode,
    header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE},
};

use super::{Bypass, Keyed, Nature, Policy, Reason, Refusal, Sharing, Stored};
use crate::{
    key::Codings,
    level::Profile,
    semantics::{
        Now,
        cache_status::Fwd,
        directives::{CacheControl, MaxStale},
        freshness::Remaining,
        partial::{Extent, Part},
        range::asks_for_a_part,
        validation::is_conditional,
        vary::{Fit, Presented},
    },
};

/// The fields of content negotiation (RFC 9110 section 12.5).
static NEGOTIATION: [HeaderName; 4] = [ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE];

/// The answer to the second question. An index counts the stored variants in the order in which they were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Serve this variant.
    Serve {
        /// Which.
        variant: usize,
        /// What is left of its lifetime.
        remaining: Remaining,
    },
    /// Serve this variant although it is stale, and refresh it.
    ServeStale {
        /// Which.
        variant: usize,
        /// For how long it has been stale.
        since: Duration,
    },
    /// Ask the origin whether this variant is still good; use its answer, or the variant if the origin fails.
    Validate {
        /// Which.
        variant: usize,
        /// Why it cannot be served as it is.
        fwd: Fwd,
    },
    /// Ask the origin for the bytes that this variant, a part, lacks to be whole.
    Complete {
        /// Which.
        variant: usize,
        /// The bytes.
        missing: Part,
    },
    /// Ask the origin.
    Fetch {
        /// Why.
        fwd: Fwd,
    },
    /// The request goes to the origin as it came.
    Bypass(Bypass),
    /// Nothing stored may be used, and the request forbids to ask the origin: 504 (RFC 9111 section 5.2.1.7).
    OnlyIfCached,
}

/// What to do with a request that has a key.
///
/// `variants` are what is stored under the key, newest first; `memory` is what earlier answers taught about the key.
pub fn plan<'a>(
    keyed: &Keyed,
    fields: &'a HeaderMap,
    variants: impl IntoIterator<Item = &'a Stored>,
    memory: Option<Reason>,
    policy: &Policy,
    now: Now,
) -> Plan {
    let planned = match memory {
        Some(reason) => Plan::Bypass(bypass_remembered(keyed, reason)),
        None => plan_by_what_is_stored(keyed, fields, variants, policy, now),
    };
    match planned {
        Plan::Serve { .. } | Plan::ServeStale { .. } => planned,
        _ if keyed.directives.only_if_cached => Plan::OnlyIfCached,
        _ => planned,
    }
}

fn plan_by_what_is_stored<'a>(
    keyed: &Keyed,
    fields: &'a HeaderMap,
    variants: impl IntoIterator<Item = &'a Stored>,
    policy: &Policy,
    now: Now,
) -> Plan {
    match select(keyed, fields, variants, policy, now) {
        Selected::Variant(variant, stored) => use_variant(keyed, variant, stored, now),
        Selected::FirstChoice(variant, stored) => match use_variant(keyed, variant, stored, now) {
            served @ Plan::Serve { .. } => served,
            // What the origin would say about it to this request is not known, and 304 may be meant for another one.
            _ => Plan::Fetch { fwd: Fwd::VaryMiss },
        },
        Selected::Refused(refusal) => Plan::Bypass(Bypass::because(refusal, keyed.evidence)),
        Selected::Incomplete(variant, stored) => complete(keyed, fields, variant, stored, policy),
        Selected::Nothing { other_variants: true } => Plan::Fetch { fwd: Fwd::VaryMiss },
        Selected::Nothing { other_variants: false } => Plan::Fetch { fwd: Fwd::UriMiss },
    }
}

fn bypass_remembered(keyed: &Keyed, reason: Reason) -> Bypass {
    let evidence = match reason {
        Reason::Evidence(evidence) => keyed.evidence.with(evidence),
        Reason::Refusal(_) => keyed.evidence,
    };
    Bypass::because(reason, evidence)
}

enum Selected<'a> {
    Variant(usize, &'a Stored),
    /// Not for this request, but in the language that it ranks first.
    FirstChoice(usize, &'a Stored),
    Refused(Refusal),
    /// A part that is not all that was asked for, and nothing that is.
    Incomplete(usize, &'a Stored),
    Nothing {
        other_variants: bool,
    },
}

/// The newest variant that may answer this request, by its Date (RFC 9111 sections 4 and 4.1). One whose nominated fields all match goes
/// before one that is only in the right language.
fn select<'a>(
    keyed: &Keyed,
    fields: &'a HeaderMap,
    variants: impl IntoIterator<Item = &'a Stored>,
    policy: &Policy,
    now: Now,
) -> Selected<'a> {
    let mut other_variants = false;
    let mut newest: Option<(usize, &Stored)> = None;
    let (mut first_choice, mut incomplete) = (None, None);
    let mut presented = Presented::new(fields);
    for (index, stored) in variants.into_iter().enumerate() {
        match &stored.nature {
            Nature::Hermetic { offered, varies_by_coding, undeclared } => {
                if undeclared.iter().any(|name| fields.contains_key(name)) {
                    return Selected::Refused(Refusal::VaryUndeclared);
                }
                let plain = stored.coding.is_some_and(Codings::is_empty);
                let offered_enough = !varies_by_coding || offered.is_superset(keyed.codings);
                if stored.is_acceptable(keyed.codings) && (!plain || offered_enough) {
                    if is_absent(stored.status) && keyed.carried.any() {
                        return Selected::Refused(Refusal::AbsentForIdentity);
                    }
                    return Selected::Variant(index, stored);
                }
                other_variants = true;
            }
            Nature::Nominated { fields: nominated, sharing } => {
                let may_have = may_have(keyed, *sharing, policy);
                match nominated.fit(&mut presented) {
                    // It is kept from this request by who asks, and by no field that Vary names.
                    Fit::Exact if !may_have => {}
                    Fit::Exact if stored.suffices(&keyed.method, fields, now) => {
                        let is_newest =
                            newest.is_none_or(|(_, other)| stored.times.date() > other.times.date());
                        newest = if is_newest { Some((index, stored)) } else { newest };
                    }
                    Fit::Exact => incomplete = incomplete.or(Some((index, stored))),
                    Fit::FirstChoice if may_have && stored.suffices(&keyed.method, fields, now) => {
                        first_choice = first_choice.or(Some((index, stored)));
                    }
                    Fit::FirstChoice | Fit::None => other_variants = true,
                }
            }
        }
    }
    if let Some((index, stored)) = newest {
        return Selected::Variant(index, stored);
    }
    match (first_choice, incomplete) {
        (Some((index, stored)), _) => Selected::FirstChoice(index, stored),
        (None, Some((index, stored))) => Selected::Incomplete(index, stored),
        (None, None) => Selected::Nothing { other_variants },
    }
}

/// Whether who asks may have what is shared so. The letter of RFC 9111 section 3.5 restricts what is stored, not whom it
/// answers.
fn may_have(keyed: &Keyed, sharing: Sharing, policy: &Policy) -> bool {
    policy.profile == Profile::Rfc9111 || sharing.allows(keyed.carried, policy.profile)
}

/// Whether a stored response is one that the answer to HEAD speaks of: one that this request could have been answered
/// with (RFC 9111 section 4.3.5).
pub fn is_candidate(keyed: &Keyed, fields: &HeaderMap, stored: &Stored, policy: &Policy) -> bool {
    match &stored.nature {
        Nature::Hermetic { .. } => false,
        Nature::Nominated { fields: nominated, sharing } => {
            may_have(keyed, *sharing, policy) && nominated.fit(&mut Presented::new(fields)) == Fit::Exact
        }
    }
}

/// Whether the origin can be told that a stored response is held, although it was made for other nominated fields: it
/// may name it as the one for these too (RFC 9111 section 4.3.1).
///
/// Only a strong entity tag names one representation and no other (RFC 9110 section 8.8.1), and only in the matter of
/// negotiation is an origin believed that one representation is for different requests. Where it varies by what could be
/// anybody's data, an origin that tags its whole site alike would give one client what is another's.
pub fn can_be_offered(keyed: &Keyed, fields: &HeaderMap, stored: &Stored, policy: &Policy) -> bool {
    let Nature::Nominated { fields: nominated, sharing } = &stored.nature else { return false };
    keyed.method == Method::GET
        && !asks_for_a_part(fields)
        && stored.extent() == Extent::Whole
        && stored.tag.as_ref().is_some_and(|tag| !tag.is_weak())
        && stored.is_acceptable(keyed.codings)
        && nominated.names().all(|name| NEGOTIATION.contains(name))
        && may_have(keyed, *sharing, policy)
}

/// A part is completed for a request that wants the whole, and nothing else, where the whole can be stored and one run
/// of bytes is missing (RFC 9111 section 3.3). Only a strong validator says that the rest belongs to it (section 3.4); an
/// origin that has no validators at all may answer with the whole, where one that has only weak ones knows better.
fn complete(keyed: &Keyed, fields: &HeaderMap, variant: usize, stored: &Stored, policy: &Policy) -> Plan {
    let is_plain = keyed.method == Method::GET && !asks_for_a_part(fields) && !is_conditional(fields);
    let part = stored.extent().part().filter(|part| is_plain && part.complete() <= policy.max_object);
    let may_be_of_use = stored.strong_validator().is_some() || !stored.has_validator();
    match part.and_then(Part::missing).filter(|_| may_be_of_use) {
        Some(missing) => Plan::Complete { variant, missing },
        None => Plan::Fetch { fwd: Fwd::Partial },
    }
}

/// Whether a response says that there is nothing, which for those who may see more need not be so.
pub(super) fn is_absent(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 410)
}

fn use_variant(keyed: &Keyed, variant: usize, stored: &Stored, now: Now) -> Plan {
    let directives = &keyed.directives;
    let remaining = stored.remaining(now);
    if stored.always_validate {
        return Plan::Validate { variant, fwd: Fwd::Stale };
    }
    if directives.no_cache.is_whole() || !is_young_enough(directives, stored, remaining, now) {
        return Plan::Validate { variant, fwd: Fwd::Request };
    }
    match remaining {
        Remaining::Fresh(_) | Remaining::Forever => Plan::Serve { variant, remaining },
        Remaining::Stale(since)
            if since < stored.times.stale_while_revalidate()
                && !directives.wants_fresh()
                && !is_too_stale(directives, since) =>
        {
            Plan::ServeStale { variant, since }
        }
        Remaining::Stale(since) if accepts_stale(directives, stored, since) => {
            Plan::Serve { variant, remaining }
        }
        Remaining::Stale(_) => Plan::Validate { variant, fwd: Fwd::Stale },
    }
}

/// max-age and min-fresh of the request (RFC 9111 sections 5.2.1.1 and 5.2.1.3).
fn is_young_enough(directives: &CacheControl, stored: &Stored, remaining: Remaining, now: Now) -> bool {
    // A reload wants no older copy than it has. What is said not to change while it is fresh is no older (RFC 8246).
    let is_unchanged = stored.immutable && matches!(remaining, Remaining::Fresh(_));
    let age_ok = is_unchanged || directives.max_age.is_none_or(|limit| stored.age(now).0 <= limit);
    let fresh_ok = directives.min_fresh.is_none_or(|wanted| match remaining {
        Remaining::Forever => true,
        Remaining::Fresh(left) => left >= wanted,
        Remaining::Stale(_) => false,
    });
    age_ok && fresh_ok
}

/// Whether a request sets a limit on staleness that this is beyond.
fn is_too_stale(directives: &CacheControl, since: Duration) -> bool {
    matches!(directives.max_stale, Some(MaxStale::Within(limit)) if since > limit)
}

/// max-stale of the request (RFC 9111 section 5.2.1.2), unless the response forbids stale use.
fn accepts_stale(directives: &CacheControl, stored: &Stored, since: Duration) -> bool {
    !stored.forbids_stale
        && match directives.max_stale {
            None => false,
            Some(MaxStale::Any) => true,
            Some(MaxStale::Within(limit)) => since <= limit,
        }
}
