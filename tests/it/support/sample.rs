//! The sample origin, by the same clock as the proxy, with a record of what reached it.

use std::{net::SocketAddr, sync::Arc};

use plimsoll::{
    observe::{Clock as _, ManualClock},
    origin::{Clock, Options, Origin, Recorded, bind_instances},
};

use super::get;

/// A running sample origin.
pub(crate) struct Sample {
    pub(crate) address: SocketAddr,
    origin: Origin,
}

/// Starts a sample origin that sends no caching fields.
pub(crate) async fn sample(clock: &Arc<ManualClock>) -> Sample {
    start(clock, false).await
}

async fn start(clock: &Arc<ManualClock>, honest: bool) -> Sample {
    let by = Arc::clone(clock);
    let options = Options {
        honest,
        clock: Clock::new(move || by.now().wall),
        seed: Some(1),
        record: 10_000,
        ..Options::default()
    };
    let listener = bind_instances(([127, 0, 0, 1], 0).into(), 1).await.expect("to bind").remove(0);
    let address = listener.local_addr().expect("an address");
    let origin = Origin::new(&options);
    tokio::spawn(origin.clone().serve(listener, std::future::pending()));
    Sample { address, origin }
}

impl Sample {
    /// Starts a sample origin that sends correct caching fields on everything.
    pub(crate) async fn honest(clock: &Arc<ManualClock>) -> Self {
        start(clock, true).await
    }

    /// How many requests it has answered.
    pub(crate) fn answered(&self) -> u64 {
        self.origin.answered()
    }

    /// What reached it, oldest first.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.origin.recorded()
    }

    /// A Bearer token for this user, straight from the origin.
    pub(crate) async fn token(&self, user: &str, password: &str) -> String {
        let answer = self.login("/stateless/login", user, password).await;
        format!("Bearer {}", answer.json()["token"].as_str().expect("a token"))
    }

    /// A session cookie for this user, straight from the origin.
    pub(crate) async fn session(&self, user: &str, password: &str) -> String {
        let answer = self.login("/stateful/login", user, password).await;
        answer.field("set-cookie").split(';').next().expect("a cookie").to_owned()
    }

    async fn login(&self, path: &str, user: &str, password: &str) -> super::Answer {
        let body = serde_json::json!({ "username": user, "password": password }).to_string();
        get(self.address, path)
            .method("POST")
            .field("content-type", "application/json")
            .body(body)
            .send()
            .await
    }
}
