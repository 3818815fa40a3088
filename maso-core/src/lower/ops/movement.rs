//! Nodes that only move numbers. Each is worked out once, as new axes and an index map, and applied
//! alike to data (a view), constants (folded) and sizes (folded).

use std::rc::Rc;

use super::super::context::Context;
use super::super::value::{Data, Dim, Size, Sizes, Value, extents, features};
use super::{Inputs, Outcome, axis_of, data_axis, ints};
use crate::graph::GraphNode;
use crate::network::{Operator, Source, View};
use crate::tensor::{Tensor, TensorData};

/// What a movement does: new axes, and for each new element the old one.
struct Moved {
    dims: Vec<Dim>,
    map: Vec<usize>,
}

/// Axes of a value, whatever kind it is.
fn dims_of(value: &Value) -> Result<Vec<Dim>, String> {
    let fixed = |shape: &[usize]| shape.iter().copied().map(Dim::Fixed).collect();
    match value {
        Value::Data(data) => Ok(data.dims.clone()),
        Value::Constant(tensor) => Ok(fixed(tensor.shape())),
        Value::Sizes(sizes) => Ok(fixed(&sizes.shape)),
        Value::Unknown => Err("its input is not known".to_owned()),
    }
}

fn first(inputs: &Inputs) -> Result<&Value, String> {
    inputs.first().and_then(Option::as_ref).ok_or_else(|| "its input is missing".to_owned())
}

fn apply(context: &mut Context, node: &GraphNode, value: &Value, moved: Moved) -> Outcome {
    let Moved { dims, map } = moved;
    let moved = match value {
        Value::Data(data) => {
            if map.is_empty() {
                return Err("nothing is left of its input".to_owned());
            }
            let view = Operator::View(View::of_one(&map, data.len()));
            context.push(node, &[data], dims, view).value()
        }
        Value::Constant(tensor) => Value::constant(tensor.picked(extents(&dims), &map)),
        Value::Sizes(sizes) => {
            let data = map.iter().map(|&index| sizes.data[index]).collect();
            Sizes { shape: extents(&dims), data }.value()
        }
        Value::Unknown => Value::Unknown,
    };
    Ok(vec![moved])
}

/// The same numbers under other axes.
fn reshaped(context: &mut Context, node: &GraphNode, value: &Value, dims: Vec<Dim>) -> Outcome {
    let len = features(&dims).ok_or("its shape is too large")?;
    apply(context, node, value, Moved { dims, map: (0..len).collect() })
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
    if training {
        return Err("in training mode it is random; export the model in inference mode".to_owned());
    }
    reshape_same(context, node, inputs)
}

fn reshape_same(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    reshaped(context, node, value, dims_of(value)?)
}

/// Casts between floating-point types keep the numbers; integers and truth values only fold.
pub(super) fn cast(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    // ONNX's numbers for the types: 1 float, 10 float16, 11 double, 16 bfloat16.
    let to = node.int("to", 0);
    let to_float = matches!(to, 1 | 10 | 11 | 16);
    match first(inputs)? {
        Value::Data(_) if matches!(to, 1 | 11) => reshape_same(context, node, inputs),
        Value::Data(_) => Err(format!("it casts data to type {to}, which rounds it")),
        Value::Constant(tensor) => {
            let values = tensor.to_f64();
            let data = if to_float {
                TensorData::F64(values)
            } else if to == 9 {
                TensorData::Bool(values.iter().map(|&value| value != 0.0).collect())
            } else {
                TensorData::I64(values.iter().map(|&value| value as i64).collect())
            };
            let tensor = Tensor::new(tensor.shape().to_vec(), data).ok_or("its size changed")?;
            Ok(vec![Value::constant(tensor)])
        }
        Value::Sizes(sizes) if !to_float => Ok(vec![Value::Sizes(sizes.clone())]),
        _ => Err("it casts the number of rows to a fraction".to_owned()),
    }
}

