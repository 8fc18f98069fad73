//! The fields that a response nominates with Vary (RFC 9110 section 12.5.5, RFC 9111 section 4.1).

use std::{borrow::Cow, cell::OnceCell};

use http::{
    HeaderMap, HeaderName,
    header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, VARY},
};

use super::fields::is_of_connection;
use crate::key::{comparable_field, first_language, only_language};

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

/// The nominated fields of a stored response, with their values in the request that it answered. As small as can be where
/// it is stored most: without any field, or with Accept-Encoding alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nominations(Kept);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// [`Vary::Star`]: no request is known to be the same.
    Star,
    /// None.
    Nothing,
    /// Accept-Encoding, with its value.
    Coding(Option<Box<[u8]>>),
    /// Any.
    Fields(Box<Several>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Several {
    fields: Box<[Nominated]>,
    /// The one language of the response, where Accept-Language took part in choosing it.
    language: Option<Box<str>>,
}

static CODING: HeaderName = ACCEPT_ENCODING;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Nominated {
    name: HeaderName,
    /// Its value as it is compared; `None` where the request did not have the field.
    value: Option<Box<[u8]>>,
}

/// How well a stored response fits a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// All nominated fields say the same.
    Exact,
    /// All but Accept-Language, which ranks the response's own language before every other.
    ///
    /// Only the very same tag counts. A range may match longer tags too, but `zh` is no clear choice of `zh-Hant`.
    FirstChoice,
    /// The response is for other requests.
    None,
}

impl Nominations {
    /// What this response to this request nominates.
    pub fn of(vary: &Vary, request: &HeaderMap, response: &HeaderMap) -> Self {
        let Vary::Fields(names) = vary else { return Self(Kept::Star) };
        let value = |name| comparable(request, name).map(|value| value.as_ref().into());
        match &names[..] {
            [] => return Self(Kept::Nothing),
            [name] if *name == CODING => return Self(Kept::Coding(value(name))),
            _ => {}
        }
        let fields = names.iter().map(|name| Nominated { name: name.clone(), value: value(name) }).collect();
        let by_language = names.contains(&ACCEPT_LANGUAGE);
        let language =
            by_language.then(|| only_language(response.get_all(CONTENT_LANGUAGE).iter())).flatten();
        Self(Kept::Fields(Box::new(Several { fields, language })))
    }

    /// Whether the response may answer this request (RFC 9111 section 4.1).
    pub fn fit<'a>(&'a self, request: &mut Presented<'a>) -> Fit {
        let several = match &self.0 {
            Kept::Nothing => return Fit::Exact,
            Kept::Coding(value) if request.value(&CODING) == value.as_deref() => return Fit::Exact,
            Kept::Star | Kept::Coding(_) => return Fit::None,
            Kept::Fields(several) => several,
        };
        let mut fit = Fit::Exact;
        for Nominated { name, value } in &several.fields {
            if request.value(name) == value.as_deref() {
                continue;
            }
            let is_choice = *name == ACCEPT_LANGUAGE && several.language.is_some();
            if !is_choice || request.first_language() != several.language.as_deref() {
                return Fit::None;
            }
            fit = Fit::FirstChoice;
        }
        fit
    }

    /// Whether both are for the same requests, those aside that only prefer a language.
    pub fn are_as_in(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kept::Fields(one), Kept::Fields(other)) => one.fields == other.fields,
            (one, other) => one == other,
        }
    }

    /// The nominated fields, each with its value as it is compared; `None` where the request did not have the field.
    pub fn values(&self) -> impl Iterator<Item = (&HeaderName, Option<&[u8]>)> {
        let coding = if let Kept::Coding(value) = &self.0 { Some((&CODING, value.as_deref())) } else { None };
        let several = self.several().map(|Nominated { name, value }| (name, value.as_deref()));
        coding.into_iter().chain(several)
    }

    /// The nominated fields.
    pub fn names(&self) -> impl Iterator<Item = &HeaderName> {
        let coding = matches!(self.0, Kept::Coding(_)).then_some(&CODING);
        coding.into_iter().chain(self.several().map(|nominated| &nominated.name))
    }

    fn several(&self) -> impl Iterator<Item = &Nominated> {
        let several = if let Kept::Fields(several) = &self.0 { Some(several) } else { None };
        several.into_iter().flat_map(|several| &several.fields)
    }

    /// The sizes of what it has allocated.
    pub fn heap_sizes(&self) -> impl Iterator<Item = usize> {
        let (value, several) = match &self.0 {
            Kept::Star | Kept::Nothing => (None, None),
            Kept::Coding(value) => (value.as_deref(), None),
            Kept::Fields(several) => (several.language.as_deref().map(str::as_bytes), Some(several)),
        };
        let lists = several.map(|several| [size_of::<Several>(), size_of_val::<[_]>(&several.fields)]);
        let values = self.several().filter_map(|field| field.value.as_deref());
        lists.into_iter().flatten().chain(values.chain(value).map(<[u8]>::len))
    }
}

