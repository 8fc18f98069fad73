//! What holds whatever a peer sends.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    vocabulary::{
        IDENTITY, Lines, RAISING, any_answer, any_ignored, any_request, any_status, any_world, owned,
    },
    *,
};
use crate::{
    decision::{Nature, updated_fields},
    key::Codings,
    level::Evidence,
    semantics::{
        directives::{CacheControl, MaxStale},
        freshness::Remaining,
        vary::{Fit, Presented, Vary},
    },
};

/// The key of a request, where it has one.
fn keyed(world: &World, request: &HeaderMap) -> Option<Keyed> {
    match world.get(request) {
        Classified::Keyed(keyed) => Some(keyed),
        Classified::Bypass(_) | Classified::OnlyIfCached => None,
    }
}

fn judged(world: &World, request: &Lines, status: u16, answer: &Lines) -> Option<Judgement> {
    let request = fields(request);
    let keyed = keyed(world, &request)?;
    Some(world.judge_keyed(&keyed, &request, status, &fields(answer)))
}

fn stores(judgement: &Judgement) -> bool {
    matches!(judgement.verdict, Verdict::Store { .. })
}

fn stored_of(judgement: Judgement) -> Option<Stored> {
    match judgement.verdict {
        Verdict::Store { stored, .. } => Some(*stored),
        Verdict::Refuse(_) | Verdict::Discard(_) => None,
    }
}

/// What the test itself makes of an answer, by the plain words of the RFCs.
struct Read {
    control: CacheControl,
    vary: Vary,
    fields: HeaderMap,
}

impl Read {
    fn of(answer: &Lines, ignored: &[HeaderName]) -> Self {
        let mut fields = fields(answer);
        for name in ignored {
            fields.remove(name);
        }
        Self { control: CacheControl::of_response(&fields), vary: Vary::of(&fields), fields }
    }

    fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    fn varies_by(&self, name: &str) -> bool {
        self.vary.names().iter().any(|known| known == name)
    }

    fn forbids_storing(&self) -> bool {
        self.control.no_store && !self.control.must_understand
    }

