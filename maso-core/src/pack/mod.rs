//! A network packed for the kernels: steps over numbered buffers, coefficients rounded to f32 once.
//!
//! Each step is an affine part with the scalar spline that follows it, where nothing else reads the
//! value between; or a maximum; or a movement. Buffers are shared among values whose lifetimes do not
//! meet. [`eval`](crate::eval) runs the steps, tile by tile.

mod convolution;
mod dense;
mod elementwise;
mod gather;
mod interpolation;
mod parameters;
mod pool;
mod run;
mod windows;

pub(crate) use run::{RowsView, Run, Scratch};

use maso_simd::panel::padded;

use crate::network::{Affine, Network, Node, NodeId, Operator, Rule, ScalarSpline, View};
use convolution::PackedConvolution;
use dense::PackedDense;
use elementwise::Elementwise;
use gather::Gather;
use interpolation::PackedInterpolation;
use pool::{PackedAverage, PackedExtreme};

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

#[derive(Clone, Debug)]
enum Work {
    Dense(PackedDense),
    Convolution(PackedConvolution),
    Average(PackedAverage),
    Interpolation(PackedInterpolation),
    Elementwise(Elementwise),
    Extreme(PackedExtreme),
    Gather(Gather),
}

/// One step of a tile.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) inputs: Vec<ValueRef>,
    pub(crate) slot: usize,
    /// Numbers in one row of its output.
    pub(crate) len: usize,
    /// Where its layer's bits begin, if it is one.
    pub(crate) first_bit: usize,
    work: Work,
}

impl Step {
    /// Runs the step over a tile; false if a value is NaN or infinite.
    pub(crate) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        match &self.work {
            Work::Dense(dense) => dense.run(run, scratch),
            Work::Convolution(convolution) => convolution.run(run, scratch),
            Work::Average(pool) => pool.run(run, scratch),
            Work::Interpolation(interpolation) => interpolation.run(run, scratch),
            Work::Elementwise(elementwise) => elementwise.run(run, scratch),
            Work::Extreme(extreme) => extreme.run(run, scratch),
            Work::Gather(gather) => gather.run(run),
        }
    }
}

/// All steps of a network and the buffers they need.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    /// For each buffer, the numbers it needs for one row.
    pub(crate) slots: Vec<usize>,
    pub(crate) output: ValueRef,
}

impl Plan {
    pub(crate) fn new(network: &Network) -> Self {
        let readers = readers(network);
        let fused = |node: &Node| match &node.operator {
            Operator::Nonlinear(Rule::Spline(spline)) => {
                let before = network.node(node.inputs[0]);
                readers[node.inputs[0].0] == 1 && fits(before, spline)
            }
            _ => false,
        };
        let mut swallowed = vec![false; readers.len()];
        for node in network.nodes().iter().filter(|node| fused(node)) {
            swallowed[node.inputs[0].0] = true;
        }
        let mut builder = Builder::new(network, &swallowed);
        for (index, node) in network.nodes().iter().enumerate() {
            let id = NodeId(index);
            if swallowed[index] {
                continue;
            }
            let (base, spline) = match &node.operator {
                Operator::Nonlinear(Rule::Spline(spline)) if fused(node) => {
                    (network.node(node.inputs[0]), Some(spline))
                }
                Operator::Nonlinear(Rule::Spline(spline)) => (node, Some(spline)),
                _ => (node, None),
            };
            builder.add(id, node, base, spline);
        }
        builder.finish()
    }

    /// Bytes of all buffers for one row.
    pub(crate) fn row_bytes(&self) -> usize {
        self.slots.iter().sum::<usize>() * size_of::<f32>()
    }
}

/// How many nodes read each node; the output counts as one.
fn readers(network: &Network) -> Vec<usize> {
    let mut readers = vec![0; network.nodes().len()];
    readers[network.output().0] += 1;
    for input in network.nodes().iter().flat_map(|node| &node.inputs) {
        readers[input.0] += 1;
    }
    readers
}

