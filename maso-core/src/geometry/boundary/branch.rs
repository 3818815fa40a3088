//! The search by parts: the input is cut into pieces, but only where that matters.
//!
//! On a part, which is a polyhedron, the network is enclosed ([`Enclosure`]): the side of the boundary that is asked for
//! can only end where its enclosure reaches 0, and the nearest such point of the part is a lower bound. Parts are looked at
//! in the order of these bounds. One that lies beyond the best point found is done with, and so is one on which the
//! enclosure has no error, as its nearest point is one of the boundary; any other is cut in two, along the wall of a unit
//! that errs or across a coordinate ([`Split`]; branch and bound, after Wang, Pei, Whitehouse, Yang and Jana, *Efficient
//! Formal Safety Analysis of Neural Networks*, 2018). What is left of a part beyond its nearest point, within the distance
//! of the best point found, is a cap of a ball: the nearer the bounds come together, the fewer units are in doubt.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use maso_simd::{Kernels, Tier};

use super::descend::Descent;
use super::domain::Domain;
use super::enclosure::{Enclosure, Failure, Pieces, Split, all_pieces};
use super::side::Side;
use super::{BoundaryDistance, BoundarySearch, Norm, ROUNDING, point_at, rounding};
use crate::geometry::cell::Form;
use crate::geometry::nearest::{Nearest, Polyhedron, Query};
use crate::linearize::{Linearization, dot};

/// Searches from the point of `map` in L2, where a point of the boundary is known; `None` if the network is too large for
/// it, or a unit has too many pieces.
pub(super) fn search(
    search: &BoundarySearch,
    map: &Linearization<'_>,
    sides: &[Side],
    found: (Vec<f64>, f64),
) -> Option<BoundaryDistance> {
    let (network, origin) = (map.network(), map.point());
    let enclosure = Enclosure::new(network, Kernels::of(Tier::best()), origin)?;
    let pieces = Rc::new(all_pieces(network)?);
    let (point, upper) = found;
    let within: Rc<[[f64; 2]]> = vec![[-upper, upper]; origin.len()].into();
    let whole = |side: usize| {
        let (within, pieces) = (Rc::clone(&within), Rc::clone(&pieces));
        Part { lower: 0.0, nearest: vec![0.0; origin.len()], side, within, walls: None, pieces }
    };
    let branching = Branching {
        search,
        map,
        descent: Descent { norm: Norm::L2, sides, network, origin },
        enclosure,
        heap: (0..sides.len()).map(whole).collect(),
        parts: 0,
        upper,
        point,
        left_out: f64::INFINITY,
    };
    Some(branching.run())
}

/// A part of the input, and a side of the boundary that may end there.
#[derive(Debug)]
struct Part {
    /// No point of the part is nearer where the side may end.
    lower: f64,
    /// The offset of the nearest.
    nearest: Vec<f64>,
    side: usize,
    /// The extent of each coordinate.
    within: Rc<[[f64; 2]]>,
    walls: Option<Rc<HalfSpace>>,
    pieces: Rc<Pieces>,
}

/// A half-space `normal · y + slack ≥ 0`, and those before it, which parts share.
#[derive(Debug)]
struct HalfSpace {
    normal: Vec<f64>,
    slack: f64,
    before: Option<Rc<Self>>,
}

/// One after another: a long chain would be too deep for the stack.
impl Drop for HalfSpace {
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut wall) = next.and_then(Rc::into_inner) {
            next = wall.before.take();
        }
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Part {}
impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
/// The nearest is the greatest, as the heap has it.
impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        other.lower.total_cmp(&self.lower)
    }
}

struct Branching<'b> {
    search: &'b BoundarySearch,
    map: &'b Linearization<'b>,
    descent: Descent<'b, 'b>,
    enclosure: Enclosure<'b>,
    heap: BinaryHeap<Part>,
    /// Parts looked at.
    parts: usize,
    upper: f64,
    point: Vec<f64>,
    /// The least distance of a part that nothing came of; infinite if there is none.
    left_out: f64,
}

