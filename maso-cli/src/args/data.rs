//! Arguments that name a model and its data.

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use maso_io::dataset::{Columns, Layout};
use maso_plugins::network::Replacement;

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
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
}

/// Nonlinearities of plugins in the model.
#[derive(Debug, Args)]
pub(crate) struct PluginArgs {
    /// Load this plugin (a dynamic library; its code runs)
    #[arg(long, value_name = "FILE")]
    pub(crate) plugin: Vec<PathBuf>,
    /// Put a plugin's nonlinearity in the place of an operator: Relu=sigmoid-gated:beta=0.8
    #[arg(long, value_name = "OP=KIND[:PARAMETER=VALUE,…]")]
    pub(crate) replace: Vec<Replacement>,
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
    /// Use only rows A to B−1 (A.. and ..B work too)
    #[arg(long, value_name = "A..B", value_parser = parse_rows, allow_hyphen_values = true)]
    pub(crate) rows: Option<RowRange>,
    #[command(flatten)]
    pub(crate) preparation: PreparationArgs,
}

/// One row of a file.
#[derive(Debug, Args)]
pub(crate) struct PointArgs {
    /// The row: a file as other verbs take it, a colon, and the row's number from 0
    #[arg(value_name = "DATA:ROW", value_parser = parse_point)]
    pub(crate) point: Point,
    #[command(flatten)]
    pub(crate) preparation: PreparationArgs,
}

/// A file and the number of one of its rows.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    pub(crate) data: PathBuf,
    pub(crate) row: usize,
}

pub(super) fn parse_point(text: &str) -> Result<Point, String> {
    let point = text.rsplit_once(':').filter(|(data, _)| !data.is_empty());
    let number = point.and_then(|(data, row)| Some((data, row.parse().ok()?)));
    number
        .map(|(data, row)| Point { data: data.into(), row })
        .ok_or_else(|| "expected a file, a colon and a row's number, such as x.npy:0".to_owned())
}

/// Which numbers of a file are used, and how they are prepared.
#[derive(Clone, Debug, Args)]
pub(crate) struct PreparationArgs {
    /// Which array of DATA, where it is an archive of several (.npz, .safetensors)
    #[arg(long, value_name = "NAME")]
    pub(crate) array: Option<String>,
    /// Which columns of DATA, where it is a table (CSV, Parquet): names and numbers from 0, such as
    /// 1..785 or a,b. Names need a first line of names
    #[arg(long, value_name = "LIST")]
    pub(crate) columns: Option<Columns>,
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

pub(super) fn parse_rows(text: &str) -> Result<RowRange, String> {
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
