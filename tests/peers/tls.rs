//! An origin that speaks TLS: who it is, and that what it says is whole, is known from that alone.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    framing::exchange,
    origins::node_over_tls,
    process::{find, plimsoll_that_trusts},
};

const GET: &[u8] = b"GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";

#[test]
fn requests_and_answers_come_whole() {
    let files = Files::new();
    let origin = node_over_tls(&files.of_origin());
    let route = "[[route]]\nname = 'x'\npath = '/x'\nlevel = 'changing'\nttl = '1h'";
    let (_plimsoll, proxy) =
        plimsoll_that_trusts(&files.authority(), files.place(), &origin.address.to_string(), route);
    for outcome in ["fwd=uri-miss; stored", "hit; ttl="] {
        let answer = exchange(proxy, GET);
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nhello"), "{answer}");
        assert!(answer.contains(outcome), "{answer}");
    }
    assert_eq!(origin.saw().target, "/x");
    // More than a record of TLS, and than a socket takes at once.
    let content = "0123456789abcdef".repeat(64 * 1024);
    let fields = format!("host: api.example\r\nconnection: close\r\ncontent-length: {}", content.len());
    let answer = exchange(proxy, format!("POST /y HTTP/1.1\r\n{fields}\r\n\r\n{content}").as_bytes());
    assert!(answer.ends_with("hello"), "{answer}");
    let saw = origin.saw();
    assert_eq!((saw.method.as_str(), saw.target.as_str()), ("POST", "/y"));
    assert!(saw.content == content, "{} bytes of {}", saw.content.len(), content.len());
}

#[test]
fn an_end_that_the_origin_did_not_announce_is_no_end() {
    let files = Files::new();
    let origin = node_over_tls(&files.of_origin());
    let (_plimsoll, proxy) =
        plimsoll_that_trusts(&files.authority(), files.place(), &origin.address.to_string(), "");
    let request = b"GET /cut HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n";
    let answer = exchange(proxy, request);
    assert!(answer.contains("transfer-encoding: chunked"), "{answer}");
    assert!(answer.ends_with("hello\r\n"), "what looks whole, or has lost what came: {answer}");
}

#[test]
fn who_is_not_who_it_says_is_asked_nothing() {
    let (files, others) = (Files::new(), Files::new());
    let origin = node_over_tls(&files.of_origin());
    let port = origin.address.port();
    // The certificate is for the address alone.
    let cases = [
        (files.authority(), format!("localhost:{port}"), "not valid for name"),
        (others.authority(), format!("127.0.0.1:{port}"), "invalid peer certificate"),
    ];
    for (authority, url, why) in cases {
        let (plimsoll, proxy) = plimsoll_that_trusts(&authority, others.place(), &url, "");
        let answer = exchange(proxy, GET);
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
        let line = plimsoll.complaints().find(|line| line.contains("no answer from the origin"));
        assert!(line.as_ref().is_some_and(|line| line.contains(why)), "{why}: {line:?}");
    }
}

/// An authority that nobody else knows, and the key and the certificate of an origin at 127.0.0.1.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("a directory"));
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        files.openssl(&format!(
            "req -x509 {key} -keyout authority.key -out authority.pem -subj /CN=authority -days 2 \
             -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign"
        ));
        files.openssl(&format!("req {key} -keyout origin.key -out origin.csr -subj /CN=origin"));
        std::fs::write(files.place().join("names"), "subjectAltName=IP:127.0.0.1\n")
            .expect("to write a file");
        files.openssl(
            "x509 -req -in origin.csr -CA authority.pem -CAkey authority.key -set_serial 1 -out origin.pem -days 2 \
             -extfile names",
        );
        files
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new(find("openssl", "openssl"));
        let ended = command.current_dir(self.place()).args(arguments.split_whitespace()).output();
        let ended = ended.expect("to start openssl");
        assert!(ended.status.success(), "{arguments}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    fn place(&self) -> &Path {
        self.0.path()
    }

    fn authority(&self) -> PathBuf {
        self.place().join("authority.pem")
    }

    fn of_origin(&self) -> [PathBuf; 2] {
        ["origin.key", "origin.pem"].map(|name| self.place().join(name))
    }
}
