//! Slices of real trained networks: known counts, and the codes of random points.
//!
//! `MASO_TEST_MODELS` names another folder of models (for those that are not here), `MASO_SLICE_POINTS` another number
//! of points for each network.

#![allow(clippy::print_stderr, reason = "a test run says what it measured")]

mod common;

use std::collections::HashMap;
use std::path::PathBuf;

use common::testdata;
use maso_core::geometry::slice::{Plane, Slice, SliceOptions, SliceStatus, SliceTarget, Window};
use maso_core::{LowerOptions, Network, Rows};
use maso_io::dataset::{Dataset, Scaling};
use maso_io::model;
use rayon::prelude::*;

fn folder() -> PathBuf {
    std::env::var_os("MASO_TEST_MODELS").map_or_else(|| testdata("models"), PathBuf::from)
}

fn load(name: &str) -> Option<Network> {
    let path = folder().join(format!("{name}.onnx"));
    let load = || model::load(&path, &LowerOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    path.exists().then(load)
}

#[test]
fn known_slices_have_the_known_regions() {
    let text = std::fs::read(testdata("slices.json")).expect("specifications");
    let specs: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let mut found = 0;
    for spec in specs.as_array().expect("a list") {
        let name = spec["model"].as_str().expect("a name");
        let stem = PathBuf::from(name).file_stem().expect("a file").to_string_lossy().into_owned();
        let Some(network) = load(&stem) else { continue };
        let list = |key: &str| -> Vec<f64> {
            let list = spec[key].as_array().expect("a list");
            list.iter().map(|number| number.as_f64().expect("a number")).collect()
        };
        let plane = Plane::new(list("origin"), list("u"), list("v")).expect("a plane");
        let bounds = list("box");
        let window =
            Window::new_box([bounds[0], bounds[1]], [bounds[2], bounds[3]]).expect("a box");
        let options = SliceOptions { maps: true, ..SliceOptions::default() };
        let slice = network.slice(&plane, &window, &options).expect("a slice");
        let counts: Vec<u64> = slice.regions_per_layer.iter().map(|&count| count as u64).collect();
        let known = spec["regions_per_layer"].as_array().expect("a list");
        let known: Vec<u64> = known.iter().map(|count| count.as_u64().expect("a count")).collect();
        assert_eq!(counts, known, "{name}: regions after each layer");
        assert_eq!(
            slice.regions.len() as u64,
            spec["regions"].as_u64().expect("a count"),
            "{name}"
        );
        let check = slice.verify(&network);
        assert!(check.is_clean(), "{name}: {check:?}");
        eprintln!("{name}: {counts:?}, {check:?}");
        found += 1;
    }
    assert!(found >= 3, "all but the widest are here");
}

fn digits() -> Vec<Vec<f64>> {
    let rows = Dataset::open(testdata("data").join("mnist_test_x.npy")).expect("digits");
    let rows = rows.with_scaling(Scaling { scale: 1.0 / 255.0, shift: 0.0 });
    let mut buffer = Vec::new();
    let values = rows.block(0..3, &mut buffer).expect("rows");
    values.chunks_exact(784).map(|row| row.iter().map(|&value| value.into()).collect()).collect()
}

/// Numbers from 0 to 1.
struct Source(u64);

impl Source {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How far inside of a cell a point is, at least: the least distance to the lines of its sides.
fn depth(slice: &Slice, cell: usize, [s, t]: [f64; 2]) -> f64 {
    let polygon = slice.regions.polygon(cell);
    let sides = polygon.iter().zip(polygon.iter().cycle().skip(1));
    let distances = sides
        .map(|([a, b], [c, d])| ((c - a) * (t - b) - (d - b) * (s - a)) / (c - a).hypot(d - b));
    distances.fold(f64::INFINITY, f64::min)
}

/// Through three digits: clean, and every random point lies in the cell with its code.
fn check_through_digits(name: &str, low: f64, high: f64, points: usize) {
    let network = load(name).expect("a model that is here");
    let digits = digits();
    let plane = Plane::through([&digits[0], &digits[1], &digits[2]]).expect("a plane");
    let window = Window::new_box([low, high], [low, high]).expect("a box");
    let target = Some(SliceTarget::Class);
    let options = SliceOptions { maps: true, target, ..SliceOptions::default() };
    let started = std::time::Instant::now();
    let slice = network.slice(&plane, &window, &options).expect("a slice");
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(slice.status, SliceStatus::Complete, "{name}: no limit");
    let check = slice.verify(&network);
    assert!(check.is_clean(), "{name}: {check:?}");
    let regions: HashMap<Vec<u64>, usize> =
        (0..slice.regions.len()).map(|region| (slice.code(region), region)).collect();
    let points =
        std::env::var("MASO_SLICE_POINTS").map_or(points, |n| n.parse().expect("a number"));
    let mut source = Source(7);
    let places: Vec<[f64; 2]> =
        (0..points).map(|_| [0; 2].map(|_| low + (high - low) * source.next())).collect();
    let is_near = |&at: &[f64; 2]| {
        let code = network.trace(&plane.point(at)).code(&network);
        if let Some(&region) = regions.get(&code) {
            let depth = depth(&slice, region, at);
            assert!(depth > -1e-9, "{name}: {at:?} is {depth} outside of the cell with its code");
            return false;
        }
        // Within rounding of a wall the code in f64 may be no cell's.
        let inside = (0..slice.regions.len()).map(|cell| depth(&slice, cell, at));
        let depth = inside.fold(f64::NEG_INFINITY, f64::max);
        assert!(depth < 1e-9, "{name}: the code at {at:?} is no cell's, {depth} inside of one");
        true
    };
    let near = places.par_iter().filter(|at| is_near(at)).count();
    eprintln!(
        "{name}: {:?} regions in {seconds:.2} s, {} exact decisions, {points} points, {near} of them on walls",
        slice.regions_per_layer, slice.exact_decisions
    );
}

#[test]
fn dense_networks_through_three_digits() {
    for name in ["relu6", "hardtanh", "leaky", "prelu"] {
        check_through_digits(&format!("mnist_mlp_{name}"), -0.25, 1.25, 5000);
    }
    check_through_digits("mnist_maxout", -0.25, 1.25, 5000);
}

#[test]
fn convolutional_networks_through_three_digits() {
    check_through_digits("mnist_lenet", 0.31, 0.33, 500);
    check_through_digits("mnist_convbn_avg", 0.3, 0.36, 500);
    check_through_digits("mnist_resnet", 0.33, 0.331, 100);
}
