//! Raw requests whose end two readers could see in different places (RFC 9112 section 11.2), and what has to become of
//! each. The integration tests hold the answers to them, and the real peers what reaches an origin.

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Transfer-Encoding that is not exactly `chunked`.
    Coding,
    /// Content-Length that is not exactly one number.
    Length,
    /// Both of them.
    LengthAndCoding,
    /// Chunked content that breaks its own framing.
    Chunks,
    /// Connection options that would remove what everybody needs.
    ConnectionOption,
    /// Host that is not exactly one authority.
    Host,
    /// Lines that are no field lines.
    Line,
    /// Lines that are no request lines.
    RequestLine,
    /// Targets that no request may have.
    Target,
    /// Requests that are unusual, and clear.
    Clear,
}

/// What has to become of a case.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// One refusal by this rule, and the end of the connection. The origin sees nothing of it.
    Refused {
        /// The status of the refusal.
        status: u16,
        /// The name of the rule.
        rule: &'static str,
    },
    /// The origin sees exactly these requests, in this order; none where the answer was made without it.
    Reaches(Vec<Reached>),
}

/// A request as an origin sees it: method, target, content.
pub(crate) type Reached = (&'static str, &'static str, String);

/// Bytes that a client sends, and what has to become of them.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// What it is about.
    pub(crate) kind: Kind,
    /// What the client sends.
    pub(crate) bytes: Vec<u8>,
    /// What becomes of it.
    pub(crate) outcome: Outcome,
}

/// A request that nobody should ever see as one.
pub(crate) const SECOND: &str = "GET /smuggled HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";

/// A request with these field lines and a second one behind it.
pub(crate) fn with_fields(fields: &str) -> String {
    format!("POST /x HTTP/1.1\r\nhost: api.example\r\n{fields}\r\n{SECOND}")
}

/// Every case.
pub(crate) fn cases() -> Vec<Case> {
    let all = [
        codings(),
        lengths(),
        lengths_and_codings(),
        chunks(),
        connection_options(),
        hosts(),
        lines(),
        request_lines(),
        targets(),
        clear(),
    ];
    all.into_iter().flatten().collect()
}

fn refused(kind: Kind, bytes: impl Into<Vec<u8>>, status: u16, rule: &'static str) -> Case {
    Case { kind, bytes: bytes.into(), outcome: Outcome::Refused { status, rule } }
}

fn codings() -> Vec<Case> {
    let no_coding = ["gzip, chunked", "chunked, chunked", ",chunked", "chunked,", "identity", ""];
    let no_coding = no_coding.into_iter().chain(["xchunked", "chunked;a=b", "\"chunked\"", "chunked gzip"]);
    let mut cases: Vec<Case> = no_coding
        .map(|coding| with_fields(&format!("transfer-encoding: {coding}\r\n")))
        .map(|bytes| refused(Kind::Coding, bytes, 501, "coding"))
        .collect();
    for (fields, rule) in [
        ("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", "coding-repeated"),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", "coding-repeated"),
        ("transfer-encoding: \x0bchunked\r\n", "control-byte"),
        ("transfer-encoding : chunked\r\n", "space-before-colon"),
    ] {
        cases.push(refused(Kind::Coding, with_fields(fields), 400, rule));
    }
    let old = "POST /x HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    cases.push(refused(Kind::Coding, old, 400, "coding-in-old-version"));
    cases
}

fn lengths() -> Vec<Case> {
    let no_number = ["", "+5", "-5", "0x10", "5,6", "5, 5", "5 5", "18446744073709551616", "5.0", "1e1"];
    let mut cases: Vec<Case> = no_number
        .into_iter()
        .chain(["\u{665}", "5_0", "5;", "\"5\""])
        .map(|length| with_fields(&format!("content-length: {length}\r\n")))
        .map(|bytes| refused(Kind::Length, bytes, 400, "length-invalid"))
        .collect();
    for second in ["5", "6"] {
        let fields = format!("content-length: 5\r\ncontent-length: {second}\r\n");
        cases.push(refused(Kind::Length, with_fields(&fields), 400, "length-repeated"));
    }
    cases
}

fn lengths_and_codings() -> Vec<Case> {
    let both = [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "Content-Length: 5\r\nx: 1\r\nTRANSFER-ENCODING: chunked\r\n",
        "content-length: 0\r\ntransfer-encoding: chunked\r\n",
    ];
    both.map(|fields| refused(Kind::LengthAndCoding, with_fields(fields), 400, "length-and-coding")).into()
}

