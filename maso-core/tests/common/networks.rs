//! Random networks of every supported kind of node, with branches.

use maso_core::graph::Attribute;
use maso_core::{Graph, LowerOptions, Network};

use super::{Builder, Random, list};

/// A tensor of the network being built.
#[derive(Clone)]
struct Value {
    name: String,
    /// [features] or [channels, height, width].
    shape: Vec<usize>,
}

fn len(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// A random nonlinearity, scalar or with parameters for each channel.
fn nonlinear(b: &mut Builder, r: &mut Random, x: &Value) -> Value {
    let channel_shape: Vec<usize> =
        if x.shape.len() == 3 { vec![x.shape[0], 1, 1] } else { vec![x.shape[0]] };
    let name = match r.below(8) {
        0 | 1 => b.node("Relu", &[&x.name]),
        2 => b.node_with("LeakyRelu", &[&x.name], &[("alpha", Attribute::Float(0.3))]),
        3 => b.node("Abs", &[&x.name]),
        4 => {
            let slope = b.floats(&channel_shape, r.numbers(x.shape[0]));
            b.node("PRelu", &[&x.name, &slope])
        }
        5 => {
            let low = b.floats(&[], vec![r.number().min(0.0)]);
            let high = b.floats(&[], vec![r.number().abs() + 0.25]);
            b.node("Clip", &[&x.name, &low, &high])
        }
        6 => b.node("HardSigmoid", &[&x.name]),
        _ => {
            let constant = b.floats(&channel_shape, r.numbers(x.shape[0]));
            let op = if r.below(2) == 0 { "Max" } else { "Min" };
            b.node(op, &[&constant, &x.name])
        }
    };
    Value { name, shape: x.shape.clone() }
}

/// A random convolution, plain or transposed; extents stay positive.
fn convolution(b: &mut Builder, r: &mut Random, x: &Value) -> Value {
    let [channels, height, width] = x.shape[..] else { unreachable!("planes") };
    let groups = if channels % 2 == 0 && r.below(3) == 0 { [2, channels][r.below(2)] } else { 1 };
    let per_group = r.from(1, 3);
    let out = groups * per_group;
    let (kernel, stride) = ([r.from(1, 3), r.from(1, 3)], [r.from(1, 2), r.from(1, 2)]);
    let pads: [usize; 4] = std::array::from_fn(|i| r.below(kernel[i % 2]));
    let bias = b.floats(&[out], r.numbers(out));
    let transposed = r.below(3) == 0 && height * width < 100;
    let extents: Vec<i64> = [stride[0], stride[1]].map(|s| s as i64).to_vec();
    let attributes = [
        ("strides", list(&extents)),
        ("pads", list(&pads.map(|pad| pad as i64))),
        ("group", Attribute::Int(groups as i64)),
    ];
    let (op, weight_shape, plane) = if transposed {
        let full = [0, 1].map(|a| stride[a] * ([height, width][a] - 1) + kernel[a]);
        let plane = [0, 1].map(|a| full[a].saturating_sub(pads[a] + pads[a + 2]));
        ("ConvTranspose", [channels, per_group, kernel[0], kernel[1]], plane)
    } else {
        let plane = [0, 1].map(|a| {
            let padded = [height, width][a] + pads[a] + pads[a + 2];
            if padded < kernel[a] { 0 } else { (padded - kernel[a]) / stride[a] + 1 }
        });
        ("Conv", [out, channels / groups, kernel[0], kernel[1]], plane)
    };
    if plane.contains(&0) {
        return x.clone();
    }
    let weight = b.floats(&weight_shape, r.numbers(len(&weight_shape)));
    let name = b.node_with(op, &[&x.name, &weight, &bias], &attributes);
    Value { name, shape: vec![out, plane[0], plane[1]] }
}

/// A random pool.
fn pool(b: &mut Builder, r: &mut Random, x: &Value) -> Value {
    let [channels, height, width] = x.shape[..] else { unreachable!("planes") };
    if r.below(5) == 0 {
        let op = ["GlobalAveragePool", "GlobalMaxPool"][r.below(2)];
        return Value { name: b.node(op, &[&x.name]), shape: vec![channels, 1, 1] };
    }
    let (kernel, stride, pad) = (r.from(2, 3), r.from(1, 2), r.below(2));
    if height + 2 * pad < kernel || width + 2 * pad < kernel {
        return x.clone();
    }
    let attributes = [
        ("kernel_shape", list(&[kernel as i64; 2])),
        ("strides", list(&[stride as i64; 2])),
        ("pads", list(&[pad as i64; 4])),
        ("count_include_pad", Attribute::Int(r.below(2) as i64)),
    ];
    let op = ["MaxPool", "AveragePool"][r.below(2)];
    let name = b.node_with(op, &[&x.name], &attributes);
    let extent = |n: usize| (n + 2 * pad - kernel) / stride + 1;
    Value { name, shape: vec![channels, extent(height), extent(width)] }
}

/// A sum with, a maximum with, or a concatenation to another tensor of the same shape.
fn join(b: &mut Builder, r: &mut Random, x: &Value, y: &Value) -> Value {
    if r.below(3) == 0 {
        let name = b.node_with("Concat", &[&x.name, &y.name], &[("axis", Attribute::Int(1))]);
        let mut shape = x.shape.clone();
        shape[0] += y.shape[0];
        return Value { name, shape };
    }
    let op = ["Add", "Sub", "Max", "Min"][r.below(4)];
    Value { name: b.node(op, &[&x.name, &y.name]), shape: x.shape.clone() }
}

/// Numbers moved, repeated or padded; or reduced along the last axis.
fn rearranged(b: &mut Builder, r: &mut Random, x: &Value) -> Value {
    let [channels, height, width] = x.shape[..] else { unreachable!("planes") };
    let last = [("axes", list(&[-1]))];
    match r.below(6) {
        0 => {
            let pads = b.ints(&[0, 0, 1, 0, 0, 1, 0, 2]);
            let mode = [("mode", Attribute::Text(["constant", "edge"][r.below(2)].to_owned()))];
            let name = b.node_with("Pad", &[&x.name, &pads], &mode);
            Value { name, shape: vec![channels + 1, height + 1, width + 2] }
        }
        1 => {
            let scales = b.floats(&[4], vec![1.0, 1.0, 2.0, 1.5]);
            let mode = Attribute::Text(["nearest", "linear"][r.below(2)].to_owned());
            let name = b.node_with("Resize", &[&x.name, "", &scales], &[("mode", mode)]);
            Value { name, shape: vec![channels, 2 * height, (width * 3) / 2] }
        }
        2 => {
            let repeats = b.ints(&[1, 2, 1, 1]);
            let name = b.node("Tile", &[&x.name, &repeats]);
            Value { name, shape: vec![2 * channels, height, width] }
        }
        3 => {
            let stack = b.floats(&[channels, width, 3], r.numbers(channels * width * 3));
            let name = b.node("MatMul", &[&x.name, &stack]);
            Value { name, shape: vec![channels, height, 3] }
        }
        choice => {
            let op = if choice == 4 { "ReduceSum" } else { ["ReduceMax", "ReduceMin"][r.below(2)] };
            Value { name: b.node_with(op, &[&x.name], &last), shape: vec![channels, height, 1] }
        }
    }
}

fn dense(b: &mut Builder, r: &mut Random, x: &Value) -> Value {
    let (depth, units) = (*x.shape.last().expect("an axis"), [1, 3, 10, 32, 33, 70][r.below(6)]);
    let weight = b.floats(&[depth, units], r.numbers(depth * units));
    let name = b.node("MatMul", &[&x.name, &weight]);
    let bias = b.floats(&[units], r.numbers(units));
    let name = b.node("Add", &[&name, &bias]);
    let mut shape = x.shape.clone();
    *shape.last_mut().expect("an axis") = units;
    Value { name, shape }
}

fn batch_norm(b: &mut Builder, r: &mut Random, x: &Value) -> Value {
    let channels = x.shape[0];
    let mut inputs = vec![x.name.clone()];
    for positive in [false, false, false, true] {
        let values = r.numbers(channels).into_iter();
        let values = values.map(|v| if positive { v.abs() + 0.5 } else { v }).collect();
        inputs.push(b.floats(&[channels], values));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    Value { name: b.node("BatchNormalization", &inputs), shape: x.shape.clone() }
}

/// A network of a few nodes; planes or vectors.
pub(crate) fn random_network(seed: u64) -> Network {
    let graph = random_graph(seed);
    maso_core::lower(&graph, &LowerOptions::default()).expect("a network")
}

/// The graph of a random network.
pub(crate) fn random_graph(seed: u64) -> Graph {
    let mut r = Random(seed);
    for _ in 0..8 {
        r.below(2);
    }
    let planes = r.below(4) > 0;
    let shape =
        if planes { vec![r.from(1, 4), r.from(3, 9), r.from(3, 9)] } else { vec![r.from(1, 40)] };
    let mut b = Builder::new(None, &shape);
    let mut x = Value { name: "x".to_owned(), shape };
    for _ in 0..r.from(2, 7) {
        let before = x.clone();
        x = match r.below(8) {
            0 | 1 if x.shape.len() == 3 => convolution(&mut b, &mut r, &x),
            2 if x.shape.len() == 3 => pool(&mut b, &mut r, &x),
            7 if x.shape.len() == 3 && len(&x.shape) < 800 => rearranged(&mut b, &mut r, &x),
            3 => batch_norm(&mut b, &mut r, &x),
            4 => nonlinear(&mut b, &mut r, &x),
            5 => {
                let y = nonlinear(&mut b, &mut r, &x);
                join(&mut b, &mut r, &before, &y)
            }
            _ if len(&x.shape) < 2000 => dense(&mut b, &mut r, &x),
            _ => x,
        };
        if r.below(2) == 0 {
            x = nonlinear(&mut b, &mut r, &x);
        }
        // Keep numbers near 1, so that nothing overflows.
        let shrink = b.floats(&[], vec![0.25]);
        x.name = b.node("Mul", &[&x.name, &shrink]);
    }
    if x.shape.len() == 3 && r.below(2) == 0 {
        let perm = list(&[0, 2, 3, 1]);
        x.name = b.node_with("Transpose", &[&x.name], &[("perm", perm)]);
    }
    let flat = b.node("Flatten", &[&x.name]);
    b.finish(&flat)
}
