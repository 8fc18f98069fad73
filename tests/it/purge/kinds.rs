//! What each kind reaches, and what it does not.

use super::*;
use crate::support::Ask;

/// What is answered from the store now: asks once for each, and once more beforehand.
async fn stored_before_and_after(asks: &[Ask], purge: impl FnOnce()) -> Vec<bool> {
    for ask in asks {
        ask.clone().send().await;
    }
    for (number, ask) in asks.iter().enumerate() {
        assert!(ask.clone().send().await.cache().starts_with("hit"), "ask {number} is stored");
    }
    purge();
    let mut are_hits = Vec::new();
    for ask in asks {
        are_hits.push(ask.clone().send().await.cache().starts_with("hit"));
    }
    are_hits
}

#[tokio::test]
async fn a_url_is_purged_in_all_variants_and_no_other_query() {
    let origin = scripted(|number, seen| {
        let coding = if seen.field("accept-encoding").is_some_and(|accepted| accepted.contains("gzip")) {
            "content-encoding: gzip\r\n"
        } else {
            ""
        };
        ok(&format!("vary: accept-encoding\r\n{coding}"), &number.to_string())
    })
    .await;
    let proxy = x("state = { query = ['a', 'b'], headers = ['accept-language'] }")
        .start(origin.address, &clock())
        .await;
    let query =
        proxy.get("/x/1?b=2&a=%7e1").method("QUERY").field("content-type", "text/plain").body("select");
    let asks = [
        proxy.get("/x/1?a=~1&b=2&utm=3"),
        proxy.get("/x/1?b=2&a=~1").field("accept-language", "fr"),
        proxy.get("/x/1?b=2&a=~1").field("accept-encoding", "gzip"),
        query,
        proxy.get("/x/1"),
        proxy.get("/x/1?a=~1"),
        proxy.get("/x/2?a=~1&b=2"),
        proxy.get("/x/1?a=~1&b=2").field("host", "other.example"),
    ];
    let left = stored_before_and_after(&asks, || {
        let purged = proxy.purge(url("HTTP://API.example:80/x/./%31?utm=5&b=2&a=%7E1#top"), Hard);
        assert_eq!(purged, "url http://api.example/x/1?a=~1&b=2");
    })
    .await;
    assert_eq!(left, [false, false, false, false, true, true, true, true]);
}

#[tokio::test]
async fn where_nothing_is_declared_a_url_is_purged_byte_for_byte() {
    let origin = numbered("vary: x-tenant\r\n").await;
    let proxy = proxy().start(origin.address, &clock()).await;
    let asks = [
        proxy.get("/y?b=1&a=2").field("x-tenant", "one"),
        proxy.get("/y?b=1&a=2").field("x-tenant", "two"),
        proxy.get("/y?a=2&b=1"),
        proxy.get("/y"),
    ];
    let left = stored_before_and_after(&asks, || {
        assert_eq!(
            proxy.purge(url("http://api.example/y?b=1&a=2"), Hard),
            "url http://api.example/y?b=1&a=2"
        );
    })
    .await;
    assert_eq!(left, [false, false, true, true]);
}

#[tokio::test]
async fn a_url_reaches_answers_to_query_on_a_route_of_their_own() {
    let origin = numbered("").await;
    let get = "name = 'get'\npath = '/s'\nmethods = ['GET']\nlevel = 'changing'\nstate = { query = ['a'] }";
    let query =
        "name = 'query'\npath = '/s'\nmethods = ['QUERY']\nlevel = 'changing'\nstate = { query = ['b'] }";
    let proxy = proxy().route(get).route(query).start(origin.address, &clock()).await;
    let asks = [proxy.get("/s?a=1&b=2"), proxy.get("/s?a=1&b=2").method("QUERY").body("q")];
    let left = stored_before_and_after(&asks, || {
        assert_eq!(proxy.purge(url("http://api.example/s?a=1&b=2"), Hard), "url http://api.example/s?a=1");
    })
    .await;
    assert_eq!(left, [false, false]);
}

#[tokio::test]
async fn a_route_is_purged_by_its_name_and_so_is_the_built_in_one() {
    let origin = numbered("").await;
    let proxy = x("").start(origin.address, &clock()).await;
    let asks = [proxy.get("/x/1"), proxy.get("/x/2"), proxy.get("/y")];
    let left = stored_before_and_after(&asks, || assert_eq!(proxy.purge(route("x"), Hard), "route x")).await;
    assert_eq!(left, [false, false, true]);
    let left =
        stored_before_and_after(&asks, || assert_eq!(proxy.purge(route("default"), Hard), "route default"))
            .await;
    assert_eq!(left, [true, true, false]);
}

#[tokio::test]
async fn a_prefix_is_literal_and_canonical_and_on_every_host_unless_it_names_one() {
    for (purged, name, left) in [
        ("/product", "/product", [false, false, false, true, true, false]),
        ("/product/", "/product/", [true, false, true, true, true, true]),
        ("/pro%64uct/./x/../", "/product/", [true, false, true, true, true, true]),
        ("/products", "/products", [true, true, false, true, true, true]),
        ("/a%2fb", "/a%2Fb", [true, true, true, false, true, true]),
        ("/a/", "/a/", [true, true, true, true, false, true]),
        ("/", "/", [false; 6]),
        ("HTTP://other.EXAMPLE:80/p", "http://other.example/p", [true, true, true, true, true, false]),
        ("https://other.example/p", "https://other.example/p", [true; 6]),
        ("http://api.example/product", "http://api.example/product", [false, false, false, true, true, true]),
        ("http://api.example:81/", "http://api.example:81/", [true; 6]),
    ] {
        let origin = numbered("").await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let asks = [
            proxy.get("/product"),
            proxy.get("/product/1?q"),
            proxy.get("/products"),
            proxy.get("/a%2Fb"),
            proxy.get("/a/b"),
            proxy.get("/product").field("host", "other.example"),
        ];
        let found = stored_before_and_after(&asks, || {
            assert_eq!(proxy.purge(prefix(purged), Hard), format!("prefix {name}"));
        })
        .await;
        assert_eq!(found, left, "{purged}");
    }
}

