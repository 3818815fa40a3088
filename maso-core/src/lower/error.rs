//! What can be wrong with a graph.

use std::fmt;

/// A node that cannot be represented, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedNode {
    /// The file's node name.
    pub name: String,
    /// Its operator, with its domain where that is not the standard one.
    pub op: String,
    /// The reason.
    pub why: String,
}

impl fmt::Display for UnsupportedNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.op, self.why)
    }
}

/// Why a graph is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LowerError {
    /// Nodes on the way to the output that cannot be represented: all of them.
    #[error(
        "{} cannot be represented on the way to the output:{}{}",
        count(nodes.len()), list(nodes), hint(before.as_deref())
    )]
    Unsupported {
        /// The nodes, in file order.
        nodes: Vec<UnsupportedNode>,
        /// The last tensor before the first of them, where the network could stop.
        before: Option<String>,
    },
    /// A node reads a tensor that nothing makes.
    #[error(
        "node {node} reads tensor {tensor:?}, which no node, input or initialiser provides: the file is damaged; export it again"
    )]
    MissingTensor {
        /// The reading node.
        node: String,
        /// The tensor.
        tensor: String,
    },
    /// A live node reads a constant that its reader could not represent.
    #[error("node {node} reads tensor {tensor:?}: {why}")]
    UnreadTensor {
        /// The tensor.
        tensor: String,
        /// The reading node.
        node: String,
        /// What the reader said of it.
        why: String,
    },
    /// Two things make one tensor.
    #[error(
        "tensor {tensor:?} is defined twice (by {first} and {second}); names must be unique: export it again"
    )]
    DuplicateTensor {
        /// The tensor.
        tensor: String,
        /// What defines it first.
        first: String,
        /// What defines it again.
        second: String,
    },
    /// Nodes that wait for one another.
    #[error("the graph has a cycle through nodes {}: the file is damaged; export it again", nodes.join(", "))]
    Cycle {
        /// Nodes that could not be ordered (at most eight).
        nodes: Vec<String>,
    },
    /// No input without a constant value.
    #[error("the graph has no input; export the model with one")]
    NoInput,
    /// No output.
    #[error("the graph has no output; name a tensor to stop at with --output")]
    NoOutput,
    /// A live node reads a second data input.
    #[error(
        "the graph has further inputs that the output depends on ({}); exactly one input is expected: export \
         the model with the others as constants",
        names.join(", ")
    )]
    ExtraInputs {
        /// Their names.
        names: Vec<String>,
    },
    /// `--output` names nothing.
    #[error("it has no tensor or node named {name:?}; some that it has: {}", known.join(", "))]
    UnknownOutput {
        /// The name asked for.
        name: String,
        /// Names that are there, the most similar first (at most eight).
        known: Vec<String>,
    },
    /// The operator set is older than what is read.
    #[error("its operator set is version {found}; expected 6 or later: export it again")]
    OldOpset {
        /// The version.
        found: i64,
    },
    /// The input's numbers are not real ones.
    #[error(
        "input {input:?} takes {found} numbers that are not cast to float at once; export the model \
         with a float input"
    )]
    InputType {
        /// The input.
        input: String,
        /// Their type.
        found: String,
    },
    /// An input axis besides the rows has no extent.
    #[error(
        "axis {axis} of input {input:?} has no fixed extent ({symbol:?}); only the row axis (the \
         first) may be symbolic: export the model with fixed sizes"
    )]
    SymbolicAxis {
        /// The input.
        input: String,
        /// The axis.
        axis: usize,
        /// Its symbol.
        symbol: String,
    },
    /// A row has no numbers, or more than can be counted.
    #[error("a row of input {input:?} has no numbers, or more than 2²⁶")]
    InputSize {
        /// The input.
        input: String,
    },
    /// The row axis ends up elsewhere than first.
    #[error(
        "the row axis is not the first axis of output {name:?}; export the model without moving it"
    )]
    MovedRows {
        /// The output.
        name: String,
    },
    /// The output is a constant.
    #[error("output {name:?} does not depend on the input")]
    ConstantOutput {
        /// The output.
        name: String,
    },
    /// A weight is NaN or infinite.
    #[error(
        "node {node} ({op}) has a weight that is {value} after folding; all weights must be finite: \
         train or export the model again"
    )]
    NonFinite {
        /// The node.
        node: String,
        /// Its operator.
        op: String,
        /// The weight.
        value: String,
    },
}

fn count(nodes: usize) -> String {
    if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") }
}

fn hint(before: Option<&str>) -> String {
    let known = "README.md lists what can be represented";
    before.map_or_else(
        || {
            format!(
                "\nno tensor before could be the output: export the model without what is named, or with \
                 supported operators in its place ({known})"
            )
        },
        |tensor| {
            format!("\nthe last tensor before is {tensor}; --output {tensor} stops there ({known})")
        },
    )
}

fn list(nodes: &[UnsupportedNode]) -> String {
    nodes.iter().map(|node| format!("\n  {node}")).collect()
}
