//! The wire with the protocol engine behind it: whatever a client sends, every answer is the service's own, and it is
//! asked for exactly the messages that the wire passed on.

use std::{
    future::poll_fn,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

impl Stream for DuplexStream {
    fn end_with_reset(&self) {}
}

const LIMITS: Limits = Limits {
    head: crate::wire::Limits { head: 16 * 1024, fields: 100, target: 8 * 1024 },
    head_timeout: Duration::from_secs(10),
    idle_timeout: Duration::from_secs(60),
    write_timeout: Duration::from_secs(30),
    max_connections: 1,
};

/// What a connection came to.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    said: String,
    asked: u64,
    /// The refusal that the service was given for its last request.
    refusal: Option<Violation>,
}

/// Sends these bytes in parts of this length to a service that reads each request whole, and answers in words of its
/// own. Time passes as fast as nobody moves.
fn converse(bytes: &[u8], part: usize) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(async {
        let (mut client, server) = duplex(1 << 20);
        let front = Arc::new(Front::default());
        let mut wire = Wire::new(server, Arc::clone(&front), None, Arc::new(LIMITS));
        let asked = Arc::new(AtomicU64::new(0));
        let service = service_fn(|request: Request<Incoming>| {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            let front = Arc::clone(&front);
            async move {
                if front.refusal_of(number).is_none() {
                    // Content that is refused is for the proxy to answer: here it only matters that it ends.
                    let _ = request.into_body().collect().await;
                }
                front.count_answer();
                Response::builder().header("x-own", "1").body(String::new())
            }
        });
        let mut http = http1::Builder::new();
        http.header_read_timeout(None).max_buf_size(LIMITS.head.head + 8192);
        let serving = async {
            if poll_fn(|cx| wire.poll_alone(cx)).await.is_err() {
                return;
            }
            // An error is a connection that ended early, which is fine.
            let _ = http.serve_connection(wire, service).await;
        };
        let asking = async {
            for part in bytes.chunks(part) {
                if client.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let mut said = Vec::new();
            client.read_to_end(&mut said).await.unwrap();
            String::from_utf8(said).unwrap()
        };
        let ((), said) = tokio::join!(serving, asking);
        let asked = asked.load(Ordering::Relaxed);
        let refusal = asked.checked_sub(1).and_then(|last| front.refusal_of(last));
        Ended { said, asked, refusal }
    })
}

/// The heads that were said, and not by the service.
fn foreign_heads(said: &str) -> Vec<&str> {
    said.split("HTTP/1.1 ")
        .skip(1)
        .filter(|head| !head.contains("x-own: 1\r\n") && !head.starts_with("100 Continue"))
        .collect()
}

/// Without the Date of the engine.
fn dateless(mut ended: Ended) -> Ended {
    ended.said = ended.said.split_inclusive('\n').filter(|line| !line.starts_with("date: ")).collect();
    ended
}

#[test]
fn requests_in_good_order_are_passed_on_as_they_are() {
    let requests = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n\
                    POST /b HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc\
                    POST /c HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
                    GET /d HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let whole = dateless(converse(requests.as_bytes(), requests.len()));
    assert_eq!((whole.asked, whole.refusal), (4, None));
    assert_eq!(foreign_heads(&whole.said), [""; 0]);
    for part in 1..requests.len() {
        assert_eq!(dateless(converse(requests.as_bytes(), part)), whole, "in parts of {part}");
    }
}

#[test]
fn what_is_refused_is_answered_in_its_place_and_nothing_behind_it_is_read() {
    let good = "GET /a HTTP/1.1\r\nhost: a\r\n\r\n";
    let bad = "GET /b HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n";
    let requests = [good, good, bad, good].concat();
    for part in [1, 7, 40, requests.len()] {
        let ended = converse(requests.as_bytes(), part);
        assert_eq!((ended.asked, ended.refusal), (3, Some(Violation::SpaceBeforeColon)), "{part}");
    }
}

