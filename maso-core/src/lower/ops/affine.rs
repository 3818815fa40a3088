//! Gemm, batch-norm and the scaler of ai.onnx.ml.

use super::super::value::{Data, Dim, Value, checked};
use super::arithmetic::branch_sum;
use super::broadcast::broadcast_constant;
use super::movement::permute_data;
use super::{Inputs, Outcome, data, one, weights};
use crate::graph::{Attribute, GraphNode};
use crate::lower::context::Context;
use crate::network::{Affine, Coefficients, Dense, Operator, PerUnit};

/// `alpha · A · B + beta · C` with a constant A or B; C is a constant or another branch.
pub(super) fn gemm(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if !matches!(inputs.first(), Some(Some(Value::Data(_)))) {
        let product = gemm_on_the_left(context, node, inputs)?;
        return one(plus_c(context, node, product, inputs)?);
    }
    let a = matrix(context, node, inputs, 0, "transA")?;
    let (units, depth, at) = factor(node, inputs, 1, "transB")?;
    if let Some(Some(Value::Constant(c))) = inputs.get(2)
        && (c.len() == 1 || matches!(c.shape()[..], [n] | [1, n] if n == units))
    {
        let (c, beta) = (c.to_f64(), node.float("beta", 1.0));
        let bias = (0..units).map(|unit| beta * c[unit % c.len()]).collect();
        return one(dense(context, node, &a, (units, depth), at, bias)?);
    }
    let product = dense(context, node, &a, (units, depth), at, vec![0.0; units])?;
    one(plus_c(context, node, product, inputs)?)
}

/// The data matrix at input `index`, transposed where the attribute says so.
fn matrix(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
    index: usize,
    transposed: &str,
) -> Result<Data, String> {
    let x = data(inputs, index)?;
    match (x.dims.len(), node.int(transposed, 0)) {
        (2, 0) => Ok(x),
        (2, _) => permute_data(context, node, &x, &[1, 0]),
        (rank, _) => Err(format!("its input {index} has {rank} axes, expected 2")),
    }
}

/// Units and depth of the constant matrix at input `index`, and alpha times its entries by unit and depth;
/// transposed where the attribute says so.
fn factor(
    node: &GraphNode,
    inputs: &Inputs,
    index: usize,
    transposed: &str,
) -> Result<(usize, usize, impl Fn(usize, usize) -> f64 + use<>), String> {
    let (numbers, shape) = weights(inputs, index, "matrix")?;
    let [first, second] = shape[..] else {
        return Err(format!("its matrix has {} axes, expected 2", shape.len()));
    };
    let by_unit = node.int(transposed, 0) != 0;
    let (depth, units) = if by_unit { (second, first) } else { (first, second) };
    let alpha = node.float("alpha", 1.0);
    let at = move |unit: usize, i: usize| {
        alpha * if by_unit { numbers[unit * depth + i] } else { numbers[i * units + unit] }
    };
    Ok((units, depth, at))
}

/// `alpha · A · B` with constant A: the transpose of `alpha · Bᵀ · Aᵀ`.
fn gemm_on_the_left(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
) -> Result<Data, String> {
    let b = matrix(context, node, inputs, 1, "transB")?;
    let turned = permute_data(context, node, &b, &[1, 0])?;
    // On the left, what would be the depth counts units.
    let (depth, units, at) = factor(node, inputs, 0, "transA")?;
    let at = |unit: usize, i: usize| at(i, unit);
    let y = dense(context, node, &turned, (units, depth), at, vec![0.0; units])?;
    permute_data(context, node, &y, &[1, 0])
}

/// `product + beta · C`, where C is given: a shift, or a finished sum of another branch.
fn plus_c(
    context: &mut Context,
    node: &GraphNode,
    product: Data,
    inputs: &Inputs,
) -> Result<Data, String> {
    let beta = node.float("beta", 1.0);
    match inputs.get(2) {
        None | Some(None) => Ok(product),
        Some(Some(Value::Data(c))) => {
            let c = if beta == 1.0 {
                c.clone()
            } else {
                let (beta, zero) = (PerUnit::uniform(beta), PerUnit::uniform(0.0));
                context.scale_shift(node, c, beta, zero)?
            };
            branch_sum(context, node, &product, &c, false)
        }
        Some(Some(_)) => {
            let (c, shape) = weights(inputs, 2, "bias")?;
            let c: Vec<f64> = c.iter().map(|c| beta * c).collect();
            let (product, shift) = broadcast_constant(context, node, &product, &c, &shape)?;
            context.scale_shift(node, &product, PerUnit::uniform(1.0), shift)
        }
    }
}

