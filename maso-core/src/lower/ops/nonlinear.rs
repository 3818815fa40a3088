//! Nonlinear operators: scalar splines, and maxima and minima of branches.

use maso_simd::{Link, MOST_PIECES};

use super::super::context::Context;
use super::super::value::{Data, Value, broadcast_shape, extents, per_unit};
use super::broadcast::{broadcast_data, broadcast_dims};
use super::{DISCONTINUOUS, Inputs, Outcome, ROWS_MIX, data, one, present, weights};
use crate::graph::{Attribute, GraphNode};
use crate::network::{
    Branch, Candidates, Extreme, Operator, PerUnit, Rule, ScalarSpline, Soft, SoftGate,
};

fn spline(context: &mut Context, node: &GraphNode, z: &Data, spline: ScalarSpline) -> Outcome {
    let operator = Operator::Nonlinear(Rule::Spline(spline));
    one(context.push(node, &[z], z.dims.clone(), operator)?)
}

/// What the caller says that the node is.
pub(super) fn given(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let given = context.nonlinearities.as_ref().and_then(|given| given.spline(node));
    let pieces = given.expect("asked before")?;
    let count = pieces.slopes.len();
    if count > MOST_PIECES {
        return Err(format!("its nonlinearity has {count} pieces, expected up to {MOST_PIECES}"));
    }
    spline(context, node, &data(inputs, 0)?, pieces)
}

fn hinge(context: &mut Context, node: &GraphNode, inputs: &Inputs, left: f64) -> Outcome {
    let pieces = ScalarSpline::hinge(PerUnit::uniform(left), 1.0);
    spline(context, node, &data(inputs, 0)?, pieces)
}

pub(super) fn relu(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    hinge(context, node, inputs, 0.0)
}

pub(super) fn abs(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    hinge(context, node, inputs, -1.0)
}

pub(super) fn leaky_relu(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    hinge(context, node, inputs, node.float("alpha", 0.01))
}

/// `z · F(η z)` or `F(z)` with the bits of a hinge at 0.
fn soft(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
    left: f64,
    gate: SoftGate,
) -> Outcome {
    let pieces = ScalarSpline::hinge(PerUnit::uniform(left), 1.0);
    let soft = Some(Soft::gate(gate));
    spline(context, node, &data(inputs, 0)?, ScalarSpline { soft, ..pieces })
}

/// The membership of the right piece of max(z, 0).
pub(super) fn sigmoid(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    soft(context, node, inputs, 0.0, SoftGate::new(Link::Logistic, 1.0).scaled(1.0))
}

/// The difference of the memberships of |z|.
pub(super) fn tanh(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    soft(context, node, inputs, -1.0, SoftGate::new(Link::Tanh, 1.0).scaled(1.0))
}

/// The log-partition of max(z, 0).
pub(super) fn softplus(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    soft(context, node, inputs, 0.0, SoftGate::new(Link::Softplus, 1.0).scaled(1.0))
}

/// z · σ(αz), which SiLU is for α = 1. For α below 0 it is a soft min(z, 0).
pub(super) fn swish(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let alpha = node.number("alpha", 1.0);
    let slopes = if alpha < 0.0 { [1.0, 0.0] } else { [0.0, 1.0] };
    let pieces = ScalarSpline::uniform(&[0.0], &slopes, &[0.0, 0.0]);
    let soft = Some(Soft::gate(SoftGate::new(Link::Logistic, alpha)));
    spline(context, node, &data(inputs, 0)?, ScalarSpline { soft, ..pieces })
}

/// z · Φ(z), or its approximation with tanh.
pub(super) fn gelu(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let link = match node.text("approximate") {
        None | Some("none") => Link::Normal,
        Some("tanh") => Link::NormalTanh,
        Some(other) => return Err(format!("its approximate is {other:?}, expected none or tanh")),
    };
    soft(context, node, inputs, 0.0, SoftGate::new(link, 1.0))
}

