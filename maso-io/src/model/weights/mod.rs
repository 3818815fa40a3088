//! Models kept as weights alone (`.safetensors`, `.npz`): named tensors, and an architecture that says
//! which layers they are of. Together they make the same graph as an ONNX file would.

pub mod architecture;
mod build;
mod names;
mod order;
mod shapes;
mod stack;

pub use architecture::{Architecture, ArchitectureError};
pub use shapes::settle;

use std::collections::HashSet;

use maso_core::Graph;
use maso_core::tensor::{Tensor, TensorData};

use super::ReadOptions;
use crate::array::{Array, ArrayError, Arrays, widen_each};
use crate::bytes::Store;
use crate::limits::Limits;
use crate::sniff::Format;

/// Why weights and an architecture are not a network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The archive is damaged.
    #[error(transparent)]
    Array(#[from] ArrayError),
    /// Nothing says which layers the weights are of.
    #[error(
        "it holds weights alone ({}), and nothing says which layers they are of: say --arch mlp:relu (a \
         stack of the layers in order) or --arch FILE.json (docs/formats.md shows one)",
        shown(names)
    )]
    NoArchitecture {
        /// The tensors.
        names: Vec<String>,
    },
    /// An architecture was given with a model that has its own.
    #[error("it is an ONNX model, which holds its own architecture; leave --arch out")]
    NotWeights,
    /// A tensor is not usable as a weight.
    #[error("tensor {tensor:?}: {reason}")]
    Tensor {
        /// Its name.
        tensor: String,
        /// What is wrong.
        reason: String,
    },
    /// The names do not say which layers the tensors are of.
    #[error("{reason}; use --arch FILE.json, see docs/formats.md")]
    Names {
        /// What is unclear.
        reason: String,
    },
    /// A layer does not fit its weights or the layer before.
    #[error("layer {layer}: {reason}")]
    Layer {
        /// The layer.
        layer: String,
        /// What does not fit.
        reason: String,
    },
}

/// The layers of a graph that [`read`](super::read) made of weights, by the names of their parameters
/// and in their order: what a stack's names were taken to say.
#[must_use]
pub fn layer_order(graph: &Graph) -> Vec<String> {
    let layers = graph.nodes.iter().filter(|node| {
        let ops = ["Gemm", "Conv", "ConvTranspose", "BatchNormalization", "PRelu"];
        ops.contains(&node.op.as_str())
    });
    let stem = |name: &String| {
        let end = name.rsplit_once('.').filter(|(_, role)| build::ROLES.contains(role));
        end.map_or(name.clone(), |(stem, _)| stem.to_owned())
    };
    layers.map(|node| stem(&node.name)).collect()
}

fn shown(names: &[String]) -> String {
    let mut shown = names.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 6 {
        shown += ", …";
    }
    shown
}

/// The graph of an archive's weights under the architecture of `how`.
pub(super) fn read(store: Store, format: Format, how: &ReadOptions) -> Result<Graph, WeightsError> {
    let arrays = Arrays::open(store, format, &how.limits)?;
    let known = arrays.names().into_iter().collect();
    let weights = Weights { arrays, known, limits: how.limits };
    match &how.architecture {
        None => Err(WeightsError::NoArchitecture { names: weights.names() }),
        Some(Architecture::Stack(stack)) => {
            build::graph(&stack::layers(stack, &weights)?, &weights)
        }
        Some(Architecture::Layers(layers)) => build::graph(layers, &weights),
    }
}

/// Named tensors of a file.
#[derive(Debug)]
struct Weights {
    arrays: Arrays,
    known: HashSet<String>,
    limits: Limits,
}

impl Weights {
    fn names(&self) -> Vec<String> {
        self.arrays.names()
    }

    fn has(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    /// The shape of a tensor, without its numbers.
    fn shape(&self, name: &str) -> Result<Vec<usize>, WeightsError> {
        Ok(self.array(name)?.header().shape.clone())
    }

    fn array(&self, name: &str) -> Result<Array, WeightsError> {
        Ok(self.arrays.named(name, &self.limits)?)
    }

    /// Whether tensor `name` may be held beside `held` numbers; f64 is what they may take.
    fn check_total(&self, name: &str, held: usize) -> Result<(), WeightsError> {
        let error = |reason| WeightsError::Tensor { tensor: name.to_owned(), reason };
        let limit = self.limits.constant_bytes;
        let own = self.limits.check_shape(&self.shape(name)?).map_err(error)?;
        let total = own.checked_add(held).and_then(|all| u64::try_from(all).ok()?.checked_mul(8));
        if total.is_some_and(|bytes| bytes <= limit) {
            return Ok(());
        }
        Err(error(format!(
            "with it the weights would take more than {limit} bytes (Limits::constant_bytes); describe \
             fewer layers"
        )))
    }

    /// The numbers of a tensor: f32, or f64 where those say more.
    fn tensor(&self, name: &str) -> Result<Tensor, WeightsError> {
        let error = |reason| WeightsError::Tensor { tensor: name.to_owned(), reason };
        let array = self.array(name)?;
        let header = array.header();
        let len = self.limits.check_shape(&header.shape).map_err(error)?;
        if header.element.is_integer() {
            return Err(error(format!("its elements are {}; expected floats", header.element)));
        }
        let mut buffer = Vec::new();
        let bytes = array.elements(0..len, &mut buffer).map_err(|e| error(e.to_string()))?;
        let mut numbers = vec![0.0; len];
        widen_each(header.element, bytes, |place, value| numbers[place] = value);
        #[allow(clippy::cast_possible_truncation, reason = "used only where it is exact")]
        let single: Vec<f32> = numbers.iter().map(|&value| value as f32).collect();
        let exact =
            single.iter().zip(&numbers).all(|(&a, &b)| f64::from(a).to_bits() == b.to_bits());
        let data = if exact { TensorData::F32(single) } else { TensorData::F64(numbers) };
        Tensor::new(header.shape.clone(), data).ok_or_else(|| error("its size changed".to_owned()))
    }
}
