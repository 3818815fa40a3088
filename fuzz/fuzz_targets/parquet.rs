//! Data as parquet. What the parquet crate panics on is caught and reported as damage, so a panic is a
//! finding only if it comes through.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| maso_fuzz::data(bytes, None)
);
