//! Units across lanes: each row's numbers stand together, and a kernel makes a panel of units from some
//! rows at once.

mod convolution;
mod dense;
mod elementwise;
mod gather;
mod interpolation;
mod pool;
mod run;
mod windows;

pub(crate) use run::{RowsView, Run, Scratch, Zeros};

use maso_simd::panel::padded;

use super::Work;
use super::join::Joined;
use super::terms::Terms;
use crate::network::{Affine, Operator, Rule, View};
use convolution::PackedConvolution;
use dense::PackedDense;
use elementwise::Elementwise;
use gather::Gather;
use interpolation::PackedInterpolation;
use pool::{PackedAverage, PackedExtreme};

/// The work of a step.
#[derive(Clone, Debug)]
pub(crate) enum UnitLanes {
    Dense(PackedDense),
    Convolution(PackedConvolution),
    Average(PackedAverage),
    Interpolation(PackedInterpolation),
    Elementwise(Elementwise),
    Extreme(PackedExtreme),
    Gather(Gather),
}

/// What keeps rows of a power of two numbers from falling on the same lines of the cache.
const SKEW: usize = 16;

impl Work for UnitLanes {
    const JOINS_SUMS: bool = false;

    fn stride(len: usize) -> usize {
        padded(len) + SKEW
    }

    fn pack(joined: &Joined<'_>, len: usize) -> Self {
        if let Some(terms) = Terms::of(joined) {
            return Self::Elementwise(Elementwise::new(&terms, len));
        }
        let spline = joined.spline;
        match &joined.base.operator {
            Operator::Affine(Affine::Dense(dense)) => Self::Dense(PackedDense::new(dense, spline)),
            Operator::Affine(Affine::Convolution(convolution)) => {
                Self::Convolution(PackedConvolution::new(convolution, spline))
            }
            Operator::Affine(Affine::AveragePool(pool)) => Self::Average(PackedAverage::new(pool)),
            Operator::Affine(Affine::Interpolation(interpolation)) => {
                Self::Interpolation(PackedInterpolation::new(interpolation))
            }
            Operator::Nonlinear(Rule::Extreme(extreme)) => {
                Self::Extreme(PackedExtreme::new(extreme, len))
            }
            Operator::View(View::Runs(runs)) => Self::Gather(Gather::new(runs)),
            Operator::Input | Operator::View(View::Same) => {
                unreachable!("inputs and aliases make no step")
            }
            Operator::Affine(Affine::Scale(_))
            | Operator::Sum { .. }
            | Operator::Nonlinear(Rule::Spline(_)) => unreachable!("elementwise, made above"),
        }
    }

    fn group(&self, unit: usize) -> usize {
        match self {
            Self::Dense(dense) => dense.group(unit),
            Self::Elementwise(elementwise) => elementwise.group(unit),
            _ => unit,
        }
    }

    fn groups(&self, len: usize) -> usize {
        match self {
            Self::Dense(dense) => dense.lanes(),
            Self::Elementwise(elementwise) => elementwise.group(len - 1) + 1,
            _ => padded(len),
        }
    }
}

impl UnitLanes {
    /// Runs the step over a tile; false if a value is NaN or infinite.
    pub(crate) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        match self {
            Self::Dense(dense) => dense.run(run, scratch),
            Self::Convolution(convolution) => convolution.run(run, scratch),
            Self::Average(pool) => pool.run(run, scratch),
            Self::Interpolation(interpolation) => interpolation.run(run, scratch),
            Self::Elementwise(elementwise) => elementwise.run(run, scratch),
            Self::Extreme(extreme) => extreme.run(run, scratch),
            Self::Gather(gather) => gather.run(run),
        }
    }

    /// Whether every number it reads shows in every sum, so that one that is NaN or infinite cannot hide.
    pub(crate) fn sees_all(&self) -> bool {
        matches!(self, Self::Dense(_))
    }
}
