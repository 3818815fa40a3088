//! Soft layers in networks: every tier against the f64 trace, first-order maps against differences, and graphs that are
//! softened and hardened against networks that are.

mod common;

use std::collections::HashSet;
use std::sync::Arc;

use common::networks::random_graph;
use common::{Builder, Random, evaluate, list};
use maso_core::geometry::line::LineOptions;
use maso_core::geometry::slice::{Plane, SliceOptions, Window};
use maso_core::graph::{Attribute, GraphNode};
use maso_core::network::{Inference, Node, Operator, PerUnit, Rule, ScalarSpline};
use maso_core::rewrite;
use maso_core::{Graph, LowerOptions, Network, Nonlinearities, lower};
use maso_simd::{Rounding, Tier};

fn network(graph: &Graph) -> Network {
    lower(graph, &LowerOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// An inference for layer `number`, of every kind that its rule allows.
fn inference(seed: u64, number: usize, node: &Node) -> Option<Inference> {
    let kinds = match &node.operator {
        Operator::Nonlinear(Rule::Spline(_)) => 6,
        _ => 4,
    };
    match (seed as usize + number) % kinds {
        0 => Some(Inference::beta_vq(0.6)),
        1 => Some(Inference::log_partition(0.75)),
        2 => Some(Inference::beta_vq(0.0)),
        3 => None,
        4 => Some(Inference::Probit),
        _ => Some(Inference::ProbitTanh),
    }
}

/// Outputs in f64, row after row, and codes.
fn traced(network: &Network, rows: &[f32]) -> (Vec<f64>, Vec<u64>) {
    let (mut values, mut codes) = (Vec::new(), Vec::new());
    for row in rows.chunks_exact(network.input().len()) {
        let row: Vec<f64> = row.iter().map(|&x| x.into()).collect();
        let trace = network.trace(&row);
        values.extend_from_slice(&trace.values[network.output().index()]);
        codes.extend(trace.code(network));
    }
    (values, codes)
}

fn assert_near(found: &[f64], expected: &[f64], within: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    let size = expected.iter().fold(1.0f64, |size, value| size.max(value.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs() / size;
        assert!(error <= within, "{what}: number {i} is {found}, expected {expected}");
    }
}

#[test]
fn every_tier_is_near_the_trace_of_softened_networks() {
    for seed in 0..200 {
        let hard = network(&random_graph(seed));
        let soft = hard.softened(|number, node| inference(seed, number, node)).expect("softened");
        let rows = Random(seed).numbers(5 * hard.input().len());
        let (expected, _) = traced(&soft, &rows);
        let soft = Arc::new(soft);
        let mut seen: Vec<(Rounding, Vec<f32>, Vec<u64>)> = Vec::new();
        for tier in Tier::available() {
            let (values, codes) = evaluate(&soft, tier, &rows);
            let wide: Vec<f64> = values.iter().map(|&value| value.into()).collect();
            assert_near(&wide, &expected, 2e-4, &format!("network {seed} on {tier}"));
            for (rounding, other, other_codes) in &seen {
                let same = (&values, &codes) == (other, other_codes);
                assert!(same || *rounding != tier.rounding(), "network {seed}: tiers of a family");
            }
            seen.push((tier.rounding(), values, codes));
        }
    }
}

#[test]
fn beta_1_is_the_hard_network() {
    for seed in 0..40 {
        let hard = network(&random_graph(seed));
        let soft = hard.softened(|_, _| Some(Inference::beta_vq(1.0))).expect("softened");
        assert_eq!(soft, hard, "network {seed}");
        assert_eq!(soft.fingerprint(), hard.fingerprint());
        let soft = hard.softened(|number, node| inference(seed, number, node)).expect("softened");
        if soft.soft_layer().is_some() {
            assert_ne!(soft.fingerprint(), hard.fingerprint());
        }
        assert_eq!(soft.hardened(|_, _| true).expect("hard"), hard, "network {seed}");
    }
}

#[test]
fn first_order_maps_are_difference_quotients() {
    let mut checked = 0;
    for seed in 0..60 {
        let hard = network(&random_graph(seed));
        let soft = hard.softened(|number, node| inference(seed, number, node)).expect("softened");
        if soft.soft_layer().is_none() {
            continue;
        }
        let mut random = Random(seed);
        let mut numbers = || -> Vec<f64> {
            random.numbers(hard.input().len()).into_iter().map(Into::into).collect()
        };
        let (x, v) = (numbers(), numbers());
        let at = |t: f64| {
            let x: Vec<f64> = x.iter().zip(&v).map(|(x, v)| x + t * v).collect();
            let trace = soft.trace(&x);
            (trace.values[soft.output().index()].clone(), trace.code(&soft))
        };
        let step = 1e-6;
        let [(before, code_before), (value, code), (after, code_after)] =
            [-step, 0.0, step].map(at);
        // A wall within the step, or through the point: a hard layer has no derivative there.
        if code != code_before || code != code_after {
            continue;
        }
        checked += 1;
        let map = soft.linearize(&x).expect("a first-order map");
        assert!(map.is_first_order());
        let quotients = after.iter().zip(&before).map(|(a, b)| (a - b) / (2.0 * step));
        let quotient: Vec<f64> = quotients.collect();
        assert_near(&map.frozen().jvp(&v), &quotient, 1e-5, &format!("network {seed}"));
        let jacobian = map.frozen().matrix();
        let product: Vec<f64> = jacobian.times(&v);
        assert_near(&product, &quotient, 1e-5, &format!("matrix of network {seed}"));
        assert_near(&map.frozen().apply(&x), &value, 1e-12, &format!("value of network {seed}"));
    }
    assert!(checked > 20, "{checked} networks");
}

/// Operators of the standard set that a softened file may hold besides those that it held.
const WRITTEN: [&str; 14] = [
    "Mul",
    "Add",
    "Sigmoid",
    "Erf",
    "Tanh",
    "Softplus",
    "Slice",
    "Unsqueeze",
    "Concat",
    "Softmax",
    "ReduceSum",
    "ReduceLogSumExp",
    "Reshape",
    "Relu",
];

#[test]
fn softened_graphs_compute_what_softened_networks_do() {
    for seed in 0..200 {
        let graph = random_graph(seed);
        let hard = network(&graph);
        // Pools overlap at random, minima and joined operations are not written: the others are.
        let choose = |number: usize, node: &Node| {
            let others = ["MaxPool", "Min", "Max", "HardSigmoid", "GlobalMaxPool", "ReduceMin"];
            inference(seed, number, node).filter(|_| !others.contains(&node.op.as_str()))
        };
        let soft = hard.softened(choose).expect("softened");
        let softened = rewrite::soften(&graph, &hard, choose).expect("a soft graph");
        let before: HashSet<&str> = graph.nodes.iter().map(|node| node.op.as_str()).collect();
        for node in &softened.nodes {
            let known = before.contains(node.op.as_str()) || WRITTEN.contains(&node.op.as_str());
            assert!(known, "network {seed} has a {}", node.op);
        }
        let again = network(&softened);
        let rows = Random(seed).numbers(3 * hard.input().len());
        let (expected, _) = traced(&soft, &rows);
        // Its constants are f32s.
        assert_near(&traced(&again, &rows).0, &expected, 1e-5, &format!("network {seed}"));
        // And back, where no piece was lost.
        let hardened = rewrite::harden(&softened, &again, |_, _| true).expect("hard again");
        let hardened = network(&hardened);
        assert_eq!(hardened.soft_layer().map(|node| &node.op), None, "network {seed}");
        let (expected, _) = traced(&hard, &rows);
        assert_near(&traced(&hardened, &rows).0, &expected, 1e-5, &format!("hardened {seed}"));
    }
}

/// x of 2 × 6 × 6, and a max-pool with the given attributes.
fn pooled(attributes: &[(&str, Attribute)]) -> Graph {
    let mut b = Builder::new(None, &[2, 6, 6]);
    let y = b.node_with("MaxPool", &["x"], attributes);
    let y = b.node("Flatten", &[&y]);
    b.finish(&y)
}

#[test]
fn pools_are_written_as_slices_and_softmax_and_keep_their_codes() {
    let graph = pooled(&[("kernel_shape", list(&[2, 3])), ("strides", list(&[2, 3]))]);
    let hard = network(&graph);
    for inference in [Inference::beta_vq(0.8), Inference::log_partition(0.8)] {
        let softened =
            rewrite::soften(&graph, &hard, |_, _| Some(inference.clone())).expect("soft");
        assert_eq!(softened.nodes.iter().filter(|node| node.op == "Slice").count(), 6);
        let again = network(&softened);
        let soft = hard.softened(|_, _| Some(inference.clone())).expect("soft");
        let rows = Random(3).numbers(4 * 72);
        let (values, codes) = traced(&again, &rows);
        let (expected, expected_codes) = traced(&soft, &rows);
        assert_near(&values, &expected, 1e-6, "pool");
        assert_eq!(codes, expected_codes, "bits are those of the hard pool");
    }
}

#[test]
fn overlapping_and_padded_pools_are_refused_by_name() {
    let refusal = |attributes: &[(&str, Attribute)]| {
        let graph = pooled(attributes);
        let hard = network(&graph);
        let soft = rewrite::soften(&graph, &hard, |_, _| Some(Inference::beta_vq(0.5)));
        soft.expect_err("refused").to_string()
    };
    let overlapping = refusal(&[("kernel_shape", list(&[3, 3])), ("strides", list(&[2, 2]))]);
    assert!(
        overlapping.contains("MaxPool") && overlapping.contains("overlapping"),
        "{overlapping}"
    );
    let padded = refusal(&[
        ("kernel_shape", list(&[2, 2])),
        ("strides", list(&[2, 2])),
        ("pads", list(&[1, 1, 1, 1])),
    ]);
    assert!(padded.contains("padded"), "{padded}");
}

#[test]
fn memberships_have_no_hard_form() {
    let mut b = Builder::new(None, &[3]);
    let h = b.node("Sigmoid", &["x"]);
    let y = b.node("Relu", &[&h]);
    let graph = b.finish(&y);
    let network = network(&graph);
    let error = rewrite::harden(&graph, &network, |_, _| true).expect_err("refused").to_string();
    assert!(error.contains("Sigmoid") && error.contains("step"), "{error}");
}

/// max(z, 0) for every `Custom` of domain `here`, and |z| for every ReLU.
#[derive(Debug)]
struct Replacement;

impl Nonlinearities for Replacement {
    fn spline(&self, node: &GraphNode) -> Option<Result<ScalarSpline, String>> {
        let left = match (node.domain.as_str(), node.op.as_str()) {
            ("here", "Custom") => 0.0,
            ("here", "Broken") => return Some(Err("it is broken".to_owned())),
            ("", "Relu") => -1.0,
            _ => return None,
        };
        Some(Ok(ScalarSpline::hinge(PerUnit::uniform(left), 1.0)))
    }
}

#[test]
fn nonlinearities_of_the_caller_stand_for_operators() {
    let options =
        LowerOptions { nonlinearities: Some(Arc::new(Replacement)), ..LowerOptions::default() };
    let graph = |op: &str| {
        let mut b = Builder::new(None, &[3]);
        let h = b.node(op, &["x"]);
        let y = b.node("Relu", &[&h]);
        let mut graph = b.finish(&y);
        graph.nodes[0].domain = "here".to_owned();
        graph
    };
    let network = lower(&graph("Custom"), &options).expect("a network");
    let mut one = Builder::new(None, &[3]);
    let h = one.node("Relu", &["x"]);
    let y = one.node("Abs", &[&h]);
    let expected = one.network(&y);
    assert_eq!(network.fingerprint(), expected.fingerprint());
    let error = lower(&graph("Broken"), &options).expect_err("broken").to_string();
    assert!(error.contains("it is broken"), "{error}");
    let error = lower(&graph("Custom"), &LowerOptions::default()).expect_err("unknown").to_string();
    assert!(error.contains("here"), "{error}");
}

#[test]
fn exact_geometry_is_refused_of_soft_networks() {
    let mut b = Builder::new(None, &[2]);
    let h = b.node("Softplus", &["x"]);
    let y = b.node("Relu", &[&h]);
    let network = b.network(&y);
    let line = network.line(&[0.0; 2], &[1.0; 2], &LineOptions::default());
    assert!(line.expect_err("refused").to_string().contains("Softplus"));
    let plane = Plane::new(vec![0.0; 2], vec![1.0, 0.0], vec![0.0, 1.0]).expect("a plane");
    let window = Window::new_box([0.0, 1.0], [0.0, 1.0]).expect("a window");
    let slice = network.slice(&plane, &window, &SliceOptions::default());
    assert!(slice.expect_err("refused").to_string().contains("Softplus"));
}
