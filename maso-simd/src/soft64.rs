//! Soft units in f64, one number at a time: values with their derivatives, for linear maps and for comparison.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use crate::soft::{Link, PoolRule};

/// A value and its derivative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jet {
    /// The value.
    pub value: f64,
    /// The derivative by the argument.
    pub slope: f64,
}

/// 1/(1 + e⁻ˣ), accurate in both tails.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

/// log(1 + eˣ).
#[must_use]
pub fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// What 1/√2 is more than its f64.
const FRAC_1_SQRT_2_REST: f64 = -4.833_646_656_726_457e-17;

/// Φ(x), the distribution function of the normal law: erfc(y)/2 for y = −x/√2. What rounding takes from y is put back
/// by the derivative; in the tail it would count y² times.
#[must_use]
pub fn normal_cdf(x: f64) -> f64 {
    let y = -x * FRAC_1_SQRT_2;
    if !y.is_finite() || x < -40.0 {
        return 0.5 * libm::erfc(y);
    }
    let rest = (-x).mul_add(FRAC_1_SQRT_2, -y) - x * FRAC_1_SQRT_2_REST;
    0.5 * (libm::erfc(y) - FRAC_2_SQRT_PI * (-y * y).exp() * rest)
}

/// φ(x), the density of the normal law.
#[must_use]
pub fn normal_density(x: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * x * x).exp()
}

impl Link {
    /// F(t) and F′(t); 1/6 strictly between the knots of [`HardSigmoid`](Self::HardSigmoid), 0 on them.
    #[must_use]
    pub fn jet(self, t: f64) -> Jet {
        let (value, slope) = match self {
            Self::Logistic => (sigmoid(t), sigmoid(t) * sigmoid(-t)),
            Self::Tanh => (t.tanh(), t.cosh().powi(-2)),
            Self::Softplus => (softplus(t), sigmoid(t)),
            Self::Normal => (normal_cdf(t), normal_density(t)),
            Self::NormalTanh => normal_tanh(t),
            Self::Mish => (softplus(t).tanh(), softplus(t).cosh().powi(-2) * sigmoid(t)),
            Self::HardSigmoid => {
                let inside = -3.0 < t && t < 3.0;
                ((t / 6.0 + 0.5).clamp(0.0, 1.0), if inside { 1.0 / 6.0 } else { 0.0 })
            }
        };
        Jet { value, slope }
    }
}

/// σ(v) for v = 2√(2/π)(t + 0.044715 t³), and its derivative.
fn normal_tanh(t: f64) -> (f64, f64) {
    let scale = 2.0 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
    let v = scale * t * (1.0 + 0.044_715 * t * t);
    let by_v = sigmoid(v) * sigmoid(-v);
    // Where the first factor is 0, the second may be infinite.
    let by_t = if by_v == 0.0 { 0.0 } else { scale * (1.0 + 3.0 * 0.044_715 * t * t) };
    (sigmoid(v), by_v * by_t)
}

/// A [`SoftGate`](crate::SoftGate) of one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// F.
    pub link: Link,
    /// η.
    pub sharpness: f64,
    /// Slope and offset of d.
    pub line: [f64; 2],
    /// What stands in place of the factor d.
    pub scale: Option<f64>,
}

impl Gate {
    /// Value and derivative at the pre-activation `z`.
    #[must_use]
    pub fn jet(&self, z: f64) -> Jet {
        let [slope, offset] = self.line;
        let d = slope.mul_add(z, offset);
        let Jet { value, slope: by_t } = self.link.jet(self.sharpness * d);
        let by_d = self.sharpness * by_t;
        match self.scale {
            Some(scale) => Jet { value: scale * value, slope: scale * by_d * slope },
            None => Jet { value: d * value, slope: (value + d * by_d) * slope },
        }
    }
}

/// The soft maximum of `candidates` (the soft minimum for a negative `sharpness`), and its derivative by each candidate
/// in `slopes`. `−∞` (`+∞` for a minimum) marks a candidate that cannot win.
///
/// # Panics
/// If there is not one slope for each candidate.
pub fn pool(rule: PoolRule, sharpness: f64, candidates: &[f64], slopes: &mut [f64]) -> f64 {
    assert_eq!(candidates.len(), slopes.len(), "a slope for each candidate");
    let better = |a: f64, b: f64| if sharpness * b > sharpness * a { b } else { a };
    let able = candidates.iter().copied().filter(|candidate| !candidate.is_infinite());
    let Some(best) = able.reduce(better) else { return f64::NAN };
    let distance = |candidate: f64| (candidate - best).clamp(f64::MIN, f64::MAX);
    let (mut total, mut moment) = (0.0, 0.0);
    for (&candidate, slope) in candidates.iter().zip(&mut *slopes) {
        let distance = distance(candidate);
        *slope = if distance.abs() < f64::MAX { (sharpness * distance).exp() } else { 0.0 };
        total += *slope;
        moment += *slope * distance;
    }
    let mean = moment / total;
    for (&candidate, slope) in candidates.iter().zip(slopes) {
        *slope /= total;
        if rule == PoolRule::Mean && *slope > 0.0 {
            *slope *= 1.0 + sharpness * (distance(candidate) - mean);
        }
    }
    match rule {
        PoolRule::Mean => best + mean,
        PoolRule::LogPartition => best + total.ln() / sharpness,
    }
}
