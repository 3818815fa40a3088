//! The order in which a network is taken to a plane: layer by layer, and between two layers the affine nodes that
//! depend on no later one.

use maso_simd::{Kernels, Tier};

use super::jump::Jump;
use super::matrix::Matrix;
use super::stage::{Signs, SignsOf};
use super::{Forms, Kind, Operand, Stage, Target};
use crate::linearize::Gate;
use crate::network::{Affine, Dense, Network, NodeId, Operator, Rule, Source, View};

/// Networks of as many stages are deep: bounds of products' norms pay.
const DEEP: usize = 4;

/// A plane in the input space: the point `origin + s·u + t·v`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plane {
    pub(crate) origin: Vec<f64>,
    pub(crate) u: Vec<f64>,
    pub(crate) v: Vec<f64>,
}

/// Everything that is fixed before the first cell.
#[derive(Debug)]
pub(crate) struct Plan<'n> {
    pub(crate) network: &'n Network,
    pub(crate) plane: Plane,
    /// The largest coordinates of the window, without sign.
    pub(crate) reach: [f64; 2],
    pub(crate) kernels: &'static Kernels,
    /// What is decided, in order.
    pub(crate) stages: Vec<Stage>,
    /// What is found once as many stages are decided.
    pub(super) segments: Vec<Vec<Step>>,
    /// Which stage a layer's node is.
    stage_of: Vec<Option<usize>>,
    /// How many stages come before each node.
    segment_of: Vec<usize>,
    /// Where each node's forms are: the segment, and which of its forms.
    places: Vec<Option<Place>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub(super) segment: usize,
    pub(super) slot: usize,
}

/// One node of a segment, or the forms whose signs are asked for next.
#[derive(Debug)]
pub(super) enum Step {
    /// The input's own forms.
    Input,
    /// An affine node, a sum or a view, of its inputs' forms.
    Node(NodeId, Norms),
    /// A dense node of one vector.
    Dense(NodeId, Matrix),
    /// A layer's outputs: its inputs' forms through the gates of the pieces.
    Gates(NodeId),
    /// A dense node that reads nothing but a scalar layer: of that layer's pre-activations, without the outputs
    /// in between.
    Jump(Box<Jump>),
}

/// What bounds need of an affine node.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Norms {
    /// The largest sum of a unit's weights, without sign.
    pub(super) sum: f64,
    pub(super) bias: f64,
    /// The most terms of a unit.
    pub(super) terms: usize,
}

/// The forms found once some stages are decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segment {
    pub(super) forms: Vec<Forms>,
    /// Those whose signs are asked for next, where they are not a node's own.
    pub(super) rows: Forms,
}

impl<'n> Plan<'n> {
    /// A plan of the first `layers` layers, and of `target` after them if there is one.
    pub(crate) fn new(
        network: &'n Network,
        plane: Plane,
        reach: [f64; 2],
        layers: usize,
        target: Option<Target>,
        with_output: bool,
    ) -> Self {
        let described = network.layout().layers()[..layers].iter().enumerate();
        let mut stages: Vec<Stage> =
            described.map(|(i, layer)| Stage::of_layer(network, i, layer)).collect();
        stages.extend(target.map(|target| Stage::of_target(network, target)));
        let kernels = Kernels::of(Tier::best());
        let places = vec![None; network.nodes().len()];
        let segments = (0..=stages.len()).map(|_| Vec::new()).collect();
        let segment_of = vec![0; network.nodes().len()];
        let mut stage_of = vec![None; network.nodes().len()];
        for (number, stage) in stages.iter().enumerate().filter(|(_, stage)| stage.layer.is_some())
        {
            stage_of[stage.node.index()] = Some(number);
        }
        let mut plan =
            Self { network, plane, reach, kernels, stages, segments, stage_of, segment_of, places };
        plan.place_nodes(layers, with_output);
        plan
    }

    /// Places every node that a stage needs.
    fn place_nodes(&mut self, layers: usize, with_output: bool) {
        let network = self.network;
        let mut targets: Vec<NodeId> = Vec::new();
        for layer in &network.layout().layers()[..layers] {
            targets.extend(&network.node(layer.node()).inputs);
        }
        targets.extend(
            self.stages.iter().filter(|stage| stage.layer.is_none()).map(|stage| stage.node),
        );
        if with_output {
            targets.push(network.output());
        }
        let needed = network.ancestors(targets);
        let jumped = self.jumped_over(&needed, with_output);
        for id in network.node_ids().filter(|id| needed[id.index()]) {
            let node = network.node(id);
            let stage =
                self.stages.iter().position(|stage| stage.node == id && stage.layer.is_some());
            let latest = node.inputs.iter().map(|input| self.segment_of[input.index()]).max();
            let segment = stage.map_or(latest.unwrap_or(0), |stage| stage + 1);
            self.segment_of[id.index()] = segment;
            if jumped[id.index()] {
                continue;
            }
            if matches!(node.operator, Operator::View(View::Same)) {
                self.places[id.index()] = self.places[node.inputs[0].index()];
                continue;
            }
            let step = match (&node.operator, self.jump(id, &jumped)) {
                (_, Some(jump)) => Step::Jump(Box::new(jump)),
                (Operator::Input, _) => Step::Input,
                (Operator::Nonlinear(_), _) => Step::Gates(id),
                (Operator::Affine(Affine::Dense(dense)), _) if dense.batch == 1 => {
                    Step::Dense(id, self.matrix(dense))
                }
                (operator, _) => Step::Node(id, Norms::of(operator, node.len())),
            };
            let slot = self.segments[segment].len();
            self.places[id.index()] = Some(Place { segment, slot });
            self.segments[segment].push(step);
        }
    }

