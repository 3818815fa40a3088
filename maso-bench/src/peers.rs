//! Peers: ONNX Runtime and PyTorch do the same job on the same rows, in turn with maso.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use maso_core::{Evaluator, Network, Tier};
use maso_io::model::onnx;
use maso_io::write::NpyWriter;
use serde::Serialize;

use crate::machine::Machine;
use crate::measure::{Times, time};
use crate::report::{grouped, print, table, talk, write_json};
use crate::run::evaluator;
use crate::suite::{Case, Job, Suite};
use crate::workload::{self, Data};
use crate::{Outcome, PeerArgs};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Rows that a peer is given at once: each size is tried, and the fastest counts.
const BATCHES: [usize; 3] = [256, 2048, 8192];

/// One job on both sides.
#[derive(Clone, Debug, Serialize)]
struct Comparison {
    case: String,
    job: &'static str,
    peer: String,
    threads: usize,
    /// Rows the peer was given at once.
    batch: usize,
    /// Medians.
    own_rows_per_second: f64,
    peer_rows_per_second: f64,
    /// maso's speed as a multiple of the peer's.
    ratio: f64,
    own_spread: f64,
    peer_spread: f64,
}

#[derive(Clone, Debug, Serialize)]
struct Comparisons {
    machine: Machine,
    comparisons: Vec<Comparison>,
}

/// Runs the suite's cases against the peers and prints ratios.
pub(crate) fn run(args: &PeerArgs) -> Outcome {
    let suite = Suite::find(&args.suite)?.only(args.only.as_deref())?;
    let python = environment(&args.environment, args.torch)?;
    let mut peers = vec!["onnxruntime"];
    if args.torch {
        peers.push("torch");
    }
    let mut all = Comparisons { machine: Machine::here(), comparisons: Vec::new() };
    for case in &suite.cases {
        talk(&format!("running {}", case.name));
        let prepared = Prepared::new(case)?;
        for &threads in &case.threads {
            for &job in case.jobs.iter().filter(|&&job| job.has_peers()) {
                for &peer in &peers {
                    let found = prepared.compare(&python, peer, job, threads, args.samples)?;
                    all.comparisons.extend(found);
                }
            }
        }
    }
    print(&text(&all))?;
    if let Some(path) = &args.out {
        write_json(path, &all)?;
    }
    Ok(true)
}

fn text(all: &Comparisons) -> String {
    let heading = [
        "case",
        "job",
        "peer",
        "threads",
        "maso rows/s",
        "peer rows/s",
        "batch",
        "spreads",
        "maso/peer",
    ];
    let rows = all.comparisons.iter().map(|c| {
        [
            c.case.clone(),
            c.job.to_owned(),
            c.peer.clone(),
            c.threads.to_string(),
            grouped(c.own_rows_per_second),
            grouped(c.peer_rows_per_second),
            c.batch.to_string(),
            format!("{:.0} % {:.0} %", 100.0 * c.own_spread, 100.0 * c.peer_spread),
            format!("{:.2}", c.ratio),
        ]
    });
    let rows: Vec<_> = std::iter::once(heading.map(str::to_owned)).chain(rows).collect();
    format!(
        "{}\nmedians of calls in turn; peers' codes are the bits of Relu alone, maso's are all bits\n\n{}",
        all.machine.text(),
        table(3, &rows)
    )
}

/// The Python of an environment with the peers, made where it is missing.
fn environment(folder: &Path, torch: bool) -> Result<PathBuf> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = if torch { "import onnxruntime, onnx, torch" } else { "import onnxruntime, onnx" };
    let has = |python: &Path| {
        let mut check = Command::new(python);
        check.args(["-c", wanted]).stdout(Stdio::null()).stderr(Stdio::null());
        check.status().is_ok_and(|status| status.success())
    };
    if has(&python) {
        return Ok(python);
    }
    talk(&format!("installing the peers into {}", folder.display()));
    finish(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
    let mut install = Command::new(&python);
    install.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "numpy==2.4.6",
        "onnx==1.23.2",
        "onnxruntime==1.32.0",
    ]);
    if torch {
        install.arg("torch");
    }
    finish(&mut install)?;
    Ok(python)
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}").into()) }
}

/// A case with its files for the peers.
struct Prepared<'c> {
    case: &'c Case,
    network: Arc<Network>,
    rows: Vec<f32>,
    files: tempfile::TempDir,
}

