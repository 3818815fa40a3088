//! Elementwise arithmetic: on data with a constant (scale and shift), on two branches (sum), on
//! constants (folded in f64), on sizes (folded with the number of rows as a symbol).

use super::super::context::{Context, constant};
use super::super::value::{
    Data, Dim, Size, Sizes, Value, broadcast_map, broadcast_shape, checked, extents, features,
};
use super::broadcast::{broadcast_constant, broadcast_data};
use super::{Inputs, Outcome, ROWS_MIX, axis_of, data, elementwise, one, weights};
use crate::graph::GraphNode;
use crate::network::{Operator, PerUnit};

#[derive(Clone, Copy, PartialEq)]
enum Op {
    Add,
    Sub,
    Mul,
    Div,
    /// Remainder with the divisor's sign.
    Mod,
    /// Remainder with the dividend's sign.
    Fmod,
}

pub(super) fn add(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    binary(context, node, inputs, Op::Add)
}

pub(super) fn sub(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    binary(context, node, inputs, Op::Sub)
}

pub(super) fn mul(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    binary(context, node, inputs, Op::Mul)
}

pub(super) fn div(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    binary(context, node, inputs, Op::Div)
}

pub(super) fn modulo(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let op = if node.int("fmod", 0) == 0 { Op::Mod } else { Op::Fmod };
    binary(context, node, inputs, op)
}

fn binary(context: &mut Context, node: &GraphNode, inputs: &Inputs, op: Op) -> Outcome {
    let [Some(a), Some(b)] = inputs else {
        return Err(format!("expected two inputs, found {}", inputs.len()));
    };
    match (a, b) {
        (Value::Data(a), Value::Data(b)) => {
            if !matches!(op, Op::Add | Op::Sub) {
                return Err("two branches can only be added or subtracted".to_owned());
            }
            one(branch_sum(context, node, a, b, op == Op::Sub)?)
        }
        (Value::Data(x), _) => {
            with_constant(context, node, x, &operand(context, node, inputs, x)?, op)
        }
        (_, Value::Data(x)) => {
            let operand = weights(inputs, 0, "operand")?;
            match op {
                Op::Add | Op::Mul => with_constant(context, node, x, &operand, op),
                Op::Sub => {
                    let (x, shift) = broadcast_constant(context, node, x, &operand.0, &operand.1)?;
                    one(context.scale_shift(node, &x, PerUnit::uniform(-1.0), shift)?)
                }
                _ => Err("it divides by a tensor that depends on the input".to_owned()),
            }
        }
        _ => fold(context, a, b, op),
    }
}

/// The constant on the right. Before operator set 7 its axes began at an attribute's.
fn operand(
    context: &Context,
    node: &GraphNode,
    inputs: &Inputs,
    x: &Data,
) -> Result<(Vec<f64>, Vec<usize>), String> {
    let (values, mut shape) = weights(inputs, 1, "operand")?;
    if context.is_old() && node.attributes.contains_key("axis") {
        let axis = axis_of(node.int("axis", 0), x.dims.len())?;
        let behind = x.dims.len().checked_sub(axis + shape.len());
        shape.extend(vec![1; behind.ok_or("its operand has too many axes")?]);
    }
    Ok((values, shape))
}

/// `x op constant` as a scale and a shift.
fn with_constant(
    context: &mut Context,
    node: &GraphNode,
    x: &Data,
    (values, shape): &(Vec<f64>, Vec<usize>),
    op: Op,
) -> Outcome {
    let (x, value) = broadcast_constant(context, node, x, values, shape)?;
    let (zero, one_) = (PerUnit::uniform(0.0), PerUnit::uniform(1.0));
    let (scale, shift) = match op {
        Op::Add => (one_, value),
        Op::Sub => (one_, value.map(|value| -value)),
        Op::Mul => (value, zero),
        Op::Div => (value.map(|value| 1.0 / value), zero),
        Op::Mod | Op::Fmod => return Err("a remainder of data is discontinuous".to_owned()),
    };
    one(context.scale_shift(node, &x, scale, shift)?)
}

/// `a + b` or `a − b`, each repeated to their common shape.
pub(super) fn branch_sum(
    context: &mut Context,
    node: &GraphNode,
    a: &Data,
    b: &Data,
    negate: bool,
) -> Result<Data, String> {
    let a = broadcast_data(context, node, a, &extents(&b.dims))?;
    let b = broadcast_data(context, node, b, &extents(&a.dims))?;
    context.push(node, &[&a, &b], a.dims.clone(), Operator::Sum { negate })
}

