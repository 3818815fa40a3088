//! Regions of real trained networks: every facet leads across and back, and nothing gets stuck.

mod common;

use common::testdata;
use maso_core::geometry::{Limits, Region, WallStatus};
use maso_core::{LowerOptions, Network, Rows};
use maso_io::dataset::{Dataset, Scaling};
use maso_io::model;

fn load(name: &str) -> Network {
    let path = testdata("models").join(format!("{name}.onnx"));
    model::load(&path, &LowerOptions::default()).unwrap_or_else(|e| panic!("{e}"))
}

fn digit(row: usize) -> Vec<f64> {
    let rows = Dataset::open(testdata("data").join("mnist_test_x.npy")).expect("digits");
    let rows = rows.with_scaling(Scaling { scale: 1.0 / 255.0, shift: 0.0 });
    let mut buffer = Vec::new();
    let values = rows.block(row..row + 1, &mut buffer).expect("a row");
    values.iter().map(|&value| value.into()).collect()
}

#[test]
fn facets_of_digits_lead_across_and_back() {
    for name in ["mnist_mlp", "mnist_mlp_leaky", "mnist_mlp_hardtanh", "mnist_maxout"] {
        let network = load(name);
        for row in [3, 100] {
            let map = network.linearize(&digit(row)).expect("a digit");
            let region = Region::new(&map, None).expect("no box");
            let shape = region.shape(&Limits::default());
            assert_eq!(shape.full_dimensional, Some(true), "{name}, row {row}");
            assert!(!shape.walls.contains(&WallStatus::Undecided), "{name}, row {row}");
            for wall in shape.facets() {
                let point = shape.facet_points[wall].as_ref().expect("a facet has a point");
                for (index, other) in region.walls().iter().enumerate() {
                    let products = other.normal.iter().zip(point).map(|(n, p)| n * p);
                    let distance = products.sum::<f64>() + other.distance;
                    let inside = if index == wall { distance.abs() < 1e-9 } else { distance > 0.0 };
                    assert!(
                        inside,
                        "{name}, row {row}: wall {wall}'s point, wall {index}: {distance}"
                    );
                }
                let across = region.neighbour(wall, point).expect("finite values");
                assert!(across.is_some(), "{name}, row {row}: wall {wall} is not crossed");
            }
        }
    }
}
