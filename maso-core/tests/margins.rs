//! Margins against the slow evaluation, and certified codes against exact arithmetic.

mod common;

use std::cmp::Ordering;
use std::sync::Arc;

use common::networks::random_network;
use common::{Builder, Random, list};
use maso_core::eval::SliceRows;
use maso_core::network::{Candidates, Fused, Number, Operator, Rule, Scalar, Trace};
use maso_core::{EvalError, Evaluator, Margin, Network, Rounding, Tier, Verdict};
use num_bigint::BigInt;

/// An exact number: `mantissa · 2^exponent`.
#[derive(Clone, Debug)]
struct Exact {
    mantissa: BigInt,
    exponent: i64,
}

impl Exact {
    /// Both mantissas at the smaller exponent.
    fn aligned(&self, other: &Self) -> (BigInt, BigInt, i64) {
        let exponent = self.exponent.min(other.exponent);
        let shifted = |number: &Self| &number.mantissa << (number.exponent - exponent);
        (shifted(self), shifted(other), exponent)
    }
}

impl Number for Exact {
    fn from_f64(value: f64) -> Self {
        if value.is_infinite() {
            // Limits of one-sided clips: beyond every number here.
            return Self { mantissa: BigInt::from(value.signum() as i64), exponent: 100_000 };
        }
        let (bits, mut exponent) = (value.to_bits(), (value.to_bits() >> 52 & 0x7FF) as i64);
        let mut mantissa = (bits & ((1 << 52) - 1)) as i64;
        if exponent > 0 {
            mantissa |= 1 << 52;
            exponent -= 1;
        }
        let sign = if value.is_sign_negative() { -1 } else { 1 };
        Self { mantissa: BigInt::from(sign * mantissa), exponent: exponent - 1074 }
    }

    fn add(self, other: Self) -> Self {
        let (a, b, exponent) = self.aligned(&other);
        Self { mantissa: a + b, exponent }
    }

    fn mul(self, other: Self) -> Self {
        let exponent = self.exponent + other.exponent;
        Self { mantissa: self.mantissa * other.mantissa, exponent }
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let (a, b, _) = self.aligned(other);
        a.partial_cmp(&b)
    }
}

fn exact_code(network: &Network, row: &[f32]) -> Vec<u64> {
    let row: Vec<Exact> = row.iter().map(|&x| Exact::from_f64(x.into())).collect();
    network.trace(&row).code(network)
}

/// Numbers that are no short binary fractions.
fn rough_rows(seed: u64, len: usize) -> Vec<f32> {
    Random(seed).numbers(len).iter().map(|x| x / 3.0).collect()
}

/// Rows on both sides of a wall, next to one another in f32: between any two rows that have different
/// codes by halving.
fn rows_at_walls(network: &Arc<Network>, seed: u64, count: usize) -> Vec<f32> {
    let evaluator = Evaluator::new(Arc::clone(network));
    let (width, words) = (network.input().len(), network.layout().words());
    let code = |row: &[f32]| {
        let mut code = vec![0; words];
        evaluator.codes_into(row, &mut code).unwrap_or_else(|e| panic!("{e}"));
        code
    };
    let mut rows = Vec::new();
    for index in 0..count as u64 {
        let [mut a, mut b] = [0, 1].map(|side| rough_rows(seed * 1000 + 2 * index + side, width));
        let first = code(&a);
        for _ in 0..60 {
            let middle: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a + (b - a) / 2.0).collect();
            if code(&middle) == first { a = middle } else { b = middle }
        }
        rows.extend(a);
        rows.extend(b);
    }
    rows
}

fn margins(evaluator: &Evaluator, rows: &[f32]) -> (Vec<u64>, Vec<Margin>) {
    let network = evaluator.network();
    let count = rows.len() / network.input().len();
    let mut codes = vec![0; count * network.layout().words()];
    let mut margins = vec![Margin::default(); count];
    evaluator.margins_into(rows, &mut codes, &mut margins).unwrap_or_else(|e| panic!("{e}"));
    (codes, margins)
}

