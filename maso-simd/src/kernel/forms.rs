//! Affine forms of two coordinates, one for each unit: their signs at a point, their largest sizes, and sums of them.

use super::Double;
use crate::forms::{FormBlock, FormSum, Weights};

/// Registers of units whose three sums are on their way at a time.
const REGISTERS: usize = 4;

/// A weight of either precision, on its way into a register of f64.
trait Weight: Copy {
    fn widen<V: Double>(from: &[Self]) -> V;
}

impl Weight for f32 {
    #[inline(always)]
    fn widen<V: Double>(from: &[Self]) -> V {
        V::widen(from)
    }
}

impl Weight for f64 {
    #[inline(always)]
    fn widen<V: Double>(from: &[Self]) -> V {
        V::load(from)
    }
}

/// Runs [`Kernels::form_signs`](crate::Kernels::form_signs).
#[inline(always)]
pub(crate) fn form_signs<V: Double>(
    block: &FormBlock<'_>,
    at: [f64; 2],
    limit: f64,
    above: &mut [u64],
    near: &mut [u64],
) {
    let (s, t) = (V::splat(at[0]), V::splat(at[1]));
    let (high, low) = (V::splat(limit), V::splat(-limit));
    let [a, b, c] = block.columns();
    for (word, (above, near)) in above.iter_mut().zip(near).enumerate() {
        (*above, *near) = (0, 0);
        let first = word * 64;
        for unit in (first..block.stride.min(first + 64)).step_by(V::LANES) {
            let (a, b, c) = (V::load(&a[unit..]), V::load(&b[unit..]), V::load(&c[unit..]));
            let z = a.mul_add(s, b.mul_add(t, c));
            let over = z.above(high);
            let under = low.above(z);
            let lanes = u64::MAX >> (64 - V::LANES);
            *above |= u64::from(over) << (unit - first);
            *near |= (!u64::from(over | under) & lanes) << (unit - first);
        }
    }
}

/// Runs [`Kernels::largest_forms`](crate::Kernels::largest_forms).
#[inline(always)]
pub(crate) fn largest_forms<V: Double>(block: &FormBlock<'_>, reach: [f64; 2]) -> [f64; 2] {
    let (s, t) = (V::splat(reach[0]), V::splat(reach[1]));
    let [a, b, c] = block.columns();
    let (mut gradient, mut size) = (V::splat(0.0), V::splat(0.0));
    for unit in (0..block.stride).step_by(V::LANES) {
        let (a, b) = (V::load(&a[unit..]).abs(), V::load(&b[unit..]).abs());
        gradient = gradient.max(plus(a, b));
        size = size.max(a.mul_add(s, b.mul_add(t, V::load(&c[unit..]).abs())));
    }
    [largest_lane(gradient), largest_lane(size)]
}

#[inline(always)]
fn largest_lane<V: Double>(register: V) -> f64 {
    let mut lanes = [0.0; 8];
    register.store(&mut lanes);
    let mut largest = 0.0;
    for lane in lanes {
        largest = if lane > largest { lane } else { largest };
    }
    largest
}

/// Runs [`Kernels::add_column`](crate::Kernels::add_column).
#[inline(always)]
pub(crate) fn add_column<V: Double>(
    block: &FormBlock<'_>,
    column: Weights<'_>,
    step: [f64; 3],
    to: &mut [f64],
) {
    match column {
        Weights::Single(column) => add::<V, f32>(block, column, step, to),
        Weights::Double(column) => add::<V, f64>(block, column, step, to),
    }
}

#[inline(always)]
fn add<V: Double, W: Weight>(block: &FormBlock<'_>, column: &[W], step: [f64; 3], to: &mut [f64]) {
    let step = [V::splat(step[0]), V::splat(step[1]), V::splat(step[2])];
    for unit in (0..block.stride).step_by(V::LANES) {
        let weight = W::widen::<V>(&column[unit..]);
        for (row, step) in step.into_iter().enumerate() {
            let at = row * block.stride + unit;
            weight.mul_add(step, V::load(&block.numbers[at..])).store(&mut to[at..]);
        }
    }
}

/// Runs [`Kernels::add_column_to`](crate::Kernels::add_column_to).
#[inline(always)]
pub(crate) fn add_column_to<V: Double>(numbers: &mut [f64], column: Weights<'_>, step: [f64; 3]) {
    match column {
        Weights::Single(column) => add_to::<V, f32>(numbers, column, step),
        Weights::Double(column) => add_to::<V, f64>(numbers, column, step),
    }
}

#[inline(always)]
fn add_to<V: Double, W: Weight>(numbers: &mut [f64], column: &[W], step: [f64; 3]) {
    let step = [V::splat(step[0]), V::splat(step[1]), V::splat(step[2])];
    let stride = numbers.len() / 3;
    for unit in (0..stride).step_by(V::LANES) {
        let weight = W::widen::<V>(&column[unit..]);
        for (row, step) in step.into_iter().enumerate() {
            let at = row * stride + unit;
            weight.mul_add(step, V::load(&numbers[at..])).store(&mut numbers[at..]);
        }
    }
}

/// Runs [`Kernels::sum_forms`](crate::Kernels::sum_forms).
#[inline(always)]
pub(crate) fn sum_forms<V: Double>(sum: &FormSum<'_>, numbers: &mut [f64]) {
    match sum.weights {
        Weights::Single(weights) => sums::<V, f32>(sum, weights, numbers),
        Weights::Double(weights) => sums::<V, f64>(sum, weights, numbers),
    }
}

