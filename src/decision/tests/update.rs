//! What a 304 changes about a stored response (RFC 9111 section 3.2).

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::decision::updated_fields;

fn merged(stored: &[Line], not_modified: &[Line]) -> Vec<(String, String)> {
    let merged = updated_fields(&fields(stored), &fields(not_modified));
    let line = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
    };
    let mut lines: Vec<_> = merged.iter().map(line).collect();
    lines.sort();
    lines
}

fn expected(lines: &[Line]) -> Vec<(String, String)> {
    lines.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn rfc9111_section_3_2_fields_of_the_304_take_the_place_of_all_stored_lines_of_the_same_name() {
    let stored = [("cache-control", "max-age=1"), ("cache-control", "public"), ("x-a", "1"), ("x-b", "2")];
    let update = [("cache-control", "max-age=9"), ("x-b", "3"), ("x-b", "4"), ("x-c", "5")];
    let lines = [("cache-control", "max-age=9"), ("x-a", "1"), ("x-b", "3"), ("x-b", "4"), ("x-c", "5")];
    assert_eq!(merged(&stored, &update), expected(&lines));
}

#[test]
fn rfc9111_section_3_2_what_describes_the_kept_content_stays_with_it() {
    let of_the_content =
        ["content-digest", "content-encoding", "content-length", "content-md5", "content-range", "etag"];
    for name in of_the_content {
        assert_eq!(merged(&[(name, "held")], &[(name, "newer")]), expected(&[(name, "held")]));
        // What comes without the content names it at most: nothing else is learned of it so late.
        let learned: &[Line] = if name == "etag" { &[(name, "newer")] } else { NOTHING };
        assert_eq!(merged(NOTHING, &[(name, "newer")]), expected(learned), "{name}");
    }
    for name in ["content-language", "content-location", "content-type", "last-modified", "repr-digest"] {
        let newer = [(name, "newer")];
        assert_eq!(merged(&[(name, "held")], &newer), expected(&newer), "the representation's are updated");
    }
}

#[test]
fn rfc9110_section_6_6_1_the_date_is_that_of_the_304_and_of_nothing_older() {
    let stored = [("date", "Sun, 06 Nov 1994 08:49:37 GMT")];
    let update = [("date", "Mon, 07 Nov 1994 08:49:37 GMT")];
    assert_eq!(merged(&stored, &update), expected(&update));
    assert_eq!(merged(&stored, NOTHING), []);
}

#[test]
fn rfc9110_section_6_6_1_a_confirmed_response_without_date_is_young_again() {
    let world = World::origin();
    let old = date(-500);
    let held = fields(&[("cache-control", "max-age=60"), ("date", old.as_str())]);
    let merged = updated_fields(&held, &HeaderMap::new());
    let judgement = world.judge_maps(&HeaderMap::new(), 200, &merged);
    let Verdict::Store { stored, .. } = judgement.verdict else { panic!("not stored") };
    assert_eq!(stored.age(after(0)).as_secs(), 0);
}

#[test]
fn a_304_that_forbids_ends_what_was_stored() {
    let held = fields(&[("cache-control", "max-age=60")]);
    let rows: [&[Line]; 4] = [
        &[("cache-control", "no-store")],
        &[("cache-control", "private")],
        &[("set-cookie", "a=b")],
        &[("vary", "*")],
    ];
    for world in [World::changing(), World::origin()] {
        for update in rows {
            let merged = updated_fields(&held, &fields(update));
            let outcome = Outcome::of(&world.judge_maps(&HeaderMap::new(), 200, &merged));
            assert!(!matches!(outcome, Outcome::Store | Outcome::NotForClient(_)), "{update:?}: {outcome:?}");
        }
    }
}

/// Lines of few names, so that many are repeated.
fn any_lines() -> impl Strategy<Value = HeaderMap> {
    let names = ["x-a", "x-b", "set-cookie", "cache-control", "date", "vary", "content-length", "link"];
    vec((select(names.to_vec()), "[a-c]"), 0..12).prop_map(|lines| {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(header(&name), HeaderValue::from_str(&value).unwrap());
        }
        fields
    })
}

proptest! {
    #[test]
    fn rfc9111_section_3_2_repeated_fields_are_kept_in_number_and_order_and_never_mixed(stored in any_lines(), update in any_lines()) {
        let updated = updated_fields(&stored, &update);
        let lines = |fields: &HeaderMap, name: &HeaderName| fields.get_all(name).iter().cloned().collect::<Vec<_>>();
        for name in stored.keys().chain(update.keys()) {
            let expected = match name.as_str() {
                "content-length" => lines(&stored, name),
                _ if update.contains_key(name) => lines(&update, name),
                "date" => Vec::new(),
                _ => lines(&stored, name),
            };
            prop_assert_eq!(lines(&updated, name), expected, "{}", name);
        }
        prop_assert!(updated.keys().all(|name| stored.contains_key(name) || update.contains_key(name)));
    }
}
