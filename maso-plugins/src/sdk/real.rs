//! The two scalar types of soft inference, with the host's vectorised functions.
//! One of the crate's rooms for unsafe code.
#![allow(unsafe_code, reason = "calls the host's functions")]

use super::shim;
use std::{
    fmt::Debug,
    ops::{Add, Div, Mul, Neg, Sub},
};

/// `f32` or `f64`. The functions are the host's, vectorised: they write f(x) to `y` for each `x`.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + sealed::Sealed
    + 'static
{
    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;

    /// e^x.
    ///
    /// # Panics
    ///
    /// If `x` and `y` differ in length.
    fn exp(x: &[Self], y: &mut [Self]);

    /// 1 / (1 + e^−x).
    ///
    /// # Panics
    ///
    /// If `x` and `y` differ in length.
    fn sigmoid(x: &[Self], y: &mut [Self]);

    /// Hyperbolic tangent.
    ///
    /// # Panics
    ///
    /// If `x` and `y` differ in length.
    fn tanh(x: &[Self], y: &mut [Self]);
}

mod sealed {
    //! Keeps `Real` to the two types that the header knows.

    /// Implemented by `f32` and `f64`.
    #[allow(unnameable_types, reason = "what seals a trait cannot be named")]
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// Calls a function of the host's table.
macro_rules! call {
    ($function:ident, $x:expr, $y:expr) => {{
        let (x, y) = ($x, $y);
        assert_eq!(x.len(), y.len(), "a vectorised function writes as much as it reads");
        let function = shim::math().$function.expect("the host offers all functions");
        // SAFETY: the slices have this length and do not overlap; the header allows any thread.
        unsafe { function(x.as_ptr(), y.as_mut_ptr(), y.len() as u64) };
    }};
}

impl Real for f32 {
    #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
    fn from_f64(x: f64) -> Self {
        x as Self
    }

    fn exp(x: &[Self], y: &mut [Self]) {
        call!(exp_f32, x, y);
    }

    fn sigmoid(x: &[Self], y: &mut [Self]) {
        call!(sigmoid_f32, x, y);
    }

    fn tanh(x: &[Self], y: &mut [Self]) {
        call!(tanh_f32, x, y);
    }
}

impl Real for f64 {
    fn from_f64(x: f64) -> Self {
        x
    }

    fn exp(x: &[Self], y: &mut [Self]) {
        call!(exp_f64, x, y);
    }

    fn sigmoid(x: &[Self], y: &mut [Self]) {
        call!(sigmoid_f64, x, y);
    }

    fn tanh(x: &[Self], y: &mut [Self]) {
        call!(tanh_f64, x, y);
    }
}
