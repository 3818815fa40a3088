//! The frozen network: one affine map, from the input to any node, of which no more is formed than is asked for.

use std::rc::Rc;
use std::sync::Arc;

use maso_simd::{Kernels, Tier};

use super::forward::{self, Tangents};
use super::gates::{self, Gate, Gates};
use super::matrix::Matrix;
use super::reverse::{self, Cotangents};
use crate::network::{Network, NodeId, Operator, Trace};

/// Functionals that are pulled back at once: more take more memory and are no faster.
const FUNCTIONALS_AT_ONCE: usize = 64;

/// A network with every unit fixed to a piece: one affine map, `A x + b`, from the input to a node.
#[derive(Clone, Debug)]
pub struct Frozen<'n> {
    pub(super) network: &'n Network,
    gates: Arc<Gates>,
    pub(super) target: NodeId,
    kernels: &'static Kernels,
}

impl<'n> Frozen<'n> {
    pub(super) fn new(network: &'n Network, piece: impl Fn(usize, usize) -> usize) -> Option<Self> {
        let gates = Arc::new(gates::freeze(network, piece)?);
        let (target, kernels) = (network.output(), Kernels::of(Tier::best()));
        Some(Self { network, gates, target, kernels })
    }

    /// The map from the input to `target` instead of the output.
    #[must_use]
    pub fn to(&self, target: NodeId) -> Self {
        Self { target, ..self.clone() }
    }

    /// Uses the kernels of `tier`.
    ///
    /// # Panics
    /// If this processor has not the tier's instructions.
    #[must_use]
    pub fn with_tier(self, tier: Tier) -> Self {
        Self { kernels: Kernels::of(tier), ..self }
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &'n Network {
        self.network
    }

    /// Where the map ends.
    #[must_use]
    pub fn target(&self) -> NodeId {
        self.target
    }

