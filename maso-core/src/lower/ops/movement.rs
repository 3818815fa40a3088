//! Nodes that only move numbers. Each is worked out once, as new axes and an index map, and applied
//! alike to data (a view), constants (folded) and sizes (folded).

use super::super::context::Context;
use super::super::value::{Data, Dim, Size, Sizes, Value, checked, extents, features};
use super::{Inputs, Outcome, axis_of, data_axis, ints, one};
use crate::graph::GraphNode;
use crate::network::{Operator, View};
use crate::tensor::{Tensor, TensorData};

/// What a movement does: new axes, and for each new element the old one.
pub(super) struct Moved {
    pub(super) dims: Vec<Dim>,
    pub(super) map: Vec<usize>,
}

/// Axes of a value, whatever kind it is.
pub(super) fn dims_of(value: &Value) -> Result<Vec<Dim>, String> {
    let fixed = |shape: &[usize]| shape.iter().copied().map(Dim::Fixed).collect();
    match value {
        Value::Data(data) => Ok(data.dims.clone()),
        Value::Constant(tensor) => Ok(fixed(tensor.shape())),
        Value::Sizes(sizes) => Ok(fixed(&sizes.shape)),
        Value::Truth(_) | Value::Unknown { .. } => Err("its input is not known".to_owned()),
    }
}

pub(super) fn first(inputs: &Inputs) -> Result<&Value, String> {
    inputs.first().and_then(Option::as_ref).ok_or_else(|| "its input is missing".to_owned())
}

/// Moves a value, whatever kind it is.
pub(super) fn apply(
    context: &mut Context,
    node: &GraphNode,
    value: &Value,
    moved: Moved,
) -> Outcome {
    let Moved { dims, map } = moved;
    let moved = match value {
        Value::Data(data) => {
            if map.is_empty() {
                // No numbers depend on nothing.
                let none = Tensor::new(extents(&dims), TensorData::F32(Vec::new()));
                return Ok(vec![Value::constant(none.ok_or("it has no elements")?)]);
            }
            Value::Data(context.view(node, data, dims, &map)?)
        }
        Value::Constant(tensor) => Value::constant(tensor.picked(extents(&dims), &map)),
        Value::Sizes(sizes) => {
            let data = map.iter().map(|&index| sizes.data[index]).collect();
            Sizes { shape: extents(&dims), data }.value()
        }
        Value::Truth(_) | Value::Unknown { .. } => return Err("its input is not known".to_owned()),
    };
    Ok(vec![moved])
}

/// The same numbers under other axes.
pub(super) fn reshaped(
    context: &mut Context,
    node: &GraphNode,
    value: &Value,
    dims: Vec<Dim>,
) -> Outcome {
    match value {
        Value::Data(data) => one(context.push(node, &[data], dims, Operator::View(View::Same))?),
        Value::Constant(tensor) => {
            let tensor = tensor.reshaped(extents(&dims)).ok_or("its shape has another size")?;
            Ok(vec![Value::constant(tensor)])
        }
        Value::Sizes(sizes) => {
            Ok(vec![Sizes { shape: extents(&dims), data: sizes.data.clone() }.value()])
        }
        Value::Truth(_) | Value::Unknown { .. } => Err("its input is not known".to_owned()),
    }
}

pub(super) fn identity(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    reshape_same(context, node, inputs)
}

/// Dropout passes everything in inference, unless a constant third input switches training on.
pub(super) fn dropout(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let training = match inputs.get(2) {
        None | Some(None) => false,
        Some(Some(Value::Constant(mode))) => mode.to_f64().iter().any(|&mode| mode != 0.0),
        Some(Some(_)) => true,
    };
    if training || context.is_old() && node.int("is_test", 0) == 0 {
        return Err("in training mode it is random; export the model in inference mode".to_owned());
    }
    reshape_same(context, node, inputs)
}

fn reshape_same(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    match first(inputs)? {
        Value::Data(data) => {
            one(context.push(node, &[data], data.dims.clone(), Operator::View(View::Same))?)
        }
        other => Ok(vec![other.clone()]),
    }
}

/// Casts of data to a floating-point type keep the numbers (evaluation is in f32 in any case, also of
/// models in half precision); constants are rounded or truncated as the type says, and must fit it.
pub(super) fn cast(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    cast_to(context, node, inputs, node.int("to", 0))
}

