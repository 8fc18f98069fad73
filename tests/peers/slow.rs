//! Clients that take their time, as slowhttptest has them: slow heads, slow content, slow readers. How long a server waits
//! is its own affair (RFC 9112 section 9.5). They are cut, and a client that behaves is served all the while.

use std::{fs, net::SocketAddr, thread, time::Duration};

use crate::{
    framing::exchange,
    origins::nginx,
    process::{Process, command, find, plimsoll},
};

const CROWD: usize = 50;
/// Longer than the crowd needs to come.
const PATIENCE: &str = "head_timeout = '4s'\nbody_timeout = '4s'\nwrite_timeout = '4s'\n";

#[test]
fn slow_heads_are_cut_and_others_are_served() {
    // Bytes come all the time, but the head is never complete.
    hold(&["-H", "-i", "1"], "/x");
}

#[test]
fn slow_content_is_cut_and_others_are_served() {
    hold(&["-B", "-i", "20"], "/x");
}

#[test]
fn slow_readers_are_cut_and_others_are_served() {
    hold(&["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "3"], "/large");
}

/// Holds that a crowd of this kind comes, and is gone long before slowhttptest itself would end it.
fn hold(kind: &[&str], target: &str) {
    let origin = nginx();
    let directory = tempfile::tempdir().expect("a directory");
    let (_plimsoll, proxy) = plimsoll(directory.path(), origin.address, PATIENCE);
    let crowd = CROWD.to_string();
    let mut command = command(find("slowhttptest", "slowhttptest"));
    command.args(kind).args([
        "-c",
        &crowd,
        "-r",
        &crowd,
        "-l",
        "60",
        "-u",
        &format!("http://{proxy}{target}"),
    ]);
    let mut slow = Process::start(command);
    let mut most = 0;
    loop {
        let answer = exchange(proxy, b"GET /x HTTP/1.1\r\nhost: api.example\r\nconnection: close\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello"), "{answer}");
        // Whether it has ended is asked first: what it ended itself was not cut.
        let has_ended = slow.has_ended();
        let there = connections(proxy);
        most = most.max(there);
        if most >= CROWD / 2 && there == 0 {
            assert!(
                !has_ended || slow.said("No open connections left"),
                "the crowd has left of its own accord"
            );
            return;
        }
        assert!(!has_ended, "{most} of {CROWD} were there, and {there} still are");
        // The kernel has nothing to wait on for its table. Asking without a pause would use up the ports.
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many connections the listener at this address holds.
fn connections(address: SocketAddr) -> usize {
    let SocketAddr::V4(address) = address else { panic!("not an IPv4 address: {address}") };
    let ip = u32::from_ne_bytes(address.ip().octets());
    // An address, and the state of a connection that is established.
    let (local, established) = (format!("{ip:08X}:{:04X}", address.port()), "01");
    let table = fs::read_to_string("/proc/net/tcp").expect("the table of connections");
    let is_ours = |line: &&str| {
        let mut cells = line.split_whitespace().skip(1);
        cells.next() == Some(&local) && cells.nth(1) == Some(established)
    };
    table.lines().filter(is_ours).count()
}
