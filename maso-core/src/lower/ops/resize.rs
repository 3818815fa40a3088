//! Resize and Upsample, worked out axis by axis: to the nearest cell an index map, linear a weighted sum of
//! the cells on both sides.

use super::super::context::Context;
use super::super::value::{Data, Dim, Size, checked};
use super::rearrange::axis_map;
use super::window::TOO_LARGE;
use super::{Inputs, Outcome, axis_of, data, one, present, weights};
use crate::graph::GraphNode;
use crate::network::{Affine, Coefficients, Interpolation, Operator, WindowMap};

/// How far an axis is stretched, and what it becomes. Coordinates are worked out in f32, as the scales
/// are given: which of two cells is nearest may hang on that, and ONNX Runtime does the same.
#[derive(Clone, Copy)]
struct Stretch {
    scale: f32,
    extent: usize,
}

impl Stretch {
    /// Whether an axis stays as it is.
    fn keeps(self, extent: usize) -> bool {
        self.extent == extent && self.scale == 1.0
    }
}

/// Resize (operator set 10 on).
pub(super) fn resize(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    if context.opset() < 11 {
        // Operator set 10 has (x, scales), and no modes.
        return simple(context, node, &x, &weights(inputs, 1, "scales")?.0);
    }
    // Later ones have (x, region of interest, scales, sizes).
    let stretches = match sizes(inputs)? {
        Some(sizes) => sized(context, node, &x, &sizes)?,
        None => scaled(node, &x, &weights(inputs, 2, "scales")?.0)?,
    };
    let transform = node.text("coordinate_transformation_mode").unwrap_or("half_pixel");
    let nearest = node.text("nearest_mode").unwrap_or("round_prefer_floor");
    stretched(context, node, &x, &stretches, transform, nearest)
}

/// The sizes, in which the number of rows may stand; `None` where scales are given instead.
fn sizes(inputs: &Inputs) -> Result<Option<Vec<Size>>, String> {
    let Some(Some(value)) = inputs.get(3) else { return Ok(None) };
    let sizes = value.sizes().ok_or("its sizes (input 3) are not constant integers")?;
    Ok(Some(sizes.data).filter(|sizes| !sizes.is_empty()))
}

/// Upsample (operator sets 7 to 9).
pub(super) fn upsample(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let scales = if present(inputs, 1) {
        weights(inputs, 1, "scales")?.0
    } else {
        match node.attributes.get("scales") {
            Some(crate::graph::Attribute::Floats(scales)) => {
                scales.iter().map(|&scale| scale.into()).collect()
            }
            _ => return Err("its scales are missing".to_owned()),
        }
    };
    simple(context, node, &x, &scales)
}

/// Before operator set 11: asymmetric.
fn simple(context: &mut Context, node: &GraphNode, x: &Data, scales: &[f64]) -> Outcome {
    let stretches = scaled(node, x, scales)?;
    stretched(context, node, x, &stretches, "asymmetric", SIMPLE)
}

/// Before operator set 11, the nearest cell was the one at or before on an axis that grows, and the one at
/// or behind on one that shrinks. Operator set 11 gave each of the two a name of its own.
const SIMPLE: &str = "simple";

/// The axes that scales or sizes are given for.
fn listed_axes(node: &GraphNode, x: &Data, given: usize) -> Result<Vec<usize>, String> {
    let axes: Vec<usize> = match node.ints("axes") {
        Some(axes) => {
            axes.iter().map(|&axis| axis_of(axis, x.dims.len())).collect::<Result<_, _>>()?
        }
        None => (0..x.dims.len()).collect(),
    };
    if axes.len() == given {
        Ok(axes)
    } else {
        Err(format!("{given} scales or sizes are given for {} axes", axes.len()))
    }
}

fn unstretched(x: &Data) -> Vec<Stretch> {
    x.dims.iter().map(|dim| Stretch { scale: 1.0, extent: dim.extent() }).collect()
}

fn scaled(node: &GraphNode, x: &Data, scales: &[f64]) -> Result<Vec<Stretch>, String> {
    let mut stretches = unstretched(x);
    for (axis, &scale) in listed_axes(node, x, scales.len())?.into_iter().zip(scales) {
        let scale = scale as f32;
        let extent = (x.dims[axis].extent() as f32 * scale).floor();
        if !(1.0..=(1 << 30) as f32).contains(&extent) {
            return Err(format!("its scale {scale} makes an axis of {extent}"));
        }
        stretches[axis] = Stretch { scale, extent: extent as usize };
    }
    Ok(stretches)
}

