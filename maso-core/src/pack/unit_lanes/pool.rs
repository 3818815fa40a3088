//! Pools and maxima: strips of [`PANEL`] units, what each reads gathered side by side.

use maso_simd::{
    AffineBlock, ExtremeBlock, Gauge, Kept, Kernels, MarginLanes, PANEL, Param, SoftPool, Spline,
    bits,
};

use super::run::{Run, Scratch, at_least};
use super::windows::Windows;
use crate::network::{AveragePool, Branch, Candidates, Extreme};
use crate::pack::Pass;
use crate::pack::parameters::{Packed, packed_pool};

/// An average pool: the sum of each window through the affine kernel with weights 1, its factor as
/// the slope of a single piece.
#[derive(Clone, Debug)]
pub(crate) struct PackedAverage {
    windows: Windows,
    ones: Vec<f32>,
    /// One factor for each unit, padded to whole strips.
    factor: Packed,
}

impl PackedAverage {
    pub(super) fn new(pool: &AveragePool) -> Self {
        let (planes, map) = (pool.planes, pool.map.clone());
        let cells = map.cells();
        let lanes = (planes * cells).next_multiple_of(PANEL);
        Self {
            ones: vec![1.0; map.taps()],
            factor: Packed::new(&pool.factor, (0..lanes).map(|unit| unit % cells)),
            windows: Windows { planes, map, padding: 0.0 },
        }
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let (units, taps) = (self.windows.units(), self.ones.len());
        let source_len = self.windows.source_len();
        let panel = at_least(&mut scratch.panel, taps * PANEL);
        let mut finite = true;
        for row in 0..run.rows {
            let source = run.inputs[0].row(row, source_len);
            for start in (0..units).step_by(PANEL) {
                self.windows.gather(source, start, panel);
                let factor = self.factor.bind(|values| Param::Lanes(&values[start..]));
                let spline = Spline::new(&[], &[factor], &[Param::Splat(0.0)]);
                let bias = Param::Splat(0.0);
                let x = &self.ones[..];
                let (depth, weights, lanes) = (taps, &*panel, PANEL);
                let block = AffineBlock {
                    x,
                    ldx: taps,
                    rows: 1,
                    depth,
                    weights,
                    lanes,
                    bias,
                    spline,
                    occupied: None,
                };
                // Output rows are padded to whole panels, so the last strip fits.
                let out = &mut run.out[row * run.out_stride + start..];
                finite &= run.kernels.affine(&block, out, PANEL, &mut [0], None);
            }
        }
        finite
    }
}

/// A maximum or minimum of windows or branches.
#[derive(Clone, Debug)]
pub(crate) struct PackedExtreme {
    units: usize,
    pieces: usize,
    smallest: bool,
    soft: Option<SoftPool<'static>>,
    candidates: PackedCandidates,
}

#[derive(Clone, Debug)]
enum PackedCandidates {
    Windows(Windows),
    Branches(Vec<PackedBranch>),
}

#[derive(Clone, Debug)]
enum PackedBranch {
    Input(usize),
    Constant(Vec<f32>),
}

impl PackedExtreme {
    pub(super) fn new(extreme: &Extreme, units: usize) -> Self {
        let smallest = extreme.smallest;
        let candidates = match &extreme.candidates {
            Candidates::Window { planes, map } => {
                let padding = if smallest { f32::INFINITY } else { f32::NEG_INFINITY };
                let (planes, map) = (*planes, map.clone());
                PackedCandidates::Windows(Windows { planes, map, padding })
            }
            Candidates::Branches(branches) => {
                let pack = |branch: &Branch| match branch {
                    Branch::Input(input) => PackedBranch::Input(*input),
                    Branch::Constant(value) => {
                        PackedBranch::Constant((0..units).map(|u| value.at(u) as f32).collect())
                    }
                };
                PackedCandidates::Branches(branches.iter().map(pack).collect())
            }
        };
        let (pieces, soft) = (extreme.candidates.pieces(), packed_pool(extreme.soft));
        Self { units, pieces, smallest, soft, candidates }
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        match run.pass {
            Pass::Values => self.compete(run, scratch),
            Pass::Tangents => (0..run.rows).for_each(|row| self.pick(row, run)),
        }
        true // the winner of finite candidates is finite
    }

