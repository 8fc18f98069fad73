//! The admin place: what an operator asks a running proxy, on a listener of its own.

use std::{future::Future, io, sync::Arc};

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    proxy::Shared,
    route::{Route, Treatment},
};

/// Answers on this listener until `stop` resolves.
///
/// # Errors
/// The listener is beyond use.
pub async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/api/routes", get(routes))
        .with_state(shared);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// Every route, with what its answers taught about its declaration.
async fn routes(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let all: Vec<Value> = shared
        .routes()
        .iter()
        .chain([shared.routes().default_route()])
        .map(|route| describe(route, &shared))
        .collect();
    Json(json!({ "routes": all }))
}

fn describe(route: &Route, shared: &Shared) -> Value {
    let level = match route.treatment {
        Treatment::Declared(level) => json!({ "number": level.number(), "name": level.name() }),
        Treatment::Origin => json!({ "number": null, "name": "origin" }),
    };
    let findings: Vec<Value> = shared
        .findings()
        .of_route(&route.name)
        .into_iter()
        .map(|(reason, count)| json!({ "reason": reason, "count": count }))
        .collect();
    json!({
        "name": route.name,
        "path": route.matches.path.as_str(),
        "host": route.matches.host.as_ref().map(ToString::to_string),
        "methods": route.matches.methods.iter().map(http::Method::as_str).collect::<Vec<_>>(),
        "with_query": route.matches.with_query,
        "level": level,
        "state": {
            "query": route.state.query,
            "headers": route.state.fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(),
        },
        "findings": findings,
    })
}
