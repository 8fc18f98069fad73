//! The `plimsoll` command; everything it does is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Of what is stored in many sizes and evicted again, it gives back what the system's allocator keeps.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    plimsoll::cli::main()
}
