//! Soft maxima: the hard kernels find winners, bits and margins; a second pass over the candidates, now that the largest
//! is known, weighs them by exp(η(u − max)), which cannot overflow.

use super::Vector;
use super::spline::load;
use super::transcendental::{clamp, exp_to_1, log_from_1};
use super::{extreme, window_extreme};
use crate::PANEL;
use crate::kernels::ExtremeBlock;
use crate::margins::Gauge;
use crate::soft::{PoolRule, SoftPool};
use crate::windows::WindowExtreme;

/// Runs `block` softly; see [`Kernels::soft_extreme`](crate::Kernels::soft_extreme).
#[inline(always)]
pub(crate) fn soft_extreme<V: Vector>(
    block: &ExtremeBlock<'_>,
    pool: &SoftPool<'_>,
    out: &mut [f32; PANEL],
    winner: &mut [u32; PANEL],
    gauge: Option<&mut Gauge<'_>>,
) {
    extreme::<V>(block, out, winner, gauge);
    for lane in (0..PANEL).step_by(V::LANES) {
        let candidates = block.candidates.chunks_exact(PANEL).map(|row| V::load(&row[lane..]));
        let sharpness = toward(load(&pool.sharpness, 0, lane), block.smallest);
        pooled(pool.rule, sharpness, V::load(&out[lane..]), candidates).store(&mut out[lane..]);
    }
}

/// Runs `block` softly; see [`Kernels::soft_window_extreme`](crate::Kernels::soft_window_extreme).
#[inline(always)]
pub(crate) fn soft_window_extreme<V: Vector>(
    block: &WindowExtreme<'_>,
    pool: &SoftPool<'_>,
    out: &mut [f32],
    planes: &mut [u32],
    gauge: Option<&mut Gauge<'_>>,
) {
    window_extreme::<V>(block, out, planes, gauge);
    let input = block.input.as_chunks::<PANEL>().0;
    let cells = block.windows.cells();
    let units = out.as_chunks_mut::<PANEL>().0.iter_mut().take(block.planes * cells);
    for (unit, out) in units.enumerate() {
        let plane = &input[unit / cells * block.plane..];
        let window = block.windows.window(unit % cells);
        let sharpness = toward(load::<V>(&pool.sharpness, unit / cells, 0), block.smallest);
        for lane in (0..PANEL).step_by(V::LANES) {
            let candidates = window.iter().map(|tap| V::load(&plane[tap.source as usize][lane..]));
            let value = pooled(pool.rule, sharpness, V::load(&out[lane..]), candidates);
            value.store(&mut out[lane..]);
        }
    }
}

/// The sharpness with the sign of what wins.
#[inline(always)]
fn toward<V: Vector>(sharpness: V, smallest: bool) -> V {
    sharpness.mul(V::splat(if smallest { -1.0 } else { 1.0 }))
}

/// The soft value of `candidates`, of which `best` is the best.
#[inline(always)]
fn pooled<V: Vector>(
    rule: PoolRule,
    sharpness: V,
    best: V,
    candidates: impl Iterator<Item = V>,
) -> V {
    let (mut total, mut moment) = (V::splat(0.0), V::splat(0.0));
    for candidate in candidates {
        // A candidate that cannot win is infinitely far, and has no weight, however soft the maximum.
        let distance = clamp(candidate.sub(best), [f32::MIN, f32::MAX]);
        let near = V::splat(f32::MAX).gt(distance.abs());
        let weight = V::select(near, exp_to_1(distance.mul(sharpness)), V::splat(0.0));
        total = total.add(weight);
        moment = weight.mul_add(distance, moment);
    }
    let beyond = match rule {
        PoolRule::Mean => moment.div(total),
        PoolRule::LogPartition => log_from_1(total).div(sharpness),
    };
    best.add(beyond)
}
