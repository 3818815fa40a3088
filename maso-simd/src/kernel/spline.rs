//! The spline of a register of pre-activations: values and bits, made where the sums already
//! are. Each kind of spline is a type of its own, so that a kernel is compiled for each.

use super::Vector;
use crate::kernels::{Param, Spline};

/// The parameter for `LANES` lanes from `lane` on.
#[inline(always)]
pub(super) fn load<V: Vector>(param: &Param<'_>, row: usize, lane: usize) -> V {
    match param {
        Param::Splat(value) => V::splat(*value),
        Param::Lanes(values) => load_some(&values[lane..]),
        Param::Rows(values) => V::splat(values[row]),
    }
}

/// A register of numbers, with zeros behind them where there are fewer.
#[inline(always)]
pub(super) fn load_some<V: Vector>(from: &[f32]) -> V {
    if from.len() >= V::LANES { V::load(from) } else { V::load_part(from) }
}

/// What happens to a register of pre-activations.
pub(super) trait Ending<V: Vector>: Copy {
    /// Pieces; none without a spline.
    const PIECES: usize;
    /// Bits of each piece: 0, 1 or 2.
    const BITS: usize = if Self::PIECES > 2 { 2 } else { (Self::PIECES > 1) as usize };
    /// Whether it is a few instructions, without parameters.
    const SHORT: bool = false;

    /// The values of `z`, at row `row` of the block and lanes from `lane` on, and the low and the high bits
    /// of their pieces.
    fn apply(&self, row: usize, lane: usize, z: V) -> (V, [u32; 2]);

    /// What is NaN or infinite wherever the pre-activation or the value is: the value, since a slope of
    /// zero turns infinity into NaN.
    #[inline(always)]
    fn watched(_: V, value: V) -> V {
        value
    }
}

/// Values as they are.
#[derive(Clone, Copy)]
pub(super) struct Identity;

impl<V: Vector> Ending<V> for Identity {
    const PIECES: usize = 0;
    const SHORT: bool = true;

    #[inline(always)]
    fn apply(&self, _: usize, _: usize, z: V) -> (V, [u32; 2]) {
        (z, [0; 2])
    }
}

/// max(z, 0).
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl<V: Vector> Ending<V> for Relu {
    const PIECES: usize = 2;
    const SHORT: bool = V::HAS_MASKS;

    #[inline(always)]
    fn apply(&self, _: usize, _: usize, z: V) -> (V, [u32; 2]) {
        let zero = V::splat(0.0);
        let above = z.gt(zero);
        (V::select(above, z, zero), [V::bits(above), 0])
    }

    /// The zero that stands for a negative pre-activation would hide an infinite one.
    #[inline(always)]
    fn watched(z: V, _: V) -> V {
        z
    }
}

/// Any spline of `R` pieces, from 1 to 3.
#[derive(Clone, Copy)]
pub(super) struct Pieces<'a, const R: usize>(pub(super) &'a Spline<'a>);

impl<V: Vector, const R: usize> Ending<V> for Pieces<'_, R> {
    const PIECES: usize = R;

    #[inline(always)]
    fn apply(&self, row: usize, lane: usize, z: V) -> (V, [u32; 2]) {
        let Spline { knots, slopes, offsets, .. } = self.0;
        let mut slope = load::<V>(&slopes[0], row, lane);
        let mut offset = load::<V>(&offsets[0], row, lane);
        let mut above = [0; 2];
        for piece in 1..R {
            let mask = z.gt(load(&knots[piece - 1], row, lane));
            slope = V::select(mask, load(&slopes[piece], row, lane), slope);
            offset = V::select(mask, load(&offsets[piece], row, lane), offset);
            above[piece - 1] = V::bits(mask);
        }
        let low = if R == 3 { above[0] & !above[1] } else { above[0] };
        (slope.mul_add(z, offset), [low, above[1]])
    }
}

/// Runs `$body` with `$ending` bound to the type that fits `$spline`.
macro_rules! with_ending {
    ($spline:expr, $ending:ident => $body:expr) => {
        match $spline {
            spline if spline.is_relu() => {
                let $ending = $crate::kernel::spline::Relu;
                $body
            }
            spline => match spline.pieces {
                0 => {
                    let $ending = $crate::kernel::spline::Identity;
                    $body
                }
                1 => {
                    let $ending = $crate::kernel::spline::Pieces::<1>(spline);
                    $body
                }
                2 => {
                    let $ending = $crate::kernel::spline::Pieces::<2>(spline);
                    $body
                }
                _ => {
                    let $ending = $crate::kernel::spline::Pieces::<3>(spline);
                    $body
                }
            },
        }
    };
}
pub(super) use with_ending;
