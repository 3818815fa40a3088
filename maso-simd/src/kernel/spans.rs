//! Which inputs of a sum are not zero, and the spans of them that a tile goes through.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Vector;
use super::spline::load_some;
use crate::PANEL;
use crate::bits::low_mask;
use crate::occupied::Occupied;

/// Bit i of the mask: whether number i of `row` is not zero.
#[inline(always)]
pub(crate) fn occupied_row<V: Vector>(row: &[f32], mask: &mut [u64]) {
    for (numbers, mask) in row.chunks(64).zip(mask) {
        *mask = 0;
        for (register, numbers) in numbers.chunks(V::LANES).enumerate() {
            *mask |= other_than_zero::<V>(load_some::<V>(numbers).abs()) << (register * V::LANES);
        }
    }
}

/// Bit i of the mask: whether vector i is not zero in all lanes.
#[inline(always)]
pub(crate) fn occupied_lanes<V: Vector>(lanes: &[[f32; PANEL]], mask: &mut [u64]) {
    for (vectors, mask) in lanes.chunks(64).zip(mask) {
        *mask = 0;
        for (i, vector) in vectors.iter().enumerate() {
            let mut size = V::splat(0.0);
            for v in 0..PANEL / V::LANES {
                size = size.add(V::load(&vector[v * V::LANES..]).abs());
            }
            *mask |= u64::from(other_than_zero::<V>(size) != 0) << i;
        }
    }
}

/// Bit i: whether the size in lane i is above 0, or NaN.
#[inline(always)]
fn other_than_zero<V: Vector>(size: V) -> u64 {
    let (numbers, above) = (size.gt(V::splat(-1.0)), size.gt(V::splat(0.0)));
    u64::from(V::bits(above)) | !u64::from(V::bits(numbers)) & low_mask(V::LANES)
}

/// The spans of inputs that are not all zero in `MR` rows. Short gaps are in them: a loop that ends and begins again
/// takes longer.
pub(super) struct Spans<'a, const MR: usize> {
    masks: &'a [u64],
    words: usize,
    /// The word that is next, and what is left of the last.
    word: usize,
    bits: u64,
    to: usize,
}

impl<'a, const MR: usize> Spans<'a, MR> {
    /// Of the inputs `from..to` of the rows from `row` on; `from` is a multiple of 64.
    #[inline(always)]
    pub(super) fn new(occupied: &'a Occupied, row: usize, [from, to]: [usize; 2]) -> Self {
        let (masks, words) = occupied.rows_from(row);
        Self { masks, words, word: from / 64, bits: 0, to }
    }

    /// The next word, with gaps of up to three closed: zeros become ones where there is a one up to three places below,
    /// and, of these, those stay that have nothing but ones up to three places above. What is beyond the word counts
    /// as zeros below and ones above: the gap there may stay, or be gone through.
    #[inline(always)]
    fn next_word(&mut self) -> u64 {
        let mut ones = 0;
        for m in 0..MR {
            ones |= self.masks[m * self.words + self.word];
        }
        self.word += 1;
        let wide = ones | ones << 1 | ones << 2 | ones << 3;
        wide & (wide >> 1 | 1 << 63) & (wide >> 2 | 0b11 << 62) & (wide >> 3 | 0b111 << 61)
    }

    /// The first input of the next span, and the one behind its last.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<[usize; 2]> {
        let end = self.to.div_ceil(64);
        while self.bits == 0 {
            if self.word == end {
                return None;
            }
            self.bits = self.next_word();
        }
        let first = self.bits.trailing_zeros() as usize;
        let from = (self.word - 1) * 64 + first;
        let mut ones = first + (self.bits >> first).trailing_ones() as usize;
        while ones == 64 && self.word < end {
            self.bits = self.next_word();
            ones = self.bits.trailing_ones() as usize;
        }
        let to = (self.word - 1) * 64 + ones;
        self.bits &= !low_mask(ones);
        Some([from, to.min(self.to)])
    }
}