fn chunks() -> Vec<Case> {
    let head = "POST /x HTTP/1.1\r\nhost: api.example\r\ntransfer-encoding: chunked\r\n\r\n";
    let broken = [
        ("0x1\r\na\r\n", "chunk-size"),
        ("-1\r\na\r\n", "chunk-size"),
        ("Z\r\n", "chunk-size"),
        ("\r\n", "chunk-size"),
        ("1 \r\na\r\n", "chunk-size"),
        (" 1\r\na\r\n", "chunk-size"),
        ("10000000000000005\r\nhello\r\n", "chunk-size"),
        ("5\r\nhelloX\r\n0\r\n\r\n", "chunk-end"),
        ("5\r\nhello0\r\n\r\n", "chunk-end"),
        ("5\nhello\r\n0\r\n\r\n", "bare-lf"),
        ("5;a\rb\r\nhello\r\n", "bare-cr"),
        ("5;a\nb\r\nhello\r\n", "bare-lf"),
        ("0\r\nx : 1\r\n\r\n", "space-before-colon"),
        ("0\r\ncontent-length: 5\r\n\r\n", "trailer-field"),
        ("0\r\ntransfer-encoding: chunked\r\n\r\n", "trailer-field"),
        ("0\r\nhost: evil.example\r\n\r\n", "trailer-field"),
    ];
    broken.map(|(chunks, rule)| refused(Kind::Chunks, format!("{head}{chunks}{SECOND}"), 400, rule)).into()
}

fn connection_options() -> Vec<Case> {
    ["Host", "content-length", "close, Host", "x,transfer-encoding", "Cookie", "authorization"]
        .map(|option| with_fields(&format!("connection: {option}\r\n")))
        .map(|bytes| refused(Kind::ConnectionOption, bytes, 400, "connection-option"))
        .into()
}

fn hosts() -> Vec<Case> {
    let missing = ["1.0", "1.1"].map(|version| format!("GET /x HTTP/{version}\r\n\r\n{SECOND}"));
    let invalid = ["", "a b", "a/b", "a?b", "a#b", "user@a", "\u{e9}", "a\tb"]
        .map(|host| format!("GET /x HTTP/1.1\r\nhost: {host}\r\n\r\n{SECOND}"));
    let mut cases = vec![
        refused(Kind::Host, "GET http://a/ HTTP/1.1\r\n\r\n", 400, "host-missing"),
        refused(Kind::Host, with_fields("Host: api.example\r\n"), 400, "host-repeated"),
    ];
    cases.extend(missing.map(|bytes| refused(Kind::Host, bytes, 400, "host-missing")));
    cases.extend(invalid.map(|bytes| refused(Kind::Host, bytes, 400, "host-invalid")));
    cases
}

fn lines() -> Vec<Case> {
    let fields = [
        ("x: 1\r\n 2\r\n", "folding"),
        ("x: 1\r\n\tcontent-length: 5\r\n", "folding"),
        ("x : 1\r\n", "space-before-colon"),
        ("content-length\t: 5\r\n", "space-before-colon"),
        ("x: \0\r\n", "control-byte"),
        ("x: \x7f\r\n", "control-byte"),
        ("x: a\rb\r\n", "bare-cr"),
        ("x: a\r\r\n", "bare-cr"),
        ("x: a\n", "bare-lf"),
        ("x: a\ncontent-length: 5\r\n", "bare-lf"),
        ("x\r\n", "field-name"),
        (": 1\r\n", "field-name"),
        ("a(b): 1\r\n", "field-name"),
        ("\u{e9}: 1\r\n", "field-name"),
    ];
    let mut cases: Vec<Case> = fields
        .into_iter()
        .map(|(fields, rule)| refused(Kind::Line, with_fields(fields), 400, rule))
        .collect();
    cases.push(refused(Kind::Line, "GET /x HTTP/1.1\r\n host: a\r\n\r\n", 400, "folding"));
    cases.push(refused(Kind::Line, "GET /x HTTP/1.1\nhost: a\n\n", 400, "bare-lf"));
    cases
}

