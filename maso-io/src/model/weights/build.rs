//! Layers and their weights as a graph, node by node as an exporter would write it.

use std::collections::HashSet;

use maso_core::Graph;
use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use maso_core::tensor::{Tensor, TensorData};

use super::architecture::{Extents, Layer, Layers};
use super::{Weights, WeightsError};

/// The operator set that the nodes are of.
const OPSET: i64 = 17;

/// The graph of `layers`.
pub(super) fn graph(layers: &Layers, weights: &Weights) -> Result<Graph, WeightsError> {
    let mut builder = Builder {
        weights,
        graph: Graph::default(),
        at: "x".to_owned(),
        layer: 0,
        named: HashSet::new(),
        held: 0,
    };
    for layer in &layers.layers {
        builder.layer += 1;
        builder.add(layer)?;
    }
    let input = match &layers.input {
        Some(input) => input.clone(),
        None => builder.features()?,
    };
    Ok(builder.finish(&input))
}

struct Builder<'w> {
    weights: &'w Weights,
    graph: Graph,
    /// The tensor made last.
    at: String,
    /// The layer's number, from 1.
    layer: usize,
    /// The nodes' names.
    named: HashSet<String>,
    /// Numbers of the file that the graph holds.
    held: usize,
}

/// The ends of parameters' names.
pub(super) const ROLES: [&str; 3] = ["weight", "bias", "running_mean"];

type Done = Result<(), WeightsError>;

