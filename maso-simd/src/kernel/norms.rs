//! How large the numbers of a row are. All tiers add squares in [`PANEL`] lanes, and the lanes by halves.

use super::Vector;
use super::spline::load_some;
use super::watch::raise;
use crate::margins::Norms;
use crate::{PANEL, margins};

/// See [`Kernels::norms`](crate::Kernels::norms).
#[inline(always)]
pub(crate) fn norms<V: Vector>(row: &[f32]) -> Norms {
    let (mut largest, mut squares) = ([0.0; PANEL], [0.0; PANEL]);
    let mut nonzero = 0;
    for numbers in row.chunks(PANEL) {
        for (register, x) in numbers.chunks(V::LANES).enumerate() {
            let (x, at) = (load_some::<V>(x), register * V::LANES);
            let size = x.abs();
            raise(&mut largest[at..], size);
            x.mul_add(x, V::load(&squares[at..])).store(&mut squares[at..]);
            nonzero += V::bits(size.gt(V::splat(0.0))).count_ones() as usize;
        }
    }
    margins::norms_of_lanes(largest, squares, nonzero)
}
