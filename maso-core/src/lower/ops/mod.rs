//! What each operator of the file means. One table, one function for each operator, grouped by the
//! kind of node they make.

mod affine;
mod arithmetic;
mod broadcast;
mod concat;
mod convolution;
mod elementwise;
mod fold;
mod logic;
mod matmul;
mod movement;
mod nonlinear;
mod pool;
mod rearrange;
mod reduce;
mod reshape;
mod resize;
mod window;

use std::rc::Rc;

use super::context::{Context, constant};
use super::value::{Data, Dim, Value};
use crate::graph::GraphNode;
use crate::tensor::Tensor;

/// A node under lowering: its inputs' values, and what its function answers.
type Inputs = [Option<Value>];
type Outcome = Result<Vec<Value>, String>;
type Rule = fn(&mut Context, &GraphNode, &Inputs) -> Outcome;

/// The function of an operator.
fn rule(node: &GraphNode) -> Option<Rule> {
    match (node.domain.as_str(), node.op.as_str()) {
        ("", op) => standard(op),
        ("ai.onnx.ml", "Scaler") => Some(affine::scaler),
        _ => None,
    }
}

/// The function of a standard operator, or of the stand-in of a pattern.
fn standard(op: &str) -> Option<Rule> {
    Some(match op {
        "Gemm" => affine::gemm,
        "MatMul" => matmul::matmul,
        "BatchNormalization" => affine::batch_normalization,
        "Add" => arithmetic::add,
        "Sub" => arithmetic::sub,
        "Mul" => arithmetic::mul,
        "Div" => arithmetic::div,
        "Mod" => arithmetic::modulo,
        "Neg" => arithmetic::neg,
        "Pow" => elementwise::pow,
        "Sqrt" | "Reciprocal" | "Exp" | "Log" | "Sin" | "Cos" | "Sign" | "Round" | "Floor"
        | "Ceil" => elementwise::unary,
        "Sum" => arithmetic::sum,
        "Mean" => arithmetic::mean,
        "Conv" => convolution::conv,
        "ConvTranspose" => convolution::conv_transpose,
        "AveragePool" => pool::average_pool,
        "GlobalAveragePool" => pool::global_average_pool,
        "ReduceMean" => reduce::reduce_mean,
        "ReduceSum" => reduce::reduce_sum,
        "ReduceMax" => reduce::reduce_max,
        "ReduceMin" => reduce::reduce_min,
        "ReduceSoftMax" => reduce::reduce_soft_max,
        "ReduceLogSumExp" => reduce::reduce_log_sum_exp,
        "ReduceProd" => reduce::reduce_prod,
        "MaxPool" => pool::max_pool,
        "GlobalMaxPool" => pool::global_max_pool,
        "Relu" => nonlinear::relu,
        "LeakyRelu" => nonlinear::leaky_relu,
        "PRelu" => nonlinear::prelu,
        "Abs" => nonlinear::abs,
        "Clip" => nonlinear::clip,
        "HardSigmoid" => nonlinear::hard_sigmoid,
        "ThresholdedRelu" => nonlinear::thresholded_relu,
        "Shrink" => nonlinear::shrink,
        "Softshrink" => nonlinear::softshrink,
        "Sigmoid" => nonlinear::sigmoid,
        "Tanh" => nonlinear::tanh,
        "Softplus" => nonlinear::softplus,
        "Swish" => nonlinear::swish,
        "Gelu" => nonlinear::gelu,
        "Mish" => nonlinear::mish,
        "HardSwish" => nonlinear::hard_swish,
        "Max" => nonlinear::max,
        "Min" => nonlinear::min,
        "Identity" => movement::identity,
        "Dropout" => movement::dropout,
        "Cast" => movement::cast,
        "CastLike" => movement::cast_like,
        "Flatten" => reshape::flatten,
        "Reshape" => reshape::reshape,
        "Transpose" => movement::transpose,
        "Squeeze" => reshape::squeeze,
        "Unsqueeze" => reshape::unsqueeze,
        "Slice" => movement::slice,
        "Gather" => movement::gather,
        "GatherND" => movement::gather_nd,
        "Concat" => concat::concat,
        "Split" => rearrange::split,
        "Expand" => rearrange::expand,
        "Tile" => rearrange::tile,
        "Pad" => rearrange::pad,
        "DepthToSpace" => rearrange::depth_to_space,
        "SpaceToDepth" => rearrange::space_to_depth,
        "Resize" => resize::resize,
        "Upsample" => resize::upsample,
        "Constant" => fold::constant,
        "ConstantOfShape" => fold::constant_of_shape,
        "Shape" => fold::shape,
        "Size" => fold::size_of_tensor,
        "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" | "Equal" | "And" | "Or" | "Xor"
        | "Not" => logic::compare,
        "Where" => logic::choose,
        "Range" => logic::range,
        _ => return None,
    })
}

