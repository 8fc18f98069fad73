//! The stateful shop: `POST /stateful/login` begins a session that only this instance knows, and hands out its id in a
//! cookie. An instance that did not see the login answers 401.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::routing::post;
use http::header::{COOKIE, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;

use super::accounts::Account;
use super::answer::{Answer, Level, Outcome, Refusal};
use super::language::Language;
use super::login;
use super::world::{World, lock};

const COOKIE_NAME: &str = "session";
const LIFE: Duration = Duration::from_hours(12);
/// How many sessions are remembered; one more ends the oldest.
const MAX_SESSIONS: usize = 10_000;
// No registered scheme describes a cookie; RFC 9110 section 15.5.2 wants a challenge all the same.
const CHALLENGE: &str = "Cookie realm=\"sample origin\", cookie-name=\"session\"";

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/stateful/login", post(log_in))
}

async fn log_in(State(world): State<Arc<World>>, request: Request) -> Outcome {
    let account = login::account(request, CHALLENGE).await?;
    let id = lock(&world.sessions).begin(account, world.now())?;
    let cookie = format!("{COOKIE_NAME}={id}; Path=/; HttpOnly; SameSite=Lax");
    let answer = Answer::json(&json!({ "message": "Logged in successfully!" }));
    Ok(answer.at(Level::Session).field(SET_COOKIE, cookie))
}

/// What a session knows.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// The language chosen in this session; it starts as the account's preferred one.
    pub(super) language: Language,
    ends: SystemTime,
}

/// The sessions of this instance, oldest first in `order`. All live equally long, so the oldest is also the first to end.
pub(super) struct Sessions {
    open: HashMap<String, Session>,
    order: VecDeque<String>,
    key: EncodingKey,
    begun: u64,
}

impl Sessions {
    pub(super) fn new() -> Self {
        // Each `RandomState` is keyed from the system's randomness, so nobody outside can know or compute this secret.
        let secret: Vec<u8> =
            (0..4_u8).flat_map(|part| RandomState::new().hash_one(part).to_le_bytes()).collect();
        let key = EncodingKey::from_secret(&secret);
        Self { open: HashMap::new(), order: VecDeque::new(), key, begun: 0 }
    }

    /// Begins a session and returns its id: an HMAC under this instance's secret, which cannot be guessed from others.
    fn begin(&mut self, account: &Account, now: SystemTime) -> Result<String, Refusal> {
        while self.order.front().is_some_and(|oldest| {
            let ended = self.open.get(oldest).is_none_or(|session| session.ends <= now);
            ended || self.open.len() >= MAX_SESSIONS
        }) {
            if let Some(oldest) = self.order.pop_front() {
                self.open.remove(&oldest);
            }
        }
        self.begun += 1;
        let id = jsonwebtoken::crypto::sign(&self.begun.to_le_bytes(), &self.key, Algorithm::HS256)
            .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the session could not begin"))?;
        self.open.insert(id.clone(), Session { language: account.language, ends: now + LIFE });
        self.order.push_back(id.clone());
        Ok(id)
    }

    /// The session of that id, if it has not ended.
    pub(super) fn find(&mut self, id: &str, now: SystemTime) -> Option<&mut Session> {
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
pub(super) struct InSession(pub(super) String);

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

/// 401, in the words of the shop.
pub(super) fn not_logged_in() -> Refusal {
    Refusal::unauthorized(CHALLENGE, "Not logged in").at(Level::Session)
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
        let mut sessions = Sessions::new();
        let now = from_unix(1000);
        let first = sessions.begin(&ACCOUNTS[0], now).unwrap();
        let second = sessions.begin(&ACCOUNTS[0], now).unwrap();
        for _ in 2..=MAX_SESSIONS {
            sessions.begin(&ACCOUNTS[1], now).unwrap();
        }
        assert!(sessions.find(&first, now).is_none());
        assert!(sessions.find(&second, now).is_some());
        assert_eq!(sessions.open.len(), MAX_SESSIONS);
    }

    #[test]
    fn a_session_ends_and_is_then_forgotten() {
        let mut sessions = Sessions::new();
        let id = sessions.begin(&ACCOUNTS[0], from_unix(0)).unwrap();
        let last = from_unix(12 * 3600 - 1);
        assert!(sessions.find(&id, last).is_some());
        assert!(sessions.find(&id, from_unix(12 * 3600)).is_none());
        sessions.begin(&ACCOUNTS[0], from_unix(12 * 3600)).unwrap();
        assert_eq!(sessions.open.len(), 1);
    }

    #[test]
    fn two_instances_give_ids_that_do_not_repeat() {
        let ids: std::collections::HashSet<String> = [&mut Sessions::new(), &mut Sessions::new()]
            .into_iter()
            .flat_map(|sessions| [0, 1].map(|_| sessions.begin(&ACCOUNTS[0], from_unix(0)).unwrap()))
            .collect();
        assert_eq!(ids.len(), 4);
        assert!(ids.iter().all(|id| id.len() >= 43), "{ids:?}");
    }
}
