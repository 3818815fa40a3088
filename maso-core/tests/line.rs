//! Lines: breaks, pieces, bends and classes along segments, on networks with known answers, in degenerate position,
//! and against plain evaluation.

mod common;

use common::networks::random_network;
use common::oracles::{arrangement, dense, dense_with, generated};
use common::{Builder, Random, list};
use maso_core::Network;
use maso_core::geometry::line::{Line, LineError, LineOptions, LineStatus, UnitChange};
use maso_core::geometry::slice::SliceTarget;
use maso_core::graph::Attribute;

fn line(network: &Network, p: &[f64], q: &[f64]) -> Line {
    line_with(network, p, q, &LineOptions::default())
}

fn line_with(network: &Network, p: &[f64], q: &[f64], options: &LineOptions) -> Line {
    network.line(p, q, options).unwrap_or_else(|e| panic!("{e}"))
}

fn class() -> LineOptions {
    LineOptions { target: Some(SliceTarget::Class), ..LineOptions::default() }
}

fn places(line: &Line) -> Vec<f64> {
    line.breaks.iter().map(|at| at.t).collect()
}

fn outputs(line: &Line, piece: usize, t: f64) -> Vec<f64> {
    line.pieces[piece].outputs.iter().map(|[slope, offset]| slope * t + offset).collect()
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()))
}

/// The first largest.
fn class_of(outputs: &[f64]) -> u32 {
    (1..outputs.len()).fold(0, |best, i| if outputs[i] > outputs[best] { i } else { best }) as u32
}

/// What holds of every line: pieces and breaks fit together, codes change where breaks say so and as they say, outputs
/// are continuous.
fn check_shape(line: &Line, network: &Network, what: &str) {
    assert_eq!(line.pieces.len(), line.breaks.len() + 1, "{what}: a break between every two");
    assert_eq!(line.pieces[0].from, 0.0, "{what}: from the start");
    if line.status == LineStatus::Complete {
        assert_eq!(line.pieces.last().expect("a piece").to, 1.0, "{what}: to the end");
    }
    let codes: Vec<Vec<u64>> = line.codes().collect();
    for (i, at) in line.breaks.iter().enumerate() {
        assert!(0.0 < at.t && at.t < 1.0, "{what}: break {i} at {} is inside", at.t);
        let ends = [line.pieces[i].to, line.pieces[i + 1].from];
        assert_eq!(ends, [at.t; 2], "{what}: pieces meet at break {i}");
        assert!(!at.changes.is_empty(), "{what}: something changes at break {i}");
        for (number, layer) in network.layout().layers().iter().enumerate() {
            for unit in 0..layer.units() {
                let [from, to] = [i, i + 1].map(|piece| layer.piece(&codes[piece], unit) as u32);
                let here = |change: &&UnitChange| {
                    (change.layer as usize, change.unit as usize) == (number, unit)
                };
                let named = at.changes.iter().find(here).map(|change| (change.from, change.to));
                let expected = (from != to).then_some((from, to));
                assert_eq!(named, expected, "{what}: layer {number}, unit {unit} at break {i}");
            }
        }
        let [left, right] = [i, i + 1].map(|piece| outputs(line, piece, at.t));
        let scale = 1.0 + largest(&left);
        for (x, y) in left.iter().zip(&right) {
            assert!((x - y).abs() < 1e-8 * scale, "{what}: a jump from {x} to {y} at break {i}");
        }
        if !at.bends {
            for (x, y) in line.pieces[i].outputs.iter().zip(&line.pieces[i + 1].outputs) {
                let limit = 1e-9 * (1.0 + x[0].abs() + x[1].abs());
                assert!((x[0] - y[0]).abs() < limit, "{what}: break {i} bends after all");
            }
        }
    }
}

/// Checks codes and outputs at t against plain evaluation.
fn check_at(line: &Line, network: &Network, codes: &[Vec<u64>], t: f64, what: &str) {
    let piece = line.piece_at(t);
    let trace = network.trace(&line.point(t));
    assert_eq!(trace.code(network), codes[piece], "{what}: code at {t}, piece {piece}");
    let expected = &trace.values[network.output().index()];
    let found = outputs(line, piece, t);
    let scale = 1.0 + largest(expected);
    for (x, y) in found.iter().zip(expected) {
        assert!((x - y).abs() < 1e-9 * scale, "{what}: {x} is {y} at {t}");
    }
}

