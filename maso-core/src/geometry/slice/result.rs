//! What a slice is: vertices, edges and cells that share them, and what is decided in each cell.

use super::complex::Complex;
use super::window::polygon_area;
use super::{Plane, Window};
use crate::code::CodeLayout;
use crate::geometry::forms::Stage;

/// How far a slice has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum SliceStatus {
    /// Every region of the window is there.
    Complete,
    /// A limit was reached: some are missing.
    Capped,
    /// The window has no inside.
    Empty,
}

/// What an edge lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WallOf {
    /// The window's boundary: the side that begins at this corner.
    Window(u32),
    /// A layer's unit, which changes its piece there.
    Unit {
        /// The layer, in code order.
        layer: u32,
        /// The unit in the layer.
        unit: u32,
    },
    /// What was asked for last: a tie of the two largest outputs, or a level.
    Target,
}

/// An edge of the complex.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SliceEdge {
    /// Its vertices.
    pub ends: [u32; 2],
    /// The cells on its left and on its right, seen from the first end to the second; [`SliceEdge::NOTHING`] where
    /// there is none.
    pub cells: [u32; 2],
    /// The wall that made it.
    pub wall: WallOf,
}

impl SliceEdge {
    /// No cell: beyond the window, or not looked at.
    pub const NOTHING: u32 = u32::MAX;

    /// Whether it has a cell on either side.
    #[must_use]
    pub fn is_inner(&self) -> bool {
        !self.cells.contains(&Self::NOTHING)
    }
}

/// Cells of a plane that share vertices and edges.
#[derive(Clone, Debug, Default)]
pub struct CellComplex {
    /// Coordinates (s, t).
    pub vertices: Vec<[f64; 2]>,
    /// Edges; no two cross.
    pub edges: Vec<SliceEdge>,
    /// For each cell, where its boundary begins in `sides`; and one more, the end.
    pub(super) starts: Vec<u32>,
    /// Twice an edge, plus one where it is passed from its second end to its first.
    pub(super) sides: Vec<u32>,
    /// What each vertex is in the patch that made it.
    pub(super) made_of: Vec<u32>,
    /// Where the vertices of each patch begin.
    pub(super) patch_starts: Vec<u32>,
}

impl CellComplex {
    /// Cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The boundary of a cell, counterclockwise: edges, and whether each is passed from its second end to its
    /// first.
    pub fn sides(&self, cell: usize) -> impl ExactSizeIterator<Item = (u32, bool)> + '_ {
        let range = self.starts[cell] as usize..self.starts[cell + 1] as usize;
        self.sides[range].iter().map(|side| (side >> 1, side & 1 == 1))
    }

    /// The vertices of a cell, counterclockwise. Some may lie in the middle of a side, where walls of neighbours
    /// end.
    pub fn corners(&self, cell: usize) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.sides(cell)
            .map(|(edge, reversed)| self.edges[edge as usize].ends[usize::from(reversed)])
    }

    /// A cell's vertices, each as a patch and its number there.
    pub(in crate::geometry) fn made_of(
        &self,
        cell: usize,
    ) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.corners(cell)
            .map(|vertex| (patch_of(&self.patch_starts, vertex), self.made_of[vertex as usize]))
    }

    /// The coordinates of a cell's vertices.
    #[must_use]
    pub fn polygon(&self, cell: usize) -> Vec<[f64; 2]> {
        self.corners(cell).map(|vertex| self.vertices[vertex as usize]).collect()
    }

    /// A cell's area in the plane's own coordinates. Of a sliver it may come out as 0, or below it by rounding.
    #[must_use]
    pub fn area(&self, cell: usize) -> f64 {
        polygon_area(&self.polygon(cell))
    }

    /// The cells that share an edge with `cell`, and the edge.
    pub fn neighbours(&self, cell: usize) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.sides(cell).filter_map(|(edge, reversed)| {
            let across = self.edges[edge as usize].cells[usize::from(!reversed)];
            (across != SliceEdge::NOTHING).then_some((across, edge))
        })
    }

    /// V − E + F: 1 for a window that is cut up whole.
    #[must_use]
    pub fn euler(&self) -> i64 {
        self.vertices.len() as i64 - self.edges.len() as i64 + self.len() as i64
    }
}

/// What is decided in a cell, as a code of the network's layout.
pub(super) fn code_of(layout: &CodeLayout, stages: &[Stage], path: &[Vec<u64>]) -> Vec<u64> {
    let mut code = vec![0; layout.words()];
    for (stage, words) in stages.iter().zip(path) {
        let Some(layer) = stage.layer else { continue };
        stage.put_pieces(words, &layout.layers()[layer], &mut code);
    }
    code
}

