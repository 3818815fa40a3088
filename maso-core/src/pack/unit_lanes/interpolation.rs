//! Interpolations: the few cells that each unit reads gathered side by side, and their weights with them.

use maso_simd::{Combine, PANEL, Param, Spline, Term};

use super::run::{Run, Scratch, at_least};
use super::windows::Windows;
use crate::network::Interpolation;

#[derive(Clone, Debug)]
pub(crate) struct PackedInterpolation {
    windows: Windows,
    /// For each strip of units, `taps × PANEL` weights.
    weights: Vec<f32>,
}

impl PackedInterpolation {
    pub(super) fn new(interpolation: &Interpolation) -> Self {
        let (planes, map) = (interpolation.planes, interpolation.map.clone());
        let (units, cells, taps) = (planes * map.cells(), map.cells(), map.taps());
        let mut weights = Vec::with_capacity(units.next_multiple_of(PANEL) * taps);
        for start in (0..units).step_by(PANEL) {
            for tap in 0..taps {
                let cell = |lane: usize| (start + lane).min(units - 1) % cells;
                let weight = |lane| interpolation.weight.get(tap * cells + cell(lane)) as f32;
                weights.extend((0..PANEL).map(weight));
            }
        }
        Self { windows: Windows { planes, map, padding: 0.0 }, weights }
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let (units, taps) = (self.windows.units(), self.windows.map.taps());
        let source_len = self.windows.source_len();
        let strip = taps * PANEL;
        let panel = at_least(&mut scratch.panel, strip);
        let (kernels, mut finite) = (run.kernels, true);
        for row in 0..run.rows {
            let source = run.inputs[0].row(row, source_len);
            for (index, weights) in self.weights.chunks_exact(strip).enumerate() {
                let start = index * PANEL;
                self.windows.gather(source, start, panel);
                let lanes = panel.chunks_exact(PANEL).zip(weights.chunks_exact(PANEL));
                let term = |(x, weights)| Term { x, scale: Param::Lanes(weights) };
                let terms: Vec<Term<'_>> = lanes.map(term).collect();
                let shift = Some(Param::Splat(0.0));
                let sum = Combine { terms: &terms, shift, spline: Spline::identity() };
                let live = (units - start).min(PANEL);
                let out = &mut run.out_row(row, units)[start..start + live];
                finite &= kernels.combine(&sum, out, &mut [0], None);
            }
        }
        finite
    }
}
