//! From arguments to a network, its data and an evaluator; the notes that go with them.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use maso_core::{Batch, Evaluator, LowerOptions, Network, RowAxis, Rows, Tier, Want};
use maso_io::dataset::{Dataset, Scaling};
use maso_io::model;
use serde::Serialize;

use crate::args::{DataArgs, ModelArgs, RowAxisArg, RunArgs};
use crate::failure::Failure;
use crate::output::{Progress, talk};

/// Reads the model.
pub(crate) fn load(args: &ModelArgs) -> Result<Arc<Network>, Failure> {
    let row_axis = args.row_axis.map(|axis| match axis {
        RowAxisArg::First => RowAxis::First,
        RowAxisArg::None => RowAxis::None,
    });
    let options = LowerOptions { output: args.output.clone(), row_axis };
    Ok(Arc::new(model::load(&args.model, &options)?))
}

/// Data rows, and which of them to use.
pub(crate) struct Data {
    pub(crate) rows: Dataset,
    pub(crate) range: Range<usize>,
}

impl Data {
    /// Opens the data, and says what may surprise.
    pub(crate) fn open(args: &DataArgs, quiet: bool) -> Result<Self, Failure> {
        let rows = Dataset::open(&args.data)?;
        if !quiet && rows.header().element.is_integer() && args.scale.is_none() {
            let (path, element) = (args.data.display(), rows.header().element);
            talk(&format!(
                "note: {path} holds {element} numbers, used as they are; if the model was trained \
                 on scaled ones, say so (as in --scale 1/255)"
            ));
        }
        let default = Scaling::default();
        let scaling = Scaling {
            scale: args.scale.unwrap_or(default.scale),
            shift: args.shift.unwrap_or(default.shift),
        };
        let count = rows.len();
        let range = match args.rows {
            None => 0..count,
            Some(range) => range.of(count).ok_or_else(|| {
                let path = args.data.display();
                Failure::Usage(format!("--rows: {path} has {count} rows, numbered from 0"))
            })?,
        };
        Ok(Self { rows: rows.with_scaling(scaling), range })
    }
}

/// A network about to run over data.
pub(crate) struct Session {
    pub(crate) evaluator: Evaluator,
    pub(crate) data: Data,
    quiet: bool,
}

/// How a run was made; part of every report.
#[derive(Debug, Serialize)]
pub(crate) struct RunReport {
    pub(crate) model: String,
    pub(crate) data: String,
    pub(crate) tier: &'static str,
    pub(crate) threads: usize,
}

impl Session {
    pub(crate) fn new(network: Arc<Network>, data: Data, args: &RunArgs) -> Result<Self, Failure> {
        let threads = args
            .threads
            .map_or_else(|| available_parallelism().map_or(1, std::num::NonZero::get), usize::from);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Failure::Library(error.into()))?;
        let evaluator = Evaluator::new(network)
            .with_tier(args.tier.unwrap_or_else(Tier::best))
            .with_pool(Arc::new(pool));
        Ok(Self { evaluator, data, quiet: args.quiet })
    }

    pub(crate) fn network(&self) -> &Arc<Network> {
        self.evaluator.network()
    }

    pub(crate) fn report(&self, model: &Path) -> RunReport {
        RunReport {
            model: model.display().to_string(),
            data: self.data.rows.path().display().to_string(),
            tier: self.evaluator.tier().name(),
            threads: self.evaluator.threads(),
        }
    }

    /// Refuses data that do not fit the model, before any output is begun.
    pub(crate) fn check_width(&self) -> Result<(), Failure> {
        let (expected, found) = (self.network().input().len(), self.data.rows.width());
        if expected == found {
            return Ok(());
        }
        let (path, shape) = (self.data.rows.path().display(), &self.data.rows.header().shape);
        let input = self.network().input();
        Err(Failure::Library(
            format!(
                "{path}: rows have {found} numbers each (the file's shape is {shape:?}), but input \
                 {:?} takes {expected} (shape {:?})",
                input.tensor, input.shape
            )
            .into(),
        ))
    }

    /// Runs over the chosen rows, with a progress bar on a terminal.
    pub(crate) fn run(
        &self,
        want: Want,
        mut sink: impl FnMut(Batch<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let range = self.data.range.clone();
        let mut progress = Progress::new(range.len(), self.quiet);
        let run = self.evaluator.run(&self.data.rows, range.clone(), want, |batch| {
            sink(batch)?;
            progress.advance(batch.first_row + batch.rows - range.start);
            Ok(())
        });
        run.map_err(|failure: RunFailure| match failure {
            RunFailure::Sink(failure) => failure,
            RunFailure::Rows(source) => {
                let data = self.data.rows.path().display().to_string();
                Failure::Rows { data, source }
            }
        })
    }

    /// Says that the network ends before its file does.
    pub(crate) fn note_heads(&self) {
        if self.quiet {
            return;
        }
        for head in self.network().heads() {
            talk(&format!(
                "note: the trailing {} ({}) is left off; outputs are what it would read (logits)",
                head.op, head.name
            ));
        }
    }

    /// Says what was written.
    pub(crate) fn talk(&self, text: &str) {
        if !self.quiet {
            talk(text);
        }
    }
}

/// A failed run: of the rows, or of what takes the results.
enum RunFailure {
    Sink(Failure),
    Rows(maso_core::EvalError),
}

impl From<maso_core::EvalError> for RunFailure {
    fn from(error: maso_core::EvalError) -> Self {
        Self::Rows(error)
    }
}

impl From<Failure> for RunFailure {
    fn from(failure: Failure) -> Self {
        Self::Sink(failure)
    }
}
