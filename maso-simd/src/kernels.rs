//! The checked public edge: what a kernel takes, and one table of kernels for each tier.
//!
//! Every call checks its slices once, here, and then runs the tier's version. Field words are
//! described in [`contract`](crate::contract).

use crate::{PANEL, Tier, arch, reference};

/// One parameter of a kernel: the same for all, one for each lane (unit of the panel, or element),
/// or one for each row of the block.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// One number for everything.
    Splat(f32),
    /// One number for each lane.
    Lanes(&'a [f32]),
    /// One number for each row of the block.
    Rows(&'a [f32]),
}

impl Param<'_> {
    /// The value for (`row`, `lane`).
    ///
    /// # Panics
    /// If the parameter has no such row or lane.
    #[must_use]
    pub fn at(&self, row: usize, lane: usize) -> f32 {
        match self {
            Self::Splat(value) => *value,
            Self::Lanes(values) => values[lane],
            Self::Rows(values) => values[row],
        }
    }

    fn check(&self, rows: usize, lanes: usize) {
        match self {
            Self::Splat(_) => {}
            Self::Lanes(values) => assert!(values.len() >= lanes, "a parameter for each lane"),
            Self::Rows(values) => assert!(values.len() >= rows, "a parameter for each row"),
        }
    }
}

/// A scalar spline of up to three pieces, applied to each pre-activation.
#[derive(Clone, Copy, Debug)]
pub struct Spline<'a> {
    pub(crate) pieces: usize,
    pub(crate) knots: [Param<'a>; 2],
    pub(crate) slopes: [Param<'a>; 3],
    pub(crate) offsets: [Param<'a>; 3],
}

const ZERO: Param<'static> = Param::Splat(0.0);

impl<'a> Spline<'a> {
    /// Passes values through, with no code.
    #[must_use]
    pub fn identity() -> Self {
        Self { pieces: 0, knots: [ZERO; 2], slopes: [ZERO; 3], offsets: [ZERO; 3] }
    }

    /// `R - 1` knots, `R` slopes and `R` offsets, for R from 1 to 3.
    ///
    /// # Panics
    /// If the three lengths do not fit one R from 1 to 3.
    #[must_use]
    pub fn new(knots: &[Param<'a>], slopes: &[Param<'a>], offsets: &[Param<'a>]) -> Self {
        let pieces = slopes.len();
        assert!((1..=3).contains(&pieces), "one to three pieces, found {pieces}");
        assert_eq!(knots.len() + 1, pieces, "one knot between two pieces");
        assert_eq!(offsets.len(), pieces, "one offset for each slope");
        let mut spline = Self { pieces, ..Self::identity() };
        spline.knots[..pieces - 1].copy_from_slice(knots);
        spline.slopes[..pieces].copy_from_slice(slopes);
        spline.offsets[..pieces].copy_from_slice(offsets);
        spline
    }

    /// max(z, 0).
    #[must_use]
    pub fn relu() -> Self {
        Self::new(&[ZERO], &[ZERO, Param::Splat(1.0)], &[ZERO, ZERO])
    }

    /// min(max(z, `low`), `high`), for `low < high`.
    #[must_use]
    pub fn clip(low: f32, high: f32) -> Self {
        let (low, high) = (Param::Splat(low), Param::Splat(high));
        Self::new(&[low, high], &[ZERO, Param::Splat(1.0), ZERO], &[low, ZERO, high])
    }

    /// Bits that a unit's piece takes in a field word.
    #[must_use]
    pub fn bits(&self) -> usize {
        crate::bits::width(self.pieces)
    }

    fn check(&self, rows: usize, lanes: usize) {
        let parameters = self.knots.iter().chain(&self.slopes).chain(&self.offsets);
        parameters.for_each(|parameter| parameter.check(rows, lanes));
    }
}

/// `rows` inputs of `depth` numbers against one panel of weights:
/// `spline(bias + Σ x[row][i] · panel[i][lane])`.
#[derive(Clone, Copy, Debug)]
pub struct AffineBlock<'a> {
    /// Row r starts at `r * ldx` and has `depth` numbers.
    pub x: &'a [f32],
    /// Distance between rows of `x`.
    pub ldx: usize,
    /// Rows of the block.
    pub rows: usize,
    /// `depth × PANEL` numbers, lanes side by side.
    pub panel: &'a [f32],
    /// Where each sum starts.
    pub bias: Param<'a>,
    /// What happens to each sum.
    pub spline: Spline<'a>,
}

impl AffineBlock<'_> {
    /// Length of each sum.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.panel.len() / PANEL
    }

    fn check(&self, out: &[f32], ldo: usize, fields: &[u64]) {
        assert_eq!(self.panel.len() % PANEL, 0, "a panel is depth × PANEL numbers");
        let last = self.rows.saturating_sub(1);
        assert!(self.rows == 0 || self.x.len() >= last * self.ldx + self.depth(), "x is short");
        assert!(self.rows == 0 || out.len() >= last * ldo + PANEL, "out is short");
        assert!(fields.len() >= self.rows, "one field word for each row");
        self.bias.check(self.rows, PANEL);
        self.spline.check(self.rows, PANEL);
    }
}

