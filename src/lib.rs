//! plimsoll: a caching reverse proxy that knows how stateful an API is.

pub mod cli;
pub mod config;
pub mod key;
pub mod level;
pub mod origin;
pub mod route;
pub mod semantics;
