//! Affine forms of two coordinates, one for each unit: their signs at a point, and a multiple of a column added.

use super::Double;
use crate::forms::FormBlock;

/// Runs [`Kernels::form_signs`](crate::Kernels::form_signs).
#[inline(always)]
pub(crate) fn form_signs<V: Double>(
    block: &FormBlock<'_>,
    at: [f64; 2],
    limit: f64,
    above: &mut [u64],
    near: &mut [u64],
) {
    let [s, t] = at.map(V::splat);
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

/// Runs [`Kernels::add_column`](crate::Kernels::add_column).
#[inline(always)]
pub(crate) fn add_column<V: Double>(
    block: &FormBlock<'_>,
    column: &[f64],
    step: [f64; 3],
    to: &mut [f64],
) {
    let step = step.map(V::splat);
    for unit in (0..block.stride).step_by(V::LANES) {
        let weight = V::load(&column[unit..]);
        for (row, step) in step.into_iter().enumerate() {
            let at = row * block.stride + unit;
            weight.mul_add(step, V::load(&block.numbers[at..])).store(&mut to[at..]);
        }
    }
}

/// Runs [`Kernels::add_column_to`](crate::Kernels::add_column_to).
#[inline(always)]
pub(crate) fn add_column_to<V: Double>(numbers: &mut [f64], column: &[f64], step: [f64; 3]) {
    let step = step.map(V::splat);
    let stride = numbers.len() / 3;
    for unit in (0..stride).step_by(V::LANES) {
        let weight = V::load(&column[unit..]);
        for (row, step) in step.into_iter().enumerate() {
            let at = row * stride + unit;
            weight.mul_add(step, V::load(&numbers[at..])).store(&mut numbers[at..]);
        }
    }
}
