//! See `plimsoll_fuzz::config`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::config::check(input));
