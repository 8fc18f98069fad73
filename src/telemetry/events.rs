//! Decisions as they happen, for who follows them: filtered where they happen, sampled where there are too many, and never
//! waited for. Nothing is made of a decision that nobody follows.

mod filter;
mod sampler;

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

pub use filter::{Filter, FilterError, Names};

use super::shown;
use crate::{level::Level, observe::Decision};
use sampler::Sampler;

/// The most that may follow at a time.
const MOST_FOLLOWERS: usize = 32;
/// How many events may wait for one of them.
const WAITING: usize = 1024;

/// One decision, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// When the request began to be answered: RFC 3339, in UTC.
    pub time: String,
    /// The request's method; none where it could not be read.
    pub method: Option<String>,
    /// The authority of its target.
    pub host: Option<String>,
    /// Its path and query; values that the operator did not declare are hidden.
    pub target: Option<String>,
    /// The status that the client gets.
    pub status: u16,
    /// The route; none where the request did not come that far.
    pub route: Option<String>,
    /// The effective level, where there is evidence for one.
    pub level: Option<u8>,
    /// The word of Cache-Status, or `error`.
    pub outcome: String,
    /// The evidence, refusal or problem behind it.
    pub reason: Option<String>,
    /// Seconds of freshness left, of a hit that expires.
    pub ttl: Option<i64>,
    /// Whether the answer is stored.
    pub stored: bool,
    /// Whether it shared the fetch of another; `false` where that was refused.
    pub collapsed: Option<bool>,
    /// How many such decisions this one stands for.
    pub one_in: u64,
}

/// What a follower is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A decision.
    Decision(Box<Event>),
    /// From now on, one of so many is told.
    Rate(u64),
    /// So many found no room on their way.
    Lost(u64),
}

impl Told {
    /// Its name among the events of a stream.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Rate(_) => "rate",
            Self::Lost(_) => "lost",
        }
    }
}

/// There are too many followers already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

/// The followers of decisions.
#[derive(Debug, Default)]
pub struct Events {
    /// How many there are: all that is looked at where there are none.
    count: AtomicUsize,
    followers: RwLock<Vec<Arc<Follower>>>,
    lost: AtomicU64,
}

#[derive(Debug)]
struct Follower {
    filter: Filter,
    sampler: Mutex<Sampler>,
    queue: mpsc::Sender<Told>,
    lost: AtomicU64,
}

/// Decisions on their way to one follower, until it is dropped.
#[derive(Debug)]
pub struct Subscription {
    queue: mpsc::Receiver<Told>,
    follower: Arc<Follower>,
    events: Arc<Events>,
}

impl Events {
    /// Follows what passes the filter, at most about `per_second` a second.
    ///
    /// # Errors
    /// Too many follow already.
    pub fn follow(self: &Arc<Self>, filter: Filter, per_second: u64) -> Result<Subscription, TooMany> {
        let (sender, queue) = mpsc::channel(WAITING);
        let sampler = Mutex::new(Sampler::new(per_second));
        let follower = Arc::new(Follower { filter, sampler, queue: sender, lost: AtomicU64::new(0) });
        let mut followers = self.followers.write().unwrap_or_else(PoisonError::into_inner);
        if followers.len() >= MOST_FOLLOWERS {
            return Err(TooMany);
        }
        followers.push(Arc::clone(&follower));
        self.count.store(followers.len(), Ordering::Release);
        Ok(Subscription { queue, follower, events: Arc::clone(self) })
    }

    /// How many events found no room so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(super) fn decided(&self, decision: &Decision<'_>) {
        if self.count.load(Ordering::Acquire) > 0 {
            self.tell(decision);
        }
    }

    #[cold]
    fn tell(&self, decision: &Decision<'_>) {
        let followers = self.followers.read().unwrap_or_else(PoisonError::into_inner);
        for follower in followers.iter().filter(|follower| follower.filter.passes(decision)) {
            let lost = follower.tell(decision);
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }
}

