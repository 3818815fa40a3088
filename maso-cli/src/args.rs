//! Arguments. What several verbs take is written once and flattened into each.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use maso_core::Tier;
use maso_io::dataset::{Columns, Layout};

use crate::failure::Failure;

/// The spline view of trained networks: which region each row is in, and which regions a data set
/// occupies.
#[derive(Debug, Parser)]
#[command(name = "maso", version, max_term_width = 100)]
#[command(after_help = "Start with `maso demo`, which needs no file.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show a model as max-affine operators: layers, units, pieces, bits
    Info(InfoArgs),
    /// Evaluate the model on every row and write its outputs (before a trailing Softmax or the like)
    Forward(ForwardArgs),
    /// Write every row's region code, one bit (or more) for each unit
    Codes(CodesArgs),
    /// Count the regions that a data set occupies
    Census(CensusArgs),
    /// Write a model kept as weights alone (.safetensors, .npz) as an ONNX file
    Convert(ConvertArgs),
    /// Run the census on an embedded network and data set
    Demo(DemoArgs),
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) tier: TierArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ForwardArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Where the outputs go: f32 of shape (rows, output shape…)
    #[arg(short = 'o', long = "out", value_name = "Y.npy")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CodesArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Where the codes go: u64 words of shape (rows, words), unit 0 in the lowest bits of word 0
    #[arg(short = 'o', long = "out", value_name = "C.npy")]
    pub(crate) out: PathBuf,
    /// Write how clearly each row is in its region: f32 of shape (rows, 2), the smallest distance of a
    /// pre-activation to a knot, and that over the proven bound of its rounding error (above 1, the
    /// code is that of the f64 network)
    #[arg(long, value_name = "M.npy")]
    pub(crate) margin: Option<PathBuf>,
    /// Make the codes those of the network in f64: rows that f32 does not settle are done again, and
    /// those that f64 does not settle either are named
    #[arg(long)]
    pub(crate) certify: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CensusArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Integer labels, one for each row of DATA; a file of any kind that DATA can be
    #[arg(long, value_name = "LABELS")]
    pub(crate) labels: Option<PathBuf>,
    /// Which array (or column, by name or number) of LABELS
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) labels_array: Option<String>,
    /// Write the report (.json), or each row's region with every region's count, first row and code
    /// (.npz)
    #[arg(short = 'o', long = "out", value_name = "R.json|R.npz")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Where the model goes
    #[arg(short = 'o', long = "out", value_name = "MODEL.onnx")]
    pub(crate) out: PathBuf,
    /// Round double-precision weights to f32 (ONNX Runtime has no convolutions in double precision)
    #[arg(long)]
    pub(crate) float32: bool,
    /// Say nothing on standard error but errors
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The network: an ONNX file, or weights (.safetensors, .npz) with --arch
    pub(crate) model: PathBuf,
    /// The layers of a file of weights: mlp:relu (all of them, where their names tell the order),
    /// conv:relu:1x28x28, or a JSON file
    #[arg(long, value_name = "LAYERS")]
    pub(crate) arch: Option<String>,
    /// Read files block by block instead of mapping them into memory (for network drives, and files
    /// that others may write to)
    #[arg(long)]
    pub(crate) buffered: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    pub(crate) file: FileArgs,
    /// Stop the network at this tensor (or node) instead of its first output
    #[arg(long, value_name = "TENSOR")]
    pub(crate) output: Option<String>,
    /// Which axis of the model's input holds the rows [default: 0 if it is symbolic or 1]
    #[arg(long, value_name = "AXIS")]
    pub(crate) row_axis: Option<RowAxisArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RowAxisArg {
    /// The first axis
    #[value(name = "0")]
    First,
    /// No axis: the whole input tensor is one row
    None,
}

