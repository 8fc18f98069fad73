//! A client: one request over a connection of its own, and the whole answer.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    address: SocketAddr,
    request: Request<Full<Bytes>>,
}

/// A GET of this target from this address.
pub(crate) fn get(address: SocketAddr, target: &str) -> Ask {
    let request = Request::builder().uri(target).header("host", "api.example").body(Full::default());
    Ask { address, request: request.expect("a valid target") }
}

impl Ask {
    pub(crate) fn method(mut self, method: &str) -> Self {
        *self.request.method_mut() = Method::from_bytes(method.as_bytes()).expect("a method");
        self
    }

    /// Adds a field; `host` replaces the usual one.
    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a field name");
        let value = HeaderValue::from_str(value).expect("a field value");
        if name == http::header::HOST {
            self.request.headers_mut().insert(name, value);
        } else {
            self.request.headers_mut().append(name, value);
        }
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Full::new(body.into());
        self
    }

    /// Sends the request and takes the head of the answer; the content comes when it is read.
    pub(crate) async fn open(self) -> Response<Incoming> {
        self.try_open().await.expect("an answer")
    }

    async fn try_open(self) -> Result<Response<Incoming>, hyper::Error> {
        let stream = TcpStream::connect(self.address).await.expect("a connection to the proxy");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a handshake");
        tokio::spawn(connection);
        sender.send_request(self.request).await
    }

    /// Sends the request and reads the whole answer.
    pub(crate) async fn send(self) -> Answer {
        self.try_send().await.expect("a whole answer")
    }

    /// Like [`send`](Self::send), but an answer that is cut short is an error.
    pub(crate) async fn try_send(self) -> Result<Answer, hyper::Error> {
        let (parts, body) = self.try_open().await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, fields: parts.headers, body })
    }
}

/// A whole answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A field as text, all its lines joined; empty where there is none.
    pub(crate) fn field(&self, name: &str) -> String {
        let lines: Vec<_> =
            self.fields.get_all(name).iter().map(|line| line.to_str().expect("text")).collect();
        lines.join(", ")
    }

    /// Cache-Status without the name of the cache: `hit; ttl=27; level=2; route=product`.
    pub(crate) fn cache(&self) -> String {
        self.field("cache-status").trim_start_matches("plimsoll; ").to_owned()
    }

    /// Cache-Status without what every answer of a route says: `hit; ttl=30`, or why it was none.
    pub(crate) fn said(&self) -> String {
        let cache = self.cache();
        let parts =
            cache.split("; ").filter(|part| !part.starts_with("level=") && !part.starts_with("route="));
        parts.map(|part| part.trim_start_matches("detail=")).collect::<Vec<_>>().join("; ")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// Sends these bytes and reads what comes back until the connection is closed.
pub(crate) async fn raw(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection to the proxy");
    stream.write_all(bytes.as_ref()).await.expect("to write");
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}
