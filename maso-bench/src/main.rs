//! The `maso-bench` command: throughput suites a user can run, and comparisons with peers.

mod compare;
mod digest;
mod linear;
mod machine;
mod measure;
mod peers;
mod report;
mod run;
mod suite;
mod workload;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use maso_core::Tier;

/// What a command gives back: false if something it ran gave a wrong answer.
type Outcome = Result<bool, Box<dyn std::error::Error>>;

/// Throughput of maso on this machine: rows a second, shares of its peak, ratios to peers.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the suites
    List,
    /// Run a suite: a name from `list`, or a .toml file
    Run(RunArgs),
    /// Compare two results of `run -o`: B's speed as a multiple of A's
    Compare { a: PathBuf, b: PathBuf },
    /// Run ONNX Runtime (from PyPI, in an environment of its own) in turn with maso on the same rows
    Peers(PeerArgs),
}

#[derive(Debug, clap::Args)]
struct RunArgs {
    suite: String,
    /// Write the results as JSON
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Instruction set of the kernels, instead of each case's own or the fastest here
    #[arg(long, value_name = "NAME")]
    tier: Option<Tier>,
    /// Samples of each case
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
}

#[derive(Debug, clap::Args)]
struct PeerArgs {
    /// The suite whose cases are run
    #[arg(long, default_value = "peers")]
    suite: String,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// PyTorch too, on chains of dense layers (its environment takes 5 GB)
    #[arg(long)]
    torch: bool,
    /// Rounds, each of one call of either side
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u16).range(1..))]
    samples: u16,
    /// Folder of the Python environment
    #[arg(long, value_name = "FOLDER", default_value = ".venv-peers")]
    environment: PathBuf,
    /// Write the results as JSON
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let outcome = match &Cli::parse().verb {
        Verb::List => suite::list(),
        Verb::Run(args) => run::run(args),
        Verb::Compare { a, b } => compare::compare(a, b),
        Verb::Peers(args) => peers::run(args),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::talk(&format!("maso-bench: {error}"));
            ExitCode::FAILURE
        }
    }
}
