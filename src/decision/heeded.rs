//! The fields of an answer that count, and what they say.

use std::{
    borrow::Cow,
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, HeaderName, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, EXPIRES, FORWARDED, LAST_MODIFIED, SET_COOKIE},
};

use super::{Policy, Refusal};
use crate::{
    key::{Coding, Codings},
    level::{Evidence, EvidenceSet},
    semantics::{
        date::date_field,
        directives::{CacheControl, split_list},
        freshness::is_heuristically_cacheable,
        status::is_understood,
        targeted::targeted,
        validation::EntityTag,
        vary::Vary,
    },
};

/// The fields of an answer that count: those that the route ignores are left out.
pub(super) struct Heeded<'a> {
    pub(super) fields: Cow<'a, HeaderMap>,
    pub(super) directives: CacheControl,
    pub(super) vary: Vary,
}

impl<'a> Heeded<'a> {
    pub(super) fn of(all: &'a HeaderMap, ignored: &[HeaderName], targets: &[HeaderName]) -> Self {
        let mut fields = Cow::Borrowed(all);
        for name in ignored {
            leave_out(&mut fields, name);
        }
        let directives = match targeted(&fields, targets) {
            Some(targeted) => {
                leave_out(&mut fields, &EXPIRES);
                targeted
            }
            None => CacheControl::of_response(&fields),
        };
        Self { directives, vary: Vary::of(&fields), fields }
    }

    /// Why the answer's own word forbids to store it, if it does. `must-understand` speaks to caches that know the
    /// status, and `no-store` beside it to all others (RFC 9111 section 5.2.2.3).
    pub(super) fn forbidden(&self, status: StatusCode) -> Option<Refusal> {
        match (self.directives.must_understand, is_understood(status)) {
            (true, true) => None,
            (true, false) => Some(Refusal::MustUnderstand),
            (false, _) => self.directives.no_store.then_some(Refusal::ResponseNoStore),
        }
    }

    /// The lifetime of an answer that states none, and says `no-cache`: it may be stored, and is validated before each use
    /// (RFC 9111 sections 3 and 5.2.2.4). `None` where the origin could not be asked.
    pub(super) fn validated_lifetime(&self, status: StatusCode, received: SystemTime) -> Option<Duration> {
        let has_validator = self.fields.get(ETAG).and_then(EntityTag::new).is_some()
            || date_field(&self.fields, &LAST_MODIFIED, received).is_some();
        let is_validated = self.directives.no_cache.is_whole() && has_validator;
        (is_validated && is_heuristically_cacheable(status)).then_some(Duration::ZERO)
    }

    /// The evidence that every profile heeds.
    pub(super) fn evidence(&self) -> EvidenceSet {
        let mut evidence = EvidenceSet::EMPTY;
        if self.directives.private.is_whole() {
            evidence = evidence.with(Evidence::ResponsePrivate);
        }
        if self.vary == Vary::Star {
            evidence = evidence.with(Evidence::VaryStar);
        }
        // What the proxy tells the origin about the client's address says who asks.
        if self.vary.names().iter().any(|name| *name == FORWARDED || *name == "x-forwarded-for") {
            evidence = evidence.with(Evidence::VaryIdentity);
        }
        evidence
    }

    /// The evidence of cookies and identity, which the letter of RFC 9111 does not know.
    pub(super) fn identity_evidence(&self, policy: &Policy) -> EvidenceSet {
        let mut evidence = EvidenceSet::EMPTY;
        if self.fields.contains_key(SET_COOKIE) {
            evidence = evidence.with(Evidence::SetCookie);
        }
        for name in self.vary.names() {
            if policy.identity.is_session_field(name) {
                evidence = evidence.with(Evidence::VaryCookie);
            } else if policy.identity.is_user_field(name) {
                evidence = evidence.with(Evidence::VaryIdentity);
            }
        }
        evidence
    }

    /// Fields that may be neither stored nor shared although the response may: the client that asked gets them, and
    /// nobody else (RFC 9111 sections 5.2.2.4 and 5.2.2.7).
    pub(super) fn unshared(&self) -> Vec<HeaderName> {
        self.directives.no_cache.fields().iter().chain(self.directives.private.fields()).cloned().collect()
    }
}

/// Most answers have nothing that is left out, and then they are not copied.
fn leave_out(fields: &mut Cow<'_, HeaderMap>, name: &HeaderName) {
    if fields.contains_key(name) {
        fields.to_mut().remove(name);
    }
}

/// How the types of gRPC begin.
const GRPC: &[u8] = b"application/grpc";

/// Event streams, replaced parts and gRPC have no end that could be waited for. That is a fact and no policy: it counts
/// whatever the route ignores.
pub fn is_endless(fields: &HeaderMap) -> bool {
    fields.get_all(CONTENT_TYPE).iter().any(|line| is_endless_type(line.as_bytes()))
}

/// The same, of a Content-Type.
pub fn is_endless_type(line: &[u8]) -> bool {
    let kind = line.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    kind.eq_ignore_ascii_case(b"text/event-stream")
        || kind.eq_ignore_ascii_case(b"multipart/x-mixed-replace")
        || kind.get(..GRPC.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(GRPC))
}

/// The content codings of an answer: `None` where one of them is not known here.
pub(super) fn content_coding(fields: &HeaderMap) -> Option<Codings> {
    let mut codings = Codings::NONE;
    for line in fields.get_all(CONTENT_ENCODING) {
        let text = line.to_str().ok()?;
        for member in split_list(text).filter(|member| !member.eq_ignore_ascii_case("identity")) {
            codings = codings.with(Coding::parse(member)?);
        }
    }
    Some(codings)
}
