//! What an evaluator needs for margins: bounds for rows like some given ones, and the measures of each
//! layout, packed when first needed.

use std::sync::OnceLock;

use maso_simd::{MarginLane, Norms};

use super::double::{DoubleBounds, DoubleEvaluator};
use super::{EvalError, Evaluator};
use crate::margin::{Bounds, Margin, Precision};
use crate::pack::{PackedMeasure, measures};

/// Bounds, and measures for the steps of both plans.
#[derive(Debug)]
pub(super) struct MarginPlan {
    pub(super) bounds: Bounds,
    /// For the rows that are done again.
    pub(super) double: DoubleEvaluator,
    pub(super) double_bounds: DoubleBounds,
    unit: OnceLock<Vec<Option<PackedMeasure>>>,
    row: OnceLock<Vec<Option<PackedMeasure>>>,
}

impl MarginPlan {
    /// For rows like those of the sample.
    pub(super) fn new(evaluator: &Evaluator, rows: &[f32]) -> Result<Self, EvalError> {
        let network = evaluator.network();
        let width = network.input().len();
        if width == 0 || !rows.len().is_multiple_of(width) {
            return Err(EvalError::Length { what: "sample", expected: width, found: rows.len() });
        }
        let double = DoubleEvaluator::new(network, evaluator.kernels);
        let sizes = double.sizes(rows)?;
        let double_bounds = double.bounds(Bounds::new(network, sizes.clone(), Precision::F64));
        let bounds = Bounds::new(network, sizes, Precision::F32);
        let (unit, row) = (OnceLock::new(), OnceLock::new());
        Ok(Self { bounds, double, double_bounds, unit, row })
    }

    /// For rows of which nothing is known: bounds are valid, and may be wide.
    pub(super) fn without_sample(evaluator: &Evaluator) -> Self {
        Self::new(evaluator, &[]).expect("no row has no value that is not finite")
    }

    /// The margin of a row of which the kernels have kept this much.
    pub(super) fn margin(&self, norms: Norms, kept: MarginLane) -> Margin {
        Margin::new(kept, self.bounds.excess(norms) as f32)
    }

    pub(super) fn unit_measures(&self, evaluator: &Evaluator) -> &[Option<PackedMeasure>] {
        let plan = evaluator.unit_plan();
        self.unit.get_or_init(|| measures(plan, evaluator.network(), &self.bounds))
    }

    pub(super) fn row_measures(&self, evaluator: &Evaluator) -> &[Option<PackedMeasure>] {
        let plan = evaluator.row_plan();
        self.row.get_or_init(|| measures(plan, evaluator.network(), &self.bounds))
    }
}
