//! Maxima and minima of windows or branches.

use maso_simd::gate::rows_of_piece;
use maso_simd::{
    ExtremeBlock, Kernels, PANEL, Param, SoftPool, WindowExtreme, Windows, Winners, bits,
};

use super::LaneRun;
use super::windows::windows_of;
use crate::network::{Branch, Candidates, Extreme};
use crate::pack::Pass;
use crate::pack::parameters::packed_pool as packed;

#[derive(Clone, Debug)]
pub(crate) struct LaneExtreme {
    smallest: bool,
    soft: Option<SoftPool<'static>>,
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
    pub(crate) fn new(extreme: &Extreme, units: usize) -> Self {
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
        Self { smallest: extreme.smallest, soft: packed(extreme.soft), candidates }
    }

    /// The plane of output `unit` of windows, or the unit itself.
    pub(super) fn group(&self, unit: usize) -> usize {
        match &self.candidates {
            LaneCandidates::Windows { windows, .. } => unit / windows.cells(),
            LaneCandidates::Branches { .. } => unit,
        }
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        match run.pass {
            Pass::Values => self.compete(run),
            Pass::Tangents => self.pick(run),
        }
        true // the winner of finite candidates is finite
    }

    /// The winners of all units.
    fn compete(&self, run: &mut LaneRun<'_>) {
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
                let (out, planes, gauge) = (&mut *run.out, &mut *run.planes, gauge.as_mut());
                match &self.soft {
                    Some(pool) => {
                        run.kernels.soft_window_extreme(&block, pool, out, planes, gauge);
                    }
                    None => run.kernels.window_extreme(&block, out, planes, gauge),
                }
            }
            LaneCandidates::Branches { units, branches } => {
                let mut candidates = vec![0.0; branches.len() * PANEL];
                for unit in 0..*units {
                    self.branches(unit, branches, &mut candidates, run);
                }
            }
        }
    }

    /// What each unit's winner has now.
    fn pick(&self, run: &mut LaneRun<'_>) {
        match &self.candidates {
            LaneCandidates::Windows { planes, plane, windows, taps } => {
                let (planes, plane, taps) = (*planes, *plane, *taps);
                let winners = Winners { planes, plane, windows, taps, bits: run.planes };
                run.kernels.pick(&winners, run.inputs[0], run.out);
            }
            LaneCandidates::Branches { units, branches } => {
                let width = bits::width(branches.len());
                for unit in 0..*units {
                    let (place, words) = (unit * PANEL, &run.planes[unit * width..][..width]);
                    let out = &mut run.out[place..][..PANEL];
                    out.fill(0.0); // what a constant has
                    for (piece, branch) in branches.iter().enumerate() {
                        let LaneBranch::Input(input) = branch else { continue };
                        let rows = rows_of_piece(words, piece as u32);
                        let numbers = &run.inputs[*input][place..][..PANEL];
                        for (row, (out, number)) in out.iter_mut().zip(numbers).enumerate() {
                            *out = if rows >> row & 1 == 1 { *number } else { *out };
                        }
                    }
                }
            }
        }
    }

    /// Adds what each unit has to its winner, where that is a number of input number `place`.
    pub(crate) fn put_back(
        &self,
        kernels: &Kernels,
        planes: &[u32],
        place: usize,
        output: &[f32],
        input: &mut [f32],
    ) {
        match &self.candidates {
            LaneCandidates::Windows { planes: count, plane, windows, taps } => {
                let (count, plane, taps) = (*count, *plane, *taps);
                let winners = Winners { planes: count, plane, windows, taps, bits: planes };
                kernels.put_back(&winners, output, input);
            }
            LaneCandidates::Branches { units, branches } => {
                let width = bits::width(branches.len());
                let own =
                    |branch: &LaneBranch| matches!(branch, LaneBranch::Input(i) if *i == place);
                for unit in 0..*units {
                    let words = &planes[unit * width..][..width];
                    let (from, to) = (&output[unit * PANEL..], &mut input[unit * PANEL..]);
                    for piece in (0..branches.len()).filter(|&piece| own(&branches[piece])) {
                        let rows = rows_of_piece(words, piece as u32);
                        for (row, (to, from)) in to.iter_mut().zip(from).take(PANEL).enumerate() {
                            *to += if rows >> row & 1 == 1 { *from } else { 0.0 };
                        }
                    }
                }
            }
        }
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
        match &self.soft {
            Some(pool) => {
                run.kernels.soft_extreme(&block, pool, out, &mut winners, gauge.as_mut());
            }
            None => run.kernels.extreme(&block, out, &mut winners, gauge.as_mut()),
        }
        let width = bits::width(branches.len());
        for (bit, plane) in run.planes[unit * width..][..width].iter_mut().enumerate() {
            let rows = winners.iter().enumerate();
            *plane = rows.fold(0, |plane, (row, winner)| plane | (winner >> bit & 1) << row);
        }
    }
}
