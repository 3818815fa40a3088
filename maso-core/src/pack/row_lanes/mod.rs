//! Rows across lanes: each number of the network is a vector of its values in [`PANEL`] rows, and a step
//! makes vectors of vectors. Bits are planes: for each bit of a unit a word with all rows.

mod average;
mod elementwise;
mod extreme;
mod gather;
mod interpolation;
mod windows;

pub(crate) use extreme::LaneExtreme;
pub(crate) use windows::{LaneWindows, group_weights, windows_of};

use maso_simd::{Gate, Kernels, Occupied, PANEL, Param, bits};

use super::join::Joined;
use super::terms::Terms;
use super::{Pass, StepMargins, Work};
use crate::network::{Affine, Network, Operator, Rule, View};
use average::LaneAverage;
use elementwise::LaneElementwise;
use gather::LaneGather;
use interpolation::LaneInterpolation;

/// The work of a step.
#[derive(Clone, Debug)]
pub(crate) enum RowLanes {
    Windows(LaneWindows),
    Average(LaneAverage),
    Interpolation(LaneInterpolation),
    Elementwise(LaneElementwise),
    Extreme(LaneExtreme),
    Gather(LaneGather),
}

/// One step over [`PANEL`] rows.
#[derive(Debug)]
pub(crate) struct LaneRun<'a> {
    pub(crate) kernels: &'a Kernels,
    pub(crate) pass: Pass,
    /// Vectors of the values it reads.
    pub(crate) inputs: &'a [&'a [f32]],
    /// Vectors of the values it makes.
    pub(crate) out: &'a mut [f32],
    /// Its bits: all zero where values make them.
    pub(crate) planes: &'a mut [u32],
    /// Where margins go, if they are asked for: a single one, whose lanes are the rows.
    pub(crate) margins: Option<StepMargins<'a>>,
    /// Room for which vectors are not zero, where matrices may pass over those that are.
    pub(crate) occupied: Option<&'a mut Occupied>,
}

impl LaneRun<'_> {
    /// Multiplies what `units` have by the slopes of their pieces.
    fn gate(&mut self, units: std::ops::Range<usize>, slopes: &[Param<'_>]) {
        let width = bits::width(slopes.len());
        let planes = &self.planes[units.start * width..units.end * width];
        let numbers = &mut self.out[units.start * PANEL..units.end * PANEL];
        self.kernels.gate(&Gate { slopes, planes }, numbers);
    }
}

impl Work for RowLanes {
    const JOINS_SUMS: bool = true;

    fn stride(len: usize) -> usize {
        len * PANEL
    }

    fn pack(joined: &Joined<'_>, len: usize) -> Self {
        if let Some(terms) = Terms::of(joined) {
            return Self::Elementwise(LaneElementwise::new(&terms, len));
        }
        match &joined.base.operator {
            Operator::Affine(Affine::Dense(dense)) => {
                Self::Windows(LaneWindows::dense(dense, joined))
            }
            Operator::Affine(Affine::Convolution(convolution)) => {
                Self::Windows(LaneWindows::convolution(convolution, joined))
            }
            Operator::Affine(Affine::AveragePool(pool)) => Self::Average(LaneAverage::new(pool)),
            Operator::Affine(Affine::Interpolation(interpolation)) => {
                Self::Interpolation(LaneInterpolation::new(interpolation))
            }
            Operator::Nonlinear(Rule::Extreme(extreme)) => {
                Self::Extreme(LaneExtreme::new(extreme, len))
            }
            Operator::View(View::Runs(runs)) => Self::Gather(LaneGather::new(runs)),
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
            Self::Windows(windows) => windows.group(unit),
            Self::Elementwise(elementwise) => elementwise.group(unit),
            Self::Extreme(extreme) => extreme.group(unit),
            _ => unit,
        }
    }

    fn groups(&self, len: usize) -> usize {
        // The last unit is in the last group, but for channels that repeat from image to image.
        (0..len).map(|unit| self.group(unit)).max().map_or(0, |last| last + 1)
    }
}

impl RowLanes {
    /// Whether `network` has windows, which this layout is best for.
    pub(crate) fn has_windows(network: &Network) -> bool {
        use crate::network::Candidates;
        network.nodes().iter().any(|node| match &node.operator {
            Operator::Affine(affine) => !matches!(affine, Affine::Dense(_) | Affine::Scale(_)),
            Operator::Nonlinear(Rule::Extreme(extreme)) => {
                matches!(extreme.candidates, Candidates::Window { .. })
            }
            _ => false,
        })
    }

    /// Runs the step; false if a value is NaN or infinite.
    pub(crate) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        match self {
            Self::Windows(windows) => windows.run(run),
            Self::Average(average) => average.run(run),
            Self::Interpolation(interpolation) => interpolation.run(run),
            Self::Elementwise(elementwise) => elementwise.run(run),
            Self::Extreme(extreme) => extreme.run(run),
            Self::Gather(gather) => gather.run(run),
        }
    }
}
