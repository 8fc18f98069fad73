//! The program as its users run it: how it starts, what it says when it cannot, and how it ends.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::fs::FileTypeExt,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

use crate::support::{Program, Wire, get, in_turn, ok, run, run_on, sample, scripted, stage, until, within};

/// Waits until new connections to this address are refused.
async fn refuses(address: SocketAddr) {
    until(|| async move { TcpStream::connect(address).await.is_err() }, |refused| *refused).await;
}

#[test]
fn serve_and_check_refuse_a_bad_config_and_name_the_place() {
    let cases = [
        (
            "[origin]\nurl = \"http://x\"\n[cache]\ncapasity = 1\n",
            "test.toml:4:1",
            "did you mean `capacity`?",
        ),
        ("[origin]\nurl = \"127.0.0.1:3000\"\n", "test.toml:2:", "http://127.0.0.1:3000"),
        (
            "[origin]\nurl = \"http://x\"\n[[route]]\npath = \"/a\"\nlevel = 9\n",
            "test.toml:5:9",
            "no level 9",
        ),
        ("[origin\n", "test.toml:1:", "error"),
        ("", "test.toml", "`origin.url` is missing"),
    ];
    for (text, place, message) in cases {
        for command in ["serve", "check"] {
            let ended = run_on(command, text);
            assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{command} {text:?}: {ended:?}");
            assert!(ended.err.contains(place), "{command} does not name {place}: {}", ended.err);
            assert!(ended.err.contains(message), "{command} does not say {message:?}: {}", ended.err);
        }
    }
}

#[test]
fn check_accepts_a_good_config_and_counts_its_routes() {
    let ended = run_on("check", "[origin]\nurl = \"http://x\"\n[[route]]\npath = \"/a\"\nlevel = \"user\"\n");
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    assert_eq!(ended.out, "test.toml: ok, 1 route, 0 warnings\n");
}

#[test]
fn serve_with_nothing_to_serve_says_what_to_do() {
    let ended = run(&["serve"]);
    assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""));
    assert!(ended.err.contains("--origin") && ended.err.contains("--config"), "{}", ended.err);
}

#[test]
fn a_config_that_is_not_there_is_named() {
    for command in ["serve", "check"] {
        let ended = run(&[command, "--config", "no/such.toml"]);
        assert_eq!(ended.status, Some(2), "{ended:?}");
        assert!(ended.err.contains("no/such.toml"), "{}", ended.err);
    }
}

