//! The report of a census: plain data, with the JSON names that users rely on.

use super::Census;
use super::entropy::{miller_madow, plug_in};
use super::pieces::PieceCounts;
use super::table::CodeTable;
use super::tally::{Keys, Tally};
use crate::code::Layer;

/// What a data set does to a network's partition.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CensusReport {
    /// Rows counted.
    pub rows: u64,
    /// Distinct regions they are in.
    pub regions: usize,
    /// Regions with one row.
    pub singletons: usize,
    /// Rows of the fullest region.
    pub largest: u64,
    /// Regions by how many rows they have.
    pub occupancy: Vec<OccupancyBin>,
    /// Units of all layers.
    pub units: usize,
    /// Bits of a code.
    pub bits: usize,
    /// The most that a code can tell: Σ log2 pieces over all units.
    pub capacity_bits: f64,
    /// Entropy of the code on the data, Miller–Madow corrected. At most log2 rows plus the correction:
    /// where nearly every row has a region of its own, it tells the number of rows.
    pub entropy_bits: f64,
    /// The same without correction.
    pub entropy_plugin_bits: f64,
    /// Sum of the units' entropies less the code's, plug-in: how much the units tell of one another.
    pub multi_information_bits: f64,
    /// Units on their first piece for every row.
    pub never_on: usize,
    /// Units on their last piece for every row.
    pub always_on: usize,
    /// Each nonlinear layer alone.
    pub layers: Vec<LayerCensus>,
    /// How regions and labels fit, if labels were given.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub labels: Option<LabelReport>,
    /// Identifies the network (its coefficients and layout), in hexadecimal.
    pub fingerprint: String,
}

/// Regions with `from` to `to` rows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OccupancyBin {
    /// Fewest rows.
    pub from: u64,
    /// Most rows.
    pub to: u64,
    /// Regions.
    pub regions: usize,
    /// Their rows together.
    pub rows: u64,
}

/// One layer's own census.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LayerCensus {
    /// Node name.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Units.
    pub units: usize,
    /// Pieces of each unit.
    pub pieces: usize,
    /// Bits of the layer.
    pub bits: usize,
    /// The most they can tell: units · log2 pieces.
    pub capacity_bits: f64,
    /// Distinct codes of this layer alone.
    pub distinct: usize,
    /// Entropy of its code, Miller–Madow corrected.
    pub entropy_bits: f64,
    /// The same without correction.
    pub entropy_plugin_bits: f64,
    /// Sum of its units' entropies less its code's, plug-in.
    pub multi_information_bits: f64,
    /// Units on their first piece for every row (a ReLU that is never on).
    pub never_on: usize,
    /// Units on their last piece for every row (a ReLU that is always on).
    pub always_on: usize,
    /// Mean of the on-rates.
    pub mean_on_rate: f64,
    /// For each unit, the share of rows on any piece but the first.
    pub on_rates: Vec<f64>,
}

/// How well regions tell labels.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LabelReport {
    /// Distinct labels.
    pub classes: usize,
    /// Share of rows that have the commonest label of their region; 1 for regions of one row each.
    pub purity: f64,
    /// The same among rows that share their region; null if no region is shared.
    pub shared_purity: Option<f64>,
    /// Regions with more than one label.
    pub mixed_regions: usize,
    /// Rows in those.
    pub mixed_rows: u64,
}

impl Census {
    /// The report of all rows so far. With no rows at all, every number is 0.
    #[must_use]
    pub fn report(&self) -> CensusReport {
        let layers: Vec<LayerCensus> =
            self.layout.layers().iter().map(|layer| self.layer(layer)).collect();
        let tally: Tally = self.table.records().map(|(_, rows, _)| rows).collect();
        let plugin = plug_in(tally.ascending(), self.rows);
        // Σ unit entropies = Σ over layers of (multi-information + code entropy).
        let units_entropy: f64 =
            layers.iter().map(|l| l.multi_information_bits + l.entropy_plugin_bits).sum();
        CensusReport {
            rows: self.rows,
            regions: self.regions(),
            singletons: tally.singletons(),
            largest: tally.ascending().last().map_or(0, |(rows, _)| rows),
            occupancy: occupancy(&tally),
            units: self.layout.units(),
            bits: self.layout.bits(),
            capacity_bits: layers.iter().map(|layer| layer.capacity_bits).sum(),
            entropy_bits: self.corrected(plugin, self.regions()),
            entropy_plugin_bits: plugin,
            multi_information_bits: (units_entropy - plugin).max(0.0),
            never_on: layers.iter().map(|layer| layer.never_on).sum(),
            always_on: layers.iter().map(|layer| layer.always_on).sum(),
            layers,
            labels: (!self.labels.is_empty()).then(|| self.label_report()),
            fingerprint: format!("{:016x}", self.fingerprint),
        }
    }

    fn corrected(&self, plugin: f64, distinct: usize) -> f64 {
        if self.rows == 0 { 0.0 } else { plugin + miller_madow(distinct, self.rows) }
    }