/// The smallest distance of a row from a knot, or from the next candidate that differs, by the slow
/// evaluation.
fn slow_distance<S: Scalar + Into<f64>>(network: &Network, row: &[f32]) -> f32 {
    let row: Vec<S> = row.iter().map(|&x| S::from_f64(x.into())).collect();
    let trace: Trace<S> = network.trace(&row);
    let mut least = f32::INFINITY;
    for node in network.nodes() {
        let Operator::Nonlinear(rule) = &node.operator else { continue };
        let value = |input: usize, unit: usize| -> f32 {
            let number: f64 = trace.values[node.inputs[input].index()][unit].clone().into();
            number as f32
        };
        for unit in 0..node.len() {
            let distance = match rule {
                Rule::Spline(spline) => {
                    let z = value(0, unit);
                    let knots = spline.knots.iter().map(|knot| (z - knot.at(unit) as f32).abs());
                    knots.fold(f32::INFINITY, f32::min)
                }
                Rule::Extreme(extreme) => {
                    let candidates: Vec<f32> = match &extreme.candidates {
                        Candidates::Window { map, .. } => {
                            let plane = unit / map.cells() * map.source_cells();
                            let sources = (0..map.taps())
                                .filter_map(|tap| map.source(tap, unit % map.cells()));
                            sources.map(|source| value(0, plane + source)).collect()
                        }
                        Candidates::Branches(branches) => branches
                            .iter()
                            .map(|branch| match branch {
                                maso_core::network::Branch::Input(input) => value(*input, unit),
                                maso_core::network::Branch::Constant(c) => c.at(unit) as f32,
                            })
                            .collect(),
                    };
                    let pick = if extreme.smallest { f32::min } else { f32::max };
                    let best = candidates.iter().copied().reduce(pick).expect("a candidate");
                    let others = candidates.iter().filter(|&&other| other != best);
                    others.map(|other| (best - other).abs()).fold(f32::INFINITY, f32::min)
                }
                _ => unreachable!("two kinds of rules"),
            };
            least = least.min(distance);
        }
    }
    least
}

#[test]
fn absolute_margins_are_the_slow_evaluations_distances() {
    let mut finite = 0;
    for seed in 0..120 {
        let network = Arc::new(random_network(seed));
        let width = network.input().len();
        let rows = rough_rows(seed, 5 * width);
        for tier in Tier::available() {
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            let (_, found) = margins(&evaluator, &rows);
            for (row, margin) in rows.chunks_exact(width).zip(found) {
                let expected = match tier.rounding() {
                    Rounding::Separate => slow_distance::<f32>(&network, row),
                    Rounding::Fused => slow_distance::<Fused>(&network, row),
                };
                // Units that do not depend on the row are left out.
                assert!(margin.absolute >= expected, "network {seed} on {tier}");
                finite += usize::from(margin.absolute == expected && expected.is_finite());
            }
        }
    }
    assert!(finite > 400 * Tier::available().len(), "{finite} margins");
}

#[test]
fn margins_depend_on_neither_tile_nor_threads_nor_fused_tier() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool");
    let pool = Arc::new(pool);
    for seed in 0..40 {
        let network = Arc::new(random_network(seed));
        let rows = rough_rows(seed, 37 * network.input().len());
        let sample = &rows[..5 * network.input().len()];
        let of = |tier| {
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            evaluator.with_margin_sample(sample).unwrap_or_else(|e| panic!("{e}"))
        };
        let expected = margins(&of(Tier::best()), &rows);
        for tile in [1, 3, 8, 36, 1000] {
            let evaluator = of(Tier::best()).with_tile_rows(tile).with_pool(Arc::clone(&pool));
            assert!(margins(&evaluator, &rows) == expected, "network {seed}, tile {tile}");
        }
        let same = |tier: &Tier| tier.rounding() == Tier::best().rounding();
        for tier in Tier::available().into_iter().filter(same) {
            assert!(margins(&of(tier), &rows) == expected, "network {seed} on {tier}");
        }
    }
}

