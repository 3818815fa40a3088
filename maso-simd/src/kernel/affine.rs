//! The fused affine kernel: `MR` rows by `NV` registers of units of one or two panels in flight, bias
//! first, products in input order, spline and bits before anything leaves the registers.
//!
//! Very long sums are cut into stretches, so that a stretch of the panels stays in the second-level cache
//! while all rows pass over it. Between stretches a sum rests in the output, as the f32 it is, so that the
//! cut changes no bit. Two panels at once read each input half as often. Rows are independent: what is
//! left over runs through narrower blocks of the same text.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Vector;
use super::spline::{Ending, load, with_ending};
use super::watch::{Seen, Spot, Watch, with_watch};
use crate::PANEL;
use crate::kernels::{AffineBlock, Param};
use crate::margins::Gauge;

/// Inputs of a stretch, times the panels at once. Rows are read once, from end to end, where that is all of
/// them: weights come back from the second-level cache faster than rows do from memory.
const STRETCH: usize = 2048;

/// Runs `block`, two panels at once by `PAIR` rows where that is not 0; see
/// [`Kernels::affine`](crate::Kernels::affine).
#[inline(always)]
pub(crate) fn affine<V: Vector, const MR: usize, const NV: usize, const PAIR: usize>(
    block: &AffineBlock<'_>,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
    gauge: Option<&mut Gauge<'_>>,
) -> bool {
    fields[..block.rows * block.panels()].fill(0);
    with_watch!(gauge, watch => with_ending!(&block.spline, ending => {
        let mut first = 0;
        while first < block.panels() {
            let mut pass = Pass { block, ending, first, out: &mut *out, ldo, fields: &mut *fields };
            // Both panels must have units in all registers.
            let whole = first * PANEL + 2 * PANEL < block.lanes + NV * V::LANES;
            if PAIR > 0 && whole && first + 2 <= block.panels() {
                pass.stretches::<V, PAIR, NV, 2>(watch);
                first += 2;
            } else {
                pass.stretches::<V, MR, NV, 1>(watch);
                first += 1;
            }
        }
    }))
}

/// All rows over the panels from `first` on.
struct Pass<'a, 'o, E> {
    block: &'a AffineBlock<'a>,
    ending: E,
    first: usize,
    out: &'o mut [f32],
    ldo: usize,
    fields: &'o mut [u64],
}

/// Where a tile is: its rows, its first lane in each panel, its inputs.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    lane: usize,
    from: usize,
    to: usize,
}

impl<E> Pass<'_, '_, E> {
    #[inline(always)]
    fn stretches<V: Vector, const MR: usize, const NV: usize, const NP: usize>(
        &mut self,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        let mut from = 0;
        loop {
            let to = (from + STRETCH / NP).min(self.block.depth);
            let live = self.block.lanes - self.first * PANEL;
            let mut at = At { row: 0, lane: 0, from, to };
            while at.lane + (NV - 1) * V::LANES < live.min(PANEL) {
                self.rows::<V, MR, NV, NP>(at, watch);
                at.lane += NV * V::LANES;
            }
            while at.lane < live.min(PANEL) {
                self.rows::<V, MR, 1, NP>(at, watch);
                at.lane += V::LANES;
            }
            if to == self.block.depth {
                return;
            }
            from = to;
        }
    }

    #[inline(always)]
    fn rows<V: Vector, const MR: usize, const NV: usize, const NP: usize>(
        &mut self,
        mut at: At,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        while at.row + MR <= self.block.rows {
            self.tile::<V, MR, NV, NP>(at, watch);
            at.row += MR;
        }
        while at.row + 4 <= self.block.rows {
            self.tile::<V, 4, NV, NP>(at, watch);
            at.row += 4;
        }
        while at.row < self.block.rows {
            self.tile::<V, 1, NV, NP>(at, watch);
            at.row += 1;
        }
    }

