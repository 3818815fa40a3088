//! The nearest point of a polyhedron, by the dual active-set method of Goldfarb and Idnani (*A numerically
//! stable dual method for solving strictly convex quadratic programs*, 1983) for the identity as its
//! matrix.
//!
//! It starts at the point itself and takes in one violated half-space after another; the distance so far is
//! always a lower bound, so that a search can give up early. The normals of the half-spaces that are active
//! are kept as Q R, with Q orthonormal: no matrix of squared condition is ever solved. Everything about a
//! region's polytope rests on this: whether a wall is a facet, an interior point, the largest ball, the
//! nearest point of a decision boundary.

use std::ops::Range;
use std::time::Instant;

use super::active_set::{ActiveSet, DEPENDENT, Member};
use crate::linearize::dot;
use crate::orthogonal::{few, product};

/// Half-spaces `rows[i] · y + slacks[i] ≥ 0` in few coordinates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Polyhedron {
    dims: usize,
    rows: Vec<f64>,
    slacks: Vec<f64>,
    norms: Vec<f64>,
    /// Which numbers of a row are not zero, where they are few: sides of a box are cheap.
    few: Vec<Option<Vec<usize>>>,
    /// From here on, half-spaces only bind coordinates together: no margin is kept from them.
    first_bound: Option<usize>,
}

/// What is asked for beside the half-spaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'q> {
    /// Where to start.
    pub(crate) from: &'q [f64],
    /// A hyperplane `normal · y + slack = 0` to stay on.
    pub(crate) on: Option<(&'q [f64], f64)>,
    /// A half-space that is not asked for.
    pub(crate) without: Option<usize>,
    /// Distance to keep from all walls.
    pub(crate) margin: f64,
    /// Distance beyond which nobody wants to know.
    pub(crate) cutoff: f64,
    /// When to give up.
    pub(crate) deadline: Option<Instant>,
}

impl<'q> Query<'q> {
    /// The point nearest to `from`, whatever the distance.
    pub(crate) fn from(from: &'q [f64]) -> Self {
        Self { from, on: None, without: None, margin: 0.0, cutoff: f64::INFINITY, deadline: None }
    }
}

/// A nearest point, and what holds it there: where further searches from the same point can go on.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) y: Vec<f64>,
    pub(super) active: ActiveSet,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Nearest {
    /// The nearest point and its distance.
    Point(Vec<f64>, f64),
    /// There is no such point.
    Empty,
    /// It is further than the cutoff.
    Beyond,
    /// Rounding got the better of it, or the time was over.
    Stuck,
}

#[cfg(test)]
impl Nearest {
    pub(crate) fn point(self) -> Option<Vec<f64>> {
        match self {
            Self::Point(point, _) => Some(point),
            _ => None,
        }
    }
}

/// Half-spaces that are looked at together.
const STRETCH: usize = 1024;
/// Rounds after which the clock is looked at.
const ROUNDS_PER_LOOK: usize = 32;
/// A violation smaller than this part of the numbers that it is the sum of is rounding.
const ROUNDING: f64 = 1e-12;

impl Polyhedron {
    pub(crate) fn new(dims: usize) -> Self {
        Self { dims, ..Self::default() }
    }

    pub(crate) fn push(&mut self, row: &[f64], slack: f64) {
        debug_assert_eq!(row.len(), self.dims, "a number for each coordinate");
        self.rows.extend_from_slice(row);
        self.slacks.push(slack);
        self.norms.push(dot(row, row).sqrt());
        self.few.push(few(row));
    }

    /// Adds a half-space through the origin that no margin is kept from.
    pub(crate) fn push_bound(&mut self, row: &[f64]) {
        self.first_bound.get_or_insert(self.slacks.len());
        self.push(row, 0.0);
    }

    pub(crate) fn dims(&self) -> usize {
        self.dims
    }

    pub(crate) fn len(&self) -> usize {
        self.slacks.len()
    }

    pub(crate) fn row(&self, index: usize) -> &[f64] {
        &self.rows[index * self.dims..][..self.dims]
    }

