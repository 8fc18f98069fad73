//! What an explanation of a request consists of: the members of its JSON, as they are written and read back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Everything there is to say about a request, and about an answer to it where one is given, while nothing is stored
/// under its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The request.
    pub request: AskedFor,
    /// The route that it matches.
    pub route: RouteSaid,
    /// The evidence of route and request, and of the response where one is given.
    pub evidence: Vec<EvidenceSaid>,
    /// The level of the evidence; what is stored for a while without any is taken to change.
    pub level: Option<LevelSaid>,
    /// What the proxy would do.
    pub decision: Decided,
    /// The canonical key of the explicit state, also where the request bypasses; none for methods that no cache answers.
    pub key: Option<String>,
    /// What the key is made of.
    pub explicit_state: Option<ExplicitState>,
    /// The request that would reach the origin.
    pub origin_request: OriginRequest,
    /// What the origin would not see of the client's request.
    pub left_behind: LeftBehind,
    /// How long an answer would be of use.
    pub lifetime: String,
    /// What would become of the answer that was given.
    pub response: Option<ResponseSaid>,
    /// The Cache-Status that the client would see, where it does not depend on an answer that is not there.
    pub cache_status: Option<String>,
    /// How the level could be lowered.
    pub advice: Vec<Cow<'static, str>>,
}

/// The request that is explained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AskedFor {
    /// Its method.
    pub method: String,
    /// Its target URI, canonical.
    pub url: String,
}

/// The route of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RouteSaid {
    /// Its name.
    pub name: String,
    /// Its pattern of paths.
    pub path: String,
    /// The declared level's name, or `origin`.
    pub level: Cow<'static, str>,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceSaid {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The level that it stands for.
    pub level: u8,
}

/// A level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelSaid {
    /// Its number, from 1 to 5.
    pub number: u8,
    /// Its name.
    pub name: Cow<'static, str>,
}

/// What the proxy would do while nothing is stored under the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    /// `fetch`, `bypass` or `only-if-cached`.
    pub action: Cow<'static, str>,
    /// The word of RFC 9211.
    pub fwd: Option<Cow<'static, str>>,
    /// The evidence or refusal behind it.
    pub reason: Option<Cow<'static, str>>,
}

/// What a key is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplicitState {
    /// The method.
    pub method: String,
    /// The scheme of the target.
    pub scheme: String,
    /// Host, and port where it is not the scheme's default.
    pub authority: String,
    /// The canonical path.
    pub path: String,
    /// The query, or as much of it as the route declares.
    pub query: Option<String>,
    /// The declared fields with their canonical values; none where the request has no such field.
    pub fields: Vec<(String, Option<String>)>,
    /// The content codings that the request accepts.
    pub accept_encoding: Cow<'static, str>,
}

/// A request to the origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OriginRequest {
    /// Its method.
    pub method: String,
    /// Its target, in origin form.
    pub target: String,
    /// Its fields. There is a traceparent besides, which is new each time.
    pub fields: Vec<(String, String)>,
}

/// What stays behind, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeftBehind {
    /// Parameters of the query.
    pub query: Vec<String>,
    /// Fields.
    pub fields: Vec<String>,
}

/// What would become of the answer that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResponseSaid {
    /// Its status.
    pub status: u16,
    /// `store`, `pass` or `discard`; `error` where no such answer can be to the request that was sent.
    pub verdict: Cow<'static, str>,
    /// Why it is not stored, or why what is stored is not for this client.
    pub reason: Option<Cow<'static, str>>,
    /// What the same request would get right after: `hit`, `validate`, `fetch` or `bypass`.
    pub again: Cow<'static, str>,
}

impl Decided {
    /// Nothing that is stored may be used, and the origin may not be asked.
    pub(super) const ONLY_IF_CACHED: Self =
        Self { action: Cow::Borrowed("only-if-cached"), fwd: None, reason: None };

    /// Whether nothing but the store may answer.
    pub fn is_only_if_cached(&self) -> bool {
        self.action == Self::ONLY_IF_CACHED.action
    }
}
