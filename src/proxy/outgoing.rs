//! The request that goes to the origin: built from the key, or from the client's own. Fields of one connection stay
//! behind, and Via, Forwarded and X-Forwarded-* say what happened (RFC 9110 section 7.6, RFC 7239).

use std::{net::IpAddr, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue, Request, Uri, Version,
    header::{
        COOKIE, EXPECT, FORWARDED, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
        RANGE, VIA,
    },
    uri::PathAndQuery,
};
use http_body::Body as _;
use ipnet::IpNet;

use super::{Peer, Problem, Settings, errand::Condition, exchange::Exchange, trailers};
use crate::{
    decision::{Keyed, is_override},
    key::{ProxyStatements, Scheme, TraceParent, hermetic_request},
    level::Identity,
    semantics::fields::HopByHop,
    upstream::{Outgoing, RequestBody, RequestHead, WholeHead},
};

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The member that plimsoll adds to Via: it names the version of the message that was received (RFC 9110
/// section 7.6.3).
pub(super) const fn own_via(received: Version) -> HeaderValue {
    match received {
        Version::HTTP_09 | Version::HTTP_10 => HeaderValue::from_static("1.0 plimsoll"),
        _ => HeaderValue::from_static("1.1 plimsoll"),
    }
}

/// The request of a fetch that may be stored: on a declared route built from the key, elsewhere the client's own. It
/// carries the validators of what is held.
pub(super) fn to_be_stored(
    exchange: &Exchange,
    keyed: &Keyed,
    settings: &Settings,
    condition: &Condition,
) -> Result<Request<RequestBody>, Problem> {
    match keyed.declared {
        Some(_) => hermetic(exchange, keyed, settings, condition),
        None => storable(exchange, settings, condition),
    }
}

/// The request of a declared route: built from the key, and from what the proxy itself states.
fn hermetic(
    exchange: &Exchange,
    keyed: &Keyed,
    settings: &Settings,
    condition: &Condition,
) -> Result<Request<RequestBody>, Problem> {
    let client = exchange.fields();
    let forward: Vec<_> = exchange
        .route
        .forward
        .iter()
        .flat_map(|name| client.get_all(name).iter().map(move |value| (name.clone(), value.clone())))
        .collect();
    // What answers a hermetic fetch is never a part, and never made for other fields than those in the key.
    let (if_none_match, if_modified_since) = match condition {
        Condition::Unless { tags, modified } => (tags.clone(), modified.clone()),
        Condition::AsAsked | Condition::Only { .. } => (None, None),
    };
    let statements = ProxyStatements {
        host: settings.origin_host.clone(),
        trace: Some(fresh_trace()),
        if_none_match,
        if_modified_since,
        forward: &forward,
    };
    let request = hermetic_request(&keyed.key, keyed.codings, &statements).map_err(|_| Problem::Internal)?;
    Ok(request.map(RequestBody::whole))
}

fn fresh_trace() -> TraceParent {
    TraceParent {
        trace_id: (fastrand::u128(..) | 1).to_be_bytes(),
        parent_id: (fastrand::u64(..) | 1).to_be_bytes(),
        sampled: false,
    }
}

/// The peer, with the scheme that a trusted proxy tells.
pub(super) fn believed(peer: Peer, fields: &HeaderMap, trusted: &[IpNet]) -> Peer {
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let told = fields.get_all(&X_FORWARDED_PROTO).iter().next_back();
    let told = told
        .and_then(|line| line.to_str().ok()?.rsplit(',').next().and_then(|word| Scheme::parse(word.trim())));
    told.map_or(peer, |scheme| Peer { scheme, ..peer })
}

/// Whether what this peer says of others counts.
pub(super) fn is_trusted(peer: Peer, trusted: &[IpNet]) -> bool {
    let is_in = |address: IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    // Most trust nobody.
    !trusted.is_empty() && peer.address.is_some_and(is_in)
}

/// Where the fields of a request to the origin are put: the head that is sent, or a map to be looked at.
pub(super) trait Fields {
    /// Adds a field line.
    fn put(&mut self, name: &HeaderName, value: &HeaderValue);
}

impl Fields for HeaderMap {
    fn put(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.append(name, value.clone());
    }
}

impl Fields for RequestHead {
    fn put(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.append(name, value);
    }
}

/// The client's request, for the origin. `None` where its content is gone already.
pub(super) fn as_it_came(exchange: &mut Exchange, settings: &Settings) -> Option<Box<Outgoing>> {
    let body = exchange.content()?;
    if body.as_whole().is_none_or(|content| !content.is_empty()) {
        return Some(Outgoing::new(head_as_it_came(exchange, settings, &body), body));
    }
    let (peer, head) =
        exchange.sent.get_or_init(|| (exchange.peer, head_as_it_came(exchange, settings, &body)));
    let is_the_same = *peer == exchange.peer;
    let head = if is_the_same { Arc::clone(head) } else { head_as_it_came(exchange, settings, &body) };
    Some(Outgoing::new(head, body))
}

fn head_as_it_came(exchange: &Exchange, settings: &Settings, body: &RequestBody) -> Arc<WholeHead> {
    let target = exchange.parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut head = RequestHead::new(exchange.parts.method.clone(), target);
    put_as_it_came(exchange, settings, !body.is_end_stream(), &mut head);
    head.whole(body)
}

/// The same, to be looked at.
pub(super) fn shown_as_it_came(exchange: &mut Exchange, settings: &Settings) -> Option<Request<RequestBody>> {
    let body = exchange.content()?;
    let target = exchange.parts.uri.path_and_query().cloned();
    let mut fields = HeaderMap::new();
    put_as_it_came(exchange, settings, !body.is_end_stream(), &mut fields);
    Some(assemble(exchange, target.unwrap_or_else(|| PathAndQuery::from_static("/")), body, fields))
}

fn put_as_it_came(exchange: &Exchange, settings: &Settings, has_content: bool, to: &mut impl Fields) {
    put_client_fields(exchange, settings, Way::Own, to);
    let identity = &settings.policy.identity;
    let may_be_one = |name: &str| !is_heeded(name, identity) && !is_alias(name, identity);
    trailers::pass_on(exchange.fields(), has_content, may_be_one, to);
}

/// The client's request, as it may be stored: its canonical path and its whole query, without cookies that carry no
/// session. Validators of a stored response take the place of the client's own conditions.
fn storable(
    exchange: &Exchange,
    settings: &Settings,
    condition: &Condition,
) -> Result<Request<RequestBody>, Problem> {
    let target = PathAndQuery::try_from(exchange.target.origin_form()).map_err(|_| Problem::Internal)?;
    let mut fields = HeaderMap::with_capacity(exchange.fields().len() + ADDED);
    put_client_fields(exchange, settings, Way::Shared, &mut fields);
    if fields.contains_key(COOKIE) {
        match settings.policy.identity.without_ignored_cookies(&fields) {
            Some(kept) => fields.insert(COOKIE, kept),
            None => fields.remove(COOKIE),
        };
    }
    state_condition(&mut fields, condition);
    Ok(assemble(exchange, target, RequestBody::whole(exchange.query_content()), fields))
}

/// Puts a condition in the place of the client's own.
fn state_condition(fields: &mut HeaderMap, condition: &Condition) {
    let stated = match condition {
        Condition::AsAsked => return,
        Condition::Unless { tags, modified } => [(IF_NONE_MATCH, tags), (IF_MODIFIED_SINCE, modified)],
        Condition::Only { range, if_range } => [(RANGE, &Some(range.clone())), (IF_RANGE, if_range)],
    };
    for name in [&IF_NONE_MATCH, &IF_MODIFIED_SINCE, &IF_UNMODIFIED_SINCE, &RANGE, &IF_RANGE] {
        fields.remove(name);
    }
    for (name, value) in stated {
        if let Some(value) = value {
            fields.insert(name, value.clone());
        }
    }
}

fn assemble(
    exchange: &Exchange,
    target: PathAndQuery,
    body: RequestBody,
    fields: HeaderMap,
) -> Request<RequestBody> {
    let mut request = Request::new(body);
    *request.method_mut() = exchange.parts.method.clone();
    *request.uri_mut() = Uri::from(target);
    *request.headers_mut() = fields;
    request
}

/// For whom the answer may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// For the client that asked.
    Own,
    /// Also for others: nothing that is not in the key may decide it, whoever says it.
    Shared,
}

