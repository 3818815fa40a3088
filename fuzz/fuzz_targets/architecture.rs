//! Descriptions of layers, over the weights of a small convolutional network.
#![no_main]

use maso_core::LowerOptions;
use maso_io::model::{Architecture, ReadOptions, load_bytes};

const WEIGHTS: &[u8] = include_bytes!("../../testdata/formats/lenet.safetensors");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(architecture) = Architecture::from_json(bytes) else { return };
    let mut how = ReadOptions::default();
    how.limits = maso_fuzz::limits();
    how.architecture = Some(architecture);
    let _ = load_bytes("fuzz", WEIGHTS.to_vec(), &LowerOptions::default(), &how);
});
