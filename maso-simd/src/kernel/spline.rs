//! The spline of a register of pre-activations: values, field bits and the check for NaN, made
//! where the sums already are.

use super::Vector;
use crate::bits::interleave;
use crate::kernels::{Param, Spline};

/// The parameter for `LANES` lanes from `lane` on.
#[inline(always)]
pub(super) fn load<V: Vector>(param: &Param<'_>, row: usize, lane: usize) -> V {
    match param {
        Param::Splat(value) => V::splat(*value),
        Param::Lanes(values) => V::load(&values[lane..]),
        Param::Rows(values) => V::splat(values[row]),
    }
}

/// Values of `z` under a spline of `R` pieces (0: none), and their bits as a field that starts at
/// bit 0.
#[inline(always)]
pub(super) fn apply<V: Vector, const R: usize>(
    spline: &Spline<'_>,
    row: usize,
    lane: usize,
    z: V,
) -> (V, u64) {
    if R == 0 {
        return (z, 0);
    }
    let mut slope = load::<V>(&spline.slopes[0], row, lane);
    let mut offset = load::<V>(&spline.offsets[0], row, lane);
    let mut above = [0; 2];
    for piece in 1..R {
        let mask = z.gt(load(&spline.knots[piece - 1], row, lane));
        slope = V::select(mask, load(&spline.slopes[piece], row, lane), slope);
        offset = V::select(mask, load(&spline.offsets[piece], row, lane), offset);
        above[piece - 1] = V::bits(mask);
    }
    let field = match R {
        3 => interleave(above[0] & !above[1], above[1]),
        _ => u64::from(above[0]),
    };
    (slope.mul_add(z, offset), field)
}

/// Collects whether every value was finite: x − x is 0 for finite x and NaN otherwise.
#[derive(Clone, Copy)]
pub(super) struct Finite<V>(V);

impl<V: Vector> Finite<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(V::splat(0.0))
    }

    #[inline(always)]
    pub(super) fn see(&mut self, value: V) {
        self.0 = self.0.add(value.sub(value));
    }

    /// No lane is NaN: each one is above −1.
    #[inline(always)]
    pub(super) fn all(self) -> bool {
        V::bits(self.0.gt(V::splat(-1.0))).count_ones() as usize == V::LANES
    }
}
