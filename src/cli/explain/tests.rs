use clap::Parser;
use serde_json::Value;

use super::*;
use crate::cli::Cli;

/// Explains by the config that teaches.
fn explained(args: &[&str]) -> Value {
    let words = ["plimsoll", "explain"].into_iter().chain(args.iter().copied());
    let crate::cli::Command::Explain(args) = Cli::try_parse_from(words).unwrap().command else {
        unreachable!()
    };
    let config = Config::load(&args.config).unwrap().config;
    serde_json::to_value(explain(&args, &config, SystemClock::start().now()).unwrap()).unwrap()
}

#[test]
fn a_permanent_literal_path_has_a_key_and_level_1() {
    let said = explained(&["/product/1234&language=french"]);
    assert_eq!(said["route"]["name"], "product-text");
    assert_eq!(said["level"]["number"], 1);
    assert_eq!(said["evidence"][0]["name"], "route-declared");
    assert_eq!(said["key"], "GET http://localhost/product/1234&language=french");
    assert_eq!(said["decision"]["action"], "fetch");
}

#[test]
fn a_personal_url_bypasses_and_is_advised_to_name_the_resource() {
    let said = explained(&["/my-cart"]);
    assert_eq!(said["route"]["name"], "my-cart");
    assert_eq!(said["level"]["name"], "user");
    assert_eq!(said["decision"]["reason"], "route-declared");
    assert_eq!(said["key"], "GET http://localhost/my-cart");
    assert!(said["advice"][0].as_str().unwrap().contains("/cart/5678"));
}

#[test]
fn chance_is_level_5() {
    let said = explained(&["/random"]);
    assert_eq!(said["level"]["number"], 5);
    assert_eq!(said["decision"]["fwd"], "bypass");
}

#[test]
fn what_stays_behind_is_named() {
    let said = explained(&["-H", "Cookie: a=1", "-H", "X-Api-Key: k", "/product/1234?language=french&utm=1"]);
    assert_eq!(said["left_behind"]["query"], serde_json::json!(["utm"]));
    assert_eq!(said["left_behind"]["fields"], serde_json::json!(["cookie", "x-api-key"]));
    assert_eq!(said["origin_request"]["target"], "/product/1234?language=french");
}

#[test]
fn an_answer_can_be_judged_before_deploying() {
    let stored = explained(&["--status", "200", "/product/1234"]);
    assert_eq!(stored["response"]["verdict"], "store");
    assert_eq!(stored["lifetime"], "30s");
    let discarded = explained(&["--response", "Set-Cookie: sid=1", "/product/1234"]);
    assert_eq!(discarded["response"]["verdict"], "discard");
    assert_eq!(discarded["response"]["reason"], "set-cookie");
    assert_eq!(discarded["level"]["number"], 4);
}

#[test]
fn an_undeclared_request_with_a_session_says_so() {
    let said = explained(&["-H", "Cookie: sid=1", "/elsewhere"]);
    assert_eq!(said["route"]["name"], "default");
    assert_eq!(said["evidence"][0]["name"], "request-session");
    assert_eq!(said["level"]["number"], 4);
    assert!(said["advice"][0].as_str().unwrap().starts_with("core/stateless"));
}

#[test]
fn what_the_client_would_see_is_said_where_it_is_certain() {
    let said = explained(&["/my-cart"]);
    assert_eq!(said["cache_status"], "plimsoll; fwd=bypass; level=3; route=my-cart; detail=route-declared");
    assert_eq!(explained(&["/product/1234"])["cache_status"], Value::Null);
    let stored = explained(&["--status", "200", "/product/1234"]);
    assert_eq!(stored["cache_status"], "plimsoll; fwd=uri-miss; stored; level=2; route=product");
}

#[test]
fn what_comes_next_is_planned_with_what_would_be_stored() {
    let again = |args: &[&str]| explained(args)["response"]["again"].clone();
    assert_eq!(again(&["--status", "200", "/product/1234"]), "hit");
    assert_eq!(again(&["--response", "Cache-Control: no-cache", "/product/1234"]), "validate");
    assert_eq!(again(&["--response", "Set-Cookie: sid=1", "/product/1234"]), "bypass");
    assert_eq!(again(&["--status", "200", "/elsewhere"]), "fetch");
}

#[test]
fn who_asks_for_nothing_but_what_is_stored_gets_no_answer_of_the_origins() {
    let said = explained(&["-H", "Cache-Control: only-if-cached", "--status", "200", "/product/1234"]);
    assert_eq!(said["decision"]["action"], "only-if-cached");
    assert_eq!((&said["response"], &said["cache_status"]), (&Value::Null, &Value::Null));
}