/// One summand of a [`Combine`].
#[derive(Clone, Copy, Debug)]
pub struct Term<'a> {
    /// As long as the output.
    pub x: &'a [f32],
    /// Factor; [`Param::Rows`] has the single row 0.
    pub scale: Param<'a>,
}

/// An elementwise sum of scaled terms: `spline(shift + Σ scale · x)`. Without a shift the sum starts
/// with the first product.
#[derive(Clone, Copy, Debug)]
pub struct Combine<'a> {
    /// The summands, in order; at least one.
    pub terms: &'a [Term<'a>],
    /// Where the sum starts.
    pub shift: Option<Param<'a>>,
    /// What happens to each sum.
    pub spline: Spline<'a>,
}

impl Combine<'_> {
    fn check(&self, out: &[f32], fields: &[u64]) {
        assert!(!self.terms.is_empty(), "a sum of at least one term");
        for term in self.terms {
            assert!(term.x.len() >= out.len(), "a term is as long as the output");
            term.scale.check(1, out.len());
        }
        if let Some(shift) = &self.shift {
            shift.check(1, out.len());
        }
        self.spline.check(1, out.len());
        assert!(fields.len() >= out.len().div_ceil(PANEL), "a field word for each {PANEL} values");
    }
}

/// The largest (or smallest) of `pieces` candidates for each of [`PANEL`] lanes.
#[derive(Clone, Copy, Debug)]
pub struct ExtremeBlock<'a> {
    /// `pieces × PANEL` candidates, lanes side by side; an infinity of the losing sign never wins.
    pub candidates: &'a [f32],
    /// The smallest instead of the largest.
    pub smallest: bool,
}

type AffineKernel = fn(&AffineBlock<'_>, &mut [f32], usize, &mut [u64]) -> bool;
type CombineKernel = fn(&Combine<'_>, &mut [f32], &mut [u64]) -> bool;
type ExtremeKernel = fn(&ExtremeBlock<'_>, &mut [f32; PANEL], &mut [u32; PANEL]);

/// One tier's kernels.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    pub(crate) tier: Tier,
    pub(crate) affine: AffineKernel,
    pub(crate) combine: CombineKernel,
    pub(crate) extreme: ExtremeKernel,
}

impl Kernels {
    /// The kernels of `tier`.
    #[must_use]
    pub fn of(tier: Tier) -> &'static Self {
        match tier {
            Tier::Scalar => &reference::KERNELS,
            Tier::Portable => &arch::portable::KERNELS,
        }
    }

    /// Which tier this is.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Runs an [`AffineBlock`]: row r's [`PANEL`] values go to `out[r * ldo..]`, its field word to
    /// `fields[r]`. False if any value is NaN or infinite.
    ///
    /// # Panics
    /// If a slice is too short for the block.
    pub fn affine(
        &self,
        block: &AffineBlock<'_>,
        out: &mut [f32],
        ldo: usize,
        fields: &mut [u64],
    ) -> bool {
        block.check(out, ldo, fields);
        (self.affine)(block, out, ldo, fields)
    }

    /// Runs a [`Combine`] over all of `out`, one field word for each [`PANEL`] values. False if any
    /// value is NaN or infinite.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn combine(&self, sum: &Combine<'_>, out: &mut [f32], fields: &mut [u64]) -> bool {
        sum.check(out, fields);
        (self.combine)(sum, out, fields)
    }

    /// Runs an [`ExtremeBlock`]: the winners and their positions.
    ///
    /// # Panics
    /// If there is no candidate, or the candidates are not whole rows of lanes.
    pub fn extreme(
        &self,
        block: &ExtremeBlock<'_>,
        out: &mut [f32; PANEL],
        winner: &mut [u32; PANEL],
    ) {
        assert!(!block.candidates.is_empty(), "at least one candidate");
        assert_eq!(block.candidates.len() % PANEL, 0, "candidates come in rows of PANEL lanes");
        (self.extreme)(block, out, winner);
    }
}
