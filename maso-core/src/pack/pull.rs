//! A network packed to be run from the output back, with pairs of a row and a functional across lanes: what
//! each functional of a node is as a functional of the node's inputs.
//!
//! A number's *cotangents* are a vector: how the functional of each lane depends on it. The transposed
//! operators are the forward ones' own kernels with weights and windows turned round, so that no matrix is
//! formed but those that the network has.

use maso_simd::{Aligned, Gate, Kernels, PANEL, Param};

use super::parameters::Packed;
use super::row_lanes::{LaneExtreme, LaneWindows};
use crate::network::{Affine, Network, Node, NodeId, Operator, PerUnit, Rule, Run, View};

/// The nodes that the output depends on, from the output back.
#[derive(Clone, Debug)]
pub(crate) struct PullPlan {
    nodes: Vec<PullNode>,
    output: NodeId,
    /// Numbers of each node of the network.
    lens: Vec<usize>,
}

#[derive(Clone, Debug)]
struct PullNode {
    id: NodeId,
    inputs: Vec<NodeId>,
    /// Where its bits are.
    bits: std::ops::Range<usize>,
    work: Pull,
}

/// What a node does to cotangents.
#[derive(Clone, Debug)]
enum Pull {
    Same,
    /// Factors of each unit, then transposed windows if it has any.
    Linear {
        scale: Option<Packed>,
        windows: Option<LaneWindows>,
    },
    /// An operator without a kernel, term by term.
    Terms(Affine),
    Sum {
        negate: bool,
    },
    Runs(Vec<Run>),
    /// The slopes of its pieces.
    Spline(Vec<Packed>),
    Extreme(LaneExtreme),
}

/// Buffers that stay from tile to tile.
#[derive(Debug, Default)]
pub(crate) struct PullBuffers {
    /// Of each node, once one of its readers has run.
    cotangents: Vec<Option<Aligned>>,
    /// Each as long as the longest node: any serves any.
    free: Vec<Aligned>,
    longest: usize,
}

impl PullPlan {
    pub(crate) fn new(network: &Network) -> Self {
        let (nodes, output) = (network.nodes(), network.output());
        let needed = network.ancestors([output]);
        let ids = network.node_ids().skip(1).filter(|id| needed[id.index()]);
        let mut nodes_back: Vec<PullNode> = ids.map(|id| PullNode::new(network, id)).collect();
        nodes_back.reverse();
        Self { nodes: nodes_back, output, lens: nodes.iter().map(Node::len).collect() }
    }

    /// Pulls the output's cotangents, which `fill` writes over zeros, back through all nodes, on the pieces
    /// of `planes`. Gives those of the input.
    pub(crate) fn run<'b>(
        &self,
        kernels: &Kernels,
        planes: &[u32],
        buffers: &'b mut PullBuffers,
        fill: impl FnOnce(&mut [f32]),
    ) -> &'b [f32] {
        buffers.start(&self.lens);
        let output = self.output.index();
        let mut seeds = buffers.zeros(self.lens[output]);
        fill(&mut seeds);
        buffers.cotangents[output] = Some(seeds);
        for node in &self.nodes {
            let y = buffers.cotangents[node.id.index()].take();
            let y = y.expect("a reader of every node that is needed came before");
            node.pull(&self.lens, kernels, &planes[node.bits.clone()], y, buffers);
        }
        let input = buffers.cotangents[0].as_deref().expect("every node depends on the input");
        &input[..self.lens[0] * PANEL]
    }
}

impl PullNode {
    fn new(network: &Network, id: NodeId) -> Self {
        let node = network.node(id);
        let layer = network.layout().layers().iter().find(|layer| layer.node() == id);
        let bits = layer.map_or(0..0, |l| l.first_bit()..l.first_bit() + l.bits());
        Self { id, inputs: node.inputs.clone(), bits, work: Pull::new(node) }
    }

    /// Adds what `y` makes of its inputs' cotangents to these.
    fn pull(
        &self,
        lens: &[usize],
        kernels: &Kernels,
        planes: &[u32],
        mut y: Aligned,
        buffers: &mut PullBuffers,
    ) {
        let (len, first) = (lens[self.id.index()], self.inputs[0]);
        let numbers = &mut y[..len * PANEL];
        match &self.work {
            Pull::Same => {}
            Pull::Linear { scale, windows } => {
                if let Some(scale) = scale {
                    gate(kernels, std::slice::from_ref(scale), &[], numbers);
                }
                if let Some(windows) = windows {
                    let mut x = buffers.empty();
                    windows.transform(kernels, numbers, &mut x);
                    buffers.free.push(std::mem::replace(&mut y, x));
                }
            }
            Pull::Spline(slopes) => gate(kernels, slopes, planes, numbers),
            Pull::Terms(affine) => {
                let mut x = buffers.zeros(lens[first.index()]);
                pull_terms(affine, len, numbers, &mut x);
                buffers.free.push(std::mem::replace(&mut y, x));
            }
            Pull::Sum { negate } => {
                let mut other = buffers.empty();
                let sign = if *negate { -1.0 } else { 1.0 };
                other.iter_mut().zip(&*numbers).for_each(|(other, y)| *other = sign * y);
                buffers.give(self.inputs[1], other, len);
            }
            Pull::Runs(runs) => {
                self.share(lens, buffers, |place, x| put_back(runs, place, numbers, x));
                return buffers.free.push(y);
            }
            Pull::Extreme(extreme) => {
                self.share(lens, buffers, |place, x| {
                    extreme.put_back(kernels, planes, place, numbers, x);
                });
                return buffers.free.push(y);
            }
        }
        buffers.give(first, y, lens[first.index()]);
    }

