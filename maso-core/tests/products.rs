//! Jacobian-vector products and affine maps of many rows in f32, against the map of each row's region in
//! f64.

mod common;

use std::sync::Arc;

use common::networks::random_network;
use common::{Builder, Random};
use maso_core::graph::Attribute;
use maso_core::{EvalError, Evaluator, Linearization, Network, Tier};

/// Rounding errors of sums of products, in units of what is added up.
const TOLERANCE: f64 = 2e-5;

fn widen(numbers: &[f32]) -> Vec<f64> {
    numbers.iter().copied().map(f64::from).collect()
}

/// Lengths of a row and of an output.
fn sizes(network: &Network) -> (usize, usize) {
    (network.input().len(), network.output_shape().iter().product())
}

fn jvp(evaluator: &Evaluator, rows: &[f32], tangents: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (width, outputs) = sizes(evaluator.network());
    let mut values = vec![f32::NAN; rows.len() / width * outputs];
    let mut products = values.clone();
    evaluator
        .jvp_into(rows, tangents, &mut values, &mut products)
        .unwrap_or_else(|error| panic!("{error}"));
    (values, products)
}

/// Calls `check` with the f64 map of every row whose f32 code is the same; the share of such rows.
fn on_rows_with_equal_codes(
    evaluator: &Evaluator,
    rows: &[f32],
    mut check: impl FnMut(usize, &Linearization<'_>),
) -> [usize; 2] {
    let network = evaluator.network();
    let (_, codes) = common::run(evaluator, rows);
    let words = network.layout().words();
    let (width, mut equal) = (network.input().len(), 0);
    for (row, x) in rows.chunks_exact(width).enumerate() {
        let map = network.linearize(&widen(x)).expect("a point");
        if map.code() == codes[row * words..][..words] {
            check(row, &map);
            equal += 1;
        }
    }
    [equal, rows.len() / width]
}

fn assert_close(found: &[f32], expected: &[f64], bound: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= bound, "{what}: number {i} is {found}, expected {expected}");
    }
}

#[test]
fn products_are_those_of_the_f64_map_on_every_tier() {
    let mut counts = [0, 0];
    for seed in 0..150 {
        let network = Arc::new(random_network(seed));
        let (width, outputs) = sizes(&network);
        for count in [1, 9] {
            let rows = Random(seed).numbers(count * width);
            let tangents = Random(seed + 1000).numbers(count * width);
            for tier in Tier::available() {
                let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
                let (values, products) = jvp(&evaluator, &rows, &tangents);
                assert_eq!(values, common::run(&evaluator, &rows).0, "network {seed} on {tier}");
                let [equal, all] = on_rows_with_equal_codes(&evaluator, &rows, |row, map| {
                    let v = widen(&tangents[row * width..][..width]);
                    let found = &products[row * outputs..][..outputs];
                    let expected = map.jvp(&v);
                    let bound = TOLERANCE * push_size(map, &v);
                    assert_close(found, &expected, bound, &format!("network {seed} on {tier}"));
                });
                counts = [counts[0] + equal, counts[1] + all];
            }
        }
    }
    assert!(counts[0] * 10 > counts[1] * 9, "most rows have the same code: {counts:?}");
}

/// The largest of all tangents on the way, which rounding errors are in proportion to.
fn push_size(map: &Linearization<'_>, v: &[f64]) -> f64 {
    let nodes = map.network().node_ids();
    let of_node = |id| map.frozen().to(id).jvp(v).into_iter().map(f64::abs).fold(0.0, f64::max);
    nodes.map(of_node).fold(0.0, f64::max)
}

#[test]
fn batches_threads_and_tiers_change_nothing() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let pool = Arc::new(pool);
    for seed in 200..240 {
        let network = Arc::new(random_network(seed));
        let (width, outputs) = sizes(&network);
        let rows = Random(seed).numbers(40 * width);
        let tangents = Random(seed + 1000).numbers(40 * width);
        let plain = Evaluator::new(Arc::clone(&network));
        let expected = jvp(&plain, &rows, &tangents);
        for batch in [1, 7, 40] {
            let mut found = (Vec::new(), Vec::new());
            for (rows, tangents) in rows.chunks(batch * width).zip(tangents.chunks(batch * width)) {
                let (values, products) = jvp(&plain, rows, tangents);
                found.0.extend(values);
                found.1.extend(products);
            }
            assert_eq!(found, expected, "network {seed} by {batch} rows");
        }
        for tile in [1, 5, 1000] {
            let tiled = Evaluator::new(Arc::clone(&network)).with_tile_rows(tile);
            let found = jvp(&tiled, &rows, &tangents);
            assert_eq!(found, expected, "network {seed} in tiles of {tile}");
        }
        let threaded = Evaluator::new(Arc::clone(&network)).with_pool(Arc::clone(&pool));
        assert_eq!(jvp(&threaded, &rows, &tangents), expected, "network {seed} on two threads");
        for tier in Tier::available() {
            let other = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            if tier.rounding() == plain.tier().rounding() {
                let found = jvp(&other, &rows, &tangents);
                assert_eq!(found, expected, "network {seed} on {tier}");
            }
        }
        assert_eq!(expected.1.len(), 40 * outputs, "a product for each row");
    }
}

