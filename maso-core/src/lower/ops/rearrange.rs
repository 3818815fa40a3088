//! Nodes that cut, repeat and pad: Split, Expand, Tile, Pad, DepthToSpace and SpaceToDepth.

use super::super::context::Context;
use super::super::value::{Data, Dim, Size, Value, broadcast_map, checked, extents};
use super::movement::{Cut, Moved, apply, dims_of, first, permuted, sliced, strides};
use super::{Inputs, Outcome, axis_of, data, data_axis, ints, one, present, weights};
use crate::graph::GraphNode;
use crate::network::Source;

/// Parts along one axis: equal ones, or of given sizes (an input or an attribute).
pub(super) fn split(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let axis = data_axis(node.int("axis", 0), &dims, "split")?;
    let (extent, parts) = (dims[axis].extent(), node.outputs.len());
    let listed = ints(inputs, 1, "sizes")?.or_else(|| node.ints("split").map(<[i64]>::to_vec));
    let sizes: Vec<usize> = match listed {
        Some(sizes) => sizes.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect(),
        None => {
            let size = extent.div_ceil(parts);
            (0..parts).map(|part| size.min(extent.saturating_sub(part * size))).collect()
        }
    };
    let total = sizes.iter().try_fold(0usize, |n, &size| n.checked_add(size));
    if sizes.len() != parts || total != Some(extent) {
        return Err(format!("its parts {sizes:?} do not make up an axis of {extent}"));
    }
    context.map_room(&dims)?;
    let mut start = 0;
    let mut made = Vec::with_capacity(parts);
    for (part, &count) in sizes.iter().enumerate() {
        let mut cuts: Vec<Cut> = dims.iter().map(|dim| Cut::whole(dim.extent())).collect();
        cuts[axis] = Cut { start, step: 1, count };
        start += count;
        // Each part is a node of its own, under its own tensor's name.
        let own = GraphNode { outputs: vec![node.outputs[part].clone()], ..node.clone() };
        made.extend(apply(context, &own, value, sliced(&dims, &cuts))?);
    }
    Ok(made)
}

/// Repeats along axes of extent 1, to a shape.
pub(super) fn expand(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let target = inputs.get(1).and_then(Option::as_ref).and_then(Value::sizes);
    let target = target.ok_or("its shape is not a constant list of integers")?.data;
    let (rows, rank) = (dims.first() == Some(&Dim::Rows), dims.len().max(target.len()));
    let row_extent = context.row_extent();
    let mut to = Vec::with_capacity(rank);
    for axis in 0..rank {
        let own = (axis + dims.len()).checked_sub(rank).map_or(Dim::Fixed(1), |axis| dims[axis]);
        let wanted = (axis + target.len()).checked_sub(rank).map(|axis| target[axis]);
        let known = |n: i64| usize::try_from(n).ok();
        to.push(match (own, wanted) {
            (own, None | Some(Size::Known(1))) => own,
            (Dim::Rows, Some(Size::Rows)) => Dim::Rows,
            (Dim::Rows, Some(Size::Known(n))) if row_extent.is_some() && known(n) == row_extent => {
                Dim::Rows
            }
            (Dim::Fixed(own), Some(Size::Known(n))) if own == 1 || known(n) == Some(own) => {
                Dim::Fixed(known(n).ok_or("its shape has a negative extent")?)
            }
            (Dim::Fixed(_), Some(Size::Rows)) => return Err(REPEATED.to_owned()),
            _ => return Err(format!("its shape does not broadcast with {:?}", extents(&dims))),
        });
    }
    if rows && (to.first() != Some(&Dim::Rows)) {
        return Err("it would move the row axis".to_owned());
    }
    let to = checked(to)?;
    context.map_room(&to)?;
    let map = broadcast_map(&extents(&dims), &extents(&to));
    apply(context, node, value, Moved { dims: to, map })
}

const REPEATED: &str = "its shape holds the number of rows where its input has no rows: export the model \
                        with a fixed batch of 1";

