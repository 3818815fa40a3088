//! The two layouts of a tile, units or rows across lanes: residual blocks whose sums end a convolution or
//! a matrix, at numbers of rows that take one layout or the other.

mod common;

use std::sync::Arc;

use common::{Builder, Random, check_tiers, list, run, slow};
use maso_core::graph::Attribute;
use maso_core::{Evaluator, Network};

/// A convolution that keeps the plane.
fn convolution(b: &mut Builder, r: &mut Random, x: &str, channels: usize, groups: usize) -> String {
    let weight = b.floats(
        &[channels, channels / groups, 3, 3],
        r.numbers(channels * channels / groups * 9).iter().map(|w| w * 0.25).collect(),
    );
    let bias = b.floats(&[channels], r.numbers(channels));
    let attributes = [("pads", list(&[1; 4])), ("group", Attribute::Int(groups as i64))];
    b.node_with("Conv", &[x, &weight, &bias], &attributes)
}

/// One of the splines that a step can end with.
fn spline(b: &mut Builder, r: &mut Random, x: &str, channels: usize) -> String {
    match r.below(5) {
        0 => b.node("Relu", &[x]),
        1 => {
            let slope = b.floats(&[channels, 1, 1], r.numbers(channels));
            b.node("PRelu", &[x, &slope])
        }
        2 => {
            let (low, high) = (b.floats(&[], vec![-0.5]), b.floats(&[], vec![0.75]));
            b.node("Clip", &[x, &low, &high])
        }
        3 => b.node("Abs", &[x]),
        _ => x.to_owned(),
    }
}

/// A stem and some blocks x ± conv(x), with convolutions, projections and splines in between; then a
/// matrix with a branch of its own.
fn residual_network(seed: u64) -> Network {
    let mut r = Random(seed * 7 + 1);
    let channels = [1, 2, 4, 6, 9, 16][r.below(6)];
    let (height, width) = (r.from(3, 7), r.from(3, 7));
    let mut b = Builder::new(None, &[channels, height, width]);
    let mut x = "x".to_owned();
    for _ in 0..r.from(1, 3) {
        let groups = if channels % 2 == 0 && r.below(3) == 0 { 2 } else { 1 };
        let own = convolution(&mut b, &mut r, &x, channels, groups);
        let other =
            if r.below(3) == 0 { convolution(&mut b, &mut r, &x, channels, 1) } else { x.clone() };
        let (first, second) = if r.below(2) == 0 { (&own, &other) } else { (&other, &own) };
        let sum = b.node(["Add", "Sub"][r.below(2)], &[first, second]);
        x = spline(&mut b, &mut r, &sum, channels);
        if r.below(4) == 0 {
            // A second reader of the sum, which then must be kept.
            x = b.node("Max", &[&x, &sum]);
        }
    }
    if r.below(2) == 0 {
        let size = [("kernel_shape", list(&[2, 2])), ("pads", list(&[0, 1, 1, 0]))];
        x = b.node_with(["MaxPool", "AveragePool"][r.below(2)], &[&x], &size);
    }
    let flat = b.node("Flatten", &[&x]);
    let len = channels * height * width;
    let matrix = |b: &mut Builder, r: &mut Random| {
        let weight = b.floats(&[len, 5], r.numbers(len * 5).iter().map(|w| w * 0.125).collect());
        b.node("MatMul", &[&flat, &weight])
    };
    let (first, second) = (matrix(&mut b, &mut r), matrix(&mut b, &mut r));
    let sum = b.node(["Add", "Sub"][r.below(2)], &[&first, &second]);
    let end = b.node("Relu", &[&sum]);
    b.network(&end)
}

#[test]
fn sums_that_end_a_step_equal_the_slow_evaluation() {
    for seed in 0..120 {
        let network = residual_network(seed);
        for count in [1, 11] {
            let rows = Random(seed).numbers(count * network.input().len());
            check_tiers(network.clone(), &rows, &format!("network {seed}, {count} rows"));
        }
    }
}

#[test]
fn rows_of_a_tile_that_is_not_full_are_not_mixed_up() {
    let network = Arc::new(residual_network(3));
    let width = network.input().len();
    for count in [7, 8, 9, 16, 31, 32, 33, 63, 65, 100] {
        let rows = Random(count as u64).numbers(count * width);
        let evaluator = Evaluator::new(Arc::clone(&network));
        let expected = slow(&network, &rows, evaluator.tier().rounding());
        assert_eq!(run(&evaluator, &rows), expected, "{count} rows");
    }
}
