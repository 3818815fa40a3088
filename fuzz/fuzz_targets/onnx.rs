//! ONNX models: read, lowered, run on one row.
#![no_main]

use maso_io::model::{onnx, side::NoFiles};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(graph) = onnx::read(bytes, &NoFiles, &maso_fuzz::limits()) {
        maso_fuzz::network(&graph);
    }
});
