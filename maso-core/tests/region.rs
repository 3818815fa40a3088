//! Regions as polytopes: counts, shapes and distances with known answers; degenerate networks; properties on
//! random networks.

mod common;

use common::networks::random_network;
use common::oracles::{arrangement, dense_with, generated, n1, quarters, walk};
use common::{Builder, Random, list};
use maso_core::Network;
use maso_core::geometry::{Ball, Bounds, Limits, Norm, Region, Shape, WallStatus};
use microlp::{ComparisonOp, OptimizationDirection, Problem};

const UNIT_BOX: Option<Bounds> = Some(Bounds { low: -1.0, high: 1.0 });

fn region<'n>(network: &'n Network, x: &[f64]) -> Region<'n> {
    Region::new(&network.linearize(x).expect("a point"), None).expect("no box")
}

fn shape(region: &Region<'_>) -> Shape {
    region.shape(&Limits::default())
}

/// A shape's inradius, which is known.
fn inradius(shape: &Shape) -> f64 {
    shape.ball.inradius().expect("no limits")
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-10 * (1.0 + b.abs())
}

#[test]
fn the_generator_starts_as_it_should() {
    let network = generated(&[2, 3, 1], 1);
    let map = network.linearize(&[0.0, 0.0]).expect("a point");
    let first = network.node(network.layout().layers()[0].node()).inputs[0];
    let matrix = map.to(first).matrix();
    let start = [-0.390625, 0.91796875, -0.79296875, -0.271484375, -0.60546875, 1.9296875];
    assert_eq!(matrix.numbers(), start, "the first six numbers");
}

#[test]
fn walks_find_all_regions_of_the_plane_and_of_the_box() {
    let cases: [(&[usize], u64, usize, usize); 6] = [
        (&[2, 4, 1], 1, 4, 11),
        (&[2, 8, 1], 2, 22, 37),
        (&[2, 8, 8, 1], 3, 40, 178),
        (&[2, 16, 16, 1], 4, 174, 564),
        (&[3, 6, 6, 1], 11, 39, 258),
        (&[4, 6, 6, 1], 13, 152, 666),
    ];
    for (widths, seed, in_box, everywhere) in cases {
        let network = generated(widths, seed);
        let start = vec![0.0123; widths[0]];
        assert_eq!(walk(&network, &start, UNIT_BOX).len(), in_box, "{widths:?} in the box");
        assert_eq!(walk(&network, &start, None).len(), everywhere, "{widths:?}");
    }
}

#[test]
fn regions_of_quarters_networks() {
    let relu = |b: &mut Builder, z: &str| b.node("Relu", &[z]);
    let leaky = |b: &mut Builder, z: &str| {
        b.node_with("LeakyRelu", &[z], &[("alpha", maso_core::graph::Attribute::Float(0.1))])
    };
    let abs = |b: &mut Builder, z: &str| b.node("Abs", &[z]);
    let bounds = Some(Bounds { low: -4.0, high: 4.0 });
    let count = |network: &Network| walk(network, &[0.0123, 0.0456], bounds).len();
    assert_eq!(count(&quarters(&[2, 3], relu)), 7, "ReLU 2-3");
    assert_eq!(count(&quarters(&[2, 4], relu)), 11, "ReLU 2-4");
    assert_eq!(count(&quarters(&[2, 6], relu)), 21, "ReLU 2-6");
    assert_eq!(count(&quarters(&[2, 4, 4], relu)), 34, "ReLU 2-4-4");
    assert_eq!(count(&quarters(&[2, 3, 3, 3], relu)), 19, "ReLU 2-3-3-3");
    assert_eq!(count(&quarters(&[2, 4, 4], leaky)), 34, "leaky 2-4-4");
    assert_eq!(count(&quarters(&[2, 4, 4], abs)), 53, "abs 2-4-4");
}

