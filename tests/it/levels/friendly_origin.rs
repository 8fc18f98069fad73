//! An origin that we did not write: nginx serving files, behind the real binary with no config at all.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use super::twice;
use crate::support::{Ask, get};

/// A process that ends when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// nginx, and plimsoll in front of it. The files of `files` are served.
struct House {
    proxy: SocketAddr,
    origin: SocketAddr,
    files: PathBuf,
    _plimsoll: Running,
    _nginx: Running,
    _directory: tempfile::TempDir,
}

const TEXT: &str = "0123456789";
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// What one nginx needs, all of it below its own directory. One process: killing it leaves none behind.
const CONFIG: &str = "
    daemon off;
    master_process off;
    pid DIR/pid;
    error_log stderr notice;
    events {}
    http {
        access_log DIR/access.log;
        client_body_temp_path DIR/t1;
        proxy_temp_path DIR/t2;
        fastcgi_temp_path DIR/t3;
        uwsgi_temp_path DIR/t4;
        scgi_temp_path DIR/t5;
        default_type text/plain;
        server {
            listen ADDRESS;
            root DIR/files;
            location /expires/ { expires 1h; }
            location /never/ { expires -1; }
        }
    }
";

fn nginx() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join("nginx"))
        .find(|file| file.is_file())
        .expect("this test needs nginx: install Debian's nginx-light (apt-get install nginx-light)")
}

/// Starts nginx on a port that was free a moment ago, or on another where somebody was faster.
fn start_nginx(directory: &Path) -> (Running, SocketAddr) {
    let file = directory.join("nginx.conf");
    let started = (0..5).find_map(|_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("to bind");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let config = CONFIG
            .replace("DIR", directory.to_str().expect("a path that is text"))
            .replace("ADDRESS", &address.to_string());
        std::fs::write(&file, config).expect("to write the config");
        let mut command = Command::new(nginx());
        command.arg("-p").arg(directory).arg("-c").arg(&file).args(["-e", "stderr"]);
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut nginx = Running(command.spawn().expect("to start nginx"));
        let words = BufReader::new(nginx.0.stderr.as_mut().expect("its standard error"));
        // It says its name when it listens, and ends where it cannot.
        let is_ready = words.lines().map_while(Result::ok).any(|line| line.contains("nginx/"));
        is_ready.then_some((nginx, address))
    });
    started.expect("nginx to find a free port")
}

