//! Cotangents pulled back: how some functionals of a node depend on the input.
//!
//! A node's cotangents are a row of its numbers for each functional. Units that are off, and those that no
//! functional depends on, are left out of the products.

use maso_simd::{Kernels, PRODUCT_LANES, Product};

use super::gates::{Gate, by_unit};
use super::matrix::Matrix;
use crate::network::{Affine, Dense, Node, Operator, View};

/// For each functional a row of as many numbers as a node has.
#[derive(Clone, Debug)]
pub(super) struct Cotangents {
    functionals: usize,
    len: usize,
    /// Distance between rows: `len` in whole blocks of lanes.
    stride: usize,
    numbers: Vec<f64>,
}

impl Cotangents {
    pub(super) fn zeros(functionals: usize, len: usize) -> Self {
        let stride = len.next_multiple_of(PRODUCT_LANES);
        Self { functionals, len, stride, numbers: vec![0.0; functionals * stride] }
    }

    pub(super) fn new(functionals: &Matrix) -> Self {
        let mut cotangents = Self::zeros(functionals.rows(), functionals.columns());
        for row in 0..functionals.rows() {
            cotangents.row_mut(row).copy_from_slice(functionals.row(row));
        }
        cotangents
    }

    pub(super) fn functionals(&self) -> usize {
        self.functionals
    }

    pub(super) fn into_matrix(self) -> Matrix {
        let mut matrix = Matrix::zeros(self.functionals, self.len);
        for row in 0..self.functionals {
            matrix.row_mut(row).copy_from_slice(self.row(row));
        }
        matrix
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.numbers[row * self.stride..][..self.len]
    }

    fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.numbers[row * self.stride..][..self.len]
    }

    /// Adds `factor` times number `index` of every row of `from` to number `to`.
    fn add(&mut self, to: usize, from: &Self, index: usize, factor: f64) {
        for row in 0..self.functionals {
            self.numbers[row * self.stride + to] +=
                factor * from.numbers[row * from.stride + index];
        }
    }

    /// The numbers from `range` on that some functional depends on.
    fn chosen(&self, range: std::ops::Range<usize>) -> Vec<u32> {
        let depends = |&i: &usize| {
            (0..self.functionals).any(|row| self.numbers[row * self.stride + i] != 0.0)
        };
        range.filter(depends).map(|i| i as u32).collect()
    }
}

/// Adds what `node`'s cotangents make of its inputs' to `inputs`, which are those of the node's inputs,
/// each once; `places` says which of them each input is.
pub(super) fn node(
    kernels: &Kernels,
    node: &Node,
    gates: &[Gate],
    y: &Cotangents,
    inputs: &mut [Cotangents],
    places: &[usize],
) {
    match &node.operator {
        Operator::Input => {}
        Operator::Affine(Affine::Dense(dense)) => {
            pull_dense(kernels, dense, y, &mut inputs[places[0]]);
        }
        Operator::Affine(affine) => pull(affine, y, &mut inputs[places[0]]),
        Operator::Sum { negate } => {
            let sign = if *negate { -1.0 } else { 1.0 };
            for unit in 0..node.len() {
                inputs[places[0]].add(unit, y, unit, 1.0);
                inputs[places[1]].add(unit, y, unit, sign);
            }
        }
        Operator::View(View::Same) => {
            (0..node.len()).for_each(|unit| inputs[places[0]].add(unit, y, unit, 1.0));
        }
        Operator::View(view) => {
            for (at, input, from, len) in view.copies() {
                (0..len).for_each(|i| inputs[places[input]].add(from + i, y, at + i, 1.0));
            }
        }
        Operator::Nonlinear(_) => {
            for (unit, gates) in by_unit(gates, node.len()) {
                for gate in gates.iter().filter(|gate| gate.slope != 0.0) {
                    inputs[places[gate.input]].add(gate.index, y, unit, gate.slope);
                }
            }
        }
    }
}

/// The transposed operator, term by term.
fn pull(affine: &Affine, y: &Cotangents, x: &mut Cotangents) {
    for unit in y.chosen(0..y.len) {
        affine.for_terms(unit as usize, |index, weight| x.add(index, y, unit as usize, weight));
    }
}

/// The transposed matrix: sums of the rows of chosen units.
fn pull_dense(kernels: &Kernels, dense: &Dense, y: &Cotangents, x: &mut Cotangents) {
    for vector in 0..dense.batch {
        let first = vector * dense.units;
        let chosen = y.chosen(first..first + dense.units);
        let columns = dense.depth.next_multiple_of(PRODUCT_LANES);
        let mut matrix = vec![0.0; chosen.len() * columns];
        for (row, &unit) in matrix.chunks_exact_mut(columns.max(1)).zip(&chosen) {
            let unit = unit as usize - first;
            let weights = (0..dense.depth).map(|i| dense.weight.get(unit * dense.depth + i));
            row.iter_mut().zip(weights).for_each(|(number, weight)| *number = weight);
        }
        let numbers = |row: usize| chosen.iter().map(move |&i| y.row(row)[i as usize]);
        let factors: Vec<f64> = (0..y.functionals).flat_map(numbers).collect();
        let compact: Vec<u32> = (0..chosen.len() as u32).collect();
        let product = Product {
            factors: &factors,
            ldf: chosen.len(),
            rows: y.functionals,
            matrix: &matrix,
            ldm: columns,
            chosen: &compact,
            columns,
        };
        let mut out = vec![0.0; y.functionals * columns];
        kernels.double_product(&product, &mut out, columns);
        for (row, out) in out.chunks_exact(columns.max(1)).enumerate() {
            let target = &mut x.row_mut(row)[vector * dense.depth..][..dense.depth];
            target.iter_mut().zip(out).for_each(|(x, out)| *x += out);
        }
    }
}
