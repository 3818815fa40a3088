//! How far a point is from the walls of its region.

use super::half_space::for_half_spaces;
use super::{Norm, Units};
use crate::linearize::{Linearization, Tangents};

/// The distance of a point to the wall of its own region, exactly: the region is convex, so no redundant
/// half-space is nearer than a facet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WallDistance {
    /// The distance; 0 for a point on a wall, infinite where nothing changes anywhere.
    pub wall: f64,
    /// The unit whose wall is nearest, numbered through all layers in code order: of several the first.
    pub unit: Option<usize>,
    /// The distance to the nearest wall that does not go through the point.
    pub wall_free: f64,
    /// Units with a wall through the point.
    pub ties: usize,
}

/// For each layer, the units with a wall nearer to the point than `radius` in L2.
pub(crate) fn near_walls(map: &Linearization<'_>, radius: f64) -> Vec<usize> {
    let layout = map.network().layout();
    let mut near = vec![Units::default(); layout.layers().len()];
    let layers = 0..near.len();
    for_half_spaces(map, Tangents::identity(map.inputs()), layers, |half_space| {
        if half_space.slack < radius * Norm::L2.of(half_space.normal) {
            let (layer, _) = layout.place(half_space.unit).expect("a unit of the network");
            near[layer].add(half_space.unit);
        }
    });
    near.iter().map(Units::count).collect()
}

impl Linearization<'_> {
    /// The distance of the point to the wall of its region, in each of the norms asked for: the least
    /// |u(x)| / ‖∇u‖ over all units, the gradient in the dual norm. Units that are constant on the region have
    /// no wall.
    #[must_use]
    pub fn wall_distances(&self, norms: &[Norm]) -> Vec<WallDistance> {
        let none =
            WallDistance { wall: f64::INFINITY, unit: None, wall_free: f64::INFINITY, ties: 0 };
        let mut found = vec![none; norms.len()];
        let mut tied = Units::default();
        let layers = 0..self.network().layout().layers().len();
        for_half_spaces(self, Tangents::identity(self.inputs()), layers, |half_space| {
            if half_space.slack == 0.0 {
                tied.add(half_space.unit);
            }
            for (found, norm) in found.iter_mut().zip(norms) {
                let distance = half_space.slack / norm.dual().of(half_space.normal);
                if distance < found.wall {
                    (found.wall, found.unit) = (distance, Some(half_space.unit));
                }
                if half_space.slack > 0.0 {
                    found.wall_free = found.wall_free.min(distance);
                }
            }
        });
        found.iter_mut().for_each(|found| found.ties = tied.count());
        found
    }
}
