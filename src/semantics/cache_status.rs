//! The Cache-Status field (RFC 9211): what this cache did, in one line that a person and a program can read.

use http::{HeaderName, HeaderValue, StatusCode};

use crate::level::Level;

/// The field's name.
pub static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// One member of Cache-Status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus<'a> {
    /// What was done.
    pub handling: Handling,
    /// The effective level, where there is evidence for one.
    pub level: Option<Level>,
    /// The route.
    pub route: &'a str,
    /// The name of the evidence or refusal behind it.
    pub detail: Option<&'a str>,
}

/// Answered from the store, or forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// Answered from the store (`hit`).
    Hit {
        /// Seconds of freshness left; negative when stale; `None` when the response never expires.
        ttl: Option<i64>,
    },
    /// Forwarded to the origin (`fwd`).
    Forwarded {
        /// Why.
        why: Fwd,
        /// The origin's status, where it differs from the one that the client gets (`fwd-status`).
        status: Option<StatusCode>,
        /// Whether the answer is stored (`stored`).
        stored: bool,
        /// Whether this request shared the fetch of another (`collapsed`); `Some(false)` where that was refused.
        collapsed: Option<bool>,
    },
}

impl Handling {
    /// Forwarded for this reason, and not stored.
    pub const fn forwarded(why: Fwd) -> Self {
        Self::Forwarded { why, status: None, stored: false, collapsed: None }
    }
}

/// Why a request went to the origin (RFC 9211 section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fwd {
    /// The cache was told, by config or by evidence, not to answer this request.
    Bypass,
    /// The method's meaning requires it.
    Method,
    /// Nothing is stored for this target.
    UriMiss,
    /// Something is stored for this target, but not for these nominated fields.
    VaryMiss,
    /// The request's own directives require it.
    Request,
    /// What is stored is stale.
    Stale,
    /// What is stored is only a part, and not all that was asked for.
    Partial,
}

impl Fwd {
    /// The token of RFC 9211.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Request => "request",
            Self::Stale => "stale",
            Self::Partial => "partial",
        }
    }
}

impl CacheStatus<'_> {
    /// The field value.
    pub fn to_value(&self) -> HeaderValue {
        let mut line = String::with_capacity(96);
        self.write(&mut line);
        // A value that no field may carry is left out rather than sent.
        HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static("plimsoll"))
    }

    /// Appends the field value to a line.
    pub fn write(&self, line: &mut String) {
        line.push_str("plimsoll");
        match self.handling {
            Handling::Hit { ttl } => {
                line.push_str("; hit");
                if let Some(ttl) = ttl {
                    push(line, "; ttl=", itoa::Buffer::new().format(ttl));
                }
            }
            Handling::Forwarded { why, status, stored, collapsed } => {
                push(line, "; fwd=", why.name());
                if let Some(status) = status {
                    push(line, "; fwd-status=", status.as_str());
                }
                if stored {
                    line.push_str("; stored");
                }
                match collapsed {
                    Some(true) => line.push_str("; collapsed"),
                    Some(false) => line.push_str("; collapsed=?0"),
                    None => {}
                }
            }
        }
        if let Some(level) = self.level {
            push(line, "; level=", itoa::Buffer::new().format(level.number()));
        }
        line.push_str("; route=");
        write_token_or_string(line, self.route);
        if let Some(detail) = self.detail {
            line.push_str("; detail=");
            write_token_or_string(line, detail);
        }
    }
}

fn push(line: &mut String, name: &str, value: &str) {
    line.push_str(name);
    line.push_str(value);
}

/// Which bytes a token may go on with.
static IN_TOKEN: [bool; 256] = {
    let mut set = [false; 256];
    let mut byte = 0u8;
    while byte < 0x80 {
        let others = b"!#$%&'*+-.^_`|~:/";
        let mut at = 0;
        while at < others.len() {
            set[byte as usize] |= byte == others[at];
            at += 1;
        }
        set[byte as usize] |= byte.is_ascii_alphanumeric();
        byte += 1;
    }
    set
};

