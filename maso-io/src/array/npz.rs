//! `.npz`: a zip archive of `.npy` files. Members that are stored are read where they lie, compressed
//! ones are inflated into memory.

use std::io::BufReader;

use zip::CompressionMethod;
use zip::read::ZipArchive;

use super::inflate::bounded;
use super::npy;
use super::{Array, ArrayError};
use crate::bytes::{Cursor, Store};
use crate::limits::Limits;

/// The members of an archive.
#[derive(Debug)]
pub(crate) struct Archive {
    store: Store,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    name: String,
    index: usize,
}

fn error(reason: impl std::fmt::Display) -> ArrayError {
    ArrayError::Format { format: "a .npz archive", reason: reason.to_string() }
}

impl Archive {
    pub(super) fn open(store: Store, limits: &Limits) -> Result<Self, ArrayError> {
        let zip = directory(&store)?;
        if zip.len() > limits.tensors {
            let (found, limit) = (zip.len(), limits.tensors);
            return Err(error(format!(
                "it has {found} members, the limit is {limit} (Limits::tensors); save fewer"
            )));
        }
        let names = zip.file_names_raw().enumerate();
        let members: Vec<Member> = names
            .filter_map(|(index, raw)| {
                let name = String::from_utf8_lossy(raw);
                let name = name.strip_suffix(".npy")?.to_owned();
                Some(Member { name, index })
            })
            .collect();
        if members.is_empty() {
            return Err(error(
                "no member is a .npy file (a PyTorch .pt file is a zip archive too: save its tensors \
                 with numpy or safetensors)",
            ));
        }
        Ok(Self { store, members })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.name.clone()).collect()
    }

    /// The array `name`; `None` if there is none.
    pub(super) fn array(&self, name: &str, limits: &Limits) -> Result<Option<Array>, ArrayError> {
        let Some(member) = self.members.iter().find(|member| member.name == name) else {
            return Ok(None);
        };
        let mut zip = directory(&self.store)?;
        let raw = zip.by_index_raw(member.index).map_err(error)?;
        if raw.encrypted() {
            return Err(error(format!("{name} is encrypted")));
        }
        let (method, compressed, size) = (raw.compression(), raw.compressed_size(), raw.size());
        let start = raw.data_start().ok_or_else(|| error(format!("{name} has no data")))?;
        let fits = start.checked_add(compressed).is_some_and(|end| end <= self.store.len());
        if !fits {
            return Err(error(format!(
                "{name} leads out of the file: it is truncated or damaged; copy or save it again"
            )));
        }
        drop(raw);
        if method == CompressionMethod::Stored {
            return Ok(Some(npy::array_at(&self.store, start..start + compressed, limits)?));
        }
        if method != CompressionMethod::Deflated {
            return Err(error(format!(
                "{name} is compressed by {method}, which is not supported; save it with numpy.savez or \
                 numpy.savez_compressed"
            )));
        }
        let inflated = zip.by_index(member.index).map_err(error)?;
        let bytes = bounded(inflated, compressed, Some(size), limits)
            .map_err(|reason| error(format!("{name}: {reason}")))?;
        Ok(Some(npy::array(Store::owned(bytes), limits)?))
    }
}

fn directory(store: &Store) -> Result<ZipArchive<BufReader<Cursor>>, ArrayError> {
    ZipArchive::new(BufReader::new(store.cursor())).map_err(|reason| {
        error(format!("it is truncated or damaged ({reason}); copy or save it again"))
    })
}
