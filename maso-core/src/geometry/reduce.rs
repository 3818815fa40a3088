//! A region's polytope in as few coordinates as its walls have directions.
//!
//! Two reductions, both exact. Normals span a subspace, often far smaller than the input: along the rest
//! nothing happens. And a wall whose normal is no sum of the others' can be walked up to without changing the
//! distance to any other: it is a facet, whatever else there is, and can be left out of every question about
//! the others. In a network whose first layer is narrower than its input, that goes for every unit of it that is
//! off.

use super::nearest::Polyhedron;
use super::wall::Wall;
use crate::linearize::dot;
use crate::orthogonal::{solve_upper, split};

/// What is left of a vector counts as zero if it is shorter than this part of it.
const DEPENDENT: f64 = 1e-9;
/// How much walking up to an independent wall may change the distance to others, for each unit walked.
const UNCHANGED: f64 = 1e-13;
/// Work (products) beyond which independent walls are not looked for.
const MOST_WORK: f64 = 4e9;

/// A polytope around an interior point.
#[derive(Debug)]
pub(super) struct Reduced {
    /// The interior point, from the region's point.
    pub(super) centre: Vec<f64>,
    /// Orthonormal directions of the input, one for each coordinate.
    basis: Vec<Vec<f64>>,
    /// The walls that depend on one another, around the interior point.
    pub(super) polyhedron: Polyhedron,
    /// Which wall each half-space of the polyhedron is.
    pub(super) walls: Vec<usize>,
    /// Walls that do not depend on others, each with the direction in which its distance grows by 1 while
    /// that of no other changes.
    pub(super) independent: Vec<(usize, Vec<f64>)>,
    /// Whether the walls have every direction of the input.
    pub(super) spans_input: bool,
}

impl Reduced {
    /// The polytope of those `walls` that `included` names.
    pub(super) fn new(walls: &[Wall], included: &[usize], centre: Vec<f64>) -> Self {
        let inputs = centre.len();
        let normals: Vec<&[f64]> = included.iter().map(|&wall| &*walls[wall].normal).collect();
        let basis = span(&normals, inputs);
        let spans_input = basis.len() == inputs;
        let coordinates: Vec<Vec<f64>> =
            normals.iter().map(|normal| basis.iter().map(|q| dot(q, normal)).collect()).collect();
        let free = independent(&coordinates, basis.len());
        let mut is_free = vec![false; included.len()];
        free.iter().for_each(|(index, _)| is_free[*index] = true);
        let independent = free
            .into_iter()
            .map(|(index, v)| (included[index], lift(&basis, &v, inputs)))
            .collect::<Vec<_>>();
        let rest: Vec<usize> = (0..included.len()).filter(|&index| !is_free[index]).collect();
        let basis = if independent.is_empty() {
            basis
        } else {
            let normals: Vec<&[f64]> = rest.iter().map(|&index| normals[index]).collect();
            span(&normals, inputs)
        };
        let mut polyhedron = Polyhedron::new(basis.len());
        for &index in &rest {
            let wall = &walls[included[index]];
            let row: Vec<f64> = basis.iter().map(|q| dot(q, &wall.normal)).collect();
            polyhedron.push(&row, wall.distance_at(&centre));
        }
        let walls = rest.into_iter().map(|index| included[index]).collect();
        Self { centre, basis, polyhedron, walls, independent, spans_input }
    }

    /// The offset from the region's point of a point at coordinates `y`: the one that is as far from every independent
    /// wall as the interior point, or `margin` away if that is more.
    pub(super) fn offset(&self, walls: &[Wall], y: &[f64], margin: f64) -> Vec<f64> {
        let mut offset = lift(&self.basis, y, self.centre.len());
        offset.iter_mut().zip(&self.centre).for_each(|(offset, centre)| *offset += centre);
        for (wall, direction) in &self.independent {
            let wanted = walls[*wall].distance_at(&self.centre).max(margin);
            let missing = wanted - walls[*wall].distance_at(&offset);
            offset.iter_mut().zip(direction).for_each(|(o, d)| *o += missing * d);
        }
        offset
    }
}

pub(super) fn lift(basis: &[Vec<f64>], y: &[f64], inputs: usize) -> Vec<f64> {
    let mut x = vec![0.0; inputs];
    for (q, y) in basis.iter().zip(y) {
        x.iter_mut().zip(q).for_each(|(x, q)| *x += y * q);
    }
    x
}

/// Orthonormal vectors that span `vectors`; the axes themselves where they span everything.
pub(super) fn span(vectors: &[&[f64]], dims: usize) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for vector in vectors {
        let size = dot(vector, vector).sqrt();
        let (_, mut rest) = split(&basis, vector);
        let length = dot(&rest, &rest).sqrt();
        if length > DEPENDENT * size {
            rest.iter_mut().for_each(|rest| *rest /= length);
            basis.push(rest);
        }
        if basis.len() == dims {
            let axis = |i: usize| (0..dims).map(|j| f64::from(u8::from(i == j))).collect();
            return (0..dims).map(axis).collect();
        }
    }
    basis
}

/// The rows of a matrix of full column rank that no others depend on, each with v such that the matrix maps v
/// to 1 in this row and 0 in all others. Such a row has leverage 1: it is an axis of the column space.
fn independent(rows: &[Vec<f64>], columns: usize) -> Vec<(usize, Vec<f64>)> {
    if (rows.len() * columns) as f64 * columns as f64 > MOST_WORK {
        return Vec::new();
    }
    // Q R of the columns: q holds orthonormal columns, r the triangle column by column.
    let (mut q, mut r): (Vec<Vec<f64>>, Vec<Vec<f64>>) = (Vec::new(), Vec::new());
    for column in 0..columns {
        let vector: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        let size = dot(&vector, &vector).sqrt();
        let (mut along, mut rest) = split(&q, &vector);
        let length = dot(&rest, &rest).sqrt();
        if length <= DEPENDENT * size {
            return Vec::new();
        }
        rest.iter_mut().for_each(|rest| *rest /= length);
        q.push(rest);
        along.push(length);
        r.push(along);
    }
    let leverage = |row: usize| q.iter().map(|q| q[row] * q[row]).sum::<f64>();
    let free = (0..rows.len()).filter(|&row| leverage(row) >= 1.0 - DEPENDENT);
    let solve = |row: usize| solve_upper(&r, q.iter().map(|q| q[row]).collect());
    // Leverage sees no less than the square of a residual: what counts is what v does to the others.
    let is_free = |row: usize, v: &[f64]| {
        let bound = UNCHANGED * (1.0 + dot(v, v).sqrt());
        let one = |other: usize| f64::from(u8::from(other == row));
        rows.iter().enumerate().all(|(other, n)| (dot(n, v) - one(other)).abs() <= bound)
    };
    free.map(|row| (row, solve(row))).filter(|(row, v)| is_free(*row, v)).collect()
}
