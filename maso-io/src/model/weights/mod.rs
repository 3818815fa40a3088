//! Models kept as weights alone (`.safetensors`, `.npz`): named tensors, and an architecture that says
//! which layers they are of. Together they make the same graph as an ONNX file would.

pub mod architecture;
mod build;
mod names;
mod stack;

pub use architecture::{Architecture, ArchitectureError};

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
    #[error("{reason}; describe the layers in a file, with --arch FILE.json")]
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
    let weights = Weights { arrays, limits: how.limits };
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
    limits: Limits,
}

impl Weights {
    fn names(&self) -> Vec<String> {
        self.arrays.names()
    }

    fn has(&self, name: &str) -> bool {
        self.names().iter().any(|known| known == name)
    }

    /// The shape of a tensor, without its numbers.
    fn shape(&self, name: &str) -> Result<Vec<usize>, WeightsError> {
        Ok(self.array(name)?.header().shape.clone())
    }

    fn array(&self, name: &str) -> Result<Array, WeightsError> {
        Ok(self.arrays.named(name, &self.limits)?)
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
