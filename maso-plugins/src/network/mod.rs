//! Plugins in networks: an [`Instance`] as a spline of `maso-core` ([`spline`]), and nonlinearities of plugins in the
//! place of a model's operators ([`PluginNonlinearities`]).
//!
//! An instance that names one of the host's rules is data: the network then holds pieces and rule, runs the kernels
//! that its own operators run, and the plugin is not called again. Only a kind with a rule of its own is called, for
//! whole blocks of pre-activations.

mod function;
mod replacement;

pub use replacement::{PluginError, PluginNonlinearities, Replacement, ReplacementError};

use std::sync::Arc;

use maso_core::network;
use maso_core::network::{Function, ScalarSpline, Soft};
use maso_simd::{Kernels, MOST_PIECES, Tier, soft64};

use crate::host::{Error, Inference, Instance, Math, set_math};
use function::PluginFunction;

/// Why an instance cannot stand in a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplineError {
    /// More pieces than the kernels' codes have room for.
    #[error("{kind} has {found} pieces, expected up to {MOST_PIECES} in a network")]
    Pieces {
        /// The kind.
        kind: String,
        /// How many.
        found: usize,
    },
    /// Its rule cannot be computed.
    #[error("{kind}: {why}")]
    Rule {
        /// The kind.
        kind: String,
        /// Why.
        why: String,
    },
}

/// The instance as a spline, the same for all units.
///
/// # Errors
/// If it has more than [`MOST_PIECES`] pieces.
pub fn spline(instance: &Arc<Instance>) -> Result<ScalarSpline, SplineError> {
    let kind = || instance.kind().id().to_string();
    let pieces = instance.pieces();
    if pieces.count() > MOST_PIECES {
        return Err(SplineError::Pieces { kind: kind(), found: pieces.count() });
    }
    let hard = ScalarSpline::uniform(pieces.knots(), pieces.slopes(), pieces.offsets());
    let rule = match instance.inference() {
        Inference::Hard => return Ok(hard),
        Inference::BetaVq { beta } => network::Inference::beta_vq(beta),
        Inference::LogPartition { beta } => network::Inference::log_partition(beta),
        Inference::Probit => network::Inference::Probit,
        Inference::ProbitTanh => network::Inference::ProbitTanh,
        Inference::Callback => {
            let function = Function(Arc::new(PluginFunction::new(Arc::clone(instance))));
            return Ok(ScalarSpline { soft: Some(Soft::Function(function)), ..hard });
        }
    };
    hard.softened(&rule).map_err(|error| SplineError::Rule { kind: kind(), why: error.to_string() })
}

/// Hands the kernels' own vectorised functions to plugins. To be called before the first plugin is loaded.
///
/// # Errors
/// If a plugin has been loaded before, or others were set.
pub fn use_kernels() -> Result<(), Error> {
    fn kernels() -> &'static Kernels {
        Kernels::of(Tier::best())
    }
    fn each(x: &[f64], y: &mut [f64], function: fn(f64) -> f64) {
        y.iter_mut().zip(x).for_each(|(y, x)| *y = function(*x));
    }
    set_math(Math {
        exp_f32: |x, y| kernels().exp(x, y),
        sigmoid_f32: |x, y| kernels().sigmoid(x, y),
        tanh_f32: |x, y| kernels().tanh(x, y),
        exp_f64: |x, y| each(x, y, f64::exp),
        sigmoid_f64: |x, y| each(x, y, soft64::sigmoid),
        tanh_f64: |x, y| each(x, y, f64::tanh),
    })
}
