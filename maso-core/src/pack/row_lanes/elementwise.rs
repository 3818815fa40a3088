//! Elementwise steps: scale and shift, sum of two branches, a spline on its own. Units that share their
//! parameters go through the kernel as one long stretch.

use maso_simd::{Combine, PANEL, Param, Term, bits};

use super::LaneRun;
use crate::pack::Pass;
use crate::pack::terms::{PackedTerms, Terms};

/// Units whose bits are kept at once.
const CHUNK: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct LaneElementwise {
    len: usize,
    /// Units that share parameters, which are one number for each block.
    block: usize,
    terms: PackedTerms,
}

impl LaneElementwise {
    pub(super) fn new(terms: &Terms<'_>, len: usize) -> Self {
        let block = terms.block(len);
        Self { len, block, terms: terms.pack((0..len).step_by(block)) }
    }

    pub(super) fn run(&self, run: &mut LaneRun<'_>) -> bool {
        let mut finite = true;
        for (index, first) in (0..self.len).step_by(self.block).enumerate() {
            let end = (first + self.block).min(self.len);
            for start in (first..end).step_by(CHUNK) {
                finite &= self.chunk(index, start..(start + CHUNK).min(end), run);
            }
        }
        finite
    }

    /// The block of output `unit`.
    pub(super) fn group(&self, unit: usize) -> usize {
        unit / self.block
    }

    /// Some units of block `index`.
    fn chunk(&self, index: usize, units: std::ops::Range<usize>, run: &mut LaneRun<'_>) -> bool {
        let place = units.start * PANEL..units.end * PANEL;
        let bind = |values: &[f32]| Param::Splat(values[index]);
        let term = |input: usize| Term {
            x: &run.inputs[input][place.clone()],
            scale: self.terms.scales[input].bind(bind),
        };
        // A step has one input or two; the second place is unused for one.
        let terms = [term(0), term(self.terms.scales.len() - 1)];
        let sum = Combine {
            terms: &terms[..self.terms.scales.len()],
            shift: self.terms.shift_in(run.pass).map(|shift| shift.bind(bind)),
            spline: self.terms.spline.bind_in(run.pass, bind),
        };
        let mut fields = [0u64; CHUNK];
        let mut gauge = run.margins.as_mut().map(|margins| margins.gauge(0, bind));
        let out = &mut run.out[place];
        let finite = run.kernels.combine(&sum, out, &mut fields, gauge.as_mut());
        if run.pass == Pass::Tangents {
            let own = |slopes: &[f32]| Param::Splat(slopes[index]);
            self.terms.spline.with_slopes(own, |slopes| run.gate(units, slopes));
            return finite;
        }
        let width = self.terms.spline.bits();
        let planes = &mut run.planes[units.start * width..units.end * width];
        match width {
            0 => {}
            1 => planes.iter_mut().zip(fields).for_each(|(plane, field)| *plane = field as u32),
            _ => {
                for (planes, field) in planes.chunks_exact_mut(2).zip(fields) {
                    (planes[0], planes[1]) = bits::deinterleave(field);
                }
            }
        }
        finite
    }
}
