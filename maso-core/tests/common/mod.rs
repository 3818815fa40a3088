//! Shared by the tests: graphs put together by hand, and a small source of random numbers.

#![allow(dead_code, reason = "each test file uses a part")]

pub(crate) mod networks;
pub(crate) mod oracles;

use std::sync::Arc;

use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use maso_core::network::{Fused, Scalar};
use maso_core::tensor::{Tensor, TensorData};
use maso_core::{Evaluator, Graph, LowerError, LowerOptions, Network, Rounding, Tier, lower};

/// A graph in the making.
#[derive(Default)]
pub(crate) struct Builder {
    pub(crate) graph: Graph,
    next: usize,
}

impl Builder {
    /// A graph with input `x` of `rows` (a symbol if `None`) by `shape`.
    pub(crate) fn new(rows: Option<usize>, shape: &[usize]) -> Self {
        let first = rows.map_or(Axis::Symbol("n".to_owned()), Axis::Fixed);
        let axes = std::iter::once(first).chain(shape.iter().copied().map(Axis::Fixed)).collect();
        let mut builder = Self::default();
        builder.graph.opset = 17;
        builder.graph.inputs.push(Port { name: "x".to_owned(), shape: axes, ..Port::default() });
        builder
    }

    /// Adds a float constant; its name.
    pub(crate) fn floats(&mut self, shape: &[usize], values: Vec<f32>) -> String {
        self.constant(Tensor::new(shape.to_vec(), TensorData::F32(values)).expect("a tensor"))
    }

    /// Adds an integer list; its name.
    pub(crate) fn ints(&mut self, values: &[i64]) -> String {
        self.constant(Tensor::ints(values.to_vec()))
    }

    fn constant(&mut self, tensor: Tensor) -> String {
        self.next += 1;
        let name = format!("c{}", self.next);
        self.graph.constants.push((name.clone(), tensor));
        name
    }

    /// Adds a node; its output's name.
    pub(crate) fn node(&mut self, op: &str, inputs: &[&str]) -> String {
        self.node_with(op, inputs, &[])
    }

    /// Adds a node with attributes; its output's name.
    pub(crate) fn node_with(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: &[(&str, Attribute)],
    ) -> String {
        self.next += 1;
        let output = format!("t{}", self.next);
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        self.graph.nodes.push(GraphNode {
            name: format!("{op}{}", self.next),
            op: op.to_owned(),
            domain: String::new(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            outputs: vec![output.clone()],
            attributes,
        });
        output
    }

    /// Ends the graph at `output`.
    pub(crate) fn finish(mut self, output: &str) -> Graph {
        self.graph.outputs.push(Port {
            name: output.to_owned(),
            shape: Vec::new(),
            ..Port::default()
        });
        self.graph
    }

    /// Ends the graph at `output` and lowers it.
    pub(crate) fn network(self, output: &str) -> Network {
        lower(&self.finish(output), &LowerOptions::default()).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Ends the graph at `output`; the error of lowering it.
    pub(crate) fn refusal(self, output: &str) -> LowerError {
        lower(&self.finish(output), &LowerOptions::default()).expect_err("it is refused")
    }
}

/// An integer-list attribute.
pub(crate) fn list(values: &[i64]) -> Attribute {
    Attribute::Ints(values.to_vec())
}

/// Random numbers from a 64-bit linear congruential generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    pub(crate) fn from(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// In [−2, 2], a multiple of 1/512.
    pub(crate) fn number(&mut self) -> f32 {
        (self.below(2049) as f32 - 1024.0) / 512.0
    }

    pub(crate) fn numbers(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.number()).collect()
    }
}

/// Values and codes of `rows` on `tier`.
pub(crate) fn evaluate(network: &Arc<Network>, tier: Tier, rows: &[f32]) -> (Vec<f32>, Vec<u64>) {
    run(&Evaluator::new(Arc::clone(network)).with_tier(tier), rows)
}

/// Values and codes of `rows`.
pub(crate) fn run(evaluator: &Evaluator, rows: &[f32]) -> (Vec<f32>, Vec<u64>) {
    let network = evaluator.network();
    let count = rows.len() / network.input().len();
    let outputs: usize = network.output_shape().iter().product();
    let mut values = vec![0.0; count * outputs];
    let mut codes = vec![0; count * network.layout().words()];
    evaluator.forward_into(rows, &mut values).unwrap_or_else(|e| panic!("{e}"));
    evaluator.codes_into(rows, &mut codes).unwrap_or_else(|e| panic!("{e}"));
    (values, codes)
}

/// Values and codes of `rows` by the slow evaluation in f32, rounded as said.
pub(crate) fn slow(network: &Network, rows: &[f32], rounding: Rounding) -> (Vec<f32>, Vec<u64>) {
    match rounding {
        Rounding::Separate => traced::<f32>(network, rows),
        Rounding::Fused => traced::<Fused>(network, rows),
    }
}

fn traced<S: Scalar + Into<f64>>(network: &Network, rows: &[f32]) -> (Vec<f32>, Vec<u64>) {
    let (mut values, mut codes) = (Vec::new(), Vec::new());
    for row in rows.chunks_exact(network.input().len()) {
        let row: Vec<S> = row.iter().map(|&x| S::from_f64(x.into())).collect();
        let trace = network.trace(&row);
        let outputs = &trace.values[network.output().index()];
        values.extend(outputs.iter().map(|value| value.clone().into() as f32));
        codes.extend(trace.code(network));
    }
    (values, codes)
}

/// Checks that every tier equals the slow evaluation of its rounding, bit for bit (zeros of either sign
/// are equal). Gives the values and codes of the separate family.
pub(crate) fn check_tiers(network: Network, rows: &[f32], what: &str) -> (Vec<f32>, Vec<u64>) {
    let network = Arc::new(network);
    let expected = [Rounding::Separate, Rounding::Fused].map(|r| slow(&network, rows, r));
    for tier in Tier::available() {
        let expected = &expected[usize::from(tier.rounding() == Rounding::Fused)];
        assert_eq!(evaluate(&network, tier, rows), *expected, "{what} on {tier}");
    }
    let [separate, _] = expected;
    separate
}
