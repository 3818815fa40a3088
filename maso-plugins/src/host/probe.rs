//! What callbacks compute, checked at sample points: finite, memberships that are a distribution over the pieces, a
//! value that goes with them, a derivative that goes with the value, single precision that goes with double.

use super::{Block, Error, Instance, Scalar};

/// How far memberships may be from summing to 1, and from the piece that has the majority.
const SUM: f64 = 1e-5;
/// How far a result in single precision may be from one in double.
const SINGLE: f64 = 1e-4;
/// How far a mean may be from that of the memberships, in double precision.
const MEAN: f64 = 1e-6;
/// How far a derivative may be from a central difference.
const SLOPE: f64 = 1e-4;
/// Knots that get sample points.
const KNOTS: usize = 32;

/// What a callback can compute wrongly.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SoftFault {
    /// NaN, infinite, or never written.
    #[error("at {z}: the {what} is {found}, expected a finite number")]
    NotFinite {
        /// Value, derivative or membership.
        what: &'static str,
        /// The pre-activation.
        z: f64,
        /// What it is.
        found: f64,
    },
    /// Memberships are no distribution.
    #[error(
        "at {z}: memberships sum to {sum}, the smallest is {least}; expected a sum of 1 and none below 0"
    )]
    Sum {
        /// The pre-activation.
        z: f64,
        /// Of all.
        sum: f64,
        /// The smallest.
        least: f64,
    },
    /// Most of the membership is with a piece that the pre-activation is not on.
    #[error("at {z}: piece {found} has membership {membership}, but {z} is on piece {expected}")]
    Majority {
        /// The pre-activation.
        z: f64,
        /// The piece with the majority.
        found: usize,
        /// Its membership.
        membership: f64,
        /// The piece that it is on.
        expected: usize,
    },
    /// The value is not the mean that the kind's flags promise.
    #[error(
        "at {z}: the value is {found}, expected {expected}, the mean of the pieces under the memberships"
    )]
    Mean {
        /// The pre-activation.
        z: f64,
        /// The value.
        found: f64,
        /// The mean.
        expected: f64,
    },
    /// The derivative is not that of the value.
    #[error("at {z}: the derivative is {found}, but differences of values give {expected}")]
    Derivative {
        /// The pre-activation.
        z: f64,
        /// The derivative.
        found: f64,
        /// The difference quotient.
        expected: f64,
    },
    /// Single and double precision disagree.
    #[error("at {z}: the {what} is {single} in single precision and {double} in double")]
    Precision {
        /// Value, derivative or membership.
        what: &'static str,
        /// The pre-activation.
        z: f64,
        /// In single precision.
        single: f64,
        /// In double.
        double: f64,
    },
}

/// Everything that a kind offers, at some points.
pub(super) struct Results<S> {
    pub(super) value: Vec<S>,
    pub(super) derivative: Option<Vec<S>>,
    /// One list for each piece.
    pub(super) membership: Option<Vec<S>>,
}

impl<S: Scalar> Results<S> {
    /// Results at these points. What is not written stays NaN.
    pub(super) fn of(instance: &Instance, z: &[S]) -> Result<Self, Error> {
        let (count, pieces) = (z.len(), instance.pieces().count());
        let offers = instance.kind().offers();
        let blank = |wanted: bool, count| wanted.then(|| vec![S::from_f64(f64::NAN); count]);
        let mut results = Self {
            value: vec![S::from_f64(f64::NAN); count],
            derivative: blank(offers.derivative, count),
            membership: blank(offers.membership, count * pieces),
        };
        let mut block = Block::line(z).value(&mut results.value, count);
        if let Some(derivative) = &mut results.derivative {
            block = block.derivative(derivative, count);
        }
        if let Some(membership) = &mut results.membership {
            block = block.membership(membership, count, count);
        }
        instance.soft(block)?;
        Ok(results)
    }

    /// All lists with their names.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'static str, &[S])> {
        [
            Some(("value", &self.value)),
            self.derivative.as_ref().map(|list| ("derivative", list)),
            self.membership.as_ref().map(|list| ("membership", list)),
        ]
        .into_iter()
        .flatten()
        .map(|(what, list)| (what, list.as_slice()))
    }
}

/// Checks a callback instance.
pub(super) fn check(instance: &Instance) -> Result<(), Error> {
    let points = points(instance.pieces().knots());
    let single: Vec<f32> = points.iter().map(|&z| narrow(z)).collect();
    let double: Vec<f64> = single.iter().map(|&z| f64::from(z)).collect();
    let (low, high) = (Results::of(instance, &single)?, Results::of(instance, &double)?);
    let steps = Steps::new(&double);
    let (below, above) =
        (Results::of(instance, &steps.below)?, Results::of(instance, &steps.above)?);
    let checked = finite(&double, &low)
        .and_then(|()| finite(&double, &high))
        .and_then(|()| distributions(instance, &double, &high))
        .and_then(|()| means(instance, &double, &high))
        .and_then(|()| derivatives(&double, &high, &steps, [&below.value, &above.value]))
        .and_then(|()| precisions(&double, &low, &high));
    checked.map_err(|fault| Error::Soft { kind: instance.kind().id().clone(), fault })
}

