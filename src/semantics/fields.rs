//! Fields that concern one connection only, and the lists that several rooms need (RFC 9110 section 7.6.1).

use http::{
    HeaderMap, HeaderName,
    header::{CONNECTION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE},
};

/// Fields that no proxy passes on, whether Connection names them or not. `proxy-authenticate` stays out of the
/// request's and `proxy-authorization` out of the response's list for free: they have no meaning there.
static HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-authentication-info"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Whether a field concerns one connection only.
pub fn is_hop_by_hop(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name)
}

/// Whether this message's Connection names the field, so that it ends at the next hop.
pub(super) fn is_of_connection(fields: &HeaderMap, name: &HeaderName) -> bool {
    connection_options(fields).any(|option| option.eq_ignore_ascii_case(name.as_str()))
}

fn connection_options(fields: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = fields.get_all(CONNECTION).iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

/// Removes every field that concerns one connection only: the known ones, and those that Connection names.
pub fn remove_hop_by_hop(fields: &mut HeaderMap) {
    let named: Vec<HeaderName> = connection_options(fields)
        .filter_map(|option| HeaderName::from_bytes(option.as_bytes()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        fields.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_connection_names_goes_with_the_known_ones() {
        let lines = [
            ("connection", "close, X-Hop"),
            ("connection", "x-other"),
            ("x-hop", "1"),
            ("x-other", "2"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-stays", "3"),
        ];
        let mut fields: HeaderMap = lines
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        remove_hop_by_hop(&mut fields);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["x-stays"]);
    }
}
