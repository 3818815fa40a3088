//! Rows across lanes in f64: for the rows whose codes f32 does not settle. Matrices, convolutions, splines and
//! maxima have kernels; the other affine operators are the slow evaluation's own text, on lanes.

mod extreme;
mod measure;
mod product;
mod spline;

use maso_simd::{DoubleLanes, DoubleMargins, DoubleMeasure, Kernels, Occupied};

use super::Work;
use super::join::Joined;
use crate::network::{Affine, Number, Operator, Rule, View};
use extreme::LaneExtreme;
use product::Product;
use spline::LaneSpline;

pub(crate) use measure::LayerMeasure;

/// The work of a step: an operator, and a nonlinearity at its end or alone.
#[derive(Clone, Debug)]
pub(crate) struct DoubleWork {
    base: Base,
    spline: Option<LaneSpline>,
}

#[derive(Clone, Debug)]
enum Base {
    Product(Product),
    Affine(Affine),
    Sum {
        negate: bool,
    },
    View(View),
    /// The input as it is.
    Nothing,
    Extreme(LaneExtreme),
}

/// What a step reads and writes.
pub(crate) struct DoubleRun<'a> {
    pub(crate) kernels: &'static Kernels,
    pub(crate) inputs: &'a [&'a [DoubleLanes]],
    pub(crate) out: &'a mut [DoubleLanes],
    /// A word for each of its bits, all 0.
    pub(crate) planes: &'a mut [u32],
    /// By what its units are measured, where it is a layer.
    pub(crate) measure: Option<DoubleMeasure<'a>>,
    pub(crate) kept: &'a mut DoubleMargins,
    /// Which of the network's inputs are not zero, where the step reads these and enough are.
    pub(crate) occupied: Option<&'a Occupied>,
}

impl Work for DoubleWork {
    const JOINS_SUMS: bool = false;

    fn stride(len: usize) -> usize {
        len
    }

    fn pack(joined: &Joined<'_>, len: usize) -> Self {
        let mut spline = joined.spline.map(|spline| LaneSpline::new(spline, len));
        let base = match &joined.base.operator {
            Operator::Affine(Affine::Dense(dense)) => Base::Product(Product::dense(dense)),
            Operator::Affine(Affine::Convolution(convolution)) => {
                Base::Product(Product::convolution(convolution))
            }
            Operator::Affine(affine) => Base::Affine(affine.clone()),
            Operator::Sum { negate } => Base::Sum { negate: *negate },
            Operator::View(view) => Base::View(view.clone()),
            Operator::Nonlinear(Rule::Extreme(extreme)) => {
                Base::Extreme(LaneExtreme::new(extreme, len))
            }
            Operator::Nonlinear(Rule::Spline(own)) => {
                spline = Some(LaneSpline::new(own, len));
                Base::Nothing
            }
            Operator::Input => unreachable!("inputs make no step"),
        };
        Self { base, spline }
    }

    fn group(&self, unit: usize) -> usize {
        unit
    }

    fn groups(&self, len: usize) -> usize {
        len
    }
}

impl DoubleWork {
    /// Runs the step.
    pub(crate) fn run(&self, run: &mut DoubleRun<'_>) {
        let (inputs, out) = (run.inputs, &mut *run.out);
        match &self.base {
            Base::Product(product) => product.run(run),
            Base::Affine(affine) => affine.apply(inputs[0], out),
            Base::Sum { negate } => {
                let sign = if *negate { -1.0 } else { 1.0 };
                for (unit, out) in out.iter_mut().enumerate() {
                    *out = inputs[0][unit].map2(inputs[1][unit], |a, b| a + sign * b);
                }
            }
            Base::View(view) => view.apply(inputs, out),
            Base::Nothing => out.copy_from_slice(inputs[0]),
            Base::Extreme(extreme) => extreme.run(run),
        }
        if let Some(spline) = &self.spline {
            spline.run(run);
        }
    }
}

impl Number for DoubleLanes {
    fn from_f64(value: f64) -> Self {
        Self::splat(value)
    }
    fn add(self, other: Self) -> Self {
        self.map2(other, |a, b| a + b)
    }
    fn mul(self, other: Self) -> Self {
        self.map2(other, |a, b| a * b)
    }
}
