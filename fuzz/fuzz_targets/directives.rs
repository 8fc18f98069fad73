//! See `plimsoll_fuzz::directives`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| plimsoll_fuzz::directives::check(input));
