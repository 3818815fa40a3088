//! The norms that distances are measured in, and their duals.

use std::fmt;
use std::str::FromStr;

/// A norm of the input space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// The sum of absolute values.
    L1,
    /// The Euclidean norm.
    #[default]
    L2,
    /// The largest absolute value.
    Linf,
}

impl Norm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::L1, Self::L2, Self::Linf];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Linf => "linf",
        }
    }

    /// The norm of a vector.
    #[must_use]
    pub fn of(self, vector: &[f64]) -> f64 {
        match self {
            Self::L1 => vector.iter().map(|v| v.abs()).sum(),
            Self::L2 => vector.iter().map(|v| v * v).sum::<f64>().sqrt(),
            Self::Linf => vector.iter().fold(0.0, |largest, v| v.abs().max(largest)),
        }
    }

    /// The norm of functionals: the distance of a point to the hyperplane `n·x + c = 0` is
    /// |n·x + c| over the dual norm of n.
    #[must_use]
    pub fn dual(self) -> Self {
        match self {
            Self::L1 => Self::Linf,
            Self::L2 => Self::L2,
            Self::Linf => Self::L1,
        }
    }

    /// The shortest vector v with n·v = 1.
    #[must_use]
    pub(crate) fn shortest(self, normal: &[f64]) -> Vec<f64> {
        let size = self.dual().of(normal);
        match self {
            Self::L2 => normal.iter().map(|n| n / (size * size)).collect(),
            Self::Linf => normal.iter().map(|n| sign(*n) / size).collect(),
            Self::L1 => {
                let mut v = vec![0.0; normal.len()];
                let steepest =
                    (0..v.len()).max_by(|&a, &b| normal[a].abs().total_cmp(&normal[b].abs()));
                if let Some(i) = steepest {
                    v[i] = 1.0 / normal[i];
                }
                v
            }
        }
    }
}

fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Norm {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|norm| norm.name() == name);
        known.ok_or_else(|| format!("no norm {name:?}: expected l1, l2 or linf"))
    }
}
