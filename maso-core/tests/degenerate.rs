//! Networks in anything but general position: small integers as weights, points on walls, needles, very small and
//! very large scales. What is claimed of them is tried by sampling, or known.

mod common;

use common::oracles::{arrangement, dense, dense_with};
use common::{Builder, Random};
use maso_core::Network;
use maso_core::geometry::{
    Ball, BoundaryDistance, BoundarySearch, Limits, Norm, Output, Region, WallStatus,
};
use maso_core::graph::Attribute;

fn search(network: &Network, x: &[f64], norm: Norm, output: Output) -> BoundaryDistance {
    let search = BoundarySearch { norm, output, deadline: None, most_regions: 2_000 };
    search.run(&network.linearize(x).expect("a point")).expect("finite values")
}

/// A dense network with weights and biases of −1, 0 and 1, and one of seven nonlinearities.
fn integers(r: &mut Random, widths: &[usize]) -> Network {
    let mut layers = Vec::new();
    for pair in widths.windows(2) {
        let mut number = || r.below(3) as f32 - 1.0;
        let rows: Vec<Vec<f32>> =
            (0..pair[1]).map(|_| (0..pair[0]).map(|_| number()).collect()).collect();
        layers.push((rows, (0..pair[1]).map(|_| number()).collect()));
    }
    let kind = r.below(7);
    let float = |name, value| (name, Attribute::Float(value));
    dense_with(&layers, |b, z| match kind {
        0 => b.node("Relu", &[z]),
        1 => b.node("Abs", &[z]),
        2 => {
            let (low, high) = (b.floats(&[], vec![-1.0]), b.floats(&[], vec![1.0]));
            b.node("Clip", &[z, &low, &high])
        }
        3 => b.node_with("LeakyRelu", &[z], &[float("alpha", 0.5)]),
        4 => {
            let (abs, relu) = (b.node("Abs", &[z]), b.node("Relu", &[z]));
            b.node("Min", &[&abs, &relu, z])
        }
        5 => {
            let (negated, relu) = (b.node("Neg", &[z]), b.node("Relu", &[z]));
            let one = b.floats(&[], vec![1.0]);
            b.node("Max", &[&negated, &relu, &one, z])
        }
        _ => b.node_with("Shrink", &[z], &[float("lambd", 1.0), float("bias", 1.0)]),
    })
}

/// A network, a point that is often on walls, and a source of more.
fn case(seed: u64) -> (Network, Vec<f64>, Random) {
    let mut r = Random(seed * 7919 + 13);
    for _ in 0..5 {
        r.below(3);
    }
    let inputs = r.from(1, 3);
    let mut widths = vec![inputs];
    (0..r.from(1, 3)).for_each(|_| widths.push(r.from(1, 5)));
    widths.push([1, 1, 2, 3][r.below(4)]);
    let network = integers(&mut r, &widths);
    let halves = r.below(2) == 0;
    let number = |r: &mut Random| {
        if halves { r.below(9) as f64 / 2.0 - 2.0 } else { f64::from(r.number()) }
    };
    let x = (0..inputs).map(|_| number(&mut r)).collect();
    (network, x, r)
}

/// How far a point is on the side of the boundary that `own` is on.
fn height(outputs: &[f64], own: usize, above: bool) -> f64 {
    if let [output] = outputs {
        return if above { *output } else { -output };
    }
    let others = (0..outputs.len()).filter(|&other| other != own);
    others.map(|other| outputs[own] - outputs[other]).fold(f64::INFINITY, f64::min)
}

#[test]
fn no_sample_contradicts_a_distance_to_the_boundary() {
    let (mut runs, mut exact) = (0, 0);
    for seed in 0..700 {
        let (network, x, mut r) = case(seed);
        let y = network.output_of(&x);
        let own = (1..y.len()).fold(0, |best, i| if y[i] > y[best] { i } else { best });
        let at = |x: &[f64]| height(&network.output_of(x), own, y[0] >= 0.0);
        for norm in Norm::ALL {
            let found = search(&network, &x, norm, Output::of(&network));
            let what = format!("network {seed} at {x:?} in {norm}: {found:?}");
            runs += 1;
            exact += usize::from(found.exact);
            if let Some(point) = &found.point {
                assert!(at(point).abs() < 1e-7, "{what}: not on the boundary");
                let offset: Vec<f64> = point.iter().zip(&x).map(|(a, b)| a - b).collect();
                assert!((norm.of(&offset) - found.upper).abs() < 1e-7, "{what}: elsewhere");
            }
            let reach = found.lower.min(8.0) * (1.0 - 1e-6);
            for i in 0..200 {
                let direction: Vec<f64> = x
                    .iter()
                    .map(|_| if i % 4 == 0 { r.below(17) as f64 - 8.0 } else { r.number().into() })
                    .collect();
                let length = norm.of(&direction);
                if length > 0.0 && reach > 0.0 {
                    let step =
                        reach / length * if i % 2 == 0 { 1.0 } else { 0.01 * (i % 100) as f64 };
                    let there: Vec<f64> =
                        x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
                    assert!(at(&there) > 0.0, "{what}: {there:?} is nearer");
                }
            }
        }
    }
    assert!(exact * 100 >= runs * 99, "only {exact} of {runs} are exact");
}

