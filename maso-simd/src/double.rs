//! Layers in f64, with [`DOUBLE_LANES`] rows across lanes: for the rows whose codes f32 does not settle. Sums of
//! products first; then splines and maxima, whose bits go to planes as with [`windows`](crate::windows), and which
//! lower each row's margin as they go.

use crate::kernels::{MOST_PIECES, Param};
use crate::occupied::Occupied;
use crate::windows::{ChannelWeights, UnitOrder, Windows};
use crate::{Kernels, bits};

/// Rows side by side: as many as a block of sums in registers is wide.
pub const DOUBLE_LANES: usize = 16;

/// A number in each of [`DOUBLE_LANES`] rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct DoubleLanes(pub [f64; DOUBLE_LANES]);

impl DoubleLanes {
    /// The same number in all rows.
    #[must_use]
    pub fn splat(value: f64) -> Self {
        Self([value; DOUBLE_LANES])
    }

    /// Numbers of rows, widened; what is behind the last lane stays out.
    ///
    /// # Panics
    /// If there are too few.
    #[must_use]
    #[inline(always)]
    pub fn widened(rows: &[f32]) -> Self {
        let rows: &[f32; DOUBLE_LANES] = rows.first_chunk().expect("a number for each lane");
        Self(rows.map(f64::from))
    }

    /// Lane by lane.
    #[must_use]
    #[inline(always)]
    pub fn map2(self, other: Self, pair: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|lane| pair(self.0[lane], other.0[lane])))
    }
}

impl AsRef<[f64]> for DoubleLanes {
    #[inline(always)]
    fn as_ref(&self) -> &[f64] {
        &self.0
    }
}

/// Weighted windows in f64: `bias[o] + Σ_c Σ_t input[c · plane + source(t, cell)] · weight[o][c · taps + t]`
/// for every output channel o and every cell.
#[derive(Clone, Copy, Debug)]
pub struct DoubleBlock<'a> {
    /// `channels` planes.
    pub input: &'a [DoubleLanes],
    /// Planes of the input.
    pub channels: usize,
    /// Distance between planes.
    pub plane: usize,
    /// What each cell reads.
    pub windows: &'a Windows,
    /// Taps of a window, padding counted.
    pub taps: usize,
    /// `channels · taps` weights of each output channel.
    pub weights: &'a ChannelWeights<f64>,
    /// Where each sum starts: one number for each output channel.
    pub bias: &'a [f64],
    /// Where results go.
    pub order: UnitOrder,
    /// Of a matrix (one plane, and one cell that has all of it), which inputs are not zero in all rows.
    pub occupied: Option<&'a Occupied>,
}

impl DoubleBlock<'_> {
    pub(crate) fn check(&self, out: &[DoubleLanes]) {
        let (channels, cells) = (self.weights.channels(), self.windows.cells());
        self.windows.check(self.input.len(), self.channels, self.plane, self.taps);
        assert_eq!(self.weights.depth(), self.channels * self.taps, "a weight for each tap");
        assert!(self.bias.len() >= channels, "a bias for each channel");
        if let Some(occupied) = self.occupied {
            let is_matrix = self.channels == 1 && self.windows.is_matrix(self.taps);
            assert!(is_matrix, "only the inputs of a matrix are passed over");
            occupied.check(1, self.taps);
        }
        if channels > 0 && cells > 0 {
            let units = self.order.unit(channels - 1, cells - 1) + 1;
            assert!(out.len() >= units, "out is short");
        }
    }
}

/// A scalar spline of up to [`MOST_PIECES`] pieces in f64; [`Param::Rows`] has a number for each unit.
#[derive(Clone, Copy, Debug)]
pub struct DoubleSpline<'a> {
    /// In ascending order: one fewer than there are pieces.
    pub knots: &'a [Param<'a, f64>],
    /// Of each piece.
    pub slopes: &'a [Param<'a, f64>],
    /// Of each piece.
    pub offsets: &'a [Param<'a, f64>],
}

