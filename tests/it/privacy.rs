//! What is for one client never reaches another (RFC 9111 sections 3.5 and 5.2.2.7). `tests/it/levels` holds what the
//! levels promise; here are the ways around it.

use crate::support::{Reply, answer_with, clock, in_turn, ok, proxy, scripted, secs};

/// Whether two clients share an answer with these fields on a route with these lines.
async fn is_shared(route: &str, fields: &str) -> bool {
    let fields = fields.to_owned();
    let origin = scripted(move |number, _| ok(&fields, &number.to_string())).await;
    let proxy = proxy()
        .route(&format!("name = 'x'\npath = '/{{*rest}}'\n{route}"))
        .start(origin.address, &clock())
        .await;
    let [first, second] = [proxy.get("/x").send().await, proxy.get("/x").send().await];
    first.text() == second.text()
}

/// Routes that say as much as they can for storing.
const EAGER: [&str; 4] = [
    "level = 'changing'\nttl = '60s'\nmin_ttl = '60s'\nstale_while_revalidate = '60s'\nstale_if_error = '60s'",
    "level = 'permanent'",
    "level = 'permanent'\nmin_ttl = '60s'\nclient_directives = 'honour'",
    "level = 'origin'\nmin_ttl = '60s'\nstale_while_revalidate = '60s'",
];

#[tokio::test]
async fn private_and_no_store_win_over_every_setting_however_they_are_written() {
    for route in EAGER {
        assert!(is_shared(route, "cache-control: max-age=60\r\n").await, "{route}");
        for word in ["private", "no-store", "Private", "PRIVATE", "NO-store", "No-Store"] {
            for fields in [
                word.to_owned(),
                format!("max-age=60, {word}"),
                format!("{word},max-age=60"),
                format!("public, s-maxage=60, {word}"),
                format!("max-age=60\r\ncache-control: {word}"),
                format!("{word}\r\ncache-control: public, max-age=60"),
                format!(" ,, {word} ,, max-age=60"),
                format!("max-age=60,\t{word}\t"),
                format!("max-age=60, x=\"a, b\", {word}"),
                format!("immutable, max-age=60, must-revalidate, {word}"),
                format!("max-age=60, {word}=1"),
                // No list, but plain enough.
                format!("{word}; max-age=60"),
                format!("max-age=60;{word}"),
                format!("{word} max-age=60"),
                format!("public {word};"),
                format!("\"{word}, max-age=60\""),
                format!("max-age=\"60, {word}"),
            ] {
                // `private=1` names a field that is private, and the rest is for everybody.
                if word.eq_ignore_ascii_case("private") && fields.ends_with("=1") {
                    continue;
                }
                let fields = format!("cache-control: {fields}\r\netag: \"a\"\r\n");
                assert!(!is_shared(route, &fields).await, "{route} {fields}");
            }
        }
        let cookie = "cache-control: public, max-age=60\r\nset-cookie: sid=1\r\n";
        assert!(!is_shared(route, cookie).await, "{route}");
    }
}

#[tokio::test]
async fn only_an_explicit_ignore_of_a_declared_route_is_stronger() {
    let ignore = "level = 'changing'\nttl = '60s'\nignore = ['cache-control', 'set-cookie']";
    assert!(is_shared(ignore, "cache-control: private\r\nset-cookie: sid=1\r\n").await);
    let one = "level = 'changing'\nttl = '60s'\nignore = ['set-cookie']";
    assert!(!is_shared(one, "cache-control: private\r\nset-cookie: sid=1\r\n").await);
    assert!(is_shared(one, "set-cookie: sid=1\r\n").await);
}

/// Every field that carries identity by default.
const IDENTITY: [&str; 9] = [
    "authorization",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "x-access-token",
    "x-amz-security-token",
    "x-forwarded-user",
    "x-remote-user",
    "x-forwarded-client-cert",
];

#[tokio::test]
async fn what_one_identity_gets_no_other_gets_without_the_origins_word() {
    for (control, is_shared) in [
        ("max-age=60", false),
        ("max-age=60, must-revalidate", false),
        ("max-age=60, public", true),
        ("s-maxage=60", true),
    ] {
        for name in IDENTITY.into_iter().chain(["cookie"]) {
            // RFC 9111 section 3.5 lets must-revalidate share what Authorization got, and only that.
            let is_shared = is_shared || (name == "authorization" && control.ends_with("must-revalidate"));
            let origin = scripted(move |_, seen| {
                ok(&format!("cache-control: {control}\r\n"), seen.field(name).unwrap_or("nobody"))
            })
            .await;
            let proxy = proxy().start(origin.address, &clock()).await;
            let alice = proxy.get("/x").field(name, "s=alice").send().await.text();
            let bob = proxy.get("/x").field(name, "s=bob").send().await.text();
            let nobody = proxy.get("/x").send().await.text();
            assert_eq!(alice, "s=alice");
            let expected = if is_shared { ["s=alice", "s=alice"] } else { ["s=bob", "nobody"] };
            assert_eq!([bob.as_str(), nobody.as_str()], expected, "{name} {control}");
        }
    }
}

