//! What the functionals are between two matrices: factors of the units that they depend on.

use std::ops::Range;

use maso_simd::{PRODUCT_LANES, bits};

use super::Codes;
use super::panels::{COLUMNS, ChainEnd};
use crate::network::{Node, ScalarSpline};
use crate::pack::parameters::Packed;

/// What keeps rows of a power of two numbers from falling on the same lines of the cache.
const SKEW: usize = 16;

/// The slopes of a layer's pieces, and where its bits are.
#[derive(Clone, Debug)]
pub(super) struct ChainGate {
    first_bit: usize,
    slopes: Vec<Packed>,
}

impl ChainGate {
    pub(super) fn new(spline: &ScalarSpline, node: &Node, first_bit: usize) -> Self {
        let pack = |slope| Packed::new(slope, 0..node.len());
        Self { first_bit, slopes: spline.slopes.iter().map(pack).collect() }
    }

    /// Multiplies the slope of each unit in a row's code to `slopes`.
    fn apply(&self, code: &[u64], slopes: &mut [f32]) {
        let width = bits::width(self.slopes.len());
        if let [Packed::Splat(first), Packed::Splat(second)] = self.slopes[..] {
            for (word, slopes) in slopes.chunks_mut(64).enumerate() {
                let field = bits::extract(code, self.first_bit + word * 64, slopes.len());
                for (unit, slope) in slopes.iter_mut().enumerate() {
                    *slope *= if field >> unit & 1 == 1 { second } else { first };
                }
            }
            return;
        }
        for (unit, slope) in slopes.iter_mut().enumerate() {
            let piece = bits::extract(code, self.first_bit + unit * width, width);
            *slope *= self.slopes[piece as usize].at(unit);
        }
    }
}

/// For each row of a tile, the units that the functionals depend on, and how.
#[derive(Debug, Default)]
pub(super) struct Factors {
    /// Units there may be: the distance between what belongs to different rows.
    units: usize,
    pub(super) counts: Vec<usize>,
    chosen: Vec<u32>,
    /// The slope of each chosen unit.
    slopes: Vec<f32>,
    /// Chosen units whose factors are there.
    taken: Vec<usize>,
    /// Whether factors say what is to be added to the product at a chain's end.
    pub(super) from_end: Vec<bool>,
    /// Slopes of all units of a row.
    all: Vec<f32>,
    /// For each row, each functional's factors of the chosen units.
    pub(super) numbers: Vec<f32>,
    pub(super) functionals: usize,
    /// Distance between functionals.
    pub(super) stride: usize,
}

impl Factors {
    fn make_room(&mut self, rows: usize, functionals: usize, units: usize) {
        (self.units, self.functionals) = (units, functionals);
        self.stride = units.next_multiple_of(PRODUCT_LANES) + SKEW;
        self.counts.clear();
        self.from_end.clear();
        self.taken.clear();
        self.taken.resize(rows, 0);
        self.chosen.resize(rows * units, 0);
        self.slopes.resize(rows * units, 0.0);
        let needed = rows * functionals * self.stride;
        if self.numbers.len() < needed {
            self.numbers.resize(needed, 0.0);
        }
    }

    /// Finds the slopes of a row's units.
    fn find_slopes(&mut self, gates: &[ChainGate], code: &[u64]) {
        self.all.clear();
        self.all.resize(self.units, 1.0);
        gates.iter().for_each(|gate| gate.apply(code, &mut self.all));
    }

    /// Chooses the units of the next row whose slopes are not `base`, and keeps the differences.
    fn choose_row(&mut self, base: f32) {
        let first = self.counts.len() * self.units;
        let chosen = &mut self.chosen[first..][..self.units];
        let slopes = &mut self.slopes[first..][..self.units];
        let mut count = 0;
        for (unit, &slope) in self.all.iter().enumerate() {
            // Written in any case, and kept where it counts: no branch to guess.
            (chosen[count], slopes[count]) = (unit as u32, slope - base);
            count += usize::from(slope != base);
        }
        self.counts.push(count);
        self.from_end.push(base != 0.0);
    }

    /// Chooses the units of each row whose slopes are not zero.
    pub(super) fn choose(
        &mut self,
        gates: &[ChainGate],
        codes: Codes<'_>,
        functionals: usize,
        units: usize,
    ) {
        self.make_room(codes.rows, functionals, units);
        for row in 0..codes.rows {
            self.find_slopes(gates, codes.row(row));
            self.choose_row(0.0);
        }
    }

