//! Exponentials and what is made of them, over registers: few instructions, no branch, no table, IEEE division.
//!
//! An argument t is n · log 2 + r with an integer n and a small r (Cody and Waite); eʳ is a polynomial and 2ⁿ a bit
//! pattern. Where 2ⁿ would leave the exponent's range a fixed power of two is split off, so that results overflow to
//! infinity, and underflow through the subnormal numbers, by one rounding of an ordinary product. NaN comes through:
//! a limit gives way to it (see [`Vector::min`]).

use super::Vector;
use super::spline::load_some;
use crate::coefficients as c;
use crate::soft::Function;

/// Register after register. (No closure: it would be compiled without the tier's instructions, and called.)
macro_rules! each {
    ($vector:ty, $x:ident, $y:ident, $function:ident) => {
        for (x, y) in $x.chunks(<$vector>::LANES).zip($y.chunks_mut(<$vector>::LANES)) {
            let value = $function(load_some::<$vector>(x));
            if y.len() == <$vector>::LANES { value.store(y) } else { value.store_part(y) }
        }
    };
}

/// Writes `function` of each number of `x` to `y`; see [`Kernels::exp`](crate::Kernels::exp) and its neighbours.
#[inline(always)]
pub(crate) fn map<V: Vector>(function: Function, x: &[f32], y: &mut [f32]) {
    match function {
        Function::Exp => each!(V, x, y, exp),
        Function::Sigmoid => each!(V, x, y, sigmoid),
        Function::Tanh => each!(V, x, y, tanh),
        Function::Softplus => each!(V, x, y, softplus),
        Function::NormalCdf => each!(V, x, y, normal_cdf),
    }
}

#[inline(always)]
pub(super) fn clamp<V: Vector>(x: V, [low, high]: [f32; 2]) -> V {
    V::splat(high).min(V::splat(low).max(x))
}

/// `numbers[0] + numbers[1] · x + …`
#[inline(always)]
fn polynomial<V: Vector, const N: usize>(numbers: &[f32; N], x: V) -> V {
    let mut sum = V::splat(numbers[N - 1]);
    for number in numbers[..N - 1].iter().rev() {
        sum = sum.mul_add(x, V::splat(*number));
    }
    sum
}

/// `t` as `n · log 2 + r`: 2^(n + step), and r.
#[inline(always)]
fn reduced<V: Vector>(t: V, magic: V) -> (V, V) {
    let shifted = t.mul_add(V::splat(std::f32::consts::LOG2_E), magic);
    let n = shifted.sub(magic);
    let r = n.mul_add(V::splat(-c::LN_2[0]), t);
    let r = n.mul_add(V::splat(-c::LN_2[1]), r);
    (shifted.exponent_bits(), r)
}

/// What rounds to integers, and moves exponents by `step`.
const fn magic(step: f32) -> f32 {
    c::MAGIC + c::BIAS + step
}

/// eʳ for a small r.
#[inline(always)]
fn exp_near_0<V: Vector>(r: V) -> V {
    exp_in_units(r, 1.0, &c::EXP)
}

/// `unit` · eʳ for a small r. The unit costs nothing, being in the coefficients.
#[inline(always)]
fn exp_in_units<V: Vector>(r: V, unit: f32, coefficients: &[f32; 5]) -> V {
    let series = polynomial(coefficients, r);
    r.mul_add(r.mul_add(series, V::splat(unit)), V::splat(unit))
}

/// eᵗ for t from −104 to 40, down to subnormal numbers.
#[inline(always)]
fn exp_below<V: Vector>(t: V) -> V {
    let (power, r) = reduced(t, V::splat(magic(c::DOWN[0])));
    exp_near_0(r).mul(power).mul(V::splat(c::DOWN[1]))
}

/// 1 + eᵗ, infinite where eᵗ is.
#[inline(always)]
fn one_plus_exp<V: Vector>(t: V) -> V {
    let t = clamp(t, c::ONE_PLUS_EXP_RANGE);
    let (power, r) = reduced(t, V::splat(magic(c::UP[0])));
    exp_in_units(r, c::UP[1], &c::EXP_UP).mul_add(power, V::splat(1.0))
}

/// eˣ.
#[inline(always)]
pub(super) fn exp<V: Vector>(x: V) -> V {
    let up = x.gt(V::splat(0.0));
    let pick = |up_to: f32, down_to: f32| V::select(up, V::splat(up_to), V::splat(down_to));
    let magic = pick(magic(c::UP[0]), magic(c::DOWN[0]));
    let (power, r) = reduced(clamp(x, c::EXP_RANGE), magic);
    exp_near_0(r).mul(power).mul(pick(c::UP[1], c::DOWN[1]))
}

