//! The `.npy` format (NumPy Enhancement Proposal 1): magic, version, a header that is a Python
//! dictionary, then the elements.

use std::ops::Range;

use super::{Array, ArrayError, Element, Header};
use crate::bytes::Store;
use crate::limits::Limits;
use crate::sniff;

/// Why bytes are not a usable array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The bytes are something else.
    #[error("expected an array as numpy.save writes it, found {found}; save it again")]
    NotNpy {
        /// What is there.
        found: String,
    },
    /// The header's version is not known.
    #[error(
        "its format version {major} is not known; expected 1, 2 or 3: save it again with numpy.save"
    )]
    Version {
        /// The version's first number.
        major: u8,
    },
    /// The header ends after the file does.
    #[error(
        "its header claims {claimed} bytes from byte {offset}, the file has {left} there: it is \
         truncated or damaged; copy or save it again"
    )]
    HeaderLength {
        /// Where the header begins.
        offset: usize,
        /// The length it claims.
        claimed: usize,
        /// What is there.
        left: usize,
    },
    /// The header is not the expected dictionary.
    #[error("its header is damaged ({reason}); save it again with numpy.save")]
    Header {
        /// What is wrong.
        reason: String,
    },
    /// Elements of a type that is not read.
    #[error(
        "its elements are {found}; expected bool, integers or floats of up to 64 bits (convert with \
         numpy, as in x.astype(numpy.float32))"
    )]
    Element {
        /// The description found.
        found: String,
    },
    /// Columns first.
    #[error("it is in Fortran order; save numpy.ascontiguousarray(x) instead")]
    Fortran,
    /// Fewer elements than the shape says.
    #[error(
        "its shape {shape:?} needs {needed} bytes from byte {offset}, the file has {left} there: it \
         is truncated or still being written; copy or save it again"
    )]
    Short {
        /// The shape.
        shape: Vec<usize>,
        /// Where the elements begin.
        offset: usize,
        /// Bytes that the shape needs.
        needed: u64,
        /// Bytes that are there.
        left: u64,
    },
}

/// A magic, a version and a header that says where the elements begin.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Headers of real files have a few hundred bytes.
const LONGEST_HEADER: usize = 1 << 20;

/// The array that fills a store.
pub(super) fn array(store: Store, limits: &Limits) -> Result<Array, ArrayError> {
    let whole = 0..store.len();
    array_at(&store, whole, limits)
}

/// The array that lies in a part of a store.
pub(super) fn array_at(
    store: &Store,
    place: Range<u64>,
    limits: &Limits,
) -> Result<Array, ArrayError> {
    let mut buffer = Vec::new();
    let front = place.end.min(place.start + 12 + LONGEST_HEADER as u64);
    let front = store.read(place.start..front, &mut buffer)?;
    let (header, offset) = read_header(front)?;
    if header.shape.len() > limits.rank {
        let reason = format!("it has {} axes, the limit is {}", header.shape.len(), limits.rank);
        return Err(NpyError::Header { reason }.into());
    }
    let left = place.end - place.start - offset as u64;
    let needed = header.bytes().ok_or_else(|| NpyError::Header {
        reason: format!("its shape {:?} overflows", header.shape),
    })?;
    if needed > left {
        return Err(NpyError::Short { shape: header.shape, offset, needed, left }.into());
    }
    let shape = header.shape.clone();
    Array::new(store.clone(), place.start + offset as u64, header)
        .map_err(|(_, left)| NpyError::Short { shape, offset, needed, left }.into())
}

/// The header, and where the elements begin.
fn read_header(bytes: &[u8]) -> Result<(Header, usize), NpyError> {
    if !bytes.starts_with(MAGIC) {
        let found = sniff::describe(sniff::format(bytes)).to_owned();
        return Err(NpyError::NotNpy { found });
    }
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let number = |at: usize, len: usize| {
        (0..len).fold(0usize, |n, i| n | usize::from(byte(at + i)) << (8 * i))
    };
    let (claimed, offset) = match bytes.get(6) {
        Some(1) => (number(8, 2), 10),
        Some(2 | 3) => (number(8, 4), 12),
        major => return Err(NpyError::Version { major: major.copied().unwrap_or(0) }),
    };
    let Some(left) = bytes.len().checked_sub(offset) else {
        return Err(NpyError::HeaderLength { offset, claimed, left: 0 });
    };
    if claimed > left.min(LONGEST_HEADER) {
        return Err(NpyError::HeaderLength { offset, claimed, left });
    }
    let header = parse_header(&String::from_utf8_lossy(&bytes[offset..offset + claimed]))?;
    Ok((header, offset + claimed))
}

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(text: &str) -> Result<Header, NpyError> {
    let damaged = |reason: &str| NpyError::Header { reason: format!("{reason} in {text:?}") };
    let value = |key: &str| {
        let at = text.find(&format!("'{key}':"));
        at.map(|at| text[at + key.len() + 3..].trim_start())
            .ok_or_else(|| damaged(&format!("no {key}")))
    };
    let description = value("descr")?;
    let quoted = description.strip_prefix('\'').and_then(|rest| rest.split_once('\''));
    let description = quoted.map_or(description, |(name, _)| name);
    let element = Element::parse(description).ok_or_else(|| {
        let list_end = description.find(']').map_or(description.len(), |end| end + 1);
        NpyError::Element { found: description[..list_end].to_owned() }
    })?;
    let shape = value("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (shape, _) = shape.ok_or_else(|| damaged("no tuple as shape"))?;
    let extents = shape.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    let shape: Vec<usize> = extents
        .map(|extent| extent.parse().map_err(|_| damaged("an extent that is not a number")))
        .collect::<Result<_, _>>()?;
    let order = value("fortran_order")?;
    match (order.starts_with("True"), order.starts_with("False")) {
        (false, true) => {}
        // One axis is in both orders at once.
        (true, _) if shape.iter().filter(|&&extent| extent > 1).count() < 2 => {}
        (true, _) => return Err(NpyError::Fortran),
        _ => return Err(damaged("no fortran_order of True or False")),
    }
    Ok(Header { element, shape })
}