#[test]
fn bad_usage_names_the_flag_at_fault() {
    for (arguments, flag) in [
        (&["serve", "--frobnicate"][..], "--frobnicate"),
        (&["serve", "--origin", "ftp://x"], "ftp"),
        (&["serve", "--origin", "http://127.0.0.1:1", "--listen", "nowhere"], "nowhere"),
        (&["serve", "--origin", "http://127.0.0.1:1", "--config", "x.toml"], "--config"),
        (&["serve", "--listen", "127.0.0.1:0"], "--origin"),
        (&["serve", "--config", "x.toml", "--listen", "127.0.0.1:0"], "--listen"),
        (&["serve", "--origin", "http://127.0.0.1:1", "--admin", "0.0.0.0:0"], "--admin"),
        (&["origin", "--listen", "nowhere"], "--listen"),
        (&["origin", "--instances", "0"], "--instances"),
        (&["frobnicate"], "frobnicate"),
    ] {
        let ended = run(arguments);
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(flag), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn the_help_of_every_command_has_an_example() {
    let help = run(&["--help"]);
    assert_eq!(help.status, Some(0));
    let commands = help.out.split_once("Commands:\n").expect("a list of commands").1;
    let commands: Vec<&str> = commands
        .lines()
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help")
        .collect();
    assert!(["serve", "origin", "check"].iter().all(|name| commands.contains(name)), "{commands:?}");
    for command in commands {
        let help = run(&[command, "--help"]);
        assert_eq!((help.status, help.err.as_str()), (Some(0), ""), "{command}");
        assert!(help.out.contains("Example"), "{}", help.out);
        assert!(help.out.contains(&format!("\n  plimsoll {command}")), "{}", help.out);
    }
}

#[test]
fn an_address_in_use_is_an_error_and_not_a_silent_share() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("to bind");
    let address = taken.local_addr().expect("an address").to_string();
    for arguments in [
        &["serve", "--origin", "http://127.0.0.1:1", "--listen", &address][..],
        &["serve", "--origin", "http://127.0.0.1:1", "--listen", "127.0.0.1:0", "--admin", &address],
        &["origin", "--listen", &address],
    ] {
        let ended = run(arguments);
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
        assert_eq!(ended.err.lines().count(), 1, "one clear line: {}", ended.err);
        assert!(ended.err.starts_with("plimsoll: cannot ") && ended.err.contains(&address), "{}", ended.err);
    }
}

#[test]
fn two_proxies_do_not_share_an_address() {
    let mut first = Program::start(&["serve", "--origin", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"]);
    let address = first.address().to_string();
    let second = run(&["serve", "--origin", "http://127.0.0.1:1", "--listen", &address]);
    assert_eq!(second.status, Some(2));
    assert!(second.err.contains("another process has it"), "{}", second.err);
    assert!(first.runs());
}

#[tokio::test]
async fn serve_needs_no_file_and_says_where_it_listens() {
    let origin = scripted(in_turn([ok("cache-control: max-age=60\r\n", "hello")])).await;
    let url = format!("http://{}", origin.address);
    let mut program =
        Program::start(&["serve", "--origin", &url, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    let line = program.line();
    assert!(
        line.starts_with("listening: http://127.0.0.1:") && line.ends_with(&format!(" -> {url}")),
        "{line}"
    );
    let address = line.trim_start_matches("listening: http://").split(' ').next().expect("an address");
    let address = address.parse().expect("an address");
    for expected in ["fwd=uri-miss; stored; level=2; route=default", "hit; ttl="] {
        let answer = get(address, "/x").send().await;
        assert_eq!(answer.text(), "hello");
        assert!(answer.cache().starts_with(expected), "{}", answer.cache());
    }
    let admin = program.line();
    let admin = admin.strip_prefix("admin: http://").expect(&admin).parse().expect("an address");
    assert_eq!(get(admin, "/healthz").field("host", "localhost").send().await.status, 200);
    assert_eq!(
        get(address, "/healthz").send().await.text(),
        "hello",
        "the admin place is not on this address"
    );
}

#[tokio::test]
async fn a_unix_socket_serves_and_is_gone_afterwards() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("plimsoll.sock");
    let listen = format!("unix:{}", path.display());
    let url = format!("http://{}", origin.address);
    let mut program = Program::start(&["serve", "--origin", &url, "--listen", &listen]);
    assert_eq!(program.line(), format!("listening: {listen} -> {url}"));
    assert!(fs::metadata(&path).expect("a file").file_type().is_socket());
    let mut stream = UnixStream::connect(&path).await.expect("a connection");
    stream
        .write_all(b"GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n")
        .await
        .expect("to write");
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.expect("to read");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert_eq!(origin.seen()[0].field("x-forwarded-for"), Some("unknown"));
    program.signal("TERM");
    assert!(program.end().await.success());
    assert!(!path.exists());
}

#[tokio::test]
async fn it_listens_on_several_addresses() {
    let origin = scripted(in_turn([ok("", "hello")])).await;
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("test.toml");
    let text = format!(
        "[server]\nlisten = [\"127.0.0.1:0\", \"unix:{}\"]\n[origin]\nurl = \"http://{}\"\n",
        directory.path().join("plimsoll.sock").display(),
        origin.address
    );
    fs::write(&config, text).expect("to write a file");
    let mut program = Program::start(&["serve", "--config", config.to_str().expect("text")]);
    assert_eq!(get(program.address(), "/x").send().await.text(), "hello");
    assert!(program.line().starts_with("listening: unix:"));
}

#[tokio::test]
async fn sigterm_lets_what_is_in_flight_complete_and_refuses_what_is_new() {
    for signal in ["TERM", "INT"] {
        let origin = stage().await;
        let mut program = Program::serve(origin.address, "workers = 2");
        let address = program.address();
        let mut idle = Wire::connect(address).await;
        let mut client = Wire::ask(address, "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
        let mut line = origin.accept().await;
        line.head().await;
        line.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
        client.head().await;
        assert_eq!(client.take(5).await, b"hello");
        program.signal(signal);
        refuses(address).await;
        assert_eq!(idle.rest().await, b"", "a connection without a request is closed");
        assert!(program.runs(), "a response is still in flight");
        line.send("world").await;
        assert_eq!(client.take(5).await, b"world");
        assert_eq!(client.rest().await, b"", "{signal}: the connection is closed after the response");
        assert_eq!(program.end().await.code(), Some(0), "{signal}");
    }
}

#[tokio::test]
async fn sigterm_waits_for_a_request_that_has_no_answer_yet() {
    for content in ["", "hello"] {
        let origin = stage().await;
        let mut program = Program::serve(origin.address, "workers = 1");
        let address = program.address();
        let framing = if content.is_empty() { "" } else { "content-length: 10\r\n" };
        let head = format!("OPTIONS /x HTTP/1.1\r\nhost: api.example\r\n{framing}");
        let mut client = Wire::ask(address, &head).await;
        client.send(content).await;
        let mut line = origin.accept().await;
        line.head().await;
        program.signal("TERM");
        refuses(address).await;
        client.send(content).await;
        assert_eq!(line.take(2 * content.len()).await, content.repeat(2).as_bytes());
        line.send("HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n").await;
        let head = client.head().await;
        assert!(head.starts_with("http/1.1 201") && head.contains("connection: close\r\n"), "{head}");
        assert_eq!(client.rest().await, b"");
        assert_eq!(program.end().await.code(), Some(0));
    }
}

#[tokio::test]
async fn what_never_completes_is_cut_off_at_the_drain_timeout() {
    let origin = stage().await;
    let mut program = Program::serve(origin.address, "workers = 1\ndrain_timeout = '100ms'");
    let mut client = Wire::ask(program.address(), "GET /x HTTP/1.1\r\nhost: api.example\r\n").await;
    let mut line = origin.accept().await;
    line.head().await;
    line.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello").await;
    client.head().await;
    program.signal("TERM");
    assert_eq!(client.rest().await, b"hello", "cut short, and not made to look whole");
    program.end().await;
}

#[tokio::test]
async fn all_workers_serve_one_store() {
    let origin = scripted(in_turn([ok("cache-control: max-age=600\r\n", "hello")])).await;
    let mut program = Program::serve(origin.address, "workers = 4");
    let address = program.address();
    assert_eq!(get(address, "/x").send().await.cache(), "fwd=uri-miss; stored; level=2; route=default");
    // The system spreads connections over the workers; that all of 64 go to one of four is beyond belief.
    for _ in 0..64 {
        assert!(get(address, "/x").send().await.cache().starts_with("hit; ttl="));
    }
    assert_eq!(origin.count(), 1);
}

#[tokio::test]
async fn origin_prints_the_addresses_of_its_instances_on_consecutive_ports() {
    // Another process may take one of the two ports before they are bound: then others are tried.
    let (mut program, port, first) = loop {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("to bind").port();
        let mut program =
            Program::start(&["origin", "--listen", &format!("127.0.0.1:{port}"), "--instances", "2"]);
        if let Some(first) = program.try_line() {
            break (program, port, first);
        }
    };
    let second = program.line();
    for (line, expected) in [(first, port), (second, port + 1)] {
        assert_eq!(line, format!("origin: http://127.0.0.1:{expected}"));
        let answer = get(([127, 0, 0, 1], expected).into(), "/warehouse/sales/2020").send().await;
        assert_eq!((answer.status.as_u16(), answer.field("x-origin-requests").as_str()), (200, "1"));
    }
    program.signal("TERM");
    assert_eq!(program.end().await.code(), Some(0));
}

#[tokio::test]
async fn the_program_and_the_sample_origin_work_together_out_of_the_box() {
    let origin = sample(&crate::support::clock()).await;
    let url = format!("http://{}", origin.address);
    let mut program = Program::start(&["serve", "--origin", &url, "--listen", "127.0.0.1:0"]);
    let address = program.address();
    for _ in 0..2 {
        let answer = get(address, "/random").send().await;
        assert_eq!(answer.cache(), "fwd=uri-miss; route=default; detail=no-freshness", "nothing is guessed");
    }
    assert_eq!(origin.answered(), 2);
}
