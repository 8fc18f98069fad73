//! Files that are only memory, where the system has them and can send from them: Linux. Elsewhere there are none, and
//! nothing depends on them.

use std::fs::File;
#[cfg(target_os = "linux")]
use std::{
    fs,
    os::unix::fs::{FileExt as _, MetadataExt as _},
};

#[cfg(target_os = "linux")]
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};

/// What the system counts the blocks of files in, in bytes.
#[cfg(target_os = "linux")]
const BLOCK: u64 = 512;

/// An empty file that is only memory.
#[cfg(target_os = "linux")]
pub(super) fn create() -> Option<File> {
    // A process that may write files of a certain size only is killed by one that grows larger. The call for that could be
    // one that it may not make, and then would not say so.
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    if !is_unlimited(&limits) {
        return None;
    }
    let create = |flags| memfd_create("stored bodies", MemfdFlags::CLOEXEC | flags).ok();
    // Kernels before 6.3 do not know the flag, and later ones can be told to insist on it.
    let file: File = create(MemfdFlags::NOEXEC_SEAL).or_else(|| create(MemfdFlags::empty()))?.into();
    // A system that uses huge pages for it takes more memory than anybody counts.
    file.write_all_at(&[1], 0).ok()?;
    let taken = file.metadata().ok()?.blocks() * BLOCK;
    cut_out(&file, 0, largest_page());
    (taken == page()).then_some(file)
}

/// Whether files may be of any size, by the kernel's table of a process's limits.
#[cfg(target_os = "linux")]
fn is_unlimited(limits: &str) -> bool {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max file size "));
    line.and_then(|line| line.split_whitespace().next()) == Some("unlimited")
}

/// Gives these bytes of the file back to the system.
#[cfg(target_os = "linux")]
pub(super) fn cut_out(file: &File, at: u64, len: u64) {
    // It fails for a file that is no file of memory, and this is one.
    let _ = fallocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE, at, len);
}

/// The bytes of memory that the system hands out at a time.
pub(super) fn page() -> u64 {
    rustix::param::page_size() as u64
}

/// The most bytes that may ever be one page of such a file, which an operator can ask for at any time: what a page full of
/// references to pages stands for, at eight bytes for each.
pub(super) fn largest_page() -> u64 {
    page() * page() / 8
}

#[cfg(not(target_os = "linux"))]
pub(super) fn create() -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn cut_out(_: &File, _: u64, _: u64) {}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn the_limit_is_the_one_that_counts_now() {
        let table = "Max cpu time              unlimited            unlimited            seconds   \n\
                     Max file size             1024000              unlimited            bytes     \n";
        assert!(!super::is_unlimited(table));
        assert!(super::is_unlimited(&table.replace("1024000", "unlimited")));
        assert!(!super::is_unlimited(""));
    }
}
