//! The origin, seen with distrust: connections to it, how much may be asked of it and for how long, when a request is
//! sent again, and what can go wrong on the way.

mod alarm;
mod answer;
mod body;
mod connect;
mod content;
mod error;
mod gate;
mod health;
mod line;
mod outgoing;
mod pool;
mod sending;
#[cfg(test)]
mod tests;

use std::{
    future::poll_fn,
    io,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use http::{HeaderMap, StatusCode, uri::Authority};
use tokio::time::Instant;

pub use alarm::Alarm;
pub use answer::AnswerHead;
pub use body::{IdleTimeout, Late, RequestBody};
pub use content::Content;
pub use error::{Fault, UpstreamError};
pub use gate::Overload;
pub use health::Health;
pub use outgoing::{Outgoing, RequestHead, WholeHead};

use crate::{
    decision::Framing,
    key::Scheme,
    observe::{Incident, Sink},
    semantics::methods::is_idempotent,
    wire,
};
use connect::Connector;
use content::Limits;
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

/// An answer, with its content still to come.
#[derive(Debug)]
pub struct Answer {
    /// Its head.
    pub head: AnswerHead,
    /// Its content.
    pub content: Content,
    /// How the end of its content is known.
    pub framing: Framing,
}

/// Who hears what the origin says before it answers.
pub trait Listener: Send + Sync {
    /// An interim response has come, with this status from 100 on and these fields (RFC 9110 section 15.2).
    fn heard(&self, status: StatusCode, fields: &HeaderMap);
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
    /// The request, where the connection broke before the origin said anything and all of its content is still here.
    request: Option<Box<Outgoing>>,
    /// Whether a byte of it may have been heard.
    is_begun: bool,
}

impl Upstream {
    /// A way to this origin without connections.
    pub fn new(origin: Arc<Origin>) -> Self {
        let pool = Pool::new(origin.settings.idle_timeout, Arc::clone(&origin.sink.0));
        Self { origin, pool }
    }

    /// Sends a request, and waits for the head of the answer. `listener` hears what comes
    /// before it.
    ///
    /// # Errors
    /// Too much is asked of the origin already; it cannot be reached, does not answer in time, or answers something that
    /// is not HTTP or can be understood in two ways.
    pub async fn send(
        &self,
        request: Box<Outgoing>,
        listener: Option<&dyn Listener>,
    ) -> Result<Answer, UpstreamError> {
        let sent = match self.origin.gate.enter().await {
            Ok(place) => self.exchange(request, listener, place).await,
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
        request: Box<Outgoing>,
        listener: Option<&dyn Listener>,
        place: Place,
    ) -> Result<Answer, UpstreamError> {
        let now = Instant::now();
        let end = now + self.origin.settings.total_timeout;
        let known = poll_fn(|cx| Poll::Ready(self.pool.take(cx, now))).await;
        let (connection, answered) = match known {
            Some(mut connection) => {
                let may_repeat = is_idempotent(&request.head.method);
                match self.ask(&mut connection, request, listener, now, end).await {
                    Ok(answered) => (connection, answered),
                    Err(failed) => {
                        let request = failed.again(may_repeat)?;
                        self.report(Incident::SentAgain(&request.head.method));
                        Box::pin(self.ask_anew(request, listener, end)).await?
                    }
                }
            }
            // In a place of its own: connecting takes much room, and is rare.
            None => Box::pin(self.ask_anew(request, listener, end)).await?,
        };
        let (head, framing) = answered;
        let limits = Limits { idle: self.origin.settings.body_timeout, end };
        let content = Content::new(connection, Arc::clone(&self.pool), place, limits);
        Ok(Answer { head, content, framing: framing_of(framing) })
    }

    /// Sends a request over a connection of its own.
    async fn ask_anew(
        &self,
        request: Box<Outgoing>,
        listener: Option<&dyn Listener>,
        end: Instant,
    ) -> Result<(Connection, Answered), UpstreamError> {
        let connecting = self.origin.connector.connect().await;
        let mut connection = connecting.inspect_err(|_| self.origin.watch.failed())?;
        let asked = self.ask(&mut connection, request, listener, Instant::now(), end).await;
        Ok((connection, asked.map_err(|failed| failed.error)?))
    }

    /// Sends a request over this connection, and waits for the head of the answer.
    async fn ask(
        &self,
        connection: &mut Connection,
        request: Box<Outgoing>,
        listener: Option<&dyn Listener>,
        now: Instant,
        end: Instant,
    ) -> Result<Answered, Box<Failed>> {
        let limit = self.origin.settings.response_timeout;
        connection.begin(request, now);
        let mut deadline = connection.deadline(limit, now).min(end);
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = connection.poll_answer(cx, listener) {
                return Poll::Ready(answered);
            }
            loop {
                ready!(connection.poll_late(cx, deadline));
                let now = Instant::now();
                deadline = connection.deadline(limit, now).min(end);
                if deadline <= now {
                    return Poll::Ready(Err(UpstreamError::Timeout));
                }
            }
        });
        answered.await.map_err(|error| {
            let is_broken = matches!(error, UpstreamError::Exchange(_));
            if is_broken || matches!(error, UpstreamError::Timeout) {
                self.origin.watch.silent();
            }
            let is_unanswered = is_broken && !connection.is_answered();
            let is_begun = connection.has_begun();
            let request = if is_unanswered { connection.take_request() } else { None };
            Box::new(Failed { error, request, is_begun })
        })
    }
}

/// The head of an answer, and how the end of its content is known.
type Answered = (AnswerHead, wire::Framing);

impl Failed {
    /// The request to send again, once and over a fresh connection, after one that had been used before broke (RFC 9110
    /// section 9.2.2): any request of which nothing was sent, and one that may have been heard if doing it twice is as
    /// good as once.
    fn again(self, is_idempotent: bool) -> Result<Box<Outgoing>, UpstreamError> {
        self.request.filter(|_| is_idempotent || !self.is_begun).ok_or(self.error)
    }
}

/// How the end of an answer's content is known.
const fn framing_of(framing: wire::Framing) -> Framing {
    match framing {
        wire::Framing::None => Framing::Length(0),
        wire::Framing::Length(length) => Framing::Length(length),
        wire::Framing::Chunked => Framing::Chunked,
        wire::Framing::UntilClose => Framing::CloseDelimited,
    }
}
