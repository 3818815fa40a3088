//! The evaluator: a network packed for one tier, run over any number of rows, tile by tile.
//!
//! A tile of rows goes through all steps while its buffers are in cache; tiles are spread over the
//! caller's threads and handed back in order. Neither the tile size nor the threads change a bit of
//! the result.

mod error;
mod rows;
mod tile;

pub use error::{EvalError, RowError};
pub use rows::{Rows, SliceRows};

use std::ops::Range;
use std::sync::{Arc, Mutex};

use maso_simd::{Kernels, Tier};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::network::Network;
use crate::pack::Plan;
use tile::{Tile, TileBuffers};

/// What a run is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// The output's values.
    pub values: bool,
    /// The region codes.
    pub codes: bool,
}

/// Consecutive rows, evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Number of the first row in the data.
    pub first_row: usize,
    /// Rows in the batch.
    pub rows: usize,
    /// `rows × output` values; empty if they were not asked for.
    pub values: &'a [f32],
    /// `rows × words` code words; empty if they were not asked for.
    pub codes: &'a [u64],
}

/// A network ready to run: coefficients packed once, a tier chosen once.
#[derive(Debug)]
pub struct Evaluator {
    network: Arc<Network>,
    plan: Plan,
    kernels: &'static Kernels,
    pool: Option<Arc<ThreadPool>>,
    tile_rows: usize,
    idle: Mutex<Vec<TileBuffers>>,
}

/// Bytes of rows and buffers that a tile may fill: what a core's second-level cache holds, with room
/// for the weights in use.
const TILE_BYTES: usize = 256 << 10;
/// Rows beyond which a tile gains nothing.
const MOST_TILE_ROWS: usize = 256;
/// Bytes of results kept before they are handed on.
const BATCH_BYTES: usize = 16 << 20;
/// Tiles in flight for each thread.
const TILES_PER_THREAD: usize = 16;

impl Evaluator {
    /// Packs `network` for the best tier of this machine, on the calling thread alone.
    #[must_use]
    pub fn new(network: Arc<Network>) -> Self {
        let plan = Plan::new(&network);
        let row_bytes = plan.row_bytes() + network.input().len() * size_of::<f32>();
        let fitting = TILE_BYTES / row_bytes;
        let tile_rows = match fitting.clamp(1, MOST_TILE_ROWS) {
            rows if rows < 8 => rows,
            rows => rows / 8 * 8,
        };
        let kernels = Kernels::of(Tier::best());
        Self { network, plan, kernels, pool: None, tile_rows, idle: Mutex::default() }
    }

    /// Uses the kernels of `tier`.
    #[must_use]
    pub fn with_tier(mut self, tier: Tier) -> Self {
        self.kernels = Kernels::of(tier);
        self
    }

