//! Side files: where a model keeps its larger tensors. A path inside a model stays inside the model's
//! folder.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::limits::Limits;

/// Answers what a model's side files hold.
pub trait SideFiles {
    /// `length` bytes from `offset` of the file named `location`; to its end without a length.
    ///
    /// # Errors
    /// A sentence if there is no such file or it is too short.
    fn read(&self, location: &str, offset: u64, length: Option<u64>) -> Result<Vec<u8>, String>;
}

/// No side files at all.
#[derive(Clone, Copy, Debug)]
pub struct NoFiles;

impl SideFiles for NoFiles {
    fn read(&self, location: &str, _: u64, _: Option<u64>) -> Result<Vec<u8>, String> {
        Err(format!("external data {location:?} cannot be read: the model was given as bytes"))
    }
}

/// The files of one folder and those below it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    /// Bytes that one reading may take.
    limit: u64,
}

impl Folder {
    /// The folder at `path`.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, limit: Limits::default().model_bytes }
    }

    /// The same folder, of whose files no more than `limit` bytes are read at once.
    #[must_use]
    pub fn with_limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The file at `location`, if that is a plain path that does not lead out, not even by a link.
    fn resolve(&self, location: &str) -> Result<PathBuf, String> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !Path::new(location).components().all(plain) {
            return Err(format!(
                "external data path {location:?} leaves the model's folder; only plain relative \
                 paths are followed: export the model again with its data beside it"
            ));
        }
        let missing = |error| {
            format!(
                "external data {location:?} cannot be read ({error}); put that file, which was exported \
                 with the model, beside it"
            )
        };
        let folder = self.path.canonicalize().map_err(missing)?;
        let file = folder.join(location).canonicalize().map_err(missing)?;
        if !file.starts_with(&folder) {
            return Err(format!(
                "external data {location:?} is a link out of the model's folder; put the file itself there"
            ));
        }
        Ok(file)
    }
}

impl SideFiles for Folder {
    fn read(&self, location: &str, offset: u64, length: Option<u64>) -> Result<Vec<u8>, String> {
        let failed = |error| format!("external data {location:?} cannot be read: {error}");
        let mut file = File::open(self.resolve(location)?).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let rest = size.checked_sub(offset);
        let length = rest.and_then(|rest| Some(length.unwrap_or(rest)).filter(|&len| len <= rest));
        let Some(length) = length else {
            return Err(format!(
                "external data {location:?} has {size} bytes, too few for what the model reads at \
                 offset {offset}: it is cut off, or of another model"
            ));
        };
        if length > self.limit {
            let limit = self.limit;
            return Err(format!(
                "external data {location:?}: {length} bytes are wanted, the limit is {limit}"
            ));
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}
