//! Heads that come again are read once. Nobody is told anything else for it: not what was true then, nor what is another
//! client's.

use std::net::Ipv4Addr;

use plimsoll::proxy::{Purge, PurgeMode};

use crate::support::{Builder, Wire, clock, in_turn, ok, proxy, scripted, secs};

/// More often than it takes to be familiar.
const OFTEN: usize = 4;

fn get(target: &str, more: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: api.example\r\n{more}\r\n")
}

/// The head of the answer, once its content is taken.
async fn answered(client: &mut Wire, request: &str) -> String {
    client.send(request).await;
    let head = client.head().await;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    client.take(length.unwrap().parse().unwrap()).await;
    head
}

fn cache(head: &str) -> &str {
    head.lines().find_map(|line| line.strip_prefix("cache-status: ")).unwrap_or_default()
}

/// A proxy whose one worker sees every request.
fn one_worker() -> Builder {
    proxy().server("workers = 1")
}

/// What clients are told while time passes, things are purged and others write. Each request has a field of its own, if
/// `is_new`.
async fn story(route: &str, is_new: bool) -> (Vec<String>, usize) {
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", "hello")])).await;
    let clock = clock();
    let proxy = one_worker().route(route).start(origin.address, &clock).await;
    let mut told = Vec::new();
    let mut count = 0;
    let mut clients = [Wire::connect(proxy.address).await, Wire::connect(proxy.address).await];
    for step in 0..4 {
        for round in 0..OFTEN {
            count += 1;
            let own = if is_new { format!("x-number: {count}\r\n") } else { String::new() };
            let head = answered(&mut clients[round % 2], &get("/x?a=1", &own)).await;
            told.push(cache(&head).to_owned());
            clock.advance(secs(1));
        }
        match step {
            0 => clock.advance(secs(60)),
            1 => drop(proxy.purge(Purge::All, PurgeMode::Hard)),
            2 => {
                let write = "POST /x?a=1 HTTP/1.1\r\nhost: api.example\r\ncontent-length: 0\r\n\r\n";
                told.push(cache(&answered(&mut clients[0], write).await).to_owned());
            }
            _ => {}
        }
    }
    (told, origin.count())
}

#[tokio::test]
async fn what_a_familiar_head_is_told_is_of_the_moment() {
    for route in ["level = 'changing'\nttl = '60s'", "level = 'origin'", "level = 'user'"] {
        let route = format!("name = 'x'\npath = '/{{*rest}}'\n{route}");
        let (familiar, new) = (story(&route, false).await, story(&route, true).await);
        assert_eq!(familiar, new, "{route}");
        let has_hits = familiar.0.iter().any(|status| status.contains("hit"));
        assert_eq!(has_hits, !route.contains("user"), "{familiar:?}");
    }
}

#[tokio::test]
async fn a_familiar_head_goes_to_the_origin_as_from_the_client_that_sent_it() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let proxy = one_worker().route("path = '/{*rest}'\nlevel = 'user'").start(origin.address, &clock()).await;
    let request = get("/x", "accept: */*\r\n");
    for last in [1, 1, 1, 1, 2, 1, 3, 3] {
        let mut client = Wire::connect_from(Ipv4Addr::new(127, 0, 0, last), proxy.address).await;
        answered(&mut client, &request).await;
        let seen = origin.seen().pop().unwrap();
        assert_eq!(seen.field("x-forwarded-for"), Some(&*format!("127.0.0.{last}")), "{seen:?}");
        let forwarded = format!("for=127.0.0.{last};host=\"api.example\";proto=http");
        assert_eq!(seen.field("forwarded"), Some(&*forwarded), "{seen:?}");
        assert_eq!((seen.field("accept"), seen.field("content-length")), (Some("*/*"), None), "{seen:?}");
    }
}

#[tokio::test]
async fn a_familiar_head_says_no_more_than_its_peer_may() {
    let origin = scripted(|_, seen| {
        ok("cache-control: max-age=60\r\n", seen.field("x-forwarded-proto").unwrap_or_default())
    })
    .await;
    let proxy = one_worker()
        .server("trusted_proxies = ['127.0.0.9']")
        .route("path = '/{*rest}'\nlevel = 'changing'\nttl = '60s'")
        .start(origin.address, &clock())
        .await;
    let request = get("/x", "x-forwarded-proto: https\r\n");
    let trusted = Wire::connect_from(Ipv4Addr::new(127, 0, 0, 9), proxy.address).await;
    let mut clients = [(trusted, "https"), (Wire::connect(proxy.address).await, "http")];
    for turn in [0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 1, 1] {
        let (client, scheme) = &mut clients[turn];
        client.send(&request).await;
        client.head().await;
        // Of a longer answer the rest would be read as the next head.
        assert_eq!(client.take(scheme.len()).await, scheme.as_bytes());
    }
    assert_eq!(origin.count(), 2, "one for each scheme");
}