/// The patch that something belongs to, of those that begin at `starts`.
fn patch_of(starts: &[u32], of: u32) -> usize {
    starts.partition_point(|&start| start <= of) - 1
}

/// A plane's view of a network's partition.
#[derive(Debug)]
pub struct Slice {
    /// The plane.
    pub plane: Plane,
    /// The window in it.
    pub window: Window,
    /// Whether it is all there.
    pub status: SliceStatus,
    /// The regions: cells of one code each.
    pub regions: CellComplex,
    /// Regions after each layer.
    pub regions_per_layer: Vec<usize>,
    /// What was decided last, if anything was: regions cut where that changes.
    pub target: Option<TargetComplex>,
    /// Each region's affine map on the plane, if asked for: for each output a, b and c of `a·s + b·t + c`.
    pub maps: Option<Maps>,
    /// Decisions that needed exact arithmetic.
    pub exact_decisions: u64,
    /// What was made on the way, patch by patch.
    pub(super) patches: Vec<Complex>,
    /// Where the regions of each patch begin.
    pub(super) patch_starts: Vec<u32>,
    pub(super) stages: Vec<Stage>,
    /// Each region's cell in its patch.
    pub(super) cells: Vec<u32>,
    pub(super) layout: CodeLayout,
}

/// A unit that is on one piece on an edge's left and on another on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PieceChange {
    /// Its layer, in code order.
    pub layer: usize,
    /// Its number in the layer.
    pub unit: usize,
    /// Its piece on the left.
    pub from: usize,
    /// Its piece on the right.
    pub to: usize,
}

/// Regions cut where the class, or what is above a level, changes.
#[derive(Clone, Debug)]
pub struct TargetComplex {
    /// The finer cells.
    pub complex: CellComplex,
    /// The class of each: the largest output, or 1 above the level and 0 below.
    pub class: Vec<u32>,
    /// The region that each is part of.
    pub region: Vec<u32>,
}

/// Affine maps of the regions on the plane.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    /// Outputs.
    pub outputs: usize,
    /// For each region, for each output: a, b, c.
    pub numbers: Vec<[f64; 3]>,
    /// For each region: how far any of its maps may be from the exact one in the window.
    pub errors: Vec<f64>,
}

impl Maps {
    /// Adds those of further regions.
    pub(super) fn append(&mut self, mut other: Self) {
        self.outputs = self.outputs.max(other.outputs);
        self.numbers.append(&mut other.numbers);
        self.errors.append(&mut other.errors);
    }

    /// The maps of a region, one for each output.
    #[must_use]
    pub fn of(&self, region: usize) -> &[[f64; 3]] {
        &self.numbers[region * self.outputs..][..self.outputs]
    }
}

impl Slice {
    /// The layers that were decided.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.regions_per_layer.len()
    }

    /// The code of a region, in the network's layout. Layers that were not decided are 0.
    #[must_use]
    pub fn code(&self, region: usize) -> Vec<u64> {
        code_of(&self.layout, &self.stages, &self.path(region))
    }

    /// A region's patch, and its cell there.
    pub(in crate::geometry) fn place(&self, region: usize) -> (usize, u32) {
        (patch_of(&self.patch_starts, region as u32), self.cells[region])
    }

    /// What is decided in a region, stage by stage.
    pub(in crate::geometry) fn path(&self, region: usize) -> Vec<Vec<u64>> {
        let (patch, cell) = self.place(region);
        self.patches[patch].path_of(cell)
    }

    /// All units that change across an edge between two regions: those of its wall, and those whose walls coincide
    /// with it there. None for an edge of the window.
    #[must_use]
    pub fn changes(&self, edge: &SliceEdge) -> Vec<PieceChange> {
        if !edge.is_inner() {
            return Vec::new();
        }
        let [left, right] = edge.cells.map(|region| self.code(region as usize));
        let mut changes = Vec::new();
        for (number, layer) in self.layout.layers()[..self.layers()].iter().enumerate() {
            for unit in 0..layer.units() {
                let [from, to] = [layer.piece(&left, unit), layer.piece(&right, unit)];
                if from != to {
                    changes.push(PieceChange { layer: number, unit, from, to });
                }
            }
        }
        changes
    }

    /// The area of all regions, as the input space measures it.
    #[must_use]
    pub fn area(&self) -> f64 {
        let own: f64 = (0..self.regions.len()).map(|cell| self.regions.area(cell)).sum();
        own * self.plane.unit_area()
    }

    /// The length of an edge of `complex`, as the input space measures it.
    #[must_use]
    pub fn length(&self, complex: &CellComplex, edge: &SliceEdge) -> f64 {
        let [[s, t], [x, y]] = edge.ends.map(|end| complex.vertices[end as usize]);
        self.plane.length([x - s, y - t])
    }
}
