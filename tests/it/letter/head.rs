//! What the answer to HEAD does to a stored answer to GET (RFC 9111 section 4.3.5).

use super::HIT;
use crate::support::{Proxy, Reply, Scripted, clock, ok, proxy, scripted, secs};

const STALE: &str = "fwd=stale; stored; level=2; route=default";

fn head(fields: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {fields}\r\n").into_bytes())
}

/// A stored `hello` that is stale, and an origin that answers HEAD like this.
async fn stale(stored: &'static str, answer: &'static str) -> (Scripted, Proxy) {
    let origin = scripted(move |number, seen| match (number, seen.line.starts_with("HEAD")) {
        (0, _) => ok(stored, "hello"),
        (_, true) => head(answer),
        _ => ok("cache-control: max-age=60\r\n", "newer"),
    })
    .await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").send().await;
    proxy.advance(secs(10));
    (origin, proxy)
}

#[tokio::test]
async fn rfc9111_section_4_3_5_a_200_to_head_brings_the_stored_response_up_to_date() {
    for (stored, answer) in [
        (
            "cache-control: max-age=10\r\nx-a: 1\r\nx-b: 1\r\n",
            "200 OK\r\ncache-control: max-age=60\r\nx-b: 2\r\n",
        ),
        (
            "etag: \"a\"\r\ncache-control: max-age=10\r\nx-a: 1\r\nx-b: 1\r\n",
            "200 OK\r\netag: \"a\"\r\ncontent-length: 5\r\ncache-control: max-age=60\r\nx-b: 2\r\n",
        ),
    ] {
        let (origin, proxy) = stale(stored, answer).await;
        let told = proxy.get("/x").method("HEAD").send().await;
        assert_eq!((told.status.as_u16(), told.cache().as_str()), (200, STALE), "{answer}");
        assert_eq!((told.field("x-a").as_str(), told.field("x-b").as_str()), ("1", "2"));
        let got = proxy.get("/x").send().await;
        assert_eq!((got.text().as_str(), got.cache().as_str()), ("hello", HIT), "{answer}");
        assert_eq!((got.field("x-a").as_str(), got.field("x-b").as_str()), ("1", "2"));
        assert_eq!(origin.count(), 2);
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_5_a_200_to_head_that_speaks_of_something_else_ends_what_is_stored() {
    let stored =
        "etag: \"a\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\r\ncache-control: max-age=10\r\n";
    for answer in [
        "200 OK\r\netag: \"b\"\r\ncache-control: max-age=60\r\n",
        "200 OK\r\nlast-modified: Mon, 07 Nov 1994 08:49:37 GMT\r\ncache-control: max-age=60\r\n",
        "200 OK\r\ncontent-length: 6\r\ncache-control: max-age=60\r\n",
        "200 OK\r\ncache-control: no-store\r\n",
    ] {
        let (_origin, proxy) = stale(stored, answer).await;
        assert_eq!(proxy.get("/x").method("HEAD").send().await.status, 200, "{answer}");
        let got = proxy.get("/x").send().await;
        assert_eq!((got.text().as_str(), got.cache().as_str()), ("newer", super::MISS), "{answer}");
    }
}

#[tokio::test]
async fn rfc9111_section_4_3_5_an_answer_to_head_that_is_no_200_changes_nothing() {
    for answer in ["410 Gone\r\n", "503 Service Unavailable\r\n", "302 Found\r\nlocation: /y\r\n"] {
        let (origin, proxy) = stale("etag: \"a\"\r\ncache-control: max-age=10\r\n", answer).await;
        proxy.get("/x").method("HEAD").send().await;
        proxy.get("/x").send().await;
        assert_eq!(origin.seen()[2].field("if-none-match"), Some("\"a\""), "{answer}: it is still held");
    }
}

#[tokio::test]
async fn an_answer_to_head_from_who_may_not_have_the_stored_response_leaves_it_alone() {
    let (_origin, proxy) = stale(
        "cache-control: max-age=60\r\n",
        "200 OK\r\ncontent-length: 9\r\ncache-control: max-age=60\r\n",
    )
    .await;
    proxy.get("/x").method("HEAD").field("cookie", "sid=1").send().await;
    assert_eq!(proxy.get("/x").send().await.cache(), "hit; ttl=50; level=2; route=default");
}
