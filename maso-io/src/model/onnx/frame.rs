//! A look at the outermost protobuf fields before decoding, so that a wrong or cut-off file is
//! reported as just that.

use super::OnnxError;
use crate::sniff;

/// Walks the outermost fields of a model.
pub(super) fn check(bytes: &[u8]) -> Result<(), OnnxError> {
    if let Some(found) = sniff::known(bytes).filter(|found| *found != sniff::ONNX) {
        return Err(OnnxError::NotOnnx { found: found.to_owned() });
    }
    let unlike = || OnnxError::NotOnnx { found: "bytes that are no ONNX message".to_owned() };
    let mut at = 0;
    while at < bytes.len() {
        let offset = at;
        let tag = varint(bytes, &mut at).ok_or_else(unlike)?;
        let field = field_name(tag >> 3).ok_or_else(unlike)?;
        let claimed = match tag & 7 {
            0 => varint(bytes, &mut at).map(|_| 0).ok_or_else(unlike)?,
            1 => 8,
            2 => varint(bytes, &mut at).ok_or_else(unlike)?,
            5 => 4,
            _ => return Err(unlike()),
        };
        let left = bytes.len() - at;
        match usize::try_from(claimed).ok().filter(|&len| len <= left) {
            Some(len) => at += len,
            None => return Err(OnnxError::Truncated { field, offset, claimed, left }),
        }
    }
    Ok(())
}

/// The name of a model message's field.
fn field_name(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "ir_version",
        2 => "producer_name",
        3 => "producer_version",
        4 => "domain",
        5 => "model_version",
        6 => "doc_string",
        7 => "graph",
        8 => "opset_import",
        14 => "metadata_props",
        20 => "training_info",
        25 => "functions",
        26 => "configuration",
        _ => return None,
    })
}

/// A base-128 number at `at`.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
