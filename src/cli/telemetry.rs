//! Puts the sinks of a running proxy together, as the config says.

use std::{io, path::Path, sync::Arc};

use tokio::signal::unix::Signal;
use tracing_appender::non_blocking::WorkerGuard;

use crate::{
    config::{AccessFormat, Config},
    observe::Sink,
    telemetry::{AccessLog, Events, Format, Metrics, Rotation, Target, Telemetry},
};

/// The access log's thread, and the means to have its file opened anew. What waits to be written is, when this is dropped.
#[derive(Debug)]
pub struct Writing {
    rotation: Rotation,
    _thread: WorkerGuard,
}

/// Opens what the config asks for; `log` is told everything as well.
///
/// # Errors
/// The access log's file cannot be opened.
pub(super) fn open(config: &Config, log: Arc<dyn Sink>) -> io::Result<(Arc<Telemetry>, Option<Writing>)> {
    let metrics = Arc::new(Metrics::new(&config.routes, config.server.workers));
    let (access, writing) = match config.log.access {
        None => (None, None),
        Some(format) => {
            let (access, writing) = open_access(format, config.log.access_file.as_deref())?;
            (Some(access), Some(writing))
        }
    };
    Ok((Arc::new(Telemetry::new(log, metrics, Arc::new(Events::default()), access)), writing))
}

fn open_access(format: AccessFormat, file: Option<&Path>) -> io::Result<(AccessLog, Writing)> {
    let format = match format {
        AccessFormat::Json => Format::Json,
        AccessFormat::Combined => Format::Combined,
    };
    let target = file.map_or(Target::Stdout, |path| Target::File(path.to_owned()));
    let opened = AccessLog::open(format, &target).map_err(|error| {
        let path = file.unwrap_or_else(|| Path::new("standard output"));
        io::Error::new(error.kind(), format!("cannot open {} for the access log: {error}", path.display()))
    });
    let (access, rotation, thread) = opened?;
    Ok((access, Writing { rotation, _thread: thread }))
}

/// Has the access log's file opened anew on each SIGHUP.
pub(super) fn reopen_on_hangup(mut hangup: Signal, writing: Option<&Writing>) {
    let rotation = writing.map(|writing| writing.rotation.clone());
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            if let Some(rotation) = &rotation {
                rotation.reopen();
                tracing::info!("SIGHUP: the access log is opened anew with its next line");
            } else {
                tracing::info!("SIGHUP: there is no access log to be opened anew");
            }
        }
    });
}
