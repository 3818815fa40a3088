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
    let most = limits.most_inflated(compressed);
    let mut bytes = Vec::new();
    if expected.is_none_or(|expected| expected <= most) {
        let read = source.take(most.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|error| {
            io::Error::new(error.kind(), format!("it is damaged ({error}); copy or save it again"))
        })?;
        if bytes.len() as u64 <= most {
            return Ok(bytes);
        }
    }
    Err(io::Error::other(format!(
        "{compressed} compressed bytes would become more than {most} (Limits::inflate_ratio and \
         inflated_bytes); store it uncompressed"
    )))
}
