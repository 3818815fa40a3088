//! Rational numbers of any size: 128-bit fractions while they fit, big integers beyond.

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use num_bigint::{BigInt, Sign};

/// A fraction in lowest terms, its denominator above 0.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rational {
    /// Both fit.
    Small(i128, i128),
    /// At least one does not.
    Big(BigInt, BigInt),
}

fn small_gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        // Most numbers are short, and short divisions are much faster.
        if let (Ok(mut x), Ok(mut y)) = (u64::try_from(a), u64::try_from(b)) {
            while y != 0 {
                (x, y) = (y, x % y);
            }
            return x.into();
        }
        (a, b) = (b, a % b);
    }
    a
}

fn big_gcd(a: &BigInt, b: &BigInt) -> BigInt {
    let (mut a, mut b) = (a.clone(), b.clone());
    while b.sign() != Sign::NoSign {
        if let (Ok(x), Ok(y)) = (i128::try_from(&a), i128::try_from(&b)) {
            return small_gcd(x.unsigned_abs(), y.unsigned_abs()).into();
        }
        (a, b) = (b.clone(), a % b);
    }
    if a.sign() == Sign::Minus { -a } else { a }
}

impl Rational {
    pub(crate) const ZERO: Self = Self::Small(0, 1);

    /// An f64 as it is.
    pub(crate) fn exact(value: f64) -> Self {
        assert!(value.is_finite(), "{value} is no number");
        let bits = value.abs().to_bits();
        let (field, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
        let mantissa = if field == 0 { fraction } else { fraction | 1 << 52 };
        let exponent = field.max(1) - 1075;
        let mantissa = BigInt::from(mantissa) * if value < 0.0 { -1 } else { 1 };
        let power = BigInt::from(1) << exponent.unsigned_abs();
        if exponent < 0 { Self::reduced(mantissa, power) } else { (mantissa * power).into() }
    }

    fn reduced(n: BigInt, d: BigInt) -> Self {
        let common = big_gcd(&n, &d);
        Self::held(n / &common, d / common)
    }

    /// A fraction in lowest terms, as small as it can be held.
    fn held(n: BigInt, d: BigInt) -> Self {
        match (i128::try_from(&n), i128::try_from(&d)) {
            (Ok(n), Ok(d)) => Self::Small(n, d),
            _ => Self::Big(n, d),
        }
    }

    fn small(n: i128, d: i128) -> Self {
        if d == 1 {
            return Self::Small(n, d);
        }
        let common = small_gcd(n.unsigned_abs(), d.unsigned_abs()) as i128;
        Self::Small(n / common, d / common)
    }

    fn parts(&self) -> (BigInt, BigInt) {
        match self {
            Self::Small(n, d) => ((*n).into(), (*d).into()),
            Self::Big(n, d) => (n.clone(), d.clone()),
        }
    }

    /// Its order relative to 0.
    pub(crate) fn sign(&self) -> Ordering {
        match self {
            Self::Small(n, _) => n.cmp(&0),
            Self::Big(n, _) => n.sign().cmp(&Sign::NoSign),
        }
    }

    /// One over it.
    pub(crate) fn inverse(&self) -> Self {
        assert!(self.sign().is_ne(), "0 has no inverse");
        match self {
            Self::Small(n, d) => {
                let sign = n.signum();
                Self::Small(sign * d, sign * n)
            }
            Self::Big(n, d) if n.sign() == Sign::Minus => Self::Big(-d, -n),
            Self::Big(n, d) => Self::Big(d.clone(), n.clone()),
        }
    }

    /// The f64 next to it, or one of its neighbours.
    pub(crate) fn to_f64(&self) -> f64 {
        let (n, d) = match self {
            Self::Small(n, d) => return *n as f64 / *d as f64,
            Self::Big(n, d) => (n, d),
        };
        // A quotient of about 70 bits, and the power of two that was taken out.
        let shift = d.bits() as i64 - n.bits() as i64 + 70;
        let power = shift.unsigned_abs();
        let quotient = if shift < 0 { n / (d << power) } else { (n << power) / d };
        let quotient = i128::try_from(&quotient).expect("70 bits");
        // In two steps: the power alone may be beyond an f64.
        let half = (-shift / 2) as i32;
        quotient as f64 * 2f64.powi(half) * 2f64.powi((-shift) as i32 - half)
    }
}

impl From<BigInt> for Rational {
    fn from(n: BigInt) -> Self {
        Self::held(n, 1.into())
    }
}

impl Add for &Rational {
    type Output = Rational;

    fn add(self, other: Self) -> Rational {
        if let (Rational::Small(a, b), Rational::Small(c, d)) = (self, other) {
            let sum = if b == d {
                a.checked_add(*c).map(|n| (n, *b))
            } else {
                let terms = (a.checked_mul(*d), c.checked_mul(*b), b.checked_mul(*d));
                let (Some(x), Some(y), Some(d)) = terms else { return add_big(self, other) };
                x.checked_add(y).map(|n| (n, d))
            };
            if let Some((n, d)) = sum {
                return Rational::small(n, d);
            }
        }
        add_big(self, other)
    }
}

fn add_big(x: &Rational, y: &Rational) -> Rational {
    let ((a, b), (c, d)) = (x.parts(), y.parts());
    Rational::reduced(a * &d + c * &b, b * d)
}

impl Sub for &Rational {
    type Output = Rational;

    fn sub(self, other: Self) -> Rational {
        self + &-other
    }
}

impl Mul for &Rational {
    type Output = Rational;

    fn mul(self, other: Self) -> Rational {
        if let (Rational::Small(a, b), Rational::Small(c, d)) = (self, other)
            && let (Some(n), Some(d)) = (a.checked_mul(*c), b.checked_mul(*d))
        {
            return Rational::small(n, d);
        }
        let ((a, b), (c, d)) = (self.parts(), other.parts());
        Rational::reduced(a * c, b * d)
    }
}

impl Neg for &Rational {
    type Output = Rational;

    fn neg(self) -> Rational {
        match self {
            // The lowest i128 has no negative.
            Rational::Small(n, d) if *n > i128::MIN => Rational::Small(-n, *d),
            other => {
                let (n, d) = other.parts();
                Rational::held(-n, d)
            }
        }
    }
}
