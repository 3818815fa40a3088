//! A model's graph with other inference in its layers: nodes of the standard operator set that any ONNX runtime runs.
//!
//! [`soften`] replaces the node of each chosen layer (the last one, where a layer is several) by nodes that compute the
//! soft unit, [`harden`] goes the way back; all other nodes stay. `gates` writes scalar splines, `pools` maxima.

mod emit;
mod gates;
mod pools;

use std::collections::{HashMap, HashSet};

use crate::graph::{Graph, GraphNode};
use crate::network::{
    Extreme, Inference, LayerSoftenError, Network, Node, Operator, PerUnit, Rule, ScalarSpline,
    Soft,
};
use emit::Emitter;

/// Why a graph cannot be rewritten.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The network's layer has no such inference.
    #[error(transparent)]
    Layer(#[from] LayerSoftenError),
    /// The layer has no form in standard nodes.
    #[error("layer {node} ({op}): {why}")]
    Node {
        /// The layer.
        node: String,
        /// Its operator.
        op: String,
        /// What stands against it.
        why: String,
    },
    /// Something of the graph has no form in a file.
    #[error("{0}")]
    Graph(String),
}

/// The first operator set whose slices, clips and sums can be written.
const OLDEST_OPSET: i64 = 11;

/// `graph`, of which `network` was lowered, with the inference that `choose` names for each layer (by its number and
/// node) in the network. Layers for which it names none stay as they are.
///
/// # Errors
/// If a layer cannot be softened so, or has no form in standard nodes: a maximum over overlapping or padded windows.
pub fn soften(
    graph: &Graph,
    network: &Network,
    choose: impl Fn(usize, &Node) -> Option<Inference>,
) -> Result<Graph, RewriteError> {
    let soft = network.softened(&choose)?;
    rewrite(graph, network, |layer, node, emitter| {
        if choose(layer, node).is_none() {
            return Ok(None);
        }
        let Operator::Nonlinear(rule) = &soft.nodes()[emitter.place()].operator else {
            return Ok(None);
        };
        match rule {
            Rule::Spline(ScalarSpline { soft: Some(Soft::Gates(gates)), .. }) => {
                gates::soft(emitter, gates).map(Some)
            }
            Rule::Extreme(Extreme { soft: Some(pool), smallest: false, .. }) => {
                pools::soft(emitter, *pool).map(Some)
            }
            Rule::Extreme(Extreme { soft: Some(_), .. }) => {
                Err("a soft minimum is not written; a maximum of negated numbers is".to_owned())
            }
            // β = 1.
            _ if node.is_soft() => hard(emitter, rule).map(Some),
            _ => Ok(None),
        }
    })
}

/// `graph`, of which `network` was lowered, with the hard choice in each soft layer for which `choose` says so.
///
/// # Errors
/// If such a layer gives memberships, as sigmoid and tanh do, or has no hard form in standard nodes.
pub fn harden(
    graph: &Graph,
    network: &Network,
    choose: impl Fn(usize, &Node) -> bool,
) -> Result<Graph, RewriteError> {
    let hard_network = network.hardened(|layer, node| node.is_soft() && choose(layer, node))?;
    rewrite(graph, network, |layer, node, emitter| {
        let Operator::Nonlinear(rule) = &hard_network.nodes()[emitter.place()].operator else {
            return Ok(None);
        };
        if node.is_soft() && choose(layer, node) { hard(emitter, rule).map(Some) } else { Ok(None) }
    })
}

/// The nodes of a layer with the hard choice.
fn hard(emitter: &mut Emitter<'_>, rule: &Rule) -> Result<(), String> {
    match rule {
        Rule::Spline(spline) => gates::hard(emitter, spline),
        Rule::Extreme(_) => pools::hard(emitter),
    }
}

/// Runs `layer` on every layer of the network; where it writes nodes they stand in place of the graph's.
fn rewrite(
    graph: &Graph,
    network: &Network,
    mut layer: impl FnMut(usize, &Node, &mut Emitter<'_>) -> Result<Option<()>, String>,
) -> Result<Graph, RewriteError> {
    check(graph)?;
    let producers: HashMap<&str, usize> = graph
        .nodes
        .iter()
        .enumerate()
        .flat_map(|(index, node)| node.outputs.iter().map(move |output| (output.as_str(), index)))
        .collect();
    let taken = names(graph);
    let mut new = graph.clone();
    let mut replaced: HashMap<usize, Vec<GraphNode>> = HashMap::new();
    let layers = network.nodes().iter().enumerate();
    let layers = layers.filter(|(_, node)| matches!(node.operator, Operator::Nonlinear(_)));
    for (number, (place, node)) in layers.enumerate() {
        let fail = |why: String| {
            let (node, op) = (node.name.clone(), node.op.clone());
            RewriteError::Node { node, op, why }
        };
        let Some(&index) = producers.get(node.tensor.as_str()) else {
            return Err(fail(format!("no node of the file makes its tensor {}", node.tensor)));
        };
        let input = network.node(node.inputs[0]);
        let mut emitter =
            Emitter::new(graph, place, &graph.nodes[index], &input.tensor, &input.shape, &taken);
        if layer(number, node, &mut emitter).map_err(fail)?.is_some() {
            let (nodes, constants) = emitter.finish();
            new.constants.extend(constants);
            replaced.insert(index, nodes);
        }
    }
    let old = std::mem::take(&mut new.nodes).into_iter().enumerate();
    new.nodes =
        old.flat_map(|(i, node)| replaced.remove(&i).unwrap_or_else(|| vec![node])).collect();
    prune(&mut new);
    Ok(new)
}

/// All names of tensors and nodes.
fn names(graph: &Graph) -> HashSet<String> {
    let constants = graph.constants.iter().map(|(name, _)| name);
    let ports = graph.inputs.iter().chain(&graph.outputs).map(|port| &port.name);
    let nodes = graph.nodes.iter().flat_map(|node| node.outputs.iter().chain([&node.name]));
    constants.chain(ports).chain(nodes).cloned().collect()
}

fn check(graph: &Graph) -> Result<(), RewriteError> {
    if graph.opset < OLDEST_OPSET {
        return Err(RewriteError::Graph(format!(
            "the file is of operator set {}, expected {OLDEST_OPSET} or later: convert it (onnx.version_converter)",
            graph.opset
        )));
    }
    Ok(())
}

/// Leaves out nodes and constants that nothing reads any more.
fn prune(graph: &mut Graph) {
    let mut live: HashSet<String> = graph.outputs.iter().map(|port| port.name.clone()).collect();
    let mut kept = Vec::with_capacity(graph.nodes.len());
    // Readers stand behind what they read.
    for node in std::mem::take(&mut graph.nodes).into_iter().rev() {
        if node.outputs.iter().any(|output| live.contains(output)) {
            live.extend(node.inputs.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.nodes = kept;
    graph.constants.retain(|(name, _)| live.contains(name));
}

/// Whether a parameter is `value` for all units.
fn is(parameter: &PerUnit, value: f64) -> bool {
    parameter.as_uniform() == Some(value)
}