#[test]
fn arrangements_that_are_not_in_general_position() {
    let zero_one = |n: usize| {
        let rows: Vec<Vec<f32>> =
            (1..1 << n).map(|bits| (0..n).map(|i| (bits >> i & 1) as f32).collect()).collect();
        let rows: Vec<(&[f32], f32)> = rows.iter().map(|row| (&**row, 0.0)).collect();
        arrangement(&rows)
    };
    let pairs = |n: usize, offsets: &[f32]| {
        let mut rows: Vec<(Vec<f32>, f32)> = Vec::new();
        for i in 0..n {
            for j in i + 1..n {
                let row = (0..n).map(|k| f32::from(i8::from(k == i) - i8::from(k == j))).collect();
                let row: Vec<f32> = row;
                rows.extend(offsets.iter().map(|offset| (row.clone(), *offset)));
            }
        }
        let rows: Vec<(&[f32], f32)> = rows.iter().map(|(w, b)| (&**w, *b)).collect();
        arrangement(&rows)
    };
    let type_b = |n: usize| {
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for i in 0..n {
            rows.push((0..n).map(|k| f32::from(u8::from(k == i))).collect());
            for j in i + 1..n {
                for sign in [1.0, -1.0] {
                    let entry = |k| {
                        if k == i {
                            1.0
                        } else if k == j {
                            sign
                        } else {
                            0.0
                        }
                    };
                    rows.push((0..n).map(entry).collect());
                }
            }
        }
        let rows: Vec<(&[f32], f32)> = rows.iter().map(|row| (&**row, 0.0)).collect();
        arrangement(&rows)
    };
    let (x, y): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 1.0]);
    let cases = [
        ("resonance 2", zero_one(2), 6),
        ("resonance 3", zero_one(3), 32),
        ("braid 3", pairs(3, &[0.0]), 6),
        ("braid 4", pairs(4, &[0.0]), 24),
        ("Shi 3", pairs(3, &[0.0, -1.0]), 16),
        ("type B 2", type_b(2), 8),
        ("type B 3", type_b(3), 48),
        ("conc", arrangement(&[(x, 0.0), (x, 0.5), (y, 0.0), (&[1.0, 1.0], 0.0)]), 9),
        ("dup", arrangement(&[(x, 0.0), (x, 0.0), (y, 0.0)]), 4),
        ("dead", arrangement(&[(x, 0.0), (&[0.0, 0.0], -1.0), (y, 0.0)]), 4),
        (
            "nobias",
            arrangement(&[
                (x, 0.0),
                (y, 0.0),
                (&[1.0, 1.0], 0.0),
                (&[1.0, -1.0], 0.0),
                (&[2.0, 1.0], 0.0),
            ]),
            10,
        ),
    ];
    for (name, network, expected) in cases {
        let inputs = network.input().len();
        let start: Vec<f64> = (0..inputs).map(|i| 0.37 + 0.113 * i as f64 * i as f64).collect();
        assert_eq!(walk(&network, &start, None).len(), expected, "{name}");
    }
}

#[test]
fn units_on_one_wall_share_it() {
    let (x, y): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 1.0]);
    let network =
        arrangement(&[(x, 0.0), (&[-2.0, 0.0], 0.0), (x, 0.5), (y, 0.0), (&[0.0; 2], -1.0)]);
    let region = region(&network, &[3.0, 2.0]);
    assert_eq!(region.constant_units(), 1, "the unit without weights");
    let units = |wall: usize| -> Vec<usize> {
        region.walls()[wall].crossings.iter().map(|c| c.unit).collect()
    };
    assert_eq!(region.walls().len(), 3, "two of four coincide");
    assert_eq!([units(0), units(1), units(2)], [vec![0, 1], vec![2], vec![3]], "their units");
    let shape = shape(&region);
    let expected = [WallStatus::Facet, WallStatus::Redundant, WallStatus::Facet];
    assert_eq!(shape.walls, expected, "the parallel wall lies behind");
    assert_eq!((shape.bounded, &shape.ball), (Some(false), &Ball::Unlimited), "a quarter");
    let point = shape.facet_points[0].as_ref().expect("a facet's point");
    let across = region.neighbour(0, point).expect("finite").expect("a neighbour");
    assert_eq!(across.changed, [0, 1], "both units change");
}

