//! The number that turns an affine operator into its absolute values.

use crate::network::Number;

/// Two numbers that are not negative; coefficients lose their signs, so that an operator applied to
/// these gives `|W| x + |b|`, for both at once.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Magnitude {
    /// How far a value can be off, in units of its reader's rounding.
    pub(super) error: f64,
    /// How large a value can be.
    pub(super) size: f64,
}

impl Number for Magnitude {
    fn from_f64(value: f64) -> Self {
        Self { error: value.abs(), size: value.abs() }
    }
    fn add(self, other: Self) -> Self {
        Self { error: self.error + other.error, size: self.size + other.size }
    }
    fn mul(self, other: Self) -> Self {
        Self { error: self.error * other.error, size: self.size * other.size }
    }
}
