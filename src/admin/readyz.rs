//! `GET /readyz`: whether the process can do its work now, and what is in the way if it cannot.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::Place;
use crate::telemetry::timestamp;

/// Whether the proxy can do its work now.
#[derive(Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether every check has passed.
    ready: bool,
    checks: Checks,
}

/// Each check, by name.
#[derive(Serialize, ToSchema)]
struct Checks {
    /// Every worker accepts connections on every address.
    listening: Check,
    /// The proxy runs on a config that is valid.
    config: ConfigCheck,
    /// The origin answered within the last ten seconds, or takes a connection now.
    origin: Check,
    /// The proxy was not told to stop.
    draining: Check,
}

/// One check.
#[derive(Serialize, ToSchema)]
struct Check {
    passed: bool,
    /// What is in the way, if it has not passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    why: Option<&'static str>,
}

/// The check of the config.
#[derive(Serialize, ToSchema)]
struct ConfigCheck {
    /// A config that is not valid is never run on.
    passed: bool,
    /// When it was loaded.
    #[schema(format = DateTime)]
    loaded: String,
}

impl Check {
    const fn unless(why: Option<&'static str>) -> Self {
        Self { passed: why.is_none(), why }
    }
}

/// Whether the proxy can do its work now
///
/// It can, if it listens, has a valid config, has an origin that is healthy, and is not about to end.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "ready",
    responses(
        (status = OK, description = "It can", body = Readiness),
        (status = SERVICE_UNAVAILABLE, description = "It cannot, and this is why", body = Readiness),
    ),
    security(()),
)]
pub(super) async fn readyz(State(place): State<Arc<Place>>) -> (StatusCode, Json<Readiness>) {
    let status = &place.status;
    let not_listening = (!status.is_listening()).then_some("not every worker accepts connections");
    let draining = status.is_draining().then_some("the proxy was told to stop, and completes what it has");
    let checks = Checks {
        listening: Check::unless(not_listening),
        config: ConfigCheck { passed: true, loaded: timestamp(place.loaded) },
        origin: Check::unless(place.origin.health().await.why()),
        draining: Check::unless(draining),
    };
    let ready =
        checks.listening.passed && checks.config.passed && checks.origin.passed && checks.draining.passed;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks }))
}
