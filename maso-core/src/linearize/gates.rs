//! Freezing a code: every unit fixed to one of its pieces is a number of its input, scaled and shifted.

use maso_simd::soft64::Jet;

use crate::network::{
    Branch, Candidates, Extreme, Network, Node, Operator, Rule, ScalarSpline, SoftPool,
};

/// What a frozen unit does: `slope · inputs[input][index] + offset`. (A soft unit's first-order map has
/// the same form; that of a soft maximum is a sum of one for each candidate.)
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Factor; 0 where the unit is a constant on its piece.
    pub slope: f64,
    /// Shift.
    pub offset: f64,
    /// Which of the node's inputs it reads.
    pub input: usize,
    /// Which number of that.
    pub index: usize,
    /// The unit's piece.
    pub piece: usize,
}

impl Gate {
    fn constant(offset: f64, piece: usize) -> Self {
        Self { slope: 0.0, offset, input: 0, index: 0, piece }
    }
}

impl Gate {
    /// What the unit makes of the inputs of its node.
    #[must_use]
    pub fn apply(&self, inputs: &[&[f64]]) -> f64 {
        if self.slope == 0.0 {
            return self.offset;
        }
        self.slope * inputs[self.input][self.index] + self.offset
    }
}

impl Rule {
    /// What `unit` does on `piece`; `None` if it has no such piece, or only padding there.
    #[must_use]
    pub fn gate(&self, unit: usize, piece: usize) -> Option<Gate> {
        match self {
            Self::Spline(spline) => spline_gate(spline, unit, piece),
            Self::Extreme(extreme) => extreme.gate(unit, piece),
        }
    }
}

fn spline_gate(spline: &ScalarSpline, unit: usize, piece: usize) -> Option<Gate> {
    let slope = spline.slopes.get(piece)?.at(unit);
    Some(Gate { slope, offset: spline.offsets[piece].at(unit), input: 0, index: unit, piece })
}

impl Extreme {
    /// The candidate that stands at position `piece`.
    pub(crate) fn gate(&self, unit: usize, piece: usize) -> Option<Gate> {
        let element = |input, index| Gate { slope: 1.0, offset: 0.0, input, index, piece };
        match &self.candidates {
            Candidates::Window { map, .. } => {
                let (plane, cell) = (unit / map.cells(), unit % map.cells());
                let source = (piece < map.taps()).then(|| map.source(piece, cell)).flatten()?;
                Some(element(0, plane * map.source_cells() + source))
            }
            Candidates::Branches(branches) => Some(match branches.get(piece)? {
                Branch::Input(input) => element(*input, unit),
                Branch::Constant(value) => Gate::constant(value.at(unit), piece),
            }),
        }
    }
}

/// The gates of each of `units` units.
pub(super) fn by_unit(gates: &[Gate], units: usize) -> impl Iterator<Item = (usize, &[Gate])> {
    gates.chunks_exact((gates.len() / units.max(1)).max(1)).enumerate()
}

/// The first-order maps of a node's soft units at a point where its inputs are `inputs`; `None` if it is not soft.
pub(super) fn first_order(node: &Node, inputs: &[&[f64]]) -> Option<Vec<Gate>> {
    let Operator::Nonlinear(rule) = &node.operator else { return None };
    match rule {
        Rule::Spline(spline) => {
            let soft = spline.soft.as_ref()?;
            let gate = |(unit, &z): (usize, &f64)| {
                let Jet { value, slope } = soft.jet(z, unit);
                let piece = spline.knots.iter().take_while(|knot| z > knot.at(unit)).count();
                Gate { slope, offset: value - slope * z, input: 0, index: unit, piece }
            };
            Some(inputs[0].iter().enumerate().map(gate).collect())
        }
        Rule::Extreme(extreme) => {
            let pool = extreme.soft.as_ref()?;
            Some((0..node.len()).flat_map(|unit| pool_gates(extreme, pool, inputs, unit)).collect())
        }
    }
}

/// One gate for each candidate of a soft maximum, the offset in the first.
fn pool_gates(extreme: &Extreme, pool: &SoftPool, inputs: &[&[f64]], unit: usize) -> Vec<Gate> {
    let jet = extreme.soft_jet(pool, inputs, unit);
    let mut gates: Vec<Gate> = jet
        .slopes
        .iter()
        .enumerate()
        .map(|(piece, &slope)| match extreme.gate(unit, piece) {
            Some(gate) if gate.slope != 0.0 => Gate { slope, ..gate },
            _ => Gate::constant(0.0, piece),
        })
        .collect();
    let linear: f64 = gates.iter().map(|gate| gate.slope * inputs[gate.input][gate.index]).sum();
    gates[0].offset = jet.value - linear;
    gates
}

/// The gates of every nonlinear node, by node; empty for the others.
pub(super) type Gates = Vec<Vec<Gate>>;

/// Freezes every layer to the pieces that `piece` names (by layer and unit). `None` if a unit has no such
/// piece.
pub(super) fn freeze(network: &Network, piece: impl Fn(usize, usize) -> usize) -> Option<Gates> {
    let mut layer = 0;
    let mut gates = Vec::with_capacity(network.nodes().len());
    for node in network.nodes() {
        let Operator::Nonlinear(rule) = &node.operator else {
            gates.push(Vec::new());
            continue;
        };
        gates.push(layer_gates(node, rule, |unit| piece(layer, unit))?);
        layer += 1;
    }
    Some(gates)
}

fn layer_gates(node: &Node, rule: &Rule, piece: impl Fn(usize) -> usize) -> Option<Vec<Gate>> {
    (0..node.len()).map(|unit| rule.gate(unit, piece(unit))).collect()
}
