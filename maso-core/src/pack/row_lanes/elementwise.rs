//! Elementwise steps: scale and shift, sum of two branches, a spline on its own. Units that share their
//! parameters go through the kernel as one long stretch.

use maso_simd::{Combine, PANEL, Param, Term, bits};

use super::LaneRun;
use crate::network::{PerUnit, ScalarSpline, Scale};
use crate::pack::parameters::{Packed, PackedSpline};

/// Units whose bits are kept at once.
const CHUNK: usize = 64;

#[derive(Clone, Debug)]
pub(crate) struct LaneElementwise {
    len: usize,
    /// Units that share parameters, which are one number for each block.
    block: usize,
    /// One factor for each input.
    scales: Vec<Packed>,
    shift: Option<Packed>,
    spline: PackedSpline,
}

impl LaneElementwise {
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
        let units = (0..len).step_by(block);
        let pack = |parameter| Packed::new(parameter, units.clone());
        Self {
            len,
            block,
            scales: scales.iter().map(pack).collect(),
            shift: shift.map(pack),
            spline: PackedSpline::new(spline, units.clone()),
        }
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

    /// Some units of block `index`.
    fn chunk(&self, index: usize, units: std::ops::Range<usize>, run: &mut LaneRun<'_>) -> bool {
        let place = units.start * PANEL..units.end * PANEL;
        let bind = |values: &[f32]| Param::Splat(values[index]);
        let term = |input: usize| Term {
            x: &run.inputs[input][place.clone()],
            scale: self.scales[input].bind(bind),
        };
        // A step has one input or two; the second place is unused for one.
        let terms = [term(0), term(self.scales.len() - 1)];
        let sum = Combine {
            terms: &terms[..self.scales.len()],
            shift: self.shift.as_ref().map(|shift| shift.bind(bind)),
            spline: self.spline.bind(bind),
        };
        let mut fields = [0u64; CHUNK];
        let finite = run.kernels.combine(&sum, &mut run.out[place], &mut fields);
        let width = self.spline.bits();
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

/// The longest block on which all parameters are constant.
fn common_block(parameters: &[&PerUnit], len: usize) -> usize {
    let varying: Vec<_> = parameters.iter().filter(|p| p.as_uniform().is_none()).collect();
    let shortest = varying.iter().map(|parameter| parameter.block()).min();
    let shared = shortest.filter(|&block| varying.iter().all(|p| p.is_blocked_by(block)));
    if varying.is_empty() { len } else { shared.unwrap_or(1) }
}
