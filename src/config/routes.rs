//! `[[route]]`: what the operator knows about an API.

use std::time::Duration;

use http::HeaderName;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::fields::{frames_message, parse_field_name, parse_method, parse_query_name, reserved_reason};
use super::reader::{Item, Table};
use super::state::read_state;
use super::units::{fraction, parse_percent};
use super::warnings::warn_about;
use crate::level::{Identity, Level};
use crate::route::{ClientDirectives, LifetimeRules, Route, RouteMatch, Treatment};

/// The name that stands for "no route" in Cache-Status, metrics and logs.
const RESERVED_NAME: &str = "default";

/// The longest name of a route, in characters.
const LONGEST_NAME: usize = 64;

const LEVELS: [(&str, Treatment); 6] = [
    ("permanent", Treatment::Declared(Level::Permanent)),
    ("changing", Treatment::Declared(Level::Changing)),
    ("user", Treatment::Declared(Level::User)),
    ("session", Treatment::Declared(Level::Session)),
    ("random", Treatment::Declared(Level::Random)),
    ("origin", Treatment::Origin),
];

/// A route with the table that it was read from, for what is only known once all routes are.
pub(crate) struct Placed<'r, 'a> {
    table: Table<'r, 'a>,
    route: Route,
}

/// Reads every `[[route]]`; routes that cannot be read are reported and left out.
pub(crate) fn read_routes<'r, 'a>(root: &Table<'r, 'a>, identity: &Identity) -> Vec<Route> {
    let Some(item) = root.get("route") else { return Vec::new() };
    if item.is_table() {
        item.wrong_type::<()>("a list of tables", "write [[route]], with two brackets on either side");
        return Vec::new();
    }
    let mut placed: Vec<Placed<'r, 'a>> = Vec::new();
    for member in item.members().unwrap_or_default() {
        let Some(table) = member.table("route") else { continue };
        table.check_keys();
        let Some(route) = read_route(&table, identity) else { continue };
        report_repeats(&placed, &table, &route);
        warn_about(&table, &route);
        placed.push(Placed { table, route });
    }
    placed.into_iter().map(|placed| placed.route).collect()
}

fn read_route(table: &Table<'_, '_>, identity: &Identity) -> Option<Route> {
    if table.get("path").is_none() {
        table.missing("a route needs a `path`", "add path = \"/product/{id}\" below");
    }
    let path = table.read("path", |item| item.parse("a path", parse_path));
    let name = read_name(table, path.as_deref());
    let treatment = table.read_or("level", Treatment::Origin, read_level);
    let matches = RouteMatch {
        path: path.clone().unwrap_or_default(),
        host: table.read("host", |item| item.parse("a host", parse_host)),
        methods: table.read_or("methods", vec![http::Method::GET], |item| {
            item.list(|member| member.parse("a method", parse_method))
        }),
        with_query: table.read_or("with_query", Vec::new(), |item| {
            let mut names = item.list(|member| member.parse("a parameter's name", parse_query_name))?;
            names.sort();
            Some(names)
        }),
    };
    let route = Route {
        name: name.unwrap_or_default(),
        matches,
        treatment,
        state: table.read_or("state", crate::key::StateSpec::default(), |item| {
            item.table("route.state").map(|state| read_state(&state, identity))
        }),
        lifetime: read_lifetime(table),
        forward: table
            .read_or("forward", Vec::new(), |item| item.list(|member| read_forward(member, identity))),
        ignore: table.read_or("ignore", Vec::new(), |item| item.list(read_ignore)),
        client_directives: table.read_or("client_directives", ClientDirectives::Ignore, |item| {
            item.word(&[("ignore", ClientDirectives::Ignore), ("honour", ClientDirectives::Honour)])
        }),
        declare: table.read_or("declare", false, Item::boolean),
        tags: table.read_or("tags", Vec::new(), |item| {
            item.list(|member| member.parse("a tag", |text| parse_tag(text, path.as_deref())))
        }),
    };
    path.is_some().then_some(route)
}

fn read_name(table: &Table<'_, '_>, path: Option<&str>) -> Option<String> {
    match table.get("name") {
        Some(item) => item.parse("a name", parse_name),
        None => path.map(derived_name),
    }
}

/// A name for a route that has none: what is said in its path, with dashes in between.
fn derived_name(path: &str) -> String {
    let words: Vec<&str> =
        path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
    let name: String = words.join("-").chars().take(LONGEST_NAME).collect();
    match name.as_str() {
        "" => "root".to_owned(),
        RESERVED_NAME => format!("{RESERVED_NAME}-route"),
        _ => name,
    }
}

fn parse_name(text: &str) -> Result<String, Fault> {
    let fault = |message: String, help: &str| Err(Fault::new(Code::BadName, message, help));
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    if text == RESERVED_NAME {
        return fault(
            "`default` is the name for requests that match no route".to_owned(),
            "choose another name",
        );
    }
    if text.is_empty() {
        return fault(
            "a route's name is empty".to_owned(),
            "write a name such as \"product\", or leave the key out",
        );
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_part(*c)) {
        let message = format!("a route's name has no {}", quoted(&c.to_string()));
        let help = "use letters, digits and - _ . : / only";
        return Err(Fault::new(Code::BadName, message, help).at(at..at + c.len_utf8()));
    }
    if text.len() > LONGEST_NAME {
        return fault("a route's name is too long".to_owned(), "use at most 64 characters");
    }
    Ok(text.to_owned())
}