fn jacobians(evaluator: &Evaluator, rows: &[f32]) -> (Vec<f32>, Vec<f32>) {
    try_jacobians(evaluator, rows).unwrap_or_else(|error| panic!("{error}"))
}

fn try_jacobians(evaluator: &Evaluator, rows: &[f32]) -> Result<(Vec<f32>, Vec<f32>), EvalError> {
    let (width, outputs) = sizes(evaluator.network());
    let count = rows.len() / width;
    let mut matrices = vec![f32::NAN; count * outputs * width];
    let mut offsets = vec![f32::NAN; count * outputs];
    evaluator.jacobians_into(rows, &mut matrices, &mut offsets)?;
    Ok((matrices, offsets))
}

/// ReLU and its relatives between matrices: what is pulled back row by row. Wider than deep, and deeper
/// than wide; with a spline at either end or none.
fn chain(seed: u64) -> Network {
    let mut r = Random(seed);
    let mut depth = [3, 40, 70][r.below(3)];
    let mut b = Builder::new(None, &[depth]);
    let mut x = "x".to_owned();
    for _ in 0..r.from(1, 3) {
        if r.below(3) > 0 {
            x = spline(&mut b, &mut r, &x, depth);
        }
        let units = [1, 33, 64, 50][r.below(4)];
        let numbers = r.numbers(depth * units).iter().map(|w| w / 8.0).collect();
        let weight = b.floats(&[units, depth], numbers);
        let bias = b.floats(&[units], r.numbers(units));
        x = b.node_with("Gemm", &[&x, &weight, &bias], &[("transB", Attribute::Int(1))]);
        depth = units;
    }
    if r.below(2) == 0 {
        x = spline(&mut b, &mut r, &x, depth);
    }
    b.network(&x)
}

fn spline(b: &mut Builder, r: &mut Random, x: &str, units: usize) -> String {
    match r.below(4) {
        0 => {
            let slope = b.floats(&[units], r.numbers(units));
            b.node("PRelu", &[x, &slope])
        }
        1 => {
            let (low, high) = (b.floats(&[], vec![-0.5]), b.floats(&[], vec![0.75]));
            b.node("Clip", &[x, &low, &high])
        }
        _ => b.node("Relu", &[x]),
    }
}

