//! What a connection's two ends share: the wire, which sees bytes, and the service, which sees requests. Requests are
//! counted on both sides, so that what the wire refuses is answered in its place among pipelined answers.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;

use super::{desk::Desk, waiting::Kept};
use crate::{
    observe::Account,
    proxy::{Begun, Body, Interims, Proxy, Reply},
    wire::Violation,
};

/// Shared by a connection's wire and its service. Before there is an engine, a hit looks at nothing of it.
#[derive(Debug, Default)]
pub(in crate::server) struct Front {
    /// How many requests are answered whole.
    answered: AtomicU64,
    /// Whether the end of an answer may be waiting in the engine to be written.
    is_unwritten: AtomicBool,
    /// Whether everything is to go through the engine from now on.
    is_ending: AtomicBool,
    /// Whether the connection is to end with a reset.
    cut: AtomicBool,
    is_refused: AtomicBool,
    /// How many requests the service has been asked.
    asked: AtomicU64,
    /// The limit that the client was slower than.
    gave_up: OnceLock<&'static str>,
    interims: Interims,
    /// What a request, by its number, has come to before the engine asks for it.
    begun: Mutex<Option<(u64, Kept)>>,
    refusal: Mutex<Option<(u64, Violation)>>,
    /// Whether somebody waits for an answer to be over or written: all that the end of an answer looks at.
    is_awaited: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl Front {
    /// Refuses the message with this number, from 0. Nothing is read behind it.
    pub(super) fn refuse(&self, number: u64, violation: Violation) {
        *lock(&self.refusal) = Some((number, violation));
        self.is_refused.store(true, Ordering::Release);
    }

    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Acquire)
    }

    pub(super) fn refusal_of(&self, number: u64) -> Option<Violation> {
        if !self.is_refused() {
            return None;
        }
        lock(&self.refusal).filter(|(refused, _)| *refused == number).map(|(_, violation)| violation)
    }

    /// Whether this many messages are answered.
    pub(super) fn has_answered(&self, messages: u64) -> bool {
        self.answered.load(Ordering::Acquire) >= messages
    }

    /// Counts an answer that is over, and wakes who waited for it.
    ///
    /// Either this sees that somebody waits, or who waits sees the count: each writes the one before it reads the other,
    /// and all agree on the order of these four.
    pub(super) fn count_answer(&self) {
        // First: who sees the count sees this too.
        self.is_unwritten.store(true, Ordering::Relaxed);
        self.answered.fetch_add(1, Ordering::SeqCst);
        self.wake_reader();
    }

    /// Waits until this many messages are answered.
    pub(super) fn poll_answered(&self, cx: &mut Context<'_>, messages: u64) -> Poll<()> {
        self.poll_until(cx, || self.answered.load(Ordering::SeqCst) >= messages)
    }

    /// Waits until this many messages are answered, and the answers written.
    pub(super) fn poll_at_rest(&self, cx: &mut Context<'_>, messages: u64) -> Poll<()> {
        self.poll_until(cx, || {
            self.answered.load(Ordering::SeqCst) >= messages && !self.is_unwritten.load(Ordering::SeqCst)
        })
    }

    fn poll_until(&self, cx: &mut Context<'_>, is_over: impl FnOnce() -> bool) -> Poll<()> {
        *lock(&self.reader) = Some(cx.waker().clone());
        self.is_awaited.store(true, Ordering::SeqCst);
        let is_over = is_over();
        self.is_awaited.store(!is_over, Ordering::SeqCst);
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    }

    fn wake_reader(&self) {
        if self.is_awaited.load(Ordering::SeqCst)
            && let Some(reader) = lock(&self.reader).take()
        {
            reader.wake();
        }
    }

    /// Ends the connection with a reset: its client could take a clean end for the end of the content.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Notes the limit that the client was slower than; the first counts.
    pub(super) fn give_up(&self, limit: &'static str) {
        self.gave_up.get_or_init(|| limit);
    }

    /// The limit that the client was slower than, if that ends the connection.
    pub(in crate::server) fn gave_up(&self) -> Option<&'static str> {
        self.gave_up.get().copied()
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }

    /// Takes note that all that the engine had is written.
    pub(super) fn note_written(&self) {
        // Only a change wakes who waits: woken, it has the engine flush again, and would be woken for ever.
        if self.is_unwritten.load(Ordering::Relaxed) {
            self.is_unwritten.store(false, Ordering::SeqCst);
            self.wake_reader();
        }
    }

    /// Whether this many messages are answered, and the answers written.
    pub(super) fn is_at_rest(&self, messages: u64) -> bool {
        self.has_answered(messages) && !self.is_unwritten.load(Ordering::Relaxed)
    }

    /// Keeps what a request has come to, until the engine has read it too and asks for it by this number.
    pub(super) fn keep(&self, number: u64, kept: Kept) {
        *lock(&self.begun) = Some((number, kept));
    }

    /// What the request with this number has come to already.
    fn take_begun(&self, number: u64) -> Option<Kept> {
        lock(&self.begun).take_if(|(begun, _)| *begun == number).map(|(_, begun)| begun)
    }

    /// From now on everything goes through the engine, which can say with an answer that it is the last one.
    pub(in crate::server) fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    pub(super) const fn interims(&self) -> &Interims {
        &self.interims
    }

    /// Answers a request, or says why it was refused.
    pub(in crate::server) fn answer<'a>(
        self: &'a Arc<Self>,
        Desk { proxy, peer }: &'a Desk,
        request: Request<Incoming>,
    ) -> Answer<'a> {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let is_old = request.version() < Version::HTTP_11;
        let answering = Answering { front: Arc::clone(self), proxy: Arc::clone(proxy), is_old };
        if let Some(violation) = self.refusal_of(number) {
            return Answer::Now(Some(answering.carrying(proxy.refuse(violation, *peer))));
        }
        let kept = self.take_begun(number).unwrap_or_else(|| {
            let (head, content) = request.into_parts();
            match proxy.begin(head, Some(content).filter(|content| !content.is_end_stream()), *peer) {
                Begun::Answered(reply) => Kept::Answered(reply),
                Begun::Open(open) => Kept::Open(open),
            }
        });
        match kept {
            Kept::Answered(reply) => Answer::Now(Some(answering.carrying(reply.into_response()))),
            Kept::Waiting(waiting) => Answer::Later(Box::pin(async move {
                let (mut answer, interim) = waiting.into_parts();
                let reply = self.with_interims(answer.as_mut(), interim, is_old).await;
                answering.carrying(reply.into_response())
            })),
            Kept::Open(open) => Answer::Later(Box::pin(async move {
                // An old client could not tell an interim response from the final one.
                let interim = (!is_old).then(|| self.interims.of_request(number));
                let answer = pin!(proxy.go_on(open, interim));
                let reply = self.with_interims(answer, number, is_old).await;
                // Content that broke a rule: whatever came of the request, this is what was wrong with it.
                answering.carrying(match self.refusal_of(number) {
                    Some(violation) => proxy.refuse(violation, *peer),
                    None => reply.into_response(),
                })
            })),
        }
    }

    /// The final answer, once everything that was said before it is written.
    async fn with_interims(
        &self,
        mut answer: Pin<&mut (impl Future<Output = Reply> + ?Sized)>,
        number: u64,
        is_old: bool,
    ) -> Reply {
        let mut is_open = false;
        let reply = std::future::poll_fn(|cx| {
            let polled = answer.as_mut().poll(cx);
            // A hit is ready at once and has nothing to wait for.
            if polled.is_pending() && !is_old {
                self.interims.open(number, cx);
                is_open = true;
            }
            polled
        })
        .await;
        if is_open {
            self.interims.close();
            std::future::poll_fn(|cx| self.interims.poll_written(cx)).await;
        }
        reply
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The answer to a request. Most hits are there at once, and then there is no future to be made, moved and polled.
#[expect(clippy::large_enum_variant, reason = "what is answered at once is to cost no allocation")]
pub(in crate::server) enum Answer<'a> {
    Now(Option<Response<Carried>>),
    Later(Pin<Box<dyn Future<Output = Response<Carried>> + Send + 'a>>),
}

impl Future for Answer<'_> {
    type Output = Result<Response<Carried>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            // The engine polls nothing that was ready.
            Self::Now(response) => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
            Self::Later(response) => response.as_mut().poll(cx).map(Ok),
        }
    }
}