/// Checks that a segment walked backwards has the same breaks.
fn check_reversed(line: &Line, network: &Network, what: &str) {
    // The end, as the definition has it; back from there by the same direction.
    let end = line.point(1.0);
    let start = line.origin.clone();
    let exact = end.iter().zip(&start).zip(&line.direction).all(|((q, p), u)| p - q == -u);
    let back = network.line(&end, &start, &LineOptions::default()).expect("a segment");
    check_shape(&back, network, what);
    if exact {
        assert_eq!(back.pieces.len(), line.pieces.len(), "{what}: as many pieces backwards");
        for (there, back) in line.breaks.iter().zip(back.breaks.iter().rev()) {
            assert!((there.t + back.t - 1.0).abs() < 1e-9, "{what}: {} is {}", there.t, back.t);
            let turned =
                |change: &UnitChange| UnitChange { from: change.to, to: change.from, ..*change };
            let turned: Vec<UnitChange> = back.changes.iter().map(turned).collect();
            assert_eq!(there.changes, turned, "{what}: the same units at {}", there.t);
            assert_eq!(there.bends, back.bends, "{what}: the same bends at {}", there.t);
        }
    }
}

#[test]
fn generated_networks_have_the_known_breaks() {
    let known = [
        (&[2, 8, 1][..], 2, 6, [0.117_100_371_747, 0.130_847_953_216]),
        (&[2, 8, 8, 1][..], 3, 11, [0.047_815_820_543, 0.257_650_896_122]),
    ];
    for (widths, seed, pieces, first) in known {
        let network = generated(widths, seed);
        let line = line(&network, &[-1.0, -1.0], &[1.0, 1.0]);
        check_shape(&line, &network, &format!("{widths:?}"));
        assert_eq!(line.linear_count(), pieces, "pieces of {widths:?}: {line:?}");
        let bends: Vec<f64> = line.breaks.iter().filter(|at| at.bends).map(|at| at.t).collect();
        for (found, expected) in bends.iter().zip(first) {
            assert!((found - expected).abs() < 1e-10, "{widths:?}: {found} is {expected}");
        }
        assert!((line.length - 8f64.sqrt()).abs() < 1e-15, "the length is {}", line.length);
        check_reversed(&line, &network, &format!("{widths:?}"));
    }
}

/// x ↦ relu(2x) − relu(4x − 2), composed `times` times.
fn tent(times: usize) -> Network {
    let first = (vec![vec![2.0], vec![4.0]], vec![0.0, -2.0]);
    let inner = (vec![vec![2.0, -2.0], vec![4.0, -4.0]], vec![0.0, -2.0]);
    let mut layers = vec![first];
    layers.extend((1..times).map(|_| inner.clone()));
    layers.push((vec![vec![1.0, -1.0]], vec![0.0]));
    dense(&layers)
}

#[test]
fn tents_fold_the_segment_at_dyadic_knots() {
    for times in 1..=10 {
        let network = tent(times);
        let line = line(&network, &[0.0], &[1.0]);
        check_shape(&line, &network, &format!("{times} tents"));
        let count = 1usize << times;
        assert_eq!(line.linear_count(), count, "{times} tents");
        assert_eq!(line.pieces.len(), count, "{times} tents: nothing else breaks");
        for (k, at) in line.breaks.iter().enumerate() {
            assert_eq!(at.t, (k + 1) as f64 / count as f64, "{times} tents: knot {k}");
        }
        for (k, piece) in line.pieces.iter().enumerate() {
            let slope = if k % 2 == 0 { count as f64 } else { -(count as f64) };
            assert_eq!(piece.outputs[0][0], slope, "{times} tents: piece {k}");
        }
        check_reversed(&line, &network, &format!("{times} tents"));
    }
}

/// Tents on the segment from −1 to 2: their knots lie where no f64 does.
#[test]
fn knots_between_floating_point_numbers_meet_where_they_are_one() {
    for times in 2..=7 {
        let network = tent(times);
        let line = line(&network, &[-1.0], &[2.0]);
        check_shape(&line, &network, &format!("{times} tents"));
        let count = 1usize << times;
        // Outside of [0, 1] all but the first tent are 0.
        let knots: Vec<f64> = (0..=count).map(|k| (1.0 + k as f64 / count as f64) / 3.0).collect();
        let bends: Vec<f64> = line.breaks.iter().filter(|at| at.bends).map(|at| at.t).collect();
        assert_eq!(bends.len(), knots.len(), "{times} tents: {bends:?}");
        for (found, expected) in bends.iter().zip(&knots) {
            assert!((found - expected).abs() < 1e-15, "{times} tents: {found} is {expected}");
        }
    }
}

