//! Connections to the origin: a pooled client for each worker, its deadlines, and what can go wrong on the way.

mod body;
mod error;

use std::{sync::Arc, time::Duration};

use http::{
    HeaderValue, Method, Request, Response, Uri, Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    uri::Authority,
};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

pub use body::{IdleTimeout, RequestBody};
pub use error::UpstreamError;

use crate::{decision::Framing, key::Scheme};

/// Where the origin is, and how long each step may take.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The origin's scheme.
    pub scheme: Scheme,
    /// The origin's host and port.
    pub authority: Authority,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// How long the origin may take from the last byte of the request to the head of its response.
    pub response_timeout: Duration,
    /// How long a body may stand still, in either direction.
    pub body_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
}

/// The head of an answer, with its content still to come.
#[derive(Debug)]
pub struct Answer {
    /// The answer, as the origin sent it.
    pub response: Response<Incoming>,
    /// How the end of its content is known.
    pub framing: Framing,
}

/// A pool of connections to one origin. Cheap to clone; each worker has its own.
#[derive(Clone, Debug)]
pub struct Upstream {
    client: Client<HttpsConnector<HttpConnector>, RequestBody>,
    settings: Arc<Settings>,
}

impl Upstream {
    /// A pool without connections.
    ///
    /// # Errors
    /// The origin is https, and the system's trust store cannot be read.
    pub fn new(settings: Settings) -> std::io::Result<Self> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_timeout));
        let tls = hyper_rustls::HttpsConnectorBuilder::new();
        let connector = trusted(tls, settings.scheme)?.https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(settings.idle_timeout)
            .build(connector);
        Ok(Self { client, settings: Arc::new(settings) })
    }

    /// How long a body may stand still, in either direction.
    pub fn body_timeout(&self) -> Duration {
        self.settings.body_timeout
    }

    /// Sends a request, whose target is in origin form, and waits for the head of the answer.
    ///
    /// # Errors
    /// The origin cannot be reached, does not answer in time, or answers something that is not HTTP.
    pub async fn send(&self, mut request: Request<RequestBody>) -> Result<Answer, UpstreamError> {
        let method = request.method().clone();
        let mut target = std::mem::take(request.uri_mut()).into_parts();
        target.scheme = Some(match self.settings.scheme {
            Scheme::Http => http::uri::Scheme::HTTP,
            Scheme::Https => http::uri::Scheme::HTTPS,
        });
        target.authority = Some(self.settings.authority.clone());
        *request.uri_mut() = Uri::from_parts(target).map_err(|_| UpstreamError::Target)?;
        *request.version_mut() = Version::HTTP_11;
        let progress = request.body().progress();
        let response = tokio::select! {
            biased;
            answered = self.client.request(request) => answered?,
            () = progress.stalled_for(self.settings.response_timeout) => return Err(UpstreamError::Timeout),
        };
        let framing = framing(&method, &response)?;
        Ok(Answer { response, framing })
    }
}

/// The system's trust store, read only where it is needed.
fn trusted(
    tls: HttpsConnectorBuilder<hyper_rustls::builderstates::WantsTlsConfig>,
    scheme: Scheme,
) -> std::io::Result<HttpsConnectorBuilder<hyper_rustls::builderstates::WantsSchemes>> {
    match scheme {
        Scheme::Https => tls.with_native_roots(),
        Scheme::Http => {
            let provider = rustls::crypto::ring::default_provider();
            let config = rustls::ClientConfig::builder_with_provider(provider.into())
                .with_safe_default_protocol_versions()
                .map_err(std::io::Error::other)?
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
            Ok(tls.with_tls_config(config))
        }
    }
}

/// How the end of this answer's content is known (RFC 9112 section 6.3).
///
/// # Errors
/// The answer is ambiguous: what one reader takes for its end another may take for the middle.
fn framing(method: &Method, response: &Response<Incoming>) -> Result<Framing, UpstreamError> {
    let (status, fields) = (response.status(), response.headers());
    if status.is_informational() {
        return Err(UpstreamError::Nonsense("an interim status that nothing follows"));
    }
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    let coding = codings.next();
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let length = lengths.next();
    if codings.next().is_some() || lengths.next().is_some() || (coding.is_some() && length.is_some()) {
        return Err(UpstreamError::Nonsense("more than one field says how long the content is"));
    }
    let length = length
        .map(|value| decimal(value).ok_or(UpstreamError::Nonsense("a Content-Length that is no number")));
    let length = length.transpose()?;
    if coding.is_some_and(|coding| {
        !coding.as_bytes().eq_ignore_ascii_case(b"chunked") || response.version() < Version::HTTP_11
    }) {
        return Err(UpstreamError::Nonsense("a transfer coding that was not asked for"));
    }
    Ok(match (coding, length) {
        _ if *method == Method::HEAD || matches!(status.as_u16(), 204 | 304) => Framing::Length(0),
        (Some(_), _) => Framing::Chunked,
        (None, Some(length)) => Framing::Length(length),
        (None, None) => Framing::CloseDelimited,
    })
}

/// Digits and nothing else.
fn decimal(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
