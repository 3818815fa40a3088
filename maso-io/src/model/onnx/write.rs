//! A graph as an ONNX file.

use maso_core::Graph;
use maso_core::graph::{Attribute, Axis, GraphNode, Port};
use maso_core::tensor::{Tensor, TensorData};
use prost::Message;

use super::{OnnxError, proto};

// ONNX's numbers for element types.
const FLOAT: i32 = 1;
const INT64: i32 = 7;
const BOOL: i32 = 9;
const DOUBLE: i32 = 11;

/// The version of the file format; readers of 2022 know it.
const IR_VERSION: i64 = 8;

/// Protobuf messages end here.
const LARGEST: usize = i32::MAX as usize;

/// The bytes of an ONNX file that holds `graph`, whose input takes f32 and whose output is f64 if any
/// constant is. Graphs of weights and an architecture are like that.
///
/// # Errors
/// If a node has an attribute that has no representation here, or the file would be beyond 2 GiB.
pub fn write(graph: &Graph) -> Result<Vec<u8>, OnnxError> {
    let is_double = |(_, tensor): &(String, Tensor)| matches!(tensor.data(), TensorData::F64(_));
    let output = if graph.constants.iter().any(is_double) { DOUBLE } else { FLOAT };
    let nodes = graph.nodes.iter().map(node).collect::<Result<_, _>>()?;
    let constants = graph.constants.iter().map(|(name, tensor)| tensor_of(name, tensor));
    let model = proto::Model {
        ir_version: Some(IR_VERSION),
        producer_name: Some("maso".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(proto::Graph {
            node: nodes,
            name: Some("network".to_owned()),
            initializer: constants.collect(),
            input: graph.inputs.iter().map(|port| value_info(port, FLOAT)).collect(),
            output: graph.outputs.iter().map(|port| value_info(port, output)).collect(),
            sparse_initializer: Vec::new(),
        }),
        opset_import: vec![proto::OperatorSet { domain: None, version: Some(graph.opset) }],
    };
    if model.encoded_len() > LARGEST {
        return Err(OnnxError::Feature { what: "ONNX files beyond 2 GiB" });
    }
    Ok(model.encode_to_vec())
}

fn node(node: &GraphNode) -> Result<proto::Node, OnnxError> {
    let attributes = node.attributes.iter().map(|(name, value)| attribute(name, value));
    Ok(proto::Node {
        input: node.inputs.clone(),
        output: node.outputs.clone(),
        name: Some(node.name.clone()),
        op_type: Some(node.op.clone()),
        attribute: attributes.collect::<Result<_, _>>()?,
        domain: (!node.domain.is_empty()).then(|| node.domain.clone()),
    })
}

fn attribute(name: &str, value: &Attribute) -> Result<proto::Attribute, OnnxError> {
    let mut raw = proto::Attribute { name: Some(name.to_owned()), ..proto::Attribute::default() };
    let bytes = |text: &String| text.clone().into_bytes();
    let kind = match value {
        Attribute::Float(value) => {
            raw.f = Some(*value);
            1
        }
        Attribute::Int(value) => {
            raw.i = Some(*value);
            2
        }
        Attribute::Text(text) => {
            raw.s = Some(bytes(text));
            3
        }
        Attribute::Tensor(tensor) => {
            raw.t = Some(tensor_of("", tensor));
            4
        }
        Attribute::Floats(values) => {
            raw.floats.clone_from(values);
            6
        }
        Attribute::Ints(values) => {
            raw.ints.clone_from(values);
            7
        }
        Attribute::Texts(texts) => {
            raw.strings = texts.iter().map(bytes).collect();
            8
        }
        _ => return Err(OnnxError::Feature { what: "attributes of this kind" }),
    };
    raw.kind = Some(kind);
    Ok(raw)
}

fn tensor_of(name: &str, tensor: &Tensor) -> proto::Tensor {
    let (kind, bytes) = match tensor.data() {
        TensorData::F32(data) => (FLOAT, data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        TensorData::F64(data) => (DOUBLE, data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        TensorData::I64(data) => (INT64, data.iter().flat_map(|v| v.to_le_bytes()).collect()),
        TensorData::Bool(data) => (BOOL, data.iter().map(|&v| u8::from(v)).collect()),
        // The core crate may learn of more; they come from readers of this crate alone.
        _ => unreachable!("a tensor of a kind that no reader makes"),
    };
    proto::Tensor {
        dims: tensor.shape().iter().map(|&extent| signed(extent)).collect(),
        data_type: Some(kind),
        name: (!name.is_empty()).then(|| name.to_owned()),
        raw_data: Some(bytes),
        ..proto::Tensor::default()
    }
}

fn value_info(port: &Port, elements: i32) -> proto::ValueInfo {
    let dim = |axis: &Axis| match axis {
        Axis::Fixed(extent) => proto::Dim { dim_value: Some(signed(*extent)), dim_param: None },
        Axis::Symbol(name) => proto::Dim { dim_value: None, dim_param: Some(name.clone()) },
    };
    let dims: Vec<proto::Dim> = port.shape.iter().map(dim).collect();
    proto::ValueInfo {
        name: Some(port.name.clone()),
        r#type: Some(proto::Type {
            tensor_type: Some(proto::TensorType {
                elem_type: Some(elements),
                shape: (!dims.is_empty()).then_some(proto::Shape { dim: dims }),
            }),
        }),
    }
}

/// An extent as protobuf has it; one beyond i64 is no tensor that could be made.
fn signed(extent: usize) -> i64 {
    i64::try_from(extent).unwrap_or(i64::MAX)
}
