//! Soft inference: what a unit gives in place of its hard choice of a piece. The pieces stay, and the code stays that of
//! the hard choice.
//!
//! A spline is its first line plus one hinge for each knot, which is its expansion in max-affine units. Each hinge
//! is softened by itself: `d · [d > 0]` becomes `d · F(η d)`, where η = β/(1 − β) (Balestriero and Baraniuk, *From Hard
//! to Soft: Understanding Deep Network Nonlinearities via Vector Quantization and Statistical Inference*, 2019).

use std::fmt::Debug;
use std::sync::Arc;

use maso_simd::soft64::{self, Gate, Jet};
use maso_simd::{Link, PoolRule, SoftFunction};

use super::{Extreme, PerUnit, ScalarSpline};

/// How a choice is softened. β may differ from unit to unit.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inference {
    /// The mean of the pieces under the membership that β sets, from 0 (their plain average) to 1 (the hard choice).
    BetaVq(PerUnit),
    /// `log Σ exp(η u) / η`, for 0 < β ≤ 1.
    LogPartition(PerUnit),
    /// The pieces under the probability that the normal law gives them: GELU of max(z, 0).
    Probit,
    /// The same by GELU's approximation with tanh.
    ProbitTanh,
}

/// Why a layer cannot be softened.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SoftenError {
    /// β is not within its range.
    #[error("beta is {found}, expected a number {expected}")]
    Beta {
        /// What it is.
        found: f64,
        /// The range.
        expected: &'static str,
    },
    /// A maximum takes one β for all its units, and has no probit rule.
    #[error("a maximum is softened by beta-vq or log-partition with one beta for all its units")]
    Maximum,
}

/// From here on β is 1: η would leave the range of f32.
const HARD: f64 = 1.0 - 1e-7;

impl Inference {
    /// The posterior mean with one β.
    #[must_use]
    pub fn beta_vq(beta: f64) -> Self {
        Self::BetaVq(PerUnit::uniform(beta))
    }

    /// The log-partition with one β.
    #[must_use]
    pub fn log_partition(beta: f64) -> Self {
        Self::LogPartition(PerUnit::uniform(beta))
    }

    /// Whether it is the hard choice for all units.
    fn is_hard(&self) -> bool {
        match self {
            Self::BetaVq(beta) | Self::LogPartition(beta) => {
                beta.values().iter().all(|&beta| beta > HARD)
            }
            Self::Probit | Self::ProbitTanh => false,
        }
    }

    fn check(&self) -> Result<(), SoftenError> {
        let (beta, expected): (_, &str) = match self {
            Self::BetaVq(beta) => (beta, "from 0 to 1"),
            Self::LogPartition(beta) => (beta, "above 0, up to 1"),
            Self::Probit | Self::ProbitTanh => return Ok(()),
        };
        let from_zero = matches!(self, Self::BetaVq(_));
        let good = |beta: f64| (0.0..=1.0).contains(&beta) && (from_zero || beta > 0.0);
        match beta.values().iter().find(|&&beta| !good(beta)) {
            Some(&found) => Err(SoftenError::Beta { found, expected }),
            None => Ok(()),
        }
    }
}

/// η = β/(1 − β), finite.
fn sharpness(beta: f64) -> f64 {
    let beta = beta.min(HARD);
    beta / (1.0 - beta)
}

/// What gives a soft spline's values.
#[derive(Clone, Debug, PartialEq)]
pub enum Soft {
    /// A line plus gates.
    Gates(Gates),
    /// A function from elsewhere: of a plugin.
    Function(Function),
}

/// `slope · z + offset` plus gates.
#[derive(Clone, Debug, PartialEq)]
pub struct Gates {
    /// Slope and offset of what stands before the gates; `None` for nothing.
    pub base: Option<[PerUnit; 2]>,
    /// One for each knot, at least one.
    pub gates: Vec<SoftGate>,
}

/// `d · F(η d)`, or `scale · F(η d)`.
#[derive(Clone, Debug, PartialEq)]
pub struct SoftGate {
    /// F.
    pub link: Link,
    /// η; negative for a concave hinge.
    pub sharpness: PerUnit,
    /// Slope and offset of d; `None` for the pre-activation itself.
    pub line: Option<[PerUnit; 2]>,
    /// What stands in place of the factor d.
    pub scale: Option<PerUnit>,
}

impl SoftGate {
    /// `z · F(η z)`.
    #[must_use]
    pub fn new(link: Link, sharpness: f64) -> Self {
        Self { link, sharpness: PerUnit::uniform(sharpness), line: None, scale: None }
    }

