//! How long what is stored stays fresh, and how old it says it is: RFC 9111 sections 4.2 and 5.1, and the route's own
//! rules where the origin says nothing.

use std::sync::Arc;

use crate::support::{Reply, answer_with, clock, date, in_turn, ok, proxy, scripted, secs};

const CHANGING: &str = "level = 'changing'\nttl = '30s'";
const PERMANENT: &str = "level = 'permanent'";

/// How a second request at the same moment is answered on a route with these lines, by an origin that answers always
/// like this: `hit; ttl=30`, or why it was not a hit.
async fn second(route: &str, reply: Reply) -> String {
    let clock = clock();
    let origin = scripted(in_turn([reply])).await;
    let proxy =
        proxy().route(&format!("name = 'x'\npath = '/x'\n{route}")).start(origin.address, &clock).await;
    proxy.get("/x").send().await;
    proxy.get("/x").send().await.said()
}

/// Holds each answer's field lines to what becomes of a second request.
async fn hold(route: &str, status: &str, cases: &[(&str, &str)]) {
    for (fields, expected) in cases {
        let fields = fields.replace('|', "\r\n");
        let got = second(route, answer_with(status, &fields, "hello")).await;
        assert_eq!(got, *expected, "{status} with {fields:?} on {route:?}");
    }
}

