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
        let parts = self.affine_parts();
        let layout = self.layout();
        let layers = layout.layers().iter().map(|layer| LayerReport {
            name: layer.name().to_owned(),
            op: layer.op().to_owned(),
            shape: layer.shape().to_vec(),
            affine: joined(self.node(layer.node()), &parts, " | ", ""),
            units: layer.units(),
            pieces: layer.pieces(),
            bits: layer.bits(),
            first_bit: layer.first_bit(),
        });
        let heads = self.heads().iter();
        ModelReport {
            input: PortReport {
                name: self.input().tensor.clone(),
                shape: self.input().shape.clone(),
            },
            rows: if self.row_axis == RowAxis::First { "axis 0" } else { "none" },
            row_length: self.input().len(),
            layers: layers.collect(),
            output: self.describe_output(&parts),
            head: heads
                .map(|head| HeadReport { name: head.name.clone(), op: head.op.clone() })
                .collect(),
            further_outputs: self.further_outputs().to_vec(),
            parameters: self.outline.parameters,
            multiply_adds: self.multiply_adds(),
            units: layout.units(),
            bits: layout.bits(),
            words: layout.words(),
        }
    }

    fn describe_output(&self, parts: &[String]) -> OutputReport {
        let node = self.node(self.output);
        let (name, shape) = (node.tensor.clone(), node.shape.clone());
        OutputReport { name, shape, affine: parts[self.output.0].clone() }
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

    /// For each node, the affine operators from the last nonlinear layers up to and with it.
    fn affine_parts(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut part = match &node.operator {
                Operator::Input | Operator::Nonlinear(_) => String::new(),
                Operator::Sum { negate } => self.sum_part(node, *negate, &parts),
                Operator::Affine(affine) => joined(node, &parts, ", ", &affine.summary()),
                Operator::View(View::Runs(_)) => {
                    joined(node, &parts, ", ", &node.op.to_lowercase())
                }
                Operator::View(View::Same) => joined(node, &parts, ", ", ""),
            };
            if part.chars().count() > LONGEST_PART {
                part = part.chars().take(LONGEST_PART - 1).chain(['…']).collect();
            }
            parts.push(part);
        }
        parts
    }

    fn sum_part(&self, node: &Node, negate: bool, parts: &[String]) -> String {
        let part = |&id: &NodeId| match parts[id.0].as_str() {
            "" => self.node(id).name.as_str(),
            part => part,
        };
        let parts: Vec<_> = node.inputs.iter().map(part).collect();
        format!("({})", parts.join(if negate { " − " } else { " + " }))
    }
}

/// Letters that one node's affine part may have.
const LONGEST_PART: usize = 120;

/// The parts of a node's inputs, those that have any, and its own.
fn joined(node: &Node, parts: &[String], separator: &str, own: &str) -> String {
    let inputs = node.inputs.iter().map(|id| parts[id.0].as_str());
    let parts: Vec<_> = inputs.chain([own]).filter(|part| !part.is_empty()).collect();
    parts.join(separator)
}