    /// With `scale` in place of the factor.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Self { scale: Some(PerUnit::uniform(scale)), ..self }
    }

    fn parameters(&self) -> impl Iterator<Item = &PerUnit> {
        self.line.iter().flatten().chain([&self.sharpness]).chain(&self.scale)
    }

    /// The entropy of the two memberships of the hinge.
    fn entropy(&self, z: f64, unit: usize) -> f64 {
        let [slope, offset] =
            self.line.as_ref().map_or([1.0, 0.0], |line| line.each_ref().map(|p| p.at(unit)));
        let t = self.sharpness.at(unit) * (slope * z + offset);
        let membership = match self.link {
            // The gate is the log-partition, whose memberships are those of the mean.
            Link::Softplus => Link::Logistic.jet(t).value,
            Link::Tanh => 0.5 * (1.0 + t.tanh()),
            link => link.jet(t).value,
        };
        entropy(&[membership, 1.0 - membership])
    }

    fn jet(&self, z: f64, unit: usize) -> Jet {
        let line =
            self.line.as_ref().map_or([1.0, 0.0], |line| line.each_ref().map(|p| p.at(unit)));
        let scale = self.scale.as_ref().map(|scale| scale.at(unit));
        Gate { link: self.link, sharpness: self.sharpness.at(unit), line, scale }.jet(z)
    }
}

impl Gates {
    /// All parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &PerUnit> {
        self.base.iter().flatten().chain(self.gates.iter().flat_map(SoftGate::parameters))
    }

    fn jet(&self, z: f64, unit: usize) -> Jet {
        let base = self.base.as_ref().map_or([0.0; 2], |base| base.each_ref().map(|p| p.at(unit)));
        let start = Jet { value: base[0] * z + base[1], slope: base[0] };
        self.gates.iter().map(|gate| gate.jet(z, unit)).fold(start, |sum, jet| Jet {
            value: sum.value + jet.value,
            slope: sum.slope + jet.slope,
        })
    }
}

/// A soft function that is not one of the crate's own: of one pre-activation, the same for all units.
pub trait UnitFunction: SoftFunction {
    /// What it is, with its parameters: the same text for the same function.
    fn describe(&self) -> String;

    /// Value and derivative at `z`; NaN where it fails.
    fn jet(&self, z: f64) -> Jet;

    /// Why it failed, if it did.
    fn failure(&self) -> Option<String>;
}

/// A shared [`UnitFunction`].
#[derive(Clone, Debug)]
pub struct Function(pub Arc<dyn UnitFunction>);

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.describe() == other.0.describe()
    }
}

impl Soft {
    /// One gate and nothing before it.
    #[must_use]
    pub fn gate(gate: SoftGate) -> Self {
        Self::Gates(Gates { base: None, gates: vec![gate] })
    }

    /// All its parameters.
    pub fn parameters(&self) -> impl Iterator<Item = &PerUnit> {
        let gates = match self {
            Self::Gates(gates) => Some(gates),
            Self::Function(_) => None,
        };
        gates.into_iter().flat_map(Gates::parameters)
    }

    /// Value and derivative of `unit` at the pre-activation `z`.
    #[must_use]
    pub fn jet(&self, z: f64, unit: usize) -> Jet {
        match self {
            Self::Gates(gates) => gates.jet(z, unit),
            Self::Function(function) => function.0.jet(z),
        }
    }

    /// The entropy of the memberships of `unit` at `z`, in nats, summed over its hinges; 0 for functions from elsewhere.
    #[must_use]
    pub fn entropy(&self, z: f64, unit: usize) -> f64 {
        match self {
            Self::Gates(gates) => gates.gates.iter().map(|gate| gate.entropy(z, unit)).sum(),
            Self::Function(_) => 0.0,
        }
    }

    /// Whether it gives memberships (sigmoid, tanh), whose hard choice is a step.
    #[must_use]
    pub fn is_membership(&self) -> bool {
        let steps = |gate: &SoftGate| gate.scale.is_some() && gate.link != Link::Softplus;
        matches!(self, Self::Gates(gates) if gates.gates.iter().any(steps))
    }
}

