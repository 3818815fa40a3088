//! IDX, the format of the MNIST files (Y. LeCun's page on MNIST): two zeros, a type, the number of axes,
//! the extents as big-endian 32-bit numbers, then the elements, big-endian too.

use super::element::Kind;
use super::{Array, ArrayError, Element, Header};
use crate::bytes::Store;
use crate::limits::Limits;

/// Types, by the third byte.
fn kind(code: u8) -> Option<Kind> {
    Some(match code {
        0x08 => Kind::U8,
        0x09 => Kind::I8,
        0x0B => Kind::I16,
        0x0C => Kind::I32,
        0x0D => Kind::F32,
        0x0E => Kind::F64,
        _ => return None,
    })
}

/// Whether a file may begin so.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, code, axes, ..] if *axes > 0 && kind(*code).is_some())
}

pub(super) fn array(store: Store, limits: &Limits) -> Result<Array, ArrayError> {
    let error = |reason: String| ArrayError::Format { format: "an IDX file", reason };
    let front = store.front(4 + 4 * 255)?;
    let [0, 0, code, axes, rest @ ..] = &front[..] else {
        return Err(error("its first four bytes are missing".to_owned()));
    };
    let kind =
        kind(*code).ok_or_else(|| error(format!("element type {code:#04x} is not known: it is no IDX file, or damaged; copy or save it again")))?;
    if usize::from(*axes) > limits.rank {
        let limit = limits.rank;
        return Err(error(format!(
            "it has {axes} axes, the limit is {limit}: it is no IDX file, or damaged; copy or save it again"
        )));
    }
    let extents = rest.as_chunks::<4>().0.iter().take(usize::from(*axes));
    let shape: Vec<usize> = extents.map(|bytes| u32::from_be_bytes(*bytes) as usize).collect();
    if shape.len() < usize::from(*axes) {
        return Err(error(format!(
            "it claims {axes} axes and ends within their extents: it is truncated; copy it again"
        )));
    }
    let offset = 4 + 4 * u64::from(*axes);
    let header = Header { element: Element { kind, big_endian: true }, shape: shape.clone() };
    Array::new(store, offset, header).map_err(|(needed, left)| {
        let needed = needed.map_or("more than 2⁶⁴".to_owned(), |needed| needed.to_string());
        error(format!(
            "its shape {shape:?} needs {needed} bytes from byte {offset}, the file has {left} there: \
             it is truncated (copy it again), or no IDX file (save it as .npy)"
        ))
    })
}
