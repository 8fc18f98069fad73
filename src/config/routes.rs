//! `[[route]]`: what the operator knows about an API.

use std::ops::Range;
use std::time::Duration;

use http::HeaderName;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::fields::{
    Claim, frames_message, parse_field_name, parse_method, read_query_names, reserved_reason, says_who_asks,
};
use super::item::Item;
use super::reader::Table;
use super::schema::nearest;
use super::state::read_state;
use super::units::{fraction, parse_percent};
use super::warnings::warn_about;
use crate::level::{Identity, Level};
use crate::route::{
    ClientDirectives, HostPattern, LifetimeRules, Pattern, PatternFault, Route, RouteTable, TagTemplate,
    TemplateFault, Treatment,
};

/// The name that stands for "no route" in Cache-Status and logs.
const RESERVED_NAME: &str = RouteTable::DEFAULT_NAME;

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
    /// Whether all of it could be read, so that it matches what its author means.
    is_right: bool,
}

/// Reads every `[[route]]`; routes that cannot be read are reported and left out.
pub(crate) fn read_routes<'r, 'a>(root: &Table<'r, 'a>, identity: &Identity) -> RouteTable {
    let Some(item) = root.get("route") else { return RouteTable::default() };
    if item.is_table() {
        item.wrong_type::<()>("a list of tables", "write [[route]], with two brackets on either side");
        return RouteTable::default();
    }
    let mut placed: Vec<Placed<'r, 'a>> = Vec::new();
    for member in item.members().unwrap_or_default() {
        let Some(table) = member.table("route") else { continue };
        let errors = table.errors();
        let Some(route) = read_route(&table, identity) else { continue };
        let is_right = table.errors() == errors;
        report_repeated_name(&placed, &table, &route.name);
        placed.push(Placed { table, route, is_right });
    }
    placed.retain(|placed| placed.is_right);
    into_table(placed)
}

/// Builds the table; every route that an earlier one hides is reported and left out.
fn into_table(mut placed: Vec<Placed<'_, '_>>) -> RouteTable {
    loop {
        let routes = placed.iter().map(|placed| placed.route.clone()).collect();
        let conflict = match RouteTable::new(routes) {
            Ok(table) => return table,
            Err(conflict) => conflict,
        };
        let line = placed.get(conflict.first).map_or(0, |first| first.table.line());
        // A conflict names two routes of this list; if it did not, there would be nothing to take out.
        if conflict.second >= placed.len() {
            return RouteTable::default();
        }
        let message = format!("the route of line {line} matches exactly the same requests");
        let help = "remove one, or tell them apart with another path, `host`, `methods` or `with_query`";
        placed.remove(conflict.second).table.fail_at("path", Fault::new(Code::DuplicateRoute, message, help));
    }
}

fn read_route(table: &Table<'_, '_>, identity: &Identity) -> Option<Route> {
    if table.get("path").is_none() {
        table.missing("a route needs a `path`", "add path = \"/product/{id}\" below");
    }
    let path = table.read("path", |item| item.parse("a path", parse_path));
    let name = read_name(table, path.as_ref());
    let are_known = table.check_keys();
    let treatment = match table.get("level") {
        Some(item) => read_level(&item),
        // A level that was misspelt or cannot be read is not one that was left out.
        None => (are_known && table.is_whole()).then_some(Treatment::Origin),
    };
    let is_bypassed = treatment.and_then(Treatment::level).is_some_and(|level| !level.is_shared());
    let guarded = (!is_bypassed).then_some(identity);
    // The other keys are read even without a path, so that what is wrong with them is reported too.
    let mut route = Route::new(
        name.unwrap_or_default(),
        path.clone().unwrap_or_else(Pattern::everything),
        treatment.unwrap_or(Treatment::Origin),
    );
    route.matches.host = table.read("host", |item| item.parse("a host", parse_host));
    route.matches.methods = table
        .read("methods", |item| item.list(|member| member.parse("a method", parse_method)))
        .unwrap_or_default();
    route.matches.with_query = table.read("with_query", read_query_names).unwrap_or_default();
    route.state = table
        .read("state", |item| item.table("route.state"))
        .map(|state| read_state(&state, guarded))
        .unwrap_or_default();
    route.lifetime = read_lifetime(table);
    route.forward =
        table.read("forward", |item| item.list(|member| read_forward(member, guarded))).unwrap_or_default();
    route.ignore = table.read("ignore", |item| item.list(read_ignore)).unwrap_or_default();
    route.client_directives = table.read_or("client_directives", ClientDirectives::Ignore, |item| {
        item.word(&[("ignore", ClientDirectives::Ignore), ("honour", ClientDirectives::Honour)])
    });
    route.declare = table.read_or("declare", false, Item::boolean);
    if treatment.is_some() {
        warn_about(table, &route);
    }
    let path = path?;
    route.tags = table
        .read("tags", |item| item.list(|member| member.parse("a tag", |text| parse_tag(text, &path))))
        .unwrap_or_default();
    Some(route)
}