pub(super) fn mish(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    soft(context, node, inputs, 0.0, SoftGate::new(Link::Mish, 1.0))
}

pub(super) fn hard_swish(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    soft(context, node, inputs, 0.0, SoftGate::new(Link::HardSigmoid, 1.0))
}

/// A learned slope below 0, broadcast to the units.
pub(super) fn prelu(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let z = data(inputs, 0)?;
    let (slope, mut shape) = weights(inputs, 1, "slope")?;
    let whole = extents(&z.dims);
    if context.is_old() && shape.len() == 1 && shape[0] > 1 && whole.len() > 2 {
        // Then a list of slopes was one for each channel.
        shape.extend(vec![1; whole.len() - 2]);
    }
    let joined = broadcast_shape(&whole, &shape);
    if slope.is_empty() || joined.as_deref() != Some(&whole) {
        return Err(format!(
            "its slope of shape {shape:?} does not broadcast to {whole:?} (a row)"
        ));
    }
    spline(context, node, &z, ScalarSpline::hinge(per_unit(&slope, &shape, &whole), 1.0))
}

/// A limit of Clip; `None` for what stands for none: the infinity on its side, and the lowest or highest
/// f32, which are the defaults of old operator sets.
fn limit(value: f64, name: &str, unbounded: f32) -> Result<Option<f64>, String> {
    let none = f64::from(unbounded);
    if value == none || value.is_infinite() && value.signum() == none.signum() {
        return Ok(None);
    }
    if value.is_finite() { Ok(Some(value)) } else { Err(format!("its {name} is {value}")) }
}

/// Clip with limits as inputs (operator set 11 on) or attributes (before).
pub(super) fn clip(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let z = data(inputs, 0)?;
    let read = |index: usize, name: &str, unbounded: f32| -> Result<Option<f64>, String> {
        if !present(inputs, index) {
            return limit(node.float(name, unbounded), name, unbounded);
        }
        let (values, shape) = weights(inputs, index, name)?;
        match values[..] {
            [value] => limit(value, name, unbounded),
            _ => Err(format!("its {name} has shape {shape:?}, expected one number")),
        }
    };
    let (low, high) = (read(1, "min", f32::MIN)?, read(2, "max", f32::MAX)?);
    spline(context, node, &z, clip_pieces(low, high))
}

/// min(max(z, low), high). With both limits there are three pieces; low above high gives the constant
/// `high` on piece 0, as ONNX defines it.
fn clip_pieces(low: Option<f64>, high: Option<f64>) -> ScalarSpline {
    let never = f64::from(f32::MAX); // no finite f32 is above it
    match (low, high) {
        (None, None) => ScalarSpline::uniform(&[], &[1.0], &[0.0]),
        (Some(low), None) => ScalarSpline::uniform(&[low], &[0.0, 1.0], &[low, 0.0]),
        (None, Some(high)) => ScalarSpline::uniform(&[high], &[1.0, 0.0], &[0.0, high]),
        (Some(low), Some(high)) if low > high => {
            ScalarSpline::uniform(&[never, never], &[0.0; 3], &[high; 3])
        }
        (Some(low), Some(high)) => {
            ScalarSpline::uniform(&[low, high], &[0.0, 1.0, 0.0], &[low, 0.0, high])
        }
    }
}

/// Clip(αz + β, 0, 1).
pub(super) fn hard_sigmoid(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let z = data(inputs, 0)?;
    let scale = PerUnit::uniform(node.float("alpha", 0.2));
    let shift = PerUnit::uniform(node.float("beta", 0.5));
    let z = context.scale_shift(node, &z, scale, shift)?;
    spline(context, node, &z, clip_pieces(Some(0.0), Some(1.0)))
}

/// x above α, else 0: continuous only with its knot at 0, where it is a ReLU.
pub(super) fn thresholded_relu(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
) -> Outcome {
    match node.float("alpha", 1.0) {
        0.0 => hinge(context, node, inputs, 0.0),
        alpha => Err(format!("it jumps from 0 to {alpha} at its knot: {DISCONTINUOUS}")),
    }
}

