//! Where "who asks" and "which session" ride in a request, and how strictly an undeclared route treats them.

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue, SET_COOKIE};

use super::Glance;

/// How a request with identity is treated on a route that the operator has not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Every identity is special: only a response that says `public` or `s-maxage` is shared.
    #[default]
    Safe,
    /// The letter of RFC 9111 section 3.5: only Authorization is special.
    Rfc9111,
}

/// One place in a request that carries identity or a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityField {
    /// A field: `header:x-api-key`.
    Header(HeaderName),
    /// Cookies whose name matches: `cookie:sid`, `cookie:wp_*`, `cookie:*`.
    Cookie(CookiePattern),
}

impl IdentityField {
    fn is_authorization(&self) -> bool {
        matches!(self, Self::Header(name) if *name == AUTHORIZATION)
    }
}

/// A cookie name, or the beginning of one when it ends in `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookiePattern {
    stem: String,
    open: bool,
}

impl CookiePattern {
    /// Reads a pattern: a name, with at most one `*`, at its end. `None` for anything else, or for an empty one.
    pub fn parse(text: &str) -> Option<Self> {
        let (stem, open) = match text.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (text, false),
        };
        let is_name = stem.bytes().all(|b| b.is_ascii_graphic() && !b"*()<>@,;:\\\"/[]?={}".contains(&b));
        (is_name && (open || !stem.is_empty())).then(|| Self { stem: stem.to_owned(), open })
    }

    /// Whether a cookie of this name matches. Cookie names are case-sensitive (RFC 6265 section 4.1.1).
    pub fn matches(&self, name: &str) -> bool {
        if self.open { name.starts_with(&self.stem) } else { name == self.stem }
    }
}

impl std::fmt::Display for CookiePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.stem, if self.open { "*" } else { "" })
    }
}

/// The operator's word on where identity rides; the default knows the usual places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What says who asks.
    pub user: Vec<IdentityField>,
    /// What names a session.
    pub session: Vec<IdentityField>,
    /// Cookies that carry neither: they are stripped before a request that may be stored is forwarded.
    pub ignore_cookies: Vec<CookiePattern>,
}

/// What a request carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// It has an Authorization field, which RFC 9111 section 3.5 treats specially in every profile.
    pub authorization: bool,
    /// Something else says who asks.
    pub user: bool,
    /// It names a session.
    pub session: bool,
}

impl Carried {
    /// Whether the request carries identity of any kind.
    pub const fn any(self) -> bool {
        self.user || self.session || self.authorization
    }
}

impl Identity {
    /// The fields that say who asks unless `[identity] user` is set.
    pub const DEFAULT_USER: [&str; 9] = [
        "header:authorization",
        "header:x-api-key",
        "header:api-key",
        "header:x-auth-token",
        "header:x-access-token",
        "header:x-amz-security-token",
        "header:x-forwarded-user",
        "header:x-remote-user",
        "header:x-forwarded-client-cert",
    ];

    /// What names a session unless `[identity] session` is set.
    pub const DEFAULT_SESSION: [&str; 1] = ["cookie:*"];

    /// Analytics cookies that carry no session, unless `[identity] ignore_cookies` is set.
    pub const DEFAULT_IGNORE_COOKIES: [&str; 14] = [
        "_ga", "_ga_*", "_gid", "_gat", "_gat_*", "_gcl_*", "_fbp", "_fbc", "_pk_id*", "_pk_ses*", "_hj*",
        "__utm*", "_clck", "_clsk",
    ];

    /// What this request carries.
    pub fn carried(&self, fields: &HeaderMap) -> Carried {
        self.carried_by(Glance::at(fields))
    }

    /// The same for who has looked at the request already.
    pub fn carried_by(&self, request: Glance<'_>) -> Carried {
        Carried {
            authorization: request.has(&AUTHORIZATION),
            user: self.has_any(self.user.iter().filter(|place| !place.is_authorization()), request),
            session: self.has_any(self.session.iter(), request),
        }
    }

    /// Whether this field, where a response's Vary names it, says who asks.
    pub fn is_user_field(&self, name: &HeaderName) -> bool {
        *name == AUTHORIZATION || names(&self.user, name)
    }

    /// Whether this field, where a response's Vary names it, carries a session.
    pub fn is_session_field(&self, name: &HeaderName) -> bool {
        *name == COOKIE || *name == SET_COOKIE || names(&self.session, name)
    }

    /// The Cookie value without the ignored cookies: `None` where nothing is left. Several lines become one.
    pub fn without_ignored_cookies(&self, fields: &HeaderMap) -> Option<HeaderValue> {
        let kept: Vec<&str> =
            cookies(fields).filter(|(_, name)| !self.is_ignored(name)).map(|(pair, _)| pair).collect();
        if kept.is_empty() { None } else { HeaderValue::from_str(&kept.join("; ")).ok() }
    }

