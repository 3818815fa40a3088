//! Results on disk: files that appear whole or not at all.

mod atomic;
mod npy;
mod npz;

pub use atomic::{AtomicFile, WriteError};
pub use npy::NpyWriter;
pub use npz::NpzWriter;

/// Numbers that numpy can be told of.
pub trait Number: bytemuck::NoUninit {
    /// numpy's description, such as `<f4`.
    const DESCRIPTION: &'static str;
}

impl Number for f32 {
    const DESCRIPTION: &'static str = if cfg!(target_endian = "big") { ">f4" } else { "<f4" };
}

impl Number for u64 {
    const DESCRIPTION: &'static str = if cfg!(target_endian = "big") { ">u8" } else { "<u8" };
}

impl Number for i64 {
    const DESCRIPTION: &'static str = if cfg!(target_endian = "big") { ">i8" } else { "<i8" };
}

impl Number for f64 {
    const DESCRIPTION: &'static str = if cfg!(target_endian = "big") { ">f8" } else { "<f8" };
}

impl Number for bool {
    const DESCRIPTION: &'static str = "|b1";
}
