//! `plimsoll origin`: runs the sample origin.

use std::{io, net::SocketAddr, process::ExitCode};

use clap::Args;
use tokio::{runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    config::address_of_flag,
    origin::{Options, bind_instances, serve},
};

/// Run the sample origin: an API with one endpoint for each kind of statefulness
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  plimsoll origin --listen 127.0.0.1:3000 --instances 2\n\n\
    GET / is a page of links, users and request bodies.")]
pub struct OriginArgs {
    /// The address to listen on; with several instances, the first of consecutive ports
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:3000", value_parser = address_of_flag)]
    pub listen: SocketAddr,
    /// How many independent copies to run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub instances: u16,
    /// Send correct Cache-Control, Vary, `ETag` and Last-Modified on everything
    #[arg(long)]
    pub honest: bool,
}

/// Runs the command.
pub fn run(args: &OriginArgs) -> ExitCode {
    let ran = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(run_instances(args)));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::could_not_start(&error),
    }
}

async fn run_instances(args: &OriginArgs) -> io::Result<()> {
    let stop = CancellationToken::new();
    let mut instances = JoinSet::new();
    for listener in bind_instances(args.listen, args.instances).await? {
        super::print(&format!("origin: http://{}\n", listener.local_addr()?));
        let options = Options { honest: args.honest, ..Options::default() };
        instances.spawn(serve(listener, options, stop.clone().cancelled_owned()));
    }
    super::told_to_stop().await?;
    stop.cancel();
    while let Some(ended) = instances.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    Ok(())
}
