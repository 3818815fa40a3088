//! The elementwise kernel: a sum of scaled terms, then the spline.

use super::Vector;
use super::spline::{Ending, load, load_some, with_ending};
use super::watch::{Seen, Spot, Watch, with_watch};
use crate::PANEL;
use crate::bits::low_mask;
use crate::kernels::Combine;
use crate::margins::Gauge;

/// Runs `sum`; see [`Kernels::combine`](crate::Kernels::combine).
#[inline(always)]
pub(crate) fn combine<V: Vector>(
    sum: &Combine<'_>,
    out: &mut [f32],
    fields: &mut [u64],
    gauge: Option<&mut Gauge<'_>>,
) -> bool {
    let fields = &mut fields[..out.len().div_ceil(PANEL)];
    fields.fill(0);
    with_watch!(gauge, watch => {
        with_ending!(&sum.spline, ending => registers::<V, _, _>(sum, ending, out, fields, watch))
    })
}

/// Register after register; the last may be filled in part, with zeros behind.
#[inline(always)]
fn registers<V: Vector, W: Watch<V>, E: Ending<V>>(
    sum: &Combine<'_>,
    ending: E,
    out: &mut [f32],
    fields: &mut [u64],
    watch: &mut W,
) {
    let mut local = W::open();
    for (register, out) in out.chunks_mut(V::LANES).enumerate() {
        let i = register * V::LANES;
        let z = total::<V>(sum, i);
        let (value, bits) = ending.apply(z);
        let spot = Spot { row: 0, lane: i, live: out.len() };
        watch.see(&mut local, Seen { spot, knots: E::KNOTS, z, size: E::size(value) }, z);
        watch.close_lanes(&mut local, i % PANEL);
        let bits = u64::from(bits) & low_mask(out.len() * E::KNOTS);
        fields[i / PANEL] |= bits << (i % PANEL);
        if out.len() == V::LANES { value.store(out) } else { value.store_part(out) }
    }
    watch.close_row(local, 0);
}

/// The sum of the terms, for the register at element `i`.
#[inline(always)]
fn total<V: Vector>(sum: &Combine<'_>, i: usize) -> V {
    let (mut total, rest) = match (&sum.shift, sum.terms) {
        (None, [first, rest @ ..]) => {
            (load::<V>(&first.scale, 0, i).mul(load_some(&first.x[i..])), rest)
        }
        (Some(shift), terms) => (load(shift, 0, i), terms),
        (None, []) => (V::splat(0.0), sum.terms),
    };
    for term in rest {
        total = load::<V>(&term.scale, 0, i).mul_add(load_some(&term.x[i..]), total);
    }
    total
}
