//! The walk: regions entered in order of distance.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::rc::Rc;
use std::time::Instant;

use super::descend::Descent;
use super::side::Side;
use super::{BoundaryDistance, BoundarySearch, Norm, ROUNDING, point_at, rounding};
use crate::geometry::cell::Cell;
use crate::geometry::cross::{Gateway, cross, larger};
use crate::geometry::half_space::sizes;
use crate::geometry::nearest::{Nearest, Query};
use crate::geometry::shape::{self, Interior};
use crate::geometry::{Region, touch};
use crate::linearize::{Linearization, PointError};
use crate::network::Network;

/// Searches from the point of `map`, whose largest number is `size` in the input's own coordinates; `found` is a point of
/// the boundary and its distance.
pub(super) fn search(
    search: &BoundarySearch,
    map: Linearization<'_>,
    sides: &[Side],
    size: f64,
    found: Option<(Vec<f64>, f64)>,
) -> Result<BoundaryDistance, PointError> {
    let origin = map.point().to_vec();
    let mut walk = Walk {
        search,
        sides,
        origin: &origin,
        size,
        network: map.network(),
        heap: BinaryHeap::new(),
        entered: HashSet::new(),
        points: Vec::new(),
        cells: HashMap::new(),
        upper: found.as_ref().map_or(f64::INFINITY, |(_, distance)| *distance),
        point: found.map(|(point, _)| point),
        left_out: f64::INFINITY,
    };
    match start(map)? {
        Some(start) => walk.enter(start, 0.0),
        None => walk.left_out = 0.0,
    }
    walk.run()
}

/// The region to start in: that of the point, or, if that code has no interior, one that reaches the point; none if none
/// was found.
fn start(map: Linearization<'_>) -> Result<Option<Linearization<'_>>, PointError> {
    let region = Region::new(&map, None).expect("no box");
    if !matches!(shape::interior(region.walls(), map.inputs(), None), Interior::None) {
        return Ok(Some(map));
    }
    let size = Norm::Linf.of(map.point()).max(1e-3);
    let here = sizes(&map);
    for attempt in 1..100u32 {
        let step = size * 1e-6 / f64::from(1 << (attempt / 4));
        let wiggle =
            |i: usize| step * (f64::from(attempt) * (i as f64 + 1.0) * 0.754_877_666).sin();
        let near: Vec<f64> = map.point().iter().enumerate().map(|(i, x)| x + wiggle(i)).collect();
        let there = map.network().linearize(&near)?;
        let open = Region::new(&there, None).expect("no box").ties() == 0;
        if open && touch::touches(&there, map.point(), &larger(sizes(&there), &here)) {
            return Ok(Some(there));
        }
    }
    Ok(None)
}

/// What the walk may do next.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Look for the nearest point of facet `index` of the polyhedron.
    Measure(usize),
    /// Cross it.
    Cross(usize),
    /// Look for the nearest point of the boundary of side `index`.
    Decide(usize),
}

/// A move from a region (by its number), and a distance that it leads no nearer than.
#[derive(Clone, Copy, Debug)]
struct Entry {
    lower: f64,
    region: usize,
    next: Move,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
/// The nearest is the greatest, as the heap has it.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.lower.total_cmp(&self.lower)
    }
}

struct Walk<'w, 'n> {
    search: &'w BoundarySearch,
    network: &'n Network,
    sides: &'w [Side],
    /// Where distances are measured from.
    origin: &'w [f64],
    /// The largest number of the point in the input's own coordinates.
    size: f64,
    heap: BinaryHeap<Entry>,
    /// The codes of the regions entered, and a point inside of each.
    entered: HashSet<Vec<u64>>,
    points: Vec<Vec<f64>>,
    /// Regions as they are needed, made again when they were let go.
    cells: HashMap<usize, Rc<Cell<'n>>>,
    upper: f64,
    point: Option<Vec<f64>>,
    /// The least distance at which something was left out because a search got stuck; infinite if nothing was.
    left_out: f64,
}