#[test]
fn points_on_walls() {
    let (x, y): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 1.0]);
    let network = arrangement(&[(x, 0.0), (x, 0.5), (y, 0.0), (&[1.0, 1.0], 0.0)]);
    // On one wall, on two, and on all three that meet.
    for (point, ties, free) in [([0.0, 3.0], 1, 0.5), ([-0.5, 0.5], 2, 0.5), ([0.0, 0.0], 3, 0.5)] {
        let map = network.linearize(&point).expect("a point");
        let distance = map.wall_distances(&[Norm::L2])[0];
        assert_eq!((distance.wall, distance.ties), (0.0, ties), "at {point:?}");
        assert!(close(distance.wall_free, free), "at {point:?}: {distance:?}");
        let region = region(&network, &point);
        let shape = shape(&region);
        assert_eq!(region.ties(), ties, "at {point:?}");
        assert_eq!(
            shape.full_dimensional,
            Some(true),
            "at {point:?}: its code is that of a region"
        );
        let inside = shape.interior.as_ref().expect("an interior point");
        let inside: Vec<f64> = inside.iter().zip(&point).map(|(a, b)| a + b).collect();
        assert!(region.margin(&inside) > 0.0, "at {point:?}: {inside:?}");
        assert_eq!(network.linearize(&inside).expect("a point").code(), map.code(), "its code");
    }
}

#[test]
fn a_code_without_interior_says_so() {
    let network = arrangement(&[(&[1.0, 0.0], 0.0), (&[-1.0, 0.0], 0.0), (&[0.0, 1.0], 0.0)]);
    let region = region(&network, &[0.0, 2.0]);
    let shape = shape(&region);
    assert_eq!((shape.full_dimensional, &shape.ball), (Some(false), &Ball::None), "a line");
    assert!(shape.interior.is_none(), "no point inside");
    assert!(shape.walls.iter().all(|wall| *wall == WallStatus::Undecided), "no facets of it");
    assert_eq!(region.ties(), 2, "both units are at their knot");
}

/// layer 1: |x|; then |2 z − 1| again and again.
fn fold(layers: usize) -> Network {
    let mut b = Builder::new(None, &[2]);
    let (two, one) = (b.floats(&[], vec![2.0]), b.floats(&[], vec![-1.0]));
    let mut x = b.node("Abs", &["x"]);
    for _ in 1..layers {
        let doubled = b.node("Mul", &[&x, &two]);
        let shifted = b.node("Add", &[&doubled, &one]);
        x = b.node("Abs", &[&shifted]);
    }
    b.network(&x)
}

#[test]
fn folds_make_squares() {
    for layers in 1..=4usize {
        let network = fold(layers);
        let regions = walk(&network, &[0.0123, 0.0456], UNIT_BOX);
        assert_eq!(regions.len(), 1 << (2 * layers), "{layers} layers");
        let half = 1.0 / f64::from(1u32 << layers);
        for region in regions.values() {
            let shape = shape(region);
            assert_eq!(shape.bounded, Some(true), "a square");
            assert_eq!(shape.facets().count(), 4, "four sides");
            assert!(close(inradius(&shape), half), "{layers} layers: {:?}", shape.ball);
        }
    }
}

#[test]
fn tents_fold_the_line() {
    let mut b = Builder::new(None, &[1]);
    let (w, c) = (b.floats(&[1, 2], vec![2.0, 4.0]), b.floats(&[2], vec![0.0, -2.0]));
    let out = b.floats(&[2, 1], vec![1.0, -1.0]);
    let mut x = "x".to_owned();
    for _ in 0..5 {
        let z = b.node("Gemm", &[&x, &w, &c]);
        let h = b.node("Relu", &[&z]);
        x = b.node("MatMul", &[&h, &out]);
    }
    let network = b.network(&x);
    let regions = walk(&network, &[0.0123], Some(Bounds { low: 0.0, high: 1.0 }));
    assert_eq!(regions.len(), 32, "2⁵ pieces");
    for region in regions.values() {
        assert_eq!(region.map().matrix().numbers()[0].abs(), 32.0, "slopes are ±2⁵");
        assert!(close(inradius(&shape(region)), 1.0 / 64.0), "pieces are 1/32 long");
    }
}

#[test]
fn a_pool_is_a_voronoi_diagram() {
    let mut b = Builder::new(None, &[1, 5]);
    let y = b.node_with("MaxPool", &["x"], &[("kernel_shape", list(&[5]))]);
    let network = b.network(&y);
    let regions = walk(&network, &[0.5, 0.1, 0.2, 0.3, 0.15], None);
    assert_eq!(regions.len(), 5, "a cell for each input");
    for region in regions.values() {
        assert_eq!(shape(region).facets().count(), 4, "a wall to each other cell");
    }
    // The distance to the nearest: half the difference of the two largest, times √2.
    let map = network.linearize(&[0.5, 0.1, 0.2, 0.3, 0.15]).expect("a point");
    let distance = map.wall_distances(&Norm::ALL);
    assert!(close(distance[1].wall, 0.2 / 2f64.sqrt()), "{distance:?}");
    assert!(close(distance[0].wall, 0.2), "in L1: {distance:?}");
    assert!(close(distance[2].wall, 0.1), "in L∞: {distance:?}");
}

