//! Margins: how far pre-activations are from their knots, kept by the kernels beside values and bits.
//!
//! A kernel that is given a [`Gauge`] lowers, for each row, the smallest distance of a pre-activation to
//! a knot, both as it is and in units of the caller's (one for each unit of the layer), and raises the
//! largest value. Minima and maxima do not depend on the order, so that every tier, layout and
//! tile gives the same.

use crate::PANEL;
use crate::kernels::{MOST_PIECES, Param};

/// What is kept of [`PANEL`] rows side by side: a number in each lane.
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

    /// The first `live` lanes together.
    #[must_use]
    pub fn first(&self, live: usize) -> MarginLane {
        let mut all = MarginLane::NONE;
        (0..live).for_each(|lane| all.merge(self.lane(lane)));
        all
    }

    /// Takes in what `other` has seen of the row in `lane`.
    pub(crate) fn merge(&mut self, lane: usize, other: MarginLane) {
        let mut own = self.lane(lane);
        own.merge(other);
        self.absolute[lane] = own.absolute;
        self.relative[lane] = own.relative;
        self.largest[lane] = own.largest;
        self.tied[lane] = if own.tied { 1.0 } else { 0.0 };
    }
}

/// The smaller number, of two that are not NaN: a single instruction, where [`f32::min`] has to look.
#[inline(always)]
pub(crate) fn smaller(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

/// The larger number, of two that are not NaN.
#[inline(always)]
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
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
    Norms { largest: halved(largest, larger), squares: halved(squares, |a, b| a + b), nonzero }
}

/// What is kept of one row.
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

impl MarginLane {
    /// Nothing seen so far.
    pub const NONE: Self =
        Self { absolute: f32::INFINITY, relative: f32::INFINITY, largest: 0.0, tied: false };

    /// Takes in what `other` has seen.
    #[inline(always)]
    pub fn merge(&mut self, other: Self) {
        self.absolute = smaller(self.absolute, other.absolute);
        self.relative = smaller(self.relative, other.relative);
        self.largest = larger(self.largest, other.largest);
        self.tied |= other.tied;
    }
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
    /// Whose they are.
    pub kept: Kept<'a>,
}

/// The margins of a block's rows.
#[derive(Debug)]
pub enum Kept<'a> {
    /// One for each row: lanes are units.
    Rows(&'a mut [MarginLane]),
    /// Lanes are rows.
    Lanes(&'a mut MarginLanes),
}

impl Gauge<'_> {
    /// Checks that there are margins for `rows` rows whose lanes are units, and parameters for them and `lanes` lanes.
    pub(crate) fn check_rows(&self, rows: usize, lanes: usize) {
        match &self.kept {
            Kept::Rows(kept) => assert!(kept.len() >= rows, "margins for each row"),
            Kept::Lanes(_) => panic!("margins are kept row by row where lanes are units"),
        }
        self.measure.check(rows, lanes);
    }

    /// Checks that lanes are rows, and that there are parameters for `rows` rows of them and `lanes` lanes.
    pub(crate) fn check_lanes(&self, rows: usize, lanes: usize) {
        if let Kept::Rows(_) = self.kept {
            panic!("margins are kept in lanes where lanes are rows");
        }
        self.measure.check(rows, lanes);
    }

    /// Checks one row of `lanes` lanes, whatever these are.
    pub(crate) fn check_row(&self, lanes: usize) {
        match self.kept {
            Kept::Rows(_) => self.check_rows(1, lanes),
            Kept::Lanes(_) => self.check_lanes(1, lanes),
        }
    }

    /// The margins of a kernel whose lanes are rows, as [`check_lanes`](Self::check_lanes) has made sure.
    #[inline(always)]
    pub(crate) fn lanes(&mut self) -> (&Measure<'_>, &mut MarginLanes) {
        match &mut self.kept {
            Kept::Lanes(kept) => (&self.measure, kept),
            Kept::Rows(_) => unreachable!("checked at the kernels' edge"),
        }
    }
}

/// How large the numbers of a row are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Norms {
    /// The largest absolute value.
    pub largest: f32,
    /// The sum of the squares.
    pub squares: f32,
    /// How many are not 0.
    pub nonzero: usize,
}