pub(super) fn flatten(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let axis = match node.int("axis", 1) {
        axis if axis == dims.len() as i64 => dims.len(),
        axis => axis_of(axis, dims.len())?,
    };
    if dims.first() == Some(&Dim::Rows) && axis != 1 {
        return Err("it would merge the row axis with others".to_owned());
    }
    let product = |dims: &[Dim]| dims.iter().map(|dim| dim.extent()).product();
    let front = if axis == 1 { dims[0] } else { Dim::Fixed(product(&dims[..axis])) };
    reshaped(context, node, value, vec![front, Dim::Fixed(product(&dims[axis..]))])
}

pub(super) fn reshape(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let target = match inputs.get(1) {
        Some(Some(shape)) => shape.sizes().ok_or("its shape is not a constant list of integers")?,
        _ => return Err("its shape is missing".to_owned()),
    };
    let dims = dims_of(value)?;
    let row_extent = context.row_extent();
    let dims = reshape_dims(&dims, &target.data, node.int("allowzero", 0) != 0, row_extent)?;
    reshaped(context, node, value, dims)
}

/// The axes a Reshape gives. The row axis stays where it is: by its symbol, by a 0 that copies it, by
/// its fixed extent, or by a −1 that nothing else can be.
fn reshape_dims(
    from: &[Dim],
    target: &[Size],
    allow_zero: bool,
    row_extent: Option<usize>,
) -> Result<Vec<Dim>, String> {
    let total = features(from).ok_or("its input is too large")?;
    let has_rows = from.first() == Some(&Dim::Rows);
    let misfit = || format!("its shape {} does not fit {total} numbers a row", show(target));
    let mut dims: Vec<Option<Dim>> = Vec::with_capacity(target.len());
    for (axis, size) in target.iter().enumerate() {
        dims.push(match *size {
            Size::Rows => Some(Dim::Rows),
            Size::Known(0) if !allow_zero => Some(*from.get(axis).ok_or_else(misfit)?),
            Size::Known(-1) => None,
            Size::Known(n) if has_rows && axis == 0 && row_extent == usize::try_from(n).ok() => {
                Some(Dim::Rows)
            }
            Size::Known(n) => Some(Dim::Fixed(usize::try_from(n).map_err(|_| misfit())?)),
        });
    }
    let known: Vec<Dim> = dims.iter().flatten().copied().collect();
    let product = features(&known).ok_or_else(misfit)?;
    let open: Vec<usize> = (0..dims.len()).filter(|&axis| dims[axis].is_none()).collect();
    match open[..] {
        [] if product == total => {}
        [axis] if product > 0 && total % product == 0 => {
            let rows = has_rows && axis == 0 && !known.contains(&Dim::Rows) && product == total;
            dims[axis] = Some(if rows { Dim::Rows } else { Dim::Fixed(total / product) });
        }
        _ => return Err(misfit()),
    }
    let dims: Vec<Dim> = dims.into_iter().flatten().collect();
    let rows_at = dims.iter().position(|dim| *dim == Dim::Rows);
    let rows = dims.iter().filter(|dim| **dim == Dim::Rows).count();
    if has_rows && (rows_at != Some(0) || rows != 1) {
        let shape = show(target);
        return Err(format!(
            "its shape {shape} would merge or move the row axis, so rows would mix"
        ));
    }
    Ok(dims)
}

fn show(target: &[Size]) -> String {
    let entry = |size: &Size| match size {
        Size::Rows => "rows".to_owned(),
        Size::Known(value) => value.to_string(),
    };
    format!("[{}]", target.iter().map(entry).collect::<Vec<_>>().join(", "))
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
    apply(context, node, value, permuted(&dims, &order)?)
}

fn permuted(dims: &[Dim], order: &[usize]) -> Result<Moved, String> {
    if dims.first() == Some(&Dim::Rows) && order.first() != Some(&0) {
        return Err("it would move the row axis".to_owned());
    }
    let strides = strides(dims);
    let picks: Vec<(usize, usize)> =
        order.iter().map(|&axis| (dims[axis].extent(), strides[axis])).collect();
    let map = strided(&picks, 0);
    Ok(Moved { dims: order.iter().map(|&axis| dims[axis]).collect(), map })
}

/// `data` with its axes in another order.
pub(super) fn permute_data(
    context: &mut Context,
    node: &GraphNode,
    data: &Data,
    order: &[usize],
) -> Result<Data, String> {
    let moved = permuted(&data.dims, order)?;
    let view = Operator::View(View::of_one(&moved.map, data.len()));
    Ok(context.push(node, &[data], moved.dims, view))
}

