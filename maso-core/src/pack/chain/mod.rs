//! Matrices with scalar splines between them, from the output back to the input: the rows of each region's
//! matrix, from the units that are on alone.
//!
//! A region's `A` is a product of the matrices with the columns and rows of the units that are off left out,
//! which is about half of each. What is multiplied from the left has a row for each output and stays small;
//! the matrices are cut into panels of columns, and all rows of a tile pass over a panel while it is near.
//!
//! The last two matrices are the same in every region but for the slopes between them. Their product as it
//! would be without any is made once; where more units are on than off, those that are off are taken from it,
//! unless they are so large that what stays would drown in rounding.

mod factors;
mod panels;

use std::ops::Range;

use maso_simd::Kernels;

use crate::network::{Affine, Dense, Network, NodeId, Operator, Rule, View};
use factors::{ChainGate, Factors};
use panels::{COLUMNS, ChainEnd, ColumnPanels, PanelPass};

/// A network of matrices and scalar splines alone, each reading the one before.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// From the input on.
    matrices: Vec<ColumnPanels>,
    /// Before the first matrix, before the second, …, behind the last.
    gates: Vec<Vec<ChainGate>>,
    /// Where nothing follows the last of several matrices.
    end: Option<ChainEnd>,
}

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct ChainBuffers {
    now: Factors,
    next: Factors,
    sums: Vec<f32>,
}

/// Codes of some rows, `words` words each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codes<'c> {
    pub(crate) rows: usize,
    pub(crate) words: usize,
    pub(crate) codes: &'c [u64],
}

impl Codes<'_> {
    pub(crate) fn row(&self, row: usize) -> &[u64] {
        &self.codes[row * self.words..][..self.words]
    }
}

/// Rows of A that are made at once: more would not stay near.
const FUNCTIONALS: usize = 48;
impl Chain {
    /// `None` if the network has other operators, branches, or no matrix.
    pub(crate) fn of(network: &Network) -> Option<Self> {
        let mut chain = Self { matrices: Vec::new(), gates: vec![Vec::new()], end: None };
        let mut dense = Vec::new();
        // From the output back: what is not on the way does not count.
        let (mut way, mut at) = (Vec::new(), network.output());
        while at.index() > 0 {
            way.push(at);
            let [before] = network.node(at).inputs[..] else { return None };
            at = before;
        }
        way.into_iter().rev().try_for_each(|id| chain.link(network, id, &mut dense))?;
        if let [.., before, last] = dense[..]
            && chain.gates.last().is_some_and(Vec::is_empty)
            && last.units <= FUNCTIONALS
        {
            chain.end = Some(ChainEnd::new(before, last));
        }
        (!chain.matrices.is_empty()).then_some(chain)
    }

    fn link<'n>(
        &mut self,
        network: &'n Network,
        id: NodeId,
        matrices: &mut Vec<&'n Dense>,
    ) -> Option<()> {
        let node = network.node(id);
        match &node.operator {
            Operator::View(View::Same) => {}
            Operator::Affine(Affine::Dense(dense)) if dense.batch == 1 => {
                let weight = |unit, input| dense.weight.get(unit * dense.depth + input);
                self.matrices.push(ColumnPanels::pack(dense.units, dense.depth, weight));
                matrices.push(dense);
                self.gates.push(Vec::new());
            }
            Operator::Nonlinear(Rule::Spline(spline)) => {
                let layer = network.layout().layers().iter().find(|layer| layer.node() == id)?;
                let gate = ChainGate::new(spline, node, layer.first_bit());
                self.gates.last_mut()?.push(gate);
            }
            _ => return None,
        }
        Some(())
    }

    /// Writes the matrices of `codes`' regions, outputs × inputs each, one after another.
    pub(crate) fn jacobians(
        &self,
        kernels: &Kernels,
        codes: Codes<'_>,
        matrices: &mut [f32],
        buffers: &mut ChainBuffers,
    ) {
        let outputs = self.matrices.last().map_or(0, |last| last.units);
        for first in (0..outputs).step_by(FUNCTIONALS) {
            let functionals = first..(first + FUNCTIONALS).min(outputs);
            self.rows(kernels, codes, functionals, matrices, buffers);
        }
    }

    /// Some rows of each matrix.
    fn rows(
        &self,
        kernels: &Kernels,
        codes: Codes<'_>,
        functionals: Range<usize>,
        matrices: &mut [f32],
        buffers: &mut ChainBuffers,
    ) {
        let ChainBuffers { now, next, sums } = buffers;
        let count = self.matrices.len();
        let (inputs, outputs) = (self.matrices[0].depth, self.matrices[count - 1].units);
        let (todo, base) = match &self.end {
            Some(end) => {
                now.start_at_end(end, &self.gates[count - 1], codes, functionals.clone());
                (count - 1, Some(&end.product))
            }
            None => {
                now.start(&self.gates[count], codes, functionals.clone(), outputs);
                (count, None)
            }
        };
        for (i, matrix) in self.matrices[..todo].iter().enumerate().rev() {
            let base = base.filter(|_| i + 1 == todo);
            let pass = PanelPass { kernels, matrix, base, functionals: functionals.clone() };
            if i == 0 && self.gates[0].is_empty() {
                return pass.run(now, sums, |row, column, sums| {
                    let width = COLUMNS.min(inputs - column);
                    for (functional, sums) in functionals.clone().zip(sums.chunks_exact(COLUMNS)) {
                        let at = (row * outputs + functional) * inputs + column;
                        matrices[at..at + width].copy_from_slice(&sums[..width]);
                    }
                });
            }
            next.choose(&self.gates[i], codes, functionals.len(), matrix.depth);
            pass.run(now, sums, |row, unit, sums| next.take(row, unit, sums));
            std::mem::swap(now, next);
        }
        now.write(matrices, functionals, outputs);
    }
}
