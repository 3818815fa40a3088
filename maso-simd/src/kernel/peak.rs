//! What a core can do at most: multiply-adds between registers, with nothing else in the way.

use super::Vector;

/// Chains in flight: more than latency times throughput on the processors there are, and few enough to
/// stay in registers.
const CHAINS: usize = 12;

/// Runs `rounds` rounds; how many multiply-adds that were, and a number that depends on all of them.
#[inline(always)]
pub(crate) fn peak<V: Vector>(rounds: usize) -> (usize, f32) {
    let mut sums = [V::splat(0.5); CHAINS];
    let (factor, addend) = (V::splat(0.999), V::splat(0.001));
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = sum.mul_add(factor, addend);
        }
    }
    let total = sums.into_iter().fold(V::splat(0.0), V::add);
    let mut lanes = [0.0; crate::PANEL];
    total.store(&mut lanes);
    (rounds * CHAINS * V::LANES, lanes.iter().sum())
}
