//! How long an answer of a declared route lives, by the word of the origin and of the route.

use super::*;
use crate::{
    decision::Refusal,
    semantics::freshness::{FreshnessLifetime, Remaining},
};

fn lifetime(world: &World, status: u16, answer: &[Line]) -> Option<u64> {
    match world.stored(NOTHING, status, answer).times.lifetime() {
        FreshnessLifetime::Forever => None,
        FreshnessLifetime::Finite(lifetime) => Some(lifetime.as_secs()),
    }
}

fn max_age(seconds: &'static str) -> [Line; 1] {
    [("cache-control", seconds)]
}

#[test]
fn the_routes_ttl_counts_for_five_statuses_and_the_origins_word_for_all() {
    let (changing, permanent) = (World::changing(), World::declared(Level::Permanent));
    for status in [200, 203, 204, 301, 308] {
        assert_eq!(lifetime(&changing, status, NOTHING), Some(60), "{status}");
        assert_eq!(lifetime(&permanent, status, NOTHING), None, "{status}");
    }
    for status in [201, 202, 207, 226, 500, 501, 502, 503, 504] {
        for world in [&changing, &permanent] {
            assert_eq!(
                world.verdict(NOTHING, status, NOTHING),
                refuse(Refusal::StatusNotStorable),
                "{status}"
            );
            assert_eq!(lifetime(world, status, &max_age("max-age=7")), Some(7), "{status}");
        }
    }
}

#[test]
fn absence_has_a_lifetime_of_its_own_on_both_levels() {
    for world in [World::changing(), World::declared(Level::Permanent)] {
        for status in [404, 410] {
            assert_eq!(lifetime(&world, status, NOTHING), Some(5));
            assert_eq!(lifetime(&world, status, &max_age("max-age=7")), Some(7));
        }
        let world = world.with(|world| world.route.lifetime.negative_ttl = secs(0));
        assert_eq!(lifetime(&world, 404, NOTHING), Some(0));
    }
}

#[test]
fn explicit_freshness_ends_a_permanent_response() {
    let world = World::declared(Level::Permanent);
    assert_eq!(lifetime(&world, 200, &max_age("max-age=9, immutable")), Some(9));
    assert_eq!(lifetime(&world, 200, &max_age("immutable")), None);
    assert_eq!(lifetime(&world, 200, &[("expires", "0")]), Some(0));
}

#[test]
fn without_any_word_an_answer_is_stored_and_validated_each_time() {
    let world = World::declared(Level::Changing);
    let stored = world.stored(NOTHING, 200, NOTHING);
    assert_eq!(stored.remaining(after(0)), Remaining::Stale(secs(0)));
    assert!(matches!(world.plan(NOTHING, &[&stored]), Plan::Validate { variant: 0, .. }));
}

#[test]
fn min_and_max_ttl_bound_what_the_origin_says() {
    let world = World::changing().with(|world| {
        world.route.lifetime.min_ttl = Some(secs(10));
        world.route.lifetime.max_ttl = Some(secs(100));
    });
    for (given, expected) in [("max-age=1", 10), ("max-age=50", 50), ("max-age=500", 100)] {
        assert_eq!(lifetime(&world, 200, &max_age(given)), Some(expected), "{given}");
    }
    assert_eq!(lifetime(&world, 404, &max_age("max-age=500")), Some(100));
    let permanent =
        World::declared(Level::Permanent).with(|world| world.route.lifetime.max_ttl = Some(secs(100)));
    assert_eq!(lifetime(&permanent, 200, NOTHING), Some(100));
}

#[test]
fn min_ttl_overrides_neither_no_cache_nor_no_store() {
    let world = World::changing().with(|world| {
        world.route.lifetime.min_ttl = Some(secs(10));
        world.route.lifetime.stale_while_revalidate = Some(secs(10));
        world.route.lifetime.stale_if_error = Some(secs(10));
    });
    let stored = world.stored(NOTHING, 200, &max_age("no-cache, max-age=1"));
    assert!(matches!(world.plan(NOTHING, &[&stored]), Plan::Validate { .. }));
    assert!(matches!(world.plan_at(after(11), NOTHING, &[&stored]), Plan::Validate { .. }));
    assert!(!stored.is_usable_on_error(after(11)));
    assert_eq!(
        world.verdict(NOTHING, 200, &max_age("no-store, max-age=1")),
        refuse(Refusal::ResponseNoStore)
    );
}

#[test]
fn jitter_only_shortens_and_never_ends_what_is_permanent() {
    for (chance, expected) in [(0.0, 60), (0.5, 54), (1.0, 48), (7.0, 48), (-7.0, 60)] {
        let jitter = |world: &mut World| {
            world.route.lifetime.jitter = 0.2;
            world.chance = chance;
        };
        assert_eq!(lifetime(&World::changing().with(jitter), 200, NOTHING), Some(expected), "{chance}");
        assert_eq!(lifetime(&World::origin().with(jitter), 200, &max_age("max-age=60")), Some(expected));
        assert_eq!(lifetime(&World::declared(Level::Permanent).with(jitter), 200, NOTHING), None);
    }
}

#[test]
fn the_origins_window_comes_before_the_routes_and_prohibitions_before_both() {
    let ruled = |world: World| {
        world.with(|world| {
            world.route.lifetime.stale_while_revalidate = Some(secs(20));
            world.route.lifetime.stale_if_error = Some(secs(30));
        })
    };
    let rows = [
        ("max-age=9", (20, 30), (20, 30)),
        ("max-age=9, stale-while-revalidate=1, stale-if-error=2", (1, 2), (1, 2)),
        ("max-age=9, stale-while-revalidate=0", (0, 30), (0, 30)),
        ("max-age=9, must-revalidate, stale-if-error=2", (0, 0), (0, 0)),
        ("max-age=9, proxy-revalidate", (0, 0), (0, 0)),
        ("max-age=9, no-cache, stale-if-error=2", (0, 0), (0, 0)),
        ("s-maxage=9, stale-if-error=2", (0, 2), (0, 2)),
        ("s-maxage=9", (0, 0), (0, 0)),
    ];
    for (directives, declared, origin) in rows {
        let windows = |world: World| {
            let stored = ruled(world).stored(NOTHING, 200, &max_age(directives));
            (stored.times.stale_while_revalidate().as_secs(), stored.times.stale_if_error().as_secs())
        };
        assert_eq!(windows(World::changing()), declared, "{directives}");
        assert_eq!(windows(World::origin()), origin, "{directives}");
    }
}
