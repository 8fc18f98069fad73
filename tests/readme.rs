//! Holds README.md to the program: its tables name what the code knows, its configs can be used, its links lead
//! somewhere, its commands exist, and its transcripts are what really happens.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "readme/tables.rs"]
mod tables;

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, SystemTime},
};

use plimsoll::{
    cli,
    config::Config,
    observe::{LogSink, ManualClock},
    origin::{self, Origin, bind_instances},
    server::Listen,
};

const README: &str = include_str!("../README.md");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The cells of the table below a heading row that begins so, without their backticks.
fn table(first_cells: &str) -> Vec<Vec<String>> {
    let mut lines = README.lines().skip_while(|line| !line.starts_with(first_cells));
    assert!(lines.next().is_some(), "no table begins with {first_cells}");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().replace('`', "")).collect())
        .collect()
}

/// The fenced blocks of this language.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    let blocks: Vec<_> = README
        .split(fence.as_str())
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    assert!(!blocks.is_empty(), "no {language} block");
    blocks
}

fn plimsoll(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_plimsoll")).args(arguments).current_dir(ROOT).output().unwrap()
}

fn help(arguments: &[&str]) -> String {
    String::from_utf8(plimsoll(arguments).stdout).unwrap()
}

#[test]
fn the_configs_can_be_used() {
    for block in blocks("toml") {
        let loaded = Config::parse("README.md", block).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    }
}

/// How a command begins to say which running proxy it asks.
const ADMIN: &str = "--admin ";

/// Runs every `plimsoll` command whose output the README shows, but for those that ask a running proxy.
#[test]
fn the_commands_say_what_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let text =
        "[origin]\nurl = \"http://127.0.0.1:3000\"\n\n[[route]]\npath = \"/a\"\nlevel = \"changeing\"\n";
    std::fs::write(directory.path().join("typo.toml"), text).unwrap();
    std::fs::create_dir(directory.path().join("config")).unwrap();
    let config = "config/plimsoll.toml";
    std::fs::copy(Path::new(ROOT).join(config), directory.path().join(config)).unwrap();
    for block in blocks("text") {
        let (command, expected) = block.split_once('\n').unwrap();
        if command.contains(ADMIN) {
            continue;
        }
        let words = words(command.strip_prefix("$ plimsoll ").unwrap());
        let mut plimsoll = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        let output = plimsoll.args(words).current_dir(&directory).output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        if let Err(line) = agrees(expected, &said) {
            panic!("{command} does not say: {line}\n{said}");
        }
    }
}

/// Runs those that do, 3 seconds after what they ask about was stored.
#[tokio::test(flavor = "multi_thread")]
async fn the_running_proxy_says_what_is_shown() {
    let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
    let (started, proxy) = running(Arc::clone(&clock)).await;
    let request = request("curl -si localhost:8080/product/1234 | grep cache-status");
    tokio::task::spawn_blocking(move || cache_status(proxy, &request)).await.unwrap();
    clock.advance(Duration::from_secs(3));
    let admin = started.admin.unwrap().to_string();
    let mut asked = 0;
    for block in blocks("text") {
        let (command, expected) = block.split_once('\n').unwrap();
        if !command.contains(ADMIN) {
            continue;
        }
        let words = words(&command.replace("127.0.0.1:9090", &admin));
        let run = move || plimsoll(&words.iter().skip(2).map(String::as_str).collect::<Vec<_>>());
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        if let Err(line) = agrees(expected, &said) {
            panic!("{command} does not say: {line}\n{said}");
        }
        asked += 1;
    }
    assert!(asked > 0, "no command asks a running proxy");
}

/// Whether this is what was said: word for word, or, where a line of it is `...`, some of the lines in their order. Then
/// columns may be as narrow as the lines that are shown. Where it is not, the line that was not said.
fn agrees<'a>(shown: &'a str, said: &str) -> Result<(), &'a str> {
    if !shown.lines().any(|line| line == "...") {
        return if shown == said { Ok(()) } else { Err(shown) };
    }
    let mut said = said.lines().map(masked);
    let missing = shown.lines().filter(|line| *line != "...").find(|line| {
        let line = masked(line);
        !said.any(|other| other == line)
    });
    missing.map_or(Ok(()), Err)
}

