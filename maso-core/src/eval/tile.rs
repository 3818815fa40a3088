//! One tile: a block of rows through all steps, in buffers that stay with the thread.

use maso_simd::Rounding;

use super::double::DoubleBuffers;
use super::jacobian::JacobianBuffers;
use super::row_tile::{self, RowTileBuffers};
use super::unit_tile::{self, UnitTileBuffers};
use super::{EvalError, Evaluator, RowError, Rows, Want};
use crate::margin::Margin;
use crate::network::{Fused, Scalar, Soft};

/// A block of rows and where its results go.
#[derive(Debug)]
pub(super) struct Tile<'o> {
    pub(super) first_row: usize,
    pub(super) rows: usize,
    pub(super) want: Want,
    pub(super) values: &'o mut [f32],
    pub(super) codes: &'o mut [u64],
    pub(super) margins: &'o mut [Margin],
}

/// Where the results of several tiles go, with their numbers in a row.
#[derive(Debug)]
pub(super) struct Results<'o> {
    pub(super) values: &'o mut [f32],
    pub(super) outputs: usize,
    pub(super) codes: &'o mut [u64],
    pub(super) words: usize,
    /// One for each row, or none.
    pub(super) margins: &'o mut [Margin],
}

/// Buffers of one tile in flight.
#[derive(Debug, Default)]
pub(super) struct TileBuffers {
    /// Rows, where the data must be converted.
    pub(super) input: Vec<f32>,
    pub(super) unit: UnitTileBuffers,
    pub(super) row: RowTileBuffers,
    /// Codes, where they are needed and not asked for.
    pub(super) codes: Vec<u64>,
    pub(super) jacobian: JacobianBuffers,
    pub(super) double: DoubleBuffers,
}

impl<'o> Tile<'o> {
    /// Cuts `count` rows into tiles, and their results with them.
    pub(super) fn split(
        first_row: usize,
        count: usize,
        tile_rows: usize,
        want: Want,
        results: Results<'o>,
    ) -> impl Iterator<Item = Self> {
        let Results { mut values, outputs, mut codes, words, mut margins } = results;
        (0..count).step_by(tile_rows).map(move |start| {
            let rows = tile_rows.min(count - start);
            let own_values = values.split_off_mut(..rows * outputs).expect("rows of values");
            let own_codes = codes.split_off_mut(..rows * words).expect("rows of codes");
            let count = if want.margins { rows } else { 0 };
            let own_margins = margins.split_off_mut(..count).expect("a margin for each row");
            let first_row = first_row + start;
            let (values, codes, margins) = (own_values, own_codes, own_margins);
            Self { first_row, rows, want, values, codes, margins }
        })
    }

    /// Runs the tile. Of several rows that fail, the first is reported, whatever the tile: rows of a tile
    /// that fails are run again one by one.
    pub(super) fn run_or_explain(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<(), EvalError> {
        match self.run(evaluator, rows, buffers) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.first_failure(evaluator, rows, buffers)),
            Err(error) => Err(error.into()),
        }
    }

    /// Runs the tile; false if a number was or became NaN or infinite.
    pub(super) fn run(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<bool, RowError> {
        let TileBuffers { input, unit, row, .. } = buffers;
        let input = rows.block(self.first_row..self.first_row + self.rows, input)?;
        Ok(if evaluator.uses_row_lanes(self.rows, self.want) {
            row_tile::run(self, evaluator, input, row)
        } else {
            unit_tile::run(self, evaluator, input, unit)
        })
    }

    /// The error of the first row that fails when each runs alone.
    fn first_failure(
        &self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> EvalError {
        let want = self.want;
        let (mut values, mut codes) = (self.values.to_vec(), self.codes.to_vec());
        let mut margins = self.margins.to_vec();
        let (outputs, words) = (values.len() / self.rows, codes.len() / self.rows);
        for first_row in self.first_row..self.first_row + self.rows {
            let (values, codes) = (&mut values[..outputs], &mut codes[..words]);
            let margins = &mut margins[..usize::from(want.margins)];
            let mut row = Tile { first_row, rows: 1, want, values, codes, margins };
            match row.run(evaluator, rows, buffers) {
                Ok(true) => {}
                Ok(false) => return row.failure(evaluator, rows, buffers),
                Err(error) => return error.into(),
            }
        }
        unreachable!("a row's numbers do not depend on the tile it is in")
    }

    /// What is NaN or infinite in the tile's one row, by the slow evaluation: a step joins nodes, and a
    /// ReLU hides what it was given.
    fn failure(
        &self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> EvalError {
        let row = match rows.block(self.first_row..self.first_row + 1, &mut buffers.input) {
            Ok(row) => row,
            Err(error) => return error.into(),
        };
        if let Some(column) = row.iter().position(|value| !value.is_finite()) {
            return EvalError::NotFinite { row: self.first_row, column, value: row[column] };
        }
        if let Some(failed) = self.failed_function(evaluator) {
            return failed;
        }
        let overflow = match evaluator.tier().rounding() {
            Rounding::Separate => self.overflow_in::<f32>(evaluator, row),
            Rounding::Fused => self.overflow_in::<Fused>(evaluator, row),
        };
        overflow.unwrap_or_else(|| {
            // Soft units are computed in f64 there, where a kernel may overflow a hair earlier.
            let node = evaluator
                .network
                .soft_layer()
                .expect("the slow evaluation rounds as the kernels do");
            let node = node.name.clone();
            EvalError::Overflow { row: self.first_row, node, unit: 0, value: f32::INFINITY }
        })
    }

    /// What the first soft function that failed says.
    fn failed_function(&self, evaluator: &Evaluator) -> Option<EvalError> {
        evaluator.network.nodes().iter().find_map(|node| match node.soft()? {
            Soft::Function(function) => {
                let why = function.0.failure()?;
                Some(EvalError::Function { row: self.first_row, node: node.name.clone(), why })
            }
            Soft::Gates(_) => None,
        })
    }

    fn overflow_in<S: Scalar + Into<f64> + Copy>(
        &self,
        evaluator: &Evaluator,
        row: &[f32],
    ) -> Option<EvalError> {
        let row: Vec<S> = row.iter().map(|&x| S::from_f64(x.into())).collect();
        let trace = evaluator.network.trace(&row);
        trace.values.iter().zip(evaluator.network.nodes()).find_map(|(values, node)| {
            let unit = values.iter().position(|&value| !value.into().is_finite())?;
            let (node, value) = (node.name.clone(), values[unit].into() as f32);
            Some(EvalError::Overflow { row: self.first_row, node, unit, value })
        })
    }
}

/// Items that are put in a list on the stack.
const FEW: usize = 4;

/// Runs `job` over `items` as a slice, without a list on the heap where they are few; `any` is one of
/// their kind.
pub(super) fn with_slice<T: Copy, R>(
    items: impl ExactSizeIterator<Item = T>,
    any: T,
    job: impl FnOnce(&[T]) -> R,
) -> R {
    let count = items.len();
    if count > FEW {
        return job(&items.collect::<Vec<T>>());
    }
    let mut few = [any; FEW];
    few.iter_mut().zip(items).for_each(|(place, item)| *place = item);
    job(&few[..count])
}
