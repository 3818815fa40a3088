//! What regions tell of a network and its data: class templates, distances between codes, how many walls are
//! near.

mod complexity;
mod partition;
mod template;

pub use complexity::{ComplexityProbe, NearWalls};
pub use partition::{NearRow, PartitionDistance};
pub use template::{LastLayer, Template};
