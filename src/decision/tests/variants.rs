//! Which of several stored responses answers a request (RFC 9111 section 4.1).

use super::*;
use crate::semantics::{cache_status::Fwd, freshness::Remaining};

const VARY_MISS: Plan = Plan::Fetch { fwd: Fwd::VaryMiss };

fn asking(languages: &'static str) -> [Line; 1] {
    [("accept-language", languages)]
}

/// What an origin answers in this language to a request for these languages, fresh for a minute.
fn stored_in(language: &'static str, languages: &'static str) -> Stored {
    let answer = [
        ("cache-control", "max-age=60"),
        ("vary", "accept-language"),
        ("content-language", language),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
    ];
    World::origin().stored(&asking(languages), 200, &answer)
}

fn serve(variant: usize) -> Plan {
    Plan::Serve { variant, remaining: Remaining::Fresh(secs(60)) }
}

#[test]
fn rfc9111_section_4_1_the_newest_of_those_that_match_answers() {
    let world = World::origin();
    let [newer, older] = [stored_in("en", "en, de"), stored_in("de", "de, en")];
    assert_eq!(world.plan(&asking("DE,EN"), &[&newer, &older]), serve(0));
}

#[test]
fn rfc9111_section_4_1_the_language_ranked_first_answers_where_nothing_matches() {
    let world = World::origin();
    let [en, de, german] = [stored_in("en", "en"), stored_in("de", "en, de"), stored_in("de", "de")];
    let request = asking("fr;q=0.5, de;q=1.0");
    assert_eq!(world.plan(&request, &[&en, &de, &german]), serve(1), "the newer of the two");
    assert_eq!(world.plan(&request, &[&en]), VARY_MISS);
    assert_eq!(world.plan(&asking("fr, de"), &[&en, &de, &german]), VARY_MISS, "no clear choice");
}

#[test]
fn rfc9111_section_4_1_a_variant_that_matches_goes_before_a_newer_one_in_the_right_language() {
    let world = World::origin();
    let [newer, older] = [stored_in("de", "en, de"), stored_in("fr", "fr;q=0.5, de")];
    assert_eq!(world.plan(&asking("de, fr;q=0.5"), &[&newer, &older]), serve(1));
}

#[test]
fn what_is_only_in_the_right_language_is_not_validated() {
    let world = World::origin();
    let de = stored_in("de", "en, de");
    let stale = world.plan_at(after(60), &asking("de, fr;q=0.5"), &[&de]);
    assert_eq!(stale, VARY_MISS);
    let matching = world.plan_at(after(60), &asking("de, en"), &[&de]);
    assert_eq!(matching, Plan::Validate { variant: 0, fwd: Fwd::Stale });
}

#[test]
fn an_answer_takes_the_place_of_one_to_a_request_that_says_the_same() {
    let older = stored_in("en", "en, de");
    assert!(older.is_replaced_by(&stored_in("de", "DE,en")));
    assert!(!older.is_replaced_by(&stored_in("en", "en, de;q=0.9")));
}
