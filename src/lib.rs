//! plimsoll: a caching reverse proxy that knows how stateful an API is, and caches exactly as much of it as is safe.
//!
//! # The map of the house
//!
//! A request walks through the house in one direction, and each room does one thing:
//!
//! ```text
//! client -> server -> proxy -> route -> classify -> plan -> the store answers --------------> client
//!                                          |          \---> fetch -> upstream -> judge -> fill -> client
//!                                          |                                       |        \--> store
//!                                          \-> bypass -----> upstream -------------|-----------> client
//!                                                               \-- discarded <----/
//! ```
//!
//! | room | what it does | imports |
//! |---|---|---|
//! | [`wire`] | the strict reading of HTTP/1: where messages end, and every rule that a refusal names | nothing |
//! | [`level`] | the five levels, the evidence for them and its join, how to lower them; where identity rides in a request | nothing |
//! | [`key`] | explicit state in canonical form, the cache key, and the hermetic request that is built from it | nothing |
//! | [`semantics`] | HTTP caching as functions: directives, dates, freshness, validation, Vary, ranges and parts, cache groups and tags, Cache-Status | `key`, `level` |
//! | [`route`] | what the operator says about the API, and the table that finds the most specific route | `key`, `level` |
//! | [`decision`] | the decision, once: classify a request, plan an answer, judge what the origin says | `key`, `level`, `route`, `semantics` |
//! | [`observe`] | what happened, as types: the clock, decisions, findings; the log is a sink of them | `decision`, `level`, `route`, `semantics`, `wire` |
//! | [`telemetry`] | what sinks make of it: metrics, the access log, events for who follows them live | `decision`, `key`, `level`, `observe`, `route`, `wire` |
//! | [`store`] | stored responses by key, a hard budget of bytes, fills and their followers, invalidation and purge | `key` |
//! | [`upstream`] | connections to the origin: pool, deadlines, bounds, when a request is sent again | `decision`, `key`, `observe`, `semantics`, `wire` |
//! | [`proxy`] | the request function, and every error as a response | `decision`, `key`, `level`, `observe`, `route`, `semantics`, `store`, `upstream`, `wire` |
//! | [`explain`] | what would happen to a request, and why, in words: by a config, or by a proxy that runs | `decision`, `key`, `level`, `proxy`, `route`, `semantics`, `store` |
//! | [`server`] | listeners, workers, connections, the end of them all | `key`, `observe`, `proxy`, `upstream`, `wire` |
//! | [`admin`] | what an operator asks a running proxy, on a listener of its own | `explain`, `proxy`, `route`, `server`, `store`, `telemetry`, `upstream` |
//! | [`config`] | TOML as it is typed, read into types that are valid by construction | `key`, `level`, `route` |
//! | [`origin`] | the sample origin: an API with each kind of statefulness in it | nothing |
//! | [`cli`] | one file for each command; `cli/serve.rs` puts the rooms together | `admin`, `config`, `decision`, `explain`, `key`, `level`, `observe`, `origin`, `proxy`, `route`, `semantics`, `server`, `store`, `telemetry`, `upstream`, `wire` |
//!
//! The request function is [`Proxy::begin`](proxy::Proxy::begin): start reading there, or at [`decision`], where the
//! three questions are.
//!
//! # What must never be
//!
//! `tests/layers.rs` reads the source and holds it to the first five, and to the last column of the table above.
//!
//! 1. *A pure room that is not.* `wire`, `level`, `key`, `semantics`, `route` and `decision` do not wait, read no clock, toss no
//!    coin, write no log and open nothing. The time now, and the chance behind jitter, are arguments.
//! 2. *An import upwards.* What the table does not list is not there. Only `cli` knows `config` and `origin`, and
//!    `origin` knows nothing of the crate.
//! 3. *A store with opinions.* `store` sees keys, metadata and bytes. It hands out the variants of a key; `decision`
//!    selects. Only `store` knows the table behind it. Its look-up is synchronous: a hit awaits nothing.
//! 4. *A second clock.* Freshness has one, [`observe::Clock`], which tests turn by hand. Timers of sockets are tokio's.
//! 5. *A second way for an error to become a response.* [`proxy::Problem`] is the one. What a client reads there, and what
//!    the log says, are separate texts.
//! 6. *A second decision.* `classify`, `plan` and `judge` are called by the proxy and by `explain`. Each "no" is one variant of
//!    [`decision::Reason`], the same one for Cache-Status, log and findings. The names are unique (tested in `decision`),
//!    and the README lists them all (`tests/readme.rs`).
//! 7. *A stored answer that depends on what is not in the key.* On a declared route the request to the origin is built from
//!    the key alone. That keys are injective, and that the request says no more than its key, are properties in `key`.
//! 8. *Evidence that lowers a level.* The effective level is a join (properties in `level`).
//! 9. *A fill that dies with its client, or an answer that was cut short and looks whole.* A fill runs in a task of its own,
//!    and its first client is only a follower: it ends where nobody has followed it for `cache.fill_timeout`. A fill that
//!    fails tells its followers with an error, never with a clean end (tests of `store`).
//! 10. *A store over its budget.* All that is stored counts, overhead too (tests of `store`).
//! 11. *Text that goes stale.* The tables of the README and this map are compared with the code; the files in `config/` are
//!     read by tests.

pub mod admin;
pub mod cli;
pub mod config;
pub mod decision;
pub mod explain;
pub mod key;
pub mod level;
pub mod observe;
pub mod origin;
pub mod proxy;
pub mod route;
pub mod semantics;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod upstream;
pub mod wire;
