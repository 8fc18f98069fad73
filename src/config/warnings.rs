//! What works in a route, but probably not as meant.

use super::code::Code;
use super::diagnostic::Fault;
use super::fields::{parse_field_name, parse_query_name};
use super::reader::Table;
use crate::level::Level;
use crate::route::{Route, Treatment};

/// Keys that say something about stored answers, and so nothing on a route whose answers are never stored.
const OF_STORED: [&str; 11] = [
    "ttl",
    "min_ttl",
    "max_ttl",
    "negative_ttl",
    "jitter",
    "stale_while_revalidate",
    "stale_if_error",
    "state",
    "forward",
    "client_directives",
    "tags",
];

/// Keys that only count where the operator declares the route as shared.
const OF_DECLARED: [&str; 5] = ["ttl", "negative_ttl", "state", "forward", "client_directives"];

/// Reports the risks of one route, and `ignore` where it is no risk but a fault.
pub(crate) fn warn_about(table: &Table<'_, '_>, route: &Route) {
    match route.treatment {
        Treatment::Declared(level) if level.is_shared() => warn_shared(table, route, level),
        Treatment::Declared(level) => {
            let name = level.name();
            warn_useless(table, &OF_STORED, |key| {
                (
                    format!("`{key}` does nothing here: answers of level \"{name}\" are never stored"),
                    "remove it".to_owned(),
                )
            });
            refuse_ignore(table, route);
        }
        Treatment::Origin => {
            warn_useless(table, &OF_DECLARED, |key| {
                (
                    format!("`{key}` does nothing here: on a route of level \"origin\" the origin decides"),
                    "add level = \"permanent\" or level = \"changing\", or remove it".to_owned(),
                )
            });
            refuse_ignore(table, route);
            if let Some(item) = table.get("declare")
                && route.declare
            {
                let message = "`declare` does nothing here: no level is declared that could be stated";
                item.warn_key(Fault::new(Code::UselessKey, message, "add a `level`, or remove `declare`"));
            }
        }
    }
}

fn warn_useless(table: &Table<'_, '_>, keys: &[&'static str], say: impl Fn(&str) -> (String, String)) {
    for item in keys.iter().filter_map(|key| table.get(key)) {
        let (message, help) = say(item.name());
        item.warn_key(Fault::new(Code::UselessKey, message, help));
    }
}

fn refuse_ignore(table: &Table<'_, '_>, route: &Route) {
    if let Some(item) = table.get("ignore")
        && !route.ignore.is_empty()
    {
        let message = "`ignore` is for routes of level \"permanent\" or \"changing\": only there the fetch is anonymous";
        item.fail_key(Fault::new(Code::IgnoreUndeclared, message, "declare the level, or remove `ignore`"));
    }
}

fn warn_shared(table: &Table<'_, '_>, route: &Route, level: Level) {
    if let Some(item) = table.get("ignore")
        && !route.ignore.is_empty()
    {
        let message = "the origin's own word is disregarded on this route";
        let help = "make sure that no answer of this route is meant for one client only";
        item.warn_key(Fault::new(Code::IgnoredFields, message, help));
    }
    if level == Level::Permanent {
        if let Some(item) = table.get("ttl") {
            let message = "`ttl` does nothing here: a permanent answer never expires";
            item.warn_key(Fault::new(
                Code::PermanentTtl,
                message,
                "remove it, or declare level = \"changing\"",
            ));
        }
    } else if table.get("ttl").is_none() && route.lifetime.min_ttl.is_none() {
        let message =
            "every answer is validated at the origin each time, unless the origin gives it a lifetime";
        let help = "add ttl = \"30s\", or another lifetime; ttl = \"0s\" says that it is meant";
        table.warn_at("level", Fault::new(Code::AlwaysValidated, message, help));
    }
    warn_unkeyed(table, route);
}

/// Reports what selects a route or reaches its origin without being in the key.
fn warn_unkeyed(table: &Table<'_, '_>, route: &Route) {
    for member in table.get("forward").and_then(|item| item.members()).unwrap_or_default() {
        let name = member.as_str().and_then(|text| parse_field_name(text).ok());
        let Some(name) = name.filter(|name| route.forward.contains(name)) else { continue };
        let help =
            "if answers depend on it, put it into state.headers: who asks first decides what all others get";
        member.warn(Fault::new(
            Code::UnkeyedField,
            format!("`{name}` reaches the origin but is not in the key"),
            help,
        ));
    }
    for member in table.get("with_query").and_then(|item| item.members()).unwrap_or_default() {
        let name = member.as_str().and_then(|text| parse_query_name(text).ok());
        let Some(name) = name.filter(|name| !route.state.query.contains(name)) else { continue };
        let message = format!("`{name}` selects this route, but its value is not in the key");
        let help = format!("add it to the state: state = {{ query = [\"{name}\"] }}");
        member.warn(Fault::new(Code::UnkeyedParameter, message, help));
    }
}
