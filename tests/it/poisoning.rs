//! What one client sends never decides what another one gets, unless it is in the key (RFC 9111 sections 2 and 4.1, RFC
//! 9110 sections 9 and 15). Each way is tried where the operator declares, and where the origin decides.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::support::{Builder, Reply, Scripted, Seen, answer_with, clock, in_turn, ok, proxy, raw, scripted};

const MINUTE: &str = "cache-control: max-age=60\r\n";

/// Where the operator declares, and where the origin decides.
fn ways() -> [Builder; 2] {
    let declared =
        "name = 'x'\npath = '/{*rest}'\nlevel = 'changing'\nttl = '60s'\nstate = { query = ['id'] }";
    [proxy().route(declared), proxy()]
}

/// An origin that says in its answer, which may be stored, every line of the request that it got.
async fn reflecting() -> Scripted {
    scripted(|_, seen| ok(MINUTE, &reflected(seen))).await
}

fn reflected(seen: &Seen) -> String {
    let mut text = format!("{}\n", seen.line);
    for (name, value) in &seen.fields {
        writeln!(text, "{name}: {value}").expect("to write a string");
    }
    text
}

/// Fields by which some origin chooses host, scheme, port, path or method in place of what the request says.
const TAKEN_FOR_MORE: [&str; 17] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-host",
    "x-http-host-override",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

#[tokio::test]
async fn a_field_that_says_more_than_the_target_never_reaches_another_client() {
    for builder in ways() {
        let origin = reflecting().await;
        let proxy = builder.start(origin.address, &clock()).await;
        for name in TAKEN_FOR_MORE {
            let target = format!("/{name}");
            proxy.get(&target).field(name, "poison.example").send().await;
            let clean = proxy.get(&target).send().await.text();
            assert!(!clean.contains("poison"), "{name}: {clean}");
        }
    }
}

