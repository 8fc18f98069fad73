//! The origins: servers that others wrote, each with a tiny application that says in a line of JSON what it saw.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::process::{Process, command, find, python};

/// A running origin.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    process: Process,
    _directory: tempfile::TempDir,
}

/// A request as an origin saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saw {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) host: String,
    pub(crate) content: String,
}

impl Origin {
    /// The next request that it saw.
    pub(crate) fn saw(&self) -> Saw {
        let line = json(&self.process.line());
        let part = |name: &str| line[name].as_str().expect("text").to_owned();
        Saw { method: part("method"), target: part("target"), host: part("host"), content: part("content") }
    }
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

/// A server from the index of Python packages.
pub(crate) fn from_pypi(server: &str) -> Origin {
    let mut command = command(python());
    command.arg(own("origin.py")).arg(server);
    that_says_its_port(command)
}

/// Node's own server.
pub(crate) fn node() -> Origin {
    node_with(&[])
}

/// The same behind TLS, with the key and the certificate in these files.
pub(crate) fn node_over_tls(files: &[PathBuf; 2]) -> Origin {
    node_with(files)
}

fn node_with(files: &[PathBuf]) -> Origin {
    let mut command = command(find("node", "nodejs"));
    command.arg(own("origin.mjs")).args(files);
    that_says_its_port(command)
}

fn that_says_its_port(mut command: std::process::Command) -> Origin {
    let directory = tempfile::tempdir().expect("a directory");
    let process = Process::start({
        command.current_dir(directory.path());
        command
    });
    let line = json(&process.line());
    let port = line["port"].as_u64().and_then(|port| port.try_into().ok()).expect("a port");
    Origin { address: ([127, 0, 0, 1], port).into(), process, _directory: directory }
}

/// One process: killing it leaves none behind. It passes all requests on to itself, since it knows content only where it
/// passes it on, and counts what came in from outside.
const NGINX: &str = r#"
    daemon off;
    master_process off;
    pid DIR/pid;
    error_log stderr notice;
    events {}
    http {
        client_body_temp_path DIR/t1;
        proxy_temp_path DIR/t2;
        fastcgi_temp_path DIR/t3;
        uwsgi_temp_path DIR/t4;
        scgi_temp_path DIR/t5;
        log_format saw escape=json '{"method":"$request_method","target":"$request_uri","host":"$http_host",'
            '"content":"$request_body"}';
        server {
            listen ADDRESS;
            access_log /dev/stdout saw;
            location / { proxy_pass http://unix:DIR/inner; }
            location = /large { root DIR; access_log off; }
        }
        server {
            listen unix:DIR/inner;
            access_log off;
            location / { return 200 hello; }
        }
    }
"#;

/// nginx. `/large` has 8 MiB.
pub(crate) fn nginx() -> Origin {
    let directory = tempfile::tempdir().expect("a directory");
    let (place, file) = (directory.path().to_owned(), directory.path().join("nginx.conf"));
    std::fs::write(place.join("large"), vec![b'x'; 8 << 20]).expect("to write a file");
    // It cannot say which port the system chose, so it gets one that was free a moment ago, or another.
    let started = (0..5).find_map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("to bind");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let config = NGINX.replace("DIR", place.to_str().expect("a path that is text"));
        std::fs::write(&file, config.replace("ADDRESS", &address.to_string())).expect("to write the config");
        let mut command = command(find("nginx", "nginx-light"));
        command.arg("-p").arg(&place).arg("-c").arg(&file).args(["-e", "stderr"]);
        let process = Process::start(command);
        // It says its name when it listens, and ends where it cannot.
        let is_ready = process.complaints().any(|line| line.contains("nginx/"));
        is_ready.then_some((process, address))
    });
    let (process, address) = started.expect("nginx to find a free port");
    Origin { address, process, _directory: directory }
}
