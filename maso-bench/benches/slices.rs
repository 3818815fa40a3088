//! Slices of the project's test data whose numbers of regions are known.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maso_core::LowerOptions;
use maso_core::geometry::slice::{Plane, SliceOptions, Window};
use maso_io::model;

fn slices(c: &mut Criterion) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let text = std::fs::read(data.join("slices.json")).expect("specifications");
    let specs: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    for spec in specs.as_array().expect("a list") {
        let name = spec["model"].as_str().expect("a name");
        let path = data.join(name);
        if !path.exists() {
            continue;
        }
        let network = model::load(path, &LowerOptions::default()).expect("a model of ours");
        let list = |key: &str| -> Vec<f64> {
            let list = spec[key].as_array().expect("a list");
            list.iter().map(|number| number.as_f64().expect("a number")).collect()
        };
        let plane = Plane::new(list("origin"), list("u"), list("v")).expect("a plane");
        let bounds = list("box");
        let window =
            Window::new_box([bounds[0], bounds[1]], [bounds[2], bounds[3]]).expect("a box");
        let mut group = c.benchmark_group("slice");
        group.throughput(Throughput::Elements(spec["regions"].as_u64().expect("a count")));
        group.bench_function(name, |b| {
            b.iter(|| {
                let slice = network.slice(black_box(&plane), &window, &SliceOptions::default());
                slice.expect("a slice").regions.len()
            });
        });
    }
}

criterion_group!(benches, slices);
criterion_main!(benches);