/// Checks `rows` on every tier: a code that is called certain is the exact one, in f32 and after
/// certification. Gives how many rows f32 called certain, of how many.
fn check_certain(network: &Arc<Network>, rows: &[f32], what: &str) -> [usize; 2] {
    let (width, words) = (network.input().len(), network.layout().words());
    let exact: Vec<u64> =
        rows.chunks_exact(width).flat_map(|row| exact_code(network, row)).collect();
    let mut counts = [0; 2];
    for tier in Tier::available() {
        let evaluator = Evaluator::new(Arc::clone(network)).with_tier(tier);
        let evaluator = evaluator.with_margin_sample(rows).unwrap_or_else(|e| panic!("{e}"));
        let (codes, margins) = margins(&evaluator, rows);
        let mut certain = vec![false; margins.len()];
        for (row, margin) in margins.iter().enumerate() {
            certain[row] = margin.is_certain();
            let own = row * words..(row + 1) * words;
            assert!(
                !certain[row] || codes[own.clone()] == exact[own],
                "{what}, row {row} on {tier}: called certain with {margin:?}"
            );
        }
        let source = SliceRows::new(rows, width).expect("whole rows");
        let mut seen = 0;
        let done = evaluator.certify(&source, 0..margins.len(), |certified| {
            for (row, code) in certified.batch.codes.chunks_exact(words.max(1)).enumerate() {
                let row = certified.batch.first_row + row;
                let again = certified.redone.iter().find(|redone| redone.row == row);
                assert_eq!(again.is_none(), certain[row], "{what}: rows that are not certain");
                let sure = again.is_none_or(|redone| redone.verdict == Verdict::Certain);
                let expected = &exact[row * words..][..words];
                assert!(!sure || code == expected, "{what}, row {row} on {tier}: {again:?}");
                seen += 1;
            }
            Ok::<(), EvalError>(())
        });
        done.unwrap_or_else(|e| panic!("{e}"));
        assert!(words == 0 || seen == margins.len(), "every row is handed on");
        counts[0] += certain.iter().filter(|&&certain| certain).count();
        counts[1] += certain.len();
    }
    counts
}

#[test]
fn codes_called_certain_are_exact_for_rows_like_any() {
    let mut total = [0; 2];
    for seed in 0..60 {
        let network = Arc::new(random_network(seed));
        let rows = rough_rows(seed, 6 * network.input().len());
        let counts = check_certain(&network, &rows, &format!("network {seed}"));
        total = [total[0] + counts[0], total[1] + counts[1]];
    }
    assert!(2 * total[0] > total[1], "bounds are of use: {} of {} rows", total[0], total[1]);
}

#[test]
fn codes_called_certain_are_exact_for_rows_at_walls() {
    for seed in 0..40 {
        let network = Arc::new(random_network(seed));
        let rows = rows_at_walls(&network, seed, 3);
        check_certain(&network, &rows, &format!("network {seed}"));
    }
}

/// A network of matrices, as wide and deep as the error of one is large.
fn dense_network(seed: u64, widths: &[usize]) -> Arc<Network> {
    let mut r = Random(seed + 77);
    let mut b = Builder::new(None, &[widths[0]]);
    let mut x = "x".to_owned();
    for pair in widths.windows(2) {
        let scale = 1.0 / (pair[0] as f32).sqrt();
        let numbers = r.numbers(pair[0] * pair[1]).iter().map(|w| w * scale / 1.1).collect();
        let weight = b.floats(&[pair[0], pair[1]], numbers);
        let bias = b.floats(&[pair[1]], r.numbers(pair[1]).iter().map(|b| b * 0.1).collect());
        let product = b.node("MatMul", &[&x, &weight]);
        let sum = b.node("Add", &[&product, &bias]);
        x = b.node("Relu", &[&sum]);
    }
    Arc::new(b.network(&x))
}

#[test]
fn deep_matrices_are_certified_at_walls_where_f32_is_wrong() {
    let mut changed = 0;
    for seed in 0..6 {
        let network = dense_network(seed, &[60, 40, 40, 40, 20]);
        let rows = rows_at_walls(&network, seed, 8);
        check_certain(&network, &rows, &format!("matrices {seed}"));
        let evaluator = Evaluator::new(Arc::clone(&network));
        let evaluator = evaluator.with_margin_sample(&rows).expect("finite rows");
        let source = SliceRows::new(&rows, 60).expect("whole rows");
        let done = evaluator.certify(&source, 0..16, |certified| {
            assert!(certified.redone.iter().all(|redone| redone.verdict == Verdict::Certain));
            changed += certified.redone.iter().filter(|redone| redone.changed).count();
            Ok::<(), EvalError>(())
        });
        done.expect("finite rows");
    }
    assert!(changed > 3, "f32 is wrong at walls now and then: {changed} rows");
}

