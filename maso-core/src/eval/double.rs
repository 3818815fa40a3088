//! Rows in f64, [`DOUBLE_LANES`] at a time: codes with margins for the rows that f32 does not settle, and
//! the sizes of values that bounds are derived for.

use std::sync::Arc;

use maso_simd::{Aligned, DOUBLE_LANES, DoubleLanes, DoubleMargins, Kernels, Occupied, PANEL};

use super::EvalError;
use super::certify::Verdict;
use super::tile::with_slice;
use crate::margin::{Bounds, Sizes};
use crate::network::Network;
use crate::pack::double_lanes::{DoubleRun, DoubleWork, LayerMeasure};
use crate::pack::{Place, Plan, ValueRef};

/// A network packed for f64.
#[derive(Debug)]
pub(super) struct DoubleEvaluator {
    network: Arc<Network>,
    plan: Plan<DoubleWork>,
    kernels: &'static Kernels,
}

/// Bounds in f64, and the measure of each step that is a layer.
#[derive(Debug)]
pub(super) struct DoubleBounds {
    bounds: Bounds,
    measures: Vec<Option<LayerMeasure>>,
}

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(super) struct DoubleBuffers {
    /// The rows in f32, [`PANEL`] lanes wide.
    narrow: Aligned,
    /// Which of their numbers are not zero.
    occupied: Occupied,
    input: Vec<DoubleLanes>,
    slots: Vec<Vec<DoubleLanes>>,
    /// A word for each bit of the code.
    planes: Vec<u32>,
    codes: Vec<u64>,
}

impl DoubleEvaluator {
    pub(super) fn new(network: &Arc<Network>, kernels: &'static Kernels) -> Self {
        Self { plan: Plan::new(network), network: Arc::clone(network), kernels }
    }

    /// What margins are compared with.
    pub(super) fn bounds(&self, bounds: Bounds) -> DoubleBounds {
        let of_node = |node| bounds.layer(node).map(LayerMeasure::new);
        let measures = self.plan.steps.iter().map(|step| of_node(step.node)).collect();
        DoubleBounds { bounds, measures }
    }

    /// How large values become for rows like these.
    pub(super) fn sizes(&self, rows: &[f32]) -> Result<Sizes, EvalError> {
        let (width, steps) = (self.network.input().len(), &self.plan.steps);
        let measures: Vec<_> = steps.iter().map(|_| Some(LayerMeasure::of_sizes())).collect();
        let (mut buffers, mut sizes) = (DoubleBuffers::default(), Vec::new());
        for tile in rows.chunks(width * DOUBLE_LANES) {
            let mut kept = vec![DoubleMargins::NONE; steps.len()];
            for (row, numbers) in tile.chunks_exact(width).enumerate() {
                if let Some(column) = numbers.iter().position(|number| !number.is_finite()) {
                    let (row, value) = (sizes.len() + row, numbers[column]);
                    return Err(EvalError::NotFinite { row, column, value });
                }
            }
            self.run(tile, &mut buffers, &measures, &mut kept);
            for (row, numbers) in tile.chunks_exact(width).enumerate() {
                let nodes = steps.iter().zip(&kept).map(|(s, kept)| (s.node, kept.largest.0[row]));
                sizes.push(Sizes::of_row(&self.network, self.kernels.norms(numbers), nodes));
            }
        }
        Ok(Sizes::typical(&sizes).unwrap_or_else(|| Sizes::new(&self.network)))
    }

    /// Codes of up to [`DOUBLE_LANES`] rows, handed to `sink` with their numbers among these rows and how
    /// sure each is.
    pub(super) fn codes(
        &self,
        bounds: &DoubleBounds,
        rows: &[f32],
        buffers: &mut DoubleBuffers,
        mut sink: impl FnMut(usize, &[u64], Verdict),
    ) {
        let (words, width) = (self.network.layout().words(), self.network.input().len());
        let mut kept = [DoubleMargins::NONE];
        self.run(rows, buffers, &bounds.measures, &mut kept);
        let DoubleBuffers { planes, codes, .. } = buffers;
        codes.resize(rows.len() / width * words, 0);
        self.kernels.codes(planes, words, codes);
        for (row, numbers) in rows.chunks_exact(width).enumerate() {
            let excess = bounds.bounds.excess(self.kernels.norms(numbers));
            sink(row, &codes[row * words..][..words], verdict(&kept[0], row, excess));
        }
    }

    /// Runs up to [`DOUBLE_LANES`] rows; lanes without a row repeat the last. Margins are kept of each step, or of all
    /// together where there is room for one.
    fn run(
        &self,
        rows: &[f32],
        buffers: &mut DoubleBuffers,
        measures: &[Option<LayerMeasure>],
        kept: &mut [DoubleMargins],
    ) {
        let occupied = self.load(rows, buffers).then(|| std::mem::take(&mut buffers.occupied));
        let DoubleBuffers { input, slots, planes, .. } = &mut *buffers;
        for (index, (step, measure)) in self.plan.steps.iter().zip(measures).enumerate() {
            let mut out = std::mem::take(&mut slots[step.slot]);
            let views = step.inputs.iter().map(|&value| view(value, input, slots));
            let of_input = step.inputs.first().is_some_and(|value| value.place == Place::Input);
            let kept = &mut kept[index.min(kept.len() - 1)];
            with_slice(views, &**input, |inputs| {
                step.work.run(&mut DoubleRun {
                    kernels: self.kernels,
                    inputs,
                    out: &mut out[..step.len],
                    planes: &mut planes[step.first_bit..][..step.bits],
                    measure: measure.as_ref().map(LayerMeasure::bind),
                    kept,
                    occupied: occupied.as_ref().filter(|_| of_input),
                });
            });
            slots[step.slot] = out;
        }
        if let Some(occupied) = occupied {
            buffers.occupied = occupied;
        }
    }

    /// Puts rows into the lanes and clears the rest; whether it pays to pass over numbers that are zero.
    fn load(&self, rows: &[f32], buffers: &mut DoubleBuffers) -> bool {
        let DoubleBuffers { narrow, occupied, input, slots, planes, .. } = buffers;
        let width = self.network.input().len();
        let narrow = narrow.at_least(width * PANEL);
        self.kernels.to_lanes(rows, width, width, narrow);
        input.clear();
        input.extend(narrow.chunks_exact(PANEL).map(DoubleLanes::widened));
        slots.resize_with(self.plan.slots.len(), Vec::new);
        for (slot, &len) in slots.iter_mut().zip(&self.plan.slots) {
            slot.resize(len, DoubleLanes::default());
        }
        planes.clear();
        planes.resize(self.network.layout().bits(), 0);
        self.kernels.occupied_lanes(narrow, occupied).is_some()
    }
}

/// The numbers of a value.
fn view<'a>(
    value: ValueRef,
    input: &'a [DoubleLanes],
    slots: &'a [Vec<DoubleLanes>],
) -> &'a [DoubleLanes] {
    match value.place {
        Place::Input => input,
        Place::Slot(slot) => &slots[slot][..value.len],
    }
}

/// How sure the code of `row` is, whose input exceeds what bounds are for by a factor of `excess`.
fn verdict(kept: &DoubleMargins, row: usize, excess: f64) -> Verdict {
    let tied = kept.tied >> row & 1 == 1;
    match kept.relative.0[row] / excess.max(kept.largest.0[row]).max(1.0) {
        ratio if ratio > 1.0 && tied => Verdict::Tied,
        ratio if ratio > 1.0 => Verdict::Certain,
        _ => Verdict::Undecided,
    }
}
