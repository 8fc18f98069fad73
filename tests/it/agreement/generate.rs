//! Requests and answers by chance, always the same chance: each case has a path of its own, and the origin finds the
//! answer to it by that path.

use fastrand::Rng;
use http::StatusCode;

use crate::support::{Reply, date};

/// A request, and the answer that the origin has for it.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) id: usize,
    pub(super) method: &'static str,
    pub(super) target: String,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) content: String,
    pub(super) status: StatusCode,
    pub(super) answer: Vec<(&'static str, String)>,
    length: usize,
}

/// The path of a case holds this, which no canonical form changes.
pub(super) fn marker(id: usize) -> String {
    format!("case{id}end")
}

/// The number of the case that this request line is about.
pub(super) fn case_of(line: &str) -> Option<usize> {
    line.split_once("case")?.1.split_once("end")?.0.parse().ok()
}

impl Case {
    pub(super) fn generate(rng: &mut Rng, id: usize) -> Self {
        let (method, content) = method(rng);
        let fields = request_fields(rng, &content);
        let is_conditional = fields.iter().any(|(name, _)| name.starts_with("if-"));
        let status = status(rng, is_conditional);
        let (answer, length) = answer_fields(rng, status);
        Self { id, method, target: target(rng, id), fields, content, status, answer, length }
    }

    /// The answer to a request of this method.
    pub(super) fn reply(&self, method: &str) -> Reply {
        let lines: String =
            self.answer.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        let is_chunked = self.answer.iter().any(|(name, _)| *name == "transfer-encoding");
        let content = match method {
            "HEAD" => String::new(),
            _ if is_empty(self.status) => String::new(),
            _ if is_chunked => format!("{:x}\r\n{}\r\n0\r\n\r\n", self.length, "x".repeat(self.length)),
            _ => "x".repeat(self.length),
        };
        Reply::Bytes(format!("HTTP/1.1 {}\r\n{lines}\r\n{content}", self.status).into_bytes())
    }
}

fn is_empty(status: StatusCode) -> bool {
    matches!(status.as_u16(), 204 | 304)
}

fn one_of<T: Copy>(rng: &mut Rng, among: &[T]) -> T {
    among[rng.usize(..among.len())]
}

fn percent(rng: &mut Rng, chance: u32) -> bool {
    rng.u32(..100) < chance
}

fn method(rng: &mut Rng) -> (&'static str, String) {
    let no_content = String::new();
    match rng.u32(..100) {
        0..64 => ("GET", no_content),
        64..67 => ("GET", "unexpected".to_owned()),
        67..79 => ("HEAD", no_content),
        79..89 => (
            "QUERY",
            one_of(rng, &["", "select", "a=1&b=2", &"of more than a key may hold ".repeat(5)]).to_owned(),
        ),
        89..98 => (one_of(rng, &["POST", "PUT", "PATCH", "DELETE"]), "written".to_owned()),
        _ => (one_of(rng, &["OPTIONS", "DELETE", "POST"]), no_content),
    }
}

fn target(rng: &mut Rng, id: usize) -> String {
    let marker = marker(id);
    let place = one_of(
        rng,
        &[
            "permanent",
            "changing",
            "changing",
            "unseen",
            "fields",
            "fields",
            "lax",
            "lax",
            "honour",
            "honour",
            "read-only",
            "user",
            "session",
            "random",
            "origin",
            "origin",
            "origin",
            "elsewhere",
            "elsewhere",
            "text",
        ],
    );
    let path = match (place, rng.u32(..20)) {
        ("text", 0..15) => format!("/text/{marker}&language=french"),
        (place, 0) => format!("/{place}//{marker}"),
        (place, 1) => format!("/x/../{place}/./{marker}"),
        (place, 2) => format!("/{place}/%7e{marker}%2f"),
        (place, 3) => format!("/{place}/{marker}/more"),
        (place, _) => format!("/{place}/{marker}"),
    };
    let query = one_of(
        rng,
        &[
            "",
            "",
            "",
            "",
            "?",
            "?language=french",
            "?language=french&utm=1",
            "?b=2&a=1",
            "?a=1&c=3&a=2",
            "?x",
            "?a=%7e&b=",
            "?b=%2F&&a",
            "?a=b=c",
        ],
    );
    format!("{path}{query}")
}

