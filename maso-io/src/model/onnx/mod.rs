//! ONNX: protobuf bytes to a neutral graph. Nothing is interpreted here; nodes, names and attributes
//! are kept as they are.

mod frame;
mod proto;
mod source;
mod tensor;
mod write;

pub use write::write;

use std::collections::{BTreeMap, HashSet};

use maso_core::Graph;
use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use prost::Message;

use super::side::SideFiles;
use crate::limits::Limits;
use source::Source;
use tensor::TensorError;

/// Why bytes are not an ONNX model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The bytes are something else.
    #[error("expected an ONNX protobuf, found {found}")]
    NotOnnx {
        /// What they look like.
        found: String,
    },
    /// The bytes end too early.
    #[error(
        "field {field} at byte {offset} claims {claimed} bytes, but only {left} are left: the file is \
         truncated; copy or export it again"
    )]
    Truncated {
        /// The message's field.
        field: &'static str,
        /// Where it begins.
        offset: usize,
        /// The length it claims.
        claimed: u64,
        /// What is there.
        left: usize,
    },
    /// The bytes end after the graph, or were never complete.
    #[error(
        "it names no operator set (opset_import): the file is truncated; copy or export it again"
    )]
    NoOperatorSet,
    /// A message inside is damaged.
    #[error("the protobuf is damaged ({reason}); copy or export the file again")]
    Damaged {
        /// The decoder's reason.
        reason: String,
    },
    /// There is more of something than the caller's limits allow.
    #[error("it has {found} {what}, the limit is {limit} (Limits): export a smaller model")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many may be.
        limit: usize,
    },
    /// A tensor cannot be read.
    #[error("tensor {tensor:?}: {reason}")]
    Tensor {
        /// Its name, or its node's and attribute's.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// An input that is read has no shape, so that nothing says how many numbers make a row.
    #[error(
        "the file gives no shape for input {input:?}; export the model again with the input's shape (its \
         row axis may be symbolic)"
    )]
    NoShape {
        /// The input.
        input: String,
    },
    /// The model uses a feature that is not read.
    #[error("{what} are not supported; export the model without them")]
    Feature {
        /// The feature.
        what: &'static str,
    },
}

/// Reads a model; tensors kept outside come from `files`.
///
/// # Errors
/// If the bytes are no ONNX model, a tensor's data are not what its shape and type say, or something is
/// beyond `limits`.
pub fn read(bytes: &[u8], files: &dyn SideFiles, limits: &Limits) -> Result<Graph, OnnxError> {
    frame::check(bytes, limits)?;
    let damaged = |error: prost::DecodeError| OnnxError::Damaged { reason: error.to_string() };
    let model = proto::Model::decode(bytes).map_err(damaged)?;
    let Some(graph) = model.graph else {
        let found = "a protobuf without a graph; export the model again".to_owned();
        return Err(OnnxError::NotOnnx { found });
    };
    if !graph.sparse_initializer.is_empty() {
        return Err(OnnxError::Feature { what: "sparse initialisers" });
    }
    if model.opset_import.is_empty() {
        return Err(OnnxError::NoOperatorSet);
    }
    let standard = model.opset_import.iter().find(|set| standard_domain(set.domain.as_deref()));
    let used = used_names(&graph);
    let mut source = Source::new(files, limits);
    let (mut constants, mut unread) = (Vec::with_capacity(graph.initializer.len()), Vec::new());
    for initializer in graph.initializer {
        let name = initializer.name.clone().unwrap_or_default();
        if tensor::is_external(&initializer) && !used.contains(&name) {
            unread.push((name, "nothing in the graph reads it".to_owned()));
            continue;
        }
        match tensor::read(initializer, &mut source) {
            Ok(tensor) => constants.push((name, tensor)),
            Err(TensorError::Foreign(reason)) => unread.push((name, reason)),
            Err(TensorError::Damaged(reason)) => {
                return Err(OnnxError::Tensor { tensor: name, reason });
            }
        }
    }
    // Old files list initialisers among the inputs too.
    let read = constants.iter().map(|(name, _)| name.as_str());
    let given: HashSet<&str> = read.chain(unread.iter().map(|(name, _)| name.as_str())).collect();
    let is_input = |value: &proto::ValueInfo| !given.contains(name(value));
    let inputs: Vec<_> = graph.input.into_iter().filter(is_input).collect();
    if let Some(input) = inputs.iter().find(|input| !has_shape(input) && used.contains(name(input)))
    {
        return Err(OnnxError::NoShape { input: name(input).to_owned() });
    }
    let inputs = inputs.into_iter().map(port).collect();
    let nodes = graph.node.into_iter().enumerate();
    let producer = [model.producer_name, model.producer_version];
    Ok(Graph {
        inputs,
        outputs: graph.output.into_iter().map(port).collect(),
        nodes: nodes.map(|(i, raw)| node(i, raw, &mut source)).collect::<Result<_, _>>()?,
        constants,
        unread,
        opset: standard.and_then(|set| set.version).unwrap_or(1),
        producer: producer.into_iter().flatten().collect::<Vec<_>>().join(" "),
    })
}

