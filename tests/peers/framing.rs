//! The framing corpus through plimsoll to each origin.
//!
//! After each case a request of our own goes the same way, over the same pooled connections: what an origin saw up to it
//! came of the case. So a request that was smuggled in shows, also where it comes late.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use crate::{
    corpus::{Case, Outcome, cases},
    origins::{Origin, Saw, from_pypi, nginx, node},
    process::{PATIENCE, Process, plimsoll},
};

#[test]
fn nginx_sees_nothing_or_what_was_logged() {
    hold(&nginx());
}

#[test]
fn node_sees_nothing_or_what_was_logged() {
    hold(&node());
}

#[test]
fn gunicorn_sees_nothing_or_what_was_logged() {
    hold(&from_pypi("gunicorn"));
}

#[test]
fn waitress_sees_nothing_or_what_was_logged() {
    hold(&from_pypi("waitress"));
}

#[test]
fn uvicorn_sees_nothing_or_what_was_logged() {
    hold(&from_pypi("uvicorn"));
}

#[test]
fn hypercorn_sees_nothing_or_what_was_logged() {
    hold(&from_pypi("hypercorn"));
}

fn hold(origin: &Origin) {
    let directory = tempfile::tempdir().expect("a directory");
    let (process, proxy) = plimsoll(directory.path(), origin.address, "");
    let cases = cases();
    assert!(cases.len() > 100);
    for (number, case) in cases.iter().enumerate() {
        let shown = case.bytes.escape_ascii();
        let answer = exchange(proxy, &case.bytes);
        let after = format!("/after/{number}");
        let own = format!("GET {after} HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n");
        let own = exchange(proxy, own.as_bytes());
        assert!(own.starts_with("HTTP/1.1 200 "), "after {shown}: {own}");
        let logged = logged_before(&process, &after);
        let saw = seen_before(origin, &after);
        hold_case(case, &answer, &saw, &logged);
    }
}

fn hold_case(case: &Case, answer: &str, saw: &[Saw], logged: &[Logged]) {
    let shown = format!("{:?}: {}", case.kind, case.bytes.escape_ascii());
    match &case.outcome {
        Outcome::Refused { status, rule } => {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
            assert!(answer.contains(&format!("problem:{rule}\"")), "{shown}: {answer}");
            assert!(saw.is_empty(), "{shown}: {saw:?}");
        }
        Outcome::Reaches(reached) => {
            let saw_it: Vec<_> = saw
                .iter()
                .map(|saw| (saw.method.as_str(), saw.target.as_str(), saw.content.as_str()))
                .collect();
            let reached: Vec<_> = reached
                .iter()
                .map(|(method, target, content)| (*method, *target, content.as_str()))
                .collect();
            assert_eq!(saw_it, reached, "{shown}: {answer}");
            assert!(saw.iter().all(|saw| saw.host == "api.example"), "{shown}: {saw:?}");
            // Where the answer was made without the origin, there may be a line as well.
            let saw: Vec<Logged> = saw.iter().map(Logged::of).collect();
            assert!(saw.is_empty() || saw == logged, "{shown}: {saw:?}, but {logged:?} was logged");
        }
    }
}

/// Sends these bytes, and reads to the end of the connection.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection to the proxy");
    stream.set_read_timeout(Some(PATIENCE)).expect("to set an option");
    stream.write_all(bytes).expect("to write");
    let mut answer = Vec::new();
    // A reset after the answer is as good as an end; where none comes, what was read says so.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn seen_before(origin: &Origin, path: &str) -> Vec<Saw> {
    std::iter::repeat_with(|| origin.saw()).take_while(|saw| saw.target != path).collect()
}

/// A request as plimsoll logged it: method and path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Logged(String, String);

impl Logged {
    fn of(saw: &Saw) -> Self {
        let path = saw.target.split('?').next().unwrap_or_default();
        Self(saw.method.clone(), path.to_owned())
    }

    /// What this line of the log says, if it is about a request.
    fn read(line: &str) -> Option<Self> {
        let (_, fields) = line.split_once("decided ")?;
        let field =
            |name: &str| Some(fields.split_once(name)?.1.split(' ').next()?.trim_matches('"').to_owned());
        Some(Self(field("method=")?, field("path=")?))
    }
}

fn logged_before(process: &Process, path: &str) -> Vec<Logged> {
    let logged = process.complaints().filter_map(|line| Logged::read(&line));
    logged.take_while(|logged| logged.1 != path).collect()
}
