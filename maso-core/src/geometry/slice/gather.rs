//! The shared complex of a slice's cells, gathered from all that walks have made: patch by patch, on all threads; then
//! the patches are sewn together where they meet.

use hashbrown::HashMap;
use rayon::prelude::*;

use super::complex::{Complex, LineOf, NONE, Side, What};
use super::patches::{Base, Patch};
use super::result::{CellComplex, SliceEdge, WallOf};
use super::walk::Found;
use crate::geometry::forms::{Kind, Stage};

/// Which cells are gathered.
#[derive(Clone, Copy)]
pub(super) enum Cells {
    /// The regions: edges are cut by the stages before this one alone.
    Regions(usize),
    /// The cells of what is decided last.
    Finest,
}

/// Builds the shared complex of some cells.
pub(super) fn gather(patches: &[Patch], cells: Cells, stages: &[Stage], base: Base) -> CellComplex {
    let part = |patch| Part::new(patch, cells, stages, base);
    let mut parts: Vec<Part> = patches.par_iter().map(part).collect();
    if parts.len() == 1 {
        let mut only = parts.pop().expect("one").complex;
        only.patch_starts = vec![0];
        return only;
    }
    let mut seams = Seams::new(parts.iter().map(|part| part.complex.len()).sum(), base);
    // Each part's memory is given back before the next is taken in.
    parts.into_iter().for_each(|part| seams.sew(&part));
    seams.out
}

/// The cells of one patch, numbered by themselves.
struct Part {
    complex: CellComplex,
    /// What is of the base: its number there, and here.
    vertices: Vec<[u32; 2]>,
    edges: Vec<[u32; 2]>,
    /// Edges of the base that the patch has cut, each with its parts in order: their numbers, and those of their last
    /// ends.
    cut: Vec<(u32, Vec<[u32; 2]>)>,
}

/// What a patch's vertices and edges are in the complex that is gathered.
struct Numbers {
    vertices: Vec<u32>,
    edges: Vec<u32>,
}

impl Part {
    fn new(patch: &Patch, cells: Cells, stages: &[Stage], base: Base) -> Self {
        let made = &patch.complex;
        let (found, depth) = match cells {
            Cells::Regions(depth) => (&patch.regions, depth),
            Cells::Finest => (&patch.finest, usize::MAX),
        };
        let mut known = Numbers {
            vertices: vec![NONE; made.vertices.len()],
            edges: vec![NONE; made.edges.len()],
        };
        let mut complex = CellComplex::default();
        complex.reserve(found.len());
        complex.starts.push(0);
        let mut leaves = Vec::new();
        for &Found { sides, .. } in found {
            leaves.clear();
            let ring = &patch.sides[sides.0 as usize..sides.1 as usize];
            ring.iter().for_each(|&side| made.leaves(side, depth, &mut leaves));
            take_in(made, stages, &leaves, &mut known, &mut complex);
        }
        let cut = known.cut(made, depth, base);
        let of_base = |numbers: &[u32]| -> Vec<[u32; 2]> {
            let pairs = (0..).zip(numbers).map(|(of_base, number)| [of_base, *number]);
            pairs.filter(|[_, number]| *number != NONE).collect()
        };
        let vertices = of_base(&known.vertices[..base.vertices]);
        let edges = of_base(&known.edges[..base.edges]);
        Self { complex, vertices, edges, cut }
    }
}

impl Numbers {
    /// The edges of the base that a patch has cut.
    fn cut(&self, made: &Complex, depth: usize, base: Base) -> Vec<(u32, Vec<[u32; 2]>)> {
        let mut cut = Vec::new();
        let mut leaves = Vec::new();
        for (number, edge) in (0..).zip(&made.edges[..base.edges]) {
            // What the base cut itself has parts in the base.
            if edge.cut == NONE || (edge.first as usize) < base.edges {
                continue;
            }
            leaves.clear();
            made.leaves(Side::new(number, false), depth, &mut leaves);
            let of_leaf =
                |leaf: &Side| [self.edges[leaf.edge()], self.vertices[made.end(*leaf) as usize]];
            cut.push((number, leaves.iter().map(of_leaf).collect()));
        }
        cut
    }
}

/// Takes in the cell whose boundary is `ring`.
fn take_in(
    made: &Complex,
    stages: &[Stage],
    ring: &[Side],
    known: &mut Numbers,
    out: &mut CellComplex,
) {
    let cell = (out.starts.len() - 1) as u32;
    for &side in ring {
        let at = side.edge();
        if known.edges[at] == NONE {
            let edge = made.edges[at];
            let ends = edge.ends.map(|end| {
                let known = &mut known.vertices[end as usize];
                if *known == NONE {
                    *known = out.vertices.len() as u32;
                    out.vertices.push(made.vertices[end as usize].at);
                    out.made_of.push(end);
                }
                *known
            });
            known.edges[at] = out.edges.len() as u32;
            let wall = wall_of(made, stages, edge.line);
            out.edges.push(SliceEdge { ends, cells: [SliceEdge::NOTHING; 2], wall });
        }
        let edge = known.edges[at];
        let reversed = side.is_reversed();
        out.edges[edge as usize].cells[usize::from(reversed)] = cell;
        out.sides.push(edge << 1 | u32::from(reversed));
    }
    out.starts.push(out.sides.len() as u32);
}

