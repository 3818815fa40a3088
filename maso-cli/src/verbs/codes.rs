//! `maso codes`: every row's region code, on request with margins, on request certified.

use std::time::Instant;

use maso_core::{Batch, Margin, Redone, Verdict, Want};
use maso_io::write::NpyWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::CodesArgs;
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{expect_ending, expect_other, print_json};
use crate::session::{RunReport, Session};
use crate::table::count;

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    rows: usize,
    bits: usize,
    words: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    margins: Option<MarginReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certified: Option<CertifyReport>,
    seconds: f64,
    rows_per_second: f64,
}

/// What margins say of all rows.
#[derive(Default, Serialize)]
struct MarginReport {
    /// Rows whose f32 code is proven to be that of the f64 network.
    certain_rows: usize,
    /// Rows with equal candidates of a maximum, not known to be equal in f64.
    tied_rows: usize,
    /// The smallest margin of all; none if no row has a knot.
    smallest: Option<f32>,
}

/// How certification went.
#[derive(Default, Serialize)]
struct CertifyReport {
    /// Rows done again in f64.
    redone: usize,
    /// Of these, rows whose code is another than f32 gave.
    changed: usize,
    /// Rows with maxima whose candidates are equal in f64 to the last bit.
    tied: usize,
    /// Rows that f64 does not settle either.
    undecided: Vec<usize>,
}

/// Where results go.
struct Outputs {
    codes: NpyWriter,
    margins: Option<NpyWriter>,
    report: MarginReport,
}

pub(crate) fn run(args: &CodesArgs) -> Outcome {
    let (model, data_file) = (&args.model.file.model, &args.data.data);
    expect_ending(&args.out, &["npy"])?;
    expect_other(&args.out, &[model, data_file])?;
    if let Some(margin) = &args.margin {
        expect_ending(margin, &["npy"])?;
        expect_other(margin, &[model, data_file])?;
        if margin == &args.out {
            let text = format!("--margin and -o both name {}; choose two files", margin.display());
            return Err(Failure::Usage(text));
        }
    }
    let network = input::load(&args.model)?;
    if args.certify || args.margin.is_some() {
        input::only_piecewise_affine(&network, "the margin of a code")?;
    }
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let mut session = Session::new(network, data, &args.run)?;
    let (rows, words) = (session.data.range.len(), session.network().layout().words());
    let mut outputs = Outputs {
        codes: NpyWriter::create::<u64>(&args.out, &[rows, words])?,
        margins: args
            .margin
            .as_ref()
            .map(|margin| NpyWriter::create::<f32>(margin, &[rows, 2]))
            .transpose()?,
        report: MarginReport::default(),
    };
    let started = Instant::now();
    if args.certify || args.margin.is_some() {
        session = session.with_margins()?;
    }
    let certified = run_rows(&session, args, &mut outputs)?;
    let Outputs { codes, margins, report } = outputs;
    codes.finish()?;
    margins.map(NpyWriter::finish).transpose()?;
    let seconds = started.elapsed().as_secs_f64();
    tell(&session, args, &report, certified.as_ref(), seconds);
    if !args.run.json {
        return Ok(());
    }
    print_json(&Report {
        run: session.report(model),
        rows,
        bits: session.network().layout().bits(),
        words,
        margins: (args.certify || args.margin.is_some()).then_some(report),
        certified,
        seconds,
        rows_per_second: rows as f64 / seconds,
    })
}

/// Runs over all rows; how certification went, where it is asked for.
fn run_rows(
    session: &Session,
    args: &CodesArgs,
    outputs: &mut Outputs,
) -> Result<Option<CertifyReport>, Failure> {
    if !args.certify {
        let want = if args.margin.is_some() { Want::MARGINS } else { Want::CODES };
        session.run(want, |batch| outputs.take(batch))?;
        return Ok(None);
    }
    let mut report = CertifyReport::default();
    session.certify(|certified| {
        certified.redone.iter().for_each(|redone| report.take(redone));
        outputs.take(certified.batch)
    })?;
    Ok(Some(report))
}

impl Outputs {
    fn take(&mut self, batch: Batch<'_>) -> Result<(), Failure> {
        self.codes.write(batch.codes)?;
        batch.margins.iter().for_each(|margin| self.report.take(margin));
        if let Some(writer) = &mut self.margins {
            let pairs: Vec<f32> =
                batch.margins.iter().flat_map(|m| [m.absolute, m.relative]).collect();
            writer.write(&pairs)?;
        }
        Ok(())
    }
}

impl MarginReport {
    fn take(&mut self, margin: &Margin) {
        self.certain_rows += usize::from(margin.is_certain());
        self.tied_rows += usize::from(margin.tied);
        if margin.absolute.is_finite() && self.smallest.is_none_or(|m| margin.absolute < m) {
            self.smallest = Some(margin.absolute);
        }
    }
}

impl CertifyReport {
    fn take(&mut self, redone: &Redone) {
        self.redone += 1;
        self.changed += usize::from(redone.changed);
        match redone.verdict {
            Verdict::Certain => {}
            Verdict::Tied => self.tied += 1,
            Verdict::Undecided => self.undecided.push(redone.row),
        }
    }
}

/// Rows named in what is said; the report has all of them.
const NAMED_ROWS: usize = 10;

/// Says what was written.
fn tell(
    session: &Session,
    args: &CodesArgs,
    margins: &MarginReport,
    certified: Option<&CertifyReport>,
    seconds: f64,
) {
    let (rows, layout) = (session.data.range.len(), session.network().layout());
    session.talk(&format!(
        "wrote {}: {} of {} in {}, in {seconds:.2} s",
        args.out.display(),
        count(rows as u64, "code"),
        count(layout.bits() as u64, "bit"),
        count(layout.words() as u64, "word"),
    ));
    if let Some(path) = &args.margin {
        session.talk(&format!(
            "wrote {}: margins; the codes of {} are proven to be those of the f64 network",
            path.display(),
            count(margins.certain_rows as u64, "row")
        ));
    }
    let Some(CertifyReport { redone, changed, tied, undecided }) = certified else { return };
    session.talk(&format!(
        "certified: {} done again in f64, {changed} of their codes changed",
        count(*redone as u64, "row")
    ));
    if *tied > 0 {
        session.talk(&format!(
            "note: in {} candidates of a maximum are equal in f64 to the last bit; the first is taken",
            count(*tied as u64, "row")
        ));
    }
    if !undecided.is_empty() {
        let named: Vec<String> = undecided.iter().take(NAMED_ROWS).map(usize::to_string).collect();
        let more = if undecided.len() > NAMED_ROWS { ", … (--json names all)" } else { "" };
        session.talk(&format!(
            "note: {} not settled in f64 either: {}{more}",
            count(undecided.len() as u64, "row"),
            named.join(", ")
        ));
    }
}
