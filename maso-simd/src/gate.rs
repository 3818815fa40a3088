//! Pieces that were taken before, applied to other numbers: slopes of scalar splines, and winners of
//! windows. The bits are planes, as [`windows`](crate::windows) makes them.

use crate::kernels::{MOST_PIECES, Param};
use crate::windows::Windows;
use crate::{PANEL, bits};

/// Each number times the slope of its unit's piece, in place.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// One for each of up to [`MOST_PIECES`] pieces. [`Param::Lanes`] has one for each number, [`Param::Rows`] one
    /// for each [`PANEL`] of them.
    pub slopes: &'a [Param<'a>],
    /// For each [`PANEL`] numbers, the words of their pieces' bits; they name no piece that there is not.
    pub planes: &'a [u32],
}

impl Gate<'_> {
    pub(crate) fn check(&self, numbers: usize) {
        let vectors = numbers.div_ceil(PANEL);
        assert!((1..=MOST_PIECES).contains(&self.slopes.len()), "one to {MOST_PIECES} pieces");
        let words = bits::width(self.slopes.len());
        assert!(self.planes.len() >= vectors * words, "a word for each bit");
        self.slopes.iter().for_each(|slopes| slopes.check(vectors, numbers));
    }
}

/// Which tap of each window of each plane won, in [`PANEL`] rows.
#[derive(Clone, Copy, Debug)]
pub struct Winners<'a> {
    /// Planes.
    pub planes: usize,
    /// Distance between planes of the input.
    pub plane: usize,
    /// What each cell reads: at least one tap.
    pub windows: &'a Windows,
    /// Taps of a window, padding counted.
    pub taps: usize,
    /// For each unit, the words of its winner's bits; they name no padding.
    pub bits: &'a [u32],
}

impl Winners<'_> {
    /// Checks that `input` and `output` vectors are enough.
    pub(crate) fn check(&self, input: usize, output: usize) {
        let units = self.planes * self.windows.cells();
        self.windows.check(input / PANEL, self.planes, self.plane, self.taps);
        assert!(self.windows.are_filled(), "every window has a tap");
        assert!(output >= units * PANEL, "the output is short");
        assert!(self.bits.len() >= units * bits::width(self.taps), "a word for each bit");
    }
}

/// The rows in which `piece` is the one that `words` name, bit by bit.
#[inline(always)]
#[must_use]
pub fn rows_of_piece(words: &[u32], piece: u32) -> u32 {
    let agree = |(bit, word): (usize, &u32)| if piece >> bit & 1 == 1 { *word } else { !*word };
    words.iter().enumerate().map(agree).fold(u32::MAX, |rows, word| rows & word)
}
