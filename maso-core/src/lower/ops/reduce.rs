//! Reductions over axes: means, sums, maxima and minima. The reduced axes are moved to the end, so that
//! each result reads one block of numbers.

use maso_simd::PoolRule;

use super::super::context::{Context, constant};
use super::super::value::{Data, Dim, Value, extents};
use super::elementwise::made;
use super::fold::{traced, with_row};
use super::movement::permute_data;
use super::window::whole;
use super::{Inputs, Outcome, axis_of, data, ints, one};
use crate::graph::GraphNode;
use crate::network::{
    Affine, AveragePool, Candidates, Extreme, Operator, PerUnit, Rule, SoftPool, WindowMap,
};

/// The input with the reduced axes last, how many numbers each result reads, and the result's axes.
struct Reduction {
    x: Data,
    cells: usize,
    dims: Vec<Dim>,
}

/// Reads the axes, given as an input (later operator sets) or an attribute (earlier ones); `None` if
/// nothing is reduced.
fn reduction(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
) -> Result<Option<Reduction>, String> {
    let x = data(inputs, 0)?;
    let rank = x.dims.len();
    let listed = ints(inputs, 1, "axes")?.or_else(|| node.ints("axes").map(<[i64]>::to_vec));
    let mut axes: Vec<usize> = match listed.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.into_iter().map(|axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
        None if node.int("noop_with_empty_axes", 0) != 0 => return Ok(None),
        None => (0..rank).collect(),
    };
    axes.sort_unstable();
    axes.dedup();
    if axes.iter().any(|&axis| x.dims[axis] == Dim::Rows) {
        return Err("it would reduce the row axis, so rows would mix".to_owned());
    }
    let kept: Vec<usize> = (0..rank).filter(|axis| !axes.contains(axis)).collect();
    let order: Vec<usize> = kept.iter().chain(&axes).copied().collect();
    let cells = axes.iter().map(|&axis| x.dims[axis].extent()).product();
    let dims = if node.int("keepdims", 1) != 0 {
        let dim = |axis| if axes.contains(&axis) { Dim::Fixed(1) } else { x.dims[axis] };
        (0..rank).map(dim).collect()
    } else {
        kept.iter().map(|&axis| x.dims[axis]).collect()
    };
    let x = permute_data(context, node, &x, &order)?;
    Ok(Some(Reduction { x, cells, dims }))
}

pub(super) fn reduce_mean(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    match reduction(context, node, inputs)? {
        Some(Reduction { x, cells, dims }) => one(average(context, node, &x, cells, dims)?),
        None => super::movement::identity(context, node, inputs),
    }
}

pub(super) fn reduce_sum(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    match reduction(context, node, inputs)? {
        Some(Reduction { x, cells, dims }) => {
            let total = total(context, &x, cells, 1.0, format!("sum of {cells}"))?;
            one(context.push(node, &[&x], dims, total)?)
        }
        None => super::movement::identity(context, node, inputs),
    }
}

pub(super) fn reduce_max(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    reduce_extreme(context, node, inputs, false)
}

/// The sum of `x · Softmax(ηx)`: a soft maximum.
pub(super) fn reduce_soft_max(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let pool = SoftPool { rule: PoolRule::Mean, sharpness: node.number("sharpness", 1.0) };
    soft_extreme(context, node, inputs, pool)
}

/// `log Σ exp(x)`: the log-partition of a maximum.
pub(super) fn reduce_log_sum_exp(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
) -> Outcome {
    soft_extreme(context, node, inputs, SoftPool { rule: PoolRule::LogPartition, sharpness: 1.0 })
}

/// A soft maximum along the reduced axes; its code is that of the hard one. With η below 0 it is a minimum.
fn soft_extreme(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
    pool: SoftPool,
) -> Outcome {
    let Some(Reduction { x, cells, dims }) = reduction(context, node, inputs)? else {
        return super::movement::identity(context, node, inputs);
    };
    let smallest = pool.sharpness < 0.0;
    let soft = Some(SoftPool { sharpness: pool.sharpness.abs(), ..pool });
    let candidates = Candidates::Window { planes: x.len() / cells, map: whole(context, cells)? };
    let rule = Rule::Extreme(Extreme { smallest, candidates, soft });
    one(context.push(node, &[&x], dims, Operator::Nonlinear(rule))?)
}

pub(super) fn reduce_min(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    reduce_extreme(context, node, inputs, true)
}

/// A product of constants; of data it is none of affine pieces.
pub(super) fn reduce_prod(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let row = constant(inputs.first().and_then(Option::as_ref)).ok_or(super::PRODUCT)?;
    let (mut own, inputs) = with_row(context, inputs, &row)?;
    let Some(Reduction { x, cells, dims }) = reduction(&mut own, node, &inputs)? else {
        return Ok(vec![Value::Constant(row)]);
    };
    let numbers = traced(own, &x, &row)?;
    let products = numbers.chunks_exact(cells).map(|block| block.iter().product()).collect();
    made(extents(&dims), products, row.as_ints().is_some())
}

/// The first largest or smallest along the reduced axes, in row-major order.
fn reduce_extreme(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
    smallest: bool,
) -> Outcome {
    match reduction(context, node, inputs)? {
        Some(Reduction { x, cells, dims }) => {
            let map = whole(context, cells)?;
            one(window_extreme(context, node, &x, x.len() / cells, map, dims, smallest)?)
        }
        None => super::movement::identity(context, node, inputs),
    }
}

/// The mean of each block of `cells` numbers.
pub(super) fn average(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    cells: usize,
    dims: Vec<Dim>,
) -> Result<Data, String> {
    let mean = total(context, x, cells, 1.0 / cells as f64, format!("mean of {cells}"))?;
    context.push(node, &[x], dims, mean)
}

/// `factor` times the sum of each block of `cells` numbers.
fn total(
    context: &Context,
    x: &Data,
    cells: usize,
    factor: f64,
    summary: String,
) -> Result<Operator, String> {
    let map = whole(context, cells)?;
    let (planes, factor) = (x.len() / cells, PerUnit::uniform(factor));
    Ok(Operator::Affine(Affine::AveragePool(AveragePool { planes, map, factor, summary })))
}

/// The first largest or smallest of each window.
pub(super) fn window_extreme(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    planes: usize,
    map: WindowMap,
    dims: Vec<Dim>,
    smallest: bool,
) -> Result<Data, String> {
    let candidates = Candidates::Window { planes, map };
    let rule = Rule::Extreme(Extreme { smallest, candidates, soft: None });
    context.push(node, &[x], dims, Operator::Nonlinear(rule))
}
