//! The census: which regions a data set occupies, and how.
//!
//! Accumulate, merge, report. The state is integers and full codes, with a fingerprint of the network,
//! so that shards of a data set can be counted apart and put together. Rows are counted by their whole
//! codes alone: what the report says of layers and units follows from the regions and their rows.

mod entropy;
mod pieces;
mod report;
mod table;
mod tally;

pub use report::{CensusReport, LabelReport, LayerCensus, OccupancyBin};

use std::collections::BTreeMap;

use crate::network::Network;
use table::CodeTable;

/// A census in progress.
#[derive(Clone, Debug)]
pub struct Census {
    layout: crate::CodeLayout,
    fingerprint: u64,
    rows: u64,
    table: CodeTable,
    /// Rows of each (region, label); empty if rows come without labels.
    labels: BTreeMap<(usize, i64), u64>,
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
        Self {
            fingerprint: network.fingerprint(),
            rows: 0,
            table: CodeTable::new(layout.words()),
            labels: BTreeMap::new(),
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
        let (mut row, own) = (0, &mut self.labels);
        self.table.count_rows(codes, rows, first_row as u64, |region| {
            if let Some(labels) = labels {
                *own.entry((region, labels[row])).or_default() += 1;
                row += 1;
            }
            assigned(region);
        });
        self.rows += rows as u64;
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
    pub fn counts(&self) -> Vec<u64> {
        self.table.records().map(|(_, count, _)| count).collect()
    }

    /// The first row of each region.
    #[must_use]
    pub fn first_rows(&self) -> Vec<u64> {
        self.table.records().map(|(.., first_row)| first_row).collect()
    }

    /// The code of each region, `words` words each.
    #[must_use]
    pub fn codes(&self) -> Vec<u64> {
        self.table.records().flat_map(|(code, ..)| code).copied().collect()
    }
}
