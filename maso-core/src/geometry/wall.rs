//! Walls: half-spaces of unit normal, each with all units that change there.

use super::half_space::HalfSpace;
use crate::linearize::dot;

/// What happens to one unit at a wall.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// The unit, numbered through all layers in code order.
    pub unit: usize,
    /// The piece that it takes beyond, or may take.
    pub across: usize,
    /// How much its output changes beyond the wall, for each unit of (Euclidean) distance.
    pub bend: f64,
}

/// A half-space `normal · (x' − x) + distance ≥ 0` that a region lies in, x being its point.
#[derive(Clone, Debug, PartialEq)]
pub struct Wall {
    /// Unit normal, pointing inwards.
    pub normal: Vec<f64>,
    /// Euclidean distance of the region's point, 0 if the point is on the wall.
    pub distance: f64,
    /// All units that change here, a maximum once for each candidate that may win beyond; none for a side of the box.
    pub crossings: Vec<Crossing>,
}

/// Walls whose unit normals, or whose distances in proportion, differ by less than this coincide.
const COINCIDING: f64 = 1e-9;

impl Wall {
    pub(super) fn new(half_space: &HalfSpace<'_>) -> Self {
        let length = dot(half_space.normal, half_space.normal).sqrt();
        let HalfSpace { unit, across, bend, .. } = *half_space;
        Self {
            normal: half_space.normal.iter().map(|n| n / length).collect(),
            distance: half_space.slack / length,
            crossings: vec![Crossing { unit, across, bend: bend * length }],
        }
    }

    /// The (signed) distance at `offset` from the region's point.
    pub(super) fn distance_at(&self, offset: &[f64]) -> f64 {
        dot(&self.normal, offset) + self.distance
    }

    /// Takes one more crossing in. Of a maximum several candidates may overtake the winner at one wall; which of them
    /// wins beyond may depend on what changes before it.
    fn take(&mut self, crossing: Crossing) {
        let is_known = |own: &Crossing| (own.unit, own.across) == (crossing.unit, crossing.across);
        if !self.crossings.iter().any(is_known) {
            self.crossings.push(crossing);
        }
    }

    fn is_parallel_to(&self, other: &Self) -> bool {
        self.normal.iter().zip(&other.normal).all(|(a, b)| (a - b).abs() <= COINCIDING)
    }

    fn coincides_with(&self, other: &Self) -> bool {
        let size = self.distance.max(other.distance);
        self.is_parallel_to(other) && (self.distance - other.distance).abs() <= COINCIDING * size
    }
}

/// Walls with those that coincide made one, in the order of their first units; and for each whether a
/// parallel wall lies before it, so that it cannot be a facet.
pub(super) fn grouped(walls: Vec<Wall>) -> (Vec<Wall>, Vec<bool>) {
    let keys: Vec<f64> = walls.iter().map(|wall| mark(&wall.normal)).collect();
    let mut order: Vec<usize> = (0..walls.len()).collect();
    order.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]).then(a.cmp(&b)));
    let near = |first: usize, other: usize| {
        keys[other] - keys[first] <= COINCIDING * walls[first].normal.len() as f64
    };
    // For each wall, the one that it is part of, and whether another stands before it.
    let mut part_of: Vec<usize> = (0..walls.len()).collect();
    let mut hidden = vec![false; walls.len()];
    for (i, &a) in order.iter().enumerate() {
        for &b in order[i + 1..].iter().take_while(|&&b| near(a, b)) {
            if walls[a].coincides_with(&walls[b]) {
                let first = part_of[a].min(part_of[b]);
                (part_of[a], part_of[b]) = (first, first);
            } else if walls[a].is_parallel_to(&walls[b]) {
                let further = if walls[a].distance > walls[b].distance { a } else { b };
                hidden[further] = true;
            }
        }
    }
    merge(walls, &part_of, &hidden)
}

fn merge(walls: Vec<Wall>, part_of: &[usize], hidden: &[bool]) -> (Vec<Wall>, Vec<bool>) {
    let mut place = vec![usize::MAX; walls.len()];
    let (mut merged, mut is_hidden): (Vec<Wall>, Vec<bool>) = (Vec::new(), Vec::new());
    for (index, wall) in walls.into_iter().enumerate() {
        // Chains of coinciding walls lead to their first.
        let mut first = part_of[index];
        while part_of[first] != first {
            first = part_of[first];
        }
        if first == index {
            place[index] = merged.len();
            merged.push(wall);
            is_hidden.push(hidden[index]);
        } else {
            wall.crossings.iter().for_each(|crossing| merged[place[first]].take(*crossing));
        }
    }
    (merged, is_hidden)
}

/// A number that is about the same for normals that are.
fn mark(normal: &[f64]) -> f64 {
    let weight = |i: usize| ((i as f64 * 0.618_033_988_749_895).fract() - 0.5) * 2.0;
    normal.iter().enumerate().map(|(i, n)| weight(i) * n).sum()
}
