//! Whole networks of the project's test data: outputs, codes, and one row at a time.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maso_core::{Evaluator, LowerOptions};
use maso_io::dataset::{Dataset, Scaling};
use maso_io::model;

fn networks(c: &mut Criterion) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata");
    let digits = Dataset::open(data.join("data/mnist_test_x.npy")).expect("the digits");
    let scaling = Scaling { scale: 1.0 / 255.0, shift: 0.0 };
    let digits = digits.with_scaling(scaling).to_vec().expect("the digits");
    for (name, rows) in [("mnist_mlp", 512), ("mnist_lenet", 128), ("mnist_resnet", 32)] {
        let path = data.join(format!("models/{name}.onnx"));
        let network = model::load(path, &LowerOptions::default()).expect("a model of ours");
        let outputs: usize = network.output_shape().iter().product();
        let words = network.layout().words();
        let evaluator = Evaluator::new(network.into());
        let (mut values, mut codes) = (vec![0.0; rows * outputs], vec![0; rows * words]);
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function("forward", |b| {
            b.iter(|| evaluator.forward_into(black_box(&digits[..rows * 784]), &mut values));
        });
        group.bench_function("codes", |b| {
            b.iter(|| evaluator.codes_into(black_box(&digits[..rows * 784]), &mut codes));
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function("codes of one row", |b| {
            b.iter(|| evaluator.codes_into(black_box(&digits[..784]), &mut codes[..words]));
        });
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