impl Follower {
    /// Tells of a decision, and says how many events were lost over it.
    fn tell(&self, decision: &Decision<'_>) -> u64 {
        let mut sampler = self.sampler.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sampler.one_in();
        let is_kept = sampler.keep(decision.began.mono);
        let one_in = sampler.one_in();
        drop(sampler);
        if one_in != before {
            // Each event says its rate too.
            let _ = self.queue.try_send(Told::Rate(one_in));
        }
        if !is_kept {
            return 0;
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 && self.queue.try_send(Told::Lost(lost)).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
            return 1;
        }
        if self.queue.try_send(Told::Decision(Box::new(Event::of(decision, one_in)))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return 1;
        }
        0
    }
}

impl Subscription {
    /// The next that is told.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Told>> {
        self.queue.poll_recv(cx)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut followers = self.events.followers.write().unwrap_or_else(PoisonError::into_inner);
        followers.retain(|follower| !Arc::ptr_eq(follower, &self.follower));
        self.events.count.store(followers.len(), Ordering::Release);
    }
}

impl Event {
    fn of(decision: &Decision<'_>, one_in: u64) -> Self {
        let request = decision.request.as_ref();
        Self {
            time: shown::timestamp(decision.began.wall),
            method: request.map(|request| request.method.to_string()),
            host: request.map(|request| request.authority.to_owned()),
            target: request.map(|request| shown::target(decision, request)),
            status: decision.status.as_u16(),
            route: decision.route.map(|route| route.name.clone()),
            level: decision.level.map(Level::number),
            outcome: decision.outcome.word().name().to_owned(),
            reason: decision.detail().map(str::to_owned),
            ttl: decision.ttl(),
            stored: decision.is_stored(),
            collapsed: decision.collapsed(),
            one_in,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use http::StatusCode;

    use super::*;
    use crate::{observe::Outcome, semantics::Now};

    fn decision(millis: u64) -> Decision<'static> {
        Decision {
            request: None,
            client: None,
            route: None,
            level: None,
            outcome: Outcome::Problem("bad-host"),
            reason: None,
            status: StatusCode::BAD_REQUEST,
            began: Now { wall: SystemTime::UNIX_EPOCH, mono: Duration::from_millis(millis) },
        }
    }

    fn events_of(subscription: &mut Subscription) -> Vec<Told> {
        std::iter::from_fn(|| subscription.queue.try_recv().ok()).collect()
    }

    #[test]
    fn who_follows_is_told_until_the_subscription_is_dropped() {
        let events = Arc::<Events>::default();
        let mut subscription = events.follow(Filter::default(), 10).unwrap();
        events.decided(&decision(0));
        let told = events_of(&mut subscription);
        assert!(matches!(&told[..], [Told::Decision(event)] if event.reason.as_deref() == Some("bad-host")));
        drop(subscription);
        assert_eq!(events.count.load(Ordering::Relaxed), 0);
        events.decided(&decision(0));
        assert_eq!(events.lost(), 0);
    }

    #[test]
    fn what_is_sampled_says_at_what_rate_and_adds_up() {
        let events = Arc::<Events>::default();
        let mut subscription = events.follow(Filter::default(), 10).unwrap();
        for _ in 0..400 {
            events.decided(&decision(0));
        }
        let told = events_of(&mut subscription);
        assert!(told.iter().any(|told| matches!(told, Told::Rate(one_in) if *one_in > 1)));
        let stands_for: u64 =
            told.iter().map(|told| if let Told::Decision(event) = told { event.one_in } else { 0 }).sum();
        assert!((300..=500).contains(&stands_for), "{stands_for}");
        assert!(told.len() < 100, "{}", told.len());
    }

    #[test]
    fn events_that_find_no_room_are_counted_and_told_later() {
        let events = Arc::<Events>::default();
        let mut subscription = events.follow(Filter::default(), u64::MAX).unwrap();
        for _ in 0..WAITING + 5 {
            events.decided(&decision(0));
        }
        assert_eq!(events.lost(), 5);
        assert_eq!(events_of(&mut subscription).len(), WAITING);
        events.decided(&decision(0));
        assert_eq!(events_of(&mut subscription)[0], Told::Lost(5));
    }

    #[test]
    fn there_is_a_bound_on_who_may_follow() {
        let events = Arc::<Events>::default();
        let all: Vec<_> = (0..MOST_FOLLOWERS).map(|_| events.follow(Filter::default(), 1).unwrap()).collect();
        assert_eq!(events.follow(Filter::default(), 1).unwrap_err(), TooMany);
        drop(all);
        assert!(events.follow(Filter::default(), 1).is_ok());
    }
}
