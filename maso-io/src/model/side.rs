//! Side files: where a model keeps its larger tensors. A path inside a model stays inside the model's
//! folder.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use crate::limits::Limits;

/// Answers what a model's side files hold.
pub trait SideFiles {
    /// How many bytes the file named `location` has.
    ///
    /// # Errors
    /// A sentence if there is no such file.
    fn size(&self, location: &str) -> Result<u64, String>;

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
    fn size(&self, location: &str) -> Result<u64, String> {
        Err(format!("external data {location:?} cannot be read: the model was given as bytes"))
    }

    fn read(&self, location: &str, _: u64, _: Option<u64>) -> Result<Vec<u8>, String> {
        self.size(location).map(|_| Vec::new())
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
        // A pipe would be waited for as long as nobody writes to it.
        if !file.metadata().map_err(missing)?.is_file() {
            return Err(format!(
                "external data {location:?} is no regular file (but a folder, pipe or device); put the \
                 file that was exported with the model there"
            ));
        }
        Ok(file)
    }
}

impl SideFiles for Folder {
    fn size(&self, location: &str) -> Result<u64, String> {
        let failed = |error| format!("external data {location:?} cannot be read: {error}");
        Ok(self.resolve(location)?.metadata().map_err(failed)?.len())
    }

    fn read(&self, location: &str, offset: u64, length: Option<u64>) -> Result<Vec<u8>, String> {
        let failed = |error| format!("external data {location:?} cannot be read: {error}");
        let mut file = File::open(self.resolve(location)?).map_err(failed)?;
        let size = file.metadata().map_err(failed)?.len();
        let rest = size.checked_sub(offset);
        let length = rest.and_then(|rest| Some(length.unwrap_or(rest)).filter(|&len| len <= rest));
        let Some(length) = length else {
            return Err(format!(
                "external data {location:?} has {size} bytes, too few for what the model reads at \
                 offset {offset}: it is cut off, or of another model; copy or export both again"
            ));
        };
        if length > self.limit {
            let limit = self.limit;
            return Err(format!(
                "external data {location:?}: {length} bytes are wanted, the limit is {limit} \
                 (Limits::model_bytes); export a smaller model"
            ));
        }
        file.seek(SeekFrom::Start(offset)).map_err(failed)?;
        // No more than the file has; a vector that grows would be held twice.
        let mut bytes = Vec::new();
        let room = usize::try_from(length).unwrap_or(usize::MAX);
        bytes.try_reserve_exact(room).map_err(|error| failed(std::io::Error::other(error)))?;
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
        Ok(bytes)
    }
}
