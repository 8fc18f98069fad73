//! `state` of a route: which query parameters and fields its answers depend on.

use http::header::ACCEPT_ENCODING;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::fields::{Claim, parse_field_name, read_query_names, reserved_reason, says_who_asks};
use super::item::Item;
use super::reader::Table;
use crate::key::{FieldSpec, StateSpec};
use crate::level::Identity;

/// Reads a route's `state`. Fields of identity are refused unless nothing is stored (`identity` is `None`).
pub(crate) fn read_state(table: &Table<'_, '_>, identity: Option<&Identity>) -> StateSpec {
    table.check_keys();
    let query = table.read("query", read_query_names).unwrap_or_default();
    let mut fields = table.read("headers", |item| read_fields(item, identity)).unwrap_or_default();
    fields.sort_by(|one, two| one.name.as_str().cmp(two.name.as_str()));
    // Its own codings are part of every key; the declared state has no place for them.
    fields.retain(|field| field.name != ACCEPT_ENCODING);
    StateSpec { query, fields }
}

fn read_fields(item: &Item<'_, '_>, identity: Option<&Identity>) -> Option<Vec<FieldSpec>> {
    let mut fields: Vec<FieldSpec> = Vec::new();
    for member in item.members()? {
        let Some(field) = read_field(&member, identity) else { continue };
        if fields.iter().any(|other| other.name == field.name) {
            let message = format!("`headers` has `{}` twice", field.name);
            member.fail(Fault::new(Code::DuplicateItem, message, "remove one of them"));
        } else {
            fields.push(field);
        }
    }
    Some(fields)
}

fn read_field(member: &Item<'_, '_>, identity: Option<&Identity>) -> Option<FieldSpec> {
    if !member.is_table() {
        if member.as_str().is_none() {
            return member.wrong_type(
                "names",
                "write \"accept-language\" or { name = \"accept-language\", choose = [..] }",
            );
        }
        return read_field_name(member, identity).map(|name| FieldSpec { name, choose: Vec::new() });
    }
    let table = member.table("route.state.headers")?;
    table.check_keys();
    if table.get("name").is_none() {
        table.missing("this says which values but not of which field", "add name = \"accept-language\"");
    }
    let name = table.read("name", |item| read_field_name(item, identity));
    let choose = table.read_or("choose", Vec::new(), |item| {
        let choices = item.list(|choice| choice.parse("a value", parse_choice))?;
        if item.members().is_some_and(|members| members.is_empty()) {
            let help = "write the values that the origin knows, or leave `choose` out";
            item.fail(Fault::new(Code::OutOfRange, "`choose` offers nothing to choose from", help));
        }
        Some(choices)
    });
    Some(FieldSpec { name: name?, choose })
}

fn read_field_name(item: &Item<'_, '_>, identity: Option<&Identity>) -> Option<http::HeaderName> {
    let name = item.parse("a field's name", parse_field_name)?;
    let fault = if says_who_asks(&name, identity) {
        let help = "declare the route as level \"user\" or \"session\", or name in the URL what the answer depends on";
        Fault::new(Code::IdentityField, format!("`{name}` says who asks: it cannot be explicit state"), help)
    } else if name == ACCEPT_ENCODING {
        let message = "`accept-encoding` is always explicit state";
        item.warn(Fault::new(
            Code::RedundantField,
            message,
            "remove it: plimsoll takes care of codings by itself",
        ));
        return Some(name);
    } else if let Some(reason) = reserved_reason(&name, Claim::State) {
        Fault::new(Code::ReservedField, format!("`{name}` cannot be explicit state: {reason}"), "remove it")
    } else {
        return Some(name);
    };
    item.fail(fault);
    None
}

/// Reads a value that a field may be reduced to: one member of a list field, without parameters.
fn parse_choice(text: &str) -> Result<String, Fault> {
    let is_value = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',' && b != b';');
    if is_value {
        return Ok(text.to_owned());
    }
    let message = format!("{} is not one value of a field", quoted(text));
    Err(Fault::new(Code::BadChoice, message, "write one value without blanks, commas and q-values: \"en\""))
}
