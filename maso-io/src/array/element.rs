//! Element types of array files, and their conversion to f32 rows.

use std::fmt;

use half::f16;

use super::Scaling;

/// The kind of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    I64,
    U64,
    F16,
    F32,
    F64,
}

/// A number's kind and byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub(super) kind: Kind,
    pub(super) big_endian: bool,
}

impl Element {
    /// From numpy's description, such as `<f4`.
    pub(super) fn parse(description: &str) -> Option<Self> {
        let (order, code) = description.split_at_checked(1)?;
        let kind = match code {
            "u1" | "b1" => Kind::U8,
            "i1" => Kind::I8,
            "u2" => Kind::U16,
            "i2" => Kind::I16,
            "u4" => Kind::U32,
            "i4" => Kind::I32,
            "i8" => Kind::I64,
            "u8" => Kind::U64,
            "f2" => Kind::F16,
            "f4" => Kind::F32,
            "f8" => Kind::F64,
            _ => return None,
        };
        let big_endian = match order {
            "<" | "|" => false,
            ">" => true,
            "=" => cfg!(target_endian = "big"),
            _ => return None,
        };
        Some(Self { kind, big_endian })
    }

    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self.kind {
            Kind::U8 | Kind::I8 => 1,
            Kind::U16 | Kind::I16 | Kind::F16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }

    /// Whether the numbers are integers.
    #[must_use]
    pub fn is_integer(self) -> bool {
        !matches!(self.kind, Kind::F16 | Kind::F32 | Kind::F64)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::U8 => "u8",
            Kind::I8 => "i8",
            Kind::U16 => "u16",
            Kind::I16 => "i16",
            Kind::U32 => "u32",
            Kind::I32 => "i32",
            Kind::I64 => "i64",
            Kind::U64 => "u64",
            Kind::F16 => "f16",
            Kind::F32 => "f32",
            Kind::F64 => "f64",
        })
    }
}

/// Reads elements of `N` bytes in either order.
fn each<'b, const N: usize, T>(
    bytes: &'b [u8],
    big_endian: bool,
    read: impl Fn([u8; N]) -> T + 'b,
) -> impl Iterator<Item = T> + 'b {
    bytes.as_chunks::<N>().0.iter().map(move |chunk| {
        let mut little = *chunk;
        if big_endian {
            little.reverse();
        }
        read(little)
    })
}

/// A number as f64, rounded once where it has more digits (only i64 and u64 have).
trait Widen {
    fn widen(self) -> f64;
}

macro_rules! widen_by {
    ($convert:expr => $($number:ty),*) => {$(
        impl Widen for $number {
            fn widen(self) -> f64 {
                $convert(self)
            }
        }
    )*};
}

widen_by!(f64::from => u8, i8, u16, i16, u32, i32, f16, f32);
widen_by!(std::convert::identity => f64);
#[allow(clippy::cast_precision_loss, reason = "the one rounding that the trait promises")]
mod rounded {
    use super::Widen;

    widen_by!(|value| value as f64 => i64, u64);
}

/// Turns a file's elements into f32.
#[derive(Debug)]
pub(super) struct Converter {
    element: Element,
    scaling: Scaling,
    /// The image of every byte, for u8 files.
    table: Option<Box<[f32; 256]>>,
}

impl Converter {
    pub(super) fn new(element: Element, scaling: Scaling) -> Self {
        let image = |byte: u8| scale(byte.into(), scaling);
        let table = (element.kind == Kind::U8).then(|| {
            let mut table = Box::new([0.0; 256]);
            table.iter_mut().zip(0..=255).for_each(|(entry, byte)| *entry = image(byte));
            table
        });
        Self { element, scaling, table }
    }

    /// The elements themselves, where they already are what the kernels read.
    pub(super) fn in_place<'b>(&self, bytes: &'b [u8]) -> Option<&'b [f32]> {
        let native = self.element.big_endian == cfg!(target_endian = "big");
        let untouched = self.element.kind == Kind::F32 && self.scaling == Scaling::default();
        if native && untouched { bytemuck::try_cast_slice(bytes).ok() } else { None }
    }

    /// Converts `out.len()` elements.
    pub(super) fn convert(&self, bytes: &[u8], out: &mut [f32]) {
        if let Some(table) = &self.table {
            out.iter_mut().zip(bytes).for_each(|(out, &byte)| *out = table[usize::from(byte)]);
            return;
        }
        if self.element.kind == Kind::F32 && self.scaling == Scaling::default() {
            let values = each(bytes, self.element.big_endian, f32::from_le_bytes);
            out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
            return;
        }
        let big = self.element.big_endian;
        match self.element.kind {
            Kind::U8 => self.fill(each(bytes, big, u8::from_le_bytes), out),
            Kind::I8 => self.fill(each(bytes, big, i8::from_le_bytes), out),
            Kind::U16 => self.fill(each(bytes, big, u16::from_le_bytes), out),
            Kind::I16 => self.fill(each(bytes, big, i16::from_le_bytes), out),
            Kind::U32 => self.fill(each(bytes, big, u32::from_le_bytes), out),
            Kind::I32 => self.fill(each(bytes, big, i32::from_le_bytes), out),
            Kind::I64 => self.fill(each(bytes, big, i64::from_le_bytes), out),
            Kind::U64 => self.fill(each(bytes, big, u64::from_le_bytes), out),
            Kind::F16 => self.fill(each(bytes, big, f16::from_le_bytes), out),
            Kind::F32 => self.fill(each(bytes, big, f32::from_le_bytes), out),
            Kind::F64 => self.fill(each(bytes, big, f64::from_le_bytes), out),
        }
    }

    fn fill(&self, values: impl Iterator<Item = impl Widen>, out: &mut [f32]) {
        let pairs = out.iter_mut().zip(values);
        pairs.for_each(|(out, value)| *out = scale(value.widen(), self.scaling));
    }
}

