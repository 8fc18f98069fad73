//! What an explanation consists of: the members of its JSON.

use serde::Serialize;

/// Everything there is to say about a request, and about an answer to it where one is given, while nothing is stored
/// under its key. Shown as text for people, serialized as the JSON of `--json`.
#[derive(Debug, Serialize)]
pub struct Explanation {
    pub(super) request: AskedFor,
    pub(super) route: RouteSaid,
    /// The evidence of route and request, and of the response where one is given.
    pub(super) evidence: Vec<EvidenceSaid>,
    /// The level of the evidence; what is stored for a while without any is taken to change.
    pub(super) level: Option<LevelSaid>,
    pub(super) decision: Decided,
    /// The canonical key of the explicit state, also where the request bypasses; none for methods that no cache answers.
    pub(super) key: Option<String>,
    pub(super) explicit_state: Option<ExplicitState>,
    pub(super) origin_request: OriginRequest,
    pub(super) left_behind: LeftBehind,
    pub(super) lifetime: String,
    pub(super) response: Option<ResponseSaid>,
    /// The Cache-Status that the client would see, where it does not depend on an answer that is not given.
    pub(super) cache_status: Option<String>,
    pub(super) advice: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct AskedFor {
    pub(super) method: String,
    pub(super) url: String,
}

#[derive(Debug, Serialize)]
pub(super) struct RouteSaid {
    pub(super) name: String,
    pub(super) path: String,
    /// The declared level's name, or `origin`.
    pub(super) level: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct EvidenceSaid {
    pub(super) name: &'static str,
    pub(super) level: u8,
}

#[derive(Debug, Serialize)]
pub(super) struct LevelSaid {
    pub(super) number: u8,
    pub(super) name: &'static str,
}

/// What the proxy would do while nothing is stored under the key.
#[derive(Debug, Serialize)]
pub(super) struct Decided {
    /// `fetch`, `bypass` or `only-if-cached`.
    pub(super) action: &'static str,
    /// The word of RFC 9211.
    pub(super) fwd: Option<&'static str>,
    /// The evidence or refusal behind it.
    pub(super) reason: Option<&'static str>,
}

/// Nothing that is stored may be used, and the origin may not be asked.
pub(super) const ONLY_IF_CACHED: Decided = Decided { action: "only-if-cached", fwd: None, reason: None };

#[derive(Debug, Serialize)]
pub(super) struct ExplicitState {
    pub(super) method: String,
    pub(super) scheme: String,
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) fields: Vec<(String, Option<String>)>,
    pub(super) accept_encoding: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct OriginRequest {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) fields: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
pub(super) struct LeftBehind {
    pub(super) query: Vec<String>,
    pub(super) fields: Vec<String>,
}

/// What would become of the answer that was given.
#[derive(Debug, Serialize)]
pub(super) struct ResponseSaid {
    pub(super) status: u16,
    /// `store`, `pass` or `discard`; `error` where no such answer can be to the request that was sent.
    pub(super) verdict: &'static str,
    /// Why it is not stored, or why what is stored is not for this client.
    pub(super) reason: Option<&'static str>,
    /// What the same request would get right after: `hit`, `validate`, `fetch` or `bypass`.
    pub(super) again: &'static str,
}
