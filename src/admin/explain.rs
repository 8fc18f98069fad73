//! `GET /api/explain`: what this proxy holds for a request, and what would become of the request now.
//!
//! The request is in the parameters: `url`, a path or an absolute URL; `method`; `header`, as `Name: value`, as often as
//! there are fields; `content`, of a QUERY. A path without a Host is one of where clients connect.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State},
};
use http::{Method, Uri};

use super::{
    Place,
    refusal::{Refusal, Refused},
};
use crate::explain::{Live, Question, explain_live, field, would_be_refused};

/// The longest query that is read, in bytes.
const LONGEST: usize = 32 * 1024;
/// How many fields a request may have.
const MOST_FIELDS: usize = 100;

/// What a request would come to, and what is stored for it
///
/// It is a look and no request: nothing is fetched, and nothing changes. Values of cookies and of fields that say who asks
/// are hidden.
#[utoipa::path(
    get,
    path = "/api/explain",
    operation_id = "explain",
    params(
        ("url" = String, Query, description = "An absolute URL, as clients ask for it, or a path of where clients connect"),
        ("method" = Option<String>, Query, description = "The method; GET where none is given"),
        ("header" = Option<Vec<String>>, Query, description = "A field, as `Name: value`; as often as there are fields"),
        ("content" = Option<String>, Query, description = "The content, which is part of the key of a QUERY"),
    ),
    responses(
        (status = OK, description = "What is known about the request at this moment", body = Live),
        (status = BAD_REQUEST, description = "A parameter is wrong"),
        (status = UNPROCESSABLE_ENTITY, description = "The proxy would refuse this request"),
    ),
)]
pub(super) async fn explain(State(place): State<Arc<Place>>, asked: Uri) -> Result<Json<Live>, Refusal> {
    let question = question(&asked, place.shared.host())?;
    explain_live(&question, &place.shared)
        .map(Json)
        .map_err(|problem| Refusal::new(Refused::Explained, would_be_refused(problem)))
}

/// Reads the request from the parameters.
fn question(asked: &Uri, host: &str) -> Result<Question, Refusal> {
    if asked.query().is_some_and(|query| query.len() > LONGEST) {
        return Err(bad(
            None,
            format!("the query is longer than {LONGEST} bytes: ask about a smaller request"),
        ));
    }
    let Ok(Query(parameters)) = Query::<Vec<(String, String)>>::try_from_uri(asked) else {
        return Err(bad(None, "the query cannot be read: percent-encode what is in it".to_owned()));
    };
    let (mut url, mut method, mut content) = (None, None, None);
    let mut fields = Vec::new();
    for (name, value) in parameters {
        let place = match name.as_str() {
            "header" => {
                fields.push(field(&value).map_err(|why| bad(Some("header"), why))?);
                continue;
            }
            "url" => &mut url,
            "method" => &mut method,
            "content" => &mut content,
            _ => {
                let known = "the parameters are url, method, header and content, and no others".to_owned();
                return Err(bad(None, known));
            }
        };
        if place.replace(value).is_some() {
            return Err(bad(None, format!("{name} is given more than once: leave one")));
        }
    }
    if fields.len() > MOST_FIELDS {
        return Err(bad(Some("header"), format!("there are more than {MOST_FIELDS}: leave some out")));
    }
    let method = match method {
        None => Method::GET,
        Some(word) => Method::from_bytes(word.as_bytes())
            .map_err(|_| bad(Some("method"), "it is not the name of a method: write GET".to_owned()))?,
    };
    let url = read_url(url)?;
    let content = content.unwrap_or_default().into();
    Question::new(method, url, fields, content, host).map_err(|why| bad(Some("url"), why))
}

fn read_url(url: Option<String>) -> Result<Uri, Refusal> {
    let missing = || bad(Some("url"), "say which URL: url=http://localhost:8080/product/1234".to_owned());
    let url = url.filter(|url| !url.is_empty()).ok_or_else(missing)?;
    url.parse().map_err(|error| {
        bad(
            Some("url"),
            format!("it is not a URL ({error}): write a path, or start with http:// or https://"),
        )
    })
}

/// What is wrong with a parameter, and what to do.
fn bad(parameter: Option<&'static str>, detail: String) -> Refusal {
    let detail = match parameter {
        Some(parameter) => format!("{parameter}: {detail}"),
        None => detail,
    };
    Refusal::new(Refused::Parameter, detail)
}
