//! A word that restricts never widens anything: what may not be stored or reused without it may not with it.

use proptest::{prelude::*, sample::select};

use super::{
    vocabulary::{Lines, any_answer, any_request, any_status, any_world},
    *,
};
use crate::semantics::freshness::Remaining;

/// Directives of a response that can only restrict what is stored.
const FORBIDDING: [&str; 4] = ["no-store", "No-Store=\"x\"", "private", "PRIVATE"];

/// Directives of a response that can only restrict how it is used once it is stored.
const RESTRICTIVE: [&str; 7] = [
    "no-cache",
    "must-revalidate",
    "proxy-revalidate",
    "s-maxage=0",
    "max-age=0",
    "max-age=odd",
    "stale-while-revalidate=0",
];

/// Directives of a request that can only restrict what answers it.
const DEMANDING: [&str; 6] =
    ["no-cache", "no-store", "max-age=0", "max-age=5", "min-fresh=10", "min-fresh=9999999999"];

/// What is stored of this answer to this request.
fn stored(world: &World, request: &HeaderMap, status: u16, answer: &Lines) -> Option<Stored> {
    let Classified::Keyed(keyed) = world.get(request) else { return None };
    match world.judge_keyed(&keyed, request, status, &fields(answer)).verdict {
        Verdict::Store { stored, .. } => Some(*stored),
        Verdict::Refuse(_) | Verdict::Discard(_) => None,
    }
}

/// Whether this request is answered with what is stored, without a word to the origin.
fn reuses(world: &World, request: &HeaderMap, stored: &Stored, now: Now) -> bool {
    let Classified::Keyed(keyed) = world.get(request) else { return false };
    serves(&plan(&keyed, request, [stored], None, &world.policy, now))
}

/// These lines, with another one of Cache-Control before them, since of two lifetimes the first counts.
fn saying(lines: &Lines, directive: &str) -> Lines {
    let mut saying = vec![("cache-control", directive.to_owned())];
    saying.extend(lines.clone());
    saying
}

fn says(lines: &Lines, name: &str) -> bool {
    lines.iter().any(|(known, _)| *known == name)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rfc9111_section_3_a_directive_that_forbids_never_makes_an_answer_stored(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
        directive in select(&FORBIDDING[..]),
    ) {
        let request = fields(&request);
        let without = stored(&world, &request, status, &answer);
        let with = stored(&world, &request, status, &saying(&answer, directive));
        prop_assert!(without.is_some() || with.is_none(), "{with:?}");
    }

    #[test]
    fn rfc9111_section_5_2_2_a_directive_that_restricts_never_makes_a_stored_answer_used_more(
        world in any_world(), first in any_request(), second in any_request(), status in any_status(),
        answer in any_answer(), directive in select(&RESTRICTIVE[..]), seconds in 0_u64..200,
    ) {
        let (first, second, now) = (fields(&first), fields(&second), after(seconds));
        // Two of them also say that the answer to a request with Authorization may be shared (section 3.5): that is
        // about who gets it, and asked of requests without.
        prop_assume!(!first.contains_key("authorization") && !second.contains_key("authorization"));
        let carries = |request: &HeaderMap| world.policy.identity.carried(request).any();
        prop_assume!(world.policy.profile == Profile::Rfc9111 || !(carries(&first) || carries(&second)));
        let Some(without) = stored(&world, &first, status, &answer) else { return Ok(()) };
        let Some(with) = stored(&world, &first, status, &saying(&answer, directive)) else { return Ok(()) };
        let (with_it, without_it) = (with.times.lifetime(), without.times.lifetime());
        prop_assert!(with_it <= without_it, "{with_it:?} {without_it:?}");
        // What is still fresh without it needs no leave to be used.
        let stand_in = without.is_usable_on_error(now) || !matches!(without.remaining(now), Remaining::Stale(_));
        prop_assert!(stand_in || !with.is_usable_on_error(now), "{without:?} {with:?}");
        let fresher = reuses(&world, &second, &without, now);
        prop_assert!(fresher || !reuses(&world, &second, &with, now), "{without:?} {with:?}");
    }

    #[test]
    fn rfc9111_section_5_2_1_a_demand_of_a_request_never_makes_more_answer_it(
        world in any_world(), first in any_request(), second in any_request(), status in any_status(),
        answer in any_answer(), directive in select(&DEMANDING[..]), seconds in 0_u64..200,
    ) {
        // Pragma is silenced by any Cache-Control, so a demand beside it can take its word back.
        prop_assume!(!says(&second, "pragma"));
        let now = after(seconds);
        let Some(stored) = stored(&world, &fields(&first), status, &answer) else { return Ok(()) };
        let plain = reuses(&world, &fields(&second), &stored, now);
        let demanding = reuses(&world, &fields(&saying(&second, directive)), &stored, now);
        prop_assert!(plain || !demanding, "{directive}");
    }

    #[test]
    fn rfc9111_section_4_1_an_answer_that_varies_by_everything_is_never_there_to_be_selected(
        world in any_world(), request in any_request(), status in any_status(), answer in any_answer(),
        spelling in select(&["*", " * ", "accept, *", "*, accept", ",*,", "accept,*,origin"][..]),
        place in any::<prop::sample::Index>(),
    ) {
        let mut answer = answer;
        answer.insert(place.index(answer.len() + 1), ("vary", spelling.to_owned()));
        prop_assert!(stored(&world, &fields(&request), status, &answer).is_none());
    }

    #[test]
    fn rfc9111_section_4_2_4_what_time_has_ended_it_does_not_begin_again(
        world in any_world(), first in any_request(), second in any_request(), status in any_status(),
        answer in any_answer(), earlier in 0_u64..200, later in 0_u64..200,
    ) {
        let second = fields(&second);
        let Some(stored) = stored(&world, &fields(&first), status, &answer) else { return Ok(()) };
        let (earlier, later) = (after(earlier.min(later)), after(earlier.max(later)));
        prop_assert!(reuses(&world, &second, &stored, earlier) || !reuses(&world, &second, &stored, later));
    }
}
