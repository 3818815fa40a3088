//! The cells that are drawn: a slice's regions, cut where the class changes if that is known.

use maso_core::geometry::slice::{CellComplex, Slice, SliceEdge};

/// Cells with the region and the class of each.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    pub(super) complex: &'a CellComplex,
    /// None where cells are regions.
    region: Option<&'a [u32]>,
    pub(super) class: Option<&'a [u32]>,
}

impl<'a> Cells<'a> {
    pub(super) fn of(slice: &'a Slice) -> Self {
        match &slice.target {
            None => Self { complex: &slice.regions, region: None, class: None },
            Some(target) => Self {
                complex: &target.complex,
                region: Some(&target.region),
                class: Some(&target.class),
            },
        }
    }

    pub(super) fn len(&self) -> usize {
        self.complex.len()
    }

    /// The region that a cell is part of.
    pub(super) fn region(&self, cell: usize) -> usize {
        self.region.map_or(cell, |region| region[cell] as usize)
    }

    /// Edges between two classes.
    pub(super) fn boundary(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.complex.edges).filter(|(_, edge)| self.is_boundary(edge)).map(|(i, _)| i)
    }

    pub(super) fn is_boundary(&self, edge: &SliceEdge) -> bool {
        let Some(class) = self.class else { return false };
        let [left, right] = edge.cells;
        edge.is_inner() && class[left as usize] != class[right as usize]
    }
}
