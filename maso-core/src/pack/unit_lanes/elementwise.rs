//! Elementwise steps: scale and shift, sum of two branches, a spline on its own.

use maso_simd::{Combine, PANEL, Param, Term};

use super::run::{Run, Scratch, at_least};
use crate::network::{PerUnit, ScalarSpline, Scale};
use crate::pack::parameters::{Packed, PackedSpline};

#[derive(Clone, Debug)]
pub(crate) struct Elementwise {
    len: usize,
    /// Parameters are one number for each block of this many elements; the whole row where they
    /// are uniform or listed element by element.
    block: usize,
    /// One factor for each input.
    scales: Vec<Packed>,
    shift: Option<Packed>,
    spline: PackedSpline,
}

/// Blocks shorter than this are listed element by element instead.
const SHORT_BLOCK: usize = 2 * PANEL;

impl Elementwise {
    pub(super) fn scale(scale: &Scale, len: usize, spline: Option<&ScalarSpline>) -> Self {
        Self::new(len, std::slice::from_ref(&scale.scale), Some(&scale.shift), spline)
    }

    pub(super) fn sum(negate: bool, len: usize, spline: Option<&ScalarSpline>) -> Self {
        let second = PerUnit::uniform(if negate { -1.0 } else { 1.0 });
        Self::new(len, &[PerUnit::uniform(1.0), second], None, spline)
    }

    pub(super) fn spline(len: usize, spline: &ScalarSpline) -> Self {
        Self::new(len, &[PerUnit::uniform(1.0)], None, Some(spline))
    }

    fn new(
        len: usize,
        scales: &[PerUnit],
        shift: Option<&PerUnit>,
        spline: Option<&ScalarSpline>,
    ) -> Self {
        let of_spline = spline.into_iter().flat_map(ScalarSpline::parameters);
        let parameters: Vec<&PerUnit> = scales.iter().chain(shift).chain(of_spline).collect();
        let block = common_block(&parameters, len);
        // One unit for each block, or every unit of a single one.
        let units = (0..len).step_by(if block == len { 1 } else { block });
        let pack = |parameter| Packed::new(parameter, units.clone());
        Self {
            len,
            block,
            scales: scales.iter().map(pack).collect(),
            shift: shift.map(pack),
            spline: PackedSpline::new(spline, units.clone()),
        }
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
            scale: self.scales[input].bind(bind),
        };
        // A step has one input or two; the second place is unused for one.
        let terms = [term(0), term(self.scales.len() - 1)];
        let sum = Combine {
            terms: &terms[..self.scales.len()],
            shift: self.shift.as_ref().map(|shift| shift.bind(bind)),
            spline: self.spline.bind(bind),
        };
        let out = &mut run.out[row * run.out_stride + at..][..self.block];
        let fields = at_least(&mut scratch.fields, self.block.div_ceil(PANEL));
        let finite = run.kernels.combine(&sum, out, fields);
        let bits = self.spline.bits();
        for (panel, &field) in fields.iter().enumerate() {
            let live = (self.block - panel * PANEL).min(PANEL);
            run.put_bits(row, (at + panel * PANEL) * bits, field, live * bits);
        }
        finite
    }
}

impl Elementwise {
    /// What block `index` takes from a list of parameters.
    fn pick<'a>(&self, values: &'a [f32], index: usize) -> Param<'a> {
        if self.block == self.len { Param::Lanes(values) } else { Param::Splat(values[index]) }
    }
}

/// The longest block on which all parameters are constant, or `len` where they must be listed.
fn common_block(parameters: &[&PerUnit], len: usize) -> usize {
    let varying: Vec<_> = parameters.iter().filter(|p| p.as_uniform().is_none()).collect();
    let blocks = varying.iter().map(|parameter| parameter.block());
    match blocks.min() {
        Some(block)
            if block >= SHORT_BLOCK
                && len.is_multiple_of(block)
                && varying.iter().all(|parameter| parameter.is_blocked_by(block)) =>
        {
            block
        }
        _ => len,
    }
}