/// Three long sums a, b, c of which exactly a + b = c, and a unit a + b − c ± 1e-9: what f32 makes of it is
/// the rounding of the sums, which the unit's own three products know nothing of.
#[test]
fn errors_of_earlier_layers_count() {
    let half = 10_000;
    let mut wrong = 0;
    for seed in 0..6 {
        let numbers: Vec<f32> = Random(seed).numbers(2 * half).iter().map(|w| w.abs()).collect();
        let part = |from: usize, to: usize, i: usize| {
            if (from..to).contains(&i) { numbers[i] } else { 0.0 }
        };
        let weights = (0..2 * half)
            .flat_map(|i| [part(0, half, i), part(half, 2 * half, i), part(0, 2 * half, i)]);
        let mut b = Builder::new(None, &[2 * half]);
        let weight = b.floats(&[2 * half, 3], weights.collect());
        let sums = b.node("MatMul", &["x", &weight]);
        let sums = b.node("Relu", &[&sums]);
        let weight = b.floats(&[3, 2], vec![1.0, 1.0, 1.0, 1.0, -1.0, -1.0]);
        let bias = b.floats(&[2], vec![1e-9, -1e-9]);
        let product = b.node("MatMul", &[&sums, &weight]);
        let difference = b.node("Add", &[&product, &bias]);
        let y = b.node("Relu", &[&difference]);
        let network = Arc::new(b.network(&y));
        let row: Vec<f32> = rough_rows(seed, 2 * half).iter().map(|x| x.abs()).collect();
        check_certain(&network, &row, &format!("sums {seed}"));
        let mut code = [0];
        Evaluator::new(Arc::clone(&network)).codes_into(&row, &mut code).expect("a finite row");
        wrong += usize::from(code[..] != exact_code(&network, &row));
    }
    assert!(wrong > 3, "f32 is wrong on most of these: {wrong} of 6");
}

/// Equal patches tie in a max-pool: neither f32 nor f64 can prove what is equal to the last bit, and both
/// take the first. Zeros of a ReLU are equal for sure.
#[test]
fn ties_are_told_apart_from_margins() {
    let pool = [("kernel_shape", list(&[2, 2])), ("strides", list(&[2, 2]))];
    let with_bias = |bias: f32| {
        let mut b = Builder::new(None, &[1, 4, 4]);
        let weight = b.floats(&[1, 1, 1, 1], vec![1.0 / 3.0]);
        let bias = b.floats(&[1], vec![bias]);
        let z = b.node("Conv", &["x", &weight, &bias]);
        let y = b.node("Relu", &[&z]);
        let pooled = b.node_with("MaxPool", &[&y], &pool);
        Arc::new(b.network(&pooled))
    };
    let mut row = [0.0f32; 16];
    row[5] = 0.7;
    for (bias, tied, verdict) in [(0.2, true, Verdict::Tied), (-0.2, false, Verdict::Certain)] {
        let evaluator = Evaluator::new(with_bias(bias));
        let evaluator = evaluator.with_margin_sample(&row).expect("a finite row");
        let (_, margins) = margins(&evaluator, &row);
        assert_eq!(margins[0].tied, tied, "bias {bias}");
        assert!(margins[0].relative > 1.0, "bias {bias}: ties are apart from margins");
        let source = SliceRows::new(&row, 16).expect("a row");
        let done = evaluator.certify(&source, 0..1, |certified| {
            let verdicts: Vec<_> = certified.redone.iter().map(|redone| redone.verdict).collect();
            let expected: &[Verdict] = if tied { &[verdict] } else { &[] };
            assert_eq!(verdicts, expected, "bias {bias}");
            Ok::<(), EvalError>(())
        });
        done.expect("a finite row");
    }
}

