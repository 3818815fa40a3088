//! What watches the numbers that leave a kernel: that all are finite, and on request how far they were
//! from their knots.

use super::Vector;
use super::spline::load;
use crate::PANEL;
use crate::margins::{Gauge, Kept, MarginLane, Measure, larger, smaller};

/// Where a register stands: its parameters' row and lane, and how many of its lanes have numbers.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    pub(super) row: usize,
    pub(super) lane: usize,
    pub(super) live: usize,
}

/// A register that leaves a kernel.
#[derive(Clone, Copy)]
pub(super) struct Seen<V> {
    pub(super) spot: Spot,
    /// How many knots its pre-activations are compared with.
    pub(super) knots: usize,
    pub(super) z: V,
    /// The absolute values that were made of them.
    pub(super) size: V,
}

/// Sees every register of a kernel.
pub(super) trait Watch<V: Vector> {
    /// What is kept in registers while some registers of the same rows are seen.
    type Local: Copy;

    /// Nothing seen so far.
    fn open() -> Self::Local;

    /// Sees pre-activations and what was made of them; `watched` is NaN or infinite where a number is.
    fn see(&mut self, local: &mut Self::Local, seen: Seen<V>, watched: V);

    /// Where lanes are rows, keeps what was seen, from lane `at` on, and begins anew.
    fn close_lanes(&mut self, local: &mut Self::Local, at: usize);

    /// Where lanes are units of one row, keeps what was seen for the row of `slot`.
    fn close_row(&mut self, local: Self::Local, slot: usize);
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
    type Local = ();

    #[inline(always)]
    fn open() {}

    #[inline(always)]
    fn see(&mut self, (): &mut (), _: Seen<V>, watched: V) {
        self.number(watched);
    }

    #[inline(always)]
    fn close_lanes(&mut self, (): &mut (), _: usize) {}

    #[inline(always)]
    fn close_row(&mut self, (): (), _: usize) {}
}

/// Margins besides.
pub(super) struct Measured<'g, 'k, V> {
    pub(super) finite: Finite<V>,
    measure: Measure<'g>,
    kept: &'g mut Kept<'k>,
}

impl<'g, 'k, V: Vector> Measured<'g, 'k, V> {
    #[inline(always)]
    pub(super) fn new(gauge: &'g mut Gauge<'k>) -> Self {
        Self { finite: Finite::new(), measure: gauge.measure, kept: &mut gauge.kept }
    }
}

/// Margins of one register's lanes.
#[derive(Clone, Copy)]
pub(super) struct LocalMargins<V> {
    absolute: V,
    relative: V,
    /// In the layer's own numbers.
    largest: V,
}

impl<V: Vector> Watch<V> for Measured<'_, '_, V> {
    type Local = LocalMargins<V>;

    #[inline(always)]
    fn open() -> LocalMargins<V> {
        let far = V::splat(f32::INFINITY);
        LocalMargins { absolute: far, relative: far, largest: V::splat(0.0) }
    }

    #[inline(always)]
    fn see(&mut self, local: &mut LocalMargins<V>, seen: Seen<V>, watched: V) {
        let Seen { spot: Spot { row, lane, live }, knots, z, size } = seen;
        self.finite.number(watched);
        let inverse = load::<V>(&self.measure.inverse, row, lane);
        for knot in &self.measure.minus_knots[..knots] {
            let distance = z.add(load(knot, row, lane)).abs();
            let relative = distance.mul(inverse);
            local.absolute = local.absolute.min(live_or(distance, live, f32::INFINITY));
            local.relative = local.relative.min(live_or(relative, live, f32::INFINITY));
        }
        local.largest = local.largest.max(live_or(size, live, 0.0));
    }

    #[inline(always)]
    fn close_lanes(&mut self, local: &mut LocalMargins<V>, at: usize) {
        if let Kept::Lanes(kept) = self.kept {
            lower(&mut kept.absolute[at..], local.absolute);
            lower(&mut kept.relative[at..], local.relative);
            let size = local.largest.mul(V::splat(self.measure.inverse_size));
            raise(&mut kept.largest[at..], size);
            *local = Self::open();
        }
    }

    #[inline(always)]
    fn close_row(&mut self, local: LocalMargins<V>, slot: usize) {
        if let Kept::Rows(rows) = self.kept {
            rows[slot].merge(MarginLane {
                absolute: across(local.absolute, smaller),
                relative: across(local.relative, smaller),
                largest: across(local.largest, larger) * self.measure.inverse_size,
                tied: false,
            });
        }
    }
}

/// All lanes of a register together, by halves.
#[inline(always)]
fn across<V: Vector>(register: V, pick: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; PANEL];
    register.store(&mut lanes);
    let mut half = V::LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = pick(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
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
