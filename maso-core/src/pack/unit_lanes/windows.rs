//! What pools and interpolations read: strips of [`PANEL`] units, their cells side by side.

use maso_simd::PANEL;

use crate::network::WindowMap;

/// Gathers windows: for units `start..` of one row, tap by tap, what each lane reads.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) planes: usize,
    pub(super) map: WindowMap,
    /// What padding reads as.
    pub(super) padding: f32,
}

impl Windows {
    pub(super) fn units(&self) -> usize {
        self.planes * self.map.cells()
    }

    /// Numbers that a row is read from.
    pub(super) fn source_len(&self) -> usize {
        self.planes * self.map.source_cells()
    }

    /// Which number of the row `tap` of `unit` reads.
    pub(super) fn source(&self, unit: usize, tap: usize) -> usize {
        let (plane, cell) = (unit / self.map.cells(), unit % self.map.cells());
        let source = self.map.source(tap, cell).expect("a winner is not padding");
        plane * self.map.source_cells() + source
    }

    /// Lanes past the last unit repeat it.
    pub(super) fn gather(&self, row: &[f32], start: usize, panel: &mut [f32]) {
        let (cells, last) = (self.map.cells(), self.units() - 1);
        let places: [(usize, usize); PANEL] = std::array::from_fn(|lane| {
            let unit = (start + lane).min(last);
            (unit / cells * self.map.source_cells(), unit % cells)
        });
        let taps = self.map.index().chunks_exact(cells);
        for (lanes, index) in panel.chunks_exact_mut(PANEL).zip(taps) {
            for (lane, (plane, cell)) in lanes.iter_mut().zip(places) {
                *lane = match index[cell] {
                    WindowMap::NONE => self.padding,
                    source => row[plane + source as usize],
                };
            }
        }
    }
}
