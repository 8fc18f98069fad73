//! `GET /api/openapi.json`: this whole place, described (OpenAPI 3.1). What the guard refuses is the same for all endpoints,
//! and is added here.

use std::sync::LazyLock;

use axum::{
    http::{Method, header::CONTENT_TYPE},
    response::IntoResponse,
};
use utoipa::{
    PartialSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        ResponseBuilder, SecurityRequirement,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{
    guard::OPEN,
    refusal::{Problem, Refused},
};
use crate::proxy::PROBLEM_JSON;

const SCHEME: &str = "token";

/// The document. It says nothing of this process, so it is made once.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

/// This document
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "openapi",
    responses((status = OK, description = "OpenAPI 3.1", body = serde_json::Value)),
)]
pub(super) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}

/// What is said before the first endpoint.
pub(super) fn frame() -> OpenApi {
    let license =
        LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("plimsoll: admin place")
        .description(Some("What an operator asks a running plimsoll."))
        .version(env!("CARGO_PKG_VERSION"))
        .license(Some(license))
        .build();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("Where a token is configured, all but the health checks need it."))
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme(SCHEME, SecurityScheme::Http(token))
        .schema("Problem", Problem::schema())
        .build();
    let security = [SecurityRequirement::new::<_, _, String>(SCHEME, []), SecurityRequirement::default()];
    OpenApiBuilder::new().info(info).components(Some(components)).security(Some(security)).build()
}

fn document() -> OpenApi {
    let mut api = super::endpoints().into_openapi();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in [(Method::GET, &mut item.get), (Method::POST, &mut item.post)] {
            if let Some(operation) = operation {
                add_refusals(operation, path, &method);
            }
        }
    }
    api
}

/// What such a request may be refused for.
fn refusals(path: &str, method: &Method) -> Vec<Refused> {
    let mut all = vec![Refused::Host, Refused::ForeignHost, Refused::CrossOrigin];
    if !OPEN.contains(&path) {
        all.push(Refused::Token);
    }
    if *method == Method::POST {
        all.extend([
            Refused::ContentType,
            Refused::ContentTooLarge,
            Refused::ContentTooSlow,
            Refused::Document,
        ]);
    }
    all
}

/// Adds what the guard may say, and that all of it, and each error of the endpoint itself, is a problem.
fn add_refusals(operation: &mut Operation, path: &str, method: &Method) {
    let responses = &mut operation.responses.responses;
    for refused in refusals(path, method) {
        let response = responses
            .entry(refused.status().as_str().to_owned())
            .or_insert_with(|| ResponseBuilder::new().build().into());
        if let RefOr::T(response) = response {
            let separator = if response.description.is_empty() { "" } else { "; " };
            response.description.extend([separator, refused.title()]);
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && response.content.is_empty()
        {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            response.content.insert(PROBLEM_JSON.to_owned(), problem.into());
        }
    }
}
