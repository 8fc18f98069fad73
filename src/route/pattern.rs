//! Path patterns: literal segments, `{name}` for one segment, `{*rest}` for what is left, and segments that mix text and
//! parameters, such as `{id}&language={language}`.
//!
//! Literals are brought into the canonical form of a path, so that a pattern matches a request however both are spelled.
//! A pattern is matched against canonical paths only.

use std::{borrow::Cow, ops::Range};

use super::segment::{Mixed, Segment, literal_or_mixed};
use crate::key::{self, TargetError};

/// A parsed path pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

/// What is wrong with a pattern, and the byte at which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The offset in the pattern's text, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub fault: PatternFault,
}

/// What can be wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternFault {
    /// It does not start with a slash.
    NotAbsolute,
    /// A brace is opened and not closed in its segment.
    UnclosedBrace,
    /// A brace is closed that was not opened.
    StrayBrace,
    /// A name is empty, or holds something but ASCII letters, digits, `_` and `-`.
    InvalidName,
    /// A name is there twice.
    RepeatedName,
    /// Two parameters have no text between them.
    AdjacentParameters,
    /// `{*name}` is not a segment of its own.
    RestInText,
    /// Something follows the segment `{*name}`.
    RestNotLast,
    /// A segment is `.` or `..`: no canonical path has one.
    DotSegment,
    /// A literal cannot be part of a path.
    Literal(TargetError),
}

