//! The access log: a line for each request, with what decided it and without what is nobody's business.

use std::{fs, path::Path, sync::Arc};

use serde_json::{Value, json};

use crate::support::{Builder, Program, Proxy, clock, get, ok, proxy, raw, scripted, stage, unheard, until};

const PRODUCT: &str = "name = 'product'\npath = '/product/{id}'\nlevel = 'changing'\nttl = '30s'\nstate = { query = ['language', 'state'] }";

fn log(format: &str, file: &Path) -> String {
    format!("access = '{format}'\naccess_file = '{}'", file.display())
}

/// Every line, once the proxy has ended.
async fn lines(proxy: Proxy, file: &Path) -> Vec<String> {
    proxy.stop().await;
    fs::read_to_string(file).expect("the log").lines().map(str::to_owned).collect()
}

/// A proxy with this log and one worker: of two, one could write its line after the other has been asked for more.
fn in_order(log: &str) -> Builder {
    proxy().server("workers = 1").log(log)
}

#[tokio::test]
async fn each_request_has_a_line_with_its_route_level_outcome_and_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("access.log");
    let origin = scripted(|_, _| ok("", "hello")).await;
    let cart = "name = 'cart'\npath = '/my-cart'\nlevel = 'user'";
    let proxy =
        in_order(&log("json", &file)).route(PRODUCT).route(cart).start(origin.address, &clock()).await;
    for target in ["/product/1?language=french", "/product/1?language=french", "/my-cart"] {
        proxy.get(target).field("user-agent", "tests/1").send().await;
    }
    let lines: Vec<Value> =
        lines(proxy, &file).await.iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    let said = |line: &Value| {
        ["method", "target", "status", "route", "level", "outcome", "reason", "bytes", "complete"]
            .map(|member| line[member].clone())
    };
    let product = "/product/1?language=french";
    assert_eq!(
        lines.iter().map(said).collect::<Vec<_>>(),
        [
            [
                json!("GET"),
                json!(product),
                json!(200),
                json!("product"),
                json!(2),
                json!("uri-miss"),
                json!(null),
                json!(5),
                json!(true)
            ],
            [
                json!("GET"),
                json!(product),
                json!(200),
                json!("product"),
                json!(2),
                json!("hit"),
                json!(null),
                json!(5),
                json!(true)
            ],
            [
                json!("GET"),
                json!("/my-cart"),
                json!(200),
                json!("cart"),
                json!(3),
                json!("bypass"),
                json!("route-declared"),
                json!(5),
                json!(true)
            ],
        ]
    );
    assert_eq!(lines[0]["time"], "2023-11-14T22:13:20.000Z");
    assert_eq!((&lines[0]["client"], &lines[0]["host"]), (&json!("127.0.0.1"), &json!("api.example")));
    assert_eq!((&lines[0]["stored"], &lines[1]["ttl"]), (&json!(true), &json!(30)));
    assert_eq!(lines[0]["user_agent"], "tests/1");
    assert!(lines[0]["duration"].is_number());
}

#[tokio::test]
async fn what_is_sensitive_is_never_logged() {
    let directory = tempfile::tempdir().expect("a directory");
    for format in ["json", "combined"] {
        let file = directory.path().join(format);
        let origin = scripted(|_, _| ok("set-cookie: sid=SECRET\r\n", "SECRET")).await;
        let proxy = proxy().log(&log(format, &file)).route(PRODUCT).start(origin.address, &clock()).await;
        for target in
            ["/product/1?language=french&token=SECRET&state=SECRET&SECRET", "/x?q=SECRET", "/y?SECRET"]
        {
            let ask = proxy.get(target).field("authorization", "Bearer SECRET").field("cookie", "sid=SECRET");
            let ask =
                ask.field("x-api-key", "SECRET").field("referer", "http://u:SECRET@a.example/x?y=SECRET");
            ask.send().await;
        }
        raw(
            proxy.address,
            "GET /z?a=SECRET HTTP/1.1\r\nhost: a\r\nhost: b\r\nx: SECRET\r\nconnection: close\r\n\r\n",
        )
        .await;
        raw(proxy.address, "GET /z?a=SECRET HTTP/1.1\r\nconnection: close\r\ncookie: SECRET\r\n\r\n").await;
        let lines = lines(proxy, &file).await;
        assert_eq!(lines.len(), 5, "{format}: {lines:#?}");
        assert!(lines.iter().all(|line| !line.contains("SECRET")), "{format}: {lines:#?}");
        assert!(lines[0].contains("language=french"), "what is declared is shown: {}", lines[0]);
    }
}