#[tokio::test]
async fn on_a_declared_route_the_origins_word_goes_before_the_ttl() {
    hold(
        CHANGING,
        "200 OK",
        &[
            ("", "hit; ttl=30"),
            ("cache-control: max-age=10|", "hit; ttl=10"),
            ("cache-control: public|", "hit; ttl=30"),
            ("cache-control: max-age=10, s-maxage=20|", "hit; ttl=20"),
            ("cache-control: S-MaxAge=20|cache-control: MAX-AGE=10|", "hit; ttl=20"),
            ("cache-control: max-age=\"10\"|", "hit; ttl=10"),
            ("cache-control: max-age=99999999999999999999|", "hit; ttl=2147483648"),
            (&format!("expires: {}|", date(100)), "hit; ttl=100"),
            (&format!("expires: {}|cache-control: max-age=10|", date(100)), "hit; ttl=10"),
            (&format!("expires: {}|cache-control: public|", date(100)), "hit; ttl=100"),
            (&format!("expires: {}|date: {}|", date(100), date(-20)), "hit; ttl=100"),
            (&format!("expires: {}|date: {}|", date(100), date(40)), "hit; ttl=60"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9111_section_5_3_an_expires_in_the_past_or_beyond_reading_is_stale_at_once() {
    hold(
        CHANGING,
        "200 OK",
        &[
            (&format!("expires: {}|", date(-1)), "fwd=stale; stored"),
            (&format!("expires: {}|", date(0)), "fwd=stale; stored"),
            ("expires: 0|", "fwd=stale; stored"),
            ("expires: tomorrow|", "fwd=stale; stored"),
            (&format!("expires: {}|expires: {}|", date(100), date(200)), "fwd=stale; stored"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9111_section_4_2_1_of_values_that_contradict_each_other_none_makes_a_response_fresher() {
    hold(
        CHANGING,
        "200 OK",
        &[
            ("cache-control: max-age=10, max-age=20|", "hit; ttl=10"),
            ("cache-control: max-age=10|cache-control: max-age=20|", "hit; ttl=10"),
            ("cache-control: s-maxage=0, max-age=100|", "fwd=stale; stored"),
            ("cache-control: max-age=ten|", "fwd=stale; stored"),
            ("cache-control: max-age=-1|", "fwd=stale; stored"),
            ("cache-control: max-age=1.5|", "fwd=stale; stored"),
            ("cache-control: max-age|", "fwd=stale; stored"),
            ("cache-control: max-age=100, no-cache|", "fwd=stale; stored"),
            ("cache-control: max-age=100, no-store|", "fwd=uri-miss; response-no-store"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9111_section_4_2_3_an_answer_that_comes_old_has_so_much_less_to_live() {
    hold(
        CHANGING,
        "200 OK",
        &[
            ("cache-control: max-age=60|age: 10|", "hit; ttl=50"),
            ("age: 10|", "hit; ttl=20"),
            ("cache-control: max-age=60|age: 60|", "fwd=stale; stored"),
            ("cache-control: max-age=60|age: -10|", "hit; ttl=60"),
            ("cache-control: max-age=60|age: 10, 20|", "hit; ttl=50"),
            (&format!("cache-control: max-age=60|date: {}|", date(-15)), "hit; ttl=45"),
            (&format!("cache-control: max-age=60|age: 5|date: {}|", date(-15)), "hit; ttl=45"),
            (&format!("cache-control: max-age=60|date: {}|", date(500)), "hit; ttl=60"),
        ],
    )
    .await;
}

#[tokio::test]
async fn min_ttl_and_max_ttl_bound_whoever_set_the_lifetime() {
    let bounded = "level = 'changing'\nttl = '30s'\nmin_ttl = '20s'\nmax_ttl = '60s'";
    hold(
        bounded,
        "200 OK",
        &[
            ("", "hit; ttl=30"),
            ("cache-control: max-age=10|", "hit; ttl=20"),
            ("cache-control: max-age=0|", "hit; ttl=20"),
            (&format!("expires: {}|", date(-100)), "hit; ttl=20"),
            ("cache-control: max-age=100|", "hit; ttl=60"),
            (&format!("expires: {}|", date(100)), "hit; ttl=60"),
        ],
    )
    .await;
    hold("level = 'changing'\nttl = '30s'\nmin_ttl = '40s'", "200 OK", &[("", "hit; ttl=40")]).await;
    hold("level = 'changing'\nttl = '30s'\nmax_ttl = '20s'", "200 OK", &[("", "hit; ttl=20")]).await;
    hold("level = 'permanent'\nmax_ttl = '20s'", "200 OK", &[("", "hit; ttl=20")]).await;
    hold("level = 'origin'\nmin_ttl = '20s'", "200 OK", &[("cache-control: max-age=5|", "hit; ttl=20")])
        .await;
}

#[tokio::test]
async fn min_ttl_never_overrides_no_cache_no_store_or_private() {
    let at_least = "level = 'changing'\nttl = '30s'\nmin_ttl = '20s'";
    hold(
        at_least,
        "200 OK",
        &[
            ("cache-control: no-cache|", "fwd=stale; stored"),
            ("cache-control: max-age=5, no-cache|", "fwd=stale; stored"),
            ("cache-control: no-store|", "fwd=uri-miss; response-no-store"),
            ("cache-control: max-age=5, no-store|", "fwd=uri-miss; response-no-store"),
            ("cache-control: private, max-age=5|", "fwd=bypass; response-private"),
        ],
    )
    .await;
    let letter = "level = 'origin'\nmin_ttl = '20s'";
    hold(
        letter,
        "200 OK",
        &[
            ("cache-control: no-cache, max-age=5|", "fwd=stale; stored"),
            ("cache-control: no-store, max-age=5|", "fwd=uri-miss; response-no-store"),
            ("cache-control: private, max-age=5|", "fwd=bypass; response-private"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_has_a_lifetime_of_its_own() {
    for status in ["404 Not Found", "410 Gone"] {
        hold(CHANGING, status, &[("", "hit; ttl=5"), ("cache-control: max-age=50|", "hit; ttl=50")]).await;
        hold(PERMANENT, status, &[("", "hit; ttl=5")]).await;
        hold("level = 'changing'\nttl = '30s'\nnegative_ttl = '20s'", status, &[("", "hit; ttl=20")]).await;
        hold("level = 'changing'\nttl = '30s'\nnegative_ttl = '0s'", status, &[("", "fwd=stale; stored")])
            .await;
        hold("level = 'changing'\nnegative_ttl = '20s'\nmax_ttl = '9s'", status, &[("", "hit; ttl=9")]).await;
    }
}

#[tokio::test]
async fn the_ttl_is_for_answers_that_say_what_the_resource_is() {
    for status in
        ["200 OK", "203 Non-Authoritative Information", "301 Moved Permanently", "308 Permanent Redirect"]
    {
        hold(CHANGING, status, &[("", "hit; ttl=30"), ("cache-control: max-age=9|", "hit; ttl=9")]).await;
        hold(PERMANENT, status, &[("", "hit"), ("cache-control: max-age=9|", "hit; ttl=9")]).await;
    }
    for status in ["201 Created", "202 Accepted", "500 Internal Server Error", "503 Service Unavailable"] {
        let cases = [("", "fwd=uri-miss; status-not-storable"), ("cache-control: max-age=9|", "hit; ttl=9")];
        hold(CHANGING, status, &cases).await;
        hold(PERMANENT, status, &cases).await;
    }
    for status in ["302 Found", "400 Bad Request", "405 Method Not Allowed", "414 URI Too Long"] {
        hold(CHANGING, status, &[("", "fwd=bypass; status-unexpected")]).await;
    }
}

#[tokio::test]
async fn without_a_ttl_nothing_is_guessed_on_a_declared_route() {
    let cases = [("", "fwd=stale; stored"), ("cache-control: max-age=9|", "hit; ttl=9")];
    hold("level = 'changing'", "200 OK", &cases).await;
}

#[tokio::test]
async fn where_the_origin_decides_it_states_a_lifetime_or_nothing_is_stored() {
    let letter = "level = 'origin'";
    hold(
        letter,
        "200 OK",
        &[
            ("", "fwd=uri-miss; no-freshness"),
            ("cache-control: public|", "fwd=uri-miss; no-freshness"),
            ("cache-control: max-age=10|", "hit; ttl=10"),
            ("cache-control: max-age=10, s-maxage=20|", "hit; ttl=20"),
            (&format!("expires: {}|", date(100)), "hit; ttl=100"),
            (&format!("last-modified: {}|", date(-1000)), "hit; ttl=100"),
            (&format!("last-modified: {}|", date(-100_000_000)), "hit; ttl=86400"),
            (
                &format!("last-modified: {}|cache-control: no-store|", date(-1000)),
                "fwd=uri-miss; response-no-store",
            ),
        ],
    )
    .await;
    let modified = format!("last-modified: {}|", date(-1000));
    hold(letter, "404 Not Found", &[("", "fwd=uri-miss; no-freshness"), (&modified, "hit; ttl=100")]).await;
    hold(letter, "302 Found", &[(&modified, "fwd=uri-miss; no-freshness")]).await;
    hold(letter, "302 Found", &[("cache-control: max-age=10|", "hit; ttl=10")]).await;
}

#[tokio::test]
async fn jitter_only_shortens_and_never_by_more_than_its_part() {
    let clock = clock();
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let proxy = proxy()
        .route("path = '/x/{id}'\nlevel = 'changing'\nttl = '1000s'\njitter = '40%'")
        .start(origin.address, &clock)
        .await;
    let mut lifetimes = std::collections::BTreeSet::new();
    for id in 0..40 {
        proxy.get(&format!("/x/{id}")).send().await;
        let cache = proxy.get(&format!("/x/{id}")).send().await.cache();
        let ttl = cache.strip_prefix("hit; ttl=").and_then(|rest| rest.split(';').next());
        lifetimes.insert(ttl.and_then(|ttl| ttl.parse::<u64>().ok()).expect(&cache));
    }
    assert!(lifetimes.iter().all(|ttl| (600..=1000).contains(ttl)), "{lifetimes:?}");
    assert!(lifetimes.len() > 10, "what was stored together ends together: {lifetimes:?}");
}

#[tokio::test]
async fn jitter_does_not_end_what_is_permanent() {
    hold("level = 'permanent'\njitter = 1.0", "200 OK", &[("", "hit")]).await;
}

#[tokio::test]
async fn rfc9111_section_4_2_3_age_counts_the_origins_own_the_time_of_the_fetch_and_the_time_since() {
    let clock = clock();
    let origin = {
        let clock = Arc::clone(&clock);
        scripted(move |_, _| {
            clock.advance(secs(3));
            ok("cache-control: max-age=60\r\nage: 7\r\n", "hello")
        })
        .await
    };
    let proxy = proxy().start(origin.address, &clock).await;
    assert_eq!(proxy.get("/x").send().await.field("age"), "10");
    proxy.advance(secs(5));
    let hit = proxy.get("/x").send().await;
    assert_eq!(
        (hit.field("age").as_str(), hit.cache().as_str()),
        ("15", "hit; ttl=45; level=2; route=default")
    );
    assert_eq!(hit.fields.get_all("age").iter().count(), 1);
}

#[tokio::test]
async fn rfc9111_section_5_1_an_answer_that_is_new_has_no_age_and_a_hit_always_has_one() {
    let clock = clock();
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", "hello")])).await;
    let proxy = proxy().start(origin.address, &clock).await;
    assert_eq!(proxy.get("/x").send().await.field("age"), "");
    assert_eq!(proxy.get("/x").send().await.field("age"), "0");
    proxy.advance(std::time::Duration::from_millis(1_999));
    assert_eq!(proxy.get("/x").send().await.field("age"), "1", "whole seconds, rounded down");
}

#[tokio::test]
async fn rfc9110_section_6_6_1_a_hit_shows_the_date_of_the_origin_or_of_its_receipt() {
    let clock = clock();
    let dated = format!("cache-control: max-age=600\r\ndate: {}\r\n", date(-5));
    let origin = scripted(move |_, seen| {
        if seen.line.starts_with("GET /dated") {
            ok(&dated, "hello")
        } else {
            ok("cache-control: max-age=600\r\n", "")
        }
    })
    .await;
    let proxy = proxy().start(origin.address, &clock).await;
    for (target, expected) in [("/dated", date(-5)), ("/undated", date(0))] {
        assert_eq!(proxy.get(target).send().await.field("date"), expected);
    }
    proxy.advance(secs(100));
    for (target, expected, age) in [("/dated", date(-5), "105"), ("/undated", date(0), "100")] {
        let hit = proxy.get(target).send().await;
        assert_eq!((hit.field("date"), hit.field("age")), (expected, age.to_owned()));
    }
}

#[tokio::test]
async fn rfc9111_section_4_2_3_a_wall_clock_that_jumps_changes_neither_lifetime_nor_age() {
    for jump in [-3_600_i64, 3_600] {
        let clock = clock();
        let fields = format!("expires: {}\r\ndate: {}\r\n", date(60), date(0));
        let origin = scripted(in_turn([ok(&fields, "hello")])).await;
        let proxy = proxy().start(origin.address, &clock).await;
        proxy.get("/x").send().await;
        clock.set_wall(httpdate::parse_http_date(&date(jump)).expect("a date"));
        let hit = proxy.get("/x").send().await;
        assert_eq!(
            (hit.cache().as_str(), hit.field("age").as_str()),
            ("hit; ttl=60; level=2; route=default", "0")
        );
        proxy.advance(secs(59));
        let hit = proxy.get("/x").send().await;
        assert_eq!(
            (hit.cache().as_str(), hit.field("age").as_str()),
            ("hit; ttl=1; level=2; route=default", "59")
        );
        proxy.advance(secs(1));
        assert!(proxy.get("/x").send().await.cache().starts_with("fwd=stale"), "{jump}");
    }
}

#[tokio::test]
async fn rfc9111_section_4_2_3_a_wall_clock_that_is_set_back_during_a_fetch_makes_no_age_negative() {
    let clock = clock();
    let origin = {
        let clock = Arc::clone(&clock);
        scripted(move |_, _| {
            clock.set_wall(httpdate::parse_http_date(&date(-3_600)).expect("a date"));
            ok(&format!("cache-control: max-age=60\r\ndate: {}\r\n", date(0)), "hello")
        })
        .await
    };
    let proxy = proxy().start(origin.address, &clock).await;
    proxy.get("/x").send().await;
    let hit = proxy.get("/x").send().await;
    assert_eq!(
        (hit.cache().as_str(), hit.field("age").as_str()),
        ("hit; ttl=60; level=2; route=default", "0")
    );
}
