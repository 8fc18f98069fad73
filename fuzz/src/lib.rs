//! What the fuzz targets hold. Each module but [`fields`] has one function, `check`, which takes any bytes and panics where
//! a property does not hold. The targets call it with what the fuzzer makes, `tests/fuzz_corpus.rs` with what it has found.

pub mod config;
pub mod directives;
pub mod fields;
pub mod range;
pub mod request;
pub mod structured;
pub mod target;
pub mod wire;

/// A check of any bytes.
pub type Check = fn(&[u8]);

/// Every target, by its name.
pub const TARGETS: [(&str, Check); 7] = [
    ("config", config::check),
    ("directives", directives::check),
    ("range", range::check),
    ("request", request::check),
    ("structured", structured::check),
    ("target", target::check),
    ("wire", wire::check),
];
