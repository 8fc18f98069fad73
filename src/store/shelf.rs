//! Where large stored bodies lie that are asked for often: a file that is only memory. The kernel sends them from there as
//! they are, where bytes of our own would be copied for every client.
//!
//! No place is used twice: the file only grows longer, and is cut out wherever a body is gone. Nor is a page that is cut
//! out ever written to again, however late a socket sends it: its memory is free when that is done. A place is as large as
//! the largest page that a system may use for such a file. From a page that was partly another's, the system would not cut
//! a part out, but overwrite it with zeros, and that is what clients would get.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;

use super::{
    body::{ARC_COUNTS, SEGMENT, StoredBody},
    budget::{Budget, Charge, allocation},
    memory_file,
};

/// The size in bytes from which on bodies are better there: below it, a copy for each client costs no more than a second
/// call of the system.
pub(super) const SHELVED_FROM: u64 = SEGMENT as u64;
/// The hit from which on. To copy a body there takes about as long as so many hits are faster by, so what few ask for
/// is left where it is, and what many ask for has cost no more than twice the least.
pub(super) const OFTEN: u32 = 6;
/// How many segments are copied to it before others get their turn.
const COPIED_AT_ONCE: usize = 8;

/// The file, once there is something for it.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    opened: OnceLock<Option<Arc<Opened>>>,
}

#[derive(Debug)]
struct Opened {
    file: File,
    /// Where the next body may lie.
    end: AtomicU64,
    /// Places begin at multiples of so many bytes. What lies between two bodies is not there and takes no memory.
    place: u64,
}

impl Shelf {
    /// A place for a body of so many bytes, counted in this budget. None where the system has no such files, or keeps
    /// them to a size.
    fn place(&self, budget: &Arc<Budget>, len: u64) -> Option<Shelved> {
        let opened = self.opened.get_or_init(|| memory_file::create().map(Opened::new)).as_ref()?;
        let at = opened.end.fetch_add(opened.space_for(len), Ordering::Relaxed);
        let counted =
            len.next_multiple_of(memory_file::page()) + allocation(size_of::<Shelved>() + ARC_COUNTS);
        let charge = budget.charge(counted);
        Some(Shelved { opened: Arc::clone(opened), at, len, charge })
    }
}

impl Opened {
    fn new(file: File) -> Arc<Self> {
        Arc::new(Self { file, end: AtomicU64::new(0), place: memory_file::largest_page() })
    }

    /// The bytes of the file that belong to a body of so many.
    const fn space_for(&self, len: u64) -> u64 {
        len.next_multiple_of(self.place)
    }
}

/// A place on the shelf, and what lies there. It is given up when this is dropped.
#[derive(Debug)]
pub(super) struct Shelved {
    opened: Arc<Opened>,
    at: u64,
    len: u64,
    charge: Charge,
}

impl Shelved {
    /// The length in bytes.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The bytes of memory that it is counted with.
    pub(super) fn counted_bytes(&self) -> u64 {
        self.charge.bytes()
    }

    /// The file, and where in it a position of the body is.
    pub(super) fn in_file(&self, position: u64) -> (&File, u64) {
        (&self.opened.file, self.at + position)
    }

    /// Puts bytes of the body to their position. They are within its length.
    fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.opened.file.write_all_at(bytes, self.at + position)
    }

    /// A copy of what is at this position, of so many bytes.
    pub(super) fn read(&self, position: u64, len: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; len];
        self.opened.file.read_exact_at(&mut bytes, self.at + position)?;
        Ok(bytes.into())
    }
}

impl Drop for Shelved {
    fn drop(&mut self) {
        memory_file::cut_out(&self.opened.file, self.at, self.opened.space_for(self.len));
    }
}

/// A body that is being copied to the shelf, in steps: a large one takes longer than other requests should have to wait.
#[derive(Debug)]
pub struct Shelving {
    from: StoredBody,
    to: Shelved,
    /// How many segments are copied.
    copied: usize,
}

impl Shelving {
    /// Begins with a body that is large enough to be better there. None where it is not, or has no room there.
    pub(super) fn of(body: &StoredBody, shelf: &Shelf, budget: &Arc<Budget>) -> Option<Self> {
        let is_for_it = body.len() >= SHELVED_FROM && body.shelved().is_none();
        if !is_for_it || !budget.has_spare() || !budget.has_room(body.len()) {
            return None;
        }
        Some(Self { to: shelf.place(budget, body.len())?, from: body.clone(), copied: 0 })
    }

    /// Copies a little more, and says whether that was all.
    ///
    /// # Errors
    /// The system has no memory for it. The body is what it was.
    pub fn step(&mut self) -> io::Result<bool> {
        let rest = self.from.segments().get(self.copied..).unwrap_or_default();
        for segment in rest.iter().take(COPIED_AT_ONCE) {
            self.to.write((self.copied * SEGMENT) as u64, segment)?;
            self.copied += 1;
        }
        Ok(rest.len() <= COPIED_AT_ONCE)
    }

    /// The body on the shelf, once all of it is copied.
    pub fn finish(self) -> StoredBody {
        StoredBody::of_shelved(self.to)
    }
}