/// A constant matrix on the last axis.
pub(super) fn dense(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    (units, depth): (usize, usize),
    at: impl Fn(usize, usize) -> f64,
    bias: Vec<f64>,
) -> Result<Data, String> {
    match x.dims.last() {
        Some(Dim::Fixed(found)) if *found == depth => {}
        Some(Dim::Fixed(found)) => {
            return Err(format!("its matrix takes {depth} numbers, its input has {found}"));
        }
        _ => return Err("it would sum over the row axis, so rows would mix".to_owned()),
    }
    if units == 0 || depth == 0 {
        return Err("its matrix is empty".to_owned());
    }
    // The weights in f64, and what they are rounded to.
    context.room(units.saturating_mul(depth), 2 * size_of::<f64>())?;
    let entries = (0..units * depth).map(|i| at(i / depth, i % depth)).collect();
    let weight = Coefficients::new(entries);
    let affine = Affine::Dense(Dense { batch: x.len() / depth, units, depth, weight, bias });
    let mut dims = x.dims.clone();
    dims.pop();
    dims.push(Dim::Fixed(units));
    let dims = checked(dims)?;
    context.push(node, &[x], dims, Operator::Affine(affine))
}

/// Inference-mode batch-norm: a scale and a shift for each channel, from its running statistics.
pub(super) fn batch_normalization(
    context: &mut Context,
    node: &GraphNode,
    inputs: &Inputs,
) -> Outcome {
    if node.int("spatial", 1) == 0 {
        return Err("with statistics for each cell (spatial = 0) it is not supported".to_owned());
    }
    let training = node.int("training_mode", 0) != 0;
    if training || context.is_old() && node.int("is_test", 0) == 0 {
        return Err("in training mode it mixes rows; export the model in inference mode".to_owned());
    }
    let x = data(inputs, 0)?;
    let names = ["scale", "shift", "mean", "variance"];
    let parameter = |i: usize| weights(inputs, i + 1, names[i]).map(|(values, _)| values);
    let [gamma, beta, mean, variance] =
        [parameter(0)?, parameter(1)?, parameter(2)?, parameter(3)?];
    let channels = x.dims.get(1).map_or(1, |dim| dim.extent());
    if [&gamma, &beta, &mean, &variance].iter().any(|values| values.len() != channels) {
        return Err(format!("its parameters are not {channels} numbers each, one for a channel"));
    }
    let epsilon = node.float("epsilon", 1e-5);
    let scale: Vec<f64> =
        gamma.iter().zip(&variance).map(|(g, v)| g / (v + epsilon).sqrt()).collect();
    let shift = (0..channels).map(|c| beta[c] - mean[c] * scale[c]).collect();
    let inner = if x.dims.len() > 2 { x.inner(2) } else { 1 };
    let (scale, shift) = (PerUnit::blocks(scale, inner), PerUnit::blocks(shift, inner));
    one(context.scale_shift(node, &x, scale, shift)?)
}

/// `(x − offset) · scale`, one number or one for each feature.
pub(super) fn scaler(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let x = data(inputs, 0)?;
    let list = |name: &str, default: f32| match node.attributes.get(name) {
        Some(Attribute::Floats(values)) if !values.is_empty() => values.clone(),
        _ => vec![default],
    };
    let (offset, scale) = (list("offset", 0.0), list("scale", 1.0));
    let features = x.inner(x.dims.len().min(1));
    if let Some(found) = [&offset, &scale].map(Vec::len).iter().find(|n| ![1, features].contains(n))
    {
        return Err(format!("it has {found} offsets or scales, its input has {features} features"));
    }
    let at = |values: &[f32], i: usize| f64::from(values[i % values.len()]);
    let factors = (0..features).map(|i| at(&scale, i));
    let shifts = (0..features).map(|i| -at(&offset, i) * at(&scale, i)).collect();
    let (scale, shift) = (PerUnit::blocks(factors.collect(), 1), PerUnit::blocks(shifts, 1));
    one(context.scale_shift(node, &x, scale, shift)?)
}
