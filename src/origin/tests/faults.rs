//! The load target over raw sockets: what is announced, what is sent, and how the connection ends.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{options, silent};
use crate::origin::{Options, Origin};

/// An origin that listens on a free port.
pub(super) struct Started {
    pub(super) addr: SocketAddr,
    pub(super) origin: Origin,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

pub(super) async fn start(options: &Options) -> Started {
    let (stop, stopped) = oneshot::channel::<()>();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let origin = Origin::new(options);
    let served = tokio::spawn(origin.clone().serve(listener, async move { drop(stopped.await) }));
    Started { addr, origin, stop, served }
}

impl Started {
    pub(super) async fn stop(self) {
        drop(self.stop);
        self.served.await.unwrap().unwrap();
    }
}

pub(super) async fn connect(addr: SocketAddr) -> TcpStream {
    spawn_blocking(move || {
        let stream = TcpStream::connect(addr).unwrap();
        // No answer is worth waiting longer for: a test that would hang fails instead.
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    })
    .await
    .unwrap()
}

/// Writes the request as it stands and reads until `enough` bytes have come, or to the end.
pub(super) async fn exchange(
    stream: TcpStream,
    request: &str,
    enough: Option<usize>,
) -> (TcpStream, Vec<u8>) {
    let (stream, answer, ended) = exchange_to_any_end(stream, request, enough).await;
    ended.unwrap();
    (stream, answer)
}

async fn exchange_to_any_end(
    mut stream: TcpStream,
    request: &str,
    enough: Option<usize>,
) -> (TcpStream, Vec<u8>, std::io::Result<()>) {
    let request = request.to_owned();
    spawn_blocking(move || {
        stream.write_all(request.as_bytes()).unwrap();
        let (mut answer, mut buffer) = (Vec::new(), vec![0; 65_536]);
        loop {
            if enough.is_some_and(|enough| answer.len() >= enough) {
                return (stream, answer, Ok(()));
            }
            match stream.read(&mut buffer) {
                Ok(0) => return (stream, answer, Ok(())),
                Ok(n) => answer.extend_from_slice(&buffer[..n]),
                Err(error) => return (stream, answer, Err(error)),
            }
        }
    })
    .await
    .unwrap()
}

/// The head in lower case, and the content as it was framed.
fn split(answer: &[u8]) -> (String, &[u8]) {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("no whole head came");
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), &answer[end + 4..])
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n")
}

#[tokio::test]
async fn any_size_comes_whole_and_in_order() {
    let origin = silent();
    let long = origin.get("/load/100003").await.content;
    assert_eq!(long.len(), 100_003);
    assert!(long[..64].ends_with(b"\n"));
    assert!(long.chunks(64).all(|line| line == &long[..line.len()]));
    for size in [0, 1, 63, 64, 16_383, 16_384, 16_385] {
        let reply = origin.get(&format!("/load/{size}")).await;
        assert_eq!((reply.content.len(), reply.field("content-length")), (size, size.to_string().as_str()));
    }
}

#[tokio::test]
async fn any_status_and_delay_can_be_ordered() {
    let origin = silent();
    for status in [200, 204, 205, 301, 304, 404, 429, 500, 503, 599] {
        let reply = origin.get(&format!("/load/7?status={status}&delay=1ms&jitter=1ms")).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.content.len(), if [204, 205, 304].contains(&status) { 0 } else { 7 }, "{status}");
    }
}

#[tokio::test]
async fn a_length_that_is_left_unsaid_is_chunked_on_the_wire() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let (_, answer) = exchange(
        client,
        &get("/load/5?chunked=true").replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
        None,
    )
    .await;
    let (head, content) = split(&answer);
    assert!(head.contains("transfer-encoding: chunked") && !head.contains("content-length"), "{head}");
    assert_eq!(content, b"5\r\nplims\r\n0\r\n\r\n");
    started.stop().await;
}

