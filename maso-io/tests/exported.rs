//! Networks of PyTorch (both exporters), Keras, scikit-learn and TensorFlow, as their current versions
//! write them, against ONNX Runtime's outputs (`scripts/export_models.py` made both).

#![allow(clippy::print_stderr, reason = "a test run says what it measured")]

mod common;

use std::sync::Arc;

use common::{golden, testdata};
use maso_core::{Evaluator, LowerOptions, Tier};
use maso_io::model;

#[test]
fn forward_equals_onnx_runtime_on_models_of_every_exporter() {
    let mut count = 0;
    for entry in std::fs::read_dir(testdata("exported")).expect("a folder of models") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|ending| ending != "onnx") {
            continue;
        }
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let network = model::load(&path, &LowerOptions::default());
        let network = Arc::new(network.unwrap_or_else(|error| panic!("{name}: {error:?}")));
        let arrays = path.with_extension("npz");
        let [x, y] = ["x", "y"].map(|array| golden(&arrays, array).expect("x and y"));
        let rows: Vec<f32> = x.data.iter().map(|&value| value as f32).collect();
        for tier in Tier::available() {
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            let mut values = vec![0.0; y.data.len()];
            evaluator.forward_into(&rows, &mut values).expect("finite rows");
            let difference = |(&a, &b): (&f32, &f64)| (f64::from(a) - b).abs();
            let largest = y.data.iter().fold(0.0f64, |largest, y| largest.max(y.abs()));
            let worst = values.iter().zip(&y.data).map(difference).fold(0.0, f64::max) / largest;
            // Half-precision sums are rounded at every step by ONNX Runtime, here never.
            let tolerance = if name.starts_with("mlp_half") { 5e-3 } else { 1e-4 };
            assert!(worst <= tolerance, "{name} on {tier}: {worst:.1e} of the largest output");
            eprintln!("{name:26} {tier}: {worst:.1e}");
        }
        count += 1;
    }
    assert!(count >= 27, "found only {count} models");
}