/// Networks of all kinds, and chains, without those whose matrices would be large.
fn networks(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (String, Arc<Network>)> {
    let all = seeds.flat_map(|seed| {
        let random = (format!("network {seed}"), Arc::new(random_network(seed)));
        [random, (format!("chain {seed}"), Arc::new(chain(seed)))]
    });
    all.filter(|(_, network)| {
        let (width, outputs) = sizes(network);
        width * outputs < 60_000
    })
}

#[test]
fn jacobians_and_offsets_are_those_of_the_f64_map_on_every_tier() {
    let mut counts = [0, 0];
    for (name, network) in networks(300..400) {
        let (width, outputs) = sizes(&network);
        let rows = Random(7).numbers(3 * width);
        for tier in Tier::available() {
            let what = format!("{name} on {tier}");
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            let (matrices, offsets) = jacobians(&evaluator, &rows);
            let values = common::run(&evaluator, &rows).0;
            let [equal, all] = on_rows_with_equal_codes(&evaluator, &rows, |row, map| {
                let found = &matrices[row * outputs * width..][..outputs * width];
                let expected = map.matrix();
                let bound = TOLERANCE * pull_size(map);
                assert_close(found, expected.numbers(), bound, &format!("{what}: A"));
                let x = widen(&rows[row * width..][..width]);
                let bound = x.iter().map(|x| x.abs()).fold(1.0, f64::max) * bound * width as f64;
                let found = &offsets[row * outputs..][..outputs];
                assert_close(found, &map.offset(), bound, &format!("{what}: b"));
            });
            counts = [counts[0] + equal, counts[1] + all];
            for (at, (&value, &offset)) in values.iter().zip(&offsets).enumerate() {
                let (row, functional) = (&rows[at / outputs * width..], &matrices[at * width..]);
                let terms = row.iter().zip(functional).take(width);
                let sum: f64 = terms.map(|(&x, &a)| f64::from(x) * f64::from(a)).sum();
                let rounding = f64::from(f32::EPSILON) * f64::from(offset.abs()) + 1e-30;
                let error = (sum + f64::from(offset) - f64::from(value)).abs();
                assert!(error <= rounding, "{what}: A x + b of row {row:?} is off by {error}");
            }
        }
    }
    assert!(counts[0] * 10 > counts[1] * 9, "most rows have the same code: {counts:?}");
}

/// The largest number of any matrix between a node and the output or the input, which rounding errors are in
/// proportion to.
fn pull_size(map: &Linearization<'_>) -> f64 {
    let largest = |numbers: &[f64]| numbers.iter().map(|x| x.abs()).fold(0.0, f64::max);
    let outputs = map.outputs();
    let ones = vec![1.0; outputs];
    let nodes = map.network().node_ids();
    let to_node = nodes.map(|id| largest(map.frozen().to(id).matrix().numbers()));
    to_node.fold(largest(&map.vjp(&ones)), f64::max)
}

#[test]
fn jacobians_do_not_depend_on_batches_threads_and_tiers() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let pool = Arc::new(pool);
    for (name, network) in networks(400..420) {
        let (width, _) = sizes(&network);
        let rows = Random(9).numbers(40 * width);
        let plain = Evaluator::new(Arc::clone(&network));
        let expected = jacobians(&plain, &rows);
        for batch in [1, 7, 40] {
            let mut found = (Vec::new(), Vec::new());
            for rows in rows.chunks(batch * width) {
                let (matrices, offsets) = jacobians(&plain, rows);
                found.0.extend(matrices);
                found.1.extend(offsets);
            }
            assert_eq!(found, expected, "{name} by {batch} rows");
        }
        for tile in [1, 5, 1000] {
            let tiled = Evaluator::new(Arc::clone(&network)).with_tile_rows(tile);
            assert_eq!(jacobians(&tiled, &rows), expected, "{name} in tiles of {tile}");
        }
        let threaded = Evaluator::new(Arc::clone(&network)).with_pool(Arc::clone(&pool));
        assert_eq!(jacobians(&threaded, &rows), expected, "{name} on two threads");
        for tier in Tier::available() {
            let other = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            if tier.rounding() == plain.tier().rounding() {
                assert_eq!(jacobians(&other, &rows), expected, "{name} on {tier}");
            }
        }
    }
}

/// x ↦ 3e38 · max(x, 0), of two numbers.
fn steep() -> Network {
    let mut b = Builder::new(None, &[2]);
    let weight = b.floats(&[2, 2], vec![3e38, 0.0, 0.0, 3e38]);
    let h = b.node("Relu", &["x"]);
    let y = b.node("MatMul", &[&h, &weight]);
    b.network(&y)
}

#[test]
fn what_is_wrong_with_rows_and_tangents_is_said() {
    let evaluator = Evaluator::new(Arc::new(steep()));
    let run = |rows: &[f32], tangents: &[f32], outputs: usize| {
        let (mut values, mut products) = (vec![0.0; outputs], vec![0.0; outputs]);
        evaluator.jvp_into(rows, tangents, &mut values, &mut products)
    };
    run(&[], &[], 0).expect("no row is no mistake");
    let length = |result, name| match result {
        Err(EvalError::Length { what, .. }) => assert_eq!(what, name, "the wrong slice"),
        other => panic!("{name}: {other:?}"),
    };
    length(run(&[0.0; 3], &[0.0; 3], 2), "rows");
    length(run(&[0.0; 4], &[0.0; 2], 4), "tangents");
    length(run(&[0.0; 4], &[0.0; 4], 2), "values");
    let mut rows = [0.0, 0.5, 0.5, 0.5, 0.5, 0.5];
    let mut tangents = [1.0, 1.0, 1.0, 1.0, 1.0, 9.0];
    let error = run(&rows, &tangents, 6).expect_err("an overflow");
    assert!(matches!(error, EvalError::OutOfRange { row: 2, .. }), "{error}");
    tangents[3] = f32::NAN;
    let error = run(&rows, &tangents, 6).expect_err("a tangent");
    assert!(matches!(error, EvalError::Tangent { row: 1, column: 1, .. }), "{error}");
    rows[3] = f32::INFINITY;
    let error = run(&rows, &tangents, 6).expect_err("a row");
    assert!(matches!(error, EvalError::NotFinite { row: 1, column: 1, .. }), "{error}");
    rows[1] = 2.0;
    let error = run(&rows, &tangents, 6).expect_err("an overflow of values");
    assert!(matches!(error, EvalError::Overflow { row: 0, .. }), "{error}");
    let run = |rows: &[f32], outputs: usize| {
        let (mut matrices, mut offsets) = (vec![0.0; outputs * 2], vec![0.0; outputs]);
        evaluator.jacobians_into(rows, &mut matrices, &mut offsets)
    };
    run(&[], 0).expect("no row is no mistake");
    length(run(&[0.0; 3], 2), "rows");
    length(run(&[0.0; 4], 2), "matrices");
    let error = run(&[0.5, 0.5, f32::NAN, 0.5], 4).expect_err("a row");
    assert!(matches!(error, EvalError::NotFinite { row: 1, column: 0, .. }), "{error}");
    let error = run(&[0.5, 0.5, 0.5, 2.0], 4).expect_err("an overflow of values");
    assert!(matches!(error, EvalError::Overflow { row: 1, .. }), "{error}");
}

