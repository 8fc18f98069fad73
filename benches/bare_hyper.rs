//! Servers for `benches/compare` with nothing in them but hyper, on one thread: a yardstick, which answers at once and
//! always the same, and the origin that the caches ask. And one with still less in it: sockets.
//!
//! The yardstick does the least that hyper can do to send as many bytes as a hit has: what a cache adds to that is its own.
//! What reads and writes on sockets and does nothing else does the least that anybody can: that is the system's own.

#![expect(clippy::expect_used, reason = "a server for measurements that cannot go on has nothing to measure")]

use std::{
    convert::Infallible,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::ExitCode,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};
use tokio::{net::TcpSocket, runtime, task::LocalSet};

const USAGE: &str = "usage: bare_hyper origin | bare_hyper yardstick BYTES | bare_hyper sockets BYTES (how many the filling \
                     field has)";
/// As many connections as a herd makes may wait to be accepted.
const BACKLOG: u32 = 4096;
/// How many connections are looked at in one turn.
const EVENTS: usize = 1024;
/// How long the origin takes for what is slow: long enough that a whole herd arrives meanwhile.
const SLOW: Duration = Duration::from_millis(200);
/// The largest content.
static CONTENT: [u8; 128 * 1024] = [b'x'; 128 * 1024];

enum Role {
    Yardstick(HeaderMap),
    Origin { fields: HeaderMap, asked: AtomicU64 },
}

impl Role {
    fn from_arguments(arguments: &[String]) -> Option<Self> {
        match arguments {
            [role] if role == "origin" => Some(Self::Origin { fields: origin(), asked: AtomicU64::new(0) }),
            [role, bytes] if role == "yardstick" => {
                let filling = HeaderValue::try_from("x".repeat(bytes.parse().ok()?)).ok()?;
                Some(Self::Yardstick(HeaderMap::from_iter([(HeaderName::from_static("filling"), filling)])))
            }
            _ => None,
        }
    }

    /// Paths are `/KIND/BYTES`, and what follows only tells one object from another.
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let mut segments = request.uri().path().split('/').skip(1);
        let (kind, bytes) = (segments.next(), segments.next());
        let content = bytes.and_then(|bytes| CONTENT.get(..bytes.parse().ok()?));
        match self {
            Self::Yardstick(fields) => answer(fields.clone(), content),
            Self::Origin { asked, .. } if kind == Some("asked") => {
                let asked = asked.load(Ordering::Relaxed).to_string();
                Response::new(Full::new(asked.into()))
            }
            Self::Origin { fields, asked } => {
                asked.fetch_add(1, Ordering::Relaxed);
                let mut fields = fields.clone();
                match kind {
                    Some("slow") => tokio::time::sleep(SLOW).await,
                    Some("private") => {
                        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
                    }
                    _ => {}
                }
                answer(fields, content)
            }
        }
    }
}

/// The fields of the origin. With the length and the date, which hyper adds, they are eight.
fn origin() -> HeaderMap {
    let lines = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_LANGUAGE, "en"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::ETAG, "\"0123456789abcdef\""),
        (header::LAST_MODIFIED, "Mon, 01 Jan 2024 00:00:00 GMT"),
        (header::SERVER, "origin"),
    ];
    lines.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}

fn answer(fields: HeaderMap, content: Option<&'static [u8]>) -> Response<Full<Bytes>> {
    let status = if content.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = Response::new(Full::new(Bytes::from_static(content.unwrap_or_default())));
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

async fn serve(role: Role) -> std::io::Result<()> {
    let role = Rc::new(role);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let role = Rc::clone(&role);
        tokio::task::spawn_local(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let role = Rc::clone(&role);
                async move { Ok::<_, Infallible>(role.answer(&request).await) }
            });
            // A client may go when it likes.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Answers whatever comes in one piece with 1 KiB of content, on sockets and nothing else.
fn serve_sockets(filling: usize) -> std::io::Result<()> {
    let content = &CONTENT[..1024];
    let head = format!(
        "HTTP/1.1 200 OK\r\nfilling: {}\r\ncontent-length: {}\r\n\r\n",
        "x".repeat(filling),
        content.len()
    );
    let answer = [head.as_bytes(), content].concat();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    rustix::net::listen(&listener, i32::try_from(BACKLOG).expect("a number of connections"))?;
    println!("{}", listener.local_addr()?.port());
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;
    let mut streams: Vec<Option<TcpStream>> = Vec::new();
    let (mut events, mut read) = (Vec::with_capacity(EVENTS), [0; 4096]);
    loop {
        epoll::wait(&poll, spare_capacity(&mut events), None)?;
        for event in events.drain(..) {
            let place = usize::try_from(event.data.u64()).expect("a place");
            let Some(taken) = streams.get_mut(place) else {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                stream.set_nonblocking(true)?;
                let place = streams.iter().position(Option::is_none).unwrap_or(streams.len());
                let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
                epoll::add(&poll, &stream, EventData::new_u64(place as u64), flags)?;
                streams.resize_with(streams.len().max(place + 1), || None);
                streams[place] = Some(stream);
                continue;
            };
            let Some(stream) = taken else { continue };
            // Whoever is gone, or does not take an answer at once, is done with.
            let is_served = matches!(stream.read(&mut read), Ok(1..))
                && stream.write(&answer).is_ok_and(|written| written == answer.len());
            if !is_served {
                *taken = None;
            }
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments == ["--bench"] {
        println!("bare_hyper: nothing to time here; benches/compare starts it");
        return ExitCode::SUCCESS;
    }
    let sockets = match &arguments[..] {
        [role, filling] if role == "sockets" => filling.parse().ok(),
        _ => None,
    };
    let served = match (sockets, Role::from_arguments(&arguments)) {
        (Some(filling), _) => serve_sockets(filling),
        (None, Some(role)) => {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            LocalSet::new().block_on(&runtime, serve(role))
        }
        (None, None) => {
            eprintln!("bare_hyper: {USAGE}");
            return ExitCode::from(2);
        }
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bare_hyper: {error}");
            ExitCode::FAILURE
        }
    }
}
