//! Plugins in networks: the same bits as the built-in operators, by rule and by callback; operators of other domains;
//! what a plugin says when it fails.

mod common;

use std::sync::Arc;

use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use maso_core::network::{Function, PerUnit, ScalarSpline, Soft};
use maso_core::tensor::{Tensor, TensorData};
use maso_core::{Evaluator, Graph, LowerOptions, Network, Nonlinearities, lower};
use maso_plugins::host::{Plugin, Registry};
use maso_plugins::network::{PluginNonlinearities, Replacement, spline, use_kernels};

const WIDTH: usize = 70;

/// x → Gemm → `op` → Gemm, with numbers that look random.
fn graph(node: GraphNode) -> Graph {
    let numbers = |count: usize| {
        let number = |i: usize| ((i * 7919 % 1013) as f32 / 506.5 - 1.0) / 4.0;
        TensorData::F32((0..count).map(number).collect())
    };
    let weights = |name: &str| {
        let tensor = Tensor::new(vec![WIDTH, WIDTH], numbers(WIDTH * WIDTH)).expect("a matrix");
        (name.to_owned(), tensor)
    };
    let gemm = |name: &str, x: &str, w: &str| GraphNode {
        name: name.to_owned(),
        op: "Gemm".to_owned(),
        inputs: vec![x.to_owned(), w.to_owned()],
        outputs: vec![name.to_owned()],
        ..GraphNode::default()
    };
    let shape = vec![Axis::Symbol("n".to_owned()), Axis::Fixed(WIDTH)];
    Graph {
        inputs: vec![Port { name: "x".to_owned(), shape, elements: None }],
        outputs: vec![Port { name: "y".to_owned(), ..Port::default() }],
        constants: vec![weights("v"), weights("w")],
        nodes: vec![gemm("z", "x", "v"), node, gemm("y", "h", "w")],
        opset: 17,
        ..Graph::default()
    }
}

fn node(op: &str, domain: &str, attributes: &[(&str, f32)]) -> GraphNode {
    let attributes = attributes.iter();
    GraphNode {
        name: "h".to_owned(),
        op: op.to_owned(),
        domain: domain.to_owned(),
        inputs: vec!["z".to_owned()],
        outputs: vec!["h".to_owned()],
        attributes: attributes
            .map(|(name, value)| ((*name).to_owned(), Attribute::Float(*value)))
            .collect(),
    }
}

fn network(node: GraphNode, replace: &[&str]) -> Network {
    let replacements = replace.iter().map(|text| text.parse::<Replacement>().unwrap());
    let registry = Registry::new([]);
    let plugins = Arc::new(PluginNonlinearities::new(registry, replacements).unwrap());
    let nonlinearities = Some(Arc::clone(&plugins) as Arc<dyn Nonlinearities>);
    let options = LowerOptions { nonlinearities, ..LowerOptions::default() };
    let network = lower(&graph(node), &options).unwrap();
    assert_eq!(plugins.unused(), [""; 0], "every replacement is used");
    network
}

fn rows(count: usize) -> Vec<f32> {
    (0..count * WIDTH).map(|i| (i * 6151 % 977) as f32 / 244.25 - 2.0).collect()
}

