//! Nodes that give the same numbers other axes. The row axis stays the first.

use super::super::context::Context;
use super::super::value::{Dim, Size, features};
use super::movement::{dims_of, first, reshaped};
use super::{Inputs, Outcome, axis_of, ints};
use crate::graph::GraphNode;

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
            Size::Known(n)
                if has_rows && axis == 0 && row_extent.is_some_and(|rows| rows as i64 == n) =>
            {
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
    let given = axes(node, inputs, dims.len())?;
    if given.is_none() && dims.first() == Some(&Dim::Rows) && context.row_extent() == Some(1) {
        return Err("without axes it would squeeze the row axis too".to_owned());
    }
    let axes = given.unwrap_or_else(ones);
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
