//! Requests that go to the origin as they came, and what happens to the fields of an answer that is passed on.

use std::time::SystemTime;

use http::{
    HeaderMap, Version,
    header::{DATE, VIA},
};

use super::{
    Answering, Problem, Proxy, Reply,
    exchange::Exchange,
    outgoing::{as_it_came, own_via},
    passed::PassedLines,
    respond::Outcome,
};
use crate::{
    decision::Bypass,
    semantics::{Now, cache_status::Handling, date::format_date, methods},
};

impl Proxy {
    /// Forwards a request as it came, and passes the answer on as it comes. Nothing is stored.
    pub(super) fn forward<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        bypass: Bypass,
        now: Now,
    ) -> Answering<'a> {
        Box::pin(self.pass_through(exchange, bypass, now))
    }

    async fn pass_through(
        &self,
        exchange: &mut Exchange,
        bypass: Bypass,
        asked: Now,
    ) -> Result<Reply, Problem> {
        let settings = &self.shared.settings;
        let request = as_it_came(exchange, settings).ok_or(Problem::Internal)?;
        let stamp = self.shared.store.purge_clock().now();
        let came = self.ask(request, exchange.interim.as_ref(), asked, stamp).await?;
        let level = bypass.evidence.level();
        let outcome = Outcome::of(Handling::forwarded(bypass.fwd), level, bypass.reason);
        let is_safe = methods::is_safe(&exchange.parts.method);
        if is_safe && let Some(lines) = PassedLines::of(&came.answer) {
            return Ok(self.respond_lines(exchange, lines, came.answer, outcome).into());
        }
        let mut arrived = came.read()?;
        if !is_safe && let Some(stamp) = self.invalidate(exchange, &arrived.response, stamp) {
            arrived.stamp = stamp;
            if let Some((errand, receiving)) = self.answer_to_get(exchange, &arrived) {
                let filling = self.spawn_fill(errand, receiving, arrived.response.into_body()).await?;
                let stored =
                    Handling::Forwarded { why: bypass.fwd, status: None, stored: true, collapsed: None };
                let outcome = Outcome::of(stored, level, None);
                return Ok(self.respond_filling(exchange, filling, outcome));
            }
        }
        Ok(self.respond_passed(exchange, arrived.response, outcome).into())
    }
}

/// The fields of an answer that is passed on, without those of its connection.
pub(super) fn passed_fields(fields: &mut HeaderMap, version: Version, now: impl FnOnce() -> SystemTime) {
    fields.append(VIA, own_via(version));
    ensure_date(fields, now);
}

/// Adds a Date where the origin sent none (RFC 9110 section 6.6.1).
pub(super) fn ensure_date(fields: &mut HeaderMap, received: impl FnOnce() -> SystemTime) {
    if !fields.contains_key(DATE)
        && let Some(date) = format_date(received())
    {
        fields.insert(DATE, date);
    }
}
