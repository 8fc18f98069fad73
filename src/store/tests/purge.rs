use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use proptest::prelude::*;

use super::share_no_slot;
use crate::{
    key::{Place, Scheme},
    store::{End, Prefix, PurgeClock, Reach, Scope, Stamped, Standing, purge::MOST_PREFIXES},
};

const PLACE: Place<'static> = Place { scheme: Scheme::Http, authority: "a", path: "/a" };

pub(super) fn current(clock: &PurgeClock, stamped: &Stamped) -> bool {
    clock.is_current(stamped, || PLACE)
}

const KINDS: [Scope<'static>; 7] = [
    Scope::Target(b"a"),
    Scope::Path(b"a"),
    Scope::Host("a"),
    Scope::Route("a"),
    Scope::Tag("a"),
    Scope::Group("a"),
    Scope::ManyTags,
];

#[test]
fn what_began_before_is_invalid_and_what_begins_after_is_not() {
    for scope in KINDS {
        let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
        let id = clock.scope(scope);
        let before = Stamped::new(clock.now(), [id]);
        assert!(current(&clock, &before));
        clock.invalidate(&[id]);
        assert!(!current(&clock, &before), "{scope:?}");
        assert!(!current(&clock, &before), "{scope:?} asked again");
        let after = Stamped::new(clock.now(), before.scopes());
        assert!(current(&clock, &after), "{scope:?}");
    }
}

#[test]
fn a_write_supersedes_what_it_wrote_unless_another_was_faster() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let id = clock.scope(Scope::Target(b"a"));
    let written = Stamped::new(clock.now(), [id]);
    let stamp = clock.supersede(&written, || PLACE, &[id]).expect("nothing else was written");
    let answer = Stamped::new(stamp, [id]);
    assert!(!current(&clock, &written), "what was stored before is gone");
    assert!(current(&clock, &answer), "its own answer may be stored");
    let slow = Stamped::new(clock.now(), [id]);
    clock.invalidate(&[id]);
    assert_eq!(clock.supersede(&slow, || PLACE, &[id]), None, "a later write may have been answered earlier");
    assert!(!current(&clock, &answer));
}

#[test]
fn kinds_do_not_match_each_other() {
    let clock = PurgeClock::new(1 << 22);
    for scope in KINDS {
        let stamped = Stamped::new(clock.now(), [clock.scope(scope)]);
        for other in KINDS.into_iter().filter(|other| *other != scope) {
            // Two pairs of slots of four million that cover each other would be a very rare accident of the seed.
            clock.invalidate(&[clock.scope(other)]);
        }
        assert!(current(&clock, &stamped), "{scope:?}");
    }
}

#[test]
fn one_of_several_scopes_is_enough() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let all: Vec<_> = KINDS.into_iter().map(|scope| clock.scope(scope)).collect();
    for id in &all {
        let stamped = Stamped::new(clock.now(), all.clone());
        clock.invalidate(&[*id]);
        assert!(!current(&clock, &stamped));
    }
    let stamped = Stamped::new(clock.now(), all.clone());
    clock.invalidate(&[]);
    assert!(current(&clock, &stamped));
    clock.invalidate(&all);
    assert!(!current(&clock, &stamped));
}

#[test]
fn a_scope_of_another_clock_is_never_current_by_accident() {
    let large = PurgeClock::new(u32::from(u16::MAX));
    let small = PurgeClock::new(1);
    let foreign = large.scope(Scope::Target(b"a"));
    let stamped = Stamped::new(small.now(), [foreign]);
    small.invalidate(&[small.scope(Scope::Host("any"))]);
    assert!(!current(&small, &stamped));
}

