//! The checked network: a DAG of affine, sum, view and nonlinear nodes with f64 coefficients.
//!
//! Only [`lower`](mod@crate::lower) makes one, so a [`Network`] can always run: every node's inputs stand
//! before it, all sizes fit, and all coefficients are finite.

mod affine;
mod coefficients;
mod describe;
mod fingerprint;
mod nonlinear;
mod scalar;
mod soft;
mod soften;
mod terms;
mod trace;
mod view;
mod window;

pub use affine::{Affine, AveragePool, Convolution, Dense, Interpolation, Scale};
pub use coefficients::{Coefficients, PerUnit};
pub use describe::{HeadReport, LayerReport, ModelReport, OutputReport, PortReport};
pub use nonlinear::{Branch, Candidates, Extreme, Rule, ScalarSpline};
pub use scalar::{Fused, Number, Scalar};
pub use soft::{Function, Gates, Inference, Soft, SoftGate, SoftPool, SoftenError, UnitFunction};
pub use soften::LayerSoftenError;
pub use trace::Trace;
pub use view::{Run, Source, View};
pub use window::{WindowMap, WindowSpec};

use crate::code::{CodeLayout, Layer};

/// A node of a [`Network`], by its place in evaluation order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// Its place in [`Network::nodes`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// What a node computes.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// The row itself.
    Input,
    /// An affine map of one input.
    Affine(Affine),
    /// `a + b` or, with `negate`, `a − b`: finished sums of two branches.
    Sum {
        /// Whether the second branch is subtracted.
        negate: bool,
    },
    /// Numbers moved about.
    View(View),
    /// A nonlinear layer: the one kind of node that has units and code bits.
    Nonlinear(Rule),
}

/// One node: where it comes from, what it reads, what it computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The file's node (the last one, where several were folded).
    pub name: String,
    /// The file's tensor that this node's values are.
    pub tensor: String,
    /// The file's operator.
    pub op: String,
    /// Nodes read, all earlier.
    pub inputs: Vec<NodeId>,
    /// Shape for one row.
    pub shape: Vec<usize>,
    /// What is computed.
    pub operator: Operator,
}

impl Node {
    /// Numbers for one row.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it is a layer whose inference is soft.
    #[must_use]
    pub fn is_soft(&self) -> bool {
        match &self.operator {
            Operator::Nonlinear(Rule::Spline(spline)) => spline.soft.is_some(),
            Operator::Nonlinear(Rule::Extreme(extreme)) => extreme.soft.is_some(),
            _ => false,
        }
    }

    /// The soft inference of its spline, if it has one.
    #[must_use]
    pub fn soft(&self) -> Option<&Soft> {
        match &self.operator {
            Operator::Nonlinear(Rule::Spline(spline)) => spline.soft.as_ref(),
            _ => None,
        }
    }

    /// Whether a row has no numbers here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which axis of the file's input holds the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowAxis {
    /// The first.
    First,
    /// None: the whole tensor is one row.
    None,
}

/// A trailing node that was left off: the network ends at its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The file's node.
    pub name: String,
    /// Its operator.
    pub op: String,
}

/// A piecewise-affine network, ready to be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: NodeId,
    pub(crate) row_axis: RowAxis,
    outline: Outline,
    pub(crate) layout: CodeLayout,
}

/// Checked nodes, as lowering hands them over.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: NodeId,
    pub(crate) row_axis: RowAxis,
}

/// What is known of the file around the network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outline {
    pub(crate) heads: Vec<Head>,
    pub(crate) further_outputs: Vec<String>,
    pub(crate) parameters: u64,
}

impl Network {
    pub(crate) fn new(lowered: Lowered, outline: Outline) -> Self {
        let Lowered { nodes, output, row_axis } = lowered;
        let layout = CodeLayout::new(nodes.iter().enumerate().filter_map(|(i, node)| {
            let Operator::Nonlinear(rule) = &node.operator else { return None };
            Some(Layer::new(NodeId(i), node, rule.pieces()))
        }));
        Self { nodes, output, row_axis, outline, layout }
    }

    /// All nodes in evaluation order; the first is the input.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The places of all nodes, in evaluation order.
    pub fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// One node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The input node.
    #[must_use]
    pub fn input(&self) -> &Node {
        &self.nodes[0]
    }

    /// The node whose values are the network's output.
    #[must_use]
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Shape of the output for one row.
    #[must_use]
    pub fn output_shape(&self) -> &[usize] {
        &self.node(self.output).shape
    }

    /// Where the rows are in the file's input.
    #[must_use]
    pub fn row_axis(&self) -> RowAxis {
        self.row_axis
    }

    /// Trailing nodes that were left off (Softmax and the like), in file order.
    #[must_use]
    pub fn heads(&self) -> &[Head] {
        &self.outline.heads
    }

    /// Outputs of the file besides the one this network ends at, in file order.
    #[must_use]
    pub fn further_outputs(&self) -> &[String] {
        &self.outline.further_outputs
    }

    /// The first layer whose inference is soft; `None` if the network is piecewise affine.
    #[must_use]
    pub fn soft_layer(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| node.is_soft())
    }

    /// Where each unit's bits stand in a region code.
    #[must_use]
    pub fn layout(&self) -> &CodeLayout {
        &self.layout
    }
}