#[tokio::test]
async fn head_announces_what_get_would_send_and_stays_in_step() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let pipeline = "HEAD /load/999999 HTTP/1.1\r\nHost: x\r\n\r\n\
                    HEAD /load/10?fail=truncate HTTP/1.1\r\nHost: x\r\n\r\n\
                    GET /load/9?status=204 HTTP/1.1\r\nHost: x\r\n\r\n\
                    GET /load/2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let (_, answer) = exchange(client, pipeline, None).await;
    let (first, rest) = split(&answer);
    let (second, rest) = split(rest);
    let (third, rest) = split(rest);
    let (fourth, content) = split(rest);
    assert!(first.contains("content-length: 999999"), "{first}");
    assert!(second.contains("content-length: 10"), "{second}");
    assert!(third.starts_with("http/1.1 204") && !third.contains("content-length"), "{third}");
    assert!(fourth.contains("x-origin-requests: 4"), "{fourth}");
    assert_eq!(content, b"pl");
    started.stop().await;
}

#[tokio::test]
async fn a_truncated_answer_announces_all_and_sends_exactly_half() {
    let started = start(&options().0).await;
    for size in [1, 10, 100_000, 20_000_001] {
        let client = connect(started.addr).await;
        let (_, answer) = exchange(client, &get(&format!("/load/{size}?fail=truncate")), None).await;
        let (head, content) = split(&answer);
        assert!(head.contains(&format!("content-length: {size}")), "{head}");
        assert_eq!(content.len(), size / 2);
    }
    let client = connect(started.addr).await;
    let (_, answer) = exchange(client, &get("/load/8?fail=truncate&chunked=1"), None).await;
    assert_eq!(split(&answer).1, b"4\r\nplim\r\n", "no last chunk may come");
    started.stop().await;
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let (_, answer, ended) = exchange_to_any_end(client, &get("/load/10?fail=reset-before-head"), None).await;
    assert_eq!((answer.len(), ended.unwrap_err().kind()), (0, ErrorKind::ConnectionReset));
    let client = connect(started.addr).await;
    let (_, _, ended) = exchange_to_any_end(client, &get("/load/10?fail=reset"), None).await;
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!((started.origin.arrived(), started.origin.answered()), (2, 1));
    started.stop().await;
}

#[tokio::test]
async fn a_close_before_the_head_is_a_clean_end_without_a_byte() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let (_, answer) = exchange(client, &get("/load/10?fail=close-before-head"), None).await;
    assert_eq!(answer, b"");
    started.stop().await;
}

#[tokio::test]
async fn a_fault_spares_the_answers_before_it() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let pipeline = [get("/load/3"), get("/load/3?fail=close-before-head")].concat();
    let (_, answer) = exchange(client, &pipeline, None).await;
    assert!(answer.ends_with(b"\r\n\r\npli"), "{:?}", String::from_utf8_lossy(&answer));
    started.stop().await;
}

#[tokio::test]
async fn a_stall_says_nothing_and_hangs_up_on_nobody() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let (client, answer) = exchange(client, &get("/load/1000?fail=stall"), Some(600)).await;
    let (head, content) = split(&answer);
    assert!(head.contains("content-length: 1000"), "{head}");
    assert_eq!(content.len(), 500);
    client.set_nonblocking(true).unwrap();
    assert_eq!((&client).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    started.stop().await;
}

#[tokio::test]
async fn a_stall_before_the_head_arrives_and_is_never_answered() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    (&client).write_all(get("/load/10?fail=stall-before-head").as_bytes()).unwrap();
    while started.origin.arrived() == 0 {
        tokio::task::yield_now().await;
    }
    client.set_nonblocking(true).unwrap();
    assert_eq!((&client).read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(started.origin.answered(), 0);
    started.stop().await;
}

#[tokio::test]
async fn an_endless_body_is_sent_only_as_fast_as_it_is_read() {
    let started = start(&options().0).await;
    let client = connect(started.addr).await;
    let (client, head) = exchange(client, &get("/load/4611686018427387904"), Some(1_000_000)).await;
    assert!(split(&head).0.contains("content-length: 4611686018427387904"));
    drop(client);
    // The connection that was left behind must not keep the origin from ending.
    started.stop().await;
}
