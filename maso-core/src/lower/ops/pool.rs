//! Pools.

use super::super::context::Context;
use super::super::value::Data;
use super::reduce::{average, window_extreme};
use super::window::{Planes, Sliding, planes, sizes, slid, sliding, times, whole, window_dims};
use super::{Inputs, Outcome, data, one};
use crate::graph::GraphNode;
use crate::network::{Affine, AveragePool, Operator, PerUnit};

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
    let map = slid(context, &sliding.spec)?;
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
    one(context.push(node, &[&x], dims, Operator::Affine(Affine::AveragePool(pool)))?)
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
    one(average(context, node, &x, plane.iter().product(), dims)?)
}

pub(super) fn max_pool(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let (Planes { images, channels, .. }, Sliding { spec, .. }) = pool(node, &x)?;
    let map = slid(context, &spec)?;
    if (0..map.cells()).any(|cell| map.inside(cell) == 0) {
        return Err("a window lies in padding".to_owned());
    }
    let dims = window_dims(&x, channels, &spec.output)?;
    one(window_extreme(context, node, &x, images * channels, map, dims, false)?)
}

pub(super) fn global_max_pool(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let Planes { images, channels, plane } = planes(&x)?;
    let dims = window_dims(&x, channels, &vec![1; plane.len()])?;
    let map = whole(context, plane.iter().product())?;
    one(window_extreme(context, node, &x, images * channels, map, dims, false)?)
}
