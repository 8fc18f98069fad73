//! What a config may say, and what it is told.

mod faults;
mod files;
mod meaning;
mod texts;

use super::*;

/// The least that a config must say.
const LEAST: &str = "[origin]\nurl = \"http://x\"\n";

/// The least, and this.
fn with(more: &str) -> String {
    format!("{LEAST}{more}")
}

/// Reads a text that must be right, with whatever warnings.
fn loaded(text: &str) -> Loaded {
    Config::parse("p.toml", text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// All that a text is told, as `code line:column`, errors first.
fn told(text: &str) -> Vec<String> {
    let (errors, warnings) = match Config::parse("p.toml", text) {
        Ok(loaded) => (Vec::new(), loaded.warnings),
        Err(errors) => (errors.errors, errors.warnings),
    };
    let place = |d: &Diagnostic| d.location.as_ref().map(|at| format!("{}:{}", at.line, at.column));
    errors.iter().chain(&warnings).map(|d| format!("{} {}", d.code, place(d).unwrap_or_default())).collect()
}
