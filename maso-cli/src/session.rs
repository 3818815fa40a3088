//! A network running over data: threads, progress, being stopped, and the notes that go with it.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use maso_core::network::HeadReport;
use maso_core::{Batch, CertifiedBatch, Evaluator, Network, Rows, Want};
use maso_io::dataset::{Layout, Preparation};
use serde::Serialize;

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::input::Data;
use crate::output::{Progress, talk};

/// Rows that tell how large values are, for the bounds of margins: about so many blocks of so many rows, evenly spread
/// over the file.
const SAMPLE_BLOCKS: usize = 16;
const SAMPLE_BLOCK: usize = 16;

/// A network about to run over data.
pub(crate) struct Session {
    pub(crate) evaluator: Evaluator,
    pub(crate) data: Data,
    pub(crate) quiet: bool,
    /// Set when the user or the system asks to stop, so that no half-written file stays.
    pub(crate) stopped: Arc<AtomicBool>,
    pool: Arc<rayon::ThreadPool>,
}

/// How a run was made; part of every report.
#[derive(Debug, Serialize)]
pub(crate) struct RunReport {
    pub(crate) model: String,
    /// The tensor that the network ends at.
    pub(crate) output: String,
    /// Trailing nodes left off.
    pub(crate) head: Vec<HeadReport>,
    pub(crate) data: String,
    /// Which array or columns of the data file, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chosen: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) labels_file: Option<String>,
    /// First row used, and the one after the last.
    pub(crate) row_range: [usize; 2],
    pub(crate) scale: f64,
    pub(crate) shift: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) mean: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) std: Vec<f64>,
    /// The data's layout, where it was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) layout: Option<&'static str>,
    pub(crate) tier: &'static str,
    pub(crate) threads: usize,
    /// Whether a layer is soft, so that maps and distances hold to first order around each row.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) first_order: bool,
}

