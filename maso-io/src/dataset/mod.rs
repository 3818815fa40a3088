//! Data sets: rows of numbers in a file, converted and scaled block by block, never all at once (but
//! for compressed files and Parquet).

mod columns;
mod csv;
mod error;
mod open;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_pages;
mod prepare;

pub use crate::array::{ArrayError, Element, Header, NpyError};
pub use crate::bytes::Access;
pub use columns::Columns;
pub use error::DataError;
pub use open::OpenOptions;
pub use prepare::{Layout, Preparation, Scaling};

use std::ops::Range;
use std::path::{Path, PathBuf};

use maso_core::eval::{RowError, Rows};

use crate::array::Array;
use crate::bytes::Store;
use open::Role;
use prepare::Prepared;

/// A file seen as rows: the first axis counts rows, the others are flattened.
#[derive(Debug)]
pub struct Dataset {
    path: PathBuf,
    source: Source,
    header: Header,
    rows: usize,
    width: usize,
    prepared: Prepared,
}

/// Where the numbers are.
#[derive(Debug)]
enum Source {
    /// Elements in a file, or inflated in memory.
    Array(Array),
    /// Lines of text.
    Table(Box<csv::Table>),
    /// Numbers in memory.
    #[cfg(feature = "parquet")]
    Held(parquet::Held),
}

const DATA: Role = Role { what: "data", array: "--array", columns: "--columns" };
const LABELS: Role = Role { what: "labels", array: "--labels-array", columns: "--labels-array" };

impl Dataset {
    /// Opens a data file: `.npy`, `.npz`, `.safetensors`, IDX or CSV (each of them also in gzip), or with
    /// the feature `parquet` a Parquet file. Its content says which it is, not its name.
    ///
    /// # Errors
    /// If the file cannot be read, is not usable, or has no rows.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// Opens a data file as the options say.
    ///
    /// # Errors
    /// As [`open`](Self::open); or if the file has no array or column of the name.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self, DataError> {
        let path = path.as_ref();
        let (source, header) = open::open(path, options, DATA)?;
        Self::new(path.to_owned(), source, header)
    }

    /// A data file that is part of the program; `name` stands for the path.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self, DataError> {
        Self::of_store(name, Store::fixed(bytes), &OpenOptions::default())
    }

    /// A data file that lies in memory; `name` stands for the path.
    ///
    /// # Errors
    /// As [`open_with`](Self::open_with).
    pub fn from_bytes(
        name: &str,
        bytes: Vec<u8>,
        options: &OpenOptions,
    ) -> Result<Self, DataError> {
        Self::of_store(name, Store::owned(bytes), options)
    }

    fn of_store(name: &str, store: Store, options: &OpenOptions) -> Result<Self, DataError> {
        let (source, header) = open::of_store(Path::new(name), store, options, DATA)?;
        Self::new(PathBuf::from(name), source, header)
    }

    fn new(path: PathBuf, source: Source, header: Header) -> Result<Self, DataError> {
        let (rows, width) = open::rows_of(&path, &source, &header)?;
        Ok(Self { path, source, header, rows, width, prepared: Prepared::default() })
    }

    /// The same data under another scaling.
    #[must_use]
    pub fn with_scaling(self, scaling: Scaling) -> Self {
        let preparation = Preparation { scaling, ..Preparation::default() };
        // Without mean, std and layout there is nothing that could not fit.
        let prepared = Prepared::new(&preparation, &[], &[]).unwrap_or_default();
        Self { prepared, ..self }
    }

    /// The same data prepared for a model whose input has shape `input`.
    ///
    /// # Errors
    /// If the mean, std or layout does not fit the rows or the input.
    pub fn prepared(self, how: &Preparation, input: &[usize]) -> Result<Self, DataError> {
        let prepared = Prepared::new(how, &self.header.shape[1..], input)?;
        Ok(Self { prepared, ..self })
    }

    /// The layout, other than the model's, in which the rows would be images that a model with an
    /// input of this shape takes: what the numbers' order may be meant to be.
    #[must_use]
    pub fn other_layout(&self, input: &[usize]) -> Option<Layout> {
        prepare::other_layout(&self.header.shape[1..], input)
    }

    /// Where the data came from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's element type and shape; for tables, f64 and (rows, columns used).
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The shape as it is in the file, for messages: all columns of a table, not only those used.
    #[must_use]
    pub fn file_shape(&self) -> Vec<usize> {
        match &self.source {
            Source::Array(_) => self.header.shape.clone(),
            Source::Table(table) => vec![self.rows, table.columns()],
            #[cfg(feature = "parquet")]
            Source::Held(held) => vec![self.rows, held.columns],
        }
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

    /// Whether it is a table, of which columns can be chosen.
    #[must_use]
    pub fn is_table(&self) -> bool {
        !matches!(self.source, Source::Array(_))
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
        let numbers = range.start * self.width..range.end * self.width;
        match &self.source {
            Source::Array(array) => {
                let element = self.header.element;
                let failed = |error: std::io::Error| RowError(error.to_string());
                let there = array.in_memory(numbers.clone()).map_err(failed)?;
                if let Some(rows) = there.and_then(|bytes| self.prepared.in_place(element, bytes)) {
                    return Ok(rows);
                }
                let mut read = Vec::new();
                let bytes = array.elements(numbers.clone(), &mut read).map_err(failed)?;
                buffer.resize(numbers.len(), 0.0);
                self.prepared.convert(element, bytes, self.width, buffer);
            }
            Source::Table(table) => {
                let values = table.numbers(range).map_err(RowError)?;
                buffer.resize(values.len(), 0.0);
                self.prepared.convert_numbers(&values, self.width, buffer);
            }
            #[cfg(feature = "parquet")]
            Source::Held(held) => {
                buffer.resize(numbers.len(), 0.0);
                let values = &held.numbers[numbers];
                self.prepared.convert_numbers(values, self.width, buffer);
            }
        }
        Ok(buffer)
    }
}

