//! Exact lines: the breaks of a segment, the affine pieces between them, and where the class changes.
//!
//! On a segment every pre-activation is affine between breaks, so a layer adds its roots to those of the layers before
//! (Balestriero and Baraniuk, *A Spline Theory of Deep Networks*, 2018, for the map; Raghu, Poole, Kleinberg, Ganguli
//! and Sohl-Dickstein, *On the Expressive Power of Deep Neural Networks*, 2017, for counts along a trajectory). It is a
//! [slice](super::slice) of one dimension: forms in f64 with a proven bound of their error, exact arithmetic where that
//! does not decide. So signs, the order of roots and which of them are one are right also where units coincide, tie or
//! vanish all along the segment.

mod bend;
mod contest;
mod decide;
mod result;
mod walk;

pub use result::{Break, ClassChange, Line, LineStatus, Piece, UnitChange};

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::forms::{Plan, Plane, Target};
use super::slice::SliceTarget;
use crate::code::CodeLayout;
use crate::network::{Network, NodeId};

/// What a line is asked for beside its breaks.
#[derive(Clone, Debug)]
pub struct LineOptions {
    /// What to decide after all layers: the class of every point of the segment.
    pub target: Option<SliceTarget>,
    /// Whether to keep each piece's affine map. They are there by default.
    pub maps: bool,
    /// Stop after this many pieces of a segment; there is always one.
    pub max_pieces: Option<usize>,
    /// Stop after this long, all segments together.
    pub time: Option<Duration>,
}

impl Default for LineOptions {
    fn default() -> Self {
        Self { target: None, maps: true, max_pieces: None, time: None }
    }
}

/// Why there is no line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// An end point lies in another space.
    #[error("{which} of the segment has {found} numbers, the network reads {expected}")]
    Length {
        /// Which end point.
        which: &'static str,
        /// What the network reads.
        expected: usize,
        /// The end point's length.
        found: usize,
    },
    /// A number of an end point is NaN or infinite.
    #[error("number {column} of {which} of the segment is {value}, expected a finite number")]
    NotFinite {
        /// Which end point.
        which: &'static str,
        /// Which number.
        column: usize,
        /// What it is.
        value: f64,
    },
    /// The end points are so far apart that f64 does not hold the difference.
    #[error(
        "the end points of the segment are too far apart: their numbers {column} differ by more than an f64 holds"
    )]
    TooFar {
        /// Which number.
        column: usize,
    },
    /// One of several segments is at fault.
    #[error("segment {segment}: {error}")]
    Segment {
        /// Which.
        segment: usize,
        /// What is wrong with it.
        #[source]
        error: Box<LineError>,
    },
    /// A number of the network that is asked for does not exist.
    #[error("{what} {asked} was asked for, there are {found}")]
    Missing {
        /// Nodes, outputs or numbers.
        what: &'static str,
        /// What was asked for.
        asked: usize,
        /// How many there are.
        found: usize,
    },
    /// A level that is NaN or infinite.
    #[error("the level is {0}, expected a finite number")]
    Level(f64),
    /// A soft network has no affine pieces.
    #[error("layer {0} is soft, so the network is not piecewise affine, and has no exact line")]
    Soft(String),
}

impl Network {
    /// The network on the segment from `p` to `q`, each of [`input`](Self::input)`().len()` numbers. The segment is
    /// `p + t·(q − p)` with the difference rounded to f64, so its end may be a rounding away from `q`.
    ///
    /// # Errors
    /// If an end point has not the input's length or a number that is not finite, a target is asked for that is not
    /// there, or the network is soft.
    pub fn line(&self, p: &[f64], q: &[f64], options: &LineOptions) -> Result<Line, LineError> {
        let axis = self.axis(p, q)?;
        let job = Job::new(self, options)?;
        Ok(job.walk(&mut job.plan(), axis))
    }

    /// Every segment's line, in parallel on the threads of the caller's pool.
    ///
    /// # Errors
    /// As for [`line`](Self::line), with the number of the segment at fault.
    pub fn lines(
        &self,
        segments: &[(&[f64], &[f64])],
        options: &LineOptions,
    ) -> Result<Vec<Line>, LineError> {
        let job = Job::new(self, options)?;
        let axes = segments.iter().enumerate().map(|(segment, (p, q))| {
            self.axis(p, q).map_err(|error| LineError::Segment { segment, error: error.into() })
        });
        let axes: Vec<Plane> = axes.collect::<Result<_, _>>()?;
        // A plan is worth some segments, but all threads are to have some until the end.
        let share = axes.len() / (8 * rayon::current_num_threads());
        let lines = axes.into_par_iter().with_min_len(share.max(1));
        Ok(lines.map_init(|| job.plan(), |plan, axis| job.walk(plan, axis)).collect())
    }

