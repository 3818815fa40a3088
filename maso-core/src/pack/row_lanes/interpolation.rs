//! Interpolations: weighted sums of the few vectors that each unit reads.

use maso_simd::{Combine, PANEL, Param, Spline, Term};

use super::LaneRun;
use crate::network::{Interpolation, WindowMap};

#[derive(Clone, Debug)]
pub(crate) struct LaneInterpolation {
    planes: usize,
    map: WindowMap,
    /// `taps × cells`.
    weight: Vec<f32>,
}

impl LaneInterpolation {
    pub(super) fn new(interpolation: &Interpolation) -> Self {
        let weight = &interpolation.weight;
        Self {
            planes: interpolation.planes,
            map: interpolation.map.clone(),
            weight: (0..weight.len()).map(|i| weight.get(i) as f32).collect(),
        }
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        let cells = self.map.cells();
        let mut terms: Vec<Term<'_>> = Vec::with_capacity(self.map.taps());
        let mut finite = true;
        for unit in 0..self.planes * cells {
            let (plane, cell) = (unit / cells * self.map.source_cells(), unit % cells);
            terms.clear();
            terms.extend((0..self.map.taps()).filter_map(|tap| {
                let source = plane + self.map.source(tap, cell)?;
                let x = &run.inputs[0][source * PANEL..][..PANEL];
                Some(Term { x, scale: Param::Splat(self.weight[tap * cells + cell]) })
            }));
            let shift = Some(Param::Splat(0.0));
            let sum = Combine { terms: &terms, shift, spline: Spline::identity() };
            let out = &mut run.out[unit * PANEL..][..PANEL];
            finite &= run.kernels.combine(&sum, out, &mut [0], None);
        }
        finite
    }
}
