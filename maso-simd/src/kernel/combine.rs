//! The elementwise kernel: a sum of scaled terms, then the spline.
//!
//! Elements that fill no register go through the scalar reference, which rounds alike.

use super::Vector;
use super::spline::{Finite, apply, load};
use crate::PANEL;
use crate::bits::width;
use crate::kernels::Combine;

/// Runs `sum`; see [`Kernels::combine`](crate::Kernels::combine). `tail` finishes from an element on.
#[inline(always)]
pub(crate) fn combine<V: Vector>(
    sum: &Combine<'_>,
    out: &mut [f32],
    fields: &mut [u64],
    tail: impl Fn(&Combine<'_>, usize, &mut [f32], &mut [u64]) -> bool,
) -> bool {
    fields[..out.len().div_ceil(PANEL)].fill(0);
    let whole = out.len() / V::LANES * V::LANES;
    let finite = match sum.spline.pieces {
        0 => registers::<V, 0>(sum, &mut out[..whole], fields),
        1 => registers::<V, 1>(sum, &mut out[..whole], fields),
        2 => registers::<V, 2>(sum, &mut out[..whole], fields),
        _ => registers::<V, 3>(sum, &mut out[..whole], fields),
    };
    tail(sum, whole, out, fields) && finite
}

#[inline(always)]
fn registers<V: Vector, const R: usize>(
    sum: &Combine<'_>,
    out: &mut [f32],
    fields: &mut [u64],
) -> bool {
    let mut finite = Finite::<V>::new();
    for (register, out) in out.chunks_exact_mut(V::LANES).enumerate() {
        let i = register * V::LANES;
        let (value, field) = apply::<V, R>(&sum.spline, 0, i, total(sum, i));
        value.store(out);
        fields[i / PANEL] |= field << (i % PANEL * width(R));
        finite.see(value);
    }
    finite.all()
}

/// The sum of the terms, for the register at element `i`.
#[inline(always)]
fn total<V: Vector>(sum: &Combine<'_>, i: usize) -> V {
    let part = |t: usize| (load::<V>(&sum.terms[t].scale, 0, i), V::load(&sum.terms[t].x[i..]));
    let (first, start) = match &sum.shift {
        Some(shift) => (0, load(shift, 0, i)),
        None => {
            let (scale, x) = part(0);
            (1, scale.mul(x))
        }
    };
    (first..sum.terms.len()).fold(start, |total, t| {
        let (scale, x) = part(t);
        scale.mul_add(x, total)
    })
}
