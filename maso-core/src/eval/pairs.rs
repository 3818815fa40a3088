//! Pairs of a row and an axis of the output or the input, across lanes.

use std::ops::Range;

use maso_simd::PANEL;

use crate::pack::chain::Codes;

/// Up to [`PANEL`] pairs, counted through all axes of a row and then on to the next.
pub(super) struct Pairs {
    pub(super) all: Range<usize>,
    pub(super) axes: usize,
}

impl Pairs {
    pub(super) fn split(rows: usize, axes: usize) -> impl Iterator<Item = Self> {
        let end = rows * axes;
        (0..end)
            .step_by(PANEL)
            .map(move |start| Self { all: start..(start + PANEL).min(end), axes })
    }

    /// Puts a 1 to each lane's axis, over zeros.
    pub(super) fn fill_axes(&self, lanes: &mut [f32]) {
        for (lane, pair) in self.all.clone().enumerate() {
            lanes[pair % self.axes * PANEL + lane] = 1.0;
        }
    }

    /// The bits of each lane's row, as words of lanes. Lanes without a pair repeat the last: a piece that a
    /// unit has not would be no piece.
    pub(super) fn fill_planes(&self, codes: Codes<'_>, bits: usize, planes: &mut Vec<u32>) {
        planes.clear();
        planes.resize(bits, 0);
        let mut lane = 0;
        while lane < self.all.len() {
            let pair = self.all.start + lane;
            let own = self.axes - pair % self.axes;
            let last = lane + own >= self.all.len();
            let count = if last { PANEL - lane } else { own };
            let lanes = u32::MAX >> (PANEL - count);
            let code = codes.row(pair / self.axes);
            for (planes, word) in planes.chunks_mut(64).zip(code) {
                for (bit, plane) in planes.iter_mut().enumerate() {
                    *plane |= ((word >> bit & 1) as u32 * lanes) << lane;
                }
            }
            lane += count;
        }
    }
}
