//! The lines along which what was decided last changes: the decision boundary, or a level set.

use hashbrown::HashMap;

use super::{Slice, SliceEdge};

/// A stretch of a boundary between the same two classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Polyline {
    /// Its corners in order; the first again at the end if it is closed.
    pub points: Vec<[f64; 2]>,
    /// The class on its left, and on its right.
    pub classes: [u32; 2],
}

/// Where a boundary bends, as it does only at walls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundaryBend {
    /// Where.
    pub at: [f64; 2],
    /// By how much it turns, in radians, as the input space measures it along the plane; 0 to π.
    pub angle: f64,
    /// Half the length of the two segments that meet.
    pub length: f64,
}

impl Slice {
    /// The boundary of what was decided, as lines that are as long as they can be; empty if nothing was.
    #[must_use]
    pub fn boundary(&self) -> Vec<Polyline> {
        let Some(target) = &self.target else { return Vec::new() };
        let mut pieces = HashMap::<[u32; 2], Vec<[u32; 2]>>::new();
        for edge in target.complex.edges.iter().filter(|edge| edge.is_inner()) {
            let [left, right] = edge.cells.map(|cell| target.class[cell as usize]);
            let [a, b] = edge.ends;
            if left < right {
                pieces.entry([left, right]).or_default().push([a, b]);
            } else if right < left {
                pieces.entry([right, left]).or_default().push([b, a]);
            }
        }
        let mut classes: Vec<_> = pieces.into_iter().collect();
        classes.sort_unstable();
        let lines = classes.into_iter().flat_map(|(classes, edges)| {
            let chains = chains(&edges);
            chains.into_iter().map(move |chain| (classes, chain))
        });
        lines
            .map(|(classes, chain)| {
                let at = |vertex: u32| target.complex.vertices[vertex as usize];
                Polyline { points: chain.into_iter().map(at).collect(), classes }
            })
            .collect()
    }

    /// The length of the boundary, as the input space measures it.
    #[must_use]
    pub fn boundary_length(&self) -> f64 {
        let Some(target) = &self.target else { return 0.0 };
        let changes = |edge: &&SliceEdge| {
            edge.is_inner()
                && target.class[edge.cells[0] as usize] != target.class[edge.cells[1] as usize]
        };
        let length = |edge: &SliceEdge| self.length(&target.complex, edge);
        target.complex.edges.iter().filter(changes).map(length).sum()
    }

    /// Where a line of the boundary bends.
    #[must_use]
    pub fn bends(&self, line: &Polyline) -> Vec<BoundaryBend> {
        let points = &line.points;
        let is_closed = points.len() > 2 && points.first() == points.last();
        let mut corners: Vec<[[f64; 2]; 3]> =
            points.windows(3).map(|corner| [corner[0], corner[1], corner[2]]).collect();
        if is_closed {
            corners.push([points[points.len() - 2], points[0], points[1]]);
        }
        let bend = |[p, q, r]: [[f64; 2]; 3]| {
            let (x, y) = ([q[0] - p[0], q[1] - p[1]], [r[0] - q[0], r[1] - q[1]]);
            let lengths = [self.plane.length(x), self.plane.length(y)];
            let across = (x[0] * y[1] - x[1] * y[0]).abs() * self.plane.unit_area();
            let angle = across.atan2(self.plane.dot(x, y));
            BoundaryBend { at: q, angle, length: (lengths[0] + lengths[1]) / 2.0 }
        };
        corners.into_iter().map(bend).collect()
    }
}

/// Directed edges joined end to start where just one follows another.
fn chains(edges: &[[u32; 2]]) -> Vec<Vec<u32>> {
    let mut from = HashMap::<u32, Vec<usize>>::new();
    let mut into = HashMap::<u32, usize>::new();
    for (i, [a, b]) in edges.iter().enumerate() {
        from.entry(*a).or_default().push(i);
        *into.entry(*b).or_default() += 1;
    }
    let passes = |vertex: u32| {
        from.get(&vertex).is_some_and(|next| next.len() == 1) && into.get(&vertex) == Some(&1)
    };
    let mut used = vec![false; edges.len()];
    let mut chains = Vec::new();
    // Open ones first, from where they begin; what is left is closed.
    let open = (0..edges.len()).filter(|&i| !passes(edges[i][0]));
    for first in open.chain(0..edges.len()) {
        if used[first] {
            continue;
        }
        let mut chain = vec![edges[first][0]];
        let mut at = first;
        loop {
            used[at] = true;
            let end = edges[at][1];
            chain.push(end);
            match from.get(&end).map(Vec::as_slice) {
                Some(&[next]) if passes(end) && !used[next] => at = next,
                _ => break,
            }
        }
        chains.push(chain);
    }
    chains
}
