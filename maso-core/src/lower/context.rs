//! The network under construction: values of the file's tensors, nodes made so far, and the one place
//! where a scale and shift folds into the affine node before it.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use super::Nonlinearities;
use super::budget::{self, Budget};
use super::error::{LowerError, UnsupportedNode};
use super::value::{Data, Dim, Size, Value, broadcast_map, extents, features};
use crate::graph::{Axis, Graph, GraphNode, Port};
use crate::network::{
    Affine, Coefficients, Lowered, Network, Node, NodeId, Operator, Outline, PerUnit, RowAxis,
    Rule, Scale, Source, View,
};
use crate::tensor::Tensor;

pub(super) struct Context {
    values: HashMap<String, Value>,
    nodes: Vec<Node>,
    uses: HashMap<String, usize>,
    unsupported: Vec<UnsupportedNode>,
    /// The last data tensor made before the first unsupported node at which the network could stop.
    last_good: Option<String>,
    extra_inputs: Vec<String>,
    non_finite: Option<LowerError>,
    /// What may still be allocated.
    budget: Budget,
    /// The fixed extent of the row axis, if the file has one.
    row_extent: Option<usize>,
    /// The version of the standard operator set.
    opset: i64,
    /// The caller's nonlinearities.
    pub(super) nonlinearities: Option<Arc<dyn Nonlinearities>>,
}

impl Context {
    pub(super) fn new(
        graph: &Graph,
        row_axis: RowAxis,
        dims: Vec<Dim>,
        uses: HashMap<String, usize>,
    ) -> Self {
        let mut context = Self::of_port(&graph.inputs[0], row_axis, dims, uses);
        (context.budget, context.opset) = (Budget::of(graph), graph.opset);
        context
    }

    fn of_port(
        port: &Port,
        row_axis: RowAxis,
        dims: Vec<Dim>,
        uses: HashMap<String, usize>,
    ) -> Self {
        let row_extent = match (row_axis, port.shape.first()) {
            (RowAxis::First, Some(Axis::Fixed(extent))) => Some(*extent),
            _ => None,
        };
        let input = Node {
            name: port.name.clone(),
            tensor: port.name.clone(),
            op: "Input".to_owned(),
            inputs: Vec::new(),
            shape: row_shape(&dims),
            operator: Operator::Input,
        };
        let value = Value::Data(Data { node: NodeId(0), dims });
        Self {
            values: HashMap::from([(port.name.clone(), value)]),
            nodes: vec![input],
            uses,
            unsupported: Vec::new(),
            last_good: None,
            extra_inputs: Vec::new(),
            non_finite: None,
            budget: Budget::default(),
            row_extent,
            opset: 0,
            nonlinearities: None,
        }
    }

    /// A context for one node by itself, whose row is a constant with axes `dims`; and that row.
    pub(super) fn alone(&self, dims: Vec<Dim>) -> (Self, Data) {
        let shape = extents(&dims).into_iter().map(Axis::Fixed).collect();
        let port = Port { name: "constant".to_owned(), shape, elements: None };
        let mut alone = Self::of_port(&port, RowAxis::None, dims.clone(), HashMap::new());
        (alone.budget, alone.opset) = (self.budget, self.opset);
        alone.nonlinearities.clone_from(&self.nonlinearities);
        (alone, Data { node: NodeId(0), dims })
    }

    /// The nodes made so far.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The numbers of `data` at `row`.
    pub(super) fn values(self, data: &Data, row: &[f64]) -> Vec<f64> {
        let output = data.node;
        let lowered = Lowered { nodes: self.nodes, output, row_axis: RowAxis::None };
        let outline = Outline { heads: Vec::new(), further_outputs: Vec::new(), parameters: 0 };
        Network::new(lowered, outline).trace::<f64>(row).values.swap_remove(output.0)
    }

