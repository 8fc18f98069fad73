//! Answers to hermetic fetches: what is stored, what is discarded, and whom what is stored is for.

use super::*;
use crate::{
    decision::{Nature, Refusal},
    key::{FieldSpec, StateSpec},
    level::Evidence,
    semantics::{cache_status::Fwd, freshness::Remaining},
};

const ORIGIN: Line = ("origin", "http://b");
const KEY: Line = ("x-api-key", "k");

fn unless_ignored(ignored: &[&'static str]) -> World {
    World::changing().with(|world| {
        world.route.ignore = ignored.iter().copied().map(HeaderName::from_static).collect();
    })
}

#[test]
fn statuses_that_no_shared_answer_has_are_discarded_whatever_they_say() {
    for status in [300, 302, 303, 305, 307, 400, 402, 405, 406, 409, 413, 414, 418, 421, 429, 431, 451] {
        for answer in [NOTHING, &[("cache-control", "public, max-age=9")], &[("cache-control", "no-store")]] {
            let expected = discard(Refusal::StatusUnexpected);
            assert_eq!(World::changing().verdict(NOTHING, status, answer), expected, "{status}");
        }
    }
}

#[test]
fn a_part_is_discarded_whether_its_status_or_its_range_tells() {
    let world = World::changing();
    assert_eq!(world.verdict(NOTHING, 206, NOTHING), discard(Refusal::PartialContent));
    let ranged = [("content-range", "bytes 0-4/9")];
    assert_eq!(world.verdict(NOTHING, 200, &ranged), discard(Refusal::PartialContent));
}

#[test]
fn endless_streams_are_discarded_and_so_is_what_is_too_large() {
    let world = World::changing();
    for kind in ["text/event-stream", "MULTIPART/x-mixed-replace;boundary=a", "application/grpc+proto"] {
        assert_eq!(world.verdict(NOTHING, 200, &[("content-type", kind)]), discard(Refusal::EndlessStream));
    }
    for (length, expected) in [(MAX_OBJECT, Outcome::Store), (MAX_OBJECT + 1, discard(Refusal::TooLarge))] {
        let world = World::changing().with(|world| world.framing = Framing::Length(length));
        assert_eq!(world.verdict(NOTHING, 200, NOTHING), expected);
    }
}

#[test]
fn ignored_fields_decide_nothing_and_a_cookie_among_them_is_removed() {
    let rows: [(&[&'static str], Line); 4] = [
        (&["set-cookie"], ("set-cookie", "a=b")),
        (&["cache-control"], ("cache-control", "private, no-store")),
        (&["vary"], ("vary", "cookie")),
        (&["vary"], ("vary", "*")),
    ];
    for (ignored, line) in rows {
        let judgement = unless_ignored(ignored).judge(NOTHING, 200, &[line]);
        let Verdict::Store { strip, not_for_client: None, .. } = judgement.verdict else {
            panic!("{line:?} was heeded")
        };
        assert_eq!(strip.iter().any(|name| *name == "set-cookie"), ignored == ["set-cookie"]);
        assert_eq!(judgement.evidence.level(), Some(Level::Changing));
        assert_ne!(World::changing().verdict(NOTHING, 200, &[line]), Outcome::Store);
    }
}

#[test]
fn ignoring_a_field_does_not_change_what_the_content_is() {
    let rows = [
        ("content-type", ("content-type", "text/event-stream"), Refusal::EndlessStream),
        ("content-encoding", ("content-encoding", "gzip"), Refusal::ContentCoding),
        ("content-range", ("content-range", "bytes 0-4/9"), Refusal::PartialContent),
    ];
    for (ignored, line, refusal) in rows {
        assert_eq!(unless_ignored(&[ignored]).verdict(NOTHING, 200, &[line]), discard(refusal));
    }
}

#[test]
fn rfc9111_section_3_1_fields_that_a_qualified_directive_names_are_left_out_of_what_is_stored() {
    let answer = [("cache-control", "private=\"x-a, x-b\", no-cache=\"x-c\"")];
    let Verdict::Store { unshared, stored, .. } = World::changing().judge(NOTHING, 200, &answer).verdict
    else {
        panic!("not stored")
    };
    assert_eq!(unshared, ["x-c", "x-a", "x-b"]);
    assert!(!stored.always_validate);
}

#[test]
fn a_stored_absence_answers_only_requests_without_identity() {
    let world = World::changing();
    for status in [404, 410] {
        let stored = world.stored(NOTHING, status, NOTHING);
        assert!(serves(&world.plan(NOTHING, &[&stored])));
        assert!(serves(&world.plan(&[("cookie", "_ga=1")], &[&stored])));
        for line in [("authorization", "a"), KEY, ("cookie", "sid=1")] {
            let reason = Reason::from(Refusal::AbsentForIdentity);
            match world.plan(&[line], &[&stored]) {
                Plan::Bypass(bypass) => assert_eq!((bypass.reason, bypass.fwd), (Some(reason), Fwd::Bypass)),
                other => panic!("{line:?}: {other:?}"),
            }
            assert_eq!(world.verdict(&[line], status, NOTHING), Outcome::NotForClient(reason));
            // Also where it may not be stored.
            let no_store = [("cache-control", "no-store")];
            assert_eq!(world.verdict(&[line], status, &no_store), discard(Refusal::AbsentForIdentity));
        }
        assert_eq!(
            world.verdict(NOTHING, status, &[("cache-control", "no-store")]),
            refuse(Refusal::ResponseNoStore)
        );
    }
}

#[test]
fn what_varies_by_an_undeclared_field_is_for_requests_without_it() {
    let world = World::changing();
    let answer = [("vary", "Origin, accept-encoding")];
    let stored = world.stored(NOTHING, 200, &answer);
    assert!(serves(&world.plan(NOTHING, &[&stored])));
    assert!(matches!(
        world.plan(&[ORIGIN], &[&stored]),
        Plan::Bypass(Bypass { reason: Some(Reason::Refusal(Refusal::VaryUndeclared)), .. })
    ));
    let reason = Reason::from(Refusal::VaryUndeclared);
    assert_eq!(world.verdict(&[ORIGIN], 200, &answer), Outcome::NotForClient(reason));
    let no_store = [("vary", "origin"), ("cache-control", "no-store")];
    assert_eq!(world.verdict(&[ORIGIN], 200, &no_store), discard(Refusal::VaryUndeclared));
    assert_eq!(world.verdict(&[ORIGIN], 503, &answer), refuse(Refusal::StatusNotStorable));
}

#[test]
fn a_declared_field_in_vary_is_no_surprise() {
    let world = World::changing().with(|world| {
        let fields = vec![FieldSpec::new(HeaderName::from_static("origin"))];
        world.route.state = StateSpec { query: Vec::new(), fields };
    });
    assert_eq!(world.verdict(&[ORIGIN], 200, &[("vary", "origin")]), Outcome::Store);
}

#[test]
fn vary_may_name_what_every_key_holds() {
    let world = World::changing();
    let request = [("host", "example.com"), ("x-forwarded-proto", "https"), ("accept-encoding", "gzip")];
    let stored = world.stored(&request, 200, &[("vary", "Host, X-Forwarded-Proto, Accept-Encoding")]);
    assert!(serves(&world.plan(&request, &[&stored])));
    assert_eq!(
        world.verdict(&[("content-type", "a/b")], 200, &[("vary", "content-type")]),
        Outcome::NotForClient(Refusal::VaryUndeclared.into()),
        "only of a QUERY is the type of the content in the key"
    );
}

#[test]
fn a_query_may_vary_by_the_type_of_its_content() {
    let world = World::changing();
    let request = fields(&[("content-type", "a/b")]);
    let Classified::Keyed(keyed) = world.ask(&Method::QUERY, &request, Content::Query(b"q")) else {
        panic!("a bypass")
    };
    let judgement = world.judge_keyed(&keyed, &request, 200, &fields(&[("vary", "content-type")]));
    assert_eq!(Outcome::of(&judgement), Outcome::Store);
}

#[test]
fn an_answer_that_a_forwarded_field_has_decided_is_for_its_client_alone() {
    let world = World::changing().with(|world| world.route.forward = vec![HeaderName::from_static("x-flag")]);
    let flag = ("x-flag", "1");
    let varies = [("vary", "x-flag")];
    assert_eq!(world.verdict(&[flag], 200, &varies), refuse(Refusal::VaryUndeclared));
    assert_eq!(world.verdict(NOTHING, 200, &varies), Outcome::Store);
    assert_eq!(world.verdict(&[flag], 200, NOTHING), Outcome::Store, "it did not matter");
    assert_eq!(
        world.verdict(&[flag, ORIGIN], 200, &[("vary", "x-flag, origin")]),
        discard(Refusal::VaryUndeclared),
        "one was sent, the other was not"
    );
}

#[test]
fn the_origins_prohibitions_outrank_nothing_that_says_more() {
    let world = World::changing();
    let both = [("cache-control", "no-store"), ("set-cookie", "a=b")];
    assert_eq!(world.verdict(NOTHING, 200, &both), discard(Evidence::SetCookie));
    assert_eq!(world.verdict(NOTHING, 302, &both), discard(Evidence::SetCookie));
    assert_eq!(world.verdict(NOTHING, 403, &[("set-cookie", "a=b")]), discard(Evidence::SetCookie));
}

fn offers(codings: &'static str) -> Line {
    ("accept-encoding", codings)
}

/// Whether an answer with these fields to a fetch that offered the first set serves a client that offers the second.
fn serves_codings(answer: &[Line], fetched: &'static str, client: &'static str) -> bool {
    let world = World::changing();
    let stored = world.stored(&[offers(fetched)], 200, answer);
    let plan = world.plan(&[offers(client)], &[&stored]);
    assert!(serves(&plan) || plan == Plan::Fetch { fwd: Fwd::VaryMiss }, "{plan:?}");
    serves(&plan)
}

#[test]
fn rfc9110_section_12_5_3_an_encoded_answer_serves_only_who_accepts_all_of_its_codings() {
    let gzip = [("content-encoding", "gzip"), ("vary", "accept-encoding")];
    for (client, expected) in
        [("gzip", true), ("br, gzip", true), ("*", true), ("br", false), ("gzip;q=0", false), ("", false)]
    {
        assert_eq!(serves_codings(&gzip, "br, gzip", client), expected, "{client}");
        assert_eq!(serves_codings(&gzip[..1], "br, gzip", client), expected, "{client}");
    }
    let both = [("content-encoding", "gzip, br")];
    assert!(serves_codings(&both, "*", "gzip, br"));
    assert!(!serves_codings(&both, "*", "gzip"));
}

#[test]
fn a_plain_answer_serves_those_whose_codings_were_all_on_offer_or_all_where_it_does_not_vary() {
    let varies = [("vary", "accept-encoding")];
    for (fetched, client, expected) in [
        ("br, gzip", "gzip", true),
        ("br, gzip", "", true),
        ("gzip", "br, gzip", false),
        ("", "gzip", false),
        ("", "", true),
    ] {
        assert_eq!(serves_codings(&varies, fetched, client), expected, "{fetched} {client}");
        assert!(serves_codings(NOTHING, fetched, client), "{fetched} {client}");
        assert!(serves_codings(&[("content-encoding", "identity")], fetched, client));
    }
}

#[test]
fn a_coding_that_was_not_offered_or_is_not_known_is_of_no_use() {
    let world = World::changing();
    for coding in ["br", "gzip, br", "deflate", "aes128gcm"] {
        let answer = [("content-encoding", coding)];
        assert_eq!(world.verdict(&[offers("gzip")], 200, &answer), discard(Refusal::ContentCoding));
    }
}

#[test]
fn of_several_variants_the_newest_that_fits_is_served() {
    let world = World::changing();
    let gzip = world.stored(&[offers("gzip")], 200, &[("content-encoding", "gzip")]);
    let plain = world.stored(NOTHING, 200, &[("vary", "accept-encoding")]);
    let chosen = |client, variants: &[&Stored]| match world.plan(&[offers(client)], variants) {
        Plan::Serve { variant, .. } => Some(variant),
        _ => None,
    };
    assert_eq!(chosen("gzip", &[&plain, &gzip]), Some(1));
    assert_eq!(chosen("", &[&gzip, &plain]), Some(1));
    assert_eq!(chosen("gzip", &[&gzip, &gzip]), Some(0));
    assert_eq!(chosen("br", &[&gzip, &plain]), None);
}

#[test]
fn a_new_answer_takes_the_place_of_one_for_the_same_clients() {
    let world = World::changing();
    let varies: &[Line] = &[("vary", "accept-encoding")];
    let stored = |fetched, answer: &[Line]| world.stored(&[offers(fetched)], 200, answer);
    let gzip: &[Line] = &[("content-encoding", "gzip"), ("vary", "accept-encoding")];
    assert!(stored("gzip", varies).is_replaced_by(&stored("gzip", gzip)), "the same offer");
    assert!(stored("gzip", gzip).is_replaced_by(&stored("br, gzip", gzip)), "a wider one");
    assert!(!stored("br, gzip", varies).is_replaced_by(&stored("gzip", varies)), "a narrower one");
    assert!(stored("br, gzip", varies).is_replaced_by(&stored("gzip", NOTHING)), "one for all");
    assert!(!stored("", varies).is_replaced_by(&stored("gzip", gzip)), "another coding");
}

#[test]
fn a_permanent_answer_has_no_end_and_level_1() {
    let world = World::declared(Level::Permanent);
    let stored = world.stored(NOTHING, 200, NOTHING);
    let plan = world.plan_at(after(1 << 40), &[KEY, ("cookie", "sid=1")], &[&stored]);
    assert_eq!(plan, Plan::Serve { variant: 0, remaining: Remaining::Forever });
    assert_eq!(stored.evidence.level(), Some(Level::Permanent));
    assert!(matches!(stored.nature, Nature::Hermetic { .. }));
}
