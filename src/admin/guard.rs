//! Who is let in, before any endpoint is asked. An admin place on the loopback address is within reach of every page that a
//! browser of this machine shows: what such a page can send is refused, by where it says that it comes from, by the name that
//! it was sent to (DNS rebinding), and by a content type that browsers send to others only after they have asked.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Uri, Version,
        header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, ORIGIN, X_CONTENT_TYPE_OPTIONS},
        uri::Authority,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    key::Key,
    refusal::{Refusal, Refused},
};

/// What machines ask that have no token: whether the process lives, and whether it is ready.
pub(super) const OPEN: [&str; 2] = ["/healthz", "/readyz"];

/// The one name that leads to this machine, whoever is asked.
const LOCAL_NAME: &str = "localhost";

/// What decides who is let in.
#[derive(Debug)]
pub(super) struct Guard {
    key: Option<Key>,
}

/// Lets a request through, or refuses it. What every answer says is said here.
pub(super) async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let is_old_check = request.version() == Version::HTTP_10 && OPEN.contains(&request.uri().path());
    let is_nameless = !request.headers().contains_key(HOST) && !request.headers().contains_key(ORIGIN);
    let admitted = if is_old_check && is_nameless {
        // HTTP/1.0 needs no Host, and what a health check is told is no secret.
        Ok(())
    } else {
        guard.admit(request.method(), request.uri(), request.headers())
    };
    let mut response = match admitted {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let fields = response.headers_mut();
    for (name, value) in [
        (CACHE_CONTROL, "no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    response
}

impl Guard {
    /// With a key, who asks has to show the token.
    pub(super) const fn new(key: Option<Key>) -> Self {
        Self { key }
    }

    fn admit(&self, method: &Method, uri: &Uri, fields: &HeaderMap) -> Result<(), Refusal> {
        let host = host(uri, fields)?;
        if self.key.is_none() && !is_local(&host) {
            let detail =
                "a page can let its own name lead here: ask by address or as localhost, or configure a token";
            return Err(Refusal::new(Refused::ForeignHost, detail));
        }
        if let Some(why) = foreign_page(method, fields, &host) {
            return Err(Refusal::new(Refused::CrossOrigin, why));
        }
        if let Some(key) = &self.key
            && !OPEN.contains(&uri.path())
            && !bearer(fields).is_some_and(|token| key.fits(token))
        {
            return Err(Refusal::new(Refused::Token, "send it as Authorization: Bearer TOKEN"));
        }
        if *method == Method::POST && !is_json(fields) {
            return Err(Refused::ContentType.into());
        }
        Ok(())
    }
}

/// The one value of a field; an error where there are several.
fn only<'f>(fields: &'f HeaderMap, name: &HeaderName) -> Result<Option<&'f HeaderValue>, ()> {
    let mut lines = fields.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(()),
    }
}

/// Whom the request was sent to. A target in absolute form says nothing else (RFC 9112 section 3.2.2).
fn host(uri: &Uri, fields: &HeaderMap) -> Result<Authority, Refusal> {
    let value = only(fields, &HOST).ok().flatten().ok_or(Refused::Host)?;
    let host: Authority = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or(Refused::Host)?;
    let is_plain = !host.host().is_empty() && !host.as_str().contains('@');
    if is_plain && uri.authority().is_none_or(|target| *target == host) {
        Ok(host)
    } else {
        Err(Refused::Host.into())
    }
}

/// Whether no name had to be looked up to get here, but for the one that means this machine.
fn is_local(host: &Authority) -> bool {
    let name = host.host();
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    address.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case(LOCAL_NAME)
}

/// Why a browser would not have sent this for a page of ours.
fn foreign_page(method: &Method, fields: &HeaderMap, host: &Authority) -> Option<&'static str> {
    match only(fields, &ORIGIN) {
        Ok(None) => {}
        Ok(Some(origin)) if origin.to_str().is_ok_and(|origin| is_own(origin, host)) => {}
        Ok(Some(_)) | Err(()) => return Some("Origin is not the one of this listener"),
    }
    let says = |name: &'static str, value: &'static str| {
        only(fields, &HeaderName::from_static(name)) == Ok(Some(&HeaderValue::from_static(value)))
    };
    let site = |value| says("sec-fetch-site", value);
    // A link that leads here shows the page to who clicks on it, and to nobody else.
    let is_link =
        *method == Method::GET && says("sec-fetch-mode", "navigate") && says("sec-fetch-dest", "document");
    let is_own_site = !fields.contains_key("sec-fetch-site") || site("same-origin") || site("none");
    (!is_own_site && !is_link).then_some("Sec-Fetch-Site is neither same-origin nor none")
}

/// Whether this origin is the one that the request was sent to. Who ends TLS in front of it makes it https.
fn is_own(origin: &str, host: &Authority) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return false,
    };
    let Ok(origin) = authority.parse::<Authority>() else { return false };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    origin.host().eq_ignore_ascii_case(host.host()) && port(&origin) == port(host)
}