/// Patches on their way into one complex. Where two of them meet is an edge of the base, which both cut alike.
struct Seams {
    out: CellComplex,
    /// What is of the base and in the complex already.
    base: Numbers,
    /// Edges of the base that are cut there, with their parts, as in [`Part`].
    cut: HashMap<u32, Vec<[u32; 2]>>,
    /// What the present part's vertices and edges become.
    new: Numbers,
}

impl Seams {
    fn new(cells: usize, base: Base) -> Self {
        let mut out = CellComplex::default();
        out.reserve(cells);
        out.starts.push(0);
        let base = Numbers { vertices: vec![NONE; base.vertices], edges: vec![NONE; base.edges] };
        let new = Numbers { vertices: Vec::new(), edges: Vec::new() };
        Self { out, base, cut: HashMap::new(), new }
    }

    /// Takes in a part, and what it shares with those before it only once.
    fn sew(&mut self, part: &Part) {
        self.find_shared(part);
        let Self { out, new, .. } = self;
        out.patch_starts.push(out.vertices.len() as u32);
        for (i, number) in
            new.vertices.iter_mut().enumerate().filter(|(_, number)| **number == NONE)
        {
            *number = out.vertices.len() as u32;
            out.vertices.push(part.complex.vertices[i]);
            out.made_of.push(part.complex.made_of[i]);
        }
        let first_cell = (out.starts.len() - 1) as u32;
        for (edge, number) in part.complex.edges.iter().zip(&mut new.edges) {
            let cells = edge
                .cells
                .map(|cell| if cell == SliceEdge::NOTHING { cell } else { first_cell + cell });
            if *number == NONE {
                *number = out.edges.len() as u32;
                let ends = edge.ends.map(|end| new.vertices[end as usize]);
                out.edges.push(SliceEdge { ends, cells, wall: edge.wall });
                continue;
            }
            for (known, cell) in out.edges[*number as usize].cells.iter_mut().zip(cells) {
                *known = if cell == SliceEdge::NOTHING { *known } else { cell };
            }
        }
        let first_side = out.sides.len() as u32;
        let renumbered = |side: &u32| new.edges[(side >> 1) as usize] << 1 | side & 1;
        out.sides.extend(part.complex.sides.iter().map(renumbered));
        out.starts.extend(part.complex.starts[1..].iter().map(|start| first_side + start));
        self.note_shared(part);
    }

    /// Finds what of a part is there already.
    fn find_shared(&mut self, part: &Part) {
        let Self { base, cut, new, .. } = self;
        new.vertices.clear();
        new.vertices.resize(part.complex.vertices.len(), NONE);
        new.edges.clear();
        new.edges.resize(part.complex.edges.len(), NONE);
        for &[of_base, number] in &part.vertices {
            new.vertices[number as usize] = base.vertices[of_base as usize];
        }
        for &[of_base, number] in &part.edges {
            new.edges[number as usize] = base.edges[of_base as usize];
        }
        for (of_base, parts) in &part.cut {
            // An edge that is not cut alike belongs to a walk that stopped half way.
            let Some(known) = cut.get(of_base).filter(|known| known.len() == parts.len()) else {
                continue;
            };
            for (&[edge, end], &[known_edge, known_end]) in parts.iter().zip(known) {
                if edge != NONE && known_edge != NONE {
                    new.edges[edge as usize] = known_edge;
                }
                if end != NONE && known_end != NONE {
                    new.vertices[end as usize] = known_end;
                }
            }
        }
    }

    /// Takes down what of a part later ones may share.
    fn note_shared(&mut self, part: &Part) {
        let Self { base, cut, new, .. } = self;
        for &[of_base, number] in &part.vertices {
            base.vertices[of_base as usize] = new.vertices[number as usize];
        }
        for &[of_base, number] in &part.edges {
            base.edges[of_base as usize] = new.edges[number as usize];
        }
        let of = |numbers: &[u32], number: u32| {
            if number == NONE { NONE } else { numbers[number as usize] }
        };
        for (of_base, parts) in &part.cut {
            cut.entry(*of_base).or_insert_with(|| {
                let number =
                    |&[edge, end]: &[u32; 2]| [of(&new.edges, edge), of(&new.vertices, end)];
                parts.iter().map(number).collect()
            });
        }
    }
}

impl CellComplex {
    /// Room for `cells`, which have about two edges each and half as many vertices.
    fn reserve(&mut self, cells: usize) {
        self.vertices.reserve(cells + cells / 8);
        self.made_of.reserve(cells + cells / 8);
        self.edges.reserve(2 * cells + cells / 4);
        self.starts.reserve(cells + 1);
        self.sides.reserve(4 * cells + cells / 4);
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