    /// What each unit's winner has now, in one row.
    fn pick(&self, row: usize, run: &mut Run<'_>) {
        let bits = bits::width(self.pieces);
        for unit in 0..self.units {
            let piece = run.piece(row, unit, bits);
            run.out_row(row, self.units)[unit] = match &self.candidates {
                PackedCandidates::Windows(windows) => {
                    run.inputs[0].row(row, windows.source_len())[windows.source(unit, piece)]
                }
                PackedCandidates::Branches(branches) => match branches[piece] {
                    PackedBranch::Input(input) => run.inputs[input].row(row, self.units)[unit],
                    PackedBranch::Constant(_) => 0.0,
                },
            };
        }
    }

    /// The winners of all units.
    fn compete(&self, run: &mut Run<'_>, scratch: &mut Scratch) {
        let panel = at_least(&mut scratch.panel, self.pieces * PANEL);
        for row in 0..run.rows {
            for start in (0..self.units).step_by(PANEL) {
                self.gather(row, start, run, panel);
                let block = ExtremeBlock { candidates: panel, smallest: self.smallest };
                let (mut values, mut winners) = ([0.0; PANEL], [0; PANEL]);
                let live = (self.units - start).min(PANEL);
                match &mut run.margins {
                    None => self.run_block(run.kernels, &block, &mut values, &mut winners, None),
                    Some(margins) => {
                        // Lanes without units must not be kept.
                        let mut own = MarginLanes::NONE;
                        let measure = margins.measure.bind(|list| Param::Lanes(&list[start..]));
                        let mut gauge = Gauge { measure, kept: Kept::Lanes(&mut own) };
                        let gauge = Some(&mut gauge);
                        self.run_block(run.kernels, &block, &mut values, &mut winners, gauge);
                        margins.merge(row, own.first(live));
                    }
                }
                run.out_row(row, self.units)[start..][..live].copy_from_slice(&values[..live]);
                self.put_winners(row, start, &winners[..live], run);
            }
        }
    }

    fn run_block(
        &self,
        kernels: &Kernels,
        block: &ExtremeBlock<'_>,
        values: &mut [f32; PANEL],
        winners: &mut [u32; PANEL],
        gauge: Option<&mut Gauge<'_>>,
    ) {
        match &self.soft {
            Some(pool) => kernels.soft_extreme(block, pool, values, winners, gauge),
            None => kernels.extreme(block, values, winners, gauge),
        }
    }

    fn gather(&self, row: usize, start: usize, run: &Run<'_>, panel: &mut [f32]) {
        match &self.candidates {
            PackedCandidates::Windows(windows) => {
                windows.gather(run.inputs[0].row(row, windows.source_len()), start, panel);
            }
            PackedCandidates::Branches(branches) => {
                for (lanes, branch) in panel.chunks_exact_mut(PANEL).zip(branches) {
                    let values = match branch {
                        PackedBranch::Input(input) => run.inputs[*input].row(row, self.units),
                        PackedBranch::Constant(values) => values,
                    };
                    let live = (self.units - start).min(PANEL);
                    lanes[..live].copy_from_slice(&values[start..][..live]);
                }
            }
        }
    }

    /// Writes the winners' positions, as many at once as a word holds.
    fn put_winners(&self, row: usize, start: usize, winners: &[u32], run: &mut Run<'_>) {
        let bits = bits::width(self.pieces);
        if bits == 0 {
            return;
        }
        let many = 64 / bits;
        for (part, winners) in winners.chunks(many).enumerate() {
            let join = |field, (i, &winner): (usize, &u32)| field | u64::from(winner) << (i * bits);
            let field = winners.iter().enumerate().fold(0, join);
            run.put_bits(row, (start + part * many) * bits, field, winners.len() * bits);
        }
    }
}