/// A number in single precision.
fn narrow(z: f64) -> f32 {
    <f32 as super::instance::Sealed>::from_f64(z)
}

/// Points from far left to far right, and on both sides of some knots; none too close to a knot, where the spline
/// itself has no derivative.
pub(super) fn points(knots: &[f64]) -> Vec<f64> {
    let every = knots.len().div_ceil(KNOTS).max(1);
    let near = knots.iter().step_by(every).flat_map(|&knot| {
        let scale = knot.abs().max(1.0);
        [0.01, 0.1, 0.5, 1.0, 3.0, 10.0]
            .into_iter()
            .flat_map(move |step: f64| [knot - step * scale, knot + step * scale])
    });
    let far = (-12..=12).map(|i| 1.25 * f64::from(i) + 0.3);
    let clear = |z: &f64| {
        let right = knots.partition_point(|knot| knot < z);
        let nearest = knots[right.saturating_sub(1)..(right + 1).min(knots.len())].iter();
        nearest.into_iter().all(|knot| (z - knot).abs() >= 0.005 * z.abs().max(1.0))
    };
    near.chain(far).filter(clear).collect()
}

fn finite<S: Scalar>(z: &[f64], results: &Results<S>) -> Result<(), SoftFault> {
    for (what, list) in results.lists() {
        let wrong = list.iter().position(|number| !number.widen().is_finite());
        if let Some(index) = wrong {
            return Err(SoftFault::NotFinite {
                what,
                z: z[index % z.len()],
                found: list[index].widen(),
            });
        }
    }
    Ok(())
}

/// The memberships of one point.
fn column(membership: &[f64], points: usize, point: usize) -> impl Iterator<Item = f64> + Clone {
    membership.iter().skip(point).step_by(points).copied()
}

fn distributions(instance: &Instance, z: &[f64], results: &Results<f64>) -> Result<(), SoftFault> {
    let Some(membership) = &results.membership else { return Ok(()) };
    for (point, &z) in z.iter().enumerate() {
        let column = column(membership, results.value.len(), point);
        let (sum, least) = (column.clone().sum::<f64>(), column.clone().fold(1.0, f64::min));
        if (sum - 1.0).abs() > SUM || least < -SUM {
            return Err(SoftFault::Sum { z, sum, least });
        }
        let expected = instance.pieces().at(z);
        let majority = column.enumerate().find(|(_, t)| *t > 0.5 + SUM);
        if let Some((found, membership)) = majority.filter(|(piece, _)| *piece != expected) {
            return Err(SoftFault::Majority { z, found, membership, expected });
        }
    }
    Ok(())
}

fn means(instance: &Instance, z: &[f64], results: &Results<f64>) -> Result<(), SoftFault> {
    let promised = instance.kind().offers().posterior_mean;
    let Some(membership) = results.membership.as_ref().filter(|_| promised) else { return Ok(()) };
    for (point, (&z, &found)) in z.iter().zip(&results.value).enumerate() {
        let terms = column(membership, results.value.len(), point)
            .enumerate()
            .map(|(piece, t)| t * instance.pieces().line(piece, z));
        let scale = terms.clone().map(f64::abs).fold(1.0, f64::max);
        let expected: f64 = terms.sum();
        if (found - expected).abs() > MEAN * scale {
            return Err(SoftFault::Mean { z, found, expected });
        }
    }
    Ok(())
}

/// Points a little below and above others.
struct Steps {
    below: Vec<f64>,
    above: Vec<f64>,
}

impl Steps {
    fn new(z: &[f64]) -> Self {
        let step = |z: f64| 1e-6 * z.abs().max(1.0);
        Self {
            below: z.iter().map(|&z| z - step(z)).collect(),
            above: z.iter().map(|&z| z + step(z)).collect(),
        }
    }
}

fn derivatives(
    z: &[f64],
    results: &Results<f64>,
    steps: &Steps,
    [below, above]: [&[f64]; 2],
) -> Result<(), SoftFault> {
    for (point, &found) in results.derivative.iter().flatten().enumerate() {
        let expected = (above[point] - below[point]) / (steps.above[point] - steps.below[point]);
        if (found - expected).abs() > SLOPE * found.abs().max(1.0) {
            return Err(SoftFault::Derivative { z: z[point], found, expected });
        }
    }
    Ok(())
}

fn precisions(z: &[f64], single: &Results<f32>, double: &Results<f64>) -> Result<(), SoftFault> {
    for ((what, single), (_, double)) in single.lists().zip(double.lists()) {
        for (index, (&single, &double)) in single.iter().zip(double).enumerate() {
            let single = f64::from(single);
            if (single - double).abs() > SINGLE * double.abs().max(1.0) {
                return Err(SoftFault::Precision { what, z: z[index % z.len()], single, double });
            }
        }
    }
    Ok(())
}
