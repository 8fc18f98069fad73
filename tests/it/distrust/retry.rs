//! When a request is sent again: once, on a fresh connection, after a used one broke before a byte of the answer, and only
//! if doing it twice is as good as once (RFC 9110 section 9.2.2).

use crate::support::{Answer, Ask, Proxy, Reply, Scripted, clock, in_turn, ok, proxy, scripted, stage};

/// An answer that leaves a connection to use again.
fn first() -> Reply {
    ok("", "first")
}

/// A proxy with one worker, which has one pool: the second request finds the connection of the first.
async fn before<const N: usize>(replies: [Reply; N]) -> (Proxy, Scripted) {
    let origin = scripted(in_turn(replies)).await;
    let proxy = proxy().server("workers = 1").start(origin.address, &clock()).await;
    (proxy, origin)
}

/// Uses a connection, and sends this over it.
async fn second(proxy: &Proxy, ask: Ask) -> Answer {
    assert_eq!(proxy.get("/first").send().await.text(), "first");
    ask.send().await
}

fn sent_again(proxy: &Proxy) -> Vec<String> {
    let incidents = proxy.incidents();
    incidents.into_iter().filter(|(name, _)| *name == "sent-again").map(|(_, detail)| detail).collect()
}

#[tokio::test]
async fn a_reset_on_a_reused_connection_is_asked_again_where_the_method_is_idempotent() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"] {
        for fault in [Reply::Reset(Vec::new()), Reply::Close(Vec::new())] {
            let content = if method == "HEAD" { "" } else { "again" };
            let (proxy, origin) = before([first(), fault, ok("", content)]).await;
            let answer = second(&proxy, proxy.get("/x").method(method)).await;
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, content), "{method}");
            assert_eq!(origin.count(), 3, "{method}");
            assert_eq!(sent_again(&proxy), [method]);
        }
    }
}

#[tokio::test]
async fn a_reset_on_a_reused_connection_is_final_for_post_patch_and_what_nobody_knows() {
    for method in ["POST", "PATCH", "FROBNICATE"] {
        let (proxy, origin) = before([first(), Reply::Reset(Vec::new()), ok("", "again")]).await;
        let answer = second(&proxy, proxy.get("/x").method(method)).await;
        assert_eq!((answer.status.as_u16(), origin.count()), (502, 2), "{method}");
        assert_eq!(sent_again(&proxy), [""; 0]);
    }
}

#[tokio::test]
async fn a_connection_that_the_origin_has_closed_is_let_go_although_nobody_asks_for_it() {
    let origin = stage().await;
    let proxy = proxy().origin("idle_timeout = '1h'").start(origin.address, &clock()).await;
    let asking = tokio::spawn(proxy.get("/x").send());
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(asking.await.expect("an answer").status, 204);
    line.end().await;
    assert_eq!(line.rest().await, b"");
}

#[tokio::test]
async fn content_is_sent_again_only_where_all_of_it_is_still_here() {
    let (proxy, origin) = before([first(), Reply::Reset(Vec::new()), ok("", "again")]).await;
    let answer = second(&proxy, proxy.get("/x").method("QUERY").body("what?")).await;
    assert_eq!((answer.status.as_u16(), origin.count()), (200, 3));
    assert_eq!(origin.seen()[1].body, b"what?");
    assert_eq!(origin.seen()[2].body, b"what?");

    // What was passed on as it came is gone.
    let (proxy, origin) = before([first(), Reply::Reset(Vec::new()), ok("", "again")]).await;
    let answer = second(&proxy, proxy.get("/x").method("PUT").body("so")).await;
    assert_eq!((answer.status.as_u16(), origin.count()), (502, 2));
}

#[tokio::test]
async fn nothing_is_asked_again_after_a_byte_of_the_answer() {
    for begun in ["H", "HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        let (proxy, origin) = before([first(), Reply::Close(begun.into()), ok("", "again")]).await;
        let answer = second(&proxy, proxy.get("/x")).await;
        assert_eq!((answer.status.as_u16(), origin.count()), (502, 2), "{begun:?}");
        assert_eq!(sent_again(&proxy), [""; 0]);
    }
}

#[tokio::test]
async fn nothing_is_asked_a_third_time() {
    let (proxy, origin) = before([first(), Reply::Reset(Vec::new())]).await;
    let answer = second(&proxy, proxy.get("/x")).await;
    assert_eq!((answer.status.as_u16(), origin.count()), (502, 3));
    assert_eq!(sent_again(&proxy), ["GET"]);
}

#[tokio::test]
async fn nothing_is_asked_again_over_a_fresh_connection() {
    let (proxy, origin) = before([Reply::Close(Vec::new()), ok("", "again")]).await;
    assert_eq!(proxy.get("/x").send().await.status, 502);
    assert_eq!((origin.count(), sent_again(&proxy).len()), (1, 0));
}

#[tokio::test]
async fn silence_on_a_reused_connection_is_no_reason_to_ask_again() {
    let origin = scripted(in_turn([first(), Reply::Stall(Vec::new()), ok("", "again")])).await;
    let proxy = proxy()
        .server("workers = 1")
        .origin("response_timeout = '200ms'")
        .start(origin.address, &clock())
        .await;
    let answer = second(&proxy, proxy.get("/x")).await;
    assert_eq!((answer.status.as_u16(), origin.count()), (504, 2));
}
