//! Distances to decision boundaries: known answers, and what sampling can contradict.

mod common;

use std::time::{Duration, Instant};

use common::networks::random_network;
use common::oracles::{dense, dense_with, generated, n1, scaled, walk};
use common::{Builder, Random, list};
use maso_core::Network;
use maso_core::geometry::{BoundaryDistance, BoundarySearch, Bounds, Norm, Output, Region};

fn search(network: &Network, x: &[f64], norm: Norm) -> BoundaryDistance {
    let search = BoundarySearch {
        norm,
        output: Output::of(network),
        deadline: Some(Instant::now() + Duration::from_secs(60)),
        most_regions: 100_000,
    };
    search.run(&network.linearize(x).expect("a point")).expect("finite values")
}

fn assert_exact(found: &BoundaryDistance, expected: f64, tolerance: f64, what: &str) {
    assert!(found.exact, "{what}: not exact: {found:?}");
    let error = (found.upper - expected).abs().max((found.lower - expected).abs());
    assert!(error <= tolerance, "{what}: expected {expected}, found {found:?}");
}

#[test]
fn known_distances_to_zero_sets() {
    let cases: [(&[usize], u64, f64, f64); 2] = [
        (&[2, 8, 1], 2, 0.145537597505, 0.131769223042),
        (&[2, 8, 8, 1], 3, 0.515839331356, 0.365404185606),
    ];
    for (widths, seed, l2, linf) in cases {
        let network = generated(widths, seed);
        for (norm, expected) in [(Norm::L2, l2), (Norm::Linf, linf)] {
            let found = search(&network, &[0.0, 0.0], norm);
            assert_exact(&found, expected, 1e-10, &format!("{widths:?} in {norm}"));
            let point = found.point.expect("a point");
            let value = network.output_of(&point)[0];
            assert!(value.abs() < 1e-9, "{widths:?} in {norm}: f = {value} there");
            assert!((norm.of(&point) - expected).abs() < 1e-9, "{widths:?} in {norm}: {point:?}");
        }
    }
}

#[test]
fn the_cross_polytope_from_its_centre() {
    for dims in [2usize, 3, 5] {
        let mut b = Builder::new(None, &[dims]);
        let h = b.node("Abs", &["x"]);
        let (w, c) = (b.floats(&[dims, 1], vec![1.0; dims]), b.floats(&[1], vec![-1.0]));
        let y = b.node("Gemm", &[&h, &w, &c]);
        let network = b.network(&y);
        let d = dims as f64;
        for (norm, expected) in [(Norm::L1, 1.0), (Norm::L2, 1.0 / d.sqrt()), (Norm::Linf, 1.0 / d)]
        {
            let found = search(&network, &vec![0.0; dims], norm);
            assert_exact(&found, expected, 1e-9, &format!("{dims} axes in {norm}"));
        }
    }
}

/// The distance of a point to a segment.
fn to_segment(x: [f64; 2], a: [f64; 2], b: [f64; 2]) -> f64 {
    let (d, e) = ([b[0] - a[0], b[1] - a[1]], [x[0] - a[0], x[1] - a[1]]);
    let t = ((d[0] * e[0] + d[1] * e[1]) / (d[0] * d[0] + d[1] * d[1])).clamp(0.0, 1.0);
    (e[0] - t * d[0]).hypot(e[1] - t * d[1])
}

#[test]
fn the_boundary_of_n1_is_two_segments() {
    let network = n1();
    let (left, bend, right) = ([-3.5, -4.0], [0.25, -0.25], [4.0, 1.0]);
    for x in [[-0.5, -1.0], [0.25, 0.3], [1.0, -1.0], [2.0, 1.0], [-1.0, -1.0], [0.2, -0.9]] {
        let expected = to_segment(x, left, bend).min(to_segment(x, bend, right));
        assert_exact(&search(&network, &x, Norm::L2), expected, 1e-10, &format!("{x:?}"));
    }
}

