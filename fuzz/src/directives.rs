//! What the fields of messages say about caching: directives, dates, ages, entity tags and Vary, against readings of their
//! grammars that are slow and short. Where a field cannot be read, what comes of it is never the bolder choice.
//!
//! Input: lines of fields, first those of a request, then an empty line, then those of a response.

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        AGE, CACHE_CONTROL, CONTENT_LANGUAGE, DATE, ETAG, EXPIRES, IF_MODIFIED_SINCE, IF_NONE_MATCH,
        LAST_MODIFIED, VARY,
    },
};
use plimsoll::{
    key::{canonical_field, comparable_field, first_language, only_language},
    semantics::{
        Now,
        date::{format_date, parse_date},
        directives::{CacheControl, MaxStale, Qualified},
        freshness::{corrected_initial_age, current_age, date_of, explicit_lifetime, heuristic_lifetime},
        validation::{EntityTag, LastModified, StrongValidator, client_copy_is_current},
        vary::{Fit, Nominations, Presented, Vary},
    },
};

/// Some time in November 2026.
const NOW: u64 = 1_795_000_000;

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let end = input.windows(2).position(|two| two == b"\n\n");
    let (request, response) = end.map_or((input, &[][..]), |end| (&input[..end], &input[end + 2..]));
    let request = super::fields::of_lines(super::fields::lines(request));
    let response = super::fields::of_lines(super::fields::lines(response));
    directives(&request, &CacheControl::of_request(&request), Whose::Request);
    directives(&response, &CacheControl::of_response(&response), Whose::Response);
    for name in [DATE, EXPIRES, LAST_MODIFIED, IF_MODIFIED_SINCE] {
        request.get_all(&name).iter().chain(response.get_all(&name)).for_each(date);
    }
    ages(&response);
    tags(&request, &response);
    nominated(&request, &response);
    negotiated(&request);
}

#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Request,
    Response,
}

/// What may not be read boldly, and what the directives say where no quote makes it hard to tell them apart.
fn directives(fields: &HeaderMap, read: &CacheControl, whose: Whose) {
    for lifetime in [read.max_age, read.s_maxage, read.stale_while_revalidate, read.stale_if_error] {
        assert!(lifetime.is_none_or(|lifetime| lifetime <= Duration::from_secs(1 << 31)));
    }
    let mut more = fields.clone();
    more.append(CACHE_CONTROL, HeaderValue::from_static("no-store, private, no-cache, must-revalidate"));
    let cautious = match whose {
        Whose::Request => CacheControl::of_request(&more),
        Whose::Response => CacheControl::of_response(&more),
    };
    assert!(cautious.no_store && cautious.must_revalidate);
    assert!(cautious.private.is_whole() && cautious.no_cache.is_whole());
    let lines = fields.get_all(CACHE_CONTROL).iter();
    let texts: Vec<String> =
        lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect();
    if !texts.iter().any(|text| text.contains('"')) {
        said_plainly(&texts, read, whose);
    }
}

