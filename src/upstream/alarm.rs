//! A timer that is set again and again and hardly ever rings: setting it later costs nothing, because it is only moved
//! when it would ring too early.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    task::coop::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// A timer for who looks at the clock as seldom as possible.
#[derive(Debug, Default)]
pub struct Alarm {
    timer: Option<Pin<Box<Sleep>>>,
    /// Whom the timer wakes. It is not asked again on behalf of the same task before it rings.
    waiting: Option<Waker>,
    /// When it rings.
    rings: Option<Instant>,
}

impl Alarm {
    /// Ready when it is this late.
    pub fn poll(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        self.poll_at(cx, None, at)
    }

    /// The same for who has looked at the clock just `now`: then most often the timer need not even be looked at.
    pub fn poll_at(&mut self, cx: &mut Context<'_>, now: Option<Instant>, at: Instant) -> Poll<()> {
        let is_waiting = self.waiting.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        let is_to_ring = self.rings.is_some_and(|rings| rings <= at && now.is_some_and(|now| now < rings));
        if is_waiting && is_to_ring {
            return Poll::Pending;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if timer.deadline() > at {
            timer.as_mut().reset(at);
        } else if is_waiting && !timer.is_elapsed() {
            return Poll::Pending;
        }
        if !is_waiting {
            self.waiting = Some(cx.waker().clone());
        }
        loop {
            self.rings = Some(timer.deadline());
            // Of a task that has moved much at once, the runtime would not even take note of whom to wake.
            ready!(pin!(unconstrained(timer.as_mut())).poll(cx));
            if timer.deadline() >= at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_rings_when_it_was_set_last_whether_that_was_earlier_or_later() {
        let mut alarm = Alarm::default();
        let start = Instant::now();
        for (wanted, given_up_after) in [(5, 60), (9, 60), (100, 1), (11, 60)] {
            let ring = std::future::poll_fn(|cx| alarm.poll(cx, start + Duration::from_secs(wanted)));
            let in_time = tokio::time::timeout(Duration::from_secs(given_up_after), ring).await.is_ok();
            assert_eq!(in_time, start.elapsed().as_secs() == wanted, "{wanted}");
        }
        assert_eq!(start.elapsed().as_secs(), 11);
    }

    #[tokio::test(start_paused = true)]
    async fn it_rings_for_a_task_that_had_spent_its_budget_when_it_was_set() {
        let mut alarm = Alarm::default();
        let at = Instant::now() + Duration::from_secs(5);
        let mut is_first = true;
        let ring = std::future::poll_fn(|cx| {
            while is_first && let Poll::Ready(step) = tokio::task::coop::poll_proceed(cx) {
                step.made_progress();
            }
            is_first = false;
            alarm.poll(cx, at)
        });
        tokio::time::timeout(Duration::from_secs(60), ring).await.expect("it rings");
        assert_eq!(Instant::now(), at);
    }
}
