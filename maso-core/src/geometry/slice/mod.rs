//! Exact slices: the partition that a plane sees, as a planar complex of shared vertices, edges and cells.
//!
//! Inside a cell every pre-activation is an affine function of two coordinates, so a layer cuts a cell along lines,
//! and the cells of the next layer are the parts (Balestriero and Baraniuk, 2018; Humayun, Balestriero,
//! Balakrishnan and Baraniuk, *SplineCam*, 2023). Each cell is split where its layer decides and its parts go on to
//! the next layer. Signs are decided in f64 under a proven bound of its error and, where that does not decide, by
//! exact arithmetic; all the rest is combinatorics. So the complex is right also where lines run through one point,
//! are parallel or coincide, or a unit vanishes on a whole cell.

mod boundary;
mod complex;
mod contest;
mod decide;
mod envelope;
mod order;
mod pieces;
mod plane;
mod result;
mod signs;
mod split;
mod statistics;
mod walk;
mod window;

pub use boundary::{BoundaryBend, Polyline};
pub use pieces::Pieces;
pub use plane::{Plane, PlaneError};
pub use result::{
    CellComplex, Maps, PieceChange, Slice, SliceEdge, SliceStatus, TargetComplex, WallOf,
};
pub use statistics::{Bends, LayerWalls, SliceStatistics, Spread};
pub use window::{Window, WindowError};

pub(in crate::geometry) use decide::Exact;

use std::time::{Duration, Instant};

use crate::geometry::forms::{Plan, Target};
use crate::network::{Network, NodeId};

/// What a slice is asked for beside its regions.
#[derive(Clone, Debug, Default)]
pub struct SliceOptions {
    /// Only this many layers, the first ones; all by default.
    pub layers: Option<usize>,
    /// What to decide after all layers.
    pub target: Option<SliceTarget>,
    /// Whether to keep each region's affine map on the plane. Only with all layers.
    pub maps: bool,
    /// Stop after this many regions.
    pub max_regions: Option<usize>,
    /// Stop after this long.
    pub time: Option<Duration>,
}

/// What is decided inside of regions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SliceTarget {
    /// Which output is the largest: the decision boundary is where the two largest tie.
    Class,
    /// Whether an output is above a level.
    OutputAbove {
        /// Which.
        output: usize,
        /// The level.
        level: f64,
    },
    /// Whether a number of a node is above a level; its layers must be among those decided.
    NumberAbove {
        /// The node.
        node: NodeId,
        /// Which of its numbers.
        index: usize,
        /// The level.
        level: f64,
    },
}

/// Why there is no slice.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SliceError {
    /// The plane lies in another space.
    #[error("the plane has {found} numbers for each point, the network reads {expected}")]
    Input {
        /// What the network reads.
        expected: usize,
        /// The plane's dimension.
        found: usize,
    },
    /// A number of the network, or of what is asked for, does not exist.
    #[error("{what} {asked} was asked for, there are {found}")]
    Missing {
        /// Layers, outputs or numbers.
        what: &'static str,
        /// What was asked for.
        asked: usize,
        /// How many there are.
        found: usize,
    },
    /// Something is to be decided that depends on layers which are left out.
    #[error("maps and targets need all layers; {layers} of {found} were asked for")]
    Layers {
        /// Layers asked for.
        layers: usize,
        /// Layers there are.
        found: usize,
    },
    /// A level that is NaN or infinite.
    #[error("the level is {0}, expected a finite number")]
    Level(f64),
}

impl Network {
    /// The partition that `window` of `plane` sees.
    ///
    /// # Errors
    /// If the plane lies in another space than the network's input, or something is asked for that is not there.
    pub fn slice(
        &self,
        plane: &Plane,
        window: &Window,
        options: &SliceOptions,
    ) -> Result<Slice, SliceError> {
        let (layers, target) = self.check_slice(plane, options)?;
        let reach = window.reach();
        let plan = Plan::new(self, plane.axes.clone(), reach, layers, target, options.maps);
        let stop = walk::Stop {
            regions: options.max_regions.unwrap_or(usize::MAX),
            deadline: options.time.map(|time| Instant::now() + time),
        };
        let maps = options.maps.then(Maps::default);
        let mut walk = walk::Walk::new(&plan, window, layers, stop, maps);
        walk.run();
        Ok(walk.finish(plane, layers))
    }

