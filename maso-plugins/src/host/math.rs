//! The vectorised functions that plugins may call: the program's, or scalar ones.
//! One of the crate's rooms for unsafe code.
#![allow(unsafe_code, reason = "plugins call these functions with pointers")]

use super::Error;
use crate::abi;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    slice,
    sync::OnceLock,
};

/// Functions that write f(x) for each number of the first slice to the second, which is as long. What they write for
/// a number must not depend on its place or on its neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Math {
    /// e^x.
    pub exp_f32: fn(&[f32], &mut [f32]),
    /// 1 / (1 + e^−x).
    pub sigmoid_f32: fn(&[f32], &mut [f32]),
    /// Hyperbolic tangent.
    pub tanh_f32: fn(&[f32], &mut [f32]),
    /// e^x.
    pub exp_f64: fn(&[f64], &mut [f64]),
    /// 1 / (1 + e^−x).
    pub sigmoid_f64: fn(&[f64], &mut [f64]),
    /// Hyperbolic tangent.
    pub tanh_f64: fn(&[f64], &mut [f64]),
}

impl Default for Math {
    /// The standard library's functions, number by number.
    fn default() -> Self {
        Self {
            exp_f32: |x, y| each(x, y, f32::exp),
            sigmoid_f32: |x, y| each(x, y, |x| 1.0 / (1.0 + (-x).exp())),
            tanh_f32: |x, y| each(x, y, f32::tanh),
            exp_f64: |x, y| each(x, y, f64::exp),
            sigmoid_f64: |x, y| each(x, y, |x| 1.0 / (1.0 + (-x).exp())),
            tanh_f64: |x, y| each(x, y, f64::tanh),
        }
    }
}

fn each<S: Copy>(x: &[S], y: &mut [S], f: impl Fn(S) -> S) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y = f(*x));
}

static MATH: OnceLock<Math> = OnceLock::new();

/// Sets the functions that all plugins of this process get.
///
/// # Errors
///
/// If they have been set, or a plugin has been loaded with the default ones.
pub fn set_math(math: Math) -> Result<(), Error> {
    MATH.set(math).map_err(|_| Error::MathSet)
}

/// The functions, which are settled from now on.
pub(super) fn settle() -> &'static Math {
    MATH.get_or_init(Math::default)
}

/// The table for plugins.
pub(super) static TABLE: abi::Math = abi::Math {
    #[allow(clippy::cast_possible_truncation, reason = "56 bytes")]
    struct_size: size_of::<abi::Math>() as u32,
    abi_minor: abi::MINOR,
    exp_f32: Some(exp_f32),
    sigmoid_f32: Some(sigmoid_f32),
    tanh_f32: Some(tanh_f32),
    exp_f64: Some(exp_f64),
    sigmoid_f64: Some(sigmoid_f64),
    tanh_f64: Some(tanh_f64),
};

/// Functions of the C interface that call those of [`Math`].
macro_rules! trampolines {
    ($($name:ident: $scalar:ty),+) => {$(
        unsafe extern "C" fn $name(x: *const $scalar, y: *mut $scalar, count: u64) {
            // SAFETY: the caller, a plugin, keeps the header's promise.
            unsafe { apply(settle().$name, x, y, count, <$scalar>::NAN) };
        }
    )+};
}

trampolines!(exp_f32: f32, sigmoid_f32: f32, tanh_f32: f32, exp_f64: f64, sigmoid_f64: f64, tanh_f64: f64);

/// Calls `f`. If it panics, which must not reach the plugin, the results are `nan`.
///
/// # Safety
///
/// `x` and `y` lead to `count` numbers, and are the same or do not overlap.
unsafe fn apply<S: Copy>(f: fn(&[S], &mut [S]), x: *const S, y: *mut S, count: u64, nan: S) {
    let Ok(length) = usize::try_from(count) else { return };
    if length == 0 || x.is_null() || y.is_null() {
        return;
    }
    let same = std::ptr::eq(x, y);
    // SAFETY: not null, so many numbers by contract; `x` becomes no slice if it is the same.
    let y = unsafe { slice::from_raw_parts_mut(y, length) };
    let run = || {
        if same {
            return in_place(f, y, nan);
        }
        // SAFETY: not null, so many numbers by contract, and `y` is elsewhere.
        f(unsafe { slice::from_raw_parts(x, length) }, y);
    };
    if catch_unwind(AssertUnwindSafe(run)).is_err() {
        y.fill(nan);
    }
}

/// Calls `f` with copies of what it overwrites.
fn in_place<S: Copy>(f: fn(&[S], &mut [S]), numbers: &mut [S], blank: S) {
    let mut copy = [blank; 256];
    for chunk in numbers.chunks_mut(copy.len()) {
        let copy = &mut copy[..chunk.len()];
        copy.copy_from_slice(chunk);
        f(copy, chunk);
    }
}
