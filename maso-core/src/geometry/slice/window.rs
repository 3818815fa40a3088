//! The convex polygon of the plane that a slice shows.

use crate::geometry::exact::{Dyadic, Triple, cross, dot};
use crate::geometry::forms::{Bounds, ROUNDING};
use std::cmp::Ordering;

/// A convex polygon, its corners counterclockwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    corners: Vec<[f64; 2]>,
}

/// Why corners are no window.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// A corner's coordinate is NaN or infinite.
    #[error("corner {corner} of the window is ({}, {}), expected finite coordinates", at[0], at[1])]
    NotFinite {
        /// Which.
        corner: usize,
        /// Its coordinates.
        at: [f64; 2],
    },
    /// The corners do not turn left one after another.
    #[error(
        "the window is not convex: it does not turn left at corner {corner}; give the corners of a convex polygon in order"
    )]
    NotConvex {
        /// The first corner at which they do not.
        corner: usize,
    },
}

impl Window {
    /// The box from `s[0]` to `s[1]` and `t[0]` to `t[1]`.
    ///
    /// # Errors
    /// If a number is not finite. A box without inside is a window without regions.
    pub fn new_box(s: [f64; 2], t: [f64; 2]) -> Result<Self, WindowError> {
        let corners = vec![[s[0], t[0]], [s[1], t[0]], [s[1], t[1]], [s[0], t[1]]];
        Self::finite(&corners)?;
        Ok(if s[0] < s[1] && t[0] < t[1] { Self { corners } } else { Self { corners: Vec::new() } })
    }

    /// A convex polygon; its corners in order, either way round. Corners in the middle of a side are left out. No
    /// inside: a window without regions.
    ///
    /// # Errors
    /// If a coordinate is not finite, or the polygon is not convex.
    pub fn polygon(corners: &[[f64; 2]]) -> Result<Self, WindowError> {
        Self::finite(corners)?;
        let mut kept: Vec<[f64; 2]> = corners.to_vec();
        kept.dedup();
        while kept.len() > 1 && kept.first() == kept.last() {
            kept.pop();
        }
        let turns = |kept: &[[f64; 2]]| -> Vec<Ordering> {
            let n = kept.len();
            (0..n).map(|i| turn([kept[(i + n - 1) % n], kept[i], kept[(i + 1) % n]])).collect()
        };
        let mut turned = turns(&kept);
        if turned.iter().all(|turn| turn.is_eq()) {
            return Ok(Self { corners: Vec::new() });
        }
        let mut straight = turned.iter();
        kept.retain(|_| straight.next().is_some_and(|turn| turn.is_ne()));
        turned.retain(|turn| turn.is_ne());
        if turned[0] == Ordering::Less {
            kept.reverse();
            turned.iter_mut().for_each(|turn| *turn = turn.reverse());
        }
        if let Some(corner) = turned.iter().position(|turn| *turn == Ordering::Less) {
            return Err(WindowError::NotConvex { corner });
        }
        // A star turns left everywhere as well, but sees some side from outside.
        let n = kept.len();
        for i in 0..n {
            let outside =
                |j: &usize| turn([kept[i], kept[(i + 1) % n], kept[*j]]) == Ordering::Less;
            if let Some(corner) = (0..n).find(outside) {
                return Err(WindowError::NotConvex { corner });
            }
        }
        Ok(Self { corners: kept })
    }

    fn finite(corners: &[[f64; 2]]) -> Result<(), WindowError> {
        let wild = corners.iter().position(|at| !at.iter().all(|x| x.is_finite()));
        wild.map_or(Ok(()), |corner| Err(WindowError::NotFinite { corner, at: corners[corner] }))
    }

    /// The corners, counterclockwise; none if the window has no inside.
    #[must_use]
    pub fn corners(&self) -> &[[f64; 2]] {
        &self.corners
    }

    /// The largest coordinates, without sign.
    pub(crate) fn reach(&self) -> [f64; 2] {
        [0, 1].map(|axis| self.corners.iter().fold(0.0, |reach: f64, at| reach.max(at[axis].abs())))
    }

    /// Its area in the plane's own coordinates.
    #[must_use]
    pub fn area(&self) -> f64 {
        polygon_area(&self.corners)
    }

    pub(super) fn exact_corner(&self, corner: usize) -> Triple {
        exact_point(self.corners[corner])
    }

    /// The line of a side in f64, and the error of its form.
    pub(super) fn side(&self, side: usize) -> ([f64; 3], f64) {
        let [[s, t], [x, y]] = [side, side + 1].map(|i| self.corners[i % self.corners.len()]);
        let (a, b) = (t - y, x - s);
        let form = [a, b, -(a * s + b * t)];
        let bounds = Bounds::default().of_form(form, self.reach());
        let spread = 2.0 * self.reach()[0] * self.reach()[1];
        (form, 4.0 * ROUNDING * (bounds.size + spread))
    }

    /// The line of a side, which begins at the corner of its number.
    pub(super) fn exact_side(&self, side: usize) -> Triple {
        let next = (side + 1) % self.corners.len();
        cross(&self.exact_corner(side), &self.exact_corner(next))
    }
}

fn exact_point([s, t]: [f64; 2]) -> Triple {
    [s, t, 1.0].map(Dyadic::new)
}

/// Whether three points turn left (greater), right (less), or not at all.
fn turn(points: [[f64; 2]; 3]) -> Ordering {
    let [p, q, r] = points.map(exact_point);
    dot(&cross(&p, &q), &r).sign()
}

/// The area of a polygon whose corners are in counterclockwise order.
pub(crate) fn polygon_area(corners: &[[f64; 2]]) -> f64 {
    let Some(&[s0, t0]) = corners.first() else { return 0.0 };
    let from_first = corners.iter().map(|[s, t]| [s - s0, t - t0]);
    let pairs = from_first.clone().zip(from_first.skip(1));
    pairs.map(|([a, b], [c, d])| a * d - b * c).sum::<f64>() / 2.0
}
