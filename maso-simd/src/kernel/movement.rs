//! Between rows and lanes: numbers of [`PANEL`] rows side by side and back, and bits of [`PANEL`] rows to
//! the words of each row's code. And whether numbers are finite, before they are moved.

use super::Vector;
use super::spline::load_some;
use super::watch::Finite;
use crate::PANEL;

/// Whether all numbers are finite.
#[inline(always)]
pub(crate) fn finite<V: Vector>(numbers: &[f32]) -> bool {
    let mut finite = [Finite::<V>::new(); 4];
    for registers in numbers.chunks(4 * V::LANES) {
        for (finite, numbers) in finite.iter_mut().zip(registers.chunks(V::LANES)) {
            finite.number(load_some(numbers));
        }
    }
    finite.into_iter().all(Finite::all)
}

/// Rows, at most [`PANEL`], to vectors of lanes; missing rows repeat the last.
#[inline(always)]
pub(crate) fn to_lanes<V: Vector>(rows: &[f32], stride: usize, width: usize, lanes: &mut [f32]) {
    let count = (rows.len() + stride - width) / stride;
    for first in (0..PANEL).step_by(V::LANES) {
        let blocks = if first + V::LANES <= count { width / V::LANES } else { 0 };
        for block in 0..blocks {
            let at = block * V::LANES;
            V::transpose(
                &rows[first * stride + at..],
                stride,
                &mut lanes[at * PANEL + first..],
                PANEL,
            );
        }
        for column in blocks * V::LANES..width {
            for lane in first..first + V::LANES {
                lanes[column * PANEL + lane] = rows[lane.min(count - 1) * stride + column];
            }
        }
    }
}

/// The first rows of vectors of lanes, as many as `rows` has room for.
#[inline(always)]
pub(crate) fn from_lanes<V: Vector>(lanes: &[f32], width: usize, rows: &mut [f32]) {
    let count = rows.len() / width;
    for first in (0..count).step_by(V::LANES) {
        let blocks = if first + V::LANES <= count { width / V::LANES } else { 0 };
        for block in 0..blocks {
            let at = block * V::LANES;
            V::transpose(
                &lanes[at * PANEL + first..],
                PANEL,
                &mut rows[first * width + at..],
                width,
            );
        }
        for row in first..(first + V::LANES).min(count) {
            for column in blocks * V::LANES..width {
                rows[row * width + column] = lanes[column * PANEL + row];
            }
        }
    }
}

/// Bits of all rows, a word for each bit, to each row's words.
#[inline(always)]
pub(crate) fn codes(planes: &[u32], words: usize, codes: &mut [u64]) {
    let rows = codes.len() / words;
    for (word, planes) in planes.chunks(64).enumerate() {
        let square = turned(planes);
        for row in 0..rows {
            codes[row * words + word] = square[row];
        }
    }
}

/// Two squares of bits side by side, each turned about its diagonal (Warren, *Hacker's Delight*, 7–3):
/// halves, quarters, … are exchanged.
#[inline(always)]
fn turned(planes: &[u32]) -> [u64; PANEL] {
    let (low, high) = planes.split_at(planes.len().min(PANEL));
    let mut square = [0u64; PANEL];
    square.iter_mut().zip(low).for_each(|(pair, &plane)| *pair = plane.into());
    square.iter_mut().zip(high).for_each(|(pair, &plane)| *pair |= u64::from(plane) << 32);
    exchange::<16>(&mut square, 0x0000_FFFF_0000_FFFF);
    exchange::<8>(&mut square, 0x00FF_00FF_00FF_00FF);
    exchange::<4>(&mut square, 0x0F0F_0F0F_0F0F_0F0F);
    exchange::<2>(&mut square, 0x3333_3333_3333_3333);
    exchange::<1>(&mut square, 0x5555_5555_5555_5555);
    square
}

#[inline(always)]
fn exchange<const STEP: usize>(square: &mut [u64; PANEL], mask: u64) {
    for base in (0..PANEL).step_by(2 * STEP) {
        for i in base..base + STEP {
            let moved = ((square[i] >> STEP) ^ square[i + STEP]) & mask;
            square[i] ^= moved << STEP;
            square[i + STEP] ^= moved;
        }
    }
}
