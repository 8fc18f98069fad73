//! The cache key: one block of bytes that holds all explicit state of a request, each part with its length before it.
//!
//! It is injective, so that two requests with different explicit state never share one, and it can be read back, so
//! that the request to the origin is built from it and from nothing else.

use std::{fmt, sync::Arc};

use http::{HeaderMap, Method};

use super::{
    Scheme, StateSpec, Target, canonical_query,
    encoding::{Reader, Writer},
    fields, target,
};

/// All explicit state of a request. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CacheKey(Arc<[u8]>);

/// Whose word says what is in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// The operator's: the declared parameters and fields, in canonical form.
    Declared,
    /// Nobody's: the whole query, byte for byte; the fields are left to Vary.
    Whole,
}

/// The method of a request that can be answered from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyMethod {
    /// GET; HEAD has the same key.
    Get,
    /// QUERY, whose content is explicit state.
    Query,
}

impl KeyMethod {
    /// The method of the request that is sent to the origin.
    pub const fn to_method(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Query => Method::QUERY,
        }
    }
}

/// What a QUERY request carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryContent<'a> {
    /// The value of Content-Type, if there is one.
    pub content_type: Option<std::borrow::Cow<'a, [u8]>>,
    /// The value of Content-Encoding, if there is one.
    pub content_encoding: Option<std::borrow::Cow<'a, [u8]>>,
    /// The whole content, which the caller has bounded.
    pub content: &'a [u8],
}

impl<'a> QueryContent<'a> {
    /// The content, and what the request's fields say about it.
    pub fn new(request: &'a HeaderMap, content: &'a [u8]) -> Self {
        let value = |name| fields::joined(&name, request.get_all(&name).iter());
        Self {
            content_type: value(http::header::CONTENT_TYPE),
            content_encoding: value(http::header::CONTENT_ENCODING),
            content,
        }
    }
}

/// Where a target is, without its query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The scheme of the target URI.
    pub scheme: Scheme,
    /// The canonical authority.
    pub authority: &'a str,
    /// The canonical path.
    pub path: &'a str,
}

impl<'a> Place<'a> {
    /// Where the target of this [`CacheKey`] is, of which these are the bytes.
    pub fn of_key(bytes: &'a [u8]) -> Self {
        let mut reader = Reader::new(bytes);
        let _ = (reader.byte(), reader.byte());
        let scheme = if reader.byte() == HTTPS { Scheme::Https } else { Scheme::Http };
        Self { scheme, authority: reader.text(), path: reader.text() }
    }
}

/// What a key holds, read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyParts<'a> {
    /// Whose word says what is in the key.
    pub kind: KeyKind,
    /// The method.
    pub method: KeyMethod,
    /// The scheme of the target URI.
    pub scheme: Scheme,
    /// The canonical authority.
    pub authority: &'a str,
    /// The canonical path.
    pub path: &'a str,
    /// The query, without its question mark.
    pub query: Option<&'a str>,
    /// Declared fields by name, each with its canonical value, or `None` where the request has none.
    pub fields: Vec<(&'a str, Option<&'a [u8]>)>,
    /// What a QUERY request carries.
    pub content: Option<QueryContent<'a>>,
}

const DECLARED: u8 = 1;
const WHOLE: u8 = 2;
const GET: u8 = 1;
const QUERY: u8 = 2;
const HTTP: u8 = 1;
const HTTPS: u8 = 2;

impl CacheKey {
    /// The key on a declared route: the declared query parameters and fields in canonical form. With content the method
    /// is QUERY, without it is GET or HEAD.
    pub fn declared(
        target: &Target,
        spec: &StateSpec,
        request: &HeaderMap,
        content: Option<QueryContent<'_>>,
    ) -> Self {
        let query = canonical_query(target.query(), &spec.query);
        let mut writer = head(DECLARED, target, query.as_deref(), content.is_some());
        writer.number(spec.fields.len());
        for field in &spec.fields {
            writer.part(field.name.as_str().as_bytes());
            writer.optional(field.value(request).as_deref());
        }
        Self::finish(writer, content)
    }

    /// The key where nothing is declared: the whole query as the client sent it. With content the method is QUERY,
    /// without it is GET or HEAD.
    pub fn whole(target: &Target, content: Option<QueryContent<'_>>) -> Self {
        let mut writer = head(WHOLE, target, target.query(), content.is_some());
        writer.number(0);
        Self::finish(writer, content)
    }