#[test]
fn known_distances_to_walls() {
    for (widths, seed, wall) in
        [(&[2usize, 8, 1][..], 2, 0.034297807005), (&[2, 8, 8, 1], 3, 0.038850870818)]
    {
        let network = generated(widths, seed);
        let map = network.linearize(&[0.0, 0.0]).expect("a point");
        let distance = map.wall_distances(&[Norm::L2])[0];
        assert!((distance.wall - wall).abs() < 1e-11, "{widths:?}: {distance:?}");
        let region = Region::new(&map, None).expect("no box");
        let (index, nearest) = region.nearest_wall(Norm::L2).expect("walls");
        assert!(close(nearest, distance.wall), "{widths:?}");
        let units: Vec<usize> = region.walls()[index].crossings.iter().map(|c| c.unit).collect();
        assert!(units.contains(&distance.unit.expect("a unit")), "{widths:?}");
    }
    let network = generated(&[2, 8, 1], 2);
    let map = network.linearize(&[0.0, 0.0]).expect("a point");
    let (value, gradient) = (map.value()[0], map.matrix());
    assert!((value - 0.355926513672).abs() < 1e-11, "f(0)");
    assert!((gradient.numbers()[0] + 0.302131652832).abs() < 1e-11, "its gradient");
}

#[test]
fn inradius_of_a_simplex() {
    for dims in [2usize, 3, 7, 20] {
        let mut rows: Vec<(Vec<f32>, f32)> = (0..dims)
            .map(|i| ((0..dims).map(|j| f32::from(u8::from(i == j))).collect(), 0.0))
            .collect();
        rows.push((vec![-1.0; dims], 1.0));
        let rows: Vec<(&[f32], f32)> = rows.iter().map(|(w, b)| (&**w, *b)).collect();
        let network = arrangement(&rows);
        let inside = vec![0.3 / dims as f64; dims];
        let shape = shape(&region(&network, &inside));
        let d = dims as f64;
        // The centre (r, …, r) is r from the last side: (1 − d r) / √d = r.
        let expected = 1.0 / (d + d.sqrt());
        assert!(close(inradius(&shape), expected), "{dims}: {:?} for {expected}", shape.ball);
        assert!(
            shape.bounded == Some(true) && shape.facets().count() == dims + 1,
            "{dims}: a simplex"
        );
        let Ball::Largest { centre, .. } = &shape.ball else { panic!("{:?}", shape.ball) };
        let centre: Vec<f64> = centre.iter().zip(&inside).map(|(a, b)| a + b).collect();
        assert!(centre.iter().all(|x| (x - expected).abs() < 1e-7), "{dims}: {centre:?}");
    }
}

#[test]
fn regions_of_n1_have_known_areas() {
    let network = n1();
    let regions = walk(&network, &[0.3, 0.2], Some(Bounds { low: -4.0, high: 4.0 }));
    let areas = [
        (0b000, 9.0 / 4.0),
        (0b100, 10.0),
        (0b010, 59.0 / 3.0),
        (0b110, 1.0 / 12.0),
        (0b101, 49.0 / 4.0),
        (0b011, 169.0 / 12.0),
        (0b111, 17.0 / 3.0),
    ];
    assert_eq!(regions.len(), areas.len(), "seven regions; one code is empty");
    for (code, expected) in areas {
        let region = &regions[&vec![code]];
        let area = area(region);
        assert!((area - expected).abs() < 1e-9, "code {code:03b}: {area}, expected {expected}");
    }
}

