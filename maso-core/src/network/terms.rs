//! Affine operators seen unit by unit: the sparse row of each, and the application of the transposed
//! operator. Linearisation and geometry use these; nothing here knows of kernels.

use super::{Affine, Coefficients, Operator, View};

impl Affine {
    /// The sparse row of `unit`: calls `term` with every input that it reads and its weight, in the order
    /// that sums run in. An input may come twice.
    #[inline]
    pub fn for_terms(&self, unit: usize, mut term: impl FnMut(usize, f64)) {
        match self {
            Self::Dense(dense) => {
                let (vector, row) = (unit / dense.units, unit % dense.units);
                for i in 0..dense.depth {
                    term(vector * dense.depth + i, dense.weight.get(row * dense.depth + i));
                }
            }
            Self::Convolution(convolution) => {
                let (map, depth) = (&convolution.map, convolution.depth());
                let (taps, cells) = (map.taps(), map.cells());
                let (channel, cell) = (unit / cells, unit % cells);
                let (image, channel) =
                    (channel / convolution.out_channels, channel % convolution.out_channels);
                let group = channel / (convolution.out_channels / convolution.groups);
                let first = image * convolution.in_channels
                    + group * (convolution.in_channels / convolution.groups);
                for i in 0..depth {
                    if let Some(source) = map.source(i % taps, cell) {
                        let from = (first + i / taps) * map.source_cells() + source;
                        term(from, convolution.weight.get(channel * depth + i));
                    }
                }
            }
            Self::AveragePool(pool) => {
                let (plane, cell) = (unit / pool.map.cells(), unit % pool.map.cells());
                let (base, factor) = (plane * pool.map.source_cells(), pool.factor.at(cell));
                let sources = (0..pool.map.taps()).filter_map(|tap| pool.map.source(tap, cell));
                sources.for_each(|source| term(base + source, factor));
            }
            Self::Interpolation(interpolation) => {
                let (map, cells) = (&interpolation.map, interpolation.map.cells());
                let (plane, cell) = (unit / cells, unit % cells);
                for tap in 0..map.taps() {
                    if let Some(source) = map.source(tap, cell) {
                        let weight = interpolation.weight.get(tap * cells + cell);
                        term(plane * map.source_cells() + source, weight);
                    }
                }
            }
            Self::Scale(scale) => term(unit, scale.scale.at(unit)),
        }
    }

    /// Where the sum of `unit` starts.
    #[must_use]
    pub fn bias(&self, unit: usize) -> f64 {
        match self {
            Self::Dense(dense) => dense.bias[unit % dense.units],
            Self::Convolution(convolution) => {
                convolution.bias[unit / convolution.map.cells() % convolution.out_channels]
            }
            Self::AveragePool(_) | Self::Interpolation(_) => 0.0,
            Self::Scale(scale) => scale.shift.at(unit),
        }
    }

    /// Adds the image of `y` under the transposed linear part to `x`: `x += Wᵀ y`.
    /// Units where `y` is 0 are left out.
    pub fn apply_transposed(&self, y: &[f64], x: &mut [f64]) {
        let Self::Dense(dense) = self else {
            for (unit, y) in y.iter().enumerate().filter(|(_, y)| **y != 0.0) {
                self.for_terms(unit, |index, weight| x[index] += y * weight);
            }
            return;
        };
        for (y, x) in y.chunks_exact(dense.units).zip(x.chunks_exact_mut(dense.depth)) {
            for (unit, y) in y.iter().enumerate().filter(|(_, y)| **y != 0.0) {
                let row = unit * dense.depth..(unit + 1) * dense.depth;
                match &dense.weight {
                    Coefficients::F32(weights) => {
                        x.iter_mut().zip(&weights[row]).for_each(|(x, w)| *x += y * f64::from(*w));
                    }
                    Coefficients::F64(weights) => {
                        x.iter_mut().zip(&weights[row]).for_each(|(x, w)| *x += y * w);
                    }
                }
            }
        }
    }
}

impl Operator {
    /// Writes the linear part of an affine, sum or view node to `y`, which is zero before.
    pub(crate) fn apply_linear(&self, inputs: &[&[f64]], y: &mut [f64]) {
        match self {
            Self::Affine(affine) => {
                for (unit, y) in y.iter_mut().enumerate() {
                    affine.for_terms(unit, |index, weight| *y += weight * inputs[0][index]);
                }
            }
            Self::View(view @ View::Runs(_)) => {
                for (at, input, from, len) in view.copies() {
                    y[at..at + len].copy_from_slice(&inputs[input][from..from + len]);
                }
            }
            _ => self.apply_affine(inputs, y),
        }
    }
}
