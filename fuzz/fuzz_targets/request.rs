//! See `plimsoll_fuzz::request`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::request::check(input));