#[test]
fn no_boundary_is_infinitely_far() {
    let network = dense(&[
        (vec![vec![1.0, 0.5], vec![-1.0, 1.0]], vec![0.0, 0.25]),
        (vec![vec![0.0, 0.0], vec![-1.0, -0.5]], vec![1.0, 0.0]),
    ]);
    let found = search(&network, &[0.3, 0.2], Norm::L2);
    assert!(found.exact && found.upper.is_infinite() && found.point.is_none(), "{found:?}");
    assert_eq!(found.regions, 4, "all regions were entered");
    let network = dense(&[(vec![vec![1.0, 2.0]], vec![0.5]), (vec![vec![1.0]], vec![0.25])]);
    let found = search(&network, &[0.3, 0.2], Norm::L1);
    assert!(found.exact && found.upper.is_infinite(), "a sum of nothing negative: {found:?}");
}

#[test]
fn other_levels_and_points_on_the_boundary() {
    let network = generated(&[2, 8, 1], 2);
    let value = network.output_of(&[0.0, 0.0])[0];
    let search = |level| BoundarySearch {
        norm: Norm::L2,
        output: Output::Level(level),
        deadline: None,
        most_regions: 1000,
    };
    let map = network.linearize(&[0.0, 0.0]).expect("a point");
    let on = search(value).run(&map).expect("finite values");
    assert_eq!((on.lower, on.upper, on.exact), (0.0, 0.0, true), "the point's own level");
    // Near enough that the level is met in the region itself.
    let gradient = map.matrix();
    let slope = gradient.squared_norm().sqrt();
    for sign in [1.0, -1.0] {
        let near = search(value + sign * 0.01 * slope).run(&map).expect("finite values");
        assert!(near.exact && (near.upper - 0.01).abs() < 1e-12, "{near:?}");
    }
}

#[test]
fn limits_give_honest_bounds() {
    let network = generated(&[5, 20, 20, 3], 17);
    let map = network.linearize(&[0.1, 0.2, -0.3, 0.05, 0.4]).expect("a point");
    let all = BoundarySearch {
        norm: Norm::L2,
        output: Output::LargestTwo,
        deadline: None,
        most_regions: 1_000_000,
    };
    let exact = all.run(&map).expect("finite values");
    assert!(exact.exact, "{exact:?}");
    let mut before = 0.0;
    for most_regions in [1, 3, 10, 30] {
        let found = BoundarySearch { most_regions, ..all }.run(&map).expect("finite values");
        assert!(
            found.lower <= exact.upper + 1e-12 && exact.upper <= found.upper + 1e-12,
            "{found:?}"
        );
        assert!(found.lower >= before, "more regions, a better bound");
        before = found.lower;
    }
}

/// Where a region's piece of the zero set of its only output comes nearest to `x`: the line, clipped by the walls.
fn nearest_zero(region: &Region<'_>, x: [f64; 2]) -> Option<f64> {
    let map = region.map();
    let (matrix, here) = (map.matrix(), map.point());
    let (gradient, value) = (matrix.row(0), map.value()[0]);
    let length = gradient[0].hypot(gradient[1]);
    if length == 0.0 {
        return None;
    }
    let foot = [0, 1].map(|i| here[i] - value * gradient[i] / (length * length));
    let along = [-gradient[1] / length, gradient[0] / length];
    let (mut from, mut to) = (-1e3f64, 1e3f64);
    for wall in region.walls() {
        let normal = &wall.normal;
        let height =
            wall.distance + normal[0] * (foot[0] - here[0]) + normal[1] * (foot[1] - here[1]);
        let rise = normal[0] * along[0] + normal[1] * along[1];
        if rise > 0.0 {
            from = from.max(-height / rise);
        } else if rise < 0.0 {
            to = to.min(-height / rise);
        } else if height < 0.0 {
            return None;
        }
    }
    let at = |t: f64| [foot[0] + t * along[0], foot[1] + t * along[1]];
    (from <= to).then(|| to_segment(x, at(from), at(to)))
}

