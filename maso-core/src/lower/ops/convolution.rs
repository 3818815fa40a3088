//! Convolutions, plain and transposed.

use super::super::context::Context;
use super::window::{
    Planes, Sliding, explicit_pads, planes, sizes, slid, slid_back, sliding, times, window_dims,
};
use super::{Inputs, Outcome, data, one, present, weights};
use crate::graph::GraphNode;
use crate::network::{Affine, Coefficients, Convolution, Operator, WindowSpec};

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
        map: slid(context, &spec)?,
        weight: Coefficients::new(kernel.numbers),
        bias: bias_of(inputs, out_channels)?,
        summary: summary("conv", [channels, out_channels], groups, &spec),
    };
    let dims = window_dims(&x, out_channels, &spec.output)?;
    one(context.push(node, &[&x], dims, Operator::Affine(Affine::Convolution(convolution)))?)
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
    let map = slid_back(context, &spec)?;
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
    let dims = window_dims(&x, out_channels, &spec.output)?;
    one(context.push(node, &[&x], dims, Operator::Affine(Affine::Convolution(convolution)))?)
}

fn transposed(node: &GraphNode, plane: &[usize], kernel: Vec<usize>) -> Result<WindowSpec, String> {
    let rank = plane.len();
    let strides = sizes(node, "strides", rank, 1)?;
    let dilations = sizes(node, "dilations", rank, 1)?;
    let (mut pads, mut pads_end) = explicit_pads(node, rank)?;
    let extra = match node.ints("output_padding") {
        Some(_) => sizes(node, "output_padding", rank, 0)?,
        None => vec![0; rank],
    };
    let whole = |axis: usize| {
        let steps = strides[axis].checked_mul(plane[axis] - 1)?;
        let reach = dilations[axis].checked_mul(kernel[axis] - 1)?;
        steps.checked_add(reach)?.checked_add(1 + extra[axis]).filter(|&whole| whole < 1 << 31)
    };
    let too_large = "its output is too large";
    let whole: Vec<usize> = (0..rank).map(whole).collect::<Option<_>>().ok_or(too_large)?;
    let auto = node.text("auto_pad").unwrap_or("NOTSET");
    let wanted = wanted_output(node, plane, &strides, auto)?;
    if let Some(output) = &wanted {
        for axis in 0..rank {
            let total = whole[axis].saturating_sub(output[axis]);
            // What cannot be halved goes behind, but before for SAME_LOWER and where nothing is said.
            let (less, more) = (total / 2, total - total / 2);
            (pads[axis], pads_end[axis]) =
                if auto == "SAME_UPPER" { (less, more) } else { (more, less) };
        }
    } else if auto == "VALID" {
        (pads, pads_end) = (vec![0; rank], vec![0; rank]);
    }
    let extent = |axis: usize| {
        whole[axis].checked_sub(pads[axis] + pads_end[axis]).filter(|&extent| extent > 0)
    };
    let output = wanted.or_else(|| (0..rank).map(extent).collect());
    let output = output.ok_or("its padding leaves nothing of the output, or it is too large")?;
    Ok(WindowSpec { input: plane.to_vec(), output, kernel, strides, dilations, pads })
}

/// The output's extents, where an attribute asks for them and the padding follows.
fn wanted_output(
    node: &GraphNode,
    plane: &[usize],
    strides: &[usize],
    auto: &str,
) -> Result<Option<Vec<usize>>, String> {
    if node.ints("output_shape").is_some() {
        return sizes(node, "output_shape", plane.len(), 1).map(Some);
    }
    match auto {
        "NOTSET" | "" | "VALID" => Ok(None),
        "SAME_UPPER" | "SAME_LOWER" => {
            Ok(Some(plane.iter().zip(strides).map(|(extent, stride)| extent * stride).collect()))
        }
        other => Err(format!("its auto_pad {other:?} is not known")),
    }
}
