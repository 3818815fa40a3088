//! Broadcasting of constants and branches against data, with the row axis left alone.

use super::super::context::Context;
use super::super::value::{Data, Dim, broadcast_shape, checked, extents, per_unit};
use crate::graph::GraphNode;
use crate::network::PerUnit;

/// A constant as parameters of `x`'s units; `x` repeated where the constant has larger extents.
pub(super) fn broadcast_constant(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    values: &[f64],
    shape: &[usize],
) -> Result<(Data, PerUnit), String> {
    let x = broadcast_data(context, node, x, shape)?;
    context.room(x.len(), 3 * size_of::<f64>())?;
    let parameters = per_unit(values, shape, &extents(&x.dims));
    Ok((x, parameters))
}

/// `x` repeated to the shape that broadcasting with `shape` gives.
pub(super) fn broadcast_data(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    shape: &[usize],
) -> Result<Data, String> {
    let dims = broadcast_dims(&x.dims, shape)?;
    context.expand(node, x, &dims)
}

/// The axes that broadcasting `dims` with `shape` gives; the row axis stays as it is.
pub(super) fn broadcast_dims(dims: &[Dim], shape: &[usize]) -> Result<Vec<Dim>, String> {
    let own = extents(dims);
    let misfit = || format!("shapes {own:?} (one row) and {shape:?} do not broadcast");
    let joined = broadcast_shape(&own, shape).ok_or_else(misfit)?;
    let has_rows = dims.first() == Some(&Dim::Rows);
    if has_rows && (joined.len() > own.len() || joined[0] != 1) {
        return Err(format!("an operand of shape {shape:?} would broadcast the row axis"));
    }
    let mut dims: Vec<Dim> = joined.into_iter().map(Dim::Fixed).collect();
    if has_rows {
        dims[0] = Dim::Rows;
    }
    checked(dims)
}