#[inline(always)]
fn sums<V: Double, W: Weight>(sum: &FormSum<'_>, weights: &[W], numbers: &mut [f64]) {
    let mut unit = 0;
    while unit < sum.stride {
        if unit + REGISTERS * V::LANES <= sum.stride {
            sum_block::<V, W, REGISTERS>(sum, weights, unit, numbers);
            unit += REGISTERS * V::LANES;
        } else {
            sum_block::<V, W, 1>(sum, weights, unit, numbers);
            unit += V::LANES;
        }
    }
}

/// The sums of some registers of units.
#[inline(always)]
fn sum_block<V: Double, W: Weight, const REGISTERS: usize>(
    sum: &FormSum<'_>,
    weights: &[W],
    unit: usize,
    numbers: &mut [f64],
) {
    let place = |row: usize, register: usize| row * sum.stride + unit + register * V::LANES;
    let mut sums: [[V; REGISTERS]; 3] = std::array::from_fn(|row| {
        std::array::from_fn(|register| V::load(&numbers[place(row, register)..]))
    });
    for (&input, factors) in sum.chosen.iter().zip(sum.factors) {
        let column = &weights[input as usize * sum.stride + unit..][..REGISTERS * V::LANES];
        let factors = [V::splat(factors[0]), V::splat(factors[1]), V::splat(factors[2])];
        let column: [V; REGISTERS] =
            std::array::from_fn(|register| W::widen(&column[register * V::LANES..]));
        for (sums, factor) in sums.iter_mut().zip(factors) {
            for (sum, weight) in sums.iter_mut().zip(column) {
                *sum = weight.mul_add(factor, *sum);
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (register, sum) in sums.into_iter().enumerate() {
            sum.store(&mut numbers[place(row, register)..]);
        }
    }
}

/// Runs [`Kernels::sum_forms_twice_as_well`](crate::Kernels::sum_forms_twice_as_well).
#[inline(always)]
pub(crate) fn sum_forms_twice_as_well<V: Double>(sum: &FormSum<'_>, numbers: &mut [f64]) {
    match sum.weights {
        Weights::Single(weights) => precise_sums::<V, f32>(sum, weights, numbers),
        Weights::Double(weights) => precise_sums::<V, f64>(sum, weights, numbers),
    }
}

#[inline(always)]
fn precise_sums<V: Double, W: Weight>(sum: &FormSum<'_>, weights: &[W], numbers: &mut [f64]) {
    let step = 2 * V::LANES;
    for unit in (0..sum.stride).step_by(step) {
        // Two registers: 16 lanes of f32 are a line of the cache.
        let place = |row: usize, register: usize| row * sum.stride + unit + register * V::LANES;
        let mut sums: [[[V; 2]; 2]; 3] = std::array::from_fn(|row| {
            std::array::from_fn(|r| [V::load(&numbers[place(row, r)..]), V::splat(0.0)])
        });
        for (&input, factors) in sum.chosen.iter().zip(sum.factors) {
            let column = &weights[input as usize * sum.stride + unit..][..step];
            let column = [W::widen::<V>(column), W::widen::<V>(&column[V::LANES..])];
            for (sums, &factor) in sums.iter_mut().zip(factors) {
                let factor = V::splat(factor);
                for (sum, weight) in sums.iter_mut().zip(column) {
                    let [product, lost] = two_product(weight, factor);
                    let [total, rest] = two_sum(sum[0], product);
                    *sum = [total, plus(sum[1], plus(rest, lost))];
                }
            }
        }
        for (row, sums) in sums.into_iter().enumerate() {
            for (register, [total, rest]) in sums.into_iter().enumerate() {
                plus(total, rest).store(&mut numbers[place(row, register)..]);
            }
        }
    }
}

#[inline(always)]
fn plus<V: Double>(x: V, y: V) -> V {
    x.mul_add(V::splat(1.0), y)
}

#[inline(always)]
fn minus<V: Double>(x: V, y: V) -> V {
    y.mul_add(V::splat(-1.0), x)
}

/// A sum and what rounding took of it, without loss (Knuth).
#[inline(always)]
fn two_sum<V: Double>(x: V, y: V) -> [V; 2] {
    let sum = plus(x, y);
    let of_y = minus(sum, x);
    let of_x = minus(sum, of_y);
    [sum, plus(minus(x, of_x), minus(y, of_y))]
}

/// A product and what rounding took of it, without loss: by a fused multiply-add, or by halves of the factors'
/// digits (Dekker and Veltkamp).
#[inline(always)]
fn two_product<V: Double>(x: V, y: V) -> [V; 2] {
    let zero = V::splat(0.0);
    let product = x.mul_add(y, zero);
    if V::IS_FUSED {
        return [product, x.mul_add(y, minus(zero, product))];
    }
    let ([a, b], [c, d]) = (halves(x), halves(y));
    let rest = minus(product, a.mul_add(c, zero));
    let rest = minus(minus(rest, b.mul_add(c, zero)), a.mul_add(d, zero));
    [product, minus(b.mul_add(d, zero), rest)]
}

/// A number as a sum of two with half the digits each.
#[inline(always)]
fn halves<V: Double>(x: V) -> [V; 2] {
    let scaled = x.mul_add(V::splat(134_217_729.0), V::splat(0.0));
    let high = minus(scaled, minus(scaled, x));
    [high, minus(x, high)]
}
