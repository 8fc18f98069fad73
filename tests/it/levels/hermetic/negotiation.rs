//! Negotiation on declared routes: fields that the route declares are state, and a Vary that names others means that the
//! route says too little.

use serde_json::json;

use super::{super::twice, HIT, MISS, ROUTE, with_route};
use crate::support::{Scripted, clock, ok, proxy, scripted};

const VARY_UNDECLARED: &str = "fwd=bypass; level=2; route=r; detail=vary-undeclared";

/// An origin that speaks the language that it is asked for.
async fn polyglot(fields: &'static str) -> Scripted {
    scripted(move |_, seen| ok(fields, &format!("in {}", seen.field("accept-language").unwrap_or("none"))))
        .await
}

#[tokio::test]
async fn who_finds_an_undeclared_vary_first_reports_it() {
    let origin = polyglot("vary: Accept-Language\r\n").await;
    let proxy = proxy().admin().route(ROUTE).start(origin.address, &clock()).await;
    proxy.get("/r/1").field("accept-language", "fr").send().await;
    let routes = proxy.admin("/api/routes").send().await.json();
    assert_eq!(routes["routes"][0]["findings"], json!([{ "reason": "vary-undeclared", "count": 1 }]));
}

#[tokio::test]
async fn requests_with_an_undeclared_field_of_vary_bypass_and_others_hit() {
    let origin = polyglot("vary: Accept-Language\r\n").await;
    let proxy = with_route(origin.address, "").await;
    assert_eq!(proxy.get("/r/1").send().await.cache(), MISS);
    for _ in 0..2 {
        let french = proxy.get("/r/1").field("accept-language", "fr").send().await;
        assert_eq!((french.cache().as_str(), french.text().as_str()), (VARY_UNDECLARED, "in fr"));
        let plain = proxy.get("/r/1").field("accept", "text/plain").send().await;
        assert_eq!((plain.cache().as_str(), plain.text().as_str()), (HIT, "in none"));
    }
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn who_finds_out_that_vary_is_undeclared_gets_its_own_answer_and_others_the_stored_one() {
    let origin = polyglot("vary: Accept-Language\r\n").await;
    let proxy = with_route(origin.address, "").await;
    let french = proxy.get("/r/1").field("accept-language", "fr").send().await;
    assert_eq!((french.cache().as_str(), french.text().as_str()), (VARY_UNDECLARED, "in fr"));
    let plain = proxy.get("/r/1").send().await;
    assert_eq!((plain.cache().as_str(), plain.text().as_str()), (HIT, "in none"));
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn an_unstored_answer_is_no_answer_to_a_request_with_an_undeclared_field_of_its_vary() {
    let origin = scripted(|_, seen| {
        let language = seen.field("accept-language").unwrap_or("no language");
        ok("vary: accept-language\r\ncache-control: no-store\r\n", language)
    })
    .await;
    let proxy = with_route(origin.address, "").await;
    let french = proxy.get("/r/1").field("accept-language", "fr").send().await;
    assert_eq!(french.text(), "fr", "{}", french.cache());
}

#[tokio::test]
async fn spellings_of_a_declared_language_share_one_fetch() {
    let origin = polyglot("").await;
    let proxy = with_route(origin.address, "state = { headers = ['accept-language'] }").await;
    let first = proxy.get("/r/1").field("accept-language", "EN-us, fr;q=0.5").send().await;
    assert_eq!((first.cache().as_str(), first.text().as_str()), (MISS, "in en-US, fr;q=0.9"));
    for spelling in ["fr;q=0.123,en-US", "en-Us;q=1.0 , , FR;Q=0.7"] {
        let answer = proxy.get("/r/1").field("accept-language", spelling).send().await;
        assert_eq!((answer.cache().as_str(), &answer.body), (HIT, &first.body), "{spelling}");
    }
    let split = proxy.get("/r/1").field("accept-language", "en-US").field("accept-language", "fr;q=0.2");
    assert_eq!(split.send().await.cache(), HIT);
    let other = proxy.get("/r/1").field("accept-language", "fr, en-US;q=0.5").send().await;
    assert_eq!((other.cache().as_str(), other.text().as_str()), (MISS, "in fr, en-US;q=0.9"));
    assert_eq!(proxy.get("/r/1").send().await.text(), "in none");
    assert_eq!(origin.count(), 3);
}

#[tokio::test]
async fn a_choice_of_languages_is_all_that_the_origin_ever_sees() {
    let origin = polyglot("vary: accept-language\r\n").await;
    let state = "state = { headers = [{ name = 'accept-language', choose = ['en', 'fr'] }] }";
    let proxy = with_route(origin.address, state).await;
    for (asked, chosen) in [
        (None, "in en"),
        (Some("de"), "in en"),
        (Some("fr"), "in fr"),
        (Some("fr-CA, en;q=0.5"), "in fr"),
        (Some("en;q=0.1, FR;q=0.2"), "in fr"),
        (Some("fr;q=0, *"), "in en"),
        (Some("zz-broken;;q=x"), "in en"),
    ] {
        let ask = asked.iter().fold(proxy.get("/r/1"), |ask, value| ask.field("accept-language", value));
        assert_eq!(ask.send().await.text(), chosen, "{asked:?}");
    }
    assert_eq!(origin.count(), 2);
}

#[tokio::test]
async fn declared_fields_are_merged_into_the_outgoing_vary() {
    let state = "state = { headers = ['accept-language', 'origin'] }";
    for (fields, vary) in [
        ("", "accept-language, origin"),
        ("vary: Accept-Encoding\r\n", "accept-encoding, accept-language, origin"),
        ("vary: Accept-Language\r\nvary: accept-encoding\r\n", "accept-language, accept-encoding, origin"),
    ] {
        let origin = polyglot(fields).await;
        let proxy = with_route(origin.address, state).await;
        for answer in twice(proxy.get("/r/1")).await {
            assert_eq!(answer.field("vary"), vary, "{}", answer.cache());
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_not_stored_says_what_it_varies_by_as_well() {
    let origin = polyglot("cache-control: no-store\r\n").await;
    let proxy = with_route(origin.address, "state = { headers = ['accept-language'] }").await;
    let answer = proxy.get("/r/1").field("accept-language", "fr").send().await;
    assert_eq!(answer.cache(), "fwd=uri-miss; level=2; route=r; detail=response-no-store");
    assert_eq!(answer.field("vary"), "accept-language");
}

#[tokio::test]
async fn a_declared_origin_keeps_the_answers_of_two_sites_apart() {
    let origin = scripted(|_, seen| {
        let site = seen.field("origin").unwrap_or("*");
        ok(&format!("access-control-allow-origin: {site}\r\nvary: origin\r\n"), "answer")
    })
    .await;
    let proxy = with_route(origin.address, "state = { headers = ['origin'] }").await;
    for site in ["http://a.example", "http://b.example"] {
        let answers = twice(proxy.get("/r/1").field("origin", site)).await;
        assert!(answers.iter().all(|answer| answer.field("access-control-allow-origin") == site));
        assert_eq!(answers.map(|answer| answer.cache()), [MISS, HIT]);
    }
    assert_eq!(origin.count(), 2);
}
