//! Requests that two readers could understand differently (RFC 9112 section 11.2).

use super::{SECOND, is_refused, storing, with_fields};
use crate::support::{Wire, clock, proxy, raw, stage, within};

#[tokio::test]
async fn a_hit_for_a_request_whose_body_hides_another_request_never_shows_it_to_the_origin() {
    // CVE-2025-4366.
    let (proxy, origin) = storing().await;
    proxy.get("/x").send().await;
    for fields in [
        "content-length: 70\r\n",
        "transfer-encoding: chunked\r\n",
        "content-length: 70\r\nexpect: 100-continue\r\n",
    ] {
        for way in ["GET /x", "GET /x?only", "OPTIONS *", "GET //%zz"] {
            let cached = "cache-control: only-if-cached\r\n";
            let request = format!("{way} HTTP/1.1\r\nhost: api.example\r\n{cached}{fields}\r\n");
            let body = if fields.contains("chunked") {
                format!("{:x}\r\n{SECOND}\r\n0\r\n\r\n", SECOND.len())
            } else {
                format!("{SECOND:70}")
            };
            raw(proxy.address, format!("{request}{body}{SECOND}").replace("/smuggled", "/behind")).await;
        }
    }
    let seen: Vec<String> = origin.seen().into_iter().map(|seen| seen.line).collect();
    assert!(seen.iter().all(|line| !line.contains("/smuggled")), "{seen:?}");
}

#[tokio::test]
async fn an_upgrade_with_a_second_request_behind_it_is_no_tunnel() {
    // CVE-2026-2833.
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let upgrade = "GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let mut client = Wire::connect(proxy.address).await;
    client.send(format!("{upgrade}\0\0not HTTP")).await;
    let mut line = origin.accept().await;
    assert!(!line.head().await.contains("upgrade"));
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    assert!(client.head().await.starts_with("http/1.1 200"));
    assert_eq!(client.take(5).await, b"hello");
    assert!(client.head().await.starts_with("http/1.1 400"), "what follows is no tunnel, and no request");
}

#[tokio::test]
async fn connect_is_refused() {
    is_refused("CONNECT api.example:443 HTTP/1.1\r\nhost: api.example:443\r\n\r\n", 501, "connect").await;
}

#[tokio::test]
async fn a_transfer_coding_in_http_1_0_is_refused() {
    let request = "POST /x HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    is_refused(request, 400, "coding-in-old-version").await;
}

#[tokio::test]
async fn a_length_beside_a_transfer_coding_is_refused_in_both_orders() {
    // CVE-2026-2835, RFC 9112 section 6.1.
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "Content-Length: 5\r\nx: 1\r\nTRANSFER-ENCODING: chunked\r\n",
    ] {
        is_refused(with_fields(fields), 400, "length-and-coding").await;
    }
}

#[tokio::test]
async fn a_transfer_coding_other_than_chunked_is_refused() {
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        ",chunked",
        "chunked,",
        "identity",
        "",
        "xchunked",
        "chunked;a=b",
    ] {
        is_refused(with_fields(&format!("transfer-encoding: {coding}\r\n")), 501, "coding").await;
    }
    let twice = "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n";
    is_refused(with_fields(twice), 400, "coding-repeated").await;
    is_refused(with_fields("transfer-encoding: \x0bchunked\r\n"), 400, "control-byte").await;
    is_refused(with_fields("transfer-encoding : chunked\r\n"), 400, "space-before-colon").await;
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    // CVE-2023-40225.
    for length in
        ["", "+5", "-5", "0x10", "5,6", "5, 5", "5 5", "18446744073709551616", "5.0", "1e1", "\u{665}"]
    {
        is_refused(with_fields(&format!("content-length: {length}\r\n")), 400, "length-invalid").await;
    }
    for second in ["5", "6"] {
        let fields = format!("content-length: 5\r\ncontent-length: {second}\r\n");
        is_refused(with_fields(&fields), 400, "length-repeated").await;
    }
}

#[tokio::test]
async fn a_chunk_that_is_none_ends_the_request_and_the_connection() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for (chunks, rule) in [
        ("0x1\r\na\r\n", "chunk-size"),
        ("-1\r\na\r\n", "chunk-size"),
        ("Z\r\n", "chunk-size"),
        ("\r\n", "chunk-size"),
        ("1 \r\na\r\n", "chunk-size"),
        ("10000000000000005\r\nhello\r\n", "chunk-size"),
        ("5\r\nhelloX\r\n0\r\n\r\n", "chunk-end"),
        ("5\r\nhello0\r\n\r\n", "chunk-end"),
        ("5\nhello\r\n0\r\n\r\n", "bare-lf"),
        ("5;a\rb\r\nhello\r\n", "bare-cr"),
        ("0\r\nx : 1\r\n\r\n", "space-before-colon"),
        ("0\r\ncontent-length: 5\r\n\r\n", "trailer-field"),
    ] {
        let mut client = Wire::connect(proxy.address).await;
        let head = "POST /x HTTP/1.1\r\nhost: api.example\r\ntransfer-encoding: chunked\r\n\r\n";
        client.send(format!("{head}{chunks}{SECOND}")).await;
        let answer = String::from_utf8(client.rest().await).expect("text");
        assert!(answer.starts_with("HTTP/1.1 400 "), "{chunks:?}: {answer}");
        assert!(answer.contains(&format!("problem:{rule}\"")), "{chunks:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{chunks:?}: {answer}");
    }
}

