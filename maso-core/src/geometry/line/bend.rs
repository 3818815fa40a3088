//! Whether a network's map changes at a break, decided exactly: what the changed units do to the slopes of all that
//! depends on them, node by node, until it dies out or reaches the output.

use hashbrown::HashMap;

use super::decide::{Cell, Exact};
use crate::geometry::exact::Dyadic;
use crate::linearize::Gate;
use crate::network::{Affine, Network, Node, Operator, Source, View};

/// What the output depends on.
#[derive(Debug)]
pub(super) struct Bends {
    needed: Vec<bool>,
}

/// Numbers of a node whose slope changes, and by how much.
type Steps = HashMap<usize, Dyadic>;

impl Bends {
    pub(super) fn new(network: &Network) -> Self {
        Self { needed: network.ancestors([network.output()]) }
    }

    /// Whether the output's slopes in the cell differ from those where `old` was decided, in the cell before.
    ///
    /// The network is continuous, so the maps of the two are equal if their slopes are.
    pub(super) fn is_bent(&self, cell: Cell<'_>, exact: &mut Exact, old: &[Vec<u64>]) -> bool {
        exact.decisions += 1;
        let network = cell.plan.network;
        let mut steps: Vec<Steps> = Vec::with_capacity(network.nodes().len());
        let mut stage = 0;
        for (node, &needed) in network.nodes().iter().zip(&self.needed) {
            let is_layer = matches!(node.operator, Operator::Nonlinear(_));
            let inputs: Vec<&Steps> = node.inputs.iter().map(|id| &steps[id.index()]).collect();
            let is_quiet = inputs.iter().all(|steps| steps.is_empty());
            let is_same = !is_layer || old[stage] == cell.path[stage];
            let step = if !needed || is_quiet && is_same {
                Steps::new()
            } else {
                match &node.operator {
                    Operator::Input => Steps::new(),
                    Operator::Affine(affine) => of_affine(affine, node.len(), inputs[0]),
                    Operator::Sum { negate } => of_sum(inputs[0], inputs[1], *negate),
                    Operator::View(view) => of_view(view, node.len(), &inputs),
                    Operator::Nonlinear(_) => {
                        let layer = LayerStep { cell, old, stage, node, inputs: &inputs };
                        layer.steps(exact)
                    }
                }
            };
            stage += usize::from(is_layer);
            steps.push(step);
        }
        !steps[network.output().index()].is_empty()
    }
}

fn of_affine(affine: &Affine, units: usize, input: &Steps) -> Steps {
    let mut steps = Steps::new();
    for unit in 0..units {
        let mut sum = Dyadic::default();
        affine.for_terms(unit, |source, weight| {
            if let Some(step) = input.get(&source) {
                sum = &sum + &(step * &Dyadic::new(weight));
            }
        });
        put(&mut steps, unit, sum);
    }
    steps
}

fn of_sum(first: &Steps, second: &Steps, negate: bool) -> Steps {
    let mut steps = first.clone();
    for (&index, step) in second {
        let known = steps.remove(&index).unwrap_or_default();
        put(&mut steps, index, if negate { &known - step } else { &known + step });
    }
    steps
}

fn of_view(view: &View, numbers: usize, inputs: &[&Steps]) -> Steps {
    let mut steps = Steps::new();
    for to in 0..numbers {
        if let Source::Element { input, index } = view.source(to)
            && let Some(step) = inputs[input].get(&index)
        {
            steps.insert(to, step.clone());
        }
    }
    steps
}

fn put(steps: &mut Steps, index: usize, step: Dyadic) {
    if !step.is_zero() {
        steps.insert(index, step);
    }
}

/// A layer some of whose inputs or pieces change.
struct LayerStep<'a> {
    cell: Cell<'a>,
    old: &'a [Vec<u64>],
    stage: usize,
    node: &'a Node,
    inputs: &'a [&'a Steps],
}

impl LayerStep<'_> {
    fn steps(&self, exact: &mut Exact) -> Steps {
        let mut steps = Steps::new();
        let stage = &self.cell.plan.stages[self.stage];
        for unit in 0..stage.units {
            let [before, now] =
                [self.old, self.cell.path].map(|path| self.cell.plan.gate(path, stage.node, unit));
            let step = if before == now {
                self.input_step(now).map(|step| step * &Dyadic::new(now.slope))
            } else {
                Some(self.turned(before, now, exact))
            };
            put(&mut steps, unit, step.unwrap_or_default());
        }
        steps
    }

    fn input_step(&self, gate: Gate) -> Option<&Dyadic> {
        self.inputs.get(gate.input)?.get(&gate.index).filter(|_| gate.slope != 0.0)
    }

    /// The slope now less the slope before of a unit that changes its piece.
    fn turned(&self, before: Gate, now: Gate, exact: &mut Exact) -> Dyadic {
        let mut slope = |gate: Gate| {
            if gate.slope == 0.0 {
                return Dyadic::default();
            }
            exact.slope(self.cell, self.node.inputs[gate.input], gate.index)
        };
        let [mut was, is] = [before, now].map(&mut slope);
        if let Some(step) = self.input_step(before) {
            was = &was - step;
        }
        &(&is * &Dyadic::new(now.slope)) - &(&was * &Dyadic::new(before.slope))
    }
}
