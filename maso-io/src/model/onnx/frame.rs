//! A look at the protobuf fields before decoding, so that a wrong or cut-off file is reported as just
//! that, and so that one that claims millions of nodes is refused before anything is made for them.

use super::OnnxError;
use crate::limits::Limits;
use crate::sniff::{self, Format};

/// Walks the outermost fields of a model, and the entries of its graph.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<(), OnnxError> {
    let format = sniff::format(bytes);
    if !matches!(format, Format::Onnx | Format::Other) {
        return Err(OnnxError::NotOnnx { found: sniff::no_model(format) });
    }
    let unlike = || {
        OnnxError::NotOnnx {
        found: "bytes that are no ONNX message: the file is damaged, or of another kind; export the model \
                to ONNX again"
            .to_owned(),
    }
    };
    let mut fields = Fields { bytes, at: 0 };
    while let Some(field) = fields.next() {
        let offset = fields.at;
        let field = field.ok_or_else(unlike)?;
        let name = field_name(field.number).ok_or_else(unlike)?;
        let Some(content) = fields.take(field.len) else {
            let (claimed, left) = (field.len, fields.left());
            return Err(OnnxError::Truncated { field: name, offset, claimed, left });
        };
        if name == "graph" && field.is_message {
            count(content, limits)?;
        }
    }
    Ok(())
}

/// Counts what a graph holds; stops where the bytes make no sense, for the decoder to say how.
fn count(graph: &[u8], limits: &Limits) -> Result<(), OnnxError> {
    const NODE: u64 = 1;
    const INITIALIZER: u64 = 5;
    let (mut nodes, mut tensors, mut entries) = (0, 0, 0);
    let mut fields = Fields { bytes: graph, at: 0 };
    while let Some(Some(field)) = fields.next() {
        let Some(content) = fields.take(field.len) else { break };
        entries += 1;
        match field.number {
            NODE => {
                nodes += 1;
                entries += Fields { bytes: content, at: 0 }.count();
            }
            INITIALIZER => tensors += 1,
            _ => {}
        }
    }
    // A node has a handful of inputs, outputs and attributes.
    let most_entries = limits.nodes.saturating_mul(16);
    let counts = [
        ("nodes", nodes, limits.nodes),
        ("initialisers", tensors, limits.tensors),
        ("entries of nodes", entries, most_entries),
    ];
    match counts.into_iter().find(|(_, found, limit)| found > limit) {
        Some((what, found, limit)) => Err(OnnxError::TooMany { what, found, limit }),
        None => Ok(()),
    }
}

/// The fields of a message, one after another.
struct Fields<'b> {
    bytes: &'b [u8],
    at: usize,
}

struct Field {
    number: u64,
    /// Bytes of its content.
    len: u64,
    is_message: bool,
}

impl<'b> Fields<'b> {
    /// The next field's head: `None` at the end, `Some(None)` if it is no field.
    #[allow(clippy::option_option, reason = "an end and a mistake are two things")]
    fn next(&mut self) -> Option<Option<Field>> {
        (self.at < self.bytes.len()).then(|| self.head())
    }

    fn head(&mut self) -> Option<Field> {
        let tag = varint(self.bytes, &mut self.at)?;
        let (len, is_message) = match tag & 7 {
            0 => (varint(self.bytes, &mut self.at).map(|_| 0)?, false),
            1 => (8, false),
            2 => (varint(self.bytes, &mut self.at)?, true),
            5 => (4, false),
            _ => return None,
        };
        Some(Field { number: tag >> 3, len, is_message })
    }

    /// The next `len` bytes, if there are as many.
    fn take(&mut self, len: u64) -> Option<&'b [u8]> {
        let len = usize::try_from(len).ok()?;
        let content = self.bytes.get(self.at..)?.get(..len)?;
        self.at += len;
        Some(content)
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// How many fields there are.
    fn count(mut self) -> usize {
        let mut count = 0;
        while let Some(Some(field)) = self.next() {
            if self.take(field.len).is_none() {
                break;
            }
            count += 1;
        }
        count
    }
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
