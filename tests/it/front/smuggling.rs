//! Requests that two readers could understand differently (RFC 9112 section 11.2).

use super::{is_refused, storing};
use crate::{
    corpus::{Kind, Outcome, SECOND, cases},
    support::{Wire, clock, in_turn, ok, proxy, raw, scripted, stage, within},
};

/// The bytes of each case of this kind, with the status and the rule of its refusal.
fn refusals(kind: Kind) -> impl Iterator<Item = (Vec<u8>, u16, &'static str)> {
    cases().into_iter().filter(move |case| case.kind == kind).filter_map(|case| match case.outcome {
        Outcome::Refused { status, rule } => Some((case.bytes, status, rule)),
        Outcome::Reaches(_) => None,
    })
}

async fn are_refused(kind: Kind) {
    for (bytes, status, rule) in refusals(kind) {
        is_refused(bytes, status, rule).await;
    }
}

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
async fn a_length_beside_a_transfer_coding_is_refused_in_both_orders() {
    // CVE-2026-2835, RFC 9112 section 6.1.
    are_refused(Kind::LengthAndCoding).await;
}

#[tokio::test]
async fn a_transfer_coding_other_than_chunked_is_refused() {
    // RFC 9112 section 6.1; HTTP/1.0 has none at all.
    are_refused(Kind::Coding).await;
}

#[tokio::test]
async fn a_length_that_is_no_number_is_refused() {
    // CVE-2023-40225.
    are_refused(Kind::Length).await;
}

#[tokio::test]
async fn a_chunk_that_is_none_ends_the_request_and_the_connection() {
    let origin = stage().await;
    let proxy = proxy().start(origin.address, &clock()).await;
    for (bytes, status, rule) in refusals(Kind::Chunks) {
        let shown = bytes.escape_ascii();
        let answer = raw(proxy.address, &bytes).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
        assert!(answer.contains(&format!("problem:{rule}\"")), "{shown}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{shown}: {answer}");
    }
}

#[tokio::test]
async fn what_is_unusual_and_clear_reaches_the_origin_as_what_it_is() {
    for case in cases() {
        let Outcome::Reaches(reached) = case.outcome else { continue };
        let origin = scripted(in_turn([ok("", "hello")])).await;
        let proxy = proxy().start(origin.address, &clock()).await;
        raw(proxy.address, &case.bytes).await;
        let seen: Vec<_> = origin
            .seen()
            .into_iter()
            .map(|seen| (seen.line, String::from_utf8(seen.body).expect("text")))
            .collect();
        let reached: Vec<_> = reached
            .into_iter()
            .map(|(method, target, content)| (format!("{method} {target} HTTP/1.1"), content))
            .collect();
        assert_eq!(seen, reached, "{}", case.bytes.escape_ascii());
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
    are_refused(Kind::ConnectionOption).await;
}

#[tokio::test]
async fn a_host_that_is_missing_doubled_or_invalid_is_refused() {
    // RFC 9112 section 3.2.
    are_refused(Kind::Host).await;
}

#[tokio::test]
async fn folding_and_other_loose_lines_are_refused() {
    // RFC 9112 sections 2.2 and 5.
    are_refused(Kind::Line).await;
}

#[tokio::test]
async fn a_request_line_has_exactly_two_spaces_and_a_known_version() {
    are_refused(Kind::RequestLine).await;
}

#[tokio::test]
async fn a_target_has_no_fragment_and_no_bytes_of_its_own_making() {
    are_refused(Kind::Target).await;
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
