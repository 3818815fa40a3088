//! Tiers: the instruction-set versions of the kernels, by name, and the choice among them.

use std::fmt;
use std::str::FromStr;

/// How products and sums are rounded (see [`contract`](crate::contract)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// The product, then the sum.
    Separate,
    /// Once.
    Fused,
}

/// An instruction-set version of the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The scalar reference: one number at a time, for comparison and doubt.
    Scalar,
    /// The `wide` crate's vectors, compiled for the build's baseline instruction set.
    Portable,
    /// AVX2 and FMA, on x86-64.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL), on x86-64.
    Avx512,
    /// NEON, on 64-bit ARM.
    Neon,
}

impl Tier {
    const ALL: [Self; 5] = [Self::Scalar, Self::Portable, Self::Neon, Self::Avx2, Self::Avx512];

    /// Every tier this processor can run, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|tier| tier.is_available()).collect()
    }

    /// The fastest tier of this processor.
    #[must_use]
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|tier| tier.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this processor can run it.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar | Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => has_avx2(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => has_avx2() && has_avx512(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
            #[allow(unreachable_patterns, reason = "the tiers of other processors")]
            _ => false,
        }
    }

    /// How it rounds.
    #[must_use]
    pub const fn rounding(self) -> Rounding {
        match self {
            Self::Scalar | Self::Portable => Rounding::Separate,
            Self::Avx2 | Self::Avx512 | Self::Neon => Rounding::Fused,
        }
    }

    /// The name that `--tier` and `MASO_TIER` take.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }
}

/// All that `arch/x86_64/avx2.rs` enables.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

/// All that `arch/x86_64/avx512.rs` enables beyond AVX2.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A tier name that this build or processor does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownTier(String);

impl fmt::Display for UnknownTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Tier::available().into_iter().map(Tier::name).collect();
        write!(f, "no tier named {:?} here; this machine has {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownTier {}

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(name: &str) -> Result<Self, UnknownTier> {
        let found = Self::available().into_iter().find(|tier| tier.name() == name);
        found.ok_or_else(|| UnknownTier(name.to_owned()))
    }
}
