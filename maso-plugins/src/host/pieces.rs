//! The pieces of an instance: checked once, then data.

use crate::abi::Misfit;

/// The most pieces of an instance.
pub(super) const MOST_PIECES: u64 = 4096;

/// How far neighbours may be apart at their knot, as a share of the largest term there.
const GAP: f64 = 1e-9;

/// Affine pieces between ascending knots: on piece i, which is above knot i − 1 and not above knot i, the spline is
/// `slopes[i]·z + offsets[i]`. Neighbours meet at their knot; all numbers are finite in single precision too.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    knots: Vec<f64>,
    slopes: Vec<f64>,
    offsets: Vec<f64>,
}

impl Pieces {
    /// Checks what a plugin handed over.
    pub(super) fn new(
        knots: Vec<f64>,
        slopes: Vec<f64>,
        offsets: Vec<f64>,
    ) -> Result<Self, SplineFault> {
        finite("knot", &knots)?;
        finite("slope", &slopes)?;
        finite("offset", &offsets)?;
        let pieces = Self { knots, slopes, offsets };
        pieces.ascending()?;
        pieces.continuous()?;
        Ok(pieces)
    }

    /// Knots, ascending.
    #[must_use]
    pub fn knots(&self) -> &[f64] {
        &self.knots
    }

    /// A slope for each piece.
    #[must_use]
    pub fn slopes(&self) -> &[f64] {
        &self.slopes
    }

    /// An offset for each piece.
    #[must_use]
    pub fn offsets(&self) -> &[f64] {
        &self.offsets
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.slopes.len()
    }

    /// The piece that `z` is on: the number of knots it is above.
    #[must_use]
    pub fn at(&self, z: f64) -> usize {
        self.knots.partition_point(|&knot| z > knot)
    }

    /// The value of a piece's line at `z`.
    ///
    /// # Panics
    ///
    /// If there is no such piece.
    #[must_use]
    pub fn line(&self, piece: usize, z: f64) -> f64 {
        self.slopes[piece].mul_add(z, self.offsets[piece])
    }

    /// The value of the spline at `z`, under hard inference.
    #[must_use]
    pub fn value(&self, z: f64) -> f64 {
        self.line(self.at(z), z)
    }

    fn ascending(&self) -> Result<(), SplineFault> {
        let wrong = self.knots.windows(2).position(|pair| pair[0] >= pair[1]);
        wrong.map_or(Ok(()), |index| {
            Err(SplineFault::Order {
                index: index + 1,
                found: self.knots[index + 1],
                before: self.knots[index],
            })
        })
    }

    fn continuous(&self) -> Result<(), SplineFault> {
        for (piece, &knot) in self.knots.iter().enumerate() {
            let (left, right) = (self.line(piece, knot), self.line(piece + 1, knot));
            let terms = [piece, piece + 1]
                .map(|i| (self.slopes[i] * knot).abs().max(self.offsets[i].abs()));
            if (left - right).abs() > GAP * terms[0].max(terms[1]) {
                return Err(SplineFault::Jump { index: piece, knot, left, right });
            }
        }
        Ok(())
    }
}

fn finite(what: &'static str, numbers: &[f64]) -> Result<(), SplineFault> {
    let bounded = |number: f64| number.abs() <= f64::from(f32::MAX);
    match numbers.iter().position(|&number| !bounded(number)) {
        Some(index) => Err(SplineFault::NotFinite { what, index, found: numbers[index] }),
        None => Ok(()),
    }
}

/// What can be wrong with an instance's pieces and rule.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplineFault {
    /// The table or an array is not there.
    #[error("{what}: {misfit}")]
    Table {
        /// Which.
        what: &'static str,
        /// What is wrong with it.
        misfit: Misfit,
    },
    /// None, or too many.
    #[error("{found} pieces, expected 1 to {MOST_PIECES}")]
    Pieces {
        /// What it says.
        found: u64,
    },
    /// Not a number, infinite, or too large for single precision.
    #[error("{what} {index} is {found}, expected a finite number of single precision")]
    NotFinite {
        /// Knot, slope or offset.
        what: &'static str,
        /// Which.
        index: usize,
        /// What it is.
        found: f64,
    },
    /// Knots do not ascend.
    #[error("knot {index} is {found}, expected more than the {before} of the knot before it")]
    Order {
        /// Which.
        index: usize,
        /// What it is.
        found: f64,
        /// The one before.
        before: f64,
    },
    /// Neighbours do not meet.
    #[error(
        "a jump at knot {index}: at {knot}, piece {index} is {left} and the next one {right}, expected the same"
    )]
    Jump {
        /// Which knot.
        index: usize,
        /// Where it is.
        knot: f64,
        /// The lower piece there.
        left: f64,
        /// The upper piece there.
        right: f64,
    },
    /// No rule of this version.
    #[error("rule {found} is not in version 1 of the interface: expected 0 to 5")]
    Rule {
        /// Its number.
        found: i32,
    },
    /// A β that the rule does not take.
    #[error("beta is {found}, expected {expected} for rule {rule}")]
    Beta {
        /// The rule's name.
        rule: &'static str,
        /// What it is.
        found: f64,
        /// What the rule takes.
        expected: &'static str,
    },
    /// A rule for two pieces, on more or fewer.
    #[error("rule {rule} on {found} pieces, expected 2")]
    Probit {
        /// The rule's name.
        rule: &'static str,
        /// How many there are.
        found: usize,
    },
    /// A reserved field is in use.
    #[error("the reserved field is {found}, expected 0")]
    Reserved {
        /// What it is.
        found: u32,
    },
    /// The rule is the kind's own, which has none.
    #[error("its rule is CALLBACK, but its function {function} is NULL")]
    NoCallback {
        /// The function.
        function: &'static str,
    },
}