/// Whether the step of `before` can apply `spline` in its epilogue.
fn fits(before: &Node, spline: &ScalarSpline) -> bool {
    let uniform = || spline.parameters().all(|parameter| parameter.as_uniform().is_some());
    match &before.operator {
        Operator::Affine(Affine::Dense(dense)) => dense.batch == 1 || uniform(),
        Operator::Affine(Affine::Convolution(convolution)) => {
            let cells = convolution.map.cells();
            uniform()
                || convolution.batch == 1
                    && spline.parameters().all(|parameter| parameter.is_blocked_by(cells))
        }
        Operator::Affine(Affine::Scale(_)) | Operator::Sum { .. } => true,
        _ => false,
    }
}

/// Turns nodes into steps while it hands out buffers.
struct Builder<'n> {
    network: &'n Network,
    /// For each node, where its value stands once it is made.
    values: Vec<Option<ValueRef>>,
    /// For each node, the last node that reads it, aliases followed.
    last_read: Vec<usize>,
    slots: Vec<usize>,
    /// For each buffer, the node after which it is free.
    busy_until: Vec<usize>,
    steps: Vec<Step>,
}

impl<'n> Builder<'n> {
    fn new(network: &'n Network, swallowed: &[bool]) -> Self {
        let count = network.nodes().len();
        let mut last_read = vec![0; count];
        last_read[network.output().0] = usize::MAX;
        // Backwards: an alias's readers read what it stands for, a swallowed node reads when its
        // reader runs.
        for (index, node) in network.nodes().iter().enumerate().rev() {
            let late = swallowed[index] || matches!(node.operator, Operator::View(View::Same));
            let reads_at = if late { last_read[index] } else { index };
            for input in &node.inputs {
                last_read[input.0] = last_read[input.0].max(reads_at);
            }
        }
        let values = vec![None; count];
        let (slots, busy_until, steps) = (Vec::new(), Vec::new(), Vec::new());
        Self { network, values, last_read, slots, busy_until, steps }
    }

    /// Adds `node`, whose affine part is `base` (itself where nothing was swallowed).
    fn add(&mut self, id: NodeId, node: &Node, base: &Node, spline: Option<&ScalarSpline>) {
        let len = node.len();
        let value = |builder: &Self, id: &NodeId| builder.values[id.0].expect("made before");
        let inputs: Vec<ValueRef> = base.inputs.iter().map(|id| value(self, id)).collect();
        self.values[id.0] = Some(match &base.operator {
            Operator::Input => ValueRef { place: Place::Input, len },
            Operator::View(View::Same) => inputs[0],
            operator => {
                let slot = self.claim(id, len);
                let work = pack(operator, len, spline);
                let layers = self.network.layout().layers();
                let layer = layers.iter().find(|layer| layer.node() == id);
                let first_bit = layer.map_or(0, |layer| layer.first_bit());
                self.steps.push(Step { inputs, slot, len, first_bit, work });
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
        self.slots[slot] = self.slots[slot].max(padded(len));
        self.busy_until[slot] = self.last_read[id.0].max(id.0);
        slot
    }

    fn finish(self) -> Plan {
        let output = self.values[self.network.output().0].expect("every node was added");
        Plan { steps: self.steps, slots: self.slots, output }
    }
}

fn pack(operator: &Operator, len: usize, spline: Option<&ScalarSpline>) -> Work {
    match operator {
        Operator::Affine(Affine::Dense(dense)) => Work::Dense(PackedDense::new(dense, spline)),
        Operator::Affine(Affine::Convolution(convolution)) => {
            Work::Convolution(PackedConvolution::new(convolution, spline))
        }
        Operator::Affine(Affine::AveragePool(pool)) => Work::Average(PackedAverage::new(pool)),
        Operator::Affine(Affine::Interpolation(interpolation)) => {
            Work::Interpolation(PackedInterpolation::new(interpolation))
        }
        Operator::Affine(Affine::Scale(scale)) => {
            Work::Elementwise(Elementwise::scale(scale, len, spline))
        }
        Operator::Sum { negate } => Work::Elementwise(Elementwise::sum(*negate, len, spline)),
        Operator::Nonlinear(Rule::Spline(spline)) => {
            Work::Elementwise(Elementwise::spline(len, spline))
        }
        Operator::Nonlinear(Rule::Extreme(extreme)) => {
            Work::Extreme(PackedExtreme::new(extreme, len))
        }
        Operator::View(View::Runs(runs)) => Work::Gather(Gather::new(runs)),
        Operator::Input | Operator::View(View::Same) => {
            unreachable!("inputs and aliases make no step")
        }
    }
}
