//! `plimsoll log`: prints the decisions of a running proxy as they happen, one line each with its reason.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use super::admin_client::{self, AdminAddress, AdminClient, AdminError};
use crate::telemetry::Event;

/// Print the decisions of a running proxy as they happen
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  plimsoll log --miss\n  plimsoll log --route product --outcome stale\n  \
    plimsoll log --reason set-cookie --json\n\n\
    Several of a kind show what has any of them; what has one of each kind that is named is shown. Where more happens \
    than --rate, one of so many is shown, and stderr says of how many."
)]
pub struct LogArgs {
    /// The running proxy's admin place
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub admin: AdminAddress,
    /// Only what the store did not answer
    #[arg(long, conflicts_with = "outcome")]
    pub miss: bool,
    /// Only this route
    #[arg(long, value_name = "NAME")]
    pub route: Vec<String>,
    /// Only this outcome: hit, a reason to forward (uri-miss, stale, bypass ...), or error
    #[arg(long, value_name = "WORD")]
    pub outcome: Vec<String>,
    /// Only this level, by number or name
    #[arg(long, value_name = "LEVEL")]
    pub level: Vec<String>,
    /// Only this evidence, refusal or problem
    #[arg(long, value_name = "NAME")]
    pub reason: Vec<String>,
    /// Only paths that begin like this
    #[arg(long, value_name = "PREFIX")]
    pub path: Vec<String>,
    /// At most about so many a second
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub rate: u64,
    /// A file with the token of the admin place
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// A JSON object for each
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub fn run(args: &LogArgs) -> ExitCode {
    match admin_client::wait_for(follow(args)) {
        Ok(Ended::ByReader) => ExitCode::SUCCESS,
        Ok(Ended::ByProxy) => {
            eprintln!("plimsoll: the proxy at {} has ended the log", args.admin);
            ExitCode::FAILURE
        }
        Err(error) => super::could_not_start(&error),
    }
}

/// Why there is no more.
enum Ended {
    /// Nobody reads what is printed.
    ByReader,
    /// The stream is over.
    ByProxy,
}

impl LogArgs {
    fn target(&self) -> String {
        let miss = self.miss.then(|| "miss".to_owned());
        let kinds = [
            ("route", &self.route),
            ("outcome", &self.outcome),
            ("level", &self.level),
            ("reason", &self.reason),
            ("path", &self.path),
        ];
        let named = kinds
            .into_iter()
            .flat_map(|(kind, values)| values.iter().map(move |value| (kind, value.clone())));
        let parameters: Vec<_> = named
            .chain(miss.map(|miss| ("outcome", miss)))
            .chain([("rate", self.rate.to_string())])
            .collect();
        format!("/api/events?{}", admin_client::query(&parameters))
    }
}

async fn follow(args: &LogArgs) -> Result<Ended, AdminError> {
    let mut client = AdminClient::new(args.admin.clone())?;
    if let Some(file) = &args.token_file {
        client = client.with_token_of(file)?;
    }
    let mut stream = Stream { content: client.open(&args.target()).await?.into_body(), read: Vec::new() };
    while let Some(event) = stream.next().await {
        if let Err(error) = show(&event, args.json) {
            return match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(Ended::ByReader),
                _ => Err(AdminError::Own(format!("cannot print: {error}"))),
            };
        }
    }
    Ok(Ended::ByProxy)
}

/// The events of a stream (server-sent events, as this program writes them).
struct Stream {
    content: Incoming,
    read: Vec<u8>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq)]
struct Sent {
    name: String,
    data: String,
}

impl Stream {
    /// The next one, if the stream goes on.
    async fn next(&mut self) -> Option<Sent> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.read.drain(..end + 2).collect();
                if let Some(sent) = Sent::read(&String::from_utf8_lossy(&block)) {
                    return Some(sent);
                }
                continue;
            }
            let frame = self.content.frame().await?.ok()?;
            if let Some(data) = frame.data_ref() {
                self.read.extend_from_slice(data);
            }
        }
    }
}