impl<'c> Prepared<'c> {
    fn new(case: &'c Case) -> Result<Self> {
        let graph = workload::graph(&case.network)?;
        let network = workload::network(&case.network)?;
        let width = network.input().len();
        let data = Data::of(case, width)?;
        let rows = data.numbers().ok_or("peers take rows in memory, not bytes")?.to_vec();
        let files = tempfile::tempdir()?;
        std::fs::write(files.path().join("model.onnx"), onnx::write(&graph)?)?;
        let mut writer =
            NpyWriter::create::<f32>(&files.path().join("rows.npy"), &[case.rows, width])?;
        writer.write(&rows)?;
        writer.finish()?;
        Ok(Self { case, network, rows, files })
    }

    /// One job against one peer, at the peer's best batch size; nothing if the peer cannot do it.
    fn compare(
        &self,
        python: &Path,
        peer: &str,
        job: Job,
        threads: usize,
        samples: u16,
    ) -> Result<Option<Comparison>> {
        let own = evaluator(&self.network, Tier::best(), threads)?;
        let mut own_call = self.own_call(job, &own);
        let mut best: Option<(f64, usize)> = None;
        let sizes = if job == Job::Latency { &[1][..] } else { &BATCHES };
        for &batch in sizes.iter().filter(|&&batch| batch <= self.case.rows) {
            let Some(mut process) = self.start(python, peer, job, threads, batch)? else {
                return Ok(None);
            };
            process.call()?;
            let seconds = process.call()?.min(process.call()?);
            if best.is_none_or(|(fastest, _)| seconds < fastest) {
                best = Some((seconds, batch));
            }
        }
        let Some((_, batch)) = best else { return Ok(None) };
        let Some(mut process) = self.start(python, peer, job, threads, batch)? else {
            return Ok(None);
        };
        process.call()?;
        let repeats = crate::measure::repeats(&mut own_call);
        let (mut own_times, mut peer_times) = (Vec::new(), Vec::new());
        for _ in 0..samples {
            own_times.push(time(repeats, &mut own_call));
            peer_times.push(process.call()?);
        }
        drop(own_call);
        let (own_times, peer_times) = (Times::new(own_times), Times::new(peer_times));
        let rows = if job == Job::Latency { 1.0 } else { self.case.rows as f64 };
        Ok(Some(Comparison {
            case: self.case.name.clone(),
            job: job.name(),
            peer: peer.to_owned(),
            threads,
            batch,
            own_rows_per_second: rows / own_times.median(),
            peer_rows_per_second: rows / peer_times.median(),
            ratio: peer_times.median() / own_times.median(),
            own_spread: own_times.spread(),
            peer_spread: peer_times.spread(),
        }))
    }

    /// One call of maso's side.
    fn own_call<'a>(&'a self, job: Job, own: &'a Evaluator) -> impl FnMut() + use<'a, 'c> {
        let (width, words) = (self.network.input().len(), self.network.layout().words());
        let outputs: usize = self.network.output_shape().iter().product();
        let rows = if job == Job::Latency { &self.rows[..width] } else { &self.rows[..] };
        let count = rows.len() / width;
        let (mut values, mut codes) = (vec![0.0; count * outputs], vec![0; count * words]);
        move || {
            let done = match job {
                Job::Forward => own.forward_into(rows, &mut values),
                _ => own.codes_into(rows, &mut codes),
            };
            done.expect("finite rows of the network's width");
        }
    }

    fn start(
        &self,
        python: &Path,
        peer: &str,
        job: Job,
        threads: usize,
        batch: usize,
    ) -> Result<Option<Process>> {
        let mut process = Process::new(python)?;
        let request = serde_json::json!({
            "peer": peer,
            "job": job.name(),
            "model": self.files.path().join("model.onnx"),
            "rows": self.files.path().join("rows.npy"),
            "threads": threads,
            "batch": batch,
        });
        let answer = process.ask(&request.to_string())?;
        if let Some(error) = answer["error"].as_str() {
            talk(&format!("  {peer}: {error}"));
        }
        Ok((answer["ready"] == true).then_some(process))
    }
}

/// A Python process that does a peer's calls.
struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    fn new(python: &Path) -> Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", include_str!("../peers/peers.py")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().ok_or("a pipe to the peer")?;
        let output = BufReader::new(child.stdout.take().ok_or("a pipe from the peer")?);
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, line: &str) -> Result<serde_json::Value> {
        writeln!(self.input, "{line}")?;
        let mut answer = String::new();
        if self.output.read_line(&mut answer)? == 0 {
            return Err("the peer's process ended without an answer".into());
        }
        Ok(serde_json::from_str(&answer)?)
    }

    /// Seconds of one call.
    fn call(&mut self) -> Result<f64> {
        self.ask("go")?["seconds"].as_f64().ok_or_else(|| "the peer gave no time".into())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whether it ended by itself does not matter any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
