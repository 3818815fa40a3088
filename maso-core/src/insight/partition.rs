//! Distances between rows by their region codes: the share of units that are on different pieces, layer by layer
//! and as a whole (Balestriero and Baraniuk, *A Spline Theory of Deep Networks*, 2018, on vector quantisation).
//! For units of two pieces that is the Hamming distance of codes, over the number of units.

use crate::code::{CodeLayout, Layer};

/// How differently two rows are coded.
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionDistance {
    /// For each layer, the share of its units on different pieces; 0 for a layer without units.
    pub layers: Vec<f64>,
    /// The share of all units: the layers' shares weighed by their units.
    pub total: f64,
}

/// A row and its distance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearRow {
    /// The row's number among the codes compared.
    pub row: usize,
    /// The share of units on other pieces.
    pub distance: f64,
}

impl CodeLayout {
    /// The distance of two codes.
    ///
    /// # Panics
    /// If a code has not as many words as the layout.
    #[must_use]
    pub fn distance(&self, a: &[u64], b: &[u64]) -> PartitionDistance {
        assert!(a.len() == self.words() && b.len() == self.words(), "codes of this layout");
        let counts: Vec<usize> =
            self.layers().iter().map(|layer| different_units(layer, a, b)).collect();
        let share = |count: usize, units: usize| count as f64 / units.max(1) as f64;
        let pairs = counts.iter().zip(self.layers());
        PartitionDistance {
            layers: pairs.map(|(&count, layer)| share(count, layer.units())).collect(),
            total: share(counts.iter().sum(), self.units()),
        }
    }

    /// The `count` rows of `codes` (whole codes, one after another) that are nearest to `code`; of equally near ones
    /// those that come first.
    ///
    /// # Panics
    /// If `codes` are not whole codes of this layout.
    #[must_use]
    pub fn nearest(&self, code: &[u64], codes: &[u64], count: usize) -> Vec<NearRow> {
        if self.words() == 0 {
            return Vec::new();
        }
        assert!(codes.len().is_multiple_of(self.words()), "whole codes");
        let rows = codes.chunks_exact(self.words()).enumerate();
        let mut nearest: Vec<NearRow> = rows
            .map(|(row, other)| {
                let different: usize =
                    self.layers().iter().map(|layer| different_units(layer, code, other)).sum();
                NearRow { row, distance: different as f64 / self.units().max(1) as f64 }
            })
            .collect();
        nearest.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
        nearest.truncate(count);
        nearest
    }
}

/// Units of a layer that are on different pieces in two codes.
fn different_units(layer: &Layer, a: &[u64], b: &[u64]) -> usize {
    let width = layer.unit_bits();
    if width != 1 {
        let differ = |&unit: &usize| layer.piece(a, unit) != layer.piece(b, unit);
        return if width == 0 { 0 } else { (0..layer.units()).filter(differ).count() };
    }
    let words = layer.bits().div_ceil(64);
    let [mut first, mut second] = [vec![0; words], vec![0; words]];
    layer.copy_bits(a, &mut first);
    layer.copy_bits(b, &mut second);
    first.iter().zip(&second).map(|(a, b)| (a ^ b).count_ones() as usize).sum()
}
