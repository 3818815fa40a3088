//! The nearest point of a decision boundary.
//!
//! `descend` finds a point of it, an upper bound. In L2 `branch` then cuts the input into parts and leaves out those that
//! cannot have a nearer one, by what the network can be on them (`enclosure`, on a `domain`). In other norms, where
//! nothing was found, and for networks too large for that, `walk` enters regions in order of distance: a facet is crossed
//! when no other is nearer, so that when a piece of the boundary is nearer than all facets that are left, nothing can be
//! nearer, as every straight way to a nearer point would have crossed them (Jordan, Lewis and Dimakis, *Provable
//! Certificates for Adversarial Examples: Fitting a Ball in the Union of Polytopes*, 2019). Stopped early, both have a
//! lower and an upper bound.

mod branch;
mod descend;
mod domain;
mod enclosure;
mod side;
mod walk;

pub use side::Output;

use std::time::Instant;

use descend::descend;
use side::Side;

use super::Norm;
use super::cell::Form;
use super::subspace::Subspace;
use crate::linearize::{Linearization, PointError};

/// A search for the nearest point of the boundary.
#[derive(Clone, Copy, Debug)]
pub struct BoundarySearch {
    /// How distances are measured.
    pub norm: Norm,
    /// What the boundary is.
    pub output: Output,
    /// When to stop.
    pub deadline: Option<Instant>,
    /// Regions to enter, or parts of the input to look at, at most.
    pub most_regions: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundaryDistance {
    /// No point of the boundary is nearer.
    pub lower: f64,
    /// The distance of the nearest point found; infinite if there is none.
    pub upper: f64,
    /// Whether the two are the distance itself, to rounding.
    pub exact: bool,
    /// The nearest point found.
    pub point: Option<Vec<f64>>,
    /// Regions entered, or parts of the input looked at.
    pub regions: usize,
}

impl BoundarySearch {
    /// Looks for the nearest point of the boundary to that of `map`.
    ///
    /// # Errors
    /// If values on the way are not finite, or the network is soft.
    pub fn run(&self, map: &Linearization<'_>) -> Result<BoundaryDistance, PointError> {
        if let Some(node) = map.frozen().network().soft_layer() {
            return Err(PointError::Soft { node: node.name.clone() });
        }
        let map = map.clone().to(map.network().output());
        let sides = self.output.sides(map.value());
        let here = map.point();
        if sides.iter().any(|side| side.at(map.value()) == 0.0) {
            let point = Some(here.to_vec());
            return Ok(BoundaryDistance { lower: 0.0, upper: 0.0, exact: true, point, regions: 0 });
        }
        let subspace = match self.norm {
            Norm::L2 => Subspace::new(map.network(), here),
            _ => None,
        };
        let size = Norm::Linf.of(here);
        let Some(subspace) = subspace else { return self.search(map.clone(), &sides, size) };
        let origin = vec![0.0; subspace.network.input().len()];
        let found = self.search(subspace.network.linearize(&origin)?, &sides, size)?;
        let point = found.point.as_ref().map(|y| subspace.point(y));
        Ok(BoundaryDistance { point, ..found })
    }

    /// Searches from the point of `map`, whose largest number is `size` in the input's own coordinates.
    fn search(
        &self,
        map: Linearization<'_>,
        sides: &[Side],
        size: f64,
    ) -> Result<BoundaryDistance, PointError> {
        let found = descend(self.norm, sides, &map);
        if let (Norm::L2, Some(found)) = (self.norm, &found) {
            let branched = branch::search(self, &map, sides, found.clone());
            if let Some(distance) = branched {
                return Ok(distance);
            }
        }
        walk::search(self, map, sides, size, found)
    }
}

/// Bounds that differ by this part of them are the distance.
const ROUNDING: f64 = 1e-12;
/// How far outputs may be from where the boundary has them, in parts of the numbers that they are the sum of.
const ON_BOUNDARY: f64 = 1e-6;

/// How far `form` may be from 0 at offset `y`, where the boundary is.
fn rounding(form: &Form, y: &[f64]) -> f64 {
    let terms = form.gradient.iter().zip(y).map(|(g, y)| (g * y).abs());
    ON_BOUNDARY * (form.value.abs() + terms.sum::<f64>())
}

/// The point at an offset from the origin.
fn point_at(origin: &[f64], y: &[f64]) -> Vec<f64> {
    origin.iter().zip(y).map(|(from, y)| from + y).collect()
}
