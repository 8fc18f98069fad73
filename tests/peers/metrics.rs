//! promtool, Prometheus's own check of metrics, on those of a proxy that has something to tell.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
};

use crate::{
    origins,
    process::{find, plimsoll},
};

fn ask(address: SocketAddr, method: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    write!(stream, "{method} {target} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")
        .expect("to write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn promtool_accepts_the_metrics() {
    let origin = origins::node();
    let directory = tempfile::tempdir().expect("a directory");
    let more = "[admin]\nlisten = \"127.0.0.1:0\"\n[[route]]\nname = 'x.1:y/z'\npath = '/x/{id}'\nlevel = 'changing'\nttl = '30s'";
    let (proxy, address) = plimsoll(directory.path(), origin.address, more);
    let line = proxy.line();
    let admin = line.strip_prefix("admin: http://").and_then(|admin| admin.parse().ok()).expect(&line);
    for (method, target) in
        [("GET", "/x/1"), ("GET", "/x/1"), ("POST", "/x/1"), ("GET", "/y"), ("CONNECT", "a:1")]
    {
        ask(address, method, target);
    }
    let scraped = ask(admin, "GET", "/metrics");
    let text = scraped.split_once("\r\n\r\n").expect("content").1;
    assert!(text.contains(r#"route="x.1:y/z""#), "{text}");
    let mut promtool = Command::new(find("promtool", "prometheus"));
    let promtool = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut promtool = promtool.spawn().expect("promtool");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("to write");
    let ended = promtool.wait_with_output().expect("an end");
    let said = [ended.stdout, ended.stderr].concat();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&said));
    assert_eq!(String::from_utf8_lossy(&said), "", "it has nothing to say about names and units");
}
