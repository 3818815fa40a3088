//! What regions tell of a network and its data: class templates, distances between codes, how many walls are
//! near, what softening does.

mod complexity;
mod partition;
mod softness;
mod template;

pub use complexity::{ComplexityProbe, NearWalls};
pub use partition::{NearRow, PartitionDistance};
pub use softness::Softness;
pub use template::{LastLayer, Template};
