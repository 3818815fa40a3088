//! The bytes of a file: mapped where the platform maps, read at a place where that is not wanted, or all
//! in memory. The one room of this crate with unsafe code.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// How a file's bytes are reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// Mapped into memory: the fastest, and nothing is held twice. Another program that shortens the
    /// file meanwhile is noticed between blocks of rows; within one it stops the process (a bus error).
    #[cfg(feature = "mmap")]
    #[default]
    Mapped,
    /// Read block by block into buffers: for network and removable file systems, and for files that
    /// others may write to.
    #[cfg_attr(not(feature = "mmap"), default)]
    Buffered,
}

/// Bytes that can be read at any place, from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    #[cfg(feature = "mmap")]
    Mapped(memmap2::Mmap, Watched),
    File(Watched),
    Owned(Vec<u8>),
    Static(&'static [u8]),
}

impl Store {
    /// The bytes of a file.
    pub(crate) fn open(path: &Path, access: Access) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::other("it is a folder"));
        }
        // Pipes and empty files can neither be mapped nor read at a place.
        if !metadata.is_file() || metadata.len() == 0 {
            let mut bytes = Vec::new();
            (&file).read_to_end(&mut bytes)?;
            return Ok(Self::owned(bytes));
        }
        let watched = Watched::new(file, &metadata);
        Ok(Self(Arc::new(match access {
            #[cfg(feature = "mmap")]
            Access::Mapped => Kind::Mapped(map(&watched.file)?, watched),
            Access::Buffered => Kind::File(watched),
        })))
    }

    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Kind::Owned(bytes)))
    }

    pub(crate) fn fixed(bytes: &'static [u8]) -> Self {
        Self(Arc::new(Kind::Static(bytes)))
    }

    pub(crate) fn len(&self) -> u64 {
        match &*self.0 {
            Kind::File(watched) => watched.len,
            _ => self.whole().unwrap_or_default().len() as u64,
        }
    }

    /// All bytes, where they lie in memory.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        match &*self.0 {
            #[cfg(feature = "mmap")]
            Kind::Mapped(map, _) => Some(map),
            Kind::File(_) => None,
            Kind::Owned(bytes) => Some(bytes),
            Kind::Static(bytes) => Some(bytes),
        }
    }

    /// The bytes of `range`: in place where they lie in memory, else read into `buffer`.
    ///
    /// # Errors
    /// If the file cannot be read, is not as long, or was changed since it was opened.
    pub(crate) fn read<'a>(
        &'a self,
        range: Range<u64>,
        buffer: &'a mut Vec<u8>,
    ) -> io::Result<&'a [u8]> {
        self.check_unchanged()?;
        let short = || io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends too early");
        if range.start > range.end || range.end > self.len() {
            return Err(short());
        }
        let len = usize::try_from(range.end - range.start).map_err(|_| short())?;
        if let Kind::File(watched) = &*self.0 {
            buffer.resize(len, 0);
            watched.read_at(buffer, range.start)?;
            return Ok(buffer);
        }
        let from = usize::try_from(range.start).map_err(|_| short())?;
        self.whole().and_then(|bytes| bytes.get(from..from + len)).ok_or_else(short)
    }

    /// Up to `len` bytes from the front.
    pub(crate) fn front(&self, len: u64) -> io::Result<Vec<u8>> {
        self.read(0..len.min(self.len()), &mut Vec::new()).map(<[u8]>::to_vec)
    }

    /// The file as it was when it was opened.
    pub(crate) fn check_unchanged(&self) -> io::Result<()> {
        match &*self.0 {
            #[cfg(feature = "mmap")]
            Kind::Mapped(_, watched) => watched.check(),
            Kind::File(watched) => watched.check(),
            Kind::Owned(_) | Kind::Static(_) => Ok(()),
        }
    }

    /// The bytes as a stream that can seek.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor { store: self.clone(), at: 0 }
    }
}

#[cfg(feature = "mmap")]
fn map(file: &File) -> io::Result<memmap2::Mmap> {
    #[allow(unsafe_code, reason = "mapping a file is unsafe by contract")]
    // SAFETY: the map is only read, through `&[u8]`, in which every bit pattern is valid. The contract's
    // remaining clause, that nobody changes the file meanwhile, is passed on to the user in the
    // documentation of `Access::Mapped`: values may then be wrong, or the process stopped, but no length
    // that was checked is read again from the map.
    unsafe {
        memmap2::Mmap::map(file)
    }
}

/// An open file, and what it was like when it was opened.
#[derive(Debug)]
struct Watched {
    file: File,
    len: u64,
    modified: Option<SystemTime>,
    #[cfg(not(unix))]
    turn: std::sync::Mutex<()>,
}

impl Watched {
    fn new(file: File, metadata: &Metadata) -> Self {
        let (len, modified) = (metadata.len(), metadata.modified().ok());
        Self {
            file,
            len,
            modified,
            #[cfg(not(unix))]
            turn: std::sync::Mutex::new(()),
        }
    }

    fn check(&self) -> io::Result<()> {
        let now = self.file.metadata()?;
        if now.len() == self.len && now.modified().ok() == self.modified {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "the file was changed while it was read (it had {} bytes, now {}); run again when nothing \
             writes to it",
            self.len,
            now.len()
        )))
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, buffer, at)
    }

    #[cfg(not(unix))]
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        use std::io::{Seek, SeekFrom};
        let _turn = self.turn.lock().expect("reading does not panic");
        (&self.file).seek(SeekFrom::Start(at))?;
        (&self.file).read_exact(buffer)
    }
}

/// A position in a store.
#[derive(Debug)]
pub(crate) struct Cursor {
    store: Store,
    at: u64,
}

impl Read for Cursor {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = (out.len() as u64).min(self.store.len().saturating_sub(self.at));
        let mut buffer = Vec::new();
        let bytes = self.store.read(self.at..self.at + len, &mut buffer)?;
        out[..bytes.len()].copy_from_slice(bytes);
        self.at += len;
        Ok(bytes.len())
    }
}

impl io::Seek for Cursor {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let (base, by) = match to {
            io::SeekFrom::Start(at) => (at, 0),
            io::SeekFrom::End(by) => (self.store.len(), by),
            io::SeekFrom::Current(by) => (self.at, by),
        };
        let at = base.checked_add_signed(by);
        self.at = at.ok_or_else(|| io::Error::other("a place before the file's start"))?;
        Ok(self.at)
    }
}
