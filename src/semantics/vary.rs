//! The fields that a response nominates with Vary (RFC 9110 section 12.5.5, RFC 9111 section 4.1).

use http::{HeaderMap, HeaderName, HeaderValue, header::VARY};

use super::fields::is_of_connection;

/// What a response's Vary says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vary {
    /// These request fields took part in choosing the response; often none.
    Fields(Vec<HeaderName>),
    /// Something took part that no request field shows: `*`, or a member that cannot be a field name.
    Star,
}

impl Vary {
    /// Reads all Vary lines of a response.
    pub fn of(fields: &HeaderMap) -> Self {
        let mut names = Vec::new();
        for line in fields.get_all(VARY) {
            let Ok(text) = line.to_str() else { return Self::Star };
            for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
                match HeaderName::from_bytes(member.as_bytes()) {
                    Ok(name) if member != "*" => {
                        if !names.contains(&name) {
                            names.push(name);
                        }
                    }
                    _ => return Self::Star,
                }
            }
        }
        Self::Fields(names)
    }

    /// The nominated fields; none for [`Vary::Star`].
    pub fn names(&self) -> &[HeaderName] {
        match self {
            Self::Fields(names) => names,
            Self::Star => &[],
        }
    }
}

/// One nominated field and its value in the request that the response answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nominated {
    /// The field.
    pub name: HeaderName,
    /// Its lines, combined; `None` where the request did not have the field.
    pub value: Option<Vec<u8>>,
}

impl Nominated {
    /// Takes the value of a field from a request.
    pub fn of(name: HeaderName, request: &HeaderMap) -> Self {
        let value = combined(request, &name);
        Self { name, value }
    }

    /// Whether another request has the same value, white space around list members aside.
    pub fn matches(&self, request: &HeaderMap) -> bool {
        combined(request, &self.name) == self.value
    }
}

/// All lines of a field as one list, with the white space around its members taken away. A field that Connection names
/// does not reach the origin, so it is as good as absent: else a client could have the answer to a request without the
/// field stored for all that have it.
fn combined(fields: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    if is_of_connection(fields, name) {
        return None;
    }
    let mut lines = fields.get_all(name).iter().peekable();
    lines.peek()?;
    let members: Vec<&[u8]> = lines
        .map(HeaderValue::as_bytes)
        .flat_map(|line| line.split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    Some(members.join(&b", "[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn names_are_collected_from_all_lines_once() {
        let vary = Vary::of(&fields(&[("vary", "Accept, Origin"), ("vary", "accept,,")]));
        assert_eq!(vary.names(), ["accept", "origin"]);
    }

    #[test]
    fn a_star_anywhere_is_a_star() {
        assert_eq!(Vary::of(&fields(&[("vary", "accept, *")])), Vary::Star);
        assert_eq!(Vary::of(&fields(&[("vary", "not a field")])), Vary::Star);
    }

    #[test]
    fn a_nominated_field_matches_across_lines_and_white_space() {
        let nominated = Nominated::of(HeaderName::from_static("accept"), &fields(&[("accept", "a,b")]));
        assert!(nominated.matches(&fields(&[("accept", " a "), ("accept", "b")])));
        assert!(!nominated.matches(&fields(&[("accept", "b,a")])));
        assert!(!nominated.matches(&HeaderMap::new()));
    }

    #[test]
    fn a_field_that_connection_names_is_absent() {
        let plain = fields(&[("accept", "a")]);
        let dropped = fields(&[("accept", "a"), ("connection", "close, Accept")]);
        let accept = HeaderName::from_static("accept");
        assert!(Nominated::of(accept.clone(), &dropped).matches(&HeaderMap::new()));
        assert!(!Nominated::of(accept.clone(), &dropped).matches(&plain));
        assert!(!Nominated::of(accept, &plain).matches(&dropped));
    }

    #[test]
    fn an_absent_field_matches_only_an_absent_field() {
        let nominated = Nominated::of(HeaderName::from_static("accept"), &HeaderMap::new());
        assert!(nominated.matches(&HeaderMap::new()));
        assert!(!nominated.matches(&fields(&[("accept", "")])));
    }
}
