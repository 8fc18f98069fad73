//! One true count of the bytes that stored responses and fills in progress keep resident.
//!
//! The count is taken where memory is obtained and given back where it is dropped, not where a table believes that it
//! evicted something: the table's maintenance runs late, and what it has evicted may still be read by a client.

use std::{
    cmp::Ordering::{Equal, Greater, Less},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// How many bytes may be resident, and how many are.
#[derive(Debug)]
pub struct Budget {
    capacity: u64,
    resident: AtomicU64,
}

impl Budget {
    /// A budget of `capacity` bytes, none of them spent.
    pub fn new(capacity: u64) -> Arc<Self> {
        Arc::new(Self { capacity, resident: AtomicU64::new(0) })
    }

    /// Counts `bytes` as resident for as long as the charge lives.
    pub fn charge(self: &Arc<Self>, bytes: u64) -> Charge {
        let mut charge = Charge { budget: Arc::clone(self), bytes: 0 };
        charge.set(bytes);
        charge
    }

    /// The bytes that are resident now.
    pub fn resident(&self) -> u64 {
        self.resident.load(Ordering::Relaxed)
    }

    /// The bytes that may be resident.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Whether more than 1.1 of the capacity is resident: from here on, new responses have to pass unstored.
    ///
    /// The tenth above the capacity is room for fills in progress and for what is evicted but still being read.
    pub fn is_over(&self) -> bool {
        !self.has_room(0)
    }

    /// Whether `bytes` more would leave it at 1.1 of the capacity or below.
    pub fn has_room(&self, bytes: u64) -> bool {
        self.resident().saturating_add(bytes) <= self.limit()
    }

    /// Whether less than half of the room above the capacity is taken: what only makes things faster stops here, so that
    /// it never keeps a response from being stored.
    pub fn has_spare(&self) -> bool {
        self.resident() <= self.capacity.saturating_add(self.capacity / 20)
    }

    /// 1.1 of the capacity.
    pub fn limit(&self) -> u64 {
        self.capacity.saturating_add(self.capacity / 10)
    }
}

/// A number of bytes counted as resident until it is dropped.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    bytes: u64,
}

impl Charge {
    /// The bytes that this charge counts.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The budget that is charged.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// Counts `bytes` from now on, whether that is more or less than before.
    pub fn set(&mut self, bytes: u64) {
        // The counter is only ever read as a number: nothing is published through it, so relaxed order is enough.
        match bytes.cmp(&self.bytes) {
            Greater => self.budget.resident.fetch_add(bytes - self.bytes, Ordering::Relaxed),
            Less => self.budget.resident.fetch_sub(self.bytes - bytes, Ordering::Relaxed),
            // Most frames fit into what is counted already, and the counter is shared by all workers.
            Equal => return,
        };
        self.bytes = bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// What an allocation of `size` bytes really takes, in bytes.
///
/// Eight bytes of the allocator's own, in steps of 16 and at least 32, as in glibc's malloc; others differ by little.
pub const fn allocation(size: usize) -> u64 {
    if size == 0 {
        return 0;
    }
    let with_header = size as u64 + 8;
    let rounded = with_header.div_ceil(16) * 16;
    if rounded < 32 { 32 } else { rounded }
}
