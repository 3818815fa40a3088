//! What ends a classifier's file after its logits: probabilities, labels, and what dresses them. It is
//! left off, and named.

use super::Producers;
use crate::graph::GraphNode;
use crate::network::Head;

/// What a node at the end of the file does.
enum Part<'g> {
    /// Turns scores into probabilities or labels.
    Head(&'g str),
    /// Passes on what it reads; left off only with a head before it.
    Dress(&'g str),
}

/// Walks back from `target`; the tensor before all heads, and the nodes left off in file order.
pub(super) fn strip(target: &str, producers: &Producers<'_>) -> (String, Vec<Head>) {
    let (mut output, mut heads, mut passed) = (target, Vec::new(), Vec::new());
    let mut here = target;
    while let Some(node) = producers.get(here) {
        let head = || Head { name: node.name.clone(), op: node.op.clone() };
        here = match part(node, producers) {
            Some(Part::Head(before)) => {
                heads.append(&mut passed);
                heads.push(head());
                output = before;
                before
            }
            Some(Part::Dress(before)) => {
                if node.op != "Identity" {
                    passed.push(head());
                }
                before
            }
            None => break,
        };
    }
    heads.reverse();
    (output.to_owned(), heads)
}

fn part<'g>(node: &'g GraphNode, producers: &Producers<'g>) -> Option<Part<'g>> {
    let first = node.input(0)?;
    match (node.domain.as_str(), node.op.as_str()) {
        ("", "Softmax" | "LogSoftmax" | "Sigmoid" | "ArgMax") | ("ai.onnx.ml", "ZipMap") => {
            Some(Part::Head(first))
        }
        // Class names at the places that an ArgMax gives.
        ("ai.onnx.ml", "ArrayFeatureExtractor") => node.input(1).map(Part::Head),
        ("", "Identity" | "Cast" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze") => {
            Some(Part::Dress(first))
        }
        ("", "Concat") => both_classes(node, producers).map(Part::Dress),
        _ => None,
    }
}

/// The p of a concatenation of 1 − p and p: a binary classifier's two probabilities.
fn both_classes<'g>(node: &'g GraphNode, producers: &Producers<'g>) -> Option<&'g str> {
    let [rest, p] = node.inputs.as_slice() else { return None };
    let rest = producers.get(rest.as_str())?;
    (rest.op == "Sub" && rest.domain.is_empty() && rest.input(1) == Some(p)).then_some(p)
}
