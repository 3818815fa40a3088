//! A tile with units across lanes: each row's numbers stand together.

use maso_simd::{Aligned, Kept, MarginLane, Norms, Occupied};

use super::Evaluator;
use super::tile::{Tile, with_slice};
use crate::pack::unit_lanes::{RowsView, Run, Scratch, UnitLanes, Zeros};
use crate::pack::{Pass, Place, Step, StepMargins, ValueRef, Work};

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(super) struct UnitTileBuffers {
    slots: Vec<Aligned>,
    scratch: Scratch,
    /// Margins of each row, where they are asked for, and how large its input is.
    kept: Vec<MarginLane>,
    norms: Vec<Norms>,
    /// Which numbers of the input are not zero.
    occupied: Occupied,
}

/// Runs the tile over `input`; false if a number was or became NaN or infinite.
pub(super) fn run(
    tile: &mut Tile<'_>,
    evaluator: &Evaluator,
    input: &[f32],
    buffers: &mut UnitTileBuffers,
) -> bool {
    let plan = evaluator.unit_plan();
    let steps = plan.steps(tile.want.values || !tile.want.codes);
    if !are_seen(steps) && !evaluator.kernels.finite(input) {
        return false;
    }
    let UnitTileBuffers { slots, scratch, kept, norms, occupied } = buffers;
    slots.resize_with(plan.slots.len().max(slots.len()), Aligned::default);
    for (slot, len) in slots.iter_mut().zip(&plan.slots) {
        slot.at_least(len * tile.rows);
    }
    let input = RowsView { data: input, stride: input.len() / tile.rows };
    let (mut zeros, mut measures) = (Zeros::Unknown, None);
    if tile.want.margins {
        measures = Some(evaluator.margin_plan().unit_measures(evaluator));
        kept.clear();
        kept.resize(tile.rows, MarginLane::NONE);
        // One look at the rows gives their norms and their zeros.
        let (rows, width, both) = (tile.rows, input.stride, (&mut *norms, occupied));
        zeros = Zeros::Known(evaluator.kernels.norms_of_rows(input.data, width, rows, width, both));
        // Such numbers count as zeros: no step would see them.
        if norms.iter().any(|norms| norms.squares.is_nan()) {
            return false;
        }
    }
    tile.codes.fill(0);
    for (index, step) in steps.iter().enumerate() {
        let measure = measures.and_then(|measures| measures[index].as_ref());
        let margins = measure.map(|measure| StepMargins { measure, kept: Kept::Rows(kept) });
        let input = (input, zeros);
        if !run_step(tile, evaluator, Pass::Values, step, input, (slots, scratch), margins) {
            return false;
        }
    }
    if tile.want.values {
        take_output(plan.output, input, slots, tile.values);
    }
    for ((margin, kept), norms) in tile.margins.iter_mut().zip(kept).zip(norms) {
        *margin = evaluator.margin_plan().margin(*norms, *kept);
    }
    true
}

/// Takes tangents of the rows that were run last through all steps, on the pieces that their codes say; false
/// if a number was or became NaN or infinite.
pub(super) fn push(
    tile: &mut Tile<'_>,
    evaluator: &Evaluator,
    tangents: &[f32],
    buffers: &mut UnitTileBuffers,
    products: &mut [f32],
) -> bool {
    let plan = evaluator.unit_plan();
    if !are_seen(&plan.steps) && !evaluator.kernels.finite(tangents) {
        return false;
    }
    let UnitTileBuffers { slots, scratch, .. } = buffers;
    let input = RowsView { data: tangents, stride: tangents.len() / tile.rows };
    let input = (input, Zeros::Unknown);
    for step in &plan.steps {
        if !run_step(tile, evaluator, Pass::Tangents, step, input, (slots, scratch), None) {
            return false;
        }
    }
    take_output(plan.output, input.0, slots, products);
    true
}

/// Whether the first step sees all of every row: what is not finite shows in what it makes.
fn are_seen(steps: &[Step<UnitLanes>]) -> bool {
    steps.first().is_some_and(|step| step.work.sees_all() && step.inputs[0].place == Place::Input)
}

/// Copies the output's rows.
fn take_output(output: ValueRef, input: RowsView<'_>, slots: &[Aligned], values: &mut [f32]) {
    let view = view(output, input, slots);
    for (row, values) in values.chunks_exact_mut(output.len).enumerate() {
        values.copy_from_slice(view.row(row, output.len));
    }
}

fn run_step(
    tile: &mut Tile<'_>,
    evaluator: &Evaluator,
    pass: Pass,
    step: &Step<UnitLanes>,
    (input, zeros): (RowsView<'_>, Zeros<'_>),
    (slots, scratch): (&mut [Aligned], &mut Scratch),
    margins: Option<StepMargins<'_>>,
) -> bool {
    let mut out = std::mem::take(&mut slots[step.slot]);
    let views = step.inputs.iter().map(|&value| view(value, input, slots));
    let reads_input = step.inputs.first().is_some_and(|value| value.place == Place::Input);
    let finite = with_slice(views, input, |inputs| {
        let mut run = Run {
            kernels: evaluator.kernels,
            pass,
            rows: tile.rows,
            inputs,
            zeros: if reads_input { zeros } else { Zeros::Unknown },
            out: &mut out,
            out_stride: UnitLanes::stride(step.len),
            codes: tile.want.codes.then_some(&mut *tile.codes),
            words: evaluator.network.layout().words(),
            first_bit: step.first_bit,
            margins,
        };
        step.work.run(&mut run, scratch)
    });
    slots[step.slot] = out;
    finite
}

/// The rows of a value.
fn view<'a>(value: ValueRef, input: RowsView<'a>, slots: &'a [Aligned]) -> RowsView<'a> {
    match value.place {
        Place::Input => input,
        Place::Slot(slot) => RowsView { data: &slots[slot], stride: UnitLanes::stride(value.len) },
    }
}
