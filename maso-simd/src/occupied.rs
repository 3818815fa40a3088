//! Inputs that are not zero: images have wide margins of nothing, and whole layers may be off. A product with zero
//! changes no sum but the sign of a zero, which sums have not (see [`contract`](crate::contract)), so kernels pass over
//! inputs that are zero in all rows that they hold at once.
//!
//! ```
//! use maso_simd::{Kernels, Occupied, Tier};
//! let mut row = vec![0.0; 1000];
//! row[600] = 1.0;
//! let (kernels, mut occupied) = (Kernels::of(Tier::best()), Occupied::default());
//! assert!(kernels.occupied_rows(&row, 1000, 1, 1000, &mut occupied).is_some());
//! row.fill(1.0);
//! assert!(kernels.occupied_rows(&row, 1000, 1, 1000, &mut occupied).is_none(), "nothing to gain");
//! ```

use crate::{Kernels, Norms, PANEL};

/// Fewer inputs are not looked through: it would take longer than it saves.
const FEWEST: usize = 128;
/// A sum gains if at least one of so many inputs is zero.
const RARE: usize = 8;
/// Rows that tell whether all others are worth a look.
const SAMPLE: usize = 6;

/// Which inputs are not zero, in each row of a block, or in any of [`PANEL`] rows; see [`Kernels::occupied_rows`] and
/// [`Kernels::occupied_lanes`].
#[derive(Clone, Debug, Default)]
pub struct Occupied {
    words: usize,
    /// `words` for each row; bit i of word w for input 64 w + i.
    masks: Vec<u64>,
}

impl Occupied {
    /// The words of the rows from `row` on, and how many each has.
    #[inline(always)]
    pub(crate) fn rows_from(&self, row: usize) -> (&[u64], usize) {
        (&self.masks[row * self.words..], self.words)
    }

    pub(crate) fn check(&self, rows: usize, inputs: usize) {
        assert_eq!(self.words, inputs.div_ceil(64), "a bit for each input");
        assert!(self.masks.len() >= rows * self.words, "words for each row");
    }

    fn clear(&mut self, rows: usize, inputs: usize) {
        self.words = inputs.div_ceil(64);
        self.masks.clear();
        self.masks.resize(rows * self.words, 0);
    }

    /// Whether few enough of `inputs` have a bit in any of the first `rows` rows.
    fn has_gaps(&self, rows: usize, inputs: usize) -> bool {
        let of_word =
            |word: usize| (0..rows).fold(0, |all, row| all | self.masks[row * self.words + word]);
        let ones: u32 = (0..self.words).map(|word| of_word(word).count_ones()).sum();
        (inputs - ones as usize) * RARE >= inputs
    }
}

impl Kernels {
    /// Looks which of the first `depth` numbers of `rows` rows, `ldx` apart, are not zero; none if too few are zero in the
    /// first rows together for a block to gain.
    ///
    /// # Panics
    /// If `x` is too short.
    pub fn occupied_rows<'o>(
        &self,
        x: &[f32],
        ldx: usize,
        rows: usize,
        depth: usize,
        occupied: &'o mut Occupied,
    ) -> Option<&'o Occupied> {
        if depth < FEWEST || rows == 0 {
            return None;
        }
        occupied.clear(rows, depth);
        for row in 0..rows {
            let mask = &mut occupied.masks[row * occupied.words..][..occupied.words];
            (self.occupied_row)(&x[row * ldx..][..depth], mask);
            let seen = row + 1;
            if seen == SAMPLE.min(rows) && !occupied.has_gaps(seen, depth) {
                return None;
            }
        }
        Some(occupied)
    }

    /// How large the first `depth` numbers of `rows` rows, `ldx` apart, are, as [`norms`](Self::norms), and at the same
    /// time which of them are not zero, as [`occupied_rows`](Self::occupied_rows): each row is read once. Numbers that
    /// are NaN may count as zeros: their row's squares are NaN, so that it can be refused.
    ///
    /// # Panics
    /// If `x` is too short.
    pub fn norms_of_rows<'o>(
        &self,
        x: &[f32],
        ldx: usize,
        rows: usize,
        depth: usize,
        (norms, occupied): (&mut Vec<Norms>, &'o mut Occupied),
    ) -> Option<&'o Occupied> {
        let words = if depth < FEWEST { 0 } else { depth.div_ceil(64) };
        occupied.clear(rows, words * 64);
        norms.clear();
        norms.resize(rows, Norms::default());
        assert!(rows == 0 || x.len() >= (rows - 1) * ldx + depth, "x is short");
        (self.norms)(x, [ldx, depth], &mut occupied.masks, norms);
        let looked = words > 0 && rows > 0;
        (looked && occupied.has_gaps(SAMPLE.min(rows), depth)).then_some(occupied)
    }

    /// Looks which vectors of `lanes` are not zero in all lanes; none if too many are not.
    ///
    /// # Panics
    /// If `lanes` is not whole vectors.
    pub fn occupied_lanes<'o>(
        &self,
        lanes: &[f32],
        occupied: &'o mut Occupied,
    ) -> Option<&'o Occupied> {
        let (lanes, rest) = lanes.as_chunks::<PANEL>();
        assert!(rest.is_empty(), "whole vectors");
        if lanes.len() < FEWEST {
            return None;
        }
        occupied.clear(1, lanes.len());
        (self.occupied_lanes)(lanes, &mut occupied.masks);
        occupied.has_gaps(1, lanes.len()).then_some(occupied)
    }
}