/// Writers invalidate and then say so; readers must never find current what was invalidated before they asked.
#[test]
fn no_reader_misses_an_invalidation_that_was_over_when_it_began() {
    let clock = PurgeClock::new(4);
    let scopes: Vec<_> =
        (0..4u8).map(|name| clock.scope(Scope::Tag(["a", "b", "c", "d"][usize::from(name)]))).collect();
    let told: Vec<_> = scopes.iter().map(|_| AtomicU64::new(0)).collect();
    thread::scope(|threads| {
        for writer in 0..2 {
            let (clock, scopes, told) = (&clock, &scopes, &told);
            threads.spawn(move || {
                for round in 0..20_000 {
                    let index = (round + writer) % scopes.len();
                    let began = clock.now();
                    clock.invalidate(&[scopes[index]]);
                    // Everything up to `began` is now invalid for this scope.
                    told[index].fetch_max(began.0 + 1, Ordering::Release);
                }
            });
        }
        for reader in 0..2 {
            let (clock, scopes, told) = (&clock, &scopes, &told);
            threads.spawn(move || {
                let mut kept = Vec::new();
                for round in 0..20_000 {
                    let index = (round + reader) % scopes.len();
                    let stamp = clock.now();
                    kept.push((index, stamp, Stamped::new(stamp, [scopes[index]])));
                    if kept.len() > 16 {
                        kept.remove(0);
                    }
                    for (index, stamp, stamped) in &kept {
                        let invalid_below = told[*index].load(Ordering::Acquire);
                        let current = current(clock, stamped);
                        assert!(!current || stamp.0 >= invalid_below);
                    }
                }
            });
        }
    });
}

/// A reader in the middle of an invalidation must not conclude anything that outlives it.
#[test]
fn what_is_asked_during_an_invalidation_is_not_current_after_it() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let scope = clock.scope(Scope::Tag("last"));
    // Many scopes at once make the middle of it long.
    let mut scopes: Vec<_> =
        (0..2_000u32).map(|name| clock.scope(Scope::Path(&name.to_le_bytes()))).collect();
    scopes.push(scope);
    for _ in 0..200 {
        let stamped = Stamped::new(clock.now(), [scope]);
        let over = AtomicBool::new(false);
        thread::scope(|threads| {
            threads.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    current(&clock, &stamped);
                }
            });
            clock.invalidate(&scopes);
            over.store(true, Ordering::Relaxed);
        });
        assert!(!current(&clock, &stamped));
    }
}

fn at(second: u64) -> Duration {
    Duration::from_secs(second)
}

/// What has become of something at this place that began at the beginning of time.
fn standing(clock: &PurgeClock, authority: &str, path: &str) -> Standing {
    let of_old = Stamped::new(PurgeClock::new(1).now(), []);
    clock.standing(&of_old, || Place { scheme: Scheme::Http, authority, path }).0
}

#[test]
fn everything_that_began_before_is_gone_and_nothing_else() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let before = Stamped::new(clock.now(), []);
    clock.purge(&[Reach::Everything], End::Gone);
    assert!(!current(&clock, &before));
    let after = Stamped::new(clock.now(), []);
    assert!(current(&clock, &after));
    clock.purge(&[], End::Gone);
    assert!(current(&clock, &after));
    clock.purge(&[Reach::Everything], End::Stale(at(5)));
    assert_eq!(clock.standing(&after, || PLACE).0, Standing::Ended(at(5)));
    assert_eq!(clock.standing(&before, || PLACE).0, Standing::Gone, "nothing brings it back");
}

#[test]
fn a_host_is_every_port_of_it_and_a_port_is_only_that_one() {
    for (purged, gone, stays) in [
        ("a", &["a", "a:8080", "a.", "a.:8080"][..], &["b", "a.b", "b:8080", "aa"][..]),
        ("a:8080", &["a:8080", "a.:8080"], &["a", "a:80", "a:8081", "b:8080"]),
        ("[::1]", &["[::1]", "[::1]:8080"], &["[::2]", "1"]),
        ("[::1]:8080", &["[::1]:8080"], &["[::1]", "[::1]:1"]),
    ] {
        let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
        clock.purge(&[Reach::Scope(Scope::Host(purged))], End::Gone);
        assert!(gone.iter().all(|host| standing(&clock, host, "/") == Standing::Gone), "{purged}");
        assert!(stays.iter().all(|host| standing(&clock, host, "/") == Standing::Current), "{purged}");
    }
}

