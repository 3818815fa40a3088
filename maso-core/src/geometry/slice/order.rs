//! The order in which walls cross a stretch of a line, and the vertices there.

use std::cmp::Ordering;

use super::complex::{Line, Vertex, What};
use super::decide::operands;
use super::walk::{Cut, Walk};
use crate::geometry::forms::{ROUNDING, value};

/// Vertices where lines meet at a smaller angle (its sine, in the plane's coordinates) are placed exactly, unless they
/// are known better than `WELL_PLACED` of the window.
const FLAT_ANGLE: f64 = 1e-6;
const WELL_PLACED: f64 = 1e-12;

/// A wall on its way across a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crossing {
    /// Which of the cell's cuts.
    pub(super) cut: u32,
    /// Whether it is above 0 at the start.
    pub(super) falls: bool,
    /// Where it vanishes, from 0 at the start to 1 at the end.
    at: f64,
    slack: f64,
}

impl Crossing {
    pub(super) fn new(cut: u32, falls: bool) -> Self {
        Self { cut, falls, at: 0.0, slack: 0.0 }
    }
}

/// A stretch of a line from one vertex to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) ends: [u32; 2],
    pub(super) line: u32,
}

impl Walk<'_, '_> {
    /// Orders `crossings` along `stretch` and makes a vertex for each group that crosses it at one point. Gives
    /// the vertices, each with the number of crossings that meet there.
    pub(super) fn cross(
        &mut self,
        cell: u32,
        stage: usize,
        cuts: &[Cut],
        stretch: Stretch,
        crossings: &mut [Crossing],
        points: &mut Vec<(u32, u32)>,
    ) {
        let [p, q] = stretch.ends.map(|end| self.complex.vertices[end as usize]);
        for crossing in crossings.iter_mut() {
            let wall = &self.complex.lines[cuts[crossing.cut as usize].line as usize];
            let [z, y] = [p.at, q.at].map(|at| value(wall.form, at).abs());
            let bounds = wall.bounds(self.plan.reach);
            let slack = bounds.of_value(p.slack) + bounds.of_value(q.slack);
            let both = z + y;
            crossing.at = if both > 0.0 { z / both } else { 0.5 };
            // Where the values are all slack, it is anywhere on the stretch.
            let loose = 1.01 * slack / (both - slack) + 4.0 * ROUNDING;
            crossing.slack = if both > 2.0 * slack { loose.min(1.0) } else { 1.0 };
        }
        points.clear();
        if crossings.len() > 1 {
            self.sort(cell, stage, cuts, stretch, crossings, points);
        } else {
            points.extend(crossings.iter().map(|_| (0, 1)));
        }
        let mut from = 0;
        for (point, count) in points {
            let crossing = crossings[from];
            let λ = crossing.at;
            let at = [0, 1].map(|axis| p.at[axis] + λ * (q.at[axis] - p.at[axis]));
            let line = cuts[crossing.cut as usize].line;
            let slack = self.slack(at, [stretch.line, line]);
            *point = self.complex.vertex(at, slack, [stretch.line, line]);
            self.settle(*point);
            if *count > 1 {
                let rest = &crossings[from + 1..from + *count as usize];
                let rows = rest.iter().filter_map(|other| match cuts[other.cut as usize].what {
                    What::Row(row) => Some(row),
                    What::Pair { .. } => None,
                });
                self.complex.also_at_vertex.insert(*point, rows.collect());
            }
            from += *count as usize;
        }
    }

    /// Finds a vertex's place exactly where f64 does not tell it well: where lines are nearly parallel.
    fn settle(&mut self, vertex: u32) {
        let [reach, other] = self.plan.reach;
        let Vertex { slack, lines, .. } = self.complex.vertices[vertex as usize];
        if slack <= WELL_PLACED * reach.max(other) {
            return;
        }
        let [[a, b, _], [c, d, _]] = lines.map(|line| self.complex.lines[line as usize].form);
        let determinant = a * d - b * c;
        if determinant * determinant > FLAT_ANGLE * FLAT_ANGLE * (a * a + b * b) * (c * c + d * d) {
            return;
        }
        let (given, exact) = self.given();
        let [s, t, w] = &*exact.vertex(given, vertex);
        let at = [s.ratio(w), t.ratio(w)];
        let slack = 4.0 * ROUNDING * at[0].abs().max(at[1].abs());
        let vertex = &mut self.complex.vertices[vertex as usize];
        (vertex.at, vertex.slack) = (at, slack);
    }

    /// How far a point may be, in either coordinate, from where two lines meet: what is left of their forms there,
    /// and how well the forms are known, through the inverse of their gradients. Infinite where the lines are too
    /// close to parallel to tell.
    fn slack(&self, at: [f64; 2], lines: [u32; 2]) -> f64 {
        let [x, y] = lines.map(|line| &self.complex.lines[line as usize]);
        let reach = self.plan.reach;
        let left = |line: &Line| value(line.form, at).abs() + line.bounds(reach).of_value(0.0);
        let ([a, b, _], [c, d, _]) = (x.form, y.form);
        let determinant = (a * d - b * c).abs() - 2.0 * ROUNDING * ((a * d).abs() + (b * c).abs());
        if determinant <= 0.0 {
            return f64::INFINITY;
        }
        let (x, y) = (left(x), left(y));
        let s = d.abs() * x + b.abs() * y;
        let t = c.abs() * x + a.abs() * y;
        1.01 * s.max(t) / determinant
    }

    /// Sorts, by places where they are apart and exactly where they may not be. Fills in how many meet at
    /// each point.
    fn sort(
        &mut self,
        cell: u32,
        stage: usize,
        cuts: &[Cut],
        stretch: Stretch,
        crossings: &mut [Crossing],
        points: &mut Vec<(u32, u32)>,
    ) {
        crossings.sort_unstable_by(|x, y| x.at.total_cmp(&y.at));
        let mut reach = f64::NEG_INFINITY;
        let mut are_apart = true;
        for crossing in crossings.iter() {
            are_apart &= reach < crossing.at - crossing.slack;
            reach = reach.max(crossing.at + crossing.slack);
        }
        if are_apart {
            points.extend(crossings.iter().map(|_| (0, 1)));
            return;
        }
        let mut compare = |x: &Crossing, y: &Crossing| {
            if x.at + x.slack < y.at - y.slack {
                Ordering::Less
            } else if y.at + y.slack < x.at - x.slack {
                Ordering::Greater
            } else {
                self.compare(cell, stage, cuts, stretch, *x, *y)
            }
        };
        crossings.sort_by(&mut compare);
        for group in crossings.chunk_by(|x, y| compare(x, y).is_eq()) {
            points.push((0, group.len() as u32));
        }
    }

    /// Which of two walls crosses the stretch first, exactly.
    fn compare(
        &mut self,
        cell: u32,
        stage: usize,
        cuts: &[Cut],
        stretch: Stretch,
        x: Crossing,
        y: Crossing,
    ) -> Ordering {
        if x.cut == y.cut {
            return Ordering::Equal;
        }
        let operands = [x, y].map(|crossing| {
            operands(self.plan, &self.plan.stages[stage], cuts[crossing.cut as usize].what)
        });
        let (given, exact) = self.given();
        // The sign of y where x vanishes: if it is that of the start, x comes first.
        let sign = exact.sign_where(given, cell, operands[1], (stretch.line, operands[0]));
        match sign {
            Ordering::Equal => Ordering::Equal,
            Ordering::Greater if y.falls => Ordering::Less,
            Ordering::Less if !y.falls => Ordering::Less,
            _ => Ordering::Greater,
        }
    }
}
