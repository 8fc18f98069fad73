//! Tests of the decision, one file for each question. They share one origin, whose answers arrive at a moment that
//! every other moment is counted from.

mod hermetic;
mod lifetimes;
mod profiles;
mod properties;
mod reasons;
mod requests;
mod restrictions;
mod reuse;
mod update;
mod variants;
mod vocabulary;
mod whole;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{
    Answered, Asked, Bypass, Classified, Content, Framing, Judgement, Keyed, Plan, Policy, Reason, Stored,
    Verdict, classify, judge, plan,
};
use crate::{
    key::{Scheme, Target},
    level::{Identity, Level, Profile},
    route::{Pattern, Route, Treatment},
    semantics::Now,
};

type Line = (&'static str, &'static str);

const NOTHING: &[Line] = &[];
const MAX_OBJECT: u64 = 1000;
const RECEIVED: Duration = Duration::from_secs(1_000_000);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// This many seconds after the answer was received.
fn after(seconds: u64) -> Now {
    Now { wall: SystemTime::UNIX_EPOCH + secs(1_700_000_000 + seconds), mono: RECEIVED + secs(seconds) }
}

/// A date of HTTP, so many seconds from the receipt.
fn date(offset: i64) -> String {
    let received = after(0).wall;
    let distance = secs(offset.unsigned_abs());
    httpdate::fmt_http_date(if offset < 0 { received - distance } else { received + distance })
}

fn fields(lines: &[(impl AsRef<str>, impl AsRef<str>)]) -> HeaderMap {
    let line = |(name, value): &(_, _)| (header(name), HeaderValue::from_str(AsRef::as_ref(value)).unwrap());
    lines.iter().map(line).collect()
}

fn header(name: &impl AsRef<str>) -> HeaderName {
    HeaderName::from_bytes(name.as_ref().as_bytes()).unwrap()
}

/// A route, a policy, and an origin whose answers are framed and timed alike.
#[derive(Clone, Debug)]
struct World {
    route: Route,
    policy: Policy,
    framing: Framing,
    with_content: bool,
    chance: f64,
}

impl World {
    fn new(treatment: Treatment) -> Self {
        let policy = Policy {
            identity: Identity::default(),
            profile: Profile::Safe,
            max_object: MAX_OBJECT,
            targeted: vec![HeaderName::from_static("cdn-cache-control")],
        };
        let route = Route::new("r", Pattern::everything(), treatment);
        Self { route, policy, framing: Framing::Length(5), with_content: true, chance: 0.0 }
    }

    fn declared(level: Level) -> Self {
        Self::new(Treatment::Declared(level))
    }

    /// Level 2, where the origin's silence means a minute.
    fn changing() -> Self {
        let mut world = Self::declared(Level::Changing);
        world.route.lifetime.ttl = secs(60);
        world
    }

    fn origin() -> Self {
        Self::new(Treatment::Origin)
    }

    fn letter() -> Self {
        let mut world = Self::origin();
        world.policy.profile = Profile::Rfc9111;
        world
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn ask(&self, method: &Method, request: &HeaderMap, content: Content<'_>) -> Classified {
        let target = Target::new(Scheme::Http, "example.com", "/a", Some("q=1")).unwrap();
        let asked = Asked { method, target: &target, fields: request, content };
        classify(&asked, &self.route, &self.policy)
    }

    fn get(&self, request: &HeaderMap) -> Classified {
        self.ask(&Method::GET, request, Content::None)
    }

    fn keyed(&self, request: &HeaderMap) -> Keyed {
        match self.get(request) {
            Classified::Keyed(keyed) => keyed,
            other => panic!("no key: {other:?}"),
        }
    }

    fn bypass(&self, request: &[Line]) -> Bypass {
        match self.get(&fields(request)) {
            Classified::Bypass(bypass) => bypass,
            other => panic!("no bypass: {other:?}"),
        }
    }

    fn judge_keyed(&self, keyed: &Keyed, request: &HeaderMap, status: u16, answer: &HeaderMap) -> Judgement {
        let answered = Answered {
            status: StatusCode::from_u16(status).unwrap(),
            fields: answer,
            framing: self.framing,
            asked: after(0),
            received: after(0),
            with_content: self.with_content,
            chance: self.chance,
        };
        judge(&answered, request, keyed, &self.route, &self.policy)
    }

    fn judge_maps(&self, request: &HeaderMap, status: u16, answer: &HeaderMap) -> Judgement {
        self.judge_keyed(&self.keyed(request), request, status, answer)
    }

    fn judge(
        &self,
        request: &[Line],
        status: u16,
        answer: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Judgement {
        self.judge_maps(&fields(request), status, &fields(answer))
    }

    fn verdict(&self, request: &[Line], status: u16, answer: &[Line]) -> Outcome {
        Outcome::of(&self.judge(request, status, answer))
    }

    fn stored(&self, request: &[Line], status: u16, answer: &[(impl AsRef<str>, impl AsRef<str>)]) -> Stored {
        match self.judge(request, status, answer).verdict {
            Verdict::Store { stored, .. } => *stored,
            other => panic!("not stored: {other:?}"),
        }
    }

    fn plan_at(&self, now: Now, request: &[Line], variants: &[&Stored]) -> Plan {
        let request = fields(request);
        plan(&self.keyed(&request), &request, variants.iter().copied(), None, &self.policy, now)
    }

    fn plan(&self, request: &[Line], variants: &[&Stored]) -> Plan {
        self.plan_at(after(0), request, variants)
    }
}

/// What a judgement comes to, without the metadata of what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Store,
    NotForClient(Reason),
    Refuse(Reason),
    Discard(Reason),
}

impl Outcome {
    fn of(judgement: &Judgement) -> Self {
        match &judgement.verdict {
            Verdict::Store { not_for_client: None, .. } => Self::Store,
            Verdict::Store { not_for_client: Some(reason), .. } => Self::NotForClient(*reason),
            Verdict::Refuse(reason) => Self::Refuse(*reason),
            Verdict::Discard(reason) => Self::Discard(*reason),
        }
    }
}

fn refuse(reason: impl Into<Reason>) -> Outcome {
    Outcome::Refuse(reason.into())
}

fn discard(reason: impl Into<Reason>) -> Outcome {
    Outcome::Discard(reason.into())
}

fn serves(plan: &Plan) -> bool {
    matches!(plan, Plan::Serve { .. } | Plan::ServeStale { .. })
}
