//! `GET /metrics`: the metrics, as Prometheus reads them.

use std::{sync::Arc, time::SystemTime};

use axum::{
    extract::State,
    http::{HeaderValue, header::CONTENT_TYPE},
    response::IntoResponse,
};

use super::Place;
use crate::{
    proxy::Shared,
    store::Evictions,
    telemetry::{Gauges, METRICS_CONTENT_TYPE, StoreGauges},
    upstream::Health,
};

/// Metrics, for Prometheus
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    responses((
        status = OK,
        description = "The text format of Prometheus, version 0.0.4",
        body = String,
        content_type = "text/plain; version=0.0.4; charset=utf-8",
    )),
)]
pub(super) async fn metrics(State(place): State<Arc<Place>>) -> impl IntoResponse {
    let Place { shared, telemetry, origin, loaded, .. } = &*place;
    let since_epoch = loaded.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let gauges = Gauges {
        store: stored(shared),
        fetches_in_progress: shared.fetches_in_progress(),
        findings: findings(shared),
        origin_up: origin.health().await == Health::Healthy,
        config_loaded: since_epoch.as_secs_f64(),
        lost_lines: telemetry.lost_lines(),
        lost_events: telemetry.events().lost(),
    };
    let text = telemetry.metrics().expose(gauges);
    ([(CONTENT_TYPE, HeaderValue::from_static(METRICS_CONTENT_TYPE))], text)
}

fn stored(shared: &Shared) -> StoreGauges {
    let store = shared.store();
    let Evictions { capacity, purged, discarded } = store.evictions();
    StoreGauges {
        keys: store.len(),
        bytes: store.resident_bytes(),
        capacity: store.budget().capacity(),
        evictions: [("capacity", capacity), ("purged", purged), ("discarded", discarded)],
    }
}

fn findings(shared: &Shared) -> Vec<(String, &'static str, u64)> {
    let routes = shared.routes().iter().chain([shared.routes().default_route()]);
    let of_route = |name: &str| shared.findings().of_route(name);
    routes
        .flat_map(|route| {
            let found = of_route(&route.name).into_iter();
            found.map(|(reason, count)| (route.name.clone(), reason, count)).collect::<Vec<_>>()
        })
        .collect()
}