fn request_lines() -> Vec<Case> {
    let line = |line: &str| format!("{line}\r\nhost: api.example\r\n\r\n{SECOND}");
    let no_line = [
        "GET  /x HTTP/1.1",
        "GET /x  HTTP/1.1",
        "GET /x y HTTP/1.1",
        " GET /x HTTP/1.1",
        "GET /x HTTP/1.1 ",
        "GET\t/x HTTP/1.1",
        "GET /x",
        "GET",
        "G\u{e9}T /x HTTP/1.1",
        "GET /x http/1.1",
        "GET /x HTTP/11",
        "GET /x HTTP/1.1x",
        "HTTP/1.1 200 OK",
    ];
    let other_versions = ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9"];
    let mut cases = vec![
        refused(Kind::RequestLine, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
        refused(Kind::RequestLine, format!("\r\n\r\n\r\n{SECOND}"), 400, "request-line"),
    ];
    cases.extend(no_line.map(|bad| refused(Kind::RequestLine, line(bad), 400, "request-line")));
    let other_versions = other_versions.map(|version| line(&format!("GET /x {version}")));
    cases.extend(other_versions.map(|bytes| refused(Kind::RequestLine, bytes, 505, "version")));
    cases
}

fn targets() -> Vec<Case> {
    let line = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: api.example\r\n\r\n{SECOND}");
    let no_target = [
        "/x#y",
        "/x?a#b",
        "#",
        "x",
        "*",
        "/\u{e9}",
        "/<x>",
        "api.example",
        "ftp://api.example/",
        "http:///x",
        "//a/#",
    ];
    no_target.map(|target| refused(Kind::Target, line(target), 400, "target")).into()
}

fn clear() -> Vec<Case> {
    let reaches = |head: &str, content: &str, seen: Vec<Reached>| Case {
        kind: Kind::Clear,
        bytes: format!("{head}\r\n{content}").into_bytes(),
        outcome: Outcome::Reaches(seen),
    };
    let head = |line: &str, fields: &str| format!("{line}\r\nhost: api.example\r\n{fields}");
    let last = |line: &str, fields: &str| head(line, &format!("connection: close\r\n{fields}"));
    let chunked = |content: &str, whole: &str| {
        let head = last("POST /x HTTP/1.1", "transfer-encoding: chunked\r\n");
        reaches(&head, content, vec![("POST", "/x", whole.to_owned())])
    };
    let length = format!("content-length: {}\r\n", SECOND.len());
    let hidden = |line: &str, fields: &str, seen: &[(&'static str, &'static str)]| {
        let seen = seen.iter().map(|(method, target)| (*method, *target, SECOND.to_owned())).collect();
        reaches(&last(line, &format!("{fields}{length}")), SECOND, seen)
    };
    let two = format!("{}\r\n{}", head("GET /a HTTP/1.1", ""), last("GET /b HTTP/1.1", ""));
    let target = |target: &'static str| {
        reaches(&last(&format!("GET {target} HTTP/1.1"), ""), "", vec![("GET", target, String::new())])
    };
    vec![
        hidden("GET /x HTTP/1.1", "", &[("GET", "/x")]),
        hidden("POST /x HTTP/1.1", "", &[("POST", "/x")]),
        hidden("PUT /x?a=1 HTTP/1.1", "expect: 100-continue\r\n", &[("PUT", "/x?a=1")]),
        hidden("DELETE /x HTTP/1.1", "", &[("DELETE", "/x")]),
        hidden("POST /x HTTP/1.0", "", &[("POST", "/x")]),
        hidden("GET /x HTTP/1.1", "cache-control: only-if-cached\r\n", &[]),
        hidden("OPTIONS * HTTP/1.1", "", &[]),
        chunked("5\r\nhello\r\n0\r\n\r\n", "hello"),
        chunked("00005;a=b;c\r\nhello\r\nA\r\n0123456789\r\n0;d\r\n\r\n", "hello0123456789"),
        chunked("5\r\n0\r\n\r\n\r\n0\r\nx: 1\r\n\r\n", "0\r\n\r\n"),
        chunked("0\r\n\r\n", ""),
        chunked(&format!("{:X}\r\n{SECOND}\r\n0\r\n\r\n", SECOND.len()), SECOND),
        reaches(&two, "", vec![("GET", "/a", String::new()), ("GET", "/b", String::new())]),
        reaches(&last("POST /x HTTP/1.1", "content-length: 0\r\n"), "", vec![("POST", "/x", String::new())]),
        reaches(&last("GET http://api.example/x HTTP/1.1", ""), "", vec![("GET", "/x", String::new())]),
        reaches(
            "GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close, upgrade, x-hop\r\nupgrade: h2c\r\nx-hop: 1\r\n",
            "",
            vec![("GET", "/x", String::new())],
        ),
        target("/a%2Fb?c=d;e=f&g"),
        target("/a;b=c/d"),
        target("/x?y=%00%0d%0a"),
    ]
}