impl Builder<'_> {
    fn add(&mut self, layer: &Layer) -> Done {
        match layer {
            Layer::Linear { params, weight, bias, transposed } => {
                let inputs = self.parameters(params, weight, bias)?;
                self.node("Gemm", inputs, vec![("transB", int(i64::from(!transposed)))]);
            }
            Layer::Conv { params, weight, bias, stride, padding, dilation, groups } => {
                let inputs = self.parameters(params, weight, bias)?;
                let axes = self.spatial_axes(&inputs[0])?;
                let mut attributes = self.window(axes, stride, padding)?;
                attributes.extend(self.extents("dilations", axes, dilation)?);
                attributes.push(("group", int(groups.unwrap_or(1))));
                self.node("Conv", inputs, attributes);
            }
            Layer::ConvTranspose {
                params,
                weight,
                bias,
                stride,
                padding,
                output_padding,
                groups,
            } => {
                let inputs = self.parameters(params, weight, bias)?;
                let axes = self.spatial_axes(&inputs[0])?;
                let mut attributes = self.window(axes, stride, padding)?;
                attributes.extend(self.extents("output_padding", axes, output_padding)?);
                attributes.push(("group", int(groups.unwrap_or(1))));
                self.node("ConvTranspose", inputs, attributes);
            }
            Layer::BatchNorm { params, epsilon } => self.batch_norm(params, *epsilon)?,
            Layer::Relu {} => self.node("Relu", Vec::new(), Vec::new()),
            Layer::LeakyRelu { slope } => {
                let alpha = Attribute::Float(slope.unwrap_or(0.01));
                self.node("LeakyRelu", Vec::new(), vec![("alpha", alpha)]);
            }
            Layer::PRelu { params, weight } => self.prelu(params, weight)?,
            Layer::Abs {} => self.node("Abs", Vec::new(), Vec::new()),
            Layer::Clip { min, max } => {
                let mut limit = |value: &Option<f32>| match value {
                    Some(value) => self.constant(Vec::new(), TensorData::F32(vec![*value])),
                    None => String::new(),
                };
                let limits = vec![limit(min), limit(max)];
                self.node("Clip", limits, Vec::new());
            }
            Layer::Elementwise { name } => self.node(name, Vec::new(), Vec::new()),
            Layer::MaxPool { size, stride, padding } => {
                self.pool("MaxPool", size, stride, padding)?
            }
            Layer::AveragePool { size, stride, padding } => {
                self.pool("AveragePool", size, stride, padding)?;
            }
            Layer::GlobalAveragePool {} => {
                self.node("GlobalAveragePool", Vec::new(), Vec::new());
            }
            Layer::Flatten {} => self.node("Flatten", Vec::new(), vec![("axis", int(1))]),
            Layer::Reshape { shape } => {
                let shape: Vec<i64> = std::iter::once(0).chain(shape.iter().copied()).collect();
                let shape = self.constant(vec![shape.len()], TensorData::I64(shape));
                self.node("Reshape", vec![shape], Vec::new());
            }
        }
        Ok(())
    }

    fn error(&self, reason: impl Into<String>) -> WeightsError {
        WeightsError::Layer { layer: self.layer.to_string(), reason: reason.into() }
    }

    /// A node that reads the tensor made last, and `inputs`. It is named after the first tensor of the
    /// file that it reads, so that an error names what the user knows.
    fn node(&mut self, op: &str, inputs: Vec<String>, attributes: Vec<(&str, Attribute)>) {
        let output = format!("{}_{}", op.to_lowercase(), self.graph.nodes.len());
        let before = std::mem::replace(&mut self.at, output.clone());
        let parameter = inputs.iter().find(|input| self.weights.has(input)).cloned();
        let name = parameter.filter(|name| self.named.insert(name.clone()));
        self.graph.nodes.push(GraphNode {
            name: name.unwrap_or_else(|| output.clone()),
            op: op.to_owned(),
            domain: String::new(),
            inputs: std::iter::once(before).chain(inputs).collect(),
            outputs: vec![output],
            attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        });
    }

    fn constant(&mut self, shape: Vec<usize>, data: TensorData) -> String {
        let name = format!("constant_{}", self.graph.constants.len());
        let tensor = Tensor::new(shape, data).expect("as many numbers as its shape has");
        self.graph.constants.push((name.clone(), tensor));
        name
    }

    /// A tensor of the file as a constant of the graph.
    fn weight(&mut self, name: &str) -> Result<String, WeightsError> {
        if self.graph.constants.iter().all(|(known, _)| known != name) {
            self.weights.check_total(name, self.held)?;
            let tensor = self.weights.tensor(name)?;
            self.held += tensor.len();
            self.graph.constants.push((name.to_owned(), tensor));
        }
        Ok(name.to_owned())
    }

    /// The weights and, where there is one, the bias of a layer.
    fn parameters(
        &mut self,
        params: &Option<String>,
        weight: &Option<String>,
        bias: &Option<String>,
    ) -> Result<Vec<String>, WeightsError> {
        let named = |own: &Option<String>, role: &str| {
            own.clone().or_else(|| params.as_ref().map(|prefix| format!("{prefix}.{role}")))
        };
        let weight = named(weight, "weight").ok_or_else(|| {
            self.error("it names no weights; give \"params\" (a prefix) or \"weight\"")
        })?;
        let mut parameters = vec![self.weight(&weight)?];
        let optional = bias.is_none();
        if let Some(bias) = named(bias, "bias").filter(|b| !optional || self.weights.has(b)) {
            parameters.push(self.weight(&bias)?);
        }
        Ok(parameters)
    }

    fn batch_norm(&mut self, params: &str, epsilon: Option<f32>) -> Done {
        let statistics = ["running_mean", "running_var"].map(|role| format!("{params}.{role}"));
        let [mean, variance] = [self.weight(&statistics[0])?, self.weight(&statistics[1])?];
        let channels: usize = self.weights.shape(&mean)?.iter().product();
        // Without learned scale and shift they are 1 and 0.
        let mut learned = |role: &str, default: f32| {
            let name = format!("{params}.{role}");
            if self.weights.has(&name) {
                return self.weight(&name);
            }
            Ok(self.constant(vec![channels], TensorData::F32(vec![default; channels])))
        };
        let (scale, shift) = (learned("weight", 1.0)?, learned("bias", 0.0)?);
        let epsilon = Attribute::Float(epsilon.unwrap_or(1e-5));
        self.node(
            "BatchNormalization",
            vec![scale, shift, mean, variance],
            vec![("epsilon", epsilon)],
        );
        Ok(())
    }

    /// Slopes by channel: the file has them as a list, ONNX broadcasts from the last axis.
    fn prelu(&mut self, params: &Option<String>, weight: &Option<String>) -> Done {
        let slopes = self.parameters(params, weight, &None)?.swap_remove(0);
        let convolved = self.graph.nodes.iter().rev().find_map(|node| match node.op.as_str() {
            "Conv" | "ConvTranspose" => node.inputs.get(1).cloned(),
            _ => None,
        });
        let flattened =
            self.graph.nodes.iter().any(|node| node.op == "Flatten" || node.op == "Gemm");
        let axes = match convolved {
            Some(weight) if !flattened => self.spatial_axes(&weight)?,
            _ => 0,
        };
        if let Some((_, tensor)) = self.graph.constants.iter_mut().find(|(name, _)| *name == slopes)
        {
            let shape = tensor.shape().iter().copied().chain(std::iter::repeat_n(1, axes));
            if let Some(turned) = Tensor::new(shape.collect(), tensor.data().clone()) {
                *tensor = turned;
            }
        }
        self.node("PRelu", vec![slopes], Vec::new());
        Ok(())
    }

    /// Axes beside the channels of a convolution's weights.
    fn spatial_axes(&self, weight: &str) -> Result<usize, WeightsError> {
        let shape = self.weights.shape(weight)?;
        let axes = shape.len().checked_sub(2).filter(|&axes| axes > 0);
        axes.ok_or_else(|| {
            self.error(format!(
                "{weight} has shape {shape:?}; a convolution's weights have 3 axes or more"
            ))
        })
    }

    fn pool(&mut self, op: &str, size: &Extents, stride: &Extents, padding: &Extents) -> Done {
        // Two axes unless the layer says otherwise.
        let axes = match size {
            Extents::Each(each) => each.len(),
            _ => 2,
        };
        let mut attributes = self.extents("kernel_shape", axes, size)?;
        let stride = if *stride == Extents::None { size } else { stride };
        attributes.extend(self.window(axes, stride, padding)?);
        if op == "AveragePool" {
            attributes.push(("count_include_pad", int(1)));
        }
        self.node(op, Vec::new(), attributes);
        Ok(())
    }

    /// Strides, and the same padding at both ends.
    fn window(
        &self,
        axes: usize,
        stride: &Extents,
        padding: &Extents,
    ) -> Result<Vec<(&'static str, Attribute)>, WeightsError> {
        let mut attributes = self.extents("strides", axes, stride)?;
        if let Some((name, Attribute::Ints(pads))) = self.extents("pads", axes, padding)?.pop() {
            attributes.push((name, Attribute::Ints(pads.repeat(2))));
        }
        Ok(attributes)
    }

    fn extents(
        &self,
        name: &'static str,
        axes: usize,
        extents: &Extents,
    ) -> Result<Vec<(&'static str, Attribute)>, WeightsError> {
        let list = match extents {
            Extents::None => return Ok(Vec::new()),
            Extents::All(extent) => vec![*extent; axes],
            Extents::Each(each) if each.len() == axes => each.clone(),
            Extents::Each(each) => {
                return Err(
                    self.error(format!("{each:?} is not one number for each of {axes} axes"))
                );
            }
        };
        Ok(vec![(name, Attribute::Ints(list))])
    }

    /// The numbers that the first Linear layer takes.
    fn features(&self) -> Result<Vec<usize>, WeightsError> {
        let first = self.graph.nodes.iter().find(|node| !matches!(node.op.as_str(), "Flatten"));
        let error = || WeightsError::Layer {
            layer: "1".to_owned(),
            reason:
                "the shape of a row is not known: say \"input\": [channels, height, width] in the \
                     JSON file, or --arch conv:relu:1x28x28"
                    .to_owned(),
        };
        let first = first.filter(|node| node.op == "Gemm").ok_or_else(error)?;
        let weight = first.input(1).ok_or_else(error)?;
        let shape = self.weights.shape(weight)?;
        let [rows, columns] = shape[..] else { return Err(error()) };
        Ok(vec![if first.int("transB", 0) != 0 { columns } else { rows }])
    }

    /// The graph from input `x` to output `y`; in double precision where weights are.
    fn finish(mut self, input: &[usize]) -> Graph {
        let extents = input.iter().map(|&extent| Axis::Fixed(extent));
        let shape = std::iter::once(Axis::Symbol("rows".to_owned())).chain(extents).collect();
        self.graph.inputs = vec![Port { name: "x".to_owned(), shape, elements: None }];
        let is_double = |tensor: &Tensor| matches!(tensor.data(), TensorData::F64(_));
        if self.graph.constants.iter().any(|(_, tensor)| is_double(tensor)) {
            self.widen();
        }
        if let Some(last) = self.graph.nodes.last_mut() {
            last.outputs = vec!["y".to_owned()];
            self.at = "y".to_owned();
        }
        self.graph.outputs = vec![Port { name: self.at, ..Port::default() }];
        self.graph.opset = OPSET;
        self.graph.producer = "maso".to_owned();
        self.graph
    }

    /// All floats as f64, from a cast of the input on.
    fn widen(&mut self) {
        for (_, tensor) in &mut self.graph.constants {
            if let TensorData::F32(_) = tensor.data()
                && let Some(wide) =
                    Tensor::new(tensor.shape().to_vec(), TensorData::F64(tensor.to_f64()))
            {
                *tensor = wide;
            }
        }
        for node in &mut self.graph.nodes {
            node.inputs
                .iter_mut()
                .filter(|name| *name == "x")
                .for_each(|name| *name = "wide".into());
        }
        const DOUBLE: i64 = 11;
        self.graph.nodes.insert(
            0,
            GraphNode {
                name: "wide".to_owned(),
                op: "Cast".to_owned(),
                inputs: vec!["x".to_owned()],
                outputs: vec!["wide".to_owned()],
                attributes: [("to".to_owned(), int(DOUBLE))].into(),
                ..GraphNode::default()
            },
        );
    }
}

fn int(value: i64) -> Attribute {
    Attribute::Int(value)
}