    fn has_any<'a>(&self, mut places: impl Iterator<Item = &'a IdentityField>, request: Glance<'_>) -> bool {
        places.any(|place| match place {
            IdentityField::Header(name) => request.has(name),
            IdentityField::Cookie(pattern) => {
                request.has(&COOKIE) && self.has_cookie(pattern, request.fields())
            }
        })
    }

    fn has_cookie(&self, pattern: &CookiePattern, fields: &HeaderMap) -> bool {
        has_unreadable_cookie(fields)
            || cookie_names(fields).any(|name| pattern.matches(name) && !self.is_ignored(name))
    }

    fn is_ignored(&self, name: &str) -> bool {
        self.ignore_cookies.iter().any(|pattern| pattern.matches(name))
    }
}

impl Default for Identity {
    fn default() -> Self {
        let place = |text: &&str| match text.split_once(':') {
            Some(("header", name)) => HeaderName::from_bytes(name.as_bytes()).ok().map(IdentityField::Header),
            Some(("cookie", name)) => CookiePattern::parse(name).map(IdentityField::Cookie),
            _ => None,
        };
        Self {
            user: Self::DEFAULT_USER.iter().filter_map(place).collect(),
            session: Self::DEFAULT_SESSION.iter().filter_map(place).collect(),
            ignore_cookies: Self::DEFAULT_IGNORE_COOKIES
                .iter()
                .filter_map(|text| CookiePattern::parse(text))
                .collect(),
        }
    }
}

fn names(places: &[IdentityField], name: &HeaderName) -> bool {
    places.iter().any(|place| matches!(place, IdentityField::Header(field) if field == name))
}

/// Cookies with bytes that are not text cannot be told apart, so they count as identity.
fn has_unreadable_cookie(fields: &HeaderMap) -> bool {
    fields.get_all(COOKIE).iter().any(|line| line.to_str().is_err())
}

/// Every cookie of the request, as (pair as sent, name).
fn cookies(fields: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    fields
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| (pair, pair.split_once('=').map_or(pair, |(name, _)| name.trim_end())))
}

/// Every name that a reader of the cookies could find: commas join lines of Cookie in front of some origins, and divide
/// cookies in those that follow RFC 2965.
fn cookie_names(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    cookies(fields)
        .flat_map(|(pair, _)| pair.split(','))
        .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name).trim())
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
    fn the_defaults_are_all_understood() {
        let identity = Identity::default();
        assert_eq!(identity.user.len(), Identity::DEFAULT_USER.len());
        assert_eq!(identity.session.len(), Identity::DEFAULT_SESSION.len());
        assert_eq!(identity.ignore_cookies.len(), Identity::DEFAULT_IGNORE_COOKIES.len());
    }

    #[test]
    fn every_default_user_field_is_identity() {
        for place in Identity::DEFAULT_USER {
            let name = place.strip_prefix("header:").unwrap();
            let carried = Identity::default().carried(&fields(&[(name, "x")]));
            assert!(carried.any() && !carried.session, "{name}");
            assert_eq!(carried.authorization, name == "authorization");
        }
    }

    #[test]
    fn any_cookie_but_the_ignored_ones_is_a_session() {
        let identity = Identity::default();
        assert!(identity.carried(&fields(&[("cookie", "sid=1")])).session);
        assert!(identity.carried(&fields(&[("cookie", "_ga=1; sid=2")])).session);
        assert!(identity.carried(&fields(&[("cookie", "_ga=1"), ("cookie", "odd")])).session);
        assert!(identity.carried(&fields(&[("cookie", "_ga=1, sid=2")])).session);
        assert!(!identity.carried(&fields(&[("cookie", "_ga=1; _ga_X1=2; ")])).session);
        assert!(!identity.carried(&HeaderMap::new()).any());
    }

    #[test]
    fn an_unreadable_cookie_counts_as_a_session() {
        let mut with_bytes = HeaderMap::new();
        with_bytes.insert(COOKIE, HeaderValue::from_bytes(b"_ga=\xff").unwrap());
        assert!(Identity::default().carried(&with_bytes).session);
    }

    #[test]
    fn ignored_cookies_are_stripped_and_the_others_kept_in_order() {
        let identity = Identity::default();
        let kept =
            identity.without_ignored_cookies(&fields(&[("cookie", "a=1; _ga=2; b=3"), ("cookie", "c=4")]));
        assert_eq!(kept.unwrap(), "a=1; b=3; c=4");
        assert_eq!(identity.without_ignored_cookies(&fields(&[("cookie", "_gid=1")])), None);
    }

    #[test]
    fn cookie_patterns_have_one_star_at_their_end() {
        assert!(CookiePattern::parse("").is_none());
        assert!(CookiePattern::parse("a*b").is_none());
        assert!(CookiePattern::parse("a b").is_none());
        assert!(CookiePattern::parse("*").unwrap().matches("anything"));
        assert!(CookiePattern::parse("wp_*").unwrap().matches("wp_1"));
        assert!(!CookiePattern::parse("sid").unwrap().matches("SID"));
    }
}