/// Copies side by side along each axis.
pub(super) fn tile(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let repeats = ints(inputs, 1, "repeats")?.ok_or("its repeats are missing")?;
    if repeats.len() != dims.len() || repeats.iter().any(|&n| n < 1) {
        return Err(format!("its repeats {repeats:?} do not fit {} axes", dims.len()));
    }
    let times = |(dim, &n): (&Dim, &i64)| match dim {
        Dim::Rows if n == 1 => Ok(Dim::Rows),
        Dim::Rows => Err("it would repeat the rows".to_owned()),
        Dim::Fixed(extent) => {
            let repeated = usize::try_from(n).ok().and_then(|n| extent.checked_mul(n));
            repeated.map(Dim::Fixed).ok_or_else(|| "its output is too large".to_owned())
        }
    };
    let to = checked(dims.iter().zip(&repeats).map(times).collect::<Result<_, _>>()?)?;
    context.map_room(&to)?;
    let map = axis_map(&dims, &to, |axis, at| Some(at % dims[axis].extent()));
    apply(context, node, value, Moved { dims: to, map })
}

/// Stands in a map for what reads nothing.
const OUTSIDE: usize = usize::MAX;

/// For each element of axes `to`, the element of axes `from` that `at` names axis by axis; [`OUTSIDE`] where
/// it names none.
pub(super) fn axis_map(
    from: &[Dim],
    to: &[Dim],
    at: impl Fn(usize, usize) -> Option<usize>,
) -> Vec<usize> {
    let strides = strides(from);
    let start = if to.contains(&Dim::Fixed(0)) { Vec::new() } else { vec![0] };
    to.iter().enumerate().fold(start, |map, (axis, dim)| {
        let step = |i| at(axis, i).map_or(OUTSIDE, |i| i * strides[axis]);
        let steps: Vec<usize> = (0..dim.extent()).map(step).collect();
        let add = |base: usize, step: usize| base.checked_add(step).unwrap_or(OUTSIDE);
        map.iter().flat_map(|&base| steps.iter().map(move |&step| add(base, step))).collect()
    })
}

/// Where a position that may lie outside an axis of some extent reads.
type Inside = fn(i64, i64) -> Option<i64>;

/// What each padding mode reads; `None` for the constant.
fn padding(mode: &str) -> Result<Inside, String> {
    let inside: Inside = match mode {
        "constant" => |at, extent| (0..extent).contains(&at).then_some(at),
        "edge" => |at, extent| Some(at.clamp(0, extent - 1)),
        "wrap" => |at, extent| Some(at.rem_euclid(extent)),
        "reflect" => |at, extent| {
            let period = (2 * (extent - 1)).max(1);
            let at = at.rem_euclid(period);
            Some(at.min(period - at))
        },
        other => return Err(format!("its mode {other:?} is not known")),
    };
    Ok(inside)
}

/// Pads with a constant, the edge, its reflection or the other side; negative padding cuts.
pub(super) fn pad(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let (before, to) = padded_axes(node, inputs, &x)?;
    let inside = padding(node.text("mode").unwrap_or("constant"))?;
    context.map_room(&to)?;
    let map = axis_map(&x.dims, &to, |axis, at| {
        let found = inside(at as i64 - before[axis], x.dims[axis].extent() as i64);
        found.map(|at| at as usize)
    });
    let value = if present(inputs, 2) {
        weights(inputs, 2, "value")?.0.first().copied().unwrap_or(0.0)
    } else {
        node.float("value", 0.0)
    };
    if map.contains(&OUTSIDE) && !(value as f32).is_finite() {
        return Err(format!("its value is {value}"));
    }
    let source = |index: usize| match index {
        OUTSIDE => Source::Constant(value),
        index => Source::Element { input: 0, index },
    };
    one(context.view_of(node, &[&x], to, map.into_iter().map(source))?)
}

