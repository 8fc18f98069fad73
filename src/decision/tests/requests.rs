//! Which requests have a key, and what they bring along.

use super::*;
use crate::{
    decision::Refusal,
    level::{Evidence, EvidenceSet},
    route::ClientDirectives,
    semantics::{cache_status::Fwd, directives::MaxStale},
};

const READS: [Method; 3] = [Method::GET, Method::HEAD, Method::QUERY];

fn refusal(classified: &Classified) -> Option<Refusal> {
    match classified {
        Classified::Bypass(Bypass { reason: Some(Reason::Refusal(refusal)), fwd: Fwd::Bypass, .. }) => {
            Some(*refusal)
        }
        Classified::Bypass(_) | Classified::OnlyIfCached => panic!("no refusal: {classified:?}"),
        Classified::Keyed(_) => None,
    }
}

#[test]
fn rfc9111_section_4_every_other_method_is_forwarded_for_its_meaning_alone() {
    for world in [World::changing(), World::origin(), World::declared(Level::User)] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            match world.ask(&method, &fields(&[("cache-control", "no-store")]), Content::Unread) {
                Classified::Bypass(Bypass { fwd: Fwd::Method, reason: None, .. }) => {}
                other => panic!("{method}: {other:?}"),
            }
        }
    }
}

#[test]
fn head_shares_the_key_of_get_and_query_has_its_own() {
    for world in [World::changing(), World::origin()] {
        let key = |method, content| match world.ask(method, &HeaderMap::new(), content) {
            Classified::Keyed(keyed) => keyed.key,
            other => panic!("no key: {other:?}"),
        };
        let get = key(&Method::GET, Content::None);
        assert_eq!(get, key(&Method::HEAD, Content::None));
        let empty = key(&Method::QUERY, Content::None);
        assert_ne!(get, empty, "a QUERY without content is no GET");
        assert_eq!(empty, key(&Method::QUERY, Content::Query(b"")));
        assert_ne!(empty, key(&Method::QUERY, Content::Query(b"a")));
        assert_eq!(empty.parts().method.to_method(), Method::QUERY);
    }
}

#[test]
fn content_and_preconditions_bypass_on_every_route() {
    for world in [World::changing(), World::origin()] {
        for method in READS {
            let with = |request: &[Line], content| refusal(&world.ask(&method, &fields(request), content));
            let too_much = match method {
                Method::QUERY => Refusal::QueryContentTooLarge,
                _ => Refusal::RequestContent,
            };
            assert_eq!(with(NOTHING, Content::Unread), Some(too_much));
            assert_eq!(with(&[("if-match", "*")], Content::None), Some(Refusal::Precondition));
            let since = [("if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT")];
            assert_eq!(with(&since, Content::None), Some(Refusal::Precondition));
            assert_eq!(with(&[("if-none-match", "\"a\"")], Content::None), None);
            assert_eq!(with(&[("content-length", "0")], Content::None), None);
        }
    }
}

#[test]
fn override_fields_bypass_only_where_they_would_reach_the_origin() {
    for name in [
        "x-original-url",
        "x-rewrite-url",
        "x-host",
        "x-http-host-override",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let request = fields(&[(name, "/b")]);
        assert_eq!(refusal(&World::origin().get(&request)), Some(Refusal::OverrideField), "{name}");
        assert_eq!(refusal(&World::changing().get(&request)), None, "{name} stays behind");
    }
}

#[test]
fn rfc9111_section_5_2_1_5_no_store_of_a_request_bypasses_whatever_the_route_does_with_directives() {
    for directives in [ClientDirectives::Ignore, ClientDirectives::Honour] {
        let world = World::changing().with(|world| world.route.client_directives = directives);
        for line in ["no-store", "max-age=0, No-Store"] {
            let request = fields(&[("cache-control", line)]);
            assert_eq!(refusal(&world.get(&request)), Some(Refusal::RequestNoStore));
        }
    }
}

#[test]
fn a_route_above_level_2_bypasses_by_its_declaration_before_anything_else() {
    for level in [Level::User, Level::Session, Level::Random] {
        let bypass = World::declared(level).bypass(&[("if-match", "*"), ("cache-control", "no-store")]);
        let declared = Evidence::RouteDeclared(level);
        assert_eq!(bypass, Bypass::because(declared, EvidenceSet::EMPTY.with(declared)));
    }
}

#[test]
fn client_directives_count_unless_a_declared_route_ignores_them() {
    let lines = "no-cache, max-age=1, min-fresh=2, max-stale=3, only-if-cached";
    let request = fields(&[("cache-control", lines)]);
    let read = |world: World| world.keyed(&request).directives;
    let honoured = [
        World::origin(),
        World::changing().with(|world| world.route.client_directives = ClientDirectives::Honour),
    ];
    for world in honoured {
        let heard = read(world);
        assert!(heard.no_cache.is_whole() && heard.only_if_cached);
        assert_eq!((heard.max_age, heard.min_fresh), (Some(secs(1)), Some(secs(2))));
        assert_eq!(heard.max_stale, Some(MaxStale::Within(secs(3))));
    }
    let ignored = read(World::changing());
    assert!(!ignored.no_cache.is_whole() && ignored.only_if_cached);
    assert_eq!((ignored.max_age, ignored.min_fresh, ignored.max_stale), (None, None, None));
}

#[test]
fn pragma_is_a_client_directive_like_any_other() {
    let request = fields(&[("pragma", "no-cache")]);
    assert!(World::origin().keyed(&request).directives.no_cache.is_whole());
    assert!(!World::changing().keyed(&request).directives.no_cache.is_whole());
}

#[test]
fn which_identity_is_evidence_depends_on_the_profile() {
    let evidence = |world: &World, request: &[Line]| -> Vec<Evidence> {
        world.keyed(&fields(request)).evidence.iter().collect()
    };
    let rows: [(Line, &[Evidence], &[Evidence]); 4] = [
        (("authorization", "a"), &[Evidence::RequestIdentity], &[Evidence::RequestIdentity]),
        (("x-api-key", "k"), &[Evidence::RequestIdentity], &[]),
        (("cookie", "sid=1"), &[Evidence::RequestSession], &[]),
        (("cookie", "_ga=1"), &[], &[]),
    ];
    for (line, safe, letter) in rows {
        assert_eq!(evidence(&World::origin(), &[line]), safe, "{line:?}");
        assert_eq!(evidence(&World::letter(), &[line]), letter, "{line:?}");
    }
}

#[test]
fn rfc9111_section_5_2_1_7_a_request_that_would_bypass_and_forbids_to_ask_the_origin_gets_nothing() {
    let request = fields(&[("cache-control", "only-if-cached")]);
    for level in [Level::User, Level::Session, Level::Random] {
        assert!(matches!(World::declared(level).get(&request), Classified::OnlyIfCached), "level {level}");
    }
}
