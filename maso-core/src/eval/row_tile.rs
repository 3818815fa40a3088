//! A tile with rows across lanes: up to [`PANEL`] rows, each number's values in all of them together.

use maso_simd::{Aligned, Kept, MarginLanes, Occupied, PANEL};

use super::Evaluator;
use super::tile::{Tile, with_slice};
use crate::pack::row_lanes::{LaneRun, RowLanes};
use crate::pack::{Pass, Place, Step, StepMargins, ValueRef};

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(super) struct RowTileBuffers {
    input: Aligned,
    slots: Vec<Aligned>,
    /// A word for each bit of the code.
    planes: Vec<u32>,
    /// Vectors that are not zero.
    occupied: Occupied,
}

impl RowTileBuffers {
    /// Buffers of at least these lengths.
    fn make_room(&mut self, lens: &[usize]) {
        self.slots.resize_with(lens.len().max(self.slots.len()), Aligned::default);
        for (slot, &len) in self.slots.iter_mut().zip(lens) {
            slot.at_least(len);
        }
    }
}

/// Runs the tile over `input`; false if a number was or became NaN or infinite.
pub(super) fn run(
    tile: &mut Tile<'_>,
    evaluator: &Evaluator,
    input: &[f32],
    buffers: &mut RowTileBuffers,
) -> bool {
    if !evaluator.kernels.finite(input) {
        return false;
    }
    let (plan, kernels) = (evaluator.row_plan(), evaluator.kernels);
    buffers.make_room(&plan.slots);
    let RowTileBuffers { input: lanes, slots, planes, occupied } = buffers;
    let width = input.len() / tile.rows;
    let lanes = lanes.at_least(width * PANEL);
    kernels.to_lanes(input, width, width, lanes);
    let layout = evaluator.network.layout();
    planes.clear();
    planes.resize(layout.bits(), 0);
    let steps = plan.steps(tile.want.values || !tile.want.codes);
    let mut kept = MarginLanes::NONE;
    let measures = tile.want.margins.then(|| evaluator.margin_plan().row_measures(evaluator));
    for (index, step) in steps.iter().enumerate() {
        let measure = measures.and_then(|measures| measures[index].as_ref());
        let margins = measure.map(|measure| StepMargins { measure, kept: Kept::Lanes(&mut kept) });
        let room = (&mut slots[..], &mut *occupied);
        if !run_step(evaluator, Pass::Values, step, lanes, room, planes, margins) {
            return false;
        }
    }
    if tile.want.codes {
        kernels.codes(planes, layout.words(), tile.codes);
    }
    if tile.want.values {
        kernels.from_lanes(view(plan.output, lanes, slots), plan.output.len, tile.values);
    }
    for (row, margin) in tile.margins.iter_mut().enumerate() {
        let norms = kernels.norms(&input[row * width..][..width]);
        *margin = evaluator.margin_plan().margin(norms, kept.lane(row));
    }
    true
}

/// Takes tangents of the rows that were run last through all steps, on their pieces; false if a number was
/// or became NaN or infinite.
pub(super) fn push(
    rows: usize,
    evaluator: &Evaluator,
    tangents: &[f32],
    buffers: &mut RowTileBuffers,
    products: &mut [f32],
) -> bool {
    let (kernels, width) = (evaluator.kernels, tangents.len() / rows);
    kernels.to_lanes(tangents, width, width, &mut buffers.input);
    kernels.finite(tangents) && push_lanes(evaluator, buffers, products)
}

/// The same for lanes and bits that `fill` writes, of which there are none before.
pub(super) fn push_filled(
    evaluator: &Evaluator,
    buffers: &mut RowTileBuffers,
    fill: impl FnOnce(&mut [f32], &mut [u32]),
    products: &mut [f32],
) -> bool {
    let (plan, network) = (evaluator.row_plan(), &evaluator.network);
    buffers.make_room(&plan.slots);
    let lanes = buffers.input.at_least(network.input().len() * PANEL);
    lanes.fill(0.0);
    buffers.planes.clear();
    buffers.planes.resize(network.layout().bits(), 0);
    fill(lanes, &mut buffers.planes);
    push_lanes(evaluator, buffers, products)
}

fn push_lanes(evaluator: &Evaluator, buffers: &mut RowTileBuffers, products: &mut [f32]) -> bool {
    let (plan, width) = (evaluator.row_plan(), evaluator.network.input().len());
    let RowTileBuffers { input, slots, planes, occupied } = buffers;
    let lanes = &input[..width * PANEL];
    let finite = plan.steps.iter().all(|step| {
        let room = (&mut slots[..], &mut *occupied);
        run_step(evaluator, Pass::Tangents, step, lanes, room, planes, None)
    });
    evaluator.kernels.from_lanes(view(plan.output, lanes, slots), plan.output.len, products);
    finite
}

fn run_step(
    evaluator: &Evaluator,
    pass: Pass,
    step: &Step<RowLanes>,
    input: &[f32],
    (slots, occupied): (&mut [Aligned], &mut Occupied),
    planes: &mut [u32],
    margins: Option<StepMargins<'_>>,
) -> bool {
    let mut out = std::mem::take(&mut slots[step.slot]);
    let views = step.inputs.iter().map(|&value| view(value, input, slots));
    let finite = with_slice(views, input, |inputs| {
        let mut run = LaneRun {
            kernels: evaluator.kernels,
            pass,
            inputs,
            out: &mut out[..step.len * PANEL],
            planes: &mut planes[step.first_bit..][..step.bits],
            margins,
            occupied: Some(occupied),
        };
        step.work.run(&mut run)
    });
    slots[step.slot] = out;
    finite
}

/// The vectors of a value.
fn view<'a>(value: ValueRef, input: &'a [f32], slots: &'a [Aligned]) -> &'a [f32] {
    match value.place {
        Place::Input => input,
        Place::Slot(slot) => &slots[slot][..value.len * PANEL],
    }
}
