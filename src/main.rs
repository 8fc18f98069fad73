//! The `plimsoll` command; everything it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Of what is stored in many sizes and evicted again, it gives back what the system's allocator keeps.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Where the system gives huge pages to all who do not refuse them, an idle program is 10 MiB larger. It may also have
    // none to refuse.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    plimsoll::cli::main()
}
