//! A hit, as the pure part of the house sees it: shared by the benches that time it and that count its instructions.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use plimsoll::{
    decision::{
        Answered, Asked, Classified, Content, Framing, Keyed, Policy, Stored, Verdict, classify, judge,
    },
    key::{Scheme, Target},
    level::{Identity, Level, Profile},
    route::{Pattern, Route, Treatment},
    semantics::Now,
};

/// A request of five fields.
pub(crate) fn request() -> HeaderMap {
    let lines = [
        (header::HOST, "api.example"),
        (header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        (header::ACCEPT, "application/json"),
        (header::ACCEPT_ENCODING, "gzip, deflate, br"),
        (header::ACCEPT_LANGUAGE, "fr-CH, fr;q=0.9, en;q=0.8"),
    ];
    lines.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

/// What it asks for.
pub(crate) fn target() -> Target {
    Target::new(Scheme::Http, "api.example", "/product/1234", Some("language=french&utm_source=x"))
        .expect("a valid target")
}

/// What a hit is decided from.
pub(crate) struct Hit {
    pub(crate) target: Target,
    pub(crate) route: Route,
    pub(crate) fields: HeaderMap,
    pub(crate) keyed: Keyed,
    pub(crate) stored: Stored,
    pub(crate) policy: Policy,
}

impl Hit {
    /// A request with its key, a stored answer to it, and the policy.
    pub(crate) fn at(now: Now) -> Self {
        let pattern = Pattern::parse("/product/{id}").expect("a valid pattern");
        let mut route = Route::new("product", pattern, Treatment::Declared(Level::Changing));
        route.lifetime.ttl = Duration::from_secs(30);
        let policy = Policy {
            identity: Identity::default(),
            profile: Profile::Safe,
            max_object: 1 << 24,
            targeted: Vec::new(),
        };
        let (fields, target) = (request(), target());
        let asked = Asked { method: &Method::GET, target: &target, fields: &fields, content: Content::None };
        let Classified::Keyed(keyed) = classify(&asked, &route, &policy) else { panic!("a keyed request") };
        let answer = HeaderMap::new();
        let answered = Answered {
            status: StatusCode::OK,
            fields: &answer,
            framing: Framing::Length(1024),
            asked: now,
            received: now,
            with_content: true,
            chance: 0.0,
        };
        let verdict = judge(&answered, &fields, &keyed, &route, &policy).verdict;
        let Verdict::Store { stored, .. } = verdict else { panic!("a storable answer") };
        Self { target, route, fields, keyed, stored: *stored, policy }
    }

    /// The request, as it is classified.
    pub(crate) fn asked(&self) -> Asked<'_> {
        Asked { method: &Method::GET, target: &self.target, fields: &self.fields, content: Content::None }
    }
}
