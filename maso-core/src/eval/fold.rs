//! Results gathered by each thread on its own: no thread waits for another, and nothing is handed over.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rayon::prelude::*;

use super::tile::{Results, Tile, TileBuffers};
use crate::margin::Margin;

use super::{Batch, EvalError, Evaluator, Rows, Want};

/// Rows that a thread takes at once.
const SPAN_ROWS: usize = 2048;

/// The spans of a run that are still to be done, and the first error.
struct Spans<E> {
    end: usize,
    next: AtomicUsize,
    failed: AtomicBool,
    /// The first row of the span that failed, and why.
    error: Mutex<Option<(usize, E)>>,
}

impl<E> Spans<E> {
    /// A span that nobody has taken; spans are taken in the data's order.
    fn take(&self) -> Option<Range<usize>> {
        if self.failed.load(Ordering::Relaxed) {
            return None;
        }
        let start = self.next.fetch_add(SPAN_ROWS, Ordering::Relaxed);
        (start < self.end).then(|| start..(start + SPAN_ROWS).min(self.end))
    }

    /// Notes an error. Every span before it was taken, and will be finished: the first of several errors
    /// is kept.
    fn fail(&self, row: usize, error: E) {
        self.failed.store(true, Ordering::Relaxed);
        let mut first = self.error.lock().expect("no thread panics while it holds the lock");
        if first.as_ref().is_none_or(|(other, _)| row < *other) {
            *first = Some((row, error));
        }
    }
}

impl Evaluator {
    /// Evaluates `range` of `rows` in spans, in any order; each thread gathers its results in a state of
    /// its own, made by `new`. Gives all states, which together have seen every row once.
    ///
    /// # Errors
    /// The first row (in the data's order) that cannot be read or that gives NaN or infinity; or the
    /// first error of `gather`.
    pub fn fold<S: Send, E: From<EvalError> + Send>(
        &self,
        rows: &dyn Rows,
        range: Range<usize>,
        want: Want,
        new: impl Fn() -> S + Sync,
        gather: impl Fn(&mut S, Batch<'_>) -> Result<(), E> + Sync,
    ) -> Result<Vec<S>, E> {
        self.check_range(rows, &range)?;
        if want.margins {
            self.only_piecewise_affine("margins")?;
        }
        let spans = Spans {
            end: range.end,
            next: AtomicUsize::new(range.start),
            failed: AtomicBool::new(false),
            error: Mutex::new(None),
        };
        let worker = || {
            let mut state = new();
            let mut buffers = self.lend_buffers();
            let mut results = SpanResults::default();
            while let Some(span) = spans.take() {
                let first = span.start;
                let done = self
                    .run_span(rows, span, want, &mut buffers.buffers, &mut results)
                    .map_err(E::from)
                    .and_then(|batch| gather(&mut state, batch));
                if let Err(error) = done {
                    spans.fail(first, error);
                }
            }
            state
        };
        let states: Vec<S> = match &self.pool {
            Some(pool) => pool.install(|| {
                (0..self.threads()).into_par_iter().with_max_len(1).map(|_| worker()).collect()
            }),
            None => vec![worker()],
        };
        match spans.error.into_inner().expect("no thread panicked while it held the lock") {
            Some((_, error)) => Err(error),
            None => Ok(states),
        }
    }

    /// Runs the rows of one span, tile by tile, on this thread.
    fn run_span<'r>(
        &self,
        rows: &dyn Rows,
        span: Range<usize>,
        want: Want,
        buffers: &mut TileBuffers,
        results: &'r mut SpanResults,
    ) -> Result<Batch<'r>, EvalError> {
        let outputs = if want.values { self.outputs() } else { 0 };
        let words = if want.codes { self.network().layout().words() } else { 0 };
        results.values.resize(span.len() * outputs, 0.0);
        results.codes.resize(span.len() * words, 0);
        results.margins.resize(if want.margins { span.len() } else { 0 }, Margin::default());
        let SpanResults { values, codes, margins } = results;
        let into = Results { values, outputs, codes, words, margins };
        let tile_rows = self.tile_rows(span.len() * self.threads() * 4, want);
        for mut tile in Tile::split(span.start, span.len(), tile_rows, want, into) {
            tile.run_or_explain(self, rows, buffers)?;
        }
        Ok(Batch { first_row: span.start, rows: span.len(), values, codes, margins })
    }
}

/// Results of the span that a thread is at.
#[derive(Debug, Default)]
struct SpanResults {
    values: Vec<f32>,
    codes: Vec<u64>,
    margins: Vec<Margin>,
}
