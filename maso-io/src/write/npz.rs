//! `.npz` files: a zip archive of arrays, stored without compression, streamed one after another.

use std::io::{self, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::atomic::plain;
use super::npy::{byte_len, header};
use super::{AtomicFile, Number, WriteError};

/// An archive of arrays in the making.
#[derive(Debug)]
pub struct NpzWriter {
    zip: ZipWriter<AtomicFile>,
    path: std::path::PathBuf,
    missing: u64,
}

impl NpzWriter {
    /// Begins an archive at `path`.
    ///
    /// # Errors
    /// If the file cannot be begun.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, WriteError> {
        let path = path.as_ref().to_owned();
        Ok(Self { zip: ZipWriter::new(AtomicFile::create(&path)?), path, missing: 0 })
    }

    /// Begins the array `name`; the one before must be complete.
    ///
    /// # Errors
    /// If it is not, or the file cannot be written.
    pub fn begin<T: Number>(&mut self, name: &str, shape: &[usize]) -> Result<(), WriteError> {
        self.check_complete()?;
        self.missing = byte_len::<T>(shape);
        // Beyond 4 GiB a member needs the format's larger fields, announced in advance.
        let large = self.missing > u64::from(u32::MAX) - 4096;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(large);
        let begun = self.zip.start_file(format!("{name}.npy"), options).map_err(io::Error::from);
        begun
            .and_then(|()| self.zip.write_all(&header::<T>(shape)))
            .map_err(|source| self.error(source))
    }

    /// Appends elements to the array begun last.
    ///
    /// # Errors
    /// If they cannot be written, or are more than its shape has.
    pub fn write<T: Number>(&mut self, elements: &[T]) -> Result<(), WriteError> {
        let bytes: &[u8] = bytemuck::cast_slice(elements);
        let Some(missing) = self.missing.checked_sub(bytes.len() as u64) else {
            return Err(self.error(io::Error::other("more elements than the array's shape has")));
        };
        self.missing = missing;
        self.zip.write_all(bytes).map_err(|source| self.error(source))
    }

    /// A whole array at once.
    ///
    /// # Errors
    /// As [`begin`](Self::begin) and [`write`](Self::write).
    pub fn array<T: Number>(
        &mut self,
        name: &str,
        shape: &[usize],
        elements: &[T],
    ) -> Result<(), WriteError> {
        self.begin::<T>(name, shape)?;
        self.write(elements)
    }

    /// Completes the archive.
    ///
    /// # Errors
    /// If elements are missing, or the file cannot be put in its place.
    pub fn finish(self) -> Result<(), WriteError> {
        self.check_complete()?;
        let path = self.path;
        let file =
            self.zip.finish().map_err(|error| WriteError { path, source: plain(error.into()) })?;
        file.finish()
    }

    fn check_complete(&self) -> Result<(), WriteError> {
        match self.missing {
            0 => Ok(()),
            missing => {
                Err(self
                    .error(io::Error::other(format!("{missing} bytes of elements are missing"))))
            }
        }
    }

    fn error(&self, source: io::Error) -> WriteError {
        WriteError { path: self.path.clone(), source: plain(source) }
    }
}