impl Sent {
    /// Reads one event; what is only a sign of life is none.
    fn read(block: &str) -> Option<Self> {
        let field = |name| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
        Some(Self { name: field("event:")?.to_owned(), data: field("data:")?.to_owned() })
    }
}

/// Prints an event: decisions to stdout, what is to be said about them to stderr.
fn show(sent: &Sent, json: bool) -> io::Result<()> {
    let number = |member: &str| {
        let data: Value = serde_json::from_str(&sent.data).unwrap_or_default();
        data.get(member).and_then(Value::as_u64).unwrap_or_default()
    };
    match sent.name.as_str() {
        "decision" if json => writeln!(io::stdout(), "{}", sent.data),
        "decision" => match serde_json::from_str::<Event>(&sent.data) {
            Ok(event) => writeln!(io::stdout(), "{}", line(&event)),
            Err(_) => writeln!(io::stdout(), "{}", sent.data),
        },
        "rate" => writeln!(io::stderr(), "plimsoll: one in {} is shown from here on", number("one_in")),
        "lost" => writeln!(io::stderr(), "plimsoll: {} were lost on the way", number("events")),
        _ => Ok(()),
    }
}

/// A decision in one line.
fn line(event: &Event) -> String {
    // Of the time, people need that of the day.
    let time = event.time.split_once('T').map_or(event.time.as_str(), |(_, time)| time);
    let mut line = format!("{time} {} {:<9}", event.status, event.outcome);
    let said = [&event.method, &event.host, &event.target].map(|part| part.as_deref().unwrap_or_default());
    match said {
        ["", "", ""] => line.push_str(" (a message that could not be read)"),
        [method, host, target] => line.extend([" ", method, " ", host, target]),
    }
    // Writing to memory does not fail.
    if let Some(route) = &event.route {
        let _ = write!(line, " route={route}");
    }
    if let Some(level) = event.level {
        let _ = write!(line, " level={level}");
    }
    if let Some(reason) = &event.reason {
        let _ = write!(line, " reason={reason}");
    }
    if let Some(ttl) = event.ttl {
        let _ = write!(line, " ttl={ttl}");
    }
    if event.stored {
        line.push_str(" stored");
    }
    match event.collapsed {
        Some(true) => line.push_str(" collapsed"),
        Some(false) => line.push_str(" not-shared"),
        None => {}
    }
    if event.one_in > 1 {
        let _ = write!(line, " (one in {})", event.one_in);
    }
    // What a client sent is not to steer the terminal.
    line.replace(|c: char| c.is_control(), "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            time: "2023-11-14T22:13:20.045Z".to_owned(),
            method: Some("GET".to_owned()),
            host: Some("localhost:8080".to_owned()),
            target: Some("/product/1?language=french".to_owned()),
            status: 200,
            route: Some("product".to_owned()),
            level: Some(2),
            outcome: "uri-miss".to_owned(),
            reason: None,
            ttl: None,
            stored: true,
            collapsed: None,
            one_in: 1,
        }
    }

    #[test]
    fn a_decision_is_a_line_with_its_reason() {
        assert_eq!(
            line(&event()),
            "22:13:20.045Z 200 uri-miss  GET localhost:8080/product/1?language=french route=product level=2 stored"
        );
        let bypass = Event {
            outcome: "bypass".to_owned(),
            reason: Some("set-cookie".to_owned()),
            stored: false,
            one_in: 8,
            ..event()
        };
        assert!(line(&bypass).ends_with(" level=2 reason=set-cookie (one in 8)"), "{}", line(&bypass));
    }

    #[test]
    fn what_a_client_sent_does_not_steer_the_terminal() {
        let hostile = Event { target: Some("/\u{1b}[2J\n".to_owned()), ..event() };
        assert!(line(&hostile).contains("/?[2J?"), "{}", line(&hostile));
    }

    #[test]
    fn signs_of_life_are_no_events() {
        assert_eq!(Sent::read(":\n\n"), None);
        let sent = Sent::read("event: rate\ndata: {\"one_in\":2}\n\n").unwrap();
        assert_eq!((sent.name.as_str(), sent.data.as_str()), ("rate", "{\"one_in\":2}"));
    }
}
