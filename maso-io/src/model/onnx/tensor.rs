//! Tensors: raw, typed or external data, checked against shape and type before anything is converted.

use half::{bf16, f16};
use maso_core::tensor::{Tensor, TensorData};

use super::proto;
use super::source::Source;

/// Element types that are read, with ONNX's numbers.
#[derive(Clone, Copy, PartialEq)]
enum Element {
    F32,
    U8,
    I8,
    U16,
    I16,
    I32,
    I64,
    Bool,
    F16,
    F64,
    U32,
    Bf16,
}

impl Element {
    fn of(number: i32) -> Result<Self, TensorError> {
        Ok(match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            4 => Self::U16,
            5 => Self::I16,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            12 => Self::U32,
            16 => Self::Bf16,
            other => {
                let name = match other {
                    0 => "undefined",
                    8 => "string",
                    13 => "uint64",
                    14 | 15 => "complex",
                    17..=20 => "float8",
                    21 | 22 => "4-bit integer",
                    _ => "unknown",
                };
                return Err(TensorError::Foreign(format!(
                    "element type {other} ({name}) is not supported; expected float, double, \
                     float16, bfloat16, bool or an integer type of up to 32 bits or int64: convert it, and \
                     export the model again"
                )));
            }
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// Bytes of one number once it is read.
    fn held_size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::F32 | Self::F16 | Self::Bf16 => 4,
            _ => 8,
        }
    }
}

/// Why a tensor cannot be read; a sentence without its name.
pub(super) enum TensorError {
    /// Its elements have no representation here: it matters only where it is used.
    Foreign(String),
    /// It is not what it says.
    Damaged(String),
}

impl From<String> for TensorError {
    fn from(reason: String) -> Self {
        Self::Damaged(reason)
    }
}

impl From<&str> for TensorError {
    fn from(reason: &str) -> Self {
        Self::Damaged(reason.to_owned())
    }
}

/// Whether a tensor's numbers are in a side file.
pub(super) fn is_external(raw: &proto::Tensor) -> bool {
    const EXTERNAL: i32 = 1;
    raw.data_location == Some(EXTERNAL)
}

/// Reads one tensor.
pub(super) fn read(raw: proto::Tensor, source: &mut Source<'_>) -> Result<Tensor, TensorError> {
    let element = Element::of(raw.data_type.unwrap_or(0))?;
    if raw.segment.is_some() {
        return Err("tensors in segments are not supported; export the model again".into());
    }
    let dims = &raw.dims;
    let shape: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let shape = shape.ok_or_else(|| {
        format!("its shape {dims:?} is not usable: the file is damaged; export it again")
    })?;
    let count = source.limits.check_shape(&shape)?;
    let bytes = count.checked_mul(element.size()).ok_or("its size overflows")?;
    source.hold(count, element.held_size())?;
    let data = if is_external(&raw) {
        from_bytes(element, &external(&raw.external_data, bytes, source)?, bytes)?
    } else if let Some(own) = &raw.raw_data {
        from_bytes(element, own, bytes)?
    } else {
        typed(element, raw)?
    };
    let found = match &data {
        TensorData::F32(data) => data.len(),
        TensorData::F64(data) => data.len(),
        TensorData::I64(data) => data.len(),
        _ => count,
    };
    Ok(Tensor::new(shape.clone(), data)
        .ok_or_else(|| format!(
            "shape {shape:?} needs {count} elements, found {found}: the file is damaged; export it again"
        ))?)
}

fn external(
    entries: &[proto::Entry],
    expected: usize,
    source: &mut Source<'_>,
) -> Result<Vec<u8>, String> {
    let entry = |key: &str| {
        let found = entries.iter().find(|entry| entry.key.as_deref() == Some(key));
        found.and_then(|entry| entry.value.as_deref())
    };
    let number = |key: &str| -> Result<Option<u64>, String> {
        let parse = |text: &str| {
            text.parse().map_err(|_| {
                format!("its external {key} {text:?} is not a number: export the model again")
            })
        };
        entry(key).map(parse).transpose()
    };
    let location =
        entry("location").ok_or("its external data have no location: export the model again")?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let length = length.unwrap_or(expected as u64);
    if length != expected as u64 {
        return Err(format!(
            "its external data claim {length} bytes, its shape needs {expected}: export the model again"
        ));
    }
    source.external(location, offset, length)
}

/// Little-endian elements.
fn from_bytes(element: Element, bytes: &[u8], expected: usize) -> Result<TensorData, String> {
    if bytes.len() != expected {
        return Err(format!(
            "its shape and type need {expected} bytes, found {}: the file is damaged; copy or export it \
             again",
            bytes.len()
        ));
    }
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
    }
    Ok(match element {
        Element::F32 => TensorData::F32(each(bytes, f32::from_le_bytes)),
        Element::F64 => TensorData::F64(each(bytes, f64::from_le_bytes)),
        Element::F16 => TensorData::F32(each(bytes, |b| f16::from_le_bytes(b).to_f32())),
        Element::Bf16 => TensorData::F32(each(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        Element::I64 => TensorData::I64(each(bytes, i64::from_le_bytes)),
        Element::U32 => TensorData::I64(each(bytes, |b| u32::from_le_bytes(b).into())),
        Element::I16 => TensorData::I64(each(bytes, |b| i16::from_le_bytes(b).into())),
        Element::U16 => TensorData::I64(each(bytes, |b| u16::from_le_bytes(b).into())),
        Element::I32 => TensorData::I64(each(bytes, |b| i32::from_le_bytes(b).into())),
        Element::I8 => TensorData::I64(each(bytes, |b| i8::from_le_bytes(b).into())),
        Element::U8 => TensorData::I64(each(bytes, |[b]: [u8; 1]| b.into())),
        Element::Bool => TensorData::Bool(each(bytes, |[b]: [u8; 1]| b != 0)),
    })
}

/// Elements in the field of their type; small types share the int32 field.
fn typed(element: Element, raw: proto::Tensor) -> Result<TensorData, String> {
    let small = || raw.int32_data.iter();
    let halves = |widen: fn(u16) -> f32| {
        let half = |&bits: &i32| u16::try_from(bits).map(widen);
        let halves = small().map(half).collect::<Result<_, _>>();
        halves.map(TensorData::F32).map_err(|_| "an entry is no 16-bit float".to_owned())
    };
    Ok(match element {
        Element::F16 => halves(|bits| f16::from_bits(bits).to_f32())?,
        Element::Bf16 => halves(|bits| bf16::from_bits(bits).to_f32())?,
        Element::I32 | Element::I16 | Element::U16 | Element::I8 | Element::U8 => {
            TensorData::I64(small().map(|&value| value.into()).collect())
        }
        Element::Bool => TensorData::Bool(small().map(|&value| value != 0).collect()),
        Element::U32 => {
            let signed = raw.uint64_data.iter().map(|&value| i64::try_from(value));
            let signed = signed.collect::<Result<_, _>>();
            TensorData::I64(signed.map_err(|_| "an entry is no uint32".to_owned())?)
        }
        Element::F32 => TensorData::F32(raw.float_data),
        Element::F64 => TensorData::F64(raw.double_data),
        Element::I64 => TensorData::I64(raw.int64_data),
    })
}
