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
mod gather;
mod order;
mod patches;
mod pieces;
mod plane;
mod result;
mod signs;
mod split;
mod statistics;
mod stop;
mod stream;
mod walk;
mod window;

pub use boundary::{BoundaryBend, Polyline};
pub use pieces::Pieces;
pub use plane::{Plane, PlaneError};
pub use result::{
    CellComplex, Maps, PieceChange, Slice, SliceEdge, SliceStatus, TargetComplex, WallOf,
};
pub use statistics::{Bends, LayerWalls, SliceStatistics, Spread};
pub use stream::{PreparedSlice, SliceCell, SliceCells};
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
    /// A slice of more regions than this is walked anew in patches, on all threads of the current rayon pool; 2,048 by
    /// default. The last bits of vertices depend on it, but not on the number of threads.
    pub patches_beyond: Option<usize>,
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
    /// A soft network has no affine pieces.
    #[error("layer {0} is soft, so the network is not piecewise affine, and has no exact slice")]
    Soft(String),
}

impl Network {
    /// The partition that `window` of `plane` sees.
    ///
    /// # Errors
    /// If the plane lies in another space than the network's input, something is asked for that is not there, or the
    /// network is soft.
    pub fn slice(
        &self,
        plane: &Plane,
        window: &Window,
        options: &SliceOptions,
    ) -> Result<Slice, SliceError> {
        let (layers, target) = self.check_slice(plane, options)?;
        let reach = window.reach();
        let plan = Plan::new(self, plane.axes.clone(), reach, layers, target, options.maps);
        let stop = stop::Stop {
            regions: options.max_regions.unwrap_or(usize::MAX),
            deadline: options.time.map(|time| Instant::now() + time),
            tally: None,
        };
        let maps = options.maps.then(Maps::default);
        let walk = walk::Walk::new(&plan, window, layers, stop, maps);
        let (base, patches) = patches::walk(walk, options.patches_beyond.unwrap_or(patches::ALONE));
        Ok(Found { plan: &plan, window, layers, base, patches }.finish(plane, stop.regions))
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
        if let Some(node) = self.soft_layer() {
            return Err(SliceError::Soft(node.name.clone()));
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

/// What all walks have found.
struct Found<'a> {
    plan: &'a Plan<'a>,
    window: &'a Window,
    layers: usize,
    base: patches::Base,
    patches: Vec<patches::Patch>,
}

impl Found<'_> {
    fn finish(mut self, plane: &Plane, most: usize) -> Slice {
        let is_capped = self.drop_beyond(most);
        let (stages, layers) = (&self.plan.stages, self.layers);
        let regions =
            gather::gather(&self.patches, gather::Cells::Regions(layers), stages, self.base);
        let target = (stages.len() > layers).then(|| self.target());
        let status = match (self.window.corners().is_empty(), is_capped) {
            (true, _) => SliceStatus::Empty,
            (_, true) => SliceStatus::Capped,
            _ => SliceStatus::Complete,
        };
        let regions_per_layer =
            if is_capped { self.recount() } else { self.sum(|patch, i| patch.counts[i]) };
        let mut slice = Slice {
            plane: plane.clone(),
            window: self.window.clone(),
            status,
            regions,
            regions_per_layer,
            target,
            maps: None,
            exact_decisions: self.patches.iter().map(|patch| patch.exact_decisions).sum(),
            cells: Vec::new(),
            patch_starts: Vec::new(),
            layout: self.plan.network.layout().clone(),
            stages: stages.clone(),
            patches: Vec::new(),
        };
        for patch in self.patches {
            slice.patch_starts.push(slice.cells.len() as u32);
            slice.cells.extend(patch.regions.iter().map(|found| found.cell));
            slice.patches.push(patch.complex.without_edges());
            match (&mut slice.maps, patch.maps) {
                (Some(all), Some(maps)) => all.append(maps),
                (none, maps) => *none = maps,
            }
        }
        slice
    }

    /// Drops all regions but the first `most`; says whether any are missing, or may be.
    fn drop_beyond(&mut self, most: usize) -> bool {
        let mut left = most;
        let mut is_capped = false;
        for patch in &mut self.patches {
            patch.keep_first(left);
            left -= patch.regions.len();
            is_capped |= patch.is_capped;
        }
        is_capped || left == 0
    }

    fn sum(&self, count: impl Fn(&patches::Patch, usize) -> usize) -> Vec<usize> {
        let of_layer = |i| self.patches.iter().map(|patch| count(patch, i)).sum();
        (0..self.layers).map(of_layer).collect()
    }

    /// The cells of each layer that the regions are in, where not all are there.
    fn recount(&self) -> Vec<usize> {
        let mut counts = vec![0; self.layers];
        let mut seen_in_base = hashbrown::HashSet::new();
        for patch in &self.patches {
            let mut seen = hashbrown::HashSet::new();
            for found in &patch.regions {
                let mut at = found.cell;
                for count in counts.iter_mut().rev() {
                    let is_base = (at as usize) < self.base.cells;
                    let is_new = if is_base { seen_in_base.insert(at) } else { seen.insert(at) };
                    if !is_new {
                        break;
                    }
                    *count += 1;
                    at = patch.complex.cells[at as usize].parent;
                }
            }
        }
        counts
    }

    /// The regions cut where what is decided last changes.
    fn target(&self) -> TargetComplex {
        let (stages, layers) = (&self.plan.stages, self.layers);
        let complex = gather::gather(&self.patches, gather::Cells::Finest, stages, self.base);
        let (mut class, mut region) = (Vec::new(), Vec::new());
        let mut words = Vec::new();
        let mut first = 0;
        for patch in &self.patches {
            let number: hashbrown::HashMap<u32, u32> = patch
                .regions
                .iter()
                .zip(first..)
                .map(|(found, number)| (found.cell, number))
                .collect();
            for found in &patch.finest {
                patch.complex.words_of(found.cell, &mut words);
                class.push(stages[layers].piece(&words, 0) as u32);
                region.push(number[&patch.complex.cells[found.cell as usize].parent]);
            }
            first += patch.regions.len() as u32;
        }
        TargetComplex { complex, class, region }
    }
}