fn said_plainly(texts: &[String], read: &CacheControl, whose: Whose) {
    let members: Vec<(String, Option<&str>)> = texts
        .iter()
        .flat_map(|text| text.split(','))
        .map(|member| match member.split_once('=') {
            Some((name, argument)) => (name.trim().to_ascii_lowercase(), Some(argument.trim())),
            None => (member.trim().to_ascii_lowercase(), None),
        })
        .collect();
    let is_said = |name: &str| members.iter().any(|(known, _)| known == name);
    let first = |name: &str, otherwise: Option<u64>| {
        let stated = members.iter().filter(|(known, _)| known == name);
        let mut stated = stated.filter_map(|(_, argument)| {
            let digits = argument.unwrap_or_default();
            let is_number = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
            if is_number { Some(digits.parse().unwrap_or(u64::MAX).min(1 << 31)) } else { otherwise }
        });
        stated.next().map(Duration::from_secs)
    };
    let lifetime = |name| first(name, (whose == Whose::Response).then_some(0));
    assert_eq!(read.max_age, lifetime("max-age"));
    assert_eq!(read.s_maxage, lifetime("s-maxage"));
    assert_eq!(read.min_fresh, lifetime("min-fresh"));
    assert_eq!(read.stale_while_revalidate, lifetime("stale-while-revalidate"));
    assert_eq!(read.stale_if_error, lifetime("stale-if-error"));
    if let Some(MaxStale::Within(limit)) = read.max_stale {
        assert_eq!(Some(limit), lifetime("max-stale"));
    }
    assert!(read.max_stale.is_none() || is_said("max-stale"));
    let flags = [
        (read.no_store, "no-store"),
        (read.private != Qualified::Absent, "private"),
        (read.public, "public"),
        (read.must_revalidate, "must-revalidate"),
        (read.proxy_revalidate, "proxy-revalidate"),
        (read.must_understand, "must-understand"),
        (read.immutable, "immutable"),
        (read.only_if_cached, "only-if-cached"),
    ];
    for (flag, name) in flags {
        assert_eq!(flag, is_said(name), "{name}");
    }
    assert!(read.no_cache != Qualified::Absent || !is_said("no-cache"));
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn date(value: &HeaderValue) {
    let Ok(text) = value.to_str() else { return };
    let read = parse_date(text, at(NOW));
    let seconds =
        read.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).expect("no date before 1970").as_secs());
    assert_eq!(seconds, expected_date(text), "{text:?}");
    if let Some(written) = read.and_then(format_date) {
        assert_eq!(parse_date(written.to_str().expect("text"), at(NOW)), read);
    }
}

/// The three formats of RFC 9110 section 5.6.7, in any case.
fn expected_date(text: &str) -> Option<u64> {
    let text = text.trim_matches([' ', '\t']).to_ascii_lowercase();
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let is_short_day = |name: &str| days.iter().any(|day| day[..3] == *name);
    let parts: Vec<&str> = text.split(' ').collect();
    match parts[..] {
        [name, day, month, year, time, "gmt"] if year.len() == 4 => {
            let is_day = name.strip_suffix(',').is_some_and(is_short_day);
            seconds(is_day, number(day, 2)?, month, number(year, 4)?, time, true)
        }
        [name, date, time, "gmt"] => {
            let is_day = name.strip_suffix(',').is_some_and(|name| days.contains(&name));
            let [day, month, year] = date.split('-').collect::<Vec<_>>()[..] else { return None };
            let (day, short) = (number(day, 2)?, number(year, 2)?);
            let centuries = (19..=99)
                .rev()
                .filter_map(|century| seconds(is_day, day, month, century * 100 + short, time, true));
            // A leap second belongs to the year that it ends.
            let latest = NOW + 18_263 * 86_400;
            centuries.into_iter().find(|date| *date <= latest + u64::from(time == "23:59:60"))
        }
        [name, month, "", day, time, year] => {
            seconds(is_short_day(name), number(day, 1)?, month, number(year, 4)?, time, false)
        }
        [name, month, day, time, year] => {
            seconds(is_short_day(name), number(day, 2)?, month, number(year, 4)?, time, false)
        }
        _ => None,
    }
}

fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn seconds(is_day: bool, day: u64, month: &str, year: u64, time: &str, may_leap: bool) -> Option<u64> {
    let names = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let month = names.iter().position(|name| *name == month)?;
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let february = |year| if is_leap(year) { 29 } else { 28 };
    let lengths = |year| [31, february(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let [hour, minute, second] = time.split(':').map(|part| number(part, 2)).collect::<Option<Vec<_>>>()?[..]
    else {
        return None;
    };
    let is_leap_second = may_leap && (hour, minute, second) == (23, 59, 60);
    let is_time = hour < 24 && minute < 60 && (second < 60 || is_leap_second);
    if !is_day || !is_time || !(1970..=9999).contains(&year) || day == 0 || day > lengths(year)[month] {
        return None;
    }
    let years: u64 = (1970..year).map(|year| lengths(year).iter().sum::<u64>()).sum();
    let days = years + lengths(year)[..month].iter().sum::<u64>() + day - 1;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Time only makes a response older, and what cannot be read does not make it fresher.
fn ages(response: &HeaderMap) {
    let now = |seconds: u64| Now { wall: at(NOW + seconds), mono: Duration::from_secs(1000 + seconds) };
    let (asked, received) = (now(0), now(3));
    let age = corrected_initial_age(response, asked, received);
    let date = response.get(DATE).and_then(|value| value.to_str().ok()).and_then(expected_date);
    let apparent = date.map_or(0, |date| (NOW + 3).saturating_sub(date));
    let stated = response.get(AGE).and_then(|value| value.to_str().ok()).map_or(0, |text| {
        let first = text.split(',').next().unwrap_or_default().trim();
        if first.chars().all(|c| c.is_ascii_digit()) && !first.is_empty() {
            first.parse().unwrap_or(u64::MAX).min(1 << 31)
        } else {
            0
        }
    });
    assert_eq!(age.as_secs(), apparent.max(stated + 3).min(1 << 31));
    let later = current_age(age, received.mono, now(60));
    assert_eq!(later.as_secs(), (age.as_secs() + 57).min(1 << 31));
    let control = CacheControl::of_response(response);
    let lifetime = explicit_lifetime(&control, response, received.wall);
    let dated = date_of(response, received.wall);
    assert_eq!(dated, date.map_or(received.wall, at));
    let mut expires = response.get_all(EXPIRES).iter();
    let expected = match (control.s_maxage.or(control.max_age), expires.next(), expires.next()) {
        (Some(stated), ..) => Some(stated),
        (None, None, _) => None,
        (None, Some(_), Some(_)) => Some(Duration::ZERO),
        (None, Some(expires), None) => {
            let expires = expires.to_str().ok().and_then(expected_date).map_or(SystemTime::UNIX_EPOCH, at);
            Some(expires.duration_since(dated).unwrap_or_default())
        }
    };
    assert_eq!(lifetime, expected);
    for status in [200, 201, 404] {
        let status = StatusCode::from_u16(status).expect("a status");
        let guess = heuristic_lifetime(status, &control, response, received.wall);
        assert!(guess.is_none_or(|guess| guess <= Duration::from_hours(24)));
        assert!(guess.is_none() || status != StatusCode::CREATED || control.public);
    }
}

/// Entity tags, and the conditions that name them.
fn tags(request: &HeaderMap, response: &HeaderMap) {
    let value = response.get(ETAG);
    let tag = value.and_then(EntityTag::new);
    let is_tag = |bytes: &[u8]| entity_tag(bytes).is_some_and(|(_, rest)| rest.is_empty());
    assert_eq!(tag.is_some(), value.is_some_and(|value| is_tag(value.as_bytes())), "{value:?}");
    if let Some(tag) = &tag {
        assert_eq!(tag.to_value().as_ref(), value);
        let bytes = tag.as_bytes();
        assert_eq!(tag.is_weak(), bytes[0] == b'W');
        assert!(tag.weakly_equals(bytes));
        assert_eq!(tag.strongly_equals(bytes), !tag.is_weak());
    }
    let modified = response.get(LAST_MODIFIED);
    let strong = StrongValidator::of(tag.as_ref(), modified.map(LastModified::new).as_ref(), at(NOW));
    assert!(strong.is_none() || tag.as_ref().is_none_or(|tag| !tag.is_weak()));
    let modified = modified.and_then(|value| value.to_str().ok()).and_then(expected_date).map_or(at(NOW), at);
    let is_current = client_copy_is_current(request, tag.as_ref(), || modified, at(NOW));
    if !request.contains_key(IF_NONE_MATCH) {
        let since =
            request.get(IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok()).and_then(expected_date);
        assert_eq!(is_current, since.is_some_and(|since| modified <= at(since)));
        return;
    }
    let opaque = |bytes: &[u8]| bytes.strip_prefix(b"W/").unwrap_or(bytes).to_vec();
    let own = tag.as_ref().map(|tag| opaque(tag.as_bytes()));
    let mut is_named = false;
    for line in request.get_all(IF_NONE_MATCH) {
        match tag_list(line.as_bytes()) {
            Some(tags) => is_named |= tags.iter().any(|tag| own.as_deref() == Some(opaque(tag).as_slice())),
            None if line.as_bytes().trim_ascii() == b"*" => is_named = true,
            // Where the list is none, a match must at least be a tag that stands in it.
            None => {
                let stands_in =
                    |own: &Vec<u8>| line.as_bytes().windows(own.len()).any(|part| part == own.as_slice());
                if is_current && own.as_ref().is_some_and(stands_in) {
                    return;
                }
            }
        }
    }
    assert_eq!(is_current, is_named);
}

/// The tag that begins these bytes, and what is behind it (RFC 9110 section 8.8.3). A backslash is nothing special.
fn entity_tag(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = bytes.strip_prefix(b"W/").unwrap_or(bytes);
    let inner = quoted.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| !matches!(byte, 0x21 | 0x23..=0x7e | 0x80..))?;
    let rest = inner[end..].strip_prefix(b"\"")?;
    Some((&bytes[..bytes.len() - rest.len()], rest))
}

/// A list of tags; none where it is malformed.
fn tag_list(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut tags, mut rest) = (Vec::new(), bytes);
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(tags);
        }
        if let Some(behind) = rest.strip_prefix(b",") {
            rest = behind;
            continue;
        }
        let (tag, behind) = entity_tag(rest)?;
        tags.push(tag);
        rest = behind.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b",") {
            return None;
        }
    }
}

