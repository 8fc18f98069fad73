//! Each reason is the answer to "why was this not cached?" for at least one exchange, with its level and its `fwd`.
//! The matches are exhaustive: a new reason does not compile without an exchange of its own.

use http::Method;

use super::*;
use crate::{
    decision::Refusal,
    key::{FieldSpec, StateSpec},
    level::{Evidence, EvidenceSet},
    semantics::cache_status::Fwd,
};

/// Why, what Cache-Status says about forwarding it, and the effective level.
type Why = (Reason, Fwd, Option<u8>);

fn level_of(evidence: EvidenceSet) -> Option<u8> {
    evidence.level().map(Level::number)
}

fn of_bypass(bypass: Bypass) -> Why {
    (bypass.reason.unwrap(), bypass.fwd, level_of(bypass.evidence))
}

fn at_the_door(world: &World, request: &[Line]) -> Why {
    of_bypass(world.bypass(request))
}

/// The reason of an answer that came because nothing was stored.
fn of_answer(world: &World, request: &[Line], status: u16, answer: &[Line]) -> Why {
    let Plan::Fetch { fwd } = world.plan(request, &[]) else { panic!("not a fetch") };
    let judgement = world.judge(request, status, answer);
    let reason = match Outcome::of(&judgement) {
        Outcome::Refuse(reason) | Outcome::Discard(reason) | Outcome::NotForClient(reason) => reason,
        Outcome::Store => panic!("stored"),
    };
    (reason, fwd, level_of(judgement.evidence))
}

/// The reason why what is stored does not answer a request.
fn of_stored(world: &World, stored: &Stored, request: &[Line]) -> Why {
    match world.plan(request, &[stored]) {
        Plan::Bypass(bypass) => of_bypass(bypass),
        other => panic!("not a bypass: {other:?}"),
    }
}

fn query(world: &World, content: Content<'_>) -> Bypass {
    match world.ask(&Method::QUERY, &HeaderMap::new(), content) {
        Classified::Bypass(bypass) => bypass,
        other => panic!("no bypass: {other:?}"),
    }
}

/// An exchange for which this refusal is the reason; `None` for those that are not a matter of fields.
fn exchange(refusal: Refusal) -> Option<Why> {
    let (changing, origin) = (World::changing(), World::origin());
    Some(match refusal {
        Refusal::RequestContent => match changing.ask(&Method::GET, &HeaderMap::new(), Content::Unread) {
            Classified::Bypass(bypass) => of_bypass(bypass),
            other => panic!("no bypass: {other:?}"),
        },
        Refusal::QueryContentTooLarge => of_bypass(query(&changing, Content::Unread)),
        Refusal::Precondition => at_the_door(&changing, &[("if-match", "\"a\"")]),
        Refusal::OverrideField => at_the_door(&origin, &[("x-original-url", "/b")]),
        Refusal::RequestNoStore => at_the_door(&changing, &[("cache-control", "no-store")]),
        Refusal::VaryUndeclared => {
            let stored = changing.stored(NOTHING, 200, &[("vary", "origin")]);
            of_stored(&changing, &stored, &[("origin", "http://b")])
        }
        Refusal::AbsentForIdentity => {
            let stored = changing.stored(NOTHING, 404, NOTHING);
            of_stored(&changing, &stored, &[("authorization", "b")])
        }
        Refusal::ResponseNoStore => of_answer(&changing, NOTHING, 200, &[("cache-control", "no-store")]),
        Refusal::MustUnderstand => {
            of_answer(&origin, NOTHING, 299, &[("cache-control", "max-age=9, must-understand, no-store")])
        }
        Refusal::NoFreshness => of_answer(&origin, NOTHING, 200, NOTHING),
        Refusal::StatusNotStorable => of_answer(&changing, NOTHING, 503, NOTHING),
        Refusal::StatusUnexpected => of_answer(&changing, NOTHING, 302, &[("location", "/login")]),
        Refusal::PartialContent => of_answer(&origin, NOTHING, 206, &[("cache-control", "max-age=9")]),
        Refusal::HeadRequest => {
            let head = origin.with(|world| world.with_content = false);
            of_answer(&head, NOTHING, 200, &[("cache-control", "max-age=9")])
        }
        Refusal::ContentCoding => of_answer(&changing, NOTHING, 200, &[("content-encoding", "gzip")]),
        Refusal::EndlessStream => {
            of_answer(&changing, NOTHING, 200, &[("content-type", "Text/Event-Stream; charset=utf-8")])
        }
        Refusal::TooLarge => {
            let large = changing.with(|world| world.framing = Framing::Length(MAX_OBJECT + 1));
            of_answer(&large, NOTHING, 200, NOTHING)
        }
        Refusal::CloseDelimited => {
            let open = changing.with(|world| world.framing = Framing::CloseDelimited);
            of_answer(&open, NOTHING, 200, NOTHING)
        }
        Refusal::OverBudget | Refusal::Invalidated | Refusal::StaleIfError => return None,
    })
}