#[tokio::test]
async fn hidden_identity_never_reaches_the_origin_on_a_hermetic_fetch_and_decides_nothing() {
    let origin = scripted(|_, seen| ok("", &format!("{:?}", seen.fields))).await;
    let route = "path = '/{*rest}'\nlevel = 'changing'\nttl = '60s'";
    let proxy = proxy().route(route).start(origin.address, &clock()).await;
    for name in IDENTITY.into_iter().chain(["cookie", "proxy-authorization", "x-csrf-token", "x-session-id"])
    {
        let answer = proxy.get(&format!("/{name}")).field(name, "s=alice-secret").send().await;
        assert!(!answer.text().contains("alice-secret"), "{name}: {}", answer.text());
        assert!(answer.cache().contains("stored"), "{name}: {}", answer.cache());
    }
}

#[tokio::test]
async fn a_hermetic_answer_that_speaks_of_a_session_is_discarded_and_the_clients_own_request_goes_through() {
    let location = "location: /login\r\n";
    for (status, fields) in [
        ("200 OK", "set-cookie: sid=1\r\n"),
        ("200 OK", "cache-control: private, max-age=60\r\n"),
        ("200 OK", "vary: cookie\r\ncache-control: max-age=60\r\n"),
        ("200 OK", "vary: Authorization\r\ncache-control: max-age=60\r\n"),
        ("302 Found", location),
        ("303 See Other", location),
        ("307 Temporary Redirect", location),
        ("302 Found", "location: /login\r\ncache-control: public, max-age=60\r\n"),
        ("401 Unauthorized", "www-authenticate: Basic\r\n"),
        ("403 Forbidden", "cache-control: public, max-age=60\r\n"),
        ("407 Proxy Authentication Required", ""),
    ] {
        let origin = scripted(move |_, seen| match seen.field("cookie") {
            Some(cookie) => ok("cache-control: private\r\n", cookie),
            None => answer_with(status, fields, "login"),
        })
        .await;
        let route = "path = '/{*rest}'\nlevel = 'permanent'";
        let proxy = proxy().route(route).start(origin.address, &clock()).await;
        for name in ["alice", "bob"] {
            let answer = proxy.get("/x").field("cookie", &format!("sid={name}")).send().await;
            assert_eq!(answer.text(), format!("sid={name}"), "{status} {fields}");
        }
        for _ in 0..2 {
            assert_eq!(proxy.get("/x").send().await.text(), "login", "{status} {fields}");
        }
        // One hermetic fetch, and four requests of clients: a path that is known for private costs nothing more.
        assert_eq!(origin.count(), 5, "{status} {fields}");
    }
}

#[tokio::test]
async fn a_redirect_to_https_is_keyed_by_its_scheme_and_is_no_loop() {
    // The origin's connection is always plain: it knows the client's scheme by what the proxy says.
    let redirect = "cache-control: max-age=60\r\nlocation: https://api.example/x\r\n";
    for route in ["level = 'changing'\nttl = '60s'", "level = 'permanent'", "level = 'origin'"] {
        let origin = scripted(move |_, seen| {
            let says_https = seen.field("forwarded").is_some_and(|way| way.contains("proto=https"));
            let x_says_https = seen.field("x-forwarded-proto").is_none_or(|scheme| scheme == "https");
            if says_https && x_says_https {
                ok("cache-control: max-age=60\r\n", "hello")
            } else {
                answer_with("301 Moved Permanently", redirect, "")
            }
        })
        .await;
        let proxy = proxy()
            .server("trusted_proxies = ['127.0.0.0/8']")
            .route(&format!("path = '/{{*rest}}'\n{route}"))
            .start(origin.address, &clock())
            .await;
        for _ in 0..2 {
            let plain = proxy.get("/x").field("x-forwarded-proto", "http").send().await;
            assert_eq!(plain.status, 301, "{route}");
            let secure = proxy.get("/x").field("x-forwarded-proto", "https").send().await;
            assert_eq!((secure.status.as_u16(), secure.text().as_str()), (200, "hello"), "{route}");
        }
        assert_eq!(origin.count(), 2, "{route}");
    }
}

