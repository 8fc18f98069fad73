//! Sessions: what this instance alone remembers of those who logged in, under an id that rides in a cookie. Both the
//! stateful shop's login and the form begin them; an instance that did not see the login knows nothing.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::COOKIE;
use http::request::Parts;

use super::accounts::Account;
use super::answer::{Level, Refusal};
use super::language::Language;
use super::signing;
use super::stateful::Cart;
use super::world::{World, lock};

const COOKIE_NAME: &str = "session";
const LIFE: Duration = Duration::from_hours(12);
/// How many sessions are remembered; one more ends the oldest.
const MAX_SESSIONS: usize = 10_000;
/// No registered scheme describes a cookie; RFC 9110 section 15.5.2 wants a challenge all the same.
pub(super) const CHALLENGE: &str = "Cookie realm=\"sample origin\", cookie-name=\"session\"";

/// What a session knows.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// Who logged in.
    pub(super) account: &'static Account,
    /// The language chosen in this session; it starts as the account's preferred one.
    pub(super) language: Language,
    /// What the stateful shop has in the cart.
    pub(super) cart: Cart,
    ends: SystemTime,
}

/// Begins a session of that account, and returns the value of Set-Cookie that hands out its id.
pub(super) fn begin(world: &World, account: &'static Account) -> Result<String, Refusal> {
    let id = signing::fresh_id()?;
    let cookie = format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Lax");
    lock(&world.sessions).begin(id, account, world.now());
    Ok(cookie)
}

/// Does something with the session of that id, unless it has ended since its request began.
pub(super) fn within<T>(
    world: &World,
    InSession(id): &InSession,
    act: impl FnOnce(&mut Session) -> T,
) -> Result<T, Refusal> {
    lock(&world.sessions).find(id, world.now()).map(act).ok_or_else(not_logged_in)
}

/// 401, in the words of the shop.
fn not_logged_in() -> Refusal {
    Refusal::unauthorized(CHALLENGE, "Not logged in").at(Level::Session)
}

/// The sessions of this instance, oldest first in `order`. All live equally long, so the oldest is also the first to end.
#[derive(Default)]
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    order: VecDeque<String>,
}

impl Sessions {
    fn begin(&mut self, id: String, account: &'static Account, now: SystemTime) {
        while self.order.front().is_some_and(|oldest| {
            let ended = self.open.get(oldest).is_none_or(|session| session.ends <= now);
            ended || self.open.len() >= MAX_SESSIONS
        }) {
            if let Some(oldest) = self.order.pop_front() {
                self.open.remove(&oldest);
            }
        }
        let session =
            Session { account, language: account.language, cart: Cart::default(), ends: now + LIFE };
        self.open.insert(id.clone(), session);
        self.order.push_back(id);
    }

    fn find(&mut self, id: &str, now: SystemTime) -> Option<&mut Session> {
        self.open.get_mut(id).filter(|session| now < session.ends)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

/// The id of the session that the request belongs to.
#[derive(Debug)]
pub(super) struct InSession(String);

impl FromRequestParts<Arc<World>> for InSession {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refusal> {
        let now = world.now();
        let mut sessions = lock(&world.sessions);
        let mut ids = session_ids(&parts.headers);
        ids.find(|id| sessions.find(id, now).is_some())
            .map(|id| Self(id.to_owned()))
            .ok_or_else(not_logged_in)
    }
}

/// Every value of the session cookie that the request carries, in order.
fn session_ids(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = fields.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::super::accounts::ACCOUNTS;
    use super::super::clock::from_unix;
    use super::*;

    #[test]
    fn one_session_too_many_ends_the_oldest() {
        let mut sessions = Sessions::default();
        let now = from_unix(1000);
        for n in 0..=MAX_SESSIONS {
            sessions.begin(n.to_string(), &ACCOUNTS[0], now);
        }
        assert!(sessions.find("0", now).is_none());
        assert!(sessions.find("1", now).is_some());
        assert_eq!(sessions.open.len(), MAX_SESSIONS);
    }

    #[test]
    fn a_session_ends_and_is_then_forgotten() {
        let mut sessions = Sessions::default();
        sessions.begin("first".to_owned(), &ACCOUNTS[0], from_unix(0));
        let last = from_unix(12 * 3600 - 1);
        assert!(sessions.find("first", last).is_some());
        assert!(sessions.find("first", from_unix(12 * 3600)).is_none());
        sessions.begin("second".to_owned(), &ACCOUNTS[0], from_unix(12 * 3600));
        assert_eq!(sessions.open.len(), 1);
    }
}
