//! The census against plain counting, merged shards, and rows that cannot be evaluated.

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use common::{Builder, Random};
use maso_core::eval::SliceRows;
use maso_core::graph::Attribute;
use maso_core::{Batch, Census, EvalError, Evaluator, Network, Want};

/// Two layers, of two and three pieces, on rows of two numbers.
fn network() -> Network {
    let mut b = Builder::new(None, &[2]);
    let w = b.floats(&[2, 3], vec![1.0, 0.0, 1.0, 0.0, 1.0, -1.0]);
    let z = b.node("MatMul", &["x", &w]);
    let h = b.node("Relu", &[&z]);
    let limits = [("min", Attribute::Float(0.5)), ("max", Attribute::Float(1.5))];
    let y = b.node_with("Clip", &[&h], &limits);
    b.network(&y)
}

fn codes(network: &Network, rows: &[f32]) -> Vec<u64> {
    let mut codes = vec![0; rows.len() / 2 * network.layout().words()];
    let evaluator = Evaluator::new(Arc::new(network.clone()));
    evaluator.codes_into(rows, &mut codes).expect("finite rows");
    codes
}

#[test]
fn counts_equal_plain_counting() {
    let network = network();
    let rows = Random(5).numbers(2 * 500);
    let codes = codes(&network, &rows);
    let labels: Vec<i64> = (0..500).map(|row| i64::from(rows[2 * row] > 0.3) - 7).collect();
    let mut census = Census::new(&network);
    let mut regions = Vec::new();
    census.add(0, 200, &codes[..200], Some(&labels[..200]), |region| regions.push(region));
    census.add(200, 300, &codes[200..], Some(&labels[200..]), |region| regions.push(region));

    let mut first_seen: Vec<u64> = Vec::new();
    let mut plain: HashMap<u64, Vec<usize>> = HashMap::new();
    for (row, &code) in codes.iter().enumerate() {
        if !plain.contains_key(&code) {
            first_seen.push(code);
        }
        plain.entry(code).or_default().push(row);
        assert_eq!(first_seen[regions[row]], code, "regions are numbered by first appearance");
    }
    assert_eq!(census.codes(), first_seen);
    for (region, code) in first_seen.iter().enumerate() {
        assert_eq!(census.counts()[region], plain[code].len() as u64);
        assert_eq!(census.first_rows()[region], plain[code][0] as u64);
    }

    let report = census.report();
    let shares = plain.values().map(|rows| rows.len() as f64 / 500.0);
    let entropy: f64 = shares.map(|p| -p * p.log2()).sum();
    assert!((report.entropy_plugin_bits - entropy).abs() < 1e-12, "entropy");
    let correction = (plain.len() as f64 - 1.0) / (2.0 * 500.0 * std::f64::consts::LN_2);
    assert!((report.entropy_bits - entropy - correction).abs() < 1e-12, "correction");
    assert_eq!(report.singletons, plain.values().filter(|rows| rows.len() == 1).count());
    assert_eq!(report.occupancy.iter().map(|bin| bin.rows).sum::<u64>(), 500);
    assert_eq!(report.occupancy.iter().map(|bin| bin.regions).sum::<usize>(), plain.len());
    let pure: usize = plain
        .values()
        .map(|rows| {
            let ones = rows.iter().filter(|&&row| labels[row] == -6).count();
            ones.max(rows.len() - ones)
        })
        .sum();
    let found = report.labels.expect("labels were given");
    assert!((found.purity - pure as f64 / 500.0).abs() < 1e-12, "purity");
    assert_eq!(found.classes, 2);
    for (layer, found) in network.layout().layers().iter().zip(&report.layers) {
        for (unit, rate) in found.on_rates.iter().enumerate() {
            let on = codes.chunks_exact(1).filter(|code| layer.piece(code, unit) > 0).count();
            assert!((rate - on as f64 / 500.0).abs() < 1e-12, "{} unit {unit}", found.name);
        }
    }
}

#[test]
fn merged_shards_equal_one_census() {
    let network = network();
    let rows = Random(6).numbers(2 * 300);
    let codes = codes(&network, &rows);
    let labels: Vec<i64> = (0..300).map(|row| row % 3).collect();
    let count = |range: std::ops::Range<usize>| {
        let mut census = Census::new(&network);
        let (codes, labels) = (&codes[range.clone()], &labels[range.clone()]);
        census.add(range.start, range.len(), codes, Some(labels), |_| {});
        census
    };
    let whole = count(0..300);
    let mut merged = count(0..120);
    merged.merge(&count(120..121)).expect("one network");
    merged.merge(&count(121..300)).expect("one network");
    assert_eq!(merged.report(), whole.report());
    assert_eq!((merged.counts(), merged.first_rows()), (whole.counts(), whole.first_rows()));

    let mut b = Builder::new(None, &[2]);
    let y = b.node("Relu", &["x"]);
    let error = merged.merge(&Census::new(&b.network(&y))).expect_err("another network");
    assert_ne!(error.own, error.other);
}

