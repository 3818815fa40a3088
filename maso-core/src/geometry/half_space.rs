//! The half-spaces of a region, one after another: for each unit what keeps it on its piece.

use std::ops::Range;
use std::rc::Rc;

use super::power::is_convex;
use crate::linearize::{Gate, Linearization, Tangents};
use crate::network::{Node, NodeId, Operator, Rule, ScalarSpline};

/// A slack that is smaller than this part of the numbers that it is the sum of is rounding: the point is on
/// the wall.
const ROUNDING: f64 = 1e-12;

/// One condition for a unit to stay on its piece: `normal · (x' − x) + slack ≥ 0` at x', where x is the
/// point of the linearisation.
#[derive(Clone, Copy, Debug)]
pub(super) struct HalfSpace<'h> {
    /// The unit, numbered through all layers in code order.
    pub(super) unit: usize,
    /// The piece that it takes beyond the wall.
    pub(super) across: usize,
    /// Not zero.
    pub(super) normal: &'h [f64],
    /// Not negative; 0 where x is on the wall but for rounding.
    pub(super) slack: f64,
    /// Beyond the wall, the unit's output changes by `bend · (normal · (x' − x) + slack)`.
    pub(super) bend: f64,
    /// The same of the convex unit with this wall: what the sum of units of a power diagram gains, negated.
    pub(super) convex_bend: f64,
}

/// Units that no wall belongs to: constant all over the region.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Constants {
    pub(super) units: usize,
    /// Those that are at a knot, or tie, all over the region: beyond a wall they may be anything.
    pub(super) at_knots: usize,
}

/// What a unit's half-spaces came to.
enum Kind {
    Walled,
    Constant,
    AtKnot,
}

