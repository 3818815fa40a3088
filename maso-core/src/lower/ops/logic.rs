//! Comparisons, logic, choice and ranges of constants, folded. Of data they are discontinuous.

use std::rc::Rc;

use super::super::context::{Context, constant};
use super::super::value::{Data, Value, broadcast_map, broadcast_shape, extents};
use super::broadcast::broadcast_dims;
use super::movement::dims_of;
use super::{Inputs, Outcome, one};
use crate::graph::GraphNode;
use crate::network::{Operator, Source, View};
use crate::tensor::{Tensor, TensorData};

/// The constant at input `index`.
fn operand(inputs: &Inputs, index: usize) -> Result<Rc<Tensor>, String> {
    match inputs.get(index).and_then(Option::as_ref) {
        Some(Value::Data(_)) => Err("of data it is discontinuous".to_owned()),
        value => constant(value).ok_or_else(|| format!("input {index} is not a constant")),
    }
}

/// Two constants joined number by number.
fn joined(inputs: &Inputs, join: impl Fn(f64, f64) -> bool) -> Outcome {
    let (a, b) = (operand(inputs, 0)?, operand(inputs, 1)?);
    let shape = broadcast_shape(a.shape(), b.shape()).ok_or("its constants do not broadcast")?;
    let (x, y) = (a.to_f64(), b.to_f64());
    let maps = broadcast_map(a.shape(), &shape).into_iter().zip(broadcast_map(b.shape(), &shape));
    folded(shape, TensorData::Bool(maps.map(|(i, j)| join(x[i], y[j])).collect()))
}

fn folded(shape: Vec<usize>, data: TensorData) -> Outcome {
    let tensor = Tensor::new(shape, data).ok_or("the folded constant has another size")?;
    Ok(vec![Value::constant(tensor)])
}

/// Greater, Less, Equal and their kin; And, Or, Xor.
pub(super) fn compare(_: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let truth = |value: f64| value != 0.0;
    match node.op.as_str() {
        "Greater" => joined(inputs, |a, b| a > b),
        "GreaterOrEqual" => joined(inputs, |a, b| a >= b),
        "Less" => joined(inputs, |a, b| a < b),
        "LessOrEqual" => joined(inputs, |a, b| a <= b),
        "Equal" => joined(inputs, |a, b| a == b),
        "And" => joined(inputs, |a, b| truth(a) && truth(b)),
        "Or" => joined(inputs, |a, b| truth(a) || truth(b)),
        _ => joined(inputs, |a, b| truth(a) != truth(b)),
    }
}

pub(super) fn not(_: &mut Context, _: &GraphNode, inputs: &Inputs) -> Outcome {
    let a = operand(inputs, 0)?;
    let data = a.to_f64().into_iter().map(|value| value == 0.0).collect();
    folded(a.shape().to_vec(), TensorData::Bool(data))
}

/// Floor and Ceil of constants.
pub(super) fn round(_: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let a = operand(inputs, 0)?;
    let round = if node.op == "Floor" { f64::floor } else { f64::ceil };
    folded(a.shape().to_vec(), TensorData::F64(a.to_f64().into_iter().map(round).collect()))
}

/// Numbers of one tensor or another, as a constant says.
pub(super) fn choose(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if inputs.iter().skip(1).flatten().any(|value| matches!(value, Value::Data(_))) {
        return choose_data(context, node, inputs);
    }
    let [which, yes, no] = [operand(inputs, 0)?, operand(inputs, 1)?, operand(inputs, 2)?];
    let shape = broadcast_shape(yes.shape(), no.shape())
        .and_then(|shape| broadcast_shape(&shape, which.shape()))
        .ok_or("its constants do not broadcast")?;
    let truth: Vec<f64> = which.to_f64();
    let places: Vec<[usize; 3]> = (broadcast_map(which.shape(), &shape).into_iter())
        .zip(broadcast_map(yes.shape(), &shape))
        .zip(broadcast_map(no.shape(), &shape))
        .map(|((which, yes), no)| [which, yes, no])
        .collect();
    let data = match (yes.as_ints(), no.as_ints()) {
        (Some(yes), Some(no)) => TensorData::I64(chosen(&places, &truth, yes, no)),
        _ => TensorData::F64(chosen(&places, &truth, &yes.to_f64(), &no.to_f64())),
    };
    folded(shape, data)
}

/// Numbers of data, or of constants among them.
fn choose_data(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let which = operand(inputs, 0)?;
    let truth = which.to_f64();
    let branches = [inputs.get(1), inputs.get(2)].map(|value| value.and_then(Option::as_ref));
    let [Some(yes), Some(no)] = branches else { return Err("a branch is missing".to_owned()) };
    let lead = if matches!(yes, Value::Data(_)) { yes } else { no };
    let mut dims = dims_of(lead)?;
    for shape in [extents(&dims_of(yes)?), extents(&dims_of(no)?), which.shape().to_vec()] {
        dims = broadcast_dims(&dims, &shape)?;
    }
    let whole = extents(&dims);
    let mut read: Vec<&Data> = Vec::new();
    let mut pickers: Vec<Box<dyn Fn(usize) -> Source>> = Vec::new();
    for value in [no, yes] {
        let map = broadcast_map(&extents(&dims_of(value)?), &whole);
        pickers.push(match value {
            Value::Data(data) => {
                read.push(data);
                let input = read.len() - 1;
                Box::new(move |unit| Source::Element { input, index: map[unit] })
            }
            _ => {
                let numbers = constant(Some(value)).ok_or("a branch is no constant")?.to_f64();
                Box::new(move |unit| Source::Constant(numbers[map[unit]]))
            }
        });
    }
    let places = broadcast_map(which.shape(), &whole).into_iter().enumerate();
    let sources: Vec<Source> =
        places.map(|(unit, place)| pickers[usize::from(truth[place] != 0.0)](unit)).collect();
    let finite = |source: &Source| match source {
        Source::Constant(value) => (*value as f32).is_finite(),
        Source::Element { .. } => true,
    };
    if !sources.iter().all(finite) {
        return Err("it chooses a constant that is NaN or infinite".to_owned());
    }
    one(context.push(node, &read, dims, Operator::View(View::new(sources.into_iter()))))
}

fn chosen<T: Copy>(places: &[[usize; 3]], truth: &[f64], yes: &[T], no: &[T]) -> Vec<T> {
    let pick = |&[i, j, k]: &[usize; 3]| if truth[i] != 0.0 { yes[j] } else { no[k] };
    places.iter().map(pick).collect()
}

/// Numbers that a folded range may have.
const LONGEST: f64 = (1 << 24) as f64;

/// start, start + step, … up to a limit.
pub(super) fn range(_: &mut Context, _: &GraphNode, inputs: &Inputs) -> Outcome {
    let ends = [operand(inputs, 0)?, operand(inputs, 1)?, operand(inputs, 2)?];
    let whole = ends.iter().all(|end| end.as_ints().is_some());
    let numbers = ends.map(|end| end.to_f64().first().copied().unwrap_or(f64::NAN));
    let [start, limit, step] = numbers;
    let count = ((limit - start) / step).ceil().max(0.0);
    if count.is_nan() || count > LONGEST {
        return Err(format!("a range from {start} to {limit} by {step} is not usable"));
    }
    let values = (0..count as usize).map(|i| start + i as f64 * step);
    let data = if whole {
        TensorData::I64(values.map(|value| value as i64).collect())
    } else {
        TensorData::F64(values.collect())
    };
    folded(vec![count as usize], data)
}