/// Integer labels, one for each row of a data set, from a file of any kind that data can be in.
///
/// # Errors
/// If the file is not usable, or holds something else than integers with one entry a row.
pub fn read_labels(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Vec<i64>, DataError> {
    let path = path.as_ref();
    let (source, header) = open::open(path, options, LABELS)?;
    labels(path, source, &header)
}

/// Labels that are part of the program; `name` stands for the path.
///
/// # Errors
/// As [`read_labels`].
pub fn embedded_labels(name: &str, bytes: &'static [u8]) -> Result<Vec<i64>, DataError> {
    let (path, options) = (Path::new(name), OpenOptions::default());
    let (source, header) = open::of_store(path, Store::fixed(bytes), &options, LABELS)?;
    labels(path, source, &header)
}

fn labels(path: &Path, source: Source, header: &Header) -> Result<Vec<i64>, DataError> {
    let wrong = |found: String| DataError::Labels { path: path.to_owned(), found };
    let shape = &header.shape;
    if shape.is_empty() || shape.iter().skip(1).any(|&extent| extent != 1) {
        return Err(wrong(format!("shape {shape:?}")));
    }
    let numbers = match source {
        Source::Array(array) => {
            let read = open::integers(&array);
            let read = read.map_err(|source| DataError::Read {
                what: "labels",
                path: path.to_owned(),
                source,
            })?;
            return read.ok_or_else(|| wrong(format!("{} numbers", header.element)));
        }
        Source::Table(table) => table
            .numbers(0..table.rows())
            .map_err(|reason| DataError::Table { path: path.to_owned(), reason })?,
        #[cfg(feature = "parquet")]
        Source::Held(held) => held.numbers,
    };
    let whole = |&value: &f64| (value.trunc() == value && value.abs() < 9e15).then_some(value);
    #[allow(clippy::cast_possible_truncation, reason = "whole numbers below 2⁵³")]
    let integers: Option<Vec<i64>> = numbers.iter().map(|v| whole(v).map(|v| v as i64)).collect();
    integers.ok_or_else(|| wrong("numbers with fractions".to_owned()))
}
