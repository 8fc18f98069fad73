//! Dynamic data: a product's price and stock, which drift with time until somebody sets them, and which may be deleted.
//! The same path with a language in it is the product's text instead, and that is permanent: see `text`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::get;
use http::header::LOCATION;
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, Refusal};
use super::clock::step;
use super::honest;
use super::request::{self, Parameters, Segment};
use super::text;
use super::world::{World, lock, mix_below};

/// The products that are there from the beginning, with the price in cents that theirs drifts around.
const FIXTURES: [(u32, u32); 4] = [(1234, 4_990), (1235, 12_900), (1236, 3_400), (1237, 5_450)];
/// How many products a `PUT` may bring the catalogue to.
const MAX_PRODUCTS: usize = 1_000;
const MAX_PRICE: f64 = 1_000_000.0;

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/product/{id}", get(show).put(set).delete(delete))
}

/// What a path under `/product/` names.
#[derive(Debug, PartialEq)]
enum Named {
    Product(u32),
    Text { product: u32, language: String },
}

/// What the catalogue knows about one product.
#[derive(Clone, Copy, Debug)]
enum Entered {
    /// Price and stock follow the clock, around this price in cents.
    Drifting { around: u32, since: SystemTime },
    /// Price and stock as somebody set them.
    Set { price: f64, stock: u32, at: SystemTime },
    /// There was such a product.
    Deleted,
}

/// Every product that is or was.
#[derive(Debug)]
pub(super) struct Catalogue(HashMap<u32, Entered>);

/// What `PUT` takes. Other members are ignored, so that what `GET` gave can be sent back changed.
#[derive(Debug, Deserialize)]
struct Wanted {
    price: f64,
    stock: u32,
}

impl Catalogue {
    pub(super) fn new(began: SystemTime) -> Self {
        let entered = |(id, around)| (id, Entered::Drifting { around, since: began });
        Self(FIXTURES.into_iter().map(entered).collect())
    }
}

/// The product as it is now; 404 if there never was one, 410 if it was deleted.
pub(super) fn now(world: &World, id: u32) -> Outcome {
    let entered = lock(&world.catalogue).0.get(&id).copied();
    represent(world, id, entered)
}

fn represent(world: &World, id: u32, entered: Option<Entered>) -> Outcome {
    let (price, stock, modified) = match entered {
        Some(Entered::Set { price, stock, at }) => (price, stock, at),
        Some(Entered::Drifting { around, since }) => {
            let (step, stepped) = step(world.now(), world.drift);
            let inputs = [u64::from(id), step];
            let cents = around + mix_below(world.seed, &inputs, around / 10);
            let stock = mix_below(world.seed.rotate_left(32), &inputs, 200);
            (f64::from(cents) / 100.0, stock, stepped.max(since))
        }
        Some(Entered::Deleted) => return Err(gone(id)),
        None => return Err(Refusal::no_such_resource()),
    };
    let product = json!({ "id": id, "price": price, "currency": "EUR", "stock": stock, "links": links(id) });
    Ok(Answer::json(&product).modified(modified))
}

async fn show(State(world): State<Arc<World>>, Segment(segment): Segment, uri: Uri) -> Outcome {
    match Named::parse(&segment, &uri)? {
        Named::Product(id) => now(&world, id),
        Named::Text { product, language } => text::named(product, &language),
    }
}

async fn set(State(world): State<Arc<World>>, Segment(segment): Segment, request: Request) -> Outcome {
    let id = Named::parse(&segment, request.uri())?.writable()?;
    let fields = request.headers().clone();
    let Wanted { price, stock } = request::json(request).await?;
    if !(0.0..=MAX_PRICE).contains(&price) {
        let message = "price must be between 0 and 1000000";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
    }
    let wanted = Entered::Set { price, stock, at: world.now() };
    let mut catalogue = lock(&world.catalogue);
    let known = catalogue.0.get(&id).copied();
    let before = represent(&world, id, known);
    honest::permit(&world, &fields, before.as_ref().ok())?;
    if known.is_none() && catalogue.0.len() >= MAX_PRODUCTS {
        return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "the catalogue is full"));
    }
    catalogue.0.insert(id, wanted);
    let answer = represent(&world, id, Some(wanted))?;
    Ok(match before {
        Ok(_) => answer,
        Err(_) => answer.status(StatusCode::CREATED).field(LOCATION, format!("/product/{id}")),
    })
}

async fn delete(
    State(world): State<Arc<World>>,
    Segment(segment): Segment,
    uri: Uri,
    fields: HeaderMap,
) -> Outcome {
    let id = Named::parse(&segment, &uri)?.writable()?;
    let mut catalogue = lock(&world.catalogue);
    let before = represent(&world, id, catalogue.0.get(&id).copied())?;
    honest::permit(&world, &fields, Some(&before))?;
    catalogue.0.insert(id, Entered::Deleted);
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn gone(id: u32) -> Refusal {
    Refusal::with_links(StatusCode::GONE, "this product was deleted; PUT brings it back", &links(id))
}

/// The product itself, and its texts, which a deletion does not touch.
fn links(id: u32) -> Value {
    let mut links = json!({ "self": format!("/product/{id}") });
    if text::exist(id) {
        links["texts"] = text::links(id);
    }
    links
}

impl Named {
    /// Reads `1234`, `1234&language=french` (an ampersand, and no question mark) and `1234?language=french`.
    fn parse(segment: &str, uri: &Uri) -> Result<Self, Refusal> {
        let query = Parameters::of(uri)?;
        let in_query = query.one("language")?.map(str::to_owned);
        let (id, in_path) = match segment.split_once('&') {
            Some((id, rest)) => {
                (id, Some(rest.strip_prefix("language=").ok_or_else(Refusal::no_such_resource)?))
            }
            None => (segment, None),
        };
        let product = request::number(id)?;
        match (in_path, in_query) {
            (None, None) => Ok(Self::Product(product)),
            (Some(language), None) => Ok(Self::Text { product, language: language.to_owned() }),
            (None, Some(language)) => Ok(Self::Text { product, language }),
            (Some(_), Some(_)) => {
                let message = "the language is in the path and in the query; one is enough";
                Err(Refusal::with_links(StatusCode::BAD_REQUEST, message, &text::links(product)))
            }
        }
    }

    fn writable(self) -> Result<u32, Refusal> {
        match self {
            Self::Product(id) => Ok(id),
            Self::Text { .. } => Err(Refusal::not_allowed("GET, HEAD")),
        }
    }
}
