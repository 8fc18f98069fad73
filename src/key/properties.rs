//! What the key and the hermetic request promise, held against inputs that try to break it.

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request,
    header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, COOKIE},
};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;

/// Explicit state whose parts are canonical already, and hold what could pass for separators and lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    scheme: Scheme,
    authority: String,
    path: String,
    query: Option<String>,
    fields: Vec<Option<Vec<u8>>>,
    content: Option<Content>,
}

/// Content-Type, Content-Encoding, and what they are about.
type Content = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>);

const FIELDS: [&str; 3] = ["x-a", "x-b", "x-c"];

/// Bytes of field values: separators, visible length bytes, and one outside ASCII.
fn any_value() -> impl Strategy<Value = Vec<u8>> {
    vec(select(b"!,;=&?/\"a0\xff".to_vec()), 0..4)
}

fn any_state() -> impl Strategy<Value = State> {
    let content =
        (option::of(any_value()), option::of(any_value()), vec(select(vec![0, 1, 2, 3, b'a', 0x80]), 0..4));
    (
        select(vec![Scheme::Http, Scheme::Https]),
        "[a-b!]{1,3}",
        "(/[a!&=]{0,2}){1,3}",
        option::of("a=[a1!/?]{0,2}"),
        vec(option::of(any_value()), FIELDS.len()),
        option::of(content),
    )
        .prop_map(|(scheme, authority, path, query, fields, content)| State {
            scheme,
            authority,
            path,
            query,
            fields,
            content,
        })
}

impl State {
    fn target(&self) -> Target {
        Target::new(self.scheme, &self.authority, &self.path, self.query.as_deref()).unwrap()
    }

    fn request(&self) -> HeaderMap {
        let value = |bytes: &Vec<u8>| HeaderValue::from_bytes(bytes).unwrap();
        let lines = FIELDS.iter().zip(&self.fields);
        lines.filter_map(|(name, v)| Some((HeaderName::from_static(name), value(v.as_ref()?)))).collect()
    }

    fn content(&self) -> Option<QueryContent<'_>> {
        self.content.as_ref().map(|(content_type, content_encoding, content)| QueryContent {
            content_type: content_type.as_deref().map(Into::into),
            content_encoding: content_encoding.as_deref().map(Into::into),
            content,
        })
    }

    fn declared(&self) -> CacheKey {
        CacheKey::declared(&self.target(), &spec(&["a"], &FIELDS), &self.request(), self.content())
    }

    fn whole(&self) -> CacheKey {
        CacheKey::whole(&self.target(), self.content())
    }
}

