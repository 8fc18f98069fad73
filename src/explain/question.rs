//! The request that is explained, from what somebody typed.

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{CONTENT_LENGTH, HOST},
    request::Parts,
};

use crate::{
    key::Scheme,
    proxy::{Peer, Preview, Problem, Settings},
    route::RouteTable,
    semantics::Now,
};

/// A request as a client would send it.
#[derive(Clone, Debug)]
pub struct Question {
    head: Parts,
    content: Bytes,
    scheme: Scheme,
}

impl Question {
    /// The request for this URL, which is a path or an absolute URL. Where neither it nor the fields name a host, `host`
    /// does.
    ///
    /// # Errors
    /// What is wrong with the URL, in words.
    pub fn new(
        method: Method,
        url: Uri,
        fields: Vec<(HeaderName, HeaderValue)>,
        content: Bytes,
        host: &str,
    ) -> Result<Self, String> {
        let scheme = url.scheme_str().map_or(Some(Scheme::Http), Scheme::parse);
        let scheme = scheme.ok_or("the URL must be a path, or start with http:// or https://")?;
        let mut request = Request::new(());
        for (name, value) in fields {
            request.headers_mut().append(name, value);
        }
        if !request.headers().contains_key(HOST) {
            let authority = url.authority().map_or(host, |authority| authority.as_str());
            let authority = HeaderValue::try_from(authority).map_err(|error| error.to_string())?;
            request.headers_mut().insert(HOST, authority);
        }
        // As any client says how long its content is.
        if !content.is_empty() && !request.headers().contains_key(CONTENT_LENGTH) {
            request.headers_mut().insert(CONTENT_LENGTH, content.len().into());
        }
        *request.method_mut() = method;
        *request.uri_mut() = url;
        Ok(Self { head: request.into_parts().0, content, scheme })
    }

    /// Its method.
    pub(super) const fn method(&self) -> &Method {
        &self.head.method
    }

    /// Its fields.
    pub(super) const fn fields(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// What the proxy makes of it, if it comes from this machine.
    pub(super) fn preview(
        &self,
        now: Now,
        settings: &Settings,
        routes: &RouteTable,
    ) -> Result<Preview, Problem> {
        let peer = Peer { address: Some(Ipv4Addr::LOCALHOST.into()), scheme: self.scheme };
        Preview::of(self.head.clone(), self.content.clone(), peer, now, settings, routes)
    }
}

/// Reads a field from `Name: value`.
///
/// # Errors
/// What is wrong with it, in words.
pub fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'Name: value'")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| format!("`{name}` is not a field name"))?;
    let value = HeaderValue::from_str(value.trim()).map_err(|_| "no field can have this value".to_owned())?;
    Ok((name, value))
}
