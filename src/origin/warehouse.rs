//! Permanent data: the sales of each year whose books are closed. What a year sold is a function of the year alone, so
//! every instance of every run gives the same answer for ever.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Level, Outcome, Refusal};
use super::clock::{new_year, year};
use super::request::{self, Segment};
use super::world::{World, mix_below};

/// The first year that the warehouse sold anything.
const FIRST_YEAR: u64 = 1998;
/// Never change these two: they are what the warehouse sold.
const LEDGER: u64 = 0x0001_8760;
const BUSIEST_QUARTER: u32 = 90_000;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/warehouse/sales/{year}", get(sales))
}

async fn sales(State(world): State<Arc<World>>, Segment(segment): Segment) -> Outcome {
    let asked = u64::from(request::number(&segment)?);
    let running = year(world.now());
    if asked < FIRST_YEAR || asked >= running {
        let message =
            "no books were closed for this year; the links lead to the first and the last that were";
        let links = json!({
            "first": format!("/warehouse/sales/{FIRST_YEAR}"),
            "last": format!("/warehouse/sales/{}", running - 1),
        });
        return Err(Refusal::with_links(StatusCode::NOT_FOUND, message, &links));
    }
    Ok(Answer::json(&totals(asked)).at(Level::Permanent).modified(new_year(asked + 1)))
}

fn totals(year: u64) -> Value {
    let quarters: Vec<u32> =
        (1..=4).map(|quarter| 10_000 + mix_below(LEDGER, &[year, quarter], BUSIEST_QUARTER)).collect();
    let orders = 500 + mix_below(LEDGER, &[year], 9_500);
    json!({
        "year": year,
        "currency": "EUR",
        "orders": orders,
        "revenue": quarters.iter().sum::<u32>(),
        "revenue_by_quarter": quarters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_year_sold_is_the_same_in_every_build() {
        assert_eq!(totals(2012)["revenue"], 240_882);
        assert_ne!(totals(2012)["revenue"], totals(2011)["revenue"]);
    }
}