/// Whatever changes at a wall, the map bends by rank one.
#[test]
fn maps_bend_by_rank_one() {
    let mut facets = 0;
    for seed in 0..700 {
        let (network, x, _) = case(seed);
        let map = network.linearize(&x).expect("a point");
        let region = Region::new(&map, None).expect("no box");
        let shape = region.shape(&Limits::default());
        for wall in shape.facets() {
            let point = shape.facet_points[wall].as_ref().expect("a facet has a point");
            let across = region.neighbour(wall, point).expect("finite values");
            let across = across.unwrap_or_else(|| panic!("network {seed}: wall {wall}"));
            let bend = region.bend(wall, &across);
            let (a, b) = (map.matrix(), across.map.matrix());
            for (output, response) in bend.response.iter().enumerate() {
                for (input, normal) in bend.normal.iter().enumerate() {
                    let change = b.row(output)[input] - a.row(output)[input];
                    let error = (change - response * normal).abs();
                    assert!(error < 1e-8, "network {seed}: wall {wall} is off by {error}");
                }
            }
            facets += 1;
        }
        for layer in 0..network.layout().layers().len() {
            assert!(map.power_check(layer).is_code, "network {seed}: layer {layer}");
        }
    }
    assert!(facets > 1000, "{facets} facets");
}

/// A candidate that overtakes at a wall may itself be overtaken by one that an earlier unit turns on there.
#[test]
fn a_maximum_whose_candidates_change_at_the_same_wall() {
    let mut b = Builder::new(None, &[1]);
    let (zero, two, three) =
        (b.floats(&[], vec![0.0]), b.floats(&[], vec![2.0]), b.floats(&[], vec![3.0]));
    let relu = b.node("Relu", &["x"]);
    let (doubled, tripled) = (b.node("Mul", &["x", &two]), b.node("Mul", &[&relu, &three]));
    let y = b.node("Max", &[&zero, &doubled, &tripled]);
    let network = b.network(&y);
    let region = Region::new(&network.linearize(&[-1.0]).expect("a point"), None).expect("no box");
    let shape = region.shape(&Limits::default());
    let wall = shape.facets().next().expect("the wall at 0");
    let point = shape.facet_points[wall].as_ref().expect("a point");
    let across = region.neighbour(wall, point).expect("finite values").expect("beyond 0");
    let bend = region.bend(wall, &across);
    let product = bend.response[0] * bend.normal[0];
    assert!((product - 3.0).abs() < 1e-12, "the slope goes from 0 to 3, not {product}");
}

#[test]
fn networks_behind_a_flatten_or_without_weights() {
    let mut r = Random(3);
    let mut b = Builder::new(None, &[4, 4]);
    let flat = b.node("Flatten", &["x"]);
    let (first, second) = (b.floats(&[16, 3], r.numbers(48)), b.floats(&[3, 2], r.numbers(6)));
    let bias = b.floats(&[2], vec![0.1, 0.7]);
    let z = b.node("MatMul", &[&flat, &first]);
    let h = b.node("Relu", &[&z]);
    let y = b.node("Gemm", &[&h, &second, &bias]);
    let network = b.network(&y);
    let x: Vec<f64> = r.numbers(16).into_iter().map(f64::from).collect();
    let found = search(&network, &x, Norm::L2, Output::LargestTwo);
    assert!(found.exact && found.upper < 10.0, "{found:?}");
    assert_eq!(found.point.expect("a point").len(), 16, "in the input's own coordinates");
    let empty = dense(&[
        (vec![vec![0.0, 0.0], vec![0.0, 0.0]], vec![1.0, -1.0]),
        (vec![vec![1.0, 1.0]], vec![0.5]),
    ]);
    for norm in Norm::ALL {
        let found = search(&empty, &[0.3, 0.4], norm, Output::Level(0.0));
        assert!(found.exact && found.upper.is_infinite(), "a constant: {found:?}");
    }
}

