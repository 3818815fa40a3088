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

    /// Of one row; `nodes` has the largest absolute value of each node's output that is known.
    pub(crate) fn of_row(
        network: &Network,
        norms: Norms,
        nodes: impl Iterator<Item = (NodeId, f64)>,
    ) -> Self {
        let mut sizes = Self::new(network);
        sizes.input = sizes.input.max(norms.largest.into());
        sizes.norm = sizes.norm.max(f64::from(norms.squares).sqrt());
        sizes.nonzero = sizes.nonzero.max(norms.nonzero);
        for (node, size) in nodes {
            let own = &mut sizes.nodes[node.index()];
            *own = own.max(size);
        }
        sizes
    }

    /// Typical ones of many rows: a row that is larger has its bounds widened, and one that is smaller gains nothing.
    pub(crate) fn typical(rows: &[Self]) -> Option<Self> {
        let first = rows.first()?;
        let of = |size: &dyn Fn(&Self) -> f64| typical(rows.iter().map(size).collect());
        Some(Self {
            width: first.width,
            input: of(&|row| row.input),
            norm: of(&|row| row.norm),
            nonzero: of(&|row| row.nonzero as f64) as usize,
            nodes: (0..first.nodes.len()).map(|node| of(&|row| row.nodes[node])).collect(),
        })
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

/// Sizes are at least this part of the largest: a layer may be off for most rows, and on for some.
const LEAST_PART: f64 = 1.0 / 8.0;

/// The median, but not far below the largest.
fn typical(mut sizes: Vec<f64>) -> f64 {
    sizes.sort_by(f64::total_cmp);
    let largest = sizes.last().expect("at least one row");
    sizes[sizes.len() / 2].max(LEAST_PART * largest)
}