/// A token where the text can be one, else a string (RFC 9651 sections 3.3.3 and 3.3.4).
fn write_token_or_string(line: &mut String, text: &str) {
    let starts = |b: u8| b.is_ascii_alphabetic() || b == b'*';
    let is_token = text.bytes().next().is_some_and(starts) && text.bytes().all(|b| IN_TOKEN[usize::from(b)]);
    if is_token {
        line.push_str(text);
        return;
    }
    line.push('"');
    for c in text.chars().filter(|c| matches!(c, ' '..='~')) {
        if matches!(c, '"' | '\\') {
            line.push('\\');
        }
        line.push(c);
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(handling: Handling, level: Option<Level>, route: &str, detail: Option<&str>) -> String {
        CacheStatus { handling, level, route, detail }.to_value().to_str().unwrap().to_owned()
    }

    fn fwd(why: Fwd, status: Option<u16>, stored: bool, collapsed: Option<bool>) -> Handling {
        let status = status.map(|code| StatusCode::from_u16(code).unwrap());
        Handling::Forwarded { why, status, stored, collapsed }
    }

    #[test]
    fn rfc9211_section_2_every_form_of_the_contract() {
        let two = Some(Level::Changing);
        let lines = [
            line(Handling::Hit { ttl: Some(27) }, two, "product", None),
            line(fwd(Fwd::UriMiss, None, true, None), two, "product", None),
            line(
                fwd(Fwd::Bypass, None, false, None),
                Some(Level::Session),
                "my-cart",
                Some("route-declared"),
            ),
            line(fwd(Fwd::UriMiss, None, false, Some(true)), two, "product", None),
            line(fwd(Fwd::Stale, Some(304), true, None), two, "product", None),
            line(Handling::Hit { ttl: Some(-3) }, two, "product", None),
            line(Handling::Hit { ttl: None }, Some(Level::Permanent), "warehouse", None),
            line(fwd(Fwd::Method, None, false, None), None, "product", None),
            line(fwd(Fwd::UriMiss, None, false, Some(false)), two, "product", None),
        ];
        assert_eq!(
            lines,
            [
                "plimsoll; hit; ttl=27; level=2; route=product",
                "plimsoll; fwd=uri-miss; stored; level=2; route=product",
                "plimsoll; fwd=bypass; level=4; route=my-cart; detail=route-declared",
                "plimsoll; fwd=uri-miss; collapsed; level=2; route=product",
                "plimsoll; fwd=stale; fwd-status=304; stored; level=2; route=product",
                "plimsoll; hit; ttl=-3; level=2; route=product",
                "plimsoll; hit; level=1; route=warehouse",
                "plimsoll; fwd=method; route=product",
                "plimsoll; fwd=uri-miss; collapsed=?0; level=2; route=product",
            ]
        );
    }

    #[test]
    fn rfc9211_section_2_a_structured_fields_parser_reads_what_is_written() {
        let value =
            line(fwd(Fwd::Stale, Some(304), true, None), Some(Level::Changing), "a \"b\" \\", Some("x"));
        let list: sfv::List = sfv::Parser::new(&value).parse().unwrap();
        let sfv::ListEntry::Item(item) = &list[0] else { panic!("not an item") };
        assert_eq!(item.bare_item.as_token().unwrap().as_str(), "plimsoll");
        assert_eq!(item.params["route"].as_string().unwrap().as_str(), "a \"b\" \\");
        assert_eq!(item.params["fwd-status"].as_integer(), Some(304.into()));
    }

    #[test]
    fn rfc9651_section_3_3_4_a_name_that_is_no_token_becomes_a_string() {
        assert!(line(fwd(Fwd::Method, None, false, None), None, "1st", None).ends_with("route=\"1st\""));
        assert!(line(fwd(Fwd::Method, None, false, None), None, "", None).ends_with("route=\"\""));
    }
}
