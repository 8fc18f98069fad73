//! What an origin says that can be understood in two ways, or is more than there is room for: refused by name, counted,
//! and never stored (RFC 9112).

use crate::support::{
    Builder, Proxy, Reply, Scripted, Wire, clock, in_turn, ok, proxy, raw, scripted, stage,
};

/// The ways through the house: stored by the operator's word, stored by the origin's, and not stored at all.
fn ways() -> [(&'static str, Builder); 3] {
    let route = |level: &str| {
        proxy().route(&format!("name = 'x'\npath = '/{{*rest}}'\nttl = '30s'\nlevel = '{level}'"))
    };
    [("changing", route("changing")), ("origin", route("origin")), ("user", route("user"))]
}

async fn says_once(builder: Builder, answer: &[u8]) -> (Proxy, Scripted) {
    let origin =
        scripted(in_turn([Reply::Bytes(answer.to_vec()), ok("cache-control: max-age=60\r\n", "good")])).await;
    (builder.start(origin.address, &clock()).await, origin)
}

fn faults(proxy: &Proxy) -> Vec<String> {
    proxy.incidents().into_iter().filter(|(name, _)| *name == "origin-fault").map(|(_, rule)| rule).collect()
}

/// Holds that a head like this is a 502 on every way, counted under the name of this rule, and that nothing is kept.
async fn refused(rule: &str, answer: impl AsRef<[u8]>) {
    for (way, builder) in ways() {
        let what = format!("{way}, {rule}: {:?}", String::from_utf8_lossy(answer.as_ref()));
        let (proxy, origin) = says_once(builder, answer.as_ref()).await;
        let refusal = proxy.get("/x").send().await;
        assert_eq!(refusal.status, 502, "{what}");
        assert_eq!(refusal.json()["type"], "urn:plimsoll:problem:origin-nonsense", "{what}");
        assert_eq!(faults(&proxy), [rule], "{what}");
        assert_eq!(proxy.get("/x").send().await.text(), "good", "{what}");
        assert_eq!(origin.count(), 2, "{what}");
    }
}

const FRESH: &str = "HTTP/1.1 200 OK\r\ncache-control: max-age=60\r\n";

#[tokio::test]
async fn lines_that_two_readers_would_end_differently_are_refused() {
    refused("bare-lf", "HTTP/1.1 200 OK\ncontent-length: 5\n\nhello").await;
    refused("bare-lf", format!("{FRESH}content-length: 5\n\r\nhello")).await;
    refused("bare-lf", format!("{FRESH}content-length: 5\r\n\nhello")).await;
    refused("bare-cr", format!("{FRESH}x: a\rb\r\ncontent-length: 5\r\n\r\nhello")).await;
    refused("folding", format!("{FRESH}x: a\r\n b\r\ncontent-length: 5\r\n\r\nhello")).await;
    refused("folding", format!("{FRESH}x: a\r\n\tcontent-length: 9\r\ncontent-length: 5\r\n\r\nhello")).await;
    refused("control-byte", format!("{FRESH}x: a\0b\r\ncontent-length: 5\r\n\r\nhello")).await;
    refused("control-byte", format!("{FRESH}x: a\x07b\r\ncontent-length: 5\r\n\r\nhello")).await;
}

#[tokio::test]
async fn lengths_that_are_not_one_length_are_refused() {
    refused("length-repeated", format!("{FRESH}content-length: 5\r\ncontent-length: 5\r\n\r\nhello")).await;
    refused("length-repeated", format!("{FRESH}content-length: 5\r\ncontent-length: 6\r\n\r\nhello")).await;
    for length in ["", "+5", "-5", "0x5", "5,5", "5, 6", "5 5", "5;", "18446744073709551616"] {
        refused("length-invalid", format!("{FRESH}content-length: {length}\r\n\r\nhello")).await;
    }
}

#[tokio::test]
async fn a_length_beside_chunks_and_codings_other_than_chunked_are_refused() {
    let chunks = "5\r\nhello\r\n0\r\n\r\n";
    for (rule, fields) in [
        ("length-and-coding", "content-length: 5\r\ntransfer-encoding: chunked\r\n"),
        ("length-and-coding", "transfer-encoding: chunked\r\ncontent-length: 5\r\n"),
        ("coding-repeated", "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"),
        ("coding", "transfer-encoding: chunked, chunked\r\n"),
        ("coding", "transfer-encoding: gzip, chunked\r\n"),
        ("coding", "transfer-encoding: gzip\r\n"),
        ("coding", "transfer-encoding: \r\n"),
    ] {
        refused(rule, format!("{FRESH}{fields}\r\n{chunks}")).await;
    }
    let old = format!("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    refused("coding-in-old-version", old).await;
}

#[tokio::test]
async fn a_status_line_that_is_none_is_refused() {
    for line in ["HTTP/1.1 2OO OK", "HTTP/1.1 99 low", "HTTP/1.1 1000 high", "HTTP/1.1  200 OK", "ICY 200 OK"]
    {
        refused("status-line", format!("{line}\r\ncontent-length: 5\r\n\r\nhello")).await;
    }
    refused("version", "HTTP/2.0 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
}

#[tokio::test]
async fn a_field_that_is_none_is_refused() {
    refused("space-before-colon", format!("{FRESH}x : y\r\ncontent-length: 5\r\n\r\nhello")).await;
    for line in ["nothing", ": no name", "x(y): z", "x\u{e9}: z"] {
        refused("field-name", format!("{FRESH}{line}\r\ncontent-length: 5\r\n\r\nhello")).await;
    }
}

#[tokio::test]
async fn a_head_has_its_bounds_and_more_than_the_protocol_engine_would_take_fits_in() {
    let with = |count: usize| format!("{FRESH}content-length: 5\r\n{}\r\nhello", "x: y\r\n".repeat(count));
    refused("too-many-fields", with(255)).await;
    refused("head-too-large", format!("{FRESH}x: {}\r\n\r\n", "v".repeat(64 << 10))).await;
    for answer in [with(254), format!("{FRESH}content-length: 5\r\nx: {}\r\n\r\nhello", "v".repeat(60 << 10))]
    {
        for (way, builder) in ways() {
            let (proxy, _origin) = says_once(builder, answer.as_bytes()).await;
            let taken = ask_raw(&proxy).await;
            assert!(taken.starts_with("HTTP/1.1 200 OK\r\n") && taken.ends_with("\r\n\r\nhello"), "{way}");
        }
    }
    let wide = proxy().origin("max_head = '512 KiB'\nmax_fields = 4000");
    let (proxy, _origin) = says_once(wide, with(3998).as_bytes()).await;
    assert!(ask_raw(&proxy).await.ends_with("\r\n\r\nhello"));
}

#[tokio::test]
async fn one_interim_response_after_the_other_is_refused() {
    let interims = |count| "HTTP/1.1 102 Processing\r\n\r\n".repeat(count);
    refused("too-many-interim", format!("{}{FRESH}content-length: 5\r\n\r\nhello", interims(65))).await;
    refused(
        "unasked-switch",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    )
    .await;
    let few = format!("{}{FRESH}content-length: 5\r\n\r\nhello", interims(64));
    let (proxy, _origin) = says_once(proxy(), few.as_bytes()).await;
    assert_eq!(proxy.get("/x").send().await.text(), "hello");
}

/// The answer to a GET, as bytes: the usual client takes no more than a hundred fields.
async fn ask_raw(proxy: &Proxy) -> String {
    raw(proxy.address, "GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n").await
}

/// Holds that content like this is an abort on every way, and that nothing of it is kept.
async fn cut(content: &str) {
    let answer = format!("{FRESH}transfer-encoding: chunked\r\n\r\n{content}");
    for (way, builder) in ways() {
        let (proxy, origin) = says_once(builder, answer.as_bytes()).await;
        let broken = proxy.get("/x").try_send().await;
        assert!(broken.is_err() || broken.is_ok_and(|answer| answer.status == 502), "{way}: {content:?}");
        assert_eq!(proxy.get("/x").send().await.text(), "good", "{way}: {content:?}");
        assert_eq!(origin.count(), 2, "{way}: {content:?}");
    }
}

#[tokio::test]
async fn chunks_that_two_readers_would_end_differently_cut_the_answer() {
    for size in ["", "0x5", "-5", "+5", "5 ", " 5", "5\t", "z", "5 5", "10000000000000005", "5\n"] {
        cut(&format!("3\r\nabc\r\n{size}\r\nhello\r\n0\r\n\r\n")).await;
    }
    for rest in ["hello\n0\r\n\r\n", "hello0\r\n\r\n", "hello!\r\n0\r\n\r\n", "hell\r\n0\r\n\r\n"] {
        cut(&format!("5\r\n{rest}")).await;
    }
    cut(&format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(9 << 10))).await;
    cut(&format!("5\r\nhello\r\n0\r\n{}\r\n", "x: y\r\n".repeat(1000))).await;
    cut("5\r\nhello\r\n0\r\ncontent-length: 3\r\n\r\n").await;
    cut("5\r\nhello\r\n0\r\nx : y\r\n\r\n").await;
}

#[tokio::test]
async fn content_that_breaks_a_rule_beside_its_own_head_is_a_502() {
    let answer = format!("{FRESH}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nz\r\n");
    for (way, builder) in ways() {
        let (proxy, _origin) = says_once(builder, answer.as_bytes()).await;
        let broken = proxy.get("/x").send().await;
        assert_eq!(broken.json()["type"], "urn:plimsoll:problem:origin-nonsense", "{way}");
        assert_eq!(faults(&proxy), ["chunk-size"], "{way}");
    }
}

#[tokio::test]
async fn bytes_beyond_an_answer_end_its_connection() {
    for (method, answer) in [
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello, world"),
        ("GET", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nhello"),
        ("GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nx"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\nhello"),
        ("GET", "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello"),
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
        ("OPTIONS", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello\r\n"),
    ] {
        // By the operator's word the whole is fetched, whatever the client asked for.
        let asks_as_it_is = |way: &str| method != "HEAD" || way != "changing";
        for (way, builder) in ways().into_iter().filter(|(way, _)| asks_as_it_is(way)) {
            let what = format!("{way}, {method}: {answer:?}");
            let origin = stage().await;
            let proxy = builder.server("workers = 1").start(origin.address, &clock()).await;
            let asking = tokio::spawn(proxy.get("/x").method(method).send());
            let mut line = origin.accept().await;
            line.head().await;
            line.send(answer).await;
            assert!(asking.await.expect("an answer").status.is_success(), "{what}");
            assert_eq!(line.rest().await, b"", "{what}: no further request comes over it");
            assert_eq!(faults(&proxy), ["bytes-beyond"], "{what}");
        }
    }
}

#[tokio::test]
async fn what_comes_between_two_requests_is_no_answer() {
    let origin = stage().await;
    let proxy = proxy().server("workers = 1").start(origin.address, &clock()).await;
    let ask = |path: &str| tokio::spawn(proxy.get(path).send());
    let first = ask("/first");
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst").await;
    assert_eq!(first.await.expect("an answer").text(), "first");
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil").await;
    assert_eq!(line.rest().await, b"", "the proxy ends the connection");
    let second = ask("/second");
    let mut line: Wire = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond").await;
    assert_eq!(second.await.expect("an answer").text(), "second");
}
