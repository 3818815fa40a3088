//! Rows in f64, [`DOUBLE_LANES`] at a time: codes with margins for the rows that f32 does not settle, and
//! the sizes of values that bounds are derived for.

use std::sync::Arc;

use maso_simd::{DOUBLE_LANES, DoubleLanes, Kernels, MOST_PIECES};

use super::EvalError;
use super::certify::Verdict;
use super::tile::with_slice;
use crate::code::Layer;
use crate::margin::{Bounds, LayerBound, Sizes};
use crate::network::{Extreme, Network, ScalarSpline};
use crate::pack::double_lanes::DoubleWork;
use crate::pack::{Place, Plan, Step, ValueRef};

/// A network packed for f64.
#[derive(Debug)]
pub(super) struct DoubleEvaluator {
    network: Arc<Network>,
    plan: Plan<DoubleWork>,
    kernels: &'static Kernels,
}

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(super) struct DoubleBuffers {
    input: Vec<DoubleLanes>,
    slots: Vec<Vec<DoubleLanes>>,
    /// Code words of each lane.
    codes: Vec<u64>,
}

/// One unit in all lanes.
#[derive(Clone, Copy, Debug)]
struct UnitLanes {
    value: DoubleLanes,
    piece: [usize; DOUBLE_LANES],
    /// To the nearest knot, or to the next candidate that differs.
    distance: DoubleLanes,
    /// Whether candidates are equal to the winner.
    tied: [bool; DOUBLE_LANES],
}

impl DoubleEvaluator {
    pub(super) fn new(network: &Arc<Network>, kernels: &'static Kernels) -> Self {
        Self { plan: Plan::new(network), network: Arc::clone(network), kernels }
    }

    /// How large values become for `rows`.
    pub(super) fn sizes(&self, rows: &[f32]) -> Result<Sizes, EvalError> {
        let mut sizes = Sizes::new(&self.network);
        let mut buffers = DoubleBuffers::default();
        let width = self.network.input().len();
        for (row, numbers) in rows.chunks_exact(width).enumerate() {
            if let Some(column) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(EvalError::NotFinite { row, column, value: numbers[column] });
            }
            sizes.take_row(self.kernels.norms(numbers));
        }
        for rows in rows.chunks(width * DOUBLE_LANES) {
            self.run(rows, &mut buffers, |step, _, seen| {
                let largest = seen.value.0.into_iter().map(f64::abs).fold(0.0, f64::max);
                sizes.take_value(step.node, largest);
            });
        }
        Ok(sizes)
    }

    /// Codes of up to [`DOUBLE_LANES`] rows, handed to `sink` with their numbers among these rows and how
    /// sure each is.
    pub(super) fn codes(
        &self,
        bounds: &Bounds,
        rows: &[f32],
        buffers: &mut DoubleBuffers,
        mut sink: impl FnMut(usize, &[u64], Verdict),
    ) {
        let layout = self.network.layout();
        let (words, width) = (layout.words(), self.network.input().len());
        let mut codes = std::mem::take(&mut buffers.codes);
        codes.clear();
        codes.resize(words * DOUBLE_LANES, 0);
        let mut margins = [LaneMargin::NONE; DOUBLE_LANES];
        let mut layers = layout.layers().iter();
        let mut current: Option<(&Layer, &LayerBound)> = None;
        self.run(rows, buffers, |step, unit, seen| {
            if unit == 0 {
                let layer = layers.find(|layer| layer.node() == step.node);
                current = layer.zip(bounds.layer(step.node));
            }
            let (layer, bound) = current.expect("every layer has bounds");
            for (lane, margin) in margins.iter_mut().enumerate() {
                layer.set_piece(&mut codes[lane * words..][..words], unit, seen.piece[lane]);
                margin.take(bound, unit, seen, lane);
            }
        });
        for (row, numbers) in rows.chunks_exact(width).enumerate() {
            let excess = bounds.excess(numbers, self.kernels.norms(numbers));
            sink(row, &codes[row * words..][..words], margins[row].verdict(excess));
        }
        buffers.codes = codes;
    }

    /// Runs up to [`DOUBLE_LANES`] rows (lanes without a row repeat the last) and shows every unit of every
    /// layer to `see`.
    fn run(
        &self,
        rows: &[f32],
        buffers: &mut DoubleBuffers,
        mut see: impl FnMut(&Step<DoubleWork>, usize, &UnitLanes),
    ) {
        let DoubleBuffers { input, slots, .. } = buffers;
        let width = self.network.input().len();
        let last = rows.len() / width - 1;
        input.clear();
        input.extend((0..width).map(|column| {
            let number = |lane: usize| rows[lane.min(last) * width + column].into();
            DoubleLanes(std::array::from_fn(number))
        }));
        slots.resize_with(self.plan.slots.len(), Vec::new);
        for (slot, &len) in slots.iter_mut().zip(&self.plan.slots) {
            slot.resize(len, DoubleLanes::default());
        }
        for step in &self.plan.steps {
            let mut out = std::mem::take(&mut slots[step.slot]);
            let views = step.inputs.iter().map(|&value| view(value, input, slots));
            with_slice(views, &**input, |inputs| {
                let out = &mut out[..step.len];
                step.work.apply(self.kernels, inputs, out);
                if let Some(spline) = &step.work.spline {
                    let parameters = Parameters::new(spline);
                    for (unit, z) in out.iter_mut().enumerate() {
                        let seen = parameters.unit(unit, *z);
                        *z = seen.value;
                        see(step, unit, &seen);
                    }
                }
                if let Some(extreme) = step.work.extreme() {
                    for (unit, out) in out.iter_mut().enumerate() {
                        let seen = winners(extreme, inputs, unit);
                        *out = seen.value;
                        see(step, unit, &seen);
                    }
                }
            });
            slots[step.slot] = out;
        }
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

/// What the layers of a run say of one lane.
#[derive(Clone, Copy, Debug)]
struct LaneMargin {
    /// Smallest distance to a knot over its reach.
    relative: f64,
    /// Largest value over its layer's size.
    largest: f64,
    tied: bool,
}

impl LaneMargin {
    const NONE: Self = Self { relative: f64::INFINITY, largest: 0.0, tied: false };

    fn take(&mut self, bound: &LayerBound, unit: usize, seen: &UnitLanes, lane: usize) {
        let (reach, value) = (bound.reach[unit], seen.value.0[lane]);
        // Values without any error compare as they are.
        if reach > 0.0 && !bound.left_out[unit] {
            self.relative = self.relative.min(seen.distance.0[lane] / reach);
            let exact = bound.zeros_are_exact && value == 0.0;
            self.tied |= seen.tied[lane] && !exact;
        }
        self.largest = self.largest.max(value.abs() / bound.size);
    }

    /// For a row whose input exceeds what bounds are for by a factor of `excess`.
    fn verdict(&self, excess: f64) -> Verdict {
        match self.relative / excess.max(self.largest).max(1.0) {
            ratio if ratio > 1.0 && self.tied => Verdict::Tied,
            ratio if ratio > 1.0 => Verdict::Certain,
            _ => Verdict::Undecided,
        }
    }
}

/// A spline whose parameters are looked up once where all units share them.
struct Parameters<'s> {
    spline: &'s ScalarSpline,
    shared: Option<Unit>,
}

