//! Room in a store that is full: made for what is new, and refused by name where it cannot be made.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::support::{Reply, Seen, clock, ok, proxy, scripted};

const MEBIBYTE: usize = 1024 * 1024;
const ROUTE: &str = "name = 'x'\npath = '/{*rest}'\nlevel = 'permanent'";
const SMALL: &str = "capacity = '8 MiB'\nmax_object = '4 MiB'";

fn large(_: usize, _: &Seen) -> Reply {
    ok("", &"x".repeat(3 * MEBIBYTE))
}

/// The same content, without a word about its length.
fn large_in_chunks(_: usize, _: &Seen) -> Reply {
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    Reply::Bytes(format!("{head}{}0\r\n\r\n", chunk.repeat(48)).into_bytes())
}

#[tokio::test]
async fn at_capacity_what_is_large_takes_the_place_of_what_is_old() {
    for script in [large, large_in_chunks] {
        let origin = scripted(script).await;
        let proxy = proxy().cache(SMALL).route(ROUTE).start(origin.address, &clock()).await;
        for round in 0..8 {
            let target = format!("/{round}");
            assert_eq!(proxy.get(&target).send().await.cache(), "fwd=uri-miss; stored; level=1; route=x");
            assert_eq!(proxy.get(&target).send().await.cache(), "hit; level=1; route=x", "{target}");
            assert!(proxy.resident_bytes() <= 8 * MEBIBYTE as u64 * 12 / 10, "{}", proxy.resident_bytes());
        }
        assert_eq!(origin.count(), 8);
    }
}

#[tokio::test]
async fn where_readers_hold_all_the_room_the_refusal_has_its_name_from_the_head_on() {
    // Larger than what the buffers of a connection between this test and the proxy take.
    let origin = scripted(|_, _| ok("", &"x".repeat(14 * MEBIBYTE))).await;
    let limits = "capacity = '32 MiB'\nmax_object = '16 MiB'";
    let proxy = proxy().cache(limits).route(ROUTE).start(origin.address, &clock()).await;
    let mut readers = Vec::new();
    for target in ["/a", "/b"] {
        proxy.get(target).send().await;
        readers.push(proxy.get(target).open().await);
    }
    let refused = proxy.get("/c").send().await;
    assert_eq!(refused.cache(), "fwd=uri-miss; level=1; route=x; detail=over-budget");
    assert_eq!(refused.body.len(), 14 * MEBIBYTE);
    drop(readers);
}

#[tokio::test]
async fn an_answer_that_a_write_has_overtaken_does_not_say_that_it_is_stored() {
    let go = Arc::new(Notify::new());
    let waiting = Arc::clone(&go);
    let origin = scripted(move |_, seen| {
        let late = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec();
        if seen.line.starts_with("GET") {
            Reply::Wait(Vec::new(), Arc::clone(&waiting), late)
        } else {
            ok("", "")
        }
    })
    .await;
    let proxy = proxy().route(ROUTE).start(origin.address, &clock()).await;
    let overtaken = tokio::spawn(proxy.get("/x").send());
    origin.arrived(1).await;
    proxy.get("/x").method("PUT").body("new").send().await;
    go.notify_one();
    let overtaken = overtaken.await.expect("an answer");
    assert_eq!(overtaken.cache(), "fwd=uri-miss; level=1; route=x; detail=invalidated");
}
