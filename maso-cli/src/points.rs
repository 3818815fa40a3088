//! Rows one by one in f64, spread over the threads and handed back in order: what the verbs of linearisation
//! and geometry do to each.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use maso_core::{EvalError, Linearization, Network, Rows};
use maso_io::write::WriteError;
use rayon::prelude::*;

use crate::args::{ModelArgs, PointArgs, RunArgs};
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::Progress;
use crate::session::Session;

/// Rows that each thread works on before results are handed on.
const ROWS_PER_THREAD: usize = 8;

impl Session {
    /// A session over one row of a file, for what is defined for piecewise-affine networks only.
    pub(crate) fn of_region(
        model: &ModelArgs,
        point: &PointArgs,
        run: &RunArgs,
    ) -> Result<Self, Failure> {
        let network = input::load(model)?;
        input::only_piecewise_affine(&network, "the geometry of a region")?;
        Self::of_point(network, model, point, run)
    }

    /// A session over one row of a file.
    pub(crate) fn of_point(
        network: Arc<Network>,
        model: &ModelArgs,
        point: &PointArgs,
        run: &RunArgs,
    ) -> Result<Self, Failure> {
        let data = Data::open_point(point, &model.file, &network)?;
        Self::new(network, data, run)
    }

    /// Runs `work` on every chosen row (its number, and its values), and hands the results to `sink` in order.
    pub(crate) fn each_row<T: Send>(
        &self,
        work: impl Fn(usize, &[f64]) -> Result<T, EvalError> + Sync,
        mut sink: impl FnMut(usize, T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let range = self.data.range.clone();
        let mut progress = Progress::new(range.len(), "rows", self.quiet);
        let (width, pool) = (self.data.rows.width(), self.pool());
        let mut buffer = Vec::new();
        let block = ROWS_PER_THREAD * pool.current_num_threads();
        for first in range.clone().step_by(block) {
            let rows = first..range.end.min(first + block);
            let values = self.data.rows.block(rows.clone(), &mut buffer);
            let values = values.map_err(|error| self.explain_rows(error.into()))?;
            let one = |row: usize| {
                if self.stopped.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                let values = &values[(row - first) * width..][..width];
                let values: Vec<f64> = values.iter().map(|&value| value.into()).collect();
                work(row, &values).map(Some)
            };
            let done: Vec<_> = pool.install(|| rows.clone().into_par_iter().map(one).collect());
            for (row, result) in rows.clone().zip(done) {
                let result = result.map_err(|error| self.explain_rows(error))?;
                sink(row, result.ok_or(Failure::Interrupted)?)?;
            }
            progress.advance(rows.end - range.start);
        }
        Ok(())
    }

    /// Hands the chosen rows to `work`, `block` at a time: the number of the first among those chosen, and the
    /// values of all.
    pub(crate) fn each_block(
        &self,
        block: usize,
        mut work: impl FnMut(usize, &[f32]) -> Result<(), BlockFailure>,
    ) -> Result<(), Failure> {
        let range = self.data.range.clone();
        let mut progress = Progress::new(range.len(), "rows", self.quiet);
        let mut buffer = Vec::new();
        for first in range.clone().step_by(block) {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            let rows = first..range.end.min(first + block);
            let values = self.data.rows.block(rows.clone(), &mut buffer);
            let values = values.map_err(|error| self.explain_rows(error.into()))?;
            work(first - range.start, values).map_err(|failure| match failure {
                BlockFailure::Rows(error) => self.explain_rows(error.in_rows_from(first)),
                BlockFailure::Write(error) => error.into(),
            })?;
            progress.advance(rows.end - range.start);
        }
        Ok(())
    }

    /// The model at the only row chosen.
    pub(crate) fn only_map(&self) -> Result<Linearization<'_>, Failure> {
        let (range, mut buffer) = (self.data.range.clone(), Vec::new());
        let values = self.data.rows.block(range.clone(), &mut buffer);
        let values = values.map_err(|error| self.explain_rows(error.into()))?;
        let x: Vec<f64> = values.iter().map(|&value| value.into()).collect();
        let map = self.network().linearize(&x);
        map.map_err(|error| self.explain_rows(error.at_row(range.start)))
    }
}

/// Why a block of rows failed: the rows, counted from the block's first, or what their results are written to.
pub(crate) enum BlockFailure {
    Rows(EvalError),
    Write(WriteError),
}

impl From<EvalError> for BlockFailure {
    fn from(error: EvalError) -> Self {
        Self::Rows(error)
    }
}

impl From<WriteError> for BlockFailure {
    fn from(error: WriteError) -> Self {
        Self::Write(error)
    }
}
