//! What can be wrong with a model file.

use std::io;
use std::path::PathBuf;

use maso_core::LowerError;

use super::onnx::OnnxError;
use super::weights::WeightsError;

/// Why a model could not be loaded, and from where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file cannot be opened or read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is not a well-formed ONNX model.
    #[error("{} is not a usable ONNX model", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: OnnxError,
    },
    /// The file's weights do not make the network that its architecture describes.
    #[error("{} is not a usable model", path.display())]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: WeightsError,
    },
    /// The model is not a piecewise-affine network that can be represented.
    #[error("{}", path.display())]
    Lower {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        source: Box<LowerError>,
    },
}
