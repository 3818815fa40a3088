//! The census: which regions a data set occupies, and how.
//!
//! Accumulate, merge, report. The state is integers and full codes, with a fingerprint of the network,
//! so that shards of a data set can be counted apart and put together.

mod entropy;
mod pieces;
mod report;
mod table;

pub use report::{CensusReport, LabelReport, LayerCensus, OccupancyBin};

use std::collections::BTreeMap;

use crate::network::Network;
use pieces::PieceCounts;
use table::CodeTable;

/// Counts of one layer.
#[derive(Clone, Debug)]
struct LayerState {
    table: CodeTable,
    pieces: PieceCounts,
}

/// A census in progress.
#[derive(Clone, Debug)]
pub struct Census {
    layout: crate::CodeLayout,
    fingerprint: u64,
    rows: u64,
    table: CodeTable,
    layers: Vec<LayerState>,
    /// Rows of each (region, label); empty if rows come without labels.
    labels: BTreeMap<(usize, i64), u64>,
    /// A layer's own bits of one row.
    own: Vec<u64>,
}

/// Two censuses that do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "censuses of different networks cannot be merged (fingerprints {own:016x} and {other:016x})"
)]
pub struct MergeError {
    /// This census's network.
    pub own: u64,
    /// The other's.
    pub other: u64,
}

impl Census {
    /// An empty census of `network`'s regions.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        let layout = network.layout().clone();
        let layers: Vec<LayerState> = layout
            .layers()
            .iter()
            .map(|layer| LayerState {
                table: CodeTable::new(layer.bits().div_ceil(64)),
                pieces: PieceCounts::new(layer.units(), layer.pieces()),
            })
            .collect();
        let most = layers.iter().map(|layer| layer.table.words()).max().unwrap_or(0);
        Self {
            fingerprint: network.fingerprint(),
            rows: 0,
            table: CodeTable::new(layout.words()),
            layers,
            labels: BTreeMap::new(),
            own: vec![0; most],
            layout,
        }
    }

    /// Counts `rows` rows that begin at row `first_row` of the data, with their codes and, if there
    /// are any, their labels. Each row's region number, by first appearance, is handed to `assigned`.
    ///
    /// # Panics
    /// If the codes or labels are not those of `rows` rows.
    pub fn add(
        &mut self,
        first_row: usize,
        rows: usize,
        codes: &[u64],
        labels: Option<&[i64]>,
        mut assigned: impl FnMut(usize),
    ) {
        let words = self.layout.words();
        assert_eq!(codes.len(), rows * words, "one code for each row");
        assert!(labels.is_none_or(|labels| labels.len() == rows), "one label for each row");
        for row in 0..rows {
            let code = &codes[row * words..][..words];
            let number = (first_row + row) as u64;
            let region = self.table.count(code, 1, number);
            if let Some(labels) = labels {
                *self.labels.entry((region, labels[row])).or_default() += 1;
            }
            self.add_layers(code, number);
            assigned(region);
        }
        self.rows += rows as u64;
    }

    fn add_layers(&mut self, code: &[u64], row: u64) {
        for (state, layer) in self.layers.iter_mut().zip(self.layout.layers()) {
            let own = &mut self.own[..state.table.words()];
            layer.copy_bits(code, own);
            state.table.count(own, 1, row);
            state.pieces.count(own);
        }
    }

    /// Takes in the counts of other rows of the same data set.
    ///
    /// # Errors
    /// If the other census is of another network; then nothing changes.
    pub fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        if self.fingerprint != other.fingerprint {
            return Err(MergeError { own: self.fingerprint, other: other.fingerprint });
        }
        let regions = self.table.merge(&other.table);
        for (own, other) in self.layers.iter_mut().zip(&other.layers) {
            own.table.merge(&other.table);
            own.pieces.merge(&other.pieces);
        }
        for (&(region, label), count) in &other.labels {
            *self.labels.entry((regions[region], label)).or_default() += count;
        }
        self.rows += other.rows;
        Ok(())
    }

    /// Rows counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Distinct regions found.
    #[must_use]
    pub fn regions(&self) -> usize {
        self.table.len()
    }

    /// Rows of each region.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        self.table.counts()
    }

    /// The first row of each region.
    #[must_use]
    pub fn first_rows(&self) -> &[u64] {
        self.table.first_rows()
    }

    /// The code of each region, `words` words each.
    #[must_use]
    pub fn codes(&self) -> &[u64] {
        self.table.codes()
    }
}
