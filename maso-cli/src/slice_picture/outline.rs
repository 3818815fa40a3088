//! Fewer and longer lines: rims of areas of one colour, edges of one wall joined, points of straight lines left out.

use maso_core::geometry::slice::{CellComplex, SliceEdge};

/// Edges one after another, each with whether it is passed from its second end to its first.
pub(super) type Chain = Vec<(u32, bool)>;

/// For each of `colours` colours, the rims of the areas that its cells make up: rings of vertices.
pub(super) fn rims(complex: &CellComplex, colour: &[u16], colours: usize) -> Vec<Vec<Vec<u32>>> {
    let mut sides = differing_sides(complex, colour);
    sides.sort_unstable();
    let mut rims = vec![Vec::new(); colours];
    let mut used = vec![false; sides.len()];
    for first in 0..sides.len() {
        if !used[first] {
            rims[usize::from(sides[first].0)].push(ring(&sides, &mut used, first));
        }
    }
    rims
}

/// The sides of cells beyond which the colour is another: the colour, and the ends in the order in which the cell is
/// on the left.
fn differing_sides(complex: &CellComplex, colour: &[u16]) -> Vec<(u16, u32, u32)> {
    let of = |cell: u32| (cell != SliceEdge::NOTHING).then(|| colour[cell as usize]);
    let mut sides = Vec::new();
    for edge in &complex.edges {
        let ([left, right], [start, end]) = (edge.cells.map(of), edge.ends);
        if left != right {
            sides.extend(left.map(|colour| (colour, start, end)));
            sides.extend(right.map(|colour| (colour, end, start)));
        }
    }
    sides
}

/// Follows sides of one colour until there is none to go on with. As many begin at a vertex as end there, so that is
/// where it began.
fn ring(sides: &[(u16, u32, u32)], used: &mut [bool], first: usize) -> Vec<u32> {
    let mut ring = Vec::new();
    let mut next = Some(first);
    while let Some(side) = next {
        used[side] = true;
        let (colour, start, end) = sides[side];
        ring.push(start);
        let from = sides.partition_point(|&(other, start, _)| (other, start) < (colour, end));
        let here = sides[from..].iter().take_while(|side| (side.0, side.1) == (colour, end));
        next = (from..from + here.count()).find(|&side| !used[side]);
    }
    ring
}

/// Joins edges that share a key and a vertex. `keyed` has each edge once; chains come in order of their keys.
pub(super) fn chains<K: Ord + Copy>(
    complex: &CellComplex,
    keyed: impl Iterator<Item = (K, u32)>,
) -> Vec<(K, Chain)> {
    let mut ends: Vec<(K, u32, u32)> = Vec::new();
    for (key, edge) in keyed {
        ends.extend(complex.edges[edge as usize].ends.map(|end| (key, end, edge)));
    }
    ends.sort_unstable();
    let joints = Joints { complex, ends };
    let mut used = vec![false; complex.edges.len()];
    let mut chains = Vec::new();
    for group in joints.ends.chunk_by(|first, second| first.0 == second.0) {
        // Open lines from where they begin, then what is closed.
        for closed in [false, true] {
            for at in group.chunk_by(|first, second| first.1 == second.1) {
                for &(key, vertex, edge) in at {
                    if (closed || at.len() % 2 == 1) && !used[edge as usize] {
                        chains.push((key, joints.follow(key, vertex, edge, &mut used)));
                    }
                }
            }
        }
    }
    chains
}

/// Where edges of one key meet.
struct Joints<'a, K> {
    complex: &'a CellComplex,
    /// Key, vertex, edge, in order.
    ends: Vec<(K, u32, u32)>,
}

impl<K: Ord + Copy> Joints<'_, K> {
    /// The chain that begins with `edge` at `vertex`.
    fn follow(&self, key: K, vertex: u32, edge: u32, used: &mut [bool]) -> Chain {
        let mut chain = Vec::new();
        let (mut vertex, mut next) = (vertex, Some(edge));
        while let Some(edge) = next {
            used[edge as usize] = true;
            let ends = self.complex.edges[edge as usize].ends;
            let reversed = ends[0] != vertex;
            chain.push((edge, reversed));
            vertex = ends[usize::from(!reversed)];
            let from = self.ends.partition_point(|end| (end.0, end.1) < (key, vertex));
            let here = self.ends[from..].iter().take_while(|end| (end.0, end.1) == (key, vertex));
            next = here.map(|end| end.2).find(|&edge| !used[edge as usize]);
        }
        chain
    }
}

