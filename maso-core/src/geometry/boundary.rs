//! The nearest point of a decision boundary, by a walk across regions in order of distance.
//!
//! On a region the boundary is a piece of a hyperplane. The region of the point comes first; a facet is crossed when
//! no other is nearer, so that when a piece of the boundary is nearer than all facets that are left, nothing
//! can be nearer: every straight way to a nearer point would have crossed them (Jordan, Lewis and Dimakis,
//! *Provable Certificates for Adversarial Examples: Fitting a Ball in the Union of Polytopes*, 2019). Stopped
//! early, the distance of the next facet is a lower bound, and the best point so far an upper one.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use super::Norm;
use super::cell::{Cell, Form, Frame};
use super::cross::{Gateway, cross};
use super::nearest::{Nearest, Query};
use crate::linearize::{Linearization, PointError};
use crate::network::Network;

/// Which outputs make the boundary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// The two largest outputs tie.
    LargestTwo,
    /// The only output has this value.
    Level(f64),
}

impl Output {
    /// The usual boundary of a network: where the two largest outputs tie, or the only one is 0.
    #[must_use]
    pub fn of(network: &Network) -> Self {
        let outputs: usize = network.output_shape().iter().product();
        if outputs == 1 { Self::Level(0.0) } else { Self::LargestTwo }
    }

    /// The functions that are positive on the side of the boundary that `value` is on, or 0 on the boundary.
    fn sides(self, value: &[f64]) -> Vec<Side> {
        match self {
            Self::Level(level) => {
                vec![Side {
                    positive: None,
                    sign: if value[0] < level { -1.0 } else { 1.0 },
                    output: 0,
                    level,
                }]
            }
            Self::LargestTwo => {
                let own = largest(value);
                let others = (0..value.len()).filter(|&other| other != own);
                let side = |output| Side { positive: Some(own), sign: -1.0, output, level: 0.0 };
                others.map(side).collect()
            }
        }
    }
}

