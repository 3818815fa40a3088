//! The first largest (or smallest) candidate of each lane, with its position carried along as a
//! number in the same lanes.

use super::Vector;
use super::gaps::{Gaps, Winners};
use crate::PANEL;
use crate::kernels::ExtremeBlock;
use crate::margins::Gauge;

/// Runs `block`; see [`Kernels::extreme`](crate::Kernels::extreme). Positions are exact: an f32
/// counts to 2²⁴, and no window is that large.
#[inline(always)]
pub(crate) fn extreme<V: Vector>(
    block: &ExtremeBlock<'_>,
    out: &mut [f32; PANEL],
    winner: &mut [u32; PANEL],
    mut gauge: Option<&mut Gauge<'_>>,
) {
    for lane in (0..PANEL).step_by(V::LANES) {
        let mut best = V::load(&block.candidates[lane..]);
        let mut position = V::splat(0.0);
        for (i, row) in block.candidates.chunks_exact(PANEL).enumerate().skip(1) {
            let value = V::load(&row[lane..]);
            let better = if block.smallest { best.gt(value) } else { value.gt(best) };
            best = V::select(better, value, best);
            position = V::select(better, V::splat(i as f32), position);
        }
        best.store(&mut out[lane..]);
        if let Some(gauge) = gauge.as_deref_mut() {
            let (measure, kept) = gauge.lanes();
            let candidates = block.candidates.chunks_exact(PANEL).map(|row| V::load(&row[lane..]));
            let mut gaps = Gaps::open();
            gaps.see(Winners { best, smallest: block.smallest, row: 0, lane }, candidates, measure);
            gaps.close(measure, kept, lane);
        }
        let mut positions = [0.0; PANEL];
        position.store(&mut positions);
        for (winner, position) in winner[lane..].iter_mut().zip(&positions[..V::LANES]) {
            *winner = *position as u32;
        }
    }
}
