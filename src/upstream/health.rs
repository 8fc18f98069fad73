//! Whether the origin is there. What exchanges showed a moment ago is asked first; where they are silent, a connection is
//! made, and who asks within the next second is told what became of it: asking often does not burden the origin.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use super::{Origin, UpstreamError};

/// How long an answer of the origin speaks for it.
const FRESH: Duration = Duration::from_secs(10);
/// How long the outcome of a check is told to others who ask.
const SHARED: Duration = Duration::from_secs(1);
/// How long a check may take. Who asks for readiness waits for it.
const LONGEST: Duration = Duration::from_secs(2);

/// What is known of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answered a moment ago, or takes connections.
    Healthy,
    /// No connection to it can be made.
    Unreachable,
    /// It does not take a connection in time.
    Slow,
    /// It takes connections, and lately answered none of what it was asked.
    Silent,
}

impl Health {
    /// What is wrong with it, for who asks; where it is and what the system said is for the log.
    pub const fn why(self) -> Option<&'static str> {
        match self {
            Self::Healthy => None,
            Self::Unreachable => Some("no connection to the origin can be made; the log says why"),
            Self::Slow => Some("the origin does not take a connection in time"),
            Self::Silent => {
                Some("the origin takes connections, and has answered nothing for a while; the log says more")
            }
        }
    }
}

/// What was seen of an origin.
#[derive(Debug)]
pub(super) struct Watch {
    started: Instant,
    /// When it last answered, and when a connection to it last failed: milliseconds since `started`, and 1, so that 0 is never.
    answered: AtomicU64,
    failed: AtomicU64,
    /// When it last left a request without an answer, likewise.
    silent: AtomicU64,
    checked: Mutex<Option<(Instant, Health)>>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self {
            started: Instant::now(),
            answered: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            silent: AtomicU64::new(0),
            checked: Mutex::new(None),
        }
    }

    /// Takes note of an answer.
    pub(super) fn answered(&self) {
        self.answered.store(self.millis(), Ordering::Relaxed);
    }

    /// Takes note of a connection that could not be made.
    pub(super) fn failed(&self) {
        self.failed.store(self.millis(), Ordering::Relaxed);
    }

    /// Takes note of a request that it did not answer, or not with HTTP.
    pub(super) fn silent(&self) {
        self.silent.store(self.millis(), Ordering::Relaxed);
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Whether it answered a moment ago, and no connection failed since.
    fn is_heard(&self) -> bool {
        let answered = self.answered.load(Ordering::Relaxed);
        answered > self.failed.load(Ordering::Relaxed) && self.is_fresh(answered)
    }

    /// Whether it left something without an answer a moment ago, and answered nothing since.
    fn is_silent(&self) -> bool {
        let silent = self.silent.load(Ordering::Relaxed);
        let heard = self.answered.load(Ordering::Relaxed).max(self.failed.load(Ordering::Relaxed));
        silent > heard && self.is_fresh(silent)
    }

    fn is_fresh(&self, then: u64) -> bool {
        let fresh = u64::try_from(FRESH.as_millis()).unwrap_or(u64::MAX);
        then > 0 && self.millis() - then < fresh
    }

    /// What is known, or else what comes of this.
    async fn ask(&self, connect: impl Future<Output = Result<(), UpstreamError>>) -> Health {
        if self.is_heard() {
            return Health::Healthy;
        }
        if self.is_silent() {
            return Health::Silent;
        }
        let mut checked = self.checked.lock().await;
        if let Some((_, health)) = checked.filter(|(at, _)| at.elapsed() < SHARED) {
            return health;
        }
        let outcome = timeout(LONGEST, connect).await.unwrap_or(Err(UpstreamError::Timeout));
        let health = match &outcome {
            Ok(()) => Health::Healthy,
            Err(UpstreamError::Timeout) => Health::Slow,
            Err(_) => Health::Unreachable,
        };
        let is_news = checked.replace((Instant::now(), health)).map(|(_, before)| before) != Some(health);
        // Once, and not each time that somebody asks.
        match outcome {
            Err(error) if is_news => tracing::warn!(%error, "the origin is not healthy"),
            Ok(()) | Err(_) => {}
        }
        health
    }
}

impl Origin {
    /// Whether it is there: from its last answers, or from a connection that is made now, which may take two seconds.
    pub async fn health(self: &Arc<Self>) -> Health {
        let origin = Arc::clone(self);
        // In a task of its own: who asks may leave, and what was begun for them is there for the next one.
        let asking = tokio::spawn(async move {
            let connect = async { origin.connector.connect().await.map(drop) };
            origin.watch.ask(connect).await
        });
        asking.await.unwrap_or(Health::Unreachable)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending, io};

    use super::*;

    /// An origin that takes connections or not, and how often it was asked.
    async fn ask(watch: &Watch, asked: &Cell<u32>, is_there: bool) -> Health {
        let connect = async {
            asked.set(asked.get() + 1);
            if is_there { Ok(()) } else { Err(UpstreamError::Connect(io::Error::other("no").into())) }
        };
        watch.ask(connect).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_speaks_for_the_origin_for_a_while() {
        let (watch, asked) = (Watch::new(), Cell::new(0));
        watch.answered();
        tokio::time::advance(FRESH.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!(ask(&watch, &asked, false).await, Health::Healthy);
        assert_eq!(asked.get(), 0);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(ask(&watch, &asked, false).await, Health::Unreachable);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_after_the_answer_is_looked_into() {
        let (watch, asked) = (Watch::new(), Cell::new(0));
        watch.answered();
        watch.failed();
        assert_eq!(ask(&watch, &asked, true).await, Health::Healthy);
        assert_eq!(asked.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_that_takes_connections_and_answers_nothing_is_not_healthy() {
        let (watch, asked) = (Watch::new(), Cell::new(0));
        watch.answered();
        tokio::time::advance(Duration::from_secs(1)).await;
        watch.silent();
        assert_eq!(ask(&watch, &asked, true).await, Health::Healthy, "something else was answered lately");
        tokio::time::advance(FRESH).await;
        watch.silent();
        assert_eq!(ask(&watch, &asked, true).await, Health::Silent);
        assert_eq!(asked.get(), 0);
        tokio::time::advance(FRESH).await;
        assert_eq!(ask(&watch, &asked, true).await, Health::Healthy, "a connection is made");
        watch.silent();
        tokio::time::advance(Duration::from_millis(1)).await;
        watch.answered();
        assert_eq!(ask(&watch, &asked, false).await, Health::Healthy);
    }

    #[tokio::test(start_paused = true)]
    async fn the_outcome_of_a_check_is_shared_for_a_second() {
        let (watch, asked) = (Watch::new(), Cell::new(0));
        assert_eq!(ask(&watch, &asked, false).await, Health::Unreachable);
        tokio::time::advance(SHARED.checked_sub(Duration::from_millis(1)).unwrap()).await;
        assert_eq!(ask(&watch, &asked, true).await, Health::Unreachable);
        assert_eq!(asked.get(), 1);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(ask(&watch, &asked, true).await, Health::Healthy);
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_takes_a_bounded_time() {
        assert_eq!(Watch::new().ask(pending()).await, Health::Slow);
    }
}
