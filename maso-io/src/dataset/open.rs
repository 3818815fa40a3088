//! From a file to rows: what kind of file it is, and which of its arrays or columns are meant.

use std::path::{Path, PathBuf};

use super::columns::Columns;
use super::csv::Table;
use super::{DataError, Source};
use crate::array::{Array, Arrays, Element, Header, Kind, gunzip};
use crate::bytes::{Access, Store};
use crate::limits::Limits;
use crate::sniff::{self, Format};

/// How a data file is read.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OpenOptions {
    /// How its bytes are reached.
    pub access: Access,
    /// What it may ask for.
    pub limits: Limits,
    /// Which array of an archive (`.npz`, `.safetensors`); needed where there are several. Refused
    /// where the file is no archive, but for labels whose `columns` are given too: then the one that
    /// applies is used.
    pub array: Option<String>,
    /// Which columns of a table (`.csv`, `.parquet`); all without. Refused where the file is no table,
    /// but for labels whose `array` is given too.
    pub columns: Option<Columns>,
}

/// A data file in words, for messages: data or labels, and the options that choose within it.
#[derive(Clone, Copy)]
pub(super) struct Role {
    pub(super) what: &'static str,
    pub(super) array: &'static str,
    pub(super) columns: &'static str,
}

impl Role {
    /// Whether one option stands for both, so that each is right where the other is.
    fn chooses_either(self, options: &OpenOptions) -> bool {
        self.array == self.columns && options.array.is_some() && options.columns.is_some()
    }
}

/// The numbers of a file and what it says of them.
pub(super) fn open(
    path: &Path,
    options: &OpenOptions,
    role: Role,
) -> Result<(Source, Header), DataError> {
    let store = Store::open(path, options.access).map_err(|source| {
        let (what, path) = (role.what, path.to_owned());
        DataError::Read { what, path, source }
    })?;
    of_store(path, store, options, role)
}

pub(super) fn of_store(
    path: &Path,
    store: Store,
    options: &OpenOptions,
    role: Role,
) -> Result<(Source, Header), DataError> {
    let owned = || PathBuf::from(path);
    let read = |source| DataError::Read { what: role.what, path: owned(), source };
    let limits = &options.limits;
    let mut store = store;
    let mut format = sniff::format(&store.front(64).map_err(read)?);
    if format == Format::Gzip {
        store = Store::owned(gunzip(&store, limits).map_err(read)?);
        format = sniff::format(&store.front(64).map_err(read)?);
    }
    let table = |reason| DataError::Table { path: owned(), reason };
    if matches!(format, Format::Text | Format::Parquet)
        && options.array.is_some()
        && !role.chooses_either(options)
    {
        return Err(DataError::Misplaced {
            option: role.array,
            of: "an array of an archive",
            path: owned(),
            found: "a table".to_owned(),
            instead: "leave it out, or choose columns with --columns",
        });
    }
    let of_table = |rows, width| Header {
        element: Element { kind: Kind::F64, big_endian: cfg!(target_endian = "big") },
        shape: vec![rows, width],
    };
    match format {
        Format::Text => {
            let text = Table::open(store, options.columns.as_ref(), role.columns, limits).map_err(table)?;
            let header = of_table(text.rows(), text.width());
            Ok((Source::Table(text.into()), header))
        }
        #[cfg(feature = "parquet")]
        Format::Parquet => {
            let columns = options.columns.as_ref();
            let held = super::parquet::read(&store, columns, limits).map_err(table)?;
            let header = of_table(held.rows, held.width);
            Ok((Source::Held(held), header))
        }
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(table(
            "it is a Parquet file, and this build reads none; build with --features parquet, or save \
             the table as CSV or .npy"
                .to_owned(),
        )),
        _ => {
            let array = Arrays::open(store, format, limits)
                .and_then(|arrays| arrays.choose(options.array.as_deref(), role.array, limits))
                .map_err(|source| DataError::Array { path: owned(), source })?;
            let header = array.header().clone();
            if options.columns.is_some() && !role.chooses_either(options) {
                return Err(DataError::Misplaced {
                    option: role.columns,
                    of: "columns of a table",
                    path: owned(),
                    found: format!("an array of shape {:?}", header.shape),
                    instead: "slice it in numpy, as in x[:, 1:785], and save that",
                });
            }
            Ok((Source::Array(array), header))
        }
    }
}

/// What an array has in the way of rows: how many, and how many numbers in each.
pub(super) fn rows_of(
    path: &Path,
    source: &Source,
    header: &Header,
) -> Result<(usize, usize), DataError> {
    let path = || path.to_owned();
    let Some((&rows, each)) = header.shape.split_first() else {
        return Err(DataError::NoRows { path: path(), why: "it is a single number" });
    };
    let width = each.iter().product();
    if rows == 0 || width == 0 {
        let why = match source {
            Source::Array(_) if rows == 0 => "its first axis is 0",
            Source::Array(_) => "its rows are empty",
            _ => "there is nothing below its names",
        };
        return Err(DataError::NoRows { path: path(), why });
    }
    Ok((rows, width))
}

/// All elements of an array as integers, where that is what they are.
pub(super) fn integers(array: &Array) -> std::io::Result<Option<Vec<i64>>> {
    let mut buffer = Vec::new();
    let bytes = array.elements(0..array.len(), &mut buffer)?;
    Ok(crate::array::integers(array.header().element, bytes))
}
