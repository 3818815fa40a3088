//! The checked public edge: what a kernel takes, and one table of kernels for each tier.
//!
//! Every call checks its slices once, here, and then runs the tier's version. Field words are
//! described in [`contract`](crate::contract).

use crate::double::{
    DoubleBlock, DoubleExtreme, DoubleLanes, DoubleMargins, DoubleMeasure, DoubleSpline,
};
use crate::forms::{FormBlock, FormSum, Weights};
use crate::gate::{Gate, Winners};
use crate::margins::{Gauge, Norms};
use crate::occupied::Occupied;
use crate::product::Product;
use crate::second_pass::SplineRow;
use crate::soft::{Function, Soft, SoftPool};
use crate::tier::Rounding;
use crate::windows::{WindowBlock, WindowExtreme};
use crate::{PANEL, Tier, arch, reference};

/// One parameter of a kernel: the same for all, one for each lane (unit of the panel, or element),
/// or one for each row of the block.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a, T = f32> {
    /// One number for everything.
    Splat(T),
    /// One number for each lane.
    Lanes(&'a [T]),
    /// One number for each row of the block.
    Rows(&'a [T]),
}

impl<T: Copy> Param<'_, T> {
    /// The value for (`row`, `lane`).
    ///
    /// # Panics
    /// If the parameter has no such row or lane.
    #[must_use]
    #[inline]
    pub fn at(&self, row: usize, lane: usize) -> T {
        match self {
            Self::Splat(value) => *value,
            Self::Lanes(values) => values[lane],
            Self::Rows(values) => values[row],
        }
    }

    pub(crate) const fn is_splat(&self) -> bool {
        matches!(self, Self::Splat(_))
    }

    pub(crate) fn check(&self, rows: usize, lanes: usize) {
        match self {
            Self::Splat(_) => {}
            Self::Lanes(values) => assert!(values.len() >= lanes, "a parameter for each lane"),
            Self::Rows(values) => assert!(values.len() >= rows, "a parameter for each row"),
        }
    }
}

/// Pieces that a scalar spline can have: those whose numbers have two bits.
pub const MOST_PIECES: usize = 4;

