//! Elementwise steps: scale and shift, sum of two branches, a spline on its own.

use maso_simd::{Combine, PANEL, Param, Term};

use super::run::{Run, Scratch, at_least};
use crate::pack::Pass;
use crate::pack::terms::{PackedTerms, Terms};

#[derive(Clone, Debug)]
pub(crate) struct Elementwise {
    len: usize,
    /// Parameters are one number for each block of this many elements; the whole row where they
    /// are uniform or listed element by element.
    block: usize,
    terms: PackedTerms,
}

/// Blocks shorter than this are listed element by element instead.
const SHORT_BLOCK: usize = 2 * PANEL;

impl Elementwise {
    pub(super) fn new(terms: &Terms<'_>, len: usize) -> Self {
        let shared = terms.block(len);
        let block = if shared >= SHORT_BLOCK && len.is_multiple_of(shared) { shared } else { len };
        // One unit for each block, or every unit of a single one.
        let units = (0..len).step_by(if block == len { 1 } else { block });
        Self { len, block, terms: terms.pack(units) }
    }

    pub(super) fn run(&self, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let mut finite = true;
        for row in 0..run.rows {
            for index in 0..self.len / self.block {
                finite &= self.part(row, index, run, scratch);
            }
        }
        finite
    }

    /// Block `index` of one row.
    fn part(&self, row: usize, index: usize, run: &mut Run<'_>, scratch: &mut Scratch) -> bool {
        let at = index * self.block;
        let bind = |values| self.pick(values, index);
        let term = |input: usize| Term {
            x: &run.inputs[input].row(row, self.len)[at..at + self.block],
            scale: self.terms.scales[input].bind(bind),
        };
        // A step has one input or two; the second place is unused for one.
        let terms = [term(0), term(self.terms.scales.len() - 1)];
        let sum = Combine {
            terms: &terms[..self.terms.scales.len()],
            shift: self.terms.shift_in(run.pass).map(|shift| shift.bind(bind)),
            spline: self.terms.spline.bind_in(run.pass, bind),
        };
        let out = &mut run.out[row * run.out_stride + at..][..self.block];
        let fields = at_least(&mut scratch.fields, self.block.div_ceil(PANEL));
        let mut gauge = run.margins.as_mut().map(|margins| margins.gauge(row, bind));
        let finite = run.kernels.combine(&sum, out, fields, gauge.as_mut());
        if run.pass == Pass::Tangents {
            let own = |slopes| self.pick(slopes, index);
            self.terms.spline.with_slopes(own, |slopes| {
                run.gate(row, at, self.block, slopes, &mut scratch.planes);
            });
            return finite;
        }
        let bits = self.terms.spline.bits();
        for (panel, &field) in fields.iter().enumerate() {
            let live = (self.block - panel * PANEL).min(PANEL);
            run.put_bits(row, (at + panel * PANEL) * bits, field, live * bits);
        }
        finite
    }
}

impl Elementwise {
    /// The block of output `unit`, or the unit itself where all are listed.
    pub(super) fn group(&self, unit: usize) -> usize {
        if self.block == self.len { unit } else { unit / self.block }
    }

    /// What block `index` takes from a list of parameters.
    fn pick<'a>(&self, values: &'a [f32], index: usize) -> Param<'a> {
        if self.block == self.len { Param::Lanes(values) } else { Param::Splat(values[index]) }
    }
}
