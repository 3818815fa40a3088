//! The evaluator: a network packed for one tier, run over any number of rows, tile by tile.
//!
//! A tile of rows goes through all steps while its buffers are in cache; tiles are spread over the
//! caller's threads and handed back in order. Neither the tile size nor the threads nor the layout of a
//! tile change a bit of the result.

mod certify;
mod double;
mod error;
mod fold;
mod jacobian;
mod jvp;
mod linear_tile;
mod margins;
mod pairs;
mod row_tile;
mod rows;
mod tile;
mod unit_tile;

pub use certify::{CertifiedBatch, Redone, Verdict};
pub use error::{EvalError, RowError};
pub use rows::{Rows, SliceRows};

use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use maso_simd::{Kernels, PANEL, Tier};
use rayon::ThreadPool;
use rayon::prelude::*;

use crate::margin::Margin;
use crate::network::Network;
use crate::pack::Plan;
use crate::pack::row_lanes::RowLanes;
use crate::pack::unit_lanes::UnitLanes;
use jacobian::JacobianPlan;
use margins::MarginPlan;
use tile::{Results, Tile, TileBuffers};

/// What a run is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// The output's values.
    pub values: bool,
    /// The region codes.
    pub codes: bool,
    /// How clearly each row is in its region.
    pub margins: bool,
}

impl Want {
    /// Values alone.
    pub const VALUES: Self = Self { values: true, codes: false, margins: false };
    /// Codes alone.
    pub const CODES: Self = Self { values: false, codes: true, margins: false };
    /// Codes and how clear they are.
    pub const MARGINS: Self = Self { values: false, codes: true, margins: true };
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
    /// A margin for each row; empty if they were not asked for.
    pub margins: &'a [Margin],
}

/// A network ready to run: coefficients packed once, a tier chosen once.
#[derive(Debug)]
pub struct Evaluator {
    network: Arc<Network>,
    /// Packed when first needed: most networks need one of the two.
    unit_plan: OnceLock<Plan<UnitLanes>>,
    row_plan: OnceLock<Plan<RowLanes>>,
    /// Rows of a tile from which they are put across lanes.
    rows_for_lanes: usize,
    /// Whether the network has windows.
    has_windows: bool,
    kernels: &'static Kernels,
    pool: Option<Arc<ThreadPool>>,
    /// Rows of a tile, where the caller says so.
    tile_rows: Option<usize>,
    idle: Mutex<Vec<TileBuffers>>,
    /// Made when margins are first asked for.
    margin_plan: OnceLock<MarginPlan>,
    /// Made when matrices are first asked for.
    jacobian_plan: OnceLock<JacobianPlan>,
}

/// Bytes of rows and buffers that a tile may fill: about what a core's second-level cache holds, with room
/// for the weights in use.
const TILE_BYTES: usize = 1 << 20;
/// Rows beyond which a tile gains nothing.
const MOST_TILE_ROWS: usize = 256;
/// Rows below which lanes would be wasted on absent rows, for networks with windows and for matrices.
const FEW_ROWS: [usize; 2] = [8, 24];
/// Products for each number of the input from which turning it pays.
const WIDE: u64 = 200;
/// Bytes of results kept before they are handed on.
const BATCH_BYTES: usize = 16 << 20;
/// Tiles in flight for each thread.
const TILES_PER_THREAD: usize = 16;

impl Evaluator {
    /// An evaluator with the best tier of this machine, on the calling thread alone.
    #[must_use]
    pub fn new(network: Arc<Network>) -> Self {
        Self {
            rows_for_lanes: rows_for_lanes(&network),
            has_windows: RowLanes::has_windows(&network),
            network,
            unit_plan: OnceLock::new(),
            row_plan: OnceLock::new(),
            kernels: Kernels::of(Tier::best()),
            pool: None,
            tile_rows: None,
            idle: Mutex::default(),
            margin_plan: OnceLock::new(),
            jacobian_plan: OnceLock::new(),
        }
    }

