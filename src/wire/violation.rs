//! The rules of the strict scanner, in one table: each with its name, the section it stands on, the status of its refusal,
//! and what it means.

use http::StatusCode;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The stable name, in log, metrics and problem details.
    pub name: &'static str,
    /// The status that refuses a request which breaks the rule.
    pub status: StatusCode,
    /// Where the rule stands.
    pub section: &'static str,
    /// What a client reads about it.
    pub meaning: &'static str,
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const SLOW: StatusCode = StatusCode::REQUEST_TIMEOUT;
const LONG: StatusCode = StatusCode::URI_TOO_LONG;
const FIELDS: StatusCode = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
const UNKNOWN: StatusCode = StatusCode::NOT_IMPLEMENTED;
const VERSION: StatusCode = StatusCode::HTTP_VERSION_NOT_SUPPORTED;

/// Makes the enum and its table from the same rows, so that none can be without the other.
macro_rules! rules {
    ($($(#[$doc:meta])+ $variant:ident = $name:literal, $status:ident, $section:literal, $meaning:literal;)+) => {
        /// A message that has no single reading, or more of something than there is room for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Violation {
            $($(#[$doc])+ $variant,)+
        }

        impl Violation {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The row of this violation.
            pub const fn rule(self) -> Rule {
                match self {
                    $(Self::$variant => {
                        Rule { name: $name, status: $status, section: $section, meaning: $meaning }
                    })+
                }
            }
        }
    };
}

rules! {
    /// A line ends with LF alone.
    BareLf = "bare-lf", BAD, "RFC 9112 2.2", "A line ends with LF and not with CRLF";

    /// A CR without its LF.
    BareCr = "bare-cr", BAD, "RFC 9112 2.2", "A CR is not followed by LF";

    /// A NUL or another control character.
    ControlByte = "control-byte", BAD, "RFC 9110 5.5", "A line has a control character";

    /// Not a method, a target and a version with one space between them.
    RequestLine = "request-line", BAD, "RFC 9112 3", "The request line is not a method, a target and a version with one space between them";

    /// Not a version, a status code and a reason.
    StatusLine = "status-line", BAD, "RFC 9112 4", "The status line is not a version, a status and a reason";

    /// Neither HTTP/1.0 nor HTTP/1.1.
    Version = "version", VERSION, "RFC 9112 2.3", "The version is neither HTTP/1.0 nor HTTP/1.1";

    /// A target in none of its forms, or with bytes that no target has.
    Target = "target", BAD, "RFC 9112 3.2", "The target has none of the forms of a target";

    /// A target over the limit.
    TargetTooLong = "target-too-long", LONG, "RFC 9112 3", "The target of the request is too long";

    /// CONNECT: this is no tunnel.
    Connect = "connect", UNKNOWN, "RFC 9110 9.3.6", "CONNECT is refused: this is no tunnel";

    /// A field that goes on in the next line.
    Folding = "folding", BAD, "RFC 9112 5.2", "A field goes on in the next line";

    /// White space before the colon of a field.
    SpaceBeforeColon = "space-before-colon", BAD, "RFC 9112 5.1", "A field name is followed by white space";

    /// A field line that does not begin with a token and a colon.
    FieldName = "field-name", BAD, "RFC 9112 5.1", "A field line does not begin with a token and a colon";

    /// No Host.
    HostMissing = "host-missing", BAD, "RFC 9112 3.2", "The request has no Host";

    /// More than one Host.
    HostRepeated = "host-repeated", BAD, "RFC 9112 3.2", "The request has more than one Host";

    /// A Host that is none.
    HostInvalid = "host-invalid", BAD, "RFC 9112 3.2", "The Host is not a host and a port";

    /// A Content-Length that is not up to fifteen digits.
    LengthInvalid = "length-invalid", BAD, "RFC 9112 6.3", "The Content-Length is not up to fifteen digits";

    /// More than one Content-Length.
    LengthRepeated = "length-repeated", BAD, "RFC 9112 6.3", "The request has more than one Content-Length";

    /// Both Content-Length and Transfer-Encoding.
    LengthAndCoding = "length-and-coding", BAD, "RFC 9112 6.1", "The request has both Content-Length and Transfer-Encoding";

    /// A transfer coding other than chunked.
    Coding = "coding", UNKNOWN, "RFC 9112 6.1", "The Transfer-Encoding is not exactly chunked";

    /// More than one Transfer-Encoding.
    CodingRepeated = "coding-repeated", BAD, "RFC 9112 6.1", "The request has more than one Transfer-Encoding";

    /// Transfer-Encoding in a version that has none.
    CodingInOldVersion = "coding-in-old-version", BAD, "RFC 9112 6.1", "HTTP/1.0 has no Transfer-Encoding";

    /// A Connection option that names a field for everybody on the way.
    ConnectionOption = "connection-option", BAD, "RFC 9110 7.6.1", "Connection names a field that is for everybody on the way";

    /// A head over the limit.
    HeadTooLarge = "head-too-large", FIELDS, "RFC 6585 5", "The head is too large";

    /// More fields than the limit.
    TooManyFields = "too-many-fields", FIELDS, "RFC 6585 5", "The head has too many fields";

    /// A head that was not there in time.
    HeadTooSlow = "head-too-slow", SLOW, "RFC 9110 15.5.9", "The head of the request was not there in time";

    /// A chunk without a proper size.
    ChunkSize = "chunk-size", BAD, "RFC 9112 7.1", "A chunk does not begin with up to fifteen hexadecimal digits";

    /// Chunk extensions over the limit.
    ChunkExtensions = "chunk-extensions", BAD, "RFC 9112 7.1.1", "The chunks have extensions that are too long";

    /// Data of a chunk that does not end where its size says.
    ChunkEnd = "chunk-end", BAD, "RFC 9112 7.1", "A chunk does not end where its size says";

    /// A trailer section over the limit.
    TrailersTooLarge = "trailers-too-large", FIELDS, "RFC 9112 7.1.2", "The trailer section is too large";

    /// A field that no trailer section may have.
    TrailerField = "trailer-field", BAD, "RFC 9110 6.5.1", "The trailer section has a field that only a head may have";
}

impl Violation {
    /// The stable name, in log, metrics and problem details.
    pub const fn name(self) -> &'static str {
        self.rule().name
    }
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rule().meaning)
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_violation_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = Violation::ALL.iter().map(|violation| violation.name()).collect();
        assert_eq!(names.len(), Violation::ALL.len());
    }
}
