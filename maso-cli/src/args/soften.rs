//! Arguments of `maso soften` and `maso harden`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use maso_core::network::Inference;

use super::data::{RowRange, parse_rows};
use super::{DataArgs, ModelArgs, PreparationArgs, RunArgs};

#[derive(Debug, Args)]
pub(crate) struct SoftenArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Rows to try it on, as other verbs take them
    pub(crate) data: Option<PathBuf>,
    /// Use only rows A to B−1 (A.. and ..B work too)
    #[arg(long, value_name = "A..B", value_parser = parse_rows, allow_hyphen_values = true, requires = "data")]
    pub(crate) rows: Option<RowRange>,
    #[command(flatten)]
    pub(crate) preparation: PreparationArgs,
    /// How soft: 1 is the hard choice, 0 the average of the pieces, 0.5 makes SiLU of ReLU; with DATA also a range,
    /// FIRST..LAST:COUNT
    #[arg(long, value_name = "B", default_value = "0.5")]
    pub(crate) beta: Betas,
    /// What is made of the memberships
    #[arg(long, value_enum, default_value_t = RuleArg::BetaVq)]
    pub(crate) rule: RuleArg,
    /// The layers to soften, by number or name as `maso info` shows them [default: all hard ones]
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    pub(crate) layers: Vec<String>,
    /// Write the softened network to this ONNX file
    #[arg(short = 'o', long = "out", value_name = "OUT.onnx")]
    pub(crate) out: Option<PathBuf>,
    /// The rows' classes, for the accuracy
    #[arg(long, value_name = "FILE", requires = "data")]
    pub(crate) labels: Option<PathBuf>,
    /// Which array or column of the labels' file
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) labels_array: Option<String>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl SoftenArgs {
    /// The rows, if there are any.
    pub(crate) fn data(&self) -> Option<DataArgs> {
        let (rows, preparation) = (self.rows, self.preparation.clone());
        self.data.clone().map(|data| DataArgs { data, rows, preparation })
    }
}

#[derive(Debug, Args)]
pub(crate) struct HardenArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The layers to harden, by number or name as `maso info` shows them [default: all soft ones]
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    pub(crate) layers: Vec<String>,
    /// Where to write the ONNX file
    #[arg(short = 'o', long = "out", value_name = "OUT.onnx")]
    pub(crate) out: PathBuf,
    /// Say nothing on standard error but errors
    #[arg(long)]
    pub(crate) quiet: bool,
}

/// How a layer's value follows from its memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleArg {
    /// The mean of the pieces under softmax memberships (swish, of ReLU)
    BetaVq,
    /// The log-partition (softplus, of ReLU)
    LogPartition,
    /// The pieces under the normal law (GELU, of ReLU); it has no beta
    Probit,
    /// The same by GELU's approximation with tanh
    ProbitTanh,
}

impl RuleArg {
    pub(crate) fn inference(self, beta: f64) -> Inference {
        match self {
            Self::BetaVq => Inference::beta_vq(beta),
            Self::LogPartition => Inference::log_partition(beta),
            Self::Probit => Inference::Probit,
            Self::ProbitTanh => Inference::ProbitTanh,
        }
    }
}

/// One β, or several.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Betas(pub(crate) Vec<f64>);

/// The most β of a sweep.
const MOST: usize = 1000;

impl FromStr for Betas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            let beta = text.parse().ok().filter(|beta| (0.0..=1.0).contains(beta));
            beta.ok_or_else(|| format!("{text:?} is no number from 0 to 1"))
        };
        let Some((first, rest)) = text.split_once("..") else {
            return Ok(Self(vec![number(text)?]));
        };
        let (last, count) =
            rest.split_once(':').ok_or("a range is FIRST..LAST:COUNT, as in 0.5..1:11")?;
        let (first, last): (f64, f64) = (number(first)?, number(last)?);
        let count = count.parse().ok().filter(|count| (2..=MOST).contains(count));
        let count = count.ok_or_else(|| format!("the count of a range is from 2 to {MOST}"))?;
        let at = |i: usize| first + (last - first) * i as f64 / (count - 1) as f64;
        Ok(Self((0..count).map(|i| if i + 1 == count { last } else { at(i) }).collect()))
    }
}
