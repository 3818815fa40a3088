//! ReLU under soft inference: z · sigmoid(ηz) with η = β / (1 − β), which is SiLU at β = 1/2 and ReLU at β = 1.
//!
//! Twice: `sigmoid-gated` names the host's rule, so that the host's kernels do the work; `sigmoid-gated-callback`
//! computes the same by itself, to show how.

use maso_plugins::sdk::{Error, Kind, Line, Offers, Parameter, Real, Rule, Spline};

const BETA: &[Parameter] = &[Parameter::new(
    "beta",
    "how hard: 0 averages the pieces, 1/2 is SiLU, 1 is ReLU",
    0.5,
    0.0,
    1.0,
)];

/// The pieces of ReLU.
fn relu(rule: Rule) -> Spline {
    Spline::new([0.0, 1.0], [0.0, 0.0], [0.0], rule)
}

/// Soft inference as data.
#[derive(Debug)]
struct Named {
    beta: f64,
}

impl Kind for Named {
    const NAME: &'static str = "sigmoid-gated";
    const DESCRIPTION: &'static str =
        "z * sigmoid(eta z), eta = beta / (1 - beta), by the host's rule";
    const PARAMETERS: &'static [Parameter] = BETA;

    fn create(values: &[f64]) -> Result<Self, Error> {
        Ok(Self { beta: values[0] })
    }

    fn spline(&self) -> Spline {
        relu(Rule::BetaVq { beta: self.beta })
    }
}

/// Soft inference as code.
#[derive(Debug)]
struct Called {
    eta: f64,
}

impl Kind for Called {
    const NAME: &'static str = "sigmoid-gated-callback";
    const DESCRIPTION: &'static str = "the same, computed by the plugin";
    const PARAMETERS: &'static [Parameter] = BETA;
    const OFFERS: Offers = Offers::VALUE.derivative().posterior_mean();

    fn create(values: &[f64]) -> Result<Self, Error> {
        let beta = values[0];
        Ok(Self { eta: beta / (1.0 - beta) })
    }

    fn spline(&self) -> Spline {
        // At β = 1 there is nothing soft left: η is infinite, and 0 · ∞ is no number.
        relu(if self.eta.is_finite() { Rule::Callback } else { Rule::Hard })
    }

    fn soft<S: Real>(&self, line: Line<'_, S>) -> Result<(), Error> {
        let Line { input, value, derivative, membership, scratch: [scaled, gate, ..] } = line;
        let (one, eta) = (S::from_f64(1.0), S::from_f64(self.eta));
        for (scaled, z) in scaled.iter_mut().zip(input) {
            *scaled = eta * *z;
        }
        S::sigmoid(scaled, gate);
        if let Some(value) = value {
            for (value, (z, gate)) in value.iter_mut().zip(input.iter().zip(&*gate)) {
                *value = *z * *gate;
            }
        }
        if let Some(derivative) = derivative {
            for (derivative, (scaled, gate)) in derivative.iter_mut().zip(scaled.iter().zip(&*gate))
            {
                *derivative = *gate + *scaled * *gate * (one - *gate);
            }
        }
        if let Some(mut membership) = membership {
            membership.piece(1).copy_from_slice(gate);
            for (off, gate) in membership.piece(0).iter_mut().zip(&*gate) {
                *off = one - *gate;
            }
        }
        Ok(())
    }
}

maso_plugins::export_plugin! {
    name: "sigmoid-gated",
    description: "The sigmoid gated linear unit (SiLU, swish): ReLU under soft inference",
    licence: "MIT OR Apache-2.0",
    kinds: [Named, Called],
}
