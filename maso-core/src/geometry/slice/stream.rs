//! Regions one after another, for slices that are too large to be kept: a part of the window is walked at a time, and
//! forgotten when its regions have been handed out.

use super::complex::Side;
use super::patches::{Patch, Start};
use super::result::{Maps, code_of};
use super::stop::Stop;
use super::walk::{Found, Walk};
use super::{Plane, SliceError, SliceOptions, Window};
use crate::geometry::forms::Plan;
use crate::network::Network;

/// A region of a slice by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceCell {
    /// Its code, in the network's layout; layers that were not decided are 0.
    pub code: Vec<u64>,
    /// Its vertices (s, t), counterclockwise. Some may lie in the middle of a side.
    pub polygon: Vec<[f64; 2]>,
    /// Its affine map on the plane, if asked for: for each output a, b and c of `a·s + b·t + c`.
    pub map: Option<Vec<[f64; 3]>>,
}

/// A slice that is ready to be walked; see [`Network::prepare_slice`].
#[derive(Debug)]
pub struct PreparedSlice<'n> {
    plan: Plan<'n>,
    window: Window,
    layers: usize,
    maps: bool,
}

impl Network {
    /// Prepares a slice whose regions are taken one after another, in memory that does not grow with their number.
    /// Limits of the options are the caller's: whoever has enough stops asking. There is no target.
    ///
    /// ```
    /// # use maso_core::geometry::slice::{Plane, SliceError, SliceOptions, Window};
    /// # fn count(network: &maso_core::Network, plane: &Plane, window: &Window) -> Result<usize, SliceError> {
    /// let prepared = network.prepare_slice(plane, window, &SliceOptions::default())?;
    /// Ok(prepared.cells().filter(|cell| cell.polygon.len() > 6).count())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Network::slice`].
    pub fn prepare_slice(
        &self,
        plane: &Plane,
        window: &Window,
        options: &SliceOptions,
    ) -> Result<PreparedSlice<'_>, SliceError> {
        let (layers, _) = self.check_slice(plane, options)?;
        let plan = Plan::new(self, plane.axes.clone(), window.reach(), layers, None, options.maps);
        Ok(PreparedSlice { plan, window: window.clone(), layers, maps: options.maps })
    }
}

impl PreparedSlice<'_> {
    /// The regions, in no special order but always the same.
    #[must_use]
    pub fn cells(&self) -> SliceCells<'_> {
        let stop = Stop { regions: usize::MAX, deadline: None, tally: None };
        let maps = self.maps.then(Maps::default);
        let mut first = Walk::new(&self.plan, &self.window, self.layers, stop, maps);
        let starts = first.scatter().into_iter();
        SliceCells { prepared: self, first, starts, ready: Vec::new().into_iter() }
    }
}

/// Regions of a slice, one after another.
#[derive(Debug)]
pub struct SliceCells<'a> {
    prepared: &'a PreparedSlice<'a>,
    /// The walk that has cut the window up.
    first: Walk<'a, 'a>,
    starts: std::vec::IntoIter<Start>,
    ready: std::vec::IntoIter<SliceCell>,
}

impl Iterator for SliceCells<'_> {
    type Item = SliceCell;

    fn next(&mut self) -> Option<SliceCell> {
        loop {
            if let Some(cell) = self.ready.next() {
                return Some(cell);
            }
            let patch = self.first.patch(&self.starts.next()?);
            self.ready = self.prepared.cells_of(&patch).into_iter();
        }
    }
}

impl PreparedSlice<'_> {
    fn cells_of(&self, patch: &Patch) -> Vec<SliceCell> {
        let found = patch.regions.iter().enumerate();
        found.map(|(number, found)| self.cell(patch, number, *found)).collect()
    }

    fn cell(&self, patch: &Patch, number: usize, found: Found) -> SliceCell {
        let complex = &patch.complex;
        let mut leaves: Vec<Side> = Vec::new();
        let ring = &patch.sides[found.sides.0 as usize..found.sides.1 as usize];
        ring.iter().for_each(|&side| complex.leaves(side, self.layers, &mut leaves));
        let at = |side: &Side| complex.vertices[complex.start(*side) as usize].at;
        SliceCell {
            code: code_of(
                self.plan.network.layout(),
                &self.plan.stages,
                &complex.path_of(found.cell),
            ),
            polygon: leaves.iter().map(at).collect(),
            map: patch.maps.as_ref().map(|maps| maps.of(number).to_vec()),
        }
    }
}
