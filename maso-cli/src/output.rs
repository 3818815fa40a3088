//! Results on standard output, talk on standard error.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;

/// Prints a result.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::Output)
}

/// Prints a report as JSON.
pub(crate) fn print_json(report: &impl Serialize) -> Result<(), Failure> {
    print(&serde_json::to_string_pretty(report)?)
}

/// Says something beside the results. If standard error is closed, nobody is listening.
pub(crate) fn talk(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Refuses an output whose ending says that something else is expected.
pub(crate) fn expect_ending<'e>(path: &Path, endings: &[&'e str]) -> Result<&'e str, Failure> {
    let found = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let known = endings.iter().find(|ending| found.eq_ignore_ascii_case(ending));
    match known {
        Some(ending) => Ok(ending),
        // A device or pipe has no ending; there is only one thing that can go there.
        None if found.is_empty() && endings.len() == 1 => Ok(endings[0]),
        None => Err(Failure::Usage(format!(
            "cannot tell what to write to {}: expected a name ending in .{}",
            path.display(),
            endings.join(" or .")
        ))),
    }
}

/// Refuses an output, if one is asked for, that has not this ending or is one of the inputs.
pub(crate) fn expect_output(
    out: Option<&Path>,
    ending: &str,
    inputs: &[&Path],
) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    expect_ending(out, &[ending])?;
    expect_other(out, inputs)
}

/// Refuses to write over a file that is being read.
pub(crate) fn expect_other(out: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    if out == Path::new("-") {
        let text = "-o takes a file; for standard output name /dev/stdout";
        return Err(Failure::Usage(text.to_owned()));
    }
    let place = |path: &Path| path.canonicalize().ok();
    let same = |input: &&&Path| place(out).is_some_and(|out| place(input) == Some(out));
    match inputs.iter().find(same) {
        Some(input) => Err(Failure::Usage(format!(
            "-o {} would replace the input {}; choose another name",
            out.display(),
            input.display()
        ))),
        None => Ok(()),
    }
}

/// A bar on a terminal, for runs that take a while.
pub(crate) struct Progress {
    count: usize,
    /// What is counted.
    things: &'static str,
    started: Instant,
    shown: bool,
    bar: Option<ProgressBar>,
}

/// How long a run may take before the bar appears.
const PATIENCE: Duration = Duration::from_millis(500);

impl Progress {
    pub(crate) fn new(count: usize, things: &'static str, quiet: bool) -> Self {
        let shown = !quiet && io::stderr().is_terminal();
        Self { count, things, started: Instant::now(), shown, bar: None }
    }

    /// `done` of them are done.
    pub(crate) fn advance(&mut self, done: usize) {
        let elapsed = self.started.elapsed();
        if !self.shown || elapsed < PATIENCE || done == 0 {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let target = ProgressDrawTarget::stderr();
            let bar = ProgressBar::with_draw_target(Some(self.count as u64), target);
            let style = "{wide_bar} {human_pos} of {human_len} {prefix}, {msg} left";
            bar.set_prefix(self.things);
            bar.with_style(ProgressStyle::with_template(style).expect("a valid template"))
        });
        // From the whole run so far: the bar's own estimate knows only what came after it appeared.
        let left = elapsed.mul_f64((self.count - done) as f64 / done as f64);
        bar.set_message(HumanDuration(Duration::from_secs(left.as_secs() + 1)).to_string());
        bar.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
