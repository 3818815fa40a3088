//! Average pools: the sum of each window's vectors, then its factor as the slope of a single piece.

use maso_simd::{Combine, PANEL, Param, Spline, Term};

use super::LaneRun;
use crate::network::{AveragePool, PerUnit, WindowMap};

#[derive(Clone, Debug)]
pub(crate) struct LaneAverage {
    planes: usize,
    map: WindowMap,
    factor: PerUnit,
}

impl LaneAverage {
    pub(super) fn new(pool: &AveragePool) -> Self {
        Self { planes: pool.planes, map: pool.map.clone(), factor: pool.factor.clone() }
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        let cells = self.map.cells();
        let mut terms: Vec<Term<'_>> = Vec::with_capacity(self.map.taps());
        let mut finite = true;
        for unit in 0..self.planes * cells {
            let (plane, cell) = (unit / cells * self.map.source_cells(), unit % cells);
            let sources = (0..self.map.taps()).filter_map(|tap| self.map.source(tap, cell));
            terms.clear();
            terms.extend(sources.map(|source| Term {
                x: &run.inputs[0][(plane + source) * PANEL..][..PANEL],
                scale: Param::Splat(1.0),
            }));
            let factor = Param::Splat(self.factor.at(cell) as f32);
            let spline = Spline::new(&[], &[factor], &[Param::Splat(0.0)]);
            let sum = Combine { terms: &terms, shift: Some(Param::Splat(0.0)), spline };
            let out = &mut run.out[unit * PANEL..][..PANEL];
            finite &= run.kernels.combine(&sum, out, &mut [0], None);
        }
        finite
    }
}