    /// The lines from each point to the next.
    ///
    /// # Errors
    /// As for [`lines`](Self::lines).
    pub fn polyline(
        &self,
        points: &[&[f64]],
        options: &LineOptions,
    ) -> Result<Vec<Line>, LineError> {
        let segments: Vec<(&[f64], &[f64])> =
            points.windows(2).map(|pair| (pair[0], pair[1])).collect();
        self.lines(&segments, options)
    }

    /// The line through two points as a plane whose second direction is 0.
    fn axis(&self, p: &[f64], q: &[f64]) -> Result<Plane, LineError> {
        for (which, point) in [("the start", p), ("the end", q)] {
            let (expected, found) = (self.input().len(), point.len());
            if expected != found {
                return Err(LineError::Length { which, expected, found });
            }
            if let Some(column) = point.iter().position(|value| !value.is_finite()) {
                return Err(LineError::NotFinite { which, column, value: point[column] });
            }
        }
        let u: Vec<f64> = q.iter().zip(p).map(|(q, p)| q - p).collect();
        match u.iter().position(|value| !value.is_finite()) {
            Some(column) => Err(LineError::TooFar { column }),
            None => Ok(Plane { origin: p.to_vec(), v: vec![0.0; u.len()], u }),
        }
    }

    fn line_target(&self, target: SliceTarget) -> Result<Target, LineError> {
        let exists = |what, asked, found| {
            if asked < found { Ok(()) } else { Err(LineError::Missing { what, asked, found }) }
        };
        let above = |node: NodeId, index: usize, level: f64, what| {
            exists(what, index, self.node(node).len())?;
            if level.is_finite() {
                Ok(Target::Above { node, index, level })
            } else {
                Err(LineError::Level(level))
            }
        };
        match target {
            SliceTarget::Class => Ok(Target::Largest),
            SliceTarget::OutputAbove { output, level } => {
                above(self.output(), output, level, "output")
            }
            SliceTarget::NumberAbove { node, index, level } => {
                exists("node", node.index(), self.nodes().len())?;
                above(node, index, level, "number")
            }
        }
    }
}

/// What is the same for all segments.
struct Job<'n> {
    network: &'n Network,
    target: Option<Target>,
    keeps_maps: bool,
    stop: walk::Stop,
    bends: bend::Bends,
    layout: Arc<CodeLayout>,
}

impl<'n> Job<'n> {
    fn new(network: &'n Network, options: &LineOptions) -> Result<Self, LineError> {
        if let Some(node) = network.soft_layer() {
            return Err(LineError::Soft(node.name.clone()));
        }
        let target = options.target.map(|target| network.line_target(target));
        Ok(Self {
            network,
            target: target.transpose()?,
            keeps_maps: options.maps,
            stop: walk::Stop {
                pieces: options.max_pieces.unwrap_or(usize::MAX),
                deadline: options.time.map(|time| Instant::now() + time),
            },
            bends: bend::Bends::new(network),
            layout: Arc::new(network.layout().clone()),
        })
    }

    /// A plan for any segment, to be set before each walk.
    fn plan(&self) -> Plan<'n> {
        let nowhere = Plane { origin: Vec::new(), u: Vec::new(), v: Vec::new() };
        let layers = self.network.layout().layers().len();
        Plan::new(self.network, nowhere, [1.0, 0.0], layers, self.target, true)
    }

    fn walk(&self, plan: &mut Plan<'n>, axis: Plane) -> Line {
        plan.plane = axis;
        let mut walk = walk::Walk::new(plan, &self.bends, self.keeps_maps, self.stop);
        walk.run();
        let (found, is_capped) = (walk.found, walk.is_capped);
        let exact_decisions = walk.exact.decisions;
        Line {
            origin: plan.plane.origin.clone(),
            direction: plan.plane.u.clone(),
            length: length(&plan.plane.u),
            status: if is_capped { LineStatus::Capped } else { LineStatus::Complete },
            pieces: found.pieces,
            breaks: found.breaks,
            first_class: found.first_class,
            class_changes: found.class_changes,
            exact_decisions,
            first_code: found.first_code,
            layout: Arc::clone(&self.layout),
        }
    }
}

/// The Euclidean length, scaled on the way so that squares neither overflow nor vanish.
fn length(vector: &[f64]) -> f64 {
    let largest = vector.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    largest * vector.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}
