//! `POST /api/purge`: ends what is stored, by name.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type},
    },
};

use super::{
    Place,
    document::Document,
    refusal::{Refusal, Refused},
};
use crate::proxy::{self, PurgeMode};

/// What can be named, in the order of the description.
const KINDS: [(&str, &str); 5] = [
    ("url", "Absolute URLs, as clients ask for them. All variants of what is stored there are reached."),
    ("tag", "Tags of routes, or those that the origin gave."),
    ("route", "Names of routes. `default` is the one of requests that no other matches."),
    (
        "prefix",
        "Beginnings of paths, to the letter: `/product` reaches `/products` too. With a scheme and a host before it, only there.",
    ),
    ("host", "Hosts. Without a port, those on every port."),
];

/// The most names in a request: of prefixes, the store keeps 1,024 apart.
const MOST_NAMES: usize = 500;

/// What to purge, as it is asked for: exactly one kind of name, or all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    #[serde(deserialize_with = "given")]
    url: Option<Names>,
    #[serde(deserialize_with = "given")]
    tag: Option<Names>,
    #[serde(deserialize_with = "given")]
    route: Option<Names>,
    #[serde(deserialize_with = "given")]
    prefix: Option<Names>,
    #[serde(deserialize_with = "given")]
    host: Option<Names>,
    #[serde(deserialize_with = "given")]
    all: Option<bool>,
    soft: bool,
}

/// One name, or several of a kind.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string, or an array of strings")]
enum Names {
    One(String),
    Many(Vec<String>),
}

/// What was purged. How much that was is not counted: what is stored goes when it is next met.
#[derive(Serialize, ToSchema)]
#[schema(as = PurgeAnswer)]
pub(super) struct Done {
    /// Each thing, in canonical form.
    purged: Vec<Purged>,
    /// Whether it is stale from now on, and goes by the rules for what is stale. Else it is gone.
    soft: bool,
}

/// One thing that was purged.
#[derive(Serialize, ToSchema)]
struct Purged {
    /// `url`, `tag`, `route`, `prefix`, `host` or `all`.
    kind: &'static str,
    /// Its name; `all` has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
}

/// End what is stored, by name
///
/// All of what is named, or nothing where one name is wrong. When the answer is there, no request that begins later is
/// answered with what is gone.
#[utoipa::path(
    post,
    path = "/api/purge",
    operation_id = "purge",
    request_body = Asked,
    responses((status = OK, description = "What was purged, and how", body = Done)),
)]
pub(super) async fn purge(
    State(place): State<Arc<Place>>,
    Document(asked): Document<Asked>,
) -> Result<Json<Done>, Refusal> {
    let mode = if asked.soft { PurgeMode::Soft } else { PurgeMode::Hard };
    let what = asked.what().map_err(|why| Refusal::new(Refused::Document, why))?;
    let purged = place.shared.purge(&what, mode);
    let purged = purged.map_err(|error| Refusal::new(Refused::Document, error.to_string()))?;
    let named =
        |one: proxy::Purged| Purged { kind: one.kind, name: (!one.name.is_empty()).then_some(one.name) };
    Ok(Json(Done { purged: purged.into_iter().map(named).collect(), soft: mode == PurgeMode::Soft }))
}

impl Asked {
    /// The one kind that is named, in the words of `proxy`.
    fn what(self) -> Result<Vec<proxy::Purge>, &'static str> {
        let named = [
            self.url.map(|names| names.each(proxy::Purge::Url)),
            self.tag.map(|names| names.each(proxy::Purge::Tag)),
            self.route.map(|names| names.each(proxy::Purge::Route)),
            self.prefix.map(|names| names.each(proxy::Purge::Prefix)),
            self.host.map(|names| names.each(proxy::Purge::Host)),
            self.all.map(|all| if all { vec![proxy::Purge::All] } else { Vec::new() }),
        ];
        let mut named = named.into_iter().flatten();
        match (named.next(), named.next()) {
            (Some(what), None) if what.is_empty() => {
                Err("nothing is named: give at least one name, or all: true")
            }
            (Some(what), None) if what.len() > MOST_NAMES => {
                Err("more than 500 names: give them in several requests, or name what they have in common")
            }
            (Some(what), None) => Ok(what),
            (_, _) => Err("give exactly one of url, tag, route, prefix, host and all"),
        }
    }
}

impl Names {
    fn each(self, purge: impl Fn(String) -> proxy::Purge) -> Vec<proxy::Purge> {
        match self {
            Self::One(name) => vec![purge(name)],
            Self::Many(names) => names.into_iter().map(purge).collect(),
        }
    }
}

/// A member that is there has a value: `null` is none.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl ToSchema for Asked {
    fn name() -> std::borrow::Cow<'static, str> {
        "Purge".into()
    }
}

/// That there is exactly one kind is more than a derived schema can say.
impl PartialSchema for Asked {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        let names = |description: &str| {
            let many = ArrayBuilder::new().items(text()).min_items(Some(1));
            let either = OneOfBuilder::new().item(text()).item(many);
            either.description(Some(description)).into()
        };
        let all = ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Boolean))
            .enum_values(Some([true]))
            .description(Some("Everything."));
        let kinds = KINDS.map(|(kind, description)| (kind, names(description)));
        let kinds = kinds.into_iter().chain([("all", RefOr::T(Schema::from(all)))]);
        let soft = || {
            ObjectBuilder::new()
                .schema_type(SchemaType::Type(Type::Boolean))
                .default(Some(false.into()))
                .description(Some("Stale from now on, and not gone."))
        };
        let one = |(kind, schema): (&str, RefOr<Schema>)| {
            ObjectBuilder::new()
                .property(kind, schema)
                .required(kind)
                .property("soft", soft())
                .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
        };
        let all = kinds.map(one).fold(OneOfBuilder::new(), OneOfBuilder::item);
        Schema::from(all.description(Some("Exactly one kind of name, or all.")).build()).into()
    }
}
