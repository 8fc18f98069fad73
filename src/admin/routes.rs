//! `GET /api/routes`: every route, with what its answers taught about its declaration.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Place;
use crate::{
    proxy::Shared,
    route::{Route, Treatment},
};

/// Every route.
#[derive(Serialize, ToSchema)]
pub(super) struct Routes {
    /// In the order of the config, and at the end the default route, for requests that none of them matches.
    routes: Vec<Described>,
}

/// One route.
#[derive(Serialize, ToSchema)]
#[schema(as = Route)]
struct Described {
    /// The name in Cache-Status and logs.
    name: String,
    /// The pattern that a path has to match.
    path: String,
    /// The host that a request has to be for, or every host.
    host: Option<String>,
    /// The methods that it is for; none means every method.
    methods: Vec<String>,
    /// The query parameters that a request has to have.
    with_query: Vec<String>,
    level: DeclaredLevel,
    state: RouteState,
    /// Answers that contradict what is declared.
    findings: Vec<Finding>,
}

/// The level that is declared.
#[derive(Serialize, ToSchema)]
struct DeclaredLevel {
    /// 1 to 5; none where the origin decides.
    number: Option<u8>,
    /// Its name, or `origin`.
    name: &'static str,
}

/// Explicit state beside the path.
#[derive(Serialize, ToSchema)]
struct RouteState {
    /// The query parameters that answers depend on.
    query: Vec<String>,
    /// The request fields that answers depend on.
    headers: Vec<String>,
}

/// What contradicts the declaration, and how often it was seen.
#[derive(Serialize, ToSchema)]
struct Finding {
    /// The evidence or refusal, by name.
    reason: &'static str,
    count: u64,
}

/// Every route, with what its answers taught about its declaration
#[utoipa::path(
    get,
    path = "/api/routes",
    operation_id = "routes",
    responses((status = OK, description = "Every route, the default one last", body = Routes)),
)]
pub(super) async fn routes(State(place): State<Arc<Place>>) -> Json<Routes> {
    let table = place.shared.routes();
    let all = table.iter().chain([table.default_route()]);
    Json(Routes { routes: all.map(|route| describe(route, &place.shared)).collect() })
}

fn describe(route: &Route, shared: &Shared) -> Described {
    let level = match route.treatment {
        Treatment::Declared(level) => DeclaredLevel { number: Some(level.number()), name: level.name() },
        Treatment::Origin => DeclaredLevel { number: None, name: "origin" },
    };
    let found = shared.findings().of_route(&route.name).into_iter();
    Described {
        name: route.name.clone(),
        path: route.matches.path.as_str().to_owned(),
        host: route.matches.host.as_ref().map(ToString::to_string),
        methods: route.matches.methods.iter().map(ToString::to_string).collect(),
        with_query: route.matches.with_query.clone(),
        level,
        state: RouteState {
            query: route.state.query.clone(),
            headers: route.state.fields.iter().map(|field| field.name.as_str().to_owned()).collect(),
        },
        findings: found.map(|(reason, count)| Finding { reason, count }).collect(),
    }
}
