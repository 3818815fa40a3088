//! The shared complex of a slice's cells, gathered from all that walks have made; where patches meet, their edges are
//! sewn together.

use hashbrown::HashMap;

use super::complex::{Complex, LineOf, NONE, Side, What};
use super::patches::{Base, Patch};
use super::result::{CellComplex, SliceEdge, WallOf};
use super::walk::Found;
use crate::geometry::forms::{Kind, Stage};

/// Builds the shared complex of `cells` of each patch.
pub(super) fn gather(
    patches: &[Patch],
    cells: impl Fn(&Patch) -> &[Found],
    stages: &[Stage],
    depth: usize,
    base: Base,
) -> CellComplex {
    let mut out = CellComplex::default();
    out.starts.push(0);
    let mut known = Numbers { vertices: vec![NONE; base.vertices], edges: vec![NONE; base.edges] };
    let mut seams = Seams { depth, of: HashMap::new(), leaves: Vec::new() };
    for patch in patches {
        out.patch_starts.push(out.vertices.len() as u32);
        known.vertices.resize(patch.complex.vertices.len(), NONE);
        known.edges.resize(patch.complex.edges.len(), NONE);
        seams.sew(&patch.complex, &mut known, base.edges);
        take_in(patch, cells(patch), (stages, depth), &mut known, &mut out);
        seams.note(&patch.complex, &known, base.edges);
        // The base has the same numbers in all patches.
        known.vertices.truncate(base.vertices);
        known.edges.truncate(base.edges);
    }
    out
}

/// What a patch's vertices and edges are in the shared complex.
struct Numbers {
    vertices: Vec<u32>,
    edges: Vec<u32>,
}

/// The parts of edges of the base, which the patches on both sides cut alike.
struct Seams {
    depth: usize,
    /// For each edge of the base, its parts in order: their numbers in the shared complex, and those of their last ends.
    of: HashMap<u32, Vec<[u32; 2]>>,
    leaves: Vec<Side>,
}

impl Seams {
    /// Gives the parts of edges that another patch has cut as well the numbers that they have there.
    fn sew(&mut self, complex: &Complex, known: &mut Numbers, base: usize) {
        for edge in 0..base as u32 {
            let Some(parts) = self.of.get(&edge) else { continue };
            self.leaves.clear();
            complex.leaves(Side::new(edge, false), self.depth, &mut self.leaves);
            // An edge that is not cut alike belongs to a walk that stopped half way.
            if self.leaves.len() != parts.len() {
                continue;
            }
            for (leaf, [part, end]) in self.leaves.iter().zip(parts) {
                known.edges[leaf.edge()] = *part;
                known.vertices[complex.end(*leaf) as usize] = *end;
            }
        }
    }

    /// Takes down the parts of edges that this patch has cut first.
    fn note(&mut self, complex: &Complex, known: &Numbers, base: usize) {
        for edge in 0..base as u32 {
            // What the base cut itself has parts in the base.
            let is_cut = complex.edges[edge as usize].cut != NONE
                && complex.edges[edge as usize].first as usize >= base;
            if !is_cut || self.of.contains_key(&edge) {
                continue;
            }
            self.leaves.clear();
            complex.leaves(Side::new(edge, false), self.depth, &mut self.leaves);
            let number = |leaf: &Side| {
                [known.edges[leaf.edge()], known.vertices[complex.end(*leaf) as usize]]
            };
            let parts: Vec<[u32; 2]> = self.leaves.iter().map(number).collect();
            if parts.iter().any(|[part, _]| *part != NONE) {
                self.of.insert(edge, parts);
            }
        }
    }
}

/// Takes in the cells of one patch.
fn take_in(
    patch: &Patch,
    cells: &[Found],
    (stages, depth): (&[Stage], usize),
    known: &mut Numbers,
    out: &mut CellComplex,
) {
    let complex = &patch.complex;
    let mut leaves = Vec::new();
    for found in cells {
        let cell = (out.starts.len() - 1) as u32;
        leaves.clear();
        let ring = &patch.sides[found.sides.0 as usize..found.sides.1 as usize];
        ring.iter().for_each(|&side| complex.leaves(side, depth, &mut leaves));
        for &side in &leaves {
            let at = side.edge();
            if known.edges[at] == NONE {
                let edge = complex.edges[at];
                let ends = edge.ends.map(|end| {
                    let known = &mut known.vertices[end as usize];
                    if *known == NONE {
                        *known = out.vertices.len() as u32;
                        out.vertices.push(complex.vertices[end as usize].at);
                        out.made_of.push(end);
                    }
                    *known
                });
                known.edges[at] = out.edges.len() as u32;
                let wall = wall_of(complex, stages, edge.line);
                out.edges.push(SliceEdge { ends, cells: [SliceEdge::NOTHING; 2], wall });
            }
            let edge = known.edges[at];
            let reversed = side.is_reversed();
            out.edges[edge as usize].cells[usize::from(reversed)] = cell;
            out.sides.push(edge << 1 | u32::from(reversed));
        }
        out.starts.push(out.sides.len() as u32);
    }
}

fn named(stages: &[Stage], stage: usize, what: What) -> WallOf {
    let Some(layer) = stages[stage].layer else { return WallOf::Target };
    let per_unit = match &stages[stage].kind {
        Kind::Signs(signs) => signs.per_unit,
        Kind::Contest(_) => 1,
    };
    WallOf::Unit { layer: layer as u32, unit: what.unit(per_unit) }
}

fn wall_of(complex: &Complex, stages: &[Stage], line: u32) -> WallOf {
    match complex.lines[line as usize].of {
        LineOf::Side(side) => WallOf::Window(side),
        LineOf::Wall { stage, what, .. } => named(stages, stage as usize, what),
    }
}
