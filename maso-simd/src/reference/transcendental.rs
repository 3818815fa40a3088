//! The obvious scalar version of the vector functions: the same steps, one number at a time.

use super::mul_add;
use crate::coefficients as c;

/// `a` unless `b` is smaller or NaN.
fn least(a: f32, b: f32) -> f32 {
    if b > a { a } else { b }
}

/// `a` unless `b` is larger or NaN.
fn most(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

fn clamp(x: f32, [low, high]: [f32; 2]) -> f32 {
    least(high, most(low, x))
}

/// `numbers[0] + numbers[1] · x + …`
fn polynomial<const FUSED: bool>(numbers: &[f32], x: f32) -> f32 {
    let (last, rest) = numbers.split_last().expect("a polynomial has a coefficient");
    rest.iter().rev().fold(*last, |sum, &number| mul_add::<FUSED>(sum, x, number))
}

/// `t` as `n · log 2 + r`: 2^(n + step), and r.
fn reduced<const FUSED: bool>(t: f32, step: f32) -> (f32, f32) {
    let magic = c::MAGIC + c::BIAS + step;
    let shifted = mul_add::<FUSED>(t, std::f32::consts::LOG2_E, magic);
    let n = shifted - magic;
    let r = mul_add::<FUSED>(n, -c::LN_2[1], mul_add::<FUSED>(n, -c::LN_2[0], t));
    (f32::from_bits(shifted.to_bits() << 23), r)
}

/// `unit` · eʳ for a small r.
fn exp_near_0<const FUSED: bool>(r: f32, unit: f32) -> f32 {
    let series = polynomial::<FUSED>(&c::EXP.map(|number| number * unit), r);
    mul_add::<FUSED>(r, mul_add::<FUSED>(r, series, unit), unit)
}

/// eᵗ for t from −104 to 40, down to subnormal numbers.
fn exp_below<const FUSED: bool>(t: f32) -> f32 {
    let (power, r) = reduced::<FUSED>(t, c::DOWN[0]);
    exp_near_0::<FUSED>(r, 1.0) * power * c::DOWN[1]
}

/// 1 + eᵗ.
fn one_plus_exp<const FUSED: bool>(t: f32) -> f32 {
    let (power, r) = reduced::<FUSED>(clamp(t, c::ONE_PLUS_EXP_RANGE), c::UP[0]);
    mul_add::<FUSED>(exp_near_0::<FUSED>(r, c::UP[1]), power, 1.0)
}

pub(super) fn exp<const FUSED: bool>(x: f32) -> f32 {
    let [step, rest] = if x > 0.0 { c::UP } else { c::DOWN };
    let (power, r) = reduced::<FUSED>(clamp(x, c::EXP_RANGE), step);
    exp_near_0::<FUSED>(r, 1.0) * power * rest
}

/// `factor` / (1 + e⁻ˣ).
pub(super) fn times_sigmoid<const FUSED: bool>(factor: f32, x: f32) -> f32 {
    factor / one_plus_exp::<FUSED>(-x)
}

pub(super) fn tanh<const FUSED: bool>(x: f32) -> f32 {
    let (power, r) = reduced::<FUSED>(most(c::TANH_LIMIT, x.abs() * -2.0), 0.0);
    let less_1 = mul_add::<FUSED>(r * r, polynomial::<FUSED>(&c::EXP, r), r);
    let below = mul_add::<FUSED>(less_1, power, power + 1.0);
    let above = mul_add::<FUSED>(less_1, power, power - 1.0);
    (above / below).copysign(x)
}

/// eᵗ for t ≤ 0.
pub(super) fn exp_to_1<const FUSED: bool>(t: f32) -> f32 {
    exp_below::<FUSED>(most(c::EXP_RANGE[0], t))
}

/// log y for y ≥ 1.
pub(super) fn log_from_1<const FUSED: bool>(y: f32) -> f32 {
    let field = (y * std::f32::consts::SQRT_2).to_bits() >> 23;
    let n = field as f32 - c::BIAS;
    let power = f32::from_bits((c::MAGIC + c::BIAS - n).to_bits() << 23);
    let f = mul_add::<FUSED>(y, power, -1.0);
    let log = mul_add::<FUSED>(f * f, polynomial::<FUSED>(&c::LOG, f), f);
    mul_add::<FUSED>(n, std::f32::consts::LN_2, log)
}

pub(super) fn softplus<const FUSED: bool>(x: f32) -> f32 {
    let u = exp_to_1::<FUSED>(-x.abs());
    let log = mul_add::<FUSED>(u * u, polynomial::<FUSED>(&c::LOG_OF_ONE_PLUS, u), u);
    most(0.0, x) + log
}

pub(super) fn normal_cdf<const FUSED: bool>(x: f32) -> f32 {
    let a = least(c::NORMAL_LIMIT, x.abs());
    let scaled = a * c::SPLITTER;
    let high = scaled - (scaled - a);
    let low = a - high;
    let (power, r) = reduced::<FUSED>(high * high * -0.5, c::DOWN[0]);
    let exp = exp_near_0::<FUSED>(r + low * (a + high) * -0.5, 1.0) * power;
    let (above, below) =
        (polynomial::<FUSED>(&c::NORMAL.0, a), polynomial::<FUSED>(&c::NORMAL.1, a));
    let tail = exp * above / below * c::DOWN[1];
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// `factor` · ½(1 + tanh(√(2/π)(x + 0.044715 x³))).
pub(super) fn times_normal_tanh<const FUSED: bool>(factor: f32, x: f32) -> f32 {
    let [first, third] = c::NORMAL_TANH;
    times_sigmoid::<FUSED>(factor, x * mul_add::<FUSED>(x * x, third, first))
}

/// tanh(softplus(x)).
pub(super) fn mish<const FUSED: bool>(x: f32) -> f32 {
    let e = exp_below::<FUSED>(clamp(x, [c::EXP_RANGE[0], c::MISH_LIMIT]));
    let product = e * (e + 2.0);
    product / (product + 2.0)
}

/// x/6 + ½ between 0 and 1.
pub(super) fn hard_sigmoid<const FUSED: bool>(x: f32) -> f32 {
    clamp(mul_add::<FUSED>(x, 1.0 / 6.0, 0.5), [0.0, 1.0])
}
