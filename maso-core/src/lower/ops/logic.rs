//! Comparisons, logic, choice and ranges of constants, folded. Of data they are discontinuous.

use std::rc::Rc;

use super::super::context::{Context, constant};
use super::super::error::UnsupportedNode;
use super::super::value::{Data, Value, broadcast_map, extents, features};
use super::broadcast::broadcast_dims;
use super::elementwise::{joined, made};
use super::movement::dims_of;
use super::{Inputs, Outcome, constants, one};
use crate::graph::GraphNode;
use crate::network::Source;
use crate::tensor::{Tensor, TensorData};

/// Comparisons of data are truth values that no affine piece gives; what reads them says so.
fn of_data(node: &GraphNode, inputs: &Inputs) -> Option<Value> {
    let compared = |value: &Value| matches!(value, Value::Data(_));
    inputs.iter().flatten().find_map(|value| match value {
        Value::Truth(_) => Some(value.clone()),
        value if compared(value) => Some(Value::Truth(Rc::new(UnsupportedNode {
            name: node.name.clone(),
            op: node.op.clone(),
            why: "of data it is discontinuous".to_owned(),
        }))),
        _ => None,
    })
}

const ROWS: &str = "it compares the number of rows, which may be any";

/// Greater, Less, Equal and their kin; And, Or, Xor, Not.
pub(super) fn compare(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if let Some(truth) = of_data(node, inputs) {
        return Ok(vec![truth]);
    }
    let truth = |value: f64| value != 0.0;
    let tensors = constants(inputs).ok_or(ROWS)?;
    let wanted = if node.op == "Not" { 1 } else { 2 };
    if tensors.len() != wanted {
        return Err(format!("expected {wanted} inputs, found {}", tensors.len()));
    }
    let join: fn(&[f64]) -> bool = match node.op.as_str() {
        "Greater" => |x| x[0] > x[1],
        "GreaterOrEqual" => |x| x[0] >= x[1],
        "Less" => |x| x[0] < x[1],
        "LessOrEqual" => |x| x[0] <= x[1],
        "Equal" => |x| x[0] == x[1],
        "Not" => |x| x[0] == 0.0,
        "And" => |x| x[0] != 0.0 && x[1] != 0.0,
        "Or" => |x| x[0] != 0.0 || x[1] != 0.0,
        _ => |x| (x[0] != 0.0) != (x[1] != 0.0),
    };
    let (shape, values) = joined(context, &tensors, |x| f64::from(u8::from(join(x))))?;
    folded(shape, TensorData::Bool(values.into_iter().map(truth).collect()))
}

fn folded(shape: Vec<usize>, data: TensorData) -> Outcome {
    let tensor = Tensor::new(shape, data).ok_or("the folded constant has another size")?;
    Ok(vec![Value::constant(tensor)])
}

/// Numbers of one tensor or another, as a constant says.
pub(super) fn choose(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if let Some(Some(Value::Truth(by))) = inputs.first() {
        return Err(format!(
            "it selects by a comparison of data ({}, {}), as Hardshrink and Threshold do: it is discontinuous \
             unless both sides agree where it switches, which only Softshrink is known to; export a \
             continuous choice as Relu, LeakyRelu, Clip, Max or Min",
            by.name, by.op
        ));
    }
    if inputs.iter().skip(1).flatten().any(|value| matches!(value, Value::Data(_))) {
        return choose_data(context, node, inputs);
    }
    let tensors = constants(inputs).filter(|tensors| tensors.len() == 3);
    let tensors = tensors.ok_or("it chooses by or among numbers of rows, which may be any")?;
    let integer = tensors[1..].iter().all(|tensor| tensor.as_ints().is_some());
    let (shape, values) = joined(context, &tensors, |x| if x[0] != 0.0 { x[1] } else { x[2] })?;
    made(shape, values, integer)
}

/// Numbers of data, or of constants among them.
fn choose_data(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let which = constant(inputs.first().and_then(Option::as_ref));
    let which = which.ok_or("what it chooses by is not a constant")?;
    let truth = which.to_f64();
    let branches = [inputs.get(1), inputs.get(2)].map(|value| value.and_then(Option::as_ref));
    let [Some(yes), Some(no)] = branches else { return Err("a branch is missing".to_owned()) };
    let lead = if matches!(yes, Value::Data(_)) { yes } else { no };
    let mut dims = dims_of(lead)?;
    for shape in [extents(&dims_of(yes)?), extents(&dims_of(no)?), which.shape().to_vec()] {
        dims = broadcast_dims(&dims, &shape)?;
    }
    context.room(features(&dims).unwrap_or(usize::MAX), 4 * size_of::<Source>())?;
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
    one(context.view_of(node, &read, dims, sources.into_iter())?)
}

/// Numbers that a folded range may have.
const LONGEST: f64 = (1 << 24) as f64;

/// start, start + step, … up to a limit.
pub(super) fn range(_: &mut Context, _: &GraphNode, inputs: &Inputs) -> Outcome {
    let ends = constants(inputs).ok_or("its limits are not constants")?;
    let whole = ends.iter().all(|end| end.as_ints().is_some());
    let numbers: Vec<f64> = ends.iter().filter_map(|end| end.to_f64().first().copied()).collect();
    let [start, limit, step] = numbers[..] else {
        return Err("expected a start, a limit and a step".to_owned());
    };
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
