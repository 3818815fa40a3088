//! The affine map of a region: known answers, and random networks against the frozen network itself.

mod common;

use common::networks::random_network;
use common::{Builder, Random, list};
use maso_core::graph::Attribute;
use maso_core::linearize::PointError;
use maso_core::network::Operator;
use maso_core::{Frozen, Matrix, Network};

/// The network N1 of the oracles: 2-3-2, ReLU between.
fn n1() -> Network {
    let mut b = Builder::new(None, &[2]);
    let w1 = b.floats(&[2, 3], vec![1.0, 1.0, -1.0, 1.0, -1.0, 2.0]);
    let b1 = b.floats(&[3], vec![0.0, 1.0, -1.0]);
    let w2 = b.floats(&[3, 2], vec![1.0, 0.0, -1.0, 1.0, 2.0, 1.0]);
    let b2 = b.floats(&[2], vec![1.0, -2.0]);
    let z = b.node("Gemm", &["x", &w1, &b1]);
    let h = b.node("Relu", &[&z]);
    let y = b.node("Gemm", &[&h, &w2, &b2]);
    b.network(&y)
}

/// A by its definition, column after column: F(eᵢ) − F(0) of the frozen network.
fn slow_matrix(frozen: &Frozen<'_>) -> Matrix {
    let (outputs, inputs) = (frozen.outputs(), frozen.inputs());
    let origin = frozen.offset();
    let mut matrix = Matrix::zeros(outputs, inputs);
    for i in 0..inputs {
        let mut e = vec![0.0; inputs];
        e[i] = 1.0;
        let column = frozen.apply(&e);
        (0..outputs).for_each(|o| matrix.row_mut(o)[i] = column[o] - origin[o]);
    }
    matrix
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

fn assert_close(a: &[f64], b: &[f64], scale: f64, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}: lengths");
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() <= 1e-11 * (1.0 + scale), "{what}: number {i} is {a}, expected {b}");
    }
}

/// A point, and the value, the matrix and the offset there.
type KnownMap = ([f64; 2], [f64; 2], [f64; 4], [f64; 2]);

#[test]
fn known_maps_of_a_small_network() {
    let network = n1();
    let cases: [KnownMap; 3] = [
        ([2.0, 1.0], [2.0, 0.0], [0.0, 2.0, 1.0, -1.0], [0.0, -1.0]),
        ([-1.0, -1.0], [0.0, -1.0], [-1.0, 1.0, 1.0, -1.0], [0.0, -1.0]),
        ([0.0, 2.0], [9.0, 1.0], [-1.0, 5.0, -1.0, 2.0], [-1.0, -3.0]),
    ];
    for (x, value, matrix, offset) in cases {
        let map = network.linearize(&x).expect("a point");
        assert_eq!(map.value(), value, "at {x:?}");
        assert_eq!(map.matrix().numbers(), matrix, "at {x:?}");
        assert_eq!(map.offset(), offset, "at {x:?}");
        assert_eq!(map.apply(&x), value, "at {x:?}");
        let again = network.freeze(&map.code()).expect("its own code");
        assert_eq!(again.matrix(), map.matrix(), "frozen from the code at {x:?}");
    }
    let hidden = network.layout().layers()[0].node();
    let before = network.node(hidden).inputs[0];
    let map = network.linearize(&[2.0, 1.0]).expect("a point");
    assert_eq!(map.trace().values[before.index()], [3.0, 2.0, -1.0], "pre-activations");
    assert_eq!(map.code(), [0b011], "the code");
    let to_before = map.frozen().to(before).matrix();
    assert_eq!(to_before.numbers(), [1.0, 1.0, 1.0, -1.0, -1.0, 2.0], "the first matrix");
    let to_hidden = map.to(hidden);
    assert_eq!(to_hidden.matrix().numbers(), [1.0, 1.0, 1.0, -1.0, 0.0, 0.0], "unit 2 is off");
    assert_eq!(to_hidden.offset(), [0.0, 1.0, 0.0], "unit 2 is off");
}