#[test]
fn n1_with_units_on_its_outputs_has_fifteen_regions() {
    let first = vec![vec![1.0, 1.0], vec![1.0, -1.0], vec![-1.0, 2.0]];
    let second = vec![vec![1.0, -1.0, 2.0], vec![0.0, 1.0, 1.0]];
    let identity = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
    let layers =
        [(first, vec![0.0, 1.0, -1.0]), (second, vec![1.0, -2.0]), (identity, vec![0.0, 0.0])];
    let network = dense_with(&layers, |b, z| b.node("Relu", &[z]));
    let bounds = Some(Bounds { low: -4.0, high: 4.0 });
    assert_eq!(walk(&network, &[0.3, 0.2], bounds).len(), 15, "fifteen");
}

/// The decision boundary of N1: a line in each of two regions, and the angle that it bends by at unit 0.
#[test]
fn the_boundary_of_n1_bends_where_a_unit_changes() {
    let network = n1();
    let line = |x: [f64; 2]| {
        let map = network.linearize(&x).expect("a point");
        let (a, b) = (map.matrix(), map.offset());
        let normal = [0, 1].map(|i| a.row(0)[i] - a.row(1)[i]);
        (map.code()[0], normal, b[0] - b[1])
    };
    let (code, first, offset) = line([-1.0, -1.5]);
    assert_eq!((code, first, offset), (0b010, [-2.0, 2.0], 1.0), "unit 1 is on");
    let (code, second, offset) = line([1.0, 0.0]);
    assert_eq!((code, second, offset), (0b011, [-1.0, 3.0], 1.0), "units 0 and 1 are on");
    let cosine = (first[0] * second[0] + first[1] * second[1])
        / (first[0].hypot(first[1]) * second[0].hypot(second[1]));
    assert!((cosine.acos().to_degrees() - 26.5650512).abs() < 1e-7, "the bend");
}

/// The area of a bounded region of the plane: its box cut by every wall in turn.
fn area(region: &Region<'_>) -> f64 {
    let far = 100.0;
    let mut polygon = vec![[-far, -far], [far, -far], [far, far], [-far, far]];
    for wall in region.walls() {
        let inside = |p: &[f64; 2]| wall.normal[0] * p[0] + wall.normal[1] * p[1] + wall.distance;
        let mut cut = Vec::new();
        for (i, p) in polygon.iter().enumerate() {
            let q = &polygon[(i + 1) % polygon.len()];
            let (a, b) = (inside(p), inside(q));
            if a >= 0.0 {
                cut.push(*p);
            }
            if (a > 0.0 && b < 0.0) || (a < 0.0 && b > 0.0) {
                let t = a / (a - b);
                cut.push([p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])]);
            }
        }
        polygon = cut;
    }
    let pairs = (0..polygon.len()).map(|i| (polygon[i], polygon[(i + 1) % polygon.len()]));
    pairs.map(|(p, q)| p[0] * q[1] - p[1] * q[0]).sum::<f64>() / 2.0
}

#[test]
fn membership_is_equality_of_codes() {
    let mut checked = 0;
    for seed in 0..80 {
        let network = random_network(seed);
        let mut random = Random(seed + 99);
        let inputs = network.input().len();
        let x: Vec<f64> = random.numbers(inputs).into_iter().map(f64::from).collect();
        let region = region(&network, &x);
        let code = region.map().code();
        let (_, reach) = region.nearest_wall(Norm::L2).unwrap_or((0, 1.0));
        for trial in 0..12 {
            // Steps around the distance of the nearest wall, so that both answers occur.
            let step = (reach + 1e-3) * [0.3, 0.9, 1.5, 4.0][trial % 4];
            let direction: Vec<f64> = random.numbers(inputs).into_iter().map(f64::from).collect();
            let length = Norm::L2.of(&direction).max(1e-9);
            let there: Vec<f64> =
                x.iter().zip(&direction).map(|(x, d)| x + step * d / length).collect();
            let margin = region.margin(&there);
            if margin.abs() < 1e-9 {
                continue;
            }
            let other = network.linearize(&there).expect("a point").code();
            assert_eq!(margin > 0.0, other == code, "network {seed}: margin {margin}");
            checked += 1;
        }
    }
    assert!(checked > 700, "only {checked} points were clear of walls");
}