#[tokio::test]
async fn a_host_is_purged_on_all_its_ports_or_on_the_one_that_is_named() {
    for (purged, name, left) in [
        ("LOCALHOST", "localhost", [false, false, false, true, true]),
        ("localhost:80", "localhost", [false, false, false, true, true]),
        ("localhost:8080", "localhost:8080", [true, false, true, true, true]),
        ("[::1]", "[::1]", [true, true, true, false, true]),
        ("[0::1]:08080", "[::1]:8080", [true, true, true, false, true]),
        ("host", "host", [true; 5]),
        ("example", "example", [true; 5]),
    ] {
        let origin = numbered("").await;
        let proxy = proxy().start(origin.address, &clock()).await;
        let hosts = ["localhost", "localhost:8080", "localhost:8081", "[::1]:8080", "localhost.example"];
        let asks = hosts.map(|host| proxy.get("/").field("host", host));
        let found = stored_before_and_after(&asks, || {
            assert_eq!(proxy.purge(host(purged), Hard), format!("host {name}"));
        })
        .await;
        assert_eq!(found, left, "{purged}");
    }
}

#[tokio::test]
async fn everything_is_everything() {
    let origin = numbered("").await;
    let proxy = x("").start(origin.address, &clock()).await;
    let asks = [proxy.get("/x/1"), proxy.get("/y?z"), proxy.get("/").field("host", "b:81")];
    let left = stored_before_and_after(&asks, || assert_eq!(proxy.purge(Purge::All, Hard), "all")).await;
    assert_eq!(left, [false; 3]);
    let left = stored_before_and_after(&asks, || {}).await;
    assert_eq!(left, [true; 3]);
}

#[tokio::test]
async fn memory_comes_back_although_nobody_asks_for_the_keys() {
    let origin = numbered("").await;
    let proxy = x("").start(origin.address, &clock()).await;
    for number in 0..20 {
        proxy.get(&format!("/x/{number}")).send().await;
    }
    proxy.get("/y").send().await;
    until(|| async { proxy.resident_bytes() }, |bytes| *bytes > 0).await;
    for purge in [route("x"), Purge::All] {
        proxy.purge(purge, Hard);
        let left = if proxy.purged().len() == 1 { 20 } else { 21 };
        until(|| async { proxy.evictions().purged }, |purged| *purged == left).await;
    }
    until(|| async { proxy.resident_bytes() }, |bytes| *bytes == 0).await;
    assert_eq!(origin.count(), 21);
}

#[tokio::test]
async fn if_one_of_several_is_wrong_nothing_is_purged_and_the_error_says_what_to_do() {
    let origin = numbered("").await;
    let proxy = x("").start(origin.address, &clock()).await;
    proxy.get("/x/1").send().await;
    for (wrong, text) in [
        (
            url("/x/1"),
            "cannot purge the URL \"/x/1\": it has no scheme and host: write it as clients do, as in",
        ),
        (url("ftp://api.example/x"), "its scheme is neither http nor https"),
        (url("http://api.example/%zz"), "cannot purge the URL"),
        (tag(""), "without a name"),
        (tag(" "), "without a name"),
        (tag("a\u{1b}b"), "control character"),
        (Purge::Prefix("/product/*".to_owned()), "a star stands for nothing else"),
        (Purge::Url("http://api.example/product/*".to_owned()), "a star stands for nothing else"),
        (Purge::Host("*.example.com".to_owned()), "a star stands for nothing else"),
        (route("X"), "no route is called \"X\": did you mean \"x\"?"),
        (route("product"), "no route is called \"product\": give the name of a route"),
        (prefix("x/"), "begin it with a slash"),
        (prefix("http://api.example"), "begin it with a slash"),
        (prefix("/x?a=1"), "leave out the query"),
        (prefix("/x#a"), "leave out the fragment"),
        (prefix("/x%2"), "cannot purge the prefix"),
        (host("http://api.example"), "it is more than a host"),
        (host("api example"), "cannot purge the host"),
        (host(""), "cannot purge the host"),
    ] {
        let error = proxy.try_purge(&[Purge::All, wrong.clone()], Hard).unwrap_err().to_string();
        assert!(error.contains(text), "{wrong:?}: {error}");
        assert!(is_hit(&proxy, "/x/1").await, "{wrong:?}");
    }
    assert!(proxy.purged().is_empty());
    assert_eq!(proxy.try_purge(&[], Hard), Ok(Vec::new()));
    let all = [url("http://b/?q"), tag("a b"), route("x"), prefix("/p"), host("b"), Purge::All];
    let purged: Vec<String> = proxy.try_purge(&all, Soft).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(purged, ["url http://b/?q", "tag a b", "route x", "prefix /p", "host b", "all"]);
    assert_eq!(proxy.purged(), ["url", "tag", "route", "prefix", "host", "all"].map(|kind| (kind, true)));
}
