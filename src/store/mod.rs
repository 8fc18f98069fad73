//! Where stored responses live: keys, metadata and bytes, and never policy.
//!
//! The store returns the set of variants under a key; which of them answers a request, and whether it may, is decided
//! by `semantics`. It is synchronous, has no clock (`now` is an argument) and logs nothing. Its parts:
//!
//! - [`Budget`]: one true count of resident bytes, fills included;
//! - [`StoredBody`]: copies in segments of 64 KiB, shared by everybody who reads them, and [`Shelving`], which brings
//!   large ones to where the kernel can send them from;
//! - [`Fill`]: a response that is still being received, its writer and its followers;
//! - [`Entry`] and [`Variants`]: a stored response, and the stored responses of one key;
//! - [`PurgeClock`]: invalidation and purge in constant time;
//! - [`Store`], and [`MemoryStore`], the one tier there is so far;
//! - [`UncacheableMemory`]: which keys proved uncacheable, and why.
//!
//! Every count of bytes here is an estimate of what the allocator hands out, not only of the payload: a cache of small
//! responses that counts payloads alone takes more than twice its capacity.

mod body;
mod budget;
mod chunks;
mod entry;
mod evictions;
mod fill;
mod follower;
mod hash;
mod head;
mod memory;
mod memory_file;
mod purge;
mod shelf;
mod tier;
mod uncacheable;
mod weight;

#[cfg(test)]
mod tests;

pub use body::{SEGMENT, SegmentWriter, StoredBody};
pub use budget::{Budget, Charge, allocation};
pub use chunks::Chunks;
pub use entry::{Ending, Entry, EntryParts, MetaSize, Variants};
pub use evictions::Evictions;
pub use fill::{Fill, FillError, FillWriter, LeaderGone, SealedFill, WHOLE};
pub use follower::Follower;
pub use hash::{KeyHash, KeySeed};
pub use head::HeadBlock;
pub use memory::{MemoryStore, StoreLimits};
pub use purge::{End, Prefix, PurgeClock, Reach, Scope, ScopeId, Stamp, Stamped, Standing};
pub use shelf::Shelving;
pub use tier::{Inserted, Store};
pub use uncacheable::UncacheableMemory;
