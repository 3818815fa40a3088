//! Maxima, soft and hard: the candidates side by side along one axis, and softmax over it.

use maso_simd::PoolRule;

use super::emit::Emitter;
use crate::graph::{Attribute, GraphNode};
use crate::network::SoftPool;

/// Candidates side by side.
struct Stack {
    tensor: String,
    axis: i64,
    /// Whether the axis stays, with extent 1.
    keep: bool,
}

/// The soft maximum in place of a MaxPool, GlobalMaxPool, ReduceMax or Max.
pub(super) fn soft(emitter: &mut Emitter<'_>, pool: SoftPool) -> Result<(), String> {
    let node = emitter.node();
    match node.op.as_str() {
        "MaxPool" => {
            let stack = windows(emitter, node)?;
            weighted(emitter, &stack, pool)?;
        }
        "GlobalMaxPool" => {
            let spatial = emitter.shape().len().saturating_sub(1).max(1);
            let shape = emitter.list(vec![0, 0, -1]);
            let tensor = emitter.op("Reshape", &[&node.inputs[0], &shape]);
            let mut pooled = weighted(emitter, &Stack { tensor, axis: 2, keep: true }, pool)?;
            for _ in 1..spatial {
                pooled = emitter.along("Unsqueeze", 13, &pooled, -1, None);
            }
        }
        "ReduceMax" => {
            let stack = Stack {
                tensor: node.inputs[0].clone(),
                axis: axis(emitter, node)?,
                keep: node.int("keepdims", 1) != 0,
            };
            weighted(emitter, &stack, pool)?;
        }
        "Max" => {
            if node.inputs.iter().any(|input| emitter.is_constant(input)) {
                return Err("a maximum with a constant is not written softly".to_owned());
            }
            let stack = stacked(emitter, &node.inputs);
            weighted(emitter, &stack, pool)?;
        }
        // Soft in the file already.
        "ReduceSum" | "ReduceLogSumExp" => {
            let stack = soft_stack(emitter, node)?;
            weighted(emitter, &stack, pool)?;
        }
        other => return Err(format!("a soft {other} is not written")),
    }
    Ok(())
}

/// The hard maximum in place of a soft one.
pub(super) fn hard(emitter: &mut Emitter<'_>) -> Result<(), String> {
    let Stack { tensor, axis, keep } = soft_stack(emitter, emitter.node())?;
    emitter.along("ReduceMax", 18, &tensor, axis, Some(keep));
    Ok(())
}

/// The soft maximum along the stack's axis.
fn weighted(emitter: &mut Emitter<'_>, stack: &Stack, pool: SoftPool) -> Result<String, String> {
    let Stack { tensor, axis, keep } = stack;
    let scaled = if pool.sharpness == 1.0 {
        tensor.clone()
    } else {
        let by = emitter.number(pool.sharpness);
        emitter.op("Mul", &[tensor, &by])
    };
    match pool.rule {
        PoolRule::Mean => {
            if emitter.opset() < 13 && *axis != -1 {
                return Err("before operator set 13 Softmax has no single axis".to_owned());
            }
            let weights = emitter.op_with("Softmax", &[&scaled], [("axis", Attribute::Int(*axis))]);
            let product = emitter.op("Mul", &[tensor, &weights]);
            Ok(emitter.along("ReduceSum", 13, &product, *axis, Some(*keep)))
        }
        PoolRule::LogPartition => {
            let sum = emitter.along("ReduceLogSumExp", 18, &scaled, *axis, Some(*keep));
            if pool.sharpness == 1.0 {
                return Ok(sum);
            }
            let by = emitter.number(1.0 / pool.sharpness);
            Ok(emitter.op("Mul", &[&sum, &by]))
        }
    }
}

/// The one axis along which a node reduces.
fn axis(emitter: &Emitter<'_>, node: &GraphNode) -> Result<i64, String> {
    let listed = node.ints("axes").map(<[i64]>::to_vec);
    let axes = listed.or_else(|| emitter.integers(node.input(1)?));
    match axes.as_deref() {
        Some(&[axis]) => Ok(axis),
        Some(axes) => Err(format!("it reduces {} axes, expected one", axes.len())),
        None => Err("it reduces all axes, expected one".to_owned()),
    }
}

