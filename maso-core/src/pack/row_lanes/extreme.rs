//! Maxima and minima of windows or branches.

use maso_simd::{ExtremeBlock, PANEL, Param, WindowExtreme, Windows, bits};

use super::LaneRun;
use super::windows::windows_of;
use crate::network::{Branch, Candidates, Extreme};

#[derive(Clone, Debug)]
pub(crate) struct LaneExtreme {
    smallest: bool,
    candidates: LaneCandidates,
}

#[derive(Clone, Debug)]
enum LaneCandidates {
    Windows { planes: usize, plane: usize, windows: Windows, taps: usize },
    Branches { units: usize, branches: Vec<LaneBranch> },
}

#[derive(Clone, Debug)]
enum LaneBranch {
    Input(usize),
    /// A number for each unit.
    Constant(Vec<f32>),
}

impl LaneExtreme {
    pub(super) fn new(extreme: &Extreme, units: usize) -> Self {
        let candidates = match &extreme.candidates {
            Candidates::Window { planes, map } => LaneCandidates::Windows {
                planes: *planes,
                plane: map.source_cells(),
                windows: windows_of(map),
                taps: map.taps(),
            },
            Candidates::Branches(branches) => {
                let pack = |branch: &Branch| match branch {
                    Branch::Input(input) => LaneBranch::Input(*input),
                    Branch::Constant(value) => {
                        LaneBranch::Constant((0..units).map(|u| value.at(u) as f32).collect())
                    }
                };
                LaneCandidates::Branches { units, branches: branches.iter().map(pack).collect() }
            }
        };
        Self { smallest: extreme.smallest, candidates }
    }

    /// The plane of output `unit` of windows, or the unit itself.
    pub(super) fn group(&self, unit: usize) -> usize {
        match &self.candidates {
            LaneCandidates::Windows { windows, .. } => unit / windows.cells(),
            LaneCandidates::Branches { .. } => unit,
        }
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        match &self.candidates {
            LaneCandidates::Windows { planes, plane, windows, taps } => {
                let block = WindowExtreme {
                    input: run.inputs[0],
                    planes: *planes,
                    plane: *plane,
                    windows,
                    taps: *taps,
                    smallest: self.smallest,
                };
                let mut gauge = run.margins.as_mut().map(|margins| margins.gauge(0, Param::Rows));
                run.kernels.window_extreme(&block, run.out, run.planes, gauge.as_mut());
            }
            LaneCandidates::Branches { units, branches } => {
                let mut candidates = vec![0.0; branches.len() * PANEL];
                for unit in 0..*units {
                    self.branches(unit, branches, &mut candidates, run);
                }
            }
        }
        true // the winner of finite candidates is finite
    }

    /// The winner of one unit's branches.
    fn branches(
        &self,
        unit: usize,
        branches: &[LaneBranch],
        candidates: &mut [f32],
        run: &mut LaneRun<'_>,
    ) {
        let place = unit * PANEL..(unit + 1) * PANEL;
        for (lanes, branch) in candidates.chunks_exact_mut(PANEL).zip(branches) {
            match branch {
                LaneBranch::Input(input) => {
                    lanes.copy_from_slice(&run.inputs[*input][place.clone()]);
                }
                LaneBranch::Constant(values) => lanes.fill(values[unit]),
            }
        }
        let block = ExtremeBlock { candidates, smallest: self.smallest };
        let out = run.out[place].first_chunk_mut().expect("a vector");
        let mut winners = [0; PANEL];
        let part = |values: &[f32]| Param::Splat(values[unit]);
        let mut gauge = run.margins.as_mut().map(|margins| margins.gauge(0, part));
        run.kernels.extreme(&block, out, &mut winners, gauge.as_mut());
        let width = bits::width(branches.len());
        for (bit, plane) in run.planes[unit * width..][..width].iter_mut().enumerate() {
            let rows = winners.iter().enumerate();
            *plane = rows.fold(0, |plane, (row, winner)| plane | (winner >> bit & 1) << row);
        }
    }
}