impl DoubleSpline<'_> {
    /// Bits of a unit's piece.
    #[must_use]
    pub fn bits(&self) -> usize {
        bits::width(self.slopes.len())
    }

    fn parameters(&self) -> impl Iterator<Item = &Param<'_, f64>> {
        self.knots.iter().chain(self.slopes).chain(self.offsets)
    }

    /// Whether all units have the same parameters.
    pub(crate) fn is_uniform(&self) -> bool {
        self.parameters().all(Param::is_splat)
    }

    fn check(&self, units: usize) {
        let pieces = self.slopes.len();
        assert!((1..=MOST_PIECES).contains(&pieces), "one to {MOST_PIECES} pieces, found {pieces}");
        assert_eq!(self.knots.len() + 1, pieces, "one knot between two pieces");
        assert_eq!(self.offsets.len(), pieces, "one offset for each slope");
        self.parameters().for_each(|parameter| parameter.check(units, 0));
    }
}

/// A candidate of a maximum or minimum.
#[derive(Clone, Copy, Debug)]
pub struct DoubleCandidate<'a> {
    /// Its number.
    pub piece: u32,
    /// What it is in each row.
    pub numbers: &'a DoubleLanes,
}

/// The first largest (or smallest) of a unit's candidates.
#[derive(Clone, Copy, Debug)]
pub struct DoubleExtreme<'a> {
    /// In the order of their numbers; at least one.
    pub candidates: &'a [DoubleCandidate<'a>],
    /// The smallest instead of the largest.
    pub smallest: bool,
    /// Whose parameters the measure is asked for.
    pub unit: usize,
}

/// What distances to knots, or between candidates, are measured by.
#[derive(Clone, Copy, Debug)]
pub struct DoubleMeasure<'a> {
    /// One over each unit's own unit of distance; infinite where distances do not matter.
    pub inverse: Param<'a, f64>,
    /// One over the layer's own unit of size.
    pub inverse_size: f64,
    /// Whether equal candidates that are 0 are no tie, because they are 0 exactly.
    pub zeros_are_exact: bool,
}

/// What is kept of each row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DoubleMargins {
    /// Smallest distance in units of its own.
    pub relative: DoubleLanes,
    /// Largest value, in units of its layer.
    pub largest: DoubleLanes,
    /// Bit r: whether row r has had equal candidates.
    pub tied: u32,
}

impl DoubleMargins {
    /// Nothing seen so far.
    pub const NONE: Self = Self {
        relative: DoubleLanes([f64::INFINITY; DOUBLE_LANES]),
        largest: DoubleLanes([0.0; DOUBLE_LANES]),
        tied: 0,
    };
}

impl Kernels {
    /// Runs a [`DoubleBlock`]; sums go to `out`.
    ///
    /// # Panics
    /// If a slice is too short for the block.
    pub fn double(&self, block: &DoubleBlock<'_>, out: &mut [DoubleLanes]) {
        block.check(out);
        (self.double)(block, out);
    }

    /// Runs a [`DoubleSpline`] over the units of a layer, in place. The bits of their pieces are set in `planes`: for
    /// each unit a word for each bit, whose bit r belongs to row r, all 0 before.
    ///
    /// # Panics
    /// If the spline is not whole, or parameters or planes are fewer than the units need.
    pub fn double_spline(
        &self,
        spline: &DoubleSpline<'_>,
        measure: &DoubleMeasure<'_>,
        numbers: &mut [DoubleLanes],
        planes: &mut [u32],
        kept: &mut DoubleMargins,
    ) {
        spline.check(numbers.len());
        measure.inverse.check(numbers.len(), 0);
        assert!(planes.len() >= numbers.len() * spline.bits(), "a word for each bit");
        (self.double_spline)(spline, measure, numbers, planes, kept);
    }

    /// Writes the winner of a [`DoubleExtreme`] to `out` and its number to `planes`: a word for each bit.
    ///
    /// # Panics
    /// If there is no candidate, or no parameter for the unit.
    pub fn double_extreme(
        &self,
        block: &DoubleExtreme<'_>,
        measure: &DoubleMeasure<'_>,
        out: &mut DoubleLanes,
        planes: &mut [u32],
        kept: &mut DoubleMargins,
    ) {
        assert!(!block.candidates.is_empty(), "at least one candidate");
        measure.inverse.check(block.unit + 1, 0);
        (self.double_extreme)(block, measure, out, planes, kept);
    }
}
