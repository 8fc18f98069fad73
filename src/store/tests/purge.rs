use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use proptest::prelude::*;

use super::share_no_slot;
use crate::store::{PurgeClock, Scope, Stamped};

const KINDS: [Scope<'static>; 6] = [
    Scope::Target(b"a"),
    Scope::Path(b"a"),
    Scope::Host("a"),
    Scope::Route("a"),
    Scope::Tag("a"),
    Scope::Group("a"),
];

#[test]
fn what_began_before_is_invalid_and_what_begins_after_is_not() {
    for scope in KINDS {
        let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
        let id = clock.scope(scope);
        let before = Stamped::new(clock.now(), [id]);
        assert!(clock.is_current(&before));
        clock.invalidate(&[id]);
        assert!(!clock.is_current(&before), "{scope:?}");
        assert!(!clock.is_current(&before), "{scope:?} asked again");
        let after = Stamped::new(clock.now(), before.scopes());
        assert!(clock.is_current(&after), "{scope:?}");
    }
}

#[test]
fn a_write_supersedes_what_it_wrote_unless_another_was_faster() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let id = clock.scope(Scope::Target(b"a"));
    let written = Stamped::new(clock.now(), [id]);
    let stamp = clock.supersede(&written, &[id]).expect("nothing else was written");
    let answer = Stamped::new(stamp, [id]);
    assert!(!clock.is_current(&written), "what was stored before is gone");
    assert!(clock.is_current(&answer), "its own answer may be stored");
    let slow = Stamped::new(clock.now(), [id]);
    clock.invalidate(&[id]);
    assert_eq!(clock.supersede(&slow, &[id]), None, "a later write may have been answered earlier");
    assert!(!clock.is_current(&answer));
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
        assert!(clock.is_current(&stamped), "{scope:?}");
    }
}

#[test]
fn one_of_several_scopes_is_enough() {
    let clock = PurgeClock::new(PurgeClock::DEFAULT_SLOTS);
    let all: Vec<_> = KINDS.into_iter().map(|scope| clock.scope(scope)).collect();
    for id in &all {
        let stamped = Stamped::new(clock.now(), all.clone());
        clock.invalidate(&[*id]);
        assert!(!clock.is_current(&stamped));
    }
    let stamped = Stamped::new(clock.now(), all.clone());
    clock.invalidate(&[]);
    assert!(clock.is_current(&stamped));
    clock.invalidate(&all);
    assert!(!clock.is_current(&stamped));
}

#[test]
fn a_scope_of_another_clock_is_never_current_by_accident() {
    let large = PurgeClock::new(u32::from(u16::MAX));
    let small = PurgeClock::new(1);
    let foreign = large.scope(Scope::Target(b"a"));
    let stamped = Stamped::new(small.now(), [foreign]);
    small.invalidate(&[small.scope(Scope::Host("any"))]);
    assert!(!small.is_current(&stamped));
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
                    kept.push((index, Stamped::new(clock.now(), [scopes[index]])));
                    if kept.len() > 16 {
                        kept.remove(0);
                    }
                    for (index, stamped) in &kept {
                        let invalid_below = told[*index].load(Ordering::Acquire);
                        let current = clock.is_current(stamped);
                        assert!(!current || stamped.stamp().0 >= invalid_below);
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
                    clock.is_current(&stamped);
                }
            });
            clock.invalidate(&scopes);
            over.store(true, Ordering::Relaxed);
        });
        assert!(!clock.is_current(&stamped));
    }
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
                let current = clock.is_current(stamped);
                prop_assert!(!(*purged && current));
                prop_assert!(!apart || *purged != current);
            }
        }
    }
}
