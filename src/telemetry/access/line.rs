//! One line of the access log: begun when the request is decided, finished when its answer is over.

use std::{fmt::Write as _, io::Write as _};

use http::Version;
use serde::Serialize;
use tracing_appender::non_blocking::NonBlocking;

use super::super::shown;
use crate::{
    level::Level,
    observe::{Decision, End, Request, Unfinished},
};

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object.
    Json,
    /// The combined format of web servers, and behind it the decision.
    Combined,
}

/// A line that lacks its end.
pub(super) struct Line {
    format: Format,
    /// What comes before the bytes of content, and what comes after.
    text: [String; 2],
    lines: NonBlocking,
}

#[derive(Serialize)]
struct Record<'a> {
    time: String,
    client: Option<String>,
    method: Option<&'a str>,
    host: Option<&'a str>,
    target: Option<String>,
    protocol: Option<&'static str>,
    status: u16,
    route: Option<&'a str>,
    level: Option<u8>,
    outcome: &'static str,
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
    #[serde(skip_serializing_if = "is_false")]
    stored: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    collapsed: Option<bool>,
    referer: Option<String>,
    user_agent: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Line {
    pub(super) fn begin(format: Format, decision: &Decision<'_>, lines: NonBlocking) -> Self {
        let record = Record::of(decision, format);
        let text = match format {
            Format::Json => [record.json(), String::new()],
            Format::Combined => record.combined(),
        };
        Self { format, text, lines }
    }
}

impl Unfinished for Line {
    fn finish(self: Box<Self>, end: &End) {
        let Self { format, text: [mut line, rest], mut lines } = *self;
        let (bytes, seconds) = (end.bytes, end.elapsed.as_secs_f64());
        // Writing to memory does not fail.
        let _ = match format {
            Format::Json => {
                writeln!(line, r#","bytes":{bytes},"duration":{seconds:.6},"complete":{}}}"#, end.is_whole)
            }
            Format::Combined => writeln!(line, " {bytes}{rest} duration={seconds:.6}"),
        };
        // A line that finds no room is counted where it was to go.
        let _ = lines.write_all(line.as_bytes());
    }
}

impl<'a> Record<'a> {
    fn of(decision: &Decision<'a>, format: Format) -> Self {
        let request = decision.request.as_ref();
        let time = match format {
            Format::Json => shown::timestamp(decision.began.wall),
            Format::Combined => shown::combined_timestamp(decision.began.wall),
        };
        Self {
            time,
            client: decision.client.map(|client| client.to_canonical().to_string()),
            method: request.map(|request| request.method.as_str()),
            host: request.map(|request| request.authority),
            target: request.map(|request| shown::target(decision, request)),
            protocol: request.map(protocol),
            status: decision.status.as_u16(),
            route: decision.route.map(|route| route.name.as_str()),
            level: decision.level.map(Level::number),
            outcome: decision.outcome.word().name(),
            reason: decision.detail(),
            ttl: decision.ttl(),
            stored: decision.is_stored(),
            collapsed: decision.collapsed(),
            referer: request.and_then(|request| request.fields.referer()).map(shown::referer),
            user_agent: request
                .and_then(|request| request.fields.user_agent())
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
        }
    }

    /// The object but for its last members.
    fn json(&self) -> String {
        let mut line = serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned());
        line.pop();
        line
    }

    /// What comes before the bytes of content and after them.
    fn combined(&self) -> [String; 2] {
        let mut before = self.client.clone().unwrap_or_else(|| "-".to_owned());
        let _ = write!(before, " - - [{}] \"", self.time);
        match (self.method, &self.target, self.protocol) {
            (Some(method), Some(target), Some(protocol)) => {
                escaped(method, &mut before);
                before.push(' ');
                escaped(target, &mut before);
                let _ = write!(before, " {protocol}");
            }
            _ => before.push('-'),
        }
        let _ = write!(before, "\" {}", self.status);
        let mut after = String::from(" \"");
        escaped(self.referer.as_deref().unwrap_or("-"), &mut after);
        after.push_str("\" \"");
        escaped(self.user_agent.as_deref().unwrap_or("-"), &mut after);
        after.push_str("\" route=\"");
        escaped(self.route.unwrap_or("-"), &mut after);
        let level = self.level.map_or_else(|| "-".to_owned(), |level| level.to_string());
        let _ =
            write!(after, "\" level={level} outcome={} reason={}", self.outcome, self.reason.unwrap_or("-"));
        [before, after]
    }
}

const fn protocol(request: &Request<'_>) -> &'static str {
    match request.version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        _ => "HTTP/1.1",
    }
}

/// Text inside quotation marks: what could end them, or the line, is written as its bytes.
fn escaped(text: &str, line: &mut String) {
    for c in text.chars() {
        if c == '"' || c == '\\' || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                let _ = write!(line, "\\x{byte:02X}");
            }
        } else {
            line.push(c);
        }
    }
}
