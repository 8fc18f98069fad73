//! The config: whatever a file says, it is read or refused; what is said about it has a place in it, and can be shown.
//!
//! Input: the text of a config.

use http::Method;
use plimsoll::config::{Config, Diagnostic, Severity};

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let first = text.lines().next().unwrap_or_default();
    let (url, listen) = first.split_once(' ').unwrap_or((first, "127.0.0.1:8080"));
    if let Err(errors) = Config::for_origin(url, Some(listen)) {
        assert!(!errors.errors.is_empty());
        shown(&errors.to_string());
    }
    match Config::parse("fuzz.toml", text) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                assert_eq!(warning.severity, Severity::Warning);
                has_a_place(warning, text);
            }
            routes(&loaded.config);
            let again = Config::parse("fuzz.toml", text).expect("read once, read twice");
            assert_eq!(format!("{:?}", again.config), format!("{:?}", loaded.config));
        }
        Err(errors) => {
            assert!(!errors.errors.is_empty(), "refused for no reason");
            for error in &errors.errors {
                assert_eq!(error.severity, Severity::Error);
                has_a_place(error, text);
            }
            errors.warnings.iter().for_each(|warning| has_a_place(warning, text));
            shown(&errors.to_string());
        }
    }
}

fn has_a_place(diagnostic: &Diagnostic, text: &str) {
    shown(&diagnostic.render());
    assert_eq!(diagnostic.subject, "fuzz.toml");
    assert!(!diagnostic.message.is_empty());
    let place = diagnostic.location.as_ref().expect("a place in the file");
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line = text.split('\n').nth(place.line - 1).expect("a line that there is");
    let line = line.strip_suffix('\r').unwrap_or(line);
    // What could be a token is hidden, and nothing else is changed.
    assert_eq!(place.text.len(), line.len());
    assert!(place.text.bytes().zip(line.bytes()).all(|(shown, meant)| shown == meant || shown == b'*'));
    assert!(place.text == line || text.contains("token") || text.contains("admin"));
    let (length, width) = (place.text.chars().count(), place.width);
    assert!((1..=length + 1).contains(&place.column), "column {} of {length}", place.column);
    assert!(
        width >= 1 && place.column + width <= length + 2,
        "{width} at column {} of {length}",
        place.column
    );
}

/// Nothing that upsets a terminal.
fn shown(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
}

/// Every request finds a route that there is, or the default.
fn routes(config: &Config) {
    let known: Vec<&str> = config.routes.iter().map(|route| route.name.as_str()).collect();
    for method in [Method::GET, Method::POST, Method::QUERY] {
        for (authority, path, query) in [
            ("example.com", "/", None),
            ("a.example.com:8080", "/a/b/c", Some("a=1&b")),
            ("[::1]", "//", Some("")),
        ] {
            let route = config.routes.find(&method, authority, path, query);
            let is_default = route.name == config.routes.default_route().name;
            assert!(is_default || known.contains(&route.name.as_str()));
            for tag in route.tags_for(path) {
                assert!(!tag.chars().any(char::is_control), "{tag:?}");
            }
        }
    }
}
