//! The affine map that a network is on a region: value, offset, products with it and with its transpose,
//! and the matrix, from the input to any node. In f64, on the network's own coefficients.
//!
//! A code is frozen ([`Gate`]); what is left of the network is affine. Its linear part is never formed but
//! for what is asked for: tangents are pushed forward, functionals pulled back, node by node
//! (Balestriero and Baraniuk, *A Spline Theory of Deep Networks*, 2018, for the map; *Fast Jacobian-Vector
//! Product for Deep Networks*, 2021, for products without a second pass).

mod error;
mod forward;
mod frozen;
mod gates;
mod matrix;
mod norm;
mod reverse;

pub use error::PointError;
pub use frozen::Frozen;
pub use gates::Gate;
pub use matrix::Matrix;
pub use norm::Estimate;

pub(crate) use forward::{Tangents, uncleaned};
pub(crate) use matrix::dot;

use std::ops::Deref;

use crate::network::{Network, NodeId, Trace};

/// A network at a point: the map of its region, and all values there.
#[derive(Clone, Debug)]
pub struct Linearization<'n> {
    frozen: Frozen<'n>,
    point: Vec<f64>,
    trace: Trace<f64>,
}

impl Network {
    /// Freezes the code at `x`, evaluated in f64. Of soft layers it is the first-order map that is frozen: the
    /// derivative at `x`, and the value there ([`is_first_order`](Linearization::is_first_order)).
    ///
    /// # Errors
    /// If `x` has not the input's length, or a value is or becomes NaN or infinite.
    pub fn linearize(&self, x: &[f64]) -> Result<Linearization<'_>, PointError> {
        let trace = self.checked_trace(x)?;
        let frozen = Frozen::new(self, |layer, unit| trace.pieces[layer][unit]);
        let mut frozen = frozen.expect("the pieces of a point exist");
        frozen.soften(&trace);
        Ok(Linearization { frozen, point: x.to_vec(), trace })
    }

    /// Freezes every unit to its piece in `code`. `None` if the code has another length, or names a piece that
    /// a unit does not have.
    #[must_use]
    pub fn freeze(&self, code: &[u64]) -> Option<Frozen<'_>> {
        let layers = self.layout().layers();
        let whole = code.len() == self.layout().words();
        whole.then(|| Frozen::new(self, |layer, unit| layers[layer].piece(code, unit))).flatten()
    }

    /// The f64 trace of a point of the right length all of whose values are finite.
    pub(crate) fn checked_trace(&self, x: &[f64]) -> Result<Trace<f64>, PointError> {
        let (expected, found) = (self.input().len(), x.len());
        if expected != found {
            return Err(PointError::Length { expected, found });
        }
        let wild = |values: &[f64]| values.iter().position(|value| !value.is_finite());
        if let Some(column) = wild(x) {
            return Err(PointError::NotFinite { column, value: x[column] });
        }
        let trace = self.trace(x);
        for (node, values) in self.nodes().iter().zip(&trace.values) {
            if let Some(unit) = wild(values) {
                let (node, value) = (node.name.clone(), values[unit]);
                return Err(PointError::Overflow { node, unit, value });
            }
        }
        Ok(trace)
    }

    /// Which nodes `targets` depend on, by node.
    pub(crate) fn ancestors(&self, targets: impl IntoIterator<Item = NodeId>) -> Vec<bool> {
        let mut needed = vec![false; self.nodes().len()];
        targets.into_iter().for_each(|target| needed[target.index()] = true);
        for (index, node) in self.nodes().iter().enumerate().rev() {
            if needed[index] {
                node.inputs.iter().for_each(|input| needed[input.index()] = true);
            }
        }
        needed
    }
}

impl<'n> Linearization<'n> {
    /// The map from the input to `target` instead of the output.
    #[must_use]
    pub fn to(self, target: NodeId) -> Self {
        Self { frozen: self.frozen.to(target), ..self }
    }

    /// Whether the map holds at the point only, to first order, since a layer is soft.
    #[must_use]
    pub fn is_first_order(&self) -> bool {
        self.frozen.network.soft_layer().is_some()
    }

    /// Where the network is linearised.
    #[must_use]
    pub fn point(&self) -> &[f64] {
        &self.point
    }

    /// The target's values at the point, from the plain evaluation.
    #[must_use]
    pub fn value(&self) -> &[f64] {
        &self.trace.values[self.frozen.target.index()]
    }

    /// The region code at the point, in f64.
    #[must_use]
    pub fn code(&self) -> Vec<u64> {
        self.trace.code(self.frozen.network)
    }

    /// All values and pieces at the point.
    #[must_use]
    pub fn trace(&self) -> &Trace<f64> {
        &self.trace
    }

    /// The map alone.
    #[must_use]
    pub fn frozen(&self) -> &Frozen<'n> {
        &self.frozen
    }
}

/// A linearization is a frozen map with a point.
impl<'n> Deref for Linearization<'n> {
    type Target = Frozen<'n>;

    fn deref(&self) -> &Frozen<'n> {
        &self.frozen
    }
}
