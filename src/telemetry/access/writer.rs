//! Where the lines go: standard output, or a file that may be moved away under our eyes.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    os::unix::fs::FileTypeExt as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::Target;

/// How many bytes are written at once, at most.
const BUFFER: usize = 64 * 1024;

/// The means to have the file opened anew, after it was moved away.
#[derive(Clone, Debug, Default)]
pub struct Rotation(Arc<AtomicBool>);

impl Rotation {
    /// Has it opened anew before the next line is written.
    pub fn reopen(&self) {
        self.0.store(true, Ordering::Release);
    }
}

pub(super) struct Writer {
    place: Place,
    rotation: Rotation,
    /// Whether it fails since the last line that was written to its end: said once, and not for every line.
    has_failed: bool,
    /// Lines that it could not take.
    lost: Arc<AtomicU64>,
}

enum Place {
    Stdout(BufWriter<io::Stdout>),
    File { path: PathBuf, file: BufWriter<File> },
}

impl Writer {
    pub(super) fn open(target: &Target) -> io::Result<(Self, Rotation)> {
        let place = match target {
            Target::Stdout => Place::Stdout(BufWriter::with_capacity(BUFFER, io::stdout())),
            Target::File(path) => Place::File { path: path.clone(), file: opened(path.clone())? },
        };
        let (rotation, lost) = (Rotation::default(), Arc::default());
        Ok((Self { place, rotation: rotation.clone(), has_failed: false, lost }, rotation))
    }

    /// Opens the file anew if that was asked for. Where it cannot be, the old one goes on.
    fn turn_over(&mut self) {
        if !self.rotation.0.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Place::File { path, file } = &mut self.place {
            match file.flush().and_then(|()| opened(path.clone())) {
                Ok(new) => *file = new,
                Err(error) => {
                    tracing::error!(%error, path = %path.display(), "the access log cannot be opened anew");
                }
            }
        }
    }

    /// How many lines it could not take.
    pub(super) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.lost)
    }

    fn complain(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.has_failed, true) {
            tracing::error!(%error, "the access log cannot be written");
        }
    }
}

fn opened(path: PathBuf) -> io::Result<BufWriter<File>> {
    // Of a pipe, the other end may never be opened, or never be read.
    if let Ok(known) = std::fs::metadata(&path)
        && (known.is_dir() || known.file_type().is_fifo() || known.file_type().is_socket())
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "this is no file that lines can be appended to",
        ));
    }
    let file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(BufWriter::with_capacity(BUFFER, file))
}

impl Write for Writer {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.turn_over();
        let written = match &mut self.place {
            Place::Stdout(out) => out.write(lines),
            Place::File { file, .. } => file.write(lines),
        };
        written.inspect_err(|error| {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.complain(error);
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.place {
            Place::Stdout(out) => out.flush(),
            Place::File { file, .. } => file.flush(),
        };
        match &flushed {
            Ok(()) => self.has_failed = false,
            Err(error) => self.complain(error),
        }
        flushed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_opened_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.log");
        std::fs::write(&path, "before\n").unwrap();
        let (mut writer, rotation) = Writer::open(&Target::File(path.clone())).unwrap();
        writer.write_all(b"one\n").unwrap();
        writer.flush().unwrap();
        let moved = directory.path().join("access.log.1");
        std::fs::rename(&path, &moved).unwrap();
        writer.write_all(b"two\n").unwrap();
        rotation.reopen();
        writer.write_all(b"three\n").unwrap();
        writer.flush().unwrap();
        assert_eq!(std::fs::read_to_string(&moved).unwrap(), "before\none\ntwo\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn where_the_file_cannot_be_opened_anew_the_old_one_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join("logs");
        std::fs::create_dir(&folder).unwrap();
        let (mut writer, rotation) = Writer::open(&Target::File(folder.join("access.log"))).unwrap();
        let moved = directory.path().join("moved");
        std::fs::rename(&folder, &moved).unwrap();
        rotation.reopen();
        writer.write_all(b"line\n").unwrap();
        writer.flush().unwrap();
        assert_eq!(std::fs::read_to_string(moved.join("access.log")).unwrap(), "line\n");
    }
}