#[test]
fn small_weights_and_far_walls() {
    // 1e-10 (x + 2 y) reaches 1e-10 at 1 / √5; z does nothing.
    let tiny =
        dense(&[(vec![vec![1e-10, 2e-10, 0.0]], vec![0.0]), (vec![vec![1.0]], vec![-1e-10])]);
    // Two rows that differ in the third digit of numbers of 1e-7: 5e-10 y reaches 1e-9 at y = 2.
    let parallel = dense(&[
        (vec![vec![1e-7, 0.0], vec![1e-7, 5e-10]], vec![1.0, 1.0]),
        (vec![vec![1.0, -1.0]], vec![1e-9]),
    ]);
    for (norm, expected) in
        [(Norm::L1, 0.5), (Norm::L2, 1.0 / 5f64.sqrt()), (Norm::Linf, 1.0 / 3.0)]
    {
        let found = search(&tiny, &[0.0; 3], norm, Output::Level(0.0));
        assert!(found.exact && (found.upper - expected).abs() < 1e-6, "{norm}: {found:?}");
        let found = search(&parallel, &[0.0; 2], norm, Output::Level(0.0));
        assert!(found.exact && (found.upper - 2.0).abs() < 1e-3, "{norm}: {found:?}");
    }
    // A slab 2⁻¹³ wide, a million away.
    let far = dense(&[
        (vec![vec![1.0]], vec![-1_048_576.0]),
        (vec![vec![1.0]], vec![-1.0 / 8192.0]),
        (vec![vec![1.0]], vec![-1.0]),
    ]);
    let found = search(&far, &[0.0], Norm::L2, Output::Level(0.0));
    assert!(found.exact && (found.upper - 1_048_577.000_122).abs() < 1e-5, "{found:?}");
}

/// The triangle y ≥ 0, y ≤ ε x, x ≤ 1: its inradius is twice its area over its perimeter.
#[test]
fn needles_are_bounded() {
    for epsilon in [1e-2f32, 1e-4, 3e-5, 1e-6, 1e-7] {
        let rows: [(&[f32], f32); 3] =
            [(&[0.0, 1.0], 0.0), (&[epsilon, -1.0], 0.0), (&[-1.0, 0.0], 1.0)];
        let network = arrangement(&rows);
        let e = f64::from(epsilon);
        let map = network.linearize(&[0.5, 0.25 * e]).expect("a point");
        let shape = Region::new(&map, None).expect("no box").shape(&Limits::default());
        assert_eq!(shape.bounded, Some(true), "ε = {epsilon}");
        assert_eq!(shape.walls, [WallStatus::Facet; 3], "ε = {epsilon}");
        let expected = e / (1.0 + e + (1.0 + e * e).sqrt());
        let Ball::Largest { radius, .. } = shape.ball else { panic!("ε = {epsilon}: {shape:?}") };
        assert!((radius - expected).abs() < 1e-6 * expected, "ε = {epsilon}: {radius}");
    }
}

/// One input in units of a millionth does not change how far the boundary is along the others.
#[test]
fn inputs_in_very_different_units() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut r = Random(seed * 31 + 7);
        let (inputs, million) = (r.from(2, 4), 1_048_576.0f32);
        let widths = [inputs, r.from(4, 12), r.from(4, 12), r.from(1, 3)];
        let mut whole = Vec::new();
        for pair in widths.windows(2) {
            let rows: Vec<Vec<f32>> = (0..pair[1]).map(|_| r.numbers(pair[0])).collect();
            whole.push((rows, r.numbers(pair[1])));
        }
        let mut x: Vec<f64> = r.numbers(inputs).into_iter().map(f64::from).collect();
        let mut without = whole.clone();
        let (rows, biases) = &mut without[0];
        for (row, bias) in rows.iter_mut().zip(biases) {
            *bias += row.remove(0) * x[0] as f32;
        }
        let without = dense(&without);
        whole[0].0.iter_mut().for_each(|row| row[0] /= million);
        let whole = dense(&whole);
        let expected = search(&without, &x[1..], Norm::L2, Output::of(&without));
        x[0] *= f64::from(million);
        let found = search(&whole, &x, Norm::L2, Output::of(&whole));
        if expected.exact && expected.upper < 50.0 {
            assert!(found.exact, "network {seed}: {found:?}");
            let ratio = found.upper / expected.upper;
            assert!((ratio - 1.0).abs() < 1e-3, "network {seed}: {found:?} for {expected:?}");
            compared += 1;
        }
    }
    assert!(compared > 30, "{compared} compared");
}