    fn check_slice(
        &self,
        plane: &Plane,
        options: &SliceOptions,
    ) -> Result<(usize, Option<Target>), SliceError> {
        let (expected, found) = (self.input().len(), plane.origin().len());
        if expected != found {
            return Err(SliceError::Input { expected, found });
        }
        let all = self.layout().layers().len();
        let layers = options.layers.unwrap_or(all);
        if layers > all {
            return Err(SliceError::Missing { what: "layer", asked: layers, found: all });
        }
        if layers < all && (options.target.is_some() || options.maps) {
            return Err(SliceError::Layers { layers, found: all });
        }
        let above = |node: NodeId, index: usize, level: f64, what| {
            let found = self.node(node).len();
            if index >= found {
                return Err(SliceError::Missing { what, asked: index, found });
            }
            if !level.is_finite() {
                return Err(SliceError::Level(level));
            }
            Ok(Target::Above { node, index, level })
        };
        let target = options.target.map(|target| match target {
            SliceTarget::Class => Ok(Target::Largest),
            SliceTarget::OutputAbove { output, level } => {
                above(self.output(), output, level, "output")
            }
            SliceTarget::NumberAbove { node, index, level } => {
                let (asked, found) = (node.index(), self.nodes().len());
                if asked >= found {
                    return Err(SliceError::Missing { what: "node", asked, found });
                }
                above(node, index, level, "number")
            }
        });
        Ok((layers, target.transpose()?))
    }
}

impl walk::Walk<'_, '_> {
    /// What the walk has found.
    fn finish(self, plane: &Plane, layers: usize) -> Slice {
        let stages = &self.plan.stages;
        let rings = |found: &[walk::Found]| -> Vec<std::ops::Range<usize>> {
            found.iter().map(|found| found.sides.0 as usize..found.sides.1 as usize).collect()
        };
        let gather = |found: &[walk::Found], depth| {
            let rings = rings(found);
            let rings = rings.iter().map(|range| &self.sides[range.clone()]);
            result::gather(&self.complex, stages, rings, depth)
        };
        let regions = gather(&self.regions, layers);
        let target = (stages.len() > layers).then(|| {
            let complex = gather(&self.finest, usize::MAX);
            let number: hashbrown::HashMap<u32, u32> =
                self.regions.iter().zip(0..).map(|(found, number)| (found.cell, number)).collect();
            let mut words = Vec::new();
            let mut class = |found: &walk::Found| {
                self.complex.words_of(found.cell, &mut words);
                stages[layers].piece(&words, 0) as u32
            };
            let class = self.finest.iter().map(&mut class).collect();
            let parent = |found: &walk::Found| self.complex.cells[found.cell as usize].parent;
            let region = self.finest.iter().map(|found| number[&parent(found)]).collect();
            TargetComplex { complex, class, region }
        });
        let status = match (self.window.corners().is_empty(), self.is_capped) {
            (true, _) => SliceStatus::Empty,
            (_, true) => SliceStatus::Capped,
            _ => SliceStatus::Complete,
        };
        Slice {
            plane: plane.clone(),
            window: self.window.clone(),
            status,
            regions,
            regions_per_layer: self.counts[..layers].to_vec(),
            target,
            maps: self.maps,
            exact_decisions: self.exact.decisions,
            cells: self.regions.iter().map(|found| found.cell).collect(),
            layout: self.plan.network.layout().clone(),
            stages: self.plan.stages.clone(),
            complex: self.complex,
        }
    }
}
