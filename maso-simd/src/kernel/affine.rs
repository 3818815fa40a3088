//! The fused affine kernel: `MR` rows by `NV` registers of units in flight, bias first, products in
//! input order, spline and bits before anything leaves the registers.
//!
//! Long sums are cut into stretches of [`STRETCH`] inputs, so that a stretch of the panel stays in the
//! first-level cache while all rows pass over it. Between stretches a sum rests in the output, as the f32
//! it is, so that the cut changes no bit. Rows are independent: what is left over runs through narrower
//! blocks of the same text.

use super::Vector;
use super::spline::{Ending, Finite, load, with_ending};
use crate::PANEL;
use crate::bits::interleave;
use crate::kernels::{AffineBlock, Param};

/// Inputs of a stretch: 32 KiB of a panel.
const STRETCH: usize = 256;

/// Runs `block`; see [`Kernels::affine`](crate::Kernels::affine).
#[inline(always)]
pub(crate) fn affine<V: Vector, const MR: usize, const NV: usize>(
    block: &AffineBlock<'_>,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
) -> bool {
    let fields = &mut fields[..block.rows];
    fields.fill(0);
    let panel = block.panel.as_chunks::<PANEL>().0;
    let mut finite = Finite::<V>::new();
    with_ending!(&block.spline, ending => {
        let mut from = 0;
        loop {
            let to = (from + STRETCH).min(panel.len());
            let mut pass = Pass { block, ending, panel: &panel[from..to], from, last: to == panel.len() };
            pass.panel::<V, MR, NV>(out, ldo, fields, &mut finite);
            if pass.last {
                break;
            }
            from = to;
        }
    });
    finite.all()
}

/// One stretch of inputs for all rows.
struct Pass<'a, E> {
    block: &'a AffineBlock<'a>,
    ending: E,
    panel: &'a [[f32; PANEL]],
    /// The stretch's first input.
    from: usize,
    /// Whether it is the last.
    last: bool,
}