#[test]
fn a_prefix_is_the_beginning_of_paths_on_every_host_or_on_one() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    clock.purge(&[Reach::Prefix(Prefix { origin: None, path: "/product" })], End::Gone);
    let origin = Some((Scheme::Http, "b:81"));
    clock.purge(&[Reach::Prefix(Prefix { origin, path: "/x/" })], End::Gone);
    let other = Some((Scheme::Https, "a"));
    clock.purge(&[Reach::Prefix(Prefix { origin: other, path: "/" })], End::Gone);
    for (authority, path) in [("a", "/product"), ("b", "/products/1"), ("a", "/product/1"), ("b:81", "/x/")] {
        assert_eq!(standing(&clock, authority, path), Standing::Gone, "{authority} {path}");
    }
    for (authority, path) in
        [("a", "/produc"), ("a", "/x/"), ("b", "/x/1"), ("b:81", "/x"), ("a", "/a/product")]
    {
        assert_eq!(standing(&clock, authority, path), Standing::Current, "{authority} {path}");
    }
}

#[test]
fn more_prefixes_than_are_told_apart_end_more_and_never_less() {
    for end in [End::Gone, End::Stale(at(7))] {
        let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
        let early = Stamped::new(clock.now(), []);
        // What a look makes of it is remembered, and holds for one path only.
        let look = |stamped: &Stamped, path: &str| clock.standing(stamped, || Place { path, ..PLACE }).0;
        for number in 0..MOST_PREFIXES {
            clock.purge(&[Reach::Prefix(Prefix { origin: None, path: &format!("/{number}/") })], end);
        }
        assert_ne!(look(&early.clone(), "/0/x"), Standing::Current);
        let kept = Stamped::new(clock.now(), []);
        // What no prefix reaches stays, and is known to be current by now.
        assert_eq!(look(&early, "/x"), Standing::Current);
        let untouched = Stamped::new(PurgeClock::new(1).now(), []);
        clock.purge(&[Reach::Prefix(Prefix { origin: None, path: "/more/" })], end);
        assert_ne!(look(&untouched, "/0/x"), Standing::Current);
        assert_ne!(look(&untouched, "/x"), Standing::Current, "it might have been meant");
        assert_eq!(look(&kept.clone(), "/0/x"), Standing::Current);
        assert_eq!(look(&early, "/x"), Standing::Current, "it was found not to be meant");
        assert_ne!(look(&kept, "/more/"), Standing::Current);
    }
}

#[test]
fn prefixes_that_a_shorter_one_covers_make_room() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let early = Stamped::new(clock.now(), []);
    let look = |path: &str| clock.standing(&early.clone(), || Place { path, ..PLACE }).0;
    for number in 0..3 * MOST_PREFIXES {
        clock.purge(&[Reach::Prefix(Prefix { origin: None, path: &format!("/a/{number}/") })], End::Gone);
        if number % 1000 == 999 {
            clock.purge(&[Reach::Prefix(Prefix { origin: None, path: "/a/" })], End::Gone);
        }
        // The same one softly, again and again.
        clock.purge(&[Reach::Prefix(Prefix { origin: None, path: "/s/" })], End::Stale(at(1)));
    }
    assert_eq!((look("/a/1"), look("/b")), (Standing::Gone, Standing::Current));
    assert!(matches!(look("/s/1"), Standing::Ended(_)));
}

#[test]
fn what_is_softly_purged_ended_when_it_was_purged_first() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let tag = Scope::Tag("a");
    let begun = || Stamped::new(clock.now(), [clock.scope(tag)]);
    let ended = |stamped: &Stamped| clock.standing(stamped, || PLACE).0;
    let soft = |second| clock.purge(&[Reach::Scope(tag)], End::Stale(at(second)));
    let first = begun();
    soft(10);
    assert_eq!(ended(&first), Standing::Ended(at(10)));
    let second = begun();
    assert_eq!(ended(&second), Standing::Current);
    soft(20);
    assert_eq!((ended(&first), ended(&second)), (Standing::Ended(at(10)), Standing::Ended(at(20))));
    let third = begun();
    soft(30);
    // Of three, the time of the first is forgotten: it is said to be longer ago, and never shorter.
    assert_eq!(ended(&first), Standing::Ended(Duration::ZERO));
    assert_eq!((ended(&second), ended(&third)), (Standing::Ended(at(20)), Standing::Ended(at(30))));
    clock.purge(&[Reach::Scope(tag)], End::Gone);
    assert!([&first, &second, &third].into_iter().all(|stamped| ended(stamped) == Standing::Gone));
    soft(40);
    assert_eq!(ended(&first), Standing::Gone, "a soft purge revives nothing");
    assert_eq!(ended(&begun()), Standing::Current);
}

