//! The rule by which an instance infers its piece.

use super::SplineFault;
use crate::abi::rule;
use std::fmt;

/// How an instance infers its piece. With u the values of the pieces' lines and η = β / (1 − β):
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inference {
    /// The piece between the knots around z.
    Hard,
    /// Memberships softmax(ηu), posterior mean.
    BetaVq {
        /// In [0, 1]; 1 is hard, 0 the average of the pieces.
        beta: f64,
    },
    /// log Σ exp(ηu) / η.
    LogPartition {
        /// In (0, 1]; 1 is hard.
        beta: f64,
    },
    /// Two pieces; the second's membership is Φ(u₁ − u₀).
    Probit,
    /// The same in GELU's tanh approximation.
    ProbitTanh,
    /// The plugin's own: [`Instance::soft`](super::Instance::soft).
    Callback,
}

impl Inference {
    /// Checks a rule, its β, and that it goes with so many pieces.
    pub(super) fn new(number: i32, beta: f64, pieces: usize) -> Result<Self, SplineFault> {
        let (inference, name) = match number {
            rule::HARD => (Self::Hard, "HARD"),
            rule::BETA_VQ => (Self::BetaVq { beta }, "BETA_VQ"),
            rule::LOG_PARTITION => (Self::LogPartition { beta }, "LOG_PARTITION"),
            rule::PROBIT => (Self::Probit, "PROBIT"),
            rule::PROBIT_TANH => (Self::ProbitTanh, "PROBIT_TANH"),
            rule::CALLBACK => (Self::Callback, "CALLBACK"),
            _ => return Err(SplineFault::Rule { found: number }),
        };
        let (good, expected) = match inference {
            Self::BetaVq { .. } => ((0.0..=1.0).contains(&beta), "a number in [0, 1]"),
            Self::LogPartition { .. } => (beta > 0.0 && beta <= 1.0, "a number in (0, 1]"),
            _ => (beta == 0.0, "0"),
        };
        if !good {
            return Err(SplineFault::Beta { rule: name, found: beta, expected });
        }
        if matches!(inference, Self::Probit | Self::ProbitTanh) && pieces != 2 {
            return Err(SplineFault::Probit { rule: name, found: pieces });
        }
        Ok(inference)
    }
}

impl fmt::Display for Inference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hard => write!(f, "hard"),
            Self::BetaVq { beta } => write!(f, "beta-VQ with beta = {beta}"),
            Self::LogPartition { beta } => write!(f, "log-partition with beta = {beta}"),
            Self::Probit => write!(f, "probit"),
            Self::ProbitTanh => write!(f, "probit by tanh"),
            Self::Callback => write!(f, "the plugin's own"),
        }
    }
}