#[tokio::test]
async fn the_origin_never_takes_a_request_with_a_bad_chunk_for_a_whole_one() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let mut client = Wire::connect(proxy.address).await;
    let head = "POST /x HTTP/1.1\r\nhost: api.example\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(format!("{head}5\r\nhello\r\n")).await;
    let mut line = origin.accept().await;
    line.head().await;
    assert_eq!(line.chunk().await, b"hello");
    client.send(format!("zz\r\n{SECOND}")).await;
    assert!(!String::from_utf8(line.rest().await).expect("text").contains("0\r\n\r\n"));
    assert!(String::from_utf8(client.rest().await).expect("text").contains("problem:chunk-size"));
}

#[tokio::test]
async fn a_megabyte_of_chunk_extensions_and_ten_thousand_trailers_are_refused() {
    let chunked =
        |content: &str| format!("POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{content}");
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let long = format!("1;{}\r\na\r\n", "a".repeat(1 << 20));
    let many = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na\r\n".repeat(1 << 15);
    let trailers = format!("0\r\n{}\r\n", "x: 1\r\n".repeat(10_000));
    for (content, status, rule) in [
        (long, 400, "chunk-extensions"),
        (many, 400, "chunk-extensions"),
        (trailers, 431, "trailers-too-large"),
    ] {
        let mut client = Wire::connect(proxy.address).await;
        // It may be cut off before all is sent.
        let _ = client.try_send(chunked(&content)).await;
        let answer = String::from_utf8(client.rest().await).expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{rule}: {answer}");
        assert!(answer.contains(rule), "{rule}: {answer}");
    }
}

#[tokio::test]
async fn a_connection_option_that_names_a_field_for_everybody_is_refused() {
    for option in ["Host", "content-length", "close, Host", "x,transfer-encoding", "Cookie", "authorization"]
    {
        let fields = format!("connection: {option}\r\n");
        is_refused(with_fields(&fields), 400, "connection-option").await;
    }
}

#[tokio::test]
async fn a_host_that_is_missing_doubled_or_invalid_is_refused() {
    // RFC 9112 section 3.2.
    for version in ["1.0", "1.1"] {
        is_refused(format!("GET /x HTTP/{version}\r\n\r\n{SECOND}"), 400, "host-missing").await;
    }
    is_refused("GET http://a/ HTTP/1.1\r\n\r\n", 400, "host-missing").await;
    is_refused(with_fields("Host: api.example\r\n"), 400, "host-repeated").await;
    for host in ["", "a b", "a/b", "a?b", "a#b", "user@a", "\u{e9}", "a\tb"] {
        is_refused(format!("GET /x HTTP/1.1\r\nhost: {host}\r\n\r\n{SECOND}"), 400, "host-invalid").await;
    }
}

#[tokio::test]
async fn folding_and_other_loose_lines_are_refused() {
    // RFC 9112 sections 2.2 and 5.
    for (fields, rule) in [
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
    ] {
        is_refused(with_fields(fields), 400, rule).await;
    }
    is_refused("GET /x HTTP/1.1\r\n host: a\r\n\r\n", 400, "folding").await;
    is_refused("GET /x HTTP/1.1\nhost: a\n\n", 400, "bare-lf").await;
}

#[tokio::test]
async fn a_request_line_has_exactly_two_spaces_and_a_known_version() {
    let line = |line: &str| format!("{line}\r\nhost: api.example\r\n\r\n{SECOND}");
    for bad in [
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
    ] {
        is_refused(line(bad), 400, "request-line").await;
    }
    for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9"] {
        is_refused(line(&format!("GET /x {version}")), 505, "version").await;
    }
    is_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version").await;
    is_refused(format!("\r\n\r\n\r\n{SECOND}"), 400, "request-line").await;
}

#[tokio::test]
async fn a_target_has_no_fragment_and_no_bytes_of_its_own_making() {
    let line = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: api.example\r\n\r\n{SECOND}");
    for target in [
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
    ] {
        is_refused(line(target), 400, "target").await;
    }
}

#[tokio::test]
async fn a_get_with_content_is_forwarded_intact_in_every_split() {
    let (proxy, origin) = storing().await;
    let request = "GET /x HTTP/1.1\r\nhost: api.example\r\ncontent-length: 4\r\n\r\nbodyGET /y HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    for split in 1..request.len() {
        let (first, second) = request.split_at(split);
        let mut client = Wire::connect(proxy.address).await;
        client.send(first).await;
        tokio::task::yield_now().await;
        client.send(second).await;
        let answer = String::from_utf8(within(client.rest()).await).expect("text");
        assert_eq!(answer.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{split}: {answer}");
    }
    let seen = origin.seen();
    let with_content =
        seen.iter().filter(|seen| seen.line.starts_with("GET /x ") && seen.body == b"body").count();
    assert_eq!(with_content, request.len() - 1);
}

#[tokio::test]
async fn a_refusal_has_its_place_among_pipelined_answers() {
    let (proxy, origin) = storing().await;
    let good = |target: &str| format!("GET {target} HTTP/1.1\r\nhost: api.example\r\n\r\n");
    let bad = "GET /bad HTTP/1.1\r\nhost: api.example\r\nx : 1\r\n\r\n";
    let answer = raw(proxy.address, [&good("/a"), &good("/b"), bad, SECOND].concat()).await;
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|head| &head[..3]).collect();
    assert_eq!(statuses, ["200", "200", "400"], "{answer}");
    assert_eq!(origin.count(), 2);
}
