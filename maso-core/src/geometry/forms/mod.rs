//! A network on a plane: inside a cell every number is an affine form `a·s + b·t + c` of the plane's coordinates,
//! so a layer is three numbers for each unit, whatever the dimension of the input. In f64, with proven bounds
//! of the distance to the exact form.

mod affine;
mod jump;
mod matrix;
mod plan;
mod push;
mod spectral;
mod stage;

use plan::Segment;
pub(crate) use plan::{Plan, Plane};
pub(crate) use push::{Frames, difference};
pub(crate) use stage::{Contest, Kind, Operand, Stage, Target};

use maso_simd::FormBlock;

/// More than the relative error of a rounding: twice it.
pub(crate) const ROUNDING: f64 = f64::EPSILON;

/// Forms come in blocks of as many.
const BLOCK: usize = maso_simd::PRODUCT_LANES;

/// The forms of all numbers of a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forms {
    len: usize,
    stride: usize,
    /// All a, then all b, then all c, each filled up with zeros to `stride`.
    numbers: Vec<f64>,
    pub(crate) bounds: Bounds,
    /// The Euclidean norm of all their errors together: of `Δa·S`, `Δb·T` and `Δc` of every form.
    error_norm: f64,
    /// The size when it was measured last: where forms change by steps, the bound grows.
    measured: f64,
}

/// What is known of all forms of a node together. S and T are the largest coordinates, without sign, of the
/// window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// `|Δa|·S + |Δb|·T + |Δc|`, where Δ is the difference to the exact form.
    pub(crate) error: f64,
    /// `|a| + |b|`.
    pub(crate) gradient: f64,
    /// `|a|·S + |b|·T + |c|`.
    pub(crate) size: f64,
}

impl Bounds {
    /// How far a value found at a point, itself known to `slack` in either coordinate, may be from the exact one.
    pub(crate) fn of_value(&self, slack: f64) -> f64 {
        1.01 * (self.error + self.gradient * slack + 2.0 * ROUNDING * self.size)
    }

    /// What is known of one of the forms alone.
    pub(crate) fn of_form(&self, [a, b, c]: [f64; 3], reach: [f64; 2]) -> Self {
        let size = a.abs() * reach[0] + b.abs() * reach[1] + c.abs();
        Self { error: self.error, gradient: 1.01 * (a.abs() + b.abs()), size: 1.01 * size }
    }

    fn and(self, other: Self) -> Self {
        Self {
            error: self.error.max(other.error),
            gradient: self.gradient.max(other.gradient),
            size: self.size.max(other.size),
        }
    }
}

impl Forms {
    /// Room for `len` forms, all zero.
    fn resize(&mut self, len: usize) {
        (self.len, self.stride) = (len, len.next_multiple_of(BLOCK));
        self.numbers.clear();
        self.numbers.resize(3 * self.stride, 0.0);
        self.bounds = Bounds::default();
        self.error_norm = 0.0;
    }

    /// Sets what is known of each form, and of all of them no more than that.
    fn set_error(&mut self, error: f64) {
        self.bounds.error = error;
        self.error_norm = error * (self.len as f64).sqrt();
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// `[a, b, c]` of a number.
    #[inline]
    pub(crate) fn form(&self, index: usize) -> [f64; 3] {
        [0, 1, 2].map(|column| self.numbers[column * self.stride + index])
    }

    #[inline]
    fn set(&mut self, index: usize, form: [f64; 3]) {
        for (column, number) in form.into_iter().enumerate() {
            self.numbers[column * self.stride + index] = number;
        }
    }

    /// All of them as kernels take them.
    pub(crate) fn block(&self) -> FormBlock<'_> {
        FormBlock { numbers: &self.numbers, stride: self.stride }
    }

    /// All a, all b and all c, filled up to whole blocks.
    #[inline]
    pub(crate) fn columns(&self) -> [&[f64]; 3] {
        [0, 1, 2].map(|column| &self.numbers[column * self.stride..][..self.stride])
    }
}

/// `a·s + b·t + c`.
#[inline]
pub(crate) fn value([a, b, c]: [f64; 3], [s, t]: [f64; 2]) -> f64 {
    a * s + (b * t + c)
}
