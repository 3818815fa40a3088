//! The spline of finished sums, in place: values and bits. A kernel of its own, so that those of the sums need not be
//! compiled for every kind of spline.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Vector;
use super::soft;
use super::spline::{load_some, parameter};
use super::transcendental::over_one_plus_exp;
use super::watch::{Seen, Spot, Watch, with_watch};
use crate::PANEL;
use crate::bits::low_mask;
use crate::kernels::{MOST_PIECES, Param, Spline};
use crate::margins::Gauge;
use crate::second_pass::SplineRow;
use crate::soft::{Soft, SoftUnit};

/// Runs `row` over `numbers`; see [`SplineRow`].
#[inline(always)]
pub(crate) fn second_pass<V: Vector>(
    row: &SplineRow<'_>,
    numbers: &mut [f32],
    bits: &mut [[u32; 2]],
    gauge: Option<&mut Gauge<'_>>,
) -> bool {
    bits.fill([0; 2]);
    let spline = row.spline;
    with_watch!(gauge, watch => match &spline.soft {
        None => by_knots(row, numbers, bits, watch, Pieces(spline)),
        // What networks are full of has a loop of its own.
        Some(Soft::Gates(unit)) => match unit.as_swish() {
            Some(sharpness) if spline.pieces == 2 => {
                each::<V, _, _, 1>(row, numbers, bits, watch, Swish(sharpness));
            }
            _ => by_knots(row, numbers, bits, watch, Gated(unit)),
        },
        Some(Soft::Function(_)) => by_knots(row, numbers, bits, watch, Same),
    })
}

/// What makes values of a register of pre-activations. (No closures: they would be compiled without the tier's
/// instructions, and called, where they are long.)
trait Values<V: Vector> {
    /// The values of `z`, with the parameters of `at` (row and lane), where `above` says which knots it is above. All
    /// lanes have parameters if the register is `WHOLE`.
    fn values<const KNOTS: usize, const WHOLE: bool>(
        &self,
        at: [usize; 2],
        z: V,
        above: [V::Mask; KNOTS],
    ) -> V;
}

/// Slope and offset of the piece that the knots say.
struct Pieces<'a>(&'a Spline<'a>);

impl<V: Vector> Values<V> for Pieces<'_> {
    #[inline(always)]
    fn values<const KNOTS: usize, const WHOLE: bool>(
        &self,
        [row, lane]: [usize; 2],
        z: V,
        above: [V::Mask; KNOTS],
    ) -> V {
        let Spline { slopes, offsets, .. } = self.0;
        let mut slope = parameter::<V, WHOLE>(&slopes[0], row, lane);
        let mut offset = parameter::<V, WHOLE>(&offsets[0], row, lane);
        for knot in 0..KNOTS {
            let (next_slope, next_offset) = (&slopes[knot + 1], &offsets[knot + 1]);
            slope = V::select(above[knot], parameter::<V, WHOLE>(next_slope, row, lane), slope);
            offset = V::select(above[knot], parameter::<V, WHOLE>(next_offset, row, lane), offset);
        }
        slope.mul_add(z, offset)
    }
}

/// z / (1 + exp(−η z)).
struct Swish<'a>(&'a Param<'a>);

impl<V: Vector> Values<V> for Swish<'_> {
    #[inline(always)]
    fn values<const KNOTS: usize, const WHOLE: bool>(
        &self,
        [row, lane]: [usize; 2],
        z: V,
        _: [V::Mask; KNOTS],
    ) -> V {
        let minus = parameter::<V, WHOLE>(self.0, row, lane).mul(V::splat(-1.0));
        over_one_plus_exp(z, z.mul(minus))
    }
}

/// Any gates.
struct Gated<'a>(&'a SoftUnit<'a>);

impl<V: Vector> Values<V> for Gated<'_> {
    #[inline(always)]
    fn values<const KNOTS: usize, const WHOLE: bool>(
        &self,
        [row, lane]: [usize; 2],
        z: V,
        _: [V::Mask; KNOTS],
    ) -> V {
        soft::value::<V, WHOLE>(self.0, row, lane, z)
    }
}

