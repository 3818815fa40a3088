//! One tile: a block of rows through all steps, in buffers that stay with the thread.

use super::{EvalError, Evaluator, RowError, Rows, Want};
use crate::network::{Fused, Scalar};
use crate::pack::{Place, RowsView, Run, Scratch, Step, ValueRef};

use maso_simd::Rounding;
use maso_simd::panel::padded;

/// A block of rows and where its results go.
#[derive(Debug)]
pub(super) struct Tile<'o> {
    first_row: usize,
    rows: usize,
    want: Want,
    values: &'o mut [f32],
    codes: &'o mut [u64],
}

/// Buffers of one tile in flight.
#[derive(Debug, Default)]
pub(super) struct TileBuffers {
    input: Vec<f32>,
    slots: Vec<Vec<f32>>,
    scratch: Scratch,
}

impl<'o> Tile<'o> {
    /// Cuts `count` rows into tiles, and their outputs (each with its numbers a row) with them.
    pub(super) fn split(
        first_row: usize,
        count: usize,
        tile_rows: usize,
        want: Want,
        (mut values, outputs): (&'o mut [f32], usize),
        (mut codes, words): (&'o mut [u64], usize),
    ) -> Vec<Self> {
        let starts = (0..count).step_by(tile_rows);
        let cut = |start: usize| {
            let rows = tile_rows.min(count - start);
            let own_values = values.split_off_mut(..rows * outputs).expect("rows of values");
            let own_codes = codes.split_off_mut(..rows * words).expect("rows of codes");
            let first_row = first_row + start;
            Self { first_row, rows, want, values: own_values, codes: own_codes }
        };
        starts.map(cut).collect()
    }

    /// Runs the tile; false if a number was or became NaN or infinite.
    pub(super) fn run(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<bool, RowError> {
        let TileBuffers { input, slots, scratch } = buffers;
        let width = rows.width();
        let input = rows.block(self.first_row..self.first_row + self.rows, input)?;
        let input = RowsView { data: input, stride: width };
        if !is_finite(&input.data[..self.rows * width]) {
            return Ok(false);
        }
        slots.resize(evaluator.plan.slots.len(), Vec::new());
        for (slot, len) in slots.iter_mut().zip(&evaluator.plan.slots) {
            let needed = len * self.rows;
            if slot.len() < needed {
                slot.resize(needed, 0.0);
            }
        }
        for step in &evaluator.plan.steps {
            if !self.step(evaluator, step, input, slots, scratch) {
                return Ok(false);
            }
        }
        if self.want.values {
            let output = evaluator.plan.output;
            let view = view(output, input, slots);
            for (row, values) in self.values.chunks_exact_mut(output.len).enumerate() {
                values.copy_from_slice(view.row(row, output.len));
            }
        }
        Ok(true)
    }

    /// The error of the first row that fails when each runs alone.
    pub(super) fn first_failure(
        &self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> EvalError {
        let want = Want { values: false, codes: false };
        for first_row in self.first_row..self.first_row + self.rows {
            let mut row = Tile { first_row, rows: 1, want, values: &mut [], codes: &mut [] };
            match row.run(evaluator, rows, buffers) {
                Ok(true) => {}
                Ok(false) => return row.failure(evaluator, rows, buffers),
                Err(error) => return error.into(),
            }
        }
        unreachable!("a row's numbers do not depend on the tile it is in")
    }

    fn step(
        &mut self,
        evaluator: &Evaluator,
        step: &Step,
        input: RowsView<'_>,
        slots: &mut [Vec<f32>],
        scratch: &mut Scratch,
    ) -> bool {
        let mut out = std::mem::take(&mut slots[step.slot]);
        // A step reads one input, two branches of a sum, or the branches of a maximum.
        let inputs: Vec<RowsView<'_>> =
            step.inputs.iter().map(|&value| view(value, input, slots)).collect();
        let mut run = Run {
            kernels: evaluator.kernels,
            rows: self.rows,
            inputs: &inputs,
            out: &mut out,
            out_stride: padded(step.len),
            codes: self.want.codes.then_some(&mut *self.codes),
            words: evaluator.network.layout().words(),
            first_bit: step.first_bit,
        };
        let finite = step.run(&mut run, scratch);
        slots[step.slot] = out;
        finite
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
        let overflow = match evaluator.tier().rounding() {
            Rounding::Separate => self.overflow_in::<f32>(evaluator, row),
            Rounding::Fused => self.overflow_in::<Fused>(evaluator, row),
        };
        overflow.expect("the slow evaluation rounds as the kernels do")
    }

    fn overflow_in<S: Scalar>(&self, evaluator: &Evaluator, row: &[f32]) -> Option<EvalError> {
        let row: Vec<S> = row.iter().map(|&x| S::from_f64(x.into())).collect();
        let trace = evaluator.network.trace(&row);
        trace.values.iter().zip(evaluator.network.nodes()).find_map(|(values, node)| {
            let unit = values.iter().position(|value| !value.to_f64().is_finite())?;
            let (node, value) = (node.name.clone(), values[unit].to_f64() as f32);
            Some(EvalError::Overflow { row: self.first_row, node, unit, value })
        })
    }
}

/// Whether all numbers are finite, in one pass without branches, which vectorises.
fn is_finite(numbers: &[f32]) -> bool {
    numbers.iter().fold(true, |finite, value| finite & value.is_finite())
}

/// The rows of a value.
fn view<'a>(value: ValueRef, input: RowsView<'a>, slots: &'a [Vec<f32>]) -> RowsView<'a> {
    match value.place {
        Place::Input => input,
        Place::Slot(slot) => RowsView { data: &slots[slot], stride: padded(value.len) },
    }
}
