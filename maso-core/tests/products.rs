//! Jacobian-vector products of many rows in f32, against the map of each row's region in f64.

mod common;

use std::sync::Arc;

use common::networks::random_network;
use common::{Builder, Random};
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
}
