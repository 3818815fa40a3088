//! Tiers: the instruction-set versions of the kernels, by name, and the choice among them.

use std::fmt;
use std::str::FromStr;

/// An instruction-set version of the kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// The scalar reference: one number at a time, for comparison and doubt.
    Scalar,
    /// The `wide` crate's vectors, compiled for the build's baseline instruction set.
    Portable,
}

impl Tier {
    /// Every tier this processor can run, slowest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        vec![Self::Scalar, Self::Portable]
    }

    /// The fastest tier of this processor.
    #[must_use]
    pub fn best() -> Self {
        Self::Portable
    }

    /// The name that `--tier` and `MASO_TIER` take.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Portable => "portable",
        }
    }
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