    /// Gives each input what `make` adds to zeros for the input of its number.
    fn share(&self, lens: &[usize], buffers: &mut PullBuffers, make: impl Fn(usize, &mut [f32])) {
        for (place, &input) in self.inputs.iter().enumerate() {
            let mut x = buffers.zeros(lens[input.index()]);
            make(place, &mut x);
            buffers.give(input, x, lens[input.index()]);
        }
    }
}

impl Pull {
    fn new(node: &Node) -> Self {
        let pack = |parameter: &PerUnit| Packed::new(parameter, 0..node.len());
        let linear = |windows| Self::Linear { scale: None, windows: Some(windows) };
        match &node.operator {
            Operator::Affine(Affine::Dense(dense)) => linear(LaneWindows::transposed_dense(dense)),
            Operator::Affine(Affine::Convolution(convolution)) => {
                linear(LaneWindows::transposed_convolution(convolution))
            }
            Operator::Affine(Affine::AveragePool(pool)) => {
                let factors = (0..node.len()).map(|unit| pool.factor.at(unit % pool.map.cells()));
                let scale = Packed::of(factors.map(|factor| factor as f32).collect());
                let windows = LaneWindows::transposed_sums(pool.planes, &pool.map);
                Self::Linear { scale: Some(scale), windows: Some(windows) }
            }
            Operator::Affine(Affine::Scale(scale)) => {
                Self::Linear { scale: Some(pack(&scale.scale)), windows: None }
            }
            Operator::Affine(affine @ Affine::Interpolation(_)) => Self::Terms(affine.clone()),
            Operator::Sum { negate } => Self::Sum { negate: *negate },
            Operator::View(View::Same) => Self::Same,
            Operator::View(View::Runs(runs)) => Self::Runs(runs.clone()),
            Operator::Nonlinear(Rule::Spline(spline)) => {
                Self::Spline(spline.slopes.iter().map(pack).collect())
            }
            Operator::Nonlinear(Rule::Extreme(extreme)) => {
                Self::Extreme(LaneExtreme::new(extreme, node.len()))
            }
            Operator::Input => unreachable!("the input has no inputs"),
        }
    }
}

/// Multiplies each unit's vector by the slopes of its pieces.
fn gate(kernels: &Kernels, slopes: &[Packed], planes: &[u32], numbers: &mut [f32]) {
    let mut bound = [Param::Splat(0.0); 3];
    bound.iter_mut().zip(slopes).for_each(|(bound, slope)| *bound = slope.bind(Param::Rows));
    kernels.gate(&Gate { slopes: &bound[..slopes.len()], planes }, numbers);
}

/// The transposed operator, term by term.
fn pull_terms(affine: &Affine, units: usize, y: &[f32], x: &mut [f32]) {
    for unit in 0..units {
        affine.for_terms(unit, |index, weight| {
            let (weight, y) = (weight as f32, &y[unit * PANEL..][..PANEL]);
            let x = &mut x[index * PANEL..][..PANEL];
            x.iter_mut().zip(y).for_each(|(x, y)| *x += weight * y);
        });
    }
}

/// Adds the stretches of a view that come from its input number `place` to where they come from.
fn put_back(runs: &[Run], place: usize, y: &[f32], x: &mut [f32]) {
    let mut rest = y;
    for run in runs {
        let (now, behind) = rest.split_at(run.len() * PANEL);
        if let Run::Copy { input, from, .. } = *run
            && input == place
        {
            add(&mut x[from * PANEL..][..now.len()], now);
        }
        rest = behind;
    }
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

impl PullBuffers {
    /// Buffers for nodes of these lengths, of which nothing is known.
    fn start(&mut self, lens: &[usize]) {
        self.free.extend(self.cotangents.drain(..).flatten());
        self.cotangents.resize_with(lens.len(), || None);
        self.longest = lens.iter().copied().max().unwrap_or(0);
    }

    /// A buffer, whatever is in it.
    fn empty(&mut self) -> Aligned {
        let mut buffer = self.free.pop().unwrap_or_default();
        buffer.at_least(self.longest * PANEL);
        buffer
    }

    /// A buffer that begins with `len` vectors of zeros.
    fn zeros(&mut self, len: usize) -> Aligned {
        let mut buffer = self.empty();
        buffer[..len * PANEL].fill(0.0);
        buffer
    }

    /// Adds `x` to the cotangents of node `id`, which has `len` numbers.
    fn give(&mut self, id: NodeId, x: Aligned, len: usize) {
        match &mut self.cotangents[id.index()] {
            Some(sum) => {
                add(&mut sum[..len * PANEL], &x[..len * PANEL]);
                self.free.push(x);
            }
            none => *none = Some(x),
        }
    }
}
