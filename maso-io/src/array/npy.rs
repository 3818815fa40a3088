//! The `.npy` format (NumPy Enhancement Proposal 1): magic, version, a header that is a Python
//! dictionary, then the elements.

use std::ops::Range;

pub use super::element::Element;
use crate::bytes::Bytes;
use crate::sniff;

/// Why bytes are not a usable array.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NpyError {
    /// The bytes are something else.
    #[error("expected an array as numpy.save writes it, found {found}")]
    NotNpy {
        /// What is there.
        found: String,
    },
    /// The header's version is not known.
    #[error("its format version {major} is not known; expected 1, 2 or 3")]
    Version {
        /// The version's first number.
        major: u8,
    },
    /// The header ends after the file does.
    #[error(
        "its header claims {claimed} bytes from byte {offset}, the file has {left} there: it is \
         truncated or damaged"
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
    #[error("its header is damaged: {reason}")]
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
         is truncated or still being written"
    )]
    Short {
        /// The shape.
        shape: Vec<usize>,
        /// Where the elements begin.
        offset: usize,
        /// Bytes that the shape needs.
        needed: usize,
        /// Bytes that are there.
        left: usize,
    },
}

/// What an array file says of its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type and byte order.
    pub element: Element,
    /// Extents.
    pub shape: Vec<usize>,
}

/// An array file whose elements are known to be there.
#[derive(Debug)]
pub(super) struct Array {
    bytes: Bytes,
    header: Header,
    offset: usize,
}

const MAGIC: &[u8] = b"\x93NUMPY";

impl Array {
    pub(super) fn new(bytes: Bytes) -> Result<Self, NpyError> {
        let (header, offset) = read_header(&bytes)?;
        Ok(Self { bytes, header, offset })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes of some elements.
    pub(super) fn elements(&self, range: Range<usize>) -> &[u8] {
        let size = self.header.element.size();
        &self.bytes[self.offset + range.start * size..self.offset + range.end * size]
    }
}

/// The header, and where the elements begin; that they are all there is checked.
fn read_header(bytes: &[u8]) -> Result<(Header, usize), NpyError> {
    if !bytes.starts_with(MAGIC) {
        let found = sniff::known(bytes).unwrap_or("bytes of another kind").to_owned();
        return Err(NpyError::NotNpy { found });
    }
    let preamble = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
    let (claimed, offset) = match bytes.get(6) {
        Some(1) => (preamble(8) | preamble(9) << 8, 10),
        Some(2 | 3) => ((0..4).map(|i| preamble(8 + i) << (8 * i)).sum(), 12),
        major => return Err(NpyError::Version { major: major.copied().unwrap_or(0) }),
    };
    let left = bytes.len().saturating_sub(offset);
    if claimed > left {
        return Err(NpyError::HeaderLength { offset, claimed, left });
    }
    let header = parse_header(&String::from_utf8_lossy(&bytes[offset..offset + claimed]))?;
    let offset = offset + claimed;
    let left = bytes.len() - offset;
    let size = header.element.size();
    // Extents of 0 must not hide others that overflow.
    let needed = header.shape.iter().try_fold(size, |n, &extent| n.checked_mul(extent.max(1)));
    let needed = needed.ok_or_else(|| NpyError::Header {
        reason: format!("its shape {:?} overflows", header.shape),
    })?;
    let needed = if header.shape.contains(&0) { 0 } else { needed };
    if needed > left {
        return Err(NpyError::Short { shape: header.shape, offset, needed, left });
    }
    Ok((header, offset))
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