/// Values that are made elsewhere.
struct Same;

impl<V: Vector> Values<V> for Same {
    #[inline(always)]
    fn values<const KNOTS: usize, const WHOLE: bool>(
        &self,
        _: [usize; 2],
        z: V,
        _: [V::Mask; KNOTS],
    ) -> V {
        z
    }
}

#[inline(always)]
fn by_knots<V: Vector, W: Watch<V>, F: Values<V>>(
    row: &SplineRow<'_>,
    numbers: &mut [f32],
    bits: &mut [[u32; 2]],
    watch: &mut W,
    values: F,
) {
    match row.spline.knots() {
        0 => each::<V, W, F, 0>(row, numbers, bits, watch, values),
        1 => each::<V, W, F, 1>(row, numbers, bits, watch, values),
        2 => each::<V, W, F, 2>(row, numbers, bits, watch, values),
        _ => each::<V, W, F, 3>(row, numbers, bits, watch, values),
    }
}

/// Register after register. The last may be filled in part; what it takes to load that would crowd the others' loop.
#[inline(always)]
fn each<V: Vector, W: Watch<V>, F: Values<V>, const KNOTS: usize>(
    row: &SplineRow<'_>,
    numbers: &mut [f32],
    bits: &mut [[u32; 2]],
    watch: &mut W,
    values: F,
) {
    let whole = numbers.len() / V::LANES * V::LANES;
    let mut pass = Registers::<V, W, F> { row, bits, watch, values, local: W::open() };
    let (registers, rest) = numbers.split_at_mut(whole);
    for (register, numbers) in registers.chunks_exact_mut(V::LANES).enumerate() {
        pass.one::<KNOTS, true>(register * V::LANES, numbers);
    }
    if !rest.is_empty() {
        pass.one::<KNOTS, false>(whole, rest);
    }
    pass.watch.close_row(pass.local, row.slot);
}

/// What a row's registers go through.
struct Registers<'a, V: Vector, W: Watch<V>, F> {
    row: &'a SplineRow<'a>,
    bits: &'a mut [[u32; 2]],
    watch: &'a mut W,
    values: F,
    local: W::Local,
}

impl<V: Vector, W: Watch<V>, F: Values<V>> Registers<'_, V, W, F> {
    /// The register at `place`.
    #[inline(always)]
    fn one<const KNOTS: usize, const WHOLE: bool>(&mut self, place: usize, numbers: &mut [f32]) {
        let SplineRow { spline, row, lane, .. } = *self.row;
        let (lane, live) = (lane + place, numbers.len());
        let z = if WHOLE { V::load(numbers) } else { load_some::<V>(numbers) };
        let mut above = [z.gt(z); KNOTS];
        for knot in 0..KNOTS {
            above[knot] = z.gt(parameter::<V, WHOLE>(&spline.knots[knot], row, lane));
        }
        let value = self.values.values::<KNOTS, WHOLE>([row, lane], z, above);
        let spot = Spot { row, lane, live };
        self.watch.see(&mut self.local, Seen { spot, knots: KNOTS, z, size: value.abs() }, value);
        self.watch.close_lanes(&mut self.local, place % PANEL);
        let pair = number_bits::<V, KNOTS>(above);
        let (mask, shift) = (low_mask(live) as u32, place % PANEL);
        let bits = &mut self.bits[place / PANEL];
        bits[0] |= (pair[0] & mask) << shift;
        bits[1] |= (pair[1] & mask) << shift;
        if WHOLE { value.store(numbers) } else { value.store_part(numbers) }
    }
}

/// The low and the high bits of how many knots each lane is above; knots ascend.
#[inline(always)]
fn number_bits<V: Vector, const KNOTS: usize>(above: [V::Mask; KNOTS]) -> [u32; 2] {
    let mut words = [0; MOST_PIECES - 1];
    for knot in 0..KNOTS {
        words[knot] = V::bits(above[knot]);
    }
    [words[0] & !words[1] | words[2], words[1]]
}