#[test]
fn duplicates_and_opposites_break_together() {
    let rows: [(&[f32], f32); 4] =
        [(&[1.0, 0.0], 0.0), (&[1.0, 0.0], 0.0), (&[-3.0, 0.0], 0.0), (&[0.0, 1.0], -5.0)];
    let network = arrangement(&rows);
    let line = line(&network, &[-1.0, 0.25], &[2.0, 0.5]);
    check_shape(&line, &network, "duplicates");
    assert_eq!(line.breaks.len(), 1, "{:?}", line.breaks);
    let at = &line.breaks[0];
    assert!((at.t - 1.0 / 3.0).abs() < 1e-15, "at {}", at.t);
    let changes: Vec<(u32, u32, u32)> = at.changes.iter().map(|c| (c.unit, c.from, c.to)).collect();
    assert_eq!(changes, [(0, 0, 1), (1, 0, 1), (2, 1, 0)], "all that vanish there");
    assert!(at.bends, "−3x on the left, 2x on the right");
}

#[test]
fn walls_through_one_point_are_one_break() {
    // Six lines through (1/3, 1/7)-like points that no f64 holds: 3x = 1 times several numbers, met at y = x.
    let rows: [(&[f32], f32); 6] = [
        (&[3.0, 0.0], -1.0),
        (&[0.0, 3.0], -1.0),
        (&[1.0, 2.0], -1.0),
        (&[7.0, -4.0], -1.0),
        (&[0.3, -0.3], 0.0),
        (&[1.5, 1.5], -1.0),
    ];
    let network = arrangement(&rows);
    let line = line(&network, &[0.0, 0.0], &[1.0, 1.0]);
    check_shape(&line, &network, "concurrent");
    assert_eq!(places(&line), [1.0 / 3.0], "one break");
    let units: Vec<u32> = line.breaks[0].changes.iter().map(|change| change.unit).collect();
    assert_eq!(units, [0, 1, 2, 3, 5], "unit 4 is 0 all along");
    // On a segment that crosses it, it is a break like any other.
    let across = self::line(&network, &[0.0, 1.0], &[1.0, 0.0]);
    assert!(across.breaks.iter().any(|at| at.t == 0.5), "{:?}", places(&across));
}

#[test]
fn a_unit_that_is_zero_all_along_never_changes() {
    for rows in [
        vec![(&[1.0, -1.0][..], 0.0), (&[0.0, 0.0], 0.0), (&[1.0, 1.0], -0.5)],
        vec![(&[0.1, -0.1][..], 0.0), (&[0.7, -0.7], 0.0), (&[1.0, 1.0], -0.5)],
    ] {
        let network = arrangement(&rows);
        let line = line(&network, &[-1.0, -1.0], &[1.0, 1.0]);
        check_shape(&line, &network, "a wall along the segment");
        assert_eq!(places(&line), [0.625], "only the third changes: {rows:?}");
        assert_eq!(line.code(0), [0b000], "what is 0 is not above 0");
        assert_eq!(line.code(1), [0b100], "what is 0 is not above 0");
    }
}

#[test]
fn without_biases_rays_have_no_breaks_and_ends_on_walls_are_none() {
    let rows: [(&[f32], f32); 5] = [
        (&[1.0, 0.0], 0.0),
        (&[0.0, 1.0], 0.0),
        (&[1.0, 1.0], 0.0),
        (&[1.0, -1.0], 0.0),
        (&[2.0, 1.0], 0.0),
    ];
    let network = arrangement(&rows);
    let ray = line(&network, &[0.0, 0.0], &[0.3, 0.1]);
    check_shape(&ray, &network, "a ray");
    assert_eq!(ray.breaks, [], "all walls pass through the start");
    assert_eq!(ray.code(0), network.trace(&[0.3, 0.1]).code(&network), "the side of the end");
    let through = line(&network, &[-0.3, -0.1], &[0.3, 0.1]);
    assert_eq!(places(&through), [0.5], "all walls at once");
    assert_eq!(through.breaks[0].changes.len(), 5, "{:?}", through.breaks);
    // From the wall x = 0 to the wall y = 0: what is between is one side of each.
    let between = line(&network, &[0.0, 1.0], &[1.0, 0.0]);
    check_shape(&between, &network, "from wall to wall");
    assert_eq!(places(&between), [0.5], "x = y alone");
    // Along a wall, beginning on another.
    let along = line(&network, &[0.0, 0.0], &[0.0, 1.0]);
    assert_eq!(along.breaks, [], "{:?}", along.breaks);
}

