//! The order of evaluation: the file's own where it is sorted, else the stable order closest to it;
//! and the checks that make names mean one thing each.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::LowerError;
use crate::graph::Graph;

/// Node indices such that every node stands after what it reads; among those that could stand next,
/// the earliest in the file does.
pub(super) fn file_order(graph: &Graph) -> Result<Vec<usize>, LowerError> {
    let makers = makers(graph)?;
    let mut waits = vec![0usize; graph.nodes.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate() {
        for input in node.inputs.iter().filter(|input| !input.is_empty()) {
            match makers.get(input.as_str()) {
                Some(Maker::Node(maker)) => {
                    waits[index] += 1;
                    readers[*maker].push(index);
                }
                Some(_) => {}
                None => {
                    let (node, tensor) = (node.name.clone(), input.clone());
                    return Err(LowerError::MissingTensor { node, tensor });
                }
            }
        }
    }
    let ready = (0..waits.len()).filter(|&index| waits[index] == 0);
    let mut ready: BinaryHeap<_> = ready.map(Reverse).collect();
    let mut order = Vec::with_capacity(graph.nodes.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &reader in &readers[index] {
            waits[reader] -= 1;
            if waits[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if order.len() == graph.nodes.len() {
        return Ok(order);
    }
    let stuck = (0..waits.len()).filter(|&index| waits[index] > 0).take(8);
    Err(LowerError::Cycle { nodes: stuck.map(|index| graph.nodes[index].name.clone()).collect() })
}

/// What provides a tensor.
enum Maker {
    Input,
    Constant,
    Node(usize),
}

impl Maker {
    fn describe(&self, graph: &Graph) -> String {
        match self {
            Self::Input => "an input".to_owned(),
            Self::Constant => "an initialiser".to_owned(),
            Self::Node(index) => format!("node {}", graph.nodes[*index].name),
        }
    }
}

fn makers(graph: &Graph) -> Result<HashMap<&str, Maker>, LowerError> {
    let inputs = graph.inputs.iter().map(|port| (port.name.as_str(), Maker::Input));
    let constants = graph.constants.iter().map(|(name, _)| (name.as_str(), Maker::Constant));
    let unread = graph.unread.iter().map(|(name, _)| (name.as_str(), Maker::Constant));
    let constants = constants.chain(unread);
    let nodes = graph.nodes.iter().enumerate().flat_map(|(index, node)| {
        node.outputs.iter().map(move |output| (output.as_str(), Maker::Node(index)))
    });
    let mut makers: HashMap<&str, Maker> = HashMap::new();
    for (name, maker) in inputs.chain(constants).chain(nodes).filter(|(name, _)| !name.is_empty()) {
        if let Some(first) = makers.get(name) {
            let (first, second) = (first.describe(graph), maker.describe(graph));
            return Err(LowerError::DuplicateTensor { tensor: name.to_owned(), first, second });
        }
        makers.insert(name, maker);
    }
    Ok(makers)
}
