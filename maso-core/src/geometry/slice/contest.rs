//! Stages where several candidates compete: a cell is split along the upper envelope of each unit's candidates, one
//! unit after another.

use std::cmp::Ordering;

use super::complex::{LineOf, NONE, Side, What};
use super::decide::operands;
use super::walk::Walk;
use crate::geometry::forms::{Bounds, Contest, Kind, Operand, difference, value};

/// A unit and the places of its candidates that may win in a cell.
type Open = (u32, Vec<u32>);

/// Where something is decided.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) stage: usize,
    pub(super) cell: u32,
}

impl<'p> Walk<'p, '_> {
    /// A stage that is a contest, in one cell.
    pub(super) fn by_contest(&mut self, stage: usize, cell: u32, ring: &[Side]) {
        let contest = self.contest(stage);
        let count = |unit: usize| contest.candidates[unit].len() as u32;
        let open: Vec<Open> = (0..self.plan.stages[stage].units)
            .map(|unit| (unit as u32, (0..count(unit)).collect()))
            .collect();
        let words = vec![0; self.plan.stages[stage].words()];
        self.play(At { stage, cell }, ring, open, words);
    }

    fn contest(&self, stage: usize) -> &'p Contest {
        let Kind::Contest(contest) = &self.plan.stages[stage].kind else {
            unreachable!("a contest")
        };
        contest
    }

    /// Decides what is decided all over the polygon; splits it along one unit's envelope if anything is left.
    fn play(&mut self, at: At, ring: &[Side], open: Vec<Open>, mut words: Vec<u64>) {
        if self.is_capped {
            return;
        }
        let mut sides = Vec::new();
        ring.iter().for_each(|&side| self.complex.parts(side, at.stage, &mut sides));
        let corners: Vec<u32> = sides.iter().map(|&side| self.complex.start(side)).collect();
        let field = self.plan.stages[at.stage].field;
        let mut left = Vec::new();
        for (unit, candidates) in open {
            let candidates = self.filter(at, &corners, unit, candidates);
            if let [winner] = candidates[..] {
                // A unit with one candidate has no bits.
                if field == 0 {
                    continue;
                }
                let piece = self.contest(at.stage).candidates[unit as usize][winner as usize].0;
                maso_simd::bits::insert(&mut words, unit as usize * field, piece.into(), field);
            } else {
                left.push((unit, candidates));
            }
        }
        let Some((unit, candidates)) = left.pop() else {
            self.path[at.stage].copy_from_slice(&words);
            let part = self.complex.cell(at.cell, &words);
            return self.go_on(at.stage, part, &sides);
        };
        for (winner, face) in self.envelope(at, sides, unit, &candidates) {
            let mut open = left.clone();
            open.push((unit, vec![winner]));
            self.play(at, &face, open, words.clone());
        }
    }

    /// The candidates that no single other one beats all over a polygon.
    fn filter(&mut self, at: At, corners: &[u32], unit: u32, candidates: Vec<u32>) -> Vec<u32> {
        if candidates.len() == 1 {
            return candidates;
        }
        let mut left = self.clear_losers_out(at, corners, unit, candidates);
        let mut i = 0;
        while i < left.len() {
            let mut j = i + 1;
            while j < left.len() {
                match self.winners(at, corners, unit, (left[i], left[j])) {
                    (_, false) => drop(left.remove(j)),
                    (false, true) => {
                        left.remove(i);
                        j = i + 1;
                    }
                    (true, true) => j += 1,
                }
            }
            i += 1;
        }
        left
    }

    /// Leaves out those that the best at the first corner beats clearly at all corners.
    fn clear_losers_out(
        &self,
        at: At,
        corners: &[u32],
        unit: u32,
        mut candidates: Vec<u32>,
    ) -> Vec<u32> {
        let contest = self.contest(at.stage);
        let sign = if contest.smallest { -1.0 } else { 1.0 };
        let known = |candidate: u32| {
            let operand = contest.candidates[unit as usize][candidate as usize].1;
            self.plan.operand(&self.frames, operand)
        };
        let height =
            |form, corner: u32| sign * value(form, self.complex.vertices[corner as usize].at);
        let best = candidates.iter().copied().reduce(|best, next| {
            let [a, b] = [best, next].map(|candidate| height(known(candidate).0, corners[0]));
            if b > a { next } else { best }
        });
        let best = best.expect("a unit has candidates");
        let (form, bounds) = known(best);
        candidates.retain(|&other| {
            let (other_form, other_bounds) = known(other);
            other == best
                || corners.iter().any(|&corner| {
                    let slack = self.complex.vertices[corner as usize].slack;
                    let limit = bounds.of_value(slack) + other_bounds.of_value(slack);
                    let gap = height(form, corner) - height(other_form, corner);
                    gap <= limit
                })
        });
        candidates
    }

    /// Whether the first of two candidates wins somewhere, and the second.
    fn winners(
        &mut self,
        at: At,
        corners: &[u32],
        unit: u32,
        (first, second): (u32, u32),
    ) -> (bool, bool) {
        let what = What::Pair { unit, first, second };
        if let [Operand::Constant(later), Operand::Constant(earlier)] = self.roots(at, what) {
            return (later <= earlier, later > earlier);
        }
        let (form, bounds) = self.pair_form(at, what);
        if form == [0.0; 3] || bounds.size <= 4.0 * bounds.error {
            let operands = operands(self.plan, &self.plan.stages[at.stage], what);
            let (given, exact) = self.given();
            if exact.are_equal(given, at.cell, operands) {
                return (true, false);
            }
        }
        let mut wins = (false, false);
        for &corner in corners {
            match self.pair_sign(at, what, (form, bounds), corner) {
                Ordering::Less => wins.0 = true,
                Ordering::Greater => wins.1 = true,
                Ordering::Equal => {}
            }
            if wins == (true, true) {
                break;
            }
        }
        wins
    }

    pub(super) fn pair_form(&self, at: At, what: What) -> ([f64; 3], Bounds) {
        let [x, y] = operands(self.plan, &self.plan.stages[at.stage], what);
        let operand = |operand| self.plan.operand(&self.frames, operand);
        let (form, bounds) = difference(operand(x), operand(y));
        let own = bounds.of_form(form, self.plan.reach);
        (form, own)
    }

    /// The sign of a pair at a vertex.
    pub(super) fn pair_sign(
        &mut self,
        at: At,
        what: What,
        (form, bounds): ([f64; 3], Bounds),
        vertex: u32,
    ) -> Ordering {
        let place = self.complex.vertices[vertex as usize];
        let z = value(form, place.at);
        if z.abs() > bounds.of_value(place.slack) {
            return if z > 0.0 { Ordering::Greater } else { Ordering::Less };
        }
        if self.ties_by_making(at.stage, what, place.lines)
            || self.vanishes_by_making(at, what, place.lines)
        {
            return Ordering::Equal;
        }
        let operands = operands(self.plan, &self.plan.stages[at.stage], what);
        let (given, exact) = self.given();
        exact.sign(given, at.cell, operands, vertex)
    }

    /// What a pair compares, seen through layers that let a number pass or switch it off.
    fn roots(&self, at: At, what: What) -> [Operand; 2] {
        let operands = operands(self.plan, &self.plan.stages[at.stage], what);
        operands.map(|operand| self.plan.root(&self.path, operand))
    }

    /// Whether a vertex was made where the only number that a pair is about is at the constant it competes with:
    /// a unit that switches on there, against one that is off.
    fn vanishes_by_making(&self, at: At, what: What, lines: [u32; 2]) -> bool {
        let is_number = |operand: &Operand| matches!(operand, Operand::Number { .. });
        let roots = self.roots(at, what);
        if roots.iter().filter(|root| is_number(root)).count() != 1 {
            return false;
        }
        lines.into_iter().filter(|&line| line != NONE).any(|line| {
            let LineOf::Wall { stage, what: What::Row(row), .. } =
                self.complex.lines[line as usize].of
            else {
                return false;
            };
            let row = self.plan.stages[stage as usize].row(self.plan.network, row as usize);
            let row = row.map(|operand| self.plan.root(&self.path, operand));
            roots == row || roots == [row[1], row[0]]
        })
    }

    /// Whether a vertex was made where the pair ties: on its line, or where lines of its unit meet that tie both
    /// with a third.
    fn ties_by_making(&self, stage: usize, what: What, lines: [u32; 2]) -> bool {
        let What::Pair { unit, first, second } = what else { return false };
        let pair_of =
            |line: u32| match self.complex.lines.get(line as usize)?.of {
                LineOf::Wall {
                    stage: made, what: What::Pair { unit: of, first, second }, ..
                } if made as usize == stage && of == unit => Some([first, second]),
                _ => None,
            };
        match lines.map(|line| if line == NONE { None } else { pair_of(line) }) {
            [Some(x), Some(y)] => {
                let meet = x.iter().any(|c| y.contains(c));
                let holds = |c: u32| x.contains(&c) || y.contains(&c);
                x == [first, second]
                    || y == [first, second]
                    || meet && holds(first) && holds(second)
            }
            [Some(x), None] | [None, Some(x)] => x == [first, second],
            [None, None] => false,
        }
    }
}