/// The vertices along a chain.
pub(super) fn vertices(complex: &CellComplex, chain: &Chain) -> Vec<u32> {
    let end = |edge: u32, second: bool| complex.edges[edge as usize].ends[usize::from(second)];
    let first = chain.first().map(|&(edge, reversed)| end(edge, reversed));
    first.into_iter().chain(chain.iter().map(|&(edge, reversed)| end(edge, !reversed))).collect()
}

/// Leaves out points that are closer than `slack` to the line without them (Douglas and Peucker, 1973). The ends
/// stay.
pub(super) fn thinned(points: &[[f64; 2]], slack: f64) -> Vec<[f64; 2]> {
    let kept = points.iter().zip(offsets(points)).filter(|(_, offset)| *offset > slack);
    kept.map(|(point, _)| *point).collect()
}

/// How far each point is from the line without it, when points come in the order in which the line needs them. No
/// point's offset is larger than that of one that it needs to be there first.
pub(super) fn offsets(points: &[[f64; 2]]) -> Vec<f64> {
    let mut offsets = vec![f64::INFINITY; points.len()];
    let mut stretches = match points.len().checked_sub(1) {
        Some(last) => vec![(0, last, f64::INFINITY)],
        None => Vec::new(),
    };
    while let Some((first, last, most)) = stretches.pop() {
        let away = |&i: &usize| distance(points[i], points[first], points[last]);
        let farthest = (first + 1..last).max_by(|i, j| away(i).total_cmp(&away(j)));
        if let Some(i) = farthest {
            offsets[i] = away(&i).min(most);
            stretches.extend([(first, i, offsets[i]), (i, last, offsets[i])]);
        }
    }
    offsets
}

/// The same for a ring, whose last point is followed by its first.
pub(super) fn thinned_ring(ring: &[[f64; 2]], slack: f64) -> Vec<[f64; 2]> {
    let Some(&first) = ring.first() else { return Vec::new() };
    let away = |&i: &usize| (ring[i][0] - first[0]).hypot(ring[i][1] - first[1]);
    let opposite = (0..ring.len()).max_by(|i, j| away(i).total_cmp(&away(j))).unwrap_or(0);
    let mut kept = thinned(&ring[..=opposite], slack);
    let back: Vec<[f64; 2]> = ring[opposite..].iter().copied().chain([first]).collect();
    let back = thinned(&back, slack);
    kept.extend_from_slice(&back[1..back.len() - 1]);
    kept
}

/// From a point to a stretch of a line.
fn distance([x, y]: [f64; 2], [x0, y0]: [f64; 2], [x1, y1]: [f64; 2]) -> f64 {
    let (along, up) = (x1 - x0, y1 - y0);
    let square = along * along + up * up;
    let share = ((x - x0) * along + (y - y0) * up) / square;
    let share = if square > 0.0 { share.clamp(0.0, 1.0) } else { 0.0 };
    (x - x0 - share * along).hypot(y - y0 - share * up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_of_straight_lines_go() {
        let line = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.001], [3.0, 0.0], [3.0, 2.0], [3.0, 4.0]];
        let expected = [[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]];
        assert_eq!(thinned(&line, 0.01), expected, "the corner and the ends stay");
        assert_eq!(thinned(&line[..1], 0.01), line[..1], "a point");
        assert!(thinned(&[], 0.01).is_empty(), "nothing");
    }

    #[test]
    fn rings_keep_their_corners() {
        let square = [[1.0, 0.0], [2.0, 0.0], [2.0, 2.0], [1.0, 2.0], [0.0, 2.0], [0.0, 0.0]];
        let corners = thinned_ring(&square, 1e-6);
        for corner in [[2.0, 0.0], [2.0, 2.0], [0.0, 2.0], [0.0, 0.0]] {
            assert!(corners.contains(&corner), "{corner:?} is missing in {corners:?}");
        }
        assert!(corners.len() <= 5, "{corners:?}: one side's middle may stay, as the start");
    }
}
