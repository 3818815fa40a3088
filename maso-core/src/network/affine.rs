//! Affine operators: their f64 coefficients, and the slow, obvious application that everything
//! faster is compared with.

use super::{Coefficients, Number, PerUnit, WindowMap};

/// An affine operator on one row.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Affine {
    /// A matrix on the last axis.
    Dense(Dense),
    /// A convolution, plain or transposed, in any number of axes.
    Convolution(Convolution),
    /// Averages over windows.
    AveragePool(AveragePool),
    /// Weighted sums of a few cells, different for each cell of a plane.
    Interpolation(Interpolation),
    /// A factor and a shift for each unit.
    Scale(Scale),
}

impl Affine {
    /// Writes the image of `x` to `y`: each sum starts from its bias and adds products in input order.
    pub fn apply<S: Number>(&self, x: &[S], y: &mut [S]) {
        match self {
            Self::Dense(dense) => dense.apply(x, y),
            Self::Convolution(convolution) => convolution.apply(x, y),
            Self::AveragePool(pool) => pool.apply(x, y),
            Self::Interpolation(interpolation) => interpolation.apply(x, y),
            Self::Scale(scale) => scale.apply(x, y),
        }
    }

    /// Multiply-adds for one row, padding counted.
    #[must_use]
    pub fn multiply_adds(&self) -> u64 {
        let count = match self {
            Self::Dense(d) => d.batch * d.units * d.depth,
            Self::Convolution(c) => c.batch * c.out_channels * c.map.cells() * c.depth(),
            Self::AveragePool(p) => p.planes * p.map.cells() * p.map.taps(),
            Self::Interpolation(i) => i.planes * i.map.cells() * i.map.taps(),
            Self::Scale(s) => s.len,
        };
        count as u64
    }

    /// What it is, in a few words: `dense 784→64`.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Dense(d) if d.batch == 1 => format!("dense {}→{}", d.depth, d.units),
            Self::Dense(d) => format!("dense {}→{} on {} rows", d.depth, d.units, d.batch),
            Self::Convolution(c) => c.summary.clone(),
            Self::AveragePool(p) => p.summary.clone(),
            Self::Interpolation(i) => i.summary.clone(),
            Self::Scale(_) => "scale and shift".to_owned(),
        }
    }
}

/// `y[b][u] = bias[u] + Σ x[b][i] · weight[u][i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Vectors in a row of the data that the matrix is applied to, one after another.
    pub batch: usize,
    /// Units.
    pub units: usize,
    /// Inputs of each unit.
    pub depth: usize,
    /// `units × depth`.
    pub weight: Coefficients,
    /// `units`.
    pub bias: Vec<f64>,
}

impl Dense {
    fn apply<S: Number>(&self, x: &[S], y: &mut [S]) {
        for (x, y) in x.chunks_exact(self.depth).zip(y.chunks_exact_mut(self.units)) {
            for (unit, y) in y.iter_mut().enumerate() {
                let weight = |i| S::from_f64(self.weight.get(unit * self.depth + i));
                let start = S::from_f64(self.bias[unit]);
                *y = (0..self.depth).fold(start, |sum, i| x[i].clone().mul_add(weight(i), sum));
            }
        }
    }
}

/// `y[b][o][p] = bias[o] + Σ x[b][c][source(t, p)] · weight[o][c][t]`, over the channels c of o's
/// group and the taps t inside the plane.
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Images in a row of the data.
    pub batch: usize,
    /// Groups that see only their own channels.
    pub groups: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Where each tap reads.
    pub map: WindowMap,
    /// `out_channels × in_channels/groups × taps`.
    pub weight: Coefficients,
    /// `out_channels`.
    pub bias: Vec<f64>,
    /// What it is, in a few words.
    pub summary: String,
}

impl Convolution {
    /// Products in each sum, padding counted.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.in_channels / self.groups * self.map.taps()
    }

    fn apply<S: Number>(&self, x: &[S], y: &mut [S]) {
        let (cells, source_cells) = (self.map.cells(), self.map.source_cells());
        let images = x.chunks_exact(self.in_channels * source_cells);
        for (x, y) in images.zip(y.chunks_exact_mut(self.out_channels * cells)) {
            for (unit, y) in y.iter_mut().enumerate() {
                *y = self.unit(x, unit / cells, unit % cells);
            }
        }
    }

    /// The sum of output `channel` at `cell`.
    fn unit<S: Number>(&self, x: &[S], channel: usize, cell: usize) -> S {
        let (taps, depth) = (self.map.taps(), self.depth());
        let first = channel / (self.out_channels / self.groups) * (self.in_channels / self.groups);
        let mut sum = S::from_f64(self.bias[channel]);
        for i in 0..depth {
            if let Some(source) = self.map.source(i % taps, cell) {
                let x = x[(first + i / taps) * self.map.source_cells() + source].clone();
                sum = x.mul_add(S::from_f64(self.weight.get(channel * depth + i)), sum);
            }
        }
        sum
    }
}

/// `y[c][p] = factor[p] · Σ x[c][source(t, p)]`: the sum of a window, then its factor.
#[derive(Clone, Debug, PartialEq)]
pub struct AveragePool {
    /// Planes (channels, times images) of a row.
    pub planes: usize,
    /// Where each tap reads.
    pub map: WindowMap,
    /// One factor for each output cell of a plane: 1 over the window's count.
    pub factor: PerUnit,
    /// What it is, in a few words.
    pub summary: String,
}

impl AveragePool {
    fn apply<S: Number>(&self, x: &[S], y: &mut [S]) {
        let (cells, source_cells) = (self.map.cells(), self.map.source_cells());
        for (unit, y) in y.iter_mut().enumerate() {
            let (plane, cell) = (unit / cells, unit % cells);
            let taps = (0..self.map.taps()).filter_map(|tap| self.map.source(tap, cell));
            let total =
                taps.fold(S::from_f64(0.0), |sum, i| sum.add(x[plane * source_cells + i].clone()));
            *y = total.mul(S::from_f64(self.factor.at(cell)));
        }
    }
}

/// `y[c][p] = Σ weight[t][p] · x[c][source(t, p)]`, as linear resizing makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpolation {
    /// Planes of a row.
    pub planes: usize,
    /// Where each tap reads; no padding.
    pub map: WindowMap,
    /// `taps × cells`.
    pub weight: Coefficients,
    /// What it is, in a few words.
    pub summary: String,
}

impl Interpolation {
    fn apply<S: Number>(&self, x: &[S], y: &mut [S]) {
        let (cells, source_cells) = (self.map.cells(), self.map.source_cells());
        for (unit, y) in y.iter_mut().enumerate() {
            let (plane, cell) = (unit / cells, unit % cells);
            let taps = (0..self.map.taps()).filter_map(|tap| {
                let weight = S::from_f64(self.weight.get(tap * cells + cell));
                self.map.source(tap, cell).map(|i| (weight, x[plane * source_cells + i].clone()))
            });
            *y = taps.fold(S::from_f64(0.0), |sum, (weight, x)| weight.mul_add(x, sum));
        }
    }
}

/// `y[u] = shift[u] + scale[u] · x[u]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Units.
    pub len: usize,
    /// Factors.
    pub scale: PerUnit,
    /// Shifts.
    pub shift: PerUnit,
}

impl Scale {
    fn apply<S: Number>(&self, x: &[S], y: &mut [S]) {
        for (unit, y) in y.iter_mut().enumerate() {
            let scale = S::from_f64(self.scale.at(unit));
            *y = scale.mul_add(x[unit].clone(), S::from_f64(self.shift.at(unit)));
        }
    }
}