#[test]
fn facets_lead_across_and_back() {
    let (mut crossed, mut facets) = (0, 0);
    for seed in 300..400 {
        let network = random_network(seed);
        if network.layout().units() > 150 || network.input().len() > 60 {
            continue;
        }
        let mut random = Random(seed);
        let x: Vec<f64> =
            random.numbers(network.input().len()).into_iter().map(f64::from).collect();
        let region = region(&network, &x);
        let shape = shape(&region);
        if shape.full_dimensional != Some(true) {
            continue;
        }
        for wall in shape.facets() {
            facets += 1;
            let point = shape.facet_points[wall].as_ref().expect("a facet has a point");
            crossed += usize::from(check_crossing(&region, wall, point, seed));
        }
    }
    assert!(facets > 300 && crossed * 100 >= facets * 95, "{crossed} of {facets} facets crossed");
}

/// Crossing flips every unit of the wall and crossing back returns; f is continuous, and bends by rank one.
fn check_crossing(region: &Region<'_>, wall: usize, point: &[f64], seed: u64) -> bool {
    let Some(across) = region.neighbour(wall, point).expect("finite values") else { return false };
    let what = format!("network {seed}, wall {wall}");
    let first = region.walls()[wall].crossings[0].unit;
    assert!(across.changed.contains(&first), "{what}: the first unit of the wall changes");
    let there = Region::new(&across.map, None).expect("no box");
    let normal = &region.walls()[wall].normal;
    let back = there.walls().iter().position(|wall| {
        wall.normal.iter().zip(normal).all(|(there, here)| (there + here).abs() < 1e-7)
            && wall.crossings.iter().any(|crossing| crossing.unit == first)
    });
    let back = back.unwrap_or_else(|| panic!("{what}: no way back"));
    let from = across.map.point();
    let offset: Vec<f64> =
        (0..from.len()).map(|i| region.map().point()[i] + point[i] - from[i]).collect();
    if let Some(home) = there.neighbour(back, &offset).expect("finite values") {
        assert_eq!(home.map.code(), region.map().code(), "{what}: back home");
    }
    // Values on the wall agree, and the change is response ⊗ normal.
    let on: Vec<f64> = point.iter().zip(region.map().point()).map(|(a, b)| a + b).collect();
    let (here, beyond) = (region.map().apply(&on), across.map.apply(&on));
    let (a, b) = (region.map().matrix(), across.map.matrix());
    let size = (a.squared_norm() + b.squared_norm()).sqrt();
    let reach = Norm::L2.of(&on) + 1.0;
    for (here, beyond) in here.iter().zip(&beyond) {
        assert!((here - beyond).abs() <= 1e-8 * (1.0 + size * reach), "{what}: continuity");
    }
    let bend = region.bend(wall, &across);
    for (row, response) in bend.response.iter().enumerate() {
        for (column, normal) in bend.normal.iter().enumerate() {
            let change = b.row(row)[column] - a.row(row)[column];
            let error = (change - response * normal).abs();
            assert!(
                error <= 1e-8 * (1.0 + size),
                "{what}: A'[{row}][{column}] is off by {error:e}"
            );
        }
    }
    true
}

/// The greatest `objective · y + gain · r` with every wall (but `without`) at least r away; infinite if there is
/// none. By microlp, which shares nothing with the shapes.
/// None where it gives up, as it does on some degenerate ones.
fn program(
    region: &Region<'_>,
    objective: &[f64],
    gain: f64,
    without: Option<usize>,
) -> Option<f64> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let free = (f64::NEG_INFINITY, f64::INFINITY);
    let y: Vec<_> = objective.iter().map(|&weight| problem.add_var(weight, free)).collect();
    let r = problem.add_var(gain, if gain == 0.0 { (0.0, 0.0) } else { free });
    for (_, wall) in region.walls().iter().enumerate().filter(|(i, _)| Some(*i) != without) {
        let terms = y.iter().copied().zip(wall.normal.iter().copied());
        let terms: Vec<_> = terms.chain([(r, -1.0)]).collect();
        problem.add_constraint(&terms, ComparisonOp::Ge, -wall.distance);
    }
    match problem.solve() {
        Ok(outcome) => Some(outcome.into_solution().expect("solved").objective()),
        Err(microlp::Error::Unbounded) => Some(f64::INFINITY),
        Err(_) => None,
    }
}

