//! How large the numbers of a row are. All tiers add squares in [`PANEL`] lanes, and the lanes by halves.

use super::Vector;
use super::spline::load_some;
use crate::PANEL;
use crate::margins::{Norms, norms_of_lanes};

/// Registers of the narrowest vector that [`PANEL`] lanes take.
const MOST: usize = PANEL / 4;

/// See [`Kernels::norms`](crate::Kernels::norms).
#[inline(always)]
pub(crate) fn norms<V: Vector>(row: &[f32]) -> Norms {
    let zero = V::splat(0.0);
    let (mut largest, mut squares) = ([zero; MOST], [zero; MOST]);
    let mut nonzero = 0;
    let mut see = |register: usize, x: V| {
        let size = x.abs();
        largest[register] = largest[register].max(size);
        squares[register] = x.mul_add(x, squares[register]);
        nonzero += V::bits(size.gt(zero)).count_ones() as usize;
    };
    let (panels, rest) = row.as_chunks::<PANEL>();
    for panel in panels {
        for register in 0..PANEL / V::LANES {
            see(register, V::load(&panel[register * V::LANES..]));
        }
    }
    for (register, x) in rest.chunks(V::LANES).enumerate() {
        see(register, load_some(x));
    }
    let lanes = |registers: [V; MOST]| {
        let mut lanes = [0.0; PANEL];
        for (register, lanes) in registers.into_iter().zip(lanes.chunks_exact_mut(V::LANES)) {
            register.store(lanes);
        }
        lanes
    };
    norms_of_lanes(lanes(largest), lanes(squares), nonzero)
}
