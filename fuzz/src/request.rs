//! A request, from its bytes to the key and to the request that is built from it. What is keyed is what is forwarded, what
//! is forwarded passes the strict reading of requests, and to read it again changes nothing.
//!
//! Input: a byte that says which route the request is on, in its highest bit that the scheme is https, and then the request.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{HOST, IF_MATCH, IF_UNMODIFIED_SINCE},
};
use plimsoll::{
    decision::{Asked, Classified, Content, Keyed, Policy, classify},
    key::{
        CacheKey, FieldSpec, KeyKind, KeyMethod, ProxyStatements, Scheme, StateSpec, Target, canonical_query,
        hermetic_request,
    },
    level::{Identity, Level, Profile},
    route::{ClientDirectives, Pattern, Route, Treatment},
    semantics::{cache_status::Fwd, directives::CacheControl},
    wire::{Framing, Limits, Piece, Scanner},
};

const LIMITS: Limits = Limits { head: 1 << 20, fields: 100, target: 1 << 17 };

/// Checks one input.
///
/// # Panics
/// A property does not hold.
pub fn check(input: &[u8]) {
    let [kind, bytes @ ..] = input else { return };
    let scheme = if kind & 0x80 == 0 { Scheme::Http } else { Scheme::Https };
    let Some(request) = Read::new(bytes, scheme) else { return };
    let route = route(kind & 0x7f);
    let profile = if kind & 0x40 == 0 { Profile::Safe } else { Profile::Rfc9111 };
    let policy = Policy { identity: Identity::default(), profile, max_object: 1 << 20, targeted: Vec::new() };
    let own = CacheControl::of_request(&request.fields);
    match classify(&request.asked(), &route, &policy) {
        Classified::OnlyIfCached => assert!(own.only_if_cached),
        Classified::Bypass(bypass) => {
            assert_eq!(bypass.fwd == Fwd::Method, !is_cacheable(&request.method));
            assert_eq!(bypass.reason.is_none(), bypass.fwd == Fwd::Method);
        }
        Classified::Keyed(keyed) => keyed_rightly(&request, &route, &policy, &keyed),
    }
}

fn is_cacheable(method: &Method) -> bool {
    ["GET", "HEAD", "QUERY"].contains(&method.as_str())
}

/// A request, as the proxy reads it.
struct Read<'a> {
    method: Method,
    target: Target,
    fields: HeaderMap,
    content: Content<'a>,
}

impl<'a> Read<'a> {
    /// The first request in these bytes, where the scanner lets it through and it asks for a resource.
    fn new(bytes: &'a [u8], scheme: Scheme) -> Option<Self> {
        let Ok(Piece::Head(head)) = Scanner::requests(LIMITS).scan(bytes) else { return None };
        let (head_bytes, content) = bytes.split_at(head.length);
        let mut fields = [httparse::EMPTY_HEADER; LIMITS.fields];
        let mut parsed = httparse::Request::new(&mut fields);
        parsed.parse(head_bytes).expect("a head that was let through can be parsed");
        let method: Method = parsed.method?.parse().expect("a method");
        let uri: Uri = parsed.path?.parse().expect("a target");
        let fields: HeaderMap = parsed.headers.iter().map(field).collect();
        if uri.path() == "*" {
            return None;
        }
        let authority = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => fields.get(HOST)?.to_str().ok()?,
        };
        let target = Target::new(scheme, authority, uri.path(), uri.query()).ok()?;
        let content = match head.framing {
            Framing::None | Framing::Length(0) => Content::None,
            Framing::Length(length) if method == Method::QUERY => {
                Content::Query(content.get(..usize::try_from(length).ok()?)?)
            }
            _ => Content::Unread,
        };
        Some(Self { method, target, fields, content })
    }

    const fn asked(&self) -> Asked<'_> {
        Asked { method: &self.method, target: &self.target, fields: &self.fields, content: self.content }
    }
}

fn field(field: &httparse::Header<'_>) -> (HeaderName, HeaderValue) {
    let name = HeaderName::from_bytes(field.name.as_bytes()).expect("a name");
    (name, HeaderValue::from_bytes(field.value).expect("a value"))
}