impl<E> Pass<'_, E> {
    /// All lanes that have units, by as many registers as fit.
    #[inline(always)]
    fn panel<V: Vector, const MR: usize, const NV: usize>(
        &mut self,
        out: &mut [f32],
        ldo: usize,
        fields: &mut [u64],
        finite: &mut Finite<V>,
    ) where
        E: Ending<V>,
    {
        let mut lane = 0;
        while lane + (NV - 1) * V::LANES < self.block.lanes {
            self.rows::<V, MR, NV>(lane, out, ldo, fields, finite);
            lane += NV * V::LANES;
        }
        while lane < self.block.lanes {
            self.rows::<V, MR, 1>(lane, out, ldo, fields, finite);
            lane += V::LANES;
        }
    }

    #[inline(always)]
    fn rows<V: Vector, const MR: usize, const NV: usize>(
        &mut self,
        lane: usize,
        out: &mut [f32],
        ldo: usize,
        fields: &mut [u64],
        finite: &mut Finite<V>,
    ) where
        E: Ending<V>,
    {
        let mut row = 0;
        while row + MR <= self.block.rows {
            self.tile::<V, MR, NV>(row, lane, out, ldo, fields, finite);
            row += MR;
        }
        while row + 4 <= self.block.rows {
            self.tile::<V, 4, NV>(row, lane, out, ldo, fields, finite);
            row += 4;
        }
        while row < self.block.rows {
            self.tile::<V, 1, NV>(row, lane, out, ldo, fields, finite);
            row += 1;
        }
    }

    /// `MR` rows from `row`, `NV` registers from `lane`.
    #[inline(always)]
    fn tile<V: Vector, const MR: usize, const NV: usize>(
        &mut self,
        row: usize,
        lane: usize,
        out: &mut [f32],
        ldo: usize,
        fields: &mut [u64],
        finite: &mut Finite<V>,
    ) where
        E: Ending<V>,
    {
        let out = &mut out[row * ldo + lane..];
        let sums = self.start::<V, MR, NV>(row, lane, out, ldo);
        let sums = self.sum::<V, MR, NV>(row, lane, sums);
        let fields = &mut fields[row..row + MR];
        if self.last && E::SHORT {
            for m in 0..MR {
                fields[m] |= self.finish(row + m, lane, sums[m], &mut out[m * ldo..], finite);
            }
            return;
        }
        // A long ending is not unrolled; its loop takes the sums from memory, not from registers.
        for m in 0..MR {
            for v in 0..NV {
                sums[m][v].store(&mut out[m * ldo + v * V::LANES..]);
            }
        }
        if self.last {
            for m in 0..MR {
                let out = &mut out[m * ldo..];
                let mut sums = [V::splat(0.0); NV];
                for v in 0..NV {
                    sums[v] = V::load(&out[v * V::LANES..]);
                }
                fields[m] |= self.finish(row + m, lane, sums, out, finite);
            }
        }
    }

    /// Where the sums of a tile start; `out` begins at the tile.
    #[inline(always)]
    fn start<V: Vector, const MR: usize, const NV: usize>(
        &self,
        row: usize,
        lane: usize,
        out: &[f32],
        ldo: usize,
    ) -> [[V; NV]; MR] {
        let mut sums = [[V::splat(0.0); NV]; MR];
        match &self.block.bias {
            _ if self.from > 0 => {
                for m in 0..MR {
                    for v in 0..NV {
                        sums[m][v] = V::load(&out[m * ldo + v * V::LANES..]);
                    }
                }
            }
            Param::Rows(values) => {
                let values = &values[row..row + MR];
                for m in 0..MR {
                    sums[m] = [V::splat(values[m]); NV];
                }
            }
            bias => {
                for v in 0..NV {
                    let start = load(bias, 0, lane + v * V::LANES);
                    for sums in &mut sums {
                        sums[v] = start;
                    }
                }
            }
        }
        sums
    }

    /// Adds the products of the stretch. The bodies of the loops over rows and registers are small enough
    /// to be unrolled whole, which keeps the sums in registers.
    #[inline(always)]
    fn sum<V: Vector, const MR: usize, const NV: usize>(
        &self,
        row: usize,
        lane: usize,
        mut sums: [[V; NV]; MR],
    ) -> [[V; NV]; MR] {
        let (panel, ldx) = (self.panel, self.block.ldx);
        let mut rows = &self.block.x[row * ldx + self.from..];
        let mut x: [&[f32]; MR] = [&[]; MR];
        for x in &mut x {
            *x = &rows[..panel.len()];
            rows = &rows[ldx.min(rows.len())..];
        }
        for input in 0..panel.len() {
            let mut weights = [V::splat(0.0); NV];
            for v in 0..NV {
                weights[v] = V::load(&panel[input][lane + v * V::LANES..]);
            }
            for m in 0..MR {
                let x = V::splat(x[m][input]);
                for v in 0..NV {
                    sums[m][v] = x.mul_add(weights[v], sums[m][v]);
                }
            }
        }
        sums
    }

    /// Spline and bits of one row; `out` begins at its first lane.
    #[inline(always)]
    fn finish<V: Vector, const NV: usize>(
        &self,
        row: usize,
        lane: usize,
        sums: [V; NV],
        out: &mut [f32],
        finite: &mut Finite<V>,
    ) -> u64
    where
        E: Ending<V>,
    {
        let out = &mut out[..NV * V::LANES];
        let mut bits = [0u32; 2];
        for v in 0..NV {
            let (value, [low, high]) = self.ending.apply(row, lane + v * V::LANES, sums[v]);
            bits[0] |= low << (v * V::LANES);
            bits[1] |= high << (v * V::LANES);
            finite.see(E::watched(sums[v], value));
            value.store(&mut out[v * V::LANES..]);
        }
        let field = if E::BITS == 2 { interleave(bits[0], bits[1]) } else { bits[0].into() };
        field << (lane * E::BITS)
    }
}
