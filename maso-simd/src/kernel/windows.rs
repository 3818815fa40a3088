//! Weighted windows with rows across lanes: each number of the input is a vector of [`PANEL`] rows, each
//! output channel a row of weights. `MR` channels by `NV` registers are in flight; bias first, products
//! in input order, padding skipped, spline and bits before anything leaves the registers.
//!
//! With rows across lanes every window, whatever its stride, shape or place, is a sum of whole vectors:
//! nothing is unfolded, and small planes and few channels waste no lane. A dense layer is the window
//! that has the whole input.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Vector;
use super::reader::Reader;
use super::spline::{Ending, load, with_ending};
use super::watch::{Seen, Spot, Watch, with_watch};
use crate::PANEL;
use crate::margins::Gauge;
use crate::windows::{CHANNELS, WindowBlock};

/// Cells that all channels take together, so that their inputs are still near.
const CELLS: usize = 16;

/// Runs `block`; see [`Kernels::windows`](crate::Kernels::windows).
#[inline(always)]
pub(crate) fn windows<V: Vector, const NV: usize>(
    block: &WindowBlock<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    gauge: Option<&mut Gauge<'_>>,
) -> bool {
    with_watch!(gauge, watch => with_ending!(&block.spline, ending => {
        let mut pass = Pass { block, ending, out, planes };
        for start in (0..block.windows.cells()).step_by(CELLS) {
            let cells = start..(start + CELLS).min(block.windows.cells());
            pass.channels::<V, NV>(cells, watch);
        }
    }))
}

struct Pass<'a, 'o, E> {
    block: &'a WindowBlock<'a>,
    ending: E,
    out: &'o mut [f32],
    planes: &'o mut [u32],
}

impl<E> Pass<'_, '_, E> {
    /// All channels of a few cells, by as many at once as the packing has side by side.
    #[inline(always)]
    fn channels<V: Vector, const NV: usize>(
        &mut self,
        cells: std::ops::Range<usize>,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        for (first, width) in self.block.weights.groups() {
            for cell in cells.clone() {
                match width {
                    CHANNELS => self.group::<V, CHANNELS, NV>(first, cell, watch),
                    8 => self.group::<V, 8, NV>(first, cell, watch),
                    6 => self.group::<V, 6, NV>(first, cell, watch),
                    4 => self.group::<V, 4, NV>(first, cell, watch),
                    3 => self.group::<V, 3, NV>(first, cell, watch),
                    2 => self.group::<V, 2, NV>(first, cell, watch),
                    _ => self.group::<V, 1, NV>(first, cell, watch),
                }
            }
        }
    }

    /// `MR` channels from `first`, all rows.
    #[inline(always)]
    fn group<V: Vector, const MR: usize, const NV: usize>(
        &mut self,
        first: usize,
        cell: usize,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        for lane in (0..PANEL).step_by(NV * V::LANES) {
            self.tile::<V, _, MR, NV>(first, cell, lane, watch);
        }
    }

    /// `MR` channels from `first`, `NV` registers of rows from `lane`. Before a long ending sums rest in the
    /// output: its loop is not unrolled, and would keep them out of registers.
    #[inline(always)]
    fn tile<V: Vector, W: Watch<V>, const MR: usize, const NV: usize>(
        &mut self,
        first: usize,
        cell: usize,
        lane: usize,
        watch: &mut W,
    ) where
        E: Ending<V>,
    {
        let order = self.block.order;
        let sums = self.sum::<V, MR, NV>(first, cell, lane);
        let mut locals = [W::open(); NV];
        if E::SHORT && self.block.addend.is_none() {
            for m in 0..MR {
                let unit = order.unit(first + m, cell);
                self.finish_short([first + m, unit, lane], sums[m], &mut locals, watch);
            }
        } else {
            let out = &mut self.out[order.unit(first, cell) * PANEL + lane..];
            for m in 0..MR {
                for v in 0..NV {
                    sums[m][v].store(&mut out[m * order.channel * PANEL + v * V::LANES..]);
                }
            }
            for channel in first..first + MR {
                let unit = order.unit(channel, cell);
                for v in 0..NV {
                    let lane = lane + v * V::LANES;
                    self.finish([channel, unit, lane], &mut locals[v], watch);
                }
            }
        }
        for v in 0..NV {
            watch.close_lanes(&mut locals[v], lane + v * V::LANES);
        }
    }

    /// The sums of `MR` channels.
    #[inline(always)]
    fn sum<V: Vector, const MR: usize, const NV: usize>(
        &self,
        first: usize,
        cell: usize,
        lane: usize,
    ) -> [[V; NV]; MR] {
        let block = self.block;
        let mut sums = [[V::splat(0.0); NV]; MR];
        for (m, sums) in sums.iter_mut().enumerate() {
            *sums = [load(&block.bias, first + m, 0); NV];
        }
        let reader = Reader {
            input: block.input.as_chunks::<PANEL>().0,
            channels: block.channels,
            plane: block.plane,
            windows: block.windows,
            taps: block.taps,
            weights: block.weights,
            occupied: block.occupied,
        };
        reader.add_to(&mut sums, first, cell, lane);
        sums
    }

    /// The spline and the bits of one channel's sums.
    #[inline(always)]
    fn finish_short<V: Vector, W: Watch<V>, const NV: usize>(
        &mut self,
        [channel, unit, lane]: [usize; 3],
        sums: [V; NV],
        locals: &mut [W::Local; NV],
        watch: &mut W,
    ) where
        E: Ending<V>,
    {
        let out = &mut self.out[unit * PANEL + lane..][..NV * V::LANES];
        let mut bits = 0;
        for v in 0..NV {
            let (z, lane) = (sums[v], lane + v * V::LANES);
            let (value, above) = self.ending.apply(z);
            let spot = Spot { row: channel, lane, live: V::LANES };
            watch.see(&mut locals[v], Seen { spot, knots: E::KNOTS, z, size: E::size(value) }, z);
            value.store(&mut out[v * V::LANES..]);
            bits |= above << lane;
        }
        if E::KNOTS > 0 {
            self.planes[unit] |= bits;
        }
    }

    /// The other branch, the spline and the bits of one register of sums.
    #[inline(always)]
    fn finish<V: Vector, W: Watch<V>>(
        &mut self,
        [channel, unit, lane]: [usize; 3],
        local: &mut W::Local,
        watch: &mut W,
    ) where
        E: Ending<V>,
    {
        let at = unit * PANEL + lane;
        let sum = V::load(&self.out[at..]);
        let z = match &self.block.addend {
            Some(addend) => addend.add(sum, V::load(&addend.values[at..])),
            None => sum,
        };
        let (value, bits) = self.ending.apply(z);
        let spot = Spot { row: channel, lane, live: V::LANES };
        watch.see(local, Seen { spot, knots: E::KNOTS, z, size: E::size(value) }, z);
        value.store(&mut self.out[at..]);
        if E::KNOTS > 0 {
            self.planes[unit] |= bits << lane;
        }
    }
}
