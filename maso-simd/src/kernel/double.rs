//! Layers in f64 with rows across lanes: weighted windows as in [`windows`](super::windows), then splines and maxima
//! with the bits of their pieces and how far their units were from another.

use super::Double;
use super::reader::Reader;
use crate::bits::width;
use crate::double::{
    DOUBLE_LANES, DoubleBlock, DoubleExtreme, DoubleLanes, DoubleMargins, DoubleMeasure,
    DoubleSpline,
};
use crate::kernels::MOST_PIECES;
use crate::windows::CHANNELS;

/// Cells that all channels take together, so that their inputs are still near.
const CELLS: usize = 16;

/// Runs `block`; see [`Kernels::double`](crate::Kernels::double).
#[inline(always)]
pub(crate) fn double<V: Double, const NV: usize>(block: &DoubleBlock<'_>, out: &mut [DoubleLanes]) {
    for start in (0..block.windows.cells()).step_by(CELLS) {
        let cells = start..(start + CELLS).min(block.windows.cells());
        for (first, width) in block.weights.groups() {
            for cell in cells.clone() {
                match width {
                    CHANNELS => group::<V, CHANNELS, NV>(block, first, cell, out),
                    8 => group::<V, 8, NV>(block, first, cell, out),
                    6 => group::<V, 6, NV>(block, first, cell, out),
                    4 => group::<V, 4, NV>(block, first, cell, out),
                    3 => group::<V, 3, NV>(block, first, cell, out),
                    2 => group::<V, 2, NV>(block, first, cell, out),
                    _ => group::<V, 1, NV>(block, first, cell, out),
                }
            }
        }
    }
}

/// `MR` channels from `first`, all rows.
#[inline(always)]
fn group<V: Double, const MR: usize, const NV: usize>(
    block: &DoubleBlock<'_>,
    first: usize,
    cell: usize,
    out: &mut [DoubleLanes],
) {
    let reader = Reader {
        input: block.input,
        channels: block.channels,
        plane: block.plane,
        windows: block.windows,
        taps: block.taps,
        weights: block.weights,
        occupied: block.occupied,
    };
    for lane in (0..DOUBLE_LANES).step_by(NV * V::LANES) {
        let mut sums = [[V::splat(0.0); NV]; MR];
        for (m, sums) in sums.iter_mut().enumerate() {
            *sums = [V::splat(block.bias[first + m]); NV];
        }
        reader.add_to(&mut sums, first, cell, lane);
        for (m, sums) in sums.into_iter().enumerate() {
            let out = &mut out[block.order.unit(first + m, cell)].0[lane..];
            for (v, sum) in sums.into_iter().enumerate() {
                sum.store(&mut out[v * V::LANES..]);
            }
        }
    }
}

/// Runs `spline`; see [`Kernels::double_spline`](crate::Kernels::double_spline).
#[inline(always)]
pub(crate) fn double_spline<V: Double>(
    spline: &DoubleSpline<'_>,
    measure: &DoubleMeasure<'_>,
    numbers: &mut [DoubleLanes],
    planes: &mut [u32],
    kept: &mut DoubleMargins,
) {
    let pass = SplinePass { spline, measure, numbers, planes, kept };
    match spline.knots.len() {
        0 => pass.run::<V, 0>(),
        1 => pass.run::<V, 1>(),
        2 => pass.run::<V, 2>(),
        _ => pass.run::<V, 3>(),
    }
}

struct SplinePass<'a> {
    spline: &'a DoubleSpline<'a>,
    measure: &'a DoubleMeasure<'a>,
    numbers: &'a mut [DoubleLanes],
    planes: &'a mut [u32],
    kept: &'a mut DoubleMargins,
}

/// The parameters of one unit, in all lanes.
#[derive(Clone, Copy)]
struct Unit<V> {
    minus_knots: [V; MOST_PIECES - 1],
    knots: [V; MOST_PIECES - 1],
    slopes: [V; MOST_PIECES],
    offsets: [V; MOST_PIECES],
}

impl<V: Double> Unit<V> {
    #[inline(always)]
    fn new<const KNOTS: usize>(spline: &DoubleSpline<'_>, unit: usize) -> Self {
        let zero = V::splat(0.0);
        let (none, all) = ([zero; MOST_PIECES - 1], [zero; MOST_PIECES]);
        let mut own = Self { minus_knots: none, knots: none, slopes: all, offsets: all };
        for k in 0..KNOTS {
            let knot = spline.knots[k].at(unit, 0);
            (own.knots[k], own.minus_knots[k]) = (V::splat(knot), V::splat(-knot));
        }
        for piece in 0..=KNOTS {
            own.slopes[piece] = V::splat(spline.slopes[piece].at(unit, 0));
            own.offsets[piece] = V::splat(spline.offsets[piece].at(unit, 0));
        }
        own
    }

    /// The values of `z`, its distances to the nearest knot, and the bits of its pieces.
    #[inline(always)]
    fn apply<const KNOTS: usize>(&self, z: V) -> (V, V, [u32; 2]) {
        let (mut slope, mut offset) = (self.slopes[KNOTS], self.offsets[KNOTS]);
        let mut distance = V::splat(f64::INFINITY);
        let mut above = [0; MOST_PIECES - 1];
        // A knot counts only where those before it do, as in a search from below.
        for k in (0..KNOTS).rev() {
            let over = z.gt(self.knots[k]);
            slope = V::select(over, slope, self.slopes[k]);
            offset = V::select(over, offset, self.offsets[k]);
            distance = least(distance, z.mul_add(V::splat(1.0), self.minus_knots[k]).abs());
            let rows = V::bits(over);
            above[k] = rows;
            for later in &mut above[k + 1..KNOTS] {
                *later &= rows;
            }
        }
        // The number of knots below, in two bits.
        let bits = [above[0] & !above[1] | above[2], above[1]];
        (slope.mul_add(z, offset), distance, bits)
    }
}