#[test]
fn a_census_of_nothing_is_all_zeros() {
    let report = Census::new(&network()).report();
    assert_eq!((report.rows, report.regions, report.largest), (0, 0, 0));
    let numbers = [report.entropy_bits, report.entropy_plugin_bits, report.multi_information_bits];
    assert_eq!(numbers, [0.0; 3]);
    assert!(report.layers.iter().all(|layer| layer.on_rates.iter().all(|&r| r == 0.0)), "rates");
}

#[test]
fn a_network_without_units_has_one_region() {
    let mut b = Builder::new(None, &[2]);
    let w = b.floats(&[2, 2], vec![1.0; 4]);
    let y = b.node("MatMul", &["x", &w]);
    let network = b.network(&y);
    assert_eq!((network.layout().bits(), network.layout().words()), (0, 0));
    let mut census = Census::new(&network);
    census.add(0, 5, &codes(&network, &[1.0; 10]), None, |region| assert_eq!(region, 0));
    assert_eq!((census.regions(), census.report().entropy_bits), (1, 0.0));
}

#[test]
fn rows_that_cannot_be_evaluated_are_named() {
    let network = Arc::new(network());
    let evaluator = Evaluator::new(Arc::clone(&network)).with_tile_rows(3);
    let mut rows = vec![0.5f32; 2 * 20];
    let mut codes = vec![0; 20];
    (rows[2 * 17], rows[2 * 9 + 1]) = (f32::NAN, f32::INFINITY);
    let error = evaluator.codes_into(&rows, &mut codes).expect_err("a row is not finite");
    assert!(matches!(error, EvalError::NotFinite { row: 9, column: 1, .. }), "{error}");

    (rows[2 * 17], rows[2 * 9 + 1]) = (1.0, 1.0);
    (rows[2 * 12], rows[2 * 12 + 1]) = (-f32::MAX, f32::MAX);
    let error = evaluator.codes_into(&rows, &mut codes).expect_err("a row overflows");
    assert!(matches!(error, EvalError::Overflow { row: 12, unit: 2, .. }), "{error}");

    rows.pop();
    let error = evaluator.codes_into(&rows, &mut codes).expect_err("not whole rows");
    assert!(matches!(error, EvalError::Length { what: "rows", .. }), "{error}");
    let error = evaluator.codes_into(&rows[..4], &mut codes).expect_err("20 codes for 2 rows");
    assert!(matches!(error, EvalError::Length { what: "codes", found: 20, .. }), "{error}");
}

#[test]
fn the_first_failing_row_is_named_whatever_the_tile() {
    let network = Arc::new(network());
    let mut rows = vec![0.5f32; 2 * 64];
    // Row 10 overflows inside; row 11 is not finite to begin with.
    (rows[20], rows[21], rows[22]) = (-f32::MAX, f32::MAX, f32::NAN);
    for tile in [1, 2, 8, 64] {
        let evaluator = Evaluator::new(Arc::clone(&network)).with_tile_rows(tile);
        let error = evaluator.codes_into(&rows, &mut [0; 64]).expect_err("two rows fail");
        assert!(matches!(error, EvalError::Overflow { row: 10, .. }), "tile {tile}: {error}");
    }
}

#[test]
fn fingerprints_tell_the_layout_of_constants() {
    let build = |shape: &[usize]| {
        let mut b = Builder::new(None, &[2, 2]);
        let constant = b.floats(shape, vec![1.0, 2.0]);
        let y = b.node("Max", &["x", &constant]);
        b.network(&y).fingerprint()
    };
    assert_ne!(build(&[2, 1]), build(&[1, 2]));
}

#[test]
fn threads_with_a_state_each_see_every_row_once() {
    let network = Arc::new(network());
    let count = 9000;
    let rows = Random(8).numbers(2 * count);
    let source = SliceRows::new(&rows, 2).expect("rows of two");
    let expected = codes(&network, &rows);
    let want = Want::CODES;
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let evaluator = Evaluator::new(Arc::clone(&network)).with_pool(Arc::new(pool));
        let gather = |seen: &mut Vec<(usize, u64)>, batch: Batch<'_>| {
            seen.extend((batch.first_row..).zip(batch.codes.iter().copied()));
            Ok::<(), EvalError>(())
        };
        let states = evaluator.fold(&source, 10..count, want, Vec::new, gather);
        let mut seen: Vec<_> = states.expect("finite rows").into_iter().flatten().collect();
        seen.sort_unstable();
        let plain: Vec<_> = (10..count).map(|row| (row, expected[row])).collect();
        assert_eq!(seen, plain, "{threads} threads");
    }
}

#[test]
fn the_first_failing_row_is_named_whatever_the_threads() {
    let network = Arc::new(network());
    let mut rows = vec![0.5f32; 2 * 20_000];
    (rows[2 * 15_000], rows[2 * 4_321], rows[2 * 9_999]) = (f32::NAN, f32::NAN, f32::INFINITY);
    let source = SliceRows::new(&rows, 2).expect("rows of two");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("a pool");
    let evaluator = Evaluator::new(network).with_pool(Arc::new(pool));
    let want = Want::VALUES;
    for _ in 0..20 {
        let gather = |_: &mut (), _: Batch<'_>| Ok::<(), EvalError>(());
        let error = evaluator.fold(&source, 0..20_000, want, || (), gather).expect_err("NaN");
        assert!(matches!(error, EvalError::NotFinite { row: 4_321, .. }), "{error}");
    }
}