#[test]
fn shapes_agree_with_linear_programs() {
    let mut cases: Vec<(String, Network, Vec<f64>)> = Vec::new();
    for seed in 0..12 {
        let widths = [&[2usize, 8, 8, 1][..], &[3, 6, 6, 1], &[5, 20, 20, 3]][seed as usize % 3];
        let x = (0..widths[0]).map(|i| 0.3 * ((seed + 3 * i as u64) as f64).sin()).collect();
        cases.push((format!("{widths:?}, {seed}"), generated(widths, seed), x));
    }
    for seed in 0..60 {
        let network = random_network(seed);
        if network.input().len() <= 16 && network.layout().units() <= 90 {
            let mut random = Random(seed);
            let x = random.numbers(network.input().len()).into_iter().map(f64::from).collect();
            cases.push((format!("random network {seed}"), network, x));
        }
    }
    let (mut facets, mut redundant, mut bounded) = (0, 0, 0);
    for (what, network, x) in &cases {
        for bounds in [None, Some(Bounds { low: -3.0, high: 3.0 })] {
            let map = network.linearize(x).expect("a point");
            let region = Region::new(&map, bounds).expect("inside the box");
            let shape = shape(&region);
            if shape.full_dimensional != Some(true) || region.walls().is_empty() {
                continue;
            }
            if let Some(inradius) = program(&region, &vec![0.0; x.len()], 1.0, None) {
                let found = self::inradius(&shape);
                let equal =
                    inradius == found || (inradius - found).abs() <= 1e-7 * (1.0 + inradius);
                assert!(equal, "{what}, {bounds:?}: inradius {found} for {inradius}");
            }
            assert!(bounds.is_none() || shape.bounded == Some(true), "{what}: a box is bounded");
            bounded += usize::from(shape.bounded == Some(true));
            for (index, status) in shape.walls.iter().enumerate() {
                let wall = &region.walls()[index];
                let outwards: Vec<f64> = wall.normal.iter().map(|n| -n).collect();
                let Some(furthest) = program(&region, &outwards, 0.0, Some(index)) else {
                    continue;
                };
                let beyond = furthest - wall.distance;
                match status {
                    WallStatus::Facet => {
                        assert!(beyond > 1e-9, "{what}: facet {index} is {beyond:e} beyond");
                        facets += 1;
                    }
                    WallStatus::Redundant => {
                        assert!(beyond < 1e-6, "{what}: redundant {index} is {beyond:e} beyond");
                        redundant += 1;
                    }
                    WallStatus::Undecided => panic!("{what}: wall {index} is undecided"),
                }
            }
        }
    }
    assert!(facets > 200 && redundant > 200 && bounded > 20, "{facets}, {redundant}, {bounded}");
}

#[test]
fn rescaling_units_moves_no_wall() {
    let plain = n1();
    let weights = vec![vec![4.0, 4.0], vec![0.5, -0.5], vec![-1.0, 2.0]];
    let second = vec![vec![0.25, -2.0, 2.0], vec![0.0, 2.0, 1.0]];
    let relu = |b: &mut Builder, z: &str| b.node("Relu", &[z]);
    let scaled = dense_with(&[(weights, vec![0.0, 0.5, -1.0]), (second, vec![1.0, -2.0])], relu);
    for x in [[0.4, -1.2], [2.0, 1.0], [-1.5, 0.25]] {
        let [a, b] = [&plain, &scaled].map(|network| network.linearize(&x).expect("a point"));
        assert_eq!(a.code(), b.code(), "codes at {x:?}");
        let [p, q] = [&a, &b].map(|map| map.wall_distances(&[Norm::L2])[0]);
        assert!(close(p.wall, q.wall) && p.unit == q.unit, "{p:?} and {q:?}");
        let change: Vec<f64> =
            a.matrix().numbers().iter().zip(b.matrix().numbers()).map(|(a, b)| a - b).collect();
        assert!(change.iter().all(|c| c.abs() < 1e-12), "the map at {x:?}");
    }
}

#[test]
fn regions_without_biases_are_cones() {
    let network = arrangement(&[(&[1.0, 0.5], 0.0), (&[-1.0, 2.0], 0.0), (&[0.25, 1.0], 0.0)]);
    let region = region(&network, &[1.0, 1.0]);
    for scale in [1e-3, 0.5, 7.0, 1e4] {
        assert!(region.margin(&[scale, scale]) > 0.0, "the whole ray");
    }
    assert_eq!(shape(&region).bounded, Some(false), "a cone");
}
