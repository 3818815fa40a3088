//! `maso codes`: every row's region code.

use std::time::Instant;

use maso_core::Want;
use maso_io::write::NpyWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::CodesArgs;
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
    seconds: f64,
    rows_per_second: f64,
}

pub(crate) fn run(args: &CodesArgs) -> Outcome {
    expect_ending(&args.out, &["npy"])?;
    expect_other(&args.out, &[&args.model.file.model, &args.data.data])?;
    let network = input::load(&args.model)?;
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let session = Session::new(network, data, &args.run)?;
    let layout = session.network().layout();
    let (rows, bits, words) = (session.data.range.len(), layout.bits(), layout.words());
    let mut writer = NpyWriter::create::<u64>(&args.out, &[rows, words])?;
    let started = Instant::now();
    session.run(Want { values: false, codes: true }, |batch| Ok(writer.write(batch.codes)?))?;
    writer.finish()?;
    let seconds = started.elapsed().as_secs_f64();
    session.talk(&format!(
        "wrote {}: {} of {} in {}, in {seconds:.2} s",
        args.out.display(),
        count(rows as u64, "code"),
        count(bits as u64, "bit"),
        count(words as u64, "word"),
    ));
    if args.run.json {
        let (run, rows_per_second) =
            (session.report(&args.model.file.model), rows as f64 / seconds);
        return print_json(&Report { run, rows, bits, words, seconds, rows_per_second });
    }
    Ok(())
}
