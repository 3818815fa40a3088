//! Where a part of the input is cut.

use super::{Enclosure, Open, Pieces, difference, each_piece};
use crate::geometry::boundary::domain::Domain;
use crate::geometry::cell::Form;
use crate::linearize::dot;
use crate::network::{Operator, Rule};

/// What parts the domain.
#[derive(Clone, Debug)]
pub(in crate::geometry::boundary) enum Split {
    /// A wall: where a function of the offset from the origin is positive, and where it is negative, a unit has fewer
    /// pieces left.
    Wall {
        unit: usize,
        form: Form,
        /// Pieces that are left where the form is not positive, and where it is not negative.
        pieces: [u64; 2],
    },
    /// A coordinate's value.
    Axis { axis: usize, middle: f64 },
}

/// Up to as many units with errors for each coordinate, a domain is cut along their walls.
const FEW_ERRORS: usize = 4;
/// A coordinate whose extent is less than this part of the domain's radius is not cut: where many walls meet, theirs are.
const SHORT: f64 = 1e-9;

impl Enclosure<'_> {
    /// The cut that says most about a function with these errors. Where there are many for the coordinates that there are,
    /// it is across the coordinate that moves the erring units most. Otherwise it is the wall of the unit with the largest
    /// error, of those whose walls are not in doubt themselves.
    pub(in crate::geometry::boundary) fn split(
        &self,
        domain: &Domain<'_>,
        errors: &[f64],
        pieces: &Pieces,
    ) -> Option<Split> {
        let mut open: Vec<(f64, Open)> =
            errors.iter().copied().zip(self.open.iter().copied()).collect();
        open.retain(|(error, _)| *error > 0.0);
        if open.len() > FEW_ERRORS * self.origin.len()
            && let Some(split) = self.across(domain, open.iter().map(|(_, open)| open), pieces)
        {
            return Some(split);
        }
        open.sort_by(|a, b| b.0.total_cmp(&a.0));
        let walls = open.iter().map(|(_, open)| open);
        // Errors come from somewhere: the first open units read none.
        walls.chain(&self.open).find_map(|open| self.wall(open, pieces[open.unit]))
    }

    /// The middle of the coordinate that moves what the erring units read most; none if that is too short to cut.
    fn across<'o>(
        &self,
        domain: &Domain<'_>,
        open: impl Iterator<Item = &'o Open>,
        pieces: &Pieces,
    ) -> Option<Split> {
        let mut reach = vec![0.0; self.origin.len()];
        for open in open {
            self.add_slopes(open, pieces[open.unit], &mut reach);
        }
        let length = |axis: usize| domain.side(axis)[1] - domain.side(axis)[0];
        reach.iter_mut().enumerate().for_each(|(axis, reach)| *reach *= length(axis));
        let farthest = (0..reach.len()).max_by(|&a, &b| reach[a].total_cmp(&reach[b]))?;
        let is_cut = reach[farthest] > 0.0 && length(farthest) > SHORT * domain.radius();
        let [from, to] = domain.side(farthest);
        is_cut.then_some(Split::Axis { axis: farthest, middle: 0.5 * (from + to) })
    }

    /// Adds how fast a unit moves between its pieces along each axis.
    fn add_slopes(&self, open: &Open, pieces: u64, slopes: &mut [f64]) {
        let node = &self.network.nodes()[open.node];
        let mut add = |row: &[f64]| {
            let (_, gradient, _) = self.parts(row);
            slopes.iter_mut().zip(gradient).for_each(|(slope, own)| *slope += own.abs());
        };
        let Operator::Nonlinear(Rule::Extreme(extreme)) = &node.operator else {
            return add(self.input(node, 0).row(open.index));
        };
        let gates = each_piece(pieces).filter_map(|piece| extreme.gate(open.index, piece));
        let mut candidates = gates.map(|gate| self.candidate(node, &gate, 1.0));
        if let Some(first) = candidates.next() {
            candidates.for_each(|other| add(&difference(&other, &first)));
        }
    }

    /// The wall of a unit that parts its pieces, if it is an affine function of the offset alone.
    fn wall(&self, open: &Open, pieces: u64) -> Option<Split> {
        if pieces.count_ones() < 2 {
            return None;
        }
        let node = &self.network.nodes()[open.node];
        match &node.operator {
            Operator::Nonlinear(Rule::Spline(spline)) => {
                let mut row = self.input(node, 0).row(open.index).to_vec();
                let (first, last) = (pieces.trailing_zeros(), pieces.ilog2());
                let knot = ((first + last) / 2) as usize;
                row[0] -= spline.knots[knot].at(open.index);
                let below = (2u64 << knot) - 1;
                self.exact(open.unit, &row, [pieces & below, pieces & !below])
            }
            Operator::Nonlinear(Rule::Extreme(extreme)) => {
                let sign = if extreme.smallest { -1.0 } else { 1.0 };
                let candidate = |piece: usize| {
                    let gate = extreme.gate(open.index, piece).expect("a candidate");
                    self.candidate(node, &gate, sign)
                };
                let allowed = || each_piece(pieces);
                let pair =
                    |one: usize| allowed().filter(move |&two| two > one).map(move |two| [one, two]);
                allowed().flat_map(pair).find_map(|[one, two]| {
                    let lead = difference(&candidate(one), &candidate(two));
                    self.exact(open.unit, &lead, [pieces & !(1 << one), pieces & !(1 << two)])
                })
            }
            _ => unreachable!("a layer"),
        }
    }

    /// The split where a row is 0, if that has no errors and is not constant.
    fn exact(&self, unit: usize, row: &[f64], pieces: [u64; 2]) -> Option<Split> {
        let (value, gradient, errors) = self.parts(row);
        let is_wall = errors.iter().all(|&error| error == 0.0) && dot(gradient, gradient) > 0.0;
        let form = Form { gradient: gradient.to_vec(), value };
        is_wall.then_some(Split::Wall { unit, form, pieces })
    }
}