#[test]
fn a_convolution_and_a_pool() {
    let mut b = Builder::new(None, &[1, 5]);
    let (kernel, bias) = (b.floats(&[1, 1, 2], vec![1.0, -2.0]), b.floats(&[1], vec![0.5]));
    let z = b.node("Conv", &["x", &kernel, &bias]);
    let h = b.node("Relu", &[&z]);
    let y = b.node_with("MaxPool", &[&h], &[("kernel_shape", list(&[2])), ("strides", list(&[2]))]);
    let network = b.network(&y);
    let map = network.linearize(&[1.0, 3.0, 2.0, -1.0, 0.0]).expect("a point");
    assert_eq!(map.value(), [0.0, 4.5], "the value");
    let second = [0.0, 0.0, 1.0, -2.0, 0.0];
    assert_eq!(map.matrix().row(0), [0.0; 5], "both candidates are off");
    assert_eq!(map.matrix().row(1), second, "the winner's row");
    assert_eq!(map.offset(), [0.0, 0.5], "the offset");
}

#[test]
fn clip_is_the_difference_of_two_hinges() {
    let mut b = Builder::new(None, &[1]);
    let (low, high) = (b.floats(&[], vec![-1.0]), b.floats(&[], vec![1.0]));
    let y = b.node("Clip", &["x", &low, &high]);
    let network = b.network(&y);
    for u in [-3.0f64, -1.0, -0.25, 0.0, 1.0, 1.5] {
        let map = network.linearize(&[u]).expect("a point");
        let expected = (u + 1.0).max(0.0) - (u - 1.0).max(0.0) - 1.0;
        assert_eq!(map.value(), [expected], "clip({u})");
        let inside = u > -1.0 && u <= 1.0;
        assert_eq!(map.matrix().numbers(), [f64::from(u8::from(inside))], "slope at {u}");
    }
}

#[test]
fn maps_of_random_networks_are_the_frozen_network() {
    for seed in 0..120 {
        let network = random_network(seed);
        let mut random = Random(seed ^ 0x5eed);
        let inputs = network.input().len();
        let x: Vec<f64> = random.numbers(inputs).into_iter().map(f64::from).collect();
        let what = format!("network {seed}");
        let map = network.linearize(&x).expect("a point");
        let nodes = network.nodes().len();
        let targets = [network.output().index(), random.below(nodes), random.below(nodes)];
        for target in targets {
            let target = network.node_ids().nth(target).expect("a node");
            let map = map.clone().to(target);
            if map.outputs() > 600 {
                continue;
            }
            check_map(&map, &x, &mut random, &what);
        }
    }
}

/// Everything that a linearisation offers agrees with the definition.
fn check_map(map: &maso_core::Linearization<'_>, x: &[f64], random: &mut Random, what: &str) {
    let (outputs, inputs) = (map.outputs(), map.inputs());
    let scale = largest(map.value());
    assert_close(&map.apply(x), map.value(), scale, &format!("{what}: F(x)"));
    let (matrix, offset) = (map.matrix(), map.offset());
    let slow = slow_matrix(map.frozen());
    let size = largest(slow.numbers()) + largest(&offset);
    assert_close(matrix.numbers(), slow.numbers(), size, &format!("{what}: A"));
    let sums: Vec<f64> = matrix.times(x).iter().zip(&offset).map(|(a, b)| a + b).collect();
    assert_close(&sums, map.value(), inputs as f64 * size, &format!("{what}: A x + b"));
    let v: Vec<f64> = random.numbers(inputs).into_iter().map(f64::from).collect();
    let u: Vec<f64> = random.numbers(outputs).into_iter().map(f64::from).collect();
    let (jvp, vjp) = (map.jvp(&v), map.vjp(&u));
    let bound = (inputs + outputs) as f64 * size;
    assert_close(&jvp, &matrix.times(&v), bound, &format!("{what}: jvp"));
    let adjoint = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (left, right) = (adjoint(&u, &jvp), adjoint(&vjp, &v));
    assert_close(&[left], &[right], bound * inputs as f64, &format!("{what}: adjoint"));
    // The other side than `matrix` chose.
    let mut identity = Matrix::zeros(outputs, outputs);
    (0..outputs).for_each(|i| identity.row_mut(i)[i] = 1.0);
    let pulled = map.pull_back(&identity);
    assert_close(pulled.numbers(), slow.numbers(), size, &format!("{what}: rows"));
}