/// `factor` / (1 + eᵗ): the logistic function of −t, times the factor.
#[inline(always)]
pub(super) fn over_one_plus_exp<V: Vector>(factor: V, t: V) -> V {
    factor.div(one_plus_exp(t))
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
fn sigmoid<V: Vector>(x: V) -> V {
    times_sigmoid(V::splat(1.0), x)
}

/// `factor` / (1 + e⁻ˣ).
#[inline(always)]
pub(super) fn times_sigmoid<V: Vector>(factor: V, x: V) -> V {
    over_one_plus_exp(factor, x.mul(V::splat(-1.0)))
}

/// tanh x = −(E − 1)/(E + 1) for E = e^(−2|x|): below 1 both are rounded finely, and near 0 E − 1 is made without
/// cancelling.
#[inline(always)]
pub(super) fn tanh<V: Vector>(x: V) -> V {
    let t = V::splat(c::TANH_LIMIT).max(x.abs().mul(V::splat(-2.0)));
    let (power, r) = reduced(t, V::splat(magic(0.0)));
    let less_1 = r.mul(r).mul_add(polynomial(&c::EXP, r), r);
    let above = less_1.mul_add(power, power.sub(V::splat(1.0)));
    let below = less_1.mul_add(power, power.add(V::splat(1.0)));
    above.div(below).with_sign_of(x)
}

/// eᵗ for t ≤ 0.
#[inline(always)]
pub(super) fn exp_to_1<V: Vector>(t: V) -> V {
    exp_below(V::splat(c::EXP_RANGE[0]).max(t))
}

/// log y for y ≥ 1: y is 2ⁿ(1 + f) with f from √½ − 1 to √2 − 1.
#[inline(always)]
pub(super) fn log_from_1<V: Vector>(y: V) -> V {
    let n = y.mul(V::splat(std::f32::consts::SQRT_2)).exponent();
    let f = y.mul_add(V::splat(magic(0.0)).sub(n).exponent_bits(), V::splat(-1.0));
    let log = f.mul(f).mul_add(polynomial(&c::LOG, f), f);
    n.mul_add(V::splat(std::f32::consts::LN_2), log)
}

/// log(1 + eˣ) = max(x, 0) + log(1 + u) for u = e^−|x|.
#[inline(always)]
pub(super) fn softplus<V: Vector>(x: V) -> V {
    let u = exp_to_1(x.abs().mul(V::splat(-1.0)));
    let log = u.mul(u).mul_add(polynomial(&c::LOG_OF_ONE_PLUS, u), u);
    V::splat(0.0).max(x).add(log)
}

/// Φ(x): the tail at a = |x| is exp(−a²/2) times a ratio of polynomials. The square is made of halves of a (Dekker), as
/// its rounding would be multiplied by up to a²/2.
#[inline(always)]
pub(super) fn normal_cdf<V: Vector>(x: V) -> V {
    let a = V::splat(c::NORMAL_LIMIT).min(x.abs());
    let scaled = a.mul(V::splat(c::SPLITTER));
    let high = scaled.sub(scaled.sub(a));
    let low = a.sub(high);
    let half = V::splat(-0.5);
    let (power, r) = reduced(high.mul(high).mul(half), V::splat(magic(c::DOWN[0])));
    let r = r.add(low.mul(a.add(high)).mul(half));
    let exp = exp_near_0(r).mul(power);
    let ratio = exp.mul(polynomial(&c::NORMAL.0, a)).div(polynomial(&c::NORMAL.1, a));
    let tail = ratio.mul(V::splat(c::DOWN[1]));
    V::select(x.gt(V::splat(0.0)), V::splat(1.0).sub(tail), tail)
}

/// `factor` · ½(1 + tanh(√(2/π)(x + 0.044715 x³))).
#[inline(always)]
pub(super) fn times_normal_tanh<V: Vector>(factor: V, x: V) -> V {
    let [first, third] = c::NORMAL_TANH.map(V::splat);
    times_sigmoid(factor, x.mul(x.mul(x).mul_add(third, first)))
}

/// tanh(softplus(x)) = p/(p + 2) for p = e(e + 2), e = eˣ.
#[inline(always)]
pub(super) fn mish<V: Vector>(x: V) -> V {
    let two = V::splat(2.0);
    let e = exp_below(clamp(x, [c::EXP_RANGE[0], c::MISH_LIMIT]));
    let product = e.mul(e.add(two));
    product.div(product.add(two))
}

/// x/6 + ½ between 0 and 1.
#[inline(always)]
pub(super) fn hard_sigmoid<V: Vector>(x: V) -> V {
    clamp(x.mul_add(V::splat(1.0 / 6.0), V::splat(0.5)), [0.0, 1.0])
}
