//! Holds the files of `config/` to the program: every config can be used, the unit is one that systemd understands, what
//! unit and image start exists, and the health check says the truth.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::{
    fs,
    io::{self, BufRead as _, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use plimsoll::config::Config;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PROGRAM: &str = env!("CARGO_BIN_EXE_plimsoll");
const UNIT: &str = include_str!("../config/deploy/plimsoll.service");
const CONTAINERFILE: &str = include_str!("../config/deploy/Containerfile");
const MANUAL: &str = include_str!("../config/deploy/README.md");
const SIDECAR: &str = include_str!("../config/deploy/sidecar.toml");

/// Where unit and image have the program and its config.
const INSTALLED: &str = "/usr/local/bin/plimsoll";
const CONFIG: &str = "/etc/plimsoll/plimsoll.toml";

fn file(name: &str) -> PathBuf {
    Path::new(ROOT).join("config/deploy").join(name)
}

/// Every config below this directory.
fn configs(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml"));
    here.chain(directories.iter().flat_map(|directory| configs(directory))).collect()
}

/// The values of a setting of the unit, in their order.
fn settings<'a>(name: &str) -> Vec<&'a str> {
    UNIT.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

fn setting<'a>(name: &str) -> &'a str {
    let values = settings(name);
    assert_eq!(values.len(), 1, "{name}: {values:?}");
    values[0]
}

/// The fenced blocks of the manual in this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks: Vec<_> =
        MANUAL.split(fence.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "no {language} block");
    blocks
}

/// The words of an instruction of the Containerfile in its JSON form.
fn instruction(name: &str) -> Vec<String> {
    let line = CONTAINERFILE.lines().find(|line| line.starts_with(name)).unwrap();
    serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap()
}

/// Every command that unit, image and manual give to plimsoll.
fn commands() -> Vec<Vec<String>> {
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let unit =
        ["ExecStartPre", "ExecStart"].map(|name| words(setting(name).strip_prefix(INSTALLED).unwrap()));
    let manual = blocks("sh").into_iter().flat_map(str::lines);
    let manual = manual.filter_map(|line| {
        let image = || line.split_once(":ro plimsoll ").map(|(_, command)| command);
        line.strip_prefix("plimsoll ").or_else(image).map(words)
    });
    unit.into_iter().chain([instruction("CMD")]).chain(manual).collect()
}

#[test]
fn every_config_can_be_used_as_it_is() {
    let configs = configs(&Path::new(ROOT).join("config"));
    assert!(configs.contains(&file("sidecar.toml")), "{configs:?}");
    for path in configs {
        let loaded = Config::load(&path).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(loaded.warnings.is_empty(), "{}: {:?}", path.display(), loaded.warnings);
    }
}

#[test]
fn what_the_sidecar_config_has_commented_out_can_be_used_too() {
    let is_listen = |line: &&str| line.starts_with("listen = \"127.0.0.1:8080\"");
    let lines = SIDECAR.lines().filter(|line| !is_listen(line));
    let text: String = lines
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .flat_map(|line| [line, "\n"])
        .collect();
    let loaded = Config::parse("sidecar.toml", &text).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert_eq!(loaded.config.routes.iter().len(), 2);
    let socket = loaded.config.server.listen[0].to_string();
    let directory = format!("unix:/run/{}/", setting("RuntimeDirectory"));
    assert!(socket.starts_with(&directory), "the unit makes no directory for {socket}");
    assert!(MANUAL.contains(&format!("`listen = \"{socket}\"`")), "{socket}");
}

#[test]
fn every_command_and_every_flag_exists() {
    let commands = commands();
    assert!(commands.len() > 4, "{commands:?}");
    for command in commands {
        let output = Command::new(PROGRAM).args([command[0].as_str(), "--help"]).output().unwrap();
        assert!(output.status.success(), "there is no such command: {command:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        let named: Vec<&str> = help.split([' ', ',', '\n']).collect();
        for flag in command.iter().filter(|word| word.starts_with('-')) {
            assert!(named.contains(&flag.as_str()), "there is no such flag: {flag} in {command:?}");
        }
    }
}

/// Runs what the unit runs: the check, and then the program until it is told to stop. The health check sees the one from
/// the other.
#[test]
fn what_the_unit_starts_runs_is_healthy_and_drains() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("plimsoll.toml");
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    let anywhere = SIDECAR
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("127.0.0.1:9090", "127.0.0.1:0")
        .replace("127.0.0.1:3000", &service.local_addr().unwrap().to_string());
    fs::write(&config, anywhere).unwrap();
    let run = |name: &str| {
        let mut words = setting(name).split_whitespace();
        assert_eq!(words.next(), Some(INSTALLED), "{name}");
        let mut command = Command::new(PROGRAM);
        command.args(words.map(|word| if word == CONFIG { config.to_str().unwrap() } else { word }));
        command.stdin(Stdio::null());
        command
    };
    assert!(run("ExecStartPre").output().unwrap().status.success());
    let mut serving = run("ExecStart").stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(serving.stdout.take().unwrap()).lines();
    let admin = said.map(Result::unwrap).find_map(|line| {
        line.rsplit_once(':').filter(|_| line.starts_with("admin")).map(|(_, port)| port.to_owned())
    });
    let admin = admin.expect("an admin port");
    assert!(is_healthy(&admin), "it is alive, and the health check says no");
    assert!(says_yes(&[&admin, "/healthz"]) && !says_yes(&[&admin, "/no/such"]));
    // Its workers begin to accept on threads of their own.
    while !says_yes(&[&admin, "/readyz"]) {
        assert!(serving.try_wait().unwrap().is_none(), "it ended before it was ready");
    }
    let signal = setting("KillSignal").strip_prefix("SIG").unwrap();
    let kill = Command::new("kill").args(["-s", signal, &serving.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(serving.wait().unwrap().code(), Some(0));
    assert!(!is_healthy(&admin), "it has ended, and the health check says yes");
}

fn is_healthy(port: &str) -> bool {
    assert_eq!(instruction("HEALTHCHECK"), ["healthy"]);
    assert!(CONTAINERFILE.contains("COPY config/deploy/healthy /usr/local/bin/healthy\n"));
    says_yes(&[port])
}

/// What the health check says when it is called so.
fn says_yes(arguments: &[&str]) -> bool {
    Command::new(file("healthy")).args(arguments).stderr(Stdio::null()).status().unwrap().success()
}

#[test]
fn systemd_understands_the_unit() {
    verified(&[]);
}

#[test]
fn systemd_understands_the_drop_ins_of_the_manual() {
    for drop_in in blocks("ini") {
        verified(&[drop_in]);
    }
}

/// Holds that systemd has nothing to say about the unit with these drop-ins, where there is a systemd to ask.
fn verified(drop_ins: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let unit = directory.path().join("plimsoll.service");
    // Not installed here: systemd wants to see a program.
    fs::write(&unit, UNIT.replace(INSTALLED, PROGRAM)).unwrap();
    let beside = directory.path().join("plimsoll.service.d");
    fs::create_dir(&beside).unwrap();
    for (number, text) in drop_ins.iter().enumerate() {
        fs::write(beside.join(format!("{number}.conf")), text).unwrap();
    }
    let output = match Command::new("systemd-analyze").args(["--man=no", "verify"]).arg(&unit).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return eprintln!("SKIPPED: there is no systemd-analyze here, so the unit is not verified");
        }
        output => output.unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("plimsoll"), "{drop_ins:?}: {said}");
}

#[test]
fn the_unit_is_hardened() {
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateDevices", "yes"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("MemoryDenyWriteExecute", "yes"),
        ("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX"),
        ("Restart", "on-failure"),
    ] {
        assert_eq!(setting(name), value, "{name}");
    }
    assert!(setting("LimitNOFILE").parse::<u32>().unwrap() >= 65536);
}