#[test]
fn a_point_is_a_segment_of_one_piece() {
    let network = generated(&[2, 8, 1], 2);
    let line = line(&network, &[0.5, 0.25], &[0.5, 0.25]);
    check_shape(&line, &network, "a point");
    assert_eq!((line.pieces.len(), line.length), (1, 0.0), "{line:?}");
    check_at(&line, &network, &[line.code(0)], 0.5, "a point");
}

#[test]
fn several_knots_of_a_unit_are_passed_in_order() {
    let mut b = Builder::new(None, &[1]);
    let (low, high) = (b.floats(&[], vec![-0.5]), b.floats(&[], vec![0.25]));
    let y = b.node("Clip", &["x", &low, &high]);
    let network = b.network(&y);
    let line = line(&network, &[-1.0], &[1.0]);
    check_shape(&line, &network, "clip");
    assert_eq!(places(&line), [0.25, 0.625], "its knots");
    let pieces: Vec<(u32, u32)> =
        line.breaks.iter().map(|at| (at.changes[0].from, at.changes[0].to)).collect();
    assert_eq!(pieces, [(0, 1), (1, 2)], "one after another");
    let slopes: Vec<f64> = line.pieces.iter().map(|piece| piece.outputs[0][0]).collect();
    assert_eq!(slopes, [0.0, 2.0, 0.0], "constant, rising, constant");
}

/// The maximum of `lines` (slope, offset) of the input.
fn maximum(op: &str, lines: &[(f32, f32)]) -> Network {
    let mut b = Builder::new(None, &[1]);
    let branches: Vec<String> = lines
        .iter()
        .map(|&(slope, offset)| {
            let (w, c) = (b.floats(&[1, 1], vec![slope]), b.floats(&[1], vec![offset]));
            b.node("Gemm", &["x", &w, &c])
        })
        .collect();
    let names: Vec<&str> = branches.iter().map(String::as_str).collect();
    let y = b.node(op, &names);
    b.network(&y)
}

#[test]
fn a_maximum_follows_its_upper_envelope() {
    // Tangents of x² at multiples of 1/8, in any order, one of them twice and one that never wins.
    let at = [0.5, -0.25, 0.75, 0.0, -0.25, -1.0, 1.0];
    let mut lines: Vec<(f32, f32)> = at.iter().map(|&a: &f32| (2.0 * a, -a * a)).collect();
    lines.push((0.25, -3.0));
    for (op, sign) in [("Max", 1.0), ("Min", -1.0)] {
        let lines: Vec<_> = lines.iter().map(|&(a, c)| (sign * a, sign * c)).collect();
        let network = maximum(op, &lines);
        let line = line(&network, &[-2.0], &[2.0]);
        check_shape(&line, &network, op);
        let winners: Vec<u32> = line
            .breaks
            .iter()
            .flat_map(|at| [at.changes[0].from, at.changes[0].to])
            .step_by(2)
            .chain(line.breaks.last().map(|at| at.changes[0].to))
            .collect();
        assert_eq!(winners, [5, 1, 3, 0, 2, 6], "{op}: by slope; of two alike the first");
        let expected = [-0.625, -0.125, 0.25, 0.625, 0.875].map(|x| (x + 2.0) / 4.0);
        assert_eq!(places(&line), expected, "{op}: halfway between tangents");
        check_reversed(&line, &network, op);
    }
}

#[test]
fn candidates_through_one_point_are_overtaken_at_once() {
    // All pass through x = 1/3 at height 1 (and 3 no f64 divides): from the smallest slope straight to the largest.
    let lines = [(3.0, 0.0), (0.0, 1.0), (-3.0, 2.0), (6.0, -1.0), (6.0, -1.0), (1.5, 0.5)];
    let network = maximum("Max", &lines);
    let line = line(&network, &[0.0], &[1.0]);
    check_shape(&line, &network, "a fan");
    assert_eq!(places(&line), [1.0 / 3.0], "one break");
    let change = line.breaks[0].changes[0];
    assert_eq!((change.from, change.to), (2, 3), "and not by way of the others");
}