/// A response fits the request that it answered, and no request that says something else in a nominated field.
fn nominated(request: &HeaderMap, response: &HeaderMap) {
    let vary = Vary::of(response);
    let is_star = response.get_all(VARY).iter().any(|line| {
        let is_name = |name: &str| name.is_empty() || (name != "*" && HeaderName::try_from(name).is_ok());
        line.to_str().map_or(true, |text| !text.split(',').map(str::trim).all(is_name))
    });
    assert_eq!(vary == Vary::Star, is_star);
    let nominations = Nominations::of(&vary, request, response);
    let fit = nominations.fit(&mut Presented::new(request));
    assert_eq!(fit, if is_star { Fit::None } else { Fit::Exact });
    for name in vary.names() {
        let mut other = request.clone();
        other.append(name.clone(), HeaderValue::from_static("\"something else\""));
        let is_of_connection = |fields: &HeaderMap| {
            let lines = fields.get_all("connection").iter().filter_map(|line| line.to_str().ok());
            lines
                .flat_map(|line| line.split(','))
                .any(|option| option.trim().eq_ignore_ascii_case(name.as_str()))
        };
        if !is_of_connection(request) && !is_of_connection(&other) {
            assert_eq!(nominations.fit(&mut Presented::new(&other)), Fit::None, "{name}");
        }
    }
    let language = only_language(response.get_all(CONTENT_LANGUAGE).iter());
    assert!(language.is_none_or(|language| language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')));
}

/// A canonical value is canonical, and on how many lines a list stands says nothing.
fn negotiated(request: &HeaderMap) {
    for name in request.keys() {
        let lines = || request.get_all(name).iter();
        let canonical = canonical_field(name, lines()).expect("it is there");
        let value = HeaderValue::from_bytes(&canonical).expect("a value that can be sent");
        let again = canonical_field(name, std::iter::once(&value));
        assert_eq!(again.as_deref(), Some(&*canonical), "{name} canonical twice");
        let comparable = comparable_field(name, lines()).expect("it is there");
        let value = HeaderValue::from_bytes(&comparable).expect("a value that can be sent");
        let again = comparable_field(name, std::iter::once(&value));
        assert_eq!(again.as_deref(), Some(&*comparable), "{name} compared twice");
        let separator: &[u8] = if *name == http::header::COOKIE { b"; " } else { b", " };
        let one = lines().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(separator);
        let one = HeaderValue::from_bytes(&one).expect("lines joined are a line");
        assert_eq!(
            comparable_field(name, std::iter::once(&one)).as_deref(),
            Some(&*comparable),
            "{name} on one line"
        );
        let language = first_language(lines());
        assert!(
            language.is_none_or(|language| language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        );
    }
}
