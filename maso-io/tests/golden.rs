//! Real trained networks against values computed elsewhere in double precision.
//!
//! Each golden file has inputs `x`, outputs `y`, and the pre-activations `z0`, `z1`, … of every
//! elementwise nonlinearity in file order. `MASO_TEST_MODELS` names another folder of
//! `NAME.onnx` with `NAME.golden.npz` to run the same checks on.

#![allow(clippy::print_stderr, reason = "a test run says what it measured")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{golden, testdata};
use maso_core::eval::SliceRows;
use maso_core::network::{Candidates, Fused, Operator, Rule, Scalar, Trace};
use maso_core::{
    EvalError, Evaluator, Layer, LowerOptions, Margin, Network, Rounding, Tier, Verdict,
};
use maso_io::model;

/// A model and its golden file.
struct Case {
    name: String,
    model: PathBuf,
    golden: PathBuf,
}

fn cases() -> Vec<Case> {
    let folder = std::env::var_os("MASO_TEST_MODELS").map(PathBuf::from);
    let models = folder.clone().unwrap_or_else(|| testdata("models"));
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(&models).expect("a folder of models") {
        let model = entry.expect("an entry").path();
        let name = model.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        let golden = match &folder {
            Some(folder) => folder.join(format!("{name}.golden.npz")),
            None => testdata("golden").join(format!("{name}.npz")),
        };
        if model.extension().is_some_and(|e| e == "onnx") && golden.exists() {
            cases.push(Case { name, model, golden });
        }
    }
    assert!(cases.len() >= 17, "found only {} models with golden values", cases.len());
    cases
}

/// Those that are piecewise affine.
fn hard_cases() -> Vec<Case> {
    cases().into_iter().filter(|case| load(&case.model).soft_layer().is_none()).collect()
}

fn load(path: &Path) -> Arc<Network> {
    Arc::new(model::load(path, &LowerOptions::default()).unwrap_or_else(|e| panic!("{e:?}")))
}

fn inputs(case: &Case) -> Vec<f32> {
    let x = golden(&case.golden, "x").expect("inputs");
    x.data.iter().map(|&value| value as f32).collect()
}

