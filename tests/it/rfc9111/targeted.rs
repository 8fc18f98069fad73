//! RFC 9213: fields that are addressed to this cache. A valid one stands in the place of Cache-Control and Expires, and of
//! nothing else; one that is not valid is as good as absent.

use super::{hold, letter, lines};
use crate::support::{Reply, answer_with, date, not_modified, ok, secs};

#[tokio::test]
async fn rfc9213_section_2_2_a_valid_targeted_field_goes_before_cache_control_both_ways() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: max-age=60|", "hit; ttl=60"),
            ("cdn-cache-control: max-age=60|cache-control: max-age=1|", "hit; ttl=60"),
            ("cdn-cache-control: max-age=5|cache-control: max-age=3600|", "hit; ttl=5"),
            ("cdn-cache-control: max-age=0|cache-control: max-age=3600|", "fwd=stale; stored"),
            ("cdn-cache-control: max-age=60|cache-control: s-maxage=5|", "hit; ttl=60"),
            ("cdn-cache-control: max-age=60|cache-control: no-store|", "hit; ttl=60"),
            ("cdn-cache-control: max-age=60|cache-control: private|", "hit; ttl=60"),
            ("cdn-cache-control: max-age=60|cache-control: no-cache|", "hit; ttl=60"),
            ("cdn-cache-control: no-store|cache-control: max-age=60|", "fwd=uri-miss; response-no-store"),
            ("cdn-cache-control: private|cache-control: public, max-age=60|", "fwd=bypass; response-private"),
            ("cdn-cache-control: none|cache-control: max-age=60|", "fwd=uri-miss; no-freshness"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_2_no_cache_of_a_targeted_field_is_validated_whatever_cache_control_says() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: no-cache|cache-control: max-age=60|etag: \"a\"|", "fwd=stale; stored"),
            ("cdn-cache-control: no-cache, max-age=60|etag: \"a\"|", "fwd=stale; stored"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_2_a_valid_targeted_field_goes_before_expires_both_ways() {
    hold(
        "200 OK",
        &[
            (&format!("cdn-cache-control: max-age=60|expires: {}|", date(-100)), "hit; ttl=60"),
            ("cdn-cache-control: max-age=60|expires: 0|", "hit; ttl=60"),
            (
                &format!("cdn-cache-control: max-age=0|expires: {}|date: {}|", date(100), date(0)),
                "fwd=stale; stored",
            ),
            (&format!("cdn-cache-control: none|expires: {}|", date(100)), "fwd=uri-miss; no-freshness"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_2_an_age_and_a_date_count_against_a_targeted_lifetime() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: max-age=60|age: 20|", "hit; ttl=40"),
            ("cdn-cache-control: max-age=60|age: 60|", "fwd=stale; stored"),
            (&format!("cdn-cache-control: max-age=60|date: {}|", date(-20)), "hit; ttl=40"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_1_what_is_no_dictionary_is_as_good_as_absent() {
    for broken in [
        "",
        "MaX-aGe=60",
        "max-age =60",
        "max-age= 60",
        "max-age=",
        "max-age=60,",
        "max-age=60, &&&&",
        "max-age=60 no-store",
        "max-age=1234567890123456",
        "no-store, max-age=\"60",
        "no-store; max-age=60;;",
    ] {
        hold(
            "200 OK",
            &[
                (&format!("cdn-cache-control: {broken}|cache-control: max-age=7|"), "hit; ttl=7"),
                (
                    &format!("cdn-cache-control: {broken}|cache-control: no-store|"),
                    "fwd=uri-miss; response-no-store",
                ),
                (&format!("cdn-cache-control: {broken}|expires: {}|", date(9)), "hit; ttl=9"),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn rfc9213_section_2_1_a_value_of_a_wrong_type_is_not_taken_for_one_of_the_right_type() {
    for wrong in ["\"60\"", "60.0", "60.5", "a60", "-1", ":NjA=:", "?1", "?0"] {
        let expected = if wrong == "?0" { "fwd=uri-miss; no-freshness" } else { "fwd=stale; stored" };
        hold(
            "200 OK",
            &[(&format!("cdn-cache-control: max-age={wrong}|cache-control: max-age=9|"), expected)],
        )
        .await;
    }
    hold(
        "200 OK",
        &[
            // What is of no use allows nothing, and what forbids does so whatever its value.
            ("cdn-cache-control: s-maxage=\"60\", max-age=60|", "fwd=stale; stored"),
            ("cdn-cache-control: no-store=1, max-age=60|", "fwd=uri-miss; response-no-store"),
            ("cdn-cache-control: no-store=\"x\", max-age=60|", "fwd=uri-miss; response-no-store"),
            ("cdn-cache-control: private=1, max-age=60|", "fwd=bypass; response-private"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_1_parameters_and_unknown_directives_are_ignored() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: x-odd, max-age=60|", "hit; ttl=60"),
            ("cdn-cache-control: x-odd=(1 2), max-age=60;a=1;b|", "hit; ttl=60"),
            ("cdn-cache-control: x-odd=\"no-store\", max-age=60|", "hit; ttl=60"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_1_of_a_repeated_key_the_last_counts_as_in_every_dictionary() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: max-age=5, max-age=60|", "hit; ttl=60"),
            ("cdn-cache-control: max-age=60, max-age=5|", "hit; ttl=5"),
            ("cdn-cache-control: max-age=60|cdn-cache-control: max-age=5|", "hit; ttl=5"),
            ("cdn-cache-control: max-age=60|cdn-cache-control: no-store|", "fwd=uri-miss; response-no-store"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_1_a_lifetime_of_fifteen_digits_saturates() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: max-age=2147483648|", "hit; ttl=2147483648"),
            ("cdn-cache-control: max-age=99999999999|", "hit; ttl=2147483648"),
            ("cdn-cache-control: max-age=999999999999999|", "hit; ttl=2147483648"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_2_the_first_valid_field_of_the_target_list_governs_alone() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: max-age=60|plimsoll-cache-control: max-age=5|", "hit; ttl=5"),
            ("plimsoll-cache-control: max-age=60|cdn-cache-control: max-age=5|", "hit; ttl=60"),
            ("plimsoll-cache-control: max-age=60|cdn-cache-control: no-store|", "hit; ttl=60"),
            (
                "plimsoll-cache-control: no-store|cdn-cache-control: max-age=60|",
                "fwd=uri-miss; response-no-store",
            ),
            ("plimsoll-cache-control: max-age=|cdn-cache-control: max-age=60|", "hit; ttl=60"),
            (
                "plimsoll-cache-control: |cdn-cache-control: max-age=60|cache-control: no-store|",
                "hit; ttl=60",
            ),
            (
                "plimsoll-cache-control: &|cdn-cache-control: &|cache-control: no-store|",
                "fwd=uri-miss; response-no-store",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_2_a_field_for_other_caches_changes_nothing() {
    hold(
        "200 OK",
        &[
            ("other-cache-control: max-age=60|", "fwd=uri-miss; no-freshness"),
            ("other-cdn-cache-control: max-age=60|cache-control: max-age=5|", "hit; ttl=5"),
            ("surrogate-control: max-age=60|cache-control: no-store|", "fwd=uri-miss; response-no-store"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rfc9213_section_2_2_other_directives_mean_what_they_mean_in_cache_control() {
    hold(
        "200 OK",
        &[
            ("cdn-cache-control: max-age=5, s-maxage=60|", "hit; ttl=60"),
            ("cdn-cache-control: no-store, max-age=60|", "fwd=uri-miss; response-no-store"),
        ],
    )
    .await;
    let fields = "cdn-cache-control: max-age=10, stale-if-error=60|cache-control: must-revalidate|";
    let (proxy, _origin) = letter([ok(&lines(fields), "old"), Reply::Reset(Vec::new())]).await;
    proxy.get("/x").send().await;
    proxy.advance(secs(20));
    assert_eq!(proxy.get("/x").send().await.said(), "hit; ttl=-10; stale-if-error");

    let fields = "cdn-cache-control: max-age=10, must-revalidate|cache-control: stale-if-error=60|";
    let (proxy, _origin) = letter([ok(&lines(fields), "old"), Reply::Reset(Vec::new())]).await;
    proxy.get("/x").send().await;
    proxy.advance(secs(20));
    assert_eq!(proxy.get("/x").send().await.status, 502);
}

#[tokio::test]
async fn rfc9213_section_2_1_a_string_names_the_fields_that_are_not_shared() {
    let fields = lines("cdn-cache-control: private=\"x-user, x-other\", max-age=60|x-user: ann|x-kept: yes|");
    let (proxy, origin) = letter([ok(&fields, "hello")]).await;
    assert_eq!(proxy.get("/x").send().await.field("x-user"), "ann");
    let hit = proxy.get("/x").send().await;
    assert_eq!((hit.field("x-user").as_str(), hit.field("x-kept").as_str()), ("", "yes"));
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn rfc9213_section_3_what_targets_caches_further_down_is_passed_on_with_the_rest() {
    let fields = lines(
        "cdn-cache-control: max-age=60, x-odd|plimsoll-cache-control: |other-cache-control: no-store|\
         cache-control: max-age=1|",
    );
    let (proxy, origin) = letter([ok(&fields, "hello")]).await;
    for expected in ["fwd=uri-miss; stored", "hit; ttl=60"] {
        let answer = proxy.get("/x").send().await;
        assert_eq!(answer.said(), expected);
        assert_eq!(answer.field("cdn-cache-control"), "max-age=60, x-odd");
        assert_eq!(answer.field("other-cache-control"), "no-store");
        assert_eq!(answer.field("cache-control"), "max-age=1");
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn rfc9213_section_2_2_the_targeted_field_of_a_304_governs_from_then_on() {
    let (proxy, _origin) = letter([
        ok("etag: \"a\"\r\ncache-control: max-age=10\r\n", "hello"),
        not_modified("etag: \"a\"\r\ncdn-cache-control: max-age=60\r\n"),
        answer_with("200 OK", "cache-control: no-store\r\n", "new"),
    ])
    .await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    assert_eq!(proxy.get("/x").send().await.said(), "fwd=stale; fwd-status=304; stored");
    let hit = proxy.get("/x").send().await;
    assert_eq!((hit.said().as_str(), hit.field("cdn-cache-control").as_str()), ("hit; ttl=60", "max-age=60"));
}
