//! A connection to the origin against an origin that a test plays: the same bytes come to the same, however they are split,
//! and a request goes out whole, however little of it is taken at once.

use std::{future::poll_fn, sync::Mutex, task::Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex},
    time::Instant,
};

use super::{Listener, Outgoing, RequestBody, line::Line};
use crate::wire::Limits;

const LIMITS: Limits = Limits { head: 2048, fields: 10, target: 0 };

type Both = (Line<TokioIo<DuplexStream>>, DuplexStream);

/// A connection, and its other end, between which so many bytes have room.
fn line(room: usize) -> Both {
    let (here, there) = duplex(room);
    (Line::new(TokioIo::new(here), LIMITS), there)
}

fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

fn request(method: Method, body: RequestBody) -> Request<RequestBody> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = "/a?b".parse().unwrap();
    request
}

/// What was heard before the answer.
#[derive(Default)]
struct Heard(Mutex<Vec<u16>>);

impl Listener for Heard {
    fn heard(&self, status: StatusCode, _: &HeaderMap) {
        self.0.lock().unwrap().push(status.as_u16());
    }
}

/// What came of an exchange.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    heard: Vec<u16>,
    head: Option<(u16, Lines)>,
    content: Vec<u8>,
    trailers: Lines,
    error: Option<String>,
    may_go_on: bool,
}

/// Field lines: names and values.
type Lines = Vec<(String, Vec<u8>)>;

