//! A matrix over a tile of rows: panel by panel, units across lanes.

use maso_simd::{AffineBlock, PANEL, Panels, Param};

use super::run::{Run, Scratch, at_least};
use crate::network::{Dense, ScalarSpline};
use crate::pack::parameters::PackedSpline;

#[derive(Clone, Debug)]
pub(crate) struct PackedDense {
    batch: usize,
    panels: Panels,
    /// One number for each lane of each panel.
    bias: Vec<f32>,
    spline: PackedSpline,
}

impl PackedDense {
    pub(super) fn new(dense: &Dense, spline: Option<&ScalarSpline>) -> Self {
        let panels = Panels::pack(dense.units, dense.depth, |unit, input| {
            dense.weight.get(unit * dense.depth + input) as f32
        });
        let lanes = panels.count() * PANEL;
        let mut bias: Vec<f32> = dense.bias.iter().map(|&bias| bias as f32).collect();
        bias.resize(lanes, 0.0);
        let spline = PackedSpline::new(spline, 0..dense.units).padded(lanes);
        Self { batch: dense.batch, panels, bias, spline }
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let mut finite = true;
        for index in 0..self.panels.count() {
            for part in 0..self.batch {
                finite &= self.panel(index, part, run, scratch);
            }
        }
        finite
    }

    /// One panel of units for vector `part` of every row.
    fn panel(&self, index: usize, part: usize, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let lanes = |values| lanes_of(values, index);
        let input = run.inputs[0];
        let units = self.panels.units();
        let live = (units - index * PANEL).min(PANEL);
        let block = AffineBlock {
            x: &input.data[part * self.panels.depth()..],
            ldx: input.stride,
            rows: run.rows,
            panel: self.panels.panel(index),
            lanes: live,
            bias: lanes(&self.bias),
            spline: self.spline.bind(lanes),
        };
        let fields = at_least(&mut scratch.fields, run.rows);
        let at = part * units + index * PANEL;
        let finite = if self.batch == 1 {
            run.kernels.affine(&block, &mut run.out[at..], run.out_stride, fields)
        } else {
            // A whole panel of lanes could reach into the next vector's units.
            let values = at_least(&mut scratch.block, run.rows * PANEL);
            let finite = run.kernels.affine(&block, values, PANEL, fields);
            for row in 0..run.rows {
                let out = &mut run.out[row * run.out_stride + at..][..live];
                out.copy_from_slice(&values[row * PANEL..][..live]);
            }
            finite
        };
        let bits = self.spline.bits();
        run.put_fields(at * bits, fields, live * bits);
        finite
    }
}

/// The parameters of panel `index`.
fn lanes_of(values: &[f32], index: usize) -> Param<'_> {
    Param::Lanes(&values[index * PANEL..][..PANEL])
}
