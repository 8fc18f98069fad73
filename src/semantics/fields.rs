//! Fields that concern one connection only, and the lists that several rooms need (RFC 9110 section 7.6.1).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        AGE, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_RANGE, CONTENT_TYPE,
        DATE, ETAG, EXPIRES, LAST_MODIFIED, PRAGMA, SET_COOKIE, VARY,
    },
};

/// Whether this, in lower case, is a field that no proxy passes on, whether Connection names it or not. `proxy-authenticate` stays out of
/// the request's and `proxy-authorization` out of the response's list for free: they have no meaning there.
pub fn is_hop_by_hop(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection"
            | b"keep-alive"
            | b"proxy-connection"
            | b"proxy-authenticate"
            | b"proxy-authorization"
            | b"proxy-authentication-info"
            | b"te"
            | b"trailer"
            | b"transfer-encoding"
            | b"upgrade"
    )
}

/// The same value, in memory of its own. What came over a connection is a slice of all that was read together with it,
/// and keeps that alive.
pub fn apart(value: &HeaderValue) -> HeaderValue {
    HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone())
}

/// Digests of the content of one message: of no use beside any other (RFC 9530 section 2).
static DIGESTS: [HeaderName; 2] =
    [HeaderName::from_static("content-digest"), HeaderName::from_static("content-md5")];

/// Whether a field is a digest of one message's content.
pub fn is_digest(name: &HeaderName) -> bool {
    DIGESTS.contains(name)
}

/// Removes the digests of a message's content.
pub fn remove_digests(fields: &mut HeaderMap) {
    for name in &DIGESTS {
        fields.remove(name);
    }
}

/// Fields of an answer that Connection may name and that count all the same: what a cache is told, and what identifies and
/// describes the content. None of them can be about a connection (RFC 9110 section 7.6.1).
static END_TO_END: [HeaderName; 13] = [
    AGE,
    CACHE_CONTROL,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_RANGE,
    CONTENT_TYPE,
    DATE,
    ETAG,
    EXPIRES,
    LAST_MODIFIED,
    PRAGMA,
    SET_COOKIE,
    VARY,
];

/// Whether this message's Connection names the field, so that it ends at the next hop.
pub(super) fn is_of_connection(fields: &HeaderMap, name: &HeaderName) -> bool {
    connection_options(fields).any(|option| option.eq_ignore_ascii_case(name.as_str()))
}

fn connection_options(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = fields.get_all(CONNECTION).iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// The fields of a message that concern one connection only: the known ones, and those that Connection names.
#[derive(Clone, Debug)]
pub struct HopByHop(Vec<HeaderName>);

impl HopByHop {
    /// Those of this message.
    pub fn of(fields: &HeaderMap) -> Self {
        let named = connection_options(fields);
        Self(named.filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok()).collect())
    }

    /// Whether this is one of them.
    pub fn contains(&self, name: &HeaderName) -> bool {
        is_hop_by_hop(name.as_str().as_bytes()) || self.0.contains(name)
    }
}

/// Removes every field that concerns one connection only: the known ones, and those that Connection names.
pub fn remove_hop_by_hop(fields: &mut HeaderMap) {
    remove(fields, &[]);
}

/// The same for an answer: what tells a cache what it may do is not taken away by a stray word in Connection.
pub fn remove_hop_by_hop_of_answer(fields: &mut HeaderMap) {
    remove(fields, &END_TO_END);
}

fn remove(fields: &mut HeaderMap, spared: &[HeaderName]) {
    let hops = HopByHop::of(fields);
    let are_removed = fields.keys().filter(|name| hops.contains(name) && !spared.contains(name));
    for name in are_removed.cloned().collect::<Vec<_>>() {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn rfc9110_section_7_6_1_what_connection_names_goes_with_the_known_ones() {
        let lines = [
            ("connection", "close, X-Hop"),
            ("connection", "x-other"),
            ("x-hop", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-stays", "3"),
        ];
        let mut fields: HeaderMap = lines
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        remove_hop_by_hop(&mut fields);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["x-stays"]);
    }

    #[test]
    fn rfc9110_section_7_6_1_an_answers_connection_takes_no_word_from_a_cache() {
        let line = |name, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let lines = [
            line("connection", "Cache-Control, vary, x-hop"),
            line("cache-control", "no-store"),
            line("vary", "x-a"),
            line("x-hop", "1"),
        ];
        let mut fields: HeaderMap = lines.into_iter().collect();
        remove_hop_by_hop_of_answer(&mut fields);
        assert!(fields.len() == 2 && fields.contains_key("cache-control") && fields.contains_key("vary"));
    }
}
