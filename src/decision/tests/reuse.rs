//! Whether what is stored may be used now.

use super::*;
use crate::{
    decision::Refusal,
    level::{Evidence, EvidenceSet},
    route::ClientDirectives,
    semantics::{cache_status::Fwd, freshness::Remaining},
};

const VALIDATE: Plan = Plan::Validate { variant: 0, fwd: Fwd::Stale };
const ON_REQUEST: Plan = Plan::Validate { variant: 0, fwd: Fwd::Request };

fn honouring() -> World {
    World::changing().with(|world| world.route.client_directives = ClientDirectives::Honour)
}

fn cc(directives: &'static str) -> [Line; 1] {
    [("cache-control", directives)]
}

fn fresh(left: u64) -> Plan {
    Plan::Serve { variant: 0, remaining: Remaining::Fresh(secs(left)) }
}

fn stale(since: u64) -> Plan {
    Plan::Serve { variant: 0, remaining: Remaining::Stale(secs(since)) }
}

#[test]
fn rfc9111_section_4_2_a_lifetime_ends_with_its_last_moment() {
    let world = World::origin();
    let stored = world.stored(NOTHING, 200, &cc("max-age=60"));
    assert_eq!(world.plan_at(after(59), NOTHING, &[&stored]), fresh(1));
    assert_eq!(world.plan_at(after(60), NOTHING, &[&stored]), VALIDATE);
}

#[test]
fn rfc5861_section_3_a_stale_answer_is_served_inside_its_window_and_not_at_its_end() {
    let world = World::origin();
    let stored = world.stored(NOTHING, 200, &cc("max-age=60, stale-while-revalidate=10, stale-if-error=20"));
    let at = |seconds| world.plan_at(after(seconds), NOTHING, &[&stored]);
    assert_eq!(at(60), Plan::ServeStale { variant: 0, since: secs(0) });
    assert_eq!(at(69), Plan::ServeStale { variant: 0, since: secs(9) });
    assert_eq!(at(70), VALIDATE);
    let usable = [59, 60, 79, 80].map(|seconds| stored.is_usable_on_error(after(seconds)));
    assert_eq!(usable, [false, true, true, false]);
}

#[test]
fn rfc9111_section_4_2_4_no_window_opens_where_the_origin_forbids_stale_use() {
    let world = World::origin();
    for directives in ["must-revalidate", "proxy-revalidate", "no-cache"] {
        let line = format!("max-age=60, stale-while-revalidate=99, stale-if-error=99, {directives}");
        let stored = world.stored(NOTHING, 200, &[("cache-control", line.as_str())]);
        for request in [NOTHING, &cc("max-stale")] {
            assert_eq!(world.plan_at(after(61), request, &[&stored]), VALIDATE, "{directives}");
        }
        assert!(!stored.is_usable_on_error(after(61)), "{directives}");
    }
}

#[test]
fn rfc9111_section_5_2_2_4_no_cache_is_validated_before_each_use() {
    for world in [World::changing(), World::declared(Level::Permanent), World::origin()] {
        let stored = world.stored(NOTHING, 200, &cc("no-cache, max-age=60"));
        assert_eq!(world.plan(NOTHING, &[&stored]), VALIDATE);
    }
    let permanent = World::declared(Level::Permanent);
    assert_eq!(permanent.plan(NOTHING, &[&permanent.stored(NOTHING, 200, &cc("no-cache"))]), VALIDATE);
}

#[test]
fn rfc9111_section_5_2_1_directives_of_a_request_count_where_they_are_honoured() {
    let rows = [
        ("no-cache", 10, ON_REQUEST),
        ("max-age=9", 10, ON_REQUEST),
        ("max-age=10", 10, fresh(50)),
        ("max-age=0", 0, fresh(60)),
        ("min-fresh=50", 10, fresh(50)),
        ("min-fresh=51", 10, ON_REQUEST),
        ("max-stale", 1000, stale(940)),
        ("max-stale=5", 65, stale(5)),
        ("max-stale=5", 66, VALIDATE),
        ("max-stale=5, max-age=64", 65, ON_REQUEST),
        ("max-stale=5, min-fresh=1", 65, ON_REQUEST),
    ];
    for world in [World::origin(), honouring()] {
        let stored = world.stored(NOTHING, 200, &cc("max-age=60"));
        for (directives, seconds, expected) in rows {
            let plan = world.plan_at(after(seconds), &cc(directives), &[&stored]);
            assert_eq!(plan, expected, "{directives} after {seconds}");
        }
        assert_eq!(world.plan(&[("pragma", "no-cache")], &[&stored]), ON_REQUEST);
    }
}

