//! Windows: convolutions, pools, and means over axes.

use super::super::context::Context;
use super::super::value::{Data, Dim, extents};
use super::affine::one;
use super::movement::permute_data;
use super::{Inputs, Outcome, axis_of, data, ints, present, weights};
use crate::graph::GraphNode;
use crate::network::{
    Affine, AveragePool, Candidates, Coefficients, Convolution, Extreme, Operator, PerUnit, Rule,
    WindowMap, WindowSpec,
};

/// A sliding window's geometry: its spec, and the padding behind the last cell of each axis.
struct Sliding {
    spec: WindowSpec,
    pads_end: Vec<usize>,
}

/// Images, channels and the plane of a tensor [images, channels, plane…].
struct Planes {
    images: usize,
    channels: usize,
    plane: Vec<usize>,
}

fn planes(x: &Data) -> Result<Planes, String> {
    let dims = extents(&x.dims);
    match &dims[..] {
        [images, channels, plane @ ..] if !plane.is_empty() => {
            Ok(Planes { images: *images, channels: *channels, plane: plane.to_vec() })
        }
        _ => Err(format!("expected rows of [channels, plane…], found {} axes", dims.len())),
    }
}

/// The axes after a window: those before the plane kept, channels and plane replaced.
fn window_dims(x: &Data, channels: usize, plane: &[usize]) -> Vec<Dim> {
    let mut dims = vec![x.dims[0], Dim::Fixed(channels)];
    dims.extend(plane.iter().copied().map(Dim::Fixed));
    dims
}

/// A list attribute of one positive number for each spatial axis.
fn sizes(node: &GraphNode, name: &str, rank: usize, least: i64) -> Result<Vec<usize>, String> {
    let Some(values) = node.ints(name) else { return Ok(vec![1; rank]) };
    if values.len() != rank || values.iter().any(|&value| value < least) {
        return Err(format!("its {name} {values:?} do not fit {rank} spatial axes"));
    }
    Ok(values.iter().map(|&value| value as usize).collect())
}

/// Padding before and behind each axis, as the `pads` attribute gives it.
fn explicit_pads(node: &GraphNode, rank: usize) -> Result<(Vec<usize>, Vec<usize>), String> {
    let Some(pads) = node.ints("pads") else { return Ok((vec![0; rank], vec![0; rank])) };
    if pads.len() != 2 * rank || pads.iter().any(|&pad| !(0..1 << 31).contains(&pad)) {
        return Err(format!("its pads {pads:?} do not fit {rank} spatial axes"));
    }
    let pads: Vec<usize> = pads.iter().map(|&pad| pad as usize).collect();
    Ok((pads[..rank].to_vec(), pads[rank..].to_vec()))
}

