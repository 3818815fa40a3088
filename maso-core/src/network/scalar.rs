//! The number types that the slow, obvious evaluation runs in.

use std::fmt::Debug;

/// What affine operators and views need of a number: they never compare.
pub trait Number: Clone + Debug {
    /// A coefficient, rounded once.
    fn from_f64(value: f64) -> Self;
    /// Sum, rounded.
    #[must_use]
    fn add(self, other: Self) -> Self;
    /// Product, rounded.
    #[must_use]
    fn mul(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded as the type says: twice, but for those that say otherwise.
    #[must_use]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self.mul(factor).add(addend)
    }
    /// The number as a float, in which soft layers are computed; `None` for types that are none.
    #[must_use]
    fn to_f64(&self) -> Option<f64> {
        None
    }
}

/// A number that a whole network can be evaluated in: f32 as the kernels' separate family does it, [`Fused`]
/// as the fused one does, f64, or a type of the caller's, an exact one for instance.
pub trait Scalar: Number + PartialOrd {}

impl<N: Number + PartialOrd> Scalar for N {}

/// An f32 whose products are added with a single rounding, as the fused tiers do it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fused(pub f32);

impl Number for Fused {
    fn from_f64(value: f64) -> Self {
        Self(value as f32)
    }
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    fn mul(self, other: Self) -> Self {
        Self(self.0 * other.0)
    }
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(self.0.mul_add(factor.0, addend.0))
    }
    fn to_f64(&self) -> Option<f64> {
        Some(self.0.into())
    }
}

impl From<Fused> for f64 {
    fn from(number: Fused) -> Self {
        number.0.into()
    }
}

macro_rules! float_number {
    ($float:ty) => {
        impl Number for $float {
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            fn add(self, other: Self) -> Self {
                self + other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
            fn to_f64(&self) -> Option<f64> {
                Some((*self).into())
            }
        }
    };
}

float_number!(f32);
float_number!(f64);
