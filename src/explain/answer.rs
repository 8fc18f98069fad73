//! What would become of an answer: judged, and planned with, by the functions that the proxy calls.

use std::borrow::Cow;

use http::{Method, StatusCode};

use super::{GivenAnswer, Question, ResponseSaid, Seen, keyed};
use crate::{
    decision::{Answered, Framing, Keyed, Plan, Reason, Refusal, Stored, Verdict, judge, plan},
    level::{EvidenceSet, Level},
    proxy::{Preview, Settings, own_status},
    semantics::{
        Now,
        cache_status::{Fwd, Handling},
        fields::remove_hop_by_hop_of_answer,
        freshness::FreshnessLifetime,
        validation::is_conditional,
    },
};

/// What the functions of the proxy say about the answer that was given.
pub(super) struct Judged {
    pub(super) said: ResponseSaid,
    /// The evidence of route, request and response.
    pub(super) evidence: EvidenceSet,
    pub(super) level: Option<Level>,
    pub(super) lifetime: Option<FreshnessLifetime>,
    /// Whether what is stored is not reused unseen, however fresh.
    pub(super) always_validate: bool,
    /// What Cache-Status says; none where the client gets no answer of the origin's.
    pub(super) seen: Option<Seen>,
}

/// Judges the answer. `None` where the request has no key: then nothing depends on it.
pub(super) fn answer(
    question: &Question,
    given: &GivenAnswer,
    preview: &Preview,
    settings: &Settings,
    now: Now,
) -> Option<Judged> {
    let keyed = keyed(preview)?;
    let (method, request) = (question.method(), question.fields());
    let status = given.status;
    let again = |stored: Option<&Stored>, memory| {
        planned(&plan(keyed, request, stored, memory, &settings.policy, now))
    };
    if status == StatusCode::NOT_MODIFIED {
        return Some(not_modified(preview, keyed, again(None, None)));
    }
    let mut fields = given.fields.clone();
    let length = fields.get(http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length = if status == StatusCode::NO_CONTENT { Some(0) } else { length };
    remove_hop_by_hop_of_answer(&mut fields);
    let answered = Answered {
        status,
        fields: &fields,
        framing: length.map_or(Framing::Chunked, Framing::Length),
        asked: now,
        received: now,
        with_content: *method != Method::HEAD || keyed.declared.is_some(),
        chance: 0.0,
    };
    let judgement = judge(&answered, request, keyed, &preview.route, &settings.policy);
    let evidence = judgement.evidence;
    let said = |verdict, reason: Option<Reason>, again| ResponseSaid {
        status: status.as_u16(),
        verdict: Cow::Borrowed(verdict),
        reason: reason.map(|reason| reason.name().into()),
        again: Cow::Borrowed(again),
    };
    let unstored = |said, seen| Judged {
        said,
        evidence,
        level: evidence.level(),
        lifetime: None,
        always_validate: false,
        seen: Some(seen),
    };
    Some(match judgement.verdict {
        Verdict::Store { stored, not_for_client, .. } => Judged {
            said: said("store", not_for_client, again(Some(&stored), None)),
            evidence,
            level: Some(stored.level()),
            lifetime: Some(stored.times.lifetime()),
            always_validate: stored.always_validate,
            seen: Some(match not_for_client {
                None => {
                    let own = own_status(method, request, &stored, length, now);
                    let status = Some(status).filter(|status| *status != own);
                    Seen { handling: stored_with(status), level: Some(stored.level()), reason: None }
                }
                // The client gets the answer to its own request.
                Some(reason) => Seen::forwarded(Fwd::Bypass, keyed.evidence.level(), Some(reason)),
            }),
        },
        Verdict::Refuse(reason) => {
            let seen = Seen::forwarded(reason.fwd(Fwd::UriMiss), evidence.level(), Some(reason));
            unstored(said("pass", Some(reason), again(None, None)), seen)
        }
        Verdict::Discard(reason) => {
            let seen = Seen::forwarded(Fwd::Bypass, evidence.level(), Some(reason));
            unstored(said("discard", Some(reason), again(None, Some(reason))), seen)
        }
    })
}

const fn stored_with(status: Option<StatusCode>) -> Handling {
    Handling::Forwarded { why: Fwd::UriMiss, status, stored: true, collapsed: None }
}

/// A 304, while nothing is stored that it could confirm: it answers the client's own condition, if that was sent.
fn not_modified(preview: &Preview, keyed: &Keyed, again: &'static str) -> Judged {
    let refusal = Refusal::StatusNotStorable.into();
    let level = keyed.evidence.level();
    let is_answer = is_conditional(preview.outgoing.headers());
    let (verdict, reason, seen) = if is_answer {
        (
            "pass",
            Some(Reason::name(refusal).into()),
            Some(Seen::forwarded(Fwd::UriMiss, level, Some(refusal))),
        )
    } else {
        ("error", None, None)
    };
    Judged {
        said: ResponseSaid {
            status: StatusCode::NOT_MODIFIED.as_u16(),
            verdict: verdict.into(),
            reason,
            again: again.into(),
        },
        evidence: keyed.evidence,
        level,
        lifetime: None,
        always_validate: false,
        seen,
    }
}

/// The plan, in a word.
const fn planned(plan: &Plan) -> &'static str {
    match plan {
        Plan::Serve { .. } | Plan::ServeStale { .. } => "hit",
        Plan::Validate { .. } => "validate",
        Plan::Fetch { .. } | Plan::Complete { .. } => "fetch",
        Plan::Bypass(_) => "bypass",
        Plan::OnlyIfCached => "only-if-cached",
    }
}
