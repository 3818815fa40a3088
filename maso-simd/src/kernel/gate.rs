//! Slopes of the pieces that were taken, and winners picked out of their windows and put back.

use super::Vector;
use super::spline::{load, load_some};
use crate::bits::width;
use crate::gate::{Gate, Winners, rows_of_piece};
use crate::{PANEL, Param};

/// Runs `gate`; see [`Kernels::gate`](crate::Kernels::gate).
#[inline(always)]
pub(crate) fn gate<V: Vector>(gate: &Gate<'_>, numbers: &mut [f32]) {
    match gate.slopes {
        [] => {}
        [slope] => pieces::<V, 1>([slope], gate.planes, numbers),
        [first, second] => pieces::<V, 2>([first, second], gate.planes, numbers),
        [first, second, third] => pieces::<V, 3>([first, second, third], gate.planes, numbers),
        [first, second, third, fourth, ..] => {
            pieces::<V, 4>([first, second, third, fourth], gate.planes, numbers);
        }
    }
}

/// Slopes that are the same for all stay in registers.
#[inline(always)]
fn pieces<V: Vector, const R: usize>(slopes: [&Param<'_>; R], planes: &[u32], numbers: &mut [f32]) {
    if slopes.iter().all(|slope| matches!(slope, Param::Splat(_))) {
        let slopes = slopes.map(|slope| load::<V>(slope, 0, 0));
        return registers::<V, R>(|piece, _, _| slopes[piece], planes, numbers);
    }
    registers::<V, R>(|piece, row, lane| load::<V>(slopes[piece], row, lane), planes, numbers);
}

/// Register after register, each with the slope of its piece, vector and lane; the last may be filled in
/// part.
#[inline(always)]
fn registers<V: Vector, const R: usize>(
    slope: impl Fn(usize, usize, usize) -> V,
    planes: &[u32],
    numbers: &mut [f32],
) {
    let bits = width(R);
    for (vector, numbers) in numbers.chunks_mut(PANEL).enumerate() {
        let words = &planes[vector * bits..][..bits];
        for (register, numbers) in numbers.chunks_mut(V::LANES).enumerate() {
            let lane = register * V::LANES;
            let mut own = slope(0, vector, vector * PANEL + lane);
            // Bit p alone is piece p + 1; both bits are the fourth.
            for (bit, word) in words.iter().enumerate() {
                let other = slope(bit + 1, vector, vector * PANEL + lane);
                own = V::select(V::mask(word >> lane), other, own);
            }
            if R == 4 {
                let both = V::mask((words[0] & words[1]) >> lane);
                own = V::select(both, slope(3, vector, vector * PANEL + lane), own);
            }
            let product = own.mul(load_some(numbers));
            if numbers.len() == V::LANES {
                product.store(numbers);
            } else {
                product.store_part(numbers);
            }
        }
    }
}

/// Runs `winners`; see [`Kernels::pick`](crate::Kernels::pick).
#[inline(always)]
pub(crate) fn pick<V: Vector>(winners: &Winners<'_>, input: &[f32], out: &mut [f32]) {
    let (bits, cells) = (width(winners.taps), winners.windows.cells());
    let input = input.as_chunks::<PANEL>().0;
    let units = out.as_chunks_mut::<PANEL>().0.iter_mut().take(winners.planes * cells);
    for (unit, out) in units.enumerate() {
        let plane = &input[unit / cells * winners.plane..];
        let words = &winners.bits[unit * bits..][..bits];
        let window = winners.windows.window(unit % cells);
        for lane in (0..PANEL).step_by(V::LANES) {
            let mut picked = V::load(&plane[window[0].source as usize][lane..]);
            for tap in &window[1..] {
                let won = V::mask(rows_of_piece(words, tap.tap) >> lane);
                let number = V::load(&plane[tap.source as usize][lane..]);
                picked = V::select(won, number, picked);
            }
            picked.store(&mut out[lane..]);
        }
    }
}

/// Runs `winners` the other way; see [`Kernels::put_back`](crate::Kernels::put_back).
#[inline(always)]
pub(crate) fn put_back<V: Vector>(winners: &Winners<'_>, output: &[f32], input: &mut [f32]) {
    let (bits, cells) = (width(winners.taps), winners.windows.cells());
    let input = input.as_chunks_mut::<PANEL>().0;
    let units = output.as_chunks::<PANEL>().0.iter().take(winners.planes * cells);
    for (unit, output) in units.enumerate() {
        let plane = &mut input[unit / cells * winners.plane..];
        let words = &winners.bits[unit * bits..][..bits];
        for tap in winners.windows.window(unit % cells) {
            let won = rows_of_piece(words, tap.tap);
            let numbers = &mut plane[tap.source as usize];
            for lane in (0..PANEL).step_by(V::LANES) {
                let number = V::load(&numbers[lane..]);
                let sum = number.add(V::load(&output[lane..]));
                V::select(V::mask(won >> lane), sum, number).store(&mut numbers[lane..]);
            }
        }
    }
}
