//! What can happen in a sequence: what an origin says about its resources, what clients ask, and time.

use proptest::{collection::vec, option, prelude::*};

/// The resources of one sequence.
pub(super) const RESOURCES: [&str; 2] = ["a", "b"];

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// So many seconds pass.
    Wait(u64),
    /// A resource changes at the origin.
    Change(usize, Change),
    /// A client asks.
    Ask(Ask),
    /// A client writes.
    Write(Write),
}

/// What a resource is from now on.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Whether its content is another one.
    pub(super) new_version: bool,
    pub(super) says: Says,
}

/// How the origin answers for a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Says {
    pub(super) status: Status,
    pub(super) control: Option<Control>,
    /// Whether the content depends on `x-lang`, and Vary says so.
    pub(super) varies: bool,
    /// Whether there is an entity tag.
    pub(super) tagged: bool,
    /// Whether there is a Last-Modified.
    pub(super) dated: bool,
    /// The Age that it claims to have already.
    pub(super) age: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Ok,
    NotFound,
    /// 503 without any other field, whatever else it says.
    Broken,
}

/// The directives of a response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is the presence of one directive")]
pub(super) struct Control {
    pub(super) max_age: Option<u64>,
    pub(super) s_maxage: Option<u64>,
    pub(super) no_store: bool,
    pub(super) no_cache: bool,
    pub(super) private: bool,
    pub(super) public: bool,
    pub(super) must_revalidate: bool,
    pub(super) stale_if_error: Option<u64>,
}

impl Control {
    /// The field's value.
    pub(super) fn text(&self) -> String {
        let seconds =
            [("max-age", self.max_age), ("s-maxage", self.s_maxage), ("stale-if-error", self.stale_if_error)];
        let words = [
            ("no-store", self.no_store),
            ("no-cache", self.no_cache),
            ("private", self.private),
            ("public", self.public),
            ("must-revalidate", self.must_revalidate),
        ];
        let mut directives = vec!["x-nothing".to_owned()];
        directives.extend(seconds.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?))));
        directives.extend(words.iter().filter(|(_, said)| *said).map(|(name, _)| (*name).to_owned()));
        directives.join(", ")
    }
}

/// A GET or HEAD.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) resource: usize,
    pub(super) head: bool,
    pub(super) lang: Option<u8>,
    pub(super) authorization: bool,
    pub(super) demand: Demand,
    /// Whether it has a copy, and asks whether that is still good.
    pub(super) copy: Option<Copy>,
}

impl Ask {
    /// A request that says nothing but what it wants.
    pub(super) const fn plain(resource: usize) -> Self {
        Self { resource, head: false, lang: None, authorization: false, demand: Demand::Nothing, copy: None }
    }
}

/// Which copy a client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copy {
    /// That of the version that the origin has now.
    Current,
    /// That of something else.
    Other,
}

/// The directives of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Demand {
    Nothing,
    NoStore,
    NoCache,
    OnlyIfCached,
    MaxAge(u64),
    MaxStale(Option<u64>),
    MinFresh(u64),
    MaxAgeAndStale(u64, u64),
}

impl Demand {
    /// The field's value.
    pub(super) fn text(self) -> Option<String> {
        Some(match self {
            Self::Nothing => return None,
            Self::NoStore => "no-store".to_owned(),
            Self::NoCache => "no-cache".to_owned(),
            Self::OnlyIfCached => "only-if-cached".to_owned(),
            Self::MaxAge(age) => format!("max-age={age}"),
            Self::MaxStale(None) => "max-stale".to_owned(),
            Self::MaxStale(Some(limit)) => format!("max-stale={limit}"),
            Self::MinFresh(left) => format!("min-fresh={left}"),
            Self::MaxAgeAndStale(age, limit) => format!("max-age={age}, max-stale={limit}"),
        })
    }
}

