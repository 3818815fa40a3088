//! Linear programs over a polyhedron, by nearest points; and with them nearest points in L1 and L∞.

use super::Norm;
use super::nearest::{Nearest, Polyhedron, Query};
use crate::linearize::dot;

/// Steps that a linear program may take; each is a whole search for a nearest point, and few are needed.
const MOST_STEPS: usize = 60;

impl Polyhedron {
    /// A point of the polyhedron where `gradient · y` is least, by proximal steps: the point nearest to one that lies
    /// `stride` and more down the gradient, again from there, until nothing moves. That takes finitely many
    /// steps (Rockafellar, *Monotone operators and the proximal point algorithm*, 1976). What else is asked for,
    /// and where to start, is the query's; [`Nearest::Beyond`] if the least value is above its cutoff.
    pub(super) fn lowest(&self, gradient: &[f64], stride: f64, query: &Query<'_>) -> Nearest {
        let mut best: Option<Vec<f64>> = None;
        let mut stride = stride;
        for _ in 0..MOST_STEPS {
            let start = best.as_deref().unwrap_or(query.from);
            let from: Vec<f64> = start.iter().zip(gradient).map(|(y, g)| y - stride * g).collect();
            let next = self.nearest(&Query { from: &from, cutoff: f64::INFINITY, ..*query });
            let Nearest::Point(next, _) = next else { return next };
            if let Some(best) = &best {
                let size = dot(&next, &next).sqrt() + f64::MIN_POSITIVE;
                let moved: f64 = next.iter().zip(best).map(|(a, b)| (a - b).powi(2)).sum();
                let gain = dot(gradient, best) - dot(gradient, &next);
                if gain.abs() <= 1e-10 * size && moved.sqrt() <= 1e-6 * size {
                    let value = dot(gradient, &next);
                    let beyond = value > query.cutoff;
                    return if beyond { Nearest::Beyond } else { Nearest::Point(next, value) };
                }
                stride = (8.0 * stride).min(1e3 * size);
            }
            best = Some(next);
        }
        Nearest::Stuck
    }

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
        // A stride of the size of the problem: the distance of what is to be reached.
        let slacks = (0..self.len()).map(|index| -self.slack(index));
        let missing = slacks.fold(on.map_or(0.0, |(_, slack)| slack.abs()), f64::max);
        let from = vec![0.0; dims + more];
        let stride = missing.max(1e-6);
        let found = lifted.lowest(&gradient, stride, &Query { from: &from, on, ..*query });
        match found {
            Nearest::Point(mut point, value) => {
                point.truncate(dims);
                Nearest::Point(point, value.max(0.0))
            }
            other => other,
        }
    }
}
