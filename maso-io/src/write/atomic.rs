//! A file under a temporary name beside its own, moved into place when it is complete.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// An output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    /// The output.
    pub path: PathBuf,
    /// The system's reason.
    pub source: io::Error,
}

/// A file in the making. Dropped unfinished, it leaves nothing under its name.
#[derive(Debug)]
pub struct AtomicFile {
    path: PathBuf,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Temporary(BufWriter<NamedTempFile>),
    /// A device or a pipe, which is written to as it stands.
    Direct(BufWriter<File>),
}

impl AtomicFile {
    /// Begins the file that will appear at `path`.
    ///
    /// # Errors
    /// If its folder cannot be written to, or `path` is a folder.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, WriteError> {
        let path = path.as_ref().to_owned();
        match Self::open(&path) {
            Ok((path, target)) => Ok(Self { path, target }),
            Err(source) => Err(WriteError { path, source }),
        }
    }

    fn open(path: &Path) -> io::Result<(PathBuf, Target)> {
        let path = followed(path);
        let existing = path.metadata().ok();
        match &existing {
            Some(metadata) if metadata.is_dir() => return Err(io::Error::other("it is a folder")),
            Some(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(&path)?;
                return Ok((path, Target::Direct(BufWriter::new(file))));
            }
            Some(metadata) if metadata.permissions().readonly() => {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is read-only"));
            }
            _ => {}
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let reason = format!("there is no folder {}", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, reason));
        }
        let mut builder = tempfile::Builder::new();
        builder.prefix(".maso-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What any new file gets; the process's umask still applies.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        // The error is the kind alone: the temporary name would only puzzle.
        let file = builder.tempfile_in(folder).map_err(|error| io::Error::from(error.kind()))?;
        if let Some(metadata) = existing {
            file.as_file().set_permissions(metadata.permissions())?;
        }
        Ok((path, Target::Temporary(BufWriter::with_capacity(1 << 20, file))))
    }

    /// Writes `content` and completes the file.
    ///
    /// # Errors
    /// If it cannot be written; then nothing appears.
    pub fn finish_with(mut self, content: &[u8]) -> Result<(), WriteError> {
        self.write_all(content).map_err(|source| self.error(source))?;
        self.finish()
    }

    /// Completes the file and puts it in its place.
    ///
    /// # Errors
    /// If what is left cannot be written, or the place cannot be taken; then nothing appears.
    pub fn finish(self) -> Result<(), WriteError> {
        let Self { path, target } = self;
        let result = match target {
            Target::Direct(mut file) => file.flush(),
            Target::Temporary(file) => file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.persist(&path).map(drop).map_err(|error| error.error)),
        };
        result.map_err(|source| WriteError { path, source: plain(source) })
    }

    /// The error of a failed write to this file.
    pub(super) fn error(&self, source: io::Error) -> WriteError {
        WriteError { path: self.path.clone(), source: plain(source) }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Temporary(file) => file.write(bytes),
            Target::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Temporary(file) => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.target {
            Target::Temporary(file) => file.seek(to),
            Target::Direct(file) => file.seek(to),
        }
    }
}

/// The system's reason without the temporary file's name, which would only puzzle; what to do where the
/// disk is full.
pub(super) fn plain(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.source());
    let inner = inner.and_then(|source| source.downcast_ref::<io::Error>());
    let code = inner.unwrap_or(&error).raw_os_error();
    let error = code.map_or(error, io::Error::from_raw_os_error);
    if error.kind() == io::ErrorKind::StorageFull {
        let reason = format!("{error}; free some space, or write to another disk");
        return io::Error::new(io::ErrorKind::StorageFull, reason);
    }
    error
}

/// Where a link leads, so that the file behind it is replaced and the link stays.
fn followed(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match path.read_link() {
        // A link to a file that is not there yet.
        Ok(target) => path.parent().map_or_else(|| target.clone(), |folder| folder.join(&target)),
        Err(_) => path.to_owned(),
    })
}
