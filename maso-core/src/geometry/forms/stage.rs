//! What is decided on the way through a network: for each layer, the forms whose signs tell the pieces.

use crate::code::Layer;
use crate::linearize::Gate;
use crate::network::{Branch, Candidates, Extreme, Network, NodeId, Operator, Rule, ScalarSpline};

/// A number of a node, or a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operand {
    Number { node: NodeId, index: usize },
    Constant(f64),
}

/// What a slice decides after all layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Which of the outputs is the largest.
    Largest,
    /// Whether a number of a node is above a level.
    Above { node: NodeId, index: usize, level: f64 },
}

/// One layer, or what is decided after all of them.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// The layer's number; none for what is decided last.
    pub(crate) layer: Option<usize>,
    /// The layer's node, or the node that is decided about.
    pub(crate) node: NodeId,
    pub(crate) units: usize,
    pub(crate) kind: Kind,
    /// Bits of a unit's field in the stage's words: its signs, or the number of its piece.
    pub(crate) field: usize,
}

/// How a unit's piece is found.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// By the signs of some forms: each one's piece is the number of its forms that are above 0.
    Signs(Signs),
    /// By a contest of several candidates: the first largest (the first smallest).
    Contest(Contest),
}

/// The forms whose signs are asked for, `per_unit` one after another for each unit.
#[derive(Clone, Debug)]
pub(crate) struct Signs {
    pub(crate) per_unit: usize,
    pub(crate) of: SignsOf,
}

#[derive(Clone, Debug)]
pub(crate) enum SignsOf {
    /// The numbers of a node themselves: one knot, at 0.
    Numbers(NodeId),
    /// The numbers of a node less their knots.
    Knots { node: NodeId, spline: ScalarSpline },
    /// The second of two candidates less the first (the first less the second, if the smallest wins).
    Differences { node: NodeId, extreme: Extreme },
    /// One number less a level.
    Level { node: NodeId, index: usize, level: f64 },
}

/// Candidates of every unit.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) smallest: bool,
    /// For each unit: the pieces that are not padding, and what they are.
    pub(crate) candidates: Vec<Vec<(u32, Operand)>>,
}

impl Stage {
    pub(crate) fn of_layer(network: &Network, number: usize, layer: &Layer) -> Self {
        let node = network.node(layer.node());
        let Operator::Nonlinear(rule) = &node.operator else { unreachable!("a layer") };
        let kind = match rule {
            Rule::Spline(spline) => Kind::Signs(of_spline(spline, node.inputs[0])),
            Rule::Extreme(extreme) => {
                of_extreme(extreme, layer.node(), &node.inputs, layer.units())
            }
        };
        Self::new(Some(number), layer.node(), layer.units(), kind)
    }

    pub(crate) fn of_target(network: &Network, target: Target) -> Self {
        let (node, units, kind) = match target {
            Target::Largest => {
                let node = network.output();
                let number = |index| (index as u32, Operand::Number { node, index });
                let candidates = vec![(0..network.node(node).len()).map(number).collect()];
                (node, 1, Kind::Contest(Contest { smallest: false, candidates }))
            }
            Target::Above { node, index, level } => {
                let of = SignsOf::Level { node, index, level };
                (node, 1, Kind::Signs(Signs { per_unit: 1, of }))
            }
        };
        Self::new(None, node, units, kind)
    }

    fn new(layer: Option<usize>, node: NodeId, units: usize, kind: Kind) -> Self {
        let field = match &kind {
            Kind::Signs(signs) => signs.per_unit,
            Kind::Contest(contest) => {
                let largest = contest.candidates.iter().flatten().map(|(piece, _)| *piece).max();
                maso_simd::bits::width(largest.unwrap_or(0) as usize + 1)
            }
        };
        Self { layer, node, units, kind, field }
    }

    /// Forms whose signs are asked for; none in a contest.
    pub(crate) fn rows(&self) -> usize {
        match &self.kind {
            Kind::Signs(signs) => self.units * signs.per_unit,
            Kind::Contest(_) => 0,
        }
    }

