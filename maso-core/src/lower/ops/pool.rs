//! Pools, and means over axes.

use super::super::context::Context;
use super::super::value::{Data, Dim};
use super::movement::permute_data;
use super::window::{Planes, Sliding, TOO_LARGE, planes, sizes, sliding, times, window_dims};
use super::{Inputs, Outcome, axis_of, data, ints, one};
use crate::graph::GraphNode;
use crate::network::{
    Affine, AveragePool, Candidates, Extreme, Operator, PerUnit, Rule, WindowMap,
};

/// A pool's geometry over the plane of its input.
fn pool(node: &GraphNode, x: &Data) -> Result<(Planes, Sliding), String> {
    let planes = planes(x)?;
    if node.ints("kernel_shape").is_none() {
        return Err("its kernel_shape is missing".to_owned());
    }
    let kernel = sizes(node, "kernel_shape", planes.plane.len(), 1)?;
    let sliding = sliding(node, &planes.plane, kernel)?;
    Ok((planes, sliding))
}

pub(super) fn average_pool(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let (Planes { images, channels, .. }, sliding) = pool(node, &x)?;
    let map = WindowMap::sliding(&sliding.spec).ok_or(TOO_LARGE)?;
    let counts = window_counts(&sliding, node.int("count_include_pad", 0) != 0);
    if counts.contains(&0) {
        return Err("a window lies in padding".to_owned());
    }
    let factor = PerUnit::blocks(counts.iter().map(|&count| 1.0 / count as f64).collect(), 1);
    let spec = sliding.spec;
    let pool = AveragePool {
        planes: images * channels,
        map,
        factor,
        summary: format!("average {}", times(&spec.kernel)),
    };
    let dims = window_dims(&x, channels, &spec.output)?;
    one(context.push(node, &[&x], dims, Operator::Affine(Affine::AveragePool(pool))))
}

/// How many cells each window counts: those inside the plane, or also explicit padding (but never
/// what a partial last window has beyond it).
fn window_counts(sliding: &Sliding, include_pad: bool) -> Vec<usize> {
    let spec = &sliding.spec;
    let axis_counts = |axis: usize| {
        let (pad, n) = (spec.pads[axis], spec.input[axis]);
        let range = if include_pad { 0..n + pad + sliding.pads_end[axis] } else { pad..pad + n };
        let at = |cell: usize, tap: usize| cell * spec.strides[axis] + tap * spec.dilations[axis];
        let count = move |cell| {
            (0..spec.kernel[axis]).filter(|&tap| range.contains(&at(cell, tap))).count()
        };
        (0..spec.output[axis]).map(count).collect::<Vec<usize>>()
    };
    (0..spec.output.len()).map(axis_counts).fold(vec![1], |all, axis| {
        all.iter().flat_map(|&before| axis.iter().map(move |&count| before * count)).collect()
    })
}

pub(super) fn global_average_pool(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
) -> Outcome {
    let x = data(inputs, 0)?;
    let Planes { channels, plane, .. } = planes(&x)?;
    let dims = window_dims(&x, channels, &vec![1; plane.len()])?;
    one(mean(context, node, &x, plane.iter().product(), dims)?)
}

/// The mean of each block of `cells` numbers.
fn mean(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    cells: usize,
    dims: Vec<Dim>,
) -> Result<Data, String> {
    let pool = AveragePool {
        planes: x.len() / cells,
        map: WindowMap::whole(cells).ok_or(TOO_LARGE)?,
        factor: PerUnit::uniform(1.0 / cells as f64),
        summary: format!("mean of {cells}"),
    };
    Ok(context.push(node, &[x], dims, Operator::Affine(Affine::AveragePool(pool))))
}

/// The mean over some axes, given as an input (operator set 18 on) or an attribute (before).
pub(super) fn reduce_mean(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let rank = x.dims.len();
    let listed = ints(inputs, 1, "axes")?.or_else(|| node.ints("axes").map(<[i64]>::to_vec));
    let mut axes: Vec<usize> = match listed.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.into_iter().map(|axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
        None if node.int("noop_with_empty_axes", 0) != 0 => {
            return super::movement::identity(context, node, inputs);
        }
        None => (0..rank).collect(),
    };
    axes.sort_unstable();
    axes.dedup();
    if axes.iter().any(|&axis| x.dims[axis] == Dim::Rows) {
        return Err("it would average over the row axis, so rows would mix".to_owned());
    }
    let kept: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> =
        kept.iter().copied().chain((0..rank).filter(|axis| axes.contains(axis))).collect();
    let cells = axes.iter().map(|&axis| x.dims[axis].extent()).product();
    let dims = if node.int("keepdims", 1) != 0 {
        let dim = |axis| if axes.contains(&axis) { Dim::Fixed(1) } else { x.dims[axis] };
        (0..rank).map(dim).collect()
    } else {
        kept.iter().map(|&axis| x.dims[axis]).collect()
    };
    let x = permute_data(context, node, &x, &order)?;
    one(mean(context, node, &x, cells, dims)?)
}

pub(super) fn max_pool(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if node.int("storage_order", 0) != 0 {
        return Err("column-major storage_order is not supported".to_owned());
    }
    let x = data(inputs, 0)?;
    let (Planes { images, channels, .. }, Sliding { spec, .. }) = pool(node, &x)?;
    let map = WindowMap::sliding(&spec).ok_or(TOO_LARGE)?;
    if (0..map.cells()).any(|cell| map.inside(cell) == 0) {
        return Err("a window lies in padding".to_owned());
    }
    let dims = window_dims(&x, channels, &spec.output)?;
    one(window_max(context, node, &x, images * channels, map, dims))
}

pub(super) fn global_max_pool(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let Planes { images, channels, plane } = planes(&x)?;
    let dims = window_dims(&x, channels, &vec![1; plane.len()])?;
    let map = WindowMap::whole(plane.iter().product()).ok_or(TOO_LARGE)?;
    one(window_max(context, node, &x, images * channels, map, dims))
}

fn window_max(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    planes: usize,
    map: WindowMap,
    dims: Vec<Dim>,
) -> Data {
    let candidates = Candidates::Window { planes, map };
    let rule = Rule::Extreme(Extreme { smallest: false, candidates });
    context.push(node, &[x], dims, Operator::Nonlinear(rule))
}
