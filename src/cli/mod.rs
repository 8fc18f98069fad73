//! One file for each command, and what they share.

pub mod admin_client;
pub mod check;
pub mod demo;
pub mod explain;
pub mod log;
pub mod origin;
pub mod purge;
pub mod serve;
mod telemetry;

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::config::LogFormat;

/// Exit status of bad usage, of a bad config, and of what could not start.
pub(crate) const COULD_NOT_START: u8 = 2;

/// What is logged unless `PLIMSOLL_LOG` is set.
const DEFAULT_LOG: &str = "warn,plimsoll=info";

/// A caching reverse proxy that knows how stateful an API is, and caches exactly as much of it as is safe
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    arg_required_else_help = true,
    after_help = "Examples:\n  plimsoll serve --origin http://127.0.0.1:3000\n  plimsoll check --config config/plimsoll.toml\n\n\
        PLIMSOLL_LOG sets what is logged to stderr: error, warn, info (the default), debug, trace, \
        or by module: plimsoll::proxy=debug."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Origin(origin::OriginArgs),
    Check(check::CheckArgs),
    Demo(demo::DemoArgs),
    Explain(explain::ExplainArgs),
    Log(log::LogArgs),
    Purge(purge::PurgeArgs),
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing can be done about a terminal that is gone.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { COULD_NOT_START } else { 0 });
        }
    };
    if let Command::Serve(args) = &cli.command {
        // Its log is as its config says.
        return serve::run(args);
    }
    if let Err(error) = start_log(LogFormat::Text, io::stderr) {
        return could_not_start(&error);
    }
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Origin(args) => origin::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Log(args) => log::run(&args),
        Command::Purge(args) => purge::run(&args),
    }
}

/// Starts the application log, on stderr.
///
/// # Errors
/// `PLIMSOLL_LOG` cannot be understood.
fn start_log(
    format: LogFormat,
    writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static,
) -> Result<(), String> {
    let directives = std::env::var("PLIMSOLL_LOG").unwrap_or_else(|_| DEFAULT_LOG.to_owned());
    if let Some(word) = directives.split(',').map(str::trim).find(|directive| !is_understood(directive)) {
        return Err(format!(
            "PLIMSOLL_LOG: `{word}` is neither a level (off, error, warn, info, debug, trace) nor MODULE=LEVEL"
        ));
    }
    let filter = EnvFilter::try_new(&directives).map_err(|error| format!("PLIMSOLL_LOG: {error}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        LogFormat::Text => log.with_ansi(io::stderr().is_terminal()).with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// A single word is a level: as the name of a module, it would silence everything else.
fn is_understood(directive: &str) -> bool {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    directive.contains(['=', '[']) || LEVELS.iter().any(|level| directive.eq_ignore_ascii_case(level))
}

/// Prints a command's answer. Where nobody reads it any more, that is no fault of the command.
pub(crate) fn print(answer: &str) {
    let mut out = io::stdout();
    match out.write_all(answer.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("plimsoll: cannot print: {error}");
        }
        Ok(()) | Err(_) => {}
    }
}

/// Says why a command could not start.
pub(crate) fn could_not_start(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("plimsoll: {why}");
    ExitCode::from(COULD_NOT_START)
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn told_to_stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
