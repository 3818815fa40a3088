//! One tile: a block of rows through all steps, in buffers that stay with the thread.

use super::{EvalError, Evaluator, Rows, Want};
use crate::pack::{Place, RowsView, Run, Scratch, Step, ValueRef};

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

    pub(super) fn run(
        &mut self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Result<(), EvalError> {
        let TileBuffers { input, slots, scratch } = buffers;
        let width = rows.width();
        let input = rows.block(self.first_row..self.first_row + self.rows, input)?;
        let input = RowsView { data: input, stride: width };
        self.check_finite(input)?;
        slots.resize(evaluator.plan.slots.len(), Vec::new());
        for (slot, len) in slots.iter_mut().zip(&evaluator.plan.slots) {
            let needed = len * self.rows;
            if slot.len() < needed {
                slot.resize(needed, 0.0);
            }
        }
        for step in &evaluator.plan.steps {
            self.step(evaluator, step, input, slots, scratch)?;
        }
        if self.want.values {
            let output = evaluator.plan.output;
            let view = view(output, input, slots);
            for (row, values) in self.values.chunks_exact_mut(output.len).enumerate() {
                values.copy_from_slice(view.row(row, output.len));
            }
        }
        Ok(())
    }

    /// The error of the first row that fails when each runs alone.
    pub(super) fn first_failure(
        &self,
        evaluator: &Evaluator,
        rows: &dyn Rows,
        buffers: &mut TileBuffers,
    ) -> Option<EvalError> {
        let want = Want { values: false, codes: false };
        (self.first_row..self.first_row + self.rows).find_map(|first_row| {
            let mut row = Tile { first_row, rows: 1, want, values: &mut [], codes: &mut [] };
            row.run(evaluator, rows, buffers).err()
        })
    }

    fn step(
        &mut self,
        evaluator: &Evaluator,
        step: &Step,
        input: RowsView<'_>,
        slots: &mut [Vec<f32>],
        scratch: &mut Scratch,
    ) -> Result<(), EvalError> {
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
        if !finite {
            return Err(self.overflow(evaluator, step, &out));
        }
        slots[step.slot] = out;
        Ok(())
    }

    fn check_finite(&self, input: RowsView<'_>) -> Result<(), EvalError> {
        let rows = &input.data[..self.rows * input.stride];
        // One pass without branches, which vectorises; a search only if it fails.
        if rows.iter().fold(true, |finite, value| finite & value.is_finite()) {
            return Ok(());
        }
        let bad = rows.iter().position(|value| !value.is_finite());
        let at = bad.expect("the pass saw a value that is not finite");
        let (row, column) = (self.first_row + at / input.stride, at % input.stride);
        Err(EvalError::NotFinite { row, column, value: rows[at] })
    }

    /// The first value of a step's output that is not finite.
    fn overflow(&self, evaluator: &Evaluator, step: &Step, out: &[f32]) -> EvalError {
        let rows = out.chunks_exact(padded(step.len)).take(self.rows).enumerate();
        let mut places = rows.flat_map(|(row, values)| {
            values[..step.len].iter().enumerate().map(move |(unit, value)| (row, unit, *value))
        });
        let bad = places.find(|(_, _, value)| !value.is_finite());
        let (row, unit, value) = bad.expect("the step said that a value is not finite");
        let node = evaluator.network.node(step.node).name.clone();
        EvalError::Overflow { row: self.first_row + row, node, unit, value }
    }
}

/// The rows of a value.
fn view<'a>(value: ValueRef, input: RowsView<'a>, slots: &'a [Vec<f32>]) -> RowsView<'a> {
    match value.place {
        Place::Input => input,
        Place::Slot(slot) => RowsView { data: &slots[slot], stride: padded(value.len) },
    }
}
