//! How large the numbers of a row are, and which are not zero. All tiers add squares in [`PANEL`] lanes, and the lanes by
//! halves.

use super::Vector;
use super::spline::load_some;
use crate::PANEL;
use crate::margins::{Norms, norms_of_lanes};

/// Registers of the narrowest vector that [`PANEL`] lanes take.
const MOST: usize = PANEL / 4;

/// Panels of a word of the mask.
const PANELS: usize = 64 / PANEL;

/// See [`Kernels::norms_of_rows`](crate::Kernels::norms_of_rows): as many rows, `ldx` apart, as `norms` has room for, and
/// a mask of each, if there are any.
#[inline(always)]
pub(crate) fn norms<V: Vector>(
    x: &[f32],
    [ldx, depth]: [usize; 2],
    masks: &mut [u64],
    norms: &mut [Norms],
) {
    let words = masks.len() / norms.len().max(1);
    for (row, norms) in norms.iter_mut().enumerate() {
        *norms = of_row::<V>(&x[row * ldx..][..depth], &mut masks[row * words..][..words]);
    }
}

/// Bit i of the mask, if there is one: whether number i is not zero.
#[inline(always)]
fn of_row<V: Vector>(row: &[f32], mask: &mut [u64]) -> Norms {
    let mut sums = Sums::<V> { largest: [V::splat(0.0); MOST], squares: [V::splat(0.0); MOST] };
    let mut nonzero = 0;
    let (panels, rest) = row.as_chunks::<PANEL>();
    for (index, panel) in panels.iter().enumerate() {
        let mut bits = 0;
        for register in 0..PANEL / V::LANES {
            let lane = register * V::LANES;
            bits |= sums.see(register, V::load(&panel[lane..])) << lane;
        }
        nonzero += bits.count_ones() as usize;
        put(mask, index, bits);
    }
    let mut bits = 0;
    for (register, x) in rest.chunks(V::LANES).enumerate() {
        bits |= sums.see(register, load_some(x)) << (register * V::LANES);
    }
    put(mask, panels.len(), bits);
    nonzero += bits.count_ones() as usize;
    norms_of_lanes(lanes(sums.largest), lanes(sums.squares), nonzero)
}

/// Sizes and squares, lane by lane.
struct Sums<V> {
    largest: [V; MOST],
    squares: [V; MOST],
}

impl<V: Vector> Sums<V> {
    /// Takes in a register; bit i says whether lane i is not zero.
    #[inline(always)]
    fn see(&mut self, register: usize, x: V) -> u32 {
        let size = x.abs();
        self.largest[register] = self.largest[register].max(size);
        self.squares[register] = x.mul_add(x, self.squares[register]);
        V::bits(size.gt(V::splat(0.0)))
    }
}

/// Puts a panel's bits into its word, where there is one.
#[inline(always)]
fn put(mask: &mut [u64], panel: usize, bits: u32) {
    if let Some(word) = mask.get_mut(panel / PANELS) {
        let kept = if panel.is_multiple_of(PANELS) { 0 } else { *word };
        *word = kept | u64::from(bits) << (panel % PANELS * PANEL);
    }
}

#[inline(always)]
fn lanes<V: Vector>(registers: [V; MOST]) -> [f32; PANEL] {
    let mut lanes = [0.0; PANEL];
    for (register, lanes) in registers.into_iter().zip(lanes.chunks_exact_mut(V::LANES)) {
        register.store(lanes);
    }
    lanes
}
