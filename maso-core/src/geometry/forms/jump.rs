//! A dense node behind a scalar layer: straight from the layer's pre-activations, without its outputs in between,
//! and from one cell to a neighbour by the columns of the units that change.

use super::matrix::{Chosen, Matrix};
use super::push::{Path, gated, gated_norm, scaled};
use super::{Forms, Plan, ROUNDING};
use crate::network::{NodeId, PerUnit, ScalarSpline};

/// Sizes are measured again once their bound has grown this much.
const GROWN: f64 = 1.5;

/// A dense node behind a scalar layer.
#[derive(Debug)]
pub(super) struct Jump {
    /// The layer's stage.
    pub(super) stage: usize,
    /// What the layer reads.
    pub(super) source: NodeId,
    spline: ScalarSpline,
    /// Slope and offset below and above the knot, if all units have one knot and the same two pieces.
    halves: Option<[(f64, f64); 2]>,
    matrix: Matrix,
}

impl Jump {
    pub(super) fn new(matrix: Matrix, stage: usize, source: NodeId, spline: ScalarSpline) -> Self {
        let halves = match (&spline.slopes[..], &spline.offsets[..]) {
            ([left, right], [below, above]) => {
                let half =
                    |slope: &PerUnit, offset: &PerUnit| slope.as_uniform().zip(offset.as_uniform());
                half(left, below).zip(half(right, above)).map(|(left, right)| [left, right])
            }
            _ => None,
        };
        Self { stage, source, spline, halves, matrix }
    }
}

