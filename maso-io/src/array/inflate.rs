//! Compressed bytes made whole, within limits.

use std::io::{self, Read};

use crate::bytes::Store;
use crate::limits::Limits;

/// The content of a gzip file, in memory.
pub(crate) fn gunzip(store: &Store, limits: &Limits) -> io::Result<Vec<u8>> {
    let compressed = store.len();
    let decoder = flate2::read::MultiGzDecoder::new(io::BufReader::new(store.cursor()));
    bounded(decoder, compressed, None, limits)
}

/// All that `source` gives, known to come from `compressed` bytes and to be `expected` bytes where
/// something says so.
pub(super) fn bounded(
    source: impl Read,
    compressed: u64,
    expected: Option<u64>,
    limits: &Limits,
) -> io::Result<Vec<u8>> {
    let check = |len: u64| limits.check_inflation(compressed, len).map_err(io::Error::other);
    check(expected.unwrap_or(0))?;
    let most = limits.most_inflated(compressed);
    let mut bytes = Vec::new();
    source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    check(bytes.len() as u64)?;
    Ok(bytes)
}
