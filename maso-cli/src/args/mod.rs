//! Arguments. What several verbs take is written once and flattened into each.

mod data;
mod geometry;
mod plugin;
mod run;
mod slice;
mod soften;

pub(crate) use data::{
    DataArgs, FileArgs, LayoutArg, ModelArgs, PluginArgs, PointArgs, PreparationArgs, RowAxisArg,
};
pub(crate) use geometry::{
    AffineArgs, ComplexityArgs, DistanceArgs, ImageShape, PowerArgs, RegionArgs, TemplateArgs,
};
pub(crate) use plugin::{LangArg, PluginCheckArgs, PluginListArgs, PluginNewArgs, PluginVerb};
pub(crate) use run::{RunArgs, TierArgs};
pub(crate) use slice::{Anchors, LineArgs, SliceArgs};
pub(crate) use soften::{HardenArgs, RuleArg, SoftenArgs};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

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
    /// Write the affine map that the model is on each row's region: A, b, outputs and codes
    Affine(AffineArgs),
    /// Show the region around a row: its walls, facets and neighbours, its largest ball
    Region(RegionArgs),
    /// Write each row's distance to the walls of its region, on request to the decision boundary
    Distance(DistanceArgs),
    /// Show the power diagram cells that a row is in, layer by layer
    Power(PowerArgs),
    /// Show what each output's template has to do with a row, and draw the templates
    Template(TemplateArgs),
    /// Count the units that have a wall near each row
    Complexity(ComplexityArgs),
    /// Follow the outputs along a segment, exactly: every break, the affine pieces between, class changes
    Line(LineArgs),
    /// Draw the partition that a plane through the input space sees, exactly, with the decision boundary
    Slice(Box<SliceArgs>),
    /// Make the layers' choice of a piece soft, as an ONNX file, or see on data what that does
    Soften(SoftenArgs),
    /// Make soft layers (SiLU, GELU, softplus and the like) hard again, as an ONNX file
    Harden(HardenArgs),
    /// Write a model kept as weights alone (.safetensors, .npz) as an ONNX file
    Convert(ConvertArgs),
    /// List plugins, check one, or write the files of a new one
    #[command(subcommand)]
    Plugin(PluginVerb),
    /// Run the census on an embedded network and data set, and draw a slice
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
    /// Where the picture of a slice goes
    #[arg(long, value_name = "OUT.svg", default_value = "maso-demo-slice.svg")]
    pub(crate) picture: PathBuf,
    #[command(flatten)]
    pub(crate) plugins: PluginArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}
