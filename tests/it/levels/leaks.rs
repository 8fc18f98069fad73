//! A thousand requests at once, of several users and sessions and of nobody, on every kind of route: nobody ever sees what
//! is another's.

use std::{net::SocketAddr, sync::Arc};

use tokio::{sync::Barrier, task::JoinSet};

use super::reply;
use crate::support::{
    Answer, Ask, Proxy, Reply, Scripted, Seen, clock, get, ok, proxy, sample, scripted, shipped,
};

/// How many clients ask at once, and how often each.
const CLIENTS: usize = 40;
const EACH: usize = 25;

/// Lets all clients start together. Each asks `EACH` times; what it asks and what it must get, `turn` decides by the
/// number of the client and of the request.
async fn rush<F, Fut>(turn: F)
where
    F: Fn(usize, usize) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (turn, start) = (Arc::new(turn), Arc::new(Barrier::new(CLIENTS)));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (turn, start) = (Arc::clone(&turn), Arc::clone(&start));
        clients.spawn(async move {
            start.wait().await;
            for n in 0..EACH {
                turn(client, n).await;
            }
        });
    }
    // A client that was given another's answer has panicked.
    clients.join_all().await;
}

// ---- The sample origin behind the shipped config -------------------------------------------------------------------

/// What the one asker gets from one resource, straight from the origin: what it must get through the proxy as well.
struct Expected {
    target: &'static str,
    identity: Option<(&'static str, String)>,
    answer: Answer,
}

const TARGETS: [&str; 9] = [
    "/level3/product/1234",
    "/level3/product/1236",
    "/publicity",
    "/my-cart",
    "/level3/greeting/1234",
    "/level4/product/1234",
    "/cart/5678",
    "/product/1234?language=french",
    "/nowhere/to/be/found",
];

fn identified(ask: Ask, identity: Option<&(&'static str, String)>) -> Ask {
    identity.into_iter().fold(ask, |ask, (name, value)| ask.field(name, value))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_requests_of_users_sessions_and_nobody_each_get_their_own() {
    let clock = clock();
    let origin = sample(&clock).await;
    let proxy = shipped(origin.address, &clock).await;
    let german = origin.session("bob", "mypassword").await;
    let choice = get(origin.address, "/level4/preferences").method("PUT").field("cookie", &german);
    let chosen =
        choice.field("content-type", "application/json").body("{\"language\":\"german\"}").send().await;
    assert_eq!(chosen.status, 200);
    let identities = [
        None,
        Some(("authorization", origin.token("alice", "password123").await)),
        Some(("authorization", origin.token("bob", "mypassword").await)),
        Some(("cookie", origin.session("alice", "password123").await)),
        Some(("cookie", german)),
        Some(("authorization", "Bearer forged".to_owned())),
    ];
    let mut expected = Vec::new();
    for identity in identities {
        for target in TARGETS {
            let answer = identified(get(origin.address, target), identity.as_ref()).send().await;
            expected.push(Expected { target, identity: identity.clone(), answer });
        }
    }
    let distinct: std::collections::BTreeSet<String> =
        expected.iter().map(|expected| expected.answer.text()).collect();
    assert!(distinct.len() >= 14, "the origin tells its askers apart: {distinct:?}");
    let (expected, address) = (Arc::new(expected), proxy.address);
    rush(move |client, n| {
        let expected = Arc::clone(&expected);
        async move {
            let Expected { target, identity, answer } = &expected[(client * 7 + n * 11) % expected.len()];
            let got = identified(get(address, target), identity.as_ref()).send().await;
            assert_eq!(got.status, answer.status, "{target} as {identity:?}: {}", got.cache());
            assert_eq!(got.text(), answer.text(), "{target} as {identity:?}: {}", got.cache());
        }
    })
    .await;
}

// ---- An origin that tags every byte with who asked -----------------------------------------------------------------

/// Who may ask: a field, its value, and the tag by which the origin knows it.
const ASKERS: [Option<(&str, &str)>; 8] = [
    None,
    Some(("authorization", "Bearer alice")),
    Some(("authorization", "Bearer bob")),
    Some(("x-api-key", "carol")),
    Some(("x-auth-token", "dave")),
    Some(("cookie", "session=alice-desk")),
    Some(("cookie", "session=alice-phone; _ga=1")),
    Some(("cookie", "_ga=nobody")),
];

/// The tag of a request, as the origin reads it.
fn who(seen: &Seen) -> String {
    let fields = ["authorization", "x-api-key", "x-auth-token", "cookie"];
    let told = fields.iter().find_map(|name| seen.field(name)).unwrap_or("nobody");
    let session = told.split(';').map(str::trim).find(|pair| !pair.starts_with("_ga"));
    session.unwrap_or("nobody").to_owned()
}

/// The tag of an asker, as the client expects it. Analytics make nobody somebody.
fn tag(asker: Option<(&str, &str)>) -> String {
    let told = asker.map_or("nobody", |(_, value)| value);
    let session = told.split(';').map(str::trim).find(|pair| !pair.starts_with("_ga"));
    session.unwrap_or("nobody").to_owned()
}

/// Answers with who asked for what; where the path says so, it refuses, hides, or says the wrong thing about caching.
fn tagged(seen: &Seen) -> Reply {
    let who = who(seen);
    let path = seen.line.split(' ').nth(1).unwrap_or_default();
    let (known, kind) = (who != "nobody", path.split('/').nth(1).unwrap_or_default());
    let status = match (kind, known) {
        ("guarded", false) => "401 Unauthorized",
        ("hidden", false) => "404 Not Found",
        ("login", false) => "302 Found",
        ("barred", _) if who.contains("bob") => "403 Forbidden",
        _ => "200 OK",
    };
    let fields = match kind {
        // Freshness alone never makes an answer to somebody anybody's.
        "plain" | "guarded" | "barred" | "level3" | "level4" | "level5" => "cache-control: max-age=60\r\n",
        "personal" if known => "cache-control: private, max-age=60\r\n",
        "cookies" => "cache-control: max-age=60\r\nset-cookie: session=fresh\r\n",
        "varied" => "cache-control: public, max-age=60\r\nvary: cookie, authorization, x-api-key\r\n",
        _ => "",
    };
    reply(status, fields, &format!("{who} asked for {path}"))
}

async fn tagging() -> Scripted {
    scripted(|_, seen| tagged(seen)).await
}

async fn house(origin: SocketAddr) -> Proxy {
    let declared =
        |name: &str| format!("name = '{name}'\npath = '/{name}/{{id}}'\nlevel = 'changing'\nttl = '60s'");
    let level = |n: u8| format!("name = 'level{n}'\npath = '/level{n}/{{id}}'\nlevel = {n}");
    [level(3), level(4), level(5)]
        .iter()
        .chain(&["guarded", "hidden", "login", "cookies", "varied", "shared"].map(declared))
        .fold(proxy(), |builder, route| builder.route(route))
        .start(origin, &clock())
        .await
}

/// The kinds of path whose answers belong to who asked, whatever the route says.
async fn each_gets_its_own(kinds: &'static [&'static str]) {
    let origin = tagging().await;
    let proxy = house(origin.address).await;
    let address = proxy.address;
    rush(move |client, n| async move {
        let asker = ASKERS[(client + n) % ASKERS.len()];
        let kind = kinds[(client / 3 + n * 5) % kinds.len()];
        let target = format!("/{kind}/{}", n % 3);
        let ask = asker.into_iter().fold(get(address, &target), |ask, (name, value)| ask.field(name, value));
        let got = ask.send().await;
        let (tag, case) = (tag(asker), format!("{target} as {asker:?}: {}", got.cache()));
        // On the one route that is declared rightly, everybody is nobody.
        let owner = if kind == "shared" { "nobody" } else { &tag };
        assert_eq!(got.text(), format!("{owner} asked for {target}"), "{case}");
        let status = match (kind, tag.as_str()) {
            ("guarded", "nobody") => 401,
            ("hidden", "nobody") => 404,
            ("login", "nobody") => 302,
            ("barred", "Bearer bob") => 403,
            _ => 200,
        };
        assert_eq!(got.status, status, "{case}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anothers_bytes_on_routes_of_levels_3_to_5() {
    each_gets_its_own(&["level3", "level4", "level5"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anothers_bytes_on_routes_that_say_nothing() {
    each_gets_its_own(&["plain", "personal", "barred", "silent"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anothers_bytes_on_routes_that_are_declared_too_low() {
    each_gets_its_own(&["guarded", "hidden", "login", "cookies", "varied"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_anothers_bytes_with_declared_routes_in_between() {
    each_gets_its_own(&[
        "level3", "shared", "plain", "guarded", "level4", "shared", "hidden", "barred", "level5", "varied",
        "personal", "cookies",
    ])
    .await;
}

#[tokio::test]
async fn the_rush_would_notice_a_leak() {
    // An origin that says `public` of what is somebody's: then the proxy shares it, and the tags show it.
    let origin = scripted(|_, seen| ok("cache-control: public, max-age=60\r\n", &who(seen))).await;
    let proxy = proxy().start(origin.address, &clock()).await;
    proxy.get("/x").field("authorization", "Bearer alice").send().await;
    assert_eq!(proxy.get("/x").field("authorization", "Bearer bob").send().await.text(), "Bearer alice");
}