    /// Runs tiles on the threads of `pool`.
    #[must_use]
    pub fn with_pool(mut self, pool: Arc<ThreadPool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Takes `rows` rows (at least one) through all layers at once.
    #[must_use]
    pub fn with_tile_rows(mut self, rows: usize) -> Self {
        self.tile_rows = rows.max(1);
        self
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// The tier in use.
    #[must_use]
    pub fn tier(&self) -> Tier {
        self.kernels.tier()
    }

    /// Threads in use.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, |pool| pool.current_num_threads())
    }

    /// Evaluates rows that lie in memory, one after another; output values to `values`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, or a value is or becomes NaN or infinite.
    pub fn forward_into(&self, rows: &[f32], values: &mut [f32]) -> Result<(), EvalError> {
        self.run_into(rows, Some(values), None)
    }

    /// Evaluates rows that lie in memory, one after another; region codes to `codes`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, or a value is or becomes NaN or infinite.
    pub fn codes_into(&self, rows: &[f32], codes: &mut [u64]) -> Result<(), EvalError> {
        self.run_into(rows, None, Some(codes))
    }

    fn run_into(
        &self,
        rows: &[f32],
        mut values: Option<&mut [f32]>,
        mut codes: Option<&mut [u64]>,
    ) -> Result<(), EvalError> {
        let (width, outputs) = (self.network.input().len(), self.network.output_shape());
        let (outputs, words) = (outputs.iter().product::<usize>(), self.network.layout().words());
        let source = SliceRows::new(rows, width).ok_or(EvalError::Length {
            what: "rows",
            expected: width,
            found: rows.len(),
        })?;
        let lengths = [
            ("values", outputs, values.as_ref().map(|values| values.len())),
            ("codes", words, codes.as_ref().map(|codes| codes.len())),
        ];
        for (what, each, found) in lengths {
            let expected = each * source.count();
            if let Some(found) = found.filter(|&found| found != expected) {
                return Err(EvalError::Length { what, expected, found });
            }
        }
        let want = Want { values: values.is_some(), codes: codes.is_some() };
        self.run(&source, 0..source.count(), want, |batch| {
            let at = batch.first_row;
            if let Some(values) = &mut values {
                values[at * outputs..][..batch.values.len()].copy_from_slice(batch.values);
            }
            if let Some(codes) = &mut codes {
                codes[at * words..][..batch.codes.len()].copy_from_slice(batch.codes);
            }
            Ok::<(), EvalError>(())
        })
    }

    /// Evaluates `range` of `rows` and hands the results to `sink`, in order.
    ///
    /// # Errors
    /// The first row (in the data's order) that cannot be read or that gives NaN or infinity; or
    /// whatever `sink` returns.
    pub fn run<E: From<EvalError>>(
        &self,
        rows: &dyn Rows,
        range: Range<usize>,
        want: Want,
        mut sink: impl FnMut(Batch<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let width = self.network.input().len();
        if rows.width() != width {
            return Err(EvalError::Width { expected: width, found: rows.width() }.into());
        }
        if range.start > range.end || range.end > rows.count() {
            return Err(EvalError::Range { range, rows: rows.count() }.into());
        }
        let outputs = if want.values { self.plan.output.len } else { 0 };
        let words = if want.codes { self.network.layout().words() } else { 0 };
        let tile_rows = self.tile_rows_for(range.len());
        let batch_rows = self.batch_rows(tile_rows, outputs, words).min(range.len());
        let (mut values, mut codes) =
            (vec![0.0; batch_rows * outputs], vec![0; batch_rows * words]);
        for first_row in range.clone().step_by(batch_rows.max(1)) {
            let count = batch_rows.min(range.end - first_row);
            let (values, codes) = (&mut values[..count * outputs], &mut codes[..count * words]);
            codes.fill(0);
            let mut tiles =
                Tile::split(first_row, count, tile_rows, want, (values, outputs), (codes, words));
            self.run_tiles(rows, &mut tiles)?;
            drop(tiles);
            sink(Batch { first_row, rows: count, values, codes })?;
        }
        Ok(())
    }

    /// Tiles no larger than gives every thread a few.
    fn tile_rows_for(&self, rows: usize) -> usize {
        self.tile_rows.min(rows.div_ceil(4 * self.threads())).max(1)
    }

    fn batch_rows(&self, tile_rows: usize, outputs: usize, words: usize) -> usize {
        let row_bytes = outputs * size_of::<f32>() + words * size_of::<u64>();
        let tiles = BATCH_BYTES / (row_bytes * tile_rows).max(1);
        tiles.clamp(1, TILES_PER_THREAD * self.threads()) * tile_rows
    }

    /// Runs all tiles. Of several rows that fail, the first in the data's order is reported, whatever
    /// the tiles: a tile that fails is run again row by row.
    fn run_tiles(&self, rows: &dyn Rows, tiles: &mut [Tile<'_>]) -> Result<(), EvalError> {
        let run = |tile: &mut Tile<'_>| {
            let mut buffers = self.take_buffers();
            let result = match tile.run(self, rows, &mut buffers) {
                Ok(true) => Ok(()),
                Ok(false) => Err(tile.first_failure(self, rows, &mut buffers)),
                Err(error) => Err(error.into()),
            };
            self.idle.lock().expect("no tile panics while it holds the lock").push(buffers);
            result
        };
        match &self.pool {
            Some(pool) => {
                let results: Vec<_> = pool.install(|| tiles.par_iter_mut().map(run).collect());
                results.into_iter().collect()
            }
            None => tiles.iter_mut().try_for_each(run),
        }
    }

    fn take_buffers(&self) -> TileBuffers {
        let idle = self.idle.lock().expect("no tile panics while it holds the lock").pop();
        idle.unwrap_or_default()
    }
}
