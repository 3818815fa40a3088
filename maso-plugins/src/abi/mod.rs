//! The header's structs in Rust: same names without `maso_`, same order, same types. The header
//! (`include/maso_plugin.h`) says what they mean, who owns what, and which thread may call what.

use std::ffi::c_void;

mod layout;
mod read;

pub use read::{Misfit, Table, read, text};

/// The header, to be written beside a plugin in C.
pub const HEADER: &str = include_str!("../../include/maso_plugin.h");

/// The minor version that this crate describes.
pub const MINOR: u32 = 0;

/// The major version, which is part of the entry's name.
pub const MAJOR: u32 = 1;

/// Name of the exported function.
pub const ENTRY: &str = "maso_plugin_entry_v1";

/// Type of the exported function.
pub type Entry = unsafe extern "C" fn(*const Host, *mut *const PluginTable) -> i32;

/// What functions of the interface return.
pub mod status {
    /// Done.
    pub const OK: i32 = 0;
    /// An argument is not what the header promises.
    pub const ARGUMENT: i32 = -1;
    /// The parameters do not go together.
    pub const PARAMETER: i32 = -2;
    /// The instance cannot do that.
    pub const UNSUPPORTED: i32 = -3;
    /// The host is too old for the plugin.
    pub const VERSION: i32 = -4;
    /// It did not work for a reason that the message tells.
    pub const FAILED: i32 = -5;
    /// A panic or an exception was caught inside of the plugin.
    pub const PANIC: i32 = -6;

    /// The status in words.
    #[must_use]
    pub fn describe(status: i32) -> &'static str {
        match status {
            OK => "done",
            ARGUMENT => "wrong argument",
            PARAMETER => "wrong parameters",
            UNSUPPORTED => "unsupported",
            VERSION => "host too old",
            FAILED => "failed",
            PANIC => "panicked",
            _ => "a status that is not in the interface",
        }
    }
}

/// How an instance infers its piece.
pub mod rule {
    /// The piece between the knots around the pre-activation.
    pub const HARD: i32 = 0;
    /// Softmax of the pieces' values, posterior mean.
    pub const BETA_VQ: i32 = 1;
    /// The log-partition of the pieces' values.
    pub const LOG_PARTITION: i32 = 2;
    /// Two pieces gated by the normal distribution.
    pub const PROBIT: i32 = 3;
    /// The same in GELU's tanh approximation.
    pub const PROBIT_TANH: i32 = 4;
    /// The kind's callbacks.
    pub const CALLBACK: i32 = 5;
}

/// What a kind's callbacks offer.
pub mod flag {
    /// They can write the derivative.
    pub const HAS_DERIVATIVE: u64 = 1;
    /// They can write memberships.
    pub const HAS_MEMBERSHIP: u64 = 2;
    /// The value is the mean of the pieces' values under the memberships.
    pub const POSTERIOR_MEAN: u64 = 4;
    /// All that this version knows.
    pub const ALL: u64 = HAS_DERIVATIVE | HAS_MEMBERSHIP | POSTERIOR_MEAN;
}

/// UTF-8 text that lives for ever.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// Its bytes.
    pub data: *const u8,
    /// How many.
    pub length: u64,
}

impl Str {
    /// The text of a string.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        // usize has at most 64 bits.
        Self { data: text.as_ptr(), length: text.len() as u64 }
    }
}

/// A vectorised function in single precision.
pub type MathF32 = unsafe extern "C" fn(*const f32, *mut f32, u64);
/// A vectorised function in double precision.
pub type MathF64 = unsafe extern "C" fn(*const f64, *mut f64, u64);

/// Vectorised functions of the host.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Math {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// e^x.
    pub exp_f32: Option<MathF32>,
    /// 1 / (1 + e^−x).
    pub sigmoid_f32: Option<MathF32>,
    /// Hyperbolic tangent.
    pub tanh_f32: Option<MathF32>,
    /// e^x.
    pub exp_f64: Option<MathF64>,
    /// 1 / (1 + e^−x).
    pub sigmoid_f64: Option<MathF64>,
    /// Hyperbolic tangent.
    pub tanh_f64: Option<MathF64>,
}

