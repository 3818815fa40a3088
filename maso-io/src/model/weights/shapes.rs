//! Whether the layers of a graph fit together, and what shape its output has: what a graph that is to be
//! written needs, and no more. Smooth operators are nothing to wait for here.

use maso_core::graph::{Axis, GraphNode};
use maso_core::network::ModelReport;
use maso_core::{Graph, LowerError, LowerOptions, lower};

/// Operators of ONNX that take each number by itself and are not piecewise affine. Their outputs have
/// the shape of their inputs, as a Relu's have.
const SMOOTH: [&str; 12] = [
    "Celu",
    "Cos",
    "Elu",
    "Erf",
    "Exp",
    "HardSwish",
    "Selu",
    "Sigmoid",
    "Sin",
    "Softplus",
    "Softsign",
    "Tanh",
];

/// Checks that the layers of a graph of weights fit together, gives its output its shape, and says what
/// is in it. Smooth operators are counted as nonlinear layers.
///
/// # Errors
/// As [`lower()`], but for operators that are merely smooth.
pub fn settle(graph: &mut Graph) -> Result<ModelReport, LowerError> {
    let nodes = graph.nodes.clone();
    graph.nodes.iter_mut().filter(|node| SMOOTH.contains(&node.op.as_str())).for_each(stand_in);
    let lowered = lower(graph, &LowerOptions::default());
    graph.nodes = nodes;
    let report = lowered?.describe();
    if let (Some(output), Some(input)) = (graph.outputs.first_mut(), graph.inputs.first()) {
        let extents = report.output.shape.iter().map(|&extent| Axis::Fixed(extent));
        output.shape = input.shape.iter().take(1).cloned().chain(extents).collect();
    }
    Ok(report)
}

/// A Relu of the same tensors.
fn stand_in(node: &mut GraphNode) {
    node.op = "Relu".to_owned();
    node.attributes.clear();
}
