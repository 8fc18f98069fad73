//! Sources that break each rule: a rule that cannot fail is none.

use super::{
    MOST_LINES, faults,
    scan::{blank, scan},
};

/// What is said about one file that stands in the house, without what the table holds too much.
fn said(path: &str, body: &str) -> Vec<String> {
    let crates =
        ["axum", "bytes", "fastrand", "http", "hyper", "moka", "tokio", "tracing"].map(str::to_owned);
    let sources = [(path.to_owned(), format!("//! A file.\n{body}"))].into();
    let mut said = faults(&sources, &crates);
    said.retain(|fault| !fault.starts_with("tests/layers/house.rs"));
    said
}

#[track_caller]
fn breaks(path: &str, body: &str, line: usize, rule: &str) {
    let said = said(path, body);
    let start = format!("{path}:{line}: ");
    assert!(
        said.iter().any(|fault| fault.starts_with(&start) && fault.contains(rule)),
        "no `{start}{rule}` in {said:#?}"
    );
}

#[track_caller]
fn keeps(path: &str, body: &str) {
    assert_eq!(said(path, body), Vec::<String>::new());
}

#[test]
fn a_room_that_imports_upwards() {
    let rule = "`key` must not import `proxy`";
    breaks("src/key/a.rs", "use crate::proxy::Proxy;", 2, rule);
    breaks("src/key/a.rs", "\nuse crate::{\n    key::X,\n    proxy::{Proxy, Body},\n};", 5, rule);
    breaks("src/key/a.rs", "use {std::fmt, crate::proxy};", 2, rule);
    breaks("src/key/a.rs", "fn f() -> crate::proxy::Proxy { todo() }", 2, rule);
    breaks("src/key/a.rs", "fn f(x: &<crate::proxy::Proxy as T>::U) {}", 2, rule);
    breaks("src/key/a.rs", "macro_rules! m { () => { $crate::proxy::f() } }", 2, rule);
    breaks("src/key/a.rs", "pub(in crate::proxy) fn f() {}", 2, rule);
}

#[test]
fn a_room_that_leaves_through_its_roof() {
    let rule = "`key` must not import `proxy`";
    breaks("src/key/mod.rs", "use super::proxy::Proxy;", 2, rule);
    breaks("src/key/a.rs", "use super::super::proxy::Proxy;", 2, rule);
    breaks("src/key/a/b.rs", "use super::{super::super::proxy, X};", 2, rule);
    breaks("src/key/a.rs", "fn f() { self::super::super::proxy::f() }", 2, rule);
    keeps("src/key/a.rs", "use super::proxy;");
    keeps("src/key/a/b.rs", "use super::super::proxy;");
    keeps("src/key/a.rs", "use crate::key::proxy;");
}

#[test]
fn a_root_that_is_imported_whole() {
    for body in
        ["use crate::*;", "use crate as house;", "use crate::{self as house};", "use super::super::*;"]
    {
        breaks("src/key/a.rs", body, 2, "name the room");
    }
    keeps("src/key/a.rs", "pub(crate) fn f() {}\npub(super) fn g() {}");
}

#[test]
fn rooms_that_only_cli_knows() {
    breaks("src/proxy/a.rs", "use crate::config::Config;", 2, "`proxy` must not import `config`");
    breaks("src/admin/a.rs", "use crate::origin::Origin;", 2, "`admin` must not import `origin`");
    breaks("src/origin/a.rs", "use crate::level::Level;", 2, "`origin` must not import `level`");
    breaks("src/store/a.rs", "use crate::semantics::Now;", 2, "`store` must not import `semantics`");
    keeps("src/cli/a.rs", "use crate::{config::Config, origin::Origin};");
}

#[test]
fn a_pure_room_that_is_not() {
    breaks("src/level/a.rs", "async fn f() {}", 2, "`level` never waits");
    breaks("src/level/a.rs", "fn f() { g().await }", 2, "`level` never waits");
    breaks("src/route/a.rs", "use tokio::sync::Mutex;", 2, "must not use the crate `tokio`");
    breaks("src/route/a.rs", "use ::tokio::sync::Mutex;", 2, "must not use the crate `tokio`");
    breaks("src/route/a.rs", "use {moka as m};", 2, "must not use the crate `moka`");
    breaks("src/semantics/a.rs", "fn f() { tracing::debug!(1) }", 2, "must not use the crate `tracing`");
    breaks(
        "src/decision/a.rs",
        "fn f() -> f64 { ::fastrand::f64() }",
        2,
        "must not use the crate `fastrand`",
    );
    breaks("src/decision/a.rs", "#[hyper::x]\nfn f() {}", 2, "must not use the crate `hyper`");
    breaks("src/decision/a.rs", "use std::{fmt, fs::read};", 2, "no use for std::fs");
    breaks("src/decision/a.rs", "fn f() { println!() }", 2, "must not print");
    keeps("src/key/a.rs", "use bytes::Bytes;\nfn f(hyper: u8) -> u8 { hyper.tokio(std::mem::take(x)) }");
}

#[test]
fn a_clock_that_is_read_elsewhere() {
    breaks("src/decision/a.rs", "fn f() { let now = std::time::SystemTime::now(); }", 2, "one clock");
    breaks("src/proxy/a.rs", "use std::time::{Duration, Instant};", 2, "one clock");
    breaks("src/store/a.rs", "fn f() { SystemTime::now() }", 2, "one clock");
    keeps("src/observe/clock.rs", "use std::time::Instant;\nfn f() { SystemTime::now() }");
    keeps("src/upstream/a.rs", "use tokio::time::Instant;\nfn f() { Instant::now() }");
}