fn codes(network: &Arc<Network>, tier: Tier, x: &[f32]) -> Vec<u64> {
    let rows = x.len() / network.input().len();
    let mut codes = vec![0; rows * network.layout().words()];
    let evaluator = Evaluator::new(Arc::clone(network)).with_tier(tier);
    evaluator.codes_into(x, &mut codes).expect("finite rows");
    codes
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

/// The double-precision trace of every row.
fn traces(network: &Network, x: &[f32]) -> Vec<Trace<f64>> {
    let rows = x.chunks_exact(network.input().len());
    rows.map(|row| network.trace(&row.iter().map(|&x| x.into()).collect::<Vec<f64>>())).collect()
}

#[test]
fn forward_equals_golden_values_on_every_tier() {
    for case in cases() {
        let (network, x) = (load(&case.model), inputs(&case));
        let y = golden(&case.golden, "y").expect("outputs");
        for tier in Tier::available() {
            let mut values = vec![0.0; y.data.len()];
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            evaluator.forward_into(&x, &mut values).expect("finite rows");
            let error = values.iter().zip(&y.data).map(|(a, b)| (f64::from(*a) - b).abs());
            let relative = error.fold(0.0, f64::max) / largest(&y.data);
            eprintln!("{:24} {tier:9} relative error {relative:.1e}", case.name);
            let bound = if network.soft_layer().is_some() { 1e-5 } else { 1e-4 };
            assert!(relative < bound, "{}: relative error {relative:e}", case.name);
        }
        // The slow evaluation in double precision is the golden one but for rounding.
        let tolerance = golden_rounding(&case.name);
        let slow = traces(&network, &x);
        let slow = slow.iter().flat_map(|trace| trace.values[network.output().index()].clone());
        let error = slow.zip(&y.data).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(error < tolerance * (1.0 + largest(&y.data)), "{}: error {error:e}", case.name);
    }
}

/// How far the golden network is from the file's, in double precision: the golden values were made
/// before the exporter folded batch-norm into f32 weights, or rounded a slope or an ε to f32.
fn golden_rounding(name: &str) -> f64 {
    match name {
        "mnist_resnet" | "mnist_convbn_avg" => 1e-5,
        "mnist_decoder" | "mnist_mlp_leaky" | "mnist_mlp_bn" | "mnist_dcgan_decoder" => 1e-7,
        _ => 1e-12,
    }
}

#[test]
fn every_tier_equals_the_slow_evaluation_bit_for_bit() {
    for case in hard_cases() {
        let (network, x) = (load(&case.model), inputs(&case));
        let width = network.input().len();
        // Enough rows to put them across lanes where the network suits that.
        let rows = (x.len() / width).min(if case.name.contains("wide") { 2 } else { 9 });
        let x = &x[..rows * width];
        let separate = slow::<f32>(&network, x);
        let fused = slow::<Fused>(&network, x);
        for tier in Tier::available() {
            let (slow_codes, slow_values) = match tier.rounding() {
                Rounding::Separate => &separate,
                Rounding::Fused => &fused,
            };
            assert_eq!(codes(&network, tier, x), *slow_codes, "{} on {tier}", case.name);
            let mut values = vec![0.0; slow_values.len()];
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            evaluator.forward_into(x, &mut values).expect("finite rows");
            assert_eq!(values, *slow_values, "{} on {tier}", case.name);
        }
    }
}

/// Codes and values of `x` by the slow evaluation in f32, rounded as `S` says.
fn slow<S: Scalar + Into<f64>>(network: &Network, x: &[f32]) -> (Vec<u64>, Vec<f32>) {
    let (mut codes, mut values) = (Vec::new(), Vec::new());
    for row in x.chunks_exact(network.input().len()) {
        let row: Vec<S> = row.iter().map(|&x| S::from_f64(x.into())).collect();
        let trace = network.trace(&row);
        codes.extend(trace.code(network));
        let outputs = &trace.values[network.output().index()];
        values.extend(outputs.iter().map(|value| value.clone().into() as f32));
    }
    (codes, values)
}

#[test]
fn elementwise_bits_follow_the_golden_pre_activations() {
    for case in cases() {
        let (network, x) = (load(&case.model), inputs(&case));
        let codes = codes(&network, Tier::Portable, &x);
        let mut next = 0;
        for layer in network.layout().layers() {
            let Some(knots) = knots(&network, layer) else { continue };
            check_known_knots(&case.name, &knots);
            let z = golden(&case.golden, &format!("z{next}"));
            let z = z.unwrap_or_else(|| panic!("{} has no z{next}", case.name));
            next += 1;
            let far = 1e-4 * (1.0 + largest(&z.data));
            let mut compared = 0;
            for (row, z) in z.data.chunks_exact(layer.units()).enumerate() {
                let code = &codes[row * network.layout().words()..];
                for (unit, z) in z.iter().enumerate() {
                    if knots.iter().all(|knot| (z - knot).abs() > far) {
                        let expected = knots.iter().filter(|&knot| z > knot).count();
                        let found = layer.piece(code, unit);
                        assert_eq!(found, expected, "{} row {row} unit {unit}", layer.name());
                        compared += 1;
                    }
                }
            }
            assert!(compared * 10 > z.data.len() * 9, "most units are compared");
        }
        assert!(golden(&case.golden, &format!("z{next}")).is_none(), "every z was compared");
    }
}

/// Certified codes against every golden pre-activation, however near to its knot, as far as the golden
/// network is the file's.
#[test]
fn certified_bits_are_the_golden_pre_activations_without_exception() {
    for case in hard_cases() {
        let (network, x) = (load(&case.model), inputs(&case));
        let (words, width) = (network.layout().words(), network.input().len());
        let evaluator = Evaluator::new(Arc::clone(&network)).with_margin_sample(&x);
        let evaluator = evaluator.expect("finite rows");
        let rows = SliceRows::new(&x, width).expect("whole rows");
        let mut codes = Vec::new();
        let done = evaluator.certify(&rows, 0..x.len() / width, |certified| {
            codes.extend_from_slice(certified.batch.codes);
            let undecided = certified.redone.iter().any(|r| r.verdict == Verdict::Undecided);
            assert!(!undecided, "{}: f64 settles all these rows", case.name);
            Ok::<(), EvalError>(())
        });
        done.expect("finite rows");
        let layers = network.layout().layers();
        let layers = layers.iter().filter_map(|layer| Some((layer, knots(&network, layer)?)));
        for (next, (layer, knots)) in layers.enumerate() {
            let z = golden(&case.golden, &format!("z{next}")).expect("a golden layer").data;
            let near = golden_rounding(&case.name) * (1.0 + largest(&z));
            for (row, z) in z.chunks_exact(layer.units()).enumerate() {
                for (unit, z) in z.iter().enumerate() {
                    if knots.iter().all(|knot| (z - knot).abs() > near) {
                        let found = layer.piece(&codes[row * words..], unit);
                        let expected = knots.iter().filter(|&knot| z > knot).count();
                        assert_eq!(found, expected, "{} row {row} unit {unit}", case.name);
                    }
                }
            }
        }
    }
}

/// The knots of an elementwise layer.
fn knots(network: &Network, layer: &Layer) -> Option<Vec<f64>> {
    match &network.node(layer.node()).operator {
        Operator::Nonlinear(Rule::Spline(spline)) => {
            let uniform = spline.knots.iter().map(|knot| knot.as_uniform().expect("one knot"));
            Some(uniform.collect())
        }
        _ => None,
    }
}

fn check_known_knots(name: &str, knots: &[f64]) {
    let expected: &[f64] = match name {
        "mnist_mlp_relu6" => &[0.0, 6.0],
        "mnist_mlp_hardtanh" => &[-1.0, 1.0],
        _ => &[0.0],
    };
    assert_eq!(knots, expected, "{name}");
}

#[test]
fn pool_and_max_pieces_are_the_argmax_in_double_precision() {
    let mut layers = 0;
    for case in hard_cases() {
        let (network, x) = (load(&case.model), inputs(&case));
        let codes = codes(&network, Tier::Portable, &x);
        let traces = traces(&network, &x);
        for layer in network.layout().layers() {
            let Operator::Nonlinear(Rule::Extreme(extreme)) = &network.node(layer.node()).operator
            else {
                continue;
            };
            layers += 1;
            let inputs = &network.node(layer.node()).inputs;
            for (row, trace) in traces.iter().enumerate() {
                let values: Vec<&[f64]> =
                    inputs.iter().map(|i| &*trace.values[i.index()]).collect();
                let far = 1e-4 * (1.0 + values.iter().map(|v| largest(v)).fold(0.0, f64::max));
                let code = &codes[row * network.layout().words()..];
                for unit in 0..layer.units() {
                    let found = match &extreme.candidates {
                        Candidates::Window { .. } => {
                            let plane = &network.node(inputs[0]).shape;
                            two_by_two(values[0], plane[1], plane[2], unit)
                        }
                        Candidates::Branches(_) => values.iter().map(|v| v[unit]).collect(),
                    };
                    let best = (0..found.len())
                        .rev()
                        .fold(0, |best, i| if found[i] >= found[best] { i } else { best });
                    let others = (0..found.len()).filter(|&i| i != best);
                    if others.into_iter().all(|i| found[best] - found[i] > far) {
                        assert_eq!(layer.piece(code, unit), best, "{} unit {unit}", layer.name());
                    }
                }
            }
        }
    }
    assert!(layers >= 5, "LeNet's two pools and maxout's three maxima, found {layers}");
}

/// What a 2×2 window with stride 2 sees of planes of `height × width`, in kernel order.
fn two_by_two(values: &[f64], height: usize, width: usize, unit: usize) -> Vec<f64> {
    let (rows, columns) = (height / 2, width / 2);
    let (channel, y, x) = (unit / (rows * columns), unit / columns % rows, unit % columns);
    let at = |dy: usize, dx: usize| (channel * height + 2 * y + dy) * width + 2 * x + dx;
    [at(0, 0), at(0, 1), at(1, 0), at(1, 1)].map(|index| values[index]).to_vec()
}

#[test]
fn both_exporters_give_identical_codes_and_values() {
    for name in ["mnist_mlp", "mnist_lenet", "mnist_resnet"] {
        let [old, new] =
            ["", "_dynamo"].map(|suffix| load(&testdata(&format!("models/{name}{suffix}.onnx"))));
        let case = Case {
            name: name.to_owned(),
            model: PathBuf::new(),
            golden: testdata(&format!("golden/{name}.npz")),
        };
        let x = inputs(&case);
        assert_eq!(codes(&old, Tier::Portable, &x), codes(&new, Tier::Portable, &x), "{name}");
        let layers = |network: &Network| {
            let layers = network.layout().layers().iter();
            layers.map(|l| (l.op().to_owned(), l.units(), l.first_bit())).collect::<Vec<_>>()
        };
        assert_eq!(layers(&old), layers(&new), "{name}");
    }
}

#[test]
fn typed_and_external_weights_are_the_same_network() {
    let [typed, external] = ["tiny_softmax", "tiny_external"]
        .map(|name| load(&testdata(&format!("models/{name}.onnx"))));
    assert_eq!(typed.nodes(), external.nodes());
    assert_eq!(typed.fingerprint(), external.fingerprint());
    assert_eq!(typed.heads(), external.heads());
    let other = load(&testdata("models/moons_relu.onnx"));
    assert_ne!(typed.fingerprint(), other.fingerprint());
}

/// The three soft models of the folder, with their rows.
fn soft_cases() -> Vec<(Arc<Network>, Vec<f32>)> {
    let soft = |case: Case| {
        let network = load(&case.model);
        network.soft_layer().is_some().then(|| (network, inputs(&case)))
    };
    let cases: Vec<_> = cases().into_iter().filter_map(soft).collect();
    assert!(cases.len() >= 3, "found only {} soft models", cases.len());
    cases
}

#[test]
fn patterns_of_soft_layers_are_one_layer_at_their_last_node() {
    for (name, op) in [("mnist_mlp_silu", "Swish"), ("mnist_mlp_gelu", "Gelu")] {
        let network = load(&testdata(&format!("models/{name}.onnx")));
        let layers = network.layout().layers();
        let nodes = layers.iter().map(|layer| network.node(layer.node()));
        let found: Vec<_> = nodes.map(|node| (node.name.as_str(), node.op.as_str())).collect();
        let last = if op == "Gelu" { "Mul_1" } else { "Mul" };
        let expected = ["1", "3"].map(|module| (format!("/{module}/{last}"), op));
        let expected: Vec<_> = expected.iter().map(|(name, op)| (name.as_str(), *op)).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn soft_networks_are_the_same_bits_on_fused_tiers_and_in_any_batch() {
    for (network, x) in soft_cases() {
        let width = network.input().len();
        let outputs = network.output_shape().iter().product::<usize>();
        let run = |tier: Tier, rows: usize| {
            let evaluator = Evaluator::new(Arc::clone(&network)).with_tier(tier);
            let mut values = Vec::new();
            for block in x.chunks(rows * width) {
                let start = values.len();
                values.resize(start + block.len() / width * outputs, 0.0f32);
                evaluator.forward_into(block, &mut values[start..]).expect("finite rows");
            }
            values.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let mut fused =
            Tier::available().into_iter().filter(|tier| tier.rounding() == Rounding::Fused);
        let Some(first) = fused.next() else { continue };
        let expected = run(first, 1);
        for tier in fused.chain([first]) {
            for rows in [1, 7, 64] {
                assert!(run(tier, rows) == expected, "{tier}, {rows} rows at once");
            }
        }
    }
}

#[test]
fn soft_networks_refuse_margins_and_maps_of_regions() {
    for (network, x) in soft_cases() {
        let row = &x[..network.input().len()];
        let evaluator = Evaluator::new(Arc::clone(&network));
        let mut codes = vec![0; network.layout().words()];
        let refused = evaluator.margins_into(row, &mut codes, &mut [Margin::default()]);
        let message = refused.expect_err("no margins").to_string();
        assert!(message.contains("soft") && message.contains("margins"), "{message}");
        let outputs = network.output_shape().iter().product::<usize>();
        let (mut matrix, mut offset) = (vec![0.0; outputs * row.len()], vec![0.0; outputs]);
        let refused = evaluator.jacobians_into(row, &mut matrix, &mut offset);
        assert!(refused.expect_err("no map").to_string().contains("not piecewise affine"));
    }
}

#[test]
fn first_order_maps_of_soft_networks_are_their_derivatives() {
    for (network, x) in soft_cases() {
        let x: Vec<f64> = x[..network.input().len()].iter().map(|&x| x.into()).collect();
        let map = network.linearize(&x).expect("a finite point");
        assert!(map.is_first_order());
        let (value, at_point) = (network.output_of(&x), map.apply(&x));
        for (a, b) in value.iter().zip(&at_point) {
            assert!((a - b).abs() < 1e-10 * (1.0 + a.abs()), "{a} and {b}");
        }
        let step = 1e-5;
        let direction: Vec<f64> = (0..x.len()).map(|i| ((i % 7) as f64 - 3.0) / 3.0).collect();
        let moved = |by: f64| -> Vec<f64> {
            let x: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + by * d).collect();
            network.output_of(&x)
        };
        let (ahead, behind) = (moved(step), moved(-step));
        for (unit, product) in map.jvp(&direction).into_iter().enumerate() {
            let quotient = (ahead[unit] - behind[unit]) / (2.0 * step);
            assert!(
                (quotient - product).abs() < 1e-6 * (1.0 + product.abs()),
                "{quotient} {product}"
            );
        }
    }
}

#[test]
fn regions_maps_reproduce_the_network() {
    for case in hard_cases() {
        let (network, x) = (load(&case.model), inputs(&case));
        let width = network.input().len();
        for (i, row) in x.chunks_exact(width).take(16).enumerate() {
            let row: Vec<f64> = row.iter().map(|&x| x.into()).collect();
            let map = network.linearize(&row).expect("a finite row");
            let (matrix, offset) = (map.matrix(), map.offset());
            let what = format!("{}, row {i}", case.name);
            let sums = matrix.times(&row);
            let error = sums.iter().zip(&offset).zip(map.value()).map(|((a, b), y)| a + b - y);
            let error = largest(&error.collect::<Vec<_>>()) / largest(map.value());
            assert!(error < 1e-9, "{what}: A x + b is off by {error:e} of the largest output");
            // Products, against the matrix and each other.
            let v: Vec<f64> = (0..width).map(|i| (i as f64 * 0.7).sin()).collect();
            let u: Vec<f64> = (0..map.outputs()).map(|i| (i as f64 * 1.3).cos()).collect();
            let (jvp, vjp) = (map.jvp(&v), map.vjp(&u));
            let expected = matrix.times(&v);
            let difference: Vec<f64> = jvp.iter().zip(&expected).map(|(a, b)| a - b).collect();
            let size = matrix.numbers().iter().map(|a| a.abs()).sum::<f64>();
            assert!(largest(&difference) <= 1e-12 * size, "{what}: jvp");
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            assert!((dot(&u, &jvp) - dot(&vjp, &v)).abs() <= 1e-12 * size, "{what}: adjoint");
        }
    }
}