    /// The key as bytes. They are stable within one version of plimsoll.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the key holds.
    pub fn parts(&self) -> KeyParts<'_> {
        let mut reader = Reader::new(&self.0);
        let kind = if reader.byte() == WHOLE { KeyKind::Whole } else { KeyKind::Declared };
        let method = if reader.byte() == QUERY { KeyMethod::Query } else { KeyMethod::Get };
        let scheme = if reader.byte() == HTTPS { Scheme::Https } else { Scheme::Http };
        let (authority, path) = (reader.text(), reader.text());
        let query = reader.optional_text();
        let fields = (0..reader.number()).map(|_| (reader.text(), reader.optional())).collect();
        let content = (method == KeyMethod::Query).then(|| QueryContent {
            content_type: reader.optional().map(Into::into),
            content_encoding: reader.optional().map(Into::into),
            content: reader.part(),
        });
        KeyParts { kind, method, scheme, authority, path, query, fields, content }
    }

    /// Where its target is.
    pub fn place(&self) -> Place<'_> {
        Place::of_key(&self.0)
    }

    /// Scheme, authority and path alone: equal to [`path_identity`] of every target with the same ones.
    pub fn path_identity(&self) -> &[u8] {
        let (start, end, _) = self.marks();
        &self.0[start..end]
    }

    /// Scheme, authority, path and the query of the key. For a key of kind [`KeyKind::Whole`] it is equal to
    /// [`target_identity`] of its target.
    pub fn target_identity(&self) -> &[u8] {
        let (start, _, end) = self.marks();
        &self.0[start..end]
    }

    /// Where the scheme begins, the path ends and the query ends.
    fn marks(&self) -> (usize, usize, usize) {
        let mut reader = Reader::new(&self.0);
        let _ = (reader.byte(), reader.byte());
        let start = reader.position();
        let _ = (reader.byte(), reader.part(), reader.part());
        let path_end = reader.position();
        reader.optional();
        (start, path_end, reader.position())
    }

    fn finish(mut writer: Writer, content: Option<QueryContent<'_>>) -> Self {
        if let Some(content) = content {
            writer.optional(content.content_type.as_deref());
            writer.optional(content.content_encoding.as_deref());
            writer.part(content.content);
        }
        Self(writer.bytes().into())
    }
}

/// What identifies every query of a path: scheme, authority and path. For invalidation on declared routes.
pub fn path_identity(target: &Target) -> Vec<u8> {
    let mut writer = Writer::new();
    write_path(&mut writer, target);
    writer.bytes().to_vec()
}

/// What identifies a target URI with its query byte for byte. For invalidation where nothing is declared.
pub fn target_identity(target: &Target) -> Vec<u8> {
    let mut writer = Writer::new();
    write_path(&mut writer, target);
    writer.optional(target.query().map(str::as_bytes));
    writer.bytes().to_vec()
}

fn head(kind: u8, target: &Target, query: Option<&str>, has_content: bool) -> Writer {
    let mut writer = Writer::new();
    writer.byte(kind);
    writer.byte(if has_content { QUERY } else { GET });
    write_path(&mut writer, target);
    writer.optional(query.map(str::as_bytes));
    writer
}

fn write_path(writer: &mut Writer, target: &Target) {
    writer.byte(match target.scheme() {
        Scheme::Http => HTTP,
        Scheme::Https => HTTPS,
    });
    writer.part(target.authority().as_bytes());
    writer.part(target.path().as_bytes());
}

/// As an operator reads it: `GET http://host/path?x=1 accept-language="fr"`.
impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.parts();
        write!(f, "{} ", parts.method.to_method())?;
        target::write_uri(f, parts.scheme, parts.authority, parts.path, parts.query)?;
        for (name, value) in parts.fields {
            write_field(f, name, value)?;
        }
        if let Some(content) = parts.content {
            write_field(f, "content-type", content.content_type.as_deref())?;
            write_field(f, "content-encoding", content.content_encoding.as_deref())?;
            write!(f, " content={} bytes", content.content.len())?;
        }
        Ok(())
    }
}

fn write_field(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&[u8]>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {name}=\"{}\"", value.escape_ascii()),
        None => write!(f, " {name}=(absent)"),
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({self})")
    }
}
