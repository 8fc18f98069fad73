//! The canonical value of a request field that is explicit state: equal state has one spelling, and what differs
//! never gets the same.

use std::borrow::Cow;

use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE, HeaderName, HeaderValue,
};

use super::negotiation::{self, Item, Kind};

/// The canonical value of a field, from all its lines. `None` where the field is absent, which differs from empty.
///
/// Accept, Accept-Charset, Accept-Encoding and Accept-Language get one form for each ranking that they can express: items
/// by descending weight and then by name, weights as ranks, repeats merged, and refusals only where they restrict
/// something. A list with a malformed item stays as it came, and so does every other field, but for white space around
/// it; lines are joined as RFC 9110 section 5.2 says.
pub fn canonical_field<'a>(
    name: &HeaderName,
    values: impl Iterator<Item = &'a HeaderValue>,
) -> Option<Cow<'a, [u8]>> {
    let joined = joined(name, values)?;
    let Some(kind) = kind_of(name) else { return Some(joined) };
    match std::str::from_utf8(&joined).ok().and_then(|list| negotiation::canonical_list(kind, list)) {
        Some(list) => Some(Cow::Owned(list.into_bytes())),
        None => Some(joined),
    }
}

/// The choice that the field's lines like best, by weight; `None` only where there are no choices.
///
/// A language range matches what it is a prefix of, and falls back to its own prefixes (RFC 4647 sections 3.3.1 and
/// 3.4), after what matches directly at the same weight. Ties go to the operator's order, a weight of 0 excludes,
/// malformed items count for nothing, and where nothing matches the first choice is taken. A choice that is itself the
/// range by which another one matched goes before it: `fr` asks for `fr` and not for `fr-CA`, so that what is chosen and
/// sent is chosen again by whoever reads it next.
pub fn choose<'a, 'c>(
    name: &HeaderName,
    values: impl Iterator<Item = &'a HeaderValue>,
    choices: &'c [String],
) -> Option<&'c str> {
    let first = choices.first()?;
    let Some(joined) = joined(name, values) else { return Some(first) };
    let Ok(list) = std::str::from_utf8(&joined) else { return Some(first) };
    let kind = kind_of(name).unwrap_or(Kind::Other);
    if kind == Kind::Other
        && let Some(exact) = choices.iter().find(|choice| *choice == list)
    {
        return Some(exact);
    }
    let items: Vec<Item<'_>> = negotiation::items(kind, list).flatten().collect();
    let mut best: Option<(Liking<'_>, &str)> = None;
    for choice in choices {
        if let Some(liking) = liking(kind, choice, &items)
            && best.as_ref().is_none_or(|(most, _)| liking.is_more_than(most))
        {
            best = Some((liking, choice));
        }
    }
    Some(best.map_or(first, |(_, choice)| choice))
}

/// How much a list likes a choice.
struct Liking<'a> {
    /// The weight, and then whether a range matched the choice directly.
    rank: (u16, bool),
    choice: Cow<'a, str>,
    /// The range that matched it directly.
    range: Option<&'a str>,
}

impl Liking<'_> {
    fn is_more_than(&self, other: &Self) -> bool {
        let is_what_other_matched = other.range == Some(&self.choice) && other.choice != self.choice;
        self.rank > other.rank || (self.rank == other.rank && is_what_other_matched)
    }
}

fn liking<'a>(kind: Kind, choice: &'a str, items: &'a [Item<'_>]) -> Option<Liking<'a>> {
    let choice = canonical_choice(kind, choice);
    // The most specific range that covers the choice decides; of its repeats the heaviest.
    let covering = |item: &'a Item<'_>| {
        Some((negotiation::coverage(kind, &item.range, &choice)?, item.weight, &*item.range))
    };
    let direct = items.iter().filter_map(covering).max();
    let fallback = || {
        let is_narrower =
            |item: &&Item<'_>| kind == Kind::Language && negotiation::covers(kind, &choice, &item.range);
        items.iter().filter(is_narrower).map(|item| (item.weight, false)).max()
    };
    let rank = match direct {
        Some((specificity, weight, _)) if specificity > 0 => Some((weight, true)),
        Some((_, weight, _)) => Some((weight, true)).max(fallback()),
        None => fallback(),
    };
    let rank = rank.filter(|(weight, _)| *weight > 0)?;
    let range = direct.map(|(.., range)| range);
    Some(Liking { rank, choice, range })
}