    /// Scalar layers, and plain views of them, that only dense nodes read: their own forms need not be found.
    fn jumped_over(&self, needed: &[bool], with_output: bool) -> Vec<bool> {
        let network = self.network;
        let count = network.nodes().len();
        let mut jumped = vec![false; count];
        // Readers come after what they read: from the last node on.
        let mut only_dense = vec![true; count];
        if let Some(target) = self.stages.iter().find(|stage| stage.layer.is_none()) {
            only_dense[target.node.index()] = false;
        }
        only_dense[network.output().index()] &= !with_output;
        for id in network.node_ids().collect::<Vec<_>>().into_iter().rev() {
            let node = network.node(id);
            // The last layer decided is needed by nothing, but what it reads is.
            let is_stage =
                self.stages.iter().any(|stage| stage.node == id && stage.layer.is_some());
            if !needed[id.index()] && !is_stage {
                continue;
            }
            let passes = match &node.operator {
                Operator::Affine(Affine::Dense(dense)) => dense.batch == 1,
                Operator::View(View::Same) => only_dense[id.index()],
                _ => false,
            };
            if !passes {
                node.inputs.iter().for_each(|input| only_dense[input.index()] = false);
            }
        }
        for id in network.node_ids().filter(|id| needed[id.index()]) {
            let node = network.node(id);
            jumped[id.index()] = only_dense[id.index()]
                && match &node.operator {
                    Operator::Nonlinear(Rule::Spline(_)) => true,
                    Operator::View(View::Same) => jumped[node.inputs[0].index()],
                    _ => false,
                };
        }
        jumped
    }

    fn matrix(&self, dense: &Dense) -> Matrix {
        Matrix::new(self.kernels, dense, self.stages.len() >= DEEP)
    }

    /// How a dense node is found from the pre-activations of the layer that it reads.
    fn jump(&self, id: NodeId, jumped: &[bool]) -> Option<Jump> {
        let network = self.network;
        let Operator::Affine(Affine::Dense(dense)) = &network.node(id).operator else {
            return None;
        };
        let mut layer = network.node(id).inputs[0];
        if !jumped[layer.index()] {
            return None;
        }
        while let Operator::View(_) = network.node(layer).operator {
            layer = network.node(layer).inputs[0];
        }
        let Operator::Nonlinear(Rule::Spline(spline)) = &network.node(layer).operator else {
            unreachable!("a scalar layer is behind")
        };
        let stage = self.stages.iter().position(|stage| stage.node == layer)?;
        Some(Jump::new(self.matrix(dense), stage, network.node(layer).inputs[0], spline.clone()))
    }

    /// The forms of `node`, of the segments found so far.
    pub(super) fn place(&self, node: NodeId) -> Place {
        self.places[node.index()].expect("a node that a stage needs")
    }

    /// Whether a node's forms are the same in every cell.
    pub(crate) fn is_before_stages(&self, node: NodeId) -> bool {
        self.stages_before(node) == 0
    }

    /// How many stages have to be decided before a node's forms can be found.
    pub(crate) fn stages_before(&self, node: NodeId) -> usize {
        self.segment_of[node.index()]
    }

    /// What a unit of a layer's node does where stages are decided as `path` says.
    pub(crate) fn gate(&self, path: &[Vec<u64>], node: NodeId, unit: usize) -> Gate {
        let Operator::Nonlinear(rule) = &self.network.node(node).operator else {
            unreachable!("a layer")
        };
        let number = self.stage_of[node.index()].expect("a stage of the plan");
        let piece = self.stages[number].piece(&path[number], unit);
        rule.gate(unit, piece).expect("a piece of the unit")
    }

    /// The number that an operand is, seen through views and through layers whose unit lets it pass as it is or is
    /// a constant, where stages are decided as `path` says.
    pub(crate) fn root(&self, path: &[Vec<u64>], operand: Operand) -> Operand {
        let Operand::Number { node: id, index } = operand else { return operand };
        let node = self.network.node(id);
        let (input, index) = match &node.operator {
            Operator::View(view) => match view.source(index) {
                Source::Constant(value) => return Operand::Constant(value),
                Source::Element { input, index } => (input, index),
            },
            Operator::Nonlinear(_) => match self.gate(path, id, index) {
                Gate { slope: 0.0, offset, .. } => return Operand::Constant(offset),
                Gate { slope: 1.0, offset: 0.0, input, index, .. } => (input, index),
                _ => return operand,
            },
            _ => return operand,
        };
        self.root(path, Operand::Number { node: node.inputs[input], index })
    }

    /// The signs that stage `stage` asks for; none if it is a contest.
    pub(super) fn signs(&self, stage: usize) -> Option<&Signs> {
        match &self.stages.get(stage)?.kind {
            Kind::Signs(signs) => Some(signs),
            Kind::Contest(_) => None,
        }
    }

    /// The node whose own numbers are the rows of stage `stage`, if they are.
    pub(super) fn direct(&self, stage: usize) -> Option<NodeId> {
        match self.signs(stage)?.of {
            SignsOf::Numbers(node) => Some(node),
            _ => None,
        }
    }
}

impl Norms {
    fn of(operator: &Operator, units: usize) -> Self {
        let Operator::Affine(affine) = operator else { return Self::default() };
        let mut norms = Self::default();
        for unit in 0..units {
            let (mut sum, mut terms) = (0.0, 0);
            affine.for_terms(unit, |_, weight| (sum, terms) = (sum + weight.abs(), terms + 1));
            norms.sum = norms.sum.max(1.01 * sum);
            norms.terms = norms.terms.max(terms);
            norms.bias = norms.bias.max(affine.bias(unit).abs());
        }
        norms
    }
}
