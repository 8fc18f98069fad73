//! The pure part of a hit, step by step: the canonical key, the route, the plan.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use plimsoll::{
    decision::{
        Answered, Asked, Classified, Content, Framing, Keyed, Policy, Stored, Verdict, classify, judge, plan,
    },
    key::{CacheKey, FieldSpec, Scheme, StateSpec, Target},
    level::{Identity, Level, Profile},
    route::{Pattern, Route, RouteTable, Treatment},
    semantics::Now,
};

fn request() -> HeaderMap {
    let lines = [
        (header::HOST, "api.example"),
        (header::USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
        (header::ACCEPT, "application/json"),
        (header::ACCEPT_ENCODING, "gzip, deflate, br"),
        (header::ACCEPT_LANGUAGE, "fr-CH, fr;q=0.9, en;q=0.8"),
    ];
    lines.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

fn target() -> Target {
    Target::new(Scheme::Http, "api.example", "/product/1234", Some("language=french&utm_source=x"))
        .expect("a valid target")
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).expect("a valid pattern")
}

fn keys(c: &mut Criterion) {
    let (target, fields) = (target(), request());
    let spec = |query: &[&str], fields: Vec<FieldSpec>| StateSpec::new(query, fields).expect("a valid spec");
    let plain = spec(&[], Vec::new());
    let with_query = spec(&["language"], Vec::new());
    let with_field = spec(&["language"], vec![FieldSpec::new(header::ACCEPT_LANGUAGE)]);
    for (name, spec) in
        [("path", plain), ("path, query", with_query), ("path, query, accept-language", with_field)]
    {
        c.bench_function(&format!("key: {name}"), |b| {
            b.iter(|| CacheKey::declared(black_box(&target), &spec, &fields, None));
        });
    }
    c.bench_function("key: target URI", |b| {
        b.iter(|| {
            Target::new(Scheme::Http, "api.example", black_box("/product/1234"), Some("language=french"))
        });
    });
}

fn routes(c: &mut Criterion) {
    for count in [1, 1000] {
        let routes = (0..count).map(|n| {
            Route::new(
                format!("route-{n}"),
                pattern(&format!("/service-{n}/product/{{id}}")),
                Treatment::Origin,
            )
        });
        let table = RouteTable::new(routes.collect()).expect("distinct routes");
        let path = format!("/service-{}/product/1234", count / 2);
        c.bench_function(&format!("route: 1 of {count}"), |b| {
            b.iter(|| table.find(&Method::GET, "api.example", black_box(&path), None));
        });
    }
}

/// A request with its key, a stored answer to it, and the policy: what a hit is decided from.
fn hit(now: Now) -> (Route, HeaderMap, Keyed, Stored, Policy) {
    let mut route = Route::new("product", pattern("/product/{id}"), Treatment::Declared(Level::Changing));
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
    (route, fields, keyed, *stored, policy)
}

fn decisions(c: &mut Criterion) {
    let now = Now { wall: std::time::SystemTime::UNIX_EPOCH, mono: Duration::ZERO };
    let (route, fields, keyed, stored, policy) = hit(now);
    let target = target();
    c.bench_function("classify", |b| {
        let asked = Asked { method: &Method::GET, target: &target, fields: &fields, content: Content::None };
        b.iter(|| classify(black_box(&asked), &route, &policy));
    });
    c.bench_function("plan: a hit", |b| {
        b.iter(|| plan(black_box(&keyed), &fields, [&stored], None, &policy, now));
    });
}

criterion_group!(benches, keys, routes, decisions);
criterion_main!(benches);