#[allow(clippy::cast_possible_truncation, reason = "rows are rounded to f32 here, once")]
fn scale(value: f64, scaling: Scaling) -> f32 {
    (value * scaling.scale + scaling.shift) as f32
}

/// The elements as integers, where that is what they are and they fit.
pub(super) fn integers(element: Element, bytes: &[u8]) -> Option<Vec<i64>> {
    let big = element.big_endian;
    Some(match element.kind {
        Kind::U8 => bytes.iter().map(|&value| value.into()).collect(),
        Kind::I8 => each(bytes, big, i8::from_le_bytes).map(Into::into).collect(),
        Kind::U16 => each(bytes, big, u16::from_le_bytes).map(Into::into).collect(),
        Kind::I16 => each(bytes, big, i16::from_le_bytes).map(Into::into).collect(),
        Kind::U32 => each(bytes, big, u32::from_le_bytes).map(Into::into).collect(),
        Kind::I32 => each(bytes, big, i32::from_le_bytes).map(Into::into).collect(),
        Kind::I64 => each(bytes, big, i64::from_le_bytes).collect(),
        Kind::U64 => {
            let signed = |value| i64::try_from(value).ok();
            return each(bytes, big, u64::from_le_bytes).map(signed).collect();
        }
        Kind::F16 | Kind::F32 | Kind::F64 => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(description: &str, bytes: &[u8], scaling: Scaling) -> Vec<f32> {
        let element = Element::parse(description).expect("a known type");
        let mut out = vec![0.0; bytes.len() / element.size()];
        Converter::new(element, scaling).convert(bytes, &mut out);
        out
    }

    #[test]
    fn every_type_and_byte_order_converts() {
        let plain = Scaling::default();
        assert_eq!(converted("|u1", &[0, 255], plain), [0.0, 255.0]);
        assert_eq!(converted("|i1", &[0xFF], plain), [-1.0]);
        assert_eq!(converted("<i2", &[0xFE, 0xFF], plain), [-2.0]);
        assert_eq!(converted(">i2", &[0xFF, 0xFE], plain), [-2.0]);
        assert_eq!(converted("<u2", &[0xFE, 0xFF], plain), [65534.0]);
        assert_eq!(converted(">i4", &(-3i32).to_be_bytes(), plain), [-3.0]);
        assert_eq!(converted("<u4", &7u32.to_le_bytes(), plain), [7.0]);
        assert_eq!(converted(">i8", &(1i64 << 40).to_be_bytes(), plain), [1.099_511_6e12]);
        assert_eq!(converted("<u8", &(1u64 << 63).to_le_bytes(), plain), [9.223_372e18]);
        assert_eq!(converted(">f2", &f16::from_f32(0.5).to_be_bytes(), plain), [0.5]);
        assert_eq!(converted(">f4", &(-0.0f32).to_be_bytes(), plain)[0].to_bits(), 1 << 31);
        assert_eq!(converted("<f8", &0.1f64.to_le_bytes(), plain), [0.1]);
    }

    #[test]
    fn scaling_rounds_once() {
        let scaling = Scaling { scale: 1.0 / 255.0, shift: -0.5 };
        for byte in 0..=255u8 {
            #[allow(clippy::cast_possible_truncation, reason = "the rounding under test")]
            let expected = (f64::from(byte) * (1.0 / 255.0) - 0.5) as f32;
            assert_eq!(converted("|u1", &[byte], scaling), [expected]);
            let wide = i64::from(byte).to_le_bytes();
            assert_eq!(converted("<i8", &wide, scaling), [expected], "the same on every path");
        }
    }

    #[test]
    fn only_untouched_native_f32_is_used_in_place() {
        let values = [1.0f32, -2.5];
        let bytes: &[u8] = bytemuck::cast_slice(&values);
        let native = if cfg!(target_endian = "big") { ">f4" } else { "<f4" };
        let element = Element::parse(native).expect("a known type");
        let plain = Converter::new(element, Scaling::default());
        assert_eq!(plain.in_place(bytes), Some(&values[..]));
        let scaled = Converter::new(element, Scaling { scale: 2.0, shift: 0.0 });
        assert_eq!(scaled.in_place(bytes), None);
    }
}
