//! Functions of constants, number by number, folded in f64. Of data they are smooth or discontinuous.

use std::rc::Rc;

use super::super::context::Context;
use super::super::value::{Dim, Value, broadcast_map, broadcast_shape, checked};
use super::movement::first;
use super::{DISCONTINUOUS, Inputs, Outcome, PRODUCT, ROWS_MIX, SMOOTH, constants, whole_numbers};
use crate::graph::GraphNode;
use crate::tensor::{Tensor, TensorData};

/// The number that each element of `tensors` joined has, under the shape they broadcast to.
pub(super) fn joined(
    context: &Context,
    tensors: &[Rc<Tensor>],
    join: impl Fn(&[f64]) -> f64,
) -> Result<(Vec<usize>, Vec<f64>), String> {
    let shapes = || tensors.iter().map(|tensor| tensor.shape());
    let shape = shapes().try_fold(Vec::new(), |shape, next| broadcast_shape(&shape, next));
    let shape = shape.ok_or_else(|| {
        format!("constants of shapes {:?} do not broadcast", shapes().collect::<Vec<_>>())
    })?;
    let len: usize = if shape.contains(&0) {
        0
    } else {
        let dims = checked(shape.iter().copied().map(Dim::Fixed).collect())?;
        dims.iter().map(|dim| dim.extent()).product()
    };
    context.room(len, (1 + 2 * tensors.len()) * size_of::<f64>())?;
    let operands: Vec<(Vec<f64>, Vec<usize>)> = tensors
        .iter()
        .map(|tensor| (tensor.to_f64(), broadcast_map(tensor.shape(), &shape)))
        .collect();
    let mut here = vec![0.0; operands.len()];
    let values = (0..len).map(|at| {
        let numbers = operands.iter().map(|(numbers, map)| numbers[map[at]]);
        here.iter_mut().zip(numbers).for_each(|(here, number)| *here = number);
        join(&here)
    });
    let values = values.collect();
    Ok((shape, values))
}

/// A function of one number, and what it is of data.
type Function = (fn(f64) -> f64, &'static str);

fn function(op: &str) -> Option<Function> {
    let sign = |x: f64| if x == 0.0 || x.is_nan() { x } else { x.signum() };
    Some(match op {
        "Neg" => (|x| -x, ""),
        "Sqrt" => (f64::sqrt, SMOOTH),
        "Reciprocal" => (|x| 1.0 / x, SMOOTH),
        "Exp" => (f64::exp, SMOOTH),
        "Log" => (f64::ln, SMOOTH),
        "Sin" => (f64::sin, SMOOTH),
        "Cos" => (f64::cos, SMOOTH),
        "Sign" => (sign, DISCONTINUOUS),
        "Round" => (f64::round_ties_even, DISCONTINUOUS),
        "Floor" => (f64::floor, DISCONTINUOUS),
        "Ceil" => (f64::ceil, DISCONTINUOUS),
        _ => return None,
    })
}

/// What an operator that only constants are folded through is of data.
pub(super) fn of_data(op: &str) -> Option<&'static str> {
    match op {
        "Neg" => None,
        "Pow" => Some(SMOOTH),
        "ReduceProd" => Some(PRODUCT),
        op => function(op).map(|(_, of_data)| of_data),
    }
}

/// Sqrt, Exp, Floor and their kin.
pub(super) fn unary(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let (function, _) = function(&node.op).ok_or("the operator is not supported")?;
    match first(inputs)? {
        Value::Constant(tensor) => {
            let integer = tensor.as_ints().is_some();
            let (shape, values) = joined(context, &[Rc::clone(tensor)], |x| function(x[0]))?;
            made(shape, values, integer)
        }
        _ => Err(ROWS_MIX.to_owned()),
    }
}

/// A power of constants.
pub(super) fn pow(context: &mut Context, _: &GraphNode, inputs: &Inputs) -> Outcome {
    let tensors = constants(inputs).ok_or(ROWS_MIX)?;
    let integer = tensors.first().is_some_and(|base| base.as_ints().is_some());
    let (shape, values) = joined(context, &tensors, |x| x[0].powf(x[1]))?;
    made(shape, values, integer)
}

/// A constant of folded numbers.
pub(super) fn made(shape: Vec<usize>, values: Vec<f64>, integer: bool) -> Outcome {
    let data =
        if integer { TensorData::I64(whole_numbers(&values)?) } else { TensorData::F64(values) };
    let tensor = Tensor::new(shape, data).ok_or("the folded constant has another size")?;
    Ok(vec![Value::constant(tensor)])
}