/// An image of which a corner alone changes, through a convolution, ReLU and max-pool: most windows tie all along.
#[test]
fn flat_backgrounds_tie_without_breaks() {
    for bias in [0.0f32, 0.3, -0.3] {
        let mut b = Builder::new(None, &[1, 8, 8]);
        let mut r = Random(5);
        let (w, c) = (b.floats(&[3, 1, 3, 3], r.numbers(27)), b.floats(&[3], vec![bias; 3]));
        let z = b.node_with("Conv", &["x", &w, &c], &[("pads", list(&[1; 4]))]);
        let z = b.node("Relu", &[&z]);
        let pool = [("kernel_shape", list(&[3; 2])), ("strides", list(&[2; 2]))];
        let z = b.node_with("MaxPool", &[&z], &pool);
        let (w, c) = (b.floats(&[2, 3, 2, 2], r.numbers(24)), b.floats(&[2], vec![bias; 2]));
        let z = b.node("Conv", &[&z, &w, &c]);
        let z = b.node("Relu", &[&z]);
        let y = b.node_with("MaxPool", &[&z], &[("kernel_shape", list(&[2; 2]))]);
        let flat = b.node("Flatten", &[&y]);
        let network = b.network(&flat);
        let (mut p, mut q) = (vec![0.0; 64], vec![0.0; 64]);
        (p[9], q[9], p[10], q[18]) = (-1.0, 1.5, 0.125, 0.75);
        let line = line(&network, &p, &q);
        let what = format!("bias {bias}");
        check_shape(&line, &network, &what);
        assert!(line.breaks.len() > 3, "{what}: something happens");
        let codes: Vec<Vec<u64>> = line.codes().collect();
        for (piece, code) in line.pieces.iter().zip(&codes) {
            let t = piece.from.midpoint(piece.to);
            let trace = network.trace(&line.point(t));
            assert_eq!(trace.code(&network), *code, "{what} at {t}");
        }
        // Most of the image is out of reach.
        let layers = network.layout().layers();
        let first_pool = &layers[1];
        let never = (0..first_pool.units())
            .filter(|&unit| {
                let is_it = |c: &UnitChange| c.layer == 1 && c.unit as usize == unit;
                !line.breaks.iter().any(|at| at.changes.iter().any(is_it))
            })
            .filter(|&unit| first_pool.piece(&codes[0], unit) == 0)
            .count();
        assert!(never >= 9, "{what}: {never} windows stay with their first of equals");
        assert!(line.linear_count() < line.pieces.len(), "{what}: changes among the beaten");
        check_reversed(&line, &network, &what);
    }
}

#[test]
fn changes_that_nothing_sees_are_breaks_but_no_bends() {
    // The second unit's output is multiplied by 0; the third and fourth cancel: |x| parts of one sum.
    let first = (vec![vec![1.0], vec![1.0], vec![1.0], vec![-1.0]], vec![-0.5, -0.25, -0.75, 0.75]);
    let second = (vec![vec![1.0, 0.0, 1.0, -1.0]], vec![0.1]);
    let network = dense(&[first, second]);
    let line = line(&network, &[0.0], &[1.0]);
    check_shape(&line, &network, "unseen");
    assert_eq!(places(&line), [0.25, 0.5, 0.75], "all are breaks");
    let bends: Vec<bool> = line.breaks.iter().map(|at| at.bends).collect();
    assert_eq!(bends, [false, true, false], "relu(z) − relu(−z) = z");
    let pieces: Vec<_> = line.linear_pieces().collect();
    assert_eq!(pieces, [0..2, 2..4], "two linear pieces");
    assert_eq!(line.linear_count(), 2, "two linear pieces");
}

#[test]
fn a_unit_that_turns_on_among_larger_ones_does_not_bend() {
    // relu(x − 1/3) below 2 under a maximum, in numbers that round.
    let mut b = Builder::new(None, &[1]);
    let (w, c) = (b.floats(&[1, 3], vec![0.3, 0.7, -0.1]), b.floats(&[3], vec![-0.1, 2.0, -0.2]));
    let z = b.node("Gemm", &["x", &w, &c]);
    let z = b.node("Relu", &[&z]);
    let (w, c) =
        (b.floats(&[3, 2], vec![0.1, 0.3, 0.7, 0.9, 0.2, 0.3]), b.floats(&[2], vec![0.0; 2]));
    let unseen = b.node("Gemm", &[&z, &w, &c]);
    let unseen = b.node("Relu", &[&unseen]);
    let y = b.node_with("ReduceMax", &[&z], &[("axes", list(&[-1]))]);
    let zero = b.floats(&[2, 1], vec![0.0; 2]);
    let none = b.node("MatMul", &[&unseen, &zero]);
    let y = b.node("Add", &[&y, &none]);
    let network = b.network(&y);
    let line = line(&network, &[0.0], &[1.0]);
    check_shape(&line, &network, "below");
    assert_eq!(line.breaks.len(), 1, "{:?}", line.breaks);
    assert!(!line.breaks[0].bends, "the maximum is another");
}

