//! See `plimsoll_fuzz::target`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::target::check(input));