fn strides(dims: &[Dim]) -> Vec<usize> {
    (0..dims.len()).map(|axis| dims[axis + 1..].iter().map(|d| d.extent()).product()).collect()
}

/// Indices of a box, from (extent, stride) axis by axis.
fn strided(axes: &[(usize, usize)], start: usize) -> Vec<usize> {
    axes.iter().fold(vec![start], |map, &(extent, stride)| {
        map.iter().flat_map(|&base| (0..extent).map(move |at| base + at * stride)).collect()
    })
}

/// Axes from the second input (operator set 13 on) or the attribute (before).
fn axes(node: &GraphNode, inputs: &Inputs, rank: usize) -> Result<Option<Vec<usize>>, String> {
    let list = match ints(inputs, 1, "axes")? {
        Some(axes) => Some(axes),
        None => node.ints("axes").map(<[i64]>::to_vec),
    };
    list.map(|axes| axes.into_iter().map(|axis| axis_of(axis, rank)).collect()).transpose()
}

pub(super) fn squeeze(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let ones = || (0..dims.len()).filter(|&axis| dims[axis] == Dim::Fixed(1)).collect();
    let axes = axes(node, inputs, dims.len())?.unwrap_or_else(ones);
    if let Some(&axis) = axes.iter().find(|&&axis| dims[axis] != Dim::Fixed(1)) {
        return Err(format!("axis {axis} is not 1, so it cannot be squeezed"));
    }
    let kept = (0..dims.len()).filter(|axis| !axes.contains(axis)).map(|axis| dims[axis]);
    reshaped(context, node, value, kept.collect())
}

pub(super) fn unsqueeze(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let added = ints(inputs, 1, "axes")?.or_else(|| node.ints("axes").map(<[i64]>::to_vec));
    let added = added.ok_or("its axes are missing")?;
    let rank = dims.len() + added.len();
    let added: Vec<usize> =
        added.into_iter().map(|axis| axis_of(axis, rank)).collect::<Result<_, _>>()?;
    if dims.first() == Some(&Dim::Rows) && added.contains(&0) {
        return Err("it would move the row axis".to_owned());
    }
    let mut old = dims.iter().copied();
    let pick = |axis| if added.contains(&axis) { Some(Dim::Fixed(1)) } else { old.next() };
    let dims = (0..rank).map(pick).collect::<Option<_>>().ok_or("its axes repeat")?;
    reshaped(context, node, value, dims)
}

/// One axis of a slice: first index, step, count.
#[derive(Clone, Copy)]
struct Cut {
    start: usize,
    step: i64,
    count: usize,
}

/// Starts and ends clamped as ONNX says.
fn cut(start: i64, end: i64, step: i64, extent: usize) -> Result<Cut, String> {
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
    let mut cuts: Vec<Cut> =
        dims.iter().map(|dim| Cut { start: 0, step: 1, count: dim.extent() }).collect();
    for i in 0..starts.len() {
        let axis = axis_of(axes[i], dims.len())?;
        if dims[axis] == Dim::Rows {
            // Only a slice that keeps every row, however many there are, leaves rows alone.
            if starts[i] == 0 && ends[i] >= i64::from(i32::MAX) && steps[i] == 1 {
                continue;
            }
            return Err("it would slice the row axis".to_owned());
        }
        cuts[axis] = cut(starts[i], ends[i], steps[i], dims[axis].extent())?;
    }
    apply(context, node, value, sliced(&dims, &cuts))
}

fn sliced(dims: &[Dim], cuts: &[Cut]) -> Moved {
    let strides = strides(dims);
    let mut map = vec![0usize];
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
    let strides = strides(&dims);
    let front: Vec<_> = (0..axis).map(|a| (dims[a].extent(), strides[a])).collect();
    let back: Vec<_> = (axis + 1..dims.len()).map(|a| (dims[a].extent(), strides[a])).collect();
    let map = strided(&front, 0)
        .into_iter()
        .flat_map(|base| index_at.iter().map(move |&i| (base, i)))
        .flat_map(|(base, i)| strided(&back, base + i * strides[axis]))
        .collect();
    let middle = index.shape.iter().map(|&extent| Dim::Fixed(extent));
    let dims = dims[..axis].iter().copied().chain(middle).chain(dims[axis + 1..].iter().copied());
    let dims = dims.collect();
    apply(context, node, value, Moved { dims, map })
}

