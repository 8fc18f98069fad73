//! plimsoll: a caching reverse proxy that knows how stateful an API is.

pub mod admin;
pub mod cli;
pub mod config;
pub mod decision;
pub mod key;
pub mod level;
pub mod observe;
pub mod origin;
pub mod proxy;
pub mod route;
pub mod semantics;
pub mod server;
pub mod store;
pub mod upstream;
