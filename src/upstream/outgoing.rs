//! A request as it goes to the origin: its head as it is written, and its content (RFC 9112 sections 3, 5 and 6).

use std::sync::Arc;

use bytes::BytesMut;
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING},
};
use http_body::Body as _;

use super::RequestBody;

/// What heads usually have room in, in bytes.
const USUAL_HEAD: usize = 1024;

/// The head of a request to the origin, in the making.
#[derive(Debug)]
pub struct RequestHead {
    method: Method,
    lines: BytesMut,
    states_length: bool,
    announced: Vec<HeaderValue>,
}

/// The whole head of a request to the origin. Requests that say the same share it.
#[derive(Debug)]
pub struct WholeHead {
    pub(super) method: Method,
    /// As it is written.
    pub(super) text: BytesMut,
    /// The lines of its Trailer.
    pub(super) announced: Vec<HeaderValue>,
}

/// A request that can be sent to the origin.
#[derive(Debug)]
pub struct Outgoing {
    pub(super) head: Arc<WholeHead>,
    pub(super) body: RequestBody,
}

impl RequestHead {
    /// A head without fields, with this path and query as its target. An empty path is `/` (RFC 9112 section 3.2.1).
    pub fn new(method: Method, target: &str) -> Self {
        let mut lines = BytesMut::with_capacity(USUAL_HEAD);
        let between = if target.starts_with('/') { " " } else { " /" };
        put(&mut lines, [method.as_str(), between, target, " HTTP/1.1\r\n"].map(str::as_bytes));
        Self { method, lines, states_length: false, announced: Vec::new() }
    }

    /// Adds a field line. What frames the content is stated anew, whatever the fields say.
    pub fn append(&mut self, name: &HeaderName, value: &HeaderValue) {
        if *name == CONTENT_LENGTH {
            self.states_length = true;
        } else if *name != TRANSFER_ENCODING {
            if *name == TRAILER {
                self.announced.push(value.clone());
            }
            put_field(&mut self.lines, name, value);
        }
    }

    /// The whole head of a request with this content.
    pub fn whole(self, body: &RequestBody) -> Arc<WholeHead> {
        let Self { method, lines: mut text, states_length, announced } = self;
        match body.size_hint().exact() {
            Some(length) if length > 0 || states_length => {
                put(
                    &mut text,
                    [b"content-length: ", itoa::Buffer::new().format(length).as_bytes(), b"\r\n\r\n"],
                );
            }
            Some(_) => put(&mut text, [b"\r\n"]),
            None => put(&mut text, [b"transfer-encoding: chunked\r\n\r\n"]),
        }
        Arc::new(WholeHead { method, text, announced })
    }
}

impl Outgoing {
    /// A request with this head, which is that of a request with this content. In a place of its own: it goes through many
    /// hands.
    pub fn new(head: Arc<WholeHead>, body: RequestBody) -> Box<Self> {
        Box::new(Self { head, body })
    }
}

impl From<Request<RequestBody>> for Box<Outgoing> {
    fn from(request: Request<RequestBody>) -> Self {
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        let mut head = RequestHead::new(parts.method, target);
        for (name, value) in &parts.headers {
            head.append(name, value);
        }
        Outgoing::new(head.whole(&body), body)
    }
}

pub(super) fn put_field(to: &mut BytesMut, name: &HeaderName, value: &HeaderValue) {
    put(to, [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
}

fn put<const N: usize>(to: &mut BytesMut, parts: [&[u8]; N]) {
    to.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        to.extend_from_slice(part);
    }
}
