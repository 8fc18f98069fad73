//! The tables of the README name what the code knows.

use std::{collections::BTreeSet, sync::Arc};

use http_body_util::BodyExt as _;
use plimsoll::{
    admin::Refused,
    decision::Refusal,
    level::{Evidence, Level},
    proxy::Problem,
    route::RouteTable,
    semantics::cache_status::Fwd,
    telemetry::{Gauges, Metrics, StoreGauges},
    wire::Violation,
};

use super::table;

#[test]
fn the_levels_are_those_of_the_code() {
    let shown: Vec<[String; 2]> =
        table("| level | name |").iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    let known = Level::ALL.map(|level| [level.number().to_string(), level.name().to_owned()]);
    assert_eq!(shown, known);
    for (row, level) in table("| level | name |").iter().zip(Level::ALL) {
        assert_eq!(row[3].starts_with("stores"), level.is_shared(), "{row:?}");
    }
}

#[test]
fn the_evidence_is_that_of_the_code() {
    let shown: Vec<[String; 2]> =
        table("| name | level | seen when |").iter().map(|row| [row[0].clone(), row[1].clone()]).collect();
    let mut known: Vec<[String; 2]> = Vec::new();
    for evidence in Evidence::ALL {
        let level = match evidence {
            Evidence::RouteDeclared(_) => "1 to 5".to_owned(),
            other => other.level().to_string(),
        };
        let row = [evidence.name().to_owned(), level];
        if !known.contains(&row) {
            known.push(row);
        }
    }
    assert_eq!(shown, known);
}

#[test]
fn the_refusals_are_those_of_the_code() {
    let shown = table("| name | meaning |");
    let known = Refusal::ALL.map(|refusal| vec![refusal.name().to_owned(), refusal.meaning().to_owned()]);
    assert_eq!(shown, known);
}

#[test]
fn the_words_of_fwd_are_those_of_the_code() {
    let all = [Fwd::Bypass, Fwd::Method, Fwd::UriMiss, Fwd::VaryMiss, Fwd::Request, Fwd::Stale, Fwd::Partial];
    for fwd in all {
        // A new word does not compile here until it is in `Problem::ALL`.
        match fwd {
            Fwd::Bypass
            | Fwd::Method
            | Fwd::UriMiss
            | Fwd::VaryMiss
            | Fwd::Request
            | Fwd::Stale
            | Fwd::Partial => {}
        }
    }
    let shown: Vec<String> = table("| `fwd` |").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(shown, all.map(Fwd::name));
}

#[test]
fn every_form_of_cache_status_says_what_the_code_can_say() {
    let details: BTreeSet<&str> =
        Refusal::ALL.map(Refusal::name).into_iter().chain(Evidence::ALL.map(Evidence::name)).collect();
    for row in table("| form |") {
        let list: sfv::List = sfv::Parser::new(&row[0]).parse().unwrap();
        let sfv::ListEntry::Item(item) = &list[0] else { panic!("not an item: {row:?}") };
        let token = |name: &str| item.params.get(name).map(|value| value.as_token().unwrap().as_str());
        assert!(token("detail").is_none_or(|detail| details.contains(detail)), "{row:?}");
        assert_eq!(item.params.contains_key("hit"), token("fwd").is_none(), "{row:?}");
    }
}

#[tokio::test]
async fn the_problems_are_those_of_the_code() {
    let shown = table("| `type` | status |");
    let mut met = BTreeSet::new();
    for problem in Problem::ALL {
        // A new problem does not compile here until it is in `Problem::ALL`.
        match problem {
            Problem::Target(_)
            | Problem::Host
            | Problem::Refused(_)
            | Problem::Busy
            | Problem::NotAResource
            | Problem::Content
            | Problem::ContentTooSlow
            | Problem::OnlyIfCached
            | Problem::OriginUnreachable
            | Problem::OriginNonsense
            | Problem::OriginTimeout
            | Problem::Overloaded
            | Problem::Internal => {}
        }
        let response = problem.into_response();
        let status = response.status().as_u16().to_string();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let row = shown.iter().find(|row| document["type"] == row[0].as_str());
        let row = row.unwrap_or_else(|| panic!("not in the table: {document}"));
        assert!(row[1].split(", ").any(|code| code == status), "{row:?}: {document}");
        assert_eq!(document["title"], row[2].as_str());
        met.insert(row[0].clone());
    }
    assert_eq!(met.len(), shown.len(), "the table has problems that the code has not");
}

#[test]
fn the_metrics_are_those_of_the_code() {
    let metrics = Arc::new(Metrics::new(&RouteTable::default(), 1));
    let gauges = Gauges {
        store: StoreGauges::default(),
        fetches_in_progress: 0,
        findings: Vec::new(),
        origin_up: true,
        config_loaded: 0.0,
        lost_lines: 0,
        lost_events: 0,
    };
    let text = metrics.expose(gauges);
    let known: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE plimsoll_")?.split(' ').next()).collect();
    let shown: Vec<String> = table("| metric | labels |").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(shown, known);
}

#[test]
fn the_problems_of_the_admin_place_are_those_of_the_code() {
    let shown = table("| admin `type` |");
    let known = Refused::ALL.map(|refused| {
        let name = format!("urn:plimsoll:problem:{}", refused.name());
        vec![name, refused.status().as_u16().to_string(), refused.title().to_owned()]
    });
    assert_eq!(shown, known);
}

#[test]
fn the_rules_of_the_wire_are_those_of_the_code() {
    let shown = table("| rule | status | title |");
    let known: Vec<Vec<String>> = Violation::ALL
        .iter()
        .map(|violation| {
            let rule = violation.rule();
            let status = Problem::Refused(*violation).status().as_u16().to_string();
            vec![rule.name.to_owned(), status, rule.meaning.to_owned(), rule.section.to_owned()]
        })
        .collect();
    assert_eq!(shown, known);
}
