//! How large values of a network are for rows like some given ones. Bounds are derived for these sizes; a
//! row that exceeds them has its bounds widened by as much.

use maso_simd::{Norms, PANEL};

use crate::network::{Network, NodeId};

/// Sizes for which bounds are derived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sizes {
    /// Numbers of a row.
    width: usize,
    /// Largest absolute value of the input.
    pub(super) input: f64,
    /// Euclidean norm of the input.
    pub(super) norm: f64,
    /// Numbers of the input that are not 0.
    pub(super) nonzero: usize,
    /// For each node the largest absolute value of its output; only nonlinear layers' are used.
    pub(super) nodes: Vec<f64>,
}

/// No size is below this, so that squares do not underflow unseen.
const LEAST: f64 = 1.0 / (1u64 << 40) as f64;

impl Sizes {
    /// Of no row at all.
    pub(crate) fn new(network: &Network) -> Self {
        let (width, nodes) = (network.input().len(), vec![LEAST; network.nodes().len()]);
        Self { width, input: LEAST, norm: LEAST, nonzero: 1, nodes }
    }

    /// Takes in a row's input.
    pub(crate) fn take_row(&mut self, norms: Norms) {
        self.input = self.input.max(norms.largest.into());
        self.norm = self.norm.max(f64::from(norms.squares).sqrt());
        self.nonzero = self.nonzero.max(norms.nonzero);
    }

    /// Takes in a value of the layer at `node`.
    pub(crate) fn take_value(&mut self, node: NodeId, size: f64) {
        let own = &mut self.nodes[node.index()];
        *own = own.max(size);
    }

    /// How much a row of these norms exceeds the sizes of the input: a factor of at least 1 for all bounds. `matrix` says
    /// whether bounds go by the norm and the count, as they do where a matrix reads the input.
    pub(crate) fn excess(&self, norms: Norms, matrix: bool) -> f64 {
        // Squares are added lane by lane, then the lanes by halves.
        let slack = 1.0 + 2.0 * (self.width / PANEL + 8) as f64 * f64::from(f32::EPSILON);
        let (squares, most) = (f64::from(norms.squares) * slack, self.norm * self.norm);
        let within = f64::from(norms.largest) <= self.input
            && (!matrix || squares <= most && norms.nonzero <= self.nonzero);
        // Most rows are like those that the sizes were taken from.
        if within {
            return 1.0;
        }
        let largest = f64::from(norms.largest) / self.input;
        let count = (norms.nonzero + 2) as f64 / (self.nonzero + 2) as f64;
        let by_norm = if matrix { count.max(1.0) * (squares / most).sqrt().max(1.0) } else { 1.0 };
        largest.max(by_norm).max(1.0)
    }
}
