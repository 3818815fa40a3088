//! Tensors: raw, typed or external data, checked against shape and type before anything is converted.

use half::f16;
use maso_core::tensor::{Tensor, TensorData};

use super::proto;
use crate::model::side::SideFiles;

/// Element types that are read, with ONNX's numbers.
#[derive(Clone, Copy, PartialEq)]
enum Element {
    F32,
    U8,
    I8,
    I32,
    I64,
    Bool,
    F16,
    F64,
}

impl Element {
    fn of(number: i32) -> Result<Self, String> {
        Ok(match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            other => {
                let name = match other {
                    0 => "undefined",
                    8 => "string",
                    16 => "bfloat16",
                    _ => "unknown",
                };
                return Err(format!(
                    "element type {other} ({name}) is not supported; expected float, double, \
                     float16, int64, int32, int8, uint8 or bool"
                ));
            }
        })
    }

    fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::F16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// Reads one tensor; the error is a sentence without the tensor's name.
pub(super) fn read(raw: proto::Tensor, files: &dyn SideFiles) -> Result<Tensor, String> {
    let element = Element::of(raw.data_type.unwrap_or(0))?;
    if raw.segment.is_some() {
        return Err("tensors in segments are not supported".to_owned());
    }
    let shape = shape(&raw.dims)?;
    let count: usize = shape.iter().product();
    let bytes = count.checked_mul(element.size()).ok_or("its size overflows")?;
    // 1 = EXTERNAL
    let data = if raw.data_location == Some(1) {
        from_bytes(element, &external(&raw.external_data, bytes, files)?, bytes)?
    } else if let Some(own) = &raw.raw_data {
        from_bytes(element, own, bytes)?
    } else {
        typed(element, &raw)?
    };
    let found = match &data {
        TensorData::F32(data) => data.len(),
        TensorData::F64(data) => data.len(),
        TensorData::I64(data) => data.len(),
        _ => count,
    };
    Tensor::new(shape.clone(), data)
        .ok_or_else(|| format!("shape {shape:?} needs {count} elements, found {found}"))
}

/// Extents, with their product known to fit.
fn shape(dims: &[i64]) -> Result<Vec<usize>, String> {
    let bad = || format!("its shape {dims:?} is not usable");
    let shape: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let shape = shape.ok_or_else(bad)?;
    // Extents of 0 must not hide others that overflow.
    let product = shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim.max(1)));
    product.filter(|&n| n <= isize::MAX as usize).map(|_| shape).ok_or_else(bad)
}

fn external(
    entries: &[proto::Entry],
    expected: usize,
    files: &dyn SideFiles,
) -> Result<Vec<u8>, String> {
    let entry = |key: &str| {
        let found = entries.iter().find(|entry| entry.key.as_deref() == Some(key));
        found.and_then(|entry| entry.value.as_deref())
    };
    let number = |key: &str| -> Result<Option<u64>, String> {
        let parse = |text: &str| {
            text.parse().map_err(|_| format!("its external {key} {text:?} is not a number"))
        };
        entry(key).map(parse).transpose()
    };
    let location = entry("location").ok_or("its external data have no location")?;
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let length = length.unwrap_or(expected as u64);
    if length != expected as u64 {
        return Err(format!("its external data claim {length} bytes, its shape needs {expected}"));
    }
    files.read(location, offset, Some(length))
}

/// Little-endian elements.
fn from_bytes(element: Element, bytes: &[u8], expected: usize) -> Result<TensorData, String> {
    if bytes.len() != expected {
        return Err(format!("its shape and type need {expected} bytes, found {}", bytes.len()));
    }
    fn each<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
        bytes.as_chunks::<N>().0.iter().map(|chunk| read(*chunk)).collect()
    }
    Ok(match element {
        Element::F32 => TensorData::F32(each(bytes, f32::from_le_bytes)),
        Element::F64 => TensorData::F64(each(bytes, f64::from_le_bytes)),
        Element::F16 => TensorData::F32(each(bytes, |b| f16::from_le_bytes(b).to_f32())),
        Element::I64 => TensorData::I64(each(bytes, i64::from_le_bytes)),
        Element::I32 => TensorData::I64(each(bytes, |b| i32::from_le_bytes(b).into())),
        Element::I8 => TensorData::I64(each(bytes, |b| i8::from_le_bytes(b).into())),
        Element::U8 => TensorData::I64(each(bytes, |[b]: [u8; 1]| b.into())),
        Element::Bool => TensorData::Bool(each(bytes, |[b]: [u8; 1]| b != 0)),
    })
}

/// Elements in the field of their type; small types share the int32 field.
fn typed(element: Element, raw: &proto::Tensor) -> Result<TensorData, String> {
    let small = || raw.int32_data.iter();
    Ok(match element {
        Element::F32 => TensorData::F32(raw.float_data.clone()),
        Element::F64 => TensorData::F64(raw.double_data.clone()),
        Element::F16 => {
            let half = |&bits: &i32| u16::try_from(bits).map(|bits| f16::from_bits(bits).to_f32());
            let halves = small().map(half).collect::<Result<_, _>>();
            TensorData::F32(halves.map_err(|_| "an entry is no float16".to_owned())?)
        }
        Element::I64 => TensorData::I64(raw.int64_data.clone()),
        Element::I32 | Element::I8 | Element::U8 => {
            TensorData::I64(small().map(|&value| value.into()).collect())
        }
        Element::Bool => TensorData::Bool(small().map(|&value| value != 0).collect()),
    })
}