/// One of a few routes that declare what can be declared.
fn route(number: u8) -> Route {
    let treatment = match number % 8 {
        0 | 1 => Treatment::Origin,
        2 => Treatment::Declared(Level::Session),
        3 => Treatment::Declared(Level::Permanent),
        _ => Treatment::Declared(Level::Changing),
    };
    let mut route = Route::new("route", Pattern::parse("/{*rest}").expect("a pattern"), treatment);
    if number & 0x20 != 0 {
        route.client_directives = ClientDirectives::Honour;
    }
    let field = |name| FieldSpec::new(HeaderName::from_static(name));
    let choose = |name, values: &[&str]| FieldSpec {
        choose: values.iter().map(|&value| value.to_owned()).collect(),
        ..field(name)
    };
    let fields = match number % 8 {
        4 => vec![field("accept-language"), field("accept"), field("cookie"), field("x-a")],
        5 => vec![
            choose("accept-language", &["en", "fr-CA", "fr"]),
            choose("accept", &["text/html", "application/json;v=1"]),
            choose("x-a", &["one", "two, three"]),
        ],
        6 => vec![field("user-agent"), field("authorization"), choose("accept-charset", &["utf-8"])],
        _ => Vec::new(),
    };
    route.state = StateSpec::new(["a", "b", "%5b%7e"], fields).expect("state that can be declared");
    route
}

fn keyed_rightly(request: &Read<'_>, route: &Route, policy: &Policy, keyed: &Keyed) {
    assert!(is_cacheable(&request.method));
    assert!(!request.fields.contains_key(IF_MATCH) && !request.fields.contains_key(IF_UNMODIFIED_SINCE));
    assert!(route.level().is_none_or(Level::is_shared));
    let parts = keyed.key.parts();
    let is_query = request.method == Method::QUERY;
    assert_eq!(parts.method == KeyMethod::Query, is_query);
    assert_eq!(parts.scheme, request.target.scheme());
    assert_eq!((parts.authority, parts.path), (request.target.authority(), request.target.path()));
    let content = parts.content.as_ref().map(|content| content.content);
    let Content::Query(sent) = request.content else {
        assert_eq!(content, is_query.then_some(&[][..]));
        return forwarded(request, route, policy, keyed);
    };
    assert_eq!(content, Some(sent));
    forwarded(request, route, policy, keyed);
}

/// The request to the origin says what is in the key.
fn forwarded(request: &Read<'_>, route: &Route, policy: &Policy, keyed: &Keyed) {
    let parts = keyed.key.parts();
    if parts.kind == KeyKind::Whole {
        assert_eq!((parts.query, parts.fields.len()), (request.target.query(), 0));
        assert!(keyed.declared.is_none());
        return;
    }
    let query = canonical_query(request.target.query(), &route.state.query);
    assert_eq!(parts.query, query.as_deref());
    let hermetic = hermetic_request(&keyed.key, keyed.codings, &ProxyStatements::default());
    let hermetic = hermetic.expect("a key that can be sent");
    assert_eq!((hermetic.uri().path(), hermetic.uri().query()), (parts.path, parts.query));
    assert_eq!(hermetic.headers()[HOST], parts.authority);
    let bytes = written(&hermetic);
    let again = Read::new(&bytes, request.target.scheme()).expect("a request that passes the strict reading");
    let Classified::Keyed(again) = classify(&again.asked(), route, policy) else {
        panic!("what was keyed is not any more")
    };
    assert_eq!(again.key, keyed.key, "keyed twice");
    assert_eq!(again.codings, keyed.codings);
    is_blind_to_the_rest(request, route, policy, &keyed.key);
}

/// A hermetic request on the wire.
fn written(request: &http::Request<impl AsRef<[u8]>>) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
    for (name, value) in request.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(request.body().as_ref());
    bytes
}

/// Fields that nobody declared change nothing in the key.
fn is_blind_to_the_rest(request: &Read<'_>, route: &Route, policy: &Policy, key: &CacheKey) {
    let mut fields = request.fields.clone();
    for name in ["x-other", "referer", "if-none-match"] {
        fields.insert(name, HeaderValue::from_static("1"));
    }
    let asked = Asked { fields: &fields, ..request.asked() };
    let Classified::Keyed(keyed) = classify(&asked, route, policy) else {
        panic!("an undeclared field keeps a request from the store")
    };
    assert_eq!(keyed.key, *key);
}