    /// Uses the kernels of `tier`.
    ///
    /// # Panics
    /// If this processor has not the tier's instructions ([`Tier::is_available`]).
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
        self.tile_rows = Some(rows.max(1));
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
        self.run_into(rows, Some(values), None, None)
    }

    /// Evaluates rows that lie in memory, one after another; region codes to `codes`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, or a value is or becomes NaN or infinite.
    pub fn codes_into(&self, rows: &[f32], codes: &mut [u64]) -> Result<(), EvalError> {
        self.run_into(rows, None, Some(codes), None)
    }

    /// Evaluates rows that lie in memory, one after another; region codes to `codes`, and how clear each is
    /// to `margins`.
    ///
    /// # Errors
    /// If the lengths do not fit the network, or a value is or becomes NaN or infinite.
    pub fn margins_into(
        &self,
        rows: &[f32],
        codes: &mut [u64],
        margins: &mut [Margin],
    ) -> Result<(), EvalError> {
        self.run_into(rows, None, Some(codes), Some(margins))
    }

    fn run_into(
        &self,
        rows: &[f32],
        values: Option<&mut [f32]>,
        codes: Option<&mut [u64]>,
        margins: Option<&mut [Margin]>,
    ) -> Result<(), EvalError> {
        let (outputs, words) = (self.outputs(), self.network.layout().words());
        if margins.is_some() {
            self.only_piecewise_affine("margins")?;
        }
        let source = self.slice_rows(rows)?;
        let lengths = [
            ("values", outputs, values.as_ref().map(|values| values.len())),
            ("codes", words, codes.as_ref().map(|codes| codes.len())),
            ("margins", 1, margins.as_ref().map(|margins| margins.len())),
        ];
        for (what, each, found) in lengths {
            check_length(what, each * source.count(), found.unwrap_or(each * source.count()))?;
        }
        let (values_asked, codes_asked) = (values.is_some(), codes.is_some());
        let want = Want { values: values_asked, codes: codes_asked, margins: margins.is_some() };
        let results = Results {
            values: values.unwrap_or_default(),
            outputs: if want.values { outputs } else { 0 },
            codes: codes.unwrap_or_default(),
            words: if want.codes { words } else { 0 },
            margins: margins.unwrap_or_default(),
        };
        let tile_rows = self.tile_rows(source.count(), want);
        self.run_tiles(&source, Tile::split(0, source.count(), tile_rows, want, results))
    }

    /// Rows of the input's length.
    fn slice_rows<'d>(&self, rows: &'d [f32]) -> Result<SliceRows<'d>, EvalError> {
        let (what, expected, found) = ("rows", self.network.input().len(), rows.len());
        SliceRows::new(rows, expected).ok_or(EvalError::Length { what, expected, found })
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
        self.check_range(rows, &range)?;
        if want.margins {
            self.only_piecewise_affine("margins")?;
        }
        let outputs = if want.values { self.outputs() } else { 0 };
        let words = if want.codes { self.network.layout().words() } else { 0 };
        let tile_rows = self.tile_rows(range.len(), want);
        let batch_rows = self.batch_rows(tile_rows, outputs, words).min(range.len());
        let (mut values, mut codes) =
            (vec![0.0; batch_rows * outputs], vec![0; batch_rows * words]);
        let mut margins = vec![Margin::default(); if want.margins { batch_rows } else { 0 }];
        for first_row in range.clone().step_by(batch_rows.max(1)) {
            let count = batch_rows.min(range.end - first_row);
            let (values, codes) = (&mut values[..count * outputs], &mut codes[..count * words]);
            let margins = &mut margins[..if want.margins { count } else { 0 }];
            let results = Results { values, outputs, codes, words, margins };
            self.run_tiles(rows, Tile::split(first_row, count, tile_rows, want, results))?;
            let (values, codes) = (&values[..count * outputs], &codes[..count * words]);
            let margins = &margins[..if want.margins { count } else { 0 }];
            sink(Batch { first_row, rows: count, values, codes, margins })?;
        }
        Ok(())
    }

    /// Refuses `what` of a network with a soft layer.
    fn only_piecewise_affine(&self, what: &'static str) -> Result<(), EvalError> {
        self.network.soft_layer().map_or(Ok(()), |node| {
            Err(EvalError::Soft { node: node.name.clone(), op: node.op.clone(), what })
        })
    }

    fn check_range(&self, rows: &dyn Rows, range: &Range<usize>) -> Result<(), EvalError> {
        let width = self.network.input().len();
        if rows.width() != width {
            return Err(EvalError::Width { expected: width, found: rows.width() });
        }
        if range.start > range.end || range.end > rows.count() {
            return Err(EvalError::Range { range: range.clone(), rows: rows.count() });
        }
        Ok(())
    }

    /// Numbers of a row's output.
    fn outputs(&self) -> usize {
        self.network.output_shape().iter().product()
    }

    /// Rows of a tile, when `rows` are to run: no more than gives every thread a few tiles.
    fn tile_rows(&self, rows: usize, want: Want) -> usize {
        let share = rows.div_ceil(4 * self.threads()).max(1);
        if let Some(forced) = self.tile_rows {
            let across = self.uses_row_lanes(forced, want);
            return if across { forced.min(PANEL) } else { forced };
        }
        if self.uses_row_lanes(rows, want) {
            return PANEL;
        }
        let row_bytes = self.unit_plan().bytes() + self.network.input().len() * size_of::<f32>();
        let results = usize::from(want.values) * self.outputs() * size_of::<f32>();
        let fitting = (TILE_BYTES / (row_bytes + results)).clamp(1, MOST_TILE_ROWS);
        // Whole blocks of rows for the kernels.
        let whole = |rows: usize| if rows < 8 { rows } else { rows / 8 * 8 };
        whole(fitting.min(share.next_multiple_of(8)))
    }

    fn batch_rows(&self, tile_rows: usize, outputs: usize, words: usize) -> usize {
        let row_bytes = outputs * size_of::<f32>() + words * size_of::<u64>();
        let tiles = BATCH_BYTES / (row_bytes * tile_rows).max(1);
        tiles.clamp(1, TILES_PER_THREAD * self.threads()) * tile_rows
    }

    /// Whether a tile of `rows` rows puts them across lanes. Windows keep margins in no other way.
    fn uses_row_lanes(&self, rows: usize, want: Want) -> bool {
        rows >= self.rows_for_lanes || self.has_windows && want.margins
    }

    /// The bounds that margins are compared with, for rows like those of a sample.
    ///
    /// # Errors
    /// If the sample is not whole rows, a number of it is NaN or infinite, or the network is soft.
    pub fn with_margin_sample(self, rows: &[f32]) -> Result<Self, EvalError> {
        self.only_piecewise_affine("margins")?;
        let plan = MarginPlan::new(&self, rows)?;
        Ok(Self { margin_plan: plan.into(), ..self })
    }

    /// By what margins are measured.
    fn margin_plan(&self) -> &MarginPlan {
        self.margin_plan.get_or_init(|| MarginPlan::without_sample(self))
    }

    fn unit_plan(&self) -> &Plan<UnitLanes> {
        self.unit_plan.get_or_init(|| Plan::new(&self.network))
    }

    fn row_plan(&self) -> &Plan<RowLanes> {
        self.row_plan.get_or_init(|| Plan::new(&self.network))
    }

    fn run_tiles<'o>(
        &self,
        rows: &dyn Rows,
        tiles: impl Iterator<Item = Tile<'o>>,
    ) -> Result<(), EvalError> {
        self.spread(tiles, |tile, buffers| tile.run_or_explain(self, rows, buffers))
    }

    /// Runs `job` on every tile, on the caller's threads; gives the error of the first that fails.
    fn spread<T: Send>(
        &self,
        mut tiles: impl Iterator<Item = T>,
        job: impl Fn(&mut T, &mut TileBuffers) -> Result<(), EvalError> + Sync,
    ) -> Result<(), EvalError> {
        let run = |buffers: &mut Lent<'_>, mut tile: T| job(&mut tile, &mut buffers.buffers);
        match &self.pool {
            Some(pool) => {
                let tiles: Vec<T> = tiles.collect();
                let results: Vec<_> = pool.install(|| {
                    tiles.into_par_iter().map_init(|| self.lend_buffers(), run).collect()
                });
                results.into_iter().collect()
            }
            None => {
                let mut buffers = self.lend_buffers();
                tiles.try_for_each(|tile| run(&mut buffers, tile))
            }
        }
    }

    /// Buffers that go back when they are dropped.
    fn lend_buffers(&self) -> Lent<'_> {
        let idle = self.idle.lock().expect("no tile panics while it holds the lock").pop();
        Lent { buffers: idle.unwrap_or_default(), evaluator: self }
    }
}

fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), EvalError> {
    if found == expected { Ok(()) } else { Err(EvalError::Length { what, expected, found }) }
}

/// Rows of a tile from which they are put across lanes: with windows soon, with wide matrices where few
/// lanes are wasted, with narrow ones never.
fn rows_for_lanes(network: &Network) -> usize {
    if RowLanes::has_windows(network) {
        FEW_ROWS[0]
    } else if network.multiply_adds() >= WIDE * network.input().len() as u64 {
        FEW_ROWS[1]
    } else {
        usize::MAX
    }
}

/// Buffers of an evaluator while a thread uses them.
struct Lent<'e> {
    buffers: TileBuffers,
    evaluator: &'e Evaluator,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let buffers = std::mem::take(&mut self.buffers);
        if let Ok(mut idle) = self.evaluator.idle.lock() {
            idle.push(buffers);
        }
    }
}
