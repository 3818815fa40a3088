//! The report of a model: what `maso info` shows.

use super::{Network, Node, NodeId, Operator, RowAxis, View};

/// A model as max-affine operators.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ModelReport {
    /// The input.
    pub input: PortReport,
    /// Which axis of the file's input holds the rows: `axis 0`, or `none` (the whole tensor is one).
    pub rows: &'static str,
    /// Numbers in one row.
    pub row_length: usize,
    /// The nonlinear layers, in the order of their bits.
    pub layers: Vec<LayerReport>,
    /// What follows the last layer.
    pub output: OutputReport,
    /// Trailing nodes left off.
    pub head: Vec<HeadReport>,
    /// The file's other outputs.
    pub further_outputs: Vec<String>,
    /// Floating-point numbers of the file's weights (running statistics not counted).
    pub parameters: u64,
    /// Multiply-adds of the affine operators for one row.
    pub multiply_adds: u64,
    /// Units of all layers.
    pub units: usize,
    /// Bits of a region code.
    pub bits: usize,
    /// `u64` words of a region code.
    pub words: usize,
}

/// A named tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PortReport {
    /// Tensor name.
    pub name: String,
    /// Shape for one row.
    pub shape: Vec<usize>,
}

/// One nonlinear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LayerReport {
    /// Node name.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Shape for one row.
    pub shape: Vec<usize>,
    /// The affine operators since the layers before.
    pub affine: String,
    /// Units.
    pub units: usize,
    /// Pieces of each unit.
    pub pieces: usize,
    /// Bits of the layer.
    pub bits: usize,
    /// Where its bits begin in the code.
    pub first_bit: usize,
}

/// The network's end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OutputReport {
    /// Tensor name.
    pub name: String,
    /// Shape for one row.
    pub shape: Vec<usize>,
    /// The affine operators since the last layers.
    pub affine: String,
}

/// A trailing node left off.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct HeadReport {
    /// Node name.
    pub name: String,
    /// Operator.
    pub op: String,
}

impl Network {
    /// The report of this model.
    #[must_use]
    pub fn describe(&self) -> ModelReport {
        let layout = self.layout();
        let layers = layout.layers().iter().map(|layer| LayerReport {
            name: layer.name().to_owned(),
            op: layer.op().to_owned(),
            shape: layer.shape().to_vec(),
            affine: self.affine_before(self.node(layer.node())),
            units: layer.units(),
            pieces: layer.pieces(),
            bits: layer.bits(),
            first_bit: layer.first_bit(),
        });
        let heads = self.heads.iter();
        ModelReport {
            input: PortReport {
                name: self.input().tensor.clone(),
                shape: self.input().shape.clone(),
            },
            rows: if self.row_axis == RowAxis::First { "axis 0" } else { "none" },
            row_length: self.input().len(),
            layers: layers.collect(),
            output: self.describe_output(),
            head: heads
                .map(|head| HeadReport { name: head.name.clone(), op: head.op.clone() })
                .collect(),
            further_outputs: self.further_outputs().to_vec(),
            parameters: self.parameters,
            multiply_adds: self.multiply_adds(),
            units: layout.units(),
            bits: layout.bits(),
            words: layout.words(),
        }
    }

    fn describe_output(&self) -> OutputReport {
        let node = self.node(self.output);
        let (name, shape) = (node.tensor.clone(), node.shape.clone());
        OutputReport { name, shape, affine: self.affine_up_to(self.output) }
    }

    /// Multiply-adds of all affine operators for one row.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        let affine = self.nodes.iter().filter_map(|node| match &node.operator {
            Operator::Affine(affine) => Some(affine.multiply_adds()),
            _ => None,
        });
        affine.sum()
    }

    /// The affine part of each input of a layer; inputs that have none are left out.
    fn affine_before(&self, node: &Node) -> String {
        let parts = node.inputs.iter().map(|&id| self.affine_up_to(id));
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" | ")
    }

    /// The affine operators from the last nonlinear layers up to and with node `id`.
    fn affine_up_to(&self, id: NodeId) -> String {
        let node = self.node(id);
        let mut parts: Vec<_> = match &node.operator {
            Operator::Input | Operator::Nonlinear(_) => return String::new(),
            Operator::Sum { .. } => return self.describe_sum(node),
            _ => node.inputs.iter().map(|&id| self.affine_up_to(id)).collect(),
        };
        match &node.operator {
            Operator::Affine(affine) => parts.push(affine.summary()),
            Operator::View(View::Map(_)) => parts.push(node.op.to_lowercase()),
            _ => {}
        }
        parts.retain(|part| !part.is_empty());
        parts.join(", ")
    }

    fn describe_sum(&self, node: &Node) -> String {
        let part = |&id: &NodeId| match (self.affine_up_to(id), self.node(id)) {
            (part, node) if part.is_empty() => node.name.clone(),
            (part, _) => part,
        };
        let parts: Vec<_> = node.inputs.iter().map(part).collect();
        let negate = matches!(node.operator, Operator::Sum { negate: true });
        format!("({})", parts.join(if negate { " − " } else { " + " }))
    }
}
