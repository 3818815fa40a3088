//! A matrix over a tile of rows: panel by panel, units across lanes.

use maso_simd::{AffineBlock, PANEL, Panels, Param};

use super::run::{Run, Scratch, Zeros, at_least};
use crate::network::{Dense, ScalarSpline};
use crate::pack::Pass;
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

    /// Lanes of all panels.
    pub(super) fn lanes(&self) -> usize {
        self.panels.count() * PANEL
    }

    /// The lane of output `unit`.
    pub(super) fn group(&self, unit: usize) -> usize {
        unit % self.panels.units()
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let mut finite = true;
        for part in 0..self.batch {
            finite &= self.part(part, run, scratch);
        }
        if run.pass == Pass::Tangents {
            // A matrix on several vectors has the same slopes for all units.
            self.spline.with_slopes(Param::Lanes, |slopes| {
                for row in 0..run.rows {
                    let units = self.batch * self.panels.units();
                    run.gate(row, 0, units, slopes, &mut scratch.planes);
                }
            });
        }
        finite
    }

    /// Vector `part` of every row.
    fn part(&self, part: usize, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let (input, units) = (run.inputs[0], self.panels.units());
        let bias = match run.pass {
            Pass::Values => Param::Lanes(&self.bias),
            Pass::Tangents => Param::Splat(0.0),
        };
        let (x, depth) = (&input.data[part * self.panels.depth()..], self.panels.depth());
        let (ldx, rows) = (input.stride, run.rows);
        let occupied = match run.zeros {
            Zeros::Known(occupied) if self.batch == 1 => occupied,
            _ => run.kernels.occupied_rows(x, ldx, rows, depth, &mut scratch.occupied),
        };
        let block = AffineBlock {
            x,
            ldx,
            rows,
            depth,
            weights: self.panels.weights(),
            lanes: units,
            bias,
            spline: self.spline.bind_in(run.pass, Param::Lanes),
            occupied,
        };
        let fields = at_least(&mut scratch.fields, run.rows * self.panels.count());
        let mut gauge = run.margins.as_mut().map(|margins| margins.gauge(0, Param::Lanes));
        let gauge = gauge.as_mut();
        let finite = if self.batch == 1 {
            run.kernels.affine(&block, run.out, run.out_stride, fields, gauge)
        } else {
            // Whole panels of lanes could reach into the next vector's units.
            let width = self.panels.count() * PANEL;
            let values = at_least(&mut scratch.block, run.rows * width);
            let finite = run.kernels.affine(&block, values, width, fields, gauge);
            for row in 0..run.rows {
                let out = &mut run.out[row * run.out_stride + part * units..][..units];
                out.copy_from_slice(&values[row * width..][..units]);
            }
            finite
        };
        let bits = block.spline.bits();
        for (panel, fields) in fields.chunks_exact(run.rows).enumerate() {
            let live = (units - panel * PANEL).min(PANEL);
            run.put_fields((part * units + panel * PANEL) * bits, fields, live * bits);
        }
        finite
    }
}
