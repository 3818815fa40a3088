//! Whether a region reaches a point: the check behind every step across a wall.

use crate::linearize::{Gate, Linearization};
use crate::network::{Operator, Rule, ScalarSpline};

/// How far a frozen unit may be beyond the end of its piece, in parts of the numbers that it is the sum of, and still
/// be at it.
const TOUCHING: f64 = 1e-9;

/// Whether `point` is inside or on the walls of the region of `map`: whether its frozen units, evaluated
/// there, are still on their pieces. `sizes` has, for each node and number, what its terms add up to around there.
pub(super) fn touches(map: &Linearization<'_>, point: &[f64], sizes: &[Vec<f64>]) -> bool {
    let network = map.network();
    let layers = network.layout().layers();
    let needed = network.ancestors(layers.iter().map(|layer| layer.node()));
    let values = map.values(point, &needed);
    layers.iter().zip(&map.trace().pieces).all(|(layer, pieces)| {
        let node = network.node(layer.node());
        let Operator::Nonlinear(rule) = &node.operator else { unreachable!("a layer") };
        let of = |all: &'_ [Vec<f64>]| -> Vec<Vec<f64>> {
            node.inputs.iter().map(|id| all[id.index()].clone()).collect()
        };
        let (values, sizes) = (of(&values), of(sizes));
        let unit = Units { values: &values, sizes: &sizes };
        pieces.iter().enumerate().all(|(index, &piece)| unit.is_on(rule, index, piece))
    })
}

/// What the units of a layer read.
struct Units<'u> {
    values: &'u [Vec<f64>],
    sizes: &'u [Vec<f64>],
}

impl Units<'_> {
    fn is_on(&self, rule: &Rule, unit: usize, piece: usize) -> bool {
        match rule {
            Rule::Spline(spline) => self.is_between_knots(spline, unit, piece),
            Rule::Extreme(extreme) => {
                let sign = if extreme.smallest { -1.0 } else { 1.0 };
                let candidate = |piece| rule.gate(unit, piece).map(|gate| self.candidate(&gate));
                let (winner, size) = candidate(piece).expect("the piece of a point exists");
                let mut others = (0..rule.pieces()).filter_map(candidate);
                others.all(|(other, own)| sign * (other - winner) <= TOUCHING * (size + own))
            }
        }
    }

    fn is_between_knots(&self, spline: &ScalarSpline, unit: usize, piece: usize) -> bool {
        let knot = |index: usize| spline.knots[index].at(unit);
        let (z, size) = (self.values[0][unit], self.sizes[0][unit]);
        let room = |knot: f64| if knot.is_finite() { TOUCHING * (size + knot.abs()) } else { 0.0 };
        let below = piece.checked_sub(1).is_none_or(|low| knot(low) - z <= room(knot(low)));
        below && (piece == spline.knots.len() || z - knot(piece) <= room(knot(piece)))
    }

    /// A candidate's value, and what its terms add up to.
    fn candidate(&self, gate: &Gate) -> (f64, f64) {
        if gate.slope == 0.0 {
            return (gate.offset, gate.offset.abs());
        }
        (self.values[gate.input][gate.index], self.sizes[gate.input][gate.index])
    }
}
