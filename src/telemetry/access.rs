//! The access log: a line for each request, when its answer is over. A thread of its own writes; where that cannot keep up,
//! lines are lost and counted rather than requests held up.

mod line;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

pub use line::Format;
pub use writer::Rotation;

use crate::observe::{Decision, Unfinished};
use line::Line;
use writer::Writer;

/// How many lines may wait to be written. Their places take memory before there is a single one.
const WAITING: usize = 8 * 1024;

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// The end of this file, which is made where it is not there.
    File(PathBuf),
}

/// An access log.
#[derive(Debug)]
pub struct AccessLog {
    format: Format,
    lines: NonBlocking,
    /// Lines that found no room, and those that could not be written.
    lost: (ErrorCounter, Arc<AtomicU64>),
}

impl AccessLog {
    /// Opens it. It is written to its end until the guard is dropped.
    ///
    /// # Errors
    /// The file cannot be opened for appending.
    pub fn open(format: Format, target: &Target) -> io::Result<(Self, Rotation, WorkerGuard)> {
        let (writer, rotation) = Writer::open(target)?;
        let unwritten = writer.lost();
        let (lines, guard) = NonBlockingBuilder::default()
            .lossy(true)
            .buffered_lines_limit(WAITING)
            .thread_name("access-log")
            .finish(writer);
        let lost = (lines.error_counter(), unwritten);
        Ok((Self { format, lines, lost }, rotation, guard))
    }

    /// How many lines were lost.
    pub fn lost_lines(&self) -> u64 {
        self.lost.0.dropped_lines() as u64 + self.lost.1.load(Ordering::Relaxed)
    }

    pub(super) fn begin(&self, decision: &Decision<'_>) -> Box<dyn Unfinished> {
        Box::new(Line::begin(self.format, decision, self.lines.clone()))
    }
}
