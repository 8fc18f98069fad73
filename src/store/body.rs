//! Bodies as copies in segments: exact where they are small, 64 KiB where they are large.
//!
//! What the HTTP engine hands over are slices of its whole read buffer, and a slice of 100 bytes keeps all of that
//! buffer alive. So every byte is copied once when it arrives, and at most once more when its segment is complete.

use std::{
    ops::Range,
    slice,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::{Bytes, BytesMut};

use super::{
    budget::{Budget, Charge, allocation},
    chunks::Chunks,
    shelf::{OFTEN, SHELVED_FROM, Shelved},
};

/// The size of every segment but the last, in bytes.
pub const SEGMENT: usize = 64 * 1024;

/// Received bytes are shared with readers as they are from this size on; fewer are copied for each reader. It bounds
/// the pieces that one segment can fall into, however small the chunks are that it arrives in.
const SHARE_FROM: usize = 4 * 1024;

/// Bodies up to this size have no count of their own. A client that reads one that is not stored any more holds no more
/// of it than its connection holds anyway.
const SMALL: usize = 4 * 1024;

/// A complete body. Clones share it. A large one stays counted in its budget until the last of them is dropped, a small
/// one as long as it is stored: its [`Entry`](super::Entry) counts it.
#[derive(Clone, Debug)]
pub struct StoredBody(Body);

#[derive(Clone, Debug)]
enum Body {
    Small(Bytes),
    Large(Arc<Large>),
}

/// A body that is a large one.
#[derive(Clone, Debug)]
pub(super) struct LargeBody(Arc<Large>);

impl LargeBody {
    /// The bytes of memory that it is counted with.
    pub(super) fn counted_bytes(&self) -> u64 {
        self.0.counted_bytes()
    }
}

impl From<LargeBody> for StoredBody {
    fn from(large: LargeBody) -> Self {
        Self(Body::Large(large.0))
    }
}

#[derive(Debug)]
enum Large {
    Segments {
        segments: Box<[Bytes]>,
        len: u64,
        charge: Charge,
        /// How often it was a hit since it was stored, or since it had no room on the shelf.
        hits: AtomicU32,
    },
    Shelved(Shelved),
}

impl Large {
    const fn len(&self) -> u64 {
        match self {
            Self::Segments { len, .. } => *len,
            Self::Shelved(shelved) => shelved.len(),
        }
    }

    fn counted_bytes(&self) -> u64 {
        match self {
            Self::Segments { charge, .. } => charge.bytes(),
            Self::Shelved(shelved) => shelved.counted_bytes(),
        }
    }
}

impl StoredBody {
    /// A body of no bytes.
    pub fn empty(budget: &Arc<Budget>) -> Self {
        SegmentWriter::new(budget, Some(0)).finish()
    }

    /// A copy of `bytes`.
    pub fn copy_of(budget: &Arc<Budget>, bytes: &[u8]) -> Self {
        let mut writer = SegmentWriter::new(budget, Some(bytes.len() as u64));
        writer.push(bytes);
        writer.finish()
    }

    /// The length in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Body::Small(bytes) => bytes.len() as u64,
            Body::Large(large) => large.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of memory that this body is counted with by itself.
    pub fn counted_bytes(&self) -> u64 {
        match &self.0 {
            Body::Small(_) => 0,
            Body::Large(large) => large.counted_bytes(),
        }
    }

    /// The bytes of a small body.
    pub(super) fn small(&self) -> Option<&Bytes> {
        match &self.0 {
            Body::Small(bytes) => Some(bytes),
            Body::Large(_) => None,
        }
    }

    /// A small body, whose bytes are somewhere else.
    pub(super) fn of_small(bytes: Bytes) -> Self {
        Self(Body::Small(bytes))
    }

    /// A body on the shelf.
    pub(super) fn of_shelved(shelved: Shelved) -> Self {
        Self(Body::Large(Arc::new(Large::Shelved(shelved))))
    }

    /// Where it lies on the shelf, if it does.
    pub(super) fn shelved(&self) -> Option<&Shelved> {
        match &self.0 {
            Body::Large(large) => match &**large {
                Large::Shelved(shelved) => Some(shelved),
                Large::Segments { .. } => None,
            },
            Body::Small(_) => None,
        }
    }

    /// Counts a hit, and says whether it is the one from which on this body had better be on the shelf.
    pub fn count_hit(&self) -> bool {
        self.hits().is_some_and(|hits| hits.fetch_add(1, Ordering::Relaxed) + 1 == OFTEN)
    }

    /// Counts hits from none again.
    pub fn count_anew(&self) {
        if let Some(hits) = self.hits() {
            hits.store(0, Ordering::Relaxed);
        }
    }

    fn hits(&self) -> Option<&AtomicU32> {
        match &self.0 {
            Body::Large(large) => match &**large {
                Large::Segments { hits, len, .. } => Some(hits).filter(|_| *len >= SHELVED_FROM),
                Large::Shelved(_) => None,
            },
            Body::Small(_) => None,
        }
    }

    /// This body, where it is large.
    pub(super) fn into_large(self) -> Option<LargeBody> {
        match self.0 {
            Body::Small(_) => None,
            Body::Large(large) => Some(LargeBody(large)),
        }
    }

    /// The segments in order; all but the last are [`SEGMENT`] bytes. A body on the shelf has none.
    pub fn segments(&self) -> &[Bytes] {
        match &self.0 {
            Body::Small(bytes) => slice::from_ref(bytes),
            Body::Large(large) => match &**large {
                Large::Segments { segments, .. } => segments,
                Large::Shelved(_) => &[],
            },
        }
    }

    /// The bytes of `range`, cut to what exists: cheap slices of the segments, or copies of what lies on the shelf. The
    /// iterator keeps the body alive and counted: hold it, not only the slices, while a client reads.
    pub fn chunks(&self, range: Range<u64>) -> Chunks {
        let end = range.end.min(self.len());
        Chunks::new(self.clone(), range.start.min(end), end)
    }

    /// All of its bytes.
    pub fn into_chunks(self) -> Chunks {
        let end = self.len();
        Chunks::new(self, 0, end)
    }

    /// From `at` to the end of its segment; none at or after the end, nor of a body on the shelf.
    pub(super) fn chunk_at(&self, at: u64) -> Option<Bytes> {
        let (index, offset) = locate(at);
        let segment = self.segments().get(index)?;
        (offset < segment.len()).then(|| segment.slice(offset..))
    }
}

/// The first `most` bytes of `chunk`.
pub(super) fn cut(chunk: Bytes, most: u64) -> Bytes {
    match usize::try_from(most) {
        Ok(most) if most < chunk.len() => chunk.slice(..most),
        _ => chunk,
    }
}

/// The segment of a position, and the offset in it.
pub(super) fn locate(at: u64) -> (usize, usize) {
    let segment = SEGMENT as u64;
    // A position beyond what can be addressed is beyond every body.
    let index = usize::try_from(at / segment).unwrap_or(usize::MAX);
    (index, usize::try_from(at % segment).unwrap_or(0))
}

/// Takes frames and makes segments of them.
#[derive(Debug)]
pub struct SegmentWriter {
    full: Vec<Bytes>,
    tail: Tail,
    /// What is still expected, where the length was announced.
    expected: u64,
    charge: Charge,
}

impl SegmentWriter {
    /// An empty body. `expected` is its length where that is known, so that a small one is one exact allocation.
    pub fn new(budget: &Arc<Budget>, expected: Option<u64>) -> Self {
        Self {
            full: Vec::new(),
            tail: Tail::default(),
            expected: expected.unwrap_or(0),
            charge: budget.charge(0),
        }
    }

    /// How many bytes were pushed.
    pub fn len(&self) -> u64 {
        self.full.len() as u64 * SEGMENT as u64 + self.tail.len as u64
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies `frame` to the end.
    pub fn push(&mut self, mut frame: &[u8]) {
        while !frame.is_empty() {
            let (now, later) = frame.split_at(frame.len().min(SEGMENT - self.tail.len));
            self.tail.append(now, usize::try_from(self.expected).unwrap_or(usize::MAX));
            self.expected = self.expected.saturating_sub(now.len() as u64);
            if self.tail.len == SEGMENT {
                self.full.push(std::mem::take(&mut self.tail).into_segment());
            }
            frame = later;
        }
        let listed = allocation(self.full.capacity() * size_of::<Bytes>());
        self.charge.set(self.full.len() as u64 * allocation(SEGMENT) + listed + self.tail.resident);
    }

    /// From `at` on, as much as is at hand in one piece; none where nothing is.
    pub(super) fn chunk_at(&mut self, at: u64) -> Option<Bytes> {
        let (index, offset) = locate(at);
        match self.full.get(index) {
            Some(segment) => Some(segment.slice(offset..)),
            None if index == self.full.len() => self.tail.chunk_at(offset),
            None => None,
        }
    }

    /// Everything so far, with an empty body left in its place.
    pub(super) fn take(&mut self) -> Self {
        let empty = Self::new(self.charge.budget(), None);
        std::mem::replace(self, empty)
    }

    pub(super) fn into_charge(self) -> Charge {
        self.charge
    }

    /// The whole body, its last segment cut to its exact size.
    pub fn finish(self) -> StoredBody {
        let Self { mut full, tail, mut charge, .. } = self;
        let len = full.len() as u64 * SEGMENT as u64 + tail.len as u64;
        if tail.len > 0 {
            full.push(tail.into_segment());
        }
        if len <= SMALL as u64 {
            return StoredBody(Body::Small(full.pop().unwrap_or_default()));
        }
        let segments = full.into_boxed_slice();
        let list =
            allocation(size_of_val::<[Bytes]>(&segments)) + allocation(size_of::<Large>() + ARC_COUNTS);
        charge.set(list + segments.iter().map(|segment| shared(segment.len())).sum::<u64>());
        StoredBody(Body::Large(Arc::new(Large::Segments { segments, len, charge, hits: AtomicU32::new(0) })))
    }
}

/// The two counters in front of what an `Arc` holds.
pub(super) const ARC_COUNTS: usize = 2 * size_of::<usize>();

/// What `Bytes` allocates beside its buffer as soon as it is cloned for the first time.
const SHARED: u64 = allocation(3 * size_of::<usize>());

/// What `Bytes` of this length take, in bytes.
pub(super) fn shared(len: usize) -> u64 {
    if len == 0 { 0 } else { allocation(len) + SHARED }
}

/// The segment that is being received.
#[derive(Debug, Default)]
struct Tail {
    /// What was shared with readers, in order.
    pieces: Vec<Bytes>,
    /// What came after that, and room for more in the same allocation.
    fresh: BytesMut,
    /// The length of both.
    len: usize,
    /// What was allocated for this segment.
    resident: u64,
}

impl Tail {
    /// Copies `bytes`, which fit into the segment. `expected` counts them and what will follow them.
    fn append(&mut self, bytes: &[u8], expected: usize) {
        let room = self.fresh.capacity() - self.fresh.len();
        let (fits, rest) = bytes.split_at(room.min(bytes.len()));
        self.fresh.extend_from_slice(fits);
        self.len += fits.len();
        if !rest.is_empty() {
            self.share();
            // A first frame gets an exact allocation; after that the sizes double, so that a segment has few of them.
            let wanted = rest.len().max(expected - fits.len().min(expected)).max(self.len);
            let size = wanted.min(SEGMENT - self.len);
            self.fresh = BytesMut::with_capacity(size);
            self.resident += allocation(size) + SHARED + size_of::<Bytes>() as u64;
            self.fresh.extend_from_slice(rest);
            self.len += rest.len();
        }
    }

    /// Moves what was received since the last time to the pieces.
    fn share(&mut self) {
        if self.fresh.len() == self.fresh.capacity() {
            // Nothing more goes into this allocation, so it can be given away whole.
            let whole = std::mem::take(&mut self.fresh);
            if !whole.is_empty() {
                self.pieces.push(whole.freeze());
            }
        } else if !self.fresh.is_empty() {
            self.pieces.push(self.fresh.split().freeze());
        }
    }

    fn chunk_at(&mut self, offset: usize) -> Option<Bytes> {
        if offset >= self.len {
            return None;
        }
        let shared = self.len - self.fresh.len();
        if offset >= shared {
            if self.fresh.len() < SHARE_FROM {
                return self.fresh.get(offset - shared..).map(Bytes::copy_from_slice);
            }
            self.share();
        }
        let mut start = 0;
        for piece in &self.pieces {
            if offset < start + piece.len() {
                return Some(piece.slice(offset - start..));
            }
            start += piece.len();
        }
        None
    }

    /// Everything in one exact allocation: the one there is, where it is exact, or else a copy.
    fn into_segment(mut self) -> Bytes {
        let exact = allocation(self.len) + SHARED + size_of::<Bytes>() as u64;
        if self.pieces.is_empty() && self.fresh.capacity() == self.fresh.len() {
            return self.fresh.freeze();
        }
        self.share();
        if self.resident == exact && self.pieces.len() == 1 {
            return self.pieces.swap_remove(0);
        }
        let mut whole = Vec::with_capacity(self.len);
        for piece in &self.pieces {
            whole.extend_from_slice(piece);
        }
        Bytes::from(whole)
    }
}
