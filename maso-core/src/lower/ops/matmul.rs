//! Products with constant matrices: on the right, on the left, or a stack of them.

use super::super::context::Context;
use super::super::value::{Data, Dim, broadcast_map, checked, extents};
use super::affine::dense;
use super::broadcast::broadcast_data;
use super::movement::permute_data;
use super::{Inputs, Outcome, data, one, weights};
use crate::graph::GraphNode;
use crate::network::{Affine, Coefficients, Convolution, Operator, View, WindowMap, WindowSpec};

pub(super) fn matmul(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let Ok(x) = data(inputs, 0) else { return on_the_left(context, node, inputs) };
    let (b, shape) = weights(inputs, 1, "matrix")?;
    match shape[..] {
        [depth, units] => {
            let at = |unit: usize, i: usize| b[i * units + unit];
            one(dense(context, node, &x, (units, depth), at, vec![0.0; units])?)
        }
        // A vector: each product is one number, without an axis of its own.
        [depth] => {
            let y = dense(context, node, &x, (1, depth), |_, i| b[i], vec![0.0])?;
            let dims = y.dims[..y.dims.len() - 1].to_vec();
            one(renamed(context, node, &y, dims)?)
        }
        [] => Err("its matrix is a single number".to_owned()),
        _ if x.dims.is_empty() => Err("its data is a single number".to_owned()),
        // A single vector meets a stack as a matrix of one row.
        _ if x.dims.len() == 1 => {
            let row = renamed(context, node, &x, vec![Dim::Fixed(1), x.dims[0]])?;
            let y = stacked(context, node, &row, &b, &shape)?;
            let mut dims = y.dims.clone();
            dims.remove(dims.len() - 2);
            one(renamed(context, node, &y, dims)?)
        }
        _ => one(stacked(context, node, &x, &b, &shape)?),
    }
}

/// The same numbers under other axes.
fn renamed(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    dims: Vec<Dim>,
) -> Result<Data, String> {
    context.push(node, &[x], dims, Operator::View(View::Same))
}

/// The order that swaps the last two of `rank` axes.
fn swapped(rank: usize) -> Vec<usize> {
    (0..rank - 2).chain([rank - 1, rank - 2]).collect()
}

/// `A · X` with constant A, a vector, a matrix or a stack: the transpose of `Xᵀ · Aᵀ`.
fn on_the_left(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let (x, (a, shape)) = (data(inputs, 1)?, weights(inputs, 0, "matrix")?);
    let rank = x.dims.len();
    match shape[..] {
        [units, depth] if rank == 1 => {
            let at = |unit: usize, i: usize| a[unit * depth + i];
            one(dense(context, node, &x, (units, depth), at, vec![0.0; units])?)
        }
        [depth] if rank >= 2 => {
            let y = turned_dense(context, node, &x, &a, (1, depth))?;
            let mut dims = y.dims.clone();
            dims.remove(rank - 2);
            one(renamed(context, node, &y, dims)?)
        }
        [units, depth] if rank >= 2 => one(turned_dense(context, node, &x, &a, (units, depth))?),
        [.., units, depth] if rank >= 2 => {
            let turned = permute_data(context, node, &x, &swapped(rank))?;
            let (lead, cells) = (&shape[..shape.len() - 2], units * depth);
            let at = |i: usize| a[i / cells * cells + i % units * depth + i % cells / units];
            let stack: Vec<f64> = (0..a.len()).map(at).collect();
            let y = stacked(context, node, &turned, &stack, &[lead, &[depth, units]].concat())?;
            one(permute_data(context, node, &y, &swapped(y.dims.len()))?)
        }
        _ => Err(format!("its matrix of shape {shape:?} meets data of {rank} axes")),
    }
}

/// `A · X` with one constant matrix A on the last two axes.
fn turned_dense(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    a: &[f64],
    (units, depth): (usize, usize),
) -> Result<Data, String> {
    let order = swapped(x.dims.len());
    let turned = permute_data(context, node, x, &order)?;
    let at = |unit: usize, i: usize| a[unit * depth + i];
    let y = dense(context, node, &turned, (units, depth), at, vec![0.0; units])?;
    permute_data(context, node, &y, &order)
}

/// A product with a stack of matrices `b`, one for each leading position: a convolution of one tap
/// whose groups are the positions.
fn stacked(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    b: &[f64],
    shape: &[usize],
) -> Result<Data, String> {
    let (stack, matrix) = shape.split_at(shape.len() - 2);
    let (depth, units, rank) = (matrix[0], matrix[1], x.dims.len());
    let (found, rows) = (x.dims[rank - 1].extent(), x.dims[rank - 2].extent());
    if found != depth || x.dims[rank - 2] == Dim::Rows {
        return Err(format!("its matrices take {depth} numbers, its input has {found}"));
    }
    // Both sides are repeated to the leading axes they share.
    let x = broadcast_data(context, node, x, &[stack, &[rows, depth]].concat())?;
    let rank = x.dims.len();
    let lead = extents(&x.dims[..rank - 2]);
    let groups: usize = lead.iter().product();
    let entries = [groups, depth, units].into_iter().fold(1, usize::saturating_mul);
    context.room(entries, 4 * size_of::<f64>())?;
    let map = broadcast_map(shape, &[&lead[..], matrix].concat());
    let weight = |i: usize| {
        let (group, unit, input) = (i / (units * depth), i / depth % units, i % depth);
        b[map[(group * depth + input) * units + unit]]
    };
    let convolution = Convolution {
        batch: 1,
        groups,
        in_channels: groups * depth,
        out_channels: groups * units,
        map: one_tap(rows).ok_or("its input is too large")?,
        weight: Coefficients::new((0..groups * units * depth).map(weight).collect()),
        bias: vec![0.0; groups * units],
        summary: format!("dense {depth}→{units} for each of {groups}"),
    };
    let turned = permute_data(context, node, &x, &swapped(rank))?;
    let mut dims = x.dims[..rank - 2].to_vec();
    dims.extend([Dim::Fixed(units), Dim::Fixed(rows)]);
    let operator = Operator::Affine(Affine::Convolution(convolution));
    let y = context.push(node, &[&turned], checked(dims)?, operator)?;
    permute_data(context, node, &y, &swapped(rank))
}

/// The map of a window of one tap over a line of cells.
fn one_tap(cells: usize) -> Option<WindowMap> {
    WindowMap::sliding(&WindowSpec {
        input: vec![cells],
        output: vec![cells],
        kernel: vec![1],
        strides: vec![1],
        dilations: vec![1],
        pads: vec![0],
    })
}