fn read_name(table: &Table<'_, '_>, path: Option<&Pattern>) -> Option<String> {
    match table.get("name") {
        Some(item) => item.parse("a name", parse_name),
        None => path.map(|path| derived_name(path.as_str())),
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

/// Reads a field of `forward`. Fields of identity are refused unless nothing is stored (`identity` is `None`).
fn read_forward(item: &Item<'_, '_>, identity: Option<&Identity>) -> Option<HeaderName> {
    let name = item.parse("a field's name", parse_field_name)?;
    let fault = if says_who_asks(&name, identity) {
        let help = "declare the route as level \"user\" or \"session\", or as \"origin\" without `forward`";
        Fault::new(
            Code::IdentityField,
            format!("`{name}` says who asks: its answers would be stored for all"),
            help,
        )
    } else {
        let reason = reserved_reason(&name, Claim::Forward);
        let Some(reason) = reason else { return Some(name) };
        Fault::new(Code::ReservedField, format!("`{name}` cannot be forwarded: {reason}"), "remove it")
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

/// Reports a route whose name an earlier one has already.
fn report_repeated_name(earlier: &[Placed<'_, '_>], table: &Table<'_, '_>, name: &str) {
    // A name that could not be read is empty.
    let is_same = |other: &&Placed<'_, '_>| !name.is_empty() && other.route.name == name;
    let Some(other) = earlier.iter().find(is_same) else { return };
    let message = format!("the route of line {} has the name {} too", other.table.line(), quoted(name));
    match table.get("name") {
        Some(item) => item.fail(Fault::new(Code::DuplicateRouteName, message, "choose another name")),
        None => table.fail(Fault::new(Code::DuplicateRouteName, message, "give this route a `name`")),
    }
}

fn parse_path(text: &str) -> Result<Pattern, Fault> {
    Pattern::parse(text).map_err(|error| {
        let help = match error.fault {
            PatternFault::NotAbsolute => format!("write \"/{text}\""),
            PatternFault::UnclosedBrace => "close it in the same segment, as in {id}".to_owned(),
            PatternFault::StrayBrace => "remove it, or write %7D for a literal one".to_owned(),
            PatternFault::InvalidName => "write a name, as in {id}".to_owned(),
            PatternFault::RepeatedName => "give each parameter a name of its own".to_owned(),
            PatternFault::AdjacentParameters => "put text between them, as in {name}.{kind}".to_owned(),
            PatternFault::RestInText | PatternFault::RestNotLast => {
                "end the path with it, as in /files/{*rest}".to_owned()
            }
            PatternFault::DotSegment => "leave it out".to_owned(),
            PatternFault::Literal(_)
                if text.get(error.offset..).is_some_and(|rest| rest.starts_with('?')) =>
            {
                "leave the query out: `with_query` selects by parameters, `state.query` keys by them"
                    .to_owned()
            }
            PatternFault::Literal(_) => "write it percent-encoded, as in /a%20b".to_owned(),
        };
        let place = place_in(text, error.offset);
        Fault::new(Code::BadPath, error.to_string(), help).at(place)
    })
}

fn parse_host(text: &str) -> Result<HostPattern, Fault> {
    HostPattern::parse(text).map_err(|error| {
        let help =
            "write a name or address, as in \"api.example.com\", \"*.example.com\" or \"127.0.0.1:8080\"";
        Fault::new(Code::BadHost, error.to_string(), help)
    })
}

fn parse_tag(text: &str, path: &Pattern) -> Result<TagTemplate, Fault> {
    TagTemplate::parse(text, path).map_err(|error| {
        let known: Vec<&str> = path.parameters().collect();
        let help = match &error.fault {
            TemplateFault::Empty => "write a tag, as in \"product:{id}\"".to_owned(),
            TemplateFault::UnclosedBrace => "close it, as in {id}".to_owned(),
            TemplateFault::StrayBrace => "remove it".to_owned(),
            TemplateFault::UnknownParameter(name) => match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean {{{meant}}}?"),
                None if known.is_empty() => "the path has no parameters: write text only".to_owned(),
                None => format!("it has {{{}}}", known.join("}, {")),
            },
        };
        Fault::new(Code::BadTag, error.to_string(), help).at(place_in(text, error.offset))
    })
}

/// What to mark for a fault at this byte: up to the end of the parameter or segment.
fn place_in(text: &str, offset: usize) -> Range<usize> {
    let after = text.get(offset..).unwrap_or("");
    let end = after
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '/' | '{' | '}'))
        .map_or(after.len(), |(at, _)| at);
    offset..offset + end
}
