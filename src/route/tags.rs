//! Templates of tags: text, and parameters of the route's path, as in `product:{id}`.

use super::Pattern;

/// A template that names only parameters that its pattern has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The place of the parameter among those of the pattern.
    Parameter(usize),
}

/// What is wrong with a template, and the byte at which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// The offset in the template's text, in bytes.
    pub offset: usize,
    /// What is wrong there.
    pub fault: TemplateFault,
}

/// What can be wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateFault {
    /// It is empty.
    Empty,
    /// A brace is opened and not closed.
    UnclosedBrace,
    /// A brace is closed that was not opened.
    StrayBrace,
    /// The path has no parameter of this name.
    UnknownParameter(String),
}

impl std::fmt::Display for TemplateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.fault {
            TemplateFault::Empty => f.write_str("a tag cannot be empty"),
            TemplateFault::UnclosedBrace => f.write_str("this brace is not closed"),
            TemplateFault::StrayBrace => f.write_str("this brace closes nothing"),
            TemplateFault::UnknownParameter(name) => {
                write!(f, "the route's path has no parameter {{{name}}}")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

impl TagTemplate {
    /// Parses a template for a route with this path.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Self, TemplateError> {
        let error = |offset, fault| TemplateError { offset, fault };
        if text.is_empty() {
            return Err(error(0, TemplateFault::Empty));
        }
        let mut parts = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            if let Some(inside) = rest.strip_prefix('{') {
                let len = inside.find('}').ok_or_else(|| error(at, TemplateFault::UnclosedBrace))?;
                let name = &inside[..len];
                let place = pattern.parameters().position(|known| known == name);
                let unknown = || error(at + 1, TemplateFault::UnknownParameter(name.to_owned()));
                parts.push(Part::Parameter(place.ok_or_else(unknown)?));
                at += len + 2;
            } else {
                let len = rest.find(['{', '}']).unwrap_or(rest.len());
                if rest[len..].starts_with('}') {
                    return Err(error(at + len, TemplateFault::StrayBrace));
                }
                parts.push(Part::Text(rest[..len].to_owned()));
                at += len;
            }
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// The template as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The tag, with what [`Pattern::captures`] gave for the pattern that the template was parsed with.
    pub(super) fn expand(&self, captures: &[(&str, &str)]) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Parameter(place) => captures.get(*place).map_or("", |(_, value)| value),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{Route, Treatment};

    #[test]
    fn tags_are_expanded_from_the_path() {
        let pattern = Pattern::parse("/shop/{shop}/product/{id}").unwrap();
        let parse = |text| TagTemplate::parse(text, &pattern).unwrap();
        let tags = vec![parse("product"), parse("product:{id}"), parse("{id}-{shop}.{id}")];
        let mut route = Route::new("product", pattern.clone(), Treatment::Origin);
        assert!(route.tags_for("/shop/a/product/7").is_empty());
        route.tags = tags;
        assert_eq!(route.tags_for("/shop/a%2Fb/product/7"), ["product", "product:7", "7-a%2Fb.7"]);
        assert!(route.tags_for("/other").is_empty());
    }

    #[test]
    fn an_error_says_what_is_wrong_and_where() {
        let pattern = Pattern::parse("/{id}").unwrap();
        for (text, offset, fault) in [
            ("", 0, TemplateFault::Empty),
            ("a{id", 1, TemplateFault::UnclosedBrace),
            ("a}", 1, TemplateFault::StrayBrace),
            ("a:{di}", 3, TemplateFault::UnknownParameter("di".to_owned())),
            ("{}", 1, TemplateFault::UnknownParameter(String::new())),
        ] {
            assert_eq!(TagTemplate::parse(text, &pattern), Err(TemplateError { offset, fault }), "{text}");
        }
    }
}
