//! Instructions of a hit, counted by callgrind: whole, over the code of a connection but without a socket, and of its pure
//! parts. Counts do not depend on what else the machine does, so a difference of a few in a hundred can be believed.
//!
//! Everything is done 1,000 times: divide by that.

#![expect(clippy::expect_used, reason = "a bench that cannot be set up has nothing to measure")]
#![expect(
    missing_docs,
    reason = "the harness makes public items of what it counts, and takes no comment for them"
)]

#[path = "support/head.rs"]
mod head;
#[path = "support/hit.rs"]
mod hit;

use std::{
    convert::Infallible,
    hint::black_box,
    io::{self, IoSlice, Read as _, Write as _},
    net::TcpListener,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use gungraun::{library_benchmark, library_benchmark_group, main};
use head::{LIMITS, REQUEST};
use hit::Hit;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use plimsoll::{
    cli::serve::Parts,
    config::Config,
    decision::{classify, plan},
    observe::{Clock as _, LogSink, SystemClock},
    proxy::Proxy,
    semantics::Now,
    server::{Limits, Stream, serve_one},
    upstream::Upstream,
    wire::Scanner,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{self, Runtime},
};

const TIMES: u64 = 1000;
/// As wrk asks: each time the same.
const ASK: &[u8] = b"GET /object/1024/hit HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
/// As a client asks that numbers its requests: each time with another number, which is at the end.
const ASK_NUMBERED: &[u8] =
    b"GET /object/1024/hit HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Number: 00000000\r\n\r\n";
/// What every content ends with, and nothing else that is written.
const LAST: u8 = b'!';
/// Makes the head of bare hyper as long as that of a hit.
const FILLING: [u8; 300] = [b'x'; 300];

/// A client in memory, which asks again as soon as it has its answer. It costs next to nothing, so that what is counted is
/// the server.
struct Client {
    ask: Vec<u8>,
    is_numbered: bool,
    left: u64,
    answered: Arc<AtomicU64>,
    waits: bool,
    rested: bool,
    waker: Option<Waker>,
}

impl Client {
    fn new(ask: &[u8], times: u64, answered: &Arc<AtomicU64>) -> Self {
        Self {
            ask: ask.to_vec(),
            is_numbered: ask == ASK_NUMBERED,
            left: times,
            answered: Arc::clone(answered),
            waits: false,
            rested: false,
            waker: None,
        }
    }

    /// Adds one to the number that the request ends with.
    fn count(&mut self) {
        let end = self.ask.len() - b"\r\n\r\n".len();
        for digit in self.ask[..end].iter_mut().rev().take_while(|byte| byte.is_ascii_digit()) {
            *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
            if *digit > b'0' {
                break;
            }
        }
    }

    fn take(&mut self, last: Option<&[u8]>) {
        if last.is_some_and(|last| last.ends_with(&[LAST])) {
            self.answered.fetch_add(1, Ordering::Relaxed);
            self.waits = false;
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.waits {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        // The next request is never there at once: the server has to wait for it, as it would on a socket.
        self.rested = !self.rested;
        if self.rested {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left > 0 {
            self.left -= 1;
            self.waits = true;
            if self.is_numbered {
                self.count();
            }
            to.put_slice(&self.ask);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(Some(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.take(slices.last().map(|slice| &**slice));
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Stream for Client {
    fn end_with_reset(&self) {}
}

/// The content of every answer.
fn content() -> Vec<u8> {
    let mut content = vec![b'x'; 1023];
    content.push(LAST);
    content
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// An origin that answers one request, with eight fields.
fn origin() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("to bind");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1024\r\nContent-Language: en\r\n\
             Cache-Control: public, max-age=3600\r\nETag: \"0123456789abcdef\"\r\n\
             Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nDate: {}\r\nServer: origin\r\n\r\n",
            httpdate::fmt_http_date(SystemClock::start().now().wall)
        );
        connection.read_exact(&mut [0; 1]).expect("a request");
        connection.write_all(&[head.as_bytes(), &content()].concat()).expect("to write");
        // The rest of the request is read, or the answer could be lost to a reset.
        while connection.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
    });
    port
}

/// A worker without a listener.
struct Worker {
    runtime: Runtime,
    proxy: Arc<Proxy>,
    limits: Limits,
    answered: Arc<AtomicU64>,
    ask: &'static [u8],
}

impl Worker {
    /// With one object stored.
    fn warm() -> Self {
        Self::with("", ASK)
    }

    /// The same, for clients that number their requests.
    fn numbered() -> Self {
        Self::with("", ASK_NUMBERED)
    }

    /// The same with an access log, which another thread writes.
    fn logging() -> Self {
        Self::with("[log]\naccess = \"json\"\naccess_file = \"/dev/null\"\n", ASK)
    }

    fn with(more: &str, ask: &'static [u8]) -> Self {
        let text = format!(
            "{more}[origin]\nurl = \"http://127.0.0.1:{}\"\n[[route]]\nname = \"object\"\n\
             path = \"/object/{{bytes}}/{{name}}\"\nlevel = \"changing\"\n",
            origin()
        );
        let config = Config::parse("bench.toml", &text).expect("a valid config").config;
        let parts = Parts::new(config, Arc::new(SystemClock::start()), Arc::new(LogSink)).expect("parts");
        let proxy = Arc::new(Proxy::new(parts.shared, Upstream::new(parts.origin)));
        let worker = Self { runtime: runtime(), proxy, limits: parts.limits, answered: Arc::default(), ask };
        // The first is a miss; what comes then takes what a first hit takes once, and what it takes to know a head again.
        worker.serve(1);
        worker.serve(2);
        worker
    }

    fn serve(&self, times: u64) {
        let before = self.answered.load(Ordering::Relaxed);
        let client = Client::new(self.ask, times, &self.answered);
        self.runtime.block_on(serve_one(client, Arc::clone(&self.proxy), self.limits));
        assert_eq!(self.answered.load(Ordering::Relaxed) - before, times, "not every request has its answer");
    }
}

// A whole hit of 1 KiB: reading, the strict front, hyper, decision, store, writing.
#[library_benchmark(setup = Worker::warm)]
#[bench::a_thousand()]
fn connection(worker: Worker) -> Worker {
    worker.serve(TIMES);
    worker
}

// The same where every head is another: what reading it takes.
#[library_benchmark(setup = Worker::numbered)]
#[bench::a_thousand()]
fn numbered(worker: Worker) -> Worker {
    worker.serve(TIMES);
    worker
}

// The same with an access log: all that the requests take, and what the thread that writes does meanwhile.
#[library_benchmark(setup = Worker::logging)]
#[bench::a_thousand()]
fn logged(worker: Worker) -> Worker {
    worker.serve(TIMES);
    worker
}

// What hyper alone takes to say as many bytes: the part of a hit that is not ours.
#[library_benchmark(setup = runtime)]
#[bench::a_thousand()]
fn bare_hyper(runtime: Runtime) -> Runtime {
    let (answered, content) = (Arc::default(), Bytes::from(content()));
    let filling = HeaderValue::from_bytes(&FILLING).expect("a value");
    let service = service_fn(move |_: Request<Incoming>| {
        let mut response = Response::new(Full::new(content.clone()));
        response.headers_mut().insert("filling", filling.clone());
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let client = TokioIo::new(Client::new(ASK, TIMES, &answered));
    let served = async { tokio::spawn(http1::Builder::new().serve_connection(client, service)).await };
    runtime.block_on(served).expect("no panic").expect("no error");
    assert_eq!(answered.load(Ordering::Relaxed), TIMES, "not every request has its answer");
    runtime
}

const NOW: Now = Now { wall: SystemTime::UNIX_EPOCH, mono: Duration::ZERO };

// The pure part of a hit: classify the request, plan its answer.
#[library_benchmark]
#[bench::a_thousand(Hit::at(NOW))]
fn decision(hit: Hit) -> Hit {
    for _ in 0..TIMES {
        black_box(classify(black_box(&hit.asked()), &hit.route, &hit.policy));
        black_box(plan(black_box(&hit.keyed), &hit.fields, [&hit.stored], None, &hit.policy, NOW));
    }
    hit
}

// The strict front's scan of a head of twelve fields.
#[library_benchmark]
#[bench::a_thousand(Scanner::requests(LIMITS))]
fn scan(mut scanner: Scanner) -> Scanner {
    for _ in 0..TIMES {
        black_box(scanner.scan(black_box(REQUEST))).expect("a head without fault");
    }
    scanner
}

library_benchmark_group!(
    name = hits,
    benchmarks = [connection, numbered, logged, bare_hyper, decision, scan]
);
main!(library_benchmark_groups = hits);
