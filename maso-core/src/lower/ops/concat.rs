//! Concatenation: of data (with constants among it), of sizes, of constants.

use std::rc::Rc;

use super::super::context::{Context, constant};
use super::super::value::{Data, Dim, MOST_NUMBERS, Sizes, Value, extents, features};
use super::movement::dims_of;
use super::{Inputs, Outcome, data_axis, one};
use crate::graph::GraphNode;
use crate::network::Source;
use crate::tensor::{Tensor, TensorData};

/// Joins tensors along one axis: data (with constants among them), sizes, or constants.
pub(super) fn concat(context: &mut Context, node: &GraphNode, inputs: &Inputs) -> Outcome {
    let values: Vec<&Value> = inputs.iter().flatten().collect();
    let all: Vec<Vec<Dim>> = values.iter().map(|value| dims_of(value)).collect::<Result<_, _>>()?;
    let lead = values.iter().position(|value| matches!(value, Value::Data(_))).unwrap_or(0);
    let mut dims = all.get(lead).cloned().ok_or("it has no inputs")?;
    let axis = data_axis(node.int("axis", 0), &dims, "join along")?;
    let same = |other: &Vec<Dim>| {
        other.len() == dims.len()
            && (0..dims.len()).all(|a| a == axis || other[a].extent() == dims[a].extent())
    };
    if !all.iter().all(same) {
        return Err("its inputs differ in another axis than the joined one".to_owned());
    }
    let joined = all.iter().try_fold(0usize, |n, dims| n.checked_add(dims[axis].extent()));
    dims[axis] = Dim::Fixed(joined.ok_or("it has too many elements")?);
    let total = features(&dims).filter(|&total| total <= MOST_NUMBERS);
    let total = total.ok_or("it has too many elements")?;
    context.room(total, 2 * size_of::<f64>())?;
    let order = || concat_order(&all, axis);
    if values.iter().any(|value| matches!(value, Value::Data(_))) {
        return concat_data(context, node, &values, dims, order());
    }
    if let Some(sizes) = values.iter().map(|value| value.sizes()).collect::<Option<Vec<_>>>() {
        let data = order().map(|(input, index)| sizes[input].data[index]).collect();
        return Ok(vec![Sizes { shape: extents(&dims), data }.value()]);
    }
    let tensors: Option<Vec<Rc<Tensor>>> =
        values.iter().map(|value| constant(Some(value))).collect();
    let tensors = tensors.ok_or("it joins fractional numbers with the number of rows")?;
    let numbers: Vec<Vec<f64>> = tensors.iter().map(|tensor| tensor.to_f64()).collect();
    let data = order().map(|(input, index)| numbers[input][index]).collect();
    let tensor = Tensor::new(extents(&dims), TensorData::F64(data)).ok_or("its sizes differ")?;
    Ok(vec![Value::constant(tensor)])
}

/// For each element of the joined tensor, the input and its element.
fn concat_order(
    all: &[Vec<Dim>],
    axis: usize,
) -> impl Iterator<Item = (usize, usize)> + Clone + use<> {
    let size = |dims: &[Dim]| dims.iter().map(|dim| dim.extent()).product::<usize>();
    let outer = size(&all[0][..axis]);
    let chunks: Vec<usize> = all.iter().map(|dims| size(&dims[axis..])).collect();
    (0..outer).flat_map(move |at| {
        let chunks = chunks.clone().into_iter().enumerate();
        chunks.flat_map(move |(input, len)| (0..len).map(move |i| (input, at * len + i)))
    })
}

fn concat_data(
    context: &mut Context,
    node: &GraphNode,
    values: &[&Value],
    dims: Vec<Dim>,
    order: impl Iterator<Item = (usize, usize)> + Clone,
) -> Outcome {
    let mut data: Vec<&Data> = Vec::new();
    let mut places: Vec<Result<usize, Vec<f64>>> = Vec::new();
    for value in values {
        places.push(match value {
            Value::Data(branch) => {
                data.push(branch);
                Ok(data.len() - 1)
            }
            Value::Constant(tensor) => {
                let numbers = tensor.to_f64();
                if numbers.iter().any(|value| !(*value as f32).is_finite()) {
                    return Err("a joined constant is NaN or infinite".to_owned());
                }
                Err(numbers)
            }
            _ => return Err("it joins data with sizes".to_owned()),
        });
    }
    let source = |(input, index): (usize, usize)| match &places[input] {
        Ok(input) => Source::Element { input: *input, index },
        Err(numbers) => Source::Constant(numbers[index]),
    };
    one(context.view_of(node, &data, dims, order.map(source))?)
}