#[test]
fn a_write_whose_target_was_purged_meanwhile_leaves_no_answer() {
    for (reach, end) in [
        (Reach::Everything, End::Gone),
        (Reach::Everything, End::Stale(at(1))),
        (Reach::Prefix(Prefix { origin: None, path: "/a" }), End::Gone),
        (Reach::Scope(Scope::Host("a")), End::Stale(at(1))),
        (Reach::Scope(Scope::Tag("t")), End::Gone),
    ] {
        let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
        let target = clock.scope(Scope::Target(b"a"));
        let written = Stamped::new(clock.now(), [target, clock.scope(Scope::Tag("t"))]);
        clock.purge(&[reach], end);
        assert_eq!(clock.supersede(&written, || PLACE, &[target]), None, "{reach:?}");
    }
}

/// As for invalidations: purges of every kind, while readers look.
#[test]
fn no_reader_misses_a_purge_that_was_over_when_it_began() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let tag = clock.scope(Scope::Tag("a"));
    let over = AtomicU64::new(0);
    let kinds = [
        Reach::Scope(Scope::Tag("a")),
        Reach::Scope(Scope::Host("a")),
        Reach::Prefix(Prefix { origin: None, path: "/" }),
        Reach::Prefix(Prefix { origin: None, path: "/a" }),
        Reach::Everything,
    ];
    thread::scope(|threads| {
        for writer in 0..2 {
            let (clock, over) = (&clock, &over);
            threads.spawn(move || {
                for round in 0..10_000 {
                    let began = clock.now();
                    let end = if round % 3 == writer { End::Gone } else { End::Stale(at(1)) };
                    clock.purge(&[kinds[(round + writer) % kinds.len()]], end);
                    over.fetch_max(began.0 + 1, Ordering::Release);
                }
            });
        }
        for _ in 0..2 {
            let (clock, over) = (&clock, &over);
            threads.spawn(move || {
                let mut kept = Vec::new();
                for _ in 0..10_000 {
                    let stamp = clock.now();
                    kept.push((stamp, Stamped::new(stamp, [tag])));
                    if kept.len() > 16 {
                        kept.remove(0);
                    }
                    for (stamp, stamped) in &kept {
                        let purged_below = over.load(Ordering::Acquire);
                        assert!(!current(clock, stamped) || stamp.0 >= purged_below);
                    }
                }
            });
        }
    });
}

proptest! {
    #[test]
    fn less_is_never_purged_than_by_the_book(
        slots in prop_oneof![Just(1u32), Just(3), Just(1 << 16)],
        steps in prop::collection::vec((any::<bool>(), 0usize..6, 0usize..6), 1..60),
    ) {
        let clock = PurgeClock::new(slots);
        let names = ["a", "b", "c", "d", "e", "f"];
        let ids = names.map(|name| clock.scope(Scope::Path(name.as_bytes())));
        let apart = share_no_slot(&ids);
        // By the book: everything alive, with its scopes by name and whether one of them was invalidated.
        let mut book: Vec<(Stamped, [usize; 2], bool)> = Vec::new();
        for (invalidate, one, other) in steps {
            if invalidate {
                clock.invalidate(&[ids[one]]);
                book.iter_mut().filter(|(_, scopes, _)| scopes.contains(&one)).for_each(|item| item.2 = true);
            } else {
                book.push((Stamped::new(clock.now(), [ids[one], ids[other]]), [one, other], false));
            }
            for (stamped, _, purged) in &book {
                let current = current(&clock, stamped);
                prop_assert!(!(*purged && current));
                prop_assert!(!apart || *purged != current);
            }
        }
    }
}
