//! The head of an answer that is passed on without a look at what its fields say: its lines as they came, without those of
//! the origin's connection, and behind them those of this hop.
//!
//! A map of the fields would cost as much as all else that happens to such an answer.

use http::Response;
use http_body::Body as _;

use super::{
    Body, Proxy, ReadyHead,
    exchange::Exchange,
    outgoing::own_via,
    respond::{Outcome, USUAL_OWN_LINES},
};
use crate::{
    decision::is_endless_type,
    semantics::{date::format_date, fields::is_hop_by_hop},
    store::HeadBlock,
    upstream::{Answer, AnswerHead},
    wire::FieldLine,
};

/// Room for what is added to the lines of an answer, but for Cache-Status, in bytes.
const OWN_LINES: usize = 96;

/// The longest name of a field that `http` takes, in bytes.
const LONGEST_NAME: usize = 65_535;

/// The lines of an answer that go on to its client.
#[derive(Debug)]
pub(super) struct PassedLines {
    lines: Vec<u8>,
    has_date: bool,
    has_cache_control: bool,
    is_endless: bool,
}

impl PassedLines {
    /// Those of this answer, if it has content and says nothing that takes a closer look: what its trailers are, which fields
    /// are for the origin's connection beside those that always are, or a name that is too long for a map.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        if answer.content.is_end_stream() { None } else { Self::of_head(&answer.head) }
    }

    fn of_head(head: &AnswerHead) -> Option<Self> {
        let lines = Vec::with_capacity(head.length() + OWN_LINES);
        let mut passed = Self { lines, has_date: false, has_cache_control: false, is_endless: false };
        for line in head.lines() {
            let FieldLine { name, value, text } = line;
            if name.len() > LONGEST_NAME {
                return None;
            }
            let start = passed.lines.len();
            passed.lines.extend_from_slice(text);
            let lower = &mut passed.lines[start..start + name.len()];
            lower.make_ascii_lowercase();
            match &*lower {
                b"date" => passed.has_date = true,
                b"cache-control" => passed.has_cache_control = true,
                b"content-type" => passed.is_endless |= is_endless_type(value),
                b"connection" if !names_no_field(value) => return None,
                b"trailer" => return None,
                // The length of content is stated anew.
                b"content-length" => {
                    passed.lines.truncate(start);
                    continue;
                }
                name if is_hop_by_hop(name) => {
                    passed.lines.truncate(start);
                    continue;
                }
                _ => {}
            }
            if !line.is_plain() {
                passed.lines.truncate(start + name.len());
                passed.end_line(value);
            }
        }
        Some(passed)
    }

    fn append(&mut self, name: &str, value: &[u8]) {
        self.lines.extend_from_slice(name.as_bytes());
        self.end_line(value);
    }

    fn end_line(&mut self, value: &[u8]) {
        for part in [b": ", value, b"\r\n"] {
            self.lines.extend_from_slice(part);
        }
    }
}

/// Whether a line of Connection only says whether the connection goes on.
fn names_no_field(value: &[u8]) -> bool {
    let mut options = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    options.all(|option| {
        [&b"keep-alive"[..], b"close", b""].iter().any(|known| option.eq_ignore_ascii_case(known))
    })
}

