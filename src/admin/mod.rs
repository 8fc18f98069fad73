//! The admin place: what an operator asks a running proxy, on a listener of its own.
//!
//! An endpoint is one file: its function, the types that it answers with, and its description. `endpoints` lists them all,
//! and the OpenAPI description is made of that list. `guard` stands before every one of them.

mod document;
mod events;
mod explain;
mod guard;
mod healthz;
mod key;
mod listener;
mod metrics;
mod openapi;
mod purge;
mod readyz;
mod refusal;
mod routes;

use std::{sync::Arc, time::SystemTime};

use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes as endpoint};

pub use key::Key;
pub use refusal::Refused;

use crate::{proxy::Shared, server::Status, telemetry::Telemetry, upstream::Origin};
use guard::{Guard, guarded};
use refusal::Refusal;

/// What the endpoints answer from.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the workers share.
    pub shared: Arc<Shared>,
    /// What they tell.
    pub telemetry: Arc<Telemetry>,
    /// Where they get what is not stored.
    pub origin: Arc<Origin>,
    /// What the server says of itself.
    pub status: Status,
    /// When the config was loaded.
    pub loaded: SystemTime,
}

/// Answers on this listener until it is told to stop, and until what was asked before is answered. With a key, who asks has
/// to show the token that it was made from.
pub async fn serve(listener: TcpListener, place: Place, key: Option<Key>, stop: CancellationToken) {
    listener::serve(listener, router(place, key), listener::Bounds::default(), stop).await;
}

/// Every endpoint.
fn endpoints() -> OpenApiRouter<Arc<Place>> {
    OpenApiRouter::with_openapi(openapi::frame())
        .routes(endpoint!(healthz::healthz))
        .routes(endpoint!(readyz::readyz))
        .routes(endpoint!(openapi::openapi))
        .routes(endpoint!(metrics::metrics))
        .routes(endpoint!(events::events))
        .routes(endpoint!(routes::routes))
        .routes(endpoint!(purge::purge))
        .routes(endpoint!(explain::explain))
}

fn router(place: Place, key: Option<Key>) -> Router {
    Router::from(endpoints())
        .fallback(|| async { Refusal::from(Refused::NoSuchResource) })
        .method_not_allowed_fallback(|| async { Refusal::from(Refused::Method) })
        .with_state(Arc::new(place))
        .layer(middleware::from_fn_with_state(Arc::new(Guard::new(key)), guarded))
}
