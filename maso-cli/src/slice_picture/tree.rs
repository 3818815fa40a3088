//! The codes of all regions in little room: a tree over the regions, and for each what differs from its parent.

use std::collections::VecDeque;

use maso_core::CodeLayout;
use maso_core::geometry::slice::Slice;

/// A region's parent, if it has none: then all its pieces but those of number 0 are differences.
const NOTHING: u32 = u32::MAX;

/// A tree over the regions of a slice.
pub(super) struct Tree {
    pub(super) parent: Vec<u32>,
    /// How many units differ, for each region.
    pub(super) counts: Vec<u32>,
    /// Which: the number among all units times `pieces`, plus the piece.
    pub(super) flips: Vec<u32>,
    /// Pieces of a unit, at most.
    pub(super) pieces: u32,
}

impl Tree {
    /// Walks over edges from region to region, nearest first, so that ways to the root are short.
    pub(super) fn of(slice: &Slice, layout: &CodeLayout) -> Self {
        let regions = slice.regions.len();
        let names = Names::new(layout);
        let mut parent = vec![NOTHING; regions];
        let mut own: Vec<Option<Vec<u32>>> = vec![None; regions];
        for root in 0..regions {
            if own[root].is_some() {
                continue;
            }
            let code = slice.code(root);
            own[root] = Some(names.differences(&vec![0; layout.words()], &code));
            // Only codes of regions whose neighbours are still to be looked at are kept.
            let mut queue = VecDeque::from([(root, code)]);
            while let Some((region, code)) = queue.pop_front() {
                for (next, _) in slice.regions.neighbours(region) {
                    let next = next as usize;
                    if own[next].is_none() {
                        let other = slice.code(next);
                        parent[next] = region as u32;
                        own[next] = Some(names.differences(&code, &other));
                        queue.push_back((next, other));
                    }
                }
            }
        }
        let own: Vec<Vec<u32>> = own.into_iter().map(Option::unwrap_or_default).collect();
        let counts = own.iter().map(|flips| flips.len() as u32).collect();
        Self { parent, counts, flips: own.concat(), pieces: names.pieces }
    }
}

/// Names of bits.
struct Names<'a> {
    layout: &'a CodeLayout,
    pieces: u32,
    first_unit: Vec<usize>,
}

impl<'a> Names<'a> {
    fn new(layout: &'a CodeLayout) -> Self {
        let layers = layout.layers();
        let pieces = layers.iter().map(|layer| layer.pieces()).max().unwrap_or(1) as u32;
        let first_unit = (0..layers.len()).map(|layer| layout.first_unit(layer)).collect();
        Self { layout, pieces, first_unit }
    }

    /// The units whose pieces differ, with their pieces in `second`.
    fn differences(&self, first: &[u64], second: &[u64]) -> Vec<u32> {
        let mut flips = Vec::new();
        for (word, (first, second_word)) in first.iter().zip(second).enumerate() {
            let mut differs = first ^ second_word;
            while differs != 0 {
                let bit = word * 64 + differs.trailing_zeros() as usize;
                differs &= differs - 1;
                let flip = self.flip(bit, second);
                // A unit of several bits may differ in more than one.
                if flips.last() != Some(&flip) {
                    flips.push(flip);
                }
            }
        }
        flips
    }

    fn flip(&self, bit: usize, code: &[u64]) -> u32 {
        let layers = self.layout.layers();
        let number = layers.partition_point(|layer| layer.first_bit() + layer.bits() <= bit);
        let layer = &layers[number];
        let unit = (bit - layer.first_bit()) / layer.unit_bits();
        (self.first_unit[number] + unit) as u32 * self.pieces + layer.piece(code, unit) as u32
    }
}
