//! Every key that a config may have, once: the reader's suggestions, the reference and its test are drawn from here.

use super::code::Code;
use super::diagnostic::{Fault, quoted};

/// One key of the config.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The table that it is in, dotted: `cache`, `route.state`.
    pub section: &'static str,
    /// The key itself.
    pub name: &'static str,
    /// Its default as TOML; `None` where there is none, or where it follows from something else.
    pub default: Option<&'static str>,
    /// What it is for, in one line.
    pub doc: &'static str,
}

const fn key(section: &'static str, name: &'static str, default: &'static str, doc: &'static str) -> Key {
    Key { section, name, default: Some(default), doc }
}

const fn bare(section: &'static str, name: &'static str, doc: &'static str) -> Key {
    Key { section, name, default: None, doc }
}

const USER: &str = r#"[
    "header:authorization", "header:x-api-key", "header:api-key", "header:x-auth-token", "header:x-access-token",
    "header:x-amz-security-token", "header:x-forwarded-user", "header:x-remote-user",
    "header:x-forwarded-client-cert",
]"#;

const IGNORE_COOKIES: &str = r#"[
    "_ga", "_ga_*", "_gid", "_gat", "_gat_*", "_gcl_*", "_fbp", "_fbc", "_pk_id*", "_pk_ses*", "_hj*", "__utm*",
    "_clck", "_clsk",
]"#;

