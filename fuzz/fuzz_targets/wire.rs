//! See `plimsoll_fuzz::wire`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::wire::check(input));