/// Pruned units have no weights: their pre-activation is exactly their bias, and no row is ever near to
/// their knot.
#[test]
fn units_without_weights_are_left_out() {
    let mut b = Builder::new(None, &[2]);
    let weight = b.floats(&[2, 3], vec![1.0, 0.0, 0.5, 0.3, 0.0, -0.5]);
    let bias = b.floats(&[3], vec![0.1, 0.0, 0.2]);
    let product = b.node("MatMul", &["x", &weight]);
    let sum = b.node("Add", &[&product, &bias]);
    let y = b.node("Relu", &[&sum]);
    let evaluator = Evaluator::new(Arc::new(b.network(&y)));
    let rows = [0.5f32, 0.25, 1.0, 1.0];
    let evaluator = evaluator.with_margin_sample(&rows).expect("finite rows");
    let (_, margins) = margins(&evaluator, &rows);
    for margin in margins {
        assert!(margin.absolute > 0.1 && margin.is_certain(), "{margin:?}");
    }
}

/// Bounds are for typical rows of a sample: one ten times as large hardly widens those of all others, and one for which a layer
/// is on that is off for most is still proven.
#[test]
fn one_row_of_a_sample_does_not_decide_for_all() {
    let mut b = Builder::new(None, &[1]);
    let weight = b.floats(&[1, 1], vec![1.0]);
    let minus = b.floats(&[1], vec![-0.5]);
    let product = b.node("MatMul", &["x", &weight]);
    let sum = b.node("Add", &[&product, &minus]);
    let first = b.node("Relu", &[&sum]);
    let weight = b.floats(&[1, 1], vec![1.0 / 3.0]);
    let bias = b.floats(&[1], vec![0.125]);
    let product = b.node("MatMul", &[&first, &weight]);
    let sum = b.node("Add", &[&product, &bias]);
    let y = b.node("Relu", &[&sum]);
    let network = Arc::new(b.network(&y));
    let relative = |sample: &[f32], row: f32| {
        let evaluator = Evaluator::new(Arc::clone(&network));
        let evaluator = evaluator.with_margin_sample(sample).expect("finite rows");
        margins(&evaluator, &[row]).1[0].relative
    };
    let mut sample = [0.7f32; 9];
    let alone = relative(&sample, 0.7);
    sample[4] = 7.0;
    assert!(relative(&sample, 0.7) > 0.6 * alone, "a large row among others");
    let mut sample = [0.1f32; 9];
    sample[4] = 1.0;
    for row in [0.1, 1.0, 2.0, 50.0] {
        assert!(relative(&sample, row) > 1e3, "{row}: the layer is off for most");
    }
}

#[test]
fn a_sample_must_be_whole_finite_rows() {
    let evaluator = || Evaluator::new(dense_network(0, &[3, 2]));
    let short = evaluator().with_margin_sample(&[1.0, 2.0]).expect_err("not a row");
    assert!(
        matches!(short, EvalError::Length { what: "sample", expected: 3, found: 2 }),
        "{short}"
    );
    let nan = evaluator().with_margin_sample(&[1.0, f32::NAN, 2.0]).expect_err("not finite");
    assert!(matches!(nan, EvalError::NotFinite { row: 0, column: 1, .. }), "{nan}");
    let second = [1.0, 2.0, 3.0, 1.0, f32::NAN, 2.0];
    let nan = evaluator().with_margin_sample(&second).expect_err("not finite");
    assert!(matches!(nan, EvalError::NotFinite { row: 1, column: 1, .. }), "{nan}");
}

/// Windows that have all of a plane, but not all of the input: zeros of the input are not theirs.
#[test]
fn windows_of_whole_planes_are_no_matrix_on_the_input() {
    for (shape, kernel, group) in [([2, 12, 12], [12, 12], 2), ([1, 28, 28], [24, 28], 1)] {
        let mut b = Builder::new(None, &shape);
        let taps = kernel[0] * kernel[1];
        let weights = Random(1).numbers(2 * taps);
        let weight = b.floats(&[2, 1, kernel[0], kernel[1]], weights);
        let strides = ("strides", list(&[5, 5]));
        let attributes = [("group", maso_core::graph::Attribute::Int(group)), strides];
        let z = b.node_with("Conv", &["x", &weight], &attributes);
        let y = b.node("Relu", &[&z]);
        let network = Arc::new(b.network(&y));
        let mut row = vec![0.0; network.input().len()];
        row[130..140].fill(0.3);
        check_certain(&network, &row, &format!("{shape:?}"));
    }
}