/// Casts to the type of the second input.
pub(super) fn cast_like(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let to = match inputs.get(1) {
        Some(Some(Value::Data(_))) => FLOAT,
        Some(Some(Value::Sizes(_))) => INT64,
        Some(Some(Value::Constant(like))) => match like.data() {
            TensorData::F32(_) => FLOAT,
            TensorData::F64(_) => DOUBLE,
            TensorData::I64(_) => INT64,
            TensorData::Bool(_) => BOOL,
        },
        _ => return Err("what it shall be like is missing, or not known".to_owned()),
    };
    cast_to(context, node, inputs, to)
}

fn cast_to(context: &mut Context, node: &GraphNode, inputs: &Inputs, to: i64) -> Outcome {
    match first(inputs)? {
        Value::Truth(_) if to == BOOL => reshape_same(context, node, inputs),
        Value::Truth(_) => Err(super::COMPARED.to_owned()),
        Value::Data(_) if matches!(to, FLOAT | FLOAT16 | DOUBLE | BFLOAT16) => {
            reshape_same(context, node, inputs)
        }
        Value::Data(_) => Err(format!("it casts data to type {to}, which rounds it")),
        Value::Constant(tensor) => {
            let data = cast_constant(&tensor.to_f64(), to)?;
            let tensor = Tensor::new(tensor.shape().to_vec(), data).ok_or("its size changed")?;
            Ok(vec![Value::constant(tensor)])
        }
        Value::Sizes(sizes) if matches!(to, INT32 | INT64) => Ok(vec![Value::Sizes(sizes.clone())]),
        _ => Err("it casts the number of rows to another type".to_owned()),
    }
}

// ONNX's numbers for types.
const FLOAT: i64 = 1;
const INT32: i64 = 6;
const INT64: i64 = 7;
const BOOL: i64 = 9;
const FLOAT16: i64 = 10;
const DOUBLE: i64 = 11;
const BFLOAT16: i64 = 16;

fn cast_constant(values: &[f64], to: i64) -> Result<TensorData, String> {
    let whole = |low: f64, high: f64| {
        let fits = |value: &f64| value.trunc() >= low && value.trunc() <= high;
        let all =
            values.iter().all(fits).then(|| values.iter().map(|&value| value as i64).collect());
        all.map(TensorData::I64).ok_or_else(|| format!("a constant does not fit type {to}"))
    };
    match to {
        FLOAT => Ok(TensorData::F32(values.iter().map(|&value| value as f32).collect())),
        DOUBLE => Ok(TensorData::F64(values.to_vec())),
        FLOAT16 => halves(values, 11, -14, 65504.0),
        BFLOAT16 => halves(values, 8, -126, f64::from(f32::MAX)),
        INT32 => whole(i32::MIN.into(), i32::MAX.into()),
        // Numbers up to 2⁵³ are exact on the way through f64.
        INT64 => whole(-9.007_199_254_740_992e15, 9.007_199_254_740_992e15),
        BOOL => Ok(TensorData::Bool(values.iter().map(|&value| value != 0.0).collect())),
        _ => Err(format!("casting constants to type {to} is not supported")),
    }
}

/// Numbers rounded to `digits` binary digits, to the nearest and then the even one; below 2^`least` the
/// digits' places stay. Those beyond `largest` do not fit.
fn halves(values: &[f64], digits: i32, least: i32, largest: f64) -> Result<TensorData, String> {
    let round = |value: &f64| {
        // Of a number below 2^-1022 nothing is left in any case.
        let exponent = (value.abs().to_bits() >> 52) as i32 - 1023;
        let place = f64::from(exponent.max(least) - digits + 1).exp2();
        (value / place).round_ties_even() * place
    };
    let rounded = values.iter().map(|value| if value.is_finite() { round(value) } else { *value });
    let rounded: Vec<f64> = rounded.collect();
    match rounded.iter().find(|value| value.is_finite() && value.abs() > largest) {
        Some(value) => Err(format!("a constant rounds to {value}, beyond half precision")),
        None => Ok(TensorData::F32(rounded.into_iter().map(|value| value as f32).collect())),
    }
}

