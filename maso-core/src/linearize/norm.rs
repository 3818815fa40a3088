//! The squared Frobenius norm of a region's matrix: exactly, and estimated from random functionals.

use super::{Frozen, Matrix};
use crate::random::Random;

/// An estimate and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Estimate {
    /// The mean of all probes.
    pub mean: f64,
    /// The standard error of the mean.
    pub standard_error: f64,
}

impl Frozen<'_> {
    /// ‖A‖²: the sum of the squares of all entries.
    #[must_use]
    pub fn squared_norm(&self) -> f64 {
        self.matrix().squared_norm()
    }

    /// Hutchinson's estimate of ‖A‖²: the mean of ‖Aᵀv‖² over `probes` random v of independent signs, drawn from
    /// `seed` (Hutchinson, *A stochastic estimator of the trace of the influence matrix*, 1989).
    ///
    /// # Panics
    /// If there are fewer than two probes: one has no standard error.
    #[must_use]
    pub fn estimate_squared_norm(&self, probes: usize, seed: u64) -> Estimate {
        assert!(probes >= 2, "a standard error takes at least two probes");
        let outputs = self.outputs();
        let mut random = Random::new(seed);
        let samples: Vec<f64> = (0..probes)
            .map(|_| {
                let probe: Vec<f64> = (0..outputs).map(|_| random.sign()).collect();
                self.pull_back(&Matrix::new(1, outputs, probe)).squared_norm()
            })
            .collect();
        let mean = samples.iter().sum::<f64>() / probes as f64;
        let squares = samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>();
        let variance = squares / (probes - 1) as f64;
        Estimate { mean, standard_error: (variance / probes as f64).sqrt() }
    }
}
