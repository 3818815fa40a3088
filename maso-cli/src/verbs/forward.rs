//! `maso forward`: the network's outputs.

use std::time::Instant;

use maso_core::Want;
use maso_io::write::NpyWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::ForwardArgs;
use crate::input::{self, Data};
use crate::output::{expect_ending, expect_other, print_json};
use crate::session::{RunReport, Session};
use crate::table::count;

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    rows: usize,
    shape: Vec<usize>,
    seconds: f64,
    rows_per_second: f64,
}

pub(crate) fn run(args: &ForwardArgs) -> Outcome {
    expect_ending(&args.out, &["npy"])?;
    expect_other(&args.out, &[&args.model.file.model, &args.data.data])?;
    let network = input::load(&args.model)?;
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let session = Session::new(network, data, &args.run)?;
    session.note_heads();
    let rows = session.data.range.len();
    let shape: Vec<usize> =
        [rows].iter().chain(session.network().output_shape()).copied().collect();
    let mut writer = NpyWriter::create::<f32>(&args.out, &shape)?;
    let started = Instant::now();
    session.run(Want::VALUES, |batch| Ok(writer.write(batch.values)?))?;
    writer.finish()?;
    let seconds = started.elapsed().as_secs_f64();
    session.talk(&format!(
        "wrote {}: {} of outputs, shape {shape:?}, in {seconds:.2} s",
        args.out.display(),
        count(rows as u64, "row")
    ));
    if args.run.json {
        let (run, rows_per_second) =
            (session.report(&args.model.file.model), rows as f64 / seconds);
        return print_json(&Report { run, rows, shape, seconds, rows_per_second });
    }
    Ok(())
}