fn sized(
    context: &Context,
    node: &GraphNode,
    x: &Data,
    sizes: &[Size],
) -> Result<Vec<Stretch>, String> {
    let mut stretches = unstretched(x);
    let axes = listed_axes(node, x, sizes.len())?;
    for (&axis, &size) in axes.iter().zip(sizes) {
        if x.dims[axis] == Dim::Rows && context.is_row_extent(size) {
            continue;
        }
        let extent = extent_of(size)?;
        let scale = extent as f32 / x.dims[axis].extent() as f32;
        stretches[axis] = Stretch { scale, extent };
    }
    let scales = axes.iter().map(|&axis| stretches[axis].scale);
    let common = match node.text("keep_aspect_ratio_policy").unwrap_or("stretch") {
        "stretch" => return Ok(stretches),
        "not_larger" => scales.fold(f32::INFINITY, f32::min),
        "not_smaller" => scales.fold(0.0, f32::max),
        other => return Err(format!("its keep_aspect_ratio_policy {other:?} is not known")),
    };
    for axis in axes {
        let extent = (x.dims[axis].extent() as f32 * common + 0.5).floor() as usize;
        stretches[axis] = Stretch { scale: common, extent };
    }
    Ok(stretches)
}

fn extent_of(size: Size) -> Result<usize, String> {
    let Size::Known(size) = size else {
        return Err("it would stretch an axis to the number of rows".to_owned());
    };
    let extent = usize::try_from(size).ok().filter(|&size| size > 0);
    extent.ok_or_else(|| format!("its size {size} is not positive"))
}

fn stretched(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    stretches: &[Stretch],
    transform: &str,
    nearest: &str,
) -> Outcome {
    let to = x.dims.iter().zip(stretches).map(|(dim, stretch)| match dim {
        Dim::Rows if stretch.extent == 1 => Ok(Dim::Rows),
        Dim::Rows => Err("it would resize the row axis".to_owned()),
        Dim::Fixed(_) => Ok(Dim::Fixed(stretch.extent)),
    });
    let to = checked(to.collect::<Result<_, _>>()?)?;
    match node.text("mode").unwrap_or("nearest") {
        "nearest" => to_nearest(context, node, x, stretches, to, (transform, nearest)),
        "linear" => linear(context, node, x, stretches, to, transform),
        mode => Err(format!("its mode {mode:?} is not supported")),
    }
}

fn to_nearest(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    stretches: &[Stretch],
    to: Vec<Dim>,
    (transform, nearest): (&str, &str),
) -> Outcome {
    let columns: Vec<Vec<usize>> = (x.dims.iter().zip(stretches))
        .map(|(dim, stretch)| column(dim.extent(), *stretch, transform, nearest))
        .collect::<Result<_, _>>()?;
    context.map_room(&to)?;
    let map = axis_map(&x.dims, &to, |axis, at| Some(columns[axis][at]));
    one(context.view(node, x, to, &map)?)
}

