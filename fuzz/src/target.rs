//! Targets, queries and references, against RFC 3986 section by section: what is canonical stays as it is, means what it
//! meant, and can be sent.
//!
//! Input, in lines: authority, path, query (none where the line begins with `-`), reference, and names of declared query
//! parameters with commas between them. The scheme is https where the input has an even number of bytes.

use plimsoll::key::{
    CacheKey, Scheme, StateSpec, Target, canonical_authority, canonical_path, canonical_query,
    canonical_query_name, has_parameters, path_identity, target_identity,
};

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut lines = text.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (authority, path, query, reference, names) = (line(), line(), line(), line(), line());
    let query = (!query.starts_with('-')).then_some(query);
    let scheme = if input.len().is_multiple_of(2) { Scheme::Https } else { Scheme::Http };
    if let Ok(canonical) = canonical_authority(authority, scheme) {
        assert_eq!(canonical_authority(&canonical, scheme).as_ref(), Ok(&canonical));
    }
    let canonical = canonical_path(path).ok().map(String::from);
    assert_eq!(canonical, expected_path(path), "the path");
    let declared: Vec<&str> = names.split(',').collect();
    parameters(query, &declared);
    let Ok(target) = Target::new(scheme, authority, path, query) else { return };
    stays(&target);
    can_be_sent(&target);
    keyed(&target, &declared);
    references(&target, reference);
}

/// What is canonical is canonical.
fn stays(target: &Target) {
    let again = Target::new(target.scheme(), target.authority(), target.path(), target.query());
    assert_eq!(again.as_ref(), Ok(target));
    let shown = target.to_string();
    assert!(shown.chars().all(|c| c.is_ascii_graphic()), "{shown:?}");
}

fn can_be_sent(target: &Target) {
    let carried = http::uri::PathAndQuery::try_from(target.origin_form()).expect("a target that can be sent");
    assert_eq!((carried.path(), carried.query()), (target.path(), target.query()));
    let authority: http::uri::Authority = target.authority().parse().expect("an authority that can be sent");
    assert_eq!(authority.as_str(), target.authority());
}

/// The canonical path, segment by segment (RFC 3986 sections 5.2.4 and 6.2.2).
fn expected_path(raw: &str) -> Option<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut segments = raw.split('/').peekable();
    if segments.next() != Some("") || raw.is_empty() {
        return None;
    }
    while let Some(segment) = segments.next() {
        let segment = expected_text(
            segment,
            |byte| !matches!(byte, 0..=0x20 | 0x7f | b'\\' | b'?' | b'#'),
            "!$&'()*+,;=:@",
        )?;
        if segment.contains("%00") {
            return None;
        }
        let is_last = segments.peek().is_none();
        match segment.as_str() {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push(String::new());
                }
            }
            _ => kept.push(segment),
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// A text in canonical percent-encoding; none with a byte that has no place in it, or an invalid escape.
fn expected_text(raw: &str, has_place: fn(u8) -> bool, stand_for_themselves: &str) -> Option<String> {
    let mut out = String::new();
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        let byte_meant = if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits =
                std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            u8::from_str_radix(digits, 16).ok()?
        } else if has_place(byte) {
            byte
        } else {
            return None;
        };
        let c = char::from(byte_meant);
        let is_unreserved = c.is_ascii_alphanumeric() || "-._~".contains(c);
        if is_unreserved || (byte != b'%' && stand_for_themselves.contains(c)) {
            out.push(c);
        } else {
            out.extend(["%".to_owned(), format!("{byte_meant:02X}")]);
        }
    }
    Some(out)
}