fn request_fields(rng: &mut Rng, content: &str) -> Vec<(&'static str, String)> {
    let (before, after) = (date(-1000), date(1000));
    let pool: [(&'static str, u32, &[&str]); 32] = [
        ("cookie", 14, &["sid=1", "_ga=1", "_ga=1; sid=2", "_gid=1; _ga_x=2", "a=1; b=2"]),
        ("authorization", 10, &["Bearer token", "Basic YTpi"]),
        ("x-api-key", 5, &["key"]),
        ("x-forwarded-user", 2, &["alice"]),
        ("accept-language", 20, &["fr", "de, en;q=0.5", "*", "en-GB, fr;q=0.9", "xx"]),
        ("accept", 15, &["application/json", "text/html, */*;q=0.1", "*/*"]),
        (
            "accept-encoding",
            35,
            &["gzip", "br, gzip", "identity", "gzip;q=0", "*", "zstd, x-odd", "GZIP ;q=0.5"],
        ),
        (
            "cache-control",
            12,
            &[
                "no-cache",
                "no-store",
                "max-age=0",
                "max-age=10",
                "only-if-cached",
                "max-stale",
                "max-stale=5",
                "min-fresh=20",
                "no-cache, only-if-cached",
                "no-store, only-if-cached",
            ],
        ),
        ("pragma", 3, &["no-cache"]),
        ("if-match", 2, &["\"a\"", "*"]),
        ("if-unmodified-since", 2, &[&after]),
        ("if-none-match", 6, &["\"a\"", "\"z\"", "*", "W/\"b\""]),
        ("if-modified-since", 4, &[&before, &after, "never"]),
        ("range", 5, &["bytes=0-2", "bytes=9-", "bytes=-1", "lines=1-2"]),
        ("if-range", 2, &["\"a\"", &before]),
        ("x-original-url", 2, &["/elsewhere"]),
        ("x-rewrite-url", 1, &["/elsewhere"]),
        ("x-host", 1, &["evil.example"]),
        ("x-http-method-override", 2, &["DELETE"]),
        ("x-forwarded-for", 3, &["203.0.113.9"]),
        ("x-forwarded-host", 3, &["evil.example"]),
        ("x-forwarded-proto", 3, &["https"]),
        ("forwarded", 2, &["for=203.0.113.9"]),
        ("x-trace", 10, &["1", "2"]),
        ("x-secret", 5, &["s"]),
        ("connection", 3, &["x-secret"]),
        ("te", 2, &["trailers"]),
        ("user-agent", 20, &["agent/1"]),
        ("origin", 5, &["https://site.example"]),
        ("referer", 3, &["https://site.example/"]),
        ("traceparent", 3, &["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"]),
        ("via", 2, &["1.0 other"]),
    ];
    let host = match rng.u32(..100) {
        0..94 => "api.example",
        94..97 => "API.example:80",
        97..99 => "api.example:8080",
        _ => "not a host",
    };
    let mut fields = vec![("host", host.to_owned())];
    for (name, chance, values) in pool {
        if percent(rng, chance) {
            fields.push((name, one_of(rng, values).to_owned()));
        }
    }
    if !content.is_empty() || percent(rng, 2) {
        fields.push(("content-type", one_of(rng, &["text/plain", "application/sql"]).to_owned()));
    }
    // A field may come in several lines.
    if percent(rng, 2) {
        fields.push(("cookie", "sid=3".to_owned()));
    }
    if percent(rng, 2) {
        fields.push(("accept-language", "en;q=0.1".to_owned()));
    }
    fields
}

fn status(rng: &mut Rng, is_conditional: bool) -> StatusCode {
    let number = match rng.u32(..100) {
        0..30 if is_conditional => 304,
        0..66 => 200,
        66..74 => one_of(rng, &[404, 410]),
        _ => one_of(
            rng,
            &[
                201, 203, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 405, 406, 407, 418, 429,
                500, 502, 503, 504,
            ],
        ),
    };
    StatusCode::from_u16(number).expect("a status")
}

fn answer_fields(rng: &mut Rng, status: StatusCode) -> (Vec<(&'static str, String)>, usize) {
    let (before, now, after) = (date(-1000), date(0), date(1000));
    let pool: [(&'static str, u32, &[&str]); 15] = [
        (
            "cache-control",
            50,
            &[
                "max-age=60",
                "max-age=60",
                "max-age=0",
                "s-maxage=30, max-age=0",
                "public",
                "public, max-age=60",
                "private",
                "private, max-age=60",
                "private=\"set-cookie\", max-age=60",
                "no-store",
                "no-cache",
                "no-cache=\"x-secret\", max-age=9",
                "must-revalidate, max-age=60",
                "must-revalidate",
                "max-age=60, stale-while-revalidate=30",
                "max-age=0, stale-while-revalidate=30",
                "immutable",
                "max-age=1000, immutable",
                "max-age=abc",
                "max-age=60, max-age=5",
                "proxy-revalidate, s-maxage=5",
                "no-transform",
                "must-understand, no-store, max-age=60",
            ],
        ),
        ("cdn-cache-control", 5, &["max-age=10", "no-store", "private", "max-age=\"x\"", "?"]),
        ("pragma", 2, &["no-cache"]),
        (
            "vary",
            22,
            &[
                "accept-encoding",
                "accept-language",
                "Accept-Language, Accept-Encoding",
                "cookie",
                "authorization",
                "*",
                "x-trace",
                "origin",
                "x-api-key",
                "accept",
                "host",
                "user-agent",
            ],
        ),
        ("set-cookie", 8, &["sid=9; Path=/", "_ga=1"]),
        (
            "content-type",
            60,
            &[
                "text/plain",
                "application/json",
                "application/json",
                "text/html",
                "text/event-stream",
                "application/grpc",
                "multipart/x-mixed-replace; boundary=b",
            ],
        ),
        ("content-encoding", 12, &["gzip", "br", "identity", "x-odd", "zstd", "gzip, br"]),
        ("expires", 8, &[&before, &now, &after, "0"]),
        ("etag", 25, &["\"a\"", "W/\"b\"", "bad"]),
        ("last-modified", 15, &[&before, &now, "long ago"]),
        ("age", 6, &["0", "20", "1000", "x"]),
        ("date", 40, &[&now, &before]),
        ("x-secret", 5, &["s"]),
        ("connection", 2, &["set-cookie", "cache-control", "etag"]),
        ("location", 5, &["/elsewhere"]),
    ];
    let mut fields = Vec::new();
    for (name, chance, values) in pool {
        if percent(rng, chance) {
            fields.push((name, one_of(rng, values).to_owned()));
        }
    }
    if status == StatusCode::PARTIAL_CONTENT || percent(rng, 1) {
        fields.push(("content-range", "bytes 0-4/10".to_owned()));
    }
    let length = if percent(rng, 4) { 2000 } else { 5 };
    if !is_empty(status) {
        let (name, value) = if percent(rng, 15) && length == 5 {
            ("transfer-encoding", "chunked".to_owned())
        } else {
            ("content-length", length.to_string())
        };
        fields.push((name, value));
    }
    (fields, length)
}
