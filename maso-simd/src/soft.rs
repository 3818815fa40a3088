//! Soft units: what stands in place of a spline's hard choice of a piece, while the bits stay those of the hard choice.
//!
//! A unit of two pieces that meet in a knot is a line plus a *gate*: `max(z, 0)` is `d · [d > 0]` for `d = z`. A soft
//! gate has a function from 0 to 1, the [`Link`], where the hard one jumps, stretched by a sharpness η:
//! `d · F(η d)`. A unit of three pieces is a line plus two gates, and so on.
//!
//! ```
//! use maso_simd::{Combine, Soft, Kernels, Link, Param, SoftGate, SoftUnit, Spline, Term, Tier};
//! let silu = SoftUnit::new(&[SoftGate::new(Link::Logistic, Param::Splat(1.0))]);
//! let spline = Spline::soft(&[Param::Splat(0.0)], Soft::Gates(silu));
//! let terms = [Term { x: &[1.0, -1.0], scale: Param::Splat(1.0) }];
//! let (mut out, mut fields) = ([0.0; 2], [0; 1]);
//! let sum = Combine { terms: &terms, shift: None, spline };
//! Kernels::of(Tier::best()).combine(&sum, &mut out, &mut fields, None);
//! assert!((out[0] - 0.731_058_6).abs() < 1e-6 && (out[1] + 0.268_941_4).abs() < 1e-6);
//! assert_eq!(fields, [0b01]); // the bits of max(z, 0)
//! ```

use std::fmt::Debug;

use crate::kernels::{MOST_PIECES, Param};

/// The function of a gate. `t` is the gate's distance times its sharpness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Link {
    /// 1 / (1 + e⁻ᵗ): of SiLU and swish, and of sigmoid as a membership.
    Logistic,
    /// tanh t, from −1 to 1: of a soft absolute value, and of tanh as a membership.
    Tanh,
    /// log(1 + eᵗ), to be scaled by 1/η: the log-partition.
    Softplus,
    /// Φ(t), the distribution function of the normal law: of GELU.
    Normal,
    /// ½(1 + tanh(√(2/π)(t + 0.044715 t³))): of GELU's approximation.
    NormalTanh,
    /// tanh(log(1 + eᵗ)): of Mish.
    Mish,
    /// t/6 + ½ between 0 and 1: of HardSwish.
    HardSigmoid,
}

/// `d · F(η d)`, or `m · F(η d)`, where `d` is the pre-activation or a line of it.
#[derive(Clone, Copy, Debug)]
pub struct SoftGate<'a> {
    pub(crate) link: Link,
    pub(crate) sharpness: Param<'a>,
    pub(crate) line: Option<[Param<'a>; 2]>,
    pub(crate) scale: Option<Param<'a>>,
}

impl<'a> SoftGate<'a> {
    /// `d · F(η d)` for `d = z`.
    #[must_use]
    pub const fn new(link: Link, sharpness: Param<'a>) -> Self {
        Self { link, sharpness, line: None, scale: None }
    }

    /// With `d = slope · z + offset`.
    #[must_use]
    pub const fn along(self, slope: Param<'a>, offset: Param<'a>) -> Self {
        Self { line: Some([slope, offset]), ..self }
    }

    /// With `scale` in place of the factor `d`: a membership or, with 1/η, a log-partition.
    #[must_use]
    pub const fn scaled(self, scale: Param<'a>) -> Self {
        Self { scale: Some(scale), ..self }
    }
}

/// `slope · z + offset` plus one gate for each knot. Without a base the sum starts with the first gate.
#[derive(Clone, Copy, Debug)]
pub struct SoftUnit<'a> {
    pub(crate) base: Option<[Param<'a>; 2]>,
    gates: [SoftGate<'a>; MOST_PIECES - 1],
    count: usize,
}

impl<'a> SoftUnit<'a> {
    /// The sum of `gates`.
    ///
    /// # Panics
    /// If there are none, or more than a spline has knots.
    #[must_use]
    pub fn new(gates: &[SoftGate<'a>]) -> Self {
        let count = gates.len();
        let range = 1..MOST_PIECES;
        assert!(range.contains(&count), "one to {} gates, found {count}", MOST_PIECES - 1);
        let gates = std::array::from_fn(|i| gates[i.min(count - 1)]);
        Self { base: None, gates, count }
    }

    /// With `slope · z + offset` before the gates.
    #[must_use]
    pub const fn over(self, slope: Param<'a>, offset: Param<'a>) -> Self {
        Self { base: Some([slope, offset]), ..self }
    }

    /// The gates, in the order in which they are added.
    #[inline(always)]
    pub(crate) fn gates(&self) -> &[SoftGate<'a>] {
        &self.gates[..self.count]
    }

    /// The sharpness η, if it is z / (1 + exp(−η z)).
    pub(crate) fn as_swish(&self) -> Option<&Param<'a>> {
        match self.gates() {
            [SoftGate { link: Link::Logistic, sharpness, line: None, scale: None }]
                if self.base.is_none() =>
            {
                Some(sharpness)
            }
            _ => None,
        }
    }

    /// All its parameters.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &Param<'a>> {
        let of_gates = self.gates().iter().flat_map(|gate| {
            gate.line.iter().flatten().chain([&gate.sharpness]).chain(gate.scale.iter())
        });
        self.base.iter().flatten().chain(of_gates)
    }

    pub(crate) fn check(&self, rows: usize, lanes: usize) {
        self.parameters().for_each(|parameter| parameter.check(rows, lanes));
    }
}

/// What gives the values of a soft spline.
#[allow(clippy::large_enum_variant, reason = "made for each block, on the stack")]
#[derive(Clone, Copy, Debug)]
pub enum Soft<'a> {
    /// Gates.
    Gates(SoftUnit<'a>),
    /// A function of the caller's.
    Function(&'a dyn SoftFunction),
}

impl Soft<'_> {
    pub(crate) fn check(&self, rows: usize, lanes: usize) {
        if let Self::Gates(unit) = self {
            unit.check(rows, lanes);
        }
    }
}

/// A function of one number that is not one of the kernels' own.
pub trait SoftFunction: Debug + Send + Sync {
    /// Turns pre-activations into values in place; each value depends on its own pre-activation alone. False if it could
    /// not.
    fn run(&self, numbers: &mut [f32]) -> bool;
}

/// A maximum (or minimum) of candidates u made soft; the weights are `softmax(η u)` (of `−η u` for a minimum).
#[derive(Clone, Copy, Debug)]
pub struct SoftPool<'a> {
    /// η > 0. Of an [`ExtremeBlock`](crate::ExtremeBlock) by lane, of a [`WindowExtreme`](crate::WindowExtreme) by
    /// plane ([`Param::Rows`]).
    pub sharpness: Param<'a>,
    /// What is made of the weights.
    pub rule: PoolRule,
}

/// What a [`SoftPool`] makes of its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolRule {
    /// The mean of the candidates by their weights; not beyond the hard value.
    Mean,
    /// `log Σ exp(η u) / η` (negated twice for a minimum); not short of the hard value.
    LogPartition,
}

/// A function of single numbers that kernels can run over slices.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Function {
    Exp,
    Sigmoid,
    Tanh,
    Softplus,
    NormalCdf,
}
