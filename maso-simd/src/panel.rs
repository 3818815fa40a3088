//! Panels: units packed in groups of one fixed width that all tiers share.

use crate::Aligned;

/// Units in a panel. A multiple of every tier's lanes, so that one packing serves them all.
pub const PANEL: usize = 32;

/// A weight matrix packed for the kernels: panel by panel, input by input, [`PANEL`] units side by
/// side. Units past the last are zero.
#[derive(Clone, Debug)]
pub struct Panels {
    units: usize,
    depth: usize,
    data: Aligned,
}

impl Panels {
    /// Packs a `units × depth` matrix whose entry (unit, input) is `at(unit, input)`.
    #[must_use]
    pub fn pack(units: usize, depth: usize, at: impl Fn(usize, usize) -> f32) -> Self {
        let mut data = Aligned::zeros(units.div_ceil(PANEL) * depth * PANEL);
        for unit in 0..units {
            let panel = unit / PANEL * depth * PANEL;
            for input in 0..depth {
                data[panel + input * PANEL + unit % PANEL] = at(unit, input);
            }
        }
        Self { units, depth, data }
    }

    /// Units, without padding.
    #[must_use]
    pub fn units(&self) -> usize {
        self.units
    }

    /// Inputs of each unit.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Number of panels.
    #[must_use]
    pub fn count(&self) -> usize {
        self.units.div_ceil(PANEL)
    }

    /// The weights: panel after panel, `depth × PANEL` numbers each.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.data
    }
}

/// `len` rounded up to whole panels.
#[must_use]
pub const fn padded(len: usize) -> usize {
    len.div_ceil(PANEL) * PANEL
}
