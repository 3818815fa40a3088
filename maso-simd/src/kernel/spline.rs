//! What ends most sums, made where they already are: nothing, or max(z, 0). Each is a type of its own, so that a kernel
//! is compiled for each.

use super::Vector;
use crate::kernels::Param;

/// The parameter for `LANES` lanes from `lane` on.
#[inline(always)]
pub(super) fn load<V: Vector>(param: &Param<'_>, row: usize, lane: usize) -> V {
    match param {
        Param::Splat(value) => V::splat(*value),
        Param::Lanes(values) => load_some(&values[lane..]),
        Param::Rows(values) => V::splat(values[row]),
    }
}

/// The same; all lanes of a `WHOLE` register have parameters.
#[inline(always)]
pub(super) fn parameter<V: Vector, const WHOLE: bool>(
    param: &Param<'_>,
    row: usize,
    lane: usize,
) -> V {
    match param {
        Param::Lanes(values) if WHOLE => V::load(&values[lane..]),
        _ => load(param, row, lane),
    }
}

/// A register of numbers, with zeros behind them where there are fewer.
#[inline(always)]
pub(super) fn load_some<V: Vector>(from: &[f32]) -> V {
    if from.len() >= V::LANES { V::load(from) } else { V::load_part(from) }
}

/// What happens to a register of pre-activations.
pub(super) trait Ending<V: Vector>: Copy {
    /// Knots, and bits: none or one.
    const KNOTS: usize;
    /// Whether it is a few instructions.
    const SHORT: bool;

    /// The values of `z`, and the bits of their pieces.
    fn apply(self, z: V) -> (V, u32);

    /// How large such values are.
    #[inline(always)]
    fn size(value: V) -> V {
        value.abs()
    }
}

/// Values as they are, but that zero has no sign.
#[derive(Clone, Copy)]
pub(super) struct Identity;

impl<V: Vector> Ending<V> for Identity {
    const KNOTS: usize = 0;
    const SHORT: bool = true;

    #[inline(always)]
    fn apply(self, z: V) -> (V, u32) {
        (z.add(V::splat(0.0)), 0)
    }
}

/// max(z, 0).
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl<V: Vector> Ending<V> for Relu {
    const KNOTS: usize = 1;
    const SHORT: bool = V::HAS_MASKS;

    #[inline(always)]
    fn apply(self, z: V) -> (V, u32) {
        let zero = V::splat(0.0);
        let above = z.gt(zero);
        (V::select(above, z, zero), V::bits(above))
    }

    #[inline(always)]
    fn size(value: V) -> V {
        value
    }
}

/// Runs `$body` with `$ending` bound to the type that fits `$spline`. What is neither ends in a second pass, and never
/// comes here (see [`second_pass`](crate::second_pass)).
macro_rules! with_ending {
    ($spline:expr, $ending:ident => $body:expr) => {
        if $spline.is_relu() {
            let $ending = $crate::kernel::spline::Relu;
            $body
        } else {
            debug_assert_eq!($spline.pieces, 0, "a spline of its own ends in a second pass");
            let $ending = $crate::kernel::spline::Identity;
            $body
        }
    };
}
pub(super) use with_ending;
