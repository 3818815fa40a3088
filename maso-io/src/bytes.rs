//! The bytes of a file: mapped where the platform maps, read where it does not. The one room of this
//! crate with unsafe code.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

/// Bytes that stay put.
#[derive(Debug)]
pub(crate) enum Bytes {
    #[cfg(feature = "mmap")]
    Mapped(memmap2::Mmap),
    Owned(Vec<u8>),
    Static(&'static [u8]),
}

impl Bytes {
    /// The bytes of a file. While they are mapped, another program that shortens the file makes a
    /// later read fail with a bus error: data sets are not to be truncated while they are in use.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::other("it is a folder"));
        }
        // Pipes and empty files cannot be mapped.
        if !metadata.is_file() || metadata.len() == 0 {
            return std::fs::read(path).map(Self::Owned);
        }
        Self::map(&file, path)
    }

    #[cfg(feature = "mmap")]
    fn map(file: &File, _: &Path) -> io::Result<Self> {
        #[allow(unsafe_code, reason = "mapping a file is unsafe by contract")]
        // SAFETY: the map is only read, through `&[u8]`, in which every bit pattern is valid. The
        // contract's remaining clause, that nobody changes the file meanwhile, is passed on to the
        // user in the documentation above: values may then be wrong, or the process stopped, but no
        // length that was checked is read again from the map.
        unsafe { memmap2::Mmap::map(file) }.map(Self::Mapped)
    }

    #[cfg(not(feature = "mmap"))]
    fn map(_: &File, path: &Path) -> io::Result<Self> {
        std::fs::read(path).map(Self::Owned)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            #[cfg(feature = "mmap")]
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
            Self::Static(bytes) => bytes,
        }
    }
}
