//! Bounds of rounding errors, derived once for a network: for each unit how far its computed
//! pre-activation can be from the f64 network's, for rows of given [`Sizes`].
//!
//! The rule that is kept from node to node: for a row that exceeds the sizes by a factor r ≥ 1, whose
//! earlier pieces are those of the f64 network, every computed value is within `r · error` of the
//! exact one, and its absolute value at most `r · size`. `docs/margins.md` derives each step.

use maso_simd::Norms;

use super::Sizes;
use super::magnitude::Magnitude;
use crate::network::{
    Affine, Branch, Candidates, Dense, Extreme, Network, Node, NodeId, Operator, Rule, Run,
    ScalarSpline, View,
};

/// The arithmetic that errors come from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Precision {
    /// Largest relative error of a rounding.
    unit: f64,
    /// Largest absolute error where a result underflows.
    tiny: f64,
}

impl Precision {
    pub(crate) const F32: Self = Self { unit: f32::EPSILON as f64 / 2.0, tiny: 1.5e-45 };
    pub(crate) const F64: Self = Self { unit: f64::EPSILON / 2.0, tiny: 5e-324 };

    /// What `count` roundings can do to a product together; infinite where they are too many to say.
    fn roundings(self, count: usize) -> f64 {
        let total = count as f64 * self.unit;
        // m·u / (1 − m·u) is at most 1.01 · m·u here.
        if total <= 1.0 / 128.0 { 1.01 * total } else { f64::INFINITY }
    }

    /// What rounding a coefficient once can do to it.
    fn coefficient(self, value: f64) -> f64 {
        let exact = self == Self::F64 || f64::from(value as f32) == value;
        if exact { 0.0 } else { self.unit * value.abs() + self.tiny }
    }
}

/// Room for the roundings of the comparison itself, and of this derivation.
const ROOM: f64 = 1.0 + 1.0 / (1u64 << 20) as f64;

/// What margins of one nonlinear layer are compared with.
#[derive(Clone, Debug)]
pub(crate) struct LayerBound {
    /// For each unit, the distance from its knots beyond which its piece is certain.
    pub(crate) reach: Vec<f64>,
    /// Units that do not depend on the row, and whose piece is certain.
    pub(crate) left_out: Vec<bool>,
    /// Largest absolute value of the layer's output.
    pub(crate) size: f64,
    /// Whether candidates of a maximum that are 0 are so exactly.
    pub(crate) zeros_are_exact: bool,
}

/// The bounds of all layers.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    layers: Vec<Option<LayerBound>>,
    /// Whether a matrix reads the input, so that bounds go by its norm.
    matrix: bool,
    sizes: Sizes,
}

/// What is known of a node's values.
#[derive(Clone, Debug, Default)]
struct Known {
    error: Vec<f64>,
    size: f64,
    /// Values that are 0 are so exactly.
    zeros_are_exact: bool,
    /// Units without any weight that is not 0.
    constant: Vec<bool>,
}

impl Bounds {
    pub(crate) fn new(network: &Network, sizes: Sizes, precision: Precision) -> Self {
        let mut derivation = Derivation { network, sizes: &sizes, precision, known: Vec::new() };
        let nodes = network.nodes().iter().enumerate();
        let layers = nodes.map(|(index, node)| derivation.node(index, node)).collect();
        let matrix = network.nodes().iter().any(|node| derivation.input_matrix(node).is_some());
        Self { layers, matrix, sizes }
    }

    /// The bounds of the layer at `node`; `None` where there is no layer.
    pub(crate) fn layer(&self, node: NodeId) -> Option<&LayerBound> {
        self.layers[node.index()].as_ref()
    }

    /// How much a row of these norms exceeds the input that bounds are for.
    pub(crate) fn excess(&self, norms: Norms) -> f64 {
        self.sizes.excess(norms, self.matrix)
    }
}

struct Derivation<'n> {
    network: &'n Network,
    sizes: &'n Sizes,
    precision: Precision,
    /// Of the nodes so far.
    known: Vec<Known>,
}

impl<'n> Derivation<'n> {
    /// Derives what is known of a node, and its bounds if it is a layer.
    fn node(&mut self, index: usize, node: &'n Node) -> Option<LayerBound> {
        let (known, layer) = match &node.operator {
            Operator::Input => (self.input(node), None),
            Operator::Affine(affine) => (self.affine(node, affine), None),
            Operator::Sum { .. } => (self.sum(node), None),
            Operator::View(view) => (self.view(node, view), None),
            Operator::Nonlinear(Rule::Spline(spline)) => self.spline(index, node, spline),
            Operator::Nonlinear(Rule::Extreme(extreme)) => self.extreme(index, node, extreme),
        };
        self.known.push(known);
        layer
    }

    fn of(&self, id: NodeId) -> &Known {
        &self.known[id.index()]
    }

    fn input(&self, node: &Node) -> Known {
        let (error, size) = (vec![0.0; node.len()], self.sizes.input);
        Known { error, size, zeros_are_exact: true, constant: Vec::new() }
    }

