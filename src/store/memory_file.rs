//! Files that are only memory, where the system has them and can send from them: Linux. Elsewhere there are none, and
//! nothing depends on them.

use std::fs::File;

#[cfg(target_os = "linux")]
use rustix::{
    fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create},
    process::{Resource, getrlimit},
};

/// An empty file that is only memory.
#[cfg(target_os = "linux")]
pub(super) fn create() -> Option<File> {
    // A process that may write files of a certain size only is killed by one that grows larger.
    if getrlimit(Resource::Fsize).current.is_some() {
        return None;
    }
    let create = |flags| memfd_create("stored bodies", MemfdFlags::CLOEXEC | flags).ok();
    // Kernels before 6.3 do not know the flag, and later ones can be told to insist on it.
    create(MemfdFlags::NOEXEC_SEAL).or_else(|| create(MemfdFlags::empty())).map(File::from)
}

/// Gives these bytes of the file back to the system.
#[cfg(target_os = "linux")]
pub(super) fn cut_out(file: &File, at: u64, len: u64) {
    // It fails for a file that is no file of memory, and this is one.
    let _ = fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, at, len);
}

/// The bytes of memory that the system hands out at a time.
pub(super) fn page_size() -> u64 {
    rustix::param::page_size() as u64
}

#[cfg(not(target_os = "linux"))]
pub(super) fn create() -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn cut_out(_: &File, _: u64, _: u64) {}
