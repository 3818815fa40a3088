//! The planar complex as it grows: vertices, edges that are cut into edges, the lines that they lie on, and the
//! tree of cells with what is decided in each.

use hashbrown::HashMap;

use crate::geometry::forms::Bounds;

/// No index.
pub(super) const NONE: u32 = u32::MAX;

/// A point where two lines meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub(super) at: [f64; 2],
    /// How far either coordinate may be from the exact one.
    pub(super) slack: f64,
    pub(super) lines: [u32; 2],
}

/// A stretch of a line between two vertices, whole or cut into others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) ends: [u32; 2],
    pub(super) line: u32,
    /// The stage that cut it; none if it is whole.
    pub(super) cut: u32,
    /// Its parts, from the first end to the second.
    pub(super) first: u32,
    pub(super) count: u32,
}

/// A line of the plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// It is where this vanishes.
    pub(super) form: [f64; 3],
    /// `|Δa|·S + |Δb|·T + |Δc|`, as in [`Bounds`].
    pub(super) error: f64,
    pub(super) of: LineOf,
}

impl Line {
    /// What is known of its form, in a window of `reach`.
    #[inline]
    pub(super) fn bounds(&self, reach: [f64; 2]) -> Bounds {
        Bounds { error: self.error, ..Bounds::default() }.of_form(self.form, reach)
    }
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum LineOf {
    /// A side of the window.
    Side(u32),
    /// Where something is undecided in a cell.
    Wall { cell: u32, stage: u32, what: What },
}

/// What is decided at a wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// The sign of a row of the stage.
    Row(u32),
    /// Which of two of a unit's candidates wins; their places among them.
    Pair { unit: u32, first: u32, second: u32 },
}

impl What {
    /// The unit that changes.
    pub(super) fn unit(self, per_unit: usize) -> u32 {
        match self {
            Self::Row(row) => row / per_unit as u32,
            Self::Pair { unit, .. } => unit,
        }
    }
}

/// An edge in one of its directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Side(u32);

impl Side {
    pub(super) fn new(edge: u32, reversed: bool) -> Self {
        Self(edge << 1 | u32::from(reversed))
    }

    pub(super) fn edge(self) -> usize {
        (self.0 >> 1) as usize
    }

    pub(super) fn is_reversed(self) -> bool {
        self.0 & 1 == 1
    }
}

/// A cell of some stage: one of the parts of its parent, the cell of the stage before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) parent: u32,
    /// The cell of the same parent that it differs from in few; none if all of it is written down.
    pub(super) twin: u32,
    /// Where its words, or the rows that differ, begin, and how many there are.
    from: u32,
    count: u32,
}

/// All that is kept.
#[derive(Clone, Debug, Default)]
pub(in crate::geometry) struct Complex {
    pub(super) vertices: Vec<Vertex>,
    pub(super) edges: Vec<Edge>,
    pub(super) lines: Vec<Line>,
    /// The rows, beside its line's, that vanish at a vertex of the stage that made it.
    pub(super) also_at_vertex: HashMap<u32, Vec<u32>>,
    pub(super) cells: Vec<Cell>,
    words: Vec<u64>,
    pub(super) flips: Vec<u32>,
}

impl Complex {
    pub(super) fn start(&self, side: Side) -> u32 {
        self.edges[side.edge()].ends[usize::from(side.is_reversed())]
    }

    pub(super) fn end(&self, side: Side) -> u32 {
        self.edges[side.edge()].ends[usize::from(!side.is_reversed())]
    }

    pub(super) fn vertex(&mut self, at: [f64; 2], slack: f64, lines: [u32; 2]) -> u32 {
        self.vertices.push(Vertex { at, slack, lines });
        (self.vertices.len() - 1) as u32
    }

    pub(super) fn edge(&mut self, ends: [u32; 2], line: u32) -> u32 {
        self.edges.push(Edge { ends, line, cut: NONE, first: 0, count: 0 });
        (self.edges.len() - 1) as u32
    }

