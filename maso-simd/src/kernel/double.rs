//! Weighted windows in f64 with rows across lanes, one row of all channels at a time: as
//! [`windows`](super::windows), without splines and bits.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Lanes;
use crate::double::{DOUBLE_LANES, DoubleBlock, DoubleLanes};
use crate::windows::CHANNELS;

/// Runs `block`; see [`Kernels::double`](crate::Kernels::double).
#[inline(always)]
pub(crate) fn double<V: Lanes<Number = f64>>(block: &DoubleBlock<'_>, out: &mut [DoubleLanes]) {
    for (first, width) in block.weights.groups() {
        for cell in 0..block.windows.cells() {
            match width {
                CHANNELS => group::<V, CHANNELS>(block, first, cell, out),
                8 => group::<V, 8>(block, first, cell, out),
                6 => group::<V, 6>(block, first, cell, out),
                4 => group::<V, 4>(block, first, cell, out),
                3 => group::<V, 3>(block, first, cell, out),
                2 => group::<V, 2>(block, first, cell, out),
                _ => group::<V, 1>(block, first, cell, out),
            }
        }
    }
}

/// `MR` channels from `first`, all rows.
#[inline(always)]
fn group<V: Lanes<Number = f64>, const MR: usize>(
    block: &DoubleBlock<'_>,
    first: usize,
    cell: usize,
    out: &mut [DoubleLanes],
) {
    let weights = block.weights.group(first).as_chunks::<MR>().0;
    let window = block.windows.window(cell);
    for lane in (0..DOUBLE_LANES).step_by(V::LANES) {
        let mut sums = [V::splat(0.0); MR];
        for (m, sum) in sums.iter_mut().enumerate() {
            *sum = V::splat(block.bias[first + m]);
        }
        for channel in 0..block.channels {
            let plane = &block.input[channel * block.plane..];
            let weights = &weights[channel * block.taps..];
            for tap in window {
                let x = V::load(&plane[tap.source as usize].0[lane..]);
                let weights = &weights[tap.tap as usize];
                for m in 0..MR {
                    sums[m] = V::splat(weights[m]).mul_add(x, sums[m]);
                }
            }
        }
        for m in 0..MR {
            sums[m].store(&mut out[block.order.unit(first + m, cell)].0[lane..]);
        }
    }
}