fn listed(fields: &HeaderMap) -> Lines {
    fields.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// The answer to this method in these bytes, which come in parts of this length; then the origin ends the connection, or
/// says no more.
fn received(method: Method, bytes: &[u8], part: usize, ends: bool) -> Outcome {
    paused(async {
        let (mut line, mut there) = line(1 << 16);
        line.begin(request(method, RequestBody::empty()).into(), Instant::now());
        let listener = Heard::default();
        let mut outcome = Outcome::default();
        let saying = async {
            for part in bytes.chunks(part) {
                there.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            if ends {
                there.shutdown().await.unwrap();
            }
            // Whoever waits for more than there is does so for an hour.
            tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        };
        let hearing = async {
            match poll_fn(|cx| line.poll_answer(cx, Some(&listener))).await {
                Ok((head, _)) => {
                    let head = head.into_response().unwrap();
                    outcome.head = Some((head.status().as_u16(), listed(head.headers())));
                }
                Err(error) => return outcome.error = Some(error.to_string()),
            }
            while let Some(frame) = poll_fn(|cx| line.poll_content(cx)).await {
                match frame.map(http_body::Frame::into_data) {
                    Ok(Ok(data)) => outcome.content.extend_from_slice(&data),
                    Ok(Err(frame)) => outcome.trailers = listed(frame.trailers_ref().unwrap()),
                    Err(error) => return outcome.error = Some(error.to_string()),
                }
            }
        };
        tokio::select! {
            biased;
            () = hearing => {}
            () = saying => outcome.error = Some("nothing more came".into()),
        }
        if ends {
            there.shutdown().await.unwrap();
        }
        outcome.heard = listener.0.into_inner().unwrap();
        outcome.may_go_on = poll_fn(|cx| Poll::Ready(line.is_usable(cx))).await;
        outcome
    })
}

#[test]
fn an_answer_is_read_as_its_framing_says() {
    let read = |head: &str, ends| received(Method::GET, head.as_bytes(), usize::MAX, ends);
    let sized = read("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: \t1 \r\nX-A:2\r\n\r\nhello", false);
    let fields = [("content-length", "5"), ("x-a", "1"), ("x-a", "2")];
    let fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).into();
    let whole = Outcome {
        head: Some((200, fields)),
        content: b"hello".to_vec(),
        may_go_on: true,
        ..Outcome::default()
    };
    assert_eq!(sized, whole);
    let chunked = "HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                   2\r\nhe\r\n3;x\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n";
    let chunked = read(chunked, false);
    assert_eq!((chunked.heard, &*chunked.content, chunked.may_go_on), (vec![103], &b"hello"[..], true));
    assert_eq!(chunked.trailers, [("x-sum".to_owned(), b"1".to_vec())]);
    let until_close = read("HTTP/1.1 200 OK\r\n\r\nhello", true);
    assert_eq!(
        (&*until_close.content, until_close.error, until_close.may_go_on),
        (&b"hello"[..], None, false)
    );
    let none = received(Method::HEAD, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", usize::MAX, false);
    assert_eq!((none.content.len(), none.error, none.may_go_on), (0, None, true));
}

#[test]
fn a_connection_goes_on_only_behind_a_whole_answer_with_nothing_behind_it() {
    let goes_on = |answer: &str, ends| {
        let outcome = received(Method::GET, answer.as_bytes(), usize::MAX, ends);
        assert_eq!(outcome.error, None, "{answer}");
        outcome.may_go_on
    };
    for (answer, ends, expected) in [
        ("HTTP/1.1 204 No Content\r\n\r\n", false, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", true, false),
        ("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n", false, false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", false, false),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na", false, true),
        ("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n", false, false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab", false, false),
    ] {
        assert_eq!(goes_on(answer, ends), expected, "{answer}");
    }
}

#[test]
fn what_ends_early_or_breaks_a_rule_never_looks_whole() {
    for (answer, error) in [
        ("", "the exchange with the origin broke: the origin ended the connection"),
        ("HTTP/1.1 200 O", "the exchange with the origin broke: the origin ended the connection"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            "the exchange with the origin broke: the origin ended the connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
            "the exchange with the origin broke: the origin ended the connection",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\nz\r\n",
            "the origin's answer breaks a rule: chunk-size",
        ),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", "the origin's answer breaks a rule: unasked-switch"),
    ] {
        for part in [1, 7, usize::MAX] {
            let outcome = received(Method::GET, answer.as_bytes(), part, true);
            assert_eq!(outcome.error.as_deref(), Some(error), "{answer:?}");
            assert!(!outcome.may_go_on, "{answer:?}");
        }
    }
    let together = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\nz\r\n";
    assert_eq!(received(Method::GET, together.as_bytes(), usize::MAX, false).head, None, "broken as a whole");
}

fn answers() -> impl Strategy<Value = Vec<u8>> {
    let part = prop::sample::select(vec![
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.0 404 Not Found\r\n",
        "HTTP/1.1 103 Early Hints\r\n",
        "HTTP/1.1 304\r\n",
        "content-length: 5\r\n",
        "transfer-encoding: chunked\r\n",
        "connection: close\r\n",
        "x-a: \u{e9}\r\n",
        "\r\n",
        "hello",
        "5\r\n",
        "\r\n0\r\n",
        "x-b: 1\r\n",
    ]);
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #[test]
    fn an_answer_is_the_same_however_it_is_split(answer in answers(), part in 1usize..40, ends: bool) {
        let whole = received(Method::GET, &answer, usize::MAX, ends);
        let split = received(Method::GET, &answer, part, ends);
        prop_assert_eq!(&whole.error, &split.error);
        if whole.error.is_none() {
            // What comes behind the answer is seen when it is there.
            prop_assert!(split.may_go_on || !whole.may_go_on);
            let may_go_on = whole.may_go_on;
            prop_assert_eq!(whole, Outcome { may_go_on, ..split });
        }
    }
}

/// What the origin is sent for this request, a few bytes at a time.
fn sent(request: Box<Outgoing>, room: usize) -> String {
    paused(async {
        let (mut line, mut there) = line(room);
        line.begin(request, Instant::now());
        let mut got = Vec::new();
        tokio::select! {
            biased;
            () = async {
                while there.read_buf(&mut got).await.unwrap() > 0 {}
            } => {}
            sent = poll_fn(|cx| line.poll_send(cx)) => sent.unwrap(),
        }
        while let Ok(Ok(1..)) =
            tokio::time::timeout(std::time::Duration::from_secs(1), there.read_buf(&mut got)).await
        {}
        String::from_utf8(got).unwrap()
    })
}

#[test]
fn a_request_says_where_its_content_ends_and_nothing_else_does() {
    let with = |fields: &[(&'static str, &'static str)], method: Method, body: &'static str| {
        let mut request = request(method, RequestBody::whole(Bytes::from(body)));
        for (name, value) in fields {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request
    };
    for (request, expected) in [
        (with(&[("host", "a")], Method::GET, ""), "GET /a?b HTTP/1.1\r\nhost: a\r\n\r\n"),
        (
            with(&[("content-length", "7"), ("host", "a")], Method::POST, "hello"),
            "POST /a?b HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
        ),
        (
            with(&[("transfer-encoding", "chunked"), ("host", "a")], Method::PUT, "hello"),
            "PUT /a?b HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
        ),
        (
            with(&[("content-length", "0"), ("host", "a"), ("x", "1"), ("x", "2")], Method::POST, ""),
            "POST /a?b HTTP/1.1\r\nhost: a\r\nx: 1\r\nx: 2\r\ncontent-length: 0\r\n\r\n",
        ),
    ] {
        for room in [1, 8, 4096] {
            let mut copy = Request::new(RequestBody::whole(request.body().as_whole().unwrap().clone()));
            *copy.method_mut() = request.method().clone();
            *copy.uri_mut() = request.uri().clone();
            *copy.headers_mut() = request.headers().clone();
            assert_eq!(sent(copy.into(), room), expected, "{room}");
        }
    }
}

#[test]
fn a_request_of_which_nothing_was_sent_can_be_had_back() {
    let unsent = paused(async {
        let (mut line, there) = line(8);
        drop(there);
        let hello = RequestBody::whole(Bytes::from_static(b"hello"));
        line.begin(request(Method::POST, hello).into(), Instant::now());
        let error = poll_fn(|cx| line.poll_answer(cx, None)).await.unwrap_err();
        assert_eq!(error.name(), "broken");
        assert!(!poll_fn(|cx| Poll::Ready(line.is_usable(cx))).await);
        assert!(!line.has_begun());
        line.take_request().unwrap()
    });
    assert_eq!(sent(unsent, 64), "POST /a?b HTTP/1.1\r\ncontent-length: 5\r\n\r\nhello");
}

#[test]
fn a_task_that_has_moved_much_sees_what_was_said_unasked() {
    for said in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"] {
        paused(async {
            let (mut line, mut there) = line(1 << 10);
            assert!(poll_fn(|cx| Poll::Ready(line.is_usable(cx))).await);
            there.write_all(said).await.unwrap();
            there.shutdown().await.unwrap();
            let is_usable = poll_fn(|cx| {
                while let Poll::Ready(step) = tokio::task::coop::poll_proceed(cx) {
                    step.made_progress();
                }
                Poll::Ready(line.is_usable(cx))
            });
            assert!(!is_usable.await, "{}", said.escape_ascii());
        });
    }
}
