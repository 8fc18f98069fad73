//! Structured fields (RFC 9651): what an origin says with them is read as a parser that is not ours reads it, and our own
//! Cache-Status is read back by that parser, word for word.
//!
//! The tags beside them are no structured fields, and are read by hand.
//!
//! Input: five bytes for the numbers and switches of a Cache-Status, a line with a route, a line with a detail, and then
//! lines of fields.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use plimsoll::{
    level::Level,
    semantics::{
        cache_status::{CacheStatus, Fwd, Handling},
        directives::Qualified,
        groups::{CACHE_GROUP_INVALIDATION, CACHE_GROUPS, groups},
        tags::{CACHE_TAG, SURROGATE_KEY, tags},
        targeted::targeted,
    },
};
use sfv::{BareItem, Dictionary, Item, List, ListEntry, Parser};

const OURS: HeaderName = HeaderName::from_static("plimsoll-cache-control");
const EVERY: HeaderName = HeaderName::from_static("cdn-cache-control");

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let Some((numbers, rest)) = input.split_first_chunk::<5>() else { return };
    let mut lines = super::fields::lines(rest);
    let mut text = || String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let (route, detail) = (text(), text());
    status(*numbers, &route, &detail);
    let fields = super::fields::of_lines(lines);
    for name in [CACHE_GROUPS, CACHE_GROUP_INVALIDATION] {
        named(&fields, &name);
    }
    tagged(&fields);
    meant_for_us(&fields);
}

/// What is written can be read.
fn status(numbers: [u8; 5], route: &str, detail: &str) {
    let [kind, level, a, b, c] = numbers;
    let whys =
        [Fwd::Bypass, Fwd::Method, Fwd::UriMiss, Fwd::VaryMiss, Fwd::Request, Fwd::Stale, Fwd::Partial];
    let number = i64::from(i32::from_be_bytes([0, a, b, c])) - (1 << 23);
    let why = whys[usize::from(kind >> 2) % whys.len()];
    let code = StatusCode::from_u16(u16::from_be_bytes([a, b])).ok();
    let handling = match kind & 3 {
        0 => Handling::Hit { ttl: None },
        1 => Handling::Hit { ttl: Some(number) },
        _ => Handling::Forwarded {
            why,
            status: code,
            stored: c & 1 == 1,
            collapsed: [None, Some(true), Some(false)][usize::from(c >> 1) % 3],
        },
    };
    let levels = [Level::Permanent, Level::Changing, Level::User, Level::Session, Level::Random];
    let level = levels.get(usize::from(level)).copied();
    let detail = (!detail.is_empty()).then_some(detail);
    let value = CacheStatus { handling, level, route, detail }.to_value();
    let list: List = Parser::new(value.as_bytes()).parse().expect("a structured field");
    let [ListEntry::Item(item)] = &list[..] else { panic!("{value:?} is not one item") };
    assert_eq!(item.bare_item.as_token().map(sfv::TokenRef::as_str), Some("plimsoll"));
    let mut expected: Vec<(&str, String)> = Vec::new();
    match handling {
        Handling::Hit { ttl } => {
            expected.push(("hit", "true".to_owned()));
            expected.extend(ttl.map(|ttl| ("ttl", ttl.to_string())));
        }
        Handling::Forwarded { why, status, stored, collapsed } => {
            expected.push(("fwd", why.name().to_owned()));
            expected.extend(status.map(|status| ("fwd-status", status.as_u16().to_string())));
            expected.extend(stored.then(|| ("stored", "true".to_owned())));
            expected.extend(collapsed.map(|collapsed| ("collapsed", collapsed.to_string())));
        }
    }
    expected.extend(level.map(|level| ("level", level.number().to_string())));
    let visible = |text: &str| text.chars().filter(|c| matches!(c, ' '..='~')).collect::<String>();
    expected.push(("route", visible(route)));
    expected.extend(detail.map(|detail| ("detail", visible(detail))));
    let read: Vec<(&str, String)> =
        item.params.iter().map(|(name, value)| (name.as_str(), shown(value))).collect();
    assert_eq!(read, expected, "{value:?}");
}

fn shown(value: &BareItem) -> String {
    match value {
        BareItem::Integer(number) => i64::from(*number).to_string(),
        BareItem::Boolean(value) => value.to_string(),
        BareItem::Token(text) => text.as_str().to_owned(),
        BareItem::String(text) => text.as_str().to_owned(),
        _ => panic!("{value:?} is no type that we write"),
    }
}

/// All lines of a field as one text, where it is one (RFC 9110 section 5.3).
fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Result<Vec<&str>, _> = fields.get_all(name).iter().map(HeaderValue::to_str).collect();
    lines.ok().map(|lines| lines.join(", "))
}

