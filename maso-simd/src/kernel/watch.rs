//! What watches the numbers that leave a kernel: that all are finite, and on request how far they were
//! from their knots.

use super::Vector;
use super::spline::{Ending, load};
use crate::PANEL;
use crate::margins::{Gauge, MarginLanes, Measure};

/// Where a register stands: whose margins it belongs to, its parameters' row and lane, and how many of
/// its lanes have numbers.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) slot: usize,
    pub(super) row: usize,
    pub(super) lane: usize,
    pub(super) live: usize,
}

/// Sees every register of a kernel.
pub(super) trait Watch<V: Vector> {
    /// Sees the pre-activations `z` and what the ending made of them.
    fn see<E: Ending<V>>(&mut self, spot: Spot, z: V, value: V);
}

/// Runs `$body` with `$watch` bound to what fits `$gauge`; whether all numbers were finite.
macro_rules! with_watch {
    ($gauge:expr, $watch:ident => $body:expr) => {
        match $gauge {
            None => {
                let $watch = &mut $crate::kernel::watch::Finite::<V>::new();
                $body;
                $watch.all()
            }
            Some(gauge) => {
                let $watch = &mut $crate::kernel::watch::Measured::<V>::new(gauge);
                $body;
                $watch.finite.all()
            }
        }
    };
}
pub(super) use with_watch;

/// Collects whether every number was finite: x · 0 is 0 for finite x and NaN otherwise.
#[derive(Clone, Copy)]
pub(super) struct Finite<V>(V);

impl<V: Vector> Finite<V> {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self(V::splat(0.0))
    }

    #[inline(always)]
    pub(super) fn number(&mut self, number: V) {
        self.0 = number.mul_add(V::splat(0.0), self.0);
    }

    /// No lane is NaN: each one is above −1.
    #[inline(always)]
    pub(super) fn all(self) -> bool {
        V::bits(self.0.gt(V::splat(-1.0))).count_ones() as usize == V::LANES
    }
}

impl<V: Vector> Watch<V> for Finite<V> {
    #[inline(always)]
    fn see<E: Ending<V>>(&mut self, _: Spot, z: V, value: V) {
        self.number(E::watched(z, value));
    }
}

/// Margins besides.
pub(super) struct Measured<'g, V> {
    pub(super) finite: Finite<V>,
    measure: Measure<'g>,
    rows: &'g mut [MarginLanes],
}

impl<'g, V: Vector> Measured<'g, V> {
    #[inline(always)]
    pub(super) fn new(gauge: &'g mut Gauge<'_>) -> Self {
        Self { finite: Finite::new(), measure: gauge.measure, rows: gauge.rows }
    }
}

impl<V: Vector> Watch<V> for Measured<'_, V> {
    #[inline(always)]
    fn see<E: Ending<V>>(&mut self, spot: Spot, z: V, value: V) {
        self.finite.number(E::watched(z, value));
        let Spot { slot, row, lane, live } = spot;
        let (kept, at) = (&mut self.rows[slot], lane % PANEL);
        let inverse = load::<V>(&self.measure.inverse, row, lane);
        for knot in &self.measure.minus_knots[..E::PIECES.saturating_sub(1)] {
            let distance = z.add(load(knot, row, lane)).abs();
            let relative = distance.mul(inverse);
            lower(&mut kept.absolute[at..], live_or(distance, live, f32::INFINITY));
            lower(&mut kept.relative[at..], live_or(relative, live, f32::INFINITY));
        }
        let size = value.abs().mul(V::splat(self.measure.inverse_size));
        raise(&mut kept.largest[at..], live_or(size, live, 0.0));
    }
}

/// The smaller of each lane.
#[inline(always)]
pub(super) fn lower<V: Vector>(kept: &mut [f32], new: V) {
    V::load(kept).min(new).store(kept);
}

/// The larger of each lane.
#[inline(always)]
pub(super) fn raise<V: Vector>(kept: &mut [f32], new: V) {
    V::load(kept).max(new).store(kept);
}

/// `numbers`, with `other` in the lanes from `live` on.
#[inline(always)]
fn live_or<V: Vector>(numbers: V, live: usize, other: f32) -> V {
    if live >= V::LANES {
        return numbers;
    }
    let mut lanes = [0.0; PANEL];
    numbers.store(&mut lanes);
    lanes[live..].fill(other);
    V::load(&lanes)
}
