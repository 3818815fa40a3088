//! Where a part of the input is cut.

use super::{Enclosure, MOST_PIECES, Open, Pieces, difference};
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

/// Up to as many inputs a domain is cut across these.
const FEW_INPUTS: usize = 12;
/// Up to as many units with errors it is cut along their walls.
const FEW_ERRORS: usize = 5;

impl Enclosure<'_> {
    /// The cut that says most about a function with these errors. Where there are few coordinates and many errors, it
    /// is across the coordinate that they depend on most. Otherwise it is the wall of the unit with the largest error, of
    /// those whose walls are not in doubt themselves.
    pub(in crate::geometry::boundary) fn split(
        &self,
        domain: &Domain<'_>,
        errors: &[f64],
        pieces: &Pieces,
    ) -> Option<Split> {
        let mut open: Vec<(f64, Open)> =
            errors.iter().map(|error| error.abs()).zip(self.open.iter().copied()).collect();
        open.retain(|(error, _)| *error > 0.0);
        if self.origin.len() <= FEW_INPUTS
            && open.len() > FEW_ERRORS
            && let Some(split) = self.across(domain, &open)
        {
            return Some(split);
        }
        open.sort_by(|a, b| b.0.total_cmp(&a.0));
        let walls = open.iter().map(|(_, open)| open);
        // Errors come from somewhere: the first open units read none.
        walls.chain(&self.open).find_map(|open| self.wall(open, pieces[open.unit]))
    }

    /// The middle of the coordinate that moves what the erring units read most, if any does.
    fn across(&self, domain: &Domain<'_>, open: &[(f64, Open)]) -> Option<Split> {
        let mut reach = vec![0.0; self.origin.len()];
        for (_, open) in open {
            let node = &self.network.nodes()[open.node];
            let (_, gradient, _) = self.parts(self.input(node, 0).row(open.index));
            for (axis, (reach, slope)) in reach.iter_mut().zip(gradient).enumerate() {
                let [from, to] = domain.side(axis);
                *reach += slope.abs() * (to - from);
            }
        }
        let farthest = (0..reach.len()).max_by(|&a, &b| reach[a].total_cmp(&reach[b]));
        let axis = farthest.filter(|&axis| reach[axis] > 0.0)?;
        let [from, to] = domain.side(axis);
        Some(Split::Axis { axis, middle: 0.5 * (from + to) })
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
                let allowed = || (0..MOST_PIECES).filter(|piece| pieces >> piece & 1 == 1);
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
