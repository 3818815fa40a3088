//! Affine forms `a·s + b·t + c`, one for each unit: what a layer is on a plane.

use crate::product::PRODUCT_LANES;

/// Weights in either precision; what is summed with them is f64.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// f32, widened as they are read.
    Single(&'a [f32]),
    /// f64.
    Double(&'a [f64]),
}

impl Weights<'_> {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Single(weights) => weights.len(),
            Self::Double(weights) => weights.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those from `from` on.
    ///
    /// # Panics
    /// If there are not as many.
    #[must_use]
    pub fn after(&self, from: usize) -> Self {
        match self {
            Self::Single(weights) => Self::Single(&weights[from..]),
            Self::Double(weights) => Self::Double(&weights[from..]),
        }
    }
}

/// The forms of a layer's units: all a, then all b, then all c.
#[derive(Clone, Copy, Debug)]
pub struct FormBlock<'a> {
    /// Three times `stride` numbers.
    pub numbers: &'a [f64],
    /// Units, filled up to a multiple of [`PRODUCT_LANES`].
    pub stride: usize,
}

impl<'a> FormBlock<'a> {
    pub(crate) fn check(&self) {
        assert!(self.stride.is_multiple_of(PRODUCT_LANES), "whole blocks of units");
        assert_eq!(self.numbers.len(), 3 * self.stride, "three numbers for each unit");
    }

    pub(crate) fn columns(&self) -> [&'a [f64]; 3] {
        [0, 1, 2].map(|column| &self.numbers[column * self.stride..][..self.stride])
    }
}

/// Forms that are sums of chosen inputs' forms, each times the weights of all units: what a dense layer does.
#[derive(Clone, Copy, Debug)]
pub struct FormSum<'a> {
    /// For each input the weights of all units; input i's start at `i * stride`.
    pub weights: Weights<'a>,
    /// Units, filled up to a multiple of [`PRODUCT_LANES`].
    pub stride: usize,
    /// The inputs that are summed, in this order.
    pub chosen: &'a [u32],
    /// The form of each chosen input.
    pub factors: &'a [[f64; 3]],
}

impl FormSum<'_> {
    pub(crate) fn check(&self, numbers: usize) {
        assert!(self.stride.is_multiple_of(PRODUCT_LANES), "whole blocks of units");
        assert_eq!(numbers, 3 * self.stride, "three numbers for each unit");
        assert_eq!(self.factors.len(), self.chosen.len(), "a form for each chosen input");
        if let Some(&last) = self.chosen.iter().max() {
            let needed = (last as usize + 1) * self.stride;
            assert!(self.weights.len() >= needed, "weights of all chosen inputs");
        }
    }
}
