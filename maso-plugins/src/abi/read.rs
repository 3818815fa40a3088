//! Reading what the other side handed over: a table is copied as far as both sides know it, a text is checked.
//! One of the crate's rooms for unsafe code.
#![allow(unsafe_code, reason = "reads through pointers that came over the interface")]

use super::{Block, Host, Kind, Math, Parameter, PluginTable, Spline, Str};
use std::{error, fmt, mem::MaybeUninit, ptr};

/// The most bytes of a text.
const MOST_TEXT: u64 = 65_536;

/// The most bytes a table may say it has: far above any, far below what an uninitialised word would say.
const MOST_SIZE: u32 = 65_536;

/// A struct of the interface that begins with its size and minor version.
///
/// # Safety
///
/// The struct is `repr(C)`, begins with `struct_size: u32` and `abi_minor: u32`, and all zeros are a value of it.
pub unsafe trait Table: Copy {
    /// Its name in the header.
    const NAME: &'static str;
    /// Its size in the first minor version, below which nothing can be made of it.
    const LEAST: u32;
}

/// Implements [`Table`] for structs of integers, floats, pointers and nullable functions.
macro_rules! tables {
    ($($type:ty = $name:literal),+ $(,)?) => {$(
        // SAFETY: repr(C), begins with the two words, and every field may be zero.
        unsafe impl Table for $type {
            const NAME: &'static str = $name;
            // All structs are those of minor version 0. A field that comes later must not raise this.
            #[allow(clippy::cast_possible_truncation, reason = "layout.rs asserts the sizes")]
            const LEAST: u32 = size_of::<Self>() as u32;
        }
    )+};
}

tables! {
    Math = "maso_math",
    Host = "maso_host",
    Spline = "maso_spline",
    Block<f32> = "maso_block_f32",
    Block<f64> = "maso_block_f64",
    Parameter = "maso_parameter",
    Kind = "maso_kind",
    PluginTable = "maso_plugin_table",
}

/// Why a pointer does not lead to what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfit {
    /// It is null.
    Null,
    /// It is not aligned for its struct.
    Unaligned,
    /// The struct says that it has fewer bytes than its first version, or absurdly many.
    Size {
        /// What it says.
        found: u32,
        /// Bytes of its first version.
        least: u32,
    },
    /// The text says that it has more bytes than a text may have.
    Long {
        /// What it says.
        found: u64,
        /// The most.
        most: u64,
    },
    /// The text is not UTF-8.
    Utf8 {
        /// Bytes before the first wrong one.
        valid: usize,
    },
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => write!(f, "it is NULL"),
            Self::Unaligned => write!(f, "its address is not aligned"),
            Self::Size { found, least } => {
                write!(f, "its struct_size is {found}, expected {least} or a little more")
            }
            Self::Long { found, most } => {
                write!(f, "its length is {found} bytes, expected at most {most}")
            }
            Self::Utf8 { valid } => write!(f, "it is not UTF-8 from byte {valid} on"),
        }
    }
}

impl error::Error for Misfit {}

/// Copies a table: what both sides know, zeros for the rest.
///
/// # Errors
///
/// If the pointer is null or unaligned, or the size is too small.
///
/// # Safety
///
/// `table` is null, or leads to at least eight bytes, and to as many as its first word says.
pub unsafe fn read<T: Table>(table: *const T) -> Result<T, Misfit> {
    if table.is_null() {
        return Err(Misfit::Null);
    }
    if !table.is_aligned() {
        return Err(Misfit::Unaligned);
    }
    // SAFETY: eight bytes can be read, and a table, which begins with this word, is aligned for it.
    let size = unsafe { table.cast::<u32>().read() };
    if !(T::LEAST..=MOST_SIZE).contains(&size) {
        return Err(Misfit::Size { found: size, least: T::LEAST });
    }
    let mut local = MaybeUninit::<T>::zeroed();
    let bytes = size_of::<T>().min(size as usize);
    // SAFETY: `size` bytes can be read by contract, `local` has size_of::<T>(), and it is new, so that they do not
    // overlap.
    unsafe { ptr::copy_nonoverlapping(table.cast::<u8>(), local.as_mut_ptr().cast(), bytes) };
    // SAFETY: all zeros are a T by the trait's contract, and the fields over them came from the same struct: fields
    // are integers, floats, pointers and nullable functions, for which the header allows any bits but functions
    // that are none.
    Ok(unsafe { local.assume_init() })
}

/// A copy of a text.
///
/// # Errors
///
/// If it is null but not empty, too long, or not UTF-8.
///
/// # Safety
///
/// `text.data` is null or leads to `text.length` bytes.
pub unsafe fn text(text: Str) -> Result<String, Misfit> {
    if text.length == 0 {
        return Ok(String::new());
    }
    if text.data.is_null() {
        return Err(Misfit::Null);
    }
    let long = Misfit::Long { found: text.length, most: MOST_TEXT };
    let length = usize::try_from(text.length.min(MOST_TEXT)).map_err(|_| long)?;
    if text.length > MOST_TEXT {
        return Err(long);
    }
    // SAFETY: not null, and `length` bytes can be read by contract.
    let bytes = unsafe { std::slice::from_raw_parts(text.data, length) };
    let valid = str::from_utf8(bytes).map_err(|e| Misfit::Utf8 { valid: e.valid_up_to() })?;
    Ok(valid.to_owned())
}