/// What a soft maximum of the file is over: x, of `log Σ exp(x)` or of the sum of `x · Softmax(ηx)`.
fn soft_stack(emitter: &Emitter<'_>, node: &GraphNode) -> Result<Stack, String> {
    let mut tensor = node.inputs[0].clone();
    if node.op == "ReduceSum" {
        let product = emitter.maker(&tensor).ok_or("nothing makes what it sums")?;
        let is_weight =
            |input: &&String| emitter.maker(input).is_some_and(|maker| maker.op == "Softmax");
        let x = product.inputs.iter().find(|input| !is_weight(input));
        tensor.clone_from(x.ok_or("it sums weights")?);
    }
    let keep = node.int("keepdims", 1) != 0;
    Ok(Stack { tensor, axis: axis(emitter, node)?, keep })
}

/// Tensors of one shape along a new last axis.
fn stacked(emitter: &mut Emitter<'_>, tensors: &[String]) -> Stack {
    let parts: Vec<String> =
        tensors.iter().map(|tensor| emitter.along("Unsqueeze", 13, tensor, -1, None)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let tensor = emitter.op_with("Concat", &parts, [("axis", Attribute::Int(-1))]);
    Stack { tensor, axis: -1, keep: false }
}

/// The taps of a MaxPool's windows, each a strided slice of the input, in the order of the window.
fn windows(emitter: &mut Emitter<'_>, node: &GraphNode) -> Result<Stack, String> {
    let spans = spans(emitter, node)?;
    let axes: Vec<i64> = (2..2 + spans.len() as i64).collect();
    let taps: i64 = spans.iter().map(|span| span.kernel).product();
    let mut slices = Vec::new();
    for tap in 0..taps {
        // The last axis is fastest.
        let mut rest = tap;
        let mut starts = vec![0; spans.len()];
        for (start, span) in starts.iter_mut().zip(&spans).rev() {
            (*start, rest) = (rest % span.kernel, rest / span.kernel);
        }
        let end = |(start, span): (&i64, &Span)| start + (span.cells - 1) * span.stride + 1;
        let ends = starts.iter().zip(&spans).map(end).collect();
        let steps = spans.iter().map(|span| span.stride).collect();
        let lists = [starts.clone(), ends, axes.clone(), steps].map(|list| emitter.list(list));
        let mut inputs = vec![node.inputs[0].as_str()];
        inputs.extend(lists.iter().map(String::as_str));
        slices.push(emitter.op("Slice", &inputs));
    }
    Ok(stacked(emitter, &slices))
}

/// How a window slides along one axis.
struct Span {
    kernel: i64,
    stride: i64,
    cells: i64,
}

/// The spans of a MaxPool whose windows neither overlap nor reach into padding.
fn spans(emitter: &Emitter<'_>, node: &GraphNode) -> Result<Vec<Span>, String> {
    let kernel = node.ints("kernel_shape").ok_or("it has no kernel_shape")?;
    let list = |name: &str, default: i64| {
        node.ints(name).map_or_else(|| vec![default; kernel.len()], <[i64]>::to_vec)
    };
    let (strides, dilations) = (list("strides", 1), list("dilations", 1));
    if node.ints("pads").is_some_and(|pads| pads.iter().any(|&pad| pad != 0))
        || node.text("auto_pad").is_some_and(|mode| !matches!(mode, "NOTSET" | "VALID"))
    {
        return Err("a soft MaxPool over padded windows is not written".to_owned());
    }
    let shape = emitter.shape();
    let plane = &shape[shape.len().saturating_sub(kernel.len())..];
    let mut spans = Vec::new();
    for (i, &kernel) in kernel.iter().enumerate() {
        let stride = strides[i];
        if stride < kernel || dilations[i] != 1 {
            return Err(format!(
                "a soft MaxPool over overlapping windows is not written (kernel {kernel}, stride {stride}, dilation \
                 {})",
                dilations[i]
            ));
        }
        let room = plane[i] as i64 - kernel;
        if node.int("ceil_mode", 0) != 0 && room % stride != 0 {
            return Err("a soft MaxPool whose last windows are cut off is not written".to_owned());
        }
        spans.push(Span { kernel, stride, cells: room / stride + 1 });
    }
    Ok(spans)
}