pub(super) fn transpose(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let order: Vec<usize> = match node.ints("perm") {
        Some(perm) => {
            perm.iter().map(|&axis| axis_of(axis, dims.len())).collect::<Result<_, _>>()?
        }
        None => (0..dims.len()).rev().collect(),
    };
    let mut seen = order.clone();
    seen.sort_unstable();
    if seen != (0..dims.len()).collect::<Vec<_>>() {
        return Err(format!("its permutation {order:?} is not one of {} axes", dims.len()));
    }
    context.map_room(&dims)?;
    apply(context, node, value, permuted(&dims, &order))
}

pub(super) fn permuted(dims: &[Dim], order: &[usize]) -> Moved {
    let strides = strides(dims);
    let picks: Vec<(usize, usize)> =
        order.iter().map(|&axis| (dims[axis].extent(), strides[axis])).collect();
    let map = strided(&picks, 0);
    Moved { dims: order.iter().map(|&axis| dims[axis]).collect(), map }
}

/// `data` with its axes in another order.
pub(super) fn permute_data(
    context: &mut Context,
    node: &GraphNode,
    data: &Data,
    order: &[usize],
) -> Result<Data, String> {
    if data.dims.first() == Some(&Dim::Rows) && order.first() != Some(&0) {
        return Err("it would move the row axis".to_owned());
    }
    context.map_room(&data.dims)?;
    let moved = permuted(&data.dims, order);
    context.view(node, data, moved.dims, &moved.map)
}

pub(super) fn strides(dims: &[Dim]) -> Vec<usize> {
    // What has no elements may have any extents besides.
    let inner = |dims: &[Dim]| dims.iter().map(|dim| dim.extent()).fold(1, usize::saturating_mul);
    (0..dims.len()).map(|axis| inner(&dims[axis + 1..])).collect()
}

/// Indices of a box, from (extent, stride) axis by axis.
fn strided(axes: &[(usize, usize)], start: usize) -> Vec<usize> {
    if axes.iter().any(|&(extent, _)| extent == 0) {
        return Vec::new();
    }
    axes.iter().fold(vec![start], |map, &(extent, stride)| {
        map.iter().flat_map(|&base| (0..extent).map(move |at| base + at * stride)).collect()
    })
}

/// One axis of a slice: first index, step, count.
#[derive(Clone, Copy)]
pub(super) struct Cut {
    pub(super) start: usize,
    pub(super) step: i64,
    pub(super) count: usize,
}

impl Cut {
    /// All of an axis.
    pub(super) fn whole(extent: usize) -> Self {
        Self { start: 0, step: 1, count: extent }
    }
}

/// Starts and ends clamped as ONNX says.
fn cut(start: i64, end: i64, step: i64, extent: usize) -> Result<Cut, String> {
    if extent == 0 {
        return Ok(Cut::whole(0));
    }
    let n = extent as i64;
    let wrap = |at: i64| if at < 0 { at.saturating_add(n) } else { at };
    let (start, end) = match step {
        0 => return Err("its step is 0".to_owned()),
        1.. => (wrap(start).clamp(0, n), wrap(end).clamp(0, n)),
        _ => (wrap(start).clamp(0, n - 1), wrap(end).clamp(-1, n - 1)),
    };
    let span = if step > 0 { end - start } else { start - end };
    let count = span.max(0).unsigned_abs().div_ceil(step.unsigned_abs());
    Ok(Cut { start: start.max(0) as usize, step, count: count as usize })
}

pub(super) fn slice(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let list = |index: usize, name: &str| -> Result<Option<Vec<i64>>, String> {
        Ok(ints(inputs, index, name)?.or_else(|| node.ints(name).map(<[i64]>::to_vec)))
    };
    let starts = list(1, "starts")?.ok_or("its starts are missing")?;
    let ends = list(2, "ends")?.ok_or("its ends are missing")?;
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err("its starts, ends, axes and steps are not equally many".to_owned());
    }
    let mut cuts: Vec<Cut> = dims.iter().map(|dim| Cut::whole(dim.extent())).collect();
    for i in 0..starts.len() {
        let axis = axis_of(axes[i], dims.len())?;
        if dims[axis] == Dim::Rows {
            // Only a slice that keeps every row, however many there are, leaves rows alone.
            let all = i64::from(i32::MAX);
            let extent = context.row_extent().unwrap_or(all as usize);
            if steps[i] == 1 && cut(starts[i], ends[i], 1, extent)?.count == extent {
                continue;
            }
            return Err("it would slice the row axis".to_owned());
        }
        cuts[axis] = cut(starts[i], ends[i], steps[i], dims[axis].extent())?;
    }
    context.map_room(&dims)?;
    apply(context, node, value, sliced(&dims, &cuts))
}

