//! The number types that the slow, obvious evaluation runs in.

mod sealed {
    #[allow(unnameable_types, reason = "that nobody can name it is what seals the trait")]
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for super::Fused {}
}

/// A number that a network can be evaluated in: f32 as the kernels' separate family does it, [`Fused`] as
/// the fused one does, or f64.
pub trait Scalar: sealed::Sealed + Copy + PartialOrd + std::fmt::Debug {
    /// A coefficient, rounded once.
    fn from_f64(value: f64) -> Self;
    /// Widened exactly.
    fn to_f64(self) -> f64;
    /// Sum, rounded.
    #[must_use]
    fn add(self, other: Self) -> Self;
    /// Product, rounded.
    #[must_use]
    fn mul(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded as the type says: twice, but for [`Fused`].
    #[must_use]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        self.mul(factor).add(addend)
    }
}

/// An f32 whose products are added with a single rounding, as the fused tiers do it.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Fused(pub f32);

impl Scalar for Fused {
    fn from_f64(value: f64) -> Self {
        Self(value as f32)
    }
    fn to_f64(self) -> f64 {
        self.0.into()
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
}

macro_rules! float_scalar {
    ($float:ty) => {
        impl Scalar for $float {
            fn from_f64(value: f64) -> Self {
                value as Self
            }
            fn to_f64(self) -> f64 {
                self.into()
            }
            fn add(self, other: Self) -> Self {
                self + other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
        }
    };
}

float_scalar!(f32);
float_scalar!(f64);
