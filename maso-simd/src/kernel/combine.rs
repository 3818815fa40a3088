//! The elementwise kernel: a sum of scaled terms, then the spline.

use super::Vector;
use super::spline::{Ending, Finite, load, load_some, with_ending};
use crate::PANEL;
use crate::bits::{interleave, low_mask};
use crate::kernels::Combine;

/// Runs `sum`; see [`Kernels::combine`](crate::Kernels::combine).
#[inline(always)]
pub(crate) fn combine<V: Vector>(sum: &Combine<'_>, out: &mut [f32], fields: &mut [u64]) -> bool {
    let fields = &mut fields[..out.len().div_ceil(PANEL)];
    fields.fill(0);
    with_ending!(&sum.spline, ending => registers::<V, _>(sum, ending, out, fields))
}

/// Register after register; the last may be filled in part, with zeros behind.
#[inline(always)]
fn registers<V: Vector, E: Ending<V>>(
    sum: &Combine<'_>,
    ending: E,
    out: &mut [f32],
    fields: &mut [u64],
) -> bool {
    let mut finite = Finite::<V>::new();
    for (register, out) in out.chunks_mut(V::LANES).enumerate() {
        let i = register * V::LANES;
        let z = total::<V>(sum, i);
        let (value, [low, high]) = ending.apply(0, i, z);
        finite.see(E::watched(z, value));
        let field = if E::BITS == 2 { interleave(low, high) } else { low.into() };
        let field = field & low_mask(out.len() * E::BITS);
        fields[i / PANEL] |= field << (i % PANEL * E::BITS);
        if out.len() == V::LANES { value.store(out) } else { value.store_part(out) }
    }
    finite.all()
}

/// The sum of the terms, for the register at element `i`.
#[inline(always)]
fn total<V: Vector>(sum: &Combine<'_>, i: usize) -> V {
    let part =
        |t: usize| (load::<V>(&sum.terms[t].scale, 0, i), load_some::<V>(&sum.terms[t].x[i..]));
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