    pub(crate) fn slack(&self, index: usize) -> f64 {
        self.slacks[index]
    }

    /// The distance of `y` to wall `index`, negative outside.
    pub(crate) fn distance(&self, index: usize, y: &[f64]) -> f64 {
        let product = product(self.row(index), &self.few[index], y);
        (product + self.slacks[index]) / self.norms[index]
    }

    /// The distance that a query asks to keep from wall `index`.
    pub(super) fn margin(&self, index: usize, query: &Query<'_>) -> f64 {
        let is_bound = self.first_bound.is_some_and(|first| index >= first);
        if is_bound { 0.0 } else { query.margin }
    }

    /// The unit normal of wall `index`; none where the row is zero.
    pub(super) fn unit_normal(&self, index: usize) -> Option<Vec<f64>> {
        let norm = self.norms[index];
        (norm > 0.0).then(|| self.row(index).iter().map(|n| n / norm).collect())
    }

    /// How fast the distance to wall `index` grows along a direction.
    pub(super) fn speed(&self, index: usize, direction: &[f64]) -> f64 {
        product(self.row(index), &self.few[index], direction) / self.norms[index]
    }

    /// The point nearest to `query.from` that has all that is asked for.
    pub(crate) fn nearest(&self, query: &Query<'_>) -> Nearest {
        self.search(query).run()
    }

    /// The point nearest to `from`, to go on from; `None` if there is none.
    pub(crate) fn settle(&self, from: &[f64]) -> Option<Settled> {
        self.settle_on(&Query::from(from)).ok()
    }

    /// As [`nearest`](Self::nearest) on a wall of the polyhedron, from the nearest point of the whole.
    pub(crate) fn nearest_from(&self, settled: &Settled, query: &Query<'_>) -> Nearest {
        let Settled { y, mut active } = settled.clone();
        let own = query.without.map(Member::HalfSpace);
        let there = active.members.iter_mut().find(|member| Some(**member) == own);
        // The point may be on that wall already: then it only has to stay.
        let on = if there.is_some() { None } else { query.on };
        there.into_iter().for_each(|member| *member = Member::Hyperplane);
        let query = Query { on, ..*query };
        Search { polyhedron: self, query: &query, y, active, next: 0 }.run()
    }

    /// The nearest point to go on from, whatever is asked for; otherwise why there is none.
    pub(crate) fn settle_on(&self, query: &Query<'_>) -> Result<Settled, Nearest> {
        let mut search = self.search(query);
        match search.run() {
            Nearest::Point(y, _) => Ok(Settled { y, active: search.active }),
            other => Err(other),
        }
    }

    fn search<'s>(&'s self, query: &'s Query<'s>) -> Search<'s> {
        let (y, active) = (query.from.to_vec(), ActiveSet::default());
        Search { polyhedron: self, query, y, active, next: 0 }
    }
}

struct Search<'s> {
    polyhedron: &'s Polyhedron,
    query: &'s Query<'s>,
    y: Vec<f64>,
    active: ActiveSet,
    /// Where to look for half-spaces that are missed.
    next: usize,
}

/// How taking in one half-space went.
enum Step {
    Done,
    Empty,
    Stuck,
}

