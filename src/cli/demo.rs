//! `plimsoll demo`: the sample origin, the proxy and the admin place in one process, and a walk through every system
//! that shows what each level is worth.

mod stage;
mod table;
mod walk;

use std::{io, process::ExitCode, time::Duration};

use clap::Args;
use serde::Serialize;
use tokio::runtime;

use crate::level::Level;
use stage::Stage;

/// How long what is in flight may take to complete at the end.
const DRAIN: Duration = Duration::from_secs(5);

/// Walk through every level with a sample origin, and show what caching is worth
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  plimsoll demo --exit\n\n\
    Exit status: 0 every row behaved as its level demands; 1 one did not; 2 could not start.")]
pub struct DemoArgs {
    /// End after the walk, instead of staying up
    #[arg(long)]
    pub exit: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// One row of the walk: the same request twice, or two that differ in who asks.
#[derive(Clone, Debug, Serialize)]
struct Row {
    system: &'static str,
    request: String,
    /// The level that the row demands; none where the method is not for a cache.
    level: Option<u8>,
    /// What happened on the first and on the second request.
    first: String,
    second: String,
    why: &'static str,
    /// How many requests were made, and how many of them the origin never saw.
    requests: u64,
    saved: u64,
    /// What is not as the level demands.
    wrong: Option<String>,
}

/// Runs the command.
pub fn run(args: &DemoArgs) -> ExitCode {
    let ran = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(demonstrate(args)));
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => super::could_not_start(&error),
    }
}

/// Shows the walk, and says whether every row behaved.
async fn demonstrate(args: &DemoArgs) -> io::Result<bool> {
    let stage = Stage::build().await?;
    let rows = walk::walk(&stage).await?;
    let well = rows.iter().all(|row| row.wrong.is_none());
    if args.json {
        let saved: u64 = rows.iter().map(|row| row.saved).sum();
        let requests: u64 = rows.iter().map(|row| row.requests).sum();
        let whole = serde_json::json!({ "ok": well, "requests": requests, "saved": saved, "rows": rows });
        super::print(&format!("{whole:#}\n"));
    } else {
        super::print(&table::render(&rows, table::Looks::of_stdout()));
    }
    if !args.exit {
        stage.let_time_pass();
        if !args.json {
            super::print(&try_this(&stage));
        }
        super::told_to_stop().await?;
    }
    stage.strike(DRAIN).await;
    Ok(well)
}

/// What to do while it stays up.
fn try_this(stage: &Stage) -> String {
    let proxy = stage.proxy_address();
    let admin = stage.admin_address().map(|admin| format!("\nThe admin place: http://{admin}/api/routes\n"));
    format!(
        "\nEverything stays up. Look at Cache-Status in the answers:\n\n  \
         curl -i http://{proxy}/warehouse/sales/2012\n  \
         curl -i 'http://{proxy}/product/1234&language=french'\n  \
         curl -i http://{proxy}/product/1234\n  \
         curl -i http://{proxy}/my-cart\n  \
         curl -i http://{proxy}/random\n\n\
         Users, fixtures and request bodies: http://{proxy}/\n{}\
         Ctrl-C ends it.\n",
        admin.unwrap_or_default()
    )
}

/// The level's number and name, as the table shows it.
fn level_text(number: Option<u8>) -> String {
    let level = number.and_then(|number| Level::from_number(number.into()));
    level.map_or_else(|| "-".to_owned(), |level| format!("{} {}", level.number(), level.name()))
}