/// A request as it is compared with stored responses: each field is read once, however many of them nominate it, and
/// none before one does.
#[derive(Debug)]
pub struct Presented<'a> {
    fields: &'a HeaderMap,
    values: Vec<(&'a HeaderName, Option<Cow<'a, [u8]>>)>,
    language: OnceCell<Option<Box<str>>>,
}

impl<'a> Presented<'a> {
    /// The request with these fields.
    pub const fn new(fields: &'a HeaderMap) -> Self {
        Self { fields, values: Vec::new(), language: OnceCell::new() }
    }

    fn value(&mut self, name: &'a HeaderName) -> Option<&[u8]> {
        let known = self.values.iter().position(|(known, _)| *known == name);
        let at = known.unwrap_or_else(|| {
            self.values.push((name, comparable(self.fields, name)));
            self.values.len() - 1
        });
        self.values[at].1.as_deref()
    }

    fn first_language(&self) -> Option<&str> {
        let fields = self.fields;
        let read = || {
            let is_there = !is_of_connection(fields, &ACCEPT_LANGUAGE);
            is_there.then(|| first_language(fields.get_all(ACCEPT_LANGUAGE).iter())).flatten()
        };
        self.language.get_or_init(read).as_deref()
    }
}

/// What a field says. One that Connection names does not reach the origin, so it is as good as absent: else a client
/// could have the answer to a request without the field stored for all that have it.
fn comparable<'a>(fields: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, [u8]>> {
    if is_of_connection(fields, name) { None } else { comparable_field(name, fields.get_all(name).iter()) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn rfc9110_section_12_5_5_names_are_collected_from_all_lines_once() {
        let vary = Vary::of(&fields(&[("vary", "Accept, Origin"), ("vary", "accept,,")]));
        assert_eq!(vary.names(), ["accept", "origin"]);
    }

    #[test]
    fn rfc9110_section_12_5_5_a_star_anywhere_is_a_star() {
        assert_eq!(Vary::of(&fields(&[("vary", "accept, *")])), Vary::Star);
        assert_eq!(Vary::of(&fields(&[("vary", "not a field")])), Vary::Star);
    }

    fn fit(stored: &[(&'static str, &'static str)], language: &'static str, request: &HeaderMap) -> Fit {
        let names = stored.iter().map(|(name, _)| HeaderName::from_static(name)).collect();
        let response = fields(&[("content-language", language)]);
        let nominations = Nominations::of(&Vary::Fields(names), &fields(stored), &response);
        nominations.fit(&mut Presented::new(request))
    }

    /// A response to `stored` that varies by `name`.
    fn varying(name: &'static str, stored: &HeaderMap) -> Nominations {
        Nominations::of(&Vary::Fields(vec![HeaderName::from_static(name)]), stored, &HeaderMap::new())
    }

    fn is_exact(nominations: &Nominations, request: &HeaderMap) -> bool {
        nominations.fit(&mut Presented::new(request)) == Fit::Exact
    }

    #[test]
    fn rfc9111_section_4_1_a_nominated_field_matches_across_lines_and_white_space() {
        let nominations = varying("x-theme", &fields(&[("x-theme", "a,b")]));
        assert!(is_exact(&nominations, &fields(&[("x-theme", " a "), ("x-theme", "b")])));
        assert!(!is_exact(&nominations, &fields(&[("x-theme", "b,a")])));
        assert!(!is_exact(&nominations, &HeaderMap::new()));
    }

    #[test]
    fn rfc9111_section_4_1_a_field_of_negotiation_matches_by_its_grammar() {
        let nominations = varying("accept-language", &fields(&[("accept-language", "en, de")]));
        assert!(is_exact(&nominations, &fields(&[("accept-language", "De"), ("accept-language", "eN")])));
        assert!(!is_exact(&nominations, &fields(&[("accept-language", "en, de;q=0.5")])));
    }

    #[test]
    fn rfc9110_section_7_6_1_a_field_that_connection_names_is_absent() {
        let plain = fields(&[("accept", "a")]);
        let dropped = fields(&[("accept", "a"), ("connection", "close, Accept")]);
        assert!(is_exact(&varying("accept", &dropped), &HeaderMap::new()));
        assert!(!is_exact(&varying("accept", &dropped), &plain));
        assert!(!is_exact(&varying("accept", &plain), &dropped));
    }

    #[test]
    fn rfc9111_section_4_1_an_absent_field_matches_only_an_absent_field() {
        let nominations = varying("accept", &HeaderMap::new());
        assert!(is_exact(&nominations, &HeaderMap::new()));
        assert!(!is_exact(&nominations, &fields(&[("accept", "")])));
    }

    #[test]
    fn rfc9111_section_4_1_the_language_that_a_request_ranks_first_fits_where_all_else_does() {
        let languages = [("accept-language", "en, de")];
        let asking = |line| fields(&[("accept-language", line)]);
        assert_eq!(fit(&languages, "de", &asking("fr;q=0.5, de;q=1.0")), Fit::FirstChoice);
        assert_eq!(fit(&languages, "de", &asking("de, en")), Fit::Exact);
        for (language, line) in [
            ("de", "fr, de"),
            ("de", "fr, de;q=0.5"),
            ("de", "*, de;q=0.5"),
            ("de, en", "de, fr;q=0.5"),
            ("de-AT", "de, fr;q=0.5"),
            ("de", "de-AT, fr;q=0.5"),
        ] {
            assert_eq!(fit(&languages, language, &asking(line)), Fit::None, "{language} for {line}");
        }
        let themed = [("accept-language", "en, de"), ("x-theme", "dark")];
        assert_eq!(fit(&themed, "de", &asking("de, fr;q=0.5")), Fit::None, "the theme is another");
        let other = [("x-theme", "dark")];
        assert_eq!(fit(&other, "de", &asking("de, fr;q=0.5")), Fit::None, "it does not vary by language");
        let dropped = fields(&[("accept-language", "de, fr;q=0.5"), ("connection", "accept-language")]);
        assert_eq!(fit(&languages, "de", &dropped), Fit::None, "the origin would not see the choice");
    }

    #[test]
    fn rfc9111_section_4_1_what_varies_by_anything_fits_no_request() {
        let request = fields(&[("accept", "a")]);
        let vary = Vary::of(&fields(&[("vary", "accept, *")]));
        let nominations = Nominations::of(&vary, &request, &HeaderMap::new());
        assert_eq!(nominations.fit(&mut Presented::new(&request)), Fit::None);
    }

    #[test]
    fn another_language_of_the_same_request_takes_the_place_of_the_stored_one() {
        let vary = Vary::of(&fields(&[("vary", "accept-language")]));
        let request = fields(&[("accept-language", "en, de")]);
        let [en, de] =
            ["en", "de"].map(|l| Nominations::of(&vary, &request, &fields(&[("content-language", l)])));
        assert!(en.are_as_in(&de));
    }

    #[test]
    fn rfc9111_section_4_1_accept_encoding_alone_is_kept_in_less_and_means_the_same() {
        let asking = |line| fields(&[("accept-encoding", line)]);
        let nominations = varying("accept-encoding", &asking("gzip, br"));
        assert!(is_exact(&nominations, &asking("br, gzip")));
        assert!(!is_exact(&nominations, &asking("gzip")));
        assert!(!is_exact(&nominations, &HeaderMap::new()));
        assert_eq!(nominations.names().collect::<Vec<_>>(), ["accept-encoding"]);
        assert_eq!(nominations.heap_sizes().collect::<Vec<_>>(), ["br,gzip".len()]);
        let absent = varying("accept-encoding", &HeaderMap::new());
        assert!(is_exact(&absent, &HeaderMap::new()) && !is_exact(&absent, &asking("")));
        assert!(!absent.are_as_in(&nominations) && absent.are_as_in(&absent.clone()));
        let nothing = Nominations::of(&Vary::Fields(Vec::new()), &asking("gzip"), &HeaderMap::new());
        assert!(is_exact(&nothing, &asking("br")));
    }

    #[test]
    fn what_is_kept_is_counted() {
        let names = vec![HeaderName::from_static("accept-language"), HeaderName::from_static("accept")];
        let request = fields(&[("accept-language", "en, de")]);
        let held = Nominations::of(&Vary::Fields(names), &request, &fields(&[("content-language", "de")]));
        let sizes: Vec<_> = held.heap_sizes().collect();
        assert_eq!(sizes, [size_of::<Several>(), 2 * size_of::<Nominated>(), "de,en".len(), "de".len()]);
    }
}
