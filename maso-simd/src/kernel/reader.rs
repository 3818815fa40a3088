//! What the sums of windows read, in either precision: vectors of rows, by channel and tap.

#![allow(clippy::needless_range_loop, reason = "loops over constants, which are unrolled whole")]

use super::Lanes;
use super::spans::Spans;
use crate::occupied::Occupied;
use crate::windows::{ChannelWeights, Windows};

/// Vectors of the input, `L` each, and the weights that they meet.
pub(super) struct Reader<'a, L, T> {
    pub(super) input: &'a [L],
    /// Planes of the input, and the distance between them.
    pub(super) channels: usize,
    pub(super) plane: usize,
    pub(super) windows: &'a Windows,
    /// Taps of a window, padding counted.
    pub(super) taps: usize,
    pub(super) weights: &'a ChannelWeights<T>,
    /// Of a matrix, which inputs are not zero in all rows.
    pub(super) occupied: Option<&'a Occupied>,
}

impl<L: AsRef<[T]>, T: Copy> Reader<'_, L, T> {
    /// Adds the window of `cell` to the sums of `MR` channels from `first` and `NV` registers of rows from `lane`.
    /// The bodies of the loops over channels and registers are small enough to be unrolled whole, which keeps the
    /// sums in registers.
    #[inline(always)]
    pub(super) fn add_to<V: Lanes<Number = T>, const MR: usize, const NV: usize>(
        &self,
        sums: &mut [[V; NV]; MR],
        first: usize,
        cell: usize,
        lane: usize,
    ) {
        let weights = self.weights.group(first).as_chunks::<MR>().0;
        let window = self.windows.window(cell);
        for channel in 0..self.channels {
            let plane = &self.input[channel * self.plane..];
            let weights = &weights[channel * self.taps..];
            match window {
                // A matrix: no tap is looked up, and inputs that are zero are passed over.
                [first, ..] if self.windows.are_consecutive() => {
                    let plane = &plane[first.source as usize..][..window.len()];
                    let weights = &weights[first.tap as usize..][..window.len()];
                    match self.occupied {
                        None => add_all(sums, plane, lane, weights),
                        Some(occupied) => {
                            let mut spans = Spans::<1>::new(occupied, 0, [0, window.len()]);
                            while let Some([from, to]) = spans.next() {
                                add_all(sums, &plane[from..to], lane, &weights[from..to]);
                            }
                        }
                    }
                }
                _ => {
                    for tap in window {
                        let (x, weights) =
                            (&plane[tap.source as usize], &weights[tap.tap as usize]);
                        add_products(sums, x.as_ref(), lane, weights);
                    }
                }
            }
        }
    }
}

/// Adds the products of vectors with their weights.
#[inline(always)]
fn add_all<V: Lanes, L: AsRef<[V::Number]>, const MR: usize, const NV: usize>(
    sums: &mut [[V; NV]; MR],
    vectors: &[L],
    lane: usize,
    weights: &[[V::Number; MR]],
) {
    for (x, weights) in vectors.iter().zip(weights) {
        add_products(sums, x.as_ref(), lane, weights);
    }
}

/// Adds the products of `NV` registers of rows with `MR` channels' weights.
#[inline(always)]
fn add_products<V: Lanes, const MR: usize, const NV: usize>(
    sums: &mut [[V; NV]; MR],
    lanes: &[V::Number],
    lane: usize,
    weights: &[V::Number; MR],
) {
    let mut x = sums[0];
    for v in 0..NV {
        x[v] = V::load(&lanes[lane + v * V::LANES..]);
    }
    for m in 0..MR {
        let weight = V::splat(weights[m]);
        for v in 0..NV {
            sums[m][v] = weight.mul_add(x[v], sums[m][v]);
        }
    }
}
