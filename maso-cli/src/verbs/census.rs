//! `maso census`: the regions that a data set occupies.

use std::path::{Path, PathBuf};

use maso_core::census::LayerCensus;
use maso_core::{Batch, Census, CensusReport, Want};
use maso_io::write::{AtomicFile, NpzWriter, WriteError};
use serde::Serialize;

use crate::Outcome;
use crate::args::CensusArgs;
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{expect_ending, expect_other, print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{count, grouped, percent, row, table};

/// A census with how it was made.
#[derive(Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) run: RunReport,
    #[serde(flatten)]
    pub(crate) census: CensusReport,
}

pub(crate) fn run(args: &CensusArgs) -> Outcome {
    let inputs = [Some(&args.model.file.model), Some(&args.data.data), args.labels.as_ref()];
    let inputs: Vec<&Path> = inputs.into_iter().flatten().map(PathBuf::as_path).collect();
    let ending = match &args.out {
        Some(path) => {
            expect_other(path, &inputs)?;
            Some((path, expect_ending(path, &["json", "npz"])?))
        }
        None => None,
    };
    let network = input::load(&args.model)?;
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let array = args.labels_array.as_deref();
    let labels = |path| input::labels(path, array, &args.model.file, &data);
    let labels = args.labels.as_deref().map(labels).transpose()?;
    let session = Session::new(network, data, &args.run)?;
    // Outputs are begun before the run, so that one that cannot be written costs no time.
    let (mut npz, mut json) = (None, None);
    match ending {
        Some((path, "npz")) => npz = Some(Assignment::create(path, session.data.range.len())?),
        Some((path, _)) => json = Some(AtomicFile::create(path)?),
        None => {}
    }
    let census = count_regions(&session, labels.as_deref(), npz)?;
    let mut run = session.report(&args.model.file.model);
    run.labels_file = args.labels.as_ref().map(|path| path.display().to_string());
    let report = Report { run, census };
    if args.run.json {
        print_json(&report)?
    } else {
        print(&text(&report))?
    }
    if let Some(file) = json {
        file.finish_with((serde_json::to_string_pretty(&report)? + "\n").as_bytes())?;
    }
    if let Some(path) = &args.out {
        session.talk(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// The census of a session's rows; `labels` are those of the whole file. Where each row's region is
/// wanted, regions are numbered as they come; else every thread counts its own rows.
pub(crate) fn count_regions(
    session: &Session,
    labels: Option<&[i64]>,
    npz: Option<Assignment>,
) -> Result<CensusReport, Failure> {
    let want = Want::CODES;
    let own = |batch: &Batch<'_>| labels.map(|l| &l[batch.first_row..][..batch.rows]);
    let Some(mut npz) = npz else {
        let new = || Census::new(session.network());
        let mut shards = session
            .fold(want, new, |census, batch| {
                census.add(batch.first_row, batch.rows, batch.codes, own(&batch), |_| {});
            })?
            .into_iter();
        let mut census = shards.next().unwrap_or_else(new);
        for shard in shards {
            census.merge(&shard).map_err(|error| Failure::Library(error.into()))?;
        }
        return Ok(census.report());
    };
    let mut census = Census::new(session.network());
    session.run(want, |batch| {
        let mut regions = Vec::with_capacity(batch.rows);
        let assign = |region| regions.push(region as i64);
        census.add(batch.first_row, batch.rows, batch.codes, own(&batch), assign);
        Ok(npz.writer.write(&regions)?)
    })?;
    npz.finish(&census, session.network().layout().words())?;
    Ok(census.report())
}

/// The `.npz` output: each row's region as it is found, then what each region is.
pub(crate) struct Assignment {
    writer: NpzWriter,
}

impl Assignment {
    fn create(path: &Path, rows: usize) -> Result<Self, WriteError> {
        let mut writer = NpzWriter::create(path)?;
        writer.begin::<i64>("region", &[rows])?;
        Ok(Self { writer })
    }

    fn finish(mut self, census: &Census, words: usize) -> Result<(), WriteError> {
        let regions = census.regions();
        let signed = |values: &[u64]| values.iter().map(|&v| v as i64).collect::<Vec<_>>();
        self.writer.array("count", &[regions], &signed(&census.counts()))?;
        self.writer.array("first_row", &[regions], &signed(&census.first_rows()))?;
        self.writer.array("code", &[regions, words], &census.codes())?;
        self.writer.finish()
    }
}

/// The report for people.
pub(crate) fn text(report: &Report) -> String {
    let (run, census) = (&report.run, &report.census);
    let mut text = format!("{} through {}\n\n", run.data, run.model);
    text += &format!(
        "{} in {}: {} with one row, the fullest with {}\n",
        count(census.rows, "row"),
        count(census.regions as u64, "region"),
        grouped(census.singletons as u64),
        grouped(census.largest),
    );
    text += &format!(
        "code: {} of {}, worth {:.1}; used: {:.2} (entropy; plug-in {:.2}, and log2 rows is {:.2})\n\
         multi-information of the units: {:.2} bits\n",
        count(census.bits as u64, "bit"),
        count(census.units as u64, "unit"),
        census.capacity_bits,
        census.entropy_bits,
        census.entropy_plugin_bits,
        (census.rows as f64).log2(),
        census.multi_information_bits,
    );
    text += &format!(
        "units never on: {}, always on: {}\n\n",
        grouped(census.never_on as u64),
        grouped(census.always_on as u64)
    );
    if !census.layers.is_empty() {
        text += &format!("{}\n\n", layers(&census.layers));
    }
    text += &occupancy(census);
    if let Some(labels) = &census.labels {
        let shared = labels.shared_purity.map_or("no region has two rows".to_owned(), |purity| {
            format!("{} where regions are shared", percent(purity))
        });
        text += &format!(
            "\n\n{}: purity of regions {} ({shared}); {} with more than one label, holding {}",
            count(labels.classes as u64, "label"),
            percent(labels.purity),
            count(labels.mixed_regions as u64, "region"),
            count(labels.mixed_rows, "row"),
        );
    }
    text
}

fn layers(layers: &[LayerCensus]) -> String {
    let heading = ["layer", "op", "units", "bits", "distinct", "entropy", "never on", "always on"];
    let mut heading = row(heading);
    heading.push("mean on-rate".to_owned());
    let mut rows = vec![heading];
    for layer in layers {
        rows.push(vec![
            layer.name.clone(),
            layer.op.clone(),
            grouped(layer.units as u64),
            grouped(layer.bits as u64),
            grouped(layer.distinct as u64),
            format!("{:.2}", layer.entropy_bits),
            grouped(layer.never_on as u64),
            grouped(layer.always_on as u64),
            percent(layer.mean_on_rate),
        ]);
    }
    table(2, &rows)
}

fn occupancy(census: &CensusReport) -> String {
    let mut rows = vec![row(["rows in a region", "regions", "rows"])];
    for bin in &census.occupancy {
        let range = match (bin.from, bin.to) {
            (from, to) if from == to => grouped(from),
            (from, to) => format!("{} to {}", grouped(from), grouped(to)),
        };
        rows.push(vec![range, grouped(bin.regions as u64), grouped(bin.rows)]);
    }
    table(1, &rows)
}
