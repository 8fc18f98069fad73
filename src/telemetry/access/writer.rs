//! Where the lines go: standard output, or a file that may be moved away under our eyes.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
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
    /// Whether the last attempt to write failed: said once, and not for every line.
    has_failed: bool,
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
        let rotation = Rotation::default();
        Ok((Self { place, rotation: rotation.clone(), has_failed: false }, rotation))
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

    fn note<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        let has_failed = done.is_err();
        if let Err(error) = &done
            && !self.has_failed
        {
            tracing::error!(%error, "the access log cannot be written");
        }
        self.has_failed = has_failed;
        done
    }
}

fn opened(path: PathBuf) -> io::Result<BufWriter<File>> {
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
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = match &mut self.place {
            Place::Stdout(out) => out.flush(),
            Place::File { file, .. } => file.flush(),
        };
        self.note(flushed)
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