/// A request that is being answered, until its answer is over or given up.
#[derive(Debug)]
struct Answering {
    front: Arc<Front>,
    proxy: Arc<Proxy>,
    /// Whether the client takes the end of the connection for the end of the content.
    is_old: bool,
}

impl Answering {
    fn carrying(self, mut response: Response<Body>) -> Response<Carried> {
        if let Some(head) = response.body_mut().take_head() {
            head.add_to(response.headers_mut());
        }
        // Only the end of the connection tells an old client where this content ends. The engine would say that it goes on,
        // unless the answer is of the old version too.
        if self.is_old && response.body().size_hint().exact().is_none() {
            *response.version_mut() = Version::HTTP_10;
        }
        response.map(|body| Carried::new(body, self))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.front.count_answer();
    }
}

/// Content on its way to the client. It tells when it is over, and cuts the connection when it is cut short itself and
/// the client could not see that.
#[derive(Debug)]
pub(in crate::server) struct Carried {
    body: Body,
    account: Option<Account>,
    /// How many bytes of it are on their way.
    bytes: u64,
    /// Whether it has come to its end.
    is_over: bool,
    /// Why it will not. The engine forgets what it has not written when it hears of that, so it is left time to write what
    /// came before.
    failure: Option<<Body as HttpBody>::Error>,
    has_failed: bool,
    answering: Answering,
}

impl Carried {
    fn new(mut body: Body, answering: Answering) -> Self {
        let account = body.take_account();
        Self { body, account, bytes: 0, is_over: false, failure: None, has_failed: false, answering }
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        if let Some(account) = self.account.take() {
            let is_whole = self.is_over || (!self.has_failed && self.body.is_end_stream());
            self.answering.proxy.close_account(account, self.bytes, is_whole);
        }
    }
}

impl HttpBody for Carried {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if let Some(error) = this.failure.take() {
            if this.answering.is_old {
                this.answering.front.cut();
            }
            return Poll::Ready(Some(Err(error)));
        }
        let polled = Pin::new(&mut this.body).poll_frame(cx);
        match polled {
            Poll::Ready(Some(Err(error))) => {
                (this.failure, this.has_failed) = (Some(error), true);
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(ref frame))) => {
                this.bytes += frame.data_ref().map_or(0, Bytes::len) as u64;
                // The engine does not ask what comes behind them.
                this.is_over = frame.is_trailers();
            }
            Poll::Ready(None) => this.is_over = true,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
