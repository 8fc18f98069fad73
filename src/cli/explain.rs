//! `plimsoll explain`: what would happen to a request, and why: by a config without a network, or by a running proxy.

mod text;

use std::{path::PathBuf, process::ExitCode};

use bytes::Bytes;
use clap::Args;
use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use serde::Serialize;

use super::{
    COULD_NOT_START,
    admin_client::{AdminAddress, AdminClient, AdminError, query},
    serve,
};
use crate::{
    config::Config,
    explain::{self, Explanation, GivenAnswer, Live, Question, field},
    observe::{Clock as _, SystemClock},
    semantics::Now,
};
use text::Text;

/// Say what would happen to a request, and why, without a network or by a running proxy
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  plimsoll explain '/product/1234&language=french'\n  \
    plimsoll explain -H 'Cookie: sid=1' --json /my-cart\n  \
    plimsoll explain --status 200 --response 'Set-Cookie: sid=1' /product/1234\n  \
    plimsoll explain --admin 127.0.0.1:9090 http://localhost:8080/product/1234\n\n\
    With --admin a running proxy answers, and says besides what is stored and what would happen now. \
    PLIMSOLL_ADMIN_TOKEN is the token of its admin place, if it wants one.\n\n\
    Exit status: 0 explained; 1 the request would be refused; 2 bad usage, bad config, or no answer from the proxy.")]
pub struct ExplainArgs {
    /// The config file
    #[arg(long, value_name = "FILE", default_value = serve::DEFAULT_CONFIG)]
    pub config: PathBuf,
    /// Ask the running proxy whose admin place is here, and read no config
    #[arg(long, value_name = "ADDR", conflicts_with_all = ["config", "response", "status"])]
    pub admin: Option<AdminAddress>,
    /// A file with the token of the admin place
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub token_file: Option<PathBuf>,
    /// The request's method
    #[arg(short = 'X', long, value_name = "METHOD", default_value = "GET")]
    pub method: Method,
    /// A field of the request; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The request's content
    #[arg(short = 'd', long, value_name = "TEXT", default_value = "")]
    pub data: String,
    /// A field of the origin's answer: says also what would become of it; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    pub response: Vec<(HeaderName, HeaderValue)>,
    /// The status of the origin's answer
    #[arg(long, value_name = "CODE", value_parser = status)]
    pub status: Option<StatusCode>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// The target: a path, or an absolute URL
    #[arg(value_parser = target)]
    pub url: Uri,
}

fn target(text: &str) -> Result<Uri, String> {
    text.parse().map_err(|error| format!("{error}: write a path, or an absolute URL, with %20 for a space"))
}

fn status(text: &str) -> Result<StatusCode, String> {
    let final_status = text.parse().ok().filter(|status: &StatusCode| !status.is_informational());
    final_status.ok_or_else(|| "a status is a number from 200 to 599".to_owned())
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> ExitCode {
    if let Some(address) = &args.admin {
        return match ask(args, address) {
            Ok(live) => show(args, &live, &Text::of_live(&live)),
            Err(error @ AdminError::Refused { status: StatusCode::UNPROCESSABLE_ENTITY, .. }) => {
                refused(&error)
            }
            Err(error) => super::could_not_start(&error),
        };
    }
    let config = match Config::load(&args.config) {
        Ok(loaded) => loaded.config,
        Err(errors) => {
            eprintln!("{errors}");
            return ExitCode::from(COULD_NOT_START);
        }
    };
    match explain(args, &config, SystemClock::start().now()) {
        Ok(explanation) => show(args, &explanation, &Text::of(&explanation)),
        Err(why) => refused(&why),
    }
}

/// Prints an explanation.
fn show(args: &ExplainArgs, explanation: &impl Serialize, text: &Text<'_>) -> ExitCode {
    if !args.json {
        super::print(&text.to_string());
        return ExitCode::SUCCESS;
    }
    match serde_json::to_string_pretty(explanation) {
        Ok(json) => {
            super::print(&format!("{json}\n"));
            ExitCode::SUCCESS
        }
        Err(error) => super::could_not_start(&error),
    }
}

fn refused(why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("plimsoll: {why}");
    ExitCode::FAILURE
}

/// Says what would happen to a request, and to the answer where one is given. The config comes from `config`; the one that
/// `args` name is not read.
///
/// # Errors
/// The request would be refused, with this status and for this reason.
pub fn explain(args: &ExplainArgs, config: &Config, now: Now) -> Result<Explanation, String> {
    let content = Bytes::from(args.data.clone());
    let question =
        Question::new(args.method.clone(), args.url.clone(), args.headers.clone(), content, "localhost")?;
    let given = (args.status.is_some() || !args.response.is_empty()).then(|| GivenAnswer {
        status: args.status.unwrap_or(StatusCode::OK),
        fields: args.response.iter().cloned().collect(),
    });
    explain::explain(&question, given.as_ref(), &config.routes, &serve::proxy_settings(config), now)
        .map_err(explain::would_be_refused)
}

/// Asks the running proxy.
fn ask(args: &ExplainArgs, address: &AdminAddress) -> Result<Live, AdminError> {
    let mut parameters = vec![("method", args.method.to_string()), ("url", args.url.to_string())];
    for (name, value) in &args.headers {
        parameters.push(("header", format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))));
    }
    if !args.data.is_empty() {
        parameters.push(("content", args.data.clone()));
    }
    let mut client = AdminClient::new(address.clone())?;
    if let Some(file) = &args.token_file {
        client = client.with_token_of(file)?;
    }
    super::admin_client::wait_for(client.get(&format!("/api/explain?{}", query(&parameters))))
}