/// Linear along each stretched axis. Axes before the first stretched one count planes.
fn linear(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    stretches: &[Stretch],
    to: Vec<Dim>,
    transform: &str,
) -> Outcome {
    if node.int("antialias", 0) != 0 || node.int("exclude_outside", 0) != 0 {
        return Err("antialias and exclude_outside are not supported".to_owned());
    }
    let extents: Vec<usize> = x.dims.iter().map(|dim| dim.extent()).collect();
    let stretched = |&axis: &usize| !stretches[axis].keeps(extents[axis]);
    let first = (0..extents.len()).find(stretched).unwrap_or(extents.len());
    let plane: usize = extents[first..].iter().product();
    // Each stretched axis doubles the taps; a cell and a weight each, listed and then as a map.
    let doubled = (first..extents.len()).filter(stretched).count().min(63);
    let entries =
        to[first..].iter().map(|dim| dim.extent()).fold(1 << doubled, usize::saturating_mul);
    context.room(entries, 3 * size_of::<(usize, f64)>())?;
    // Tap by tap, the cells read with their weights.
    let mut taps: Vec<Vec<(usize, f64)>> = vec![vec![(0, 1.0)]];
    for axis in first..extents.len() {
        let sides = sides(extents[axis], stretches[axis], transform)?;
        let extent = extents[axis];
        let extend = |tap: &Vec<(usize, f64)>, side: &Vec<(usize, f64)>| {
            let cells = tap.iter().flat_map(|&(base, weight)| {
                side.iter().map(move |&(at, own)| (base * extent + at, weight * own))
            });
            cells.collect::<Vec<_>>()
        };
        taps = taps.iter().flat_map(|tap| sides.iter().map(|side| extend(tap, side))).collect();
    }
    let index = taps.iter().flatten().map(|&(cell, _)| cell as u32).collect();
    let weight = taps.iter().flatten().map(|&(_, weight)| weight).collect();
    let map = WindowMap::listed(taps.len(), plane, index).ok_or(TOO_LARGE)?;
    let interpolation = Interpolation {
        planes: extents[..first].iter().product(),
        map,
        weight: Coefficients::new(weight),
        summary: "linear resize".to_owned(),
    };
    let operator = Operator::Affine(Affine::Interpolation(interpolation));
    one(context.push(node, &[x], to, operator)?)
}

/// For each cell of a stretched axis, the cell before and the one behind with their weights; for an
/// axis that stays, just the cell.
fn sides(
    extent: usize,
    stretch: Stretch,
    transform: &str,
) -> Result<Vec<Vec<(usize, f64)>>, String> {
    if stretch.keeps(extent) {
        return Ok(vec![(0..extent).map(|at| (at, 1.0)).collect()]);
    }
    let places = places(extent, stretch, transform)?;
    let last = extent - 1;
    let split = |place: &f32| {
        let place = place.clamp(0.0, last as f32);
        (place.floor() as usize, f64::from(place - place.floor()))
    };
    let near = places.iter().map(split).map(|(at, part)| (at, 1.0 - part)).collect();
    let far = places.iter().map(split).map(|(at, part)| ((at + 1).min(last), part)).collect();
    Ok(vec![near, far])
}

/// For each cell of a stretched axis, its place on the axis before (ONNX, Resize).
fn places(extent: usize, stretch: Stretch, transform: &str) -> Result<Vec<f32>, String> {
    let (old, new) = (extent as f32, stretch.extent as f32);
    let before: &dyn Fn(f32) -> f32 = match transform {
        "half_pixel" => &|at| (at + 0.5) / stretch.scale - 0.5,
        "half_pixel_symmetric" => &|at| {
            let adjusted = new / (stretch.scale * old);
            old / 2.0 * (1.0 - adjusted) + (at + 0.5) / stretch.scale - 0.5
        },
        "pytorch_half_pixel" => {
            &|at| if new > 1.0 { (at + 0.5) / stretch.scale - 0.5 } else { 0.0 }
        }
        "asymmetric" => &|at| at / stretch.scale,
        "align_corners" => &|at| if new > 1.0 { at * (old - 1.0) / (new - 1.0) } else { 0.0 },
        other => return Err(format!("its coordinate transformation {other:?} is not supported")),
    };
    Ok((0..stretch.extent).map(|at| before(at as f32)).collect())
}

/// For each cell of a stretched axis, the nearest one of the axis before.
fn column(
    extent: usize,
    stretch: Stretch,
    transform: &str,
    nearest: &str,
) -> Result<Vec<usize>, String> {
    if stretch.keeps(extent) {
        return Ok((0..extent).collect());
    }
    let round: fn(f32) -> f32 = match nearest {
        "round_prefer_floor" => |at| (at - 0.5).ceil(),
        "round_prefer_ceil" => |at| (at + 0.5).floor(),
        "floor" => f32::floor,
        "ceil" => f32::ceil,
        SIMPLE if stretch.scale < 1.0 => f32::ceil,
        SIMPLE => f32::floor,
        other => return Err(format!("its nearest_mode {other:?} is not known")),
    };
    let cell = |place: f32| round(place).clamp(0.0, (extent - 1) as f32) as usize;
    Ok(places(extent, stretch, transform)?.into_iter().map(cell).collect())
}
