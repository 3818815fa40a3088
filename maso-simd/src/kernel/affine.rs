//! The fused affine kernel: `MR` rows by `NV` registers of units in flight, bias first, products in
//! input order, spline and bits before anything leaves the registers.
//!
//! Rows are independent, so a remainder of rows runs through narrower blocks of the same text.

use super::Vector;
use super::spline::{Finite, apply, load};
use crate::PANEL;
use crate::bits::width;
use crate::kernels::AffineBlock;

/// Runs `block`; see [`Kernels::affine`](crate::Kernels::affine).
#[inline(always)]
pub(crate) fn affine<V: Vector, const MR: usize, const NV: usize>(
    block: &AffineBlock<'_>,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
) -> bool {
    match block.spline.pieces {
        0 => rows::<V, MR, NV, 0>(block, out, ldo, fields),
        1 => rows::<V, MR, NV, 1>(block, out, ldo, fields),
        2 => rows::<V, MR, NV, 2>(block, out, ldo, fields),
        _ => rows::<V, MR, NV, 3>(block, out, ldo, fields),
    }
}

#[inline(always)]
fn rows<V: Vector, const MR: usize, const NV: usize, const R: usize>(
    block: &AffineBlock<'_>,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
) -> bool {
    fields[..block.rows].fill(0);
    let mut finite = Finite::<V>::new();
    for lane in (0..PANEL).step_by(NV * V::LANES) {
        let mut row = 0;
        while row + MR <= block.rows {
            tile::<V, MR, NV, R>(block, row, lane, out, ldo, fields, &mut finite);
            row += MR;
        }
        while row < block.rows {
            tile::<V, 1, NV, R>(block, row, lane, out, ldo, fields, &mut finite);
            row += 1;
        }
    }
    finite.all()
}

/// `MR` rows from `row`, `NV` registers from `lane`.
#[inline(always)]
fn tile<V: Vector, const MR: usize, const NV: usize, const R: usize>(
    block: &AffineBlock<'_>,
    row: usize,
    lane: usize,
    out: &mut [f32],
    ldo: usize,
    fields: &mut [u64],
    finite: &mut Finite<V>,
) {
    let depth = block.depth();
    let x: [&[f32]; MR] = std::array::from_fn(|m| &block.x[(row + m) * block.ldx..][..depth]);
    let mut sums: [[V; NV]; MR] = std::array::from_fn(|m| {
        std::array::from_fn(|v| load(&block.bias, row + m, lane + v * V::LANES))
    });
    for (input, weights) in block.panel.chunks_exact(PANEL).enumerate() {
        let weights: [V; NV] = std::array::from_fn(|v| V::load(&weights[lane + v * V::LANES..]));
        for m in 0..MR {
            let x = V::splat(x[m][input]);
            for v in 0..NV {
                sums[m][v] = x.mul_add(weights[v], sums[m][v]);
            }
        }
    }
    for (m, sums) in sums.iter().enumerate() {
        for (v, sum) in sums.iter().enumerate() {
            let lane = lane + v * V::LANES;
            let (value, field) = apply::<V, R>(&block.spline, row + m, lane, *sum);
            value.store(&mut out[(row + m) * ldo + lane..]);
            fields[row + m] |= field << (lane * width(R));
            finite.see(value);
        }
    }
}
