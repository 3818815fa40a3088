//! Named patterns: groups of nodes by which exporters write one nonlinearity. The last node of a group
//! stands for it; the others stay where something else reads them.

use std::collections::HashMap;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

use super::Producers;
use crate::graph::{Attribute, Graph, GraphNode};
use crate::tensor::{Tensor, TensorData};

/// For the last node of each pattern, by its index, the node that says it in one.
pub(super) fn stand_ins(graph: &Graph, producers: &Producers<'_>) -> HashMap<usize, GraphNode> {
    // What none of these is in needs no search.
    let telling = ["Greater", "Sigmoid", "Erf", "Tanh", "Softmax"];
    if !graph.nodes.iter().any(|node| telling.contains(&node.op.as_str())) {
        return HashMap::new();
    }
    let constants = graph.constants.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let finder = Finder { producers, constants };
    let found = graph.nodes.iter().enumerate().filter_map(|(index, node)| {
        let Named { op, input, attributes } = finder.named(node)?;
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        // Axes to reduce are the second input, where there are any.
        let axes = node.inputs.iter().skip(1).filter(|_| op.starts_with("Reduce")).cloned();
        let inputs = std::iter::once(input.to_owned()).chain(axes).collect();
        let (op, attributes) = (op.to_owned(), attributes.collect());
        Some((index, GraphNode { op, inputs, attributes, ..node.clone() }))
    });
    found.collect()
}

/// What says it in one: an operator, its input, its attributes.
struct Named<'g> {
    op: &'static str,
    input: &'g str,
    attributes: Vec<(&'static str, Attribute)>,
}

impl<'g> Named<'g> {
    fn new(op: &'static str, input: &'g str) -> Self {
        Self { op, input, attributes: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: Attribute) -> Self {
        self.attributes.push((name, value));
        self
    }
}

/// A constant number as an attribute, in full precision.
fn number(value: f64) -> Option<Attribute> {
    Tensor::new(Vec::new(), TensorData::F64(vec![value])).map(Attribute::Tensor)
}

/// The factors that a product is made of.
#[derive(Default)]
struct Factors<'g> {
    /// The product of the constants.
    constant: f64,
    others: Vec<&'g str>,
}

/// Whether a constant of a file is `exact`, which exporters round to f32 or to four or five digits.
fn is_near(value: f64, exact: f64) -> bool {
    (value - exact).abs() <= 1e-5 * exact.abs()
}

struct Finder<'g, 'p> {
    producers: &'p Producers<'g>,
    constants: HashMap<&'g str, &'g Tensor>,
}

