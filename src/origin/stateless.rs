//! The stateless shop: `POST /stateless/login` gives a signed token (HS256, one hour) that says who its bearer is. The
//! origin remembers nothing, so every instance that has the key accepts the token.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::routing::post;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::accounts::{self, Account};
use super::answer::{Answer, Level, Outcome, Refusal};
use super::clock::unix_seconds;
use super::login;
use super::world::World;

const LIFE: Duration = Duration::from_hours(1);
const CHALLENGE: &str = "Bearer realm=\"sample origin\"";
const CHALLENGE_INVALID: &str = "Bearer realm=\"sample origin\", error=\"invalid_token\"";

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/stateless/login", post(log_in))
}

async fn log_in(State(world): State<Arc<World>>, request: Request) -> Outcome {
    let account = login::account(request, CHALLENGE).await?;
    let token = world.tokens.issue(account, world.now())?;
    Ok(Answer::json(&json!({ "token": token })).at(Level::User))
}

/// Issues tokens and reads them.
pub(super) struct Tokens {
    sign: EncodingKey,
    verify: DecodingKey,
    validation: Validation,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    username: String,
    /// When the token ends, in seconds since 1970.
    exp: u64,
}

impl Tokens {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would compare with the system's clock, a minute late; `bearer` asks the origin's own.
        validation.validate_exp = false;
        Self { sign: EncodingKey::from_secret(key), verify: DecodingKey::from_secret(key), validation }
    }

    fn issue(&self, account: &Account, now: SystemTime) -> Result<String, Refusal> {
        let claims = Claims { username: account.username.to_owned(), exp: unix_seconds(now + LIFE) };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the token could not be signed"))
    }

    fn bearer(&self, token: &str, now: SystemTime) -> Option<&'static Account> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.verify, &self.validation).ok()?.claims;
        if claims.exp <= unix_seconds(now) {
            return None;
        }
        accounts::by_name(&claims.username)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Who asks, as the request's Bearer token says.
#[derive(Debug)]
pub(super) struct Caller(pub(super) &'static Account);

impl FromRequestParts<Arc<World>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, world: &Arc<World>) -> Result<Self, Refusal> {
        let refuse = |challenge, message| Err(Refusal::unauthorized(challenge, message).at(Level::User));
        let Some(value) = parts.headers.get(AUTHORIZATION) else {
            return refuse(CHALLENGE, "Authorization header missing");
        };
        let words: Vec<&str> = value.to_str().unwrap_or_default().split_ascii_whitespace().collect();
        let [scheme, token] = words.as_slice() else {
            return refuse(CHALLENGE, "Invalid authorization header");
        };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return refuse(CHALLENGE, "Invalid authorization header");
        }
        match world.tokens.bearer(token, world.now()) {
            Some(account) => Ok(Self(account)),
            None => refuse(CHALLENGE_INVALID, "Invalid or expired token"),
        }
    }
}