    /// Makes the constants that are read known.
    pub(super) fn constants(&mut self, constants: &[(String, Tensor)]) {
        let read = constants.iter().filter(|(name, _)| self.uses.contains_key(name));
        let values = read.map(|(name, tensor)| (name.clone(), Value::constant(tensor.clone())));
        self.values.extend(values.collect::<Vec<_>>());
    }

    /// Remembers inputs besides the first, where they are read.
    pub(super) fn extra_inputs(&mut self, ports: &[Port]) {
        for port in ports.iter().filter(|port| self.uses.contains_key(&port.name)) {
            self.extra_inputs.push(port.name.clone());
            self.values.insert(port.name.clone(), Value::Unknown { of_data: true });
        }
    }

    /// The row axis's fixed extent, if the file has one.
    pub(super) fn row_extent(&self) -> Option<usize> {
        self.row_extent
    }

    /// Whether `size` is the number of rows: its symbol, or the fixed extent it has in the file.
    pub(super) fn is_row_extent(&self, size: Size) -> bool {
        match size {
            Size::Rows => true,
            Size::Known(n) => self.row_extent.is_some_and(|rows| i64::try_from(rows) == Ok(n)),
        }
    }

    /// The version of the standard operator set.
    pub(super) fn opset(&self) -> i64 {
        self.opset
    }

    /// Whether the file is of before operator set 7, when broadcasting followed attributes and training
    /// was the default.
    pub(super) fn is_old(&self) -> bool {
        self.opset < 7
    }

    /// The values a node reads; `None` for an absent optional one.
    pub(super) fn inputs(&self, node: &GraphNode) -> Vec<Option<Value>> {
        let value = |name: &String| self.values.get(name).filter(|_| !name.is_empty()).cloned();
        node.inputs.iter().map(value).collect()
    }

    /// Refuses what there is no room to allocate: `count` things of `bytes` each.
    pub(super) fn room(&self, count: usize, bytes: usize) -> Result<(), String> {
        self.budget.room(count, bytes).map(drop)
    }

    /// Refuses an index map of `dims` that there is no room for while it is worked out, axis by axis.
    pub(super) fn map_room(&self, dims: &[Dim]) -> Result<(), String> {
        self.room(features(dims).unwrap_or(usize::MAX), 2 * size_of::<usize>())
    }

    /// Records what a node makes.
    pub(super) fn define(&mut self, node: &GraphNode, outcome: Result<Vec<Value>, String>) {
        let of_data = self.inputs(node).iter().flatten().any(Value::is_of_data);
        let outcome = outcome.and_then(|values| {
            self.budget.take(values.iter().map(budget::of_value).sum())?;
            Ok(values)
        });
        let values = outcome.unwrap_or_else(|why| {
            self.refuse(node, why);
            Vec::new()
        });
        let known = values.len();
        let values = values.into_iter().chain(std::iter::repeat(Value::Unknown { of_data }));
        let named = node.outputs.iter().zip(values).enumerate();
        for (index, (name, value)) in named.filter(|(_, (name, _))| !name.is_empty()) {
            if index >= known && known > 0 && self.uses.contains_key(name) {
                self.refuse(node, format!("its output {index} ({name:?}) is used"));
            }
            let stops = matches!(value, Value::Data(_)) && !value.has_moved_rows();
            if self.unsupported.is_empty() && stops {
                self.last_good = Some(name.clone());
            }
            self.values.insert(name.clone(), value);
        }
    }

    fn refuse(&mut self, node: &GraphNode, why: String) {
        let domain = if node.domain.is_empty() { "" } else { &format!("{}::", node.domain) };
        let (name, op) = (node.name.clone(), format!("{domain}{}", node.op));
        self.unsupported.push(UnsupportedNode { name, op, why });
    }

    /// The first weight that is NaN or infinite is remembered for the error.
    fn check_finite(&mut self, node: &GraphNode, mut values: impl Iterator<Item = f64>) {
        if self.non_finite.is_none()
            && let Some(bad) = values.find(|value| !(*value as f32).is_finite())
        {
            self.non_finite = Some(LowerError::NonFinite {
                node: node.name.clone(),
                op: node.op.clone(),
                value: bad.to_string(),
            });
        }
    }