#[tokio::test]
async fn a_path_that_looks_like_a_file_overrides_neither_private_nor_no_store() {
    for fields in [
        "cache-control: private\r\n",
        "cache-control: no-store\r\n",
        "set-cookie: sid=1\r\n",
        "vary: cookie\r\n",
    ] {
        let origin = scripted(move |_, seen| ok(fields, seen.field("cookie").unwrap_or("nobody"))).await;
        let proxy = proxy()
            .route("path = '/static/{*rest}'\nlevel = 'permanent'")
            .route("path = '/{page}/{name}.css'\nlevel = 'changing'\nttl = '1h'")
            .route("path = '/{page}.css'\nlevel = 'permanent'")
            .start(origin.address, &clock())
            .await;
        for target in [
            "/me/x.css",
            "/me;x.css",
            "/me.css",
            "/me%2fx.css",
            "/me%3bx.css",
            "/me%00x.css",
            "/me/x.css?.css",
            "/static/..%2fme",
            "/static/../me",
            "/static/%2e%2e/me",
            "/static/me",
            "/static/..;/me",
            "/me",
        ] {
            for name in ["alice", "bob"] {
                let cookie = format!("sid={name}");
                let answer = proxy.get(target).field("cookie", &cookie).send().await;
                if answer.status != 400 {
                    assert!(
                        answer.text() == cookie || answer.text() == "nobody",
                        "{target} {fields}: {} for {name}",
                        answer.text()
                    );
                    assert!(!answer.cache().starts_with("hit"), "{target} {fields}: {}", answer.cache());
                }
            }
        }
    }
}

#[tokio::test]
async fn what_has_no_end_is_for_its_one_client_whatever_the_route_says() {
    for route in ["level = 'changing'\nttl = '60s'", "level = 'permanent'", "level = 'origin'"] {
        for kind in [
            "text/event-stream",
            "Text/Event-Stream; charset=utf-8",
            "multipart/x-mixed-replace; boundary=a",
            "application/grpc",
            "application/grpc+proto",
            "application/grpc-web",
        ] {
            let fields = format!("cache-control: public, max-age=60\r\ncontent-type: {kind}\r\n");
            assert!(!is_shared(route, &fields).await, "{route} {kind}");
        }
    }
}

#[tokio::test]
async fn an_answer_to_a_write_or_to_what_nobody_knows_is_for_its_client_alone() {
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "GETX"] {
        let origin = scripted(in_turn([
            ok("cache-control: public, max-age=60\r\n", "for the writer"),
            ok("cache-control: max-age=60\r\n", "for all"),
            Reply::Stall(Vec::new()),
        ]))
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        proxy.get("/x").method(method).body("secret").send().await;
        for _ in 0..2 {
            assert_eq!(proxy.get("/x").send().await.text(), "for all", "{method}");
        }
    }
}

#[tokio::test]
async fn a_cookie_that_comes_late_is_never_told_to_another_client() {
    let set = "set-cookie: sid=alice\r\n";
    let fresh = "cache-control: max-age=60\r\netag: \"a\"\r\n";
    for route in ["level = 'changing'\nttl = '60s'", "level = 'origin'"] {
        for late in [
            Reply::Bytes(format!("HTTP/1.1 304 Not Modified\r\n{fresh}{set}\r\n").into_bytes()),
            answer_with("200 OK", &format!("{fresh}{set}"), "alice"),
            answer_with("206 Partial Content", &format!("{fresh}{set}content-range: bytes 0-4/5\r\n"), "alice"),
            Reply::Bytes(
                format!("HTTP/1.1 103 Early Hints\r\n{set}\r\nHTTP/1.1 200 OK\r\n{fresh}content-length: 5\r\n\r\nhello")
                    .into_bytes(),
            ),
        ] {
            let origin = scripted(in_turn([ok(fresh, "hello"), late, ok(fresh, "hello")])).await;
            let route = format!("path = '/{{*rest}}'\n{route}");
            let proxy = proxy().route(&route).start(origin.address, &clock()).await;
            proxy.get("/x").send().await;
            proxy.advance(secs(61));
            // Whose the cookie is: it may see it, or not.
            proxy.get("/x").send().await;
            for method in ["GET", "HEAD", "GET"] {
                let other = proxy.get("/x").method(method).send().await;
                assert_eq!(other.field("set-cookie"), "", "{route}: {}", other.cache());
                assert!(!other.text().contains("alice"), "{route}: {}", other.cache());
            }
        }
    }
}