#[test]
fn classes_change_where_outputs_tie() {
    let network = dense(&[
        (vec![vec![1.0], vec![-1.0]], vec![0.0, 0.0]),
        (vec![vec![1.0, 1.0], vec![0.0, 0.0], vec![2.0, 0.0]], vec![0.0, 0.5, -0.75]),
    ]);
    // |x|, 1/2 and 2 relu(x) − 3/4.
    let found = line_with(&network, &[-1.0], &[1.0], &class());
    assert_eq!(found.first_class, Some(0), "|x| at −1");
    let changes: Vec<_> = found.class_changes.iter().map(|at| (at.t, at.from, at.to)).collect();
    assert_eq!(changes, [(0.25, 0, 1), (0.75, 1, 0), (0.875, 0, 2)], "the largest");
    assert_eq!(found.pieces.len(), 2, "classes cut no pieces");
    let above = SliceTarget::OutputAbove { output: 2, level: 0.25 };
    let options = LineOptions { target: Some(above), maps: false, ..LineOptions::default() };
    let found = line_with(&network, &[-1.0], &[1.0], &options);
    assert_eq!(found.first_class, Some(0), "below");
    let changes: Vec<_> = found.class_changes.iter().map(|at| (at.t, at.from, at.to)).collect();
    assert_eq!(changes, [(0.75, 0, 1)], "2x − 3/4 = 1/4 at 1/2");
    assert!(found.pieces.iter().all(|piece| piece.outputs.is_empty()), "maps were not asked for");
    let plain = line(&network, &[-1.0], &[1.0]);
    assert_eq!((plain.first_class, plain.class_changes), (None, vec![]), "no target, no class");
}

#[test]
fn lines_of_random_networks_are_what_evaluation_says() {
    let (mut breaks, mut exact, mut unbent) = (0, 0, 0);
    for seed in 0..300 {
        let network = random_network(seed);
        let mut r = Random(seed + 17);
        let [p, q] = [0, 1].map(|_| -> Vec<f64> {
            r.numbers(network.input().len()).into_iter().map(f64::from).collect()
        });
        let what = format!("network {seed}");
        let found = line_with(&network, &p, &q, &class());
        check_shape(&found, &network, &what);
        assert!(found.breaks.windows(2).all(|pair| pair[0].t < pair[1].t), "{what}: in order");
        let codes: Vec<Vec<u64>> = found.codes().collect();
        let changes: Vec<f64> = found.class_changes.iter().map(|at| at.t).collect();
        for _ in 0..50 {
            let t = r.below(1 << 20) as f64 / f64::from(1 << 20);
            let apart = |at: &f64| (at - t).abs() > 1e-9;
            if t > 0.0 && places(&found).iter().chain(&changes).all(apart) {
                check_at(&found, &network, &codes, t, &what);
                let class = found.class_changes.iter().take_while(|at| at.t < t).last();
                let class = class.map_or(found.first_class, |at| Some(at.to));
                let output = network.output_of(&found.point(t));
                // Outputs that are one function may differ by a rounding.
                let [own, best] =
                    [class.expect("a class"), class_of(&output)].map(|i| output[i as usize]);
                assert!(best - own <= 1e-12 * (1.0 + best.abs()), "{what}: class {class:?} at {t}");
            }
        }
        check_reversed(&found, &network, &what);
        breaks += found.breaks.len();
        exact += found.exact_decisions;
        unbent += found.breaks.iter().filter(|at| !at.bends).count();
    }
    assert!(
        breaks > 10_000 && unbent > 100,
        "{breaks} breaks, {unbent} without bend, {exact} exact"
    );
}

/// Small integers as weights, and a nonlinearity of seven: much vanishes, ties and coincides, and f64 is exact.
fn integers(r: &mut Random) -> (Network, usize) {
    let inputs = r.from(1, 3);
    let mut widths = vec![inputs];
    (0..r.from(1, 3)).for_each(|_| widths.push(r.from(1, 6)));
    widths.push(r.from(1, 3));
    let mut layers = Vec::new();
    for pair in widths.windows(2) {
        let mut number = || r.below(3) as f32 - 1.0;
        let rows: Vec<Vec<f32>> =
            (0..pair[1]).map(|_| (0..pair[0]).map(|_| number()).collect()).collect();
        layers.push((rows, (0..pair[1]).map(|_| number()).collect()));
    }
    let kind = r.below(7);
    let network = dense_with(&layers, |b, z| match kind {
        0 => b.node("Relu", &[z]),
        1 => b.node("Abs", &[z]),
        2 => {
            let (low, high) = (b.floats(&[], vec![-1.0]), b.floats(&[], vec![1.0]));
            b.node("Clip", &[z, &low, &high])
        }
        3 => b.node_with("LeakyRelu", &[z], &[("alpha", Attribute::Float(0.5))]),
        4 => {
            let (abs, relu) = (b.node("Abs", &[z]), b.node("Relu", &[z]));
            b.node("Min", &[&abs, &relu, z])
        }
        5 => {
            let (negated, relu) = (b.node("Neg", &[z]), b.node("Relu", &[z]));
            let one = b.floats(&[], vec![1.0]);
            b.node("Max", &[&negated, &relu, &one, z])
        }
        _ => {
            let attributes = [("lambd", Attribute::Float(1.0)), ("bias", Attribute::Float(1.0))];
            b.node_with("Shrink", &[z], &attributes)
        }
    });
    (network, inputs)
}

