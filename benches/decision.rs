//! The pure part of a hit, step by step: the canonical key, the route, the plan.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]

#[path = "support/hit.rs"]
mod hit;

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use hit::{Hit, request, target};
use http::{Method, header};
use plimsoll::{
    decision::{classify, plan},
    key::{CacheKey, FieldSpec, Scheme, StateSpec, Target},
    route::{Pattern, Route, RouteTable, Treatment},
    semantics::Now,
};

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

fn decisions(c: &mut Criterion) {
    let now = Now { wall: std::time::SystemTime::UNIX_EPOCH, mono: Duration::ZERO };
    let hit = Hit::at(now);
    c.bench_function("classify", |b| b.iter(|| classify(black_box(&hit.asked()), &hit.route, &hit.policy)));
    c.bench_function("plan: a hit", |b| {
        b.iter(|| plan(black_box(&hit.keyed), &hit.fields, [&hit.stored], None, &hit.policy, now));
    });
}

criterion_group!(benches, keys, routes, decisions);
criterion_main!(benches);