    /// `MR` rows, `NV` registers of each of `NP` panels.
    #[inline(always)]
    fn tile<V: Vector, const MR: usize, const NV: usize, const NP: usize>(
        &mut self,
        at: At,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        let sums = self.sum::<V, MR, NV, NP>(at, self.start::<V, MR, NV, NP>(at));
        let last = at.to == self.block.depth;
        if last && E::SHORT {
            for m in 0..MR {
                for p in 0..NP {
                    self.finish(At { row: at.row + m, ..at }, p, sums[m][p], watch);
                }
            }
            return;
        }
        // A long ending is not unrolled; its loop takes the sums from memory, not from registers.
        let place = self.place(at, 0);
        let out = &mut self.out[place..];
        for m in 0..MR {
            for p in 0..NP {
                for v in 0..NV {
                    sums[m][p][v].store(&mut out[m * self.ldo + p * PANEL + v * V::LANES..]);
                }
            }
        }
        if last {
            for row in at.row..at.row + MR {
                for p in 0..NP {
                    let at = At { row, ..at };
                    let mut sums = [V::splat(0.0); NV];
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(&self.out[self.place(at, p) + v * V::LANES..]);
                    }
                    self.finish(at, p, sums, watch);
                }
            }
        }
    }

    /// Where the results of a tile begin, in panel `p` of those at once.
    #[inline(always)]
    fn place(&self, at: At, p: usize) -> usize {
        at.row * self.ldo + (self.first + p) * PANEL + at.lane
    }

    /// Where the sums of a tile start.
    #[inline(always)]
    fn start<V: Vector, const MR: usize, const NV: usize, const NP: usize>(
        &self,
        at: At,
    ) -> [[[V; NV]; NP]; MR] {
        let mut sums = [[[V::splat(0.0); NV]; NP]; MR];
        match &self.block.bias {
            _ if at.from > 0 => {
                let out = &self.out[self.place(at, 0)..];
                for m in 0..MR {
                    for p in 0..NP {
                        for v in 0..NV {
                            let place = m * self.ldo + p * PANEL + v * V::LANES;
                            sums[m][p][v] = V::load(&out[place..]);
                        }
                    }
                }
            }
            Param::Rows(values) => {
                let values = &values[at.row..at.row + MR];
                for m in 0..MR {
                    sums[m] = [[V::splat(values[m]); NV]; NP];
                }
            }
            bias => {
                let lane = self.first * PANEL + at.lane;
                for p in 0..NP {
                    for v in 0..NV {
                        let start = load(bias, 0, lane + p * PANEL + v * V::LANES);
                        for sums in &mut sums {
                            sums[p][v] = start;
                        }
                    }
                }
            }
        }
        sums
    }

    /// Adds the products of the stretch. The bodies of the loops over rows and registers are small enough
    /// to be unrolled whole, which keeps the sums in registers.
    #[inline(always)]
    fn sum<V: Vector, const MR: usize, const NV: usize, const NP: usize>(
        &self,
        at: At,
        mut sums: [[[V; NV]; NP]; MR],
    ) -> [[[V; NV]; NP]; MR] {
        let (block, len) = (self.block, at.to - at.from);
        let mut rows = &block.x[at.row * block.ldx + at.from..];
        let mut x: [&[f32]; MR] = [&[]; MR];
        for x in &mut x {
            *x = &rows[..len];
            rows = &rows[block.ldx.min(rows.len())..];
        }
        let mut panels: [&[[f32; PANEL]]; NP] = [&[]; NP];
        for (p, panel) in panels.iter_mut().enumerate() {
            let all = block.weights.as_chunks::<PANEL>().0;
            *panel = &all[(self.first + p) * block.depth + at.from..][..len];
        }
        for input in 0..len {
            let mut weights = [[V::splat(0.0); NV]; NP];
            for p in 0..NP {
                for v in 0..NV {
                    weights[p][v] = V::load(&panels[p][input][at.lane + v * V::LANES..]);
                }
            }
            for m in 0..MR {
                let x = V::splat(x[m][input]);
                for p in 0..NP {
                    for v in 0..NV {
                        sums[m][p][v] = x.mul_add(weights[p][v], sums[m][p][v]);
                    }
                }
            }
        }
        sums
    }

    /// Spline and bits of one row in one panel.
    #[inline(always)]
    fn finish<V: Vector, W: Watch<V>, const NV: usize>(
        &mut self,
        at: At,
        p: usize,
        sums: [V; NV],
        watch: &mut W,
    ) where
        E: Ending<V>,
    {
        let place = self.place(at, p);
        let out = &mut self.out[place..][..NV * V::LANES];
        let first_lane = (self.first + p) * PANEL + at.lane;
        let (mut bits, mut local) = (0, W::open());
        for v in 0..NV {
            let (z, lane) = (sums[v], first_lane + v * V::LANES);
            let (value, above) = self.ending.apply(z);
            bits |= above << (v * V::LANES);
            let spot = Spot { row: at.row, lane, live: V::LANES };
            watch.see(&mut local, Seen { spot, knots: E::KNOTS, z, value }, z);
            value.store(&mut out[v * V::LANES..]);
        }
        // All lanes are units of one row: where its margins stand does not matter.
        watch.close(local, at.row, 0);
        if E::KNOTS > 0 {
            let word = (self.first + p) * self.block.rows + at.row;
            self.fields[word] |= u64::from(bits) << at.lane;
        }
    }
}
