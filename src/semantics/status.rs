//! Which statuses this cache understands (RFC 9110 section 15, RFC 9111 section 5.2.2.3).

use http::StatusCode;

/// Whether this cache knows what a status asks of caches and does it: the final statuses that RFC 9110 and RFC 6585
/// define. A response that says `must-understand` is stored only with one of these, and then `no-store` beside it is
/// for caches that know less (RFC 9111 section 5.2.2.3).
pub fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 428 | 429 | 431 | 500..=505 | 511
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_section_15_statuses_are_understood_and_others_are_not() {
        let understood = |code| is_understood(StatusCode::from_u16(code).unwrap());
        assert!([200, 206, 304, 404, 410, 503].into_iter().all(understood));
        assert!(![100, 199, 299, 306, 399, 499, 599, 999].into_iter().any(understood));
    }
}