    /// Rows of the distinct codes of `layer` alone, and of each piece of its units.
    fn layer_counts(&self, layer: &Layer) -> (Tally, PieceCounts) {
        match layer.bits() {
            ..=32 => self.short_layer_counts(layer, |word| word as u32),
            33..=64 => self.short_layer_counts(layer, |word| word),
            _ => self.long_layer_counts(layer),
        }
    }

    /// Of a layer of one word, which `key` makes as short as it can be.
    fn short_layer_counts<K: Copy + Ord>(
        &self,
        layer: &Layer,
        key: impl Fn(u64) -> K,
    ) -> (Tally, PieceCounts) {
        let mut pieces = PieceCounts::new(layer.units(), layer.pieces());
        let (mut own, mut keys) = ([0], Keys::with_capacity(self.regions()));
        for (code, rows, _) in self.table.records() {
            layer.copy_bits(code, &mut own);
            pieces.count(&own, rows);
            keys.push(key(own[0]), rows);
        }
        (keys.tally(), pieces)
    }

    fn long_layer_counts(&self, layer: &Layer) -> (Tally, PieceCounts) {
        let mut pieces = PieceCounts::new(layer.units(), layer.pieces());
        let mut own = vec![0; layer.bits().div_ceil(64)];
        let mut table = CodeTable::new(own.len());
        for (code, rows, _) in self.table.records() {
            layer.copy_bits(code, &mut own);
            pieces.count(&own, rows);
            table.count_one(&own, rows);
        }
        (table.records().map(|(_, rows, _)| rows).collect(), pieces)
    }

    fn layer(&self, layer: &Layer) -> LayerCensus {
        let (tally, pieces) = self.layer_counts(layer);
        let units: Vec<Vec<u64>> = (0..pieces.units()).map(|unit| pieces.of_unit(unit)).collect();
        let once = |counts: &Vec<u64>| plug_in(counts.iter().map(|&rows| (rows, 1)), self.rows);
        let entropies = units.iter().map(once);
        let plugin = plug_in(tally.ascending(), self.rows);
        let always = |pick: fn(&[u64]) -> Option<&u64>| {
            let full = |counts: &&Vec<u64>| counts.len() > 1 && pick(counts) == Some(&self.rows);
            if self.rows == 0 { 0 } else { units.iter().filter(full).count() }
        };
        let rate = |counts: &Vec<u64>| (self.rows - counts[0]) as f64 / self.rows.max(1) as f64;
        let on_rates: Vec<f64> = units.iter().map(rate).collect();
        LayerCensus {
            name: layer.name().to_owned(),
            op: layer.op().to_owned(),
            units: layer.units(),
            pieces: layer.pieces(),
            bits: layer.bits(),
            capacity_bits: layer.units() as f64 * (layer.pieces() as f64).log2(),
            distinct: tally.codes(),
            entropy_bits: self.corrected(plugin, tally.codes()),
            entropy_plugin_bits: plugin,
            multi_information_bits: (entropies.sum::<f64>() - plugin).max(0.0),
            never_on: always(|counts| counts.first()),
            always_on: always(|counts| counts.last()),
            mean_on_rate: on_rates.iter().sum::<f64>() / on_rates.len().max(1) as f64,
            on_rates,
        }
    }

    fn label_report(&self) -> LabelReport {
        // For each region: labels, rows of its commonest, rows.
        let mut regions = vec![(0usize, 0u64, 0u64); self.regions()];
        let mut classes: Vec<i64> = Vec::new();
        for (&(region, label), &count) in &self.labels {
            let (labels, most, rows) = &mut regions[region];
            (*labels, *most, *rows) = (*labels + 1, count.max(*most), *rows + count);
            classes.push(label);
        }
        classes.sort_unstable();
        classes.dedup();
        let share = |regions: &mut dyn Iterator<Item = &(usize, u64, u64)>| {
            let (most, rows) = regions.fold((0, 0), |(m, r), region| (m + region.1, r + region.2));
            (rows > 0).then(|| most as f64 / rows as f64)
        };
        let mixed = || regions.iter().filter(|region| region.0 > 1);
        LabelReport {
            classes: classes.len(),
            purity: share(&mut regions.iter()).unwrap_or(0.0),
            shared_purity: share(&mut regions.iter().filter(|region| region.2 > 1)),
            mixed_regions: mixed().count(),
            mixed_rows: mixed().map(|region| region.2).sum(),
        }
    }
}

/// Bins of 1, 2, 3–4, 5–8, … rows; empty ones are left out.
fn occupancy(tally: &Tally) -> Vec<OccupancyBin> {
    let mut bins: Vec<OccupancyBin> = Vec::new();
    for (rows, regions) in tally.ascending() {
        let to = rows.next_power_of_two();
        if bins.last().is_none_or(|bin| bin.to != to) {
            bins.push(OccupancyBin { from: to / 2 + 1, to, regions: 0, rows: 0 });
        }
        if let Some(bin) = bins.last_mut() {
            bin.regions += regions as usize;
            bin.rows += rows * regions;
        }
    }
    bins
}
