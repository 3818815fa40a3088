//! `.safetensors`: a length, a JSON header, then the tensors one after another. The `safetensors` crate
//! checks the header (types, shapes, and that the tensors neither overlap nor leave gaps).

use safetensors::tensor::{Dtype, Metadata};

use super::element::Kind;
use super::{Array, ArrayError, Element, Header};
use crate::bytes::Store;
use crate::limits::Limits;

/// The tensors of a file.
#[derive(Debug)]
pub(crate) struct Archive {
    store: Store,
    /// Where the tensors begin.
    base: u64,
    metadata: Metadata,
}

/// What the format's own readers accept.
const LONGEST_HEADER: u64 = 100_000_000;

fn error(reason: impl std::fmt::Display) -> ArrayError {
    ArrayError::Format { format: "a safetensors file", reason: reason.to_string() }
}

impl Archive {
    pub(super) fn open(store: Store, limits: &Limits) -> Result<Self, ArrayError> {
        let front = store.front(8)?;
        let len = front.try_into().map(u64::from_le_bytes);
        let len = len
            .map_err(|_| error("it ends within the length of its header; copy or save it again"))?;
        let left = store.len() - 8;
        if len > left.min(LONGEST_HEADER) {
            return Err(error(format!(
                "its header claims {len} bytes, the file has {left} (and the format allows \
                 {LONGEST_HEADER}): it is truncated or damaged; copy or save it again"
            )));
        }
        let mut buffer = Vec::new();
        let header = store.read(8..8 + len, &mut buffer)?;
        let metadata: Metadata = serde_json::from_slice(header).map_err(|reason| {
            error(format!("its header is damaged ({reason}); copy or save it again"))
        })?;
        let (claimed, found) = (metadata.data_len() as u64, left - len);
        if claimed != found {
            return Err(error(format!(
                "its tensors claim {claimed} bytes, the file has {found}: it is truncated or damaged; \
                 copy or save it again"
            )));
        }
        let (tensors, limit) = (metadata.offset_keys().len(), limits.tensors);
        if tensors > limit {
            return Err(error(format!(
                "it has {tensors} tensors, the limit is {limit} (Limits::tensors); save fewer"
            )));
        }
        Ok(Self { store, base: 8 + len, metadata })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.metadata.offset_keys()
    }

    /// The array `name`; `None` if there is none.
    pub(super) fn array(&self, name: &str) -> Result<Option<Array>, ArrayError> {
        let Some(info) = self.metadata.info(name) else { return Ok(None) };
        let kind = kind(info.dtype).ok_or_else(|| {
            let found = info.dtype;
            error(format!(
                "{name} has elements of type {found:?}, which is not supported; save it as \
                 float32"
            ))
        })?;
        let header =
            Header { element: Element { kind, big_endian: false }, shape: info.shape.clone() };
        let at = self.base + info.data_offsets.0 as u64;
        let array = Array::new(self.store.clone(), at, header);
        array.map(Some).map_err(|_| {
            error(format!("{name} leads out of the file: it is damaged; copy or save it again"))
        })
    }
}

fn kind(dtype: Dtype) -> Option<Kind> {
    Some(match dtype {
        Dtype::BOOL => Kind::Bool,
        Dtype::U8 => Kind::U8,
        Dtype::I8 => Kind::I8,
        Dtype::U16 => Kind::U16,
        Dtype::I16 => Kind::I16,
        Dtype::U32 => Kind::U32,
        Dtype::I32 => Kind::I32,
        Dtype::U64 => Kind::U64,
        Dtype::I64 => Kind::I64,
        Dtype::F16 => Kind::F16,
        Dtype::BF16 => Kind::Bf16,
        Dtype::F32 => Kind::F32,
        Dtype::F64 => Kind::F64,
        _ => return None,
    })
}
