//! One request as it came, with its target and its route.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, Method,
    header::{HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE},
    request::Parts,
};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{Interim, Peer, Problem, Settings, outgoing};
use crate::{
    decision::{Asked, Content},
    key::Target,
    route::{Route, RouteTable},
    semantics::{Now, methods},
    upstream::{IdleTimeout, Late, RequestBody, WholeHead},
};

/// What a request's head says: the request, its target and its route. Nothing in it is of the moment, or of the client
/// that sent it.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) parts: Parts,
    pub(super) target: Target,
    pub(super) route: Arc<Route>,
    /// The head that goes to the origin where the request goes there as it came without content, and for whom it was
    /// made: the first who needed it.
    pub(super) sent: OnceLock<(Peer, Arc<WholeHead>)>,
}

/// A request, read as far as it needs to be.
pub(super) struct Exchange {
    pub(super) asking: Arc<Asking>,
    pub(super) peer: Peer,
    /// When it began to be answered.
    pub(super) began: Now,
    /// Where interim responses go to, if its client can hear them.
    pub(super) interim: Option<Interim>,
    content: ClientContent,
}

enum ClientContent {
    None,
    /// The whole content of a QUERY.
    Query(Bytes),
    /// Content that is passed on as it comes, after the part of it that has been read.
    Streamed {
        read: Bytes,
        rest: Option<IdleTimeout>,
    },
    /// It went to the origin as it came.
    Gone,
}

impl Asking {
    const fn new(parts: Parts, target: Target, route: Arc<Route>) -> Self {
        Self { parts, target, route, sent: OnceLock::new() }
    }

    /// The client's own fields.
    pub(super) const fn fields(&self) -> &HeaderMap {
        &self.parts.headers
    }
}

impl Deref for Exchange {
    type Target = Asking;

    fn deref(&self) -> &Asking {
        &self.asking
    }
}

impl Exchange {
    /// Reads the content of a request: only that of a QUERY, and no more of it than a key may hold.
    pub(super) async fn read_content(&mut self, body: Incoming, settings: &Settings) -> Result<(), Problem> {
        let body = IdleTimeout::new(body, settings.body_timeout).at_least(settings.min_body_rate);
        let limit = if methods::is_query(&self.parts.method) { settings.max_query_content } else { 0 };
        self.content = read_content(body, limit).await?;
        Ok(())
    }

    /// A request without content. One that has no target that a cache could know is given back.
    pub(super) fn of_head(
        parts: Parts,
        peer: Peer,
        began: Now,
        settings: &Settings,
        routes: &RouteTable,
    ) -> Result<Self, (Problem, Box<Parts>)> {
        let peer = outgoing::believed(peer, &parts.headers, &settings.trusted_proxies);
        let target = match target(&parts, peer) {
            Ok(target) => target,
            Err(problem) => return Err((problem, Box::new(parts))),
        };
        let route = routes.find(&parts.method, target.authority(), target.path(), target.query());
        let route = Arc::clone(route);
        Ok(Self::of(Arc::new(Asking::new(parts, target, route)), peer, began))
    }

    /// A request without content, of this head. The peer has the scheme that is believed of it.
    pub(super) const fn of(asking: Arc<Asking>, peer: Peer, began: Now) -> Self {
        Self { asking, peer, began, interim: None, content: ClientContent::None }
    }

    /// The same request, with this content of a QUERY.
    pub(super) fn with_query_content(mut self, content: Bytes) -> Self {
        self.content = ClientContent::Query(content);
        self
    }

    /// The same request, with content that is not part of its key.
    pub(super) fn with_content(mut self, read: Bytes) -> Self {
        self.content = ClientContent::Streamed { read, rest: None };
        self
    }

    /// A request for the whole of the same representation, without conditions: as a refresh asks, whoever caused it.
    pub(super) fn for_the_whole(&self) -> Self {
        let mut parts = self.parts.clone();
        if parts.method == Method::HEAD {
            parts.method = Method::GET;
        }
        for name in [RANGE, IF_RANGE, IF_NONE_MATCH, IF_MODIFIED_SINCE] {
            parts.headers.remove(name);
        }
        let content = match &self.content {
            ClientContent::Query(bytes) => ClientContent::Query(bytes.clone()),
            ClientContent::None | ClientContent::Streamed { .. } | ClientContent::Gone => ClientContent::None,
        };
        let (target, route) = (self.target.clone(), Arc::clone(&self.route));
        Self { content, ..Self::of(Arc::new(Asking::new(parts, target, route)), self.peer, self.began) }
    }

    /// The request, as the decision sees it.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            method: &self.parts.method,
            target: &self.target,
            fields: &self.parts.headers,
            content: match &self.content {
                ClientContent::None => Content::None,
                ClientContent::Query(bytes) => Content::Query(bytes),
                ClientContent::Streamed { .. } | ClientContent::Gone => Content::Unread,
            },
        }
    }

    /// The content, to send it on. What is not all here can be had once.
    pub(super) fn content(&mut self) -> Option<RequestBody> {
        match &mut self.content {
            ClientContent::None => Some(RequestBody::empty()),
            ClientContent::Query(bytes) | ClientContent::Streamed { read: bytes, rest: None } => {
                Some(RequestBody::whole(bytes.clone()))
            }
            ClientContent::Streamed { read, rest: rest @ Some(_) } => {
                let body = RequestBody::streamed(std::mem::take(read), rest.take()?);
                self.content = ClientContent::Gone;
                Some(body)
            }
            ClientContent::Gone => None,
        }
    }

    /// The content of a QUERY that was read whole.
    pub(super) fn query_content(&self) -> Bytes {
        match &self.content {
            ClientContent::Query(bytes) => bytes.clone(),
            ClientContent::None | ClientContent::Streamed { .. } | ClientContent::Gone => Bytes::new(),
        }
    }
}

/// The target URI.
fn target(parts: &Parts, peer: Peer) -> Result<Target, Problem> {
    if parts.method == Method::CONNECT || parts.uri.path() == "*" {
        return Err(Problem::NotAResource);
    }
    Ok(Target::new(peer.scheme, authority(parts)?, parts.uri.path(), parts.uri.query())?)
}

/// The authority of the target URI: that of an absolute target, else Host, of which there must be one
/// (RFC 9112 sections 3.2 and 3.3).
fn authority(parts: &Parts) -> Result<&str, Problem> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Problem::Host) };
    match parts.uri.authority() {
        Some(authority) => Ok(authority.as_str()),
        None => host.to_str().map_err(|_| Problem::Host),
    }
}

async fn read_content(mut body: IdleTimeout, limit: usize) -> Result<ClientContent, Problem> {
    let mut read = BytesMut::new();
    if limit == 0 {
        return Ok(ClientContent::Streamed { read: Bytes::new(), rest: Some(body) });
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match Late::behind(&*error) {
            Some(_) => Problem::ContentTooSlow,
            None => Problem::Content,
        })?;
        if let Some(data) = frame.data_ref() {
            read.extend_from_slice(data);
        }
        if read.len() > limit {
            return Ok(ClientContent::Streamed { read: read.freeze(), rest: Some(body) });
        }
    }
    Ok(ClientContent::Query(read.freeze()))
}
