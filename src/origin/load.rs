//! The load target: any size, delay, status and fault, as the URL says. Its content is one static buffer, shown again and
//! again and only as fast as the client reads, so that a terabyte costs no more memory than a kilobyte.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use http_body::{Frame, SizeHint};
use serde_json::json;

use super::answer::{Answer, Outcome, Refusal};
use super::request::{Parameters, Segment};
use super::wire::{Fault, Line};
use super::world::{World, fixtures_written, lock};

const LINE: &[u8; 64] = b"plimsoll load 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM\n";
const BUFFER: usize = 16 * 1024;
static FILLER: [u8; BUFFER] = filler();

/// Lengths near the end of 64 bits have a meaning of their own in HTTP libraries.
const MAX_BYTES: u64 = 1 << 62;
const MAX_DELAY: Duration = Duration::from_hours(1);

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/load/{bytes}", get(load))
}

/// What a request orders.
#[derive(Debug)]
struct Order {
    bytes: u64,
    delay: Duration,
    /// Up to this much is added to the delay, by chance.
    jitter: Duration,
    status: StatusCode,
    /// Whether the length is left unsaid.
    chunked: bool,
    fail: Fail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fail {
    Never,
    BeforeHead(Fault),
    /// After half of the content.
    InContent(Fault),
}

async fn load(
    State(world): State<Arc<World>>,
    Segment(segment): Segment,
    uri: Uri,
    method: Method,
    line: Option<Extension<Line>>,
) -> Outcome {
    let order = Order::parse(&segment, &uri)?;
    let mut wait = order.delay;
    if !order.jitter.is_zero() {
        wait += order.jitter.mul_f64(lock(&world.chance).f64());
    }
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let cut = match (order.fail, line) {
        (Fail::Never, _) => None,
        // There is nothing to break off in an answer to HEAD.
        (Fail::InContent(_), _) if method == Method::HEAD => None,
        (_, None) => {
            let message = "a fault needs a connection, and this request came over none";
            return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, message));
        }
        (Fail::BeforeHead(fault), Some(Extension(line))) => {
            line.order(fault);
            pending().await
        }
        (Fail::InContent(fault), Some(Extension(line))) => Some(Cut { before: order.bytes / 2, fault, line }),
    };
    if !order.has_content() {
        return Ok(Answer::empty(order.status));
    }
    let content = Content { left: order.bytes, chunked: order.chunked, cut };
    let answer = Answer::stream("text/plain", Body::new(content), format!("load-{}", order.bytes));
    Ok(answer.status(order.status).modified(fixtures_written()))
}

impl Order {
    fn parse(segment: &str, uri: &Uri) -> Result<Self, Refusal> {
        let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
        let bytes = segment.parse().ok().filter(|bytes| digits && *bytes <= MAX_BYTES);
        let query = &Parameters::of(uri)?;
        let order = Self {
            bytes: bytes
                .ok_or_else(|| refuse("the length is a number of bytes, at most 2 to the power of 62"))?,
            delay: duration(query, "delay")?,
            jitter: duration(query, "jitter")?,
            status: parameter(query, "status", "200", "status is a number from 200 to 599", status)?,
            chunked: parameter(query, "chunked", "false", "chunked is true or false", flag)?,
            fail: parameter(query, "fail", "never", FAILS, Fail::from_name)?,
        };
        if matches!(order.fail, Fail::InContent(_)) && (order.bytes == 0 || !order.has_content()) {
            return Err(refuse(
                "a fault in the content needs content: a byte or more, under a status that has any",
            ));
        }
        Ok(order)
    }

    fn has_content(&self) -> bool {
        ![StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED].contains(&self.status)
    }
}

const FAILS: &str =
    "fail is reset-before-head, close-before-head, stall-before-head, reset, truncate or stall";

impl Fail {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "never" => Some(Self::Never),
            "reset-before-head" => Some(Self::BeforeHead(Fault::Reset)),
            "close-before-head" => Some(Self::BeforeHead(Fault::Close)),
            "stall-before-head" => Some(Self::BeforeHead(Fault::Stall)),
            "reset" => Some(Self::InContent(Fault::Reset)),
            "truncate" => Some(Self::InContent(Fault::Close)),
            "stall" => Some(Self::InContent(Fault::Stall)),
            _ => None,
        }
    }
}

fn parameter<T>(
    query: &Parameters,
    name: &str,
    default: &str,
    takes: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<T, Refusal> {
    read(query.one(name)?.unwrap_or(default)).ok_or_else(|| refuse(takes))
}

fn duration(query: &Parameters, name: &str) -> Result<Duration, Refusal> {
    let takes = format!("{name} is a time such as 250ms, 2s or 1m, at most an hour");
    parameter(query, name, "0", &takes, |text| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at_checked(digits)?;
        let number: u64 = number.parse().ok()?;
        let duration = match unit {
            "" | "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            _ => return None,
        };
        (duration <= MAX_DELAY).then_some(duration)
    })
}

fn status(text: &str) -> Option<StatusCode> {
    let number = text.parse().ok().filter(|number| (200..600).contains(number))?;
    StatusCode::from_u16(number).ok()
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "" | "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

fn refuse(message: &str) -> Refusal {
    let links = json!({ "example": "/load/1024?delay=250ms&jitter=50ms&status=200&chunked=true" });
    Refusal::with_links(StatusCode::BAD_REQUEST, message, &links)
}

/// As much of the filler as was ordered, and the fault on the way if one was.
#[derive(Debug)]
struct Content {
    left: u64,
    chunked: bool,
    cut: Option<Cut>,
}

#[derive(Debug)]
struct Cut {
    /// How many bytes are still to be sent before the fault.
    before: u64,
    fault: Fault,
    line: Line,
}

impl http_body::Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let room = match &self.cut {
            // No waker: the connection carries the fault out, and this body is never to go on.
            Some(Cut { before: 0, fault, line }) => {
                line.order(*fault);
                return Poll::Pending;
            }
            Some(cut) => cut.before.min(self.left),
            None => self.left,
        };
        if room == 0 {
            return Poll::Ready(None);
        }
        let filler = Bytes::from_static(&FILLER);
        let frame = usize::try_from(room).map_or(filler.clone(), |room| filler.slice(..room.min(BUFFER)));
        let sent = u64::try_from(frame.len()).unwrap_or(room);
        self.left -= sent;
        if let Some(cut) = &mut self.cut {
            cut.before -= sent;
        }
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.chunked { SizeHint::default() } else { SizeHint::with_exact(self.left) }
    }
}

const fn filler() -> [u8; BUFFER] {
    let mut filler = [0; BUFFER];
    let mut at = 0;
    while at < BUFFER {
        filler[at] = LINE[at % LINE.len()];
        at += 1;
    }
    filler
}
