//! Data as csv: all columns, and some by number or name.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    maso_fuzz::data(bytes, None);
    for columns in ["0", "1..", "a,1"] {
        maso_fuzz::columns(bytes, columns);
    }
});
