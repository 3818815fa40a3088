//! Arrays of numbers in files: alone (`.npy`, IDX) or named in an archive (`.npz`, `.safetensors`).
//! Data sets and weights are both made of them.

mod element;
mod idx;
mod inflate;
mod npy;
mod npz;
mod safetensors;

pub use element::Element;
pub use npy::NpyError;

pub(crate) use element::{Kind, copy_f32, integers, widen_each};
pub(crate) use idx::begins as begins_as_idx;
pub(crate) use inflate::gunzip;

use std::io;
use std::ops::Range;

use crate::bytes::Store;
use crate::limits::Limits;
use crate::sniff::{self, Format};

/// What an array file says of its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type and byte order.
    pub element: Element,
    /// Extents.
    pub shape: Vec<usize>,
}

impl Header {
    /// Bytes that the elements take; `None` if they cannot be counted.
    fn bytes(&self) -> Option<u64> {
        // Extents of 0 must not hide others that overflow.
        let size = self.element.size() as u64;
        let all = self
            .shape
            .iter()
            .try_fold(size, |n, &extent| n.checked_mul(u64::try_from(extent.max(1)).ok()?))?;
        Some(if self.shape.contains(&0) { 0 } else { all })
    }
}

/// Why bytes are not a usable array.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// The bytes are something else.
    #[error(
        "expected an array (.npy, .npz, .safetensors or IDX) or a table (.csv, .parquet), found {found}"
    )]
    Unknown {
        /// What they look like.
        found: String,
    },
    /// A `.npy` file is damaged or of a kind that is not read.
    #[error(transparent)]
    Npy(#[from] NpyError),
    /// A file of another format is damaged or of a kind that is not read.
    #[error("as {format}: {reason}")]
    Format {
        /// The format.
        format: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The archive has several arrays, or none of the wanted name.
    #[error("{reason}; it has {}", list(names))]
    Choice {
        /// What cannot be decided.
        reason: String,
        /// The names in the archive.
        names: Vec<String>,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

fn list(names: &[String]) -> String {
    const MOST: usize = 12;
    let shown = names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MOST);
    match names {
        [] => "no arrays".to_owned(),
        _ if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// An array whose elements are known to be there.
#[derive(Clone, Debug)]
pub(crate) struct Array {
    store: Store,
    offset: u64,
    header: Header,
}

impl Array {
    /// The elements of `header` from `offset` on; the bytes they need and those that are left, if those
    /// are too few.
    fn new(store: Store, offset: u64, header: Header) -> Result<Self, (Option<u64>, u64)> {
        let left = store.len().saturating_sub(offset);
        match header.bytes() {
            Some(needed) if needed <= left => Ok(Self { store, offset, header }),
            needed => Err((needed, left)),
        }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.header.shape.iter().product()
    }

    /// The bytes of some elements, where they lie in memory.
    pub(crate) fn in_memory(&self, range: Range<usize>) -> io::Result<Option<&[u8]>> {
        match self.store.whole() {
            Some(all) => {
                self.store.check_unchanged()?;
                let place = self.place(range);
                let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
                Ok(all.get(index(place.start)..index(place.end)))
            }
            None => Ok(None),
        }
    }

    fn place(&self, range: Range<usize>) -> Range<u64> {
        let size = self.header.element.size() as u64;
        let at = |element: usize| self.offset + element as u64 * size;
        at(range.start)..at(range.end)
    }

    /// The bytes of some elements.
    pub(crate) fn elements<'a>(
        &'a self,
        range: Range<usize>,
        buffer: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        self.store.read(self.place(range), buffer)
    }
}

/// The arrays of a file: one without a name, or several with names.
#[derive(Debug)]
pub(crate) enum Arrays {
    One(Array),
    Npz(npz::Archive),
    Safetensors(safetensors::Archive),
}

impl Arrays {
    /// Looks into an array file.
    pub(crate) fn open(store: Store, format: Format, limits: &Limits) -> Result<Self, ArrayError> {
        match format {
            Format::Npy => Ok(Self::One(npy::array(store, limits)?)),
            Format::Idx => idx::array(store, limits).map(Self::One),
            Format::Zip => npz::Archive::open(store, limits).map(Self::Npz),
            Format::Safetensors => safetensors::Archive::open(store, limits).map(Self::Safetensors),
            other => Err(ArrayError::Unknown { found: sniff::no_data(other) }),
        }
    }

    /// Names, in the archive's order.
    pub(crate) fn names(&self) -> Vec<String> {
        match self {
            Self::One(_) => Vec::new(),
            Self::Npz(archive) => archive.names(),
            Self::Safetensors(archive) => archive.names(),
        }
    }

    /// The array `name`.
    pub(crate) fn named(&self, name: &str, limits: &Limits) -> Result<Array, ArrayError> {
        let missing = || ArrayError::Choice {
            reason: format!("it has no array {name:?}"),
            names: self.names(),
        };
        match self {
            Self::One(_) => Err(ArrayError::Format {
                format: "a file of a single array",
                reason: format!(
                    "it has no names, so {name:?} cannot be chosen; leave that option out"
                ),
            }),
            Self::Npz(archive) => archive.array(name, limits)?.ok_or_else(missing),
            Self::Safetensors(archive) => archive.array(name)?.ok_or_else(missing),
        }
    }

    /// The array `name`, or the only one.
    pub(crate) fn choose(
        self,
        name: Option<&str>,
        how: &str,
        limits: &Limits,
    ) -> Result<Array, ArrayError> {
        if let Some(name) = name {
            return self.named(name, limits);
        }
        if let Self::One(array) = self {
            return Ok(array);
        }
        match &self.names()[..] {
            [only] => self.named(only, limits),
            names => Err(ArrayError::Choice {
                reason: format!("which of its arrays is meant? Choose one with {how} NAME"),
                names: names.to_vec(),
            }),
        }
    }
}
