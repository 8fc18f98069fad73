//! `GET /api/events`: decisions as they happen, as server-sent events.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::{
        IntoResponse, Response, Sse,
        sse::{self, KeepAlive},
    },
};
use futures_core::Stream;
use serde::Serialize;
use utoipa::IntoParams;

use super::{
    Place,
    refusal::{Refusal, Refused},
};
use crate::{
    proxy,
    telemetry::{Event, Filter, Names, Subscription, Told, TooMany},
};

/// How many events a second a follower gets at most, unless it says otherwise, and the most that it can ask for.
const USUAL_RATE: u64 = 200;
const MOST_RATE: u64 = 10_000;
/// How often a silent stream says that it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Which decisions are told. Several of one kind let through what has any of them; what has one of each kind that is named
/// passes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "this is how the parameters are described; repeats are read from the query itself"
)]
pub(super) struct Asked {
    /// Names of routes.
    route: Option<Vec<String>>,
    /// Words of Cache-Status (`hit`, `uri-miss`, `bypass` ...), `error`, or `miss` for all but hits.
    outcome: Option<Vec<String>>,
    /// Levels, by number or name.
    level: Option<Vec<String>>,
    /// Names of evidence, refusals or problems.
    reason: Option<Vec<String>>,
    /// Beginnings of paths.
    path: Option<Vec<String>>,
    /// How many a second are told at most; where there are more, one of so many is, and says of how many.
    #[param(minimum = 1, maximum = 10_000, default = 200)]
    rate: Option<u64>,
}

/// One in how many decisions is told from now on.
#[derive(Serialize)]
struct Rate {
    one_in: u64,
}

/// How many events found no room on their way.
#[derive(Serialize)]
struct Lost {
    events: u64,
}

/// Decisions as they happen
///
/// Server-sent events: `decision` for each decision, `rate` where from now on only one in so many is told, `lost` where some
/// found no room because the follower did not read them in time.
#[utoipa::path(
    get,
    path = "/api/events",
    operation_id = "events",
    params(Asked),
    responses(
        (
            status = OK,
            description = "A stream without end; the data of a `decision` is this, as JSON",
            body = Event,
            content_type = "text/event-stream",
        ),
        (status = BAD_REQUEST, description = "A parameter is wrong"),
        (status = SERVICE_UNAVAILABLE, description = "Too many follow already"),
    ),
)]
pub(super) async fn events(
    State(place): State<Arc<Place>>,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Refusal> {
    let problems = proxy::Problem::ALL.map(proxy::Problem::name);
    let names = Names { routes: place.shared.routes(), problems: &problems };
    let (mut filter, mut rate) = (Filter::default(), USUAL_RATE);
    let Ok(Query(parameters)) = parameters else {
        return Err(Refusal::new(
            Refused::Parameter,
            "the query cannot be read: percent-encode what is in it",
        ));
    };
    for (name, value) in parameters {
        if name == "rate" {
            let wanted = value.parse().ok().filter(|wanted| (1..=MOST_RATE).contains(wanted));
            rate = wanted.ok_or_else(|| {
                Refusal::new(
                    Refused::Parameter,
                    format!("rate is a number from 1 to {MOST_RATE}, and not {value:?}"),
                )
            })?;
            continue;
        }
        filter
            .allow(&name, &value, names)
            .map_err(|error| Refusal::new(Refused::Parameter, error.to_string()))?;
    }
    let subscription = place
        .telemetry
        .events()
        .follow(filter, rate)
        .map_err(|TooMany| Refusal::from(Refused::TooManyFollowers))?;
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(Following(subscription)).keep_alive(keep_alive).into_response())
}

/// What a follower is told, as events of a stream.
struct Following(Subscription);

impl Stream for Following {
    type Item = Result<sse::Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(told) = ready!(self.0.poll_next(cx)) else { return Poll::Ready(None) };
        let (name, event) = (told.name(), sse::Event::default());
        let event = match told {
            Told::Decision(decision) => event.event(name).json_data(decision),
            Told::Rate(one_in) => event.event(name).json_data(Rate { one_in }),
            Told::Lost(events) => event.event(name).json_data(Lost { events }),
        };
        // Nothing that is told has a form that JSON has not.
        Poll::Ready(Some(Ok(event.unwrap_or_default())))
    }
}
