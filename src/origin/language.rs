//! The languages that the origin speaks, and the 400 that lists them for who asks for another.

use http::StatusCode;
use serde_json::{Map, Value};

use super::answer::Refusal;

/// A language of the shop's texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    English,
    French,
    German,
}

impl Language {
    pub(super) const ALL: [Self; 3] = [Self::English, Self::French, Self::German];

    /// The name that URLs and JSON use.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::English => "english",
            Self::French => "french",
            Self::German => "german",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }
}

/// One link for each language, to what `href` makes of it.
pub(super) fn links(href: impl Fn(Language) -> String) -> Value {
    let links = Language::ALL.into_iter().map(|language| (language.name().to_owned(), href(language).into()));
    Value::Object(links.collect::<Map<_, _>>())
}

/// 400 for a language that is none of these.
pub(super) fn unknown(links: &Value) -> Refusal {
    let message = "this language is not spoken here; the links lead to those that are";
    Refusal::with_links(StatusCode::BAD_REQUEST, message, links)
}
