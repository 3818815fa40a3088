//! What a region looks like: whether it has an interior, its largest ball, whether it is bounded, and what each
//! wall is.

use std::time::Instant;

use super::facets::{Facet, facet_point, shoot};
use super::nearest::{Nearest, Polyhedron, Query};
use super::reduce::Reduced;
use super::wall::Wall;
use crate::linearize::dot;

/// What a wall is to its region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum WallStatus {
    /// A face of the region of full dimension (less one).
    Facet,
    /// Implied by the others, or met in less than a facet.
    Redundant,
    /// Not settled within the limits.
    Undecided,
}

/// When to stop, and whom to tell.
#[derive(Clone, Copy, Default)]
pub struct Limits<'l> {
    /// Facets that are not settled by then stay undecided.
    pub deadline: Option<Instant>,
    /// Is told how many walls are settled, and how many there are.
    pub progress: Option<&'l dyn Fn(usize, usize)>,
}

impl std::fmt::Debug for Limits<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl Limits<'_> {
    fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// A region's shape.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Whether the region has an interior. Codes can belong to sets that have none. None if the time was over before
    /// that was known.
    pub full_dimensional: Option<bool>,
    /// Whether it is bounded; none if that is not known.
    pub bounded: Option<bool>,
    /// The largest Euclidean ball inside.
    pub ball: Ball,
    /// An interior point, an offset from the region's point; none without an interior.
    pub interior: Option<Vec<f64>>,
    /// What each wall is.
    pub walls: Vec<WallStatus>,
    /// A point inside each facet, an offset from the region's point; none for other walls.
    pub facet_points: Vec<Option<Vec<f64>>>,
}

/// The largest Euclidean ball inside of a region.
#[derive(Clone, Debug, PartialEq)]
pub enum Ball {
    /// A largest one; its centre is an offset from the region's point.
    Largest {
        /// Its centre.
        centre: Vec<f64>,
        /// Its radius: the inradius.
        radius: f64,
    },
    /// Balls inside grow without end.
    Unlimited,
    /// There is no interior, and no ball.
    None,
    /// Not settled within the limits.
    Undecided,
}

impl Ball {
    /// The inradius: 0 without an interior, infinite where there is no largest ball; none if it is not known.
    #[must_use]
    pub fn inradius(&self) -> Option<f64> {
        match self {
            Self::Largest { radius, .. } => Some(*radius),
            Self::Unlimited => Some(f64::INFINITY),
            Self::None => Some(0.0),
            Self::Undecided => None,
        }
    }
}

impl Shape {
    /// The shape of the region inside of `walls`; `hidden` walls have a parallel one before them.
    pub(super) fn new(walls: &[Wall], hidden: &[bool], inputs: usize, limits: &Limits<'_>) -> Self {
        let mut shape = Self {
            full_dimensional: None,
            bounded: None,
            ball: Ball::Undecided,
            interior: None,
            walls: vec![WallStatus::Undecided; walls.len()],
            facet_points: vec![None; walls.len()],
        };
        let sides = walls.iter().filter(|wall| wall.crossings.is_empty()).count();
        shape.bounded = (sides == 2 * inputs).then_some(true);
        let interior = match interior(walls, inputs, limits.deadline) {
            Interior::Point(point) => point,
            Interior::None => {
                (shape.full_dimensional, shape.ball) = (Some(false), Ball::None);
                return shape;
            }
            Interior::Unknown => return shape,
        };
        let included: Vec<usize> = (0..walls.len()).filter(|&wall| !hidden[wall]).collect();
        let reduced = Reduced::new(walls, &included, interior.clone());
        (shape.full_dimensional, shape.interior) = (Some(true), Some(interior));
        shape.bounded = if shape.bounded.is_some() {
            shape.bounded
        } else if !reduced.spans_input || !reduced.independent.is_empty() {
            Some(false)
        } else {
            is_bounded(&reduced.polyhedron, limits.deadline)
        };
        shape.ball = match largest_ball(&reduced.polyhedron, limits.deadline) {
            Ball::Largest { centre, radius } => {
                Ball::Largest { centre: reduced.offset(walls, &centre, radius), radius }
            }
            other => other,
        };
        for (wall, &hidden) in shape.walls.iter_mut().zip(hidden) {
            if hidden {
                *wall = WallStatus::Redundant;
            }
        }
        shape.find_facets(walls, &reduced, limits);
        shape
    }

    fn find_facets(&mut self, walls: &[Wall], reduced: &Reduced, limits: &Limits<'_>) {
        for (wall, direction) in &reduced.independent {
            let distance = walls[*wall].distance_at(&reduced.centre);
            let step = direction.iter().map(|d| -distance * d);
            let point = reduced.centre.iter().zip(step).map(|(c, step)| c + step).collect();
            self.settle(*wall, WallStatus::Facet, Some(point));
        }
        for (index, y) in shoot(&reduced.polyhedron) {
            let wall = reduced.walls[index];
            if self.walls[wall] == WallStatus::Undecided {
                self.settle(wall, WallStatus::Facet, Some(reduced.offset(walls, &y, 0.0)));
            }
        }
        let mut settled = self.settled();
        for (index, &wall) in reduced.walls.iter().enumerate() {
            if self.walls[wall] != WallStatus::Undecided {
                continue;
            }
            if limits.is_over() {
                return;
            }
            match facet_point(&reduced.polyhedron, index, limits.deadline) {
                Facet::Point(y) => {
                    self.settle(wall, WallStatus::Facet, Some(reduced.offset(walls, &y, 0.0)));
                }
                Facet::None => self.settle(wall, WallStatus::Redundant, None),
                Facet::Unknown => {}
            }
            settled += 1;
            if let Some(progress) = limits.progress {
                progress(settled, walls.len());
            }
        }
    }

