//! The obvious scalar version of every kernel: what the tiers are compared with, bit for bit.

use crate::kernels::{AffineBlock, Combine, ExtremeBlock, Kernels, Spline};
use crate::{PANEL, Tier, bits};

pub(crate) static KERNELS: Kernels = Kernels { tier: Tier::Scalar, affine, combine, extreme };

/// Value and piece of `z` under `spline`, with the parameters of (`row`, `lane`).
///
/// # Panics
/// If the spline has no parameters for that row or lane.
#[must_use]
pub fn spline(spline: &Spline<'_>, row: usize, lane: usize, z: f32) -> (f32, usize) {
    if spline.pieces == 0 {
        return (z, 0);
    }
    let knots = &spline.knots[..spline.pieces - 1];
    let piece = knots.iter().take_while(|knot| z > knot.at(row, lane)).count();
    let (slope, offset) = (spline.slopes[piece].at(row, lane), spline.offsets[piece].at(row, lane));
    (slope * z + offset, piece)
}

fn affine(block: &AffineBlock<'_>, out: &mut [f32], ldo: usize, fields: &mut [u64]) -> bool {
    let mut finite = true;
    for row in 0..block.rows {
        fields[row] = 0;
        for lane in 0..PANEL {
            let mut sum = block.bias.at(row, lane);
            for (input, weights) in block.panel.chunks_exact(PANEL).enumerate() {
                sum += block.x[row * block.ldx + input] * weights[lane];
            }
            let (value, piece) = spline(&block.spline, row, lane, sum);
            out[row * ldo + lane] = value;
            fields[row] |= field(&block.spline, lane, piece);
            finite &= value.is_finite();
        }
    }
    finite
}

fn combine(sum: &Combine<'_>, out: &mut [f32], fields: &mut [u64]) -> bool {
    fields[..out.len().div_ceil(PANEL)].fill(0);
    combine_from(sum, 0, out, fields)
}

/// The elements of a [`Combine`] from `start` on; `fields` holds those before. The tiers use it for
/// the tail that fills no register.
pub(crate) fn combine_from(
    sum: &Combine<'_>,
    start: usize,
    out: &mut [f32],
    fields: &mut [u64],
) -> bool {
    let mut finite = true;
    for i in start..out.len() {
        let product = |t: usize| sum.terms[t].scale.at(0, i) * sum.terms[t].x[i];
        let (first, mut z) = sum.shift.map_or_else(|| (1, product(0)), |s| (0, s.at(0, i)));
        for t in first..sum.terms.len() {
            z += product(t);
        }
        let (value, piece) = spline(&sum.spline, 0, i, z);
        out[i] = value;
        fields[i / PANEL] |= field(&sum.spline, i % PANEL, piece);
        finite &= value.is_finite();
    }
    finite
}

fn extreme(block: &ExtremeBlock<'_>, out: &mut [f32; PANEL], winner: &mut [u32; PANEL]) {
    for lane in 0..PANEL {
        let mut best = (block.candidates[lane], 0);
        for (i, row) in block.candidates.chunks_exact(PANEL).enumerate() {
            let better = if block.smallest { row[lane] < best.0 } else { row[lane] > best.0 };
            if better {
                best = (row[lane], i as u32);
            }
        }
        (out[lane], winner[lane]) = best;
    }
}

/// `piece` at its place in a field word.
fn field(spline: &Spline<'_>, lane: usize, piece: usize) -> u64 {
    (piece as u64) << (lane * bits::width(spline.pieces))
}