/// Margins to keep from other walls where a wall is crossed, in parts of the numbers at hand. A facet narrower than the
/// last is none.
const CROSSING_MARGINS: [f64; 5] = [1e-3, 1e-5, 1e-7, 1e-9, 1e-11];
/// Numbers that the cells may hold together before they are let go: some hundred megabytes.
const CELL_NUMBERS: usize = 32 << 20;

impl<'n> Walk<'_, 'n> {
    fn run(mut self) -> Result<BoundaryDistance, PointError> {
        while let Some(entry) = self.heap.pop() {
            if entry.lower >= self.upper {
                break;
            }
            if self.is_over() {
                return Ok(self.finish(entry.lower));
            }
            let cell = self.cell(entry.region)?;
            match entry.next {
                Move::Measure(index) => self.measure(entry, &cell, index),
                Move::Cross(index) => self.cross(entry, &cell, index)?,
                Move::Decide(side) => self.decide(entry, &cell, side),
            }
        }
        let upper = self.upper;
        Ok(self.finish(upper))
    }

    fn is_over(&self) -> bool {
        self.points.len() > self.search.most_regions
            || self.search.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn finish(self, lower: f64) -> BoundaryDistance {
        let lower = lower.min(self.left_out);
        // Infinite where there is no boundary: then both are.
        let exact = lower >= self.upper * (1.0 - ROUNDING);
        let lower = lower.min(self.upper);
        let regions = self.points.len();
        BoundaryDistance { lower, upper: self.upper, exact, point: self.point, regions }
    }

    /// A region that was entered.
    fn cell(&mut self, region: usize) -> Result<Rc<Cell<'n>>, PointError> {
        if let Some(cell) = self.cells.get(&region) {
            return Ok(Rc::clone(cell));
        }
        let map = self.network.linearize(&self.points[region])?;
        Ok(self.keep(region, map))
    }

    fn keep(&mut self, region: usize, map: Linearization<'n>) -> Rc<Cell<'n>> {
        let cell = Rc::new(Cell::new(self.origin, map));
        let numbers = cell.polyhedron.len() * cell.polyhedron.dims();
        if self.cells.len() * numbers > CELL_NUMBERS {
            self.cells.clear();
        }
        self.cells.insert(region, Rc::clone(&cell));
        cell
    }

    /// Puts all that can be done from a region on the heap; nothing there is nearer than `lower`.
    fn enter(&mut self, map: Linearization<'n>, lower: f64) {
        if !self.entered.insert(map.code()) {
            return;
        }
        let region = self.points.len();
        self.points.push(map.point().to_vec());
        let cell = self.keep(region, map);
        for (index, side) in self.sides.iter().enumerate() {
            let form = side.form(&cell.outputs);
            let reach = form.value / self.search.norm.dual().of(&form.gradient);
            // Without a slope there is no boundary of this side here.
            if reach.is_finite() {
                self.push(Entry { lower: lower.max(reach), region, next: Move::Decide(index) });
            }
        }
        for index in 0..cell.polyhedron.len() {
            let size = self.search.norm.dual().of(cell.polyhedron.row(index));
            let reach = cell.polyhedron.slack(index) / size;
            self.push(Entry { lower: lower.max(reach), region, next: Move::Measure(index) });
        }
    }

    fn push(&mut self, entry: Entry) {
        if entry.lower < self.upper {
            self.heap.push(entry);
        }
    }

    /// The point at an offset from the origin.
    fn at(&self, y: &[f64]) -> Vec<f64> {
        point_at(self.origin, y)
    }

    /// Whether a facet is known to lead where the walk has been.
    fn leads_back(&self, cell: &Cell<'_>, index: usize) -> bool {
        cell.code_across(index).is_some_and(|code| self.entered.contains(&code))
    }

    /// Looks for the nearest point of a facet.
    fn measure(&mut self, entry: Entry, cell: &Cell<'n>, index: usize) {
        if self.leads_back(cell, index) {
            return;
        }
        let origin = vec![0.0; cell.polyhedron.dims()];
        let query = Query {
            on: Some((cell.polyhedron.row(index), cell.polyhedron.slack(index))),
            without: Some(index),
            cutoff: self.upper,
            deadline: self.search.deadline,
            ..Query::from(&origin)
        };
        let found = match (self.search.norm, &cell.settled) {
            (Norm::L2, Some(settled)) => cell.polyhedron.nearest_from(settled, &query),
            (norm, _) => cell.polyhedron.nearest_in(norm, &query),
        };
        match found {
            Nearest::Point(_, distance) => {
                let lower = distance.max(entry.lower);
                self.push(Entry { lower, next: Move::Cross(index), ..entry });
            }
            Nearest::Empty | Nearest::Beyond => {}
            Nearest::Stuck => self.leave_out(entry),
        }
    }

    fn cross(&mut self, entry: Entry, cell: &Cell<'n>, index: usize) -> Result<(), PointError> {
        if self.leads_back(cell, index) {
            return Ok(());
        }
        let polyhedron = &cell.polyhedron;
        let scale = (entry.lower + self.size).max(1e-6);
        let origin = vec![0.0; polyhedron.dims()];
        let mut inside = None;
        for margin in CROSSING_MARGINS {
            let query = Query {
                on: Some((polyhedron.row(index), polyhedron.slack(index))),
                without: Some(index),
                margin: margin * scale,
                ..Query::from(&origin)
            };
            match polyhedron.nearest(&query) {
                Nearest::Point(y, _) => {
                    inside = Some(y);
                    break;
                }
                Nearest::Stuck => self.leave_out(entry),
                Nearest::Empty | Nearest::Beyond => {}
            }
        }
        // A wall that is met in less than a facet leads nowhere.
        let Some(inside) = inside else { return Ok(()) };
        let others = (0..polyhedron.len()).filter(|&other| other != index);
        let distances = others.map(|other| polyhedron.distance(other, &inside));
        let gateway = Gateway {
            on_wall: &self.at(&inside),
            normal: polyhedron.row(index),
            crossings: &cell.crossings[index],
            room: distances.fold(f64::INFINITY, f64::min),
        };
        match cross(&cell.map, &gateway)? {
            Some(neighbour) => self.enter(neighbour.map, entry.lower),
            None => self.leave_out(entry),
        }
        Ok(())
    }

    fn decide(&mut self, entry: Entry, cell: &Cell<'n>, side: usize) {
        let form = self.sides[side].form(&cell.outputs);
        let origin = vec![0.0; cell.polyhedron.dims()];
        let query = Query {
            on: Some((&form.gradient, form.value)),
            cutoff: self.upper,
            ..Query::from(&origin)
        };
        match cell.polyhedron.nearest_in(self.search.norm, &query) {
            Nearest::Point(y, distance) if distance < self.upper => {
                let rounding = rounding(&form, &y);
                self.take(entry, side, (self.at(&y), distance), rounding);
            }
            Nearest::Stuck => self.leave_out(entry),
            _ => {}
        }
    }

    /// Takes a point where a side ends, at its distance. Another may have ended before it: then the boundary is nearer.
    fn take(&mut self, entry: Entry, side: usize, found: (Vec<f64>, f64), rounding: f64) {
        let outputs = self.network.output_of(&found.0);
        let gap = self.sides[side].at(&outputs).abs();
        if gap.is_nan() || gap > rounding {
            return self.leave_out(entry);
        }
        let Self { network, sides, origin, .. } = *self;
        let mut nearest = found;
        if sides.iter().any(|side| side.at(&outputs) < -rounding) {
            let descent = Descent { norm: self.search.norm, sides, network, origin };
            let before = descent.first_outside(&nearest.0);
            if before.1 < nearest.1 {
                nearest = before;
            }
        }
        if nearest.1 < self.upper {
            (self.upper, self.point) = (nearest.1, Some(nearest.0));
        }
    }

    /// Something could not be done: nothing is known from its distance on.
    fn leave_out(&mut self, entry: Entry) {
        self.left_out = self.left_out.min(entry.lower);
    }
}
