//! How far the winners of maxima and minima are from the next candidates that are not their equals.

use super::Vector;
use super::spline::load;
use super::watch::{lower, raise};
use crate::margins::{MarginLanes, Measure};

/// Winners of a register's lanes.
#[derive(Clone, Copy)]
pub(super) struct Winners<V> {
    pub(super) best: V,
    /// They are the smallest, not the largest.
    pub(super) smallest: bool,
    /// Row and first lane of the measure's parameters.
    pub(super) row: usize,
    pub(super) lane: usize,
}

/// What was seen of a register's lanes.
#[derive(Clone, Copy)]
pub(super) struct Gaps<V> {
    absolute: V,
    relative: V,
    /// In the layer's own numbers.
    largest: V,
    tied: u32,
}

impl<V: Vector> Gaps<V> {
    #[inline(always)]
    pub(super) fn open() -> Self {
        let far = V::splat(f32::INFINITY);
        Self { absolute: far, relative: far, largest: V::splat(0.0), tied: 0 }
    }

    /// Takes the candidates in once more, now that the winners are known.
    #[inline(always)]
    pub(super) fn see(
        &mut self,
        winners: Winners<V>,
        candidates: impl Iterator<Item = V>,
        measure: &Measure<'_>,
    ) {
        let Winners { best, smallest, row, lane } = winners;
        let (next, tied) = if smallest {
            next::<V, true>(best, candidates)
        } else {
            next::<V, false>(best, candidates)
        };
        // Rounded as any other candidate's distance, none of which is smaller.
        let (gap, size) = (best.sub(next).abs(), best.abs());
        self.absolute = self.absolute.min(gap);
        self.relative = self.relative.min(gap.mul(load(&measure.inverse, row, lane)));
        self.largest = self.largest.max(size);
        let ties = if measure.zeros_are_exact { V::bits(size.gt(V::splat(0.0))) } else { u32::MAX };
        self.tied |= tied & ties;
    }

    /// Keeps it in the lanes from `lane` on.
    #[inline(always)]
    pub(super) fn close(self, measure: &Measure<'_>, kept: &mut MarginLanes, lane: usize) {
        let tied = V::select(V::mask(self.tied), V::splat(1.0), V::splat(0.0));
        lower(&mut kept.absolute[lane..], self.absolute);
        lower(&mut kept.relative[lane..], self.relative);
        raise(&mut kept.largest[lane..], self.largest.mul(V::splat(measure.inverse_size)));
        raise(&mut kept.tied[lane..], tied);
    }
}

/// The next candidates that differ from the winners, infinite where there are none, and the bits of the lanes that have
/// several winners.
#[inline(always)]
fn next<V: Vector, const SMALLEST: bool>(best: V, candidates: impl Iterator<Item = V>) -> (V, u32) {
    let none = V::splat(if SMALLEST { f32::INFINITY } else { f32::NEG_INFINITY });
    let (mut next, mut won, mut tied) = (none, 0, 0);
    for candidate in candidates {
        let differs = if SMALLEST { candidate.gt(best) } else { best.gt(candidate) };
        let other = V::select(differs, candidate, none);
        next = if SMALLEST { next.min(other) } else { next.max(other) };
        let equal = !V::bits(differs);
        tied |= won & equal;
        won |= equal;
    }
    (next, tied)
}