impl ScalarSpline {
    /// The same pieces under another inference; hard for β = 1.
    ///
    /// # Errors
    /// If β is not within its range.
    pub fn softened(&self, inference: &Inference) -> Result<Self, SoftenError> {
        inference.check()?;
        let hard = Self { soft: None, ..self.clone() };
        if inference.is_hard() || self.knots.is_empty() {
            return Ok(hard);
        }
        let bends = self.slopes.windows(2).map(|pair| pair[1].zip(&pair[0], |b, a| b - a));
        let gates = self.knots.iter().zip(bends).map(|(knot, bend)| hinge(inference, &bend, knot));
        let gates = gates.collect();
        let base = [self.slopes[0].clone(), self.offsets[0].clone()];
        let is_zero = base.iter().all(|p| p.as_uniform() == Some(0.0));
        let gates = Gates { base: (!is_zero).then_some(base), gates };
        Ok(Self { soft: Some(Soft::Gates(gates)), ..hard })
    }
}

/// The soft form of `d · [z > knot]` for d = bend · (z − knot). Where d falls behind its knot the hinge is concave,
/// and the soft maximum is one of the negated pieces.
fn hinge(inference: &Inference, bend: &PerUnit, knot: &PerUnit) -> SoftGate {
    let sign = bend.map(|bend| if bend < 0.0 { -1.0 } else { 1.0 });
    // Behind a knot at infinity there is no piece, and no bend.
    let offset = bend.zip(knot, |bend, knot| if bend == 0.0 { 0.0 } else { -bend * knot });
    let uniform = [bend, &offset].map(PerUnit::as_uniform);
    let line = (uniform != [Some(1.0), Some(0.0)]).then(|| [bend.clone(), offset]);
    let sharpness = |beta: &PerUnit| sign.zip(beta, |sign, beta| sign * sharpness(beta));
    let gate = |link, sharpness| SoftGate { link, sharpness, line: None, scale: None };
    let gate = match inference {
        Inference::BetaVq(beta) => gate(Link::Logistic, sharpness(beta)),
        Inference::LogPartition(beta) => {
            let sharpness = sharpness(beta);
            let scale = Some(sharpness.map(|sharpness| 1.0 / sharpness));
            SoftGate { scale, ..gate(Link::Softplus, sharpness) }
        }
        Inference::Probit => gate(Link::Normal, sign),
        Inference::ProbitTanh => gate(Link::NormalTanh, sign),
    };
    SoftGate { line, ..gate }
}

/// What a soft maximum or minimum makes of its candidates u: weights `softmax(η u)`, of `−η u` for a minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoftPool {
    /// Their mean, or the log-partition.
    pub rule: PoolRule,
    /// η.
    pub sharpness: f64,
}

/// A soft maximum, and its derivative by each candidate.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PoolJet {
    pub(crate) value: f64,
    pub(crate) slopes: Vec<f64>,
}

/// −Σ t log t.
fn entropy(memberships: &[f64]) -> f64 {
    memberships.iter().filter(|&&t| t > 0.0).map(|t| -t * t.ln()).sum()
}

impl SoftPool {
    /// The entropy of the candidates' weights, in nats.
    pub(crate) fn entropy(&self, smallest: bool, candidates: &[f64]) -> f64 {
        // The slopes of the log-partition are the weights.
        let pool = Self { rule: PoolRule::LogPartition, ..*self };
        if self.sharpness == 0.0 {
            return (candidates.len() as f64).ln();
        }
        entropy(&pool.jet(smallest, candidates).slopes)
    }

    pub(crate) fn jet(&self, smallest: bool, candidates: &[f64]) -> PoolJet {
        let sharpness = if smallest { -self.sharpness } else { self.sharpness };
        let mut slopes = vec![0.0; candidates.len()];
        let value = soft64::pool(self.rule, sharpness, candidates, &mut slopes);
        PoolJet { value, slopes }
    }
}

impl Extreme {
    /// The same candidates under another inference; hard for β = 1.
    ///
    /// # Errors
    /// If β is not within its range or differs from unit to unit, or the rule is probit's.
    pub fn softened(&self, inference: &Inference) -> Result<Self, SoftenError> {
        inference.check()?;
        let (rule, beta) = match inference {
            Inference::BetaVq(beta) => (PoolRule::Mean, beta),
            Inference::LogPartition(beta) => (PoolRule::LogPartition, beta),
            Inference::Probit | Inference::ProbitTanh => return Err(SoftenError::Maximum),
        };
        let beta = beta.as_uniform().ok_or(SoftenError::Maximum)?;
        let soft = (!inference.is_hard()).then(|| SoftPool { rule, sharpness: sharpness(beta) });
        Ok(Self { soft, ..self.clone() })
    }
}
