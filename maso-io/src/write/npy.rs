//! `.npy` files, streamed: the shape is said first, the elements follow as they come.

use std::io::{self, Write};
use std::path::Path;

use super::{AtomicFile, Number, WriteError};

/// An array file in the making.
#[derive(Debug)]
pub struct NpyWriter {
    file: AtomicFile,
    /// Bytes of elements still to come.
    missing: u64,
}

impl NpyWriter {
    /// Begins an array of `T` with `shape` at `path`.
    ///
    /// # Errors
    /// If the file cannot be begun.
    pub fn create<T: Number>(path: impl AsRef<Path>, shape: &[usize]) -> Result<Self, WriteError> {
        let mut file = AtomicFile::create(path)?;
        file.write_all(&header::<T>(shape)).map_err(|source| file.error(source))?;
        let missing = byte_len::<T>(shape);
        Ok(Self { file, missing })
    }

    /// Appends elements.
    ///
    /// # Errors
    /// If they cannot be written, or are more than the shape has.
    pub fn write<T: Number>(&mut self, elements: &[T]) -> Result<(), WriteError> {
        let bytes: &[u8] = bytemuck::cast_slice(elements);
        let missing = self.missing.checked_sub(bytes.len() as u64);
        let written = missing
            .ok_or_else(|| io::Error::other("more elements than the array's shape has"))
            .and_then(|missing| {
                self.missing = missing;
                self.file.write_all(bytes)
            });
        written.map_err(|source| self.file.error(source))
    }

    /// Completes the file.
    ///
    /// # Errors
    /// If elements are missing, or the file cannot be put in its place.
    pub fn finish(self) -> Result<(), WriteError> {
        if self.missing > 0 {
            let reason = format!("{} bytes of elements are missing", self.missing);
            return Err(self.file.error(io::Error::other(reason)));
        }
        self.file.finish()
    }
}

/// Bytes of an array's elements.
pub(super) fn byte_len<T: Number>(shape: &[usize]) -> u64 {
    shape.iter().map(|&extent| extent as u64).product::<u64>() * size_of::<T>() as u64
}

/// Magic, version and dictionary, padded so that the elements begin at a multiple of 64.
pub(super) fn header<T: Number>(shape: &[usize]) -> Vec<u8> {
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let extents =
        if shape.len() == 1 { extents.trim_end() } else { extents.trim_end_matches(", ") };
    let description = T::DESCRIPTION;
    let mut text =
        format!("{{'descr': '{description}', 'fortran_order': False, 'shape': ({extents}), }}");
    let whole = (10 + text.len() + 1).next_multiple_of(64);
    text.push_str(&" ".repeat(whole - 10 - text.len() - 1));
    text.push('\n');
    let length = u16::try_from(text.len()).expect("a few extents make a short header");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(text.bytes());
    bytes
}
