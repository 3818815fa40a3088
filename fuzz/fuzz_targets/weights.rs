//! Models as weights alone: a stack by the names and shapes of any archive.
#![no_main]

use maso_core::LowerOptions;
use maso_io::model::{ReadOptions, load_bytes};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for stack in ["mlp:relu", "conv:abs:1x9x9"] {
        let mut how = ReadOptions::default();
        how.limits = maso_fuzz::limits();
        how.architecture = stack.parse().ok();
        let _ = load_bytes("fuzz", bytes.to_vec(), &LowerOptions::default(), &how);
    }
});