/// Whether an operator takes its first input as data only; of constants it is folded by itself.
fn takes_data(node: &GraphNode) -> bool {
    let pools = ["AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool"];
    let reductions = [
        "ReduceMean",
        "ReduceSum",
        "ReduceMax",
        "ReduceMin",
        "ReduceLogSumExp",
        "Max",
        "Min",
        "Mean",
    ];
    let sums = ["Gemm", "MatMul", "Conv", "ConvTranspose", "BatchNormalization", "Scaler"];
    let splines = ["Relu", "LeakyRelu", "PRelu", "Abs", "Clip", "HardSigmoid", "Shrink"];
    let others = ["ThresholdedRelu", "Softshrink", "Pad", "Resize", "Upsample"];
    let op = node.op.as_str();
    let soft = ["Sigmoid", "Tanh", "Softplus", "Swish", "Gelu", "Mish", "HardSwish"];
    [&pools[..], &reductions, &sums, &splines, &soft, &others].iter().any(|ops| ops.contains(&op))
}

/// The inputs as constants, if they are all given and constants.
fn constants(inputs: &Inputs) -> Option<Vec<Rc<Tensor>>> {
    inputs.iter().map(|value| constant(value.as_ref())).collect()
}

/// Whether all inputs that are given are constants.
fn is_constant(inputs: &Inputs) -> bool {
    !inputs.is_empty() && inputs.iter().flatten().all(|v| matches!(v, Value::Constant(_)))
}

/// Integers that were folded as f64, truncated where they were divided; beyond 2⁵³ they are not exact.
fn whole_numbers(values: &[f64]) -> Result<Vec<i64>, String> {
    let whole = |&value: &f64| {
        let near = value.round();
        let whole = if (value - near).abs() < 1e-6 { near } else { value.trunc() };
        (whole.abs() <= 9_007_199_254_740_992.0).then_some(whole as i64)
    };
    let all: Option<_> = values.iter().map(whole).collect();
    all.ok_or_else(|| "a folded integer is beyond 2^53, or not a number".to_owned())
}

/// Axes that a tensor may have.
const MOST_AXES: usize = 64;

/// Lowers one node, or records why it cannot be.
pub(super) fn lower_node(context: &mut Context, node: &GraphNode) {
    let inputs = context.inputs(node);
    let outcome = outcome(context, node, &inputs);
    context.define(node, outcome);
}

fn outcome(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let given = context.nonlinearities.as_ref().and_then(|given| given.spline(node)).is_some();
    let rule = if given { Some(nonlinear::given as Rule) } else { rule(node) };
    let rule = rule.ok_or_else(|| why_not(node, inputs))?;
    if inputs.iter().flatten().any(|value| value.rank() > MOST_AXES) {
        return Err(format!("a tensor that it reads has more than {MOST_AXES} axes"));
    }
    if let Some(why) = never_of_data(node, inputs) {
        return Err(why.to_owned());
    }
    if inputs.iter().flatten().any(Value::is_unknown) {
        let of_data = reads_data(inputs);
        return Ok(vec![Value::Unknown { of_data }; node.outputs.len()]);
    }
    if has_moved_rows(inputs) && !takes_moved_rows(node) {
        return Err("the row axis is not the first axis of its input".to_owned());
    }
    if reads_truth(inputs) && !takes_truth(node) {
        return Err(COMPARED.to_owned());
    }
    if takes_data(node) && is_constant(inputs) {
        return fold::alone(context, node, inputs, rule);
    }
    rule(context, node, inputs)
}

/// Why a node cannot be represented, whatever is known of the data it reads.
fn never_of_data(node: &GraphNode, inputs: &Inputs) -> Option<&'static str> {
    if is_product(node, inputs) {
        return Some(PRODUCT);
    }
    elementwise::of_data(&node.op).filter(|_| reads_data(inputs))
}

/// Whether an input depends on the row.
fn reads_data(inputs: &Inputs) -> bool {
    inputs.iter().flatten().any(Value::is_of_data)
}

/// Whether an input has its row axis elsewhere than first.
fn has_moved_rows(inputs: &Inputs) -> bool {
    inputs.iter().flatten().any(Value::has_moved_rows)
}

const COMPARED: &str = "it reads a comparison of data, which is discontinuous";

/// Whether an input compares data.
fn reads_truth(inputs: &Inputs) -> bool {
    inputs.iter().flatten().any(|value| matches!(value, Value::Truth(_)))
}

