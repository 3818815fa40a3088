//! Which walls of a polyhedron are facets: rays settle most, nearest points the rest.

use std::time::Instant;

use super::nearest::{Nearest, Polyhedron, Query};
use crate::linearize::dot;

/// The margin that facets keep from other walls, in parts of the interior point's distance: a facet thinner than
/// the last counts as none.
const FACET_MARGINS: [f64; 3] = [1e-2, 1e-5, 1e-9];
/// Products that shooting rays may take; the rest of the walls is left to the search for nearest points.
const RAY_WORK: usize = 2_000_000_000;

/// Shoots rays from the origin across every wall: the wall that a ray meets first, and alone, is a facet.
pub(super) fn shoot(polyhedron: &Polyhedron) -> Vec<(usize, Vec<f64>)> {
    let (count, dims) = (polyhedron.len(), polyhedron.dims());
    let rays = count.min(RAY_WORK / (count * dims).max(1));
    let mut found = vec![false; count];
    let mut facets = Vec::new();
    for ray in 0..rays {
        let direction: Vec<f64> = polyhedron.row(ray).iter().map(|n| -n).collect();
        if let Some((wall, reach)) = first_wall(polyhedron, &direction)
            && !std::mem::replace(&mut found[wall], true)
        {
            facets.push((wall, direction.iter().map(|d| reach * d).collect()));
        }
    }
    facets
}

/// The wall that a ray from the origin meets, if it is clearly before all others, and how far along.
fn first_wall(polyhedron: &Polyhedron, direction: &[f64]) -> Option<(usize, f64)> {
    let (mut first, mut second) = ((usize::MAX, f64::INFINITY), f64::INFINITY);
    for index in 0..polyhedron.len() {
        let speed = -dot(polyhedron.row(index), direction);
        if speed <= 0.0 {
            continue;
        }
        let reach = polyhedron.slack(index) / speed;
        if reach < first.1 {
            (first, second) = ((index, reach), first.1);
        } else {
            second = second.min(reach);
        }
    }
    (first.1.is_finite() && second > first.1 * (1.0 + 1e-6)).then_some(first)
}

/// Whether a wall is a facet.
pub(super) enum Facet {
    /// It is: a point inside.
    Point(Vec<f64>),
    /// It is not.
    None,
    /// Rounding got the better of it, or the time was over.
    Unknown,
}

/// Looks for a point on a wall that is inside of all others, ever closer to them.
pub(super) fn facet_point(
    polyhedron: &Polyhedron,
    index: usize,
    deadline: Option<Instant>,
) -> Facet {
    let origin = vec![0.0; polyhedron.dims()];
    let slack = polyhedron.slack(index);
    for margin in FACET_MARGINS {
        let query = Query {
            on: Some((polyhedron.row(index), slack)),
            without: Some(index),
            margin: margin * slack,
            deadline,
            ..Query::from(&origin)
        };
        match polyhedron.nearest(&query) {
            Nearest::Point(point, _) => return Facet::Point(point),
            Nearest::Empty => {}
            Nearest::Beyond | Nearest::Stuck => return Facet::Unknown,
        }
    }
    Facet::None
}
