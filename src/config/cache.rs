//! `[cache]` and `[identity]`: how much is stored, and whose requests are treated as special.

use std::time::Duration;

use http::HeaderName;

use super::code::Code;
use super::diagnostic::{Fault, quoted};
use super::fields::parse_field_name;
use super::item::Item;
use super::reader::Table;
use super::units::ByteSize;
use crate::level::{CookiePattern, Identity, IdentityField, Profile};

/// `[cache]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Hard budget in bytes for all that is stored, overhead counted. Default: 256 MiB.
    pub capacity: ByteSize,
    /// The largest response that is stored, at most the capacity. Default: 16 MiB, or the capacity if that is less.
    pub max_object: ByteSize,
    /// How undeclared routes treat identity. Default: safe.
    pub profile: Profile,
    /// How long a key that turned out not to be cacheable bypasses. Default: 30s.
    pub uncacheable_memory: Duration,
    /// How long a request waits for the fetch of another at most. Default: 5s.
    pub lock_timeout: Duration,
    /// How long a fetch goes on that nobody waits for any more. Default: 60s.
    pub fill_timeout: Duration,
    /// The largest content of a QUERY request that may be part of a key. Default: 64 KiB.
    pub max_query_content: ByteSize,
    /// The most stored answers for one target URI, 1 to 65536. Default: 64.
    pub max_variants: usize,
    /// The fields in which an origin speaks to this cache, the most specific first (RFC 9213 section 2.2). Default:
    /// plimsoll-cache-control, cdn-cache-control.
    pub targeted: Vec<HeaderName>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            capacity: ByteSize(256 << 20),
            max_object: ByteSize(16 << 20),
            profile: Profile::Safe,
            uncacheable_memory: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            fill_timeout: Duration::from_mins(1),
            max_query_content: ByteSize(64 << 10),
            max_variants: 64,
            targeted: ["plimsoll-cache-control", "cdn-cache-control"].map(HeaderName::from_static).into(),
        }
    }
}

/// Reads `[cache]`.
pub(crate) fn read_cache(table: &Table<'_, '_>) -> Cache {
    let default = Cache::default();
    let capacity = table.read_or("capacity", default.capacity, positive_size);
    let max_object = table.read_or("max_object", default.max_object.min(capacity), |item| {
        let size = positive_size(item)?;
        if size > capacity {
            let message = format!("one object may be larger than the whole cache of {capacity}");
            item.fail(Fault::new(Code::ObjectOverCapacity, message, format!("write at most \"{capacity}\"")));
        }
        Some(size)
    });
    Cache {
        capacity,
        max_object,
        profile: table.read_or("profile", default.profile, |item| {
            item.word(&[("safe", Profile::Safe), ("rfc9111", Profile::Rfc9111)])
        }),
        uncacheable_memory: table.read_or("uncacheable_memory", default.uncacheable_memory, Item::duration),
        lock_timeout: table.read_or("lock_timeout", default.lock_timeout, Item::duration),
        fill_timeout: table.read_or("fill_timeout", default.fill_timeout, Item::duration),
        max_query_content: table.read_or("max_query_content", default.max_query_content, Item::size),
        max_variants: table
            .read("max_variants", |item| item.whole(&(1..=65_536)))
            .map_or(default.max_variants, |n| n as usize),
        targeted: table.read_or("targeted", default.targeted, |item| {
            item.list(|member| member.parse("a field name", parse_field_name))
        }),
    }
}

fn positive_size(item: &Item<'_, '_>) -> Option<ByteSize> {
    let size = item.size()?;
    if size == ByteSize(0) {
        item.fail(Fault::new(Code::OutOfRange, "a size of nothing stores nothing", "write at least \"1 B\""));
        return None;
    }
    Some(size)
}

/// Reads `[identity]`.
pub(crate) fn read_identity(table: &Table<'_, '_>) -> Identity {
    let default = Identity::default();
    let places = |item: &Item<'_, '_>| item.list(|member| member.parse("a place of identity", parse_place));
    let user = table.read_or("user", default.user, places);
    if let Some(item) = table.get("user")
        && user.is_empty()
        && item.members().is_some_and(|members| members.is_empty())
    {
        let help = "requests with credentials then look anonymous: name the fields that carry them, or leave this out";
        item.warn(Fault::new(Code::NoUserIdentity, "nothing says who asks", help));
    }
    Identity {
        user,
        session: table.read_or("session", default.session, places),
        ignore_cookies: table.read_or("ignore_cookies", default.ignore_cookies, |item| {
            item.list(|member| member.parse("a cookie's name", |text| parse_cookie(text, text, 0)))
        }),
    }
}

/// Reads `header:x-api-key` or `cookie:sid`.
fn parse_place(text: &str) -> Result<IdentityField, Fault> {
    match text.split_once(':') {
        Some(("header", name)) => {
            Ok(IdentityField::Header(parse_field_name(name).map_err(|fault| fault.at(7..text.len()))?))
        }
        Some(("cookie", name)) => parse_cookie(text, name, 7).map(IdentityField::Cookie),
        _ => {
            let message = format!("{} does not say where it rides", quoted(text));
            let help = match HeaderName::from_bytes(text.as_bytes()) {
                Ok(_) => format!("write \"header:{text}\" or \"cookie:{text}\""),
                Err(_) => "write \"header:NAME\", \"cookie:NAME\" or \"cookie:BEGINNING*\"".to_owned(),
            };
            Err(Fault::new(Code::BadIdentity, message, help))
        }
    }
}

fn parse_cookie(text: &str, name: &str, start: usize) -> Result<CookiePattern, Fault> {
    CookiePattern::parse(name).ok_or_else(|| {
        let message = format!("{} is not a cookie's name", quoted(name));
        let help = "write a name, or its beginning and one * at the end: \"sid\", \"wp_*\"";
        Fault::new(Code::BadIdentity, message, help).at(start..text.len())
    })
}
