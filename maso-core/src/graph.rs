//! The neutral form that model readers make: named nodes over named tensors, nothing interpreted.
//!
//! A reader keeps what it does not know (operators, attributes, names); [`lower`](mod@crate::lower)
//! decides what each node means.

use std::collections::BTreeMap;

use crate::tensor::Tensor;

/// Extent of one axis of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// A number.
    Fixed(usize),
    /// A name, or nothing at all: any extent.
    Symbol(String),
}

/// A named input or output.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Tensor name.
    pub name: String,
    /// Axes; empty also where the file does not say.
    pub shape: Vec<Axis>,
    /// The type of its numbers, where that is not floating point.
    pub elements: Option<String>,
}

/// An attribute of a node.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// A number.
    Float(f32),
    /// A string.
    Text(String),
    /// A constant tensor.
    Tensor(Tensor),
    /// A list of integers.
    Ints(Vec<i64>),
    /// A list of numbers.
    Floats(Vec<f32>),
    /// A list of strings.
    Texts(Vec<String>),
    /// Something else (a subgraph, a sparse tensor, …), by its kind.
    Other(String),
}

/// One node of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphNode {
    /// The node's own name; its first output's name where it has none.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Operator set; empty for the standard one.
    pub domain: String,
    /// Tensors read; an empty name stands for an absent optional one.
    pub inputs: Vec<String>,
    /// Tensors made; an empty name stands for an unused one.
    pub outputs: Vec<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

impl GraphNode {
    /// The integer attribute `name`, or `default` where there is none.
    #[must_use]
    pub fn int(&self, name: &str, default: i64) -> i64 {
        match self.attributes.get(name) {
            Some(Attribute::Int(value)) => *value,
            _ => default,
        }
    }

    /// The number attribute `name`, or `default` where there is none.
    #[must_use]
    pub fn float(&self, name: &str, default: f32) -> f64 {
        match self.attributes.get(name) {
            Some(Attribute::Float(value)) => f64::from(*value),
            _ => f64::from(default),
        }
    }

    /// The number attribute `name`, which patterns have in full precision.
    pub(crate) fn number(&self, name: &str, default: f32) -> f64 {
        match self.attributes.get(name) {
            Some(Attribute::Tensor(tensor)) if tensor.len() == 1 => tensor.to_f64()[0],
            _ => self.float(name, default),
        }
    }

    /// The integer list `name`.
    #[must_use]
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// The string attribute `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name) {
            Some(Attribute::Text(value)) => Some(value),
            _ => None,
        }
    }

    /// The name of input `index`, `None` if it is absent.
    #[must_use]
    pub fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// A model file's graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Inputs without a constant value, in file order.
    pub inputs: Vec<Port>,
    /// Outputs, in file order.
    pub outputs: Vec<Port>,
    /// Constant tensors, in file order.
    pub constants: Vec<(String, Tensor)>,
    /// Constant tensors of a type that has no representation here (strings, say), each with the reason.
    /// Only a node on the way to the output that reads one is an error.
    pub unread: Vec<(String, String)>,
    /// Nodes, in file order.
    pub nodes: Vec<GraphNode>,
    /// Version of the standard operator set.
    pub opset: i64,
    /// Who wrote the file.
    pub producer: String,
}