/// The parameters of one unit; pieces that it has not are above infinite knots.
#[derive(Clone, Copy)]
struct Unit {
    knots: [f64; MOST_PIECES - 1],
    slopes: [f64; MOST_PIECES],
    offsets: [f64; MOST_PIECES],
}

impl<'s> Parameters<'s> {
    fn new(spline: &'s ScalarSpline) -> Self {
        let uniform = spline.parameters().all(|parameter| parameter.as_uniform().is_some());
        Self { spline, shared: uniform.then(|| Self::of_unit(spline, 0)) }
    }

    fn of_unit(spline: &ScalarSpline, unit: usize) -> Unit {
        let mut own = Unit {
            knots: [f64::INFINITY; MOST_PIECES - 1],
            slopes: [0.0; MOST_PIECES],
            offsets: [0.0; MOST_PIECES],
        };
        let fill = |own: &mut [f64], list: &[crate::network::PerUnit]| {
            own.iter_mut().zip(list).for_each(|(own, parameter)| *own = parameter.at(unit));
        };
        fill(&mut own.knots, &spline.knots);
        fill(&mut own.slopes, &spline.slopes);
        fill(&mut own.offsets, &spline.offsets);
        own
    }

    fn unit(&self, unit: usize, z: DoubleLanes) -> UnitLanes {
        let Unit { knots, slopes, offsets } =
            self.shared.unwrap_or_else(|| Self::of_unit(self.spline, unit));
        // A knot counts only where those before it do, as in a search from below.
        let piece = z.0.map(|z| {
            let [first, second, third] = knots.map(|knot| usize::from(z > knot));
            first * (1 + second * (1 + third))
        });
        let value =
            std::array::from_fn(|lane| slopes[piece[lane]] * z.0[lane] + offsets[piece[lane]]);
        let distance = z
            .0
            .map(|z| knots.map(|knot| (z - knot).abs()).into_iter().fold(f64::INFINITY, f64::min));
        let tied = [false; DOUBLE_LANES];
        UnitLanes { value: DoubleLanes(value), piece, distance: DoubleLanes(distance), tied }
    }
}

/// The winners of one unit of a maximum or minimum.
fn winners(extreme: &Extreme, inputs: &[&[DoubleLanes]], unit: usize) -> UnitLanes {
    let candidates = || {
        let pieces = 0..extreme.candidates.pieces();
        let value = move |piece| Some((piece, extreme.candidates.value(inputs, unit, piece)?));
        pieces.filter_map(value)
    };
    let (first, value) = candidates().next().expect("lowering refuses windows that lie in padding");
    let mut seen = UnitLanes {
        value,
        piece: [first; DOUBLE_LANES],
        distance: DoubleLanes::splat(f64::INFINITY),
        tied: [false; DOUBLE_LANES],
    };
    for (piece, candidate) in candidates().skip(1) {
        for (lane, &number) in candidate.0.iter().enumerate() {
            let best = seen.value.0[lane];
            if if extreme.smallest { number < best } else { number > best } {
                (seen.value.0[lane], seen.piece[lane]) = (number, piece);
            }
        }
    }
    for (piece, candidate) in candidates() {
        for (lane, &number) in candidate.0.iter().enumerate() {
            let gap = (number - seen.value.0[lane]).abs();
            if gap > 0.0 {
                seen.distance.0[lane] = seen.distance.0[lane].min(gap);
            } else {
                seen.tied[lane] |= piece != seen.piece[lane];
            }
        }
    }
    seen
}
