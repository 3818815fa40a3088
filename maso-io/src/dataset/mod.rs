//! Data sets: rows of numbers in a file, converted and scaled block by block, never all at once.

mod element;
mod error;
pub mod npy;

pub use error::DataError;

use std::ops::Range;
use std::path::{Path, PathBuf};

use maso_core::eval::{RowError, Rows};

use crate::bytes::Bytes;
use element::Converter;
use npy::{Array, Header};

/// What happens to every number: round_f32(f64(raw) · scale + shift), once. The default leaves f32
/// numbers untouched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Factor.
    pub scale: f64,
    /// Added after.
    pub shift: f64,
}

impl Default for Scaling {
    fn default() -> Self {
        Self { scale: 1.0, shift: 0.0 }
    }
}

/// An array file seen as rows: the first axis counts rows, the others are flattened.
#[derive(Debug)]
pub struct Dataset {
    path: PathBuf,
    array: Array,
    rows: usize,
    width: usize,
    scaling: Scaling,
    converter: Converter,
}

impl Dataset {
    /// Opens a `.npy` file.
    ///
    /// # Errors
    /// If the file cannot be read, is not a usable array, or has no rows.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        let bytes = Bytes::open(path).map_err(|source| DataError::Read {
            what: "data",
            path: path.to_owned(),
            source,
        })?;
        Self::new(path.to_owned(), bytes)
    }

    /// An array file that is part of the program; `name` stands for the path.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self, DataError> {
        Self::new(PathBuf::from(name), Bytes::Static(bytes))
    }

    fn new(path: PathBuf, bytes: Bytes) -> Result<Self, DataError> {
        let array =
            Array::new(bytes).map_err(|source| DataError::Array { path: path.clone(), source })?;
        let Some((&rows, each)) = array.header().shape.split_first() else {
            return Err(DataError::NoRows { path, why: "it is a single number" });
        };
        let width = each.iter().product();
        if rows == 0 || width == 0 {
            let why = if rows == 0 { "its first axis is 0" } else { "its rows are empty" };
            return Err(DataError::NoRows { path, why });
        }
        let scaling = Scaling::default();
        let converter = Converter::new(array.header().element, scaling);
        Ok(Self { path, array, rows, width, scaling, converter })
    }

    /// The same data under another scaling.
    #[must_use]
    pub fn with_scaling(mut self, scaling: Scaling) -> Self {
        self.scaling = scaling;
        self.converter = Converter::new(self.array.header().element, scaling);
        self
    }

    /// What happens to every number.
    #[must_use]
    pub fn scaling(&self) -> Scaling {
        self.scaling
    }

    /// Where the data came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's element type and shape.
    #[must_use]
    pub fn header(&self) -> &Header {
        self.array.header()
    }

    /// How many rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Never: a data set without rows is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// All numbers, converted.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn to_vec(&self) -> Result<Vec<f32>, RowError> {
        let mut buffer = Vec::new();
        self.block(0..self.rows, &mut buffer).map(<[f32]>::to_vec)
    }
}

impl Rows for Dataset {
    fn count(&self) -> usize {
        self.rows
    }

    fn width(&self) -> usize {
        self.width
    }

    fn block<'a>(
        &'a self,
        range: Range<usize>,
        buffer: &'a mut Vec<f32>,
    ) -> Result<&'a [f32], RowError> {
        let bytes = self.array.elements(range.start * self.width..range.end * self.width);
        if let Some(rows) = self.converter.in_place(bytes) {
            return Ok(rows);
        }
        buffer.resize(range.len() * self.width, 0.0);
        self.converter.convert(bytes, buffer);
        Ok(buffer)
    }
}

/// Integer labels, one for each row of a data set.
///
/// # Errors
/// If the file is not a usable array of integers with one entry a row.
pub fn read_labels(path: impl AsRef<Path>) -> Result<Vec<i64>, DataError> {
    let path = path.as_ref();
    let bytes = Bytes::open(path).map_err(|source| DataError::Read {
        what: "labels",
        path: path.to_owned(),
        source,
    })?;
    labels(path.to_owned(), bytes)
}

/// Labels that are part of the program; `name` stands for the path.
///
/// # Errors
/// As [`read_labels`].
pub fn embedded_labels(name: &str, bytes: &'static [u8]) -> Result<Vec<i64>, DataError> {
    labels(PathBuf::from(name), Bytes::Static(bytes))
}

fn labels(path: PathBuf, bytes: Bytes) -> Result<Vec<i64>, DataError> {
    let array =
        Array::new(bytes).map_err(|source| DataError::Array { path: path.clone(), source })?;
    let header = array.header();
    if header.shape.iter().skip(1).any(|&extent| extent != 1) || header.shape.is_empty() {
        return Err(DataError::Labels { path, found: format!("shape {:?}", header.shape) });
    }
    let count = header.shape[0];
    element::integers(header.element, array.elements(0..count))
        .ok_or_else(|| DataError::Labels { path, found: format!("{} numbers", header.element) })
}
