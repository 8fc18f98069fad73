//! The real program, in a process of its own: for signals, exit statuses, and memory that nothing else uses.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread::JoinHandle,
};

use tempfile::TempDir;

/// What a command that has ended said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs a command to its end, in an empty directory.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    run_in(&tempfile::tempdir().expect("a directory"), arguments)
}

/// Runs a command to its end with this token in its environment.
pub(crate) fn run_with_token(token: &str, arguments: &[&str]) -> Ended {
    let directory = tempfile::tempdir().expect("a directory");
    ended(command(arguments).env("PLIMSOLL_ADMIN_TOKEN", token), &directory)
}

/// Runs a command to its end on a config file with this text, which is called `test.toml`.
pub(crate) fn run_on(command: &str, text: &str) -> Ended {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("test.toml"), text).expect("to write a file");
    run_in(&directory, &[command, "--config", "test.toml"])
}

fn run_in(directory: &TempDir, arguments: &[&str]) -> Ended {
    ended(&mut command(arguments), directory)
}

fn ended(command: &mut Command, directory: &TempDir) -> Ended {
    let output = command.current_dir(directory.path()).output().expect("to run");
    Ended {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    command
        .args(arguments)
        .env("PLIMSOLL_LOG", "warn")
        .env_remove("PLIMSOLL_ADMIN_TOKEN")
        .stdin(Stdio::null());
    command
}

/// A command that goes on until it is told to stop. It is killed when it is dropped.
pub(crate) struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    err: Option<JoinHandle<String>>,
    _directory: TempDir,
}

impl Program {
    /// Starts a command in an empty directory.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"), arguments)
    }

    /// Starts a command with this token in its environment.
    pub(crate) fn start_with_token(token: &str, arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        command.env("PLIMSOLL_ADMIN_TOKEN", token);
        Self::run(tempfile::tempdir().expect("a directory"), command)
    }

    /// Starts the proxy with this config. `[server]` with a free port comes first, so its other keys may go on.
    pub(crate) fn serve(origin: SocketAddr, config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut text = String::from("[server]\nlisten = \"127.0.0.1:0\"\n");
        write!(text, "{config}\n[origin]\nurl = \"http://{origin}\"\n").expect("to write a string");
        fs::write(directory.path().join("test.toml"), text).expect("to write a file");
        Self::start_in(directory, &["serve", "--config", "test.toml"])
    }

    /// The same at this address, as the first thing that it prints may not say where it listens.
    pub(crate) fn serve_at(address: SocketAddr, origin: SocketAddr, config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let text = format!("server.listen = \"{address}\"\norigin.url = \"http://{origin}\"\n{config}");
        fs::write(directory.path().join("test.toml"), text).expect("to write a file");
        Self::start_in(directory, &["serve", "--config", "test.toml"])
    }

    /// Starts the proxy with room for this many open files and sockets.
    pub(crate) fn serve_with_descriptors(origin: SocketAddr, most: usize) -> Self {
        let script = format!("ulimit -n {most} && exec \"$0\" \"$@\"");
        let url = format!("http://{origin}");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_plimsoll")]);
        shell.args(["serve", "--origin", &url, "--listen", "127.0.0.1:0"]);
        // A line for each failed accept would fill the pipe that nobody reads while it runs.
        shell.env("PLIMSOLL_LOG", "error").stdin(Stdio::null());
        Self::run(tempfile::tempdir().expect("a directory"), shell)
    }

    fn start_in(directory: TempDir, arguments: &[&str]) -> Self {
        Self::run(directory, command(arguments))
    }

    fn run(directory: TempDir, mut command: Command) -> Self {
        let mut child = command
            .current_dir(directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("to start");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut err = child.stderr.take().expect("a pipe");
        let err = std::thread::spawn(move || {
            let mut text = String::new();
            // What was written before a fault is still worth showing.
            let _ = err.read_to_string(&mut text);
            text
        });
        Self { child, out, err: Some(err), _directory: directory }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        self.try_line().unwrap_or_else(|| {
            let said = self.err.take().map(|err| err.join().expect("no panic"));
            panic!("it ended: {}", said.unwrap_or_default());
        })
    }

    /// The next line that it prints, unless it has ended.
    pub(crate) fn try_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.out.read_line(&mut line).expect("to read");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The address that the next line says it listens on.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line = self.line();
        let rest = line.split_once("http://").expect(&line).1;
        rest.split(' ').next().expect("an address").parse().expect(&line)
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.expect("to send a signal").success());
    }

    /// Whether it is still running.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for its end, without standing in the way of other tasks.
    pub(crate) async fn end(mut self) -> ExitStatus {
        let waiting = tokio::task::spawn_blocking(move || self.child.wait().expect("a child"));
        super::within(waiting).await.expect("no panic")
    }

    /// Kilobytes of memory that it holds: at the most so far (`VmHWM`), or now (`VmRSS`).
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find(|line| line.starts_with(what)).expect("its memory");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