#[tokio::test]
async fn the_proxys_own_problems_have_their_lines_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("access.log");
    let nobody = unheard();
    let proxy = in_order(&log("combined", &file)).route(PRODUCT).start(nobody.address, &clock()).await;
    proxy.get("/product/1").field("user-agent", "a \"quoted\" \\ one").send().await;
    raw(proxy.address, "GET / HTTP/1.1\r\nhost: a\r\n folded: b\r\n\r\n").await;
    let lines = lines(proxy, &file).await;
    let [unreachable, refused] = &lines[..] else { panic!("{lines:#?}") };
    let start = "127.0.0.1 - - [14/Nov/2023:22:13:20 +0000] \"GET /product/1 HTTP/1.1\" 502 ";
    assert!(unreachable.starts_with(start), "{unreachable}");
    let decided = r#""a \x22quoted\x22 \x5C one" route="product" level=- outcome=error reason=origin-unreachable duration="#;
    assert!(unreachable.contains(decided), "{unreachable}");
    assert!(refused.starts_with("127.0.0.1 - - [14/Nov/2023:22:13:20 +0000] \"-\" 400 "), "{refused}");
    assert!(refused.contains("route=\"-\" level=- outcome=error reason="), "{refused}");
}

#[tokio::test]
async fn an_answer_that_is_cut_short_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("access.log");
    let stage = stage().await;
    let proxy = proxy().log(&log("json", &file)).start(stage.address, &clock()).await;
    let asking = tokio::spawn(proxy.get("/x").try_send());
    let mut origin = stage.accept().await;
    origin.head().await;
    origin.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    origin.close().await;
    assert!(asking.await.expect("no panic").is_err());
    let lines = lines(proxy, &file).await;
    let line: Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(line["complete"], false, "{line}");
}

#[tokio::test]
async fn an_answer_with_trailers_is_complete_behind_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("access.log");
    let stage = stage().await;
    let proxy = in_order(&log("json", &file)).start(stage.address, &clock()).await;
    for cache_control in ["max-age=60", "no-store"] {
        let asking = tokio::spawn(proxy.get(&format!("/{cache_control}")).send());
        let mut origin = stage.accept().await;
        origin.head().await;
        let fields =
            format!("cache-control: {cache_control}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n");
        origin.send(format!("HTTP/1.1 200 OK\r\n{fields}\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n")).await;
        assert_eq!(asking.await.expect("no panic").body, "abc");
    }
    for line in lines(proxy, &file).await {
        let line: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!((&line["bytes"], &line["complete"]), (&json!(3), &json!(true)), "{line}");
    }
}

#[tokio::test]
async fn a_log_file_that_was_moved_away_is_opened_anew_on_sighup() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("access.log");
    let origin = scripted(|_, _| ok("", "hello")).await;
    let mut program = Program::serve(origin.address, &format!("[log]\n{}", log("combined", &file)));
    let address = program.address();
    get(address, "/first").send().await;
    let read = |file: &Path| fs::read_to_string(file).unwrap_or_default();
    until(async || read(&file), |text| text.contains("/first")).await;
    let moved = directory.path().join("access.log.1");
    fs::rename(&file, &moved).expect("to move it");
    program.signal("HUP");
    let asked = async || {
        get(address, "/second").send().await;
        read(&file)
    };
    let text = until(asked, |text| text.contains("/second")).await;
    assert!(!text.contains("/first"));
    assert!(program.runs(), "SIGHUP does not end it");
    assert!(read(&moved).contains("/first"));
}

#[tokio::test]
async fn on_standard_output_the_log_has_it_for_itself() {
    let origin = scripted(|_, _| ok("", "hello")).await;
    let unheard = unheard();
    let address = unheard.address;
    let config = format!(
        "[log]\naccess = 'json'\nformat = 'json'\n[[route]]\nname = 'at-{}'\npath = '/x'\n",
        address.port()
    );
    let config = Arc::new(config);
    let mut program = Program::serve_at(address, origin.address, &config);
    until(async || tokio::net::TcpStream::connect(address).await.is_ok(), |there| *there).await;
    get(address, "/x").send().await;
    let line = tokio::task::spawn_blocking(move || program.line()).await.expect("no panic");
    let line: Value = serde_json::from_str(&line).expect("only JSON is there");
    assert_eq!(line["route"], format!("at-{}", address.port()));
}
