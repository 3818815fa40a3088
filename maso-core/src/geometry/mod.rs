//! The geometry of a network's partition around a point: walls, the region as a polytope, its neighbours,
//! distances. In f64, on the network's own coefficients.
//!
//! On the region of a point every pre-activation is an affine function of the input, so a unit keeps its
//! piece on a half-space, and the region is the intersection of these (Balestriero, Cosentino, Aazhang and
//! Baraniuk, *The Geometry of Deep Networks: Power Diagram Subdivision*, 2019).

mod active_set;
mod boundary;
mod cell;
mod cross;
mod exact;
mod facets;
mod forms;
mod fresh;
mod half_space;
pub mod line;
mod nearest;
mod norm;
mod power;
mod program;
mod reduce;
mod region;
mod shape;
pub mod slice;
mod subspace;
mod touch;
mod verify;
mod wall;
mod wall_distance;

pub use boundary::{BoundaryDistance, BoundarySearch, Output};
pub use cross::Neighbour;
pub use norm::Norm;
pub use power::{LayerCell, PowerCell, PowerCheck};
pub use region::{Bend, Bounds, OutsideBounds, Region};
pub use shape::{Ball, Limits, Shape, WallStatus};
pub use verify::SliceCheck;
pub use wall::{Crossing, Wall};
pub use wall_distance::WallDistance;

pub(crate) use wall_distance::near_walls;

/// Counts units that come one after another, each possibly several times in a row.
#[derive(Clone, Debug, Default)]
struct Units {
    last: Option<usize>,
    count: usize,
}

impl Units {
    fn add(&mut self, unit: usize) {
        if self.last != Some(unit) {
            (self.last, self.count) = (Some(unit), self.count + 1);
        }
    }

    fn count(&self) -> usize {
        self.count
    }
}
