//! What a layer's margins are measured by, for the f64 kernels.

use maso_simd::{DoubleMeasure, Param};

use crate::margin::LayerBound;
use crate::pack::parameters::Packed;

/// The measure of one layer.
#[derive(Clone, Debug)]
pub(crate) struct LayerMeasure {
    /// One over each unit's reach; infinite for units that cannot be on the wrong side.
    inverse: Packed<f64>,
    inverse_size: f64,
    zeros_are_exact: bool,
}

impl LayerMeasure {
    pub(crate) fn new(bound: &LayerBound) -> Self {
        let units = bound.reach.iter().zip(&bound.left_out);
        let inverse = units.map(|(&reach, &left_out)| match reach {
            _ if left_out => f64::INFINITY,
            0.0 => f64::INFINITY,
            _ => (1.0 / reach).min(f64::MAX),
        });
        Self {
            inverse: Packed::of(inverse.collect()),
            inverse_size: 1.0 / bound.size,
            zeros_are_exact: bound.zeros_are_exact,
        }
    }

    /// Of a layer without bounds, of which only the largest values are asked for.
    pub(crate) fn of_sizes() -> Self {
        let inverse = Packed::Splat(f64::INFINITY);
        Self { inverse, inverse_size: 1.0, zeros_are_exact: true }
    }

    /// As a kernel's measure.
    pub(crate) fn bind(&self) -> DoubleMeasure<'_> {
        DoubleMeasure {
            inverse: self.inverse.bind(Param::Rows),
            inverse_size: self.inverse_size,
            zeros_are_exact: self.zeros_are_exact,
        }
    }
}