    fn check_operator(&mut self, node: &GraphNode, operator: &Operator) {
        match operator {
            Operator::Affine(Affine::Dense(d)) => self.check_finite(node, sums(&d.weight, &d.bias)),
            Operator::Affine(Affine::Convolution(c)) => {
                self.check_finite(node, sums(&c.weight, &c.bias));
            }
            Operator::Affine(Affine::Scale(s)) => {
                let both = s.scale.values().iter().chain(s.shift.values());
                self.check_finite(node, both.copied());
            }
            Operator::Nonlinear(Rule::Spline(spline)) => {
                let all = spline.parameters().flat_map(PerUnit::values);
                self.check_finite(node, all.copied());
            }
            _ => {}
        }
    }

    /// Adds a node that makes `node`'s first output.
    pub(super) fn push(
        &mut self,
        node: &GraphNode,
        inputs: &[&Data],
        dims: Vec<Dim>,
        operator: Operator,
    ) -> Result<Data, String> {
        self.budget.take(budget::of_operator(&operator))?;
        self.check_operator(node, &operator);
        self.nodes.push(Node {
            name: node.name.clone(),
            tensor: node.outputs.first().cloned().unwrap_or_default(),
            op: node.op.clone(),
            inputs: inputs.iter().map(|data| data.node).collect(),
            shape: row_shape(&dims),
            operator,
        });
        Ok(Data { node: NodeId(self.nodes.len() - 1), dims })
    }

    /// Adds the view of `data` that reads at `map`.
    pub(super) fn view(
        &mut self,
        node: &GraphNode,
        data: &Data,
        dims: Vec<Dim>,
        map: &[usize],
    ) -> Result<Data, String> {
        let sources = map.iter().map(|&index| Source::Element { input: 0, index });
        self.room(budget::stretches(sources), budget::STRETCH)?;
        let view = View::of_one(map, data.len());
        self.push(node, &[data], dims, Operator::View(view))
    }

    /// Adds the view of `inputs` that reads `sources`.
    pub(super) fn view_of(
        &mut self,
        node: &GraphNode,
        inputs: &[&Data],
        dims: Vec<Dim>,
        sources: impl Iterator<Item = Source> + Clone,
    ) -> Result<Data, String> {
        self.room(budget::stretches(sources.clone()), budget::STRETCH)?;
        self.push(node, inputs, dims, Operator::View(View::new(sources)))
    }

    /// `data` repeated along axes to `dims`.
    pub(super) fn expand(
        &mut self,
        node: &GraphNode,
        data: &Data,
        dims: &[Dim],
    ) -> Result<Data, String> {
        if data.dims == dims {
            return Ok(data.clone());
        }
        self.map_room(dims)?;
        let map = broadcast_map(&extents(&data.dims), &extents(dims));
        self.view(node, data, dims.to_vec(), &map)
    }

    /// `scale · data + shift`: folded into the affine node before it where nothing else reads that,
    /// else a node of its own.
    pub(super) fn scale_shift(
        &mut self,
        node: &GraphNode,
        data: &Data,
        scale: PerUnit,
        shift: PerUnit,
    ) -> Result<Data, String> {
        let before = &self.nodes[data.node.0];
        let only_reader = self.uses.get(&before.tensor) == Some(&1);
        let folded = match &before.operator {
            Operator::Affine(affine) if only_reader => {
                // The weights in f64, and what they are rounded to.
                self.room(budget::of_affine(affine), 4)?;
                fold(affine, &scale, &shift)
            }
            _ => None,
        };
        let Some(affine) = folded else {
            let scale = Affine::Scale(Scale { len: data.len(), scale, shift });
            return self.push(node, &[data], data.dims.clone(), Operator::Affine(scale));
        };
        let operator = Operator::Affine(affine);
        self.check_operator(node, &operator);
        let before = &mut self.nodes[data.node.0];
        let grown = budget::of_operator(&operator);
        self.budget.take(grown.saturating_sub(budget::of_operator(&before.operator)))?;
        before.operator = operator;
        before.name.clone_from(&node.name);
        before.tensor = node.outputs.first().cloned().unwrap_or_default();
        Ok(data.clone())
    }

