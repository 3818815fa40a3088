//! The network under construction: values of the file's tensors, nodes made so far, and the one place
//! where a scale and shift folds into the affine node before it.

use std::collections::HashMap;
use std::rc::Rc;

use super::error::{LowerError, UnsupportedNode};
use super::value::{Data, Dim, Size, Value, broadcast_map, extents};
use crate::graph::{Axis, GraphNode, Port};
use crate::network::{
    Affine, Coefficients, Lowered, Node, NodeId, Operator, PerUnit, RowAxis, Rule, Scale, View,
};
use crate::tensor::Tensor;

pub(super) struct Context {
    values: HashMap<String, Value>,
    nodes: Vec<Node>,
    uses: HashMap<String, usize>,
    unsupported: Vec<UnsupportedNode>,
    /// The last data tensor made before the first unsupported node.
    last_good: Option<String>,
    extra_inputs: Vec<String>,
    non_finite: Option<LowerError>,
    /// Numbers of all constants folded so far.
    folded: usize,
    /// The fixed extent of the row axis, if the file has one.
    row_extent: Option<usize>,
    /// The version of the standard operator set.
    opset: i64,
}

/// Numbers that all constants folded while lowering may have together.
const MOST_FOLDED: usize = 1 << 26;

impl Context {
    pub(super) fn new(
        port: &Port,
        row_axis: RowAxis,
        dims: Vec<Dim>,
        uses: HashMap<String, usize>,
        opset: i64,
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
            folded: 0,
            row_extent,
            opset,
        }
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

    /// Counts a constant made while lowering against what all of them together may have.
    fn check_budget(&mut self, values: &[Value]) -> Result<(), String> {
        for value in values {
            if let Value::Constant(tensor) = value {
                self.folded = self.folded.saturating_add(tensor.len());
            }
        }
        if self.folded > MOST_FOLDED {
            return Err(format!("folded constants would have more than {MOST_FOLDED} numbers"));
        }
        Ok(())
    }

    /// Records what a node makes.
    pub(super) fn define(&mut self, node: &GraphNode, outcome: Result<Vec<Value>, String>) {
        let of_data = self.inputs(node).iter().flatten().any(Value::is_of_data);
        let outcome = outcome.and_then(|values| self.check_budget(&values).map(|()| values));
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
            if self.unsupported.is_empty() && matches!(value, Value::Data(_)) {
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
    fn check_finite<'a>(&mut self, node: &GraphNode, values: impl IntoIterator<Item = &'a f64>) {
        let as_f32_finite = |value: &&f64| !(**value as f32).is_finite();
        if let Some(bad) = values.into_iter().find(as_f32_finite)
            && self.non_finite.is_none()
        {
            self.non_finite = Some(LowerError::NonFinite {
                node: node.name.clone(),
                op: node.op.clone(),
                value: bad.to_string(),
            });
        }
    }

    fn check_operator(&mut self, node: &GraphNode, operator: &Operator) {
        let per_unit = |parameter: &PerUnit| parameter.values().to_vec();
        let weights: Vec<f64> = match operator {
            Operator::Affine(Affine::Dense(d)) => [d.weight.to_vec(), d.bias.clone()].concat(),
            Operator::Affine(Affine::Convolution(c)) => {
                [c.weight.to_vec(), c.bias.clone()].concat()
            }
            Operator::Affine(Affine::Scale(s)) => [per_unit(&s.scale), per_unit(&s.shift)].concat(),
            Operator::Nonlinear(Rule::Spline(spline)) => {
                spline.parameters().flat_map(per_unit).collect()
            }
            _ => return,
        };
        self.check_finite(node, &weights);
    }

    /// Adds a node that makes `node`'s first output.
    pub(super) fn push(
        &mut self,
        node: &GraphNode,
        inputs: &[&Data],
        dims: Vec<Dim>,
        operator: Operator,
    ) -> Data {
        self.check_operator(node, &operator);
        self.nodes.push(Node {
            name: node.name.clone(),
            tensor: node.outputs.first().cloned().unwrap_or_default(),
            op: node.op.clone(),
            inputs: inputs.iter().map(|data| data.node).collect(),
            shape: row_shape(&dims),
            operator,
        });
        Data { node: NodeId(self.nodes.len() - 1), dims }
    }

    /// `data` repeated along axes to `dims`.
    pub(super) fn expand(&mut self, node: &GraphNode, data: &Data, dims: &[Dim]) -> Data {
        if data.dims == dims {
            return data.clone();
        }
        let map = broadcast_map(&extents(&data.dims), &extents(dims));
        let view = View::of_one(&map, data.len());
        self.push(node, &[data], dims.to_vec(), Operator::View(view))
    }

    /// `scale · data + shift`: folded into the affine node before it where nothing else reads that,
    /// else a node of its own.
    pub(super) fn scale_shift(
        &mut self,
        node: &GraphNode,
        data: &Data,
        scale: PerUnit,
        shift: PerUnit,
    ) -> Data {
        let before = &self.nodes[data.node.0];
        let only_reader = self.uses.get(&before.tensor) == Some(&1);
        let folded = match &before.operator {
            Operator::Affine(affine) if only_reader => fold(affine, &scale, &shift),
            _ => None,
        };
        let Some(affine) = folded else {
            let scale = Affine::Scale(Scale { len: data.len(), scale, shift });
            return self.push(node, &[data], data.dims.clone(), Operator::Affine(scale));
        };
        let operator = Operator::Affine(affine);
        self.check_operator(node, &operator);
        let before = &mut self.nodes[data.node.0];
        before.operator = operator;
        before.name.clone_from(&node.name);
        before.tensor = node.outputs.first().cloned().unwrap_or_default();
        data.clone()
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
            Some(Value::Data(data)) if data.dims.iter().skip(1).any(|dim| *dim == Dim::Rows) => {
                Err(LowerError::MovedRows { name: output.to_owned() })
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
