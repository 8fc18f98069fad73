//! A resource with an explicit state: the text of a product in the language that the URL names. Texts were written once
//! and outlive the product's price and stock, so the answer is permanent.

use http::StatusCode;
use http::header::CONTENT_LOCATION;
use serde_json::json;

use super::answer::{Answer, Level, Outcome, Refusal};
use super::language::{self, Language};
use super::request;
use super::world::fixtures_written;

/// The texts of one product, in the order of [`Language::ALL`].
struct Texts {
    product: u32,
    names: [&'static str; 3],
    descriptions: [&'static str; 3],
}

const GREETINGS: [&str; 3] = ["Welcome aboard!", "Bienvenue à bord !", "Willkommen an Bord!"];

static TEXTS: [Texts; 4] = [
    Texts {
        product: 1234,
        names: ["Canvas deck shoes", "Chaussures de pont en toile", "Bordschuhe aus Segeltuch"],
        descriptions: [
            "Light shoes whose soles hold on wet planks.",
            "Des chaussures légères dont les semelles tiennent sur les planches mouillées.",
            "Leichte Schuhe, deren Sohlen auf nassen Planken halten.",
        ],
    },
    Texts {
        product: 1235,
        names: ["Brass ship's bell", "Cloche de bord en laiton", "Schiffsglocke aus Messing"],
        descriptions: [
            "Heard from stem to stern, in any weather.",
            "On l'entend de la proue à la poupe, par tous les temps.",
            "Vom Bug bis zum Heck zu hören, bei jedem Wetter.",
        ],
    },
    Texts {
        product: 1236,
        names: ["Tarred rope, 20 m", "Cordage goudronné, 20 m", "Geteertes Tau, 20 m"],
        descriptions: [
            "Hemp, laid in three strands.",
            "En chanvre, commis en trois torons.",
            "Aus Hanf, in drei Kardeelen geschlagen.",
        ],
    },
    Texts {
        product: 1237,
        names: ["Storm lantern", "Lampe-tempête", "Sturmlaterne"],
        descriptions: [
            "Burns through the night watch on one filling.",
            "Brûle tout un quart de nuit sur un seul plein.",
            "Brennt mit einer Füllung die ganze Nachtwache.",
        ],
    },
];

/// The product's text in the language of that name.
pub(super) fn named(product: u32, language: &str) -> Outcome {
    let texts = find(product)?;
    match Language::from_name(language) {
        Some(language) => Ok(write(texts, language).at(Level::Permanent)),
        None => Err(language::unknown(&links(product))),
    }
}

/// The same text, for who knows the language from elsewhere: a preference or a session. It says where it can be had
/// without: one level lower is the same URL for everybody.
pub(super) fn preferred(segment: &str, language: Language) -> Outcome {
    let product = request::number(segment)?;
    Ok(write(find(product)?, language).field(CONTENT_LOCATION, href(product, language)))
}

/// Whether the product has texts at all: those that a `PUT` brought into being have none.
pub(super) fn exist(product: u32) -> bool {
    find(product).is_ok()
}

/// Links to the product's text in each language.
pub(super) fn links(product: u32) -> serde_json::Value {
    language::links(|language| href(product, language))
}

fn href(product: u32, language: Language) -> String {
    format!("/product/{product}?language={}", language.name())
}

fn find(product: u32) -> Result<&'static Texts, Refusal> {
    TEXTS.iter().find(|texts| texts.product == product).ok_or_else(|| {
        let message = "no text was ever written for a product of this number";
        Refusal::with_links(StatusCode::NOT_FOUND, message, &json!({ "home": "/" }))
    })
}

fn write(texts: &Texts, language: Language) -> Answer {
    let column = Language::ALL.into_iter().position(|each| each == language).unwrap_or_default();
    let text = |row: &[&'static str; 3]| row.get(column).copied().unwrap_or_default();
    Answer::json(&json!({
        "id": texts.product,
        "language": language.name(),
        "greeting": text(&GREETINGS),
        "name": text(&texts.names),
        "description": text(&texts.descriptions),
    }))
    .modified(fixtures_written())
}
