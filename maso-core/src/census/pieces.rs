//! How often each unit was on each of its pieces.

use maso_simd::bits;

/// Counts of one layer's pieces.
#[derive(Clone, Debug)]
pub(super) enum PieceCounts {
    /// One bit a unit: how often it was set.
    Bits(BitCounts),
    /// `units × pieces` counts.
    Fields {
        /// Pieces of each unit.
        pieces: usize,
        /// Units before units, pieces within.
        counts: Vec<u64>,
    },
}

/// Rows on each bit, counted 64 bits at once: plane p of a word holds bit p of 64 small counters, which are emptied into
/// wide ones before they overflow. Codes wait until there are eight, which the lowest three planes take in together.
#[derive(Clone, Debug)]
pub(super) struct BitCounts {
    units: usize,
    planes: Vec<[u64; PLANES]>,
    waiting: Vec<[u64; EIGHT]>,
    pending: usize,
    rows: u64,
    set: Vec<u64>,
}

const PLANES: usize = 12;
const EIGHT: usize = 8;

impl BitCounts {
    fn new(units: usize) -> Self {
        let words = units.div_ceil(64);
        Self {
            units,
            planes: vec![[0; PLANES]; words],
            waiting: vec![[0; EIGHT]; words],
            pending: 0,
            rows: 0,
            set: vec![0; units],
        }
    }

    fn count(&mut self, code: &[u64]) {
        let place = self.pending % EIGHT;
        for (waiting, word) in self.waiting.iter_mut().zip(code) {
            waiting[place] = *word;
        }
        self.rows += 1;
        self.pending += 1;
        if place == EIGHT - 1 {
            self.take_in();
        }
        if self.pending == (1 << PLANES) - EIGHT {
            self.empty();
        }
    }

    /// Moves eight codes into the planes.
    fn take_in(&mut self) {
        for (planes, waiting) in self.planes.iter_mut().zip(&mut self.waiting) {
            let [ones, twos, fours, higher @ ..] = planes;
            let [a, b, c, d, e, f, g, h] = std::mem::take(waiting);
            let two = [add(ones, a, b), add(ones, c, d), add(ones, e, f), add(ones, g, h)];
            let four = [add(twos, two[0], two[1]), add(twos, two[2], two[3])];
            let mut carry = add(fours, four[0], four[1]);
            for plane in higher {
                if carry == 0 {
                    break;
                }
                (*plane, carry) = (*plane ^ carry, *plane & carry);
            }
        }
    }

    /// Counts rows that share a code in the wide counters.
    fn count_many(&mut self, code: &[u64], times: u64) {
        for (index, &word) in code.iter().enumerate() {
            let mut left = word;
            while left != 0 {
                self.set[64 * index + left.trailing_zeros() as usize] += times;
                left &= left - 1;
            }
        }
        self.rows += times;
    }

    /// Moves the small counters into the wide ones.
    fn empty(&mut self) {
        for unit in 0..self.units {
            self.set[unit] += self.small(unit);
        }
        self.planes.fill([0; PLANES]);
        self.pending = 0;
    }

    /// The small counter of `unit`, and what waits for it.
    fn small(&self, unit: usize) -> u64 {
        let bit = |word: &u64| word >> (unit % 64) & 1;
        let planes = self.planes[unit / 64].iter().enumerate();
        let waiting = self.waiting[unit / 64].iter().map(bit);
        planes.map(|(p, plane)| bit(plane) << p).chain(waiting).sum()
    }
}

/// Adds two bits to each of 64 counters of one bit; what is carried.
fn add(counters: &mut u64, a: u64, b: u64) -> u64 {
    let half = *counters ^ a;
    let carry = *counters & a | half & b;
    *counters = half ^ b;
    carry
}

impl PieceCounts {
    pub(super) fn new(units: usize, pieces: usize) -> Self {
        if pieces == 2 {
            return Self::Bits(BitCounts::new(units));
        }
        Self::Fields { pieces, counts: vec![0; units * pieces] }
    }

    /// Counts the layer bits of `times` rows.
    pub(super) fn count(&mut self, code: &[u64], times: u64) {
        match self {
            Self::Bits(counts) if times == 1 => counts.count(code),
            Self::Bits(counts) => counts.count_many(code, times),
            Self::Fields { pieces, counts } => {
                let width = bits::width(*pieces);
                for (unit, counts) in counts.chunks_exact_mut(*pieces).enumerate() {
                    counts[bits::extract(code, unit * width, width) as usize] += times;
                }
            }
        }
    }

    /// Units.
    pub(super) fn units(&self) -> usize {
        match self {
            Self::Bits(counts) => counts.units,
            Self::Fields { pieces, counts } => counts.len() / pieces,
        }
    }

    /// Rows on each piece of `unit`.
    pub(super) fn of_unit(&self, unit: usize) -> Vec<u64> {
        match self {
            Self::Bits(counts) => {
                let set = counts.set[unit] + counts.small(unit);
                vec![counts.rows - set, set]
            }
            Self::Fields { pieces, counts } => counts[unit * pieces..][..*pieces].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_counts_equal_counting_one_by_one_past_the_small_counters() {
        let units = 70;
        let mut counts = PieceCounts::new(units, 2);
        let mut slow = vec![0u64; units];
        let (mut state, mut rows) = (1u64, 0);
        for _ in 0..2 << PLANES {
            let code: Vec<u64> = (0..2)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                    state ^ state >> 29
                })
                .collect();
            let code = [code[0], code[1] & bits::low_mask(units - 64)];
            let times = if code[0].is_multiple_of(3) { 5 } else { 1 };
            rows += times;
            counts.count(&code, times);
            for (unit, slow) in slow.iter_mut().enumerate() {
                *slow += times * bits::extract(&code, unit, 1);
            }
        }
        for (unit, set) in slow.into_iter().enumerate() {
            assert_eq!(counts.of_unit(unit), [rows - set, set], "unit {unit}");
        }
    }
}