impl SplinePass<'_> {
    #[inline(always)]
    fn run<V: Double, const KNOTS: usize>(mut self) {
        let spline = self.spline;
        if spline.is_uniform() {
            let shared = Unit::<V>::new::<KNOTS>(spline, 0);
            self.units::<V, KNOTS>(|_| shared);
        } else {
            self.units::<V, KNOTS>(|unit| Unit::new::<KNOTS>(spline, unit));
        }
    }

    /// All units, register by register of their rows.
    #[inline(always)]
    fn units<V: Double, const KNOTS: usize>(&mut self, own: impl Fn(usize) -> Unit<V>) {
        let width = width(KNOTS + 1);
        for lane in (0..DOUBLE_LANES).step_by(V::LANES) {
            let mut relative = V::load(&self.kept.relative.0[lane..]);
            let mut largest = V::splat(0.0);
            for (unit, numbers) in self.numbers.iter_mut().enumerate() {
                let z = V::load(&numbers.0[lane..]);
                let (value, distance, bits) = own(unit).apply::<KNOTS>(z);
                relative = least(relative, self.measure.units_of(unit, distance));
                largest = largest.max(value.abs());
                value.store(&mut numbers.0[lane..]);
                for (plane, rows) in self.planes[unit * width..][..width].iter_mut().zip(bits) {
                    *plane |= rows << lane;
                }
            }
            relative.store(&mut self.kept.relative.0[lane..]);
            self.measure.keep_size(largest, lane, self.kept);
        }
    }
}

impl DoubleMeasure<'_> {
    /// Distances in the unit's own.
    #[inline(always)]
    fn units_of<V: Double>(&self, unit: usize, distance: V) -> V {
        distance.mul_add(V::splat(self.inverse.at(unit, 0)), V::splat(0.0))
    }

    /// Takes in the largest values of a layer.
    #[inline(always)]
    fn keep_size<V: Double>(&self, largest: V, lane: usize, kept: &mut DoubleMargins) {
        let size = largest.mul_add(V::splat(self.inverse_size), V::splat(0.0));
        let kept = &mut kept.largest.0[lane..];
        V::load(kept).max(size).store(kept);
    }
}

/// The smaller of each lane; the first where the second is NaN, which is how a unit says that its distance does not
/// matter (0 · ∞).
#[inline(always)]
fn least<V: Double>(old: V, new: V) -> V {
    V::select(old.gt(new), new, old)
}

/// Runs `block`; see [`Kernels::double_extreme`](crate::Kernels::double_extreme).
#[inline(always)]
pub(crate) fn double_extreme<V: Double>(
    block: &DoubleExtreme<'_>,
    measure: &DoubleMeasure<'_>,
    out: &mut DoubleLanes,
    planes: &mut [u32],
    kept: &mut DoubleMargins,
) {
    for lane in (0..DOUBLE_LANES).step_by(V::LANES) {
        let best = compete::<V>(block, lane, planes);
        best.store(&mut out.0[lane..]);
        let (gap, tied) = runners_up(block, lane, best);
        let kept_relative = &mut kept.relative.0[lane..];
        let relative = measure.units_of(block.unit, gap);
        least(V::load(kept_relative), relative).store(kept_relative);
        let zero = best.abs().above(V::splat(0.0)) ^ V::ALL;
        let exact = if measure.zeros_are_exact { zero } else { 0 };
        if measure.inverse.at(block.unit, 0).is_finite() {
            kept.tied |= (tied & !exact) << lane;
        }
        measure.keep_size(best.abs(), lane, kept);
    }
}

/// The winners of one register, and the bits of their numbers.
#[inline(always)]
fn compete<V: Double>(block: &DoubleExtreme<'_>, lane: usize, planes: &mut [u32]) -> V {
    let rows = V::ALL << lane;
    let mut set = |piece: u32, rows: u32| {
        for (bit, plane) in planes.iter_mut().enumerate() {
            *plane = if piece >> bit & 1 == 1 { *plane | rows } else { *plane & !rows };
        }
    };
    let [first, others @ ..] = block.candidates else { unreachable!("at least one candidate") };
    let mut best = V::load(&first.numbers.0[lane..]);
    set(first.piece, rows);
    for candidate in others {
        let number = V::load(&candidate.numbers.0[lane..]);
        let better = if block.smallest { best.gt(number) } else { number.gt(best) };
        best = V::select(better, number, best);
        set(candidate.piece, V::bits(better) << lane);
    }
    best
}

/// The gap between each winner and the next candidate that differs, and which rows have several winners.
#[inline(always)]
fn runners_up<V: Double>(block: &DoubleExtreme<'_>, lane: usize, best: V) -> (V, u32) {
    let (mut gap, mut won, mut tied) = (V::splat(f64::INFINITY), 0, 0);
    for candidate in block.candidates {
        let number = V::load(&candidate.numbers.0[lane..]);
        let own = number.mul_add(V::splat(-1.0), best).abs();
        let differs = own.gt(V::splat(0.0));
        gap = V::select(differs, least(gap, own), gap);
        let equal = V::bits(differs) ^ V::ALL;
        tied |= won & equal;
        won |= equal;
    }
    (gap, tied)
}
