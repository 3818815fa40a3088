//! Constants and shapes, folded while lowering.

use super::super::context::Context;
use super::super::value::{Data, Dim, Size, Sizes, Value, checked, extents, features};
use super::elementwise::made;
use super::movement::{dims_of, first};
use super::{Inputs, Outcome, ROWS_MIX, Rule, ints};
use crate::graph::{Attribute, GraphNode};
use crate::network::Operator;
use crate::tensor::{Tensor, TensorData};

/// A constant given by one of several attributes.
pub(super) fn constant(_: &mut Context, node: &GraphNode, _: &Inputs) -> Outcome {
    let scalar = |data| Tensor::new(Vec::new(), data);
    let list = |len: usize, data| Tensor::new(vec![len], data);
    let found = node.attributes.iter().find_map(|(name, value)| match (name.as_str(), value) {
        ("value", Attribute::Tensor(tensor)) => Some(tensor.clone()),
        ("value_float", Attribute::Float(value)) => scalar(TensorData::F32(vec![*value])),
        ("value_int", Attribute::Int(value)) => scalar(TensorData::I64(vec![*value])),
        ("value_floats", Attribute::Floats(v)) => list(v.len(), TensorData::F32(v.clone())),
        ("value_ints", Attribute::Ints(v)) => list(v.len(), TensorData::I64(v.clone())),
        _ => None,
    });
    found.map(|tensor| vec![Value::constant(tensor)]).ok_or_else(|| {
        let names: Vec<_> = node.attributes.keys().map(String::as_str).collect();
        format!("a constant given as [{}] is not supported", names.join(", "))
    })
}

/// Elements that a folded constant may have.
const LIMIT: i64 = 1 << 24;

/// A tensor filled with one value.
pub(super) fn constant_of_shape(_: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let shape = ints(inputs, 0, "extents")?.ok_or("its shape is missing")?;
    let count = shape.iter().try_fold(1i64, |n, &dim| n.checked_mul(dim).filter(|&n| n >= 0));
    let len = count
        .filter(|&n| n <= LIMIT)
        .ok_or_else(|| format!("its shape {shape:?} is beyond {LIMIT} numbers, or negative"))?
        as usize;
    let data = match node.attributes.get("value") {
        Some(Attribute::Tensor(value)) if value.len() == 1 => match value.data() {
            TensorData::F32(v) => TensorData::F32(vec![v[0]; len]),
            TensorData::F64(v) => TensorData::F64(vec![v[0]; len]),
            TensorData::I64(v) => TensorData::I64(vec![v[0]; len]),
            TensorData::Bool(v) => TensorData::Bool(vec![v[0]; len]),
        },
        Some(_) => return Err("its value is not one number".to_owned()),
        None => TensorData::F32(vec![0.0; len]),
    };
    let shape = shape.iter().map(|&dim| dim as usize).collect();
    let tensor = Tensor::new(shape, data).ok_or("its shape is not usable")?;
    Ok(vec![Value::constant(tensor)])
}

/// The extents of a tensor, with the number of rows as a symbol.
pub(super) fn shape(_: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let all: Vec<Size> = match inputs.first() {
        Some(Some(Value::Data(data))) => data.dims.iter().map(size).collect(),
        Some(Some(Value::Constant(tensor))) => known(tensor.shape()),
        Some(Some(Value::Sizes(sizes))) => known(&sizes.shape),
        _ => return Err("its input is missing".to_owned()),
    };
    let rank = all.len() as i64;
    let clamp = |at: i64| (if at < 0 { at + rank } else { at }).clamp(0, rank) as usize;
    let (start, end) = (clamp(node.int("start", 0)), clamp(node.int("end", rank)));
    let data: Vec<Size> = all.get(start..end).unwrap_or_default().to_vec();
    Ok(vec![Sizes { shape: vec![data.len()], data }.value()])
}

/// How many elements a tensor has.
pub(super) fn size_of_tensor(_: &mut Context, _: &GraphNode, inputs: &Inputs) -> Outcome {
    let dims = dims_of(first(inputs)?)?;
    let fixed: Vec<Dim> = dims.iter().copied().filter(|dim| *dim != Dim::Rows).collect();
    let numbers =
        features(&fixed).and_then(|n| i64::try_from(n).ok()).ok_or("they are too many")?;
    let size = match (dims.len() - fixed.len(), numbers) {
        (0, n) => Size::Known(n),
        (1, 1) => Size::Rows,
        _ => return Err(ROWS_MIX.to_owned()),
    };
    Ok(vec![Sizes { shape: Vec::new(), data: vec![size] }.value()])
}

fn size(dim: &Dim) -> Size {
    match dim {
        Dim::Rows => Size::Rows,
        Dim::Fixed(extent) => Size::Known(*extent as i64),
    }
}

fn known(shape: &[usize]) -> Vec<Size> {
    shape.iter().map(|&extent| Size::Known(extent as i64)).collect()
}

/// The most multiply-adds that folding one node may take.
const MOST_WORK: u64 = 1 << 30;

/// A node whose inputs are all constants: lowered by itself, with the first input as its one row of data,
/// and evaluated in f64.
pub(super) fn alone(context: &Context, node: &GraphNode, inputs: &Inputs, rule: Rule) -> Outcome {
    let Some(Some(Value::Constant(row))) = inputs.first() else {
        return Err("its first input is missing".to_owned());
    };
    let (mut own, inputs) = with_row(context, inputs, row)?;
    match rule(&mut own, node, &inputs)?.as_slice() {
        [Value::Data(data)] => {
            let values = traced(own, data, row)?;
            made(extents(&data.dims), values, row.as_ints().is_some())
        }
        other => Ok(other.to_vec()),
    }
}

/// The context of a node by itself, and its inputs with the first one as data.
pub(super) fn with_row(
    context: &Context,
    inputs: &Inputs,
    row: &Tensor,
) -> Result<(Context, Vec<Option<Value>>), String> {
    let dims = checked(row.shape().iter().copied().map(Dim::Fixed).collect())?;
    let (own, data) = context.alone(dims);
    let mut inputs = inputs.to_vec();
    inputs[0] = Some(Value::Data(data));
    Ok((own, inputs))
}

/// The numbers of `data` where `row` is the input.
pub(super) fn traced(own: Context, data: &Data, row: &Tensor) -> Result<Vec<f64>, String> {
    let nodes = own.nodes();
    let work = nodes.iter().map(|node| match &node.operator {
        Operator::Affine(affine) => affine.multiply_adds(),
        _ => 0,
    });
    let work = work.fold(0, u64::saturating_add);
    if work > MOST_WORK {
        return Err(format!(
            "to fold it would take {work} multiply-adds, more than {MOST_WORK}: export the model with \
             its constants folded"
        ));
    }
    own.room(nodes.iter().map(|node| node.len()).sum(), size_of::<f64>())?;
    Ok(own.values(data, &row.to_f64()))
}