    /// The finished network, or everything that stands in its way.
    pub(super) fn finish(self, output: &str, row_axis: RowAxis) -> Result<Lowered, LowerError> {
        if !self.unsupported.is_empty() {
            let (nodes, before) = (self.unsupported, self.last_good);
            return Err(LowerError::Unsupported { nodes, before });
        }
        if !self.extra_inputs.is_empty() {
            return Err(LowerError::ExtraInputs { names: self.extra_inputs });
        }
        if let Some(error) = self.non_finite {
            return Err(error);
        }
        match self.values.get(output) {
            Some(value) if value.has_moved_rows() => {
                Err(LowerError::MovedRows { name: output.to_owned() })
            }
            Some(Value::Truth(compares)) => {
                let (nodes, before) = (vec![(**compares).clone()], self.last_good);
                Err(LowerError::Unsupported { nodes, before })
            }
            Some(Value::Data(data)) => {
                Ok(Lowered { nodes: self.nodes, output: data.node, row_axis })
            }
            _ => Err(LowerError::ConstantOutput { name: output.to_owned() }),
        }
    }
}

/// The shape of one row: all axes but the rows'.
fn row_shape(dims: &[Dim]) -> Vec<usize> {
    dims.iter().filter(|dim| **dim != Dim::Rows).map(|dim| dim.extent()).collect()
}

/// `scale · affine + shift` as one operator, where its units allow that.
fn fold(affine: &Affine, scale: &PerUnit, shift: &PerUnit) -> Option<Affine> {
    match affine {
        Affine::Dense(dense) if dense.batch == 1 => {
            let mut dense = dense.clone();
            dense.weight = scale_rows(&dense.weight, dense.depth, |unit| scale.at(unit));
            dense.bias = shift_bias(&dense.bias, |unit| (scale.at(unit), shift.at(unit)));
            Some(Affine::Dense(dense))
        }
        Affine::Convolution(convolution) => {
            let cells = convolution.map.cells();
            let constant = scale.is_blocked_by(cells) && shift.is_blocked_by(cells);
            if !constant || convolution.batch != 1 {
                return None;
            }
            let mut convolution = convolution.clone();
            let depth = convolution.depth();
            let at = |channel: usize| (scale.at(channel * cells), shift.at(channel * cells));
            convolution.weight = scale_rows(&convolution.weight, depth, |channel| at(channel).0);
            convolution.bias = shift_bias(&convolution.bias, at);
            Some(Affine::Convolution(convolution))
        }
        _ => None,
    }
}

/// Weights and biases, one after another.
fn sums<'a>(weight: &'a Coefficients, bias: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
    (0..weight.len()).map(|i| weight.get(i)).chain(bias.iter().copied())
}

fn scale_rows(weight: &Coefficients, depth: usize, scale: impl Fn(usize) -> f64) -> Coefficients {
    Coefficients::new((0..weight.len()).map(|i| scale(i / depth) * weight.get(i)).collect())
}

fn shift_bias(bias: &[f64], at: impl Fn(usize) -> (f64, f64)) -> Vec<f64> {
    let changed = bias.iter().enumerate().map(|(unit, bias)| {
        let (scale, shift) = at(unit);
        scale * bias + shift
    });
    changed.collect()
}

/// A constant, where a value is one.
pub(super) fn constant(value: Option<&Value>) -> Option<Rc<Tensor>> {
    match value {
        Some(Value::Constant(tensor)) => Some(Rc::clone(tensor)),
        _ => None,
    }
}