/// Operators that pass truth values on, or say what choosing by them means.
fn takes_truth(node: &GraphNode) -> bool {
    let logic = ["And", "Or", "Xor", "Not", "Equal", "Identity", "Cast", "Where"];
    logic.contains(&node.op.as_str())
}

const ROWS_MIX: &str = "it computes with the number of rows, so rows would mix";

const SMOOTH: &str = "smooth, not piecewise affine";

const DISCONTINUOUS: &str = "discontinuous, so it is no continuous piecewise-affine map";

/// Operators that know of a row axis elsewhere; exporters put them around a GatherND.
fn takes_moved_rows(node: &GraphNode) -> bool {
    matches!(node.op.as_str(), "Transpose" | "GatherND" | "Identity")
}

const PRODUCT: &str = "a product or quotient of two tensors that both depend on the input is not \
                       piecewise affine";

/// Whether the node multiplies or divides two tensors that depend on the input.
fn is_product(node: &GraphNode, inputs: &Inputs) -> bool {
    matches!(node.op.as_str(), "Mul" | "Div" | "MatMul" | "Gemm")
        && inputs.iter().take(2).flatten().filter(|value| value.is_of_data()).count() == 2
}

/// Why an operator that has no function cannot be represented.
fn why_not(node: &GraphNode, inputs: &Inputs) -> String {
    if !node.domain.is_empty() {
        return format!("operators of domain {:?} are not known", node.domain);
    }
    if is_constant(inputs) {
        return "of constants it is not folded: export the model with its constants folded"
            .to_owned();
    }
    match node.op.as_str() {
        "Erf" | "Softsign" | "Elu" | "Selu" | "Celu" | "Tan" => SMOOTH.to_owned(),
        "Softmax" | "LogSoftmax" => {
            "smooth; it is only left off where it ends the network".to_owned()
        }
        "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "RMSNormalization"
        | "LpNormalization"
        | "LRN" => {
            "divides by a statistic of its own input, so it is not piecewise affine".to_owned()
        }
        "ArgMax" | "ArgMin" => DISCONTINUOUS.to_owned(),
        "If" | "Loop" | "Scan" => "control flow is not supported".to_owned(),
        _ => "the operator is not supported".to_owned(),
    }
}

/// The data tensor at input `index`.
fn data(inputs: &Inputs, index: usize) -> Result<Data, String> {
    match inputs.get(index) {
        Some(Some(Value::Data(data))) => Ok(data.clone()),
        Some(Some(_)) => Err(format!("input {index} is a constant, where data is expected")),
        _ => Err(format!("input {index} is missing")),
    }
}

/// The outcome of a node that makes one data tensor.
fn one(data: Data) -> Outcome {
    Ok(vec![Value::Data(data)])
}

/// The constant at input `index`, as f64 numbers with their shape.
fn weights(inputs: &Inputs, index: usize, what: &str) -> Result<(Vec<f64>, Vec<usize>), String> {
    match inputs.get(index) {
        Some(Some(Value::Constant(tensor))) => Ok((tensor.to_f64(), tensor.shape().to_vec())),
        Some(Some(_)) => Err(format!("its {what} (input {index}) is not a constant")),
        _ => Err(format!("its {what} (input {index}) is missing")),
    }
}

/// Whether input `index` is given.
fn present(inputs: &Inputs, index: usize) -> bool {
    matches!(inputs.get(index), Some(Some(_)))
}

/// The integers of the constant at input `index`; `None` if it is absent.
fn ints(inputs: &Inputs, index: usize, what: &str) -> Result<Option<Vec<i64>>, String> {
    match inputs.get(index) {
        None | Some(None) => Ok(None),
        Some(Some(Value::Constant(tensor))) => match tensor.as_ints() {
            Some(values) => Ok(Some(values.to_vec())),
            None => Err(format!("its {what} (input {index}) are not integers")),
        },
        Some(Some(Value::Sizes(_))) => Err(format!(
            "its {what} (input {index}) hold the number of rows, so rows would mix: export the model with \
             a fixed batch of 1"
        )),
        Some(Some(_)) => Err(format!("its {what} (input {index}) are not constant")),
    }
}

/// `axis` counted from the front; negative ones count from the back of `rank`.
fn axis_of(axis: i64, rank: usize) -> Result<usize, String> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    let valid = usize::try_from(from_front).ok().filter(|&axis| axis < rank);
    valid.ok_or_else(|| format!("axis {axis} is outside a tensor of {rank} axes"))
}

/// Like [`axis_of`], and not the row axis.
fn data_axis(axis: i64, dims: &[Dim], what: &str) -> Result<usize, String> {
    let axis = axis_of(axis, dims.len())?;
    if dims[axis] == Dim::Rows {
        return Err(format!("it would {what} the row axis, so rows would mix"));
    }
    Ok(axis)
}