#[test]
fn a_request_for_another_protocol_holds_what_follows_until_it_is_answered() {
    let upgrade = "GET /a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n";
    let ended = converse(format!("{upgrade}\0not HTTP").as_bytes(), 1000);
    assert_eq!((ended.asked, ended.refusal), (2, Some(Violation::ControlByte)));
    let ended = converse(
        format!("{upgrade}GET /b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes(),
        1000,
    );
    assert_eq!((ended.asked, ended.refusal), (2, None));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_is_not_waited_for() {
    let (mut client, server) = duplex(1 << 10);
    let wire = Wire::new(server, Arc::default(), None, Arc::new(LIMITS));
    let never =
        service_fn(|_: Request<Incoming>| std::future::pending::<Result<Response<String>, io::Error>>());
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    client.shutdown().await.unwrap();
    let start = Instant::now();
    let ended = http1::Builder::new().header_read_timeout(None).serve_connection(wire, never).await;
    assert!(ended.is_err_and(|error| error.is_incomplete_message()));
    assert_eq!(start.elapsed().as_secs(), LAST_ANSWERS.as_secs());
}

#[test]
fn a_head_that_does_not_come_is_refused_and_an_idle_connection_is_ended() {
    assert_eq!(converse(b"GET / HTTP/1.1\r\nhost:", 100).refusal, Some(Violation::HeadTooSlow));
    for quiet in ["", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let ended = converse(quiet.as_bytes(), 100);
        assert_eq!((ended.asked, ended.refusal), (u64::from(!quiet.is_empty()), None), "{quiet:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_idle_from_the_last_byte_of_an_answer_on() {
    let (mut client, server) = duplex(1 << 10);
    // In a task of its own, which is polled only when there is something for it.
    let serving = tokio::spawn(async {
        let front = Arc::new(Front::default());
        let mut wire = Wire::new(server, Arc::clone(&front), None, Arc::new(LIMITS));
        let service = service_fn(|_: Request<Incoming>| {
            front.count_answer();
            std::future::ready(Ok::<_, io::Error>(Response::new("!".to_owned())))
        });
        poll_fn(|cx| wire.poll_alone(cx)).await.unwrap();
        http1::Builder::new().header_read_timeout(None).serve_connection(wire, service).await
    });
    // Not at once: the time that the connection has begun to wait is another then.
    tokio::time::sleep(Duration::from_secs(5)).await;
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    while client.read_u8().await.unwrap() != b'!' {}
    let answered = Instant::now();
    assert!(client.read_u8().await.is_err());
    assert_eq!(answered.elapsed().as_secs(), LIMITS.idle_timeout.as_secs());
    assert!(serving.await.unwrap().is_ok());
}

#[test]
fn heads_of_every_size_up_to_the_limits_reach_the_service() {
    let head = |filler: usize| {
        format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {}\r\n\r\n", "a".repeat(filler))
    };
    let most = LIMITS.head.head - head(0).len();
    for filler in [0, 4000, 8100, 8192, 8300, most - 1, most] {
        for part in [1000, 1 << 20] {
            let ended = converse(head(filler).as_bytes(), part);
            assert_eq!((ended.asked, ended.refusal), (1, None), "{filler} in parts of {part}");
        }
    }
    assert_eq!(converse(head(most + 1).as_bytes(), 1 << 20).refusal, Some(Violation::HeadTooLarge));
    let target = |length: usize| {
        format!("GET /{} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", "a".repeat(length - 1))
    };
    assert_eq!(converse(target(LIMITS.head.target).as_bytes(), 1 << 20).refusal, None);
    assert_eq!(
        converse(target(LIMITS.head.target + 1).as_bytes(), 1 << 20).refusal,
        Some(Violation::TargetTooLong)
    );
    let fields = |count: usize| {
        let rest = "x: 1\r\n".repeat(count - 2);
        format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{rest}\r\n")
    };
    assert_eq!(converse(fields(100).as_bytes(), 1 << 20).refusal, None);
    assert_eq!(converse(fields(101).as_bytes(), 1 << 20).refusal, Some(Violation::TooManyFields));
}

/// Heads in good order, of requests without content.
fn any_head() -> impl Strategy<Value = String> {
    let method = proptest::sample::select(vec!["GET", "HEAD", "get", "DELETE", "M-SEARCH", "OPTIONS"]);
    let target = proptest::sample::select(vec![
        "/",
        "//",
        "/a%2Fb?",
        "/a?b=%20&c?/",
        "/{\"a\":[1]}",
        "/a?`|",
        "http://a",
        "http://a:80?b",
        "HTTPS://A/b?c",
    ]);
    let name = "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}";
    let value = proptest::collection::vec(prop_oneof![32u8..127, 128u8..=255, Just(b'\t')], 0..12);
    let fields = proptest::collection::vec((name, "[ \t]{0,2}", value), 0..8);
    (method, target, fields, 0..9usize).prop_map(|(method, target, fields, host)| {
        let mut lines: Vec<String> = fields
            .into_iter()
            .map(|(name, space, value)| {
                format!("{name}:{space}{}", value.into_iter().map(char::from).collect::<String>())
            })
            .collect();
        lines.insert(host.min(lines.len()), "Host: a".to_owned());
        format!("{method} {target} HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"))
    })
}

/// The request that the engine makes of this head.
fn read_by_engine(head: &[u8]) -> http::request::Parts {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (mut client, server) = duplex(1 << 16);
        client.write_all(head).await.unwrap();
        client.shutdown().await.unwrap();
        let read = std::cell::RefCell::new(None);
        let service = service_fn(|request: Request<Incoming>| {
            *read.borrow_mut() = Some(request.into_parts().0);
            async { Ok::<_, io::Error>(Response::new(String::new())) }
        });
        let server = hyper_util::rt::TokioIo::new(server);
        let _ = http1::Builder::new().serve_connection(server, service).await;
        read.into_inner().expect("a head that the engine reads")
    })
}

/// Requests that are nearly right, and bytes that never are.
fn any_conversation() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::sample::select(
            [
                "GET / HTTP/1.1\r\n",
                "POST /a?b HTTP/1.1\r\n",
                "GET / HTTP/1.0\r\n",
                "get http://a/ HTTP/1.1\r\n",
                "OPTIONS * HTTP/1.1\r\n",
                "GET * HTTP/1.1\r\n",
                "HEAD /%zz HTTP/1.1\r\n",
                "PRI * HTTP/2.0\r\n",
                "host: a\r\n",
                "host: a\r\n",
                "host: a\r\n",
                "content-length: 3\r\n",
                "content-length: 0003\r\n",
                "transfer-encoding: chunked\r\n",
                "transfer-encoding: \tchunked \r\n",
                "expect: 100-continue\r\n",
                "connection: close\r\n",
                "connection: upgrade\r\nupgrade: x\r\n",
                "x: 1\r\n",
                "x:\r\n",
                "x: \u{e9}\t\r\n",
                "te: trailers\r\n",
                "\r\n",
                "\r\n",
                "\r\n",
                "abc",
                "3\r\nabc\r\n",
                "3;x\r\nabc\r\n",
                "0\r\n\r\n",
                "0\r\nx: 1\r\n\r\n",
                "\n",
                "\r",
                "\0",
                " ",
                "\t",
                "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
                "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc",
                "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ]
            .to_vec()
        )
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..6),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_head_is_read_as_the_engine_reads_it(head in any_head()) {
        // Latin-1: every byte of a value but the control characters.
        let head: Vec<u8> = head.chars().map(|char| u8::try_from(char).unwrap()).collect();
        let mut scanner = crate::wire::Scanner::requests(LIMITS.head);
        prop_assume!(matches!(scanner.scan(&head), Ok(Piece::Head(Head { framing: Framing::None, .. }))));
        let ours = request::request(&head, scanner.lines(), &mut bytes::BytesMut::new()).unwrap();
        let theirs = read_by_engine(&head);
        prop_assert_eq!(
            (&ours.method, &ours.uri, ours.version, &ours.headers),
            (&theirs.method, &theirs.uri, theirs.version, &theirs.headers)
        );
    }

    #[test]
    fn the_engine_never_answers_in_its_own_words(bytes in any_conversation(), part in 1..80usize) {
        let ended = converse(&bytes, part);
        prop_assert!(foreign_heads(&ended.said).is_empty(), "{:?}", ended);
    }
}
