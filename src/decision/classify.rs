//! The first question: does this request bypass the cache, and if not, what is its key?

use http::{
    HeaderMap, HeaderName, Method,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, IF_MATCH, IF_UNMODIFIED_SINCE, PRAGMA},
};

use super::{Policy, Reason, Refusal};
use crate::{
    key::{CacheKey, Codings, QueryContent, Target},
    level::{Carried, Evidence, EvidenceSet, Glance, Level, Profile},
    route::{ClientDirectives, Route, Treatment},
    semantics::{cache_status::Fwd, directives::CacheControl, methods},
};

/// Fields by which a request asks for something else than its target and method say. Origins that obey them would
/// answer under the wrong key.
static OVERRIDES: [HeaderName; 7] = [
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-host"),
    HeaderName::from_static("x-http-host-override"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
];

/// Whether a request says by this field that it asks for something else than its target and method say.
pub fn is_override(name: &HeaderName) -> bool {
    OVERRIDES.contains(name)
}

/// A request, as the decision sees it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target URI.
    pub target: &'a Target,
    /// The fields, as the client sent them.
    pub fields: &'a HeaderMap,
    /// What content it has.
    pub content: Content<'a>,
}

/// What content a request has.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// None; `Content-Length: 0` is none.
    None,
    /// Some, which was not read.
    Unread,
    /// The whole content of a QUERY, which is part of its key.
    Query(&'a [u8]),
}

impl<'a> Content<'a> {
    /// What was read of it.
    const fn read(self) -> &'a [u8] {
        match self {
            Content::Query(bytes) => bytes,
            Content::None | Content::Unread => &[],
        }
    }
}

/// The answer to the first question.
#[derive(Clone, Debug)]
pub enum Classified {
    /// The request goes to the origin as it came.
    Bypass(Bypass),
    /// The request has a key.
    Keyed(Keyed),
    /// The request would go to the origin as it came, and forbids it: 504 (RFC 9111 section 5.2.1.7).
    OnlyIfCached,
}

/// A request that goes to the origin as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bypass {
    /// Why, as RFC 9211 has it.
    pub fwd: Fwd,
    /// Why, by name; a method needs no further reason.
    pub reason: Option<Reason>,
    /// The evidence for its level.
    pub evidence: EvidenceSet,
}

impl Bypass {
    /// A bypass for this reason.
    pub fn because(reason: impl Into<Reason>, evidence: EvidenceSet) -> Self {
        Self { fwd: Fwd::Bypass, reason: Some(reason.into()), evidence }
    }
}

/// A request that may be answered from the store.
#[derive(Clone, Debug)]
pub struct Keyed {
    /// Its method: GET, HEAD or QUERY.
    pub method: Method,
    /// Its key.
    pub key: CacheKey,
    /// The content codings that it accepts: explicit state that stored variants carry.
    pub codings: Codings,
    /// Whether the fetch is hermetic: the operator declared level 1 or 2.
    pub declared: Option<Level>,
    /// Its own directives, where they count.
    pub directives: CacheControl,
    /// The identity that it carries.
    pub carried: Carried,
    /// The evidence of route and request.
    pub evidence: EvidenceSet,
}

/// Whether a request on this route bypasses the cache, or has a key (see the module's words).
pub fn classify(asked: &Asked<'_>, route: &Route, policy: &Policy) -> Classified {
    let glance = Glance::at(asked.fields);
    let carried = policy.identity.carried_by(glance);
    let evidence = request_evidence(route, carried, policy.profile);
    let own_directives = if glance.has(&CACHE_CONTROL) || glance.has(&PRAGMA) {
        CacheControl::of_request(asked.fields)
    } else {
        CacheControl::default()
    };
    match bypass(asked, route, glance, evidence, &own_directives) {
        Some(bypass) if bypass.fwd == Fwd::Bypass && own_directives.only_if_cached => {
            return Classified::OnlyIfCached;
        }
        Some(bypass) => return Classified::Bypass(bypass),
        None => {}
    }
    let declared = route.level();
    let key = canonical_key(asked, route);
    let directives = if declared.is_some() && route.client_directives == ClientDirectives::Ignore {
        CacheControl { only_if_cached: own_directives.only_if_cached, ..CacheControl::default() }
    } else {
        own_directives
    };
    Classified::Keyed(Keyed {
        method: asked.method.clone(),
        key,
        codings: if glance.has(&ACCEPT_ENCODING) { Codings::accepted(asked.fields) } else { Codings::NONE },
        declared,
        directives,
        carried,
        evidence,
    })
}

/// The key of a request's explicit state: on a declared route what the operator names, elsewhere the whole query.
pub fn canonical_key(asked: &Asked<'_>, route: &Route) -> CacheKey {
    let content =
        methods::is_query(asked.method).then(|| QueryContent::new(asked.fields, asked.content.read()));
    match route.level() {
        Some(_) => CacheKey::declared(asked.target, &route.state, asked.fields, content),
        None => CacheKey::whole(asked.target, content),
    }
}

/// The evidence of route and request. On a declared route the operator's word counts, and identity stays behind; on
/// any other the profile says which identity is special. Authorization always is, but whether it rules out sharing
/// is for the response to say (RFC 9111 section 3.5).
fn request_evidence(route: &Route, carried: Carried, profile: Profile) -> EvidenceSet {
    match route.treatment {
        Treatment::Declared(level) => EvidenceSet::EMPTY.with(Evidence::RouteDeclared(level)),
        Treatment::Origin => {
            let special = profile == Profile::Safe;
            let user = carried.authorization || (special && carried.user);
            let mut evidence = EvidenceSet::EMPTY;
            if user {
                evidence = evidence.with(Evidence::RequestIdentity);
            }
            if special && carried.session {
                evidence = evidence.with(Evidence::RequestSession);
            }
            evidence
        }
    }
}

fn bypass(
    asked: &Asked<'_>,
    route: &Route,
    glance: Glance<'_>,
    evidence: EvidenceSet,
    own_directives: &CacheControl,
) -> Option<Bypass> {
    if !methods::is_cacheable(asked.method) {
        return Some(Bypass { fwd: Fwd::Method, reason: None, evidence });
    }
    if let Treatment::Declared(level) = route.treatment
        && !level.is_shared()
    {
        return Some(Bypass::because(Evidence::RouteDeclared(level), evidence));
    }
    let refusal = match asked.content {
        Content::Unread if methods::is_query(asked.method) => Refusal::QueryContentTooLarge,
        Content::Unread => Refusal::RequestContent,
        _ if glance.has(&IF_MATCH) || glance.has(&IF_UNMODIFIED_SINCE) => Refusal::Precondition,
        _ if route.treatment == Treatment::Origin && glance.has_any(OVERRIDES.iter()) => {
            Refusal::OverrideField
        }
        _ if own_directives.no_store => Refusal::RequestNoStore,
        _ => return None,
    };
    Some(Bypass::because(refusal, evidence))
}
