//! Templates, distances of codes and local complexity: known answers and definitions.

mod common;

use std::sync::Arc;

use common::networks::random_network;
use common::oracles::{arrangement, dense, generated, n1};
use common::{Builder, Random, list};
use maso_core::Evaluator;
use maso_core::geometry::Norm;
use maso_core::insight::ComplexityProbe;

#[test]
fn templates_are_the_rows_of_the_map() {
    let network = n1();
    let map = network.linearize(&[0.0, 2.0]).expect("a point");
    let templates = map.templates();
    assert_eq!(templates[0].row, [-1.0, 5.0], "row 0");
    assert_eq!((templates[0].response, templates[0].offset), (10.0, -1.0), "10 − 1 = 9");
    assert_eq!(templates[0].output, 9.0, "the output");
    let cosine = 10.0 / (26f64.sqrt() * 2.0);
    assert!((templates[0].cosine - cosine).abs() < 1e-15, "{}", templates[0].cosine);
    assert!((templates[0].share - 10.0 / 11.0).abs() < 1e-15, "{}", templates[0].share);
    let origin = n1();
    let map = origin.linearize(&[0.0, 0.0]).expect("a point");
    assert!(map.templates().iter().all(|t| t.cosine == 0.0 && t.share == 0.0), "at 0");
}

#[test]
fn orthogonality_of_the_last_layer() {
    let network = |rows: Vec<Vec<f32>>| {
        dense(&[(vec![vec![1.0], vec![-1.0]], vec![0.0; 2]), (rows, vec![0.0; 2])])
    };
    let layer = network(vec![vec![1.0, 0.0], vec![1.0, 1.0]]).last_layer().expect("a matrix");
    assert_eq!(layer.orthogonality_penalty, 2.0, "ordered pairs");
    assert_eq!(layer.gram.numbers(), [1.0, 1.0, 1.0, 2.0], "the Gram matrix");
    let layer = network(vec![vec![1.0, 1.0], vec![1.0, -1.0]]).last_layer().expect("a matrix");
    assert_eq!(layer.orthogonality_penalty, 0.0, "orthogonal rows");
    let mut b = Builder::new(None, &[2]);
    let y = b.node("Relu", &["x"]);
    assert!(b.network(&y).last_layer().is_none(), "it ends in a nonlinearity");
}

#[test]
fn distances_of_codes_are_shares_of_units() {
    for seed in 0..60 {
        let network = random_network(seed);
        let layout = network.layout();
        let mut random = Random(seed);
        let mut traces = Vec::new();
        for _ in 0..4 {
            let x = random.numbers(network.input().len()).into_iter().map(f64::from);
            traces.push(network.trace(&x.collect::<Vec<f64>>()));
        }
        let codes: Vec<Vec<u64>> = traces.iter().map(|trace| trace.code(&network)).collect();
        for (a, first) in traces.iter().zip(&codes) {
            for (b, second) in traces.iter().zip(&codes) {
                let found = layout.distance(first, second);
                let mut different = 0;
                for (layer, (p, q)) in a.pieces.iter().zip(&b.pieces).enumerate() {
                    let count = p.iter().zip(q).filter(|(p, q)| p != q).count();
                    let share = count as f64 / p.len() as f64;
                    assert_eq!(found.layers[layer], share, "network {seed}, layer {layer}");
                    different += count;
                }
                let share = different as f64 / layout.units().max(1) as f64;
                assert_eq!(found.total, share, "network {seed}");
            }
        }
        if layout.words() > 0 {
            let nearest = layout.nearest(&codes[2], &codes.concat(), 4);
            assert_eq!(nearest[0].distance, 0.0, "network {seed}: a code is nearest to itself");
            assert!(nearest.windows(2).all(|pair| pair[0].distance <= pair[1].distance));
            let own = nearest.iter().find(|near| near.row == 2).expect("among the four");
            assert_eq!(own.distance, 0.0, "network {seed}: itself");
        }
    }
}

