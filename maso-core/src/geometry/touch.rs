//! Whether a region reaches a point: the check behind every step across a wall.

use crate::linearize::Linearization;
use crate::network::{Operator, Rule, ScalarSpline};

/// How far a frozen unit may be beyond the end of its piece, in parts of its value, and still be at it.
const TOUCHING: f64 = 1e-9;

/// Whether `point` is inside or on the walls of the region of `map`: whether its frozen units, evaluated
/// there, are still on their pieces.
pub(super) fn touches(map: &Linearization<'_>, point: &[f64]) -> bool {
    let network = map.network();
    let layers = network.layout().layers();
    let needed = network.ancestors(layers.iter().map(|layer| layer.node()));
    let values = map.values(point, &needed);
    layers.iter().zip(&map.trace().pieces).all(|(layer, pieces)| {
        let node = network.node(layer.node());
        let inputs: Vec<&[f64]> = node.inputs.iter().map(|id| &*values[id.index()]).collect();
        let Operator::Nonlinear(rule) = &node.operator else { unreachable!("a layer") };
        pieces.iter().enumerate().all(|(unit, &piece)| is_on(rule, &inputs, unit, piece))
    })
}

fn is_on(rule: &Rule, inputs: &[&[f64]], unit: usize, piece: usize) -> bool {
    match rule {
        Rule::Spline(spline) => is_between_knots(spline, inputs[0][unit], unit, piece),
        Rule::Extreme(extreme) => {
            let sign = if extreme.smallest { -1.0 } else { 1.0 };
            let value = |piece| rule.gate(unit, piece).map(|gate| sign * gate.apply(inputs));
            let winner = value(piece).expect("the piece of a point exists");
            (0..rule.pieces()).filter_map(value).all(|other| at_most(other, winner))
        }
    }
}

fn is_between_knots(spline: &ScalarSpline, z: f64, unit: usize, piece: usize) -> bool {
    let knot = |index: usize| spline.knots[index].at(unit);
    let below = piece.checked_sub(1).is_none_or(|low| at_most(knot(low), z));
    below && (piece == spline.knots.len() || at_most(z, knot(piece)))
}

/// Whether a ≤ b but for rounding.
fn at_most(a: f64, b: f64) -> bool {
    a - b <= TOUCHING * (1.0 + a.abs().min(b.abs()))
}