#[test]
fn networks_of_small_integers_are_exact_everywhere() {
    let (mut breaks, mut together, mut unbent) = (0, 0, 0);
    for seed in 0..1500 {
        let mut r = Random(seed * 7919 + 13);
        for _ in 0..5 {
            r.below(3);
        }
        let (network, inputs) = integers(&mut r);
        let [p, q] = [0, 1]
            .map(|_| -> Vec<f64> { (0..inputs).map(|_| r.below(13) as f64 / 2.0 - 3.0).collect() });
        let what = format!("network {seed} from {p:?} to {q:?}");
        let found = line_with(&network, &p, &q, &class());
        check_shape(&found, &network, &what);
        let codes: Vec<Vec<u64>> = found.codes().collect();
        // Nothing rounds at multiples of 2⁻¹⁶: outside of breaks codes and outputs are exact.
        for i in 1..512 {
            let t = (i * 128 + r.below(128)) as f64 / 65536.0;
            let piece = found.piece_at(t);
            let trace = network.trace(&found.point(t));
            let output = &trace.values[network.output().index()];
            assert_eq!(outputs(&found, piece, t), *output, "{what}: at {t}");
            if !places(&found).contains(&t) {
                assert_eq!(trace.code(&network), codes[piece], "{what}: code at {t}");
            }
            if !found.class_changes.iter().any(|at| at.t == t) {
                let class = found.class_changes.iter().take_while(|at| at.t < t).last();
                let class = class.map_or(found.first_class, |at| Some(at.to));
                // Where outputs tie at a point alone, the first of them is no class of a stretch.
                let tie =
                    output.iter().filter(|&&y| y == output[class_of(output) as usize]).count();
                assert!(tie > 1 || class == Some(class_of(output)), "{what}: class at {t}");
            }
        }
        for at in &found.breaks {
            let [x, y] = [-1, 1].map(|side: i32| {
                let piece = found.piece_at(at.t) - usize::from(side < 0);
                found.pieces[piece].outputs.clone()
            });
            assert_eq!(at.bends, x != y, "{what}: a bend at {}", at.t);
            together += usize::from(at.changes.len() > 1);
            unbent += usize::from(!at.bends);
        }
        breaks += found.breaks.len();
        check_reversed(&found, &network, &what);
    }
    assert!(
        breaks > 3000 && together > 500 && unbent > 100,
        "{breaks} breaks, {together} of several units, {unbent} without bend"
    );
}

#[test]
fn batches_are_what_single_segments_are() {
    let network = generated(&[2, 16, 16, 3], 4);
    let mut r = Random(9);
    let points: Vec<[f64; 2]> =
        (0..40).map(|_| [f64::from(r.number()), f64::from(r.number())]).collect();
    let rows: Vec<&[f64]> = points.iter().map(|point| &point[..]).collect();
    let lines = network.polyline(&rows, &class()).expect("points");
    assert_eq!(lines.len(), 39, "from each point to the next");
    for (pair, found) in rows.windows(2).zip(&lines) {
        let single = line_with(&network, pair[0], pair[1], &class());
        assert_eq!(found.breaks, single.breaks, "from {:?}", pair[0]);
        assert_eq!(found.pieces, single.pieces, "from {:?}", pair[0]);
        assert_eq!(found.class_changes, single.class_changes, "from {:?}", pair[0]);
        let codes: Vec<_> = found.codes().collect();
        let each: Vec<_> = (0..found.pieces.len()).map(|piece| found.code(piece)).collect();
        assert_eq!(codes, each, "codes one by one");
    }
    let few = [&rows[..0], &rows[..1]];
    for few in few {
        assert_eq!(network.polyline(few, &class()).expect("points").len(), 0, "no segment");
    }
}