impl Proxy {
    /// The answer of the origin with these lines, passed on as it comes.
    pub(super) fn respond_lines(
        &self,
        exchange: &Exchange,
        mut passed: PassedLines,
        answer: Answer,
        outcome: Outcome,
    ) -> Response<Body> {
        let Answer { head, content, .. } = answer;
        let content = self.read_ahead(content, passed.is_endless);
        passed.append("via", own_via(head.version()).as_bytes());
        if !passed.has_date
            && let Some(date) = format_date(self.shared.clock.now().wall)
        {
            passed.append("date", date.as_bytes());
        }
        if !passed.has_cache_control
            && let Some(value) = Self::stated_for(exchange)
        {
            passed.append("cache-control", value.as_bytes());
        }
        let mut own = String::with_capacity(USUAL_OWN_LINES);
        self.write_cache_status(exchange, outcome, &mut own);
        let lines = ReadyHead::new(HeadBlock::from_lines(passed.lines), own);
        let mut response = Response::new(content.under(lines));
        *response.status_mut() = head.status();
        if let Some(reason) = head.reason() {
            response.extensions_mut().insert(reason);
        }
        response.body_mut().account = Some(self.tell(exchange, head.status(), outcome));
        response
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{
        HeaderMap, Response,
        header::{CONNECTION, CONTENT_LENGTH, TRAILER},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        proxy::trailers::end_connection,
        wire::{Limits, Piece, Scanner},
    };

    fn head(fields: &str) -> AnswerHead {
        let bytes = Bytes::from(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        let mut scanner = Scanner::responses(Limits { head: 1 << 17, fields: 100, target: 0 });
        let Ok(Piece::Head(head)) = scanner.scan(&bytes) else { panic!("{fields}") };
        AnswerHead::of(&head, bytes, scanner.take_lines()).unwrap()
    }

    /// The fields that go on, by way of the lines and by way of a map.
    fn both_ways(fields: &str) -> (Option<HeaderMap>, HeaderMap) {
        let lines = PassedLines::of_head(&head(fields)).map(|passed| {
            let block = HeadBlock::from_lines(passed.lines);
            block.fields().collect()
        });
        let mut response: Response<()> = head(fields).into_response().unwrap();
        end_connection(&mut response);
        response.headers_mut().remove(CONTENT_LENGTH);
        (lines, std::mem::take(response.headers_mut()))
    }

    fn any_field() -> impl Strategy<Value = String> {
        let names = [
            "Date",
            "cache-control",
            "Set-Cookie",
            "x-a",
            "X-A",
            "Via",
            "Connection",
            "Keep-Alive",
            "Upgrade",
            "Trailer",
            "TE",
            "Proxy-Connection",
            "Proxy-Authenticate",
            "Vary",
            "etag",
        ];
        let values = ["", "1", "close", "keep-alive, Close", "x-a", "a, b", " spaced ", "keep-alive, etag"];
        (prop::sample::select(names.to_vec()), prop::sample::select(values.to_vec()))
            .prop_map(|(name, value)| format!("{name}: {value}\r\n"))
    }

    proptest! {
        #[test]
        fn what_goes_on_is_the_same_with_a_map_and_without(fields in prop::collection::vec(any_field(), 0..8)) {
            let fields = fields.concat();
            let map = head(&fields).into_response().unwrap();
            let (lines, expected) = both_ways(&fields);
            match lines {
                Some(lines) => prop_assert_eq!(lines, expected),
                None => prop_assert!([CONNECTION, TRAILER].iter().any(|name| map.headers().contains_key(name))),
            }
        }
    }

    #[test]
    fn what_is_looked_for_is_found_in_any_spelling() {
        let passed =
            PassedLines::of_head(&head("DATE: x\r\nContent-Type: Text/Event-Stream; a=b\r\n")).unwrap();
        assert!(passed.has_date && passed.is_endless && !passed.has_cache_control);
        let passed = PassedLines::of_head(&head("Cache-Control: no-store\r\nContent-Length: 5\r\n")).unwrap();
        assert!(!passed.has_date && !passed.is_endless && passed.has_cache_control);
        assert_eq!(passed.lines, b"cache-control: no-store\r\n");
    }

    #[test]
    fn a_head_that_takes_a_closer_look_has_no_lines_to_be_passed_on() {
        assert!(PassedLines::of_head(&head("connection: close, x-a\r\n")).is_none());
        assert!(PassedLines::of_head(&head("transfer-encoding: chunked\r\ntrailer: x-a\r\n")).is_none());
        let long = format!("{}: 1\r\n", "y".repeat(65_536));
        assert!(PassedLines::of_head(&head(&long)).is_none() && head(&long).into_response().is_err());
        let less = head(&long[1..]);
        assert!(PassedLines::of_head(&less).is_some() && less.into_response().is_ok());
        assert!(PassedLines::of_head(&head("connection: Close\r\nconnection: keep-alive,\r\n")).is_some());
    }
}