    /// The outputs as functionals of the units before the last matrix: all of them, or those whose slopes are
    /// not 1 and how far they are from it, if these are fewer.
    pub(super) fn start_at_end(
        &mut self,
        end: &ChainEnd,
        gates: &[ChainGate],
        codes: Codes<'_>,
        functionals: Range<usize>,
    ) {
        let units = end.last.len() / end.product.units;
        self.make_room(codes.rows, functionals.len(), units);
        for row in 0..codes.rows {
            self.find_slopes(gates, codes.row(row));
            let base = if self.is_best_taken_off(&end.sizes) { 1.0 } else { 0.0 };
            self.choose_row(base);
            let count = self.counts[row];
            let chosen = &self.chosen[row * units..][..count];
            let slopes = &self.slopes[row * units..][..count];
            for (i, functional) in functionals.clone().enumerate() {
                let at = (row * self.functionals + i) * self.stride;
                let weights = &end.last[functional * units..][..units];
                for (k, number) in self.numbers[at..][..count].iter_mut().enumerate() {
                    *number = slopes[k] * weights[chosen[k] as usize];
                }
            }
        }
    }

    /// Whether the row's factors are better taken off the whole product: more units are on than off, and what is
    /// taken off is no larger than what stays, so that little cancels.
    fn is_best_taken_off(&self, sizes: &[f64]) -> bool {
        let are = |value: f32| self.all.iter().filter(|&&slope| slope == value).count();
        let sum = |part: fn(f32) -> f32| -> f64 {
            let parts = self.all.iter().zip(sizes).filter(|(slope, _)| part(**slope) != 0.0);
            parts.map(|(slope, size)| f64::from(part(*slope).abs()) * size).sum()
        };
        let (off, stays) = (sum(|slope| slope - 1.0), sum(|slope| slope));
        are(1.0) > are(0.0) && off.is_finite() && off <= 2.0 * stays
    }

    /// The outputs themselves as functionals.
    pub(super) fn start(
        &mut self,
        gates: &[ChainGate],
        codes: Codes<'_>,
        functionals: Range<usize>,
        outputs: usize,
    ) {
        self.choose(gates, codes, functionals.len(), outputs);
        for row in 0..codes.rows {
            for functional in 0..self.functionals {
                let at = (row * self.functionals + functional) * self.stride;
                for k in 0..self.counts[row] {
                    let place = row * self.units + k;
                    let own = self.chosen[place] as usize == functionals.start + functional;
                    self.numbers[at + k] = if own { self.slopes[place] } else { 0.0 };
                }
            }
        }
    }

    pub(super) fn chosen(&self, row: usize) -> &[u32] {
        &self.chosen[row * self.units..][..self.counts[row]]
    }

    /// Takes the functionals' sums of the panel of units from `first` on, those of chosen units alone. Panels
    /// come in order.
    pub(super) fn take(&mut self, row: usize, first: usize, sums: &[f32]) {
        let (all, cursor) = (&self.chosen[row * self.units..][..self.counts[row]], self.taken[row]);
        let inside = all[cursor..].iter().take_while(|&&unit| (unit as usize) < first + COLUMNS);
        let end = cursor + inside.count();
        self.taken[row] = end;
        let (chosen, slopes) = (&all[cursor..end], &self.slopes[row * self.units..][cursor..end]);
        for (functional, sums) in sums.chunks_exact(COLUMNS).enumerate() {
            let at = (row * self.functionals + functional) * self.stride + cursor;
            let numbers = &mut self.numbers[at..][..chosen.len()];
            for ((number, &unit), slope) in numbers.iter_mut().zip(chosen).zip(slopes) {
                *number = slope * sums[unit as usize - first];
            }
        }
    }

    /// Writes functionals of the inputs as rows of each matrix.
    pub(super) fn write(&self, matrices: &mut [f32], functionals: Range<usize>, outputs: usize) {
        let inputs = self.units;
        for row in 0..self.counts.len() {
            let chosen = self.chosen(row);
            for (i, functional) in functionals.clone().enumerate() {
                let out = &mut matrices[(row * outputs + functional) * inputs..][..inputs];
                let at = (row * self.functionals + i) * self.stride;
                let numbers = &self.numbers[at..][..chosen.len()];
                if chosen.len() == inputs {
                    out.copy_from_slice(numbers);
                    continue;
                }
                out.fill(0.0);
                chosen.iter().zip(numbers).for_each(|(&unit, number)| out[unit as usize] = *number);
            }
        }
    }
}