/// Padding before each axis, and the axes after.
fn padded_axes(
    node: &GraphNode,
    inputs: &Inputs,
    x: &Data,
) -> Result<(Vec<i64>, Vec<Dim>), String> {
    let rank = x.dims.len();
    let pads = ints(inputs, 1, "pads")?.or_else(|| node.ints("pads").map(<[i64]>::to_vec));
    let pads = pads.ok_or("its pads are missing")?;
    let axes: Vec<usize> = match ints(inputs, 3, "axes")? {
        Some(axes) => axes.into_iter().map(|axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    let small = |pad: &i64| (-(1 << 31)..1 << 31).contains(pad);
    if pads.len() != 2 * axes.len() || !pads.iter().all(small) {
        return Err(format!("its pads {pads:?} do not fit {} axes", axes.len()));
    }
    let (mut before, mut to) = (vec![0i64; rank], x.dims.clone());
    for (i, &axis) in axes.iter().enumerate() {
        let (front, back) = (pads[i], pads[axes.len() + i]);
        match x.dims[axis] {
            Dim::Rows if front == 0 && back == 0 => {}
            Dim::Rows => return Err("it would pad the row axis".to_owned()),
            Dim::Fixed(extent) => {
                let padded = usize::try_from(extent as i64 + front + back);
                to[axis] = Dim::Fixed(padded.map_err(|_| "its pads cut more than there is")?);
                before[axis] = front;
            }
        }
    }
    Ok((before, checked(to)?))
}

/// Blocks of channels spread over the plane.
pub(super) fn depth_to_space(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let (value, rows, [channels, height, width], block) = image(node, inputs)?;
    let deep = block * block;
    if channels % deep != 0 {
        return Err(format!("{channels} channels are not whole blocks of {deep}"));
    }
    let rest = channels / deep;
    let (split, order) = match node.text("mode").unwrap_or("DCR") {
        "DCR" => ([block, block, rest, height, width], [0, 3, 4, 1, 5, 2]),
        "CRD" => ([rest, block, block, height, width], [0, 1, 4, 2, 5, 3]),
        other => return Err(format!("its mode {other:?} is not known")),
    };
    let to = [rest, height * block, width * block];
    regroup(context, node, value, rows, (&split, &order, &to))
}

/// Blocks of the plane gathered into channels.
pub(super) fn space_to_depth(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let (value, rows, [channels, height, width], block) = image(node, inputs)?;
    if height % block != 0 || width % block != 0 {
        return Err(format!("a plane of {height}×{width} is not whole blocks of {block}"));
    }
    let split = [channels, height / block, block, width / block, block];
    let to = [channels * block * block, height / block, width / block];
    regroup(context, node, value, rows, (&split, &[0, 3, 5, 1, 2, 4], &to))
}

/// A tensor [rows, channels, height, width], and the block size.
fn image<'v>(
    node: &GraphNode,
    inputs: &'v Inputs,
) -> Result<(&'v Value, Dim, [usize; 3], usize), String> {
    let value = first(inputs)?;
    let dims = dims_of(value)?;
    let [rows, channels, height, width] = dims[..] else {
        return Err(format!("expected 4 axes, found {}", dims.len()));
    };
    let block = usize::try_from(node.int("blocksize", 0)).ok().filter(|n| (1..1 << 16).contains(n));
    let block = block.ok_or("its blocksize is not positive, or too large")?;
    Ok((value, rows, [channels.extent(), height.extent(), width.extent()], block))
}

/// Splits axes behind the first, reorders them, and joins them to the axes `to`.
fn regroup(
    context: &mut Context,
    node: &GraphNode,
    value: &Value,
    rows: Dim,
    (split, order, to): (&[usize], &[usize], &[usize]),
) -> Outcome {
    let behind = |extents: &[usize]| {
        std::iter::once(rows).chain(extents.iter().copied().map(Dim::Fixed)).collect::<Vec<_>>()
    };
    let split = behind(split);
    context.map_room(&split)?;
    let Moved { map, .. } = permuted(&split, order);
    apply(context, node, value, Moved { dims: behind(to), map })
}