#[test]
fn the_nearest_of_all_pieces_of_the_boundary() {
    type Unit = fn(&mut Builder, &str) -> String;
    let units: [Unit; 4] = [
        |b, z| b.node("Relu", &[z]),
        |b, z| b.node("LeakyRelu", &[z]),
        |b, z| b.node("HardSigmoid", &[z]),
        |b, z| {
            let minus = b.node("Neg", &[z]);
            b.node("Max", &[z, &minus])
        },
    ];
    let (mut compared, mut random) = (0, Random(5));
    for seed in 0..24 {
        let mut state = Random(seed);
        let layer = |depth: usize, units: usize, state: &mut Random| {
            ((0..units).map(|_| state.numbers(depth)).collect(), state.numbers(units))
        };
        let layers = [(2, 7), (7, 6), (6, 1)].map(|(d, u)| layer(d, u, &mut state));
        let network = dense_with(&layers, units[seed as usize % units.len()]);
        let start: Vec<f64> = random.numbers(2).into_iter().map(f64::from).collect();
        let x = [start[0], start[1]];
        let regions = walk(&network, &start, Some(Bounds { low: -6.0, high: 6.0 }));
        let pieces = regions.values().filter_map(|region| nearest_zero(region, x));
        let expected = pieces.fold(f64::INFINITY, f64::min);
        // Nearer than the sides of the box.
        if expected < 4.0 {
            compared += 1;
            assert_exact(&search(&network, &x, Norm::L2), expected, 1e-9, &format!("seed {seed}"));
        }
    }
    assert!(compared >= 12, "{compared} boundaries: too few to tell");
}

/// A pool with more cells than its plane has (padding on both sides), and maxima whose branches depend on different axes.
#[test]
fn maxima_of_unlike_candidates() {
    let mut random = Random(11);
    for seed in 0..12 {
        let mut b = Builder::new(None, &[8]);
        let split = |b: &mut Builder, from: i64| {
            let (from, to) = (b.ints(&[from]), b.ints(&[from + 4]));
            let axis = b.ints(&[1]);
            b.node("Slice", &["x", &from, &to, &axis])
        };
        let weights = |b: &mut Builder, random: &mut Random, depth: usize, units: usize| {
            let (w, c) = (random.numbers(depth * units), random.numbers(units));
            (b.floats(&[depth, units], w), b.floats(&[units], c))
        };
        let branch = |b: &mut Builder, random: &mut Random, from: i64| {
            let part = split(b, from);
            let (w, c) = weights(b, random, 4, 9);
            b.node("Gemm", &[&part, &w, &c])
        };
        let (one, other) = (branch(&mut b, &mut random, 0), branch(&mut b, &mut random, 4));
        let most = b.node("Max", &[&one, &other]);
        let plane = b.ints(&[-1, 1, 9]);
        let plane = b.node("Reshape", &[&most, &plane]);
        let attributes = [("kernel_shape", list(&[3])), ("pads", list(&[2, 2]))];
        let pool = b.node_with("MaxPool", &[&plane], &attributes);
        let flat = b.ints(&[-1, 11]);
        let flat = b.node("Reshape", &[&pool, &flat]);
        let (w, c) = weights(&mut b, &mut random, 11, 3);
        let y = b.node("Gemm", &[&flat, &w, &c]);
        let network = b.network(&y);
        let x: Vec<f64> = random.numbers(8).into_iter().map(f64::from).collect();
        let found = search(&network, &x, Norm::L2);
        assert!(found.exact, "seed {seed}: {found:?}");
        check_samples(&network, &x, Norm::L2, &found, &mut random, seed);
    }
}

/// Σ |x_i − c_i|, which comes down to 0 in one point, where all its walls meet: the boundary there has no other side.
#[test]
fn a_boundary_of_one_point() {
    let center = [0.5f32, -0.25, 0.75, 0.5, -0.5, 0.25, 1.0];
    let mut b = Builder::new(None, &[7]);
    let c = b.floats(&[7], center.to_vec());
    let shifted = b.node("Sub", &["x", &c]);
    let sizes = b.node("Abs", &[&shifted]);
    let w = b.floats(&[7, 1], vec![1.0; 7]);
    let sum = b.node("MatMul", &[&sizes, &w]);
    // Further off it is met by a wall that has two sides.
    let (far, level) = (b.floats(&[7, 1], vec![1.0; 7]), b.floats(&[1], vec![12.0]));
    let plane = b.node("MatMul", &["x", &far]);
    let plane = b.node("Add", &[&plane, &level]);
    let y = b.node("Min", &[&sum, &plane]);
    let network = b.network(&y);
    let expected = center.iter().map(|c| f64::from(c * c)).sum::<f64>().sqrt();
    let found = search(&network, &[0.0; 7], Norm::L2);
    assert_exact(&found, expected, 1e-9, "one point");
}