/// The client's fields, as they go to the origin, and what happened on the way.
fn put_client_fields(exchange: &Exchange, settings: &Settings, way: Way, to: &mut impl Fields) {
    let (client, identity) = (exchange.fields(), &settings.policy.identity);
    let trusted = is_trusted(exchange.peer, &settings.trusted_proxies);
    let hops = HopByHop::of(client);
    let stays = |name: &HeaderName| {
        // The server has answered Expect already, and the origin's content is sent without waiting.
        !hops.contains(name)
            && *name != EXPECT
            && *name != HOST
            && !is_alias(name.as_str(), identity)
            && ((trusted && way == Way::Own) || !tells_the_way(name, identity))
    };
    let authority = HeaderValue::try_from(exchange.target.authority()).ok();
    if let Some(host) = settings.origin_host.as_ref().or(authority.as_ref()) {
        to.put(&HOST, host);
    }
    let (mut told_forwarded, mut tells_host, mut tells_scheme) = (Vec::new(), false, false);
    for (name, value) in client {
        // What goes on as one line with this hop's own comes at the end.
        if *name == X_FORWARDED_FOR || !stays(name) {
            continue;
        }
        if *name == FORWARDED {
            told_forwarded.extend(value.to_str());
            continue;
        }
        tells_host |= *name == X_FORWARDED_HOST;
        tells_scheme |= *name == X_FORWARDED_PROTO;
        to.put(name, value);
    }
    to.put(&VIA, &own_via(exchange.parts.version));
    let address = exchange.peer.address.map(|address| address.to_canonical());
    let node = address.map_or("unknown".to_owned(), node);
    let own = forwarded(exchange, &node, matches!(address, Some(IpAddr::V6(_))));
    put_list(&FORWARDED, &told_forwarded, own, to);
    let chain = if trusted && !hops.contains(&X_FORWARDED_FOR) { addresses(client, way) } else { Vec::new() };
    put_list(&X_FORWARDED_FOR, &chain, node, to);
    if let Some(authority) = authority.filter(|_| !tells_host) {
        to.put(&X_FORWARDED_HOST, &authority);
    }
    if !tells_scheme {
        to.put(&X_FORWARDED_PROTO, &HeaderValue::from_static(exchange.peer.scheme.as_str()));
    }
}

