//! Interim responses of the origin on their way to the client whose request led the fetch (RFC 9110 section 15.2).
//!
//! A connection has one [`Interims`]. The request function gives each request its [`Interim`], the right to say something
//! before the final response; the connection writes what was said when everything before it is written, and says so.
//! The final response waits for that.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http::{
    HeaderMap, StatusCode,
    header::{CONTENT_LENGTH, DATE},
};

use crate::{semantics::fields::remove_hop_by_hop, store::HeadBlock, upstream::Listener};

/// The most interim responses that are passed on to one request. What an origin says beyond it is dropped, and not the
/// final response with it: hints are not worth an answer.
const MOST: usize = 16;
/// The most bytes of interim responses that are passed on to one request.
const MOST_BYTES: usize = 32 * 1024;

/// What a connection is to write before a final response.
#[derive(Clone, Debug, Default)]
pub struct Interims(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether something is to be written: all that a request without interim responses looks at.
    waiting: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The request that may say something. A fetch can outlive the request that led it.
    request: u64,
    is_open: bool,
    said: usize,
    said_bytes: usize,
    bytes: Vec<u8>,
    service: Option<Waker>,
}

impl Interims {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something is to be written.
    pub fn is_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Acquire)
    }

    /// The right of the request with this number.
    pub fn of_request(&self, request: u64) -> Interim {
        Interim { interims: self.clone(), request }
    }

    /// Lets the request with this number speak, and no other, before it is answered; until that is over, what is said
    /// wakes this task.
    pub fn open(&self, request: u64, cx: &mut Context<'_>) {
        let mut queue = self.queue();
        if queue.request != request || !queue.is_open {
            *queue = Queue { request, is_open: true, ..Queue::default() };
        }
        drop(queue);
        self.wake_by_next(cx);
    }

    /// Nobody may speak any more: the final response comes next.
    pub fn close(&self) {
        self.queue().is_open = false;
    }

    /// Takes what is to be written.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.queue().bytes)
    }

    /// Acknowledges that everything taken is written.
    pub fn written(&self) {
        let mut queue = self.queue();
        if queue.bytes.is_empty() {
            self.0.waiting.store(false, Ordering::Release);
            if let Some(service) = queue.service.take() {
                service.wake();
            }
        }
    }

    /// Waits until everything is written. Whoever waits is woken by what is said next, too.
    pub fn poll_written(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_waiting() {
            return Poll::Ready(());
        }
        self.wake_by_next(cx);
        if self.is_waiting() { Poll::Pending } else { Poll::Ready(()) }
    }

    fn wake_by_next(&self, cx: &mut Context<'_>) {
        let mut queue = self.queue();
        if queue.service.as_ref().is_none_or(|known| !known.will_wake(cx.waker())) {
            queue.service = Some(cx.waker().clone());
        }
    }
}

/// The right of one request to say something before its final response.
#[derive(Clone, Debug)]
pub struct Interim {
    interims: Interims,
    request: u64,
}

impl Listener for Interim {
    fn heard(&self, status: StatusCode, fields: &HeaderMap) {
        // 100 is between two neighbours, and the proxy answers it itself; 101 is no interim response to pass on.
        if matches!(status, StatusCode::CONTINUE | StatusCode::SWITCHING_PROTOCOLS) {
            return;
        }
        let head = head(status, fields);
        let mut queue = self.interims.queue();
        let is_ours = queue.request == self.request && queue.is_open;
        if !is_ours || queue.said == MOST || queue.said_bytes + head.len() > MOST_BYTES {
            return;
        }
        queue.said += 1;
        queue.said_bytes += head.len();
        queue.bytes.extend_from_slice(&head);
        self.interims.0.waiting.store(true, Ordering::Release);
        if let Some(service) = queue.service.take() {
            service.wake();
        }
    }
}

/// An interim response as it is written. It has no content, and its fields are for the next connection.
fn head(status: StatusCode, fields: &HeaderMap) -> Vec<u8> {
    let mut fields = fields.clone();
    remove_hop_by_hop(&mut fields);
    fields.remove(CONTENT_LENGTH);
    fields.remove(DATE);
    let mut head = format!("HTTP/1.1 {status}\r\n").into_bytes();
    head.extend_from_slice(HeadBlock::from_fields(&fields).as_bytes());
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn said(interims: &Interims, request: u64, times: usize) -> String {
        let interim = interims.of_request(request);
        let mut fields = HeaderMap::new();
        fields.insert("link", HeaderValue::from_static("</a.css>"));
        fields.insert("connection", HeaderValue::from_static("x-hop"));
        fields.insert("x-hop", HeaderValue::from_static("1"));
        for _ in 0..times {
            interim.heard(StatusCode::EARLY_HINTS, &fields);
        }
        String::from_utf8(interims.take()).unwrap()
    }

    fn opened(request: u64) -> Interims {
        let interims = Interims::default();
        interims.open(request, &mut Context::from_waker(Waker::noop()));
        interims
    }

    #[test]
    fn what_is_said_has_no_fields_of_the_connection() {
        assert_eq!(said(&opened(3), 3, 1), "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n");
    }

    #[test]
    fn only_the_request_that_is_open_may_speak() {
        let interims = opened(3);
        assert_eq!(said(&interims, 2, 1), "");
        interims.close();
        assert_eq!(said(&interims, 3, 1), "");
    }

    #[test]
    fn a_flood_is_dropped_beyond_the_cap() {
        assert_eq!(said(&opened(0), 0, 1000).matches("HTTP/1.1 103").count(), MOST);
    }

    #[test]
    fn the_final_response_waits_until_all_is_written() {
        let interims = opened(0);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(interims.poll_written(&mut cx).is_ready());
        interims.of_request(0).heard(StatusCode::PROCESSING, &HeaderMap::new());
        assert!(interims.poll_written(&mut cx).is_pending());
        assert_eq!(interims.take(), b"HTTP/1.1 102 Processing\r\n\r\n");
        assert!(interims.poll_written(&mut cx).is_pending(), "taken is not written");
        interims.written();
        assert!(interims.poll_written(&mut cx).is_ready());
    }
}
