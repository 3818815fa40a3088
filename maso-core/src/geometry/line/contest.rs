//! Stages where several candidates compete: the upper envelope of each unit's candidates along an interval.

use std::cmp::Ordering;

use hashbrown::HashMap;

use super::decide::{End, What, operands};
use super::walk::{Root, Walk, place};
use crate::geometry::forms::{Bounds, Contest, Operand, difference, value};

/// One unit on one interval.
struct Unit<'a> {
    stage: usize,
    contest: &'a Contest,
    unit: u32,
    interval: [End; 2],
    /// Signs of pairs at either end, as far as they were asked for.
    known: HashMap<(u32, u32, usize), Ordering>,
}

impl Unit<'_> {
    fn pair(&self, first: u32, second: u32) -> What {
        What::Pair { unit: self.unit, first, second }
    }

    fn operand(&self, candidate: u32) -> Operand {
        self.contest.candidates[self.unit as usize][candidate as usize].1
    }

    fn piece(&self, candidate: u32) -> u64 {
        self.contest.candidates[self.unit as usize][candidate as usize].0.into()
    }
}

impl<'p> Walk<'p, '_> {
    /// A stage that is a contest, on one interval.
    pub(super) fn by_contest(&mut self, stage: usize, contest: &'p Contest, interval: [End; 2]) {
        let (field, units) = (self.plan.stages[stage].field, self.plan.stages[stage].units);
        let mut words = vec![0; self.plan.stages[stage].words()];
        let mut roots = Vec::new();
        for unit in 0..units {
            let number = unit as u32;
            let mut unit = Unit { stage, contest, unit: number, interval, known: HashMap::new() };
            let first = self.envelope(&mut unit, number as usize * field, &mut roots);
            if field > 0 {
                let at = number as usize * field;
                maso_simd::bits::insert(&mut words, at, unit.piece(first), field);
            }
        }
        self.split(stage, interval, &mut words, &mut roots);
    }

    /// The candidate that wins first; adds the places where another one takes over. The unit's field begins at bit
    /// `at`.
    fn envelope(&mut self, unit: &mut Unit<'_>, at: usize, roots: &mut Vec<Root>) -> u32 {
        let candidates = self.rivals(unit);
        let after_start = |walk: &mut Self, unit: &mut Unit<'_>, old, new| {
            walk.ahead(unit, old, new, 0).then_with(|| walk.ahead(unit, old, new, 1))
        };
        let mut winner = candidates[0];
        for &new in &candidates[1..] {
            if after_start(self, unit, winner, new).is_gt() {
                winner = new;
            }
        }
        let first = winner;
        while let Some((mut root, next)) = self.next_winner(unit, &candidates, winner) {
            (root.at, root.bits) = (at, unit.piece(winner) ^ unit.piece(next));
            roots.push(root);
            winner = next;
        }
        first
    }

    /// Where a winner is overtaken first, and by which: of those that overtake at one place, the one that is ahead
    /// after it.
    fn next_winner(
        &mut self,
        unit: &mut Unit<'_>,
        candidates: &[u32],
        winner: u32,
    ) -> Option<(Root, u32)> {
        let mut next: Option<(Root, u32)> = None;
        for &rival in candidates {
            if rival == winner || self.ahead(unit, winner, rival, 1).is_le() {
                continue;
            }
            let root = self.pair_root(unit, winner, rival);
            let is_earlier = match next {
                None => true,
                Some((known, other)) => match self.compare(unit.stage, &root, &known) {
                    Ordering::Less => true,
                    Ordering::Equal => self.ahead(unit, other, rival, 1).is_gt(),
                    Ordering::Greater => false,
                },
            };
            if is_earlier {
                next = Some((root, rival));
            }
        }
        next
    }

    fn pair_root(&self, unit: &Unit<'_>, winner: u32, rival: u32) -> Root {
        let what = unit.pair(winner.min(rival), winner.max(rival));
        let (t, slack) = place(self.pair_form(unit.stage, what), unit.interval);
        // A pair's form is above 0 where the later one is ahead.
        Root { what, falls: winner > rival, t, slack, at: 0, bits: 0 }
    }

    fn pair_form(&self, stage: usize, what: What) -> ([f64; 3], Bounds) {
        let operands = operands(self.plan, stage, what);
        let [x, y] = operands.map(|operand| self.plan.operand(&self.frames, operand));
        let (form, bounds) = difference(x, y);
        (form, bounds.of_form(form, self.plan.reach))
    }

    /// Whether `new` is ahead of `old` (greater) or behind it at an end of the interval.
    fn ahead(&mut self, unit: &mut Unit<'_>, old: u32, new: u32, end: usize) -> Ordering {
        let (first, second) = (old.min(new), old.max(new));
        let sign = match unit.known.get(&(first, second, end)) {
            Some(&sign) => sign,
            None => {
                let what = unit.pair(first, second);
                let form = self.pair_form(unit.stage, what);
                let sign = self.sign(unit.stage, what, form, unit.interval[end]);
                unit.known.insert((first, second, end), sign);
                sign
            }
        };
        if old < new { sign } else { sign.reverse() }
    }

    /// The candidates that may win somewhere, in order; of those that are one function the first.
    fn rivals(&mut self, unit: &Unit<'_>) -> Vec<u32> {
        let count = unit.contest.candidates[unit.unit as usize].len() as u32;
        let mut left: Vec<u32> = (0..count).collect();
        for end in 0..2 {
            self.clear_losers_out(unit, end, &mut left);
        }
        let mut i = 0;
        while i < left.len() {
            let first = left[i];
            let mut place = 0;
            left.retain(|&other| {
                place += 1;
                place <= i + 1 || !self.are_one(unit, first, other)
            });
            i += 1;
        }
        left
    }

    /// Leaves out those that the best at an end beats clearly at both.
    fn clear_losers_out(&self, unit: &Unit<'_>, end: usize, left: &mut Vec<u32>) {
        if left.len() == 1 {
            return;
        }
        let sign = if unit.contest.smallest { -1.0 } else { 1.0 };
        let known = |candidate: u32| self.plan.operand(&self.frames, unit.operand(candidate));
        let height = |form, end: End| sign * value(form, [end.t, 0.0]);
        let ends = unit.interval;
        let best = left.iter().copied().reduce(|best, next| {
            let [a, b] = [best, next].map(|candidate| height(known(candidate).0, ends[end]));
            if b > a { next } else { best }
        });
        let best = best.expect("a unit has candidates");
        let (form, bounds) = known(best);
        left.retain(|&other| {
            let (other_form, other_bounds) = known(other);
            let loses = |end: End| {
                let limit = bounds.of_value(end.slack) + other_bounds.of_value(end.slack);
                height(form, end) - height(other_form, end) > limit
            };
            other == best || !ends.into_iter().all(loses)
        });
    }

    /// Whether two candidates are one function of t.
    fn are_one(&mut self, unit: &Unit<'_>, first: u32, second: u32) -> bool {
        let what = unit.pair(first, second);
        let (form, bounds) = self.pair_form(unit.stage, what);
        let differs = |end: End| value(form, [end.t, 0.0]).abs() > bounds.of_value(end.slack);
        if unit.interval.into_iter().any(differs) {
            return false;
        }
        let roots = self.roots(unit.stage, what);
        if let [Operand::Constant(x), Operand::Constant(y)] = roots {
            return x == y;
        }
        if roots[0] == roots[1] {
            return true;
        }
        let (cell, exact) = self.cell(unit.stage);
        exact.are_equal(cell, roots)
    }
}
