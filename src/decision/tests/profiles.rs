//! Who may have an answer to a request with identity, where the origin decides (RFC 9111 section 3.5, and the profile
//! `safe`).

use super::*;
use crate::{decision::Refusal, level::Evidence, semantics::cache_status::Fwd};

const AUTHORIZATION: Line = ("authorization", "Bearer a");
const API_KEY: Line = ("x-api-key", "k");
const COOKIE: Line = ("cookie", "sid=1");
const IDENTITIES: [Line; 3] = [AUTHORIZATION, API_KEY, COOKIE];

/// What an answer says besides max-age, and whether an answer to a request with Authorization, x-api-key and a cookie
/// is then stored.
type Row = (&'static str, [bool; 3]);

const SAFE: [Row; 7] = [
    ("max-age=60", [false, false, false]),
    ("max-age=60, public", [true, true, true]),
    ("max-age=60, s-maxage=60", [true, true, true]),
    ("max-age=60, must-revalidate", [true, false, false]),
    ("max-age=60, proxy-revalidate", [false, false, false]),
    ("max-age=60, private", [false, false, false]),
    ("max-age=60, private, public, s-maxage=60", [false, false, false]),
];

const LETTER: [Row; 7] = [
    ("max-age=60", [false, true, true]),
    ("max-age=60, public", [true, true, true]),
    ("max-age=60, s-maxage=60", [true, true, true]),
    ("max-age=60, must-revalidate", [true, true, true]),
    ("max-age=60, proxy-revalidate", [false, true, true]),
    ("max-age=60, private", [false, false, false]),
    ("max-age=60, private, public, s-maxage=60", [false, false, false]),
];

#[test]
fn what_is_stored_for_whom_under_each_profile() {
    for (world, rows) in [(World::origin(), SAFE), (World::letter(), LETTER)] {
        for (directives, expected) in rows {
            let answer = [("cache-control", directives)];
            let stored = IDENTITIES.map(|line| world.verdict(&[line], 200, &answer) == Outcome::Store);
            assert_eq!(stored, expected, "{:?} {directives}", world.policy.profile);
            let anonymous = world.verdict(NOTHING, 200, &answer) == Outcome::Store;
            assert_eq!(anonymous, !directives.contains("private"), "{directives}");
        }
    }
}

#[test]
fn the_reason_is_the_identity_unless_the_answer_says_more() {
    let of = |line, directives| World::origin().verdict(&[line], 200, &[("cache-control", directives)]);
    assert_eq!(of(AUTHORIZATION, "max-age=60"), refuse(Evidence::RequestIdentity));
    assert_eq!(of(API_KEY, "max-age=60, must-revalidate"), refuse(Evidence::RequestIdentity));
    assert_eq!(of(COOKIE, "max-age=60"), refuse(Evidence::RequestSession));
    assert_eq!(of(COOKIE, "max-age=60, private"), refuse(Evidence::RequestSession));
    assert_eq!(of(API_KEY, "no-store, public"), refuse(Refusal::ResponseNoStore));
    let both = World::origin().verdict(
        &[AUTHORIZATION, COOKIE],
        200,
        &[("cache-control", "must-revalidate, max-age=6")],
    );
    assert_eq!(both, refuse(Evidence::RequestSession), "must-revalidate is for Authorization alone");
}

#[test]
fn what_is_stored_for_strangers_answers_who_may_have_it() {
    for (directives, expected) in SAFE {
        if directives.contains("private") {
            continue;
        }
        let world = World::origin();
        let stored = world.stored(NOTHING, 200, &[("cache-control", directives)]);
        let served = IDENTITIES.map(|line| serves(&world.plan(&[line], &[&stored])));
        assert_eq!(served, expected, "{directives}");
        assert!(serves(&world.plan(NOTHING, &[&stored])));
    }
}

#[test]
fn rfc9111_section_3_5_to_the_letter_only_storing_is_restricted() {
    let world = World::letter();
    let stored = world.stored(NOTHING, 200, &[("cache-control", "max-age=60")]);
    assert!(IDENTITIES.iter().all(|line| serves(&world.plan(&[*line], &[&stored]))));
}

#[test]
fn what_is_kept_from_an_identity_is_no_miss_of_vary() {
    let world = World::origin();
    let stored = world.stored(NOTHING, 200, &[("cache-control", "max-age=60"), ("vary", "accept")]);
    assert_eq!(world.plan(&[API_KEY], &[&stored]), Plan::Fetch { fwd: Fwd::UriMiss });
    assert_eq!(world.plan(&[API_KEY, ("accept", "a/b")], &[&stored]), Plan::Fetch { fwd: Fwd::VaryMiss });
}

#[test]
fn an_answer_that_is_shared_with_everybody_has_level_2_for_everybody() {
    for line in IDENTITIES {
        let stored = World::origin().stored(&[line], 200, &[("cache-control", "public, max-age=60")]);
        assert_eq!(stored.evidence.level(), Some(Level::Changing));
    }
}