/// Starts the binary with no config, and reads from its first line where it listens.
fn start_plimsoll(origin: SocketAddr) -> (Running, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command
        .args(["serve", "--origin", &format!("http://{origin}"), "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut plimsoll = Running(command.spawn().expect("to start plimsoll"));
    let mut line = String::new();
    let stdout = plimsoll.0.stdout.as_mut().expect("its standard output");
    BufReader::new(stdout).read_line(&mut line).expect("its first line");
    let address = line
        .strip_prefix("listening: http://")
        .and_then(|rest| rest.strip_suffix(&format!(" -> http://{origin}\n")))
        .and_then(|address| address.parse().ok())
        .unwrap_or_else(|| panic!("not the line that says where it listens: {line:?}"));
    (plimsoll, address)
}

fn house() -> House {
    let directory = tempfile::tempdir().expect("a directory");
    let files = directory.path().join("files");
    for name in ["plain", "expires", "never"] {
        std::fs::create_dir_all(files.join(name)).expect("to make a directory");
        write(&files.join(name).join("a.txt"), TEXT, now() - YEAR);
    }
    let (nginx, origin) = start_nginx(directory.path());
    let (plimsoll, proxy) = start_plimsoll(origin);
    House { proxy, origin, files, _plimsoll: plimsoll, _nginx: nginx, _directory: directory }
}

#[expect(clippy::disallowed_methods, reason = "the files of a real server have real dates")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn write(file: &Path, content: &str, modified: SystemTime) {
    std::fs::write(file, content).expect("to write a file");
    let file = File::options().write(true).open(file).expect("the file");
    file.set_modified(modified).expect("to date a file");
}

impl House {
    fn get(&self, target: &str) -> Ask {
        get(self.proxy, target)
    }

    /// How many requests nginx was sent. It logs a request behind its answer, and before it takes up another: so it is sent
    /// one more, which does not count.
    async fn asked(&self) -> usize {
        get(self.origin, "/last").send().await;
        let log = self.files.parent().expect("the directory").join("access.log");
        let log = std::fs::read_to_string(log).expect("the log");
        log.lines().filter(|line| !line.contains("GET /last ")).count()
    }
}

const MISS: &str = "fwd=uri-miss; stored; level=2; route=default";

#[tokio::test]
async fn a_file_is_stored_by_its_age_and_hits() {
    let house = house();
    let [first, second] = twice(house.get("/plain/a.txt")).await;
    assert_eq!((first.cache().as_str(), first.text().as_str()), (MISS, TEXT));
    // A tenth of a year is cut to a day; the clock is the system's.
    let cache = second.cache();
    let ttl = cache.strip_prefix("hit; ttl=").and_then(|rest| rest.strip_suffix("; level=2; route=default"));
    let ttl: u64 = ttl.and_then(|ttl| ttl.parse().ok()).unwrap_or_else(|| panic!("not a hit: {cache}"));
    assert!((86_000..=86_400).contains(&ttl), "{ttl}");
    assert_eq!((&second.body, second.field("etag")), (&first.body, first.field("etag")));
    assert_eq!(house.asked().await, 1);
}

#[tokio::test]
async fn a_file_that_expires_lives_as_long_as_nginx_says() {
    let house = house();
    let [first, second] = twice(house.get("/expires/a.txt")).await;
    assert_eq!(first.cache(), MISS);
    assert_eq!(first.field("cache-control"), "max-age=3600");
    let cache = second.cache();
    assert!(cache.starts_with("hit; ttl=3") && cache.ends_with("; level=2; route=default"), "{cache}");
    assert_eq!(house.asked().await, 1);
}

#[tokio::test]
async fn what_must_be_validated_is_confirmed_each_time_until_the_file_changes() {
    let house = house();
    let [first, second] = twice(house.get("/never/a.txt")).await;
    assert_eq!(first.cache(), MISS);
    assert_eq!(second.cache(), "fwd=stale; fwd-status=304; stored; level=2; route=default");
    assert_eq!((second.status.as_u16(), second.text().as_str()), (200, TEXT));
    write(&house.files.join("never/a.txt"), "changed!", now());
    let third = house.get("/never/a.txt").send().await;
    assert_eq!(third.cache(), "fwd=stale; stored; level=2; route=default");
    assert_eq!(third.text(), "changed!");
    assert_ne!(third.field("etag"), first.field("etag"));
    assert_eq!(house.asked().await, 3);
}

#[tokio::test]
async fn a_reload_is_confirmed_by_nginx() {
    let house = house();
    house.get("/plain/a.txt").send().await;
    let reloaded = house.get("/plain/a.txt").field("cache-control", "no-cache").send().await;
    assert_eq!(reloaded.cache(), "fwd=request; fwd-status=304; stored; level=2; route=default");
    assert_eq!((reloaded.status.as_u16(), reloaded.text().as_str()), (200, TEXT));
    assert_eq!(house.asked().await, 2);
}

#[tokio::test]
async fn ranges_and_conditions_behave_before_and_after_the_file_is_held() {
    let house = house();
    let part = || house.get("/plain/a.txt").field("range", "bytes=2-4").send();
    let before = part().await;
    assert_eq!((before.status.as_u16(), before.text().as_str()), (206, "234"));
    assert_eq!(before.cache(), MISS);
    let whole = house.get("/plain/a.txt").send().await;
    let miss = "fwd=partial; stored; level=2; route=default";
    assert_eq!((whole.cache().as_str(), whole.text().as_str()), (miss, TEXT));
    let after = part().await;
    assert!(after.cache().starts_with("hit; "), "{}", after.cache());
    assert_eq!((after.status, after.text()), (before.status, before.text()));
    for name in ["content-range", "content-length", "etag", "last-modified"] {
        assert_eq!(after.field(name), before.field(name), "{name}");
    }
    let held = house.get("/plain/a.txt").field("if-none-match", &whole.field("etag")).send().await;
    assert_eq!((held.status.as_u16(), held.text().as_str()), (304, ""));
    let dated =
        house.get("/plain/a.txt").field("if-modified-since", &whole.field("last-modified")).send().await;
    assert_eq!(dated.status, 304);
    let beyond = house.get("/plain/a.txt").field("range", "bytes=10-").send().await;
    assert_eq!((beyond.status.as_u16(), beyond.field("content-range").as_str()), (416, "bytes */10"));
    assert_eq!(house.asked().await, 2);
}

#[tokio::test]
async fn parts_that_nginx_sends_become_the_whole_file() {
    let house = house();
    let part = |range: &'static str| house.get("/plain/a.txt").field("range", range).send();
    assert_eq!(part("bytes=0-3").await.text(), &TEXT[..4]);
    let whole = house.get("/plain/a.txt").send().await;
    let completed = "fwd=partial; fwd-status=206; stored; level=2; route=default";
    assert_eq!((whole.cache().as_str(), whole.text().as_str()), (completed, TEXT));
    assert!(whole.field("content-range").is_empty());
    let (hit, end) = (house.get("/plain/a.txt").send().await, part("bytes=-3").await);
    assert!(hit.cache().starts_with("hit; ") && end.cache().starts_with("hit; "), "{}", end.cache());
    assert_eq!((hit.text().as_str(), end.text().as_str()), (TEXT, &TEXT[TEXT.len() - 3..]));
    assert_eq!(house.asked().await, 2);
}

#[tokio::test]
async fn head_is_answered_from_the_held_file() {
    let house = house();
    house.get("/plain/a.txt").send().await;
    let head = house.get("/plain/a.txt").method("HEAD").send().await;
    assert!(head.cache().starts_with("hit; "), "{}", head.cache());
    assert_eq!((head.field("content-length").as_str(), head.text().as_str()), ("10", ""));
    assert_eq!(house.asked().await, 1);
}

#[tokio::test]
async fn a_missing_file_is_404_each_time() {
    let house = house();
    for answer in twice(house.get("/plain/missing.txt")).await {
        assert_eq!(answer.status, 404);
        assert_eq!(answer.cache(), "fwd=uri-miss; route=default; detail=no-freshness");
    }
    assert_eq!(house.asked().await, 2);
}
