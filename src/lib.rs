//! plimsoll: a caching reverse proxy that knows how stateful an API is.

pub mod origin;
