//! Model files.

mod error;
pub mod onnx;
pub mod side;

pub use error::ModelError;

use std::path::{Path, PathBuf};

use maso_core::{Graph, LowerOptions, Network, lower};

use crate::bytes::Bytes;
use side::Folder;

/// Reads and lowers a model file.
///
/// # Errors
/// If the file cannot be read, is not a model, or holds nodes that cannot be represented.
pub fn load(path: impl AsRef<Path>, options: &LowerOptions) -> Result<Network, ModelError> {
    let path = path.as_ref();
    let graph = read(path)?;
    lower(&graph, options)
        .map_err(|source| ModelError::Lower { path: path.to_owned(), source: source.into() })
}

/// Reads a model file without interpreting it.
///
/// # Errors
/// If the file cannot be read or is not a model.
pub fn read(path: impl AsRef<Path>) -> Result<Graph, ModelError> {
    let path = path.as_ref();
    let bytes =
        Bytes::open(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    onnx::read(&bytes, &Folder::new(folder))
        .map_err(|source| ModelError::Onnx { path: path.to_owned(), source })
}

/// Lowers a model that lies in memory and needs no side files.
///
/// # Errors
/// As [`load`]; `name` stands for the path.
pub fn load_bytes(name: &str, bytes: &[u8], options: &LowerOptions) -> Result<Network, ModelError> {
    let path = PathBuf::from(name);
    let graph = onnx::read(bytes, &side::NoFiles)
        .map_err(|source| ModelError::Onnx { path: path.clone(), source })?;
    lower(&graph, options).map_err(|source| ModelError::Lower { path, source: source.into() })
}
