//! Dyadic rationals: what f64 numbers are, and what sums and products of them stay.

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use num_bigint::{BigInt, Sign};

/// `mantissa · 2^exponent`, exactly.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dyadic {
    mantissa: BigInt,
    exponent: i64,
}

impl Dyadic {
    /// A finite number as it is.
    pub(crate) fn new(value: f64) -> Self {
        let bits = value.to_bits();
        let (field, fraction) = ((bits >> 52 & 0x7ff) as i64, (bits & ((1 << 52) - 1)) as i64);
        let (magnitude, exponent) =
            if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
        if magnitude == 0 {
            return Self::default();
        }
        // Short mantissas keep products short.
        let zeros = magnitude.trailing_zeros();
        let magnitude = magnitude >> zeros;
        let signed = if value < 0.0 { -magnitude } else { magnitude };
        Self { mantissa: signed.into(), exponent: exponent + i64::from(zeros) }
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.mantissa.sign() == Sign::NoSign
    }

    /// How it compares with 0.
    pub(crate) fn sign(&self) -> Ordering {
        match self.mantissa.sign() {
            Sign::Minus => Ordering::Less,
            Sign::NoSign => Ordering::Equal,
            Sign::Plus => Ordering::Greater,
        }
    }

    /// The sum with `sign` times `other`.
    fn plus(&self, other: &Self, negate: bool) -> Self {
        if other.is_zero() {
            return self.clone();
        }
        let other_mantissa = if negate { -&other.mantissa } else { other.mantissa.clone() };
        if self.is_zero() {
            return Self { mantissa: other_mantissa, exponent: other.exponent };
        }
        let exponent = self.exponent.min(other.exponent);
        let mantissa = (&self.mantissa << (self.exponent - exponent) as usize)
            + (other_mantissa << (other.exponent - exponent) as usize);
        Self { mantissa, exponent }
    }

    /// The quotient of two numbers, `self / other`, in f64: within a few units in the last place.
    pub(crate) fn ratio(&self, other: &Self) -> f64 {
        let (above, shift_above) = self.leading();
        let (below, shift_below) = other.leading();
        // In two steps: the power alone may overflow where the result does not.
        let exponent = (shift_above - shift_below).clamp(-2200, 2200) as i32;
        above / below * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2)
    }

    /// The leading bits as an f64, and the exponent that goes with them.
    fn leading(&self) -> (f64, i64) {
        let drop = self.mantissa.bits().saturating_sub(62) as i64;
        let short = i64::try_from(&self.mantissa >> drop as usize).expect("62 bits");
        (short as f64, self.exponent + drop)
    }
}

impl Add for &Dyadic {
    type Output = Dyadic;
    fn add(self, other: Self) -> Dyadic {
        self.plus(other, false)
    }
}

impl Sub for &Dyadic {
    type Output = Dyadic;
    fn sub(self, other: Self) -> Dyadic {
        self.plus(other, true)
    }
}

impl Mul for &Dyadic {
    type Output = Dyadic;
    fn mul(self, other: Self) -> Dyadic {
        if self.is_zero() || other.is_zero() {
            return Dyadic::default();
        }
        Dyadic {
            mantissa: &self.mantissa * &other.mantissa,
            exponent: self.exponent + other.exponent,
        }
    }
}

impl Neg for &Dyadic {
    type Output = Dyadic;
    fn neg(self) -> Dyadic {
        Dyadic { mantissa: -&self.mantissa, exponent: self.exponent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_as_they_are() {
        for value in [0.0, 1.0, -0.375, 1e-310, f64::MAX, f64::MIN_POSITIVE, 0.1, -7e22] {
            let one = Dyadic::new(1.0);
            let back = if value == 0.0 { 0.0 } else { Dyadic::new(value).ratio(&one) };
            assert_eq!(back, value, "{value}");
        }
    }

    #[test]
    fn sums_and_products_are_exact() {
        let [a, b, c] = [0.1, 0.2, 0.3].map(Dyadic::new);
        assert_eq!((&(&a + &b) - &c).sign(), Ordering::Greater, "0.1 + 0.2 > 0.3 in doubles");
        assert!((&(&(&a + &b) * &c) - &(&(&a * &c) + &(&b * &c))).is_zero(), "it distributes");
        assert!((&a + &-&a).is_zero(), "it cancels");
        let huge = &Dyadic::new(1e300) * &Dyadic::new(1e300);
        assert_eq!((&(&huge + &a) - &huge).sign(), Ordering::Greater, "nothing is lost");
    }
}
