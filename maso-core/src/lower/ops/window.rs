//! What convolutions and pools share: a window's geometry, worked out from attributes.

use super::super::context::Context;
use super::super::value::{Data, Dim, checked, extents};
use crate::graph::GraphNode;
use crate::network::{WindowMap, WindowSpec};

/// A sliding window's geometry: its spec, and the padding behind the last cell of each axis.
pub(super) struct Sliding {
    pub(super) spec: WindowSpec,
    pub(super) pads_end: Vec<usize>,
}

/// Images, channels and the plane of a tensor [images, channels, plane…].
pub(super) struct Planes {
    pub(super) images: usize,
    pub(super) channels: usize,
    pub(super) plane: Vec<usize>,
}

pub(super) fn planes(x: &Data) -> Result<Planes, String> {
    let dims = extents(&x.dims);
    match &dims[..] {
        [images, channels, plane @ ..] if !plane.is_empty() => {
            Ok(Planes { images: *images, channels: *channels, plane: plane.to_vec() })
        }
        _ => Err(format!("expected rows of [channels, plane…], found {} axes", dims.len())),
    }
}

/// The axes after a window: those before the plane kept, channels and plane replaced.
pub(super) fn window_dims(x: &Data, channels: usize, plane: &[usize]) -> Result<Vec<Dim>, String> {
    let mut dims = vec![x.dims[0], Dim::Fixed(channels)];
    dims.extend(plane.iter().copied().map(Dim::Fixed));
    checked(dims)
}

/// A list attribute of one number (from `least` to 2³¹) for each spatial axis.
pub(super) fn sizes(
    node: &GraphNode,
    name: &str,
    rank: usize,
    least: i64,
) -> Result<Vec<usize>, String> {
    let Some(values) = node.ints(name) else { return Ok(vec![1; rank]) };
    if values.len() != rank || values.iter().any(|value| !(least..1 << 31).contains(value)) {
        return Err(format!("its {name} {values:?} do not fit {rank} spatial axes"));
    }
    Ok(values.iter().map(|&value| value as usize).collect())
}

/// Padding before and behind each axis, as the `pads` attribute gives it.
pub(super) fn explicit_pads(
    node: &GraphNode,
    rank: usize,
) -> Result<(Vec<usize>, Vec<usize>), String> {
    let Some(pads) = node.ints("pads") else { return Ok((vec![0; rank], vec![0; rank])) };
    if pads.len() != 2 * rank || pads.iter().any(|&pad| !(0..1 << 31).contains(&pad)) {
        return Err(format!("its pads {pads:?} do not fit {rank} spatial axes"));
    }
    let pads: Vec<usize> = pads.iter().map(|&pad| pad as usize).collect();
    Ok((pads[..rank].to_vec(), pads[rank..].to_vec()))
}

/// Strides, dilations, padding and the output's extent of a window over `plane`.
pub(super) fn sliding(
    node: &GraphNode,
    plane: &[usize],
    kernel: Vec<usize>,
) -> Result<Sliding, String> {
    let rank = plane.len();
    let strides = sizes(node, "strides", rank, 1)?;
    let dilations = sizes(node, "dilations", rank, 1)?;
    let (mut pads, mut pads_end) = explicit_pads(node, rank)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET");
    let mut output = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (n, stride) = (plane[axis], strides[axis]);
        let reach =
            (kernel[axis] - 1).checked_mul(dilations[axis]).filter(|&reach| reach < 1 << 62);
        let reach = reach.ok_or("its window is too large")?;
        match auto {
            "NOTSET" | "" => {}
            "VALID" => (pads[axis], pads_end[axis]) = (0, 0),
            "SAME_UPPER" | "SAME_LOWER" => {
                let total = ((n.div_ceil(stride) - 1) * stride + reach + 1).saturating_sub(n);
                let (less, more) = (total / 2, total - total / 2);
                (pads[axis], pads_end[axis]) =
                    if auto == "SAME_UPPER" { (less, more) } else { (more, less) };
            }
            other => return Err(format!("its auto_pad {other:?} is not known")),
        }
        let padded = n + pads[axis] + pads_end[axis];
        let free = padded.checked_sub(reach + 1).ok_or_else(|| {
            format!(
                "its window spans {} cells of an axis that has {padded} with padding",
                reach + 1
            )
        })?;
        let mut cells = free / stride + 1;
        // A last, partial window counts if it begins before the padding behind.
        let partial = node.int("ceil_mode", 0) != 0 && free % stride != 0;
        if partial && cells * stride < n + pads[axis] {
            cells += 1;
        }
        output.push(cells);
    }
    let spec = WindowSpec { input: plane.to_vec(), output, kernel, strides, dilations, pads };
    Ok(Sliding { spec, pads_end })
}

pub(super) const TOO_LARGE: &str = "its window map would be too large";

/// The map of a window that slides over its input, where there is room for it.
pub(super) fn slid(context: &Context, spec: &WindowSpec) -> Result<WindowMap, String> {
    map_room(context, spec)?;
    WindowMap::sliding(spec).ok_or_else(|| TOO_LARGE.to_owned())
}

/// The map of a transposed convolution, where there is room for it.
pub(super) fn slid_back(context: &Context, spec: &WindowSpec) -> Result<WindowMap, String> {
    map_room(context, spec)?;
    WindowMap::transposed(spec).ok_or_else(|| TOO_LARGE.to_owned())
}

/// The map of a window over a whole plane, where there is room for it.
pub(super) fn whole(context: &Context, cells: usize) -> Result<WindowMap, String> {
    context.room(cells, size_of::<u32>())?;
    WindowMap::whole(cells).ok_or_else(|| TOO_LARGE.to_owned())
}

fn map_room(context: &Context, spec: &WindowSpec) -> Result<(), String> {
    let entries = spec.kernel.iter().chain(&spec.output).copied().fold(1, usize::saturating_mul);
    context.room(entries, size_of::<u32>())
}

pub(super) fn times(extents: &[usize]) -> String {
    extents.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}
