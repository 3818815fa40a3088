//! Where tensors' numbers come from, and how much more of them there may be: in memory, all told, and
//! out of each side file.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::limits::Limits;
use crate::model::side::SideFiles;

/// How many times its length may be read of a side file. Tensors that share bytes are few; more are a
/// small file that asks for a large memory.
const MOST_READINGS: u64 = 4;

/// The side files of one model, and what its tensors took so far.
pub(super) struct Source<'s> {
    files: &'s dyn SideFiles,
    pub(super) limits: &'s Limits,
    held: u64,
    read: BTreeMap<PathBuf, u64>,
}

impl<'s> Source<'s> {
    pub(super) fn new(files: &'s dyn SideFiles, limits: &'s Limits) -> Self {
        Self { files, limits, held: 0, read: BTreeMap::new() }
    }

    /// Counts `count` numbers of `size` bytes that are about to be held.
    pub(super) fn hold(&mut self, count: usize, size: usize) -> Result<(), String> {
        let limit = self.limits.constant_bytes;
        let more = u64::try_from(count).ok().and_then(|count| count.checked_mul(size as u64));
        let held = more.and_then(|more| self.held.checked_add(more)).filter(|&held| held <= limit);
        self.held = held.ok_or_else(|| {
            format!(
                "with it the model's constants would take more than {limit} bytes \
                 (Limits::constant_bytes): the file is damaged, or beyond what is read; export it again"
            )
        })?;
        Ok(())
    }

    /// Bytes of a side file.
    pub(super) fn external(
        &mut self,
        location: &str,
        offset: u64,
        length: u64,
    ) -> Result<Vec<u8>, String> {
        let size = self.files.size(location)?;
        let read = self.read.entry(plain(location)).or_default();
        *read = read.saturating_add(length);
        // One reading may be of the whole file, and is checked against its end.
        if *read > length && *read > size.saturating_mul(MOST_READINGS) {
            return Err(format!(
                "external data {location:?} has {size} bytes, and the model's tensors read more than \
                 {MOST_READINGS} times as many of them: the file is damaged; export it again"
            ));
        }
        self.files.read(location, offset, Some(length))
    }
}

/// A path without the steps that lead nowhere.
fn plain(location: &str) -> PathBuf {
    Path::new(location).components().filter(|part| *part != Component::CurDir).collect()
}