#[test]
fn a_crate_outside_its_rooms() {
    breaks("src/proxy/a.rs", "use moka::sync::Cache;", 2, "`moka` is for store alone");
    breaks("src/server/a.rs", "use axum::Router;", 2, "`axum` is for admin and origin alone");
    keeps("src/store/a.rs", "use moka::sync::Cache;");
}

#[test]
fn a_store_that_waits() {
    breaks("src/store/a.rs", "async fn get() {}", 2, "a hit awaits nothing");
    keeps("src/upstream/a.rs", "async fn get() {}");
}

#[test]
fn a_second_place_that_makes_problems() {
    let body = "const TYPE: &str = \"application/problem+json\";";
    breaks("src/server/a.rs", body, 2, "only src/proxy/problem.rs");
    keeps("src/proxy/problem.rs", body);
}

#[test]
fn a_root_with_code_in_it() {
    breaks("src/lib.rs", "pub mod key;\nfn f() {}", 3, "nothing else");
    breaks("src/lib.rs", "pub use key::Key;", 2, "nothing else");
    breaks("src/main.rs", "fn main() { plimsoll::proxy::f() }", 2, "plimsoll::cli and nothing else");
    keeps("src/main.rs", "fn main() { plimsoll::cli::main() }");
}

#[test]
fn files_that_break_the_habits() {
    let long = "\n".repeat(MOST_LINES);
    breaks("src/key/a.rs", &long, MOST_LINES + 1, "split it");
    keeps("src/key/a.rs", &long[1..]);
    breaks("src/key/a.rs", "mod inner {}", 2, "a file of its own");
    breaks("src/key/a.rs", "extern crate moka;", 2, "hides who is imported");
    breaks("src/attic/a.rs", "", 1, "knows no such room");
    breaks("src/a.rs", "", 1, "outside the rooms");
    let bare = [("src/key/a.rs".to_owned(), "// A file.\n".to_owned())].into();
    assert!(
        faults(&bare, &[])
            .iter()
            .any(|fault| fault == "src/key/a.rs:1: a file starts with `//!`: what it is for")
    );
}

#[test]
fn an_arrow_that_nothing_uses() {
    let unused = "tests/layers/house.rs: `store` does not import `key`: take it out of the table";
    let with = |body: &str| faults(&[("src/store/a.rs".to_owned(), format!("//! A.\n{body}"))].into(), &[]);
    assert!(with("").iter().any(|fault| fault == unused));
    assert!(!with("use crate::key::CacheKey;").iter().any(|fault| fault == unused));
}

#[test]
fn tests_may_do_what_code_may_not() {
    let body = "#[cfg(test)]\nmod tests {\n    use crate::proxy::P;\n    fn f() { { } }\n}\n";
    keeps("src/key/a.rs", body);
    breaks("src/key/a.rs", &format!("{body}use crate::proxy::P;"), 7, "`key` must not import `proxy`");
    let sources = [
        ("src/key/mod.rs".to_owned(), "//! A.\n#[cfg(test)]\nmod oracle;\n".to_owned()),
        ("src/key/oracle.rs".to_owned(), "use crate::proxy::P;".to_owned()),
        ("src/key/oracle/deep.rs".to_owned(), "use crate::proxy::P;".to_owned()),
    ];
    assert!(faults(&sources.into(), &[]).iter().all(|fault| fault.starts_with("tests/layers/house.rs")));
}

#[test]
fn comments_and_literals_are_not_code() {
    let quiet = [
        "// use crate::proxy::P;",
        "/* use crate::proxy; /* crate::proxy::P */ crate::proxy::P */",
        "/// See [`P`](crate::proxy::P).",
        "const A: &str = \"crate::proxy::P \\\" crate::proxy::P\";",
        "const A: &str = r#\"crate::proxy::P \" crate::proxy::P\"#;",
        "const A: &[u8] = br\"crate::proxy::P\\\";",
        "const A: &str = \"\n  crate::proxy::P\n\";",
    ];
    for body in quiet {
        keeps("src/key/a.rs", body);
    }
    let loud = [
        "const A: char = '\"'; use crate::proxy::P;",
        "const A: char = '\\''; use crate::proxy::P;",
        "fn f<'a>(x: &'a str) { crate::proxy::f('b', \"'\") }",
        "const A: &str = r\"\\\"; use crate::proxy::P;",
        "/* a */ use crate::proxy::P;",
        "const r#use: u8 = 0; use crate::proxy::P;",
    ];
    for body in loud {
        breaks("src/key/a.rs", body, 2, "`key` must not import `proxy`");
    }
}

#[test]
fn lines_stay_where_they_are() {
    let source = "a\n/* b\nc */ d \"e\nf\" 'g' h // i\nj";
    assert_eq!(blank(source).lines().count(), source.lines().count());
    let lines: Vec<(String, usize)> =
        scan(source).tokens.into_iter().map(|token| (token.text, token.line)).collect();
    let expected = [("a", 1), ("d", 3), ("h", 4), ("j", 5)].map(|(text, line)| (text.to_owned(), line));
    assert_eq!(lines, expected);
}

#[test]
fn a_nested_use_is_unfolded() {
    let found: Vec<String> = scan("use a::{b, c::{d as e, f::*}, self};\nfn g() { h::i::<j::k>::l() }")
        .paths
        .into_iter()
        .filter(|path| path.segments.len() > 1)
        .map(|path| path.segments.join("::"))
        .collect();
    assert_eq!(found, ["a::b", "a::c::d", "a::c::f::*", "a::self", "h::i", "j::k"]);
}
