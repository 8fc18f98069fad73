//! The rules of the house, as tables: what `layers.rs` holds the code to.

/// One room of the house: a directory of `src`.
pub(crate) struct Room {
    pub(crate) name: &'static str,
    /// The rooms that it may import. A rule that nothing needs any more is a fault too.
    pub(crate) imports: &'static [&'static str],
    /// The crates that it may use besides std; `None` is any that [`ONLY_IN`] does not keep elsewhere.
    pub(crate) crates: Option<&'static [&'static str]>,
    /// Whether it may wait: `async` and `.await`.
    pub(crate) waits: bool,
    pub(crate) reason: &'static str,
}

/// A room whose work is thinking: no socket, no clock, no chance, no log.
const fn pure(
    name: &'static str,
    imports: &'static [&'static str],
    crates: &'static [&'static str],
    reason: &'static str,
) -> Room {
    Room { name, imports, crates: Some(crates), waits: false, reason }
}

const fn room(
    name: &'static str,
    imports: &'static [&'static str],
    waits: bool,
    reason: &'static str,
) -> Room {
    Room { name, imports, crates: None, waits, reason }
}

/// Who may know whom, from the ground up.
pub(crate) const HOUSE: [Room; 17] = [
    pure("wire", &[], &["http"], "the strict reading of HTTP/1 serves both sides of the proxy"),
    pure("level", &[], &["http"], "levels and evidence stand on nothing else"),
    pure("key", &[], &["bytes", "http", "itoa"], "what a key is made of does not depend on policy"),
    pure(
        "semantics",
        &["key", "level"],
        &["http", "httpdate", "itoa", "sfv"],
        "the RFCs as functions; Cache-Status states the level, and Vary compares fields as `key` reads them",
    ),
    pure("route", &["key", "level"], &["http"], "a route says what its answers depend on, and its level"),
    pure(
        "decision",
        &["key", "level", "route", "semantics"],
        &["http"],
        "the decision exists once, and is made of the pure rooms alone",
    ),
    room(
        "observe",
        &["decision", "level", "route", "semantics", "wire"],
        false,
        "what happened, in words of the pure rooms",
    ),
    room(
        "telemetry",
        &["decision", "key", "level", "observe", "route", "wire"],
        true,
        "what is made of what happened; whoever makes it happen knows only `observe`",
    ),
    room(
        "store",
        &["key"],
        false,
        "the store sees keys, metadata and bytes, never policy; a hit awaits nothing",
    ),
    room(
        "upstream",
        &["decision", "key", "observe", "semantics", "wire"],
        true,
        "a connection to the origin knows no store and no client",
    ),
    room(
        "proxy",
        &["decision", "key", "level", "observe", "route", "semantics", "store", "upstream", "wire"],
        true,
        "the request function puts the rooms below it together, and knows nothing of who calls it",
    ),
    room(
        "explain",
        &["decision", "key", "level", "proxy", "route", "semantics", "store"],
        false,
        "it says in words what the decision and the proxy know, and does nothing",
    ),
    room(
        "server",
        &["key", "observe", "proxy", "upstream", "wire"],
        true,
        "listeners and workers; what a request means is for proxy",
    ),
    room(
        "admin",
        &["explain", "proxy", "route", "server", "store", "telemetry", "upstream"],
        true,
        "it shows what the process knows: the proxy, its listeners, and its way to the origin",
    ),
    room("config", &["key", "level", "route"], false, "a config is read into the types of the pure rooms"),
    room("origin", &[], true, "the sample origin is an API like any other"),
    room(
        "cli",
        &[
            "admin",
            "config",
            "decision",
            "explain",
            "key",
            "level",
            "observe",
            "origin",
            "proxy",
            "route",
            "semantics",
            "server",
            "store",
            "telemetry",
            "upstream",
            "wire",
        ],
        true,
        "the one place where rooms are put together; only it knows config and origin",
    ),
];

/// Crates that are one room's own affair, with the rooms.
pub(crate) const ONLY_IN: [(&str, &[&str]); 11] = [
    ("axum", &["admin", "origin"]),
    ("clap", &["cli"]),
    ("fastrand", &["origin", "proxy"]),
    ("hyper_rustls", &["upstream"]),
    ("jsonwebtoken", &["origin"]),
    ("moka", &["store"]),
    ("rustls", &["upstream"]),
    ("strsim", &["config", "proxy"]),
    ("toml", &["config"]),
    ("tracing_subscriber", &["cli"]),
    ("utoipa_axum", &["admin"]),
];

/// Parts of std that a pure room has no use for.
pub(crate) const IMPURE_STD: [&str; 5] = ["env", "fs", "io", "process", "thread"];

/// Macros that write to where a process writes.
pub(crate) const PRINTS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

/// The files that read the system's clocks: the one clock of freshness, and the sample origin's own.
pub(crate) const CLOCKS: [&str; 2] = ["src/observe/clock.rs", "src/origin/clock.rs"];

/// The one file that turns errors into responses.
pub(crate) const PROBLEM: &str = "src/proxy/problem.rs";

/// How long a file may be. The habit is about 400.
pub(crate) const MOST_LINES: usize = 450;