/// All keys, in the order of the reference.
pub const KEYS: [Key; 67] = [
    key("server", "listen", r#"["127.0.0.1:8080"]"#, "where clients connect: addresses, or unix:PATH"),
    bare("server", "workers", "threads that serve, 1 to 1024; default: the CPUs this process may use"),
    key(
        "server",
        "trusted_proxies",
        "[]",
        "addresses and networks whose X-Forwarded-Proto is believed, and whose X-Forwarded-For is continued",
    ),
    key("server", "cache_status", r#""on""#, "whether responses carry Cache-Status: on or off"),
    key("server", "drain_timeout", r#""30s""#, "how long open requests may go on after a stop signal"),
    key("server", "max_connections", "16384", "most connections at a time; others are answered 503"),
    key("server", "max_head", r#""64 KiB""#, "largest head of a request, 1 KiB to 1 MiB"),
    key("server", "max_fields", "100", "most fields in a request, 1 to 1000"),
    key("server", "max_target", r#""8 KiB""#, "longest target of a request, 64 B to 60 KiB"),
    key(
        "server",
        "head_timeout",
        r#""10s""#,
        "longest time from the first byte of a request's head to its last",
    ),
    key("server", "idle_timeout", r#""60s""#, "how long a client's connection is kept without a request"),
    key("server", "body_timeout", r#""30s""#, "longest wait for more content from a client"),
    key(
        "server",
        "min_body_rate",
        r#""500 B""#,
        "least content a second from a client, on average beyond body_timeout; 0 B for no bound",
    ),
    key("server", "write_timeout", r#""30s""#, "longest wait for a client to take more of an answer"),
    key(
        "admin",
        "listen",
        r#""127.0.0.1:9090""#,
        "where the admin interface is; all but loopback addresses need a token",
    ),
    bare(
        "admin",
        "token",
        "what an operator has to show there, at least 16 characters; default: PLIMSOLL_ADMIN_TOKEN, if it is set",
    ),
    bare("admin", "token_file", "or a file with the token in it, which is read at the start"),
    bare("origin", "url", "the API in front of which plimsoll stands: http or https, host, optional port"),
    bare(
        "origin",
        "host",
        "the Host that the origin sees: client or origin; default: client for http, origin for https",
    ),
    key("origin", "connect_timeout", r#""5s""#, "longest wait for a connection to the origin"),
    key("origin", "response_timeout", r#""30s""#, "longest wait for the head of the origin's response"),
    key("origin", "body_timeout", r#""30s""#, "longest wait for more content from the origin"),
    key("origin", "total_timeout", r#""1h""#, "longest exchange with the origin, streams without an end too"),
    key("origin", "idle_timeout", r#""60s""#, "how long an unused connection to the origin is kept"),
    key("origin", "max_fetches", "1024", "most exchanges with the origin at once, 1 to 1048576"),
    key(
        "origin",
        "max_queue",
        "1024",
        "most requests that wait for one of those to end; what is more gets a 503",
    ),
    key("origin", "queue_timeout", r#""5s""#, "longest such wait; then it is a 503 too"),
    key("origin", "max_head", r#""64 KiB""#, "largest head of the origin's response, 8 KiB to 16 MiB"),
    key("origin", "max_fields", "256", "most fields of the origin's response, 1 to 16384"),
    key("cache", "capacity", r#""256 MiB""#, "hard budget for all that is stored, overhead counted"),
    key(
        "cache",
        "max_object",
        r#""16 MiB""#,
        "largest response that is stored; never more than the capacity",
    ),
    key(
        "cache",
        "profile",
        r#""safe""#,
        "how undeclared routes treat identity: safe, or rfc9111 to the letter",
    ),
    key(
        "cache",
        "uncacheable_memory",
        r#""30s""#,
        "how long a key that turned out not to be cacheable bypasses",
    ),
    key(
        "cache",
        "lock_timeout",
        r#""5s""#,
        "longest wait for the answer to another request's fetch, before a request makes its own",
    ),
    key("cache", "fill_timeout", r#""60s""#, "how long a fetch goes on that no client waits for any more"),
    key(
        "cache",
        "max_query_content",
        r#""64 KiB""#,
        "largest content of a QUERY request that may be part of a key",
    ),
    key("cache", "max_variants", "64", "most stored answers for one URL, 1 to 65536"),
    key(
        "cache",
        "targeted",
        r#"["plimsoll-cache-control", "cdn-cache-control"]"#,
        "fields that speak to this cache and stand in the place of Cache-Control; the first valid one counts",
    ),
    key("identity", "user", USER, "what says who asks: header:NAME, cookie:NAME, cookie:BEGINNING*"),
    key("identity", "session", r#"["cookie:*"]"#, "what names a session, in the same form"),
    key("identity", "ignore_cookies", IGNORE_COOKIES, "cookies that are neither, such as those of analytics"),
    key("log", "format", r#""text""#, "the form of the application log on standard error: text or json"),
    key("log", "access", r#""off""#, "a line for each request: off, json or combined"),
    bare("log", "access_file", "the file that they go to, opened anew on SIGHUP; default: standard output"),
    bare("route", "name", "the name in Cache-Status and logs; default: made from the path"),
    bare("route", "path", "pattern: {name} is one segment or a part of one, {*rest} all that follows"),
    bare("route", "host", "only requests to this host: a name, or *.example.com"),
    key("route", "methods", "[]", "only these methods, where GET includes HEAD; [] is every method"),
    key("route", "with_query", "[]", "only requests that have all of these query parameters"),
    key("route", "level", r#""origin""#, "permanent, changing, user, session, random (or 1 to 5), or origin"),
    key(
        "route",
        "ttl",
        r#""0s""#,
        "lifetime where the origin gives none; 0s: stored, but validated each time",
    ),
    bare("route", "min_ttl", "shorter lifetimes that the origin gives are raised to this"),
    bare("route", "max_ttl", "longer lifetimes are lowered to this"),
    key("route", "negative_ttl", r#""5s""#, "lifetime of 404 and 410"),
    key("route", "jitter", "0.0", "the largest part by which chance shortens a lifetime: 0.1 or \"10%\""),
    bare(
        "route",
        "stale_while_revalidate",
        "how long after its end an answer serves while it is fetched anew",
    ),
    bare("route", "stale_if_error", "how long after its end an answer serves where the origin fails"),
    bare("route", "state", "explicit state beside the path: what else the answer depends on"),
    key(
        "route.state",
        "query",
        "[]",
        "query parameters that the answer depends on; no other reaches the origin",
    ),
    bare("route.state", "headers", "request fields that the answer depends on: names, or { name, choose }"),
    bare("route.state.headers", "name", "the request field"),
    bare("route.state.headers", "choose", "the values that the origin knows, the preferred one first"),
    key("route", "forward", "[]", "request fields that reach the origin without being explicit state"),
    key("route", "ignore", "[]", "response fields of the origin that are disregarded"),
    key(
        "route",
        "client_directives",
        r#""ignore""#,
        "whether a client's no-cache and max-age count: ignore or honour",
    ),
    key("route", "declare", "false", "send a Cache-Control that states the level where the origin sent none"),
    key("route", "tags", "[]", "names to purge by, with the path's parameters: product:{id}"),
];

/// The names of the keys of a table.
pub(crate) fn keys_of(section: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |key| key.section == section).map(|key| key.name)
}

/// The tables that stand at the top of a file, in order, without repeats.
pub(crate) fn tables() -> Vec<&'static str> {
    let mut tables: Vec<&str> = KEYS.iter().map(|key| key.section).filter(|s| !s.contains('.')).collect();
    tables.dedup();
    tables
}

/// A table as it is written in a file: `[cache]`, `[[route]]`.
pub(crate) fn heading(section: &str) -> String {
    match section {
        "" => "this file".to_owned(),
        "route" => "[[route]]".to_owned(),
        "route.state.headers" => "an entry of state.headers".to_owned(),
        _ => format!("[{section}]"),
    }
}

/// The one of these words that was probably meant.
pub(crate) fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.replace('-', "_")), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The fault of a key that nothing reads, with what was probably meant.
pub(crate) fn unknown_key(section: &'static str, name: &str, is_table: bool) -> Fault {
    let shown = quoted(name);
    let known: Vec<&str> = if section.is_empty() { tables() } else { keys_of(section).collect() };
    let message = match (section, is_table) {
        ("", true) => format!("unknown table {shown}"),
        ("", false) => format!("unknown key {shown} outside of any table"),
        _ => format!("unknown key {shown} in {}", heading(section)),
    };
    let elsewhere: Vec<String> = KEYS
        .iter()
        .filter(|key| key.name == name && key.section != section)
        .map(|key| heading(key.section))
        .collect();
    let help = if !elsewhere.is_empty() && !is_table {
        format!("`{name}` belongs in {}", elsewhere.join(" or "))
    } else if let Some(meant) = nearest(name, known.iter().copied()) {
        let meant = if section.is_empty() { heading(meant) } else { meant.to_owned() };
        format!("did you mean `{meant}`?")
    } else {
        let known: Vec<String> = known
            .into_iter()
            .map(|key| if section.is_empty() { heading(key) } else { key.to_owned() })
            .collect();
        format!("known here: {}", known.join(", "))
    };
    Fault::new(Code::UnknownKey, message, help)
}
