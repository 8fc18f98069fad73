//! The letter of RFC 9111 and its relatives, over real sockets, with no route that says anything: what the origin's fields
//! alone decide. What `freshness` and `revalidation` hold already is not here.

mod age;
mod demands;
mod must_understand;
mod no_store;
mod stale_while_revalidate;
mod targeted;
mod updates;

use crate::support::{Proxy, Reply, Scripted, answer_with, clock, in_turn, proxy, scripted};

/// A proxy to the letter of the RFC, in front of an origin that replies in turn.
async fn letter<const N: usize>(replies: [Reply; N]) -> (Proxy, Scripted) {
    let origin = scripted(in_turn(replies)).await;
    let proxy = proxy().cache("profile = 'rfc9111'").start(origin.address, &clock()).await;
    (proxy, origin)
}

/// Field lines as they are sent; a `|` stands for the end of each.
fn lines(fields: &str) -> String {
    fields.replace('|', "\r\n")
}

/// How a second request at the same moment is answered, by an origin that answers always like this.
async fn second(status: &str, fields: &str) -> String {
    let (proxy, _origin) = letter([answer_with(status, &lines(fields), "hello")]).await;
    proxy.get("/x").send().await;
    proxy.get("/x").send().await.said()
}

/// Holds each answer's field lines to what becomes of a second request.
async fn hold(status: &str, cases: &[(&str, &str)]) {
    for (fields, expected) in cases {
        assert_eq!(second(status, fields).await, *expected, "{status} with {fields}");
    }
}
