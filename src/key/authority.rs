//! The authority of a target URI in canonical form (RFC 3986 sections 3.2.2 and 6.2.3, RFC 9110 section 4.2.3).

use std::{fmt::Write as _, net::Ipv6Addr};

use super::{Scheme, TargetError, percent};

/// The authority in canonical form: the host in lower case, the port in digits and only where it is not the scheme's
/// default (RFC 3986 sections 3.2.2 and 6.2.3, RFC 9110 section 4.2.3).
///
/// An IPv6 address gets the form of RFC 5952. User information is refused (RFC 9110 section 4.2.4), and so is a
/// percent-encoded host, which no name of the DNS needs and which origins read differently.
pub fn canonical_authority(raw: &str, scheme: Scheme) -> Result<String, TargetError> {
    // Nearly all are canonical as they come.
    if is_canonical(raw.as_bytes(), scheme) {
        return Ok(raw.to_owned());
    }
    if raw.bytes().any(|byte| byte == b'@') {
        return Err(TargetError::UserInfo);
    }
    let (host, port) = split_port(raw)?;
    let mut authority = String::with_capacity(raw.len());
    push_host(&mut authority, host)?;
    if let Some(port) = port.filter(|port| *port != scheme.default_port()) {
        authority.push(':');
        authority.push_str(itoa::Buffer::new().format(port));
    }
    Ok(authority)
}

/// Whether this is surely canonical: a name or an IPv4 address, and behind it a port as a number is written, or none.
fn is_canonical(raw: &[u8], scheme: Scheme) -> bool {
    let end = raw.iter().position(|byte| !percent::is_of_canonical_host(*byte)).unwrap_or(raw.len());
    match (end, &raw[end..]) {
        (0, _) => false,
        (_, []) => true,
        (_, [b':', port @ ..]) => canonical_port(port).is_some_and(|port| port != scheme.default_port()),
        _ => false,
    }
}

fn canonical_port(digits: &[u8]) -> Option<u16> {
    let is_number =
        matches!(digits, [b'1'..=b'9', ..]) && digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit);
    let value = || digits.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
    is_number.then(value)?.try_into().ok()
}

/// Host and port of an authority. A colon with no port behind it is as none.
pub(crate) fn split_port(raw: &str) -> Result<(&str, Option<u16>), TargetError> {
    let place = |text: &str, wanted: u8| text.bytes().position(|byte| byte == wanted);
    let host_end = match place(raw, b']') {
        Some(bracket) => bracket + 1,
        None if raw.starts_with('[') => return Err(TargetError::HostInvalid),
        None => 0,
    };
    let (_, tail) = raw.split_at(host_end);
    let Some(colon) = place(tail, b':') else { return Ok((raw, None)) };
    let host = &raw[..host_end + colon];
    let digits = &tail[colon + 1..];
    if digits.is_empty() {
        return Ok((host, None));
    }
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TargetError::PortInvalid);
    }
    digits.parse().map(|port| (host, Some(port))).map_err(|_| TargetError::PortInvalid)
}

/// A host without port, in canonical form.
pub(crate) fn canonical_host(host: &str) -> Result<String, TargetError> {
    let mut canonical = String::with_capacity(host.len());
    push_host(&mut canonical, host)?;
    Ok(canonical)
}

fn push_host(to: &mut String, host: &str) -> Result<(), TargetError> {
    if host.is_empty() {
        return Err(TargetError::HostMissing);
    }
    if let Some(inner) = host.strip_prefix('[') {
        let address = inner.strip_suffix(']').and_then(|text| text.parse::<Ipv6Addr>().ok());
        let address = address.ok_or(TargetError::HostInvalid)?;
        // Writing to a text never fails.
        let _ = write!(to, "[{address}]");
        return Ok(());
    }
    if !host.bytes().all(percent::is_of_host) {
        return Err(TargetError::HostInvalid);
    }
    to.push_str(host);
    to.make_ascii_lowercase();
    Ok(())
}

/// Host and port of a canonical authority, the host without the dot that stands for the root of the DNS.
pub(crate) fn split_canonical(authority: &str) -> (&str, Option<&str>) {
    // The last colon is the port's, unless it is inside an IPv6 address.
    match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
        Some((host, port)) => (without_root(host), Some(port)),
        None => (without_root(authority), None),
    }
}

/// A host without the dot that stands for the root of the DNS.
pub(crate) fn without_root(host: &str) -> &str {
    host.strip_suffix('.').filter(|host| !host.is_empty()).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn authority(raw: &str) -> Result<String, TargetError> {
        canonical_authority(raw, Scheme::Http)
    }

    #[test]
    fn an_authority_is_lower_case_without_the_default_port() {
        for (raw, canonical) in [
            ("Example.COM", "example.com"),
            ("example.com:80", "example.com"),
            ("example.com:0080", "example.com"),
            ("example.com:", "example.com"),
            ("example.com:443", "example.com:443"),
            ("127.0.0.1:3000", "127.0.0.1:3000"),
            ("[::1]:80", "[::1]"),
            ("[0:0:0:0:0:0:0:AB]:81", "[::ab]:81"),
            ("a_b~c!d", "a_b~c!d"),
        ] {
            assert_eq!(authority(raw).as_deref(), Ok(canonical), "{raw}");
        }
        assert_eq!(canonical_authority("a:443", Scheme::Https).as_deref(), Ok("a"));
    }

    #[test]
    fn an_authority_that_has_no_single_reading_is_refused() {
        for (raw, error) in [
            ("", TargetError::HostMissing),
            (":80", TargetError::HostMissing),
            ("user@example.com", TargetError::UserInfo),
            ("example.com:80@evil", TargetError::UserInfo),
            ("a b", TargetError::HostInvalid),
            ("a/b", TargetError::HostInvalid),
            ("a%2eb", TargetError::HostInvalid),
            ("a\u{e9}", TargetError::HostInvalid),
            ("[::1", TargetError::HostInvalid),
            ("[::1]x", TargetError::HostInvalid),
            ("[]", TargetError::HostInvalid),
            ("[v1.a]", TargetError::HostInvalid),
            ("::1", TargetError::PortInvalid),
            ("a:1:2", TargetError::PortInvalid),
            ("a:+1", TargetError::PortInvalid),
            ("a:65536", TargetError::PortInvalid),
            ("a\"b", TargetError::HostInvalid),
        ] {
            assert_eq!(authority(raw), Err(error), "{raw}");
        }
    }

    proptest! {
        /// What is taken as it comes is what canonicalising it would make of it.
        #[test]
        fn what_is_canonical_comes_out_as_it_went_in(raw in "[aB.]{0,3}(:[0-9]{0,6})?|a:(80|443|8080)", https: bool) {
            let scheme = if https { Scheme::Https } else { Scheme::Http };
            if is_canonical(raw.as_bytes(), scheme) {
                let (host, port) = split_port(&raw).unwrap();
                prop_assert_eq!(canonical_host(host).unwrap(), host);
                prop_assert!(port.is_none_or(|port| port != scheme.default_port()));
                prop_assert_eq!(port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")), raw);
            }
        }

        #[test]
        fn canonicalising_an_authority_twice_changes_nothing_more(raw in "[aB.:\\[\\]0-9f]{0,9}", https: bool) {
            let scheme = if https { Scheme::Https } else { Scheme::Http };
            if let Ok(canonical) = canonical_authority(&raw, scheme) {
                prop_assert_eq!(canonical_authority(&canonical, scheme), Ok(canonical.clone()));
            }
        }
    }
}
