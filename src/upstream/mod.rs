//! The origin, seen with distrust: connections to it, how much may be asked of it and for how long, when a request is
//! sent again, and what can go wrong on the way.

mod body;
mod connect;
mod content;
mod error;
mod gate;
mod health;
mod link;
mod pool;

use std::{io, sync::Arc, time::Duration};

use http::{
    HeaderMap, Method, Request, Response, StatusCode, Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
    uri::Authority,
};
use hyper::body::Incoming;
use tokio::time::Instant;

pub use body::{IdleTimeout, Late, RequestBody};
pub use content::Content;
pub use error::{Fault, UpstreamError};
pub use gate::Overload;
pub use health::Health;

use crate::{
    decision::Framing,
    key::Scheme,
    observe::{Incident, Sink},
    semantics::methods::is_idempotent,
    wire::AnswerTo,
};
use connect::Connector;
use content::Hold;
use gate::{Gate, Place};
use health::Watch;
use pool::{Connection, Pool};

/// Where the origin is, how long each step may take, and how much there may be of everything.
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
    /// How long an exchange may take, from the request's first byte to the response's last.
    pub total_timeout: Duration,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// The most exchanges at once, of all workers together.
    pub max_fetches: usize,
    /// The most requests that wait for one of those to end.
    pub max_queue: usize,
    /// How long one of them waits.
    pub queue_timeout: Duration,
    /// The largest head of a response, in bytes.
    pub max_head: usize,
    /// The most fields of a response.
    pub max_fields: usize,
}

/// An origin, as all workers share it.
#[derive(Debug)]
pub struct Origin {
    settings: Settings,
    connector: Connector,
    gate: Gate,
    watch: Watch,
    sink: Reports,
}

/// Where incidents go.
#[derive(Clone)]
struct Reports(Arc<dyn Sink>);

impl std::fmt::Debug for Reports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reports")
    }
}

impl Origin {
    /// An origin, of which nothing has been asked yet.
    ///
    /// # Errors
    /// It is https, and the system's trust store cannot be read.
    pub fn new(settings: Settings, sink: Arc<dyn Sink>) -> io::Result<Arc<Self>> {
        let connector = Connector::new(&settings)?;
        let gate = Gate::new(settings.max_fetches, settings.max_queue, settings.queue_timeout);
        Ok(Arc::new(Self { settings, connector, gate, watch: Watch::new(), sink: Reports(sink) }))
    }
}

/// The head of an answer, with its content still to come.
#[derive(Debug)]
pub struct Answer {
    /// The answer, as the origin sent it.
    pub response: Response<Content>,
    /// How the end of its content is known.
    pub framing: Framing,
}

/// A worker's way to the origin. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Upstream {
    origin: Arc<Origin>,
    pool: Arc<Pool>,
}

/// Why a request has no answer, and what that means for another try.
struct Failed {
    error: UpstreamError,
    /// The request, where not a byte of it was sent.
    unsent: Option<Request<RequestBody>>,
    /// Whether the connection broke before the origin said anything.
    is_unanswered: bool,
}

impl Upstream {
    /// A way to this origin without connections.
    pub fn new(origin: Arc<Origin>) -> Self {
        let pool = Pool::new(origin.settings.idle_timeout, Arc::clone(&origin.sink.0));
        Self { origin, pool }
    }

    /// Sends a request, whose target is in origin form, and waits for the head of the answer.
    ///
    /// `again` makes the same request once more, if that can be done: for an idempotent one, where a connection that had
    /// been used before broke without a word of answer.
    ///
    /// # Errors
    /// Too much is asked of the origin already; it cannot be reached, does not answer in time, or answers something that
    /// is not HTTP or can be understood in two ways.
    pub async fn send(
        &self,
        request: Request<RequestBody>,
        again: impl FnOnce() -> Option<Request<RequestBody>>,
    ) -> Result<Answer, UpstreamError> {
        let sent = match self.origin.gate.enter().await {
            Ok(place) => self.exchange(request, again, place).await,
            Err(overload) => Err(UpstreamError::Overload(overload)),
        };
        match &sent {
            Err(UpstreamError::Overload(overload)) => self.report(Incident::Overload(overload.name())),
            Err(UpstreamError::Fault(fault)) => self.report(Incident::OriginFault(fault.name())),
            Ok(_) => self.origin.watch.answered(),
            Err(_) => {}
        }
        sent
    }