/// −x.
pub(super) fn neg(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    if !matches!(inputs.first(), Some(Some(Value::Data(_)))) {
        return elementwise::unary(context, node, inputs);
    }
    let (minus, zero) = (PerUnit::uniform(-1.0), PerUnit::uniform(0.0));
    one(context.scale_shift(node, &data(inputs, 0)?, minus, zero)?)
}

/// The sum of any number of branches and constants, in input order.
pub(super) fn sum(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let first = inputs.first().cloned().ok_or("it has no inputs")?;
    if inputs.len() == 1 {
        return super::movement::identity(context, node, inputs);
    }
    let mut total = vec![first.ok_or("its first input is missing")?];
    for next in &inputs[1..] {
        total = binary(context, node, &[total.pop(), next.clone()], Op::Add)?;
    }
    Ok(total)
}

/// The mean of any number of branches and constants.
pub(super) fn mean(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let factor = PerUnit::uniform(1.0 / inputs.len() as f64);
    match sum(context, node, inputs)?.first() {
        Some(Value::Data(total)) => {
            one(context.scale_shift(node, total, factor, PerUnit::uniform(0.0))?)
        }
        _ => Err("none of its inputs depends on the data".to_owned()),
    }
}

/// `a op b` of two constants.
fn fold(context: &Context, a: &Value, b: &Value, op: Op) -> Outcome {
    if let (Some(a), Some(b)) = (a.sizes(), b.sizes()) {
        let (shape, pairs) = pair_up(context, &a.shape, &b.shape)?;
        let sized = |(i, j): &(usize, usize)| size_op(a.data[*i], b.data[*j], op);
        let data = pairs.iter().map(sized).collect::<Result<_, _>>()?;
        return Ok(vec![Sizes { shape, data }.value()]);
    }
    let (Some(a), Some(b)) = (constant(Some(a)), constant(Some(b))) else {
        return Err("it mixes the number of rows with fractional numbers".to_owned());
    };
    let (shape, pairs) = pair_up(context, a.shape(), b.shape())?;
    let (x, y) = (a.to_f64(), b.to_f64());
    let number = |&(i, j): &(usize, usize)| match op {
        Op::Add => x[i] + y[j],
        Op::Sub => x[i] - y[j],
        Op::Mul => x[i] * y[j],
        Op::Div => x[i] / y[j],
        Op::Mod => x[i] - y[j] * (x[i] / y[j]).floor(),
        Op::Fmod => x[i] % y[j],
    };
    elementwise::made(shape, pairs.iter().map(number).collect(), false)
}

/// Which two elements each element joins.
type Pairs = Vec<(usize, usize)>;

/// The broadcast shape of two constants, and the two elements each of its elements joins.
fn pair_up(context: &Context, a: &[usize], b: &[usize]) -> Result<(Vec<usize>, Pairs), String> {
    let misfit = || format!("constants of shapes {a:?} and {b:?} do not broadcast");
    let shape = broadcast_shape(a, b).ok_or_else(misfit)?;
    let dims = checked(shape.iter().copied().map(Dim::Fixed).collect())?;
    // Two maps, what they give in pairs, and the numbers joined.
    context.room(features(&dims).unwrap_or(usize::MAX), 5 * size_of::<usize>())?;
    let maps = broadcast_map(a, &shape).into_iter().zip(broadcast_map(b, &shape));
    Ok((shape.clone(), maps.collect()))
}

/// Integer arithmetic; the number of rows survives only what leaves it as it is.
fn size_op(a: Size, b: Size, op: Op) -> Result<Size, String> {
    use Size::{Known, Rows};
    match (a, b, op) {
        (Known(a), Known(b), _) => known_op(a, b, op).map(Known),
        (Rows, Known(0), Op::Add | Op::Sub)
        | (Known(0), Rows, Op::Add)
        | (Rows, Known(1), Op::Mul | Op::Div)
        | (Known(1), Rows, Op::Mul) => Ok(Rows),
        _ => Err(ROWS_MIX.to_owned()),
    }
}

fn known_op(a: i64, b: i64, op: Op) -> Result<i64, String> {
    let result = match op {
        Op::Add => a.checked_add(b),
        Op::Sub => a.checked_sub(b),
        Op::Mul => a.checked_mul(b),
        Op::Div => a.checked_div(b),
        Op::Mod => a.checked_rem(b).map(|r| if r != 0 && (r < 0) != (b < 0) { r + b } else { r }),
        Op::Fmod => a.checked_rem(b),
    };
    result.ok_or_else(|| format!("integer arithmetic on {a} and {b} overflows or divides by 0"))
}