fn read_level(item: &Item<'_, '_>) -> Option<Treatment> {
    let Some(number) = item.number() else { return item.word(&LEVELS) };
    let level = u64::try_from(number).ok().and_then(Level::from_number);
    if level.is_none() {
        let message = format!("there is no level {number}");
        let help = "1 is permanent, 2 changing, 3 user, 4 session, 5 random";
        item.fail(Fault::new(Code::OutOfRange, message, help));
    }
    level.map(Treatment::Declared)
}

fn read_lifetime(table: &Table<'_, '_>) -> LifetimeRules {
    let default = LifetimeRules::default();
    let optional = |name: &'static str| -> Option<Duration> { table.read(name, Item::duration) };
    let max_ttl = optional("max_ttl");
    let min_ttl = table.read("min_ttl", |item| {
        let min = item.duration()?;
        if max_ttl.is_some_and(|max| min > max) {
            let help = "make `min_ttl` shorter or `max_ttl` longer";
            item.fail(Fault::new(Code::MinOverMax, "`min_ttl` is longer than `max_ttl`", help));
        }
        Some(min)
    });
    LifetimeRules {
        ttl: table.read_or("ttl", default.ttl, Item::duration),
        min_ttl,
        max_ttl,
        negative_ttl: table.read_or("negative_ttl", default.negative_ttl, Item::duration),
        jitter: table.read_or("jitter", default.jitter, read_jitter),
        stale_while_revalidate: optional("stale_while_revalidate"),
        stale_if_error: optional("stale_if_error"),
    }
}

fn read_jitter(item: &Item<'_, '_>) -> Option<f64> {
    let number = match (item.float(), item.as_str()) {
        (Some(number), _) => fraction(number),
        (None, Some(text)) => parse_percent(text),
        (None, None) => return item.wrong_type("a fraction", "write 0.1 or \"10%\""),
    };
    number.map_err(|fault| item.fail(fault)).ok()
}

fn read_forward(item: &Item<'_, '_>, identity: &Identity) -> Option<HeaderName> {
    let name = item.parse("a field's name", parse_field_name)?;
    let fault = if identity.is_user_field(&name) || identity.is_session_field(&name) {
        let help = "declare the route as level \"user\" or \"session\", or as \"origin\"";
        Fault::new(
            Code::IdentityField,
            format!("`{name}` says who asks: its answers would be stored for all"),
            help,
        )
    } else if let Some(reason) = reserved_reason(&name) {
        Fault::new(Code::ReservedField, format!("`{name}` cannot be forwarded: {reason}"), "remove it")
    } else {
        let help =
            "if answers depend on it, put it into state.headers: who asks first decides what all others get";
        item.warn(Fault::new(
            Code::UnkeyedField,
            format!("`{name}` reaches the origin but is not in the key"),
            help,
        ));
        return Some(name);
    };
    item.fail(fault);
    None
}

fn read_ignore(item: &Item<'_, '_>) -> Option<HeaderName> {
    let name = item.parse("a field's name", parse_field_name)?;
    if frames_message(&name) {
        let message = format!("`{name}` cannot be disregarded: it says where the message ends");
        item.fail(Fault::new(Code::ReservedField, message, "remove it"));
        return None;
    }
    Some(name)
}

/// Reports a route whose name or whose requests an earlier one has already.
fn report_repeats(earlier: &[Placed<'_, '_>], table: &Table<'_, '_>, route: &Route) {
    if let Some(other) = earlier.iter().find(|other| other.route.name == route.name) {
        let message =
            format!("the route of line {} has the name {} too", other.table.line(), quoted(&route.name));
        match table.get("name") {
            Some(item) => item.fail(Fault::new(Code::DuplicateRouteName, message, "choose another name")),
            None => table.fail(Fault::new(Code::DuplicateRouteName, message, "give this route a `name`")),
        }
    }
    if let Some(other) = earlier.iter().find(|other| same_requests(&other.route, route)) {
        let message = format!("the route of line {} matches the same requests", other.table.line());
        let help = "remove one, or tell them apart with another path, `host`, `methods` or `with_query`";
        table.fail_at("path", Fault::new(Code::DuplicateRoute, message, help));
    }
}

fn same_requests(one: &Route, two: &Route) -> bool {
    let (one, two) = (&one.matches, &two.matches);
    one.path == two.path
        && one.host == two.host
        && one.with_query == two.with_query
        && one.methods == two.methods
}

fn parse_path(text: &str) -> Result<String, Fault> {
    if text.starts_with('/') {
        return Ok(text.to_owned());
    }
    Err(Fault::new(
        Code::BadPath,
        format!("the path {} has no slash at its start", quoted(text)),
        format!("write \"/{text}\""),
    ))
}

fn parse_host(text: &str) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(Fault::new(Code::BadHost, "a host is empty", "write a name, or leave the key out"));
    }
    Ok(text.to_ascii_lowercase())
}

fn parse_tag(text: &str, _path: Option<&str>) -> Result<String, Fault> {
    if text.is_empty() {
        return Err(Fault::new(Code::BadTag, "a tag is empty", "write a tag such as \"product:{id}\""));
    }
    Ok(text.to_owned())
}