#[test]
fn every_refusal_is_the_reason_for_some_exchange() {
    for refusal in Refusal::ALL {
        let Some((reason, fwd, level)) = exchange(refusal) else { continue };
        assert_eq!(reason, refusal.into(), "{}", refusal.name());
        let (expected_fwd, expected_level) = match refusal {
            Refusal::OverrideField => (Fwd::Bypass, None),
            Refusal::NoFreshness => (Fwd::UriMiss, None),
            Refusal::RequestContent
            | Refusal::QueryContentTooLarge
            | Refusal::Precondition
            | Refusal::RequestNoStore
            | Refusal::VaryUndeclared
            | Refusal::AbsentForIdentity => (Fwd::Bypass, Some(2)),
            _ => (Fwd::UriMiss, Some(2)),
        };
        assert_eq!((fwd, level), (expected_fwd, expected_level), "{}", refusal.name());
    }
}

/// An exchange that this evidence decides.
fn decided_by(evidence: Evidence) -> Why {
    let (changing, origin) = (World::changing(), World::origin());
    match evidence {
        Evidence::RouteDeclared(level) if level.is_shared() => {
            // It allows to share, so that nothing is left to say but the level.
            let world = World::declared(level);
            let judgement = world.judge(NOTHING, 200, NOTHING);
            assert_eq!(Outcome::of(&judgement), Outcome::Store);
            (judgement.evidence.decisive().unwrap().into(), Fwd::UriMiss, level_of(judgement.evidence))
        }
        Evidence::RouteDeclared(level) => at_the_door(&World::declared(level), NOTHING),
        Evidence::ExplicitFreshness => {
            let permanent = World::declared(Level::Permanent);
            let judgement = permanent.judge(NOTHING, 200, &[("cache-control", "max-age=9, immutable")]);
            assert_eq!(Outcome::of(&judgement), Outcome::Store);
            (judgement.evidence.decisive().unwrap().into(), Fwd::UriMiss, level_of(judgement.evidence))
        }
        Evidence::RequestIdentity => {
            of_answer(&origin, &[("x-api-key", "k")], 200, &[("cache-control", "max-age=9")])
        }
        Evidence::RequestSession => {
            of_answer(&origin, &[("cookie", "sid=1")], 200, &[("cache-control", "max-age=9")])
        }
        Evidence::ResponsePrivate => {
            of_answer(&changing, NOTHING, 200, &[("cache-control", "Private, max-age=9")])
        }
        Evidence::VaryIdentity => of_answer(&changing, NOTHING, 200, &[("vary", "accept, Authorization")]),
        Evidence::VaryCookie => of_answer(&changing, NOTHING, 200, &[("vary", "Cookie, authorization")]),
        Evidence::SetCookie => of_answer(&changing, NOTHING, 200, &[("set-cookie", "sid=1")]),
        Evidence::VaryStar => {
            of_answer(&changing, NOTHING, 200, &[("vary", "accept, *"), ("set-cookie", "sid=1")])
        }
        Evidence::AccessControl => of_answer(&changing, NOTHING, 403, NOTHING),
    }
}