/// Visits the half-spaces of all units of `layers`, normals taken in the directions of `input`, and then the
/// tangents of the map's target. Gives the units that no wall belongs to.
pub(super) fn for_half_spaces(
    map: &Linearization<'_>,
    input: Tangents,
    layers: Range<usize>,
    visit: impl FnMut(HalfSpace<'_>),
) -> Constants {
    walk(map, input, layers, visit, None)
}

/// As [`for_half_spaces`] of all layers, and the tangents of the map's target.
pub(super) fn with_target(
    map: &Linearization<'_>,
    input: Tangents,
    visit: impl FnMut(HalfSpace<'_>),
) -> (Constants, Rc<Tangents>) {
    let layers = 0..map.network().layout().layers().len();
    let mut target = None;
    let constants = walk(map, input, layers, visit, Some(&mut target));
    (constants, target.expect("the target was reached"))
}

fn walk(
    map: &Linearization<'_>,
    input: Tangents,
    layers: Range<usize>,
    visit: impl FnMut(HalfSpace<'_>),
    mut target: Option<&mut Option<Rc<Tangents>>>,
) -> Constants {
    let network = map.network();
    let all = &network.layout().layers()[layers.clone()];
    let nodes = || all.iter().map(|layer| layer.node());
    let mut layer_of = vec![None; network.nodes().len()];
    nodes().zip(layers.clone()).for_each(|(node, layer)| layer_of[node.index()] = Some(layer));
    let mut visitor = Visitor { map, sizes: sizes(map), normal: vec![0.0; input.width()], visit };
    let mut constants = Constants::default();
    let ends = nodes().chain(target.is_some().then_some(map.target()));
    map.sweep(input, &network.ancestors(ends), |id, tangents| {
        if let Some(layer) = layer_of[id.index()] {
            visitor.layer(layer, id, tangents, &mut constants);
        }
        if let Some(target) = target.as_deref_mut()
            && id == map.target()
        {
            target.clone_from(&tangents[id.index()]);
        }
    });
    constants
}

struct Visitor<'v, 'n, F> {
    map: &'v Linearization<'n>,
    /// For each node and number, the sum of the absolute values of its terms.
    sizes: Vec<Vec<f64>>,
    visit: F,
    normal: Vec<f64>,
}

/// A unit: the node, its inputs' tangents, its number in the layer and among all, its piece.
#[derive(Clone, Copy)]
struct Unit<'u> {
    node: &'u Node,
    inputs: &'u [&'u Tangents],
    index: usize,
    number: usize,
    piece: usize,
}

impl<F: FnMut(HalfSpace<'_>)> Visitor<'_, '_, F> {
    fn layer(
        &mut self,
        layer: usize,
        id: NodeId,
        tangents: &[Option<Rc<Tangents>>],
        constants: &mut Constants,
    ) {
        let (network, pieces) = (self.map.network(), &self.map.trace().pieces[layer]);
        let node = network.node(id);
        let Operator::Nonlinear(rule) = &node.operator else { unreachable!("a layer") };
        let first = network.layout().first_unit(layer);
        let inputs = node.inputs.iter().map(|id| tangents[id.index()].as_deref());
        let inputs: Vec<&Tangents> = inputs.map(|t| t.expect("inputs stand before")).collect();
        for (index, &piece) in pieces.iter().enumerate() {
            let unit = Unit { node, inputs: &inputs, index, number: first + index, piece };
            let kind = match rule {
                Rule::Spline(spline) => self.spline(spline, unit),
                Rule::Extreme(extreme) => {
                    let sign = if extreme.smallest { -1.0 } else { 1.0 };
                    self.extreme(rule, sign, unit)
                }
            };
            constants.units += usize::from(!matches!(kind, Kind::Walled));
            constants.at_knots += usize::from(matches!(kind, Kind::AtKnot));
        }
    }

    /// The knots below and above a pre-activation.
    fn spline(&mut self, spline: &ScalarSpline, unit: Unit<'_>) -> Kind {
        let Unit { node, inputs, index, number, piece } = unit;
        let source = node.inputs[0].index();
        let (z, size) = (self.map.trace().values[source][index], self.sizes[source][index]);
        let slope = |piece: usize| spline.slopes[piece].at(index);
        let knot = |knot: usize| spline.knots[knot].at(index);
        let below = piece.checked_sub(1).map(|first| (knot(first), 1.0));
        let above = (piece < spline.knots.len()).then(|| (knot(piece), -1.0));
        let mut kind = Kind::Constant;
        for (knot, sign) in below.into_iter().chain(above).filter(|(knot, _)| knot.is_finite()) {
            // Knots may coincide: then the pieces between them are jumped over.
            let knots = spline.knots.iter().map(|other| other.at(index));
            let across = knots.filter(|&k| if sign > 0.0 { k < knot } else { k <= knot }).count();
            let slack = rounded(sign * (z - knot), size + knot.abs());
            if inputs[0].span(index).is_empty() {
                if slack == 0.0 {
                    kind = Kind::AtKnot;
                }
                continue;
            }
            self.normal.iter_mut().zip(inputs[0].row(index)).for_each(|(n, row)| *n = sign * row);
            let (normal, bend) = (&*self.normal, sign * (slope(across) - slope(piece)));
            let convex_bend = if is_convex(spline, index) { bend.abs() } else { 1.0 };
            (self.visit)(HalfSpace { unit: number, across, normal, slack, bend, convex_bend });
            kind = Kind::Walled;
        }
        kind
    }

    /// The winner of a maximum (`sign` 1) or minimum (−1) against every other candidate.
    fn extreme(&mut self, rule: &Rule, sign: f64, unit: Unit<'_>) -> Kind {
        let Unit { node, inputs, index, number, piece } = unit;
        let winner = rule.gate(index, piece).expect("the piece of a point exists");
        let length = |gate: &Gate| match gate.slope {
            0.0 => 0.0,
            _ => inputs[gate.input].length(gate.index),
        };
        let (mut walled, mut tied) = (false, false);
        for across in (0..rule.pieces()).filter(|&across| across != piece) {
            let Some(other) = rule.gate(index, across) else { continue };
            self.normal.fill(0.0);
            for (gate, sign) in [(&winner, sign), (&other, -sign)] {
                if gate.slope != 0.0 {
                    let row = inputs[gate.input].row(gate.index);
                    self.normal.iter_mut().zip(row).for_each(|(n, row)| *n += sign * row);
                }
            }
            let size = length(&winner) + length(&other);
            let (best, value) = (self.candidate(node, &winner), self.candidate(node, &other));
            let slack = rounded(sign * (best.value - value.value), best.size + value.size);
            if crate::linearize::dot(&self.normal, &self.normal).sqrt() <= ROUNDING * size {
                tied |= slack == 0.0;
                continue;
            }
            let (normal, bend, convex_bend) = (&*self.normal, -sign, 1.0);
            (self.visit)(HalfSpace { unit: number, across, normal, slack, bend, convex_bend });
            walled = true;
        }
        match (walled, tied) {
            (_, true) => Kind::AtKnot,
            (true, false) => Kind::Walled,
            (false, false) => Kind::Constant,
        }
    }

    fn candidate(&self, node: &Node, gate: &Gate) -> Candidate {
        if gate.slope == 0.0 {
            return Candidate { value: gate.offset, size: gate.offset.abs() };
        }
        let source = node.inputs[gate.input].index();
        let value = self.map.trace().values[source][gate.index];
        Candidate { value, size: self.sizes[source][gate.index] }
    }
}

/// A candidate's value at the point, and the sum of the absolute values of its terms.
struct Candidate {
    value: f64,
    size: f64,
}

/// 0 if it is rounding beside terms of `size`. (Before that, a piece's strict comparison and this
/// difference may have been rounded differently: it is never negative.)
fn rounded(slack: f64, size: f64) -> f64 {
    if slack <= ROUNDING * size { 0.0 } else { slack }
}

/// For each node and number, the sum of the absolute values of the terms that it was made of at the point.
pub(super) fn sizes(map: &Linearization<'_>) -> Vec<Vec<f64>> {
    let (network, values) = (map.network(), &map.trace().values);
    let mut sizes: Vec<Vec<f64>> = Vec::with_capacity(values.len());
    for (node, value) in network.nodes().iter().zip(values) {
        let input = |i: usize| &values[node.inputs[i].index()];
        sizes.push(match &node.operator {
            Operator::Affine(affine) => {
                let x = input(0);
                let size = |unit| {
                    let mut size = affine.bias(unit).abs();
                    affine.for_terms(unit, |i, weight| size += (weight * x[i]).abs());
                    size
                };
                (0..node.len()).map(size).collect()
            }
            Operator::Sum { .. } => {
                input(0).iter().zip(input(1)).map(|(a, b)| a.abs() + b.abs()).collect()
            }
            Operator::View(_) => {
                let inputs: Vec<&[f64]> =
                    node.inputs.iter().map(|id| &*sizes[id.index()]).collect();
                let mut moved = vec![0.0; node.len()];
                node.operator.apply_affine(&inputs, &mut moved);
                moved.iter().map(|size| size.abs()).collect()
            }
            _ => value.iter().map(|value| value.abs()).collect(),
        });
    }
    sizes
}