#[derive(Debug, Args)]
pub(crate) struct DataArgs {
    /// The rows: a file whose first axis counts them (.npy, .npz, .safetensors, IDX, CSV or Parquet)
    pub(crate) data: PathBuf,
    /// Which array of DATA, where it is an archive of several (.npz, .safetensors)
    #[arg(long, value_name = "NAME")]
    pub(crate) array: Option<String>,
    /// Which columns of DATA, where it is a table (CSV, Parquet): names and numbers from 0, such as
    /// 1..785 or a,b. Names need a first line of names
    #[arg(long, value_name = "LIST")]
    pub(crate) columns: Option<Columns>,
    /// Use only rows A to B−1 (A.. and ..B work too)
    #[arg(long, value_name = "A..B", value_parser = parse_rows, allow_hyphen_values = true)]
    pub(crate) rows: Option<RowRange>,
    /// Multiply every number of the data by this first, such as 1/255
    #[arg(long, value_name = "NUMBER", value_parser = parse_scale, allow_hyphen_values = true)]
    pub(crate) scale: Option<f64>,
    /// Add this to every number, after the scale
    #[arg(long, value_name = "NUMBER", value_parser = parse_number, allow_hyphen_values = true)]
    pub(crate) shift: Option<f64>,
    /// Then subtract the mean: one number, one for each channel (the first axis, where rows are no
    /// images), or one for each number of a row
    #[arg(long, value_name = "M,…", value_parser = parse_number, allow_hyphen_values = true, value_delimiter = ',')]
    pub(crate) mean: Vec<f64>,
    /// Then divide by the standard deviation: as many numbers, or one
    #[arg(long, value_name = "S,…", value_parser = parse_number, allow_hyphen_values = true, value_delimiter = ',')]
    pub(crate) std: Vec<f64>,
    /// The order of an image's numbers in DATA; turned into the model's [default: the model's]
    #[arg(long, value_name = "LAYOUT")]
    pub(crate) layout: Option<LayoutArg>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LayoutArg {
    /// Pixel after pixel: height, width, channels
    Nhwc,
    /// Plane after plane: channels, height, width
    Nchw,
}

impl LayoutArg {
    pub(crate) fn layout(self) -> Layout {
        match self {
            Self::Nhwc => Layout::Nhwc,
            Self::Nchw => Layout::Nchw,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Print the report as one JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
    /// Threads to use [default: all cores]
    #[arg(long, value_name = "N", value_parser = parse_threads, allow_hyphen_values = true)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) tier: TierArgs,
    /// Say nothing on standard error but errors
    #[arg(long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TierArgs {
    /// Instruction set of the kernels: scalar, portable, avx2, avx512 or neon [default: MASO_TIER, or the
    /// fastest here]
    #[arg(long, value_name = "NAME")]
    tier: Option<Tier>,
}

impl TierArgs {
    /// The option's tier, or the environment's, or the fastest.
    pub(crate) fn choose(&self) -> Result<Tier, Failure> {
        let named = std::env::var("MASO_TIER").ok().filter(|name| !name.is_empty());
        match (self.tier, named) {
            (Some(tier), _) => Ok(tier),
            (None, Some(name)) => {
                name.parse().map_err(|error| Failure::Usage(format!("MASO_TIER: {error}")))
            }
            (None, None) => Ok(Tier::best()),
        }
    }
}

/// Rows from one number to another, either end open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowRange {
    from: usize,
    to: Option<usize>,
}

impl RowRange {
    /// The rows of a data set of `count`; `None` if it has not all of them, or there is none.
    pub(crate) fn of(self, count: usize) -> Option<Range<usize>> {
        let range = self.from..self.to.unwrap_or(count);
        (range.start < range.end && range.end <= count).then_some(range)
    }
}

impl std::fmt::Display for RowRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..", self.from)?;
        self.to.map_or(Ok(()), |to| write!(f, "{to}"))
    }
}

fn parse_rows(text: &str) -> Result<RowRange, String> {
    let expected = || "expected A..B with whole numbers, such as 0..1000".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(expected)?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| match text.parse::<usize>() {
        Ok(number) => Ok(number),
        Err(_) if digits(text) => Err(format!("{text} is larger than any row number")),
        Err(_) => Err(expected()),
    };
    let from = if from.is_empty() { 0 } else { number(from)? };
    let to = if to.is_empty() { None } else { Some(number(to)?) };
    match to {
        Some(to) if to <= from => {
            Err(format!("{from}..{to} holds no rows: {to} is not beyond {from}"))
        }
        _ => Ok(RowRange { from, to }),
    }
}

fn parse_threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|threads| (1..=1024).contains(threads));
    threads.ok_or_else(|| "expected a whole number from 1 to 1024".to_owned())
}

/// A number that a data set can be multiplied by and still tell its rows apart.
fn parse_scale(text: &str) -> Result<f64, String> {
    let scale = parse_number(text)?;
    if scale as f32 == 0.0 {
        return Err("a scale of 0 (or too small for f32) makes all rows one".to_owned());
    }
    Ok(scale)
}

/// A number or a fraction of two.
fn parse_number(text: &str) -> Result<f64, String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    let value = match text.split_once('/') {
        Some((above, below)) => number(above).zip(number(below)).map(|(a, b)| a / b),
        None => number(text),
    };
    value
        .filter(|value| value.is_finite())
        .ok_or_else(|| "expected a finite number or fraction, such as 0.5 or 1/255".to_owned())
}
