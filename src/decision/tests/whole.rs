//! Answers to requests that were forwarded whole: the origin's own fields decide (RFC 9111 section 3).

use bytes::Bytes;

use super::*;
use crate::{
    decision::Refusal,
    level::Evidence,
    semantics::{cache_status::Fwd, freshness::FreshnessLifetime},
};

const FRESH: Line = ("cache-control", "max-age=60");

#[test]
fn rfc9111_section_3_explicit_freshness_makes_any_final_status_storable() {
    for status in [200, 201, 204, 301, 302, 307, 400, 404, 405, 500, 503] {
        assert_eq!(World::origin().verdict(NOTHING, status, &[FRESH]), Outcome::Store, "{status}");
    }
    assert_eq!(World::origin().verdict(NOTHING, 304, &[FRESH]), refuse(Refusal::StatusNotStorable));
}

#[test]
fn rfc9111_section_4_2_2_nothing_is_guessed_but_from_last_modified_and_a_status_that_allows_it() {
    let modified = date(-1000);
    let guessed = [("last-modified", modified.as_str())];
    for status in [200, 203, 204, 300, 301, 308, 404, 410] {
        let stored = World::origin().stored(NOTHING, status, &guessed);
        assert_eq!(stored.times.lifetime(), FreshnessLifetime::Finite(secs(100)), "{status}");
        assert_eq!(World::origin().verdict(NOTHING, status, NOTHING), refuse(Refusal::NoFreshness));
    }
    for status in [201, 302, 307, 400, 403, 405, 413, 414, 431, 500, 501, 503] {
        let judgement = World::origin().judge(NOTHING, status, &guessed);
        assert_eq!(Outcome::of(&judgement), refuse(Refusal::NoFreshness), "{status}");
    }
}

#[test]
fn only_to_the_letter_a_lifetime_is_guessed_for_what_speaks_of_one_request() {
    for status in [405, 414, 501] {
        let modified = date(-1000);
        let guessed = [("last-modified", modified.as_str())];
        let letter = World::origin().with(|world| world.policy.profile = Profile::Rfc9111);
        for (world, outcome) in [(letter, Outcome::Store), (World::origin(), refuse(Refusal::NoFreshness))] {
            assert_eq!(Outcome::of(&world.judge(NOTHING, status, &guessed)), outcome, "{status}");
        }
    }
}

#[test]
fn the_routes_ttl_is_no_word_where_the_origin_decides() {
    let world = World::origin().with(|world| world.route.lifetime.ttl = secs(60));
    assert_eq!(world.verdict(NOTHING, 200, NOTHING), refuse(Refusal::NoFreshness));
}

#[test]
fn ignore_does_not_count_where_the_origin_decides() {
    let world = World::origin().with(|world| {
        world.route.ignore = ["cache-control", "set-cookie", "vary"].map(HeaderName::from_static).to_vec();
    });
    let no_store = [("cache-control", "no-store"), ("expires", "Fri, 01 Jan 2100 00:00:00 GMT")];
    assert_eq!(world.verdict(NOTHING, 200, &no_store), refuse(Refusal::ResponseNoStore));
    assert_eq!(world.verdict(NOTHING, 200, &[FRESH, ("set-cookie", "a=b")]), refuse(Evidence::SetCookie));
}

/// What an origin does, and the refusal that it meets.
type Change = (fn(&mut World), Refusal);

#[test]
fn parts_heads_streams_and_open_ends_are_only_passed_on() {
    let rows: [(Line, Refusal); 4] = [
        (("content-range", "bytes 0-1/9"), Refusal::PartialContent),
        (("content-type", "text/event-stream"), Refusal::EndlessStream),
        (("content-type", "application/grpc"), Refusal::EndlessStream),
        (("cache-control", "no-store"), Refusal::ResponseNoStore),
    ];
    for (line, refusal) in rows {
        assert_eq!(World::origin().verdict(NOTHING, 200, &[FRESH, line]), refuse(refusal), "{line:?}");
    }
    let changes: [Change; 3] = [
        (|world| world.with_content = false, Refusal::HeadRequest),
        (|world| world.framing = Framing::CloseDelimited, Refusal::CloseDelimited),
        (|world| world.framing = Framing::Length(MAX_OBJECT + 1), Refusal::TooLarge),
    ];
    for (change, refusal) in changes {
        assert_eq!(World::origin().with(change).verdict(NOTHING, 200, &[FRESH]), refuse(refusal));
    }
}

#[test]
fn a_cookie_being_set_is_a_level_under_safe_and_nothing_to_the_letter() {
    let sets = [FRESH, ("set-cookie", "a=b")];
    assert_eq!(World::origin().verdict(NOTHING, 200, &sets), refuse(Evidence::SetCookie));
    assert_eq!(World::letter().verdict(NOTHING, 200, &sets), Outcome::Store);
    for world in [World::origin(), World::letter()] {
        assert_eq!(world.verdict(NOTHING, 200, &[FRESH, ("vary", "*")]), refuse(Evidence::VaryStar));
    }
}

#[test]
fn rfc9111_section_4_1_a_variant_answers_the_requests_whose_nominated_fields_match() {
    let world = World::origin();
    let french = world.stored(&[("accept-language", "fr")], 200, &[FRESH, ("vary", "accept-language")]);
    assert!(serves(&world.plan(&[("accept-language", "fr"), ("accept", "a/b")], &[&french])));
    for request in [&[("accept-language", "de")], NOTHING] {
        assert_eq!(world.plan(request, &[&french]), Plan::Fetch { fwd: Fwd::VaryMiss });
    }
}

#[test]
fn a_client_cannot_hide_a_nominated_field_from_the_origin_alone() {
    let world = World::origin();
    let hides = [("accept-language", "fr"), ("connection", "accept-language")];
    let stored = world.stored(&hides, 200, &[FRESH, ("vary", "accept-language")]);
    assert!(!serves(&world.plan(&[("accept-language", "fr")], &[&stored])));
    assert!(serves(&world.plan(NOTHING, &[&stored])), "it is the answer for no language");
}

#[test]
fn max_ttl_and_min_ttl_count_where_the_origin_gives_a_lifetime() {
    let world = World::origin().with(|world| world.route.lifetime.max_ttl = Some(secs(10)));
    assert_eq!(world.stored(NOTHING, 200, &[FRESH]).times.lifetime(), FreshnessLifetime::Finite(secs(10)));
}

#[test]
fn what_is_stored_keeps_nothing_alive_of_what_was_read_with_it() {
    let read = Bytes::from(vec![b'"'; 8192]);
    let value = |length: usize| HeaderValue::from_maybe_shared(read.slice(..length)).unwrap();
    let mut answer = fields(&[FRESH]);
    answer.insert("etag", value(2));
    answer.insert("last-modified", value(29));
    let judgement = World::origin().judge_maps(&fields(NOTHING), 200, &answer);
    drop(answer);
    let Verdict::Store { stored, .. } = judgement.verdict else { panic!("not stored") };
    assert!(stored.tag.is_some() && stored.last_modified.is_some());
    assert!(read.is_unique());
}
