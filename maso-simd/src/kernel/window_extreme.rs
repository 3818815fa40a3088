//! The first largest (or smallest) of each window with rows across lanes. Which tap won is kept as bits
//! of all rows, one word for each bit of its number.

use super::Vector;
use super::gaps::Winners;
use crate::PANEL;
use crate::bits::width;
use crate::margins::Gauge;
use crate::windows::WindowExtreme;

/// Runs `block`; see [`Kernels::window_extreme`](crate::Kernels::window_extreme).
#[inline(always)]
pub(crate) fn window_extreme<V: Vector>(
    block: &WindowExtreme<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    mut gauge: Option<&mut Gauge<'_>>,
) {
    let bits = width(block.taps);
    let input = block.input.as_chunks::<PANEL>().0;
    let out = out.as_chunks_mut::<PANEL>().0;
    let cells = block.windows.cells();
    for (unit, out) in out.iter_mut().take(block.planes * cells).enumerate() {
        let plane = &input[unit / cells * block.plane..];
        let window = block.windows.window(unit % cells);
        let won = &mut planes[unit * bits..][..bits];
        let first = &window[0];
        for (b, won) in won.iter_mut().enumerate() {
            *won = if first.tap >> b & 1 == 1 { u32::MAX } else { 0 };
        }
        for lane in (0..PANEL).step_by(V::LANES) {
            let mut best = V::load(&plane[first.source as usize][lane..]);
            for tap in &window[1..] {
                let value = V::load(&plane[tap.source as usize][lane..]);
                let better = if block.smallest { best.gt(value) } else { value.gt(best) };
                best = V::select(better, value, best);
                let rows = V::bits(better) << lane;
                for (b, won) in won.iter_mut().enumerate() {
                    *won = if tap.tap >> b & 1 == 1 { *won | rows } else { *won & !rows };
                }
            }
            best.store(&mut out[lane..]);
            if let Some(gauge) = gauge.as_deref_mut() {
                let (measure, kept) = gauge.lanes();
                let candidates =
                    window.iter().map(|tap| V::load(&plane[tap.source as usize][lane..]));
                let winners = Winners { best, row: unit / cells, lane };
                winners.gauge(candidates, measure, kept);
            }
        }
    }
}
