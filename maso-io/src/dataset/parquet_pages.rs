//! What the pages of a Parquet column claim to become, checked before the parquet crate believes it: a
//! page's header, in Thrift's compact protocol, says how large its data are once they are decompressed,
//! and how many values they hold.

use std::ops::Range;

use crate::bytes::Store;
use crate::limits::Limits;

/// Bytes that a page's header may have.
const MOST_HEADER: u64 = 1 << 16;
/// Structures within structures of a header.
const DEPTH: usize = 8;

/// Checks the pages of `rows` rows, which lie in `bytes` of the file, and adds what they become to `total`.
pub(super) fn check(
    store: &Store,
    bytes: Range<u64>,
    rows: u64,
    limits: &Limits,
    total: &mut u64,
) -> Result<(), String> {
    let Range { start: mut at, end } = bytes;
    let mut buffer = Vec::new();
    while at < end {
        let window = at..end.min(at.saturating_add(MOST_HEADER));
        let bytes = store.read(window, &mut buffer).map_err(|error| error.to_string())?;
        let header = Header::parse(bytes).ok_or("the header of a page is damaged")?;
        // Values of a dictionary take some bytes each; a page of data has no more than there are rows.
        let most = if header.is_dictionary { header.becomes } else { rows };
        if header.values > most {
            return Err(format!("a page claims {} values, more than it can have", header.values));
        }
        *total = total.saturating_add(header.becomes);
        let most = limits.most_inflated(store.len());
        if *total > most {
            return Err(format!(
                "its pages would become more than {most} bytes (Limits::inflate_ratio and inflated_bytes); \
                 choose columns, or save the table as .npy"
            ));
        }
        at = at.saturating_add(header.len).saturating_add(header.stored);
    }
    Ok(())
}

/// What a page's header says.
struct Header {
    /// Bytes of the header.
    len: u64,
    /// Bytes of the page as it is stored.
    stored: u64,
    /// Bytes once it is decompressed.
    becomes: u64,
    /// Values.
    values: u64,
    is_dictionary: bool,
}

impl Header {
    /// Field 2 is the size once decompressed, field 3 the size as stored; fields 5, 7 and 8 are headers of
    /// data, dictionaries and data in version 2, whose field 1 counts values (parquet.thrift,
    /// `PageHeader`).
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader { bytes, at: 0 };
        let (mut becomes, mut stored, mut id) = (None, None, 0i64);
        let (mut values, mut is_dictionary) = (0, false);
        while let Some((next, kind)) = reader.field(id)? {
            id = next;
            match (id, kind) {
                (2, Kind::INTEGER) => becomes = Some(reader.count()?),
                (3, Kind::INTEGER) => stored = Some(reader.count()?),
                (5 | 7 | 8, Kind::STRUCT) => {
                    values = reader.values()?.max(values);
                    is_dictionary |= id == 7;
                }
                _ => reader.skip(kind, DEPTH)?,
            }
        }
        let len = reader.at as u64;
        Some(Self { len, stored: stored?, becomes: becomes?, values, is_dictionary })
    }
}

/// Types of the compact protocol.
struct Kind;

impl Kind {
    const TRUE: u8 = 1;
    const FALSE: u8 = 2;
    const BYTE: u8 = 3;
    const SHORT: u8 = 4;
    const INTEGER: u8 = 5;
    const LONG: u8 = 6;
    const DOUBLE: u8 = 7;
    const BINARY: u8 = 8;
    const LIST: u8 = 9;
    const SET: u8 = 10;
    const STRUCT: u8 = 12;
}

/// A place in a header.
struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// A number that is not negative, and fits 32 bits, as the crate reads it.
    fn count(&mut self) -> Option<u64> {
        i32::try_from(self.zigzag()?).ok().and_then(|count| u64::try_from(count).ok())
    }

    /// Field 1 of a structure, the others skipped.
    fn values(&mut self) -> Option<u64> {
        let (mut values, mut id) = (0, 0);
        while let Some((next, kind)) = self.field(id)? {
            id = next;
            match (id, kind) {
                (1, Kind::INTEGER) => values = self.count()?,
                _ => self.skip(kind, DEPTH)?,
            }
        }
        Some(values)
    }

    /// Number and type of the next field of a structure; nothing at its end.
    fn field(&mut self, before: i64) -> Option<Option<(i64, u8)>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        let id = match byte >> 4 {
            0 => self.zigzag()?,
            delta => before.checked_add(delta.into())?,
        };
        Some(Some((id, byte & 0x0F)))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            Kind::TRUE | Kind::FALSE => {}
            Kind::BYTE => self.at += 1,
            Kind::SHORT | Kind::INTEGER | Kind::LONG => drop(self.varint()?),
            Kind::DOUBLE => self.at += 8,
            Kind::BINARY => {
                let len = usize::try_from(self.varint()?).ok()?;
                self.at = self.at.checked_add(len)?;
            }
            Kind::LIST | Kind::SET => {
                let header = self.byte()?;
                let count = match header >> 4 {
                    15 => self.varint()?,
                    count => count.into(),
                };
                // Truth values take a byte each in a list.
                let kind = if header & 0x0F <= Kind::FALSE { Kind::BYTE } else { header & 0x0F };
                for _ in 0..count {
                    self.skip(kind, depth)?;
                }
            }
            Kind::STRUCT => {
                let mut id = 0;
                while let Some((next, kind)) = self.field(id)? {
                    id = next;
                    self.skip(kind, depth)?;
                }
            }
            _ => return None,
        }
        (self.at <= self.bytes.len()).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_give_their_sizes_and_length() {
        // Data page, 300 bytes that are stored as 7; then a structure with a list, and a number.
        let bytes = [0x15, 0, 0x15, 0xD8, 0x04, 0x15, 14, 0x2C, 0x19, 0x15, 2, 0, 0x16, 2, 0, 99];
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!((header.becomes, header.stored, header.len), (300, 7, 15));
        assert_eq!((header.values, header.is_dictionary), (0, false));
        let bytes = [0x15, 4, 0x15, 80, 0x15, 14, 0x4C, 0x15, 20, 0x15, 4, 0, 0];
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!((header.values, header.is_dictionary, header.len), (10, true, 13));
    }

    #[test]
    fn damaged_headers_are_none() {
        let negative = [0x15, 0, 0x15, 1, 0x15, 14, 0];
        let too_long =
            [0x15, 0, 0x15, 2, 0x15, 2, 0x4C, 0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 3, 0, 0];
        let nested = [0x1C; 100];
        let long =
            [0x15, 0, 0x15, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
        let beyond = [0x18, 0xFF, 0x7F, 0];
        for bytes in [&negative[..], &too_long, &nested, &long, &beyond, &[]] {
            assert!(Header::parse(bytes).is_none(), "{bytes:?}");
        }
    }
}
