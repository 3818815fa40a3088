//! Sums of products in f64, with [`DOUBLE_LANES`] rows across lanes: for the few rows whose codes f32 does
//! not settle.

use crate::windows::{ChannelWeights, UnitOrder, Windows};

/// Rows side by side.
pub const DOUBLE_LANES: usize = 8;

/// A number in each of [`DOUBLE_LANES`] rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(align(64))]
pub struct DoubleLanes(pub [f64; DOUBLE_LANES]);

impl DoubleLanes {
    /// The same number in all rows.
    #[must_use]
    pub fn splat(value: f64) -> Self {
        Self([value; DOUBLE_LANES])
    }

    /// Lane by lane.
    #[must_use]
    #[inline(always)]
    pub fn map2(self, other: Self, pair: impl Fn(f64, f64) -> f64) -> Self {
        Self(std::array::from_fn(|lane| pair(self.0[lane], other.0[lane])))
    }
}

/// Weighted windows in f64: `bias[o] + Σ_c Σ_t input[c · plane + source(t, cell)] · weight[o][c · taps + t]`
/// for every output channel o and every cell.
#[derive(Clone, Copy, Debug)]
pub struct DoubleBlock<'a> {
    /// `channels` planes.
    pub input: &'a [DoubleLanes],
    /// Planes of the input.
    pub channels: usize,
    /// Distance between planes.
    pub plane: usize,
    /// What each cell reads.
    pub windows: &'a Windows,
    /// Taps of a window, padding counted.
    pub taps: usize,
    /// `channels · taps` weights of each output channel.
    pub weights: &'a ChannelWeights<f64>,
    /// Where each sum starts: one number for each output channel.
    pub bias: &'a [f64],
    /// Where results go.
    pub order: UnitOrder,
}

impl DoubleBlock<'_> {
    pub(crate) fn check(&self, out: &[DoubleLanes]) {
        let (channels, cells) = (self.weights.channels(), self.windows.cells());
        self.windows.check(self.input.len(), self.channels, self.plane, self.taps);
        assert_eq!(self.weights.depth(), self.channels * self.taps, "a weight for each tap");
        assert!(self.bias.len() >= channels, "a bias for each channel");
        if channels > 0 && cells > 0 {
            let units = self.order.unit(channels - 1, cells - 1) + 1;
            assert!(out.len() >= units, "out is short");
        }
    }
}