#[tokio::test]
async fn two_hosts_two_ports_and_two_schemes_share_nothing() {
    // CVE-2026-2836.
    for builder in ways() {
        let origin = reflecting().await;
        let trusting = builder.server("trusted_proxies = ['127.0.0.0/8']");
        let proxy = trusting.start(origin.address, &clock()).await;
        let mut count = 0;
        for host in
            ["a.example", "b.example", "a.example:81", "a.example.", "xa.example", "127.0.0.1", "[::1]"]
        {
            for scheme in ["http", "https"] {
                let ask = proxy.get("/x").field("host", host).field("x-forwarded-proto", scheme);
                let answers = [ask.clone().send().await.text(), ask.send().await.text()];
                assert_eq!(answers[0], answers[1]);
                assert!(answers[0].contains(&format!("host: {host}\n")), "{host}: {}", answers[0]);
                count += 1;
                assert_eq!(origin.count(), count, "{scheme}://{host}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_to_what_only_one_request_did_wrong_is_not_stored() {
    // RFC 9110 section 15.1 lets a cache guess for some of them; what one request's size or form caused, none should.
    for builder in ways() {
        for status in [
            "400 Bad Request",
            "401 Unauthorized",
            "403 Forbidden",
            "405 Method Not Allowed",
            "406 Not Acceptable",
            "408 Request Timeout",
            "413 Content Too Large",
            "414 URI Too Long",
            "421 Misdirected Request",
            "429 Too Many Requests",
            "431 Request Header Fields Too Large",
            "500 Internal Server Error",
            "501 Not Implemented",
            "503 Service Unavailable",
        ] {
            let old = "last-modified: Tue, 31 Dec 2013 00:00:00 GMT\r\n";
            let origin = scripted(move |_, seen| match seen.field("x-large") {
                None => ok(MINUTE, "clean"),
                Some(_) => answer_with(status, old, "poison"),
            })
            .await;
            let proxy = builder.clone().start(origin.address, &clock()).await;
            proxy.get("/x").field("x-large", "1").send().await;
            assert_eq!(proxy.get("/x").send().await.text(), "clean", "{status}");
            // Nor where every client gets it.
            let origin = scripted(in_turn([answer_with(status, old, "poison"), ok(MINUTE, "clean")])).await;
            let proxy = builder.clone().start(origin.address, &clock()).await;
            proxy.get("/y").send().await;
            assert_eq!(proxy.get("/y").send().await.text(), "clean", "{status}");
        }
    }
}

#[tokio::test]
async fn a_parameter_outside_the_key_stays_outside_the_fetch() {
    // A semicolon, an escape, a repeat or an empty part: what some origins take for another border of parameters.
    let queries = [
        "id=1",
        "id=1&utm=x;id=evil",
        "utm=x;id=evil&id=1",
        "id=1&utm=%26id=evil",
        "id=1&&id=evil",
        "id=1&id=evil",
        "id=evil&id=1",
        "id=1&ID=evil",
        "id=1&i%64=evil",
        "id=1;id=evil",
        "id=1%26id=evil",
        "id=1?id=evil",
        "id=1&id[]=evil",
        "?id=1",
        "id",
        "id=",
        "",
    ];
    let [declared, undeclared] = ways();
    let origin = reflecting().await;
    let proxy = declared.start(origin.address, &clock()).await;
    let mut known: Vec<(String, String)> = Vec::new();
    for query in queries {
        let answer = proxy.get(&format!("/x?{query}")).send().await;
        let line = answer.text().lines().next().expect("a line").to_owned();
        assert!(!line.contains("utm") && !line.contains("ID") && !line.contains("id[]"), "{query}: {line}");
        if answer.cache().starts_with("hit") {
            assert!(known.iter().any(|(_, other)| *other == line), "{query}: {line}");
        } else {
            assert!(known.iter().all(|(_, other)| *other != line), "{query}: {line} was asked for twice");
        }
        known.push((query.to_owned(), line));
    }
    // Without a declaration every byte of the query counts, and is sent.
    let origin = reflecting().await;
    let proxy = undeclared.start(origin.address, &clock()).await;
    for query in queries {
        let answer = proxy.get(&format!("/x?{query}")).send().await;
        assert!(answer.text().starts_with(&format!("GET /x?{query} HTTP/1.1\n")), "{}", answer.text());
        assert!(answer.cache().starts_with("fwd=uri-miss"), "{query}: {}", answer.cache());
    }
}

#[tokio::test]
async fn what_is_keyed_of_a_path_is_what_is_forwarded() {
    for builder in ways() {
        let origin = reflecting().await;
        let proxy = builder.start(origin.address, &clock()).await;
        let mut known: Vec<String> = Vec::new();
        for target in [
            "/a/b",
            "/a//b",
            "//a/b",
            "/a/b/",
            "/a%2Fb",
            "/a%2fb",
            "/a/./b",
            "/a/c/../b",
            "/a/c/%2e%2e/b",
            "/a/c/%2E./b",
            "/a/..%2fb",
            "/a%5cb",
            "/a%5C..%5Cb",
            "/a\\b",
            "/a%00b",
            "/a%0d%0ab",
            "/a%",
            "/a%zz",
            "/a;x/b",
            "/A/b",
            "/%61/b",
            "/%2e%2e/%2e%2e/a/b",
            "/a/b%3Fid=1",
            "/a/b%23c",
            "/a/b?id=%2e%2e",
        ] {
            let request = format!("GET {target} HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n");
            let answer = raw(proxy.address, request).await;
            if answer.starts_with("HTTP/1.1 400 ") {
                continue;
            }
            let (head, content) = answer.split_once("\r\n\r\n").expect("an answer");
            let line = content.lines().next().expect("a line").to_owned();
            // Where two targets share an answer, both would have been forwarded as the same target.
            let is_hit = head.contains("plimsoll; hit");
            assert_eq!(known.contains(&line), is_hit, "{target}: {line}");
            let path = line.split('?').next().unwrap_or_default().to_lowercase();
            assert!(!path.contains("/../") && !path.contains("%2e"), "{target}: {line}");
            known.push(line);
        }
        assert_eq!(origin.count(), known.iter().collect::<BTreeSet<_>>().len());
    }
}

#[tokio::test]
async fn a_range_that_draws_a_part_never_stands_for_the_whole() {
    for builder in ways() {
        let origin = scripted(|_, seen| {
            let fields = "cache-control: max-age=60\r\netag: \"a\"\r\n";
            match seen.field("range") {
                Some(_) => answer_with(
                    "206 Partial Content",
                    &format!("{fields}content-range: bytes 0-0/5\r\n"),
                    "h",
                ),
                None => ok(fields, "hello"),
            }
        })
        .await;
        let proxy = builder.start(origin.address, &clock()).await;
        for range in ["bytes=0-0", "bytes=0-0,0-0", "bytes=", "BYTES=0-0", "bytes=-1", "lines=0-0"] {
            proxy.get(&format!("/{}", range.len())).field("range", range).send().await;
            let plain = proxy.get(&format!("/{}", range.len())).send().await;
            assert_eq!((plain.status.as_u16(), plain.text().as_str()), (200, "hello"), "{range}");
        }
    }
}

#[tokio::test]
async fn a_range_of_an_empty_answer_is_416_or_the_empty_answer() {
    for builder in ways() {
        let origin = scripted(in_turn([ok(MINUTE, "")])).await;
        let proxy = builder.start(origin.address, &clock()).await;
        proxy.get("/x").send().await;
        let thousand = format!("bytes={}", vec!["0-0"; 1000].join(","));
        for range in ["bytes=0-0", "bytes=-1", "bytes=0-", "bytes=", "bytes=0-0,1-1", thousand.as_str()] {
            let answer = proxy.get("/x").field("range", range).send().await;
            assert!([200, 416].contains(&answer.status.as_u16()), "{range}: {}", answer.status);
            assert!(answer.cache().starts_with("hit"), "{range}: {}", answer.cache());
            assert!(answer.text().is_empty() || answer.status == 416, "{range}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn each_value_of_a_nominated_field_has_its_own_answer_however_vary_is_written() {
    for vary in ["x-a, x-b", "X-B,x-a", "x-a\r\nvary: x-b", " , x-b ,, x-a"] {
        let origin = scripted(move |_, seen| {
            let value = |name| seen.field(name).unwrap_or("none").to_owned();
            ok(&format!("{MINUTE}vary: {vary}\r\n"), &format!("{} {}", value("x-a"), value("x-b")))
        })
        .await;
        let proxy = proxy().start(origin.address, &clock()).await;
        for expected in ["none", "hit"] {
            for (a, b) in [
                (None, None),
                (Some("1"), None),
                (None, Some("1")),
                (Some("1"), Some("1")),
                (Some("2"), Some("1")),
            ] {
                let mut ask = proxy.get("/x");
                for (name, value) in [("x-a", a), ("x-b", b)] {
                    if let Some(value) = value {
                        ask = ask.field(name, value);
                    }
                }
                let answer = ask.send().await;
                assert_eq!(
                    answer.text(),
                    format!("{} {}", a.unwrap_or("none"), b.unwrap_or("none")),
                    "{vary}"
                );
                assert_eq!(
                    answer.cache().starts_with("hit"),
                    expected == "hit",
                    "{vary}: {}",
                    answer.cache()
                );
            }
        }
        assert_eq!(origin.count(), 5, "{vary}");
    }
}

#[tokio::test]
async fn a_thousand_variants_of_one_target_stay_within_their_number_and_the_budget() {
    let origin =
        scripted(|_, seen| ok(&format!("{MINUTE}vary: x-a\r\n"), seen.field("x-a").unwrap_or_default()))
            .await;
    let settings = "capacity = '4 MiB'\nmax_variants = 16";
    let proxy = proxy().cache(settings).start(origin.address, &clock()).await;
    for number in 0..1000 {
        let value = number.to_string();
        assert_eq!(proxy.get("/x").field("x-a", &value).send().await.text(), value);
    }
    assert!(proxy.resident_bytes() < 64 << 10, "{}", proxy.resident_bytes());
    assert!(proxy.get("/x").field("x-a", "999").send().await.cache().starts_with("hit"));
    assert!(proxy.get("/x").field("x-a", "0").send().await.cache().starts_with("fwd="));
}

#[tokio::test]
async fn head_and_get_are_never_mixed_in_either_order() {
    for builder in ways() {
        for first_is_head in [true, false] {
            let origin = scripted(|_, seen| {
                if seen.line.starts_with("HEAD") {
                    let head = format!("HTTP/1.1 200 OK\r\n{MINUTE}content-length: 5\r\n\r\n");
                    return Reply::Bytes(head.into_bytes());
                }
                ok(MINUTE, "hello")
            })
            .await;
            let proxy = builder.clone().start(origin.address, &clock()).await;
            for is_head in [first_is_head, !first_is_head, first_is_head] {
                let method = if is_head { "HEAD" } else { "GET" };
                let answer = proxy.get("/x").method(method).send().await;
                assert_eq!(answer.field("content-length"), "5", "{method}");
                assert_eq!(answer.text(), if is_head { "" } else { "hello" }, "{method}");
            }
        }
    }
}