/// Dense layers of `(depth × units)` weights and biases, ReLU between.
fn dense_chain(layers: &[(usize, usize, Vec<f32>, Vec<f32>)]) -> Arc<Network> {
    let mut b = Builder::new(None, &[layers[0].0]);
    let mut x = "x".to_owned();
    for (i, (depth, units, weights, biases)) in layers.iter().enumerate() {
        if i > 0 {
            x = b.node("Relu", &[&x]);
        }
        let (w, c) =
            (b.floats(&[*depth, *units], weights.clone()), b.floats(&[*units], biases.clone()));
        x = b.node("Gemm", &[&x, &w, &c]);
    }
    Arc::new(b.network(&x))
}

/// A tangent that overflows on the way is an error of its row, whatever rows are beside it, and leaves nothing
/// behind.
#[test]
fn tangents_that_overflow_on_the_way_are_said() {
    let forward = dense_chain(&[
        (1, 2, vec![1e30, -1e30], vec![0.0; 2]),
        (2, 2, vec![1e30, 0.0, 0.0, 1.0], vec![0.0; 2]),
        (2, 3, vec![1e-32, 0.0, 0.0, 0.0, 1.0, 1e30], vec![0.5; 3]),
    ]);
    let backward = dense_chain(&[
        (3, 2, vec![1.0; 6], vec![0.0; 2]),
        (2, 2, vec![1e30, 0.0, 0.0, 1.0], vec![0.0; 2]),
        (2, 1, vec![1e30, 1.0], vec![0.0; 1]),
    ]);
    for network in [forward, backward] {
        let width = network.input().len();
        let evaluator = Evaluator::new(Arc::clone(&network)).with_tile_rows(16);
        let (good, bad) = (vec![0.0; width], vec![1e-30; width]);
        let alone = try_jacobians(&evaluator, &good).expect("a finite matrix");
        for rows in [[&*bad, &good].concat(), [&*good, &bad].concat(), bad.clone()] {
            let error = try_jacobians(&evaluator, &rows).expect_err("beyond f32");
            let place = usize::from(rows[0] == 0.0);
            assert!(matches!(error, EvalError::OutOfRange { row, .. } if row == place), "{error}");
        }
        assert_eq!(try_jacobians(&evaluator, &good).expect("a finite matrix"), alone, "as before");
    }
}

/// Units that are off take nothing from those that are on, however large their weights.
#[test]
fn large_units_that_are_off_do_no_harm() {
    for size in [1.0f32, 1e2, 1e4, 1e25] {
        let units = 16;
        let mut random = Random(5);
        let mut first = random.numbers(2 * units);
        let mut biases = vec![20.0; units];
        let mut last = random.numbers(units);
        // Unit 3 is off at the row, with large weights on either side.
        (first[3], first[units + 3], biases[3], last[3]) = (size, -size, -100.0 * size, size);
        let network = dense_chain(&[(2, units, first, biases), (units, 1, last, vec![0.25])]);
        let row = [0.3f32, -0.7];
        let map = network.linearize(&widen(&row)).expect("a point");
        for tier in Tier::available() {
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            let (matrix, _) = try_jacobians(&evaluator, &row).expect("finite numbers");
            let expected = map.matrix();
            assert_close(&matrix, expected.numbers(), 1e-4, &format!("{size:e} on {tier}"));
        }
    }
}
