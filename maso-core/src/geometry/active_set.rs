//! The walls that hold a point: their normals as Q R, with Q orthonormal, so that directions along all of them, and
//! what each of them carries, are found without solving with a matrix of squared condition.

use crate::orthogonal::{solve_upper, split};

/// A normal counts as a sum of others if what is left of it is shorter than this part of it.
pub(super) const DEPENDENT: f64 = 1e-9;

/// A half-space that is active: one of the polyhedron's, or the hyperplane of the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    HalfSpace(usize),
    Hyperplane,
}

/// The active half-spaces: their unit normals as columns of Q R, and their multipliers.
#[derive(Clone, Debug, Default)]
pub(super) struct ActiveSet {
    pub(super) members: Vec<Member>,
    multipliers: Vec<f64>,
    /// Orthonormal vectors.
    q: Vec<Vec<f64>>,
    /// Column by column, `k + 1` numbers in column k.
    r: Vec<Vec<f64>>,
}

impl ActiveSet {
    /// A vector as its coordinates in Q and what is left over.
    pub(super) fn split(&self, vector: &[f64]) -> (Vec<f64>, Vec<f64>) {
        split(&self.q, vector)
    }

    /// R⁻¹ `along`: how much of each member the new normal is made of.
    pub(super) fn solve(&self, along: &[f64]) -> Vec<f64> {
        solve_upper(&self.r, along.to_vec())
    }

    /// The member whose multiplier falls to 0 first as the new one grows, and when.
    pub(super) fn blocking(&self, pull: &[f64]) -> Option<(usize, f64)> {
        let falling = (0..pull.len())
            .filter(|&i| pull[i] > 1e-14 && self.members[i] != Member::Hyperplane)
            .map(|i| (i, (self.multipliers[i] / pull[i]).max(0.0)));
        falling.min_by(|a, b| a.1.total_cmp(&b.1))
    }

    pub(super) fn pull(&mut self, pull: &[f64], step: f64) {
        self.multipliers.iter_mut().zip(pull).for_each(|(m, pull)| *m -= step * pull);
    }

    pub(super) fn append(
        &mut self,
        member: Member,
        along: &[f64],
        direction: Vec<f64>,
        length: f64,
        multiplier: f64,
    ) {
        self.members.push(member);
        self.multipliers.push(multiplier);
        self.q.push(direction);
        self.r.push(along.iter().copied().chain([length]).collect());
    }

    /// Drops a member; rotations make R triangular again.
    pub(super) fn remove(&mut self, index: usize) {
        self.members.remove(index);
        self.multipliers.remove(index);
        self.r.remove(index);
        for k in index..self.r.len() {
            // Column k has one number too many, in row k + 1.
            let (a, b) = (self.r[k][k], self.r[k][k + 1]);
            let length = a.hypot(b);
            let (cos, sin) = if length == 0.0 { (1.0, 0.0) } else { (a / length, b / length) };
            for column in &mut self.r[k..] {
                let (upper, lower) = (column[k], column[k + 1]);
                column[k] = cos * upper + sin * lower;
                column[k + 1] = cos * lower - sin * upper;
            }
            self.r[k].truncate(k + 1);
            let (first, second) = self.q.split_at_mut(k + 1);
            for (upper, lower) in first[k].iter_mut().zip(&mut second[0]) {
                (*upper, *lower) = (cos * *upper + sin * *lower, cos * *lower - sin * *upper);
            }
        }
        self.q.pop();
    }
}
