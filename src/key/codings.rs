//! The content codings in play (RFC 9110 section 12.5.3): what a client accepts, or a fetch offers, reduced to those that
//! origins and clients really use.

use http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

use super::{
    fields,
    negotiation::{self, Item, Kind},
};

/// One content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    /// `br` (RFC 7932).
    Brotli,
    /// `gzip`, also called `x-gzip`.
    Gzip,
    /// `zstd` (RFC 8878).
    Zstd,
}

impl Coding {
    /// Every coding in play, in canonical order.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Zstd];

    /// The token in Accept-Encoding and Content-Encoding.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Reads a token of Content-Encoding, in any case. `None` for any other coding, `identity` among them.
    pub fn parse(token: &str) -> Option<Self> {
        let is_old_gzip = token.eq_ignore_ascii_case("x-gzip");
        Self::ALL.into_iter().find(|coding| {
            token.eq_ignore_ascii_case(coding.as_str()) || (is_old_gzip && *coding == Self::Gzip)
        })
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Brotli => 1,
            Self::Gzip => 2,
            Self::Zstd => 4,
        }
    }
}

/// A set of content codings; the empty set is `identity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Codings(u8);

impl Codings {
    /// No coding: content as it is.
    pub const NONE: Self = Self(0);

    /// What these request fields accept: each coding whose weight is above 0, by name or by `*`. A malformed
    /// Accept-Encoding accepts none.
    pub fn accepted(fields: &HeaderMap) -> Self {
        let lines = fields.get_all(ACCEPT_ENCODING).iter();
        let Some(list) = fields::joined(&ACCEPT_ENCODING, lines) else { return Self::NONE };
        let Ok(list) = std::str::from_utf8(&list) else { return Self::NONE };
        // Of a coding that is named twice, the greater weight counts.
        let mut named = [None; Coding::ALL.len()];
        let mut star = None;
        for item in negotiation::items(Kind::Coding, list) {
            let Some(Item { range, weight }) = item else { return Self::NONE };
            let coding = Coding::ALL.iter().position(|coding| range == coding.as_str());
            match coding.and_then(|coding| named.get_mut(coding)) {
                Some(known) => *known = (*known).max(Some(weight)),
                None if range == "*" => star = star.max(Some(weight)),
                None => {}
            }
        }
        let weighed = Coding::ALL.into_iter().zip(named);
        weighed.filter(|(_, weight)| weight.or(star) > Some(0)).map(|(coding, _)| coding).collect()
    }

    /// This set and one more coding.
    #[must_use]
    pub const fn with(self, coding: Coding) -> Self {
        Self(self.0 | coding.bit())
    }

    /// Whether the coding is in the set.
    pub const fn contains(self, coding: Coding) -> bool {
        self.0 & coding.bit() != 0
    }

    /// Whether every coding of the other set is in this one.
    pub const fn is_superset(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no coding in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in canonical order.
    pub fn iter(self) -> impl Iterator<Item = Coding> {
        Coding::ALL.into_iter().filter(move |coding| self.contains(*coding))
    }

    /// The value of an Accept-Encoding field that offers this set.
    pub const fn as_str(self) -> &'static str {
        match self.0 & 7 {
            0 => "identity",
            1 => "br",
            2 => "gzip",
            3 => "br, gzip",
            4 => "zstd",
            5 => "br, zstd",
            6 => "gzip, zstd",
            _ => "br, gzip, zstd",
        }
    }

    /// The value of an Accept-Encoding field that offers this set, for a request.
    pub fn to_header_value(self) -> HeaderValue {
        HeaderValue::from_static(self.as_str())
    }
}

impl FromIterator<Coding> for Codings {
    fn from_iter<I: IntoIterator<Item = Coding>>(members: I) -> Self {
        members.into_iter().fold(Self::NONE, Self::with)
    }
}

impl std::fmt::Display for Codings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(lines: &[&'static str]) -> Codings {
        let line = |value: &&'static str| (ACCEPT_ENCODING, HeaderValue::from_static(value));
        Codings::accepted(&lines.iter().map(line).collect())
    }

    #[test]
    fn named_codings_are_accepted_in_any_case_and_order() {
        assert_eq!(accepted(&["GZIP, br;q=0.1"]).as_str(), "br, gzip");
        assert_eq!(accepted(&["zstd", "x-gzip;q=1.0"]).as_str(), "gzip, zstd");
        assert_eq!(accepted(&["deflate, compress"]), Codings::NONE);
    }

    #[test]
    fn a_star_offers_what_is_not_named() {
        assert_eq!(accepted(&["*"]).as_str(), "br, gzip, zstd");
        assert_eq!(accepted(&["gzip;q=0, *"]).as_str(), "br, zstd");
        assert_eq!(accepted(&["gzip, *;q=0"]).as_str(), "gzip");
        assert_eq!(accepted(&["x-gzip;q=0, gzip, *;q=0"]).as_str(), "gzip");
    }

    #[test]
    fn without_a_list_that_can_be_read_nothing_is_accepted() {
        for lines in [&[][..], &[""], &["identity"], &["gzip;q=2"], &["gzip br"], &["gzip;q"], &["gzip;q=0"]]
        {
            assert_eq!(accepted(lines), Codings::NONE, "{lines:?}");
        }
    }

    #[test]
    fn every_set_is_read_back_from_the_value_that_offers_it() {
        for bits in 0..8 {
            let set = Codings(bits);
            assert_eq!(
                Codings::accepted(&HeaderMap::from_iter([(ACCEPT_ENCODING, set.to_header_value())])),
                set
            );
            assert_eq!(set.iter().collect::<Codings>(), set);
        }
    }

    #[test]
    fn a_superset_has_every_member() {
        let (gzip, both) = (accepted(&["gzip"]), accepted(&["gzip, br"]));
        assert!(both.is_superset(gzip) && !gzip.is_superset(both) && gzip.is_superset(Codings::NONE));
        assert_eq!(Coding::parse("X-Gzip"), Some(Coding::Gzip));
        assert_eq!(Coding::parse("identity"), None);
    }
}
