//! See `plimsoll_fuzz::structured`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::structured::check(input));