    /// Words that hold what is decided for all units.
    pub(crate) fn words(&self) -> usize {
        (self.units * self.field).div_ceil(64)
    }

    /// The piece of `unit`, of the stage's `words`.
    pub(crate) fn piece(&self, words: &[u64], unit: usize) -> usize {
        let bits = maso_simd::bits::extract(words, unit * self.field, self.field);
        match &self.kind {
            Kind::Signs(_) => bits.count_ones() as usize,
            Kind::Contest(_) => bits as usize,
        }
    }

    /// Writes the pieces of all units, of the stage's `words`, into a `code` of the layout that `layer` is of.
    pub(crate) fn put_pieces(&self, words: &[u64], layer: &Layer, code: &mut [u64]) {
        // A single sign, and a number, stand as in a code.
        let is_number = self.field == 1 || matches!(self.kind, Kind::Contest(_));
        if is_number && self.field == layer.unit_bits() {
            return layer.put_bits(code, words);
        }
        for unit in 0..self.units {
            layer.set_piece(code, unit, self.piece(words, unit));
        }
    }

    /// What is compared in row `row`: the first operand less the second is the form.
    pub(crate) fn row(&self, network: &Network, row: usize) -> [Operand; 2] {
        let Kind::Signs(signs) = &self.kind else { unreachable!("a contest has no rows") };
        let (unit, knot) = (row / signs.per_unit, row % signs.per_unit);
        match &signs.of {
            SignsOf::Numbers(node) => {
                [Operand::Number { node: *node, index: unit }, Operand::Constant(0.0)]
            }
            SignsOf::Knots { node, spline } => {
                let knot = spline.knots[knot].at(unit);
                [Operand::Number { node: *node, index: unit }, Operand::Constant(knot)]
            }
            SignsOf::Differences { node, extreme } => {
                let inputs = &network.node(*node).inputs;
                let candidate = |piece| candidate(extreme, inputs, unit, piece).expect("a branch");
                let (first, second) = (candidate(0), candidate(1));
                if extreme.smallest { [first, second] } else { [second, first] }
            }
            SignsOf::Level { node, index, level } => {
                [Operand::Number { node: *node, index: *index }, Operand::Constant(*level)]
            }
        }
    }
}

fn of_spline(spline: &ScalarSpline, node: NodeId) -> Signs {
    let per_unit = spline.knots.len();
    let at_zero = per_unit == 1 && spline.knots[0].as_uniform() == Some(0.0);
    let of = if at_zero {
        SignsOf::Numbers(node)
    } else {
        SignsOf::Knots { node, spline: spline.clone() }
    };
    Signs { per_unit, of }
}

fn of_extreme(extreme: &Extreme, node: NodeId, inputs: &[NodeId], units: usize) -> Kind {
    if matches!(&extreme.candidates, Candidates::Branches(branches) if branches.len() == 2) {
        let of = SignsOf::Differences { node, extreme: extreme.clone() };
        return Kind::Signs(Signs { per_unit: 1, of });
    }
    let pieces = extreme.candidates.pieces();
    let of_unit = |unit| {
        let known = |piece| Some((piece as u32, candidate(extreme, inputs, unit, piece)?));
        (0..pieces).filter_map(known).collect()
    };
    let candidates = (0..units).map(of_unit).collect();
    Kind::Contest(Contest { smallest: extreme.smallest, candidates })
}

/// Candidate `piece` of `unit`; none for padding.
fn candidate(extreme: &Extreme, inputs: &[NodeId], unit: usize, piece: usize) -> Option<Operand> {
    if let Candidates::Branches(branches) = &extreme.candidates
        && let Some(Branch::Constant(value)) = branches.get(piece)
    {
        return Some(Operand::Constant(value.at(unit)));
    }
    let Gate { input, index, .. } = extreme.gate(unit, piece)?;
    Some(Operand::Number { node: inputs[input], index })
}
