//! Element types of array files, and their numbers.

use std::fmt;

use half::{bf16, f16};

/// The kind of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    I64,
    U64,
    F16,
    Bf16,
    F32,
    F64,
}

/// A number's kind and byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    pub(crate) kind: Kind,
    pub(crate) big_endian: bool,
}

impl Element {
    /// From numpy's description, such as `<f4`.
    pub(crate) fn parse(description: &str) -> Option<Self> {
        let (order, code) = description.split_at_checked(1)?;
        let kind = match code {
            "b1" => Kind::Bool,
            "u1" => Kind::U8,
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
    pub(crate) fn size(self) -> usize {
        match self.kind {
            Kind::Bool | Kind::U8 | Kind::I8 => 1,
            Kind::U16 | Kind::I16 | Kind::F16 | Kind::Bf16 => 2,
            Kind::U32 | Kind::I32 | Kind::F32 => 4,
            Kind::I64 | Kind::U64 | Kind::F64 => 8,
        }
    }

    /// Whether the numbers are integers (bool is: 0 and 1).
    #[must_use]
    pub fn is_integer(self) -> bool {
        !matches!(self.kind, Kind::F16 | Kind::Bf16 | Kind::F32 | Kind::F64)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Bool => "bool",
            Kind::U8 => "u8",
            Kind::I8 => "i8",
            Kind::U16 => "u16",
            Kind::I16 => "i16",
            Kind::U32 => "u32",
            Kind::I32 => "i32",
            Kind::I64 => "i64",
            Kind::U64 => "u64",
            Kind::F16 => "f16",
            Kind::Bf16 => "bf16",
            Kind::F32 => "f32",
            Kind::F64 => "f64",
        })
    }
}

impl Element {
    /// Whether the elements are f32 in this machine's byte order.
    pub(crate) fn is_native_f32(self) -> bool {
        self.kind == Kind::F32 && self.big_endian == cfg!(target_endian = "big")
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

widen_by!(f64::from => u8, i8, u16, i16, u32, i32, f16, bf16, f32);
widen_by!(std::convert::identity => f64);
#[allow(clippy::cast_precision_loss, reason = "the one rounding that the trait promises")]
mod rounded {
    use super::Widen;

    widen_by!(|value| value as f64 => i64, u64);
}

/// Hands on every element with its place, as f64 rounded once where it has more digits.
pub(crate) fn widen_each(element: Element, bytes: &[u8], take: impl FnMut(usize, f64)) {
    fn hand_on(values: impl Iterator<Item = impl Widen>, mut take: impl FnMut(usize, f64)) {
        values.enumerate().for_each(|(place, value)| take(place, value.widen()));
    }
    let big = element.big_endian;
    match element.kind {
        Kind::Bool => hand_on(bytes.iter().map(|&byte| u8::from(byte != 0)), take),
        Kind::U8 => hand_on(bytes.iter().copied(), take),
        Kind::I8 => hand_on(each(bytes, big, i8::from_le_bytes), take),
        Kind::U16 => hand_on(each(bytes, big, u16::from_le_bytes), take),
        Kind::I16 => hand_on(each(bytes, big, i16::from_le_bytes), take),
        Kind::U32 => hand_on(each(bytes, big, u32::from_le_bytes), take),
        Kind::I32 => hand_on(each(bytes, big, i32::from_le_bytes), take),
        Kind::I64 => hand_on(each(bytes, big, i64::from_le_bytes), take),
        Kind::U64 => hand_on(each(bytes, big, u64::from_le_bytes), take),
        Kind::F16 => hand_on(each(bytes, big, f16::from_le_bytes), take),
        Kind::Bf16 => hand_on(each(bytes, big, bf16::from_le_bytes), take),
        Kind::F32 => hand_on(each(bytes, big, f32::from_le_bytes), take),
        Kind::F64 => hand_on(each(bytes, big, f64::from_le_bytes), take),
    }
}

/// The bits of f32 elements as they are.
pub(crate) fn copy_f32(bytes: &[u8], big_endian: bool, out: &mut [f32]) {
    let values = each(bytes, big_endian, f32::from_le_bytes);
    out.iter_mut().zip(values).for_each(|(out, value)| *out = value);
}

/// The elements as integers, where that is what they are and they fit.
pub(crate) fn integers(element: Element, bytes: &[u8]) -> Option<Vec<i64>> {
    let big = element.big_endian;
    Some(match element.kind {
        Kind::Bool => bytes.iter().map(|&byte| i64::from(byte != 0)).collect(),
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
        Kind::F16 | Kind::Bf16 | Kind::F32 | Kind::F64 => return None,
    })
}