    fn settle(&mut self, wall: usize, status: WallStatus, point: Option<Vec<f64>>) {
        self.walls[wall] = status;
        self.facet_points[wall] = point;
    }

    fn settled(&self) -> usize {
        self.walls.iter().filter(|&&wall| wall != WallStatus::Undecided).count()
    }

    /// The walls that are facets, in order.
    pub fn facets(&self) -> impl Iterator<Item = usize> + '_ {
        let facet = |&(_, status): &(usize, &WallStatus)| *status == WallStatus::Facet;
        self.walls.iter().enumerate().filter(facet).map(|(wall, _)| wall)
    }
}

/// A point inside all walls.
pub(super) enum Interior {
    /// There is one.
    Point(Vec<f64>),
    /// There is none.
    None,
    /// The search got stuck, or the time was over.
    Unknown,
}

/// Looks for a point inside all walls, an offset from a point that is inside or on them.
pub(super) fn interior(walls: &[Wall], inputs: usize, deadline: Option<Instant>) -> Interior {
    let tied: Vec<&Wall> = walls.iter().filter(|wall| wall.distance == 0.0).collect();
    if tied.is_empty() {
        return Interior::Point(vec![0.0; inputs]);
    }
    // A direction that leads away from all walls through the point.
    let mut cone = Polyhedron::new(inputs);
    tied.iter().for_each(|wall| cone.push(&wall.normal, -1.0));
    let origin = vec![0.0; inputs];
    let direction = match cone.nearest(&Query { deadline, ..Query::from(&origin) }) {
        Nearest::Point(direction, _) => direction,
        Nearest::Empty => return Interior::None,
        Nearest::Beyond | Nearest::Stuck => return Interior::Unknown,
    };
    // Half the way to the first of the others, so that it is some distance from all.
    let reach = walls.iter().filter(|wall| wall.distance > 0.0).filter_map(|wall| {
        let speed = -dot(&wall.normal, &direction);
        (speed > 0.0).then(|| wall.distance / speed)
    });
    let length = dot(&direction, &direction).sqrt();
    let step = 0.5 * reach.fold(2.0 / length, f64::min);
    Interior::Point(direction.iter().map(|d| step * d).collect())
}

/// Whether a polyhedron whose normals span the space is bounded: whether no direction leads along or away
/// from all walls. None if the search got stuck.
fn is_bounded(polyhedron: &Polyhedron, deadline: Option<Instant>) -> Option<bool> {
    let dims = polyhedron.dims();
    let mut total = vec![0.0; dims];
    let mut cone = Polyhedron::new(dims);
    for index in 0..polyhedron.len() {
        cone.push(polyhedron.row(index), 0.0);
        total.iter_mut().zip(polyhedron.row(index)).for_each(|(total, n)| *total += n);
    }
    // Such a direction leads away from at least one wall, so that it has a positive sum: unless normals add
    // up to nothing but rounding.
    if dot(&total, &total).sqrt() <= 1e-9 * polyhedron.len() as f64 {
        return Some(true);
    }
    cone.push(&total, -1.0);
    match cone.nearest(&Query { deadline, ..Query::from(&vec![0.0; dims]) }) {
        Nearest::Empty => Some(true),
        Nearest::Point(..) => Some(false),
        Nearest::Beyond | Nearest::Stuck => None,
    }
}

/// The largest ball inside of a polyhedron that the origin is inside of. Rows are unit normals.
///
/// max r such that every wall is r away: a linear program.
fn largest_ball(polyhedron: &Polyhedron, deadline: Option<Instant>) -> Ball {
    let dims = polyhedron.dims();
    // Balls grow without end where a direction leads away from all walls.
    let mut cone = Polyhedron::new(dims);
    (0..polyhedron.len()).for_each(|index| cone.push(polyhedron.row(index), -1.0));
    match cone.nearest(&Query { deadline, ..Query::from(&vec![0.0; dims]) }) {
        Nearest::Point(..) => return Ball::Unlimited,
        Nearest::Empty => {}
        Nearest::Beyond | Nearest::Stuck => return Ball::Undecided,
    }
    let mut lifted = Polyhedron::new(dims + 1);
    for index in 0..polyhedron.len() {
        let row: Vec<f64> = polyhedron.row(index).iter().copied().chain([-1.0]).collect();
        lifted.push(&row, polyhedron.slack(index));
    }
    let mut start = vec![0.0; dims + 1];
    let slacks = (0..polyhedron.len()).map(|index| polyhedron.slack(index));
    start[dims] = slacks.fold(f64::INFINITY, f64::min);
    let mut downwards = vec![0.0; dims + 1];
    downwards[dims] = -1.0;
    let query = Query { deadline, ..Query::from(&start) };
    match lifted.lowest(&downwards, &query) {
        Nearest::Point(mut centre, _) => {
            let radius = centre.pop().expect("one more coordinate");
            Ball::Largest { centre, radius }
        }
        _ => Ball::Undecided,
    }
}
