//! Networks with known answers, and the walk over all their regions.

use std::collections::{HashMap, VecDeque};

use maso_core::Network;
use maso_core::geometry::{Bounds, Limits, Region};

use super::Builder;

/// A dense network with ReLU between the layers: for each layer weights (units × inputs) and biases.
pub(crate) fn dense(layers: &[(Vec<Vec<f32>>, Vec<f32>)]) -> Network {
    dense_with(layers, |b, z| b.node("Relu", &[z]))
}

/// The same with another nonlinearity.
pub(crate) fn dense_with(
    layers: &[(Vec<Vec<f32>>, Vec<f32>)],
    nonlinearity: impl Fn(&mut Builder, &str) -> String,
) -> Network {
    let inputs = layers[0].0[0].len();
    let mut b = Builder::new(None, &[inputs]);
    let mut x = "x".to_owned();
    for (index, (weights, biases)) in layers.iter().enumerate() {
        let (units, depth) = (weights.len(), weights[0].len());
        let columns = (0..depth).flat_map(|i| weights.iter().map(move |row| row[i])).collect();
        let (w, c) = (b.floats(&[depth, units], columns), b.floats(&[units], biases.clone()));
        x = b.node("Gemm", &[&x, &w, &c]);
        if index + 1 < layers.len() {
            x = nonlinearity(&mut b, &x);
        }
    }
    b.network(&x)
}

/// The portable generator's network: a 64-bit linear congruential generator, multiples of 1/512 in [−2, 2].
pub(crate) fn generated(widths: &[usize], seed: u64) -> Network {
    scaled(widths, seed, 1.0)
}

/// The same with all numbers multiplied by `scale`, a power of two.
pub(crate) fn scaled(widths: &[usize], seed: u64, scale: f32) -> Network {
    let mut state = seed;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        scale * (((state >> 33) % 2049) as f32 / 512.0 - 2.0)
    };
    let mut layers = Vec::new();
    for pair in widths.windows(2) {
        let rows = (0..pair[1]).map(|_| (0..pair[0]).map(|_| next()).collect()).collect();
        layers.push((rows, (0..pair[1]).map(|_| next()).collect()));
    }
    dense(&layers)
}

/// The hidden layers of the network G(dims): exact quarters, and the identity on top.
pub(crate) fn quarters(
    dims: &[usize],
    nonlinearity: impl Fn(&mut Builder, &str) -> String,
) -> Network {
    let mut layers = Vec::new();
    for (l, pair) in dims.windows(2).enumerate() {
        let weight = |i: usize, j: usize| {
            (((7 * i + 13 * j + 5 * l + 3 * i * j + 2) % 11) as f32 - 5.0) / 4.0
        };
        let bias = |i: usize| (((5 * i + 3 * l + 1 + i * i) % 7) as f32 - 3.0) / 4.0;
        let rows = (0..pair[1]).map(|i| (0..pair[0]).map(|j| weight(i, j)).collect()).collect();
        layers.push((rows, (0..pair[1]).map(bias).collect()));
    }
    let last = *dims.last().expect("layers");
    let identity = |i: usize| (0..last).map(|j| f32::from(u8::from(i == j))).collect();
    layers.push(((0..last).map(identity).collect(), vec![0.0; last]));
    dense_with(&layers, nonlinearity)
}

/// One hidden layer of rows w | b, and the sum of its units.
pub(crate) fn arrangement(rows: &[(&[f32], f32)]) -> Network {
    let weights = rows.iter().map(|(w, _)| w.to_vec()).collect();
    let biases = rows.iter().map(|(_, b)| *b).collect();
    dense(&[(weights, biases), (vec![vec![1.0; rows.len()]], vec![0.0])])
}

/// The network N1: 2-3-2.
pub(crate) fn n1() -> Network {
    let first = vec![vec![1.0, 1.0], vec![1.0, -1.0], vec![-1.0, 2.0]];
    let second = vec![vec![1.0, -1.0, 2.0], vec![0.0, 1.0, 1.0]];
    dense(&[(first, vec![0.0, 1.0, -1.0]), (second, vec![1.0, -2.0])])
}

/// All regions that a walk across facets reaches from `start`, by code.
pub(crate) fn walk<'n>(
    network: &'n Network,
    start: &[f64],
    bounds: Option<Bounds>,
) -> HashMap<Vec<u64>, Region<'n>> {
    let first = network.linearize(start).expect("a point");
    let mut found = HashMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(map) = queue.pop_front() {
        let code = map.code();
        if found.contains_key(&code) {
            continue;
        }
        let region = Region::new(&map, bounds).expect("inside the box");
        let shape = region.shape(&Limits::default());
        assert_eq!(
            shape.full_dimensional,
            Some(true),
            "a walk starts and goes on inside of regions"
        );
        for wall in shape.facets() {
            let point = shape.facet_points[wall].as_ref().expect("a facet has a point");
            if let Some(neighbour) = region.neighbour(wall, point).expect("finite values") {
                let place = neighbour.map.point();
                let inside = |x: &f64| bounds.is_none_or(|b| (b.low..=b.high).contains(x));
                if place.iter().all(inside) {
                    queue.push_back(neighbour.map);
                }
            }
        }
        found.insert(code, region);
    }
    found
}