#[test]
fn near_walls_count_units_by_distance() {
    let (x, y): (&[f32], &[f32]) = (&[1.0, 0.0], &[0.0, 2.0]);
    let network = arrangement(&[(x, 0.0), (x, -1.0), (y, 0.0), (&[0.0, 0.0], 1.0)]);
    let map = network.linearize(&[0.25, 0.5]).expect("a point");
    for (radius, expected) in [(0.2, 0), (0.3, 1), (0.6, 2), (0.8, 3), (100.0, 3)] {
        assert_eq!(map.near_walls(radius).layers, [expected], "within {radius}");
    }
    let pool = {
        let mut b = Builder::new(None, &[1, 3]);
        let y = b.node_with("MaxPool", &["x"], &[("kernel_shape", list(&[3]))]);
        b.network(&y)
    };
    let map = pool.linearize(&[1.0, 0.9, 0.8]).expect("a point");
    assert_eq!(map.near_walls(1.0).total(), 1, "one unit, though two walls are near");
}

/// In the first layer the sampled count is exact for its vertices: a unit crosses iff |u| < r max |⟨w, v⟩|.
#[test]
fn sampled_complexity_of_a_first_layer_is_exact() {
    let network = Arc::new(generated(&[6, 40, 3], 9));
    let evaluator = Evaluator::new(Arc::clone(&network));
    let layer = network.layout().layers()[0].node();
    let before = network.node(layer).inputs[0];
    let row = [0.1f32, -0.2, 0.3, 0.0, 0.25, -0.4];
    let point: Vec<f64> = row.iter().map(|&x| x.into()).collect();
    let map = network.linearize(&point).expect("a point").to(before);
    let weights = map.matrix();
    let mut counts = Vec::new();
    for (directions, radius) in [(1, 0.1), (3, 0.2), (6, 0.2), (10, 0.6)] {
        let probe = ComplexityProbe::new(6, directions, radius, 3);
        assert_eq!(probe.directions().len(), directions.min(6), "no more than inputs");
        let crosses = |unit: &usize| {
            let reach = probe.directions().iter().map(|v| {
                let products = weights.row(*unit).iter().zip(v).map(|(w, v)| w * f64::from(*v));
                products.sum::<f64>().abs()
            });
            map.value()[*unit].abs() < radius * reach.fold(0.0, f64::max)
        };
        let expected = (0..40).filter(crosses).count();
        let found = probe.count(&evaluator, &row).expect("finite values");
        assert_eq!(found.layers, [expected], "{directions} directions, radius {radius}");
        counts.push(expected);
    }
    assert!(counts[0] < counts[3] && counts[3] > 0, "more directions and further: {counts:?}");
    let zero = ComplexityProbe::new(6, 3, 0.0, 3).count(&evaluator, &row).expect("finite values");
    assert_eq!(zero.total(), 0, "nothing changes at one point");
}

/// Directions are orthonormal.
#[test]
fn directions_are_orthonormal() {
    let probe = ComplexityProbe::new(20, 7, 1.0, 11);
    for (i, a) in probe.directions().iter().enumerate() {
        for (j, b) in probe.directions().iter().enumerate() {
            let product: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!((product - f32::from(u8::from(i == j))).abs() < 1e-6, "{i}, {j}: {product}");
        }
    }
}

/// The counts agree with single distances of units.
#[test]
fn nearest_units_are_the_first_to_count() {
    for seed in 0..60 {
        let network = random_network(seed);
        let mut random = Random(seed + 5);
        let x: Vec<f64> =
            random.numbers(network.input().len()).into_iter().map(f64::from).collect();
        let map = network.linearize(&x).expect("a point");
        let wall = map.wall_distances(&[Norm::L2])[0].wall;
        if wall.is_finite() && wall > 0.0 {
            assert_eq!(map.near_walls(wall * 0.999).total(), 0, "network {seed}");
            assert!(map.near_walls(wall * 1.001).total() >= 1, "network {seed}");
        }
    }
}
