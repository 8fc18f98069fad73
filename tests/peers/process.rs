//! Processes that end with the test, however it ends, and the lines that they say.

use std::{
    ffi::OsStr,
    io::{BufRead as _, BufReader, Read},
    net::SocketAddr,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

/// So generous that only what never comes is too late.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process and those that it started. They are killed when it is dropped, and the kernel kills it where this one ends
/// without a word.
pub(crate) struct Process {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

/// A program with its arguments; it is killed when the thread that starts it has ended.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program).stdin(Stdio::null());
    command.process_group(0);
    command
}

impl Process {
    /// Starts this command.
    pub(crate) fn start(mut command: Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("this test needs setpriv, of util-linux");
        let out = lines(child.stdout.take().expect("its standard output"));
        let err = lines(child.stderr.take().expect("its standard error"));
        Self { child, out, err }
    }

    /// The next line of its standard output.
    pub(crate) fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).unwrap_or_else(|end| {
            let said: Vec<String> = self.err.try_iter().collect();
            panic!("no line, {end}: {}", said.join("\n"))
        })
    }

    /// The lines of its standard error, each when it comes, to its end.
    pub(crate) fn complaints(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::from_fn(|| match self.err.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line"),
        })
    }

    /// Whether a line of its standard output has these words, of those to its end.
    pub(crate) fn said(&self, words: &str) -> bool {
        self.out.iter().any(|line| line.contains(words))
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        // They may have ended already.
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            // Nobody listens any more: the pipe is read on, so that its writer never waits.
            let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    receiver
}

/// Where this program is.
pub(crate) fn find(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian's servers are where users often do not look.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!("this test needs {program}: install it (on Debian: apt-get install {package})")
        })
}

/// The Python of the virtual environment.
pub(crate) fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the place where cargo builds");
    let python = target.join("peers/venv/bin/python");
    assert!(python.is_file(), "this test needs servers from PyPI: run tests/peers/set-up");
    python
}

/// Starts the real program in front of this origin with more lines of `[server]`, and says where it listens. It logs each
/// request.
pub(crate) fn plimsoll(directory: &Path, origin: SocketAddr, server: &str) -> (Process, SocketAddr) {
    let mut command = command(env!("CARGO_BIN_EXE_plimsoll"));
    command.env("PLIMSOLL_LOG", "plimsoll::observe=debug");
    started(command, directory, &format!("http://{origin}"), server)
}

/// Starts it in front of an origin that speaks TLS, and has it trust nobody but who is in this file.
pub(crate) fn plimsoll_that_trusts(
    authority: &Path,
    directory: &Path,
    origin: &str,
    server: &str,
) -> (Process, SocketAddr) {
    let mut command = command(env!("CARGO_BIN_EXE_plimsoll"));
    command.env("SSL_CERT_FILE", authority).env_remove("SSL_CERT_DIR");
    started(command, directory, &format!("https://{origin}"), server)
}

fn started(mut command: Command, directory: &Path, origin: &str, server: &str) -> (Process, SocketAddr) {
    let file = directory.join("plimsoll.toml");
    let config = format!("[server]\nlisten = \"127.0.0.1:0\"\n{server}\n[origin]\nurl = \"{origin}\"\n");
    std::fs::write(&file, config).expect("to write the config");
    command.arg("serve").arg("--config").arg(&file);
    let process = Process::start(command);
    let line = process.line();
    let address = line.split_once("http://").and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    (process, address.unwrap_or_else(|| panic!("not the line that says where it listens: {line:?}")))
}
