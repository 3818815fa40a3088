//! Arguments of the verbs that linearise a model and look at its regions.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use maso_core::geometry::{Bounds, Norm};

use super::{DataArgs, ModelArgs, PointArgs, RunArgs};

#[derive(Debug, Args)]
pub(crate) struct AffineArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Where the maps go: arrays A (rows, out, in), b (rows, out) and y (rows, out), and the codes
    #[arg(short = 'o', long = "out", value_name = "OUT.npz")]
    pub(crate) out: PathBuf,
    /// End the map at the output of this nonlinear layer: its number (from 0) or name in `maso info`
    #[arg(long, value_name = "LAYER")]
    pub(crate) at: Option<String>,
    /// End it before that layer's nonlinearity, at its pre-activations
    #[arg(long, requires = "at")]
    pub(crate) pre: bool,
    /// Evaluate in f32, many times faster, and write f32
    #[arg(long, conflicts_with = "at")]
    pub(crate) f32: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RegionArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) point: PointArgs,
    /// Cut the region to the box where every input is between LOW and HIGH
    #[arg(long = "box", value_name = "LOW..HIGH", value_parser = parse_box, allow_hyphen_values = true)]
    pub(crate) bounds: Option<Bounds>,
    /// Leave walls undecided that are not settled after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) time: Option<Duration>,
    /// Write the walls: normals (walls, in), distances, kinds (0 redundant, 1 facet, 2 undecided), and the units
    /// on them
    #[arg(short = 'o', long = "out", value_name = "OUT.npz")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DistanceArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// Where the distances go: arrays wall, wall_unit, wall_free and ties; with --boundary also lower, upper, exact and
    /// point
    #[arg(short = 'o', long = "out", value_name = "OUT.npz")]
    pub(crate) out: PathBuf,
    /// How distances are measured: l2, l1 or linf
    #[arg(long, value_name = "NORM", default_value = "l2")]
    pub(crate) norm: Norm,
    /// Look for the nearest point of the decision boundary as well: where the two largest outputs tie, or the
    /// only one is --level
    #[arg(long)]
    pub(crate) boundary: bool,
    /// The value of the only output at the boundary [default: 0]
    #[arg(long, value_name = "VALUE", requires = "boundary", allow_hyphen_values = true)]
    pub(crate) level: Option<f64>,
    /// Stop the search of a row after this many seconds, with the bounds found so far
    #[arg(long, value_name = "SECONDS", default_value = "10", requires = "boundary", value_parser = parse_seconds)]
    pub(crate) time: Duration,
    /// Stop the search of a row after this many regions, or parts of the input
    #[arg(long, value_name = "N", default_value = "1000000", requires = "boundary")]
    pub(crate) max_regions: usize,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PowerArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) point: PointArgs,
    /// Write centroids (layers, in) and squared radii (layers) of the row's cells, and those of each unit alone
    #[arg(short = 'o', long = "out", value_name = "OUT.npz")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct TemplateArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) point: PointArgs,
    /// Draw the templates: as images where inputs are, as bars otherwise
    #[arg(short = 'o', long = "out", value_name = "T.png")]
    pub(crate) out: Option<PathBuf>,
    /// The input as an image: HxW or CxHxW [default: the input's shape, or a square of its numbers]
    #[arg(long, value_name = "SHAPE", value_parser = parse_image)]
    pub(crate) image: Option<ImageShape>,
    /// How many rows of DATA to name whose codes are nearest
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) nearest: usize,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Channels, height and width of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageShape(pub(crate) [usize; 3]);

#[derive(Debug, Args)]
pub(crate) struct ComplexityArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// How near a wall has to be, in L2
    #[arg(long, value_name = "R", value_parser = parse_radius)]
    pub(crate) radius: f64,
    /// Random directions of the sampled cross-polytope: half its vertices
    #[arg(long, value_name = "N", default_value = "20")]
    pub(crate) directions: usize,
    /// What the directions are drawn from
    #[arg(long, value_name = "SEED", default_value = "0")]
    pub(crate) seed: u64,
    /// Write the counts: arrays near and sampled (rows, layers)
    #[arg(short = 'o', long = "out", value_name = "OUT.npz")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

fn parse_radius(text: &str) -> Result<f64, String> {
    let radius = text.parse().ok().filter(|radius: &f64| radius.is_finite() && *radius > 0.0);
    radius.ok_or_else(|| "expected a positive number, such as 0.1".to_owned())
}

fn parse_image(text: &str) -> Result<ImageShape, String> {
    let extents: Option<Vec<usize>> = text.split('x').map(|extent| extent.parse().ok()).collect();
    let shape = match extents.as_deref() {
        Some([height, width]) => Some([1, *height, *width]),
        Some([channels, height, width]) => Some([*channels, *height, *width]),
        _ => None,
    };
    let shape = shape.filter(|shape| !shape.contains(&0)).map(ImageShape);
    shape.ok_or_else(|| "expected HxW or CxHxW, such as 28x28".to_owned())
}

pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    seconds.ok_or_else(|| "expected a number of seconds, such as 10 or 0.5".to_owned())
}

fn parse_box(text: &str) -> Result<Bounds, String> {
    let number = |text: &str| text.parse::<f64>().ok().filter(|value| value.is_finite());
    let ends = text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
    match ends {
        Some((low, high)) if low < high => Ok(Bounds { low, high }),
        Some((low, high)) => Err(format!("{low}..{high} holds nothing: {high} is not above {low}")),
        None => Err("expected LOW..HIGH with two numbers, such as 0..1 or -1..1".to_owned()),
    }
}
