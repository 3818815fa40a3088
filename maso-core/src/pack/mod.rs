//! A network packed for the kernels: steps over numbered buffers, coefficients rounded to f32 once.
//!
//! There are two ways to lay out the rows of a tile in f32. [`unit_lanes`] keeps each row's numbers together
//! and puts units across lanes: best for narrow matrices, and for few rows. [`row_lanes`] keeps each number's
//! values in all rows together and puts rows across lanes: best for windows, which then need no unfolding,
//! and for wide matrices. A third, [`double_lanes`], is for rows in f64. All make their steps of the same
//! joined nodes ([`join`]), and share buffers among values whose lifetimes do not meet.
//! [`eval`](crate::eval) runs the steps, tile by tile.

pub(crate) mod chain;
pub(crate) mod double_lanes;
mod join;
mod measure;
mod parameters;
pub(crate) mod pull;
pub(crate) mod row_lanes;
mod terms;
pub(crate) mod unit_lanes;

pub(crate) use measure::{PackedMeasure, StepMargins, measures};

use crate::network::{Network, NodeId, Operator, View};
use join::{Joined, Joins};

/// Which numbers go through the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// The network's values, which make bits.
    Values,
    /// Directions that they move in: without biases and constants, on the pieces that the bits say.
    Tangents,
}

/// Where a value stands during a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The rows themselves.
    Input,
    /// A buffer.
    Slot(usize),
}

/// A value: its place, and its numbers in one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueRef {
    pub(crate) place: Place,
    pub(crate) len: usize,
}

/// The work of a step, in one of the two layouts.
pub(crate) trait Work: Sized {
    /// Whether a step can end with the sum of another branch.
    const JOINS_SUMS: bool;

    /// Numbers that `len` values take in a buffer, for each row or for all lanes.
    fn stride(len: usize) -> usize;

    /// Packs the nodes of a step that has `len` outputs.
    fn pack(joined: &Joined<'_>, len: usize) -> Self;

    /// Units that share their parameters: which of these groups `unit` is in.
    fn group(&self, unit: usize) -> usize;

    /// Groups, with those of lanes without units, for `len` outputs.
    fn groups(&self, len: usize) -> usize;
}

/// One step of a tile.
#[derive(Clone, Debug)]
pub(crate) struct Step<W> {
    /// The last node that it makes.
    pub(crate) node: NodeId,
    /// What it reads; the branch that is added last, where there is one.
    pub(crate) inputs: Vec<ValueRef>,
    pub(crate) slot: usize,
    /// Numbers in one row of its output.
    pub(crate) len: usize,
    /// Where its layer's bits begin, and how many there are.
    pub(crate) first_bit: usize,
    pub(crate) bits: usize,
    pub(crate) work: W,
}

/// All steps of a network and the buffers they need.
#[derive(Clone, Debug)]
pub(crate) struct Plan<W> {
    pub(crate) steps: Vec<Step<W>>,
    /// Steps that codes depend on: what follows the last layer is for values alone.
    pub(crate) code_steps: usize,
    /// For each buffer, the numbers it needs.
    pub(crate) slots: Vec<usize>,
    pub(crate) output: ValueRef,
}

impl<W: Work> Plan<W> {
    pub(crate) fn new(network: &Network) -> Self {
        let joins = Joins::new(network, W::JOINS_SUMS);
        let mut builder = Builder::new(&joins);
        for index in 0..network.nodes().len() {
            if !joins.is_swallowed(NodeId(index)) {
                builder.add(NodeId(index));
            }
        }
        builder.finish()
    }

    /// Bytes of all buffers.
    pub(crate) fn bytes(&self) -> usize {
        self.slots.iter().sum::<usize>() * size_of::<f32>()
    }

    /// The steps that a run needs.
    pub(crate) fn steps(&self, values: bool) -> &[Step<W>] {
        if values { &self.steps } else { &self.steps[..self.code_steps] }
    }
}

/// Turns nodes into steps while it hands out buffers.
struct Builder<'j, 'n, W> {
    joins: &'j Joins<'n>,
    network: &'n Network,
    /// For each node, where its value stands once it is made.
    values: Vec<Option<ValueRef>>,
    /// For each node, the last node that reads it, aliases followed.
    last_read: Vec<usize>,
    slots: Vec<usize>,
    /// For each buffer, the node after which it is free.
    busy_until: Vec<usize>,
    steps: Vec<Step<W>>,
}

impl<'j, 'n, W: Work> Builder<'j, 'n, W> {
    fn new(joins: &'j Joins<'n>) -> Self {
        let network = joins.network();
        let count = network.nodes().len();
        let mut last_read = vec![0; count];
        last_read[network.output().0] = usize::MAX;
        // Backwards: an alias's readers read what it stands for, a swallowed node reads when its
        // reader runs.
        for (index, node) in network.nodes().iter().enumerate().rev() {
            let alias = matches!(node.operator, Operator::View(View::Same));
            let late = alias || joins.is_swallowed(NodeId(index));
            let reads_at = if late { last_read[index] } else { index };
            for input in &node.inputs {
                last_read[input.0] = last_read[input.0].max(reads_at);
            }
        }
        let values = vec![None; count];
        let (slots, busy_until, steps) = (Vec::new(), Vec::new(), Vec::new());
        Self { joins, network, values, last_read, slots, busy_until, steps }
    }

    /// Adds the step that ends at `id`.
    fn add(&mut self, id: NodeId) {
        let joined = self.joins.of(id);
        let len = self.network.node(id).len();
        let value = |id: NodeId| self.values[id.0].expect("made before");
        let inputs: Vec<ValueRef> = self.joins.inputs(id).map(value).collect();
        self.values[id.0] = Some(match &joined.base.operator {
            Operator::Input => ValueRef { place: Place::Input, len },
            Operator::View(View::Same) => inputs[0],
            _ => {
                let slot = self.claim(id, len);
                let layers = self.network.layout().layers();
                let layer = layers.iter().find(|layer| layer.node() == id);
                let (first_bit, bits) =
                    layer.map_or((0, 0), |layer| (layer.first_bit(), layer.bits()));
                let work = W::pack(&joined, len);
                self.steps.push(Step { node: id, inputs, slot, len, first_bit, bits, work });
                ValueRef { place: Place::Slot(slot), len }
            }
        });
    }

    /// A buffer that is free while node `id` is made, busy until its last reader.
    fn claim(&mut self, id: NodeId, len: usize) -> usize {
        let free = (0..self.slots.len()).find(|&slot| self.busy_until[slot] < id.0);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(0);
            self.busy_until.push(0);
            self.slots.len() - 1
        });
        self.slots[slot] = self.slots[slot].max(W::stride(len));
        self.busy_until[slot] = self.last_read[id.0].max(id.0);
        slot
    }

    fn finish(self) -> Plan<W> {
        let output = self.values[self.network.output().0].expect("every node was added");
        let code_steps =
            self.steps.iter().rposition(|step| step.bits > 0).map_or(0, |last| last + 1);
        Plan { steps: self.steps, code_steps, slots: self.slots, output }
    }
}
