//! The number types that the slow, obvious evaluation runs in.

mod sealed {
    #[allow(unnameable_types, reason = "that nobody can name it is what seals the trait")]
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A number that a network can be evaluated in: f32 as the kernels' separate family does it, or f64.
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
