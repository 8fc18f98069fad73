//! Weather: the conditions in a city, which drift with time. The request says all that the answer depends on beside the
//! time: the server remembers no earlier request.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::clock::step;
use super::request::Parameters;
use super::world::{World, mix_below};

/// The cities that are observed, with the lowest temperature of each in tenths of a degree.
const CITIES: [(&str, i32); 6] =
    [("Amsterdam", 40), ("Berlin", 20), ("London", 60), ("Montreal", -80), ("New York", 10), ("Paris", 70)];
const CONDITIONS: [&str; 6] = ["clear", "partly cloudy", "overcast", "fog", "light rain", "rain"];
/// How far the temperature rises above the lowest, in tenths of a degree.
const SPAN: u32 = 140;
/// Every so many steps there is a turn, and the conditions go from each turn to the next in a straight line.
const TURN: u64 = 10;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/weather", get(show))
}

async fn show(State(world): State<Arc<World>>, uri: Uri) -> Outcome {
    let query = Parameters::of(&uri)?;
    let Some(asked) = query.one("city")?.filter(|city| !city.is_empty()) else {
        let message = "which city? say so in the query: the links show how";
        return Err(Refusal::with_links(StatusCode::BAD_REQUEST, message, &links()));
    };
    let Some((number, (city, lowest))) = (0..).zip(CITIES).find(|(_, (city, _))| *city == asked) else {
        let message = "nobody observes the weather in this city; the links lead to those that are observed";
        return Err(Refusal::with_links(StatusCode::NOT_FOUND, message, &links()));
    };
    let (step, observed) = step(world.now(), world.drift);
    let between_turns = |salt: u64, span: u32| {
        let at = |turn: u64| u64::from(mix_below(world.seed, &[salt, number, turn], span));
        let (turn, on) = (step / TURN, step % TURN);
        (at(turn) * (TURN - on) + at(turn + 1) * on) / TURN
    };
    let temperature = lowest + i32::try_from(between_turns(1, SPAN)).unwrap_or(0);
    let condition = usize::try_from(between_turns(2, 6)).ok().and_then(|which| CONDITIONS.get(which));
    let conditions = json!({
        "city": city,
        "observed": httpdate::fmt_http_date(observed),
        "condition": condition,
        "temperature_celsius": f64::from(temperature) / 10.0,
        "humidity_percent": 35 + between_turns(3, 60),
        "wind_kmh": between_turns(4, 70),
        "links": { "self": href(city) },
    });
    Ok(Answer::json(&conditions).modified(observed))
}

fn links() -> Value {
    Value::Object(
        CITIES.iter().map(|(city, _)| ((*city).to_owned(), href(city).into())).collect::<Map<_, _>>(),
    )
}

fn href(city: &str) -> String {
    format!("/weather?city={}", city.replace(' ', "%20"))
}