/// ONNX's Shrink, where it does not jump at its knots.
pub(super) fn shrink(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let (lambda, bias) = (node.float("lambd", 0.5), node.float("bias", 0.0));
    if lambda != bias {
        return Err(format!("its bias {bias} is not its lambd {lambda}: {DISCONTINUOUS}"));
    }
    shrink_by(context, node, inputs, lambda)
}

/// The stand-in of the Softshrink patterns.
pub(super) fn softshrink(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    match node.attributes.get("lambd") {
        Some(Attribute::Tensor(lambda)) if lambda.len() == 1 => {
            shrink_by(context, node, inputs, lambda.to_f64()[0])
        }
        _ => Err("the operator is not supported".to_owned()),
    }
}

/// z moved towards 0 by λ, and 0 within λ of it.
fn shrink_by(context: &mut Context, node: &GraphNode, inputs: &Inputs, lambda: f64) -> Outcome {
    if lambda < 0.0 || lambda.is_nan() {
        return Err(format!("its lambd is {lambda}, expected a number from 0 on"));
    }
    let pieces =
        ScalarSpline::uniform(&[-lambda, lambda], &[1.0, 0.0, 1.0], &[lambda, 0.0, -lambda]);
    spline(context, node, &data(inputs, 0)?, pieces)
}

pub(super) fn max(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    extreme(context, node, inputs, false)
}

pub(super) fn min(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    extreme(context, node, inputs, true)
}

/// The first largest or smallest of branches and constants, in input order.
fn extreme(context: &mut Context, node: &GraphNode, inputs: &Inputs, smallest: bool) -> Outcome {
    let values: Vec<&Value> = inputs.iter().flatten().collect();
    let first = values.iter().find_map(|value| match value {
        Value::Data(data) => Some(data.dims.clone()),
        _ => None,
    });
    let mut dims = first.ok_or(ROWS_MIX)?;
    for value in &values {
        dims = broadcast_dims(&dims, &shape_of(value)?)?;
    }
    let whole = extents(&dims);
    let (mut branches, mut read) = (Vec::new(), Vec::new());
    for (index, value) in values.iter().enumerate() {
        branches.push(match value {
            Value::Data(data) => {
                read.push(broadcast_data(context, node, data, &whole)?);
                Branch::Input(read.len() - 1)
            }
            _ => {
                let (values, shape) = weights(inputs, index, "operand")?;
                let values = contenders(values, smallest)?;
                context
                    .room(dims.iter().map(|dim| dim.extent()).product(), 3 * size_of::<f64>())?;
                Branch::Constant(per_unit(&values, &shape, &whole))
            }
        });
    }
    let candidates = Candidates::Branches(branches);
    let operator = Operator::Nonlinear(Rule::Extreme(Extreme { smallest, candidates, soft: None }));
    one(context.push(node, &read.iter().collect::<Vec<_>>(), dims, operator)?)
}

/// A constant operand's numbers. The infinity that never wins keeps its place as the f32 that nothing finite
/// is beyond; the other one would be the result.
fn contenders(values: Vec<f64>, smallest: bool) -> Result<Vec<f64>, String> {
    let never = if smallest { f32::MAX } else { f32::MIN };
    let contender = |value: f64| match value {
        value if (value as f32).is_finite() => Some(value),
        value if value.is_infinite() && value.signum() == f64::from(never).signum() => {
            Some(f64::from(never))
        }
        _ => None,
    };
    let values: Option<_> = values.into_iter().map(contender).collect();
    values.ok_or_else(|| "a constant operand is NaN, or an infinity that always wins".to_owned())
}

fn shape_of(value: &Value) -> Result<Vec<usize>, String> {
    match value {
        Value::Data(data) => Ok(extents(&data.dims)),
        Value::Constant(tensor) => Ok(tensor.shape().to_vec()),
        _ => Err("an operand is neither data nor a constant".to_owned()),
    }
}