    fn speaks_of_identity(&self) -> bool {
        self.control.private.is_whole()
            || self.has("set-cookie")
            || self.vary == Vary::Star
            || ["cookie", "authorization", "x-api-key"].iter().any(|name| self.varies_by(name))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rfc9111_section_5_2_2_5_no_store_is_never_stored(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
        place in any::<prop::sample::Index>(), spelling in select(&["no-store", "NO-STORE", "public, no-store", "max-age=60,no-store"][..]),
    ) {
        // It speaks to caches that know less about the status than this one (RFC 9111 section 5.2.2.3).
        let is_for_others = Read::of(&answer, &[]).control.must_understand;
        let mut answer = answer;
        answer.insert(place.index(answer.len() + 1), ("cache-control", spelling.to_owned()));
        if let Some(judgement) = judged(&world, &request, status, &answer) {
            prop_assert!(is_for_others || !stores(&judgement), "{judgement:?}");
        }
    }

    #[test]
    fn what_is_stored_is_of_level_1_or_2_and_says_so(
        world in any_world(), ignored in any_ignored(), request in any_request(), status in any_status(),
        answer in any_answer(),
    ) {
        let world = world.with(|world| world.route.ignore = ignored);
        let Some(judgement) = judged(&world, &request, status, &answer) else { return Ok(()) };
        prop_assert!(!(stores(&judgement) && judgement.evidence.is_unshareable()), "{judgement:?}");
        let level = judgement.evidence.level();
        if let Some(stored) = stored_of(judgement) {
            prop_assert_eq!(stored.evidence.level(), level);
        }
    }

    #[test]
    fn identity_in_an_answer_discards_it_on_a_declared_route_unless_it_is_ignored(
        world in any_world(), ignored in any_ignored(), request in any_request(), status in any_status(),
        answer in any_answer(),
    ) {
        let world = world.with(|world| world.route.ignore = ignored);
        let Some(judgement) = judged(&world, &request, status, &answer) else { return Ok(()) };
        if world.route.level().is_some() {
            if Read::of(&answer, &world.route.ignore).speaks_of_identity() {
                prop_assert!(matches!(judgement.verdict, Verdict::Discard(Reason::Evidence(_))), "{judgement:?}");
            }
        } else {
            prop_assert!(!matches!(judgement.verdict, Verdict::Discard(_)), "a whole request had its answer");
            let read = Read::of(&answer, &[]);
            if read.control.private.is_whole() || read.forbids_storing() || read.vary == Vary::Star {
                prop_assert!(!stores(&judgement), "{judgement:?}");
            }
            if read.speaks_of_identity() && world.policy.profile == Profile::Safe {
                prop_assert!(!stores(&judgement), "{judgement:?}");
            }
        }
    }

    #[test]
    fn a_cookie_of_an_ignoring_route_is_stripped(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
    ) {
        let world = world.with(|world| world.route.ignore = vec![HeaderName::from_static("set-cookie")]);
        let Some(judgement) = judged(&world, &request, status, &answer) else { return Ok(()) };
        if let Verdict::Store { strip, .. } = judgement.verdict && world.route.level().is_some() {
            prop_assert!(strip.iter().any(|name| *name == "set-cookie"));
        }
    }

    #[test]
    fn rfc9111_section_3_5_an_answer_to_authorization_is_stored_only_where_that_is_allowed(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
    ) {
        let mut request = request;
        request.push(("authorization", "Bearer a".to_owned()));
        let Some(judgement) = judged(&world, &request, status, &answer) else { return Ok(()) };
        if world.route.level().is_none() && stores(&judgement) {
            let control = Read::of(&answer, &[]).control;
            prop_assert!(control.public || control.s_maxage.is_some() || control.must_revalidate);
        }
    }

    #[test]
    fn more_evidence_in_an_answer_never_makes_it_stored(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
        more in vec(select(&RAISING[..]), 1..3), place in any::<prop::sample::Index>(),
    ) {
        let Some(before) = judged(&world, &request, status, &answer) else { return Ok(()) };
        let mut raised = answer.clone();
        for line in owned(more) {
            raised.insert(place.index(raised.len() + 1), line);
        }
        let after = judged(&world, &request, status, &raised).unwrap();
        prop_assert!(stores(&before) || !stores(&after), "{before:?} {after:?}");
        prop_assert!(after.evidence.level() >= before.evidence.level(), "{before:?} {after:?}");
    }

    #[test]
    fn more_identity_in_a_request_never_makes_its_answer_stored(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
        more in select(&IDENTITY[..]),
    ) {
        let Some(before) = judged(&world, &request, status, &answer) else { return Ok(()) };
        let mut named = request.clone();
        named.push((more.0, more.1.to_owned()));
        let after = judged(&world, &named, status, &answer).unwrap();
        prop_assert!(stores(&before) || !stores(&after), "{before:?} {after:?}");
    }

    #[test]
    fn on_a_declared_route_the_identity_of_a_request_changes_nothing_that_is_stored(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
        more in select(&IDENTITY[..]),
    ) {
        let mut named = request.clone();
        named.push((more.0, more.1.to_owned()));
        let read = Read::of(&answer, &[]);
        prop_assume!(!read.varies_by(more.0));
        let (Some(before), Some(after)) =
            (judged(&world, &request, status, &answer), judged(&world, &named, status, &answer))
        else { return Ok(()) };
        if world.route.level().is_some() {
            prop_assert_eq!(before.evidence, after.evidence);
            prop_assert_eq!(stored_of(before), stored_of(after));
        }
    }

    #[test]
    fn one_request_is_served_only_what_is_its_own_to_have(
        world in any_world(), first in any_request(), second in any_request(), status in any_status(),
        answer in any_answer(), seconds in 0u64..200,
    ) {
        let Some(judgement) = judged(&world, &first, status, &answer) else { return Ok(()) };
        let Some(stored) = stored_of(judgement) else { return Ok(()) };
        let request = fields(&second);
        let Some(keyed) = keyed(&world, &request) else { return Ok(()) };
        let now = after(seconds);
        let plan = plan(&keyed, &request, [&stored], None, &world.policy, now);
        if !serves(&plan) {
            return Ok(());
        }
        prop_assert!(!stored.evidence.is_unshareable());
        let read = Read::of(&answer, &[]);
        prop_assert!(!read.control.no_cache.is_whole(), "no-cache is validated before each use");
        match &stored.nature {
            Nature::Hermetic { .. } => {
                let accepted = Codings::accepted(&request);
                for coding in Codings::accepted(&fields(&[("accept-encoding", coding_of(&answer))])).iter() {
                    prop_assert!(accepted.contains(coding), "{coding:?} was not offered");
                }
                if matches!(status, 404 | 410) {
                    prop_assert!(!keyed.carried.any());
                }
                let declared = |name: &HeaderName| world.route.state.fields.iter().any(|f| f.name == *name);
                for name in read.vary.names().iter().filter(|name| !declared(name)) {
                    prop_assert!(*name == "accept-encoding" || !request.contains_key(name), "{name}");
                }
            }
            Nature::Nominated { fields: nominated, sharing } => {
                prop_assert!(nominated.fit(&mut Presented::new(&request)) != Fit::None);
                if world.policy.profile == Profile::Safe && keyed.carried.any() && !sharing.everybody {
                    prop_assert!(sharing.must_revalidate && !keyed.carried.user && !keyed.carried.session);
                }
            }
        }
    }

    #[test]
    fn rfc9111_section_4_2_4_nothing_stale_is_served_beyond_its_window_or_where_it_is_forbidden(
        world in any_world(), first in any_request(), second in any_request(), answer in any_answer(),
        seconds in 0u64..200,
    ) {
        let Some(judgement) = judged(&world, &first, 200, &answer) else { return Ok(()) };
        let Some(stored) = stored_of(judgement) else { return Ok(()) };
        let request = fields(&second);
        let Some(keyed) = keyed(&world, &request) else { return Ok(()) };
        let now = after(seconds);
        let Remaining::Stale(since) = stored.remaining(now) else { return Ok(()) };
        let control = Read::of(&answer, &[]).control;
        let own = |given: Option<Duration>, rule: Option<Duration>| given.or(rule).unwrap_or_default();
        let rules = &world.route.lifetime;
        let accepts = match keyed.directives.max_stale {
            None => false,
            Some(MaxStale::Any) => true,
            Some(MaxStale::Within(limit)) => since <= limit,
        };
        let plan = plan(&keyed, &request, [&stored], None, &world.policy, now);
        if serves(&plan) {
            prop_assert!(!control.forbids_stale(), "{control:?}");
            let inside = since < own(control.stale_while_revalidate, rules.stale_while_revalidate);
            prop_assert!(inside || (accepts && control.s_maxage.is_none()), "{plan:?}");
        }
        if stored.is_usable_on_error(now) {
            prop_assert!(!control.forbids_stale(), "{control:?}");
            prop_assert!(since < own(control.stale_if_error, rules.stale_if_error));
        }
    }

    #[test]
    fn a_confirmed_response_is_judged_as_if_it_had_come_so(
        world in any_world(), request in any_request(), held in any_answer(), update in any_answer(),
    ) {
        let merged = updated_fields(&fields(&held), &fields(&update));
        let Some(keyed) = keyed(&world, &fields(&request)) else { return Ok(()) };
        let judgement = world.judge_keyed(&keyed, &fields(&request), 200, &merged);
        let said = Read::of(&update, &[]);
        if said.forbids_storing() || said.control.private.is_whole() {
            prop_assert!(!stores(&judgement));
        }
        let set_cookie = Read::of(&update, &[]).has("set-cookie");
        if set_cookie && world.route.level().is_some() {
            prop_assert!(judgement.evidence.contains(Evidence::SetCookie));
        }
    }
}

/// The content coding of an answer, as an offer of it.
fn coding_of(answer: &Lines) -> String {
    let codings = answer.iter().filter(|(name, _)| *name == "content-encoding");
    codings.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
}
