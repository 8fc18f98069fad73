//! The strict front: hostile clients, byte by byte. Each test is named after the case that it holds.

mod direct;
mod familiar;
mod half_closed;
mod interim;
mod large;
mod overload;
mod smuggling;
mod trailers;

use crate::support::{Proxy, Scripted, clock, in_turn, ok, proxy, raw, scripted};

/// A proxy in front of an origin that answers everything with something that may be stored.
async fn storing() -> (Proxy, Scripted) {
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", "hello")])).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    (proxy, origin)
}

/// Holds that these bytes are answered with exactly one refusal that names this rule, that the connection ends, and that
/// the origin sees nothing of them.
async fn is_refused(bytes: impl AsRef<[u8]>, status: u16, rule: &str) {
    let (proxy, origin) = storing().await;
    let shown = bytes.as_ref().escape_ascii().to_string();
    let shown = &shown[..shown.len().min(200)];
    let answer = raw(proxy.address, bytes.as_ref()).await;
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown}: {answer}");
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    for line in ["content-type: application/problem+json", "cache-control: no-store", "connection: close"] {
        assert!(head.contains(line), "{shown}: {answer}");
    }
    assert!(!head.contains("cache-status"), "{answer}");
    assert!(answer.contains(&format!("\"urn:plimsoll:problem:{rule}\"")), "{shown}: {answer}");
    assert_eq!(proxy.refused(), [rule], "{shown}");
    assert_eq!(origin.count(), 0, "{shown}");
}
