//! The plane that a slice lies in, and lengths and areas in it as the input space measures them.

use crate::geometry::forms;
use crate::random::Random;

/// A plane through input space: its points are `origin + s·u + t·v`. The directions need not be orthonormal; u and
/// v as they are in f64 define the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub(crate) axes: forms::Plane,
    /// u·u, u·v and v·v.
    gram: [f64; 3],
}

/// Why vectors are no plane.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaneError {
    /// A vector has not the length of the others.
    #[error("{which} has {found} numbers, expected {expected} as the origin has")]
    Length {
        /// Which vector.
        which: &'static str,
        /// The origin's length.
        expected: usize,
        /// Its length.
        found: usize,
    },
    /// A number is NaN or infinite.
    #[error("number {column} of {which} is {value}, expected a finite number")]
    NotFinite {
        /// Which vector.
        which: &'static str,
        /// Which number.
        column: usize,
        /// What it is.
        value: f64,
    },
    /// The directions span a line, or a point.
    #[error("u and v are parallel (or one is zero): they span no plane")]
    Parallel,
}

impl Plane {
    /// The plane through `origin` along `u` and `v`.
    ///
    /// # Errors
    /// If the vectors differ in length, a number is not finite, or u and v are parallel.
    pub fn new(origin: Vec<f64>, u: Vec<f64>, v: Vec<f64>) -> Result<Self, PlaneError> {
        for (which, vector) in [("the origin", &origin), ("u", &u), ("v", &v)] {
            if vector.len() != origin.len() {
                let (expected, found) = (origin.len(), vector.len());
                return Err(PlaneError::Length { which, expected, found });
            }
            if let Some(column) = vector.iter().position(|value| !value.is_finite()) {
                return Err(PlaneError::NotFinite { which, column, value: vector[column] });
            }
        }
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let gram = [dot(&u, &u), dot(&u, &v), dot(&v, &v)];
        let plane = Self { axes: forms::Plane { origin, u, v }, gram };
        if plane.are_parallel() { Err(PlaneError::Parallel) } else { Ok(plane) }
    }

    /// The plane through three points: (0, 0), (1, 0) and (0, 1) in its coordinates.
    ///
    /// # Errors
    /// As for [`new`](Self::new); points on one line span no plane.
    pub fn through(points: [&[f64]; 3]) -> Result<Self, PlaneError> {
        let [origin, p, q] = points;
        let less = |x: &[f64]| x.iter().zip(origin).map(|(x, o)| x - o).collect::<Vec<_>>();
        if let Some((which, other)) = [("the second point", p), ("the third point", q)]
            .iter()
            .find(|(_, x)| x.len() != origin.len())
        {
            let (expected, found) = (origin.len(), other.len());
            return Err(PlaneError::Length { which, expected, found });
        }
        Self::new(origin.to_vec(), less(p), less(q))
    }

    /// The plane through one or two points and, for what they leave open, random directions: along p to q and
    /// across it, as long; or across any directions, of length 1. The same seed gives the same plane.
    ///
    /// # Errors
    /// As for [`new`](Self::new); a space of one dimension has no plane.
    pub fn at_random(origin: &[f64], other: Option<&[f64]>, seed: u64) -> Result<Self, PlaneError> {
        let mut random = Random::new(seed);
        let mut draw = || origin.iter().map(|_| random.normal()).collect::<Vec<f64>>();
        if let Some(other) = other
            && other.len() != origin.len()
        {
            let (expected, found) = (origin.len(), other.len());
            return Err(PlaneError::Length { which: "the second point", expected, found });
        }
        let u = match other {
            Some(other) => other.iter().zip(origin).map(|(x, o)| x - o).collect(),
            None => scaled_to(draw(), 1.0),
        };
        let (length, v) = (norm(&u), draw());
        let along = u.iter().zip(&v).map(|(u, v)| u * v).sum::<f64>() / (length * length);
        let across = v.iter().zip(&u).map(|(v, u)| v - along * u).collect();
        Self::new(origin.to_vec(), u, scaled_to(across, length))
    }

    /// Whether the directions are parallel: u_i v_j = u_j v_i for all i and j.
    fn are_parallel(&self) -> bool {
        let (u, v) = (&self.axes.u, &self.axes.v);
        let Some(i) = (0..u.len()).max_by(|&i, &j| u[i].abs().total_cmp(&u[j].abs())) else {
            return true;
        };
        u[i] == 0.0
            || (0..u.len())
                .all(|j| (u[i] * v[j] - u[j] * v[i]).abs() <= 1e-14 * (u[i] * v[j]).abs())
    }

    /// The point (0, 0).
    #[must_use]
    pub fn origin(&self) -> &[f64] {
        &self.axes.origin
    }

    /// The direction of the first coordinate.
    #[must_use]
    pub fn u(&self) -> &[f64] {
        &self.axes.u
    }

    /// The direction of the second coordinate.
    #[must_use]
    pub fn v(&self) -> &[f64] {
        &self.axes.v
    }

    /// The input at (s, t), rounded.
    #[must_use]
    pub fn point(&self, [s, t]: [f64; 2]) -> Vec<f64> {
        let forms::Plane { origin, u, v } = &self.axes;
        origin.iter().zip(u).zip(v).map(|((o, u), v)| o + s * u + t * v).collect()
    }

    /// The Euclidean length, in input space, of the vector (s, t).
    #[must_use]
    pub fn length(&self, [s, t]: [f64; 2]) -> f64 {
        let [uu, uv, vv] = self.gram;
        (s * s * uu + 2.0 * s * t * uv + t * t * vv).max(0.0).sqrt()
    }

    /// The inner product, in input space, of two vectors of the plane.
    #[must_use]
    pub fn dot(&self, [a, b]: [f64; 2], [c, d]: [f64; 2]) -> f64 {
        let [uu, uv, vv] = self.gram;
        a * c * uu + (a * d + b * c) * uv + b * d * vv
    }

    /// The area, in input space, of the unit square of the plane's coordinates.
    #[must_use]
    pub fn unit_area(&self) -> f64 {
        let [uu, uv, vv] = self.gram;
        (uu * vv - uv * uv).max(0.0).sqrt()
    }

    /// The Euclidean norm, along the plane, of the gradient of `a·s + b·t`.
    #[must_use]
    pub fn gradient_norm(&self, [a, b]: [f64; 2]) -> f64 {
        let [uu, uv, vv] = self.gram;
        let square = (a * a * vv - 2.0 * a * b * uv + b * b * uu) / (uu * vv - uv * uv);
        square.max(0.0).sqrt()
    }
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn scaled_to(vector: Vec<f64>, length: f64) -> Vec<f64> {
    let factor = length / norm(&vector);
    vector.into_iter().map(|x| x * factor).collect()
}
