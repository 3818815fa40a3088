//! Exact affine forms of a frozen network's numbers on a plane, found as they are asked for.

use std::rc::Rc;

use hashbrown::HashMap;

use super::{Dyadic, Triple};
use crate::geometry::forms::Plan;
use crate::linearize::Gate;
use crate::network::{Node, NodeId, Operator, Source};

/// The forms of one cell: whatever its numbers are there, as functions of the plane's coordinates.
#[derive(Debug, Default)]
pub(crate) struct ExactForms {
    /// What is decided in the cell, stage by stage.
    path: Vec<Vec<u64>>,
    known: HashMap<(usize, usize), Rc<Triple>>,
    /// Pairs of numbers of a node that are the same by the way they are made.
    twins: HashMap<(usize, usize, usize), bool>,
}

/// The plan, and the forms of what no stage comes before: the same in every cell.
#[derive(Debug)]
pub(crate) struct Common<'a> {
    pub(crate) plan: &'a Plan<'a>,
    pub(crate) first: &'a mut ExactForms,
}

impl ExactForms {
    /// Those of the cell where the first stages are decided as `path` says.
    pub(crate) fn new(path: Vec<Vec<u64>>) -> Self {
        Self { path, ..Self::default() }
    }

    /// Goes over to the cell of `path`, which is decided like the present one in the first `agreed` stages: what
    /// depends on no later one stays.
    pub(crate) fn go_to(&mut self, plan: &Plan<'_>, agreed: usize, path: Vec<Vec<u64>>) {
        self.path = path;
        self.known.retain(|&(node, _), _| plan.stages_before(NodeId(node)) <= agreed);
        self.twins.retain(|&(node, ..), _| plan.stages_before(NodeId(node)) <= agreed);
    }

    /// Number `index` of `node`, all of whose layers before are decided.
    pub(crate) fn of(&mut self, common: &mut Common<'_>, node: NodeId, index: usize) -> Rc<Triple> {
        let key = (node.index(), index);
        let is_first = common.plan.is_before_stages(node);
        let known = if is_first { &common.first.known } else { &self.known };
        if let Some(form) = known.get(&key) {
            return Rc::clone(form);
        }
        let form = self.find(common, node, index);
        let known = if is_first { &mut common.first.known } else { &mut self.known };
        known.insert(key, Rc::clone(&form));
        form
    }

    fn find(&mut self, common: &mut Common<'_>, id: NodeId, index: usize) -> Rc<Triple> {
        let node = common.plan.network.node(id);
        match &node.operator {
            Operator::Input => {
                let plane = &common.plan.plane;
                Rc::new([plane.u[index], plane.v[index], plane.origin[index]].map(Dyadic::new))
            }
            Operator::Affine(affine) => {
                let mut sum = constant(affine.bias(index));
                affine.for_terms(index, |source, weight| {
                    if weight != 0.0 {
                        let term = self.of(common, node.inputs[0], source);
                        add_scaled(&mut sum, &term, weight);
                    }
                });
                Rc::new(sum)
            }
            Operator::Sum { negate } => {
                let mut sum = (*self.of(common, node.inputs[0], index)).clone();
                let other = self.of(common, node.inputs[1], index);
                add_scaled(&mut sum, &other, if *negate { -1.0 } else { 1.0 });
                Rc::new(sum)
            }
            Operator::View(view) => match view.source(index) {
                Source::Element { input, index } => self.of(common, node.inputs[input], index),
                Source::Constant(value) => Rc::new(constant(value)),
            },
            Operator::Nonlinear(_) => {
                let gate = self.gate(common.plan, id, index);
                let mut form = constant(gate.offset);
                if gate.slope != 0.0 {
                    let before = self.of(common, node.inputs[gate.input], gate.index);
                    add_scaled(&mut form, &before, gate.slope);
                }
                Rc::new(form)
            }
        }
    }

    /// What a unit does in the cell.
    fn gate(&self, plan: &Plan<'_>, id: NodeId, unit: usize) -> Gate {
        plan.gate(&self.path, id, unit)
    }

    /// Whether two numbers of `node` are one function because they are made alike of numbers that are: the same
    /// weights of the same inputs, in the same order, on pieces of the same slopes. What this says is so; what it
    /// does not say may be so as well.
    pub(crate) fn are_twins(
        &mut self,
        common: &mut Common<'_>,
        node: NodeId,
        pair: (usize, usize),
    ) -> bool {
        let (i, j) = pair;
        if i == j {
            return true;
        }
        let key = (node.index(), i.min(j), i.max(j));
        let is_first = common.plan.is_before_stages(node);
        let known = if is_first { &common.first.twins } else { &self.twins };
        if let Some(&answer) = known.get(&key) {
            return answer;
        }
        let answer = self.compare(common, node, pair);
        let known = if is_first { &mut common.first.twins } else { &mut self.twins };
        known.insert(key, answer);
        answer
    }

    fn compare(&mut self, common: &mut Common<'_>, id: NodeId, (i, j): (usize, usize)) -> bool {
        let node = common.plan.network.node(id);
        match &node.operator {
            Operator::Input => {
                let plane = &common.plan.plane;
                [&plane.u, &plane.v, &plane.origin].iter().all(|axis| axis[i] == axis[j])
            }
            Operator::Affine(affine) => {
                if affine.bias(i) != affine.bias(j) {
                    return false;
                }
                let terms = |unit| {
                    let mut terms = Vec::new();
                    affine.for_terms(unit, |source, weight| terms.push((source, weight)));
                    terms
                };
                let (first, second) = (terms(i), terms(j));
                first.len() == second.len()
                    && first.into_iter().zip(second).all(|((a, w), (b, z))| {
                        w == z && self.are_twins(common, node.inputs[0], (a, b))
                    })
            }
            Operator::Sum { .. } => {
                node.inputs.iter().all(|&input| self.are_twins(common, input, (i, j)))
            }
            Operator::View(view) => match (view.source(i), view.source(j)) {
                (Source::Constant(x), Source::Constant(y)) => x == y,
                (
                    Source::Element { input, index },
                    Source::Element { input: other, index: second },
                ) => {
                    node.inputs[input] == node.inputs[other]
                        && self.are_twins(common, node.inputs[input], (index, second))
                }
                _ => false,
            },
            Operator::Nonlinear(_) => {
                let (first, second) =
                    (self.gate(common.plan, id, i), self.gate(common.plan, id, j));
                let alike = first.slope == second.slope && first.offset == second.offset;
                alike && (first.slope == 0.0 || self.are_inputs_twins(common, node, first, second))
            }
        }
    }

    fn are_inputs_twins(
        &mut self,
        common: &mut Common<'_>,
        node: &Node,
        first: Gate,
        second: Gate,
    ) -> bool {
        node.inputs[first.input] == node.inputs[second.input]
            && self.are_twins(common, node.inputs[first.input], (first.index, second.index))
    }
}

fn constant(value: f64) -> Triple {
    [Dyadic::default(), Dyadic::default(), Dyadic::new(value)]
}

fn add_scaled(sum: &mut Triple, term: &Triple, factor: f64) {
    let factor = Dyadic::new(factor);
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum = &*sum + &(term * &factor);
    }
}