/// The declared parameters, name by name.
fn parameters(query: Option<&str>, declared: &[&str]) {
    let Ok(spec) = StateSpec::new(declared, []) else { return };
    let canonical = canonical_query(query, &spec.query);
    let sent: Vec<(String, Option<String>)> = query
        .unwrap_or_default()
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((name, value)) => (meaning(name), Some(meaning(value))),
            None => (meaning(part), None),
        })
        .collect();
    let mut kept: Vec<String> = Vec::new();
    for name in &spec.query {
        for (_, value) in sent.iter().filter(|(known, _)| known == name) {
            kept.push(value.as_ref().map_or_else(|| name.clone(), |value| format!("{name}={value}")));
        }
        let is_there = sent.iter().any(|(known, _)| known == name);
        assert_eq!(has_parameters(query, std::slice::from_ref(name)), is_there, "{name}");
    }
    assert_eq!(canonical, (!kept.is_empty()).then(|| kept.join("&")));
    assert_eq!(canonical_query(canonical.as_deref(), &spec.query), canonical, "canonical twice");
}

/// A name or a value; as it came, where its escapes are invalid.
fn meaning(raw: &str) -> String {
    let canonical = canonical_query_name(raw);
    if let Some(expected) = expected_text(raw, |_| true, "!$&'()*+,;=:@/?") {
        assert_eq!(canonical, expected);
    }
    assert_eq!(canonical_query_name(&canonical), canonical);
    canonical.into_owned()
}

/// What is in the key is what the target says, and it is found by the identities that invalidation uses.
fn keyed(target: &Target, declared: &[&str]) {
    let whole = CacheKey::whole(target, None);
    let parts = whole.parts();
    assert_eq!((parts.scheme, parts.authority), (target.scheme(), target.authority()));
    assert_eq!((parts.path, parts.query), (target.path(), target.query()));
    assert_eq!(whole.path_identity(), path_identity(target));
    assert_eq!(whole.target_identity(), target_identity(target));
    let Ok(spec) = StateSpec::new(declared, []) else { return };
    let key = CacheKey::declared(target, &spec, &http::HeaderMap::new(), None);
    assert_eq!(key.parts().query.map(str::to_owned), canonical_query(target.query(), &spec.query));
    assert_eq!(key.path_identity(), path_identity(target));
    let canonical = Target::new(target.scheme(), target.authority(), target.path(), key.parts().query);
    let canonical = canonical.expect("a canonical query that can be sent");
    assert_eq!(CacheKey::declared(&canonical, &spec, &http::HeaderMap::new(), None), key, "keyed twice");
}

/// References, as RFC 3986 section 5.2.2 transforms them.
fn references(base: &Target, reference: &str) {
    let resolved = base.resolve(reference);
    assert_eq!(base.resolve("").as_ref(), Some(base));
    if let Some(found) = &resolved {
        stays(found);
        can_be_sent(found);
        if found.query().is_none_or(str::is_ascii) {
            assert_eq!(base.resolve(&found.to_string()).as_ref(), Some(found), "named in full");
        }
    }
    assert_eq!(resolved, expected_reference(base, reference.trim()));
}

fn expected_reference(base: &Target, reference: &str) -> Option<Target> {
    let reference = reference.split('#').next().unwrap_or_default().trim_end();
    let (hierarchy, query) = match reference.find('?') {
        Some(at) => (&reference[..at], Some(&reference[at + 1..])),
        None => (reference, None),
    };
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let colon = hierarchy.find(':').filter(|at| is_scheme(&hierarchy[..*at]));
    let (scheme, rest) = match colon {
        Some(at) => (Some(Scheme::parse(&hierarchy[..at])?), &hierarchy[at + 1..]),
        None => (None, hierarchy),
    };
    if let Some(rest) = rest.strip_prefix("//") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        return Target::new(scheme.unwrap_or(base.scheme()), authority, path, query).ok();
    }
    if scheme.is_some() {
        return None;
    }
    let (path, query) = match rest.chars().next() {
        None => (base.path().to_owned(), query.or(base.query())),
        Some('/') => (rest.to_owned(), query),
        Some(_) => (format!("{}/{rest}", base.path().rsplit_once('/')?.0), query),
    };
    Target::new(base.scheme(), base.authority(), &path, query).ok()
}
