//! Margins: how far pre-activations are from their knots, kept by the kernels beside values and bits.
//!
//! A kernel that is given a [`Gauge`] lowers, for each row, the smallest distance of a pre-activation to
//! a knot, both as it is and in units of the caller's (one for each unit of the layer), and raises the
//! largest value. Minima and maxima do not depend on the order, so that every tier, layout and
//! tile gives the same.

use crate::PANEL;
use crate::kernels::{MOST_PIECES, Param};

/// What is kept of a row, or of [`PANEL`] rows side by side: a number in each lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginLanes {
    /// Smallest distance to a knot.
    pub absolute: [f32; PANEL],
    /// Smallest distance in units of its own.
    pub relative: [f32; PANEL],
    /// Largest value, in units of its layer.
    pub largest: [f32; PANEL],
    /// Whether candidates of a maximum were equal (1) or not (0).
    pub tied: [f32; PANEL],
}

impl MarginLanes {
    /// Nothing seen so far.
    pub const NONE: Self = Self {
        absolute: [f32::INFINITY; PANEL],
        relative: [f32::INFINITY; PANEL],
        largest: [0.0; PANEL],
        tied: [0.0; PANEL],
    };

    /// One lane.
    #[must_use]
    pub fn lane(&self, lane: usize) -> MarginLane {
        MarginLane {
            absolute: self.absolute[lane],
            relative: self.relative[lane],
            largest: self.largest[lane],
            tied: self.tied[lane] > 0.0,
        }
    }

    /// All lanes together.
    #[inline(always)]
    pub(crate) fn whole(&self) -> MarginLane {
        let least = |lanes: &[f32; PANEL]| halved(*lanes, |a, b| if b < a { b } else { a });
        let most = |lanes: &[f32; PANEL]| halved(*lanes, |a, b| if b > a { b } else { a });
        MarginLane {
            absolute: least(&self.absolute),
            relative: least(&self.relative),
            largest: most(&self.largest),
            tied: most(&self.tied) > 0.0,
        }
    }

    /// Takes in what the first `live` lanes of `other` have seen.
    pub fn merge(&mut self, other: &Self, live: usize) {
        for lane in 0..live {
            self.absolute[lane] = self.absolute[lane].min(other.absolute[lane]);
            self.relative[lane] = self.relative[lane].min(other.relative[lane]);
            self.largest[lane] = self.largest[lane].max(other.largest[lane]);
            self.tied[lane] = self.tied[lane].max(other.tied[lane]);
        }
    }
}

/// All lanes by halves: 32, 16, 8, … numbers.
#[inline(always)]
fn halved(mut lanes: [f32; PANEL], pick: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = PANEL / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] = pick(lanes[lane], lanes[lane + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Norms whose numbers were gathered lane by lane.
#[inline(always)]
pub(crate) fn norms_of_lanes(
    largest: [f32; PANEL],
    squares: [f32; PANEL],
    nonzero: usize,
) -> Norms {
    let larger = |a, b| if b > a { b } else { a };
    Norms { largest: halved(largest, larger), squares: halved(squares, |a, b| a + b), nonzero }
}

/// One lane of [`MarginLanes`], or all of them together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginLane {
    /// Smallest distance to a knot.
    pub absolute: f32,
    /// Smallest distance in units of its own.
    pub relative: f32,
    /// Largest value, in units of its layer.
    pub largest: f32,
    /// Whether candidates of a maximum were equal.
    pub tied: bool,
}

/// What distances are measured from and by. Parameters are looked up as those of the spline.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// For each of the spline's knots its negative; −∞ for units that are left out.
    pub minus_knots: [Param<'a>; MOST_PIECES - 1],
    /// One over each unit's own unit of distance.
    pub inverse: Param<'a>,
    /// One over the layer's own unit of size.
    pub inverse_size: f32,
    /// Whether equal candidates that are 0 are no tie, because they are 0 exactly.
    pub zeros_are_exact: bool,
}

impl Measure<'_> {
    pub(crate) fn check(&self, rows: usize, lanes: usize) {
        self.minus_knots.iter().for_each(|knot| knot.check(rows, lanes));
        self.inverse.check(rows, lanes);
    }
}

/// Where a kernel keeps margins.
#[derive(Debug)]
pub struct Gauge<'a> {
    /// By what they are measured.
    pub measure: Measure<'a>,
    /// One for each row of the block; a single one where the lanes are rows.
    pub rows: &'a mut [MarginLanes],
}

/// How large the numbers of a row are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Norms {
    /// The largest absolute value.
    pub largest: f32,
    /// The sum of the squares.
    pub squares: f32,
    /// How many are not 0.
    pub nonzero: usize,
}
