//! Matrices and convolutions, for the f64 kernel.

use maso_simd::{ChannelWeights, DoubleBlock, Tap, UnitOrder, Windows};

use super::DoubleRun;
use crate::network::{Convolution, Dense};
use crate::pack::row_lanes::{group_weights, windows_of};

#[derive(Clone, Debug)]
pub(super) struct Product {
    /// Images in a row.
    batch: usize,
    /// Input channels of a group, and the cells of a plane.
    channels: usize,
    plane: usize,
    windows: Windows,
    taps: usize,
    /// Weights of each group.
    groups: Vec<ChannelWeights<f64>>,
    /// Output channels of a group.
    outputs: usize,
    bias: Vec<f64>,
    order: UnitOrder,
}

impl Product {
    pub(super) fn convolution(convolution: &Convolution) -> Self {
        let (map, cells) = (&convolution.map, convolution.map.cells());
        Self {
            batch: convolution.batch,
            channels: convolution.in_channels / convolution.groups,
            plane: map.source_cells(),
            windows: windows_of(map),
            taps: map.taps(),
            groups: group_weights(convolution, |weight| weight),
            outputs: convolution.out_channels / convolution.groups,
            bias: convolution.bias.clone(),
            order: UnitOrder { channel: cells, cell: 1 },
        }
    }

    pub(super) fn dense(dense: &Dense) -> Self {
        let (units, depth) = (dense.units, dense.depth);
        let tap = |input: usize| Tap { tap: input as u32, source: input as u32 };
        let weight = |unit, input| dense.weight.get(unit * depth + input);
        Self {
            batch: dense.batch,
            channels: 1,
            plane: depth,
            windows: Windows::new([(0..depth).map(tap)]),
            taps: depth,
            groups: vec![ChannelWeights::pack(units, depth, weight)],
            outputs: units,
            bias: dense.bias.clone(),
            order: UnitOrder { channel: 1, cell: units },
        }
    }

    pub(super) fn run(&self, run: &mut DoubleRun<'_>) {
        for part in 0..self.batch * self.groups.len() {
            let group = part % self.groups.len();
            let block = DoubleBlock {
                input: &run.inputs[0][part * self.channels * self.plane..],
                channels: self.channels,
                plane: self.plane,
                windows: &self.windows,
                taps: self.taps,
                weights: &self.groups[group],
                bias: &self.bias[group * self.outputs..],
                order: self.order,
                occupied: run.occupied.filter(|_| self.is_one_matrix()),
            };
            let first = part * self.outputs * self.windows.cells();
            run.kernels.double(&block, &mut run.out[first..]);
        }
    }

    /// Whether it is a matrix that reads its whole input.
    fn is_one_matrix(&self) -> bool {
        let reads_all = self.groups.len() == 1 && self.channels == 1 && self.plane == self.taps;
        self.batch == 1 && reads_all && self.windows.is_matrix(self.taps)
    }
}
