//! Affine forms `a·s + b·t + c`, one for each unit: what a layer is on a plane.

use crate::product::PRODUCT_LANES;

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