fn canonical_choice(kind: Kind, choice: &str) -> Cow<'_, str> {
    // A media type among the choices may have parameters, which only the items of a list are read with.
    let canonical = match kind {
        Kind::Media => negotiation::items(kind, choice).next().flatten().map(|item| item.range),
        _ => negotiation::canonical_range(kind, choice),
    };
    canonical.unwrap_or(Cow::Borrowed(choice))
}

pub(super) fn kind_of(name: &HeaderName) -> Option<Kind> {
    match *name {
        ACCEPT => Some(Kind::Media),
        ACCEPT_CHARSET => Some(Kind::Charset),
        ACCEPT_ENCODING => Some(Kind::Coding),
        ACCEPT_LANGUAGE => Some(Kind::Language),
        _ => None,
    }
}

/// All lines of a field as one, without white space around it, of which a value can have only space and HTAB. Cookies have a separator of their own (RFC 9113
/// section 8.2.3).
pub(super) fn joined<'a>(
    name: &HeaderName,
    mut values: impl Iterator<Item = &'a HeaderValue>,
) -> Option<Cow<'a, [u8]>> {
    let first = values.next()?.as_bytes();
    let Some(second) = values.next() else { return Some(Cow::Borrowed(first.trim_ascii())) };
    let separator: &[u8] = if *name == COOKIE { b"; " } else { b", " };
    let mut all = first.to_vec();
    for value in std::iter::once(second).chain(values) {
        all.extend_from_slice(separator);
        all.extend_from_slice(value.as_bytes());
    }
    Some(Cow::Owned(all.trim_ascii().to_vec()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(name: &HeaderName, lines: &[&str]) -> Option<String> {
        let values: Vec<HeaderValue> =
            lines.iter().map(|line| HeaderValue::from_str(line).unwrap()).collect();
        canonical_field(name, values.iter()).map(|value| String::from_utf8(value.into_owned()).unwrap())
    }

    fn language(line: &str) -> String {
        canonical(&ACCEPT_LANGUAGE, &[line]).unwrap()
    }

    fn chosen<'c>(name: &HeaderName, line: &str, choices: &'c [String]) -> &'c str {
        choose(name, [HeaderValue::from_str(line).unwrap()].iter(), choices).unwrap()
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn absent_and_empty_differ() {
        for name in [ACCEPT_LANGUAGE, HeaderName::from_static("x-theme")] {
            assert_eq!(canonical(&name, &[]), None);
            assert_eq!(canonical(&name, &[""]).as_deref(), Some(""));
        }
    }

    #[test]
    fn spelling_and_the_numbers_of_q_split_nothing() {
        for line in
            ["fr, en;q=0.3", "FR;q=1.0 , en;q=0.8", "en ; Q=0.1,,fr;q=0.999", "en;q=0.2, fr, EN;q=0.1"]
        {
            assert_eq!(language(line), "fr, en;q=0.9", "{line}");
        }
        assert_eq!(canonical(&ACCEPT_LANGUAGE, &["en;q=0.5", "fr"]).as_deref(), Some("fr, en;q=0.9"));
        assert_eq!(language("en;q=0.5, de;q=0.5"), "de, en");
        assert_eq!(
            language("zh-HANS-cn, sr-latn;q=.5"),
            "zh-HANS-cn, sr-latn;q=.5",
            "malformed, so as it came"
        );
        assert_eq!(language("zh-HANS-cn, EN-us, x-aB-cd"), "en-US, x-ab-cd, zh-Hans-CN");
    }

    #[test]
    fn many_ranks_stay_strictly_apart() {
        let line = |count: u32| {
            (0..count)
                .map(|i| format!("a{};q=0.{:03}", "b".repeat(i as usize % 7 + 1), 999 - i))
                .collect::<Vec<_>>()
        };
        assert_eq!(language(&line(7).join(",")).matches(";q=0.").count(), 6);
        let letters = ('a'..='z').flat_map(|a| ('a'..='z').map(move |b| format!("{a}{b}")));
        let all: Vec<String> = letters.zip(1..=676).map(|(tag, q)| format!("{tag};q=0.{q:03}")).collect();
        let ranked = language(&all.join(", "));
        assert!(ranked.starts_with("zz, zy;q=0.999, zx;q=0.998"), "{ranked}");
        assert_eq!(language(&ranked), ranked);
    }

    #[test]
    fn refusals_are_kept_where_they_restrict_something() {
        assert_eq!(language("fr, de;q=0"), "fr");
        assert_eq!(language("*, de;q=0"), "*, de;q=0");
        assert_eq!(language("en, en-GB;q=0.000"), "en, en-GB;q=0");
        assert_eq!(language("en-GB, en;q=0"), "en-GB, en;q=0");
        assert_eq!(language("fr, *;q=0"), "fr, *;q=0");
        assert_eq!(language("fr;q=0"), "fr;q=0");
        assert_eq!(language("fr;q=0, FR"), "fr");
        assert_eq!(language("e, en;q=0"), "e", "a prefix of letters is no broader range");
        assert_eq!(canonical(&ACCEPT, &["text/*, text/html;q=0, a/b;q=0"]).unwrap(), "text/*, text/html;q=0");
        assert_eq!(
            canonical(&ACCEPT_ENCODING, &["gzip, identity;q=0, br;q=0"]).unwrap(),
            "gzip, identity;q=0"
        );
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_came() {
        for line in
            ["fr, en;q=2", "fr;q=0.1234", "fr;q=1.001", "en_US", "fr;q=0.5;q=0.6", "fr; q =1", "fr fr", "fr;"]
        {
            assert_eq!(language(line), line);
        }
        for line in
            ["text/html;q=0.5;level=1", "*/html", "*", "text", "text/html;a", "a/b;c=\"d", "a/b;c=\"d\"e"]
        {
            assert_eq!(canonical(&ACCEPT, &[line]).unwrap(), line);
        }
        let bytes = HeaderValue::from_bytes(b" fr\xff ").unwrap();
        assert_eq!(canonical_field(&ACCEPT_LANGUAGE, [bytes].iter()).unwrap().as_ref(), b"fr\xff");
    }

    #[test]
    fn media_types_keep_their_parameters_and_quoted_commas() {
        let accept = |line: &str| canonical(&ACCEPT, &[line]).unwrap();
        assert_eq!(
            accept("TEXT/html ; Level=A;q=0.5, Application/JSON"),
            "application/json, text/html;level=A;q=0.9"
        );
        assert_eq!(accept("a/b;c=\"d, e;q=0\";q=0.1, a/c"), "a/c, a/b;c=\"d, e;q=0\";q=0.9");
        assert_eq!(accept("a/b;c=\"\\\", x\""), "a/b;c=\"\\\", x\"");
        assert_ne!(accept("a/b;charset=UTF-8"), accept("a/b;charset=utf-8"), "values may differ by case");
    }

    #[test]
    fn other_fields_are_joined_and_otherwise_untouched() {
        let name = HeaderName::from_static("x-theme");
        assert_eq!(canonical(&name, &[" Dark ,b ", "A"]).unwrap(), "Dark ,b , A");
        assert_eq!(canonical(&COOKIE, &["a=1", "b=2"]).unwrap(), "a=1; b=2");
    }

    #[test]
    fn a_language_is_chosen_by_weight_prefix_and_fallback() {
        let choices = strings(&["en", "fr-CA", "de"]);
        for (line, choice) in [
            ("fr", "fr-CA"),
            ("FR-ca, en;q=0.9", "fr-CA"),
            ("en-GB, fr;q=0.9", "en"),
            ("en-GB;q=0.5, fr;q=0.9", "fr-CA"),
            ("de, fr", "fr-CA"),
            ("it", "en"),
            ("it, *;q=0.1, en;q=0", "fr-CA"),
            ("en;q=0, de;q=0.1", "de"),
            ("fr;q=0.9, fr-CA;q=0, de;q=0.1", "de"),
            ("*;q=0", "en"),
            ("de;q=.9, de;q=0.1, fr;q=0.05", "de"),
            ("", "en"),
        ] {
            assert_eq!(chosen(&ACCEPT_LANGUAGE, line, &choices), choice, "{line}");
        }
        assert_eq!(chosen(&ACCEPT_LANGUAGE, "en-GB", &strings(&["en", "en-gb"])), "en-gb");
        assert_eq!(choose(&ACCEPT_LANGUAGE, [].iter(), &choices), Some("en"));
        assert_eq!(choose(&ACCEPT_LANGUAGE, [].iter(), &[]), None);
        let broad = strings(&["fr-CA", "fr"]);
        for (line, choice) in
            [("fr", "fr"), ("fr-FR", "fr"), ("fr-CA", "fr-CA"), ("fr, fr-CA", "fr-CA"), ("*", "fr-CA")]
        {
            assert_eq!(chosen(&ACCEPT_LANGUAGE, line, &broad), choice, "{line}");
        }
    }

    #[test]
    fn a_media_type_is_chosen_by_the_most_specific_range() {
        let choices = strings(&["application/xml", "application/json", "text/html;level=1"]);
        for (line, choice) in [
            ("*/*", "application/xml"),
            ("application/*, application/xml;q=0.5", "application/json"),
            ("application/JSON;q=0.2, text/*;q=0.3", "text/html;level=1"),
            ("text/html, */*;q=0.1", "text/html;level=1"),
            ("text/html;level=2", "application/xml"),
            ("application/xml;q=0, */*", "application/json"),
        ] {
            assert_eq!(chosen(&ACCEPT, line, &choices), choice, "{line}");
        }
        assert_eq!(chosen(&ACCEPT, "text/html", &strings(&["text/html;level=1", "text/html"])), "text/html");
    }

    #[test]
    fn other_fields_are_chosen_from_by_their_exact_value() {
        let name = HeaderName::from_static("x-theme");
        let choices = strings(&["light", "dark blue", "dark"]);
        assert_eq!(chosen(&name, "dark", &choices), "dark");
        assert_eq!(chosen(&name, " dark blue", &choices), "dark blue");
        assert_eq!(chosen(&name, "DARK", &choices), "light");
    }

    /// What a list of weights says about each of three languages: no word, refused, or its rank from the top.
    fn ranking(weights: &[Option<u16>]) -> Vec<Option<usize>> {
        let mut levels: Vec<u16> = weights.iter().flatten().copied().collect();
        levels.sort_unstable_by(|a, b| b.cmp(a));
        levels.dedup();
        weights.iter().map(|w| w.and_then(|w| levels.iter().position(|level| *level == w))).collect()
    }

    fn write(weights: &[Option<u16>]) -> String {
        let item = |(tag, w): (&str, &Option<u16>)| w.map(|w| format!("{tag};q=0.{w:03}"));
        ["fr", "en", "de"].into_iter().zip(weights).filter_map(item).collect::<Vec<_>>().join(",")
    }

    fn any_weights() -> impl Strategy<Value = Vec<Option<u16>>> {
        proptest::collection::vec(proptest::option::of(1_u16..6), 3)
    }

    proptest! {
        #[test]
        fn two_lists_share_a_form_exactly_if_they_rank_alike(a in any_weights(), b in any_weights()) {
            prop_assert_eq!(language(&write(&a)) == language(&write(&b)), ranking(&a) == ranking(&b));
        }

        #[test]
        fn canonicalising_a_field_twice_changes_nothing_more(
            line in "([a-cA-C*/-]{1,4}(;[aq]=[01]?\\.?[0-9\"]{0,4})?[, ;]{0,2}){0,5}",
            name in proptest::sample::select([ACCEPT, ACCEPT_LANGUAGE, ACCEPT_ENCODING, ACCEPT_CHARSET, COOKIE].as_slice()),
        ) {
            let once = canonical(&name, &[&line]).unwrap();
            prop_assert_eq!(&canonical(&name, &[&once]).unwrap(), &once);
        }

        #[test]
        fn what_is_chosen_is_always_one_of_the_choices(line in "([a-c*-]{1,3}(;q=[01](\\.[0-9])?)?,){0,4}") {
            let choices = strings(&["a", "a-b", "c"]);
            prop_assert!(choices.iter().any(|choice| choice == chosen(&ACCEPT_LANGUAGE, &line, &choices)));
        }

        #[test]
        fn what_is_chosen_is_chosen_again(line in "([a-c*-]{1,3}(;q=[01](\\.[0-9])?)?,){0,4}") {
            let choices = strings(&["a-b-c", "c", "a-b", "a"]);
            let once = chosen(&ACCEPT_LANGUAGE, &line, &choices);
            prop_assert_eq!(chosen(&ACCEPT_LANGUAGE, once, &choices), once);
        }
    }
}