impl<'g> Finder<'g, '_> {
    /// The inputs of the node that makes `tensor`, if that is an `op` of two inputs.
    fn pair(&self, tensor: &str, op: &str) -> Option<[&'g str; 2]> {
        let node = self.maker(tensor, op)?;
        Some([node.input(0)?, node.input(1)?])
    }

    fn maker(&self, tensor: &str, op: &str) -> Option<&'g GraphNode> {
        let node = *self.producers.get(tensor)?;
        (node.op == op && node.domain.is_empty()).then_some(node)
    }

    /// The constant of that name.
    fn tensor(&self, name: &str) -> Option<&'g Tensor> {
        let node = || self.maker(name, "Constant")?.attributes.get("value");
        let constant = self.constants.get(name).copied();
        constant.or_else(|| match node() {
            Some(Attribute::Tensor(tensor)) => Some(tensor),
            _ => None,
        })
    }

    /// The number that a constant of one element holds.
    fn number(&self, tensor: &str) -> Option<f64> {
        let constant = self.tensor(tensor)?;
        (constant.len() == 1).then(|| constant.to_f64()[0])
    }

    fn named(&self, node: &'g GraphNode) -> Option<Named<'g>> {
        if !node.domain.is_empty() {
            return None;
        }
        match node.op.as_str() {
            "Add" | "Where" => {
                let (z, lambda) = self.softshrink(node)?;
                Some(Named::new("Softshrink", z).with("lambd", number(lambda)?))
            }
            "Mul" => self.silu(node).or_else(|| self.gelu(node)),
            "ReduceSum" => self.soft_maximum(node),
            _ => None,
        }
    }

    /// `z · Sigmoid(αz)`, in either order.
    fn silu(&self, node: &'g GraphNode) -> Option<Named<'g>> {
        let [a, b] = [node.input(0)?, node.input(1)?];
        let gates = |gate, z: &'g str| {
            let argument = self.maker(gate, "Sigmoid")?.input(0)?;
            let alpha = self.scale_of(argument, z)?;
            Some(Named::new("Swish", z).with("alpha", number(alpha)?))
        };
        gates(b, a).or_else(|| gates(a, b))
    }

    /// The constant α for which `tensor` is α · `x`.
    fn scale_of(&self, tensor: &str, x: &str) -> Option<f64> {
        if tensor == x {
            return Some(1.0);
        }
        let [a, b] = self.pair(tensor, "Mul")?;
        let (of, by) = self.number(b).map(|by| (a, by)).or_else(|| Some((b, self.number(a)?)))?;
        (of == x).then_some(by)
    }

    /// The sum of `x · Softmax(ηx)` along the axis of that.
    fn soft_maximum(&self, node: &'g GraphNode) -> Option<Named<'g>> {
        let [a, b] = self.pair(node.input(0)?, "Mul")?;
        let weighs = |weights, x: &'g str| {
            let softmax = self.maker(weights, "Softmax")?;
            let sharpness = self.scale_of(softmax.input(0)?, x)?;
            let axis = softmax.int("axis", -1);
            let axes =
                node.ints("axes").map(<[i64]>::to_vec).or_else(|| self.integers(node.input(1)?))?;
            (axes == [axis]).then_some(())?;
            let named = Named::new("ReduceSoftMax", x).with("sharpness", number(sharpness)?);
            let axes = node.attributes.get("axes").map(|axes| ("axes", axes.clone()));
            let keep = ("keepdims", Attribute::Int(node.int("keepdims", 1)));
            Some(
                [Some(keep), axes]
                    .into_iter()
                    .flatten()
                    .fold(named, |named, (k, v)| named.with(k, v)),
            )
        };
        weighs(b, a).or_else(|| weighs(a, b))
    }

    /// The integers that a constant holds.
    fn integers(&self, tensor: &str) -> Option<Vec<i64>> {
        match self.tensor(tensor)?.data() {
            TensorData::I64(list) => Some(list.to_vec()),
            _ => None,
        }
    }

    /// `½ z (1 + Erf(z/√2))` or `½ z (1 + Tanh(√(2/π)(z + 0.044715 z³)))`, the three factors in any order.
    fn gelu(&self, node: &'g GraphNode) -> Option<Named<'g>> {
        let [a, b] = [node.input(0)?, node.input(1)?];
        // z itself may be a product.
        let whole = |half: &'g str, z| {
            let [c, d] = self.pair(half, "Mul")?;
            let gate = if self.number(c) == Some(0.5) {
                d
            } else {
                (self.number(d)? == 0.5).then_some(c)?
            };
            self.gated(z, gate)
        };
        whole(b, a).or_else(|| whole(a, b)).or_else(|| {
            let mut factors = Factors { constant: 1.0, ..Factors::default() };
            self.factors(node, 2, None, &mut factors)?;
            let [a, b] = factors.others[..] else { return None };
            (factors.constant == 0.5).then(|| self.gated(a, b).or_else(|| self.gated(b, a)))?
        })
    }

    /// GELU of `z`, if `gate` is one plus the function of GELU or of its approximation.
    fn gated(&self, z: &'g str, gate: &str) -> Option<Named<'g>> {
        let approximate = if self.one_plus_erf(gate) == Some(z) {
            "none"
        } else {
            (self.one_plus_tanh(gate) == Some(z)).then_some("tanh")?
        };
        Some(Named::new("Gelu", z).with("approximate", Attribute::Text(approximate.to_owned())))
    }

    /// Adds what `node` multiplies, through `depth` products but not through `whole`.
    fn factors(
        &self,
        node: &'g GraphNode,
        depth: usize,
        whole: Option<&str>,
        factors: &mut Factors<'g>,
    ) -> Option<()> {
        for input in [node.input(0)?, node.input(1)?] {
            let inner = self.maker(input, "Mul").filter(|_| depth > 1 && whole != Some(input));
            match (self.number(input), inner) {
                (Some(number), _) => factors.constant *= number,
                (None, Some(inner)) => self.factors(inner, depth - 1, whole, factors)?,
                _ => factors.others.push(input),
            }
        }
        Some(())
    }

    /// The z of `1 + Erf(z/√2)`.
    fn one_plus_erf(&self, tensor: &str) -> Option<&'g str> {
        let [a, b] = self.pair(tensor, "Add")?;
        let erf =
            if self.number(b) == Some(1.0) { a } else { (self.number(a)? == 1.0).then_some(b)? };
        let scaled = self.maker(erf, "Erf")?.input(0)?;
        if let Some([z, by]) = self.pair(scaled, "Div") {
            return is_near(self.number(by)?, SQRT_2).then_some(z);
        }
        let [a, b] = self.pair(scaled, "Mul")?;
        let (z, by) = self.number(b).map(|by| (a, by)).or_else(|| Some((b, self.number(a)?)))?;
        is_near(by, FRAC_1_SQRT_2).then_some(z)
    }

    /// The z of `1 + Tanh(√(2/π)(z + 0.044715 z³))`, in the forms that exporters and this crate write.
    fn one_plus_tanh(&self, tensor: &str) -> Option<&'g str> {
        let [a, b] = self.pair(tensor, "Add")?;
        let tanh =
            if self.number(b) == Some(1.0) { a } else { (self.number(a)? == 1.0).then_some(b)? };
        let argument = self.maker(tanh, "Tanh")?.input(0)?;
        let mut outer = Factors { constant: 1.0, ..Factors::default() };
        self.factors(self.maker(argument, "Mul")?, 2, None, &mut outer)?;
        if !is_near(outer.constant, (2.0 / PI).sqrt()) {
            return None;
        }
        match outer.others[..] {
            // z + 0.044715 z³
            [series] => {
                let [a, b] = self.pair(series, "Add")?;
                let cubic = |tensor, z| self.is_power_of(tensor, z, 3, 0.044_715).then_some(z);
                cubic(b, a).or_else(|| cubic(a, b))
            }
            // z · (1 + 0.044715 z²)
            [a, b] => {
                let series = |tensor, z: &'g str| {
                    let [a, b] = self.pair(tensor, "Add")?;
                    let square = if self.number(b) == Some(1.0) {
                        a
                    } else {
                        (self.number(a)? == 1.0).then_some(b)?
                    };
                    self.is_power_of(square, z, 2, 0.044_715).then_some(z)
                };
                series(b, a).or_else(|| series(a, b))
            }
            _ => None,
        }
    }

    /// Whether `tensor` is `factor` · `z` to the `power`, by products or by Pow.
    fn is_power_of(&self, tensor: &str, z: &str, power: usize, factor: f64) -> bool {
        let mut factors = Factors { constant: 1.0, ..Factors::default() };
        let Some(product) = self.maker(tensor, "Mul") else { return false };
        if self.factors(product, 3, Some(z), &mut factors).is_none()
            || !is_near(factors.constant, factor)
        {
            return false;
        }
        let exponent = |tensor: &str| {
            let [of, by] = self.pair(tensor, "Pow")?;
            (of == z).then(|| self.number(by)).flatten()
        };
        match factors.others[..] {
            [pow] if pow != z => exponent(pow) == Some(power as f64),
            _ => factors.others.len() == power && factors.others.iter().all(|&other| other == z),
        }
    }

    /// z and λ, if `node` ends a Softshrink.
    fn softshrink(&self, node: &'g GraphNode) -> Option<(&'g str, f64)> {
        match node.op.as_str() {
            "Add" => self.sides(node),
            "Where" => self.signed(node),
            _ => None,
        }
    }

    /// `Where(z > λ, z − λ, 0) + Where(z < −λ, z + λ, 0)`, PyTorch's older exporter.
    fn sides(&self, node: &'g GraphNode) -> Option<(&'g str, f64)> {
        let side = |index: usize, compare: &str, shift: &str| {
            let choice = self.maker(node.input(index)?, "Where")?;
            let [z, knot] = self.pair(choice.input(0)?, compare)?;
            let [shifted, lambda] = self.pair(choice.input(1)?, shift)?;
            let zero = self.number(choice.input(2)?)? == 0.0;
            (zero && z == shifted).then_some((z, self.number(knot)?, self.number(lambda)?))
        };
        let (above, high, down) = side(0, "Greater", "Sub")?;
        let (below, low, up) = side(1, "Less", "Add")?;
        let same = above == below && high == down && low == -up && high == up;
        same.then_some((above, high))
    }

    /// `Where(|z| > λ, z − λ·sign(z), 0)`, PyTorch's newer exporter; the 0 may be written 0·z.
    fn signed(&self, node: &'g GraphNode) -> Option<(&'g str, f64)> {
        let [size, knot] = self.pair(node.input(0)?, "Greater")?;
        let z = self.maker(size, "Abs")?.input(0)?;
        let [from, shift] = self.pair(node.input(1)?, "Sub")?;
        let [sign, lambda] = self.pair(shift, "Mul")?;
        let signed = self.maker(sign, "Sign")?.input(0)?;
        let zero = node.input(2)?;
        let nothing = match self.pair(zero, "Mul") {
            Some([factor, by]) => factor == z && self.number(by)? == 0.0,
            None => self.number(zero)? == 0.0,
        };
        let (knot, lambda) = (self.number(knot)?, self.number(lambda)?);
        (nothing && from == z && signed == z && knot == lambda).then_some((z, knot))
    }
}