    /// γ (|W| (e/γ + A) + |b|): each of n products passes through at most n + 1 roundings, and its
    /// coefficient through one.
    fn affine(&self, node: &Node, affine: &Affine) -> Known {
        let (x, products) = (self.of(node.inputs[0]), products(affine));
        if let Some(dense) = self.input_matrix(node) {
            return self.matrix_of_input(dense, x.size);
        }
        let gamma = self.precision.roundings(products + 2);
        let lift = |&error: &f64| Magnitude { error: error / gamma + x.size, size: x.size };
        let input: Vec<Magnitude> = x.error.iter().map(lift).collect();
        let mut output = vec![Magnitude::default(); node.len()];
        affine.apply(&input, &mut output);
        let tiny = (products + 2) as f64 * self.precision.tiny * (1.0 + x.size);
        let error = output.iter().map(|m| gamma * m.error + tiny).collect();
        let size = largest(output.iter().map(|m| m.size)) * (1.0 + gamma) + tiny;
        Known { error, size, zeros_are_exact: false, constant: constant_units(node, affine) }
    }

    /// The matrix of a node that applies one to the input as it is.
    fn input_matrix(&self, node: &'n Node) -> Option<&'n Dense> {
        let Operator::Affine(Affine::Dense(dense)) = &node.operator else { return None };
        let mut from = node.inputs[0];
        while let Operator::View(View::Same) = self.network.node(from).operator {
            from = self.network.node(from).inputs[0];
        }
        (dense.batch == 1 && from.index() == 0).then_some(dense)
    }

    /// γ (‖w‖ ‖x‖ + |b|): the input is exact, products with 0 are no roundings, and by Cauchy and
    /// Schwarz the sum of the others is at most the product of the norms.
    fn matrix_of_input(&self, dense: &Dense, input_size: f64) -> Known {
        let gamma = self.precision.roundings(self.sizes.nonzero + 2);
        let tiny = (dense.depth + 2) as f64 * self.precision.tiny * (1.0 + input_size);
        let mut known = Known::default();
        for unit in 0..dense.units {
            let weights = (0..dense.depth).map(|i| dense.weight.get(unit * dense.depth + i));
            let norm = weights.map(|weight| weight * weight).sum::<f64>().sqrt();
            let size = norm * self.sizes.norm + dense.bias[unit].abs();
            known.error.push(gamma * size + tiny);
            known.size = known.size.max(size * (1.0 + gamma) + tiny);
            // By the weights: squares of tiny ones are 0.
            let mut weights = (0..dense.depth).map(|i| dense.weight.get(unit * dense.depth + i));
            known.constant.push(weights.all(|weight| weight == 0.0));
        }
        known
    }

    fn sum(&self, node: &Node) -> Known {
        let [a, b] = [self.of(node.inputs[0]), self.of(node.inputs[1])];
        let gamma = self.precision.roundings(3);
        let fresh = gamma * (a.size + b.size);
        let error = a.error.iter().zip(&b.error).map(|(a, b)| a + b + fresh).collect();
        Known { error, size: (a.size + b.size) * (1.0 + gamma), ..Known::default() }
    }

    fn view(&self, node: &Node, view: &View) -> Known {
        let inputs: Vec<&Known> = node.inputs.iter().map(|&id| self.of(id)).collect();
        let View::Runs(runs) = view else { return inputs[0].clone() };
        let mut known = Known { zeros_are_exact: true, ..Known::default() };
        for run in runs {
            match *run {
                Run::Copy { input, from, len } => {
                    let input = inputs[input];
                    known.error.extend(&input.error[from..from + len]);
                    known.size = known.size.max(input.size);
                    known.zeros_are_exact &= input.zeros_are_exact;
                }
                Run::Fill { value, len } => {
                    let error = self.precision.coefficient(value);
                    known.error.extend(std::iter::repeat_n(error, len));
                    known.size = known.size.max(value.abs() * (1.0 + self.precision.unit));
                    known.zeros_are_exact &= error == 0.0;
                }
            }
        }
        known
    }

    /// The error grows by the steepest slope, and by what the line's own arithmetic adds.
    fn spline(
        &self,
        index: usize,
        node: &Node,
        spline: &ScalarSpline,
    ) -> (Known, Option<LayerBound>) {
        let (x, size) = (self.of(node.inputs[0]), self.sizes.nodes[index]);
        let mut known = Known { size, zeros_are_exact: is_relu(spline), ..Known::default() };
        let mut layer = LayerBound::of_size(size);
        for unit in 0..node.len() {
            let knots = spline.knots.iter().map(|knot| knot.at(unit));
            let knot_error = largest(knots.filter(|knot| knot.is_finite()).map(f64::abs));
            layer.reach.push((x.error[unit] + 2.0 * self.precision.unit * knot_error) * ROOM);
            let constant = x.constant.get(unit).is_some_and(|&constant| constant);
            layer.left_out.push(constant && self.constant_is_certain(node, spline, unit));
            let pieces = spline.slopes.iter().zip(&spline.offsets);
            let errors = pieces.map(|(slope, offset)| {
                let (slope, offset) = (slope.at(unit), offset.at(unit));
                slope.abs() * x.error[unit] + self.line(slope, offset, size)
            });
            known.error.push(largest(errors));
        }
        (known, Some(layer))
    }

    /// What computing `slope · z + offset` adds to its error, for results up to `size`.
    fn line(&self, slope: f64, offset: f64, size: f64) -> f64 {
        let Precision { tiny, .. } = self.precision;
        if slope == 0.0 {
            return self.precision.coefficient(offset);
        }
        if slope.abs() == 1.0 && offset == 0.0 {
            return 0.0;
        }
        self.precision.roundings(4) * (size + 2.0 * offset.abs()) + 4.0 * tiny * (1.0 + size)
    }

    /// Whether a unit whose pre-activation is its bias takes the same piece in both precisions.
    fn constant_is_certain(&self, node: &Node, spline: &ScalarSpline, unit: usize) -> bool {
        let bias = match &self.network.node(node.inputs[0]).operator {
            Operator::Affine(Affine::Dense(dense)) => dense.bias[unit % dense.units],
            Operator::Affine(Affine::Convolution(convolution)) => {
                convolution.bias[unit / convolution.map.cells() % convolution.out_channels]
            }
            _ => return false,
        };
        let mut knots = spline.knots.iter().map(|knot| knot.at(unit));
        self.precision != Precision::F32
            || knots.all(|knot| (bias > knot) == (bias as f32 > knot as f32))
    }

    /// The winner is as far off as any candidate can be.
    fn extreme(&self, index: usize, node: &Node, extreme: &Extreme) -> (Known, Option<LayerBound>) {
        let inputs: Vec<&Known> = node.inputs.iter().map(|&id| self.of(id)).collect();
        let size = self.sizes.nodes[index];
        let mut layer = LayerBound::of_size(size);
        layer.zeros_are_exact = inputs.iter().all(|input| input.zeros_are_exact);
        let mut known = Known { size, zeros_are_exact: layer.zeros_are_exact, ..Known::default() };
        for unit in 0..node.len() {
            let error = self.worst_candidate(&inputs, extreme, unit);
            layer.reach.push(2.0 * error * ROOM);
            layer.left_out.push(false);
            known.error.push(error);
        }
        (known, Some(layer))
    }

    fn worst_candidate(&self, inputs: &[&Known], extreme: &Extreme, unit: usize) -> f64 {
        match &extreme.candidates {
            Candidates::Window { map, .. } => {
                let (plane, cell) = (unit / map.cells() * map.source_cells(), unit % map.cells());
                let sources = (0..map.taps()).filter_map(|tap| map.source(tap, cell));
                largest(sources.map(|source| inputs[0].error[plane + source]))
            }
            Candidates::Branches(branches) => largest(branches.iter().map(|branch| match branch {
                Branch::Input(input) => inputs[*input].error[unit],
                Branch::Constant(value) => self.precision.coefficient(value.at(unit)),
            })),
        }
    }
}

impl LayerBound {
    fn of_size(size: f64) -> Self {
        Self { reach: Vec::new(), left_out: Vec::new(), size, zeros_are_exact: false }
    }
}

/// Products in each sum, padding counted.
fn products(affine: &Affine) -> usize {
    match affine {
        Affine::Dense(dense) => dense.depth,
        Affine::Convolution(convolution) => convolution.depth(),
        Affine::AveragePool(pool) => pool.map.taps(),
        Affine::Interpolation(interpolation) => interpolation.map.taps(),
        Affine::Scale(_) => 1,
    }
}

/// Which units of a matrix or convolution have no weight that is not 0.
fn constant_units(node: &Node, affine: &Affine) -> Vec<bool> {
    let (weight, depth, rows, cells) = match affine {
        Affine::Dense(dense) => (&dense.weight, dense.depth, dense.units, 1),
        Affine::Convolution(convolution) => {
            let cells = convolution.map.cells();
            (&convolution.weight, convolution.depth(), convolution.out_channels, cells)
        }
        _ => return Vec::new(),
    };
    let none = |row: usize| (row * depth..(row + 1) * depth).all(|i| weight.get(i) == 0.0);
    let empty: Vec<bool> = (0..rows).map(none).collect();
    (0..node.len()).map(|unit| empty[unit / cells % rows]).collect()
}

/// Whether it is max(z, 0) throughout, which is 0 exactly or not at all.
fn is_relu(spline: &ScalarSpline) -> bool {
    let is = |list: &[crate::network::PerUnit], values: &[f64]| {
        list.len() == values.len()
            && list.iter().zip(values).all(|(p, &value)| p.as_uniform() == Some(value))
    };
    is(&spline.knots, &[0.0]) && is(&spline.slopes, &[0.0, 1.0]) && is(&spline.offsets, &[0.0; 2])
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, f64::max)
}