    /// Numbers of the target: rows of A.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.network.node(self.target).len()
    }

    /// Numbers of the input: columns of A.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.network.input().len()
    }

    /// What the units of a nonlinear node do, one gate for each; one for each candidate of a soft maximum. Empty for
    /// other nodes.
    #[must_use]
    pub fn gates(&self, node: NodeId) -> &[Gate] {
        &self.gates[node.index()]
    }

    /// `A x + b`.
    ///
    /// # Panics
    /// If `x` has not a number for each input.
    #[must_use]
    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let needed = self.network.ancestors([self.target]);
        self.values(x, &needed).swap_remove(self.target.index())
    }

    /// The frozen network's values of `x` at every node that is needed.
    ///
    /// # Panics
    /// If `x` has not a number for each input.
    pub(crate) fn values(&self, x: &[f64], needed: &[bool]) -> Vec<Vec<f64>> {
        assert_eq!(x.len(), self.inputs(), "a number for each input");
        let mut values: Vec<Vec<f64>> = Vec::with_capacity(needed.len());
        for (index, node) in self.network.nodes().iter().enumerate() {
            let inputs: Vec<&[f64]> = node.inputs.iter().map(|id| &*values[id.index()]).collect();
            let mut y = vec![0.0; if needed[index] { node.len() } else { 0 }];
            if needed[index] {
                match &node.operator {
                    Operator::Input => y.copy_from_slice(x),
                    Operator::Nonlinear(_) => {
                        for (unit, gates) in gates::by_unit(&self.gates[index], node.len()) {
                            y[unit] = gates.iter().map(|gate| gate.apply(&inputs)).sum();
                        }
                    }
                    operator => operator.apply_affine(&inputs, &mut y),
                }
            }
            values.push(y);
        }
        values
    }

    /// Puts the first-order maps of soft units, at the point of `trace`, in place of their pieces.
    pub(super) fn soften(&mut self, trace: &Trace<f64>) {
        for (node, own) in self.network.nodes().iter().zip(Arc::make_mut(&mut self.gates)) {
            let inputs: Vec<&[f64]> =
                node.inputs.iter().map(|id| &*trace.values[id.index()]).collect();
            if let Some(soft) = gates::first_order(node, &inputs) {
                *own = soft;
            }
        }
    }

    /// b: the image of 0.
    #[must_use]
    pub fn offset(&self) -> Vec<f64> {
        self.apply(&vec![0.0; self.inputs()])
    }

    /// A v, the Jacobian-vector product.
    ///
    /// # Panics
    /// If `v` has not a number for each input.
    #[must_use]
    pub fn jvp(&self, v: &[f64]) -> Vec<f64> {
        assert_eq!(v.len(), self.inputs(), "a number for each input");
        let tangents = self.push_forward(Tangents::along(v, v.len()));
        (0..tangents.rows()).map(|unit| tangents.row(unit)[0]).collect()
    }

    /// Aᵀ u, the vector-Jacobian product.
    ///
    /// # Panics
    /// If `u` has not a number for each output.
    #[must_use]
    pub fn vjp(&self, u: &[f64]) -> Vec<f64> {
        assert_eq!(u.len(), self.outputs(), "a number for each output");
        self.pull_back(&Matrix::new(1, u.len(), u.to_vec())).numbers().to_vec()
    }

    /// A, outputs × inputs, from whichever side is smaller.
    #[must_use]
    pub fn matrix(&self) -> Matrix {
        let (outputs, inputs) = (self.outputs(), self.inputs());
        let mut matrix = Matrix::zeros(outputs, inputs);
        if inputs < outputs {
            let tangents = self.push_forward(Tangents::identity(inputs));
            for unit in 0..outputs {
                matrix.row_mut(unit).copy_from_slice(tangents.row(unit));
            }
            return matrix;
        }
        for first in (0..outputs).step_by(FUNCTIONALS_AT_ONCE) {
            let count = FUNCTIONALS_AT_ONCE.min(outputs - first);
            let mut functionals = Matrix::zeros(count, outputs);
            (0..count).for_each(|row| functionals.row_mut(row)[first + row] = 1.0);
            let rows = self.pull_back(&functionals);
            (0..count).for_each(|row| matrix.row_mut(first + row).copy_from_slice(rows.row(row)));
        }
        matrix
    }

    /// What the target gains when the numbers of `node` gain `change`: a product with the map from there on.
    ///
    /// # Panics
    /// If `change` has not a number for each of the node's.
    #[must_use]
    pub fn response(&self, node: NodeId, change: &[f64]) -> Vec<f64> {
        assert_eq!(change.len(), self.network.node(node).len(), "a number for each of the node's");
        let mut gains: Vec<Vec<f64>> = Vec::with_capacity(self.gates.len());
        for (index, at) in self.network.nodes().iter().enumerate() {
            let inputs: Vec<&[f64]> = at.inputs.iter().map(|id| &*gains[id.index()]).collect();
            let mut gain = vec![0.0; at.len()];
            if index == node.index() {
                gain.copy_from_slice(change);
            } else if index > node.index() && index <= self.target.index() {
                match &at.operator {
                    Operator::Nonlinear(_) => {
                        for (unit, gates) in gates::by_unit(&self.gates[index], at.len()) {
                            let parts = gates.iter();
                            gain[unit] =
                                parts.map(|gate| gate.slope * inputs[gate.input][gate.index]).sum();
                        }
                    }
                    operator => operator.apply_linear(&inputs, &mut gain),
                }
            }
            gains.push(gain);
        }
        gains.swap_remove(self.target.index())
    }

    /// The tangents of the target.
    pub(crate) fn push_forward(&self, input: Tangents) -> Rc<Tangents> {
        let mut target = None;
        self.sweep(input, &self.network.ancestors([self.target]), |node, tangents| {
            if node == self.target {
                target = tangents[node.index()].clone();
            }
        });
        target.expect("the target was reached")
    }

    /// Pushes the input's tangents through all `needed` nodes and shows each node to `visit` while the tangents
    /// of its inputs (and its own) are there. Tangents are dropped after their last reader.
    pub(crate) fn sweep(
        &self,
        input: Tangents,
        needed: &[bool],
        mut visit: impl FnMut(NodeId, &[Option<Rc<Tangents>>]),
    ) {
        let nodes = self.network.nodes();
        let mut last_reader: Vec<usize> = (0..nodes.len()).collect();
        for (index, node) in nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
            node.inputs.iter().for_each(|input| last_reader[input.index()] = index);
        }
        let mut tangents: Vec<Option<Rc<Tangents>>> = vec![None; nodes.len()];
        tangents[0] = Some(Rc::new(input));
        for (index, node) in nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
            if index > 0 {
                let inputs = node.inputs.iter().map(|input| tangents[input.index()].as_ref());
                let inputs: Vec<_> = inputs.map(|t| t.expect("inputs stand before")).collect();
                let made = forward::node(self.kernels, node, &self.gates[index], &inputs);
                tangents[index] = Some(made);
            }
            visit(NodeId(index), &tangents);
            let done = |&&id: &&NodeId| last_reader[id.index()] == index;
            node.inputs.iter().filter(done).for_each(|id| tangents[id.index()] = None);
        }
    }

    /// For each functional of the target (a row of `functionals`), its dependence on the input: `functionals · A`.
    ///
    /// # Panics
    /// If a functional has not a number for each output.
    #[must_use]
    pub fn pull_back(&self, functionals: &Matrix) -> Matrix {
        let sources = self.pull(functionals, |node| node.index() == 0).into_iter();
        let input = sources.map(|(_, cotangents)| cotangents.into_matrix()).next();
        input.unwrap_or_else(|| Matrix::zeros(functionals.rows(), self.inputs()))
    }

    /// The dependence of one functional of the target on the numbers that its layer reads: those of nonlinear nodes
    /// and the input.
    pub(crate) fn pull_back_to_sources(&self, functional: &[f64]) -> Vec<(NodeId, Vec<f64>)> {
        let is_source = |id: NodeId| {
            let operator = &self.network.node(id).operator;
            matches!(operator, Operator::Input | Operator::Nonlinear(_))
        };
        let functional = Matrix::new(1, functional.len(), functional.to_vec());
        let sources = self.pull(&functional, is_source).into_iter();
        sources.map(|(id, cotangents)| (id, cotangents.into_matrix().row(0).to_vec())).collect()
    }

    /// Pulls functionals of the target back to all nodes that are sources.
    fn pull(
        &self,
        functionals: &Matrix,
        is_source: impl Fn(NodeId) -> bool,
    ) -> Vec<(NodeId, Cotangents)> {
        assert_eq!(functionals.columns(), self.outputs(), "a number for each output");
        let mut cotangents: Vec<Option<Cotangents>> = vec![None; self.gates.len()];
        cotangents[self.target.index()] = Some(Cotangents::new(functionals));
        let mut sources = Vec::new();
        for index in (0..=self.target.index()).rev() {
            let Some(y) = cotangents[index].take() else { continue };
            if is_source(NodeId(index)) {
                sources.push((NodeId(index), y));
            } else {
                self.pull_node(NodeId(index), &y, &mut cotangents);
            }
        }
        sources
    }

    /// Adds to the cotangents of a node's inputs what its own make of them.
    fn pull_node(&self, id: NodeId, y: &Cotangents, cotangents: &mut [Option<Cotangents>]) {
        let node = self.network.node(id);
        let mut ids = node.inputs.clone();
        ids.sort_unstable();
        ids.dedup();
        let zeros = |id: &NodeId| Cotangents::zeros(y.functionals(), self.network.node(*id).len());
        let taken = ids.iter().map(|id| cotangents[id.index()].take().unwrap_or_else(|| zeros(id)));
        let mut inputs: Vec<Cotangents> = taken.collect();
        let place = |id: &NodeId| ids.binary_search(id).expect("one of the inputs");
        let places: Vec<usize> = node.inputs.iter().map(place).collect();
        reverse::node(self.kernels, node, &self.gates[id.index()], y, &mut inputs, &places);
        for (id, input) in ids.iter().zip(inputs) {
            cotangents[id.index()] = Some(input);
        }
    }
}
