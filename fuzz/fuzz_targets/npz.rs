//! Data in an archive: npz.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    maso_fuzz::data(bytes, None);
    maso_fuzz::data(bytes, Some("x"));
});
