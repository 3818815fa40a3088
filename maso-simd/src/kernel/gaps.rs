//! How far the winner of a maximum or minimum is from the next candidate that is not its equal.

use super::Vector;
use super::spline::load;
use super::watch::{lower, raise};
use crate::margins::{MarginLanes, Measure};

/// A register of winners.
#[derive(Clone, Copy)]
pub(super) struct Winners<V> {
    pub(super) best: V,
    /// Row of the measure's parameters.
    pub(super) row: usize,
    /// First lane.
    pub(super) lane: usize,
}

impl<V: Vector> Winners<V> {
    /// Takes the candidates in once more, now that the winners are known.
    #[inline(always)]
    pub(super) fn gauge(
        self,
        candidates: impl Iterator<Item = V>,
        measure: &Measure<'_>,
        kept: &mut MarginLanes,
    ) {
        let Self { best, row, lane } = self;
        let (zero, one) = (V::splat(0.0), V::splat(1.0));
        let mut nearest = V::splat(f32::INFINITY);
        let mut equal = zero;
        for candidate in candidates {
            let gap = best.add(candidate.mul(V::splat(-1.0))).abs();
            let differs = gap.gt(zero);
            nearest = nearest.min(V::select(differs, gap, nearest));
            equal = equal.add(V::select(differs, zero, one));
        }
        let mut tied = V::select(equal.gt(one), one, zero);
        if measure.zeros_are_exact {
            tied = V::select(best.abs().gt(zero), tied, zero);
        }
        lower(&mut kept.absolute[lane..], nearest);
        lower(&mut kept.relative[lane..], nearest.mul(load(&measure.inverse, row, lane)));
        raise(&mut kept.largest[lane..], best.abs().mul(V::splat(measure.inverse_size)));
        raise(&mut kept.tied[lane..], tied);
    }
}
