//! The first largest (or smallest) of each window with rows across lanes. Which tap won is kept as bits
//! of all rows, one word for each bit of its number.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Vector;
use super::gaps::{Gaps, Winners};
use crate::PANEL;
use crate::bits::{low_mask, width};
use crate::margins::Gauge;
use crate::windows::{Tap, WindowExtreme};

/// Bits of the largest window's taps, which are counted in 32.
const MOST: usize = 32;

/// Runs `block`; see [`Kernels::window_extreme`](crate::Kernels::window_extreme).
#[inline(always)]
pub(crate) fn window_extreme<V: Vector>(
    block: &WindowExtreme<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    gauge: Option<&mut Gauge<'_>>,
) {
    // The words of usual windows, of 3 or 4 taps and of 9 to 16, stay in registers.
    match width(block.taps) {
        2 => registers::<V, 2>(block, 2, out, planes, gauge),
        4 => registers::<V, 4>(block, 4, out, planes, gauge),
        bits => registers::<V, MOST>(block, bits, out, planes, gauge),
    }
}

/// All windows, register by register of their rows; numbers of taps have `bits` bits, at most `MOST`.
#[inline(always)]
fn registers<V: Vector, const MOST: usize>(
    block: &WindowExtreme<'_>,
    bits: usize,
    out: &mut [f32],
    planes: &mut [u32],
    mut gauge: Option<&mut Gauge<'_>>,
) {
    let cells = block.windows.cells();
    let input = block.input.as_chunks::<PANEL>().0;
    let out = out.as_chunks_mut::<PANEL>().0;
    for lane in (0..PANEL).step_by(V::LANES) {
        let (others, mut gaps) = (!((low_mask(V::LANES) as u32) << lane), Gaps::open());
        for row in 0..block.planes {
            let plane = &input[row * block.plane..];
            for cell in 0..cells {
                let (window, unit) = (block.windows.window(cell), row * cells + cell);
                let (best, won) = compete::<V, MOST>(block.smallest, bits, plane, window, lane);
                best.store(&mut out[unit][lane..]);
                for (word, won) in planes[unit * bits..][..bits].iter_mut().zip(won) {
                    *word = *word & others | won << lane;
                }
                if let Some(gauge) = gauge.as_deref_mut() {
                    let candidates =
                        window.iter().map(|tap| V::load(&plane[tap.source as usize][lane..]));
                    let winners = Winners { best, smallest: block.smallest, row, lane };
                    gaps.see(winners, candidates, gauge.lanes().0);
                }
            }
        }
        if let Some(gauge) = gauge.as_deref_mut() {
            let (measure, kept) = gauge.lanes();
            gaps.close(measure, kept, lane);
        }
    }
}

/// The winners of a window in one register of rows, and the `bits` bits of their taps' numbers.
#[inline(always)]
fn compete<V: Vector, const MOST: usize>(
    smallest: bool,
    bits: usize,
    plane: &[[f32; PANEL]],
    window: &[Tap],
    lane: usize,
) -> (V, [u32; MOST]) {
    let mut won = [0; MOST];
    let first = &window[0];
    for bit in 0..bits {
        won[bit] = if first.tap >> bit & 1 == 1 { low_mask(V::LANES) as u32 } else { 0 };
    }
    let mut best = V::load(&plane[first.source as usize][lane..]);
    for tap in &window[1..] {
        let value = V::load(&plane[tap.source as usize][lane..]);
        let better = if smallest { best.gt(value) } else { value.gt(best) };
        best = V::select(better, value, best);
        let rows = V::bits(better);
        for bit in 0..bits {
            won[bit] = if tap.tap >> bit & 1 == 1 { won[bit] | rows } else { won[bit] & !rows };
        }
    }
    (best, won)
}