/// Groups are strings and nothing else, and written anew they are the same.
fn named(fields: &HeaderMap, name: &HeaderName) {
    let names = groups(fields, name);
    let list: Option<List> = joined(fields, name).and_then(|text| Parser::new(&text).parse().ok());
    let strings = list.and_then(|list| {
        let string = |entry: &ListEntry| match entry {
            ListEntry::Item(Item { bare_item: BareItem::String(text), .. }) => Some(text.as_str().to_owned()),
            _ => None,
        };
        list.iter().map(string).collect::<Option<Vec<String>>>()
    });
    assert_eq!(names, strings.unwrap_or_default());
    let quoted = |name: &String| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let written = names.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let value = HeaderValue::try_from(written).expect("names are visible text");
    let again: HeaderMap = [(name.clone(), value)].into_iter().collect();
    assert_eq!(groups(&again, name), names, "written anew");
}

/// Tags are what is between their separators, byte by byte, and no field has those of the other.
fn tagged(fields: &HeaderMap) {
    let by_hand = |name: &HeaderName, separators: &[u8], trimmed: bool| {
        let mut found = Vec::new();
        for line in fields.get_all(name) {
            let mut tag = Vec::new();
            for byte in line.as_bytes().iter().chain(&separators[..1]) {
                if !separators.contains(byte) {
                    tag.push(*byte);
                    continue;
                }
                let text = String::from_utf8(std::mem::take(&mut tag)).unwrap_or_default();
                let text = if trimmed { text.trim_matches([' ', '\t']) } else { &text };
                found.extend((!text.is_empty()).then(|| text.to_owned()));
            }
        }
        found
    };
    let (commas, spaces) = (by_hand(&CACHE_TAG, b",", true), by_hand(&SURROGATE_KEY, b" \t", false));
    assert_eq!(tags(fields, |name| *name == SURROGATE_KEY), commas);
    assert_eq!(tags(fields, |name| *name == CACHE_TAG), spaces);
    assert_eq!(tags(fields, |_| false), [commas, spaces].concat());
}

/// The first field of the list that is valid and not empty decides, and what it says is never read as more than it says.
fn meant_for_us(fields: &HeaderMap) {
    let list = [OURS, EVERY];
    let valid = list.iter().find_map(|name| {
        let dictionary: Option<Dictionary> =
            joined(fields, name).and_then(|text| Parser::new(&text).parse().ok());
        dictionary.filter(|dictionary| !dictionary.is_empty())
    });
    let read = targeted(fields, &list);
    assert_eq!(read.is_some(), valid.is_some());
    let (Some(read), Some(dictionary)) = (read, valid) else { return };
    let seconds = |name: &str| {
        let (_, member) = dictionary.iter().find(|(key, _)| key.as_str() == name)?;
        match member {
            ListEntry::Item(Item { bare_item: BareItem::Integer(seconds), .. }) => {
                Some(u64::try_from(i64::from(*seconds)).unwrap_or(0).min(1 << 31))
            }
            // An explicit false is as good as absent.
            ListEntry::Item(Item { bare_item: BareItem::Boolean(false), .. }) => None,
            _ => Some(0),
        }
    };
    let is_true = |name: &str| {
        let member = dictionary.iter().find(|(key, _)| key.as_str() == name).map(|(_, member)| member);
        matches!(member, Some(ListEntry::Item(Item { bare_item: BareItem::Boolean(true), .. })))
    };
    let is_said = |name: &str| {
        let member = dictionary.iter().find(|(key, _)| key.as_str() == name).map(|(_, member)| member);
        member.is_some_and(|member| {
            !matches!(member, ListEntry::Item(Item { bare_item: BareItem::Boolean(false), .. }))
        })
    };
    let lifetime = |name| seconds(name).map(Duration::from_secs);
    assert_eq!(read.max_age, lifetime("max-age"));
    assert_eq!(read.s_maxage, lifetime("s-maxage"));
    assert_eq!(read.stale_while_revalidate, lifetime("stale-while-revalidate"));
    assert_eq!(read.stale_if_error, lifetime("stale-if-error"));
    assert_eq!(read.no_store, is_said("no-store"));
    assert_eq!(read.must_revalidate, is_said("must-revalidate"));
    assert_eq!(read.proxy_revalidate, is_said("proxy-revalidate"));
    assert_eq!(read.public, is_true("public"));
    assert_eq!(read.immutable, is_true("immutable"));
    assert_eq!(read.must_understand, is_true("must-understand"));
    assert_eq!(read.no_cache != Qualified::Absent, is_said("no-cache"));
    assert_eq!(read.private != Qualified::Absent, is_said("private"));
}