#[test]
fn a_limit_keeps_the_first_pieces() {
    let network = generated(&[2, 16, 16, 1], 4);
    let (p, q) = ([-1.0, -1.0], [1.0, 1.0]);
    let whole = line(&network, &p, &q);
    for most in 1..=whole.pieces.len() + 1 {
        let options = LineOptions { max_pieces: Some(most), ..LineOptions::default() };
        let found = line_with(&network, &p, &q, &options);
        check_shape(&found, &network, "a part");
        let count = most.min(whole.pieces.len());
        assert_eq!(found.pieces, whole.pieces[..count], "the first {most}");
        assert_eq!(found.breaks, whole.breaks[..count - 1], "the first {most}");
        let capped = found.status == LineStatus::Capped;
        assert_eq!(capped, most < whole.pieces.len(), "whether {most} are all");
    }
}

#[test]
fn networks_without_layers_are_one_piece() {
    let network = dense(&[(vec![vec![2.0, 1.0], vec![0.0, 3.0]], vec![0.5, 0.0])]);
    let line = line_with(&network, &[0.0, 0.0], &[1.0, 1.0], &class());
    assert_eq!(line.pieces.len(), 1, "affine");
    assert_eq!(line.pieces[0].outputs, [[3.0, 0.5], [3.0, 0.0]], "slope and offset");
    assert_eq!((line.first_class, line.class_changes.len()), (Some(0), 0), "parallel");
}

#[test]
fn very_small_and_very_large_numbers_keep_their_order() {
    // Walls a few units in the last place apart, and units in scales of 1e±30.
    let near = 1.0f32 + f32::EPSILON;
    let rows: [(&[f32], f32); 4] =
        [(&[1.0], -1.0), (&[1e30], -1e30), (&[1e-30], -1e-30), (&[near], -1.0)];
    let network = arrangement(&rows);
    let line = line(&network, &[0.0], &[2.0]);
    let units: Vec<Vec<u32>> =
        line.breaks.iter().map(|at| at.changes.iter().map(|c| c.unit).collect()).collect();
    assert_eq!(units, [vec![3], vec![0, 1, 2]], "{:?}", line.breaks);
    assert!(line.breaks[0].t < line.breaks[1].t, "{:?}", places(&line));
}

#[test]
fn numbers_that_overflow_are_decided_all_the_same() {
    // The second layer's forms are beyond f64; its walls are where they are.
    let big = 3e38f32;
    let mut layers = vec![(vec![vec![big]], vec![0.0])];
    layers.extend((0..9).map(|_| (vec![vec![big]], vec![0.0])));
    let network = dense(&layers);
    let line = line(&network, &[-1.0], &[1.0]);
    assert_eq!(places(&line), [0.5], "one break");
    assert_eq!(line.breaks[0].changes.len(), 9, "of all units");
    assert!(line.breaks[0].bends, "from 0 to what no f64 holds");
}

#[test]
fn what_is_asked_for_in_vain_is_refused() {
    let network = generated(&[2, 8, 1], 2);
    let options = LineOptions::default();
    let refusal = |p: &[f64], q: &[f64]| network.line(p, q, &options).expect_err("refused");
    let error = refusal(&[0.0; 2], &[0.0; 3]);
    let expected = LineError::Length { which: "the end", expected: 2, found: 3 };
    assert_eq!(error, expected, "{error}");
    let error = refusal(&[0.0, f64::INFINITY], &[0.0; 2]);
    assert!(matches!(error, LineError::NotFinite { which: "the start", column: 1, .. }), "{error}");
    let error = refusal(&[f64::MAX, 0.0], &[f64::MIN, 0.0]);
    assert_eq!(error, LineError::TooFar { column: 0 }, "{error}");
    let segments: [(&[f64], &[f64]); 2] = [(&[0.0; 2], &[1.0; 2]), (&[0.0; 2], &[1.0; 1])];
    let error = network.lines(&segments, &options).expect_err("refused");
    assert!(matches!(error, LineError::Segment { segment: 1, .. }), "{error}");
    let asked = |target| {
        let options = LineOptions { target: Some(target), ..LineOptions::default() };
        network.line(&[0.0; 2], &[1.0; 2], &options).expect_err("refused")
    };
    let error = asked(SliceTarget::OutputAbove { output: 1, level: 0.0 });
    assert_eq!(error, LineError::Missing { what: "output", asked: 1, found: 1 }, "{error}");
    let error = asked(SliceTarget::OutputAbove { output: 0, level: f64::INFINITY });
    assert_eq!(error, LineError::Level(f64::INFINITY), "{error}");
}