impl std::fmt::Display for PatternError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.fault {
            PatternFault::NotAbsolute => "a path pattern must start with a slash",
            PatternFault::UnclosedBrace => "this brace is not closed in its segment",
            PatternFault::StrayBrace => "this brace closes nothing; write %7D for a literal one",
            PatternFault::InvalidName => "a parameter's name needs ASCII letters, digits, _ or -",
            PatternFault::RepeatedName => "this parameter's name is there twice",
            PatternFault::AdjacentParameters => "two parameters need text between them",
            PatternFault::RestInText => "{*name} must be a whole segment",
            PatternFault::RestNotLast => "{*name} must be the last segment",
            PatternFault::DotSegment => "no request has this segment: dot segments are removed from paths",
            PatternFault::Literal(error) => error.as_str(),
        })
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Parses a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if !text.starts_with('/') {
            return Err(PatternError { offset: 0, fault: PatternFault::NotAbsolute });
        }
        let mut names: Vec<String> = Vec::new();
        let mut segments: Vec<Segment> = Vec::new();
        let mut offset = 1;
        for part in text[1..].split('/') {
            if matches!(segments.last(), Some(Segment::Rest(_))) {
                return Err(PatternError { offset: offset - 1, fault: PatternFault::RestNotLast });
            }
            segments.push(parse_segment(part, offset, &mut names)?);
            offset += part.len() + 1;
        }
        Ok(Self { text: text.to_owned(), segments })
    }

    /// The pattern that every path matches: `/{*rest}`.
    pub fn everything() -> Self {
        Self { text: "/{*rest}".to_owned(), segments: vec![Segment::Rest("rest".to_owned())] }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(Segment::names)
    }

    /// Whether the canonical path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.captures(path).is_some()
    }

    /// The name and the value of every parameter, in their order; `None` where the canonical path does not match.
    /// Values are percent-encoded as the path is. Where a segment could be split in several ways, every parameter takes
    /// as little as it can, from the left.
    pub fn captures<'p, 't>(&'p self, path: &'t str) -> Option<Vec<(&'p str, &'t str)>> {
        let mut captures = Vec::new();
        let mut rest = Some(path.strip_prefix('/')?);
        for segment in &self.segments {
            let left = rest?;
            if let Segment::Rest(name) = segment {
                captures.push((name.as_str(), left));
                return Some(captures);
            }
            let (part, after) =
                left.split_once('/').map_or((left, None), |(part, after)| (part, Some(after)));
            match segment {
                Segment::Literal(text) => (text == part).then_some(())?,
                Segment::Parameter(name) => {
                    (!part.is_empty()).then_some(())?;
                    captures.push((name.as_str(), part));
                }
                Segment::Mixed(mixed) => mixed.capture(part, &mut captures)?,
                Segment::Rest(_) => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(captures)
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The pattern without the names of its parameters: two patterns share it only if they match the same paths.
    pub(super) fn shape(&self) -> String {
        self.segments.iter().fold(String::new(), |shape, segment| shape + "/" + &segment.shape())
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

/// A literal, or a parameter: where its name is in the segment, and whether it has the star.
enum Piece<'a> {
    Text(Cow<'a, str>),
    Parameter { name: Range<usize>, is_rest: bool },
}

fn parse_segment(part: &str, offset: usize, names: &mut Vec<String>) -> Result<Segment, PatternError> {
    let at = |local: usize, fault| PatternError { offset: offset + local, fault };
    let pieces = pieces(part).map_err(|(local, fault)| at(local, fault))?;
    let is_alone = pieces.len() == 1;
    let mut texts = vec![String::new()];
    let mut own_names = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => {
                if let Some(last) = texts.last_mut() {
                    last.push_str(&text);
                }
            }
            Piece::Parameter { name: place, is_rest } => {
                let name = &part[place.clone()];
                if names.iter().any(|known| known == name) {
                    return Err(at(place.start, PatternFault::RepeatedName));
                }
                names.push(name.to_owned());
                if is_rest {
                    return if is_alone {
                        Ok(Segment::Rest(name.to_owned()))
                    } else {
                        Err(at(place.start - 2, PatternFault::RestInText))
                    };
                }
                if !own_names.is_empty() && texts.last().is_some_and(String::is_empty) {
                    return Err(at(place.start - 1, PatternFault::AdjacentParameters));
                }
                own_names.push(name.to_owned());
                texts.push(String::new());
            }
        }
    }
    if own_names.is_empty() && matches!(texts[0].as_str(), "." | "..") {
        return Err(at(0, PatternFault::DotSegment));
    }
    Ok(literal_or_mixed(Mixed::new(texts, own_names)))
}

fn pieces(part: &str) -> Result<Vec<Piece<'_>>, (usize, PatternFault)> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < part.len() {
        let rest = &part[at..];
        if rest.starts_with('{') {
            let len = rest.find('}').ok_or((at, PatternFault::UnclosedBrace))?;
            let is_rest = rest.starts_with("{*");
            let name = at + if is_rest { 2 } else { 1 }..at + len;
            let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            if name.is_empty() || !part[name.clone()].bytes().all(is_name_byte) {
                return Err((name.start, PatternFault::InvalidName));
            }
            at += len + 1;
            pieces.push(Piece::Parameter { name, is_rest });
        } else {
            let len = rest.find(['{', '}']).unwrap_or(rest.len());
            if rest[len..].starts_with('}') {
                return Err((at + len, PatternFault::StrayBrace));
            }
            let text = key::canonical_path_text(&rest[..len])
                .map_err(|(local, error)| (at + local, PatternFault::Literal(error)))?;
            at += len;
            pieces.push(Piece::Text(text));
        }
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        let pattern = Pattern::parse(pattern).unwrap();
        let captures = pattern.captures(path)?;
        Some(captures.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn values(pattern: &str, path: &str) -> Option<Vec<String>> {
        Some(captures(pattern, path)?.into_iter().map(|(_, value)| value).collect())
    }

    fn error(pattern: &str) -> (usize, PatternFault) {
        let error = Pattern::parse(pattern).unwrap_err();
        (error.offset, error.fault)
    }

    #[test]
    fn a_literal_matches_however_it_is_spelled() {
        assert_eq!(values("/caf\u{e9}/%7ea", "/caf%C3%A9/~a"), Some(vec![]));
        assert_eq!(values("/a", "/a/"), None);
        assert_eq!(values("/a/", "/a/"), Some(vec![]));
        assert_eq!(values("/", "/"), Some(vec![]));
        assert_eq!(values("/a//b", "/a//b"), Some(vec![]));
        assert_eq!(values("/a", "/A"), None);
    }

    #[test]
    fn a_parameter_is_one_segment_with_something_in_it() {
        let captured = captures("/product/{id}/price", "/product/12%2F3/price").unwrap();
        assert_eq!(captured, [("id".to_owned(), "12%2F3".to_owned())]);
        assert_eq!(values("/product/{id}", "/product/"), None);
        assert_eq!(values("/product/{id}", "/product/1/2"), None);
    }

    #[test]
    fn the_rest_may_be_empty_but_its_slash_is_there() {
        assert_eq!(values("/files/{*rest}", "/files/a//b/"), Some(vec!["a//b/".to_owned()]));
        assert_eq!(values("/files/{*rest}", "/files/"), Some(vec![String::new()]));
        assert_eq!(values("/files/{*rest}", "/files"), None);
        assert_eq!(values("/{*rest}", "/"), Some(vec![String::new()]));
    }

    #[test]
    fn a_segment_may_mix_text_and_parameters() {
        let pattern = "/product/{id}&language={language}";
        assert_eq!(values(pattern, "/product/1&language=french").unwrap(), ["1", "french"]);
        assert_eq!(values(pattern, "/product/&language=french"), None);
        assert_eq!(values(pattern, "/product/1&language="), None);
        assert_eq!(values("/{name}.{ext}", "/a.tar.gz").unwrap(), ["a", "tar.gz"]);
        assert_eq!(values("/{name}.{ext}", "/.a.b").unwrap(), [".a", "b"]);
        assert_eq!(values("/{a}aa{b}", "/aaab").unwrap(), ["a", "b"]);
        assert_eq!(values("/v{n}.x", "/v1.x.x").unwrap(), ["1.x"]);
        assert_eq!(values("/v{n}v", "/vv"), None);
    }

    #[test]
    fn text_never_begins_inside_an_encoded_character() {
        assert_eq!(values("/{a}2{b}", "/x%2Fy"), None);
        assert_eq!(values("/{a}F", "/x%2F"), None);
        assert_eq!(values("/{a}%2f{b}", "/x%2Fy").unwrap(), ["x", "y"]);
    }

    #[test]
    fn an_error_says_what_is_wrong_and_where() {
        assert_eq!(error("a"), (0, PatternFault::NotAbsolute));
        assert_eq!(error(""), (0, PatternFault::NotAbsolute));
        assert_eq!(error("/a/{b"), (3, PatternFault::UnclosedBrace));
        assert_eq!(error("/a/{b/c}"), (3, PatternFault::UnclosedBrace));
        assert_eq!(error("/a/b}"), (4, PatternFault::StrayBrace));
        assert_eq!(error("/{}"), (2, PatternFault::InvalidName));
        assert_eq!(error("/{*}"), (3, PatternFault::InvalidName));
        assert_eq!(error("/{a{b}"), (2, PatternFault::InvalidName));
        assert_eq!(error("/{a}/{a}"), (6, PatternFault::RepeatedName));
        assert_eq!(error("/x{a}{b}"), (5, PatternFault::AdjacentParameters));
        assert_eq!(error("/x{*a}"), (2, PatternFault::RestInText));
        assert_eq!(error("/{*a}/b"), (5, PatternFault::RestNotLast));
        assert_eq!(error("/a/%2e%2e"), (3, PatternFault::DotSegment));
        assert_eq!(error("/a b"), (2, PatternFault::Literal(TargetError::PathByte)));
        assert_eq!(error("/{a}%2{b}"), (4, PatternFault::Literal(TargetError::PathEscape)));
    }

    #[test]
    fn parameters_are_listed_in_their_order() {
        let pattern = Pattern::parse("/{a}/b/{c}.{d}/{*e}").unwrap();
        assert_eq!(pattern.parameters().collect::<Vec<_>>(), ["a", "c", "d", "e"]);
        assert_eq!(pattern.to_string(), "/{a}/b/{c}.{d}/{*e}");
    }
}
