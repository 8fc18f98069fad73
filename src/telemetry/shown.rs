//! What of a request may be shown: never a field that says who asks, never a query value that the operator did not
//! declare, and never `state`, in which applications hand a client its own state to carry.

use std::time::SystemTime;

use http::HeaderValue;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};

use crate::{
    key::canonical_query_name,
    observe::{Decision, Request},
};

/// What stands in the place of a value that is not shown.
const HIDDEN: &str = "*";
/// The parameter that carries a client's state, which is not shown even where it is declared.
const STATE: &str = "state";

/// The target of a request: its path, and its query as far as that may be shown.
pub(super) fn target(decision: &Decision<'_>, request: &Request<'_>) -> String {
    let declared = decision.route.map_or(&[][..], |route| &route.state.query);
    let mut shown = request.path.to_owned();
    let Some(query) = request.query else { return shown };
    let mut separator = '?';
    for parameter in query.split('&') {
        shown.push(separator);
        separator = '&';
        let name = parameter.split_once('=').map(|(name, _)| name);
        match name {
            Some(name) if is_shown(name, declared) => shown.push_str(parameter),
            Some(name) => shown.extend([name, "=", HIDDEN]),
            // Without a name, it may be the value of anything.
            None if declared.iter().any(|known| known == parameter) => shown.push_str(parameter),
            None => shown.push_str(HIDDEN),
        }
    }
    shown
}

fn is_shown(name: &str, declared: &[String]) -> bool {
    let name = canonical_query_name(name);
    name != STATE && declared.iter().any(|known| *known == name)
}

/// Where a client came from, without what was asked there.
pub(super) fn referer(value: &HeaderValue) -> String {
    let text = String::from_utf8_lossy(value.as_bytes());
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    // A name and a password may come before the host.
    match bare.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => bare.to_owned(),
    }
}

/// A time as logs and events write it: RFC 3339, to the millisecond.
pub fn timestamp(wall: SystemTime) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    formatted(wall, FORMAT)
}

/// A time as the combined log format writes it.
pub(super) fn combined_timestamp(wall: SystemTime) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    formatted(wall, FORMAT)
}

fn formatted(wall: SystemTime, format: &[BorrowedFormatItem<'_>]) -> String {
    // Only a clock that shows a year beyond 9999 has no such form.
    OffsetDateTime::from(wall).format(format).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, Method, StatusCode, Version};

    use super::*;
    use crate::{
        key::StateSpec,
        level::Level,
        observe::{Fields, Outcome},
        route::{Pattern, Route, Treatment},
        semantics::Now,
    };

    fn shown(declared: &[&str], query: &str) -> String {
        let mut route = Route::new("r", Pattern::everything(), Treatment::Declared(Level::Changing));
        let query_names = declared.iter().map(|name| (*name).to_owned()).collect();
        route.state = StateSpec { query: query_names, ..StateSpec::default() };
        let fields = HeaderMap::new();
        let request = Request {
            method: &Method::GET,
            version: Version::HTTP_11,
            authority: "a",
            path: "/p",
            query: Some(query),
            fields: Fields::among(&fields),
        };
        let decision = Decision {
            request: Some(request),
            client: None,
            route: Some(&route),
            level: None,
            outcome: Outcome::Problem("x"),
            reason: None,
            status: StatusCode::OK,
            began: Now { wall: SystemTime::UNIX_EPOCH, mono: Duration::ZERO },
        };
        target(&decision, &request)
    }

    #[test]
    fn query_values_that_are_not_declared_are_hidden() {
        assert_eq!(shown(&["language"], "language=french&token=abc"), "/p?language=french&token=*");
        assert_eq!(shown(&[], "a=1&b"), "/p?a=*&*");
        assert_eq!(shown(&["a"], "%61=1&A=2"), "/p?%61=1&A=*");
        assert_eq!(shown(&["a"], ""), "/p?*");
    }

    #[test]
    fn state_that_a_client_carries_is_hidden_even_where_it_is_declared() {
        assert_eq!(shown(&["state", "step"], "step=2&state=secret"), "/p?step=2&state=*");
        assert_eq!(shown(&["state"], "st%61te=secret"), "/p?st%61te=*");
    }

    #[test]
    fn a_referer_shows_no_query_and_no_password() {
        let shown = |text| referer(&HeaderValue::from_static(text));
        assert_eq!(shown("https://u:p@a.example/x?token=1#y"), "https://a.example/x");
        assert_eq!(shown("/x?y=1"), "/x");
        assert_eq!(shown("https://a.example?y"), "https://a.example");
    }

    #[test]
    fn times_have_the_forms_that_logs_are_read_by() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_045);
        assert_eq!(timestamp(time), "2023-11-14T22:13:20.045Z");
        assert_eq!(combined_timestamp(time), "14/Nov/2023:22:13:20 +0000");
    }
}