#[test]
fn who_stops_it_waits_longer_than_it_drains() {
    let sidecar = Config::parse("sidecar.toml", SIDECAR).unwrap().config;
    let default = Config::for_origin("http://127.0.0.1:3000", None).unwrap();
    let manual = MANUAL.split("--stop-timeout ").nth(1).unwrap();
    for waits in [setting("TimeoutStopSec"), manual.split_whitespace().next().unwrap()] {
        let waits = Duration::from_secs(waits.parse().unwrap());
        assert!(waits > sidecar.server.drain_timeout.max(default.server.drain_timeout), "{waits:?}");
    }
}

#[test]
fn the_image_is_built_from_what_is_there() {
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let rust = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(CONTAINERFILE.contains(&format!("\nFROM rust:{rust}-")), "the manifest wants Rust {rust}");
    let copies = CONTAINERFILE.lines().filter_map(|line| line.strip_prefix("COPY "));
    let mut count = 0;
    for copy in copies.filter(|copy| !copy.starts_with("--from")) {
        let words: Vec<&str> = copy.split(' ').collect();
        for source in &words[..words.len() - 1] {
            assert!(Path::new(ROOT).join(source).exists(), "{source} is not there");
            count += 1;
        }
    }
    assert!(count > 4, "only {count} sources found");
    let user = CONTAINERFILE.lines().find_map(|line| line.strip_prefix("USER ")).unwrap();
    assert!(!user.starts_with('0') && !user.starts_with("root"), "{user}");
    assert!(MANUAL.contains(&format!("user {}", user.split(':').next().unwrap())), "{user}");
}

#[test]
fn links_of_the_manual_lead_to_files() {
    let links: Vec<&str> = MANUAL.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 3, "{links:?}");
    for link in links {
        assert!(file(link).exists(), "{link} leads nowhere");
    }
}