#[test]
fn a_reload_button_is_no_purge_on_a_declared_route() {
    let world = World::changing();
    let stored = world.stored(NOTHING, 200, NOTHING);
    for directives in ["no-cache", "max-age=0", "min-fresh=1000", "no-cache, max-age=0"] {
        assert_eq!(world.plan(&cc(directives), &[&stored]), fresh(60), "{directives}");
    }
    assert_eq!(world.plan(&[("pragma", "no-cache")], &[&stored]), fresh(60));
    assert_eq!(world.plan_at(after(61), &cc("max-stale"), &[&stored]), VALIDATE);
}

#[test]
fn rfc9111_section_5_2_1_1_a_request_that_limits_the_age_gets_nothing_stale_unless_it_says_so() {
    let world = World::origin();
    let stored = world.stored(NOTHING, 200, &cc("max-age=60, stale-while-revalidate=10"));
    let at = |directives| world.plan_at(after(61), &cc(directives), &[&stored]);
    assert_eq!(at("max-age=100"), VALIDATE);
    assert_eq!(at("max-age=100, max-stale"), Plan::ServeStale { variant: 0, since: secs(1) });
    assert_eq!(at("max-stale=1"), Plan::ServeStale { variant: 0, since: secs(1) });
    assert_eq!(at("max-stale=0"), VALIDATE, "the limit counts inside the window too");
}

#[test]
fn rfc9111_section_5_2_2_10_s_maxage_allows_only_the_origins_own_window() {
    let world = World::origin();
    let stored = world.stored(NOTHING, 200, &cc("s-maxage=60"));
    assert_eq!(world.plan_at(after(61), &cc("max-stale"), &[&stored]), VALIDATE);
    let windowed = world.stored(NOTHING, 200, &cc("s-maxage=60, stale-while-revalidate=10"));
    assert!(serves(&world.plan_at(after(61), NOTHING, &[&windowed])));
}

#[test]
fn rfc9111_section_5_2_1_7_only_if_cached_never_asks_the_origin_once_there_is_a_key() {
    let request = cc("only-if-cached");
    for world in [World::changing(), World::origin()] {
        let stored = world.stored(NOTHING, 200, &cc("max-age=60"));
        assert_eq!(world.plan(&request, &[]), Plan::OnlyIfCached);
        assert_eq!(world.plan(&request, &[&stored]), fresh(60));
        assert_eq!(world.plan_at(after(61), &request, &[&stored]), Plan::OnlyIfCached);
        let vary = world.stored(NOTHING, 200, &[("cache-control", "max-age=60"), ("vary", "accept")]);
        let plan = world.plan(&[("cache-control", "only-if-cached"), ("accept", "a/b")], &[&vary]);
        assert_eq!(plan, Plan::OnlyIfCached);
    }
}

#[test]
fn rfc9211_section_2_2_nothing_stored_is_a_miss_of_the_uri() {
    for world in [World::changing(), World::origin()] {
        assert_eq!(world.plan(NOTHING, &[]), Plan::Fetch { fwd: Fwd::UriMiss });
    }
}

#[test]
fn what_a_key_is_remembered_for_is_the_reason_and_adds_to_its_level() {
    let world = World::changing();
    let stored = world.stored(NOTHING, 200, NOTHING);
    let keyed = world.keyed(&HeaderMap::new());
    let remembered = |reason: Reason| {
        let variants = [&stored];
        plan(&keyed, &HeaderMap::new(), variants, Some(reason), &world.policy, after(0))
    };
    let declared = EvidenceSet::EMPTY.with(Evidence::RouteDeclared(Level::Changing));
    let cookie = Evidence::SetCookie;
    assert_eq!(remembered(cookie.into()), Plan::Bypass(Bypass::because(cookie, declared.with(cookie))));
    let large = Refusal::TooLarge;
    assert_eq!(remembered(large.into()), Plan::Bypass(Bypass::because(large, declared)));
}
