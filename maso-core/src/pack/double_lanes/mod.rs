//! Rows across lanes in f64: for the rows whose codes f32 does not settle. Matrices and convolutions have
//! a kernel; all else is the slow evaluation's own text, on lanes.

mod product;

use maso_simd::{DoubleLanes, Kernels};

use super::Work;
use super::join::Joined;
use crate::network::{Affine, Extreme, Number, Operator, Rule, ScalarSpline, View};
use product::Product;

/// The work of a step: an operator, and a nonlinearity at its end or alone.
#[derive(Clone, Debug)]
pub(crate) struct DoubleWork {
    base: Base,
    pub(crate) spline: Option<ScalarSpline>,
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
    Extreme(Extreme),
}

impl Work for DoubleWork {
    const JOINS_SUMS: bool = false;

    fn stride(len: usize) -> usize {
        len
    }

    fn pack(joined: &Joined<'_>, _: usize) -> Self {
        let mut spline = joined.spline.cloned();
        let base = match &joined.base.operator {
            Operator::Affine(Affine::Dense(dense)) => Base::Product(Product::dense(dense)),
            Operator::Affine(Affine::Convolution(convolution)) => {
                Base::Product(Product::convolution(convolution))
            }
            Operator::Affine(affine) => Base::Affine(affine.clone()),
            Operator::Sum { negate } => Base::Sum { negate: *negate },
            Operator::View(view) => Base::View(view.clone()),
            Operator::Nonlinear(Rule::Extreme(extreme)) => Base::Extreme(extreme.clone()),
            Operator::Nonlinear(Rule::Spline(own)) => {
                spline = Some(own.clone());
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
    /// The maximum, where the step is one: it makes values and pieces at once.
    pub(crate) fn extreme(&self) -> Option<&Extreme> {
        match &self.base {
            Base::Extreme(extreme) => Some(extreme),
            _ => None,
        }
    }

    /// Writes what the operator makes of `inputs`, before the spline.
    pub(crate) fn apply(
        &self,
        kernels: &Kernels,
        inputs: &[&[DoubleLanes]],
        out: &mut [DoubleLanes],
    ) {
        match &self.base {
            Base::Product(product) => product.run(kernels, inputs[0], out),
            Base::Affine(affine) => affine.apply(inputs[0], out),
            Base::Sum { negate } => {
                let sign = if *negate { -1.0 } else { 1.0 };
                for (unit, out) in out.iter_mut().enumerate() {
                    *out = inputs[0][unit].map2(inputs[1][unit], |a, b| a + sign * b);
                }
            }
            Base::View(view) => view.apply(inputs, out),
            Base::Nothing => out.copy_from_slice(inputs[0]),
            Base::Extreme(_) => {}
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
