//! Linear programs over a polyhedron; and with them nearest points in L1 and L∞.
//!
//! A nearest point gives a start with its active walls. From there a primal active-set method climbs: along the walls
//! that are active while that leads downhill, taking in the first wall that is met; and off the wall that holds it back
//! most where it does not. At the end the objective is a combination of active normals, which proves it least.

use std::time::Instant;

use super::Norm;
use super::active_set::{DEPENDENT, Member};
use super::nearest::{Nearest, Polyhedron, Query, Settled};
use crate::linearize::dot;

/// Steps of no length after which walls are left in order of their numbers, so that none comes back for ever (Bland,
/// *New finite pivoting rules for the simplex method*, 1977).
const IDLE_STEPS: usize = 50;

impl Polyhedron {
    /// A point of the polyhedron where `gradient · y` is least, and that value. What else is asked for, and where to start,
    /// is the query's; [`Nearest::Beyond`] if the least value is above its cutoff, [`Nearest::Stuck`] also where there is
    /// no least value.
    pub(super) fn lowest(&self, gradient: &[f64], query: &Query<'_>) -> Nearest {
        let start = Query { cutoff: f64::INFINITY, ..*query };
        let settled = match self.settle_on(&start) {
            Ok(settled) => settled,
            Err(other) => return other,
        };
        let length = dot(gradient, gradient).sqrt();
        let downhill = gradient.iter().map(|g| -g / length).collect();
        let mut descent = Descent { polyhedron: self, query, settled, downhill, idle: 0 };
        let Some(y) = descent.run() else { return Nearest::Stuck };
        let value = dot(gradient, &y);
        if value > query.cutoff { Nearest::Beyond } else { Nearest::Point(y, value) }
    }
}

/// A way down.
struct Descent<'d> {
    polyhedron: &'d Polyhedron,
    query: &'d Query<'d>,
    settled: Settled,
    /// Of length 1.
    downhill: Vec<f64>,
    /// Steps of no length since the last one of some.
    idle: usize,
}

impl Descent<'_> {
    /// The lowest point; `None` if there is none, or it was not reached.
    fn run(&mut self) -> Option<Vec<f64>> {
        let limit = 20 * (self.polyhedron.len() + self.polyhedron.dims()) + 100;
        for _ in 0..limit {
            if self.query.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return None;
            }
            let (along, across) = self.settled.active.split(&self.downhill);
            let length = dot(&across, &across).sqrt();
            if length > DEPENDENT {
                let direction: Vec<f64> = across.iter().map(|a| a / length).collect();
                self.slide(&direction)?;
            } else if let Some(member) = self.holding_back(&along) {
                self.settled.active.remove(member);
            } else {
                return Some(std::mem::take(&mut self.settled.y));
            }
        }
        None
    }

    /// Moves along a direction to the first wall, which becomes active; `None` if there is none.
    fn slide(&mut self, direction: &[f64]) -> Option<()> {
        let Self { polyhedron, query, settled, .. } = self;
        let mut first: Option<(usize, f64, f64)> = None;
        for index in 0..polyhedron.len() {
            let is_active = || settled.active.members.contains(&Member::HalfSpace(index));
            let speed = -polyhedron.speed(index, direction);
            if Some(index) == query.without || speed <= 1e-11 || is_active() {
                continue;
            }
            let room = polyhedron.distance(index, &settled.y) - polyhedron.margin(index, query);
            let reach = room.max(0.0) / speed;
            // Of walls that are met together, the one that is met most squarely.
            let is_first = first.is_none_or(|(_, nearest, best)| {
                reach < nearest || reach == nearest && speed > best
            });
            if is_first {
                first = Some((index, reach, speed));
            }
        }
        let (index, reach, _) = first?;
        settled.y.iter_mut().zip(direction).for_each(|(y, d)| *y += reach * d);
        let (along, across) = settled.active.split(&polyhedron.unit_normal(index)?);
        let length = dot(&across, &across).sqrt();
        let unit = across.iter().map(|a| a / length).collect();
        settled.active.append(Member::HalfSpace(index), &along, unit, length, 0.0);
        self.idle = if reach > 0.0 { 0 } else { self.idle + 1 };
        Some(())
    }

    /// The active wall that keeps the point from going down further: most, or, where nothing has moved for long, the one
    /// of the lowest number.
    fn holding_back(&self, along: &[f64]) -> Option<usize> {
        let active = &self.settled.active;
        let pull = active.solve(along);
        let holding =
            (0..pull.len()).filter(|&i| pull[i] > 1e-10 && active.members[i] != Member::Hyperplane);
        if self.idle > IDLE_STEPS {
            return holding.min_by_key(|&i| match active.members[i] {
                Member::HalfSpace(index) => index,
                Member::Hyperplane => usize::MAX,
            });
        }
        holding.max_by(|&a, &b| pull[a].total_cmp(&pull[b]))
    }
}

impl Polyhedron {
    /// The point nearest to the origin in a norm, with what else `query` asks for.
    pub(super) fn nearest_in(&self, norm: Norm, query: &Query<'_>) -> Nearest {
        match norm {
            Norm::L2 => self.nearest(query),
            Norm::Linf => self.nearest_in_largest(query),
            Norm::L1 => self.nearest_in_sum(query),
        }
    }

    /// min t with −t ≤ yᵢ ≤ t.
    fn nearest_in_largest(&self, query: &Query<'_>) -> Nearest {
        let dims = self.dims();
        let mut lifted = self.lifted(1);
        for i in 0..dims {
            for sign in [1.0, -1.0] {
                let mut row = vec![0.0; dims + 1];
                (row[i], row[dims]) = (sign, 1.0);
                lifted.push_bound(&row);
            }
        }
        self.lowest_lifted(&lifted, 1, query)
    }

    /// min Σ tᵢ with −tᵢ ≤ yᵢ ≤ tᵢ.
    fn nearest_in_sum(&self, query: &Query<'_>) -> Nearest {
        let dims = self.dims();
        let mut lifted = self.lifted(dims);
        for i in 0..dims {
            for sign in [1.0, -1.0] {
                let mut row = vec![0.0; 2 * dims];
                (row[i], row[dims + i]) = (sign, 1.0);
                lifted.push_bound(&row);
            }
        }
        self.lowest_lifted(&lifted, dims, query)
    }

    /// The same half-spaces with `more` coordinates that they do not depend on.
    fn lifted(&self, more: usize) -> Self {
        let mut lifted = Self::new(self.dims() + more);
        for index in 0..self.len() {
            let zeros = std::iter::repeat_n(0.0, more);
            let row: Vec<f64> = self.row(index).iter().copied().chain(zeros).collect();
            lifted.push(&row, self.slack(index));
        }
        lifted
    }

    /// The least sum of the last `more` coordinates of `lifted`.
    fn lowest_lifted(&self, lifted: &Self, more: usize, query: &Query<'_>) -> Nearest {
        let dims = self.dims();
        let extended = |normal: &[f64]| -> Vec<f64> {
            normal.iter().copied().chain(std::iter::repeat_n(0.0, more)).collect()
        };
        let normal = query.on.map(|(normal, slack)| (extended(normal), slack));
        let on = normal.as_ref().map(|(normal, slack)| (&**normal, *slack));
        let gradient: Vec<f64> = (0..dims + more).map(|i| f64::from(u8::from(i >= dims))).collect();
        let from = vec![0.0; dims + more];
        match lifted.lowest(&gradient, &Query { from: &from, on, ..*query }) {
            Nearest::Point(mut point, value) => {
                point.truncate(dims);
                Nearest::Point(point, value.max(0.0))
            }
            other => other,
        }
    }
}
