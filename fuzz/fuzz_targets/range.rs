//! See `plimsoll_fuzz::range`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::range::check(input));