pub(super) fn sliced(dims: &[Dim], cuts: &[Cut]) -> Moved {
    let strides = strides(dims);
    let none = cuts.iter().any(|cut| cut.count == 0);
    let mut map = if none { Vec::new() } else { vec![0usize] };
    for (cut, stride) in cuts.iter().zip(strides) {
        let at = |i: usize| (cut.start as i64 + cut.step * i as i64) as usize * stride;
        map = map.iter().flat_map(|&base| (0..cut.count).map(move |i| base + at(i))).collect();
    }
    let dim = |(dim, cut): (&Dim, &Cut)| {
        if *dim == Dim::Rows { Dim::Rows } else { Dim::Fixed(cut.count) }
    };
    Moved { dims: dims.iter().zip(cuts).map(dim).collect(), map }
}

/// Entries along one axis at constant indices.
pub(super) fn gather(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let axis = data_axis(node.int("axis", 0), &dims, "pick from")?;
    let index = inputs.get(1).and_then(Option::as_ref).and_then(Value::sizes);
    let index = index.ok_or("its indices are not constant integers")?;
    let extent = dims[axis].extent();
    let at = |size: &Size| match size {
        Size::Known(i) => axis_of(*i, extent).map_err(|_| format!("index {i} is outside {extent}")),
        Size::Rows => Err("the number of rows is used as an index".to_owned()),
    };
    let index_at: Vec<usize> = index.data.iter().map(at).collect::<Result<_, _>>()?;
    let middle = index.shape.iter().map(|&extent| Dim::Fixed(extent));
    let moved = dims[..axis].iter().copied().chain(middle).chain(dims[axis + 1..].iter().copied());
    let moved = checked(moved.collect())?;
    context.map_room(&moved)?;
    let strides = strides(&dims);
    let front: Vec<_> = (0..axis).map(|a| (dims[a].extent(), strides[a])).collect();
    let back: Vec<_> = (axis + 1..dims.len()).map(|a| (dims[a].extent(), strides[a])).collect();
    let map = strided(&front, 0)
        .into_iter()
        .flat_map(|base| index_at.iter().map(move |&i| (base, i)))
        .flat_map(|(base, i)| strided(&back, base + i * strides[axis]))
        .collect();
    apply(context, node, value, Moved { dims: moved, map })
}

/// Whole stretches at constant index lists over the leading axes.
pub(super) fn gather_nd(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if node.int("batch_dims", 0) != 0 {
        return Err("with batch_dims it is not supported".to_owned());
    }
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let index = match inputs.get(1) {
        Some(Some(Value::Constant(tensor))) => tensor,
        _ => return Err("its indices are not constant".to_owned()),
    };
    let entries = index.as_ints().ok_or("its indices are not integers")?;
    let (depth, lists) = index.shape().split_last().ok_or("its indices are a single number")?;
    if *depth == 0 || *depth > dims.len() {
        return Err(format!("its indices name {depth} axes of a tensor that has {}", dims.len()));
    }
    let (picked, kept) = dims.split_at(*depth);
    if picked.contains(&Dim::Rows) {
        return Err("it would pick from the row axis, so rows would mix".to_owned());
    }
    let moved = lists.iter().map(|&extent| Dim::Fixed(extent)).chain(kept.iter().copied());
    let moved = checked(moved.collect())?;
    context.map_room(&moved)?;
    let strides = strides(&dims);
    let stretch: usize = kept.iter().map(|dim| dim.extent()).product();
    let mut map = Vec::with_capacity(features(&moved).unwrap_or_default());
    for list in entries.chunks_exact(*depth) {
        let mut start = 0;
        for (axis, &at) in list.iter().enumerate() {
            let extent = picked[axis].extent();
            let at = axis_of(at, extent).map_err(|_| format!("index {at} is outside {extent}"))?;
            start += at * strides[axis];
        }
        map.extend(start..start + stretch);
    }
    apply(context, node, value, Moved { dims: moved, map })
}