/// Strides, dilations, padding and the output's extent of a window over `plane`.
fn sliding(node: &GraphNode, plane: &[usize], kernel: Vec<usize>) -> Result<Sliding, String> {
    let rank = plane.len();
    let strides = sizes(node, "strides", rank, 1)?;
    let dilations = sizes(node, "dilations", rank, 1)?;
    let (mut pads, mut pads_end) = explicit_pads(node, rank)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET");
    let mut output = Vec::with_capacity(rank);
    for axis in 0..rank {
        let (n, stride) = (plane[axis], strides[axis]);
        let reach =
            (kernel[axis] - 1).checked_mul(dilations[axis]).ok_or("its window is too large")?;
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

const TOO_LARGE: &str = "its window map would be too large";

/// A convolution's weight.
struct Kernel {
    numbers: Vec<f64>,
    /// The first two extents: channels, as the operator orders them.
    channels: [usize; 2],
    /// The window's extents.
    extents: Vec<usize>,
}

fn kernel_of(inputs: &Inputs, node: &GraphNode, rank: usize) -> Result<Kernel, String> {
    let (numbers, shape) = weights(inputs, 1, "weight")?;
    if shape.len() != rank + 2 || numbers.is_empty() {
        return Err(format!("its weight of shape {shape:?} does not fit {rank} spatial axes"));
    }
    let extents = shape[2..].to_vec();
    if node.ints("kernel_shape").is_some() && sizes(node, "kernel_shape", rank, 1)? != extents {
        return Err(format!("its kernel_shape differs from its weight's shape {shape:?}"));
    }
    Ok(Kernel { numbers, channels: [shape[0], shape[1]], extents })
}

fn bias_of(inputs: &Inputs, channels: usize) -> Result<Vec<f64>, String> {
    if !present(inputs, 2) {
        return Ok(vec![0.0; channels]);
    }
    let (bias, shape) = weights(inputs, 2, "bias")?;
    if bias.len() == channels {
        Ok(bias)
    } else {
        Err(format!(
            "its bias has shape {shape:?}, expected one number for each of {channels} channels"
        ))
    }
}

fn groups_of(node: &GraphNode) -> Result<usize, String> {
    usize::try_from(node.int("group", 1))
        .ok()
        .filter(|&groups| groups > 0)
        .ok_or_else(|| format!("its group {} is not positive", node.int("group", 1)))
}

fn times(extents: &[usize]) -> String {
    extents.iter().map(usize::to_string).collect::<Vec<_>>().join("×")
}

/// `conv 6→16 5×5`, with what differs from the plain case.
fn summary(name: &str, channels: [usize; 2], groups: usize, spec: &WindowSpec) -> String {
    let mut text = format!("{name} {}→{} {}", channels[0], channels[1], times(&spec.kernel));
    let extras =
        [(&spec.strides, "stride", 1), (&spec.pads, "pad", 0), (&spec.dilations, "dilation", 1)];
    for (values, label, plain) in extras {
        if values.iter().any(|&value| value != plain) {
            let same = values.iter().all(|value| *value == values[0]);
            let shown = if same { values[0].to_string() } else { times(values) };
            text += &format!(" {label} {shown}");
        }
    }
    if groups > 1 {
        text += &format!(" groups {groups}");
    }
    text
}

pub(super) fn conv(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let Planes { images, channels, plane } = planes(&x)?;
    let kernel = kernel_of(inputs, node, plane.len())?;
    let [out_channels, per_group] = kernel.channels;
    let groups = groups_of(node)?;
    if per_group.checked_mul(groups) != Some(channels) || out_channels % groups != 0 {
        return Err(format!(
            "its weight takes {per_group} channels in each of {groups} groups and makes \
             {out_channels}; its input has {channels}"
        ));
    }
    let Sliding { spec, .. } = sliding(node, &plane, kernel.extents)?;
    let convolution = Convolution {
        batch: images,
        groups,
        in_channels: channels,
        out_channels,
        map: WindowMap::sliding(&spec).ok_or(TOO_LARGE)?,
        weight: Coefficients::new(kernel.numbers),
        bias: bias_of(inputs, out_channels)?,
        summary: summary("conv", [channels, out_channels], groups, &spec),
    };
    let dims = window_dims(&x, out_channels, &spec.output);
    one(context.push(node, &[&x], dims, Operator::Affine(Affine::Convolution(convolution))))
}

/// A transposed convolution, turned around: each output cell gathers from the inputs that reach it.
pub(super) fn conv_transpose(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let Planes { images, channels, plane } = planes(&x)?;
    let kernel = kernel_of(inputs, node, plane.len())?;
    let [in_channels, per_group] = kernel.channels;
    let groups = groups_of(node)?;
    let out_channels = per_group.checked_mul(groups).ok_or("it has too many channels")?;
    if in_channels != channels || channels % groups != 0 {
        return Err(format!(
            "its weight takes {in_channels} channels in {groups} groups; its input has {channels}"
        ));
    }
    let spec = transposed(node, &plane, kernel.extents)?;
    let map = WindowMap::transposed(&spec).ok_or(TOO_LARGE)?;
    let (taps, ins) = (map.taps(), channels / groups);
    // From [in][out of the group][tap] to [out][in of the group][tap].
    let turned = (0..out_channels * ins * taps).map(|i| {
        let (out, input, tap) = (i / (ins * taps), i / taps % ins, i % taps);
        let channel = out / per_group * ins + input;
        kernel.numbers[(channel * per_group + out % per_group) * taps + tap]
    });
    let convolution = Convolution {
        batch: images,
        groups,
        in_channels: channels,
        out_channels,
        map,
        weight: Coefficients::new(turned.collect()),
        bias: bias_of(inputs, out_channels)?,
        summary: summary("transposed conv", [channels, out_channels], groups, &spec),
    };
    let dims = window_dims(&x, out_channels, &spec.output);
    one(context.push(node, &[&x], dims, Operator::Affine(Affine::Convolution(convolution))))
}

fn transposed(node: &GraphNode, plane: &[usize], kernel: Vec<usize>) -> Result<WindowSpec, String> {
    if node.ints("output_shape").is_some() {
        return Err("an explicit output_shape is not supported".to_owned());
    }
    if !matches!(node.text("auto_pad").unwrap_or("NOTSET"), "NOTSET" | "" | "VALID") {
        return Err("automatic padding of a transposed convolution is not supported".to_owned());
    }
    let rank = plane.len();
    let strides = sizes(node, "strides", rank, 1)?;
    let dilations = sizes(node, "dilations", rank, 1)?;
    let (pads, pads_end) = explicit_pads(node, rank)?;
    let extra = match node.ints("output_padding") {
        Some(_) => sizes(node, "output_padding", rank, 0)?,
        None => vec![0; rank],
    };
    let extent = |axis: usize| {
        let reach = strides[axis] * (plane[axis] - 1) + dilations[axis] * (kernel[axis] - 1) + 1;
        (reach + extra[axis]).checked_sub(pads[axis] + pads_end[axis]).filter(|&extent| extent > 0)
    };
    let output = (0..rank).map(extent).collect::<Option<_>>();
    let output = output.ok_or("its padding leaves nothing of the output")?;
    Ok(WindowSpec { input: plane.to_vec(), output, kernel, strides, dilations, pads })
}

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
    let counts = window_counts(&sliding, node.int("count_include_pad", 0) != 0);
    if counts.contains(&0) {
        return Err("a window lies in padding".to_owned());
    }
    let factor = PerUnit::blocks(counts.iter().map(|&count| 1.0 / count as f64).collect(), 1);
    let spec = sliding.spec;
    let pool = AveragePool {
        planes: images * channels,
        map: WindowMap::sliding(&spec).ok_or(TOO_LARGE)?,
        factor,
        summary: format!("average {}", times(&spec.kernel)),
    };
    let dims = window_dims(&x, channels, &spec.output);
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
    let dims = window_dims(&x, channels, &vec![1; plane.len()]);
    one(mean(context, node, &x, plane.iter().product(), dims))
}

/// The mean of each block of `cells` numbers.
fn mean(context: &mut Context, node: &GraphNode, x: &Data, cells: usize, dims: Vec<Dim>) -> Data {
    let pool = AveragePool {
        planes: x.len() / cells,
        map: WindowMap::whole(cells),
        factor: PerUnit::uniform(1.0 / cells as f64),
        summary: format!("mean of {cells}"),
    };
    context.push(node, &[x], dims, Operator::Affine(Affine::AveragePool(pool)))
}

/// The mean over some axes, given as an input (operator set 18 on) or an attribute (before).
pub(super) fn reduce_mean(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let rank = x.dims.len();
    let listed = ints(inputs, 1, "axes")?.or_else(|| node.ints("axes").map(<[i64]>::to_vec));
    let axes: Vec<usize> = match listed.filter(|axes| !axes.is_empty()) {
        Some(axes) => axes.into_iter().map(|axis| axis_of(axis, rank)).collect::<Result<_, _>>()?,
        None if node.int("noop_with_empty_axes", 0) != 0 => {
            return super::movement::identity(context, node, inputs);
        }
        None => (0..rank).collect(),
    };
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
    one(mean(context, node, &x, cells, dims))
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
    let dims = window_dims(&x, channels, &spec.output);
    one(window_max(context, node, &x, images * channels, map, dims))
}

pub(super) fn global_max_pool(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let Planes { images, channels, plane } = planes(&x)?;
    let dims = window_dims(&x, channels, &vec![1; plane.len()]);
    let map = WindowMap::whole(plane.iter().product());
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
