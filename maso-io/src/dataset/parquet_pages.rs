//! What the pages of a Parquet column claim to become, checked before the parquet crate believes it: a
//! page's header, in Thrift's compact protocol, says how large its data are once they are decompressed,
//! and how many values they hold.

use std::ops::Range;

use crate::bytes::Store;
use crate::limits::Limits;

/// Bytes that a page's header may have.
const MOST_HEADER: u64 = 1 << 16;

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
#[derive(Default)]
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
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut reader, mut header) = (Reader { bytes, at: 0 }, Self::default());
        reader.structure(Shape::Page, &mut header)?;
        header.len = reader.at as u64;
        Some(header)
    }

    /// Takes note of a number.
    fn see(&mut self, shape: Shape, id: i64, number: i64) -> Option<()> {
        let place = match (shape, id) {
            (Shape::Page, 2) => &mut self.becomes,
            (Shape::Page, 3) => &mut self.stored,
            (Shape::Data | Shape::DataV2 | Shape::Dictionary, 1) => &mut self.values,
            _ => return Some(()),
        };
        // The crate reads 32 bits, and none of these is negative.
        *place = i32::try_from(number).ok().and_then(|number| u64::try_from(number).ok())?;
        self.is_dictionary |= shape == Shape::Dictionary;
        Some(())
    }
}

/// The structures of a page's header (parquet.thrift, `PageHeader` and below).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Page,
    Data,
    Index,
    Dictionary,
    DataV2,
    Statistics,
}

/// What a field holds.
enum Field {
    Integer,
    Long,
    Bytes,
    Truth,
    Structure(Shape),
}

impl Shape {
    /// The field of number `id`; the crate goes by numbers, whatever type the file gives them.
    fn field(self, id: i64) -> Option<Field> {
        Some(match (self, id) {
            (Self::Page, 5) => Field::Structure(Self::Data),
            (Self::Page, 6) => Field::Structure(Self::Index),
            (Self::Page, 7) => Field::Structure(Self::Dictionary),
            (Self::Page, 8) => Field::Structure(Self::DataV2),
            (Self::Data, 5) | (Self::DataV2, 8) => Field::Structure(Self::Statistics),
            (Self::Page | Self::Data, 1..=4)
            | (Self::Dictionary, 1..=2)
            | (Self::DataV2, 1..=6) => Field::Integer,
            (Self::Dictionary, 3) | (Self::DataV2, 7) | (Self::Statistics, 7..=8) => Field::Truth,
            (Self::Statistics, 3..=4) => Field::Long,
            (Self::Statistics, 1..=2 | 5..=6) => Field::Bytes,
            _ => return None,
        })
    }
}

/// Types of the compact protocol that a page's header has: no list, and so no count to be believed.
struct Kind;

impl Kind {
    const TRUE: u8 = 1;
    const FALSE: u8 = 2;
    const SHORT: u8 = 4;
    const INTEGER: u8 = 5;
    const LONG: u8 = 6;
    const BINARY: u8 = 8;
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

    /// A structure: known fields of their types, others only if they are numbers, truths or bytes.
    fn structure(&mut self, shape: Shape, header: &mut Header) -> Option<()> {
        let mut id = 0;
        while let Some((next, kind)) = self.field(id)? {
            id = next;
            match (shape.field(id), kind) {
                (Some(Field::Integer), Kind::INTEGER)
                | (Some(Field::Long), Kind::LONG)
                | (None, Kind::SHORT | Kind::INTEGER | Kind::LONG) => {
                    let number = self.zigzag()?;
                    header.see(shape, id, number)?;
                }
                (Some(Field::Truth) | None, Kind::TRUE | Kind::FALSE) => {}
                (Some(Field::Bytes) | None, Kind::BINARY) => {
                    let len = usize::try_from(self.varint()?).ok()?;
                    self.at = self.at.checked_add(len).filter(|&at| at <= self.bytes.len())?;
                }
                (Some(Field::Structure(inner)), Kind::STRUCT) => self.structure(inner, header)?,
                _ => return None,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_give_their_sizes_and_length() {
        // Data page, 300 bytes that are stored as 7; then a structure, and a number.
        let bytes = [0x15, 0, 0x15, 0xD8, 0x04, 0x15, 14, 0x2C, 0x15, 2, 0, 0x96, 2, 0, 99];
        let header = Header::parse(&bytes).expect("a header");
        assert_eq!((header.becomes, header.stored, header.len), (300, 7, 14));
        assert_eq!((header.values, header.is_dictionary), (1, false));
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
        let list = [0x15, 0, 0x15, 2, 0x15, 2, 0x39, 0xF1, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0];
        for bytes in [&negative[..], &too_long, &nested, &long, &beyond, &list, &[]] {
            assert!(Header::parse(bytes).is_none(), "{bytes:?}");
        }
    }
}