#[test]
fn every_evidence_is_the_reason_for_some_exchange_and_gives_it_its_level() {
    for evidence in Evidence::ALL {
        let (reason, fwd, level) = decided_by(evidence);
        assert_eq!(reason, evidence.into(), "{}", evidence.name());
        assert_eq!(level, Some(evidence.level().number()), "{}", evidence.name());
        let at_the_door = matches!(evidence, Evidence::RouteDeclared(level) if !level.is_shared());
        assert_eq!(fwd, if at_the_door { Fwd::Bypass } else { Fwd::UriMiss }, "{}", evidence.name());
    }
}

/// The table of levels.md, one row for each line of it that an answer shows.
#[test]
fn each_row_of_the_evidence_table_has_its_level_on_every_kind_of_route() {
    let rows: [(u16, &[Line], u8); 10] = [
        (200, &[("cache-control", "max-age=9")], 2),
        (200, &[("cache-control", "s-maxage=9")], 2),
        (200, &[("expires", "0")], 2),
        (200, &[("cache-control", "private")], 3),
        (200, &[("vary", "X-Api-Key")], 3),
        (200, &[("vary", "X-Forwarded-User")], 3),
        (200, &[("vary", "cookie")], 4),
        (200, &[("set-cookie", "a=b")], 4),
        (200, &[("vary", "*")], 5),
        (200, &[("vary", "*"), ("set-cookie", "a=b"), ("cache-control", "private, max-age=9")], 5),
    ];
    for world in [World::declared(Level::Permanent), World::changing(), World::origin()] {
        for (status, answer, expected) in rows {
            let judgement = world.judge(NOTHING, status, answer);
            assert_eq!(level_of(judgement.evidence), Some(expected), "{answer:?}");
            assert_eq!(expected > 2, judgement.evidence.is_unshareable());
        }
    }
}

#[test]
fn access_control_counts_only_where_the_fetch_was_hermetic() {
    for status in [401, 403, 407] {
        let judgement = World::declared(Level::Permanent).judge(NOTHING, status, NOTHING);
        assert_eq!(Outcome::of(&judgement), discard(Evidence::AccessControl));
        assert_eq!(level_of(judgement.evidence), Some(3));
        assert_eq!(level_of(World::origin().judge(NOTHING, status, NOTHING).evidence), None);
    }
}

#[test]
fn neither_immutable_nor_no_store_is_a_level() {
    for directives in ["immutable", "no-store", "no-cache", "private=\"x-a\"", "must-revalidate"] {
        let judgement =
            World::declared(Level::Permanent).judge(NOTHING, 200, &[("cache-control", directives)]);
        assert_eq!(level_of(judgement.evidence), Some(1), "{directives}");
    }
}

#[test]
fn identity_of_a_request_is_no_evidence_on_a_declared_route() {
    let request = fields(&[("authorization", "a"), ("cookie", "sid=1"), ("x-api-key", "k")]);
    for level in Level::ALL.into_iter().filter(|level| level.is_shared()) {
        let keyed = World::declared(level).keyed(&request);
        assert_eq!(keyed.evidence, EvidenceSet::EMPTY.with(Evidence::RouteDeclared(level)));
    }
}

#[test]
fn a_field_that_the_operator_names_as_a_session_is_one_in_vary() {
    let world = World::changing().with(|world| {
        world
            .policy
            .identity
            .session
            .push(crate::level::IdentityField::Header(HeaderName::from_static("x-session")));
        let x_session = FieldSpec::new(HeaderName::from_static("x-session"));
        world.route.state = StateSpec { query: Vec::new(), fields: vec![x_session] };
    });
    assert_eq!(world.verdict(NOTHING, 200, &[("vary", "X-Session")]), discard(Evidence::VaryCookie));
}
