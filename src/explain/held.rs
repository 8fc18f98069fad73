//! What is said about a request to a proxy that runs: what it holds under the key, and what it would do now.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Explanation, LevelSaid};

/// An explanation by a running proxy: of the request, and of what the proxy knows about its key at this moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// What there is to say whatever is stored.
    pub explanation: Explanation,
    /// What is stored under the key, the newest first.
    pub stored: Vec<VariantSaid>,
    /// What earlier answers taught about the key.
    pub memory: MemorySaid,
    /// The fetch for this key that is in progress, and that others may share.
    pub in_flight: Option<InFlightSaid>,
    /// What would become of this very request now.
    pub now: NowSaid,
}

/// A stored response.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an answer of its own, and a member of a JSON object"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VariantSaid {
    /// Whether it is the one that this request would be answered with, as it is or once it is validated or completed.
    pub selected: bool,
    /// Its status.
    pub status: u16,
    /// Its level.
    pub level: LevelSaid,
    /// Its age in whole seconds, as the Age field says it.
    pub age: u64,
    /// How long it is fresh, in seconds; none where it never expires.
    pub lifetime: Option<f64>,
    /// `fresh for 27s`, `stale for 3s` or `never expires`.
    pub remaining: String,
    /// The same as Cache-Status says it: whole seconds, negative when stale; none where it never expires.
    pub ttl: Option<i64>,
    /// For how many seconds after its lifetime it is served while it is refreshed.
    pub stale_while_revalidate: f64,
    /// For how many seconds after its lifetime it stands in where the origin fails.
    pub stale_if_error: f64,
    /// Whether a soft purge has ended its freshness.
    pub softly_purged: bool,
    /// Whether it is validated before each use, however fresh (`no-cache`).
    pub validated_each_time: bool,
    /// Whether it may not be used stale, whatever a request accepts (`must-revalidate` and its like).
    pub never_stale: bool,
    /// How many bytes of content are held.
    pub content_length: u64,
    /// Its Content-Type.
    pub content_type: Option<String>,
    /// Its Content-Encoding.
    pub content_encoding: Option<String>,
    /// Which bytes of the representation are held, where that is not all of them.
    pub part: Option<PartSaid>,
    /// Its entity tag, as it was sent.
    pub etag: Option<String>,
    /// Its Last-Modified, as it was sent.
    pub last_modified: Option<String>,
    /// The fields of the request that took part in choosing it, besides those in the key.
    pub varies_by: Vec<NominatedSaid>,
    /// All bytes of memory that are counted for it.
    pub memory_bytes: u64,
}

/// Some bytes of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartSaid {
    /// The position of the first one.
    pub first: u64,
    /// The position of the last one.
    pub last: u64,
    /// The length of the whole.
    pub complete: u64,
}

/// A field that a stored response nominates with Vary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NominatedSaid {
    /// Its name.
    pub name: String,
    /// Its value, as it is compared, in the request that was answered; none where that had no such field, and where the
    /// value is hidden.
    pub value: Option<String>,
    /// Whether there is a value that is not shown, because the field says who asks.
    pub hidden: bool,
}

/// What is remembered about a key, for `cache.uncacheable_memory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemorySaid {
    /// Why its answers are not stored: its requests bypass.
    pub uncacheable: Option<Cow<'static, str>>,
    /// Whether its answers proved to be for nobody else: nobody waits for the fetch of another.
    pub not_shared: bool,
}

/// A fetch in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InFlightSaid {
    /// How many requests wait for it or read its answer as it arrives, beside the one that it was begun for.
    pub followers: usize,
}

/// What would become of a request now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NowSaid {
    /// `hit`, `hit-stale`, `validate`, `complete`, `fetch`, `bypass` or `only-if-cached`.
    pub action: Cow<'static, str>,
    /// The word of RFC 9211, where the request goes to the origin.
    pub fwd: Option<Cow<'static, str>>,
    /// The evidence or refusal behind it.
    pub reason: Option<Cow<'static, str>>,
    /// The Cache-Status that the client would see, where it does not depend on what the origin says.
    pub cache_status: Option<String>,
}
