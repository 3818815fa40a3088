//! A stack of the file's layers in the order that their names tell: Linear and Conv by the shape of
//! their weights, batch-norm by its statistics, one nonlinearity between.

use super::architecture::{Extents, Layer, Layers, Stack};
use super::names::{Group, groups};
use super::order::{Found, ordered};
use super::{Weights, WeightsError};

/// The layers of `weights`, one by one.
pub(super) fn layers(stack: &Stack, weights: &Weights) -> Result<Layers, WeightsError> {
    let found = groups(&weights.names())?.into_iter();
    let found = found.map(|group| Ok(Found { shape: shape(&group, weights)?, group }));
    let found = ordered(found.collect::<Result<_, WeightsError>>()?)?.into_iter();
    let (groups, shapes): (Vec<_>, Vec<_>) = found.map(|layer| (layer.group, layer.shape)).unzip();
    let transposed = orientation(&groups, &shapes, weights)?;
    let mut layers = Vec::new();
    let mut flat = stack.input.as_ref().is_none_or(|input| input.len() == 1);
    let last = shapes.iter().rposition(|shape| shape.len() > 1);
    for (index, (group, shape)) in groups.iter().zip(&shapes).enumerate() {
        let weight = group.weight.clone();
        let bias = group.bias.clone();
        let (none, all) = (Extents::None, || Extents::None);
        match shape.len() {
            2 => {
                if !std::mem::replace(&mut flat, true) {
                    layers.push(Layer::Flatten {});
                }
                let (params, transposed) = (None, transposed);
                layers.push(Layer::Linear { params, weight, bias, transposed });
            }
            3.. => {
                let (params, groups) = (None, None);
                let (stride, padding, dilation) = (none, all(), all());
                layers.push(Layer::Conv {
                    params,
                    weight,
                    bias,
                    stride,
                    padding,
                    dilation,
                    groups,
                });
            }
            _ if group.statistics => {
                layers.push(Layer::BatchNorm { params: group.stem.clone(), epsilon: None });
            }
            _ if bias.is_none() => layers.push(Layer::PRelu { params: None, weight }),
            _ => {
                return Err(WeightsError::Names {
                    reason: format!("{:?} is of no Linear, Conv, batch-norm or PReLU", group.stem),
                });
            }
        }
        let followed = groups.get(index + 1).zip(shapes.get(index + 1));
        let one_axis = followed.is_some_and(|(next, shape)| {
            shape.len() < 2 && (next.statistics || next.bias.is_none())
        });
        let slopes = shape.len() < 2 && !group.statistics;
        if !one_axis && !slopes && last.is_some_and(|last| index < last) {
            if matches!(stack.activation, Layer::PRelu { .. }) {
                let reason = format!("the file has no slopes of a PReLU after {:?}", group.stem);
                return Err(WeightsError::Names { reason });
            }
            layers.push(stack.activation.clone());
        }
    }
    Ok(Layers { input: stack.input.clone(), layers })
}

fn shape(group: &Group, weights: &Weights) -> Result<Vec<usize>, WeightsError> {
    match &group.weight {
        Some(weight) => weights.shape(weight),
        None => Err(WeightsError::Names {
            reason: format!("{:?} has a bias, but no weights", group.stem),
        }),
    }
}

/// Whether the matrices are (in, out): as their names' convention has it, or as their shapes tell.
fn orientation(
    groups: &[Group],
    shapes: &[Vec<usize>],
    weights: &Weights,
) -> Result<bool, WeightsError> {
    if let Some(known) = groups.iter().find_map(|group| group.transposed) {
        return Ok(known);
    }
    let mut matrices = Vec::new();
    for (group, shape) in groups.iter().zip(shapes) {
        if let [first, second] = shape[..] {
            let bias = group.bias.as_ref().map(|bias| weights.shape(bias)).transpose()?;
            matrices.push((first, second, bias.map(|shape| shape.iter().product::<usize>())));
        }
    }
    let fits = |transposed: bool| {
        let turned = |&(a, b, bias): &(usize, usize, Option<usize>)| {
            let (out, inputs) = if transposed { (b, a) } else { (a, b) };
            (out, inputs, bias)
        };
        let matrices: Vec<_> = matrices.iter().map(turned).collect();
        let biases = matrices.iter().all(|(out, _, bias)| bias.is_none_or(|bias| bias == *out));
        biases && matrices.windows(2).all(|pair| pair[0].0 == pair[1].1)
    };
    match (fits(false), fits(true)) {
        (true, false) => Ok(false),
        (false, true) => Ok(true),
        (true, true) => Err(WeightsError::Names {
            reason: "the matrices fit together both as (out, in) and as (in, out)".to_owned(),
        }),
        (false, false) => Err(WeightsError::Names {
            reason: "the matrices and biases do not fit together in the order of their names"
                .to_owned(),
        }),
    }
}