    fn report(&self, incident: Incident<'_>) {
        self.origin.sink.0.happened(incident);
    }

    async fn exchange(
        &self,
        request: Request<RequestBody>,
        again: impl FnOnce() -> Option<Request<RequestBody>>,
        place: Place,
    ) -> Result<Answer, UpstreamError> {
        let end = Instant::now() + self.origin.settings.total_timeout;
        let method = request.method().clone();
        let (connection, response) = match self.pool.take() {
            Some(mut connection) => match self.ask(&mut connection, request, end).await {
                Ok(response) => (connection, response),
                Err(failed) => {
                    let request = failed.again(|| is_idempotent(&method).then(again)?)?;
                    self.report(Incident::SentAgain(&method));
                    Box::pin(self.ask_anew(request, end)).await?
                }
            },
            // In a place of its own: connecting takes much room, and is rare.
            None => Box::pin(self.ask_anew(request, end)).await?,
        };
        let framing = framing(&method, response.status(), response.headers());
        let hold = Hold { connection, pool: Arc::clone(&self.pool), place };
        let response = response.map(|body| {
            Content::new(IdleTimeout::new(body, self.origin.settings.body_timeout).until(end), hold)
        });
        Ok(Answer { response, framing })
    }

    /// Sends a request over a connection of its own.
    async fn ask_anew(
        &self,
        request: Request<RequestBody>,
        end: Instant,
    ) -> Result<(Connection, Response<Incoming>), UpstreamError> {
        let connecting = self.origin.connector.connect().await;
        let mut connection = connecting.inspect_err(|_| self.origin.watch.failed())?;
        let response = self.ask(&mut connection, request, end).await.map_err(|failed| failed.error)?;
        Ok((connection, response))
    }

    /// Sends a request over this connection, and waits for the head of the answer.
    async fn ask(
        &self,
        connection: &mut Connection,
        mut request: Request<RequestBody>,
        end: Instant,
    ) -> Result<Response<Incoming>, Box<Failed>> {
        *request.version_mut() = Version::HTTP_11;
        let is_head = request.method() == Method::HEAD;
        connection.tally.begin(if is_head { AnswerTo::Head } else { AnswerTo::Other });
        let progress = request.body().progress();
        let answered = tokio::select! {
            biased;
            answered = connection.sender.try_send_request(request) => answered,
            () = progress.stalled_for(self.origin.settings.response_timeout, end) => {
                self.origin.watch.silent();
                let error = UpstreamError::Timeout;
                return Err(Box::new(Failed { error, unsent: None, is_unanswered: false }));
            }
        };
        answered.map_err(|mut failed| {
            let unsent = failed.take_message();
            let error = UpstreamError::from(failed.into_error());
            let is_broken = matches!(error, UpstreamError::Exchange(_));
            if is_broken || matches!(error, UpstreamError::Garbage(_)) {
                self.origin.watch.silent();
            }
            let is_unanswered = is_broken && !connection.tally.is_answered();
            Box::new(Failed { error, unsent, is_unanswered })
        })
    }
}

impl Failed {
    /// The request to send again, once and over a fresh connection, after one that had been used before broke (RFC 9110
    /// section 9.2.2): any request of which nothing was sent, and one that may have been heard if doing it twice is as
    /// good as once.
    fn again(
        self,
        repeated: impl FnOnce() -> Option<Request<RequestBody>>,
    ) -> Result<Request<RequestBody>, UpstreamError> {
        let repeated = || self.is_unanswered.then(repeated)?;
        self.unsent.or_else(repeated).ok_or(self.error)
    }
}

/// How the end of an answer's content is known (RFC 9112 section 6.3). That there is one answer to this, the scanner has
/// made sure of.
fn framing(method: &Method, status: StatusCode, fields: &HeaderMap) -> Framing {
    let length = || fields.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    if *method == Method::HEAD || matches!(status.as_u16(), 204 | 304) {
        Framing::Length(0)
    } else if fields.contains_key(TRANSFER_ENCODING) {
        Framing::Chunked
    } else {
        length().map_or(Framing::CloseDelimited, Framing::Length)
    }
}
