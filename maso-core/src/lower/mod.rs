//! From a neutral [`Graph`] to a checked [`Network`]: constants folded, batch-norm folded, every node
//! that cannot be represented named in one error.
//!
//! Folding happens in f64 and touches only per-channel scales, shifts and constants: two weight
//! matrices are never multiplied, and no shift moves through a zero-padded convolution. Nonlinear
//! nodes are never merged, so the region code follows the file node by node.

mod budget;
mod context;
mod error;
mod heads;
mod ops;
mod order;
mod patterns;
mod value;

pub use error::{LowerError, UnsupportedNode};

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;

use crate::graph::{Axis, Graph, GraphNode, Port};
use crate::network::{Lowered, Network, Outline, RowAxis, ScalarSpline};
use context::Context;
use value::Dim;

/// What the caller says about a model.
#[derive(Clone, Debug, Default)]
pub struct LowerOptions {
    /// The tensor (or node) to stop at, instead of the first output.
    pub output: Option<String>,
    /// Which axis of the input holds the rows; by default the first, if it is symbolic or 1.
    pub row_axis: Option<RowAxis>,
    /// Nonlinearities that stand for operators of the file: other ones for known operators, and the only ones for those
    /// of other domains.
    pub nonlinearities: Option<Arc<dyn Nonlinearities>>,
}

/// Nonlinearities of the caller's, by the nodes that they stand for.
pub trait Nonlinearities: Debug + Send + Sync {
    /// The spline of the units that `node` makes of its first input; `None` to read the node as it is. An error is
    /// why it cannot be represented.
    fn spline(&self, node: &GraphNode) -> Option<Result<ScalarSpline, String>>;
}

/// Lowers `graph` to a network.
///
/// # Errors
/// If the graph is not well formed, has no usable input or output, or has nodes on the way to the
/// output that are not piecewise affine or not known; the latter are all listed at once.
pub fn lower(graph: &Graph, options: &LowerOptions) -> Result<Network, LowerError> {
    let order = order::file_order(graph)?;
    let in_file = graph.nodes.iter().collect::<Vec<_>>();
    let stand_ins = patterns::stand_ins(graph, &producers(&in_file));
    let node = |index| stand_ins.get(&index).unwrap_or(&graph.nodes[index]);
    let nodes: Vec<&GraphNode> = order.into_iter().map(node).collect();
    let producers = producers(&nodes);
    let target = target(graph, &producers, options)?;
    let (output, heads) = heads::strip(&target, &producers);
    let live = live_nodes(&output, &nodes, &producers);
    check_read(graph, &live)?;

    let port = graph.inputs.first().ok_or(LowerError::NoInput)?;
    if graph.opset < OLDEST_OPSET {
        return Err(LowerError::OldOpset { found: graph.opset });
    }
    check_input_type(port, &live)?;
    let attempt = |row_axis| lower_live(graph, &live, &output, row_axis, options);
    let nodes = match attempt(options.row_axis) {
        // An axis fixed at 1 holds the rows only if every node acts alike on each slice along it.
        Err(error @ (LowerError::Unsupported { .. } | LowerError::MovedRows { .. }))
            if options.row_axis.is_none() && port.shape.first() == Some(&Axis::Fixed(1)) =>
        {
            attempt(Some(RowAxis::None)).map_err(|_| error)?
        }
        result => result?,
    };
    let further = graph.outputs.iter().map(|port| port.name.clone());
    let outline = Outline {
        heads,
        further_outputs: further.filter(|name| *name != target).collect(),
        parameters: count_parameters(graph, &live),
    };
    Ok(Network::new(nodes, outline))
}

/// The first operator set whose operators are read.
const OLDEST_OPSET: i64 = 6;

/// The nodes of the network up to `output`, with its rows along `row_axis`.
fn lower_live(
    graph: &Graph,
    live: &[&GraphNode],
    output: &str,
    row_axis: Option<RowAxis>,
    options: &LowerOptions,
) -> Result<Lowered, LowerError> {
    let (row_axis, dims) = input_dims(&graph.inputs[0], row_axis)?;
    let mut context = Context::new(graph, row_axis, dims, uses(live, output));
    context.nonlinearities.clone_from(&options.nonlinearities);
    context.constants(&graph.constants);
    context.extra_inputs(&graph.inputs[1..]);
    for node in live {
        ops::lower_node(&mut context, node);
    }
    context.finish(output, row_axis)
}

/// Constants that the reader could not represent must not be needed.
fn check_read(graph: &Graph, live: &[&GraphNode]) -> Result<(), LowerError> {
    for (tensor, why) in &graph.unread {
        if let Some(node) = live.iter().find(|node| node.inputs.contains(tensor)) {
            let (tensor, node, why) = (tensor.clone(), node.name.clone(), why.clone());
            return Err(LowerError::UnreadTensor { tensor, node, why });
        }
    }
    Ok(())
}

/// Numbers of an integer input would be taken for real ones; only a cast right away makes them that.
fn check_input_type(port: &Port, live: &[&GraphNode]) -> Result<(), LowerError> {
    let reads = |node: &&&GraphNode| node.inputs.contains(&port.name);
    let cast = |node: &&GraphNode| node.op == "Cast" && matches!(node.int("to", 0), 1 | 11);
    match &port.elements {
        Some(other) if !live.iter().filter(reads).all(cast) => {
            Err(LowerError::InputType { input: port.name.clone(), found: other.clone() })
        }
        _ => Ok(()),
    }
}

