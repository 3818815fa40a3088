//! Power diagrams: known cells, and the code as the nearest of all cells.

mod common;

use common::networks::random_network;
use common::oracles::n1;
use common::{Builder, Random, list};
use maso_core::Network;
use maso_core::geometry::PowerCell;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// All cells of layer `layer`, by code word, for codes of `bits` bits that agree with `code` elsewhere.
fn cells(network: &Network, layer: usize, code: u64) -> Vec<PowerCell> {
    let layout = &network.layout().layers()[layer];
    let (first, bits) = (layout.first_bit(), layout.bits());
    let kept = code & !(((1 << bits) - 1) << first);
    let cell = |own: u64| network.freeze(&[kept | own << first]).expect("a code").power_cell(layer);
    (0..1 << bits).map(cell).collect()
}

#[test]
fn the_eight_cells_of_n1() {
    // By the bits of units 0, 1 and 2, unit 0 lowest.
    let expected = [
        ([0.0, 0.0], 0.0),
        ([1.0, 1.0], 2.0),
        ([1.0, -1.0], 4.0),
        ([2.0, 0.0], 6.0),
        ([-1.0, 2.0], 3.0),
        ([0.0, 3.0], 7.0),
        ([0.0, 1.0], 1.0),
        ([1.0, 2.0], 5.0),
    ];
    let network = n1();
    let cells = cells(&network, 0, 0);
    for (code, (cell, (centroid, radius))) in cells.iter().zip(expected).enumerate() {
        assert_eq!(cell.centroid, centroid, "code {code:03b}");
        assert_eq!(cell.radius, radius, "code {code:03b}");
    }
    let mut random = Random(5);
    for _ in 0..20_000 {
        let x = [0, 1].map(|_| 2.0 * f64::from(random.number()) + 1e-7);
        let code = network.linearize(&x).expect("a point").code()[0] as usize;
        let distances: Vec<f64> = cells.iter().map(|cell| cell.laguerre_distance(&x)).collect();
        let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(distances[code] <= least + 1e-9, "at {x:?}: {distances:?}, code {code:03b}");
    }
}

#[test]
fn cells_of_an_absolute_value_and_of_a_pool() {
    let mut b = Builder::new(None, &[2]);
    let (w, c) = (b.floats(&[2, 1], vec![3.0, -1.0]), b.floats(&[1], vec![0.5]));
    let z = b.node("Gemm", &["x", &w, &c]);
    let y = b.node("Abs", &[&z]);
    let abs = b.network(&y);
    let cells = cells(&abs, 0, 0);
    assert_eq!((&*cells[0].centroid, cells[0].radius), (&[-3.0, 1.0][..], 10.0 - 1.0), "−w");
    assert_eq!((&*cells[1].centroid, cells[1].radius), (&[3.0, -1.0][..], 10.0 + 1.0), "w");

    let mut b = Builder::new(None, &[1, 4]);
    let y = b.node_with("MaxPool", &["x"], &[("kernel_shape", list(&[4]))]);
    let pool = b.network(&y);
    for piece in 0..4usize {
        let cell = pool.freeze(&[piece as u64]).expect("a code").power_cell(0);
        let axis: Vec<f64> = (0..4).map(|i| f64::from(u8::from(i == piece))).collect();
        assert_eq!((cell.centroid, cell.radius), (axis, 1.0), "the Voronoi diagram of the axes");
    }
}

/// Layer by layer, inside the region of the layers before, the code's cell is the nearest of all.
#[test]
fn codes_are_the_nearest_cells() {
    let mut checked = 0;
    for seed in 0..300 {
        let network = random_network(seed);
        let layers = network.layout().layers();
        if network.layout().bits() > 64 || network.input().len() > 40 {
            continue;
        }
        let mut random = Random(seed);
        let x: Vec<f64> =
            random.numbers(network.input().len()).into_iter().map(f64::from).collect();
        let code = network.linearize(&x).expect("a point").code();
        let code = code.first().copied().unwrap_or(0);
        for (index, layer) in layers.iter().enumerate() {
            // Codes that name no piece would have no cell.
            if layer.bits() > 8 || !layer.pieces().is_power_of_two() {
                continue;
            }
            let own = (code >> layer.first_bit()) & ((1 << layer.bits()) - 1);
            let distances: Vec<f64> =
                cells(&network, index, code).iter().map(|c| c.laguerre_distance(&x)).collect();
            let least = distances.iter().copied().fold(f64::INFINITY, f64::min);
            let size = distances.iter().fold(1.0f64, |size, d| size.max(d.abs()));
            let excess = distances[own as usize] - least;
            assert!(excess <= 1e-9 * size, "network {seed}, layer {index}: {excess:e}");
            checked += 1;
        }
    }
    assert!(checked >= 30, "only {checked} layers were small enough");
}