/// The first of the largest.
fn largest(values: &[f64]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

/// One function of the outputs: `y[positive] + sign · (y[output] − level)`.
#[derive(Clone, Copy, Debug)]
struct Side {
    positive: Option<usize>,
    sign: f64,
    output: usize,
    level: f64,
}

impl Side {
    fn at(&self, values: &[f64]) -> f64 {
        self.positive.map_or(0.0, |own| values[own])
            + self.sign * (values[self.output] - self.level)
    }

    /// The same as a function of a frame's coordinates.
    fn form(&self, outputs: &[Form]) -> Form {
        let other = &outputs[self.output];
        let own = self.positive.map(|own| &outputs[own]);
        let at = |i: usize| own.map_or(0.0, |own| own.gradient[i]) + self.sign * other.gradient[i];
        Form {
            gradient: (0..other.gradient.len()).map(at).collect(),
            value: own.map_or(0.0, |own| own.value) + self.sign * (other.value - self.level),
        }
    }
}

/// A search for the nearest point of the boundary.
#[derive(Clone, Copy, Debug)]
pub struct BoundarySearch {
    /// How distances are measured.
    pub norm: Norm,
    /// What the boundary is.
    pub output: Output,
    /// When to stop.
    pub deadline: Option<Instant>,
    /// Regions to enter at most.
    pub most_regions: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundaryDistance {
    /// No point of the boundary is nearer.
    pub lower: f64,
    /// The distance of the nearest point found; infinite if there is none.
    pub upper: f64,
    /// Whether the two are the distance itself, to rounding.
    pub exact: bool,
    /// The nearest point found.
    pub point: Option<Vec<f64>>,
    /// Regions entered.
    pub regions: usize,
}

impl BoundarySearch {
    /// Looks for the nearest point of the boundary to that of `map`.
    ///
    /// # Errors
    /// If values on the way are not finite.
    pub fn run(&self, map: &Linearization<'_>) -> Result<BoundaryDistance, PointError> {
        let map = map.clone().to(map.network().output());
        let sides = self.output.sides(map.value());
        let here = map.point();
        if sides.iter().any(|side| side.at(map.value()) == 0.0) {
            let point = Some(here.to_vec());
            return Ok(BoundaryDistance { lower: 0.0, upper: 0.0, exact: true, point, regions: 0 });
        }
        let frame = match self.norm {
            Norm::L2 => Frame::of_first_matrices(map.network(), here),
            _ => Frame::whole(here),
        };
        let found = descend(self.norm, &sides, &map)?;
        let mut walk = Walk {
            search: self,
            sides: &sides,
            frame: &frame,
            heap: BinaryHeap::new(),
            entered: HashSet::new(),
            upper: found.as_ref().map_or(f64::INFINITY, |(_, distance)| *distance),
            point: found.map(|(point, _)| point),
            whole: true,
        };
        walk.enter(start(map)?, 0.0);
        walk.run()
    }
}

/// The region to start in: that of the point, or, if that code has no interior, one that reaches the point.
fn start(map: Linearization<'_>) -> Result<Linearization<'_>, PointError> {
    let region = super::Region::new(&map, None).expect("no box");
    if super::shape::interior(region.walls(), map.inputs()).is_some() {
        return Ok(map);
    }
    let size = Norm::Linf.of(map.point()).max(1e-3);
    for attempt in 1..100u32 {
        let step = size * 1e-6 / f64::from(1 << (attempt / 4));
        let wiggle =
            |i: usize| step * (f64::from(attempt) * (i as f64 + 1.0) * 0.754_877_666).sin();
        let near: Vec<f64> = map.point().iter().enumerate().map(|(i, x)| x + wiggle(i)).collect();
        let there = map.network().linearize(&near)?;
        let open = super::Region::new(&there, None).expect("no box").ties() == 0;
        if open && super::touch::touches(&there, map.point()) {
            return Ok(there);
        }
    }
    Ok(map)
}

/// A point of the boundary not far off, and its distance: steps towards the hyperplane that is nearest where the
/// network is linearised, and back along the line (after Moosavi-Dezfooli, Fawzi and Frossard, *DeepFool*, 2016).
fn descend(
    norm: Norm,
    sides: &[Side],
    map: &Linearization<'_>,
) -> Result<Option<(Vec<f64>, f64)>, PointError> {
    let origin = map.point();
    let inside = |x: &[f64]| sides.iter().all(|side| side.at(&map.network().output_of(x)) > 0.0);
    let mut there = map.clone();
    for _ in 0..50 {
        let matrix = there.matrix();
        let (value, point) = (there.value(), there.point());
        let steps = sides.iter().filter_map(|side| {
            let gradient: Vec<f64> = (0..matrix.columns())
                .map(|i| {
                    let own = side.positive.map_or(0.0, |own| matrix.row(own)[i]);
                    own + side.sign * matrix.row(side.output)[i]
                })
                .collect();
            let slope = norm.dual().of(&gradient);
            (slope > 0.0).then(|| (side.at(value), side.at(value) / slope, gradient))
        });
        let nearest = steps.min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((height, _, gradient)) = nearest else { return Ok(None) };
        let shortest = norm.shortest(&gradient);
        let next: Vec<f64> =
            point.iter().zip(&shortest).map(|(x, v)| x - 1.02 * height * v).collect();
        if next.iter().any(|x| !x.is_finite()) {
            return Ok(None);
        }
        there = map.network().linearize(&next)?;
        if !inside(there.point()) {
            let point = first_outside(origin, there.point(), inside);
            let offset: Vec<f64> = point.iter().zip(origin).map(|(a, b)| a - b).collect();
            return Ok(Some((point, norm.of(&offset))));
        }
    }
    Ok(None)
}

/// The point on the segment from `from` (inside) to `to` (outside) where it first seems to leave, by bisection:
/// the last one outside.
fn first_outside(from: &[f64], to: &[f64], inside: impl Fn(&[f64]) -> bool) -> Vec<f64> {
    let at = |t: f64| -> Vec<f64> { from.iter().zip(to).map(|(a, b)| a + t * (b - a)).collect() };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if inside(&at(middle)) { low = middle } else { high = middle }
    }
    at(high)
}

/// What the walk may do next.
#[derive(Clone, Debug)]
enum Move {
    /// Look for the nearest point of facet `index` of the polyhedron.
    Measure(usize),
    /// Cross it at a point.
    Cross(usize, Vec<f64>),
    /// Look for the nearest point of the boundary of side `index`.
    Decide(usize),
}

/// A move and what is known of its distance.
#[derive(Debug)]
struct Entry<'n> {
    lower: f64,
    cell: Rc<Cell<'n>>,
    next: Move,
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Entry<'_> {}
impl PartialOrd for Entry<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
/// The nearest is the greatest, as the heap has it.
impl Ord for Entry<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.lower.total_cmp(&self.lower)
    }
}

struct Walk<'w, 'n> {
    search: &'w BoundarySearch,
    sides: &'w [Side],
    frame: &'w Frame,
    heap: BinaryHeap<Entry<'n>>,
    entered: HashSet<Vec<u64>>,
    upper: f64,
    point: Option<Vec<f64>>,
    /// Whether nothing was left out: no search got stuck.
    whole: bool,
}

/// Margins to keep from other walls where a wall is crossed, in parts of the distance walked so far.
const CROSSING_MARGINS: [f64; 4] = [1e-3, 1e-5, 1e-7, 1e-9];

