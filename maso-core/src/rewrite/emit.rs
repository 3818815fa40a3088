//! Writes the nodes that stand in place of one.

use std::collections::{BTreeMap, HashSet};

use crate::graph::{Attribute, Graph, GraphNode};
use crate::network::PerUnit;
use crate::tensor::{Tensor, TensorData};

/// Nodes and constants in place of one node, whose output the last of them makes.
pub(super) struct Emitter<'g> {
    graph: &'g Graph,
    /// Where the layer stands in the network.
    place: usize,
    node: &'g GraphNode,
    input: &'g str,
    shape: &'g [usize],
    nodes: Vec<GraphNode>,
    constants: Vec<(String, Tensor)>,
    is_double: bool,
    /// All names of the graph.
    taken: &'g HashSet<String>,
}

impl<'g> Emitter<'g> {
    /// In place of `node`, for a layer that reads `input`, of `shape` in each row.
    pub(super) fn new(
        graph: &'g Graph,
        place: usize,
        node: &'g GraphNode,
        input: &'g str,
        shape: &'g [usize],
        taken: &'g HashSet<String>,
    ) -> Self {
        let double = |(_, tensor): &(String, Tensor)| matches!(tensor.data(), TensorData::F64(_));
        let is_double = graph.constants.iter().any(double);
        let (nodes, constants) = (Vec::new(), Vec::new());
        Self { graph, place, node, input, shape, nodes, constants, is_double, taken }
    }

    /// Where the layer stands in the network.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// The node that is replaced.
    pub(super) fn node(&self) -> &'g GraphNode {
        self.node
    }

    /// The tensor that the layer reads.
    pub(super) fn input(&self) -> Result<String, String> {
        if self.node.outputs.iter().any(|output| output == self.input) {
            return Err(
                "it is one node of the file but several operations, and not written".to_owned()
            );
        }
        Ok(self.input.to_owned())
    }

    /// The shape of that, without rows.
    pub(super) fn shape(&self) -> &'g [usize] {
        self.shape
    }

    /// Version of the operator set.
    pub(super) fn opset(&self) -> i64 {
        self.graph.opset
    }

    /// The node that makes `tensor`.
    pub(super) fn maker(&self, tensor: &str) -> Option<&'g GraphNode> {
        self.graph.nodes.iter().find(|node| node.outputs.iter().any(|output| output == tensor))
    }

    /// The integers of a constant of the graph.
    pub(super) fn integers(&self, tensor: &str) -> Option<Vec<i64>> {
        let constant = self.graph.constants.iter().find(|(name, _)| name == tensor);
        let constant = constant.map(|(_, tensor)| tensor).or_else(|| {
            match self.maker(tensor).filter(|node| node.op == "Constant")?.attributes.get("value") {
                Some(Attribute::Tensor(tensor)) => Some(tensor),
                _ => None,
            }
        })?;
        match constant.data() {
            TensorData::I64(data) => Some(data.to_vec()),
            _ => None,
        }
    }

    /// Whether `tensor` is a constant of the graph.
    pub(super) fn is_constant(&self, tensor: &str) -> bool {
        self.graph.constants.iter().any(|(name, _)| name == tensor)
            || self.maker(tensor).is_some_and(|node| node.op == "Constant")
    }

    /// A name that the graph has not.
    fn name(&self, what: &str) -> String {
        let first = self.nodes.len() + self.constants.len();
        let numbered = |number: usize| format!("{}/{what}_{number}", self.node.outputs[0]);
        (first..).map(numbered).find(|name| !self.taken.contains(name)).expect("a free name")
    }

    /// Adds a node; the name of its output.
    pub(super) fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.op_with(op, inputs, [])
    }

    /// Adds a node with attributes.
    pub(super) fn op_with(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
    ) -> String {
        let output = self.name(op);
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        self.nodes.push(GraphNode {
            name: output.clone(),
            op: op.to_owned(),
            domain: String::new(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            outputs: vec![output.clone()],
            attributes: attributes.collect::<BTreeMap<_, _>>(),
        });
        output
    }

    /// A constant number.
    pub(super) fn number(&mut self, value: f64) -> String {
        self.numbers(&[], vec![value])
    }

    /// A constant of the type that the graph computes in.
    fn numbers(&mut self, shape: &[usize], values: Vec<f64>) -> String {
        let data = if self.is_double {
            TensorData::F64(values)
        } else {
            TensorData::F32(values.into_iter().map(|value| value as f32).collect())
        };
        self.constant("number", shape, data)
    }

    /// A constant list of integers.
    pub(super) fn list(&mut self, values: Vec<i64>) -> String {
        self.constant("list", &[values.len()], TensorData::I64(values))
    }

    fn constant(&mut self, what: &str, shape: &[usize], data: TensorData) -> String {
        let name = self.name(what);
        let tensor = Tensor::new(shape.to_vec(), data).expect("as many numbers as the shape says");
        self.constants.push((name.clone(), tensor));
        name
    }

    /// A parameter of each unit, to be broadcast over the rows.
    pub(super) fn parameter(&mut self, parameter: &PerUnit) -> String {
        if let Some(value) = parameter.as_uniform() {
            return self.number(value);
        }
        let units: usize = self.shape.iter().product();
        let values = (0..units).map(|unit| parameter.at(unit)).collect();
        self.numbers(self.shape, values)
    }

    /// A node that reduces or inserts `axis`, which its operator takes as an input from operator set `since` on, and as
    /// an attribute before.
    pub(super) fn along(
        &mut self,
        op: &str,
        since: i64,
        input: &str,
        axis: i64,
        keep: Option<bool>,
    ) -> String {
        let keep = keep.map(|keep| ("keepdims", Attribute::Int(keep.into())));
        if self.opset() >= since {
            let axes = self.list(vec![axis]);
            return self.op_with(op, &[input, &axes], keep);
        }
        let axes = Some(("axes", Attribute::Ints(vec![axis])));
        self.op_with(op, &[input], axes.into_iter().chain(keep))
    }

    /// The nodes and constants; the last node makes the output of the one that is replaced.
    pub(super) fn finish(mut self) -> (Vec<GraphNode>, Vec<(String, Tensor)>) {
        let last = self.nodes.last_mut().expect("a node in place of the old one");
        last.outputs.clone_from(&self.node.outputs);
        last.outputs.truncate(1);
        last.name.clone_from(&self.node.name);
        (self.nodes, self.constants)
    }
}
