//! One row at a time: after the first call, nothing is allocated.

mod common;

use common::{Builder, Random, list};
use maso_core::{Evaluator, Network};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn dense() -> Network {
    let mut r = Random(1);
    let mut b = Builder::new(None, &[50]);
    let mut x = "x".to_owned();
    for (depth, units) in [(50, 40), (40, 33), (33, 10)] {
        let weight = b.floats(&[depth, units], r.numbers(depth * units));
        let z = b.node("MatMul", &[&x, &weight]);
        x = b.node("Relu", &[&z]);
    }
    b.network(&x)
}

fn convolutional() -> Network {
    let mut r = Random(2);
    let mut b = Builder::new(None, &[3, 8, 8]);
    let weight = b.floats(&[4, 3, 3, 3], r.numbers(108));
    let z = b.node_with("Conv", &["x", &weight], &[("pads", list(&[1; 4]))]);
    let h = b.node("Relu", &[&z]);
    let y = b.node_with(
        "MaxPool",
        &[&h],
        &[("kernel_shape", list(&[2, 2])), ("strides", list(&[2, 2]))],
    );
    b.network(&y)
}

#[test]
fn one_row_at_a_time_allocates_nothing_after_the_first() {
    for network in [dense(), convolutional()] {
        let (width, words) = (network.input().len(), network.layout().words());
        let outputs: usize = network.output_shape().iter().product();
        let rows = Random(3).numbers(20 * width);
        let (mut code, mut values) = (vec![0; words], vec![0.0; outputs]);
        let (mut products, mut matrix) = (vec![0.0; outputs], vec![0.0; outputs * width]);
        let evaluator = Evaluator::new(network.into());
        let mut call = |row: &[f32]| {
            evaluator.codes_into(row, &mut code).expect("a finite row");
            evaluator.forward_into(row, &mut values).expect("a finite row");
            evaluator.jvp_into(row, row, &mut values, &mut products).expect("a finite row");
            evaluator.jacobians_into(row, &mut matrix, &mut values).expect("a finite row");
        };
        call(&rows[..width]);
        let mut grows = || {
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            rows.chunks_exact(width).for_each(&mut call);
            MEMORY.peak_usage() != before
        };
        // The test's harness shares the memory, and may take some once.
        assert!((0..3).any(|_| !grows()), "rows take memory every time");
    }
}