/// A request with an unsafe method, and how the origin answers it.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) resource: usize,
    pub(super) method: &'static str,
    pub(super) status: u16,
    /// What the answer's Location or Content-Location names.
    pub(super) names: Option<Named>,
    /// The answer's Cache-Control.
    pub(super) control: Option<Control>,
    /// Whether the resource is another one afterwards.
    pub(super) new_version: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// This resource, by this field.
    Here(&'static str, usize),
    /// This resource's path at another origin, by this field.
    Elsewhere(&'static str, usize),
}

/// Sequences of this many steps at most.
pub(super) fn sequences(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    // What the origin says at first, so that short sequences are not about nothing.
    let first = (change(), change()).prop_map(|(a, b)| vec![Step::Change(0, a), Step::Change(1, b)]);
    (first, vec(step(), 1..steps)).prop_map(|(mut first, then)| {
        first.extend(then);
        first
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => seconds().prop_map(Step::Wait),
        2 => (resource(), change()).prop_map(|(resource, change)| Step::Change(resource, change)),
        8 => ask().prop_map(Step::Ask),
        1 => write().prop_map(Step::Write),
    ]
}

/// Few lengths of time, so that waits, lifetimes and limits often meet at their very ends.
fn seconds() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), Just(5), Just(10), Just(20), 1u64..60]
}

fn resource() -> impl Strategy<Value = usize> {
    0..RESOURCES.len()
}

fn change() -> impl Strategy<Value = Change> {
    (prop::bool::weighted(0.4), says()).prop_map(|(new_version, says)| Change { new_version, says })
}

fn says() -> impl Strategy<Value = Says> {
    let status = prop_oneof![8 => Just(Status::Ok), 1 => Just(Status::NotFound), 2 => Just(Status::Broken)];
    let validators = (prop::bool::weighted(0.7), prop::bool::weighted(0.3));
    let age = option::weighted(0.15, seconds());
    (status, option::weighted(0.9, control()), prop::bool::weighted(0.3), validators, age).prop_map(
        |(status, control, varies, (tagged, dated), age)| Says {
            status,
            control,
            varies,
            tagged,
            dated,
            age,
        },
    )
}

fn control() -> impl Strategy<Value = Control> {
    let rarely = || prop::bool::weighted(0.1);
    let lifetimes =
        (option::weighted(0.8, seconds()), option::weighted(0.2, prop_oneof![Just(0), seconds()]));
    let words = (rarely(), rarely(), rarely(), prop::bool::weighted(0.3), prop::bool::weighted(0.2));
    (lifetimes, words, option::weighted(0.3, seconds())).prop_map(
        |((max_age, s_maxage), (no_store, no_cache, private, public, must_revalidate), stale_if_error)| {
            Control {
                max_age,
                s_maxage,
                no_store,
                no_cache,
                private,
                public,
                must_revalidate,
                stale_if_error,
            }
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    let copy = option::weighted(0.2, prop_oneof![Just(Copy::Current), Just(Copy::Other)]);
    let lang = prop_oneof![3 => Just(None), 2 => Just(Some(1)), 1 => Just(Some(2))];
    let flags = (prop::bool::weighted(0.15), prop::bool::weighted(0.1));
    (resource(), flags, lang, demand(), copy).prop_map(
        |(resource, (head, authorization), lang, demand, copy)| Ask {
            resource,
            head,
            lang,
            authorization,
            demand,
            copy,
        },
    )
}

fn demand() -> impl Strategy<Value = Demand> {
    prop_oneof![
        12 => Just(Demand::Nothing),
        1 => Just(Demand::NoStore),
        1 => Just(Demand::NoCache),
        1 => Just(Demand::OnlyIfCached),
        1 => seconds().prop_map(Demand::MaxAge),
        1 => option::of(seconds()).prop_map(Demand::MaxStale),
        1 => seconds().prop_map(Demand::MinFresh),
        1 => (seconds(), seconds()).prop_map(|(age, limit)| Demand::MaxAgeAndStale(age, limit)),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    let method = prop::sample::select(vec!["POST", "POST", "PUT", "DELETE", "PATCH", "FLIP"]);
    let status = prop::sample::select(vec![200, 201, 204, 303, 400, 404, 500]);
    let field = || prop::sample::select(vec!["location", "content-location"]);
    let names = prop_oneof![
        (field(), resource()).prop_map(|(field, resource)| Named::Here(field, resource)),
        (field(), resource()).prop_map(|(field, resource)| Named::Elsewhere(field, resource)),
    ];
    let answer = (status, option::weighted(0.4, names), option::weighted(0.5, control()), any::<bool>());
    (resource(), method, answer, any::<bool>()).prop_map(
        |(resource, method, (status, names, control, is_of_target), new_version)| {
            // Often enough what an answer must say to be that of a later GET.
            let own = (method == "POST" && is_of_target).then_some(Named::Here("content-location", resource));
            Write { resource, method, status, names: own.or(names), control, new_version }
        },
    )
}