fn spec(query: &[&str], fields: &[&'static str]) -> StateSpec {
    let fields = fields.iter().map(|name| FieldSpec::new(HeaderName::from_static(name)));
    StateSpec::new(query, fields).unwrap()
}

fn target(path: &str, query: Option<&str>) -> Target {
    Target::new(Scheme::Http, "host", path, query).unwrap()
}

fn field_map(lines: &[(&'static str, &str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn shown(request: &Request<Bytes>) -> String {
    format!("{request:?}").to_lowercase()
}

#[test]
fn a_key_reads_as_a_request_line_and_its_declared_fields() {
    let spec = spec(&["x"], &["accept-language", "x-theme"]);
    let request = field_map(&[("accept-language", "FR"), ("cookie", "a=1")]);
    let key = CacheKey::declared(&target("/path", Some("utm=1&x=1")), &spec, &request, None);
    assert_eq!(key.to_string(), "GET http://host/path?x=1 accept-language=\"fr\" x-theme=(absent)");
    let request = field_map(&[("content-type", "text/plain"), ("accept", "\"\t")]);
    let key = CacheKey::whole(&target("/", None), Some(QueryContent::new(&request, b"abc")));
    assert_eq!(
        key.to_string(),
        "QUERY http://host/ content-type=\"text/plain\" content-encoding=(absent) content=3 bytes"
    );
}

#[test]
fn a_whole_key_tells_every_spelling_of_a_query_apart() {
    let keys = [None, Some(""), Some("a"), Some("a="), Some("%61"), Some("b&a"), Some("a&b")]
        .map(|query| CacheKey::whole(&target("/", query), None));
    for (i, a) in keys.iter().enumerate() {
        assert!(keys.iter().skip(i + 1).all(|b| a != b), "{a}");
    }
}

#[test]
fn a_chosen_value_is_the_key_and_is_sent() {
    let choose = ["en", "fr"].map(str::to_owned).to_vec();
    let spec = StateSpec::new([""; 0], [FieldSpec { name: ACCEPT_LANGUAGE, choose }]).unwrap();
    for (line, value) in [(None, "en"), (Some("fr-CA, de"), "fr"), (Some("it"), "en")] {
        let request =
            line.map(|line| (ACCEPT_LANGUAGE, HeaderValue::from_static(line))).into_iter().collect();
        let key = CacheKey::declared(&target("/", None), &spec, &request, None);
        assert_eq!(key.parts().fields, [("accept-language", Some(value.as_bytes()))]);
        let sent = hermetic_request(&key, Codings::NONE, &ProxyStatements::default()).unwrap();
        assert_eq!(sent.headers()[ACCEPT_LANGUAGE], value);
    }
}

#[test]
fn the_proxy_states_host_codings_and_validators() {
    let forward = [
        (HeaderName::from_static("x-tenant"), HeaderValue::from_static("7")),
        (HeaderName::from_static("host"), HeaderValue::from_static("evil")),
        (HeaderName::from_static("range"), HeaderValue::from_static("bytes=0-0")),
        (ACCEPT, HeaderValue::from_static("evil/evil")),
    ];
    let proxy = ProxyStatements {
        host: Some(HeaderValue::from_static("origin.internal")),
        trace: Some(TraceParent { trace_id: [0xab; 16], parent_id: [1; 8], sampled: true }),
        if_none_match: Some(HeaderValue::from_static("\"v1\"")),
        if_modified_since: Some(HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT")),
        forward: &forward,
    };
    let spec = spec(&[], &["accept", "user-agent"]);
    let request = field_map(&[("accept", "a/b"), ("user-agent", "Phone")]);
    let key = CacheKey::declared(&target("/p", Some("a=1")), &spec, &request, None);
    let sent = hermetic_request(&key, [Coding::Gzip, Coding::Brotli].into_iter().collect(), &proxy).unwrap();
    assert_eq!((sent.method(), sent.uri().to_string()), (&Method::GET, "/p".to_owned()));
    let trace = "00-abababababababababababababababab-0101010101010101-01";
    for (name, value) in [
        ("host", "origin.internal"),
        ("accept-encoding", "br, gzip"),
        ("traceparent", trace),
        ("if-none-match", "\"v1\""),
        ("if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("forwarded", "host=\"host\";proto=http"),
        ("x-forwarded-host", "host"),
        ("x-forwarded-proto", "http"),
        ("via", "1.1 plimsoll"),
        ("user-agent", "Phone"),
        ("x-tenant", "7"),
        ("accept", "a/b"),
    ] {
        assert_eq!(sent.headers().get_all(name).iter().collect::<Vec<_>>(), [value], "{name}");
    }
    assert_eq!(sent.headers().len(), 12);
}

#[test]
fn an_identifier_of_zeros_makes_no_trace() {
    let trace = TraceParent { trace_id: [1; 16], parent_id: [0; 8], sampled: true };
    assert_eq!(trace.to_header_value(), None);
    assert_eq!(TraceParent { trace_id: [0; 16], parent_id: [1; 8], ..trace }.to_header_value(), None);
}

#[test]
fn a_query_goes_out_with_its_content() {
    let request = field_map(&[("content-type", "text/plain"), ("content-encoding", "gzip"), ("cookie", "a")]);
    let content = QueryContent::new(&request, b"abc");
    let key = CacheKey::declared(&target("/", None), &StateSpec::default(), &request, Some(content));
    let sent = hermetic_request(&key, Codings::NONE, &ProxyStatements::default()).unwrap();
    assert_eq!((sent.method(), sent.body().as_ref()), (&Method::QUERY, &b"abc"[..]));
    assert_eq!(sent.headers()["content-length"], "3");
    assert_eq!(sent.headers()["content-type"], "text/plain");
    assert_eq!(sent.headers()["content-encoding"], "gzip");
    assert_eq!(sent.headers()["host"], "host");
    assert_eq!(sent.headers()["accept-encoding"], "identity");
}

#[test]
fn what_cannot_be_state_is_refused() {
    let field = |name| FieldSpec::new(HeaderName::from_static(name));
    let none = [""; 0];
    for name in ["range", "host", "accept-encoding", "x-forwarded-host", "connection"] {
        let name = HeaderName::from_static(name);
        let refused = StateSpec::new(none, [FieldSpec::new(name.clone())]);
        assert_eq!(refused, Err(StateError::ProxyField(name)));
    }
    assert!(matches!(StateSpec::new(none, [field("a"), field("a")]), Err(StateError::RepeatedField(_))));
    for choice in ["", " a", "a\n"] {
        let bad = FieldSpec { name: ACCEPT, choose: vec![choice.to_owned()] };
        assert!(matches!(StateSpec::new(none, [bad]), Err(StateError::Choice(..))));
    }
    for name in ["", "a&b", "a=b", "%zz"] {
        assert_eq!(canonical_query_names([name]), Err(StateError::QueryName(name.to_owned())));
    }
    assert_eq!(canonical_query_names(["b", "a[]", "%62"]).unwrap(), ["a%5B%5D", "b"]);
}

/// One language list in two spellings: languages in groups of equal weight, best first.
fn two_spellings() -> impl Strategy<Value = (String, String)> {
    let group = vec(select(vec!["fr", "en-GB", "de", "zh-Hant-TW", "*"]), 1..3);
    (vec(group, 1..4), any::<u64>(), 1_u32..200).prop_map(|(groups, seed, step)| {
        let mut plain = Vec::new();
        let mut odd = Vec::new();
        for (rank, tag) in
            groups.iter().enumerate().flat_map(|(i, tags)| tags.iter().map(move |tag| (i, tag)))
        {
            let rank = u32::try_from(rank).unwrap();
            plain.push(format!("{tag};q=0.{}", 9 - rank));
            odd.push(format!(" {} ;\tQ=0.{:03}", tag.to_ascii_uppercase(), 999 - rank * step));
        }
        let middle = usize::try_from(seed % odd.len() as u64).unwrap();
        odd.rotate_left(middle);
        if seed % 2 == 0 {
            odd.reverse();
        }
        (plain.join(","), odd.join(", ,"))
    })
}

fn any_junk() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = select(vec![
        "accept-encoding",
        "authorization",
        "baggage",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "forwarded",
        "host",
        "if-none-match",
        "range",
        "te",
        "traceparent",
        "user-agent",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-original-url",
    ]);
    vec((name, "junk[a-z0-9]{1,9}"), 0..8)
}

proptest! {
    #[test]
    fn a_key_gives_back_all_that_it_was_made_from(state in any_state()) {
        let (key, content) = (state.declared(), state.content());
        let parts = key.parts();
        prop_assert_eq!(parts.scheme, state.scheme);
        prop_assert_eq!(parts.authority, &state.authority);
        prop_assert_eq!(parts.path, &state.path);
        prop_assert_eq!(parts.query, state.query.as_deref());
        let fields: Vec<_> = FIELDS.iter().copied().zip(state.fields.iter().map(Option::as_deref)).collect();
        prop_assert_eq!(parts.fields, fields);
        prop_assert_eq!(parts.method, if content.is_some() { KeyMethod::Query } else { KeyMethod::Get });
        prop_assert_eq!(parts.content, content);
        prop_assert_eq!(parts.kind, KeyKind::Declared);
        prop_assert_eq!(state.whole().parts().kind, KeyKind::Whole);
    }

    #[test]
    fn keys_are_equal_exactly_if_the_states_are(a in any_state(), b in any_state()) {
        prop_assert_eq!(a.declared() == b.declared(), a == b);
        prop_assert_ne!(a.declared(), b.whole());
    }

    #[test]
    fn moving_a_byte_over_a_border_changes_the_key(state in any_state(), text in "[a!&=]{2,5}", at in 1_usize..5) {
        let at = at.min(text.len());
        let (left, right) = text.split_at(at);
        let with = |left: &str, right: &str| {
            let mut state = state.clone();
            state.fields[0] = Some(left.as_bytes().to_vec());
            state.fields[1] = Some(right.as_bytes().to_vec());
            state.declared()
        };
        prop_assert_ne!(with(left, right), with(&text[..at - 1], &text[at - 1..]));
    }

    #[test]
    fn identities_are_those_of_the_target(a in any_state(), b in any_state()) {
        let (declared, whole) = (a.declared(), a.whole());
        prop_assert_eq!(declared.path_identity(), path_identity(&a.target()));
        prop_assert_eq!(whole.path_identity(), path_identity(&a.target()));
        prop_assert_eq!(whole.target_identity(), target_identity(&a.target()));
        let same_path = (a.scheme, &a.authority, &a.path) == (b.scheme, &b.authority, &b.path);
        prop_assert_eq!(path_identity(&a.target()) == path_identity(&b.target()), same_path);
        prop_assert_eq!(target_identity(&a.target()) == target_identity(&b.target()), same_path && a.query == b.query);
    }

    #[test]
    fn equal_state_in_another_spelling_has_an_equal_key((plain, odd) in two_spellings()) {
        let spec = spec(&["a", "b"], &["accept-language"]);
        let first = field_map(&[("accept-language", &plain)]);
        let second = field_map(&[("accept-language", &odd), ("cookie", "junk")]);
        let first = CacheKey::declared(&target("/~a/b", Some("a=~1&b=2")), &spec, &first, None);
        let respelled = Target::new(Scheme::Http, "HOST:80", "/x/%2e./%7ea/b", Some("b=2&junk&%61=%7e1")).unwrap();
        let second = CacheKey::declared(&respelled, &spec, &second, None);
        prop_assert_eq!(first, second);
    }

    #[test]
    fn what_is_not_in_the_key_is_not_sent(
        (plain, odd) in two_spellings(),
        junk in any_junk(),
        other_junk in any_junk(),
        theme in option::of("[a-z]{1,3}"),
    ) {
        let spec = spec(&["a"], &["accept-language", "x-theme"]);
        let key_of = |language: &str, junk: &[(&'static str, String)], query: &str| {
            let mut request = field_map(&[("accept-language", language)]);
            if let Some(theme) = &theme {
                request.insert("x-theme", theme.parse().unwrap());
            }
            for (name, value) in junk {
                request.append(*name, value.parse().unwrap());
            }
            CacheKey::declared(&target("/p", Some(query)), &spec, &request, None)
        };
        let first = key_of(&plain, &junk, "a=1&junk1=junk2");
        let second = key_of(&odd, &other_junk, "junk3&a=1");
        prop_assert_eq!(&first, &second);
        let proxy = ProxyStatements::default();
        let sent = hermetic_request(&first, Codings::NONE, &proxy).unwrap();
        prop_assert_eq!(shown(&sent), shown(&hermetic_request(&second, Codings::NONE, &proxy).unwrap()));
        prop_assert!(!shown(&sent).contains("junk"), "{:?}", sent);
        let closed = ["host", "user-agent", "accept-encoding", "via", "forwarded", "x-forwarded-host",
            "x-forwarded-proto", "accept-language", "x-theme"];
        prop_assert!(sent.headers().keys().all(|name| closed.contains(&name.as_str())), "{:?}", sent);
        prop_assert_eq!(sent.headers().contains_key("x-theme"), theme.is_some());
        prop_assert!(!sent.headers().contains_key(COOKIE));
        prop_assert_eq!(&sent.headers()[ACCEPT_ENCODING], "identity");
    }

    #[test]
    fn every_key_of_a_target_can_be_sent(state in any_state(), query in option::of("[a=&%\\[1-4zZ\u{e9}]{0,8}")) {
        let target = Target::new(state.scheme, &state.authority, &state.path, query.as_deref()).unwrap();
        let declared = CacheKey::declared(&target, &spec(&["a"], &FIELDS), &state.request(), state.content());
        for key in [declared, CacheKey::whole(&target, state.content())] {
            let sent = hermetic_request(&key, Codings::NONE, &ProxyStatements::default()).unwrap();
            prop_assert_eq!((sent.uri().path(), sent.uri().query()), (key.parts().path, key.parts().query));
        }
    }
}
