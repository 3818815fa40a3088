//! What the boundary is: functions of the outputs that are positive on the side of it that a point is on.

use crate::geometry::cell::Form;
use crate::linearize::Matrix;
use crate::network::Network;

/// Which outputs make the boundary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// The two largest outputs tie.
    LargestTwo,
    /// The only output has this value.
    Level(f64),
}

impl Output {
    /// The usual boundary of a network: where the two largest outputs tie, or the only one is 0.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let outputs: usize = network.output_shape().iter().product();
        if outputs == 1 { Self::Level(0.0) } else { Self::LargestTwo }
    }

    /// The functions that are positive on the side of the boundary that `value` is on, or 0 on the boundary.
    pub(super) fn sides(self, value: &[f64]) -> Vec<Side> {
        match self {
            Self::Level(level) => {
                vec![Side {
                    positive: None,
                    sign: if value[0] < level { -1.0 } else { 1.0 },
                    output: 0,
                    level,
                }]
            }
            Self::LargestTwo => {
                let own = largest(value);
                let others = (0..value.len()).filter(|&other| other != own);
                let side = |output| Side { positive: Some(own), sign: -1.0, output, level: 0.0 };
                others.map(side).collect()
            }
        }
    }
}

/// The first of the largest.
fn largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// One function of the outputs: `y[positive] + sign · (y[output] − level)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    positive: Option<usize>,
    sign: f64,
    output: usize,
    level: f64,
}

impl Side {
    pub(super) fn at(&self, values: &[f64]) -> f64 {
        self.positive.map_or(0.0, |own| values[own])
            + self.sign * (values[self.output] - self.level)
    }

    /// Adds its slopes by each output to `slopes`; its value where all outputs are 0.
    pub(super) fn functional(&self, slopes: &mut [f64]) -> f64 {
        if let Some(own) = self.positive {
            slopes[own] += 1.0;
        }
        slopes[self.output] += self.sign;
        -self.sign * self.level
    }

    /// The same as a function of the offset from the origin.
    pub(super) fn form(&self, outputs: &[Form]) -> Form {
        let other = &outputs[self.output];
        let own = self.positive.map(|own| &outputs[own]);
        let at = |i: usize| own.map_or(0.0, |own| own.gradient[i]) + self.sign * other.gradient[i];
        Form {
            gradient: (0..other.gradient.len()).map(at).collect(),
            value: own.map_or(0.0, |own| own.value) + self.sign * (other.value - self.level),
        }
    }

    /// Its gradient, from those of the outputs.
    pub(super) fn gradient(&self, outputs: &Matrix) -> Vec<f64> {
        let own = |i: usize| self.positive.map_or(0.0, |own| outputs.row(own)[i]);
        (0..outputs.columns()).map(|i| own(i) + self.sign * outputs.row(self.output)[i]).collect()
    }
}