/// What the host hands over.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// Goes first into `set_error`.
    pub context: *mut c_void,
    /// Says why the call in progress is about to fail.
    pub set_error: Option<unsafe extern "C" fn(*mut c_void, *const u8, u64)>,
    /// Vectorised functions.
    pub math: *const Math,
}

/// Pieces and rule of an instance.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Spline {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// How many pieces.
    pub pieces: u64,
    /// A slope for each.
    pub slopes: *const f64,
    /// An offset for each.
    pub offsets: *const f64,
    /// A knot between neighbours.
    pub knots: *const f64,
    /// One of [`rule`].
    pub rule: i32,
    /// 0.
    pub reserved: u32,
    /// The rule's β, or 0.
    pub beta: f64,
}

/// A block of pre-activations and what is wanted of them, for a scalar type.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Block<S> {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// How many lines.
    pub lines: u64,
    /// Numbers in each.
    pub length: u64,
    /// Pre-activations.
    pub input: *const S,
    /// From line to line.
    pub input_stride: u64,
    /// Values, or null.
    pub value: *mut S,
    /// From line to line.
    pub value_stride: u64,
    /// Derivatives, or null.
    pub derivative: *mut S,
    /// From line to line.
    pub derivative_stride: u64,
    /// Memberships, or null.
    pub membership: *mut S,
    /// From line to line.
    pub membership_line_stride: u64,
    /// From piece to piece.
    pub membership_piece_stride: u64,
}

/// A parameter of a kind.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// What people type.
    pub name: Str,
    /// One sentence.
    pub description: Str,
    /// Its value if nobody sets it.
    pub default_value: f64,
    /// The smallest value.
    pub minimum: f64,
    /// The largest value.
    pub maximum: f64,
}

/// [`Kind::parameter`].
pub type ParameterFn = unsafe extern "C" fn(*const Kind, u64) -> *const Parameter;
/// [`Kind::create`].
pub type CreateFn = unsafe extern "C" fn(*const Kind, *const f64, u64, *mut *mut c_void) -> i32;
/// [`Kind::destroy`].
pub type DestroyFn = unsafe extern "C" fn(*mut c_void);
/// [`Kind::spline`].
pub type SplineFn = unsafe extern "C" fn(*const c_void) -> *const Spline;
/// [`Kind::soft_f32`] and [`Kind::soft_f64`].
pub type SoftFn<S> = unsafe extern "C" fn(*const c_void, *const Block<S>) -> i32;

/// A nonlinearity.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// Unique within the plugin.
    pub name: Str,
    /// One sentence.
    pub description: Str,
    /// Some of [`flag`].
    pub flags: u64,
    /// How many parameters.
    pub parameter_count: u64,
    /// A parameter's table.
    pub parameter: Option<ParameterFn>,
    /// Makes an instance.
    pub create: Option<CreateFn>,
    /// Takes an instance back.
    pub destroy: Option<DestroyFn>,
    /// An instance's pieces and rule.
    pub spline: Option<SplineFn>,
    /// Soft inference in single precision.
    pub soft_f32: Option<SoftFn<f32>>,
    /// Soft inference in double precision.
    pub soft_f64: Option<SoftFn<f64>>,
}

/// [`PluginTable::kind`].
pub type KindFn = unsafe extern "C" fn(u64) -> *const Kind;

/// The plugin's table.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PluginTable {
    /// Size of this struct for whoever made it.
    pub struct_size: u32,
    /// Minor version for whoever made it.
    pub abi_minor: u32,
    /// The name that people load it by.
    pub name: Str,
    /// The plugin's own version.
    pub version: Str,
    /// One sentence.
    pub description: Str,
    /// An SPDX expression.
    pub licence: Str,
    /// How many kinds.
    pub kind_count: u64,
    /// A kind's table.
    pub kind: Option<KindFn>,
}