impl Search<'_> {
    fn run(&mut self) -> Nearest {
        let polyhedron = self.polyhedron;
        let hopeless = |i: usize| polyhedron.norms[i] == 0.0 && polyhedron.slacks[i] < 0.0;
        if (0..polyhedron.len()).any(hopeless) {
            return Nearest::Empty;
        }
        if let Some((normal, slack)) = self.query.on {
            match self.enter_hyperplane(normal, slack) {
                Step::Done => {}
                Step::Empty => return Nearest::Empty,
                Step::Stuck => return Nearest::Stuck,
            }
        }
        let limit = 20 * (self.polyhedron.len() + self.polyhedron.dims) + 100;
        for round in 0..limit {
            if round % ROUNDS_PER_LOOK == ROUNDS_PER_LOOK - 1
                && self.query.deadline.is_some_and(|deadline| Instant::now() >= deadline)
            {
                return Nearest::Stuck;
            }
            let distance = self.distance();
            if distance > self.query.cutoff {
                return Nearest::Beyond;
            }
            let Some((worst, violation)) = self.most_violated() else {
                return Nearest::Point(std::mem::take(&mut self.y), distance);
            };
            let norm = polyhedron.norms[worst];
            let normal = polyhedron.row(worst).iter().map(|n| n / norm).collect();
            match self.enter(Member::HalfSpace(worst), normal, violation) {
                Step::Done => {}
                Step::Empty => return Nearest::Empty,
                Step::Stuck => return Nearest::Stuck,
            }
        }
        Nearest::Stuck
    }

    fn distance(&self) -> f64 {
        let squares = self.y.iter().zip(self.query.from).map(|(y, from)| (y - from).powi(2));
        squares.sum::<f64>().sqrt()
    }

    /// A half-space that is missed, and by how much (a distance, positive): of a stretch of them the one that is missed
    /// by most. Stretches follow one another from search to search, until one has any; all of them, where they are
    /// few.
    fn most_violated(&mut self) -> Option<(usize, f64)> {
        let count = self.polyhedron.len();
        for _ in 0..count.div_ceil(STRETCH) {
            let stretch = self.next..(self.next + STRETCH).min(count);
            self.next = if stretch.end == count { 0 } else { stretch.end };
            let worst = self.most_violated_of(stretch);
            if worst.is_some() {
                return worst;
            }
        }
        None
    }

    fn most_violated_of(&self, stretch: Range<usize>) -> Option<(usize, f64)> {
        let polyhedron = self.polyhedron;
        let reach = dot(&self.y, &self.y).sqrt();
        let mut worst = None;
        for index in stretch {
            if self.query.without == Some(index) || polyhedron.norms[index] == 0.0 {
                continue;
            }
            let margin = polyhedron.margin(index, self.query);
            let missing = margin - polyhedron.distance(index, &self.y);
            let slack = polyhedron.slacks[index].abs() / polyhedron.norms[index];
            let rounding = ROUNDING * (reach + slack + margin);
            let active = || self.active.members.contains(&Member::HalfSpace(index));
            if missing > rounding && worst.is_none_or(|(_, most)| missing > most) && !active() {
                worst = Some((index, missing));
            }
        }
        worst
    }

    /// Moves onto the query's hyperplane, to stay there.
    fn enter_hyperplane(&mut self, normal: &[f64], slack: f64) -> Step {
        let norm = dot(normal, normal).sqrt();
        if norm == 0.0 {
            return if slack == 0.0 { Step::Done } else { Step::Empty };
        }
        let height = (dot(normal, &self.y) + slack) / norm;
        // From the side that the point is on.
        let towards = -height.signum() / norm;
        let unit = normal.iter().map(|n| towards * n).collect();
        self.enter(Member::Hyperplane, unit, height.abs())
    }

    /// Takes in a half-space of unit normal that is missed by `missing`, and drops active ones that would have
    /// to pull the wrong way.
    fn enter(&mut self, member: Member, normal: Vec<f64>, mut missing: f64) -> Step {
        let mut multiplier = 0.0;
        // Each round drops a member or ends.
        for _ in 0..=self.active.members.len() {
            let (along, across) = self.active.split(&normal);
            let length = dot(&across, &across).sqrt();
            let pull = self.active.solve(&along);
            let blocking = self.active.blocking(&pull);
            let independent = length > DEPENDENT;
            let whole = if independent { missing / (length * length) } else { f64::INFINITY };
            let partial = blocking.map_or(f64::INFINITY, |(_, step)| step);
            let step = whole.min(partial);
            if step.is_infinite() {
                return Step::Empty;
            }
            self.active.pull(&pull, step);
            multiplier += step;
            if independent {
                self.y.iter_mut().zip(&across).for_each(|(y, a)| *y += step * a);
                missing -= step * length * length;
            }
            if step == whole {
                let direction = across.iter().map(|a| a / length).collect();
                self.active.append(member, &along, direction, length, multiplier);
                return Step::Done;
            }
            let (blocked, _) = blocking.expect("a partial step has a reason");
            self.active.remove(blocked);
        }
        Step::Stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(polyhedron: &Polyhedron, from: &[f64]) -> Nearest {
        polyhedron.nearest(&Query::from(from))
    }

    /// {x ≥ 0, Σ x ≤ 1}.
    fn simplex(dims: usize) -> Polyhedron {
        let mut polyhedron = Polyhedron::new(dims);
        for i in 0..dims {
            let mut row = vec![0.0; dims];
            row[i] = 1.0;
            polyhedron.push(&row, 0.0);
        }
        polyhedron.push(&vec![-1.0; dims], 1.0);
        polyhedron
    }

    /// The projection onto the unit simplex by sorting (Held, Wolfe and Crowder, 1974), for points whose
    /// projection lies on Σ x = 1.
    fn simplex_projection(from: &[f64]) -> Vec<f64> {
        let mut sorted = from.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let (mut sum, mut shift) = (0.0, 0.0);
        for (i, value) in sorted.iter().enumerate() {
            sum += value;
            let candidate = (sum - 1.0) / (i + 1) as f64;
            if *value > candidate {
                shift = candidate;
            }
        }
        from.iter().map(|value| (value - shift).max(0.0)).collect()
    }

    #[test]
    fn projections_onto_the_simplex() {
        for seed in 0..200u64 {
            let dims = 2 + seed as usize % 9;
            let number = |i: usize| ((seed * 131 + i as u64 * 29) % 97) as f64 / 20.0 - 1.0;
            let from: Vec<f64> = (0..dims).map(number).collect();
            if from.iter().map(|v| v.max(0.0)).sum::<f64>() <= 1.0 {
                continue;
            }
            let expected = simplex_projection(&from);
            let found = nearest(&simplex(dims), &from).point().expect("a point");
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-12, "seed {seed}: {found:?}, expected {expected:?}");
            }
        }
    }

    #[test]
    fn empty_polyhedra_are_seen_to_be_empty() {
        let mut polyhedron = simplex(3);
        polyhedron.push(&[1.0, 1.0, 1.0], -1.5);
        assert_eq!(nearest(&polyhedron, &[0.2, 0.1, 0.0]), Nearest::Empty, "Σ ≤ 1 and Σ ≥ 1.5");
        let query = Query { on: Some((&[1.0, 1.0], -2.0)), ..Query::from(&[0.0, 0.0]) };
        assert_eq!(simplex(2).nearest(&query), Nearest::Empty, "x + y = 2 misses the simplex");
        let query = Query { cutoff: 1.0, ..Query::from(&[3.0, 3.0]) };
        assert_eq!(simplex(2).nearest(&query), Nearest::Beyond, "further than the cutoff");
    }

    #[test]
    fn a_hyperplane_is_kept_and_margins_too() {
        let query = Query {
            on: Some((&[1.0, 1.0], -1.0)),
            without: Some(2),
            margin: 0.1,
            ..Query::from(&[2.0, -1.0])
        };
        let found = simplex(2).nearest(&query).point().expect("a point");
        assert!((found[0] - 0.9).abs() < 1e-12 && (found[1] - 0.1).abs() < 1e-12, "{found:?}");
    }

    /// Many redundant and repeated half-spaces through one point.
    #[test]
    fn degenerate_corners_end() {
        let mut polyhedron = Polyhedron::new(3);
        for i in 0..60 {
            let angle = f64::from(i % 20) * 0.3;
            polyhedron.push(&[angle.cos(), angle.sin(), 2.0], 0.0);
        }
        let found = nearest(&polyhedron, &[0.0, 0.0, -1.0]).point().expect("the apex");
        assert!(found.iter().all(|y| y.abs() < 1e-12), "{found:?}");
    }
}