/// No sampled point nearer than the distance found is on another side.
#[test]
fn samples_do_not_contradict() {
    let (mut exact, mut finite) = (0, 0);
    for seed in 0..60 {
        let network = random_network(seed + 1000);
        let outputs: usize = network.output_shape().iter().product();
        if network.input().len() > 30 || network.layout().units() > 120 || outputs > 12 {
            continue;
        }
        let mut random = Random(seed);
        let inputs = network.input().len();
        let x: Vec<f64> = random.numbers(inputs).into_iter().map(f64::from).collect();
        let mut distances = Vec::new();
        for norm in Norm::ALL {
            let limit = BoundarySearch {
                norm,
                output: Output::of(&network),
                deadline: Some(Instant::now() + Duration::from_millis(400)),
                most_regions: 300,
            };
            let found = limit.run(&network.linearize(&x).expect("a point")).expect("finite");
            exact += usize::from(found.exact);
            finite += usize::from(found.upper.is_finite());
            check_samples(&network, &x, norm, &found, &mut random, seed);
            distances.push((norm, found));
        }
        // Different searches, which cannot contradict one another: linf ≤ l2 ≤ l1.
        let at = |wanted: Norm| &distances.iter().find(|(norm, _)| *norm == wanted).expect("all").1;
        for [less, more] in [[Norm::Linf, Norm::L2], [Norm::L2, Norm::L1]] {
            let (less, more) = (at(less), at(more));
            let above = less.lower <= more.upper * (1.0 + 1e-9);
            assert!(above, "network {seed}: {less:?} and {more:?}");
        }
    }
    assert!(exact >= 12 && finite >= 18, "{exact} exact, {finite} finite: too few to tell");
}

fn check_samples(
    network: &Network,
    x: &[f64],
    norm: Norm,
    found: &BoundaryDistance,
    random: &mut Random,
    seed: u64,
) {
    let class = |x: &[f64]| {
        let y = network.output_of(x);
        if y.len() == 1 {
            return usize::from(y[0] > 0.0);
        }
        (1..y.len()).fold(0, |best, i| if y[i] > y[best] { i } else { best })
    };
    let own = class(x);
    let reach = found.lower.min(10.0) * (1.0 - 1e-9);
    for _ in 0..300 {
        let direction: Vec<f64> = random.numbers(x.len()).into_iter().map(f64::from).collect();
        let length = norm.of(&direction);
        if length == 0.0 || found.lower == 0.0 {
            continue;
        }
        let there: Vec<f64> =
            x.iter().zip(&direction).map(|(x, d)| x + reach * d / length).collect();
        assert_eq!(class(&there), own, "network {seed} in {norm}: nearer than {found:?}");
    }
    if let Some(point) = &found.point {
        let mut y = network.output_of(point);
        let size = y.iter().fold(1.0f64, |size, y| size.max(y.abs()));
        let gap = if y.len() == 1 {
            y[0].abs()
        } else {
            y.sort_by(|a, b| b.total_cmp(a));
            y[0] - y[1]
        };
        assert!(gap <= 1e-6 * size, "network {seed} in {norm}: outputs differ by {gap}");
    }
}

/// As large as the networks of the ACAS Xu benchmark, with weights of about He's size.
#[test]
fn six_layers_of_fifty_units() {
    let point = [0.1, -0.2, 0.3, 0.05, -0.15];
    let network = scaled(&[5, 50, 50, 50, 50, 50, 50, 5], 4, 0.125);
    let started = Instant::now();
    let found = search(&network, &point, Norm::L2);
    assert!(found.exact, "after {:?}: {found:?}", started.elapsed());
    check_samples(&network, &point, Norm::L2, &found, &mut Random(4), 4);
}