/// μ = Aᵀ 1 and ρ = ‖μ‖² + 2 Σ b, stage by stage and at once; and the check at a point.
#[test]
fn cells_compose() {
    for seed in 0..80 {
        let network = random_network(seed);
        if network.input().len() > 300 || network.layout().units() > 3000 {
            continue;
        }
        let mut random = Random(seed + 7);
        let x: Vec<f64> =
            random.numbers(network.input().len()).into_iter().map(f64::from).collect();
        let map = network.linearize(&x).expect("a point");
        for layer in 0..network.layout().layers().len() {
            let what = format!("network {seed}, layer {layer}");
            let direct = map.power_cell(layer);
            let composed = map.composed(&map.layer_cell(layer));
            let size = direct.centroid.iter().fold(1.0f64, |size, mu| size.max(mu.abs()));
            for (a, b) in direct.centroid.iter().zip(&composed.centroid) {
                assert!((a - b).abs() <= 1e-10 * size, "{what}: centroid {a} and {b}");
            }
            let scale = size * size * direct.centroid.len() as f64;
            assert!((direct.radius - composed.radius).abs() <= 1e-9 * scale, "{what}: radius");
            let check = map.power_check(layer);
            assert!(check.is_code, "{what}: {check:?}");
            assert!(close(check.distance, direct.laguerre_distance(&x)), "{what}: {check:?}");
        }
    }
}

/// A ReLU layer's cell is the sum of its units' cells, and Aᵀ 1 of the map to its output.
#[test]
fn a_layers_cell_is_made_of_its_units() {
    let network = n1();
    for x in [[2.0, 1.0], [-1.0, -1.0], [0.3, 2.0]] {
        let map = network.linearize(&x).expect("a point");
        let cell = map.power_cell(0);
        let units: Vec<PowerCell> = (0..3).map(|unit| map.unit_power_cell(0, unit)).collect();
        let node = network.layout().layers()[0].node();
        let ones = map.frozen().to(node).vjp(&[1.0; 3]);
        assert_eq!(cell.centroid, ones, "Aᵀ 1");
        let sum: Vec<f64> = (0..2).map(|i| units.iter().map(|u| u.centroid[i]).sum()).collect();
        assert_eq!(cell.centroid, sum, "the sum of the units' centroids");
        let constant =
            |cell: &PowerCell| cell.radius - cell.centroid.iter().map(|mu| mu * mu).sum::<f64>();
        let constants: f64 = units.iter().map(constant).sum();
        assert!(close(constant(&cell), constants), "offsets add up");
    }
}

/// Rescaling a unit leaves the function as it is and moves the centroid: what users are told.
#[test]
fn centroids_depend_on_scaling() {
    let network = |scale: f32| {
        let mut b = Builder::new(None, &[2]);
        let w = b.floats(&[2, 2], vec![scale, 0.5, scale, -1.0]);
        let v = b.floats(&[2, 1], vec![1.0 / scale, 2.0]);
        let z = b.node("MatMul", &["x", &w]);
        let h = b.node("Relu", &[&z]);
        let y = b.node("MatMul", &[&h, &v]);
        b.network(&y)
    };
    let [one, four] = [1.0, 4.0].map(network);
    let [a, b] = [&one, &four].map(|network| network.linearize(&[1.0, 0.25]).expect("a point"));
    assert_eq!((a.value(), a.code()), (b.value(), b.code()), "the same function and code");
    assert_ne!(a.power_cell(0).centroid, b.power_cell(0).centroid, "another centroid");
}