    /// Cuts an edge at `points`, from its first end to its second.
    pub(super) fn cut(&mut self, edge: usize, stage: usize, points: impl Iterator<Item = u32>) {
        let Edge { ends: [first, last], line, .. } = self.edges[edge];
        let from = self.edges.len() as u32;
        let mut start = first;
        for end in points.chain([last]) {
            self.edge([start, end], line);
            start = end;
        }
        let count = self.edges.len() as u32 - from;
        let edge = &mut self.edges[edge];
        (edge.cut, edge.first, edge.count) = (stage as u32, from, count);
    }

    /// The parts of an edge that `stage` made, those of parts included, in the side's direction.
    pub(super) fn parts(&self, side: Side, stage: usize, out: &mut Vec<Side>) {
        let edge = self.edges[side.edge()];
        if edge.cut != stage as u32 {
            return out.push(side);
        }
        let part = |i: u32| Side::new(edge.first + i, side.is_reversed());
        if side.is_reversed() {
            (0..edge.count).rev().for_each(|i| self.parts(part(i), stage, out));
        } else {
            (0..edge.count).for_each(|i| self.parts(part(i), stage, out));
        }
    }

    /// The parts that were not cut by stages before `stages`.
    pub(super) fn leaves(&self, side: Side, stages: usize, out: &mut Vec<Side>) {
        let edge = self.edges[side.edge()];
        if edge.cut == NONE || edge.cut as usize >= stages {
            return out.push(side);
        }
        let part = |i: u32| Side::new(edge.first + i, side.is_reversed());
        if side.is_reversed() {
            (0..edge.count).rev().for_each(|i| self.leaves(part(i), stages, out));
        } else {
            (0..edge.count).for_each(|i| self.leaves(part(i), stages, out));
        }
    }

    /// A cell with all that its stage decides.
    pub(super) fn cell(&mut self, parent: u32, words: &[u64]) -> u32 {
        let (from, count) = (self.words.len() as u32, words.len() as u32);
        self.words.extend_from_slice(words);
        self.cells.push(Cell { parent, twin: NONE, from, count });
        (self.cells.len() - 1) as u32
    }

    /// A cell that differs from `twin` in the signs of `flips`.
    pub(super) fn twin(&mut self, parent: u32, twin: u32, flips: &[u32]) -> u32 {
        let (from, count) = (self.flips.len() as u32, flips.len() as u32);
        self.flips.extend_from_slice(flips);
        self.cells.push(Cell { parent, twin, from, count });
        (self.cells.len() - 1) as u32
    }

    /// What is still of use when the walk is over: cells, and what vertices are made of.
    pub(super) fn without_edges(self) -> Self {
        Self { edges: Vec::new(), also_at_vertex: HashMap::new(), ..self }
    }

    /// What the stage that made `cell` decided there, over what `words` were.
    pub(super) fn words_of(&self, cell: u32, words: &mut Vec<u64>) {
        let mut at = cell;
        let mut flipped = Vec::new();
        while self.cells[at as usize].twin != NONE {
            flipped.push(at);
            at = self.cells[at as usize].twin;
        }
        let Cell { from, count, .. } = self.cells[at as usize];
        words.clear();
        words.extend_from_slice(&self.words[from as usize..][..count as usize]);
        for cell in flipped {
            let Cell { from, count, .. } = self.cells[cell as usize];
            for &row in &self.flips[from as usize..][..count as usize] {
                words[row as usize / 64] ^= 1 << (row % 64);
            }
        }
    }

    /// What all stages up to the one that made `cell` decided.
    pub(in crate::geometry) fn path_of(&self, cell: u32) -> Vec<Vec<u64>> {
        let mut path = Vec::new();
        let mut at = cell;
        // The first cell is the window, which nothing made.
        while at != 0 {
            let mut words = Vec::new();
            self.words_of(at, &mut words);
            path.push(words);
            at = self.cells[at as usize].parent;
        }
        path.reverse();
        path
    }
}
