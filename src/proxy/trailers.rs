//! Trailer sections on their way through (RFC 9110 section 6.5): passed on to who asked for them, never merged into the
//! head and never stored.
//!
//! Trailer and TE are for one connection each, so what a message said with them is noted before they are removed, and
//! said anew on the next connection. Only trailers that Trailer names are passed on there.

use http::{
    HeaderMap, HeaderValue, Response,
    header::{CONNECTION, TE, TRAILER},
};

use super::outgoing::Fields;
use crate::semantics::fields::remove_hop_by_hop_of_answer;

/// The names in Trailer, as a message had them.
#[derive(Clone, Debug)]
pub(super) struct Announced(HeaderValue);

impl Announced {
    /// What this message says about its trailers.
    fn of(fields: &HeaderMap) -> Option<Self> {
        let lines: Vec<&[u8]> = fields.get_all(TRAILER).iter().map(HeaderValue::as_bytes).collect();
        if lines.is_empty() {
            return None;
        }
        HeaderValue::from_bytes(&lines.join(&b", "[..])).ok().map(Self)
    }

    /// What an answer that went through [`end_connection`] said about its trailers.
    pub(super) fn by<B>(answer: &Response<B>) -> Option<Self> {
        answer.extensions().get().cloned()
    }

    /// Says it to a client, if its request asks for trailers.
    pub(super) fn tell(self, request: &HeaderMap, answer: &mut HeaderMap) {
        if wants_trailers(request) {
            answer.insert(TRAILER, self.0);
        }
    }
}

/// Removes what an answer says about the origin's connection, but for a note of its trailers.
pub(super) fn end_connection<B>(answer: &mut Response<B>) {
    let announced = Announced::of(answer.headers());
    remove_hop_by_hop_of_answer(answer.headers_mut());
    if let Some(announced) = announced {
        answer.extensions_mut().insert(announced);
    }
}

/// Says to the origin what a client's request, which is passed on as it came, says about trailers: its own, if they may
/// be some, and those that it would take.
pub(super) fn pass_on(
    client: &HeaderMap,
    has_content: bool,
    may_be_one: impl Fn(&str) -> bool,
    request: &mut impl Fields,
) {
    if let Some(announced) = Announced::of(client).filter(|_| has_content) {
        let names = announced.0.to_str().unwrap_or_default().to_ascii_lowercase();
        let kept: Vec<&str> = names.split(',').map(str::trim).filter(|name| may_be_one(name)).collect();
        if let Some(names) = HeaderValue::try_from(kept.join(", ")).ok().filter(|names| !names.is_empty()) {
            request.put(&TRAILER, &names);
        }
    }
    if wants_trailers(client) {
        request.put(&TE, &HeaderValue::from_static("trailers"));
        request.put(&CONNECTION, &HeaderValue::from_static("te"));
    }
}

fn wants_trailers(request: &HeaderMap) -> bool {
    let lines = request.get_all(TE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("trailers"))
}
