//! Model files: ONNX, and weights (`.safetensors`, `.npz`) with a description of the layers between them.

mod error;
pub mod onnx;
pub mod side;
pub mod weights;

pub use error::ModelError;
pub use weights::{Architecture, WeightsError};

use std::path::{Path, PathBuf};

use maso_core::{Graph, LowerOptions, Network, lower};

use crate::bytes::{Access, Store};
use crate::limits::Limits;
use crate::sniff::{self, Format};
use side::{Folder, NoFiles, SideFiles};

/// How a model file is read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReadOptions {
    /// How its bytes are reached.
    pub access: Access,
    /// What it may ask for.
    pub limits: Limits,
    /// The layers, for files that hold weights alone.
    pub architecture: Option<Architecture>,
}

/// Reads and lowers a model file.
///
/// # Errors
/// If the file cannot be read, is not a model, or holds nodes that cannot be represented.
pub fn load(path: impl AsRef<Path>, options: &LowerOptions) -> Result<Network, ModelError> {
    load_with(path, options, &ReadOptions::default())
}

/// Reads a model file as `how` says, and lowers it.
///
/// # Errors
/// As [`load`].
pub fn load_with(
    path: impl AsRef<Path>,
    options: &LowerOptions,
    how: &ReadOptions,
) -> Result<Network, ModelError> {
    let path = path.as_ref();
    network(path, &read(path, how)?, options)
}

/// Reads a model file without interpreting it.
///
/// # Errors
/// If the file cannot be read or is not a model.
pub fn read(path: impl AsRef<Path>, how: &ReadOptions) -> Result<Graph, ModelError> {
    let path = path.as_ref();
    let store = Store::open(path, how.access)
        .map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let files = Folder::new(folder).with_limit(how.limits.model_bytes);
    of_store(path, store, &files, how)
}

/// Lowers a model that lies in memory and needs no side files; `name` stands for the path.
///
/// # Errors
/// As [`load`].
pub fn load_bytes(
    name: &str,
    bytes: Vec<u8>,
    options: &LowerOptions,
    how: &ReadOptions,
) -> Result<Network, ModelError> {
    let path = Path::new(name);
    network(path, &of_store(path, Store::owned(bytes), &NoFiles, how)?, options)
}

/// Lowers what was read from `path`, for messages.
///
/// # Errors
/// If the graph holds nodes that cannot be represented.
pub fn network(path: &Path, graph: &Graph, options: &LowerOptions) -> Result<Network, ModelError> {
    lower(graph, options)
        .map_err(|source| ModelError::Lower { path: path.to_owned(), source: source.into() })
}

fn of_store(
    path: &Path,
    store: Store,
    files: &dyn SideFiles,
    how: &ReadOptions,
) -> Result<Graph, ModelError> {
    let owned = || path.to_owned();
    let read = |source| ModelError::Read { path: owned(), source };
    let (found, limit) = (store.len(), how.limits.model_bytes);
    if found > limit {
        let reason = format!("it has {found} bytes, the limit is {limit} (Limits::model_bytes)");
        return Err(read(std::io::Error::other(reason)));
    }
    let format = sniff::format(&store.front(64).map_err(read)?);
    if matches!(format, Format::Safetensors | Format::Zip) {
        return weights::read(store, format, how)
            .map_err(|source| ModelError::Weights { path: owned(), source });
    }
    if how.architecture.is_some() && format == Format::Onnx {
        let source = WeightsError::NotWeights;
        return Err(ModelError::Weights { path: owned(), source });
    }
    let mut buffer = Vec::new();
    let bytes = store.read(0..store.len(), &mut buffer).map_err(read)?;
    onnx::read(bytes, files, &how.limits)
        .map_err(|source| ModelError::Onnx { path: owned(), source })
}