impl Session {
    /// A session over data that fit the model.
    pub(crate) fn new(network: Arc<Network>, data: Data, args: &RunArgs) -> Result<Self, Failure> {
        let pool = Arc::new(args.pool()?);
        let evaluator =
            Evaluator::new(network).with_tier(args.tier.choose()?).with_pool(Arc::clone(&pool));
        let stopped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stopped);
        // A second handler cannot be set; then there is one already, and the default is to stop.
        let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
        let session = Self { evaluator, data, quiet: args.quiet, stopped, pool };
        session.note_surprises();
        Ok(session)
    }

    /// Prepares for margins, with bounds for rows like some of the file, whichever rows are run.
    pub(crate) fn with_margins(self) -> Result<Self, Failure> {
        let Self { evaluator, data, quiet, stopped, pool } = self;
        let explain =
            |source| Failure::Rows { data: data.rows.path().display().to_string(), source };
        let (mut sample, mut buffer) = (Vec::new(), Vec::new());
        let rows = data.rows.len();
        let apart = (rows / SAMPLE_BLOCKS).max(SAMPLE_BLOCK);
        for first in (0..rows).step_by(apart) {
            // A row that cannot be read or run counts when it is asked for.
            let block = data.rows.block(first..rows.min(first + SAMPLE_BLOCK), &mut buffer);
            for row in block.unwrap_or_default().chunks_exact(data.rows.width()) {
                if row.iter().all(|number| number.is_finite()) {
                    sample.extend_from_slice(row);
                }
            }
        }
        let evaluator = evaluator.with_margin_sample(&sample).map_err(explain)?;
        Ok(Self { evaluator, data, quiet, stopped, pool })
    }

    pub(crate) fn network(&self) -> &Arc<Network> {
        self.evaluator.network()
    }

    pub(crate) fn report(&self, model: &Path) -> RunReport {
        let described = self.network().describe();
        let Preparation { scaling, mean, std, layout } = self.data.preparation.clone();
        RunReport {
            model: model.display().to_string(),
            output: described.output.name,
            head: described.head,
            data: self.data.rows.path().display().to_string(),
            chosen: self.data.chosen.clone(),
            labels_file: None,
            row_range: [self.data.range.start, self.data.range.end],
            scale: scaling.scale,
            shift: scaling.shift,
            mean,
            std,
            layout: layout.map(layout_name),
            tier: self.evaluator.tier().name(),
            threads: self.evaluator.threads(),
            first_order: false,
        }
    }

    /// The same for a verb whose maps are of first order where a layer is soft; says so.
    pub(crate) fn report_of_maps(&self, model: &Path) -> RunReport {
        let soft = self.network().soft_layer();
        if let Some(node) = soft {
            self.talk(&format!(
                "note: layer {} ({}) is soft: affine maps, and what is made of them, hold to first order around each row",
                node.name, node.op
            ));
        }
        RunReport { first_order: soft.is_some(), ..self.report(model) }
    }

    /// Says what is done but may not be meant.
    fn note_surprises(&self) {
        let (rows, input) = (&self.data.rows, self.network().input());
        let (path, header) = (rows.path().display(), rows.header());
        if header.element.is_integer() && !self.data.scaled {
            self.talk(&format!(
                "note: {path} holds {} numbers, used as they are; if the model was trained on scaled \
                 ones, say so (as in --scale 1/255; --scale 1 silences this)",
                header.element
            ));
        }
        let told = self.data.preparation.layout.is_some();
        if let (false, Some(layout)) = (told, rows.other_layout(&input.shape)) {
            self.talk(&format!(
                "note: rows of {path} have shape {:?}, input {:?} takes {:?}: the numbers are taken \
                 in the file's order; if that is another layout, say so (--layout {})",
                &header.shape[1..],
                input.tensor,
                input.shape,
                layout_name(layout)
            ));
        }
    }

    /// Runs over the chosen rows, with a progress bar on a terminal.
    pub(crate) fn run(
        &self,
        want: Want,
        sink: impl FnMut(Batch<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.run_range(self.data.range.clone(), want, sink)
    }

    /// Runs over some of the file's rows, whichever were chosen.
    pub(crate) fn run_range(
        &self,
        range: Range<usize>,
        want: Want,
        mut sink: impl FnMut(Batch<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut progress = Progress::new(range.len(), "rows", self.quiet);
        let run = self.evaluator.run(&self.data.rows, range.clone(), want, |batch| {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(RunFailure::from(Failure::Interrupted));
            }
            sink(batch)?;
            progress.advance(batch.first_row + batch.rows - range.start);
            Ok(())
        });
        run.map_err(|failure| self.explain(failure))
    }

    /// Runs over the chosen rows to certified codes.
    pub(crate) fn certify(
        &self,
        mut sink: impl FnMut(CertifiedBatch<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let range = self.data.range.clone();
        let mut progress = Progress::new(range.len(), "rows", self.quiet);
        let run = self.evaluator.certify(&self.data.rows, range.clone(), |certified| {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(RunFailure::from(Failure::Interrupted));
            }
            sink(certified)?;
            progress.advance(certified.batch.first_row + certified.batch.rows - range.start);
            Ok(())
        });
        run.map_err(|failure| self.explain(failure))
    }

    /// Runs over the chosen rows, each thread with a state of its own, in any order.
    pub(crate) fn fold<S: Send>(
        &self,
        want: Want,
        new: impl Fn() -> S + Sync,
        gather: impl Fn(&mut S, Batch<'_>) + Sync,
    ) -> Result<Vec<S>, Failure> {
        let range = self.data.range.clone();
        let progress = Mutex::new((Progress::new(range.len(), "rows", self.quiet), 0));
        let states = self.evaluator.fold(&self.data.rows, range, want, new, |state, batch| {
            if self.stopped.load(Ordering::Relaxed) {
                return Err(Halt::Interrupted);
            }
            let rows = batch.rows;
            gather(state, batch);
            let (bar, done) = &mut *progress.lock().expect("a bar does not panic");
            *done += rows;
            bar.advance(*done);
            Ok(())
        });
        states.map_err(|halt| match halt {
            Halt::Interrupted => Failure::Interrupted,
            Halt::Rows(source) => self.explain(RunFailure::Rows(source)),
        })
    }

    /// The threads that rows are spread over.
    pub(crate) fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// Says which file a failed row is of.
    pub(crate) fn explain_rows(&self, source: maso_core::EvalError) -> Failure {
        Failure::Rows { data: self.data.rows.path().display().to_string(), source }
    }

    fn explain(&self, failure: RunFailure) -> Failure {
        match failure {
            RunFailure::Sink(failure) => failure,
            RunFailure::Rows(source) => self.explain_rows(source),
        }
    }

    /// Says that the network ends before its file does.
    pub(crate) fn note_heads(&self) {
        for head in self.network().heads() {
            self.talk(&format!(
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

/// The name that `--layout` takes.
fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::Nhwc => "nhwc",
        Layout::Nchw => "nchw",
    }
}

/// A failed run: of the rows, or of what takes the results.
enum RunFailure {
    Sink(Failure),
    Rows(maso_core::EvalError),
}

/// Why a run on several threads ended early.
enum Halt {
    Interrupted,
    Rows(maso_core::EvalError),
}

impl From<maso_core::EvalError> for Halt {
    fn from(error: maso_core::EvalError) -> Self {
        Self::Rows(error)
    }
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
