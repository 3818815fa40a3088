//! A network seen in the subspace that it depends on.
//!
//! Where all that reads the input are matrices, only the span of their rows matters: along the rest nothing changes,
//! and no nearest point in L2 lies off it. A search then takes place in as many coordinates as that span has
//! dimensions: 64 instead of 784 for a network of digits whose first layer is 64 wide.

use super::reduce::{lift, span};
use crate::linearize::dot;
use crate::network::{Affine, Coefficients, Dense, Network, Operator, View};

/// A network as a function of coordinates around a point.
#[derive(Debug)]
pub(super) struct Subspace {
    /// The network of the coordinates; the point is at 0.
    pub(super) network: Network,
    origin: Vec<f64>,
    /// Orthonormal directions of the input, one for each coordinate.
    basis: Vec<Vec<f64>>,
}

impl Subspace {
    /// The subspace that `network` depends on, around `origin`; `None` if that is the whole space, or something
    /// else than matrices reads the input.
    pub(super) fn new(network: &Network, origin: &[f64]) -> Option<Self> {
        let (is_input, readers) = first_matrices(network)?;
        let rows: Vec<Vec<f64>> = readers
            .iter()
            .flat_map(|&reader| {
                let dense = matrix(network, reader);
                (0..dense.units).map(move |unit| row(dense, unit))
            })
            .collect();
        let rows: Vec<&[f64]> = rows.iter().map(|row| &**row).collect();
        let basis = span(&rows, origin.len());
        if basis.is_empty() || basis.len() == origin.len() {
            return None;
        }
        let mut network = network.clone();
        for (node, is_input) in network.nodes.iter_mut().zip(is_input) {
            if is_input {
                node.shape = vec![basis.len()];
            }
        }
        for reader in readers {
            let reduced = reduced(matrix(&network, reader), origin, &basis);
            network.nodes[reader].operator = Operator::Affine(Affine::Dense(reduced));
        }
        Some(Self { network, origin: origin.to_vec(), basis })
    }

    /// The input's point at coordinates `y`.
    pub(super) fn point(&self, y: &[f64]) -> Vec<f64> {
        let lifted = lift(&self.basis, y, self.origin.len());
        self.origin.iter().zip(lifted).map(|(from, d)| from + d).collect()
    }
}

/// Which nodes are the input under another shape, and the matrices that read them; `None` if anything else does.
fn first_matrices(network: &Network) -> Option<(Vec<bool>, Vec<usize>)> {
    let mut is_input = vec![false; network.nodes().len()];
    is_input[0] = true;
    let mut readers = Vec::new();
    for (index, node) in network.nodes().iter().enumerate().skip(1) {
        if !node.inputs.iter().any(|id| is_input[id.index()]) {
            continue;
        }
        match &node.operator {
            Operator::View(View::Same) => is_input[index] = true,
            Operator::Affine(Affine::Dense(dense)) if dense.batch == 1 => readers.push(index),
            _ => return None,
        }
    }
    (!is_input[network.output().index()]).then_some((is_input, readers))
}

fn matrix(network: &Network, reader: usize) -> &Dense {
    match &network.nodes()[reader].operator {
        Operator::Affine(Affine::Dense(dense)) => dense,
        _ => unreachable!("a matrix"),
    }
}

fn row(dense: &Dense, unit: usize) -> Vec<f64> {
    (0..dense.depth).map(|i| dense.weight.get(unit * dense.depth + i)).collect()
}

/// The matrix of the coordinates: W Q, and W x + b.
fn reduced(dense: &Dense, origin: &[f64], basis: &[Vec<f64>]) -> Dense {
    let mut weights = Vec::with_capacity(dense.units * basis.len());
    let mut bias = Vec::with_capacity(dense.units);
    for unit in 0..dense.units {
        let row = row(dense, unit);
        weights.extend(basis.iter().map(|q| dot(q, &row)));
        bias.push(dense.bias[unit] + dot(&row, origin));
    }
    Dense { depth: basis.len(), weight: Coefficients::new(weights), bias, ..dense.clone() }
}
