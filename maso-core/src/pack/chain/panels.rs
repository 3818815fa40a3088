//! Matrices in panels of columns, and the pass over them.

use std::ops::Range;

use maso_simd::{Aligned, Kernels, PRODUCT_LANES, Product};

use super::factors::Factors;
use crate::network::Dense;

/// Columns of a panel.
pub(super) const COLUMNS: usize = 64;

/// A matrix, units × depth, in panels of [`COLUMNS`] columns.
#[derive(Clone, Debug)]
pub(super) struct ColumnPanels {
    pub(super) units: usize,
    pub(super) depth: usize,
    /// Panel after panel, a row of each unit.
    numbers: Aligned,
}

/// The last two matrices of a chain.
#[derive(Clone, Debug)]
pub(super) struct ChainEnd {
    /// The last, outputs × units.
    pub(super) last: Vec<f32>,
    /// The product of both.
    pub(super) product: ColumnPanels,
    /// How large a part of the product each unit between them can be; infinite where f32 does not hold it.
    pub(super) sizes: Vec<f64>,
}

impl ChainEnd {
    pub(super) fn new(before: &Dense, last: &Dense) -> Self {
        let (outputs, units, depth) = (last.units, before.units, before.depth);
        let mut product = vec![0.0; outputs * depth];
        for (output, sums) in product.chunks_exact_mut(depth.max(1)).enumerate() {
            for unit in 0..units {
                let factor = last.weight.get(output * units + unit);
                for (input, sum) in sums.iter_mut().enumerate() {
                    *sum += factor * before.weight.get(unit * depth + input);
                }
            }
        }
        let at = |output, input| product[output * depth + input];
        let largest = |numbers: &mut dyn Iterator<Item = f64>| {
            numbers.fold(0.0f64, |largest, number| largest.max(number.abs()))
        };
        let fits = product.iter().all(|number| (*number as f32).is_finite());
        let size = |unit: usize| {
            let out = largest(&mut (0..outputs).map(|o| last.weight.get(o * units + unit)));
            let into = largest(&mut (0..depth).map(|i| before.weight.get(unit * depth + i)));
            if fits { out * into } else { f64::INFINITY }
        };
        Self {
            sizes: (0..units).map(size).collect(),
            last: (0..outputs * units).map(|i| last.weight.get(i) as f32).collect(),
            product: ColumnPanels::pack(outputs, depth, at),
        }
    }
}

impl ColumnPanels {
    /// Packs a matrix whose entry (unit, input) is `at(unit, input)`.
    pub(super) fn pack(units: usize, depth: usize, at: impl Fn(usize, usize) -> f64) -> Self {
        let mut numbers = Aligned::zeros(depth.div_ceil(COLUMNS) * units * COLUMNS);
        for unit in 0..units {
            for input in 0..depth {
                let place = (input / COLUMNS * units + unit) * COLUMNS + input % COLUMNS;
                numbers[place] = at(unit, input) as f32;
            }
        }
        Self { units, depth, numbers }
    }

    /// Columns from `panel · COLUMNS` on, a row of each unit.
    fn panel(&self, panel: usize) -> &[f32] {
        &self.numbers[panel * self.units * COLUMNS..][..self.units * COLUMNS]
    }
}

/// A step from functionals of a matrix's units to functionals of its inputs.
pub(super) struct PanelPass<'a> {
    pub(super) kernels: &'a Kernels,
    pub(super) matrix: &'a ColumnPanels,
    /// What sums start from, where factors say so.
    pub(super) base: Option<&'a ColumnPanels>,
    pub(super) functionals: Range<usize>,
}

impl PanelPass<'_> {
    /// Hands the sums of each row and panel to `store`, with the first input that they are of.
    pub(super) fn run(
        &self,
        y: &Factors,
        sums: &mut Vec<f32>,
        mut store: impl FnMut(usize, usize, &[f32]),
    ) {
        let len = self.functionals.len() * COLUMNS;
        sums.resize(len, 0.0);
        for panel in 0..self.matrix.depth.div_ceil(COLUMNS) {
            let columns = COLUMNS.min(self.matrix.depth - panel * COLUMNS);
            let columns = columns.next_multiple_of(PRODUCT_LANES);
            for row in 0..y.counts.len() {
                match self.base {
                    Some(base) if y.from_end[row] => {
                        let first = self.functionals.start * COLUMNS;
                        sums.clear();
                        sums.extend_from_slice(&base.panel(panel)[first..][..len]);
                    }
                    _ => sums.fill(0.0),
                }
                let product = Product {
                    factors: &y.numbers[row * y.functionals * y.stride..],
                    ldf: y.stride,
                    rows: y.functionals,
                    matrix: self.matrix.panel(panel),
                    ldm: COLUMNS,
                    chosen: y.chosen(row),
                    columns,
                };
                self.kernels.product(&product, sums, COLUMNS);
                store(row, panel * COLUMNS, sums);
            }
        }
    }
}