fn run(network: Network) -> (Vec<f32>, Vec<u64>) {
    let rows = rows(50);
    let words = network.layout().words();
    let (mut values, mut codes) = (vec![0.0; rows.len()], vec![0; 50 * words]);
    let evaluator = Evaluator::new(Arc::new(network));
    evaluator.forward_into(&rows, &mut values).unwrap();
    evaluator.codes_into(&rows, &mut codes).unwrap();
    (values, codes)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_rule_that_is_named_has_the_bits_of_the_built_in_operator() {
    let _ = use_kernels();
    Plugin::open(common::shipped("sigmoid-gated")).unwrap();
    let built_in = network(node("Swish", "", &[]), &[]);
    let by_rule = network(node("Relu", "", &[]), &["Relu=sigmoid-gated"]);
    assert_eq!(by_rule.fingerprint(), built_in.fingerprint());
    let (expected, codes) = run(built_in);
    let (values, own_codes) = run(by_rule);
    assert_eq!((bits(&values), own_codes), (bits(&expected), codes.clone()));
    // The operator of another domain, with its parameters as attributes.
    let custom = network(node("SigmoidGated", "com.example", &[("beta", 0.5)]), &[]);
    let (values, own_codes) = run(custom);
    assert_eq!((bits(&values), own_codes), (bits(&expected), codes));
    // β = 1 is the operator that it stands for.
    let hard = network(node("Relu", "", &[]), &["Relu=sigmoid-gated:beta=1"]);
    assert_eq!(hard.fingerprint(), network(node("Relu", "", &[]), &[]).fingerprint());
}

#[test]
fn a_callback_is_within_two_units_in_the_last_place() {
    let _ = use_kernels();
    let plugin = Plugin::open(common::shipped("sigmoid-gated")).unwrap();
    let called = network(node("Relu", "", &[]), &["Relu=sigmoid-gated-callback"]);
    let (values, codes) = run(called.clone());
    let (expected, expected_codes) = run(network(node("Swish", "", &[]), &[]));
    assert_eq!(codes, expected_codes, "the code is that of the pieces");
    let size = expected.iter().fold(0.0f32, |size, value| size.max(value.abs()));
    for (value, expected) in values.iter().zip(&expected) {
        assert!((value - expected).abs() <= 4e-6 * size, "{value}, expected {expected}");
    }
    // The function itself, number by number, against the kernels'.
    let instance = Arc::new(plugin.kind("sigmoid-gated-callback").unwrap().create(&[]).unwrap());
    let Some(Soft::Function(Function(function))) = spline(&instance).unwrap().soft else {
        panic!("a function")
    };
    let z: Vec<f32> = (-4000..4000).map(|i| i as f32 / 200.0).collect();
    let mut found = z.clone();
    assert!(function.run(&mut found));
    for (&z, &found) in z.iter().zip(&found) {
        let exact = f64::from(z) / (1.0 + (-f64::from(z)).exp());
        let ulp = f64::from(f32::EPSILON) * exact.abs().max(f64::from(f32::MIN_POSITIVE));
        assert!((f64::from(found) - exact).abs() <= 4.0 * ulp, "{z}: {found}, expected {exact}");
        assert!((function.jet(f64::from(z)).value - exact).abs() <= 1e-12 * exact.abs().max(1e-9));
    }
}

#[test]
fn pieces_of_a_plugin_are_pieces_of_the_network() {
    let plugin = Plugin::open(common::shipped("triangle")).unwrap();
    let instance = Arc::new(plugin.kinds()[0].create(&[("width", 1.0)]).unwrap());
    let hat =
        ScalarSpline::uniform(&[-1.0, 0.0, 1.0], &[0.0, 1.0, -1.0, 0.0], &[0.0, 1.0, 1.0, 0.0]);
    assert_eq!(spline(&instance).unwrap(), hat);
    let network = network(node("Relu", "", &[]), &["Relu=triangle:width=1"]);
    assert_eq!(network.layout().bits(), 2 * WIDTH, "four pieces have two bits");
    let (values, codes) = run(network.clone());
    for (row, x) in rows(50).chunks_exact(WIDTH).enumerate() {
        let x: Vec<f64> = x.iter().map(|&x| x.into()).collect();
        let trace = network.trace(&x);
        assert_eq!(
            trace.code(&network),
            codes[row * network.layout().words()..][..network.layout().words()]
        );
        let expected = &trace.values[network.output().index()];
        for (value, expected) in values[row * WIDTH..].iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-4, "{value}, expected {expected}");
        }
    }
}

#[test]
fn per_unit_parameters_do_not_mix_with_plugins() {
    // What a plugin brings is uniform: the same for all units.
    let instance =
        Plugin::open(common::shipped("triangle")).unwrap().kinds()[0].create(&[]).unwrap();
    let spline = spline(&Arc::new(instance)).unwrap();
    assert!(spline.parameters().all(|parameter| PerUnit::as_uniform(parameter).is_some()));
}

#[test]
fn replacements_that_are_none_say_what_is_expected() {
    for text in ["Relu", "=kind", "Relu=", "Relu=kind:beta", "Relu=kind:beta=much"] {
        let error = text.parse::<Replacement>().unwrap_err().to_string();
        assert!(error.contains(text) && error.contains("Relu=sigmoid-gated:beta=0.8"), "{error}");
    }
    let replacement: Replacement = "Relu=a/b:c=1,d=-2.5".parse().unwrap();
    assert_eq!((replacement.op.as_str(), replacement.kind.as_str()), ("Relu", "a/b"));
    assert_eq!(replacement.parameters, [("c".to_owned(), 1.0), ("d".to_owned(), -2.5)]);
    let unknown = PluginNonlinearities::new(Registry::new([]), ["Relu=nosuch".parse().unwrap()]);
    assert!(unknown.unwrap_err().to_string().contains("nosuch"));
}