impl<'n> Walk<'_, 'n> {
    fn run(mut self) -> Result<BoundaryDistance, PointError> {
        while let Some(entry) = self.heap.pop() {
            if entry.lower >= self.upper {
                break;
            }
            if self.is_over() {
                return Ok(self.finish(entry.lower));
            }
            let Entry { lower, cell, next } = entry;
            match next {
                Move::Measure(index) => self.measure(lower, cell, index),
                Move::Cross(index, y) => self.cross(lower, &cell, index, &y)?,
                Move::Decide(side) => self.decide(&cell, side),
            }
        }
        let upper = self.upper;
        Ok(self.finish(upper))
    }

    fn is_over(&self) -> bool {
        self.entered.len() > self.search.most_regions
            || self.search.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn finish(self, lower: f64) -> BoundaryDistance {
        let exact = lower >= self.upper && self.whole;
        let lower = lower.min(self.upper);
        let regions = self.entered.len();
        BoundaryDistance { lower, upper: self.upper, exact, point: self.point, regions }
    }

    /// Puts all that can be done from a region on the heap; nothing there is nearer than `lower`.
    fn enter(&mut self, map: Linearization<'n>, lower: f64) {
        if !self.entered.insert(map.code()) {
            return;
        }
        let cell = Rc::new(Cell::new(self.frame, map));
        for (index, side) in self.sides.iter().enumerate() {
            let form = side.form(&cell.outputs);
            let reach = form.value / self.search.norm.dual().of(&form.gradient);
            // Without a slope there is no boundary of this side here.
            if reach.is_finite() {
                self.push(lower.max(reach), &cell, Move::Decide(index));
            }
        }
        for index in 0..cell.polyhedron.len() {
            let size = self.search.norm.dual().of(cell.polyhedron.row(index));
            let reach = cell.polyhedron.slack(index) / size;
            self.push(lower.max(reach), &cell, Move::Measure(index));
        }
    }

    fn push(&mut self, lower: f64, cell: &Rc<Cell<'n>>, next: Move) {
        if lower < self.upper {
            self.heap.push(Entry { lower, cell: Rc::clone(cell), next });
        }
    }

    /// Looks for the nearest point of a facet, unless it leads where the walk has been.
    fn measure(&mut self, lower: f64, cell: Rc<Cell<'n>>, index: usize) {
        if cell.code_across(index).is_some_and(|code| self.entered.contains(&code)) {
            return;
        }
        let origin = vec![0.0; cell.polyhedron.dims()];
        let query = Query {
            on: Some((cell.polyhedron.row(index), cell.polyhedron.slack(index))),
            without: Some(index),
            cutoff: self.upper,
            ..Query::from(&origin)
        };
        let found = match (self.search.norm, &cell.settled) {
            (Norm::L2, Some(settled)) => cell.polyhedron.nearest_from(settled, &query),
            (norm, _) => cell.polyhedron.nearest_in(norm, &query),
        };
        match found {
            Nearest::Point(y, distance) => {
                self.push(distance.max(lower), &cell, Move::Cross(index, y));
            }
            Nearest::Empty | Nearest::Beyond => {}
            Nearest::Stuck => self.whole = false,
        }
    }

    fn cross(
        &mut self,
        lower: f64,
        cell: &Rc<Cell<'n>>,
        index: usize,
        y: &[f64],
    ) -> Result<(), PointError> {
        if cell.code_across(index).is_some_and(|code| self.entered.contains(&code)) {
            return Ok(());
        }
        let polyhedron = &cell.polyhedron;
        let scale = lower.max(1e-9 * (1.0 + Norm::Linf.of(&self.frame.origin)));
        let inside = CROSSING_MARGINS.iter().find_map(|margin| {
            let query = Query {
                on: Some((polyhedron.row(index), polyhedron.slack(index))),
                without: Some(index),
                margin: margin * scale,
                ..Query::from(y)
            };
            polyhedron.nearest(&query).point()
        });
        // A wall that is met in less than a facet leads nowhere.
        let Some(inside) = inside else { return Ok(()) };
        let others = (0..polyhedron.len()).filter(|&other| other != index);
        let distances = others.map(|other| polyhedron.distance(other, &inside));
        let gateway = Gateway {
            on_wall: &self.frame.point(&inside),
            normal: &self.frame.direction(polyhedron.row(index)),
            crossings: &cell.walls[cell.places[index]].crossings,
            room: distances.fold(f64::INFINITY, f64::min),
        };
        match cross(&cell.map, &gateway)? {
            Some(neighbour) => self.enter(neighbour.map, lower),
            None => self.whole = false,
        }
        Ok(())
    }

    fn decide(&mut self, cell: &Rc<Cell<'n>>, side: usize) {
        let form = self.sides[side].form(&cell.outputs);
        let origin = vec![0.0; cell.polyhedron.dims()];
        let query = Query {
            on: Some((&form.gradient, form.value)),
            cutoff: self.upper,
            ..Query::from(&origin)
        };
        match cell.polyhedron.nearest_in(self.search.norm, &query) {
            Nearest::Point(y, distance) if distance < self.upper => {
                (self.upper, self.point) = (distance, Some(self.frame.point(&y)));
            }
            Nearest::Stuck => self.whole = false,
            _ => {}
        }
    }
}
