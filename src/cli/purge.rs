//! `plimsoll purge`: ends what a running proxy has stored, by name.

use std::{path::PathBuf, process::ExitCode};

use clap::{ArgGroup, Args};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::admin_client::{AdminAddress, AdminClient, AdminError, wait_for};

/// Exit status of what the proxy refused.
const REFUSED: u8 = 1;

/// End what a running proxy has stored, by name
#[derive(Args, Clone, Debug)]
#[command(
    group = ArgGroup::new("what").required(true),
    after_help = "Examples:\n  plimsoll purge --url http://api.example/product/1234\n  plimsoll purge --tag product:1234 --soft\n  \
        plimsoll purge --prefix /product/\n\n\
        PLIMSOLL_ADMIN_TOKEN is the token of the admin place, if it wants one. Exit status: 0 it is done; 1 the proxy \
        refused, and nothing is purged; 2 it cannot be reached."
)]
pub struct PurgeArgs {
    /// What is stored for these URLs, as clients ask for them, in all variants
    #[arg(long, value_name = "URL", num_args = 1.., group = "what")]
    pub url: Vec<String>,
    /// What carries one of these tags
    #[arg(long, value_name = "TAG", num_args = 1.., group = "what")]
    pub tag: Vec<String>,
    /// What was stored for these routes of the config
    #[arg(long, value_name = "NAME", num_args = 1.., group = "what")]
    pub route: Vec<String>,
    /// What has a path that begins with this, to the letter: /product reaches /products too
    #[arg(long, value_name = "PATH", num_args = 1.., group = "what")]
    pub prefix: Vec<String>,
    /// What was stored for these hosts
    #[arg(long, value_name = "HOST", num_args = 1.., group = "what")]
    pub host: Vec<String>,
    /// Everything
    #[arg(long, group = "what")]
    pub all: bool,
    /// It is stale from now on, and not gone: it may serve while it is fetched anew, or where the origin fails
    #[arg(long)]
    pub soft: bool,
    /// Where the proxy's admin place is
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub admin: AdminAddress,
    /// A file with the token of the admin place
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// What the proxy says that it did.
#[derive(Debug, Deserialize, Serialize)]
struct Done {
    purged: Vec<Purged>,
    soft: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct Purged {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// Runs the command.
pub fn run(args: &PurgeArgs) -> ExitCode {
    match purge(args) {
        Ok(done) => {
            super::print(&said(&done, args.json));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("plimsoll: {error}");
            ExitCode::from(status(&error))
        }
    }
}

fn purge(args: &PurgeArgs) -> Result<Done, AdminError> {
    let mut client = AdminClient::new(args.admin.clone())?;
    if let Some(file) = &args.token_file {
        client = client.with_token_of(file)?;
    }
    wait_for(client.post("/api/purge", &asked(args)))
}

/// What is asked for, as the admin place reads it.
fn asked(args: &PurgeArgs) -> Value {
    let kinds = [
        ("url", &args.url),
        ("tag", &args.tag),
        ("route", &args.route),
        ("prefix", &args.prefix),
        ("host", &args.host),
    ];
    match kinds.into_iter().find(|(_, names)| !names.is_empty()) {
        Some((kind, names)) => json!({ kind: names, "soft": args.soft }),
        None => json!({ "all": true, "soft": args.soft }),
    }
}

/// One line for each thing, or one object for all.
fn said(done: &Done, as_json: bool) -> String {
    if as_json {
        return format!("{}\n", json!(done));
    }
    let how = if done.soft { "stale from now on" } else { "gone" };
    let line = |one: &Purged| match &one.name {
        Some(name) => format!("purged {} {name}: {how}\n", one.kind),
        None => format!("purged {}: {how}\n", one.kind),
    };
    done.purged.iter().map(line).collect()
}

const fn status(error: &AdminError) -> u8 {
    match error {
        AdminError::Refused { .. } | AdminError::Unauthorized(..) => REFUSED,
        AdminError::Unreachable(..)
        | AdminError::Timeout(..)
        | AdminError::NotAdmin(..)
        | AdminError::Own(_) => super::COULD_NOT_START,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        purge: PurgeArgs,
    }

    fn parsed(line: &str) -> Result<PurgeArgs, clap::Error> {
        Cli::try_parse_from(["purge"].into_iter().chain(line.split_whitespace())).map(|cli| cli.purge)
    }

    #[test]
    fn names_of_a_kind_may_be_repeated_either_way() {
        for line in ["--tag a b", "--tag a --tag b"] {
            assert_eq!(asked(&parsed(line).unwrap()), json!({ "tag": ["a", "b"], "soft": false }));
        }
        assert_eq!(asked(&parsed("--all --soft").unwrap()), json!({ "all": true, "soft": true }));
    }

    #[test]
    fn there_is_exactly_one_kind() {
        for line in ["", "--soft", "--tag a --url b", "--all --host a", "--tag"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }

    #[test]
    fn each_thing_has_a_line_that_says_how() {
        let one =
            |kind: &str, name: Option<&str>| Purged { kind: kind.into(), name: name.map(str::to_owned) };
        let done = Done { purged: vec![one("tag", Some("a")), one("all", None)], soft: false };
        assert_eq!(said(&done, false), "purged tag a: gone\npurged all: gone\n");
        let done = Done { purged: vec![one("tag", Some("a"))], soft: true };
        assert_eq!(said(&done, false), "purged tag a: stale from now on\n");
        assert_eq!(said(&done, true), "{\"purged\":[{\"kind\":\"tag\",\"name\":\"a\"}],\"soft\":true}\n");
    }
}