impl Plan<'_> {
    /// The product with what is on.
    pub(super) fn jump_over(
        &self,
        jump: &Jump,
        source: &Forms,
        path: &Path,
        chosen: &mut Chosen,
        out: &mut Forms,
    ) {
        chosen.clear();
        let words = &path[jump.stage];
        match jump.halves {
            Some([(0.0, 0.0), above]) => self.choose_above(source, words, above, chosen),
            Some(halves) => self.choose_halves(source, words, halves, chosen),
            None => self.choose(jump, source, words, chosen),
        }
        jump.matrix.sum(self, chosen, out);
    }

    /// Units that are off below their knots: those above.
    fn choose_above(
        &self,
        source: &Forms,
        words: &[u64],
        (slope, offset): (f64, f64),
        chosen: &mut Chosen,
    ) {
        for (first, &word) in (0..).step_by(64).zip(words) {
            let mut bits = word;
            while bits != 0 {
                let unit = first + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                chosen.push(unit, scaled(source.form(unit), slope, offset), self.reach);
            }
        }
        chosen.bounds = gated(source.bounds, slope, offset);
        chosen.error_norm = gated_norm(source, slope, offset);
    }

    /// Units of the same two pieces.
    fn choose_halves(
        &self,
        source: &Forms,
        words: &[u64],
        halves: [(f64, f64); 2],
        chosen: &mut Chosen,
    ) {
        for unit in 0..source.len() {
            let (slope, offset) = halves[(words[unit / 64] >> (unit % 64) & 1) as usize];
            if slope != 0.0 || offset != 0.0 {
                chosen.push(unit, scaled(source.form(unit), slope, offset), self.reach);
            }
        }
        let bounds = halves.map(|(slope, offset)| gated(source.bounds, slope, offset));
        chosen.bounds = bounds[0].and(bounds[1]);
        let norms = halves.map(|(slope, offset)| gated_norm(source, slope, offset));
        chosen.error_norm = 1.01 * norms[0].hypot(norms[1]);
    }

    /// Units of any pieces.
    fn choose(&self, jump: &Jump, source: &Forms, words: &[u64], chosen: &mut Chosen) {
        for unit in 0..source.len() {
            let piece = self.stages[jump.stage].piece(words, unit);
            let slope = jump.spline.slopes[piece].at(unit);
            let offset = jump.spline.offsets[piece].at(unit);
            if slope != 0.0 || offset != 0.0 {
                chosen.push(unit, scaled(source.form(unit), slope, offset), self.reach);
                chosen.bounds = chosen.bounds.and(gated(source.bounds, slope, offset));
            }
        }
        chosen.error_norm = 1.01 * chosen.bounds.error * (source.len() as f64).sqrt();
    }

    /// Writes `from` to `to` with the rows of `flips` gone over to the other side of their knots; without `from` in
    /// place.
    pub(super) fn flip_jump(
        &self,
        jump: &Jump,
        source: &Forms,
        path: &Path,
        flips: &[u32],
        from: Option<&Forms>,
        to: &mut Forms,
    ) {
        debug_assert!(!flips.is_empty(), "a cell differs from its twin");
        if let Some(from) = from {
            to.numbers.resize(from.numbers.len(), 0.0);
            (to.len, to.stride) = (from.len, from.stride);
            (to.bounds, to.error_norm, to.measured) = (from.bounds, from.error_norm, from.measured);
        }
        for (i, &row) in flips.iter().enumerate() {
            let (unit, [slope, offset]) = jump.step(path, row as usize);
            let step = scaled(source.form(unit), slope, offset);
            let column = jump.matrix.column(unit);
            match from {
                Some(from) if i == 0 => {
                    self.kernels.add_column(&from.block(), column, step, &mut to.numbers);
                }
                _ => self.kernels.add_column_to(&mut to.numbers, column, step),
            }
            let largest = jump.matrix.largest(unit);
            self.widen(largest, source.bounds.error, step, [slope, offset], to);
        }
        if to.bounds.size > GROWN * to.measured {
            self.measure(to);
        }
    }

    /// What is known after a unit's change of slope and offset was added, its weights and their Euclidean norm being at
    /// most `largest` and `length`.
    fn widen(
        &self,
        [largest, length]: [f64; 2],
        error: f64,
        step: [f64; 3],
        [slope, offset]: [f64; 2],
        to: &mut Forms,
    ) {
        let bounds = &mut to.bounds;
        let size = step[0].abs() * self.reach[0] + step[1].abs() * self.reach[1] + step[2].abs();
        bounds.gradient += 1.01 * largest * (step[0].abs() + step[1].abs());
        bounds.size += 1.01 * largest * size;
        let of_step = 2.0 * ROUNDING * (size + offset.abs()) + slope.abs() * error;
        // One rounding of the product and one of the sum.
        let own = 0.51 * ROUNDING * (bounds.size + largest * size) + 4.0 * f64::MIN_POSITIVE;
        bounds.error += 1.01 * (largest * of_step + own);
        to.error_norm += 1.01 * (length * of_step + own * (to.len as f64).sqrt());
    }
}

impl Jump {
    /// How many units a full sum adds up.
    pub(super) fn terms(&self, path: &Path) -> usize {
        match self.halves {
            Some([(0.0, 0.0), _]) => {
                path[self.stage].iter().map(|word| word.count_ones() as usize).sum()
            }
            _ => self.matrix.depth(),
        }
    }

    /// The unit of a row, and the change of its slope and offset that brought it to where `path` says it is.
    fn step(&self, path: &Path, row: usize) -> (usize, [f64; 2]) {
        // Below and above the knot, whatever the unit's other knots are: slopes change by as much at each.
        let is_above = path[self.stage][row / 64] >> (row % 64) & 1 == 1;
        let (unit, change) = match self.halves {
            Some([(left, below), (right, above)]) => (row, [right - left, above - below]),
            None => {
                let per_unit = self.spline.knots.len();
                let (unit, knot) = (row / per_unit, row % per_unit);
                let step = |values: &[PerUnit]| values[knot + 1].at(unit) - values[knot].at(unit);
                (unit, [step(&self.spline.slopes), step(&self.spline.offsets)])
            }
        };
        (unit, change.map(|step| if is_above { step } else { -step }))
    }
}