/// A scalar spline of up to four pieces, applied to each pre-activation.
#[derive(Clone, Copy, Debug)]
pub struct Spline<'a> {
    pub(crate) pieces: usize,
    pub(crate) knots: [Param<'a>; MOST_PIECES - 1],
    pub(crate) slopes: [Param<'a>; MOST_PIECES],
    pub(crate) offsets: [Param<'a>; MOST_PIECES],
    /// What gives the values in place of slopes and offsets.
    pub(crate) soft: Option<Soft<'a>>,
}

const ZERO: Param<'static> = Param::Splat(0.0);

impl<'a> Spline<'a> {
    /// Passes values through, with no code.
    #[must_use]
    pub fn identity() -> Self {
        Self {
            pieces: 0,
            knots: [ZERO; MOST_PIECES - 1],
            slopes: [ZERO; MOST_PIECES],
            offsets: [ZERO; MOST_PIECES],
            soft: None,
        }
    }

    /// `R - 1` knots, `R` slopes and `R` offsets, for R from 1 to [`MOST_PIECES`].
    ///
    /// # Panics
    /// If the three lengths do not fit one such R.
    #[must_use]
    pub fn new(knots: &[Param<'a>], slopes: &[Param<'a>], offsets: &[Param<'a>]) -> Self {
        let pieces = slopes.len();
        let range = 1..=MOST_PIECES;
        assert!(range.contains(&pieces), "one to {MOST_PIECES} pieces, found {pieces}");
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

    /// Values by `inference`, bits of up to three ascending knots.
    ///
    /// # Panics
    /// If there are more.
    #[must_use]
    pub fn soft(knots: &[Param<'a>], inference: Soft<'a>) -> Self {
        let count = knots.len();
        assert!(count < MOST_PIECES, "fewer than {MOST_PIECES} knots, found {count}");
        let mut spline = Self { pieces: count + 1, soft: Some(inference), ..Self::identity() };
        spline.knots[..count].copy_from_slice(knots);
        spline
    }

    /// Whether it is max(z, 0) throughout.
    pub(crate) fn is_relu(&self) -> bool {
        let is = |param: &Param<'_>, value: f32| matches!(param, Param::Splat(v) if *v == value);
        let Self { pieces, knots, slopes, offsets, soft } = self;
        *pieces == 2
            && soft.is_none()
            && is(&knots[0], 0.0)
            && is(&slopes[0], 0.0)
            && is(&slopes[1], 1.0)
            && offsets[..2].iter().all(|offset| is(offset, 0.0))
    }

    /// Whether all units have the same parameters.
    pub(crate) fn is_uniform(&self) -> bool {
        let mut parameters = self.knots.iter().chain(&self.slopes).chain(&self.offsets);
        let soft = match &self.soft {
            Some(Soft::Gates(unit)) => unit.parameters().all(|parameter| parameter.is_splat()),
            Some(Soft::Function(_)) | None => true,
        };
        soft && parameters.all(|parameter| parameter.is_splat())
    }

    /// How many knots there are.
    pub(crate) fn knots(&self) -> usize {
        self.pieces.saturating_sub(1)
    }

    /// Bits that a unit's piece takes in a field word.
    #[must_use]
    pub fn bits(&self) -> usize {
        crate::bits::width(self.pieces)
    }

    pub(crate) fn check(&self, rows: usize, lanes: usize) {
        let parameters = self.knots.iter().chain(&self.slopes).chain(&self.offsets);
        parameters.for_each(|parameter| parameter.check(rows, lanes));
        if let Some(inference) = &self.soft {
            inference.check(rows, lanes);
        }
    }
}

/// `rows` inputs of `depth` numbers against one or more panels of weights:
/// `spline(bias + Σ x[row][i] · weights[panel][i][lane])`.
#[derive(Clone, Copy, Debug)]
pub struct AffineBlock<'a> {
    /// Row r starts at `r * ldx` and has `depth` numbers.
    pub x: &'a [f32],
    /// Distance between rows of `x`.
    pub ldx: usize,
    /// Rows of the block.
    pub rows: usize,
    /// Length of each sum.
    pub depth: usize,
    /// For each panel `depth × PANEL` numbers, lanes side by side.
    pub weights: &'a [f32],
    /// Lanes that have units, counted over all panels; those behind may be left out of the result.
    pub lanes: usize,
    /// Where each sum starts; lanes are counted over all panels.
    pub bias: Param<'a>,
    /// What happens to each sum; lanes are counted over all panels.
    pub spline: Spline<'a>,
    /// Which inputs of each row are not zero: the others may be passed over.
    pub occupied: Option<&'a Occupied>,
}

impl AffineBlock<'_> {
    /// Panels with units.
    #[must_use]
    pub fn panels(&self) -> usize {
        self.lanes.div_ceil(PANEL)
    }

    fn check(&self, out: &[f32], ldo: usize, fields: &[u64]) {
        let (lanes, last) = (self.panels() * PANEL, self.rows.saturating_sub(1));
        assert!(self.weights.len() >= lanes * self.depth, "a panel is depth × PANEL numbers");
        assert!(self.rows == 0 || self.x.len() >= last * self.ldx + self.depth, "x is short");
        assert!(self.rows == 0 || out.len() >= last * ldo + lanes, "out is short");
        assert!(fields.len() >= self.rows * self.panels(), "one field word for each row and panel");
        self.bias.check(self.rows, lanes);
        self.spline.check(self.rows, lanes);
        if let Some(occupied) = self.occupied {
            occupied.check(self.rows, self.depth);
        }
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

impl ExtremeBlock<'_> {
    fn check(&self) {
        assert!(!self.candidates.is_empty(), "at least one candidate");
        assert_eq!(self.candidates.len() % PANEL, 0, "candidates come in rows of PANEL lanes");
    }
}

type AffineKernel =
    fn(&AffineBlock<'_>, &mut [f32], usize, &mut [u64], Option<&mut Gauge<'_>>) -> bool;
type ExtremeKernel =
    fn(&ExtremeBlock<'_>, &mut [f32; PANEL], &mut [u32; PANEL], Option<&mut Gauge<'_>>);

type SecondPassKernel =
    fn(&SplineRow<'_>, &mut [f32], &mut [[u32; 2]], Option<&mut Gauge<'_>>) -> bool;
type SoftExtremeKernel = fn(
    &ExtremeBlock<'_>,
    &SoftPool<'_>,
    &mut [f32; PANEL],
    &mut [u32; PANEL],
    Option<&mut Gauge<'_>>,
);
type DoubleSplineKernel =
    fn(&DoubleSpline<'_>, &DoubleMeasure<'_>, &mut [DoubleLanes], &mut [u32], &mut DoubleMargins);
type DoubleExtremeKernel =
    fn(&DoubleExtreme<'_>, &DoubleMeasure<'_>, &mut DoubleLanes, &mut [u32], &mut DoubleMargins);
type NormsKernel = fn(&[f32], [usize; 2], &mut [u64], &mut [Norms]);
type SoftWindowKernel =
    fn(&WindowExtreme<'_>, &SoftPool<'_>, &mut [f32], &mut [u32], Option<&mut Gauge<'_>>);

/// One tier's kernels.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    pub(crate) tier: Tier,
    pub(crate) affine: AffineKernel,
    pub(crate) combine: fn(&Combine<'_>, &mut [f32], &mut [u64], Option<&mut Gauge<'_>>) -> bool,
    pub(crate) extreme: ExtremeKernel,
    pub(crate) map: fn(Function, &[f32], &mut [f32]),
    pub(crate) second_pass: SecondPassKernel,
    pub(crate) soft_extreme: SoftExtremeKernel,
    pub(crate) soft_window_extreme: SoftWindowKernel,
    pub(crate) windows:
        fn(&WindowBlock<'_>, &mut [f32], &mut [u32], Option<&mut Gauge<'_>>) -> bool,
    pub(crate) window_extreme:
        fn(&WindowExtreme<'_>, &mut [f32], &mut [u32], Option<&mut Gauge<'_>>),
    pub(crate) double: fn(&DoubleBlock<'_>, &mut [DoubleLanes]),
    pub(crate) double_spline: DoubleSplineKernel,
    pub(crate) double_extreme: DoubleExtremeKernel,
    pub(crate) product: fn(&Product<'_, f32>, &mut [f32], usize),
    pub(crate) double_product: fn(&Product<'_, f64>, &mut [f64], usize),
    pub(crate) form_signs: fn(&FormBlock<'_>, [f64; 2], f64, &mut [u64], &mut [u64]),
    pub(crate) largest_forms: fn(&FormBlock<'_>, [f64; 2]) -> [f64; 2],
    pub(crate) add_column: fn(&FormBlock<'_>, Weights<'_>, [f64; 3], &mut [f64]),
    pub(crate) add_column_to: fn(&mut [f64], Weights<'_>, [f64; 3]),
    pub(crate) sum_forms: fn(&FormSum<'_>, &mut [f64]),
    pub(crate) sum_forms_twice_as_well: fn(&FormSum<'_>, &mut [f64]),
    pub(crate) gate: fn(&Gate<'_>, &mut [f32]),
    pub(crate) pick: fn(&Winners<'_>, &[f32], &mut [f32]),
    pub(crate) put_back: fn(&Winners<'_>, &[f32], &mut [f32]),
    pub(crate) to_lanes: fn(&[f32], usize, usize, &mut [f32]),
    pub(crate) from_lanes: fn(&[f32], usize, &mut [f32]),
    pub(crate) codes: fn(&[u32], usize, &mut [u64]),
    pub(crate) finite: fn(&[f32]) -> bool,
    pub(crate) occupied_row: fn(&[f32], &mut [u64]),
    pub(crate) occupied_lanes: fn(&[[f32; PANEL]], &mut [u64]),
    pub(crate) norms: NormsKernel,
    pub(crate) peak: fn(usize) -> (usize, f32),
}

impl Kernels {
    /// The kernels of `tier`.
    ///
    /// # Panics
    /// If this processor has not the tier's instructions ([`Tier::is_available`]).
    #[must_use]
    pub fn of(tier: Tier) -> &'static Self {
        assert!(tier.is_available(), "this processor has not the instructions of tier {tier}");
        match tier {
            Tier::Scalar => &reference::SEPARATE,
            Tier::Portable => &arch::portable::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => &arch::x86_64::avx2::KERNELS,
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => &arch::x86_64::avx512::KERNELS,
            #[cfg(target_arch = "aarch64")]
            Tier::Neon => &arch::aarch64::neon::KERNELS,
            _ => unreachable!("tiers of other processors are not available"),
        }
    }

    /// The obvious scalar version with the same rounding.
    #[must_use]
    pub fn reference(rounding: Rounding) -> &'static Self {
        match rounding {
            Rounding::Separate => &reference::SEPARATE,
            Rounding::Fused => &reference::FUSED,
        }
    }

    /// Which tier this is.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Runs an [`AffineBlock`]: row r's values go to `out[r * ldo..]`, [`PANEL`] for each panel, and the
    /// field word of panel p to `fields[p * rows + r]`. False if any value is NaN or infinite.
    ///
    /// # Panics
    /// If a slice is too short for the block.
    pub fn affine(
        &self,
        block: &AffineBlock<'_>,
        out: &mut [f32],
        ldo: usize,
        fields: &mut [u64],
        gauge: Option<&mut Gauge<'_>>,
    ) -> bool {
        block.check(out, ldo, fields);
        gauge.iter().for_each(|gauge| gauge.check_rows(block.rows, block.panels() * PANEL));
        self.affine_and_spline(block, out, ldo, fields, gauge)
    }

    /// Runs a [`Combine`] over all of `out`, one field word for each [`PANEL`] values. False if any
    /// value is NaN or infinite.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn combine(
        &self,
        sum: &Combine<'_>,
        out: &mut [f32],
        fields: &mut [u64],
        gauge: Option<&mut Gauge<'_>>,
    ) -> bool {
        sum.check(out, fields);
        gauge.iter().for_each(|gauge| gauge.check_row(out.len()));
        self.combine_and_spline(sum, out, fields, gauge)
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
        gauge: Option<&mut Gauge<'_>>,
    ) {
        block.check();
        gauge.iter().for_each(|gauge| gauge.check_lanes(1, PANEL));
        (self.extreme)(block, out, winner, gauge);
    }

    /// Runs a [`WindowBlock`]: values go to `out`, bits to `planes`, where they are added to what is there.
    /// False if any value is NaN or infinite.
    ///
    /// # Panics
    /// If a slice is too short for the block.
    pub fn windows(
        &self,
        block: &WindowBlock<'_>,
        out: &mut [f32],
        planes: &mut [u32],
        gauge: Option<&mut Gauge<'_>>,
    ) -> bool {
        block.check(out, planes);
        gauge.iter().for_each(|gauge| gauge.check_lanes(block.weights.channels(), 0));
        self.windows_and_spline(block, out, planes, gauge)
    }

    /// Runs a [`WindowExtreme`]: the winners' values go to `out`, the bits of their taps' numbers to
    /// `planes`.
    ///
    /// # Panics
    /// If a slice is too short for the block, or a window is empty.
    pub fn window_extreme(
        &self,
        block: &WindowExtreme<'_>,
        out: &mut [f32],
        planes: &mut [u32],
        gauge: Option<&mut Gauge<'_>>,
    ) {
        block.check(out, planes);
        gauge.iter().for_each(|gauge| gauge.check_lanes(block.planes, 0));
        (self.window_extreme)(block, out, planes, gauge);
    }

    /// As [`extreme`](Self::extreme), with the soft value in place of the winner's; positions and margins are those of
    /// the hard rule.
    ///
    /// # Panics
    /// If there is no candidate, or the candidates are not whole rows of lanes.
    pub fn soft_extreme(
        &self,
        block: &ExtremeBlock<'_>,
        pool: &SoftPool<'_>,
        out: &mut [f32; PANEL],
        winner: &mut [u32; PANEL],
        gauge: Option<&mut Gauge<'_>>,
    ) {
        block.check();
        pool.sharpness.check(1, PANEL);
        gauge.iter().for_each(|gauge| gauge.check_lanes(1, PANEL));
        (self.soft_extreme)(block, pool, out, winner, gauge);
    }

    /// As [`window_extreme`](Self::window_extreme), with the soft values in place of the winners'; bits and margins
    /// are those of the hard rule.
    ///
    /// # Panics
    /// If a slice is too short for the block, or a window is empty.
    pub fn soft_window_extreme(
        &self,
        block: &WindowExtreme<'_>,
        pool: &SoftPool<'_>,
        out: &mut [f32],
        planes: &mut [u32],
        gauge: Option<&mut Gauge<'_>>,
    ) {
        block.check(out, planes);
        pool.sharpness.check(block.planes, PANEL);
        gauge.iter().for_each(|gauge| gauge.check_lanes(block.planes, 0));
        (self.soft_window_extreme)(block, pool, out, planes, gauge);
    }

    /// Writes eˣ for each number of `x` to `y`.
    ///
    /// Within 1.1 ulp (0.9 on fused tiers) of the exact value, subnormal results to less than 1 of their steps; 0
    /// below −104 and infinite from 88.73 on.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn exp(&self, x: &[f32], y: &mut [f32]) {
        self.run(Function::Exp, x, y);
    }

    /// Writes 1/(1 + e⁻ˣ) for each number of `x` to `y`.
    ///
    /// Within 2.1 ulp of the exact value, in both tails; 0 below −88.73, where the exact value is below 3·10⁻³⁹, and
    /// 1 from 17 on.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn sigmoid(&self, x: &[f32], y: &mut [f32]) {
        self.run(Function::Sigmoid, x, y);
    }

    /// Writes tanh x for each number of `x` to `y`.
    ///
    /// Within 2 ulp of the exact value, also near 0, where zeros keep their sign; ±1 from ±9.1 on. An odd function.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn tanh(&self, x: &[f32], y: &mut [f32]) {
        self.run(Function::Tanh, x, y);
    }

    /// Writes log(1 + eˣ) for each number of `x` to `y`.
    ///
    /// Within 2.1 ulp (1.7 on fused tiers) of the exact value, subnormal results to less than 1 of their steps.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn softplus(&self, x: &[f32], y: &mut [f32]) {
        self.run(Function::Softplus, x, y);
    }

    /// Writes Φ(x), the distribution function of the normal law, for each number of `x` to `y`.
    ///
    /// Within 2 ulp of the exact value from 0 on, and 7 ulp in the tail below, down to subnormal results; 0 below −14.3.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn normal_cdf(&self, x: &[f32], y: &mut [f32]) {
        self.run(Function::NormalCdf, x, y);
    }

    fn run(&self, function: Function, x: &[f32], y: &mut [f32]) {
        assert_eq!(x.len(), y.len(), "as many results as numbers");
        (self.map)(function, x, y);
    }

    /// Runs a [`Product`]; row r of the result is added to `out[r * ldo..]`.
    ///
    /// # Panics
    /// If a slice is too short for the product.
    pub fn product(&self, product: &Product<'_, f32>, out: &mut [f32], ldo: usize) {
        product.check(out.len(), ldo);
        (self.product)(product, out, ldo);
    }

    /// As [`product`](Self::product), in f64.
    ///
    /// # Panics
    /// If a slice is too short for the product.
    pub fn double_product(&self, product: &Product<'_, f64>, out: &mut [f64], ldo: usize) {
        product.check(out.len(), ldo);
        (self.double_product)(product, out, ldo);
    }

    /// Which forms are above `limit` at (s, t), and which are neither above it nor below `-limit`: bit u of the words
    /// for unit u. The units that fill up the last block have bits as well.
    ///
    /// # Panics
    /// If there is not a word for each 64 units.
    pub fn form_signs(
        &self,
        block: &FormBlock<'_>,
        at: [f64; 2],
        limit: f64,
        above: &mut [u64],
        near: &mut [u64],
    ) {
        block.check();
        let words = block.stride.div_ceil(64);
        assert!(above.len() == words && near.len() == words, "a word for each 64 units");
        (self.form_signs)(block, at, limit, above, near);
    }

    /// The largest `|a| + |b|` of all forms, and the largest `|a|·s + |b|·t + |c|`.
    ///
    /// # Panics
    /// If the block is not whole.
    #[must_use]
    pub fn largest_forms(&self, block: &FormBlock<'_>, reach: [f64; 2]) -> [f64; 2] {
        block.check();
        (self.largest_forms)(block, reach)
    }

    /// Writes `block` with `column[u] · step` added to each unit u's form to `to`.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn add_column(
        &self,
        block: &FormBlock<'_>,
        column: Weights<'_>,
        step: [f64; 3],
        to: &mut [f64],
    ) {
        block.check();
        assert!(column.len() >= block.stride, "a weight for each unit");
        assert_eq!(to.len(), block.numbers.len(), "room for all forms");
        (self.add_column)(block, column, step, to);
    }

    /// The same in place.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn add_column_to(&self, numbers: &mut [f64], column: Weights<'_>, step: [f64; 3]) {
        FormBlock { numbers, stride: numbers.len() / 3 }.check();
        assert!(column.len() >= numbers.len() / 3, "a weight for each unit");
        (self.add_column_to)(numbers, column, step);
    }

    /// Adds the sum to `numbers`: all a, all b and all c of the units.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn sum_forms(&self, sum: &FormSum<'_>, numbers: &mut [f64]) {
        sum.check(numbers.len());
        (self.sum_forms)(sum, numbers);
    }

    /// The same as if it were summed in twice the precision and rounded at the end (Ogita, Rump and Oishi, *Accurate
    /// sum and dot product*, 2005, Dot2): with n terms of sizes that sum to S it is within `u·|exact| + (n·u)²·S`, u
    /// being 2⁻⁵³, unless a product underflows.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn sum_forms_twice_as_well(&self, sum: &FormSum<'_>, numbers: &mut [f64]) {
        sum.check(numbers.len());
        (self.sum_forms_twice_as_well)(sum, numbers);
    }

    /// Runs a [`Gate`] over `numbers`, in place.
    ///
    /// # Panics
    /// If it has not parameters and bits for them all.
    pub fn gate(&self, gate: &Gate<'_>, numbers: &mut [f32]) {
        gate.check(numbers.len());
        (self.gate)(gate, numbers);
    }

    /// Writes each window's winner, out of the vectors of `input`, to `out`.
    ///
    /// # Panics
    /// If a slice is too short, or a window is empty.
    pub fn pick(&self, winners: &Winners<'_>, input: &[f32], out: &mut [f32]) {
        winners.check(input.len(), out.len());
        (self.pick)(winners, input, out);
    }

    /// Adds each window's vector of `output` to its winner's among the vectors of `input`: what [`pick`]
    /// does, transposed.
    ///
    /// [`pick`]: Self::pick
    ///
    /// # Panics
    /// If a slice is too short, or a window is empty.
    pub fn put_back(&self, winners: &Winners<'_>, output: &[f32], input: &mut [f32]) {
        winners.check(input.len(), output.len());
        (self.put_back)(winners, output, input);
    }

    /// Turns up to [`PANEL`] rows of `width` numbers, `stride` apart, into `width` vectors; missing rows
    /// repeat the last.
    ///
    /// # Panics
    /// If there is no row, more than [`PANEL`], or a slice is too short.
    pub fn to_lanes(&self, rows: &[f32], stride: usize, width: usize, lanes: &mut [f32]) {
        assert!(width > 0 && width <= stride, "rows of numbers");
        let count = (rows.len() + stride - width) / stride;
        assert!((1..=PANEL).contains(&count), "1 to {PANEL} rows, found {count}");
        assert!(rows.len() >= (count - 1) * stride + width, "rows are short");
        assert!(lanes.len() >= width * PANEL, "lanes are short");
        (self.to_lanes)(rows, stride, width, lanes);
    }

    /// Turns vectors back into rows of `width` numbers, as many as `rows` has room for.
    ///
    /// # Panics
    /// If `rows` is not whole rows, at most [`PANEL`], or `lanes` is too short.
    pub fn from_lanes(&self, lanes: &[f32], width: usize, rows: &mut [f32]) {
        assert!(width > 0 && rows.len().is_multiple_of(width), "whole rows");
        assert!(rows.len() / width <= PANEL, "at most {PANEL} rows");
        assert!(lanes.len() >= width * PANEL, "lanes are short");
        (self.from_lanes)(lanes, width, rows);
    }

    /// Turns planes (for each bit, a word of all rows) into rows of `words` words, as many as `codes` has.
    ///
    /// # Panics
    /// If `codes` is not whole rows, at most [`PANEL`], or has not a word for each 64 planes.
    pub fn codes(&self, planes: &[u32], words: usize, codes: &mut [u64]) {
        assert_eq!(planes.len().div_ceil(64), words, "a word for each 64 bits");
        if words == 0 {
            return;
        }
        assert!(codes.len().is_multiple_of(words), "whole rows");
        assert!(codes.len() / words <= PANEL, "at most {PANEL} rows");
        (self.codes)(planes, words, codes);
    }

    /// Whether all numbers are finite.
    #[must_use]
    pub fn finite(&self, numbers: &[f32]) -> bool {
        (self.finite)(numbers)
    }

    /// How large the numbers of a row are, to which rounding errors are in proportion.
    #[must_use]
    pub fn norms(&self, row: &[f32]) -> Norms {
        let mut norms = [Norms::default()];
        (self.norms)(row, [row.len(); 2], &mut [], &mut norms);
        norms[0]
    }

    /// Multiply-adds between registers, `rounds` rounds of them with nothing else in the way: how many,
    /// and a number that depends on all of them. What a core can do at most, to measure others by.
    #[must_use]
    pub fn peak(&self, rounds: usize) -> (usize, f32) {
        (self.peak)(rounds)
    }
}