/// Numbers of the parts that wait, at most: half a gigabyte.
const MOST_WAITING: usize = 64 << 20;
/// Parts after which a nearer point is looked for once more.
const PARTS_PER_DESCENT: usize = 256;
/// Balls that are enclosed when the search is stopped, at most, and what each is of the one before.
const BALLS: i32 = 12;
const BALL: f64 = 0.75;
/// No ball is begun when that has taken so long, beyond the time of the search.
const GRACE: Duration = Duration::from_secs(1);
/// Times that a part is enclosed anew before it is cut.
const ROUNDS: usize = 4;
/// A part is enclosed anew if its bound has come nearer to the best point by this part of what was between them.
const GAIN: f64 = 0.2;
/// Or if its box has lost so much that this part of it is left.
const NARROW: f64 = 0.5;

/// What came of a part.
enum Outcome {
    /// Nothing in it is nearer than the best point.
    Done,
    /// It is to be cut.
    Cut(Split),
    /// Rounding or overflow got the better of it, there is nothing to cut it along, or the time was over.
    Stuck,
}

impl Branching<'_> {
    fn run(mut self) -> BoundaryDistance {
        while let Some(mut part) = self.heap.pop() {
            if self.parts % PARTS_PER_DESCENT == PARTS_PER_DESCENT - 1 {
                self.descend_from(&part);
            }
            if part.lower >= self.upper * (1.0 - ROUNDING) {
                break;
            }
            if self.is_over() {
                return self.finish(part.lower);
            }
            self.parts += 1;
            match self.look_at(&mut part) {
                Outcome::Done => {}
                Outcome::Cut(split) => self.cut(&part, split),
                Outcome::Stuck => self.leave_out(part.lower),
            }
        }
        let upper = self.upper;
        self.finish(upper)
    }

    fn is_over(&self) -> bool {
        // What waits: pieces, a point, and about half a dozen cuts of its own for each part.
        let numbers = self.map.network().layout().units() + 8 * self.descent.origin.len();
        self.parts >= self.search.most_regions
            || self.heap.len() * numbers > MOST_WAITING
            || self.search.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn finish(mut self, lower: f64) -> BoundaryDistance {
        let mut lower = lower.min(self.left_out);
        let is_exact = |lower: f64, upper: f64| lower >= upper * (1.0 - ROUNDING);
        if !is_exact(lower, self.upper) {
            lower = lower.max(self.sure());
        }
        let exact = is_exact(lower, self.upper);
        let (lower, point) = (lower.min(self.upper), Some(self.point));
        BoundaryDistance { lower, upper: self.upper, exact, point, regions: self.parts }
    }

    /// Looks for a nearer point of the boundary from the nearest point of a part.
    fn descend_from(&mut self, part: &Part) {
        let Descent { network, origin, .. } = self.descent;
        let there = network.linearize(&point_at(origin, &part.nearest)).ok();
        let outside = there.and_then(|there| self.descent.reach(&there));
        if let Some(found) = outside.map(|outside| self.descent.settle(&outside))
            && found.1 < self.upper
        {
            (self.point, self.upper) = found;
        }
    }

    /// A distance within which no side ends, from the point's own region, and then from enclosures of balls around it: some
    /// answer where the parts around the point have come to none.
    fn sure(&mut self) -> f64 {
        let matrix = self.map.matrix();
        let reach = |side: &Side| {
            let gradient = side.gradient(&matrix);
            let slope = dot(&gradient, &gradient).sqrt();
            // Without a slope it does not end in the region.
            if slope > 0.0 { side.at(self.map.value()) / slope } else { f64::INFINITY }
        };
        let reaches = self.descent.sides.iter().map(reach);
        let wall = self.map.wall_distances(&[Norm::L2])[0].wall;
        let sure = reaches.fold(wall, f64::min).min(self.upper);
        let (upper, started) = (self.upper, Instant::now());
        let radii = (1..=BALLS).map(|ball| upper * BALL.powi(ball));
        let clear = radii
            .take_while(|radius| *radius > sure && started.elapsed() < GRACE)
            .find(|radius| self.is_clear(*radius));
        clear.unwrap_or(sure)
    }

    /// Whether all sides are positive in a ball, as its enclosure has them.
    fn is_clear(&mut self, radius: f64) -> bool {
        let origin = self.descent.origin;
        let within = vec![[-radius, radius]; origin.len()];
        let domain = Domain::new(&within, radius, &vec![0.0; origin.len()]);
        let mut pieces = all_pieces(self.descent.network).expect("as at the start");
        self.enclosure.enclose(&domain, &mut pieces).is_ok()
            && self.descent.sides.iter().all(|side| {
                let (form, errors) = self.enclosure.side(side);
                let error: f64 = errors.iter().sum();
                form.value + domain.range(&form.gradient)[0] > error
            })
    }

    /// Encloses a part again and again while that brings its bound nearer to the best point, or its box closer to it.
    fn look_at(&mut self, part: &mut Part) -> Outcome {
        let mut pieces = Pieces::clone(&part.pieces);
        let mut polyhedron = polyhedron(part);
        let mut rounds = 0;
        let errors = loop {
            rounds += 1;
            let before = part.lower;
            let errors = match self.enclose(part, &mut pieces, &mut polyhedron) {
                Ok(errors) => errors,
                Err(outcome) => return outcome,
            };
            let gained = part.lower - before > GAIN * (self.upper - before);
            let Some(narrowed) = self.narrow(part, &polyhedron) else { return Outcome::Done };
            if rounds == ROUNDS || !(gained || narrowed) {
                break errors;
            }
        };
        part.pieces = Rc::new(pieces);
        let domain = Domain::new(&part.within, self.upper, &part.nearest);
        match self.enclosure.split(&domain, &errors, &part.pieces) {
            Some(split) => Outcome::Cut(split),
            None => Outcome::Stuck,
        }
    }

    /// Encloses a part once, and moves its bound. Gives the errors of the enclosure where there is more to do.
    fn enclose(
        &mut self,
        part: &mut Part,
        pieces: &mut Pieces,
        polyhedron: &mut Polyhedron,
    ) -> Result<Vec<f64>, Outcome> {
        let side = self.descent.sides[part.side];
        let domain = Domain::new(&part.within, self.upper, &part.nearest);
        self.enclosure.enclose(&domain, pieces).map_err(|failure| match failure {
            Failure::Nowhere => Outcome::Done,
            Failure::Overflow => Outcome::Stuck,
        })?;
        let (form, errors) = self.enclosure.side(&side);
        let error: f64 = errors.iter().sum();
        if !(form.value + error).is_finite() {
            return Err(Outcome::Stuck);
        }
        bound(part, polyhedron, &form, error);
        if error > 0.0 {
            let form = self.enclosure.pulled_back(&side);
            if form.value.is_finite() && form.gradient.iter().all(|slope| slope.is_finite()) {
                bound(part, polyhedron, &form, 0.0);
            }
        }
        match self.nearest(polyhedron) {
            Nearest::Point(y, distance) => {
                (part.nearest, part.lower) = (y, distance.max(part.lower));
            }
            Nearest::Empty | Nearest::Beyond => return Err(Outcome::Done),
            Nearest::Stuck => return Err(Outcome::Stuck),
        }
        let rounding = rounding(&form, &part.nearest);
        match (self.try_point(part, error == 0.0, rounding), error) {
            (true, 0.0) => Err(Outcome::Done),
            // There the boundary should have been.
            (false, 0.0) => Err(Outcome::Stuck),
            _ if part.lower >= self.upper => Err(Outcome::Done),
            _ => Ok(errors),
        }
    }

    /// Draws a part's box close around it; whether that makes much of a difference. `None` if nothing is left.
    fn narrow(&self, part: &mut Part, polyhedron: &Polyhedron) -> Option<bool> {
        let domain = Domain::new(&part.within, self.upper, &part.nearest);
        let half_spaces = (0..polyhedron.len()).map(|i| (polyhedron.row(i), polyhedron.slack(i)));
        let narrowed = domain.narrowed(half_spaces);
        if narrowed.iter().any(|[from, to]| from > to) {
            return None;
        }
        let length = |[from, to]: &[f64; 2]| to - from;
        let sides = narrowed.iter().zip(part.within.iter());
        let left: f64 = sides.map(|(new, old)| (length(new) / length(old)).min(1.0)).product();
        part.within = narrowed.into();
        Some(left < NARROW)
    }

    /// Puts both sides of a cut on the heap.
    fn cut(&mut self, part: &Part, split: Split) {
        let form = match &split {
            Split::Wall { form, .. } => form.clone(),
            Split::Axis { axis, middle } => {
                let mut gradient = vec![0.0; part.within.len()];
                gradient[*axis] = 1.0;
                Form { gradient, value: -middle }
            }
        };
        for (side, sign) in [-1.0, 1.0].into_iter().enumerate() {
            let normal = form.gradient.iter().map(|g| sign * g).collect();
            let slack = sign * form.value;
            let walls = Some(Rc::new(HalfSpace { normal, slack, before: part.walls.clone() }));
            let mut within = Rc::clone(&part.within);
            let mut pieces = Rc::clone(&part.pieces);
            match &split {
                Split::Wall { unit, pieces: own, .. } => {
                    Rc::make_mut(&mut pieces)[*unit] = own[side]
                }
                Split::Axis { axis, middle } => {
                    Rc::make_mut(&mut within)[*axis][1 - side] = *middle
                }
            }
            let mut half = Part { walls, pieces, within, nearest: Vec::new(), ..*part };
            match self.nearest(&polyhedron(&half)) {
                Nearest::Point(y, distance) => {
                    (half.nearest, half.lower) = (y, distance.max(part.lower));
                    self.heap.push(half);
                }
                Nearest::Empty | Nearest::Beyond => {}
                Nearest::Stuck => self.leave_out(part.lower),
            }
        }
    }

    /// The point of a polyhedron that is nearest to the origin, if it is nearer than the best.
    fn nearest(&self, polyhedron: &Polyhedron) -> Nearest {
        let origin = vec![0.0; polyhedron.dims()];
        let deadline = self.search.deadline;
        polyhedron.nearest(&Query { cutoff: self.upper, deadline, ..Query::from(&origin) })
    }

    /// Takes the nearest point of a part, or one before it, if the boundary is there. Whether it is, or is nearer.
    fn try_point(&mut self, part: &Part, is_exact: bool, rounding: f64) -> bool {
        let Descent { network, sides, origin, .. } = self.descent;
        let point = point_at(origin, &part.nearest);
        let outputs = network.output_of(&point);
        let is_outside = sides.iter().any(|side| side.at(&outputs) < -rounding);
        if is_outside {
            let before = self.descent.settle(&point);
            if before.1 < self.upper {
                (self.point, self.upper) = before;
            }
            return true;
        }
        let is_on = is_exact && sides[part.side].at(&outputs).abs() <= rounding;
        if is_on && part.lower < self.upper {
            (self.point, self.upper) = (point, part.lower);
        }
        is_on
    }

    fn leave_out(&mut self, lower: f64) {
        self.left_out = self.left_out.min(lower);
    }
}

/// Adds to a part that its side can only end where `form` is no more than `error`.
fn bound(part: &mut Part, polyhedron: &mut Polyhedron, form: &Form, error: f64) {
    let normal: Vec<f64> = form.gradient.iter().map(|g| -g).collect();
    let slack = error - form.value;
    polyhedron.push(&normal, slack);
    part.walls = Some(Rc::new(HalfSpace { normal, slack, before: part.walls.take() }));
}

/// The polyhedron of a part.
fn polyhedron(part: &Part) -> Polyhedron {
    let mut polyhedron = Polyhedron::new(part.within.len());
    let walls = std::iter::successors(part.walls.as_deref(), |wall| wall.before.as_deref());
    walls.for_each(|wall| polyhedron.push(&wall.normal, wall.slack));
    polyhedron
}