/// Joins tensors along one axis: data (with constants among them), sizes, or constants.
pub(super) fn concat(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let values: Vec<&Value> = inputs.iter().flatten().collect();
    let all: Vec<Vec<Dim>> = values.iter().map(|value| dims_of(value)).collect::<Result<_, _>>()?;
    let lead = values.iter().position(|value| matches!(value, Value::Data(_))).unwrap_or(0);
    let mut dims = all.get(lead).cloned().ok_or("it has no inputs")?;
    let axis = data_axis(node.int("axis", 0), &dims, "join along")?;
    let same = |other: &Vec<Dim>| {
        other.len() == dims.len()
            && (0..dims.len()).all(|a| a == axis || other[a].extent() == dims[a].extent())
    };
    if !all.iter().all(same) {
        return Err("its inputs differ in another axis than the joined one".to_owned());
    }
    dims[axis] = Dim::Fixed(all.iter().map(|dims| dims[axis].extent()).sum());
    let order = concat_order(&all, axis);
    if values.iter().any(|value| matches!(value, Value::Data(_))) {
        return concat_data(context, node, &values, dims, &order);
    }
    if let Some(sizes) = values.iter().map(|value| value.sizes()).collect::<Option<Vec<_>>>() {
        let data = order.iter().map(|&(input, index)| sizes[input].data[index]).collect();
        return Ok(vec![Sizes { shape: extents(&dims), data }.value()]);
    }
    let tensors: Option<Vec<Rc<Tensor>>> =
        values.iter().map(|value| super::super::context::constant(Some(value))).collect();
    let tensors = tensors.ok_or("it joins fractional numbers with the number of rows")?;
    let numbers: Vec<Vec<f64>> = tensors.iter().map(|tensor| tensor.to_f64()).collect();
    let data = order.iter().map(|&(input, index)| numbers[input][index]).collect();
    let tensor = Tensor::new(extents(&dims), TensorData::F64(data)).ok_or("its sizes differ")?;
    Ok(vec![Value::constant(tensor)])
}

/// For each element of the joined tensor, the input and its element.
fn concat_order(all: &[Vec<Dim>], axis: usize) -> Vec<(usize, usize)> {
    let size = |dims: &[Dim]| dims.iter().map(|dim| dim.extent()).product::<usize>();
    let outer = size(&all[0][..axis]);
    let chunks: Vec<usize> = all.iter().map(|dims| size(&dims[axis..])).collect();
    let part = |at: usize| {
        let chunks = chunks.iter().enumerate();
        chunks.flat_map(move |(input, &len)| (0..len).map(move |i| (input, at * len + i)))
    };
    (0..outer).flat_map(part).collect()
}

fn concat_data(
    context: &mut Context,
    node: &GraphNode,
    values: &[&Value],
    dims: Vec<Dim>,
    order: &[(usize, usize)],
) -> Outcome {
    let mut data: Vec<&Data> = Vec::new();
    let mut places: Vec<Result<usize, Vec<f64>>> = Vec::new();
    for value in values {
        places.push(match value {
            Value::Data(branch) => {
                data.push(branch);
                Ok(data.len() - 1)
            }
            Value::Constant(tensor) => {
                let numbers = tensor.to_f64();
                if numbers.iter().any(|value| !(*value as f32).is_finite()) {
                    return Err("a joined constant is NaN or infinite".to_owned());
                }
                Err(numbers)
            }
            _ => return Err("it joins data with sizes".to_owned()),
        });
    }
    let source = |&(input, index): &(usize, usize)| match &places[input] {
        Ok(input) => Source::Element { input: *input, index },
        Err(numbers) => Source::Constant(numbers[index]),
    };
    let view = Operator::View(View::Map(order.iter().map(source).collect()));
    Ok(vec![context.push(node, &data, dims, view).value()])
}