/// A line of a table without what may differ between two runs: how wide its columns are; where chance or the time of day
/// have a part in a lifetime, its seconds; and how many bytes something is.
fn masked(line: &str) -> String {
    let rule = |word: &str| word.chars().all(|c| c == '─');
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let counts_bytes = line.ends_with(" bytes of memory");
    let words = line.split_whitespace().map(|word| match word.strip_prefix("ttl=") {
        Some(seconds) if is_number(seconds) => "ttl=N",
        _ if rule(word) => "─",
        _ if counts_bytes && is_number(word) => "N",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_excerpt_is_compared_line_by_line() {
    let said = "a  b\n────\nc   200 hit; ttl=10\nd\n";
    assert_eq!(agrees(" a b\n──\nc 200 hit; ttl=9\n...\n", said), Ok(()));
    assert_eq!(agrees("d\nc\n...\n", said), Err("c"));
    assert_eq!(agrees("c 201 hit; ttl=9\n...\n", said), Err("c 201 hit; ttl=9"));
    assert_eq!(agrees("a b\n", said), Err("a b\n"));
}

/// What a heading is linked by.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == ' ')
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let links: Vec<&str> = README.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    let relative = links.iter().filter(|link| !link.starts_with("https://"));
    let mut count = 0;
    let headings: Vec<String> = README.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
    for link in relative {
        let leads_somewhere = match link.strip_prefix('#') {
            Some(place) => headings.iter().any(|heading| heading == place),
            None => Path::new(ROOT).join(link).exists(),
        };
        assert!(leads_somewhere, "{link} leads nowhere");
        count += 1;
    }
    assert!(count > 5, "only {count} relative links found");
}

#[test]
fn every_command_is_named_and_every_flag_exists() {
    let help_text = help(&["help"]);
    let commands: BTreeSet<&str> = help_text
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for command in commands.iter().filter(|command| **command != "help") {
        assert!(README.contains(&format!("`plimsoll {command}`")), "the README does not speak of {command}");
    }
    let flags: String = commands.iter().map(|command| help(&[command, "--help"])).collect();
    for code in code() {
        let ours = ["plimsoll ", "cargo run --release -- "].iter().find_map(|start| code.strip_prefix(start));
        if let Some(arguments) = ours {
            let command = arguments.split(' ').next().unwrap_or_default();
            assert!(commands.contains(command), "there is no such command: {code}");
        }
        if ours.is_some() || code.starts_with("--") {
            for flag in ours.unwrap_or(code).split(' ').filter(|word| word.starts_with("--")) {
                assert!(flags.contains(flag), "there is no such flag: {code}");
            }
        }
    }
}

/// Everything in backticks, and every line of a fenced block.
fn code() -> Vec<&'static str> {
    let (mut fenced, mut code) = (false, Vec::new());
    for line in README.lines() {
        if line.starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            code.push(line.trim_start_matches("$ "));
        } else {
            code.extend(line.split('`').skip(1).step_by(2));
        }
    }
    code
}

#[test]
fn the_exit_statuses_are_true() {
    let shown: Vec<String> = table("| exit status |").into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(shown, ["0", "1", "2"]);
    assert_eq!(plimsoll(&["check", "--config", "config/plimsoll.toml"]).status.code(), Some(0));
    for wrong in
        [&["sail"][..], &[], &["check", "--config", "no/such/file"], &["serve", "--origin", "nowhere"]]
    {
        assert_eq!(plimsoll(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// Runs every `curl` of the README against the sample origin and the config in the repository.
#[tokio::test(flavor = "multi_thread")]
async fn the_transcripts_are_what_happens() {
    let (_started, proxy) = running(Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH))).await;
    for block in blocks("console") {
        for exchange in block.split("$ ").skip(1) {
            let (command, expected) = exchange.split_once('\n').unwrap();
            let request = request(command);
            let said = tokio::task::spawn_blocking(move || cache_status(proxy, &request)).await.unwrap();
            assert_eq!(said, expected, "{command}");
        }
    }
}

/// The proxy with the config in the repository, in front of the sample origin, and where its clients connect.
async fn running(clock: Arc<ManualClock>) -> (cli::serve::Started, SocketAddr) {
    let origin = bind_instances(([127, 0, 0, 1], 0).into(), 1).await.unwrap().remove(0);
    let origin_address = origin.local_addr().unwrap();
    tokio::spawn(Origin::new(&origin::Options::default()).serve(origin, std::future::pending()));
    let config = std::fs::read_to_string(Path::new(ROOT).join("config/plimsoll.toml")).unwrap();
    let config = config
        .replace("127.0.0.1:3000", &origin_address.to_string())
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("127.0.0.1:9090", "127.0.0.1:0");
    let config = Config::parse("plimsoll.toml", &config).unwrap_or_else(|errors| panic!("{errors}")).config;
    let started = cli::serve::start(config, clock, Arc::new(LogSink)).await.unwrap();
    let Listen::Tcp(proxy) = started.server.addresses()[0] else { panic!("not a TCP address") };
    (started, proxy)
}

/// The request that this command sends.
fn request(command: &str) -> String {
    let command = command.strip_suffix(" | grep cache-status").unwrap();
    let (mut method, mut fields, mut content, mut target) = ("GET", String::new(), String::new(), None);
    let words = words(command);
    let mut words = words.iter().map(String::as_str);
    assert_eq!((words.next(), words.next()), (Some("curl"), Some("-si")));
    while let Some(word) = words.next() {
        match word {
            "-X" => method = words.next().unwrap(),
            "-H" => fields.extend([words.next().unwrap(), "\r\n"]),
            "-d" => words.next().unwrap().clone_into(&mut content),
            url => target = url.strip_prefix("localhost:8080"),
        }
    }
    if !content.is_empty() {
        fields.extend(["Content-Length: ", &content.len().to_string(), "\r\n"]);
    }
    let target = target.unwrap();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n{fields}\r\n{content}"
    )
}

/// The words of a shell command; the one quote that it knows is '.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

fn cache_status(proxy: SocketAddr, request: &str) -> String {
    let mut connection = TcpStream::connect(proxy).unwrap();
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().filter(|line| line.starts_with("cache-status")).flat_map(|line| [line, "\n"]).collect()
}