#[test]
fn operators_and_their_transposes_are_adjoint() {
    for seed in 200..260 {
        let network = random_network(seed);
        let mut random = Random(seed);
        for node in network.nodes() {
            let Operator::Affine(affine) = &node.operator else { continue };
            let input = network.node(node.inputs[0]).len();
            let x: Vec<f64> = random.numbers(input).into_iter().map(f64::from).collect();
            let y: Vec<f64> = random.numbers(node.len()).into_iter().map(f64::from).collect();
            let (mut image, mut origin) = (vec![0.0; node.len()], vec![0.0; node.len()]);
            affine.apply(&x, &mut image);
            affine.apply(&vec![0.0; input], &mut origin);
            let bias: Vec<f64> = (0..node.len()).map(|unit| affine.bias(unit)).collect();
            assert_eq!(origin, bias, "network {seed}: {}: the image of 0", node.name);
            let mut pulled = vec![0.0; input];
            affine.apply_transposed(&y, &mut pulled);
            let left: f64 = (0..node.len()).map(|i| (image[i] - origin[i]) * y[i]).sum();
            let right: f64 = pulled.iter().zip(&x).map(|(a, b)| a * b).sum();
            let size = largest(&image) * node.len() as f64;
            assert!((left - right).abs() <= 1e-11 * (1.0 + size), "network {seed}: {}", node.name);
        }
    }
}

#[test]
fn norms_exactly_and_by_probes() {
    let network = n1();
    let map = network.linearize(&[0.0, 2.0]).expect("a point");
    assert_eq!(map.squared_norm(), 1.0 + 25.0 + 1.0 + 4.0, "the sum of squares");
    let estimate = map.estimate_squared_norm(4000, 7);
    let error = (estimate.mean - 31.0).abs();
    assert!(estimate.standard_error > 0.0 && error < 5.0 * estimate.standard_error, "{estimate:?}");
    // One row alone: every sign gives the norm itself.
    let mut b = Builder::new(None, &[3]);
    let w = b.floats(&[3, 1], vec![1.0, -2.0, 3.0]);
    let y = b.node("MatMul", &["x", &w]);
    let one = b.network(&y);
    let estimate = one.linearize(&[0.0; 3]).expect("a point").estimate_squared_norm(3, 1);
    assert_eq!((estimate.mean, estimate.standard_error), (14.0, 0.0), "one row");
}

#[test]
fn bad_points_and_codes_are_refused() {
    let network = n1();
    let error = network.linearize(&[1.0]).expect_err("too short");
    assert_eq!(error, PointError::Length { expected: 2, found: 1 }, "a short point");
    let error = network.linearize(&[1.0, f64::NAN]).expect_err("not a number");
    assert!(matches!(error, PointError::NotFinite { column: 1, .. }), "{error}");
    let error = network.linearize(&[1e308, 1e308]).expect_err("too large");
    assert!(matches!(error, PointError::Overflow { .. }), "{error}");
    assert!(network.freeze(&[]).is_none(), "a code of no words");
    let mut b = Builder::new(None, &[1]);
    let y = b.node_with("HardSigmoid", &["x"], &[("alpha", Attribute::Float(1.0))]);
    let three = b.network(&y);
    assert!(three.freeze(&[0b10]).is_some(), "the last piece");
    assert!(three.freeze(&[0b11]).is_none(), "a piece that there is not");
}
