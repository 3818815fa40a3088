//! Maxima and minima, for the f64 kernel.

use maso_simd::{DoubleCandidate, DoubleExtreme, DoubleLanes, Windows, bits};

use super::DoubleRun;
use crate::network::{Branch, Candidates, Extreme, PerUnit};
use crate::pack::row_lanes::windows_of;

#[derive(Clone, Debug)]
pub(super) struct LaneExtreme {
    smallest: bool,
    /// Bits of a winner's number.
    width: usize,
    candidates: LaneCandidates,
}

#[derive(Clone, Debug)]
enum LaneCandidates {
    /// The windows of each plane, and how far planes are apart.
    Windows {
        windows: Windows,
        plane: usize,
    },
    Branches(Vec<LaneBranch>),
}

#[derive(Clone, Debug)]
enum LaneBranch {
    Input(usize),
    /// A number for each unit, or one for all.
    Constant(Vec<DoubleLanes>),
}

impl LaneExtreme {
    pub(super) fn new(extreme: &Extreme, len: usize) -> Self {
        let candidates = match &extreme.candidates {
            Candidates::Window { map, .. } => {
                LaneCandidates::Windows { windows: windows_of(map), plane: map.source_cells() }
            }
            Candidates::Branches(branches) => {
                let pack = |branch: &Branch| match branch {
                    Branch::Input(input) => LaneBranch::Input(*input),
                    Branch::Constant(value) => LaneBranch::Constant(constant(value, len)),
                };
                LaneCandidates::Branches(branches.iter().map(pack).collect())
            }
        };
        let width = bits::width(extreme.candidates.pieces());
        Self { smallest: extreme.smallest, width, candidates }
    }

    pub(super) fn run(&self, run: &mut DoubleRun<'_>) {
        let (measure, mut candidates) =
            (run.measure.expect("every layer has a measure"), Vec::new());
        for (unit, out) in run.out.iter_mut().enumerate() {
            candidates.clear();
            self.candidates.of(unit, run.inputs, &mut candidates);
            let block = DoubleExtreme { candidates: &candidates, smallest: self.smallest, unit };
            let planes = &mut run.planes[unit * self.width..][..self.width];
            run.kernels.double_extreme(&block, &measure, out, planes, run.kept);
        }
    }
}

fn constant(value: &PerUnit, len: usize) -> Vec<DoubleLanes> {
    match value.as_uniform() {
        Some(value) => vec![DoubleLanes::splat(value)],
        None => (0..len).map(|unit| DoubleLanes::splat(value.at(unit))).collect(),
    }
}

impl LaneCandidates {
    /// The candidates of `unit`; padding is none.
    fn of<'a>(
        &'a self,
        unit: usize,
        inputs: &[&'a [DoubleLanes]],
        candidates: &mut Vec<DoubleCandidate<'a>>,
    ) {
        match self {
            Self::Windows { windows, plane } => {
                let (first, cell) = (unit / windows.cells() * plane, unit % windows.cells());
                candidates.extend(windows.window(cell).iter().map(|tap| DoubleCandidate {
                    piece: tap.tap,
                    numbers: &inputs[0][first + tap.source as usize],
                }));
            }
            Self::Branches(branches) => {
                candidates.extend((0..).zip(branches).map(|(piece, branch)| DoubleCandidate {
                    piece,
                    numbers: match branch {
                        LaneBranch::Input(input) => &inputs[*input][unit],
                        LaneBranch::Constant(values) => &values[unit.min(values.len() - 1)],
                    },
                }));
            }
        }
    }
}
