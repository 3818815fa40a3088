//! The fused affine kernel: some rows by some registers of units in flight, bias first, products in input order,
//! spline and bits before anything leaves the registers.
//!
//! The more registers of units at once, the less often each input is read. Up to four are, of one panel or two; a
//! layer's are dealt out so that the last ones are not alone.
//!
//! Very long sums are cut into stretches, so that a stretch of the panels stays in the second-level cache
//! while all rows pass over it. Between stretches a sum rests in the output, as the f32 it is, so that the
//! cut changes no bit. Rows are independent: what is left over runs through narrower blocks of the same text.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Vector;
use super::spans::Spans;
use super::spline::{Ending, load, with_ending};
use super::watch::{Seen, Spot, Watch, with_watch};
use crate::PANEL;
use crate::kernels::{AffineBlock, Param};
use crate::margins::Gauge;

/// Inputs of a stretch, times the panels at once. Rows are read once, from end to end, where that is all of
/// them: weights come back from the second-level cache faster than rows do from memory.
const STRETCH: usize = 2048;

/// Runs `block`: `MR` rows by `NV` registers or one at once, and, where `FOUR` is not 0, `MR` rows by three registers or
/// `FOUR` rows by four. See [`Kernels::affine`](crate::Kernels::affine).
#[inline(always)]
pub(crate) fn affine<V: Vector, const MR: usize, const NV: usize, const FOUR: usize>(
    block: &AffineBlock<'_>,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
    gauge: Option<&mut Gauge<'_>>,
) -> bool {
    fields[..block.rows * block.panels()].fill(0);
    with_watch!(gauge, watch => with_ending!(&block.spline, ending => {
        let mut pass = Pass { block, ending, lane: 0, out, ldo, fields };
        while pass.lane < block.lanes {
            // What is in more than one panel begins where a panel does, as only whole panels are before it.
            match (block.lanes - pass.lane).div_ceil(V::LANES) {
                3 if FOUR > 0 => pass.stretches::<V, MR, 3>(watch),
                4 | 6.. if FOUR > 0 => pass.stretches::<V, FOUR, 4>(watch),
                registers if registers >= NV => pass.stretches::<V, MR, NV>(watch),
                _ => pass.stretches::<V, MR, 1>(watch),
            }
        }
    }))
}

/// All rows over the lanes from `lane` on.
struct Pass<'a, 'o, E> {
    block: &'a AffineBlock<'a>,
    ending: E,
    lane: usize,
    out: &'o mut [f32],
    ldo: usize,
    fields: &'o mut [u64],
}

/// Where a tile is: its first row, its inputs.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    from: usize,
    to: usize,
}

impl<E> Pass<'_, '_, E> {
    /// `NR` registers, and on to those behind them.
    #[inline(always)]
    fn stretches<V: Vector, const MR: usize, const NR: usize>(&mut self, watch: &mut impl Watch<V>)
    where
        E: Ending<V>,
    {
        let panels = (NR * V::LANES).div_ceil(PANEL);
        let mut at = At { row: 0, from: 0, to: 0 };
        loop {
            at.to = (at.from + STRETCH / panels).min(self.block.depth);
            self.rows::<V, MR, NR>(at, watch);
            if at.to == self.block.depth {
                break;
            }
            at.from = at.to;
        }
        self.lane += NR * V::LANES;
    }

    #[inline(always)]
    fn rows<V: Vector, const MR: usize, const NR: usize>(
        &mut self,
        mut at: At,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        while at.row + MR <= self.block.rows {
            self.tile::<V, MR, NR>(at, watch);
            at.row += MR;
        }
        while at.row + 4 <= self.block.rows {
            self.tile::<V, 4, NR>(at, watch);
            at.row += 4;
        }
        while at.row < self.block.rows {
            self.tile::<V, 1, NR>(at, watch);
            at.row += 1;
        }
    }

    /// `MR` rows, `NR` registers.
    #[inline(always)]
    fn tile<V: Vector, const MR: usize, const NR: usize>(
        &mut self,
        at: At,
        watch: &mut impl Watch<V>,
    ) where
        E: Ending<V>,
    {
        let sums = self.sum::<V, MR, NR>(at, self.start::<V, MR, NR>(at));
        let last = at.to == self.block.depth;
        if last && E::SHORT {
            for m in 0..MR {
                self.finish(at.row + m, sums[m], watch);
            }
            return;
        }
        // A long ending is not unrolled; its loop takes the sums from memory, not from registers.
        let place = self.place(at.row);
        let out = &mut self.out[place..];
        for m in 0..MR {
            for r in 0..NR {
                sums[m][r].store(&mut out[m * self.ldo + r * V::LANES..]);
            }
        }
        if last {
            for row in at.row..at.row + MR {
                let mut sums = [V::splat(0.0); NR];
                for (r, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(&self.out[self.place(row) + r * V::LANES..]);
                }
                self.finish(row, sums, watch);
            }
        }
    }