/// How many fields a request to the origin has that the client's need not have.
const ADDED: usize = 6;

/// Whether an origin would take this for a field that is heeded here: CGI and its heirs make one variable of `_` and `-`
/// (RFC 3875 section 4.1.18), and `HTTP_PROXY` of Proxy.
fn is_alias(name: &str, identity: &Identity) -> bool {
    name == "proxy" || name.contains('_') && is_heeded(&name.replace('_', "-"), identity)
}

/// Whether the way of a request, or for whom its answer is, hangs on the field of this name, in lower case. As such it
/// has one spelling, and its place is the head.
fn is_heeded(name: &str, identity: &Identity) -> bool {
    matches!(
        name,
        "host" | "connection" | "content-length" | "transfer-encoding" | "cookie" | "forwarded" | "proxy"
    ) || name.starts_with("x-forwarded-")
        || HeaderName::try_from(name).is_ok_and(|name| identity.is_user_field(&name) || is_override(&name))
}

/// The addresses that a trusted peer's X-Forwarded-For tells. In a request whose answer may be shared, what is no
/// address is left out: it could be anything, and it is not in the key.
fn addresses(fields: &HeaderMap, way: Way) -> Vec<&str> {
    let lines = fields.get_all(&X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let members = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|member| !member.is_empty());
    members.filter(|member| way == Way::Own || member.parse::<IpAddr>().is_ok()).collect()
}

/// Whether by this field others say something about the way here. Fields that say who asks are no word about it: they are
/// kept, and never shared.
fn tells_the_way(name: &HeaderName, identity: &Identity) -> bool {
    (*name == FORWARDED || name.as_str().starts_with("x-forwarded-")) && !identity.is_user_field(name)
}

/// This hop's own member of Forwarded (RFC 7239 section 4).
fn forwarded(exchange: &Exchange, node: &str, is_v6: bool) -> String {
    let quote = if is_v6 { ["\"[", "]\""] } else { ["", ""] };
    let (authority, scheme) = (exchange.target.authority(), exchange.peer.scheme.as_str());
    ["for=", quote[0], node, quote[1], ";host=\"", authority, "\";proto=", scheme].concat()
}

/// An address in text. The library's own formatting takes ten times as long for the usual kind, and each request that is
/// forwarded names one.
fn node(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let [first, rest @ ..] = address.octets();
    let mut text = String::with_capacity("255.255.255.255".len());
    text.push_str(itoa::Buffer::new().format(first));
    for octet in rest {
        text.extend([".", itoa::Buffer::new().format(octet)]);
    }
    text
}

/// Adds a field that is a list, as one line: what was told, and this hop's own member.
fn put_list(name: &HeaderName, told: &[&str], own: String, to: &mut impl Fields) {
    let line = if told.is_empty() {
        HeaderValue::try_from(own)
    } else {
        HeaderValue::try_from([told.join(", "), own].join(", "))
    };
    if let Ok(line) = line {
        to.put(name, &line);
    }
}