/// The token that is presented (RFC 6750 section 2.1).
fn bearer(fields: &HeaderMap) -> Option<&[u8]> {
    let value = only(fields, &AUTHORIZATION).ok()??.as_bytes();
    let (scheme, token) = value.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn is_json(fields: &HeaderMap) -> bool {
    let value = only(fields, &CONTENT_TYPE).ok().flatten();
    value.and_then(|value| value.to_str().ok()).is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/json")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    /// What becomes of a request with these fields; `None` where it is let in.
    fn asked(key: Option<&str>, method: &str, target: &str, lines: &[(&str, &str)]) -> Option<Refused> {
        let guard = Guard::new(key.map(|token| Key::new(token).unwrap()));
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        guard.admit(&method, &target.parse().unwrap(), &fields).err().map(|refusal| refusal.refused)
    }

    fn get(lines: &[(&str, &str)]) -> Option<Refused> {
        asked(None, "GET", "/api/routes", lines)
    }

    #[test]
    fn without_a_token_only_addresses_and_localhost_are_hosts() {
        for host in [
            "127.0.0.1:9090",
            "127.0.0.1",
            "[::1]:9090",
            "[::1]",
            "10.0.0.7:80",
            "localhost:9090",
            "LocalHost",
        ] {
            assert_eq!(get(&[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9090",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "0x7f.1",
        ] {
            assert_eq!(get(&[("host", host)]), Some(Refused::ForeignHost), "{host}");
            let shown = [("host", host), ("authorization", "Bearer 0123456789abcdef")];
            assert_eq!(asked(Some(TOKEN), "GET", "/api/routes", &shown), None, "{host}");
        }
    }

    #[test]
    fn a_host_is_there_once_and_is_one() {
        for lines in [
            &[][..],
            &[("host", "")],
            &[("host", ":9090")],
            &[("host", "a b")],
            &[("host", "user@127.0.0.1")],
            &[("host", "127.0.0.1"), ("host", "127.0.0.1")],
        ] {
            assert_eq!(get(lines), Some(Refused::Host), "{lines:?}");
        }
        let host = [("host", "127.0.0.1:9")];
        assert_eq!(asked(None, "GET", "http://127.0.0.1:9/healthz", &host), None);
        assert_eq!(asked(None, "GET", "http://evil.example/healthz", &host), Some(Refused::Host));
    }

    #[test]
    fn an_origin_has_to_be_the_listener_s_own() {
        let from = |host, origin| get(&[("host", host), ("origin", origin)]);
        assert_eq!(from("127.0.0.1:9090", "http://127.0.0.1:9090"), None);
        assert_eq!(from("127.0.0.1", "http://127.0.0.1:80"), None);
        assert_eq!(from("127.0.0.1", "https://127.0.0.1"), None);
        assert_eq!(from("[::1]:9090", "http://[::1]:9090"), None);
        for origin in [
            "http://evil.example",
            "http://127.0.0.1:3000",
            "http://127.0.0.1",
            "http://localhost:9090",
            "null",
            "",
            "file://",
            "ftp://127.0.0.1:9090",
            "http://127.0.0.1:9090, http://evil.example",
        ] {
            assert_eq!(from("127.0.0.1:9090", origin), Some(Refused::CrossOrigin), "{origin}");
        }
        let twice =
            [("host", "127.0.0.1:9"), ("origin", "http://127.0.0.1:9"), ("origin", "http://127.0.0.1:9")];
        assert_eq!(get(&twice), Some(Refused::CrossOrigin));
    }

    #[test]
    fn what_a_browser_says_of_the_page_counts() {
        let from = |method, site, mode, destination| {
            let fetch = [
                ("host", "127.0.0.1:9"),
                ("content-type", "application/json"),
                ("sec-fetch-site", site),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", destination),
            ];
            asked(None, method, "/", &fetch)
        };
        for site in ["same-origin", "none"] {
            assert_eq!(from("POST", site, "cors", "empty"), None);
        }
        for site in ["cross-site", "same-site", "anything"] {
            assert_eq!(from("GET", site, "no-cors", "image"), Some(Refused::CrossOrigin));
            assert_eq!(from("GET", site, "navigate", "iframe"), Some(Refused::CrossOrigin));
            assert_eq!(from("POST", site, "navigate", "document"), Some(Refused::CrossOrigin));
            assert_eq!(from("GET", site, "navigate", "document"), None, "a link");
        }
    }

    #[test]
    fn with_a_token_only_what_machines_ask_goes_without() {
        let with = |target: &str, lines: &[(&str, &str)]| {
            asked(Some(TOKEN), "GET", target, &[&[("host", "admin.example")], lines].concat())
        };
        for open in OPEN {
            assert_eq!(with(open, &[]), None);
        }
        for value in ["Bearer 0123456789abcdef", "bearer  0123456789abcdef "] {
            assert_eq!(with("/api/routes", &[("authorization", value)]), None, "{value}");
        }
        for value in
            ["", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Basic 0123456789abcdef", "0123456789abcdef"]
        {
            for target in ["/api/routes", "/", "/no/such", "/healthz/", "/api/../healthz"] {
                assert_eq!(
                    with(target, &[("authorization", value)]),
                    Some(Refused::Token),
                    "{target} {value}"
                );
            }
        }
        let right = ("authorization", "Bearer 0123456789abcdef");
        assert_eq!(with("/api/routes", &[right, right]), Some(Refused::Token));
        assert_eq!(with("/api/routes", &[]), Some(Refused::Token));
    }

    #[test]
    fn what_is_posted_has_to_be_json() {
        let posted = |lines: &[(&str, &str)]| {
            asked(None, "POST", "/api/purge", &[&[("host", "127.0.0.1")], lines].concat())
        };
        for value in ["application/json", "Application/JSON; charset=utf-8"] {
            assert_eq!(posted(&[("content-type", value)]), None, "{value}");
        }
        for value in ["", "text/plain", "application/x-www-form-urlencoded", "text/plain; application/json"] {
            assert_eq!(posted(&[("content-type", value)]), Some(Refused::ContentType), "{value}");
        }
        assert_eq!(posted(&[]), Some(Refused::ContentType));
        let twice = [("content-type", "application/json"), ("content-type", "text/plain")];
        assert_eq!(posted(&twice), Some(Refused::ContentType));
    }
}