    /// Where the results of a row begin.
    #[inline(always)]
    fn place(&self, row: usize) -> usize {
        row * self.ldo + self.lane
    }

    /// Where the sums of a tile start.
    #[inline(always)]
    fn start<V: Vector, const MR: usize, const NR: usize>(&self, at: At) -> [[V; NR]; MR] {
        let mut sums = [[V::splat(0.0); NR]; MR];
        match &self.block.bias {
            _ if at.from > 0 => {
                let out = &self.out[self.place(at.row)..];
                for m in 0..MR {
                    for r in 0..NR {
                        sums[m][r] = V::load(&out[m * self.ldo + r * V::LANES..]);
                    }
                }
            }
            Param::Rows(values) => {
                let values = &values[at.row..at.row + MR];
                for m in 0..MR {
                    sums[m] = [V::splat(values[m]); NR];
                }
            }
            bias => {
                for r in 0..NR {
                    let start = load(bias, 0, self.lane + r * V::LANES);
                    for sums in &mut sums {
                        sums[r] = start;
                    }
                }
            }
        }
        sums
    }

    /// Adds the products of the stretch, but for inputs that are zero in all rows. The bodies of the loops over rows and
    /// registers are small enough to be unrolled whole, which keeps the sums in registers.
    #[inline(always)]
    fn sum<V: Vector, const MR: usize, const NR: usize>(
        &self,
        at: At,
        mut sums: [[V; NR]; MR],
    ) -> [[V; NR]; MR] {
        let (block, len) = (self.block, at.to - at.from);
        let mut rows = &block.x[at.row * block.ldx + at.from..];
        let mut x: [&[f32]; MR] = [&[]; MR];
        for x in &mut x {
            *x = &rows[..len];
            rows = &rows[block.ldx.min(rows.len())..];
        }
        let mut panels: [&[[f32; PANEL]]; NR] = [&[]; NR];
        for (r, panel) in panels.iter_mut().enumerate() {
            let all = block.weights.as_chunks::<PANEL>().0;
            let first = self.lane / PANEL + r / (PANEL / V::LANES);
            *panel = &all[first * block.depth + at.from..][..len];
        }
        let lane = self.lane % PANEL;
        // Without a look at zeros there is one loop and nothing around it, which short sums gain by.
        let Some(occupied) = block.occupied else {
            add_products(&mut sums, &x, &panels, lane);
            return sums;
        };
        let mut spans = Spans::<MR>::new(occupied, at.row, [at.from, at.to]);
        while let Some([from, to]) = spans.next() {
            let (from, to, mut x, mut panels) = (from - at.from, to - at.from, x, panels);
            for x in &mut x {
                *x = &x[from..to];
            }
            for panel in &mut panels {
                *panel = &panel[from..to];
            }
            add_products(&mut sums, &x, &panels, lane);
        }
        sums
    }

    /// Spline and bits of one row.
    #[inline(always)]
    fn finish<V: Vector, W: Watch<V>, const NR: usize>(
        &mut self,
        row: usize,
        sums: [V; NR],
        watch: &mut W,
    ) where
        E: Ending<V>,
    {
        let place = self.place(row);
        let out = &mut self.out[place..][..NR * V::LANES];
        let (mut bits, mut local) = (0, W::open());
        for r in 0..NR {
            let (z, lane) = (sums[r], self.lane + r * V::LANES);
            let (value, above) = self.ending.apply(z);
            let spot = Spot { row, lane, live: V::LANES };
            watch.see(&mut local, Seen { spot, knots: E::KNOTS, z, size: E::size(value) }, z);
            value.store(&mut out[r * V::LANES..]);
            bits |= u64::from(above) << (lane % PANEL);
            // A panel's last register, or the last of all.
            if E::KNOTS > 0 && ((r + 1).is_multiple_of(PANEL / V::LANES) || r + 1 == NR) {
                self.fields[lane / PANEL * self.block.rows + row] |= bits;
                bits = 0;
            }
        }
        watch.close_row(local, row);
    }
}

/// Adds the products of `MR` rows with `NR` registers of weights, which begin at `lane` of their panels.
#[inline(always)]
fn add_products<V: Vector, const MR: usize, const NR: usize>(
    sums: &mut [[V; NR]; MR],
    x: &[&[f32]; MR],
    panels: &[&[[f32; PANEL]]; NR],
    lane: usize,
) {
    for input in 0..x[0].len() {
        let mut weights = [V::splat(0.0); NR];
        for r in 0..NR {
            let lane = lane + r % (PANEL / V::LANES) * V::LANES;
            weights[r] = V::load(&panels[r][input][lane..]);
        }
        for m in 0..MR {
            let x = V::splat(x[m][input]);
            for r in 0..NR {
                sums[m][r] = x.mul_add(weights[r], sums[m][r]);
            }
        }
    }
}
