//! The clock of invalidations beside a list that remembers everything: of each thing, what was purged since it began.

use std::time::Duration;

use proptest::prelude::*;

use crate::{
    key::{Place, Scheme},
    store::{End, Prefix, PurgeClock, Reach, Scope, ScopeId, Stamped, Standing},
};

const AUTHORITIES: [&str; 4] = ["a", "a:81", "b", "[::1]:81"];
const HOSTS: [&str; 5] = ["a", "a:81", "b", "[::1]", "[::1]:81"];
const PATHS: [&str; 5] = ["/", "/x", "/x/y", "/xy", "/z"];
const TAGS: [&str; 3] = ["s", "t", "u"];

/// What is stored: where it is and how it is tagged.
#[derive(Clone, Copy, Debug)]
struct Thing {
    scheme: Scheme,
    authority: &'static str,
    path: &'static str,
    tags: [bool; 3],
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin(Thing),
    Invalidate(usize),
    Purge(Reach<'static>, Option<u64>),
    /// Looks at one of the things, and at the others not.
    Look(usize),
}

impl Thing {
    fn place(&self) -> Place<'static> {
        Place { scheme: self.scheme, authority: self.authority, path: self.path }
    }

    fn is_within(&self, reach: Reach<'_>) -> bool {
        match reach {
            Reach::Scope(Scope::Tag(tag)) => self.has_tag(tag),
            Reach::Scope(Scope::Host(host)) => {
                self.authority == host || self.authority.strip_suffix(":81") == Some(host)
            }
            Reach::Scope(_) => false,
            Reach::Prefix(Prefix { origin, path }) => {
                self.path.starts_with(path)
                    && origin.is_none_or(|origin| origin == (self.scheme, self.authority))
            }
            Reach::Everything => true,
        }
    }

    fn has_tag(&self, tag: &str) -> bool {
        TAGS.iter().zip(self.tags).any(|(known, has)| has && *known == tag)
    }
}

fn scheme() -> impl Strategy<Value = Scheme> {
    prop_oneof![Just(Scheme::Http), Just(Scheme::Https)]
}

fn reach() -> impl Strategy<Value = Reach<'static>> {
    let origin = prop::option::of((scheme(), prop::sample::select(&AUTHORITIES[..])));
    prop_oneof![
        4 => prop::sample::select(&TAGS[..]).prop_map(|tag| Reach::Scope(Scope::Tag(tag))),
        2 => prop::sample::select(&HOSTS[..]).prop_map(|host| Reach::Scope(Scope::Host(host))),
        4 => (origin, prop::sample::select(&PATHS[..])).prop_map(|(origin, path)| Reach::Prefix(Prefix { origin, path })),
        1 => Just(Reach::Everything),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let thing = (
        scheme(),
        prop::sample::select(&AUTHORITIES[..]),
        prop::sample::select(&PATHS[..]),
        any::<[bool; 3]>(),
    )
        .prop_map(|(scheme, authority, path, tags)| Thing { scheme, authority, path, tags });
    prop_oneof![
        4 => thing.prop_map(Step::Begin),
        1 => (0..TAGS.len()).prop_map(Step::Invalidate),
        4 => (reach(), prop::option::of(0u64..4)).prop_map(|(reach, later)| Step::Purge(reach, later)),
        4 => (0usize..8).prop_map(Step::Look),
    ]
}

/// One thing by the book.
struct Known {
    thing: Thing,
    stamped: Stamped,
    standing: Standing,
    /// How many soft purges have hit it since it was last looked at and nothing had.
    soft: usize,
}

impl Known {
    fn end(&mut self, end: End) {
        self.standing = match (self.standing, end) {
            (Standing::Gone, _) | (_, End::Gone) => Standing::Gone,
            (Standing::Ended(first), End::Stale(_)) => Standing::Ended(first),
            (Standing::Current, End::Stale(at)) => Standing::Ended(at),
        };
        self.soft += usize::from(matches!(end, End::Stale(_)));
    }

    /// Whether what the clock says errs on the safe side at most, or not at all where nothing is shared.
    fn agrees(&self, said: Standing, is_exact: bool) -> bool {
        match (self.standing, said) {
            (Standing::Current, said) => !is_exact || said == Standing::Current,
            (Standing::Ended(at), Standing::Ended(said)) => {
                said <= at && (!is_exact || self.soft > 2 || said == at)
            }
            (Standing::Ended(_), said) => said == Standing::Gone && !is_exact,
            (Standing::Gone, said) => said == Standing::Gone,
        }
    }
}

/// Whether no two scopes share a slot, in the table of times neither.
fn are_apart(clock: &PurgeClock, slots: u32) -> bool {
    let scopes =
        TAGS.map(Scope::Tag).into_iter().chain(HOSTS.map(Scope::Host)).map(|scope| clock.scope(scope));
    let mut soft: Vec<u32> =
        scopes.flat_map(|ScopeId(slots)| slots).map(|slot| slot % (slots / 4).max(1)).collect();
    let all = soft.len();
    soft.sort_unstable();
    soft.dedup();
    soft.len() == all
}

proptest! {
    #[test]
    fn purges_are_as_by_the_book_or_reach_further(
        slots in prop_oneof![Just(1u32), Just(5), Just(1 << 16)],
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let clock = PurgeClock::new(slots);
        let is_exact = are_apart(&clock, slots);
        let mut book: Vec<Known> = Vec::new();
        let mut time = Duration::from_secs(1);
        for step in steps {
            match step {
                Step::Begin(thing) => {
                    let tags = TAGS.iter().filter(|tag| thing.has_tag(tag));
                    let scopes: Vec<_> = tags.map(|tag| clock.scope(Scope::Tag(tag))).collect();
                    let stamped = Stamped::new(clock.now(), scopes);
                    book.push(Known { thing, stamped, standing: Standing::Current, soft: 0 });
                }
                Step::Invalidate(tag) => {
                    clock.invalidate(&[clock.scope(Scope::Tag(TAGS[tag]))]);
                    let hit = book.iter_mut().filter(|known| known.thing.has_tag(TAGS[tag]));
                    hit.for_each(|known| known.end(End::Gone));
                }
                Step::Purge(reach, later) => {
                    time += Duration::from_secs(later.unwrap_or_default());
                    let end = later.map_or(End::Gone, |_| End::Stale(time));
                    clock.purge(&[reach], end);
                    let hit = book.iter_mut().filter(|known| known.thing.is_within(reach));
                    hit.for_each(|known| known.end(end));
                }
                Step::Look(index) => {
                    if let Some(known) = book.get(index) {
                        let (said, _) = clock.standing(&known.stamped, || known.thing.place());
                        prop_assert!(known.agrees(said, is_exact), "{said:?} of {:?} {:?}", known.thing, known.standing);
                    }
                }
            }
        }
        for known in &book {
            let (said, _) = clock.standing(&known.stamped, || known.thing.place());
            prop_assert!(known.agrees(said, is_exact), "{said:?} of {:?} {:?}", known.thing, known.standing);
        }
    }
}