type Producers<'g> = HashMap<&'g str, &'g GraphNode>;

fn producers<'g>(nodes: &[&'g GraphNode]) -> Producers<'g> {
    let made = |node: &&'g GraphNode| {
        let node = *node;
        node.outputs.iter().map(move |output| (output.as_str(), node))
    };
    nodes.iter().flat_map(made).filter(|(name, _)| !name.is_empty()).collect()
}

/// The tensor to stop at: the caller's, by its own or its node's name, or the first output.
fn target(
    graph: &Graph,
    producers: &Producers<'_>,
    options: &LowerOptions,
) -> Result<String, LowerError> {
    let Some(wanted) = &options.output else {
        return graph.outputs.first().map(|port| port.name.clone()).ok_or(LowerError::NoOutput);
    };
    let is_input = graph.inputs.first().is_some_and(|port| port.name == *wanted);
    if is_input || producers.contains_key(wanted.as_str()) {
        return Ok(wanted.clone());
    }
    let named = graph.nodes.iter().find(|node| node.name == *wanted);
    let output = named.and_then(|node| node.outputs.first());
    output.cloned().ok_or_else(|| LowerError::UnknownOutput {
        name: wanted.clone(),
        known: similar_names(graph, wanted),
    })
}

/// Names of tensors that nodes make, those that resemble `wanted` first, at most eight.
fn similar_names(graph: &Graph, wanted: &str) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let unlike = |name: &String| {
        let name = name.to_lowercase();
        !(name.contains(&wanted) || wanted.contains(&name))
    };
    let names = graph.nodes.iter().filter(|node| node.op != "Constant");
    let mut names: Vec<String> = names.flat_map(|node| node.outputs.iter().cloned()).collect();
    names.sort_by_key(unlike);
    names.truncate(8);
    names
}

/// The nodes that `output` depends on, in order.
fn live_nodes<'g>(
    output: &str,
    nodes: &[&'g GraphNode],
    producers: &Producers<'g>,
) -> Vec<&'g GraphNode> {
    let mut live: HashSet<*const GraphNode> = HashSet::new();
    let mut open: Vec<&str> = vec![output];
    while let Some(tensor) = open.pop() {
        if let Some(&node) = producers.get(tensor)
            && live.insert(std::ptr::from_ref(node))
        {
            open.extend(node.inputs.iter().map(String::as_str));
        }
    }
    nodes.iter().copied().filter(|&node| live.contains(&std::ptr::from_ref(node))).collect()
}

/// How often each tensor is read on the way to the output.
fn uses(live: &[&GraphNode], output: &str) -> HashMap<String, usize> {
    let mut uses = HashMap::from([(output.to_owned(), 1)]);
    let inputs = live.iter().flat_map(|node| &node.inputs);
    for input in inputs.filter(|input| !input.is_empty()) {
        *uses.entry(input.clone()).or_default() += 1;
    }
    uses
}

/// Decides where the rows are, and the input's axes with that axis marked.
fn input_dims(port: &Port, wanted: Option<RowAxis>) -> Result<(RowAxis, Vec<Dim>), LowerError> {
    let rows_first = match (wanted, port.shape.first()) {
        (Some(axis), Some(_)) => axis == RowAxis::First,
        (None, Some(Axis::Symbol(_) | Axis::Fixed(1))) => true,
        _ => false,
    };
    let dim = |(axis, extent): (usize, &Axis)| match extent {
        _ if rows_first && axis == 0 => Ok(Dim::Rows),
        Axis::Fixed(extent) => Ok(Dim::Fixed(*extent)),
        Axis::Symbol(symbol) => {
            Err(LowerError::SymbolicAxis { input: port.name.clone(), axis, symbol: symbol.clone() })
        }
    };
    let dims: Vec<_> = port.shape.iter().enumerate().map(dim).collect::<Result<_, _>>()?;
    let too_large = |_| LowerError::InputSize { input: port.name.clone() };
    let dims = value::checked(dims).map_err(too_large)?;
    Ok((if rows_first { RowAxis::First } else { RowAxis::None }, dims))
}

/// Weights of the file that reach the output: floating-point initialisers, without the running
/// statistics of batch-norm and the limits of Clip.
fn count_parameters(graph: &Graph, live: &[&GraphNode]) -> u64 {
    let weights = |node: &&GraphNode| match node.op.as_str() {
        "BatchNormalization" => 1..3,
        "Clip" => 0..0,
        _ => 0..usize::MAX,
    };
    let read: HashSet<&str> = live
        .iter()
        .flat_map(|node| {
            let range = weights(node);
            let inputs = node.inputs.iter().enumerate();
            inputs.filter(move |(i, _)| range.contains(i)).map(|(_, name)| name.as_str())
        })
        .collect();
    let counted = graph
        .constants
        .iter()
        .filter(|(name, tensor)| tensor.is_float() && read.contains(name.as_str()));
    counted.map(|(_, tensor)| tensor.len() as u64).sum()
}