/// Tensors that a node reads, or that the graph gives out.
fn used_names(graph: &proto::Graph) -> HashSet<String> {
    let read = graph.node.iter().flat_map(|node| &node.input);
    let given_out = graph.output.iter().filter_map(|value| value.name.as_ref());
    read.chain(given_out).cloned().collect()
}

fn name(value: &proto::ValueInfo) -> &str {
    value.name.as_deref().unwrap_or_default()
}

/// Whether a value says of which shape it is; a single number does, with no axes.
fn has_shape(value: &proto::ValueInfo) -> bool {
    let tensor = value.r#type.as_ref().and_then(|kind| kind.tensor_type.as_ref());
    tensor.is_some_and(|tensor| tensor.shape.is_some())
}

fn standard_domain(domain: Option<&str>) -> bool {
    matches!(domain, None | Some("" | "ai.onnx"))
}

fn port(value: proto::ValueInfo) -> Port {
    let tensor = value.r#type.and_then(|kind| kind.tensor_type);
    let elements = tensor.as_ref().and_then(|tensor| tensor.elem_type).and_then(type_name);
    let dims = tensor.and_then(|tensor| tensor.shape).map(|shape| shape.dim).unwrap_or_default();
    let axis = |dim: proto::Dim| match (dim.dim_value, dim.dim_param) {
        // Exporters write 0 or −1 where they do not know.
        (Some(extent), _) if extent > 0 => {
            Axis::Fixed(usize::try_from(extent).unwrap_or(usize::MAX))
        }
        (_, symbol) => Axis::Symbol(symbol.unwrap_or_default()),
    };
    let shape = dims.into_iter().map(axis).collect();
    Port { name: value.name.unwrap_or_default(), shape, elements: elements.map(str::to_owned) }
}

/// The name of an element type that is not floating point.
fn type_name(number: i32) -> Option<&'static str> {
    Some(match number {
        0 | 1 | 10 | 11 | 16 => return None,
        2 => "uint8",
        3 => "int8",
        4 => "uint16",
        5 => "int16",
        6 => "int32",
        7 => "int64",
        8 => "string",
        9 => "bool",
        _ => "other",
    })
}

fn node(index: usize, raw: proto::Node, source: &mut Source<'_>) -> Result<GraphNode, OnnxError> {
    let own_name = raw.name.filter(|name| !name.is_empty());
    let output = || raw.output.iter().find(|output| !output.is_empty()).cloned();
    let name = own_name.or_else(output).unwrap_or_else(|| format!("#{index}"));
    let mut attributes = BTreeMap::new();
    for attribute in raw.attribute {
        let key = attribute.name.clone().unwrap_or_default();
        let value = read_attribute(attribute, source)
            .map_err(|reason| OnnxError::Tensor { tensor: format!("{name}.{key}"), reason })?;
        attributes.insert(key, value);
    }
    let domain = raw.domain.filter(|domain| !standard_domain(Some(domain)));
    Ok(GraphNode {
        name,
        op: raw.op_type.unwrap_or_default(),
        domain: domain.unwrap_or_default(),
        inputs: raw.input,
        outputs: raw.output,
        attributes,
    })
}

/// An attribute by its declared kind; very old files declare none, and only one field is set.
fn read_attribute(raw: proto::Attribute, source: &mut Source<'_>) -> Result<Attribute, String> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if let Some(name) = raw.ref_attr_name.filter(|name| !name.is_empty()) {
        return Ok(Attribute::Other(format!("reference to {name}")));
    }
    let declared = raw.kind.filter(|&kind| kind != 0);
    let kind = declared.unwrap_or(match () {
        () if raw.f.is_some() => 1,
        () if raw.i.is_some() => 2,
        () if raw.s.is_some() => 3,
        () if raw.t.is_some() => 4,
        () if !raw.floats.is_empty() => 6,
        () if !raw.ints.is_empty() => 7,
        () => 8,
    });
    Ok(match kind {
        1 => Attribute::Float(raw.f.unwrap_or_default()),
        2 => Attribute::Int(raw.i.unwrap_or_default()),
        3 => Attribute::Text(text(raw.s.unwrap_or_default())),
        4 => match tensor::read(raw.t.unwrap_or_default(), source) {
            Ok(tensor) => Attribute::Tensor(tensor),
            Err(TensorError::Foreign(reason)) => Attribute::Other(reason),
            Err(TensorError::Damaged(reason)) => return Err(reason),
        },
        6 => Attribute::Floats(raw.floats),
        7 => Attribute::Ints(raw.ints),
        8 => Attribute::Texts(raw.strings.into_iter().map(text).collect()),
        other => Attribute::Other(format!("kind {other}")),
    })
}
