//! Splines, for the f64 kernel.

use maso_simd::{DoubleSpline, MOST_PIECES, Param};

use super::DoubleRun;
use crate::network::{PerUnit, ScalarSpline};
use crate::pack::parameters::Packed;

/// A spline's parameters, for each unit where they differ.
#[derive(Clone, Debug)]
pub(super) struct LaneSpline {
    knots: Vec<Packed<f64>>,
    slopes: Vec<Packed<f64>>,
    offsets: Vec<Packed<f64>>,
}

impl LaneSpline {
    pub(super) fn new(spline: &ScalarSpline, len: usize) -> Self {
        let pack = |parameter: &PerUnit| match parameter.as_uniform() {
            Some(value) => Packed::Splat(value),
            None => Packed::Values((0..len).map(|unit| parameter.at(unit)).collect()),
        };
        let [knots, slopes, offsets] = [&spline.knots, &spline.slopes, &spline.offsets]
            .map(|list| list.iter().map(pack).collect());
        Self { knots, slopes, offsets }
    }

    /// Ends a step whose sums are in its output.
    pub(super) fn run(&self, run: &mut DoubleRun<'_>) {
        let mut parameters = [[Param::Splat(0.0); MOST_PIECES]; 3];
        for (bound, list) in parameters.iter_mut().zip([&self.knots, &self.slopes, &self.offsets]) {
            bound.iter_mut().zip(list).for_each(|(bound, own)| *bound = own.bind(Param::Rows));
        }
        let [knots, slopes, offsets] = &parameters;
        let pieces = self.slopes.len();
        let spline = DoubleSpline {
            knots: &knots[..pieces - 1],
            slopes: &slopes[..pieces],
            offsets: &offsets[..pieces],
        };
        let measure = run.measure.expect("every layer has a measure");
        run.kernels.double_spline(&spline, &measure, run.out, run.planes, run.kept);
    }
}
