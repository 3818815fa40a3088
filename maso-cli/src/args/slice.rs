//! Arguments of the verbs that look at a network along a line or in a plane.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

use super::data::{Point, parse_point};
use super::geometry::parse_seconds;
use super::{ModelArgs, PreparationArgs, RunArgs};
use crate::slice_picture::{Colour, Theme};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("plane").required(true).args(["spec", "anchors", "box"])))]
pub(crate) struct SliceArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// The plane and the window: a JSON file with origin, u and v (lists as long as the input) and box [s0, s1, t0, t1],
    /// or polygon [[s, t], ...]
    #[arg(long, value_name = "S.json")]
    pub(crate) spec: Option<PathBuf>,
    /// The plane through up to three rows of a file, at (0, 0), (1, 0) and (0, 1); directions that fewer rows leave
    /// open are random
    #[arg(long, value_name = "DATA:R0,R1,R2", value_parser = parse_anchors)]
    pub(crate) anchors: Option<Anchors>,
    /// The box from x = A to B and y = C to D of a network with two inputs
    #[arg(long = "box", value_name = "A,B,C,D", value_parser = parse_numbers::<4>, allow_hyphen_values = true)]
    pub(crate) r#box: Option<[f64; 4]>,
    /// How far the window goes beyond the anchors, in units of their distances (one anchor: in the input's own)
    #[arg(long, value_name = "M", requires = "anchors", value_parser = parse_margin)]
    pub(crate) margin: Option<f64>,
    /// What random directions are drawn from
    #[arg(long, value_name = "SEED", default_value = "0")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) preparation: PreparationArgs,
    /// Where the slice goes: a picture (.svg, .png), a page to look around in (.html), the report (.json), or all
    /// vertices, edges, cells, codes and maps (.npz)
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// What colours tell: class, area, gradient, layer (the deepest that cut), unit:LAYER,UNIT (its piece), or none
    #[arg(long, value_name = "WHAT", default_value = "class", value_parser = parse_colour)]
    pub(crate) color: Colour,
    /// Dark on light, or light on dark
    #[arg(long, value_name = "THEME", default_value = "light")]
    pub(crate) theme: ThemeArg,
    /// Width of a PNG in pixels
    #[arg(long, value_name = "PIXELS", default_value = "1600", value_parser = clap::value_parser!(u32).range(200..=8000))]
    pub(crate) width: u32,
    /// Only the first K layers
    #[arg(long, value_name = "K")]
    pub(crate) layers: Option<usize>,
    /// The boundary is where the only output (or --of) is at this value [default: 0 for one output; for several, where
    /// the two largest tie]
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    pub(crate) level: Option<f64>,
    /// The output whose level set is drawn
    #[arg(long, value_name = "OUTPUT", requires = "level")]
    pub(crate) of: Option<usize>,
    /// Check areas, counts, codes and continuity; fails if anything is wrong
    #[arg(long)]
    pub(crate) verify: bool,
    /// Stop after this many regions
    #[arg(long, value_name = "N", default_value = "5000000")]
    pub(crate) max_regions: usize,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) time: Option<Duration>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LineArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,
    /// Two rows or more, one after another: a file as other verbs take it, a colon, and the row's number from 0
    #[arg(value_name = "DATA:ROW", value_parser = parse_point, num_args = 2.., required = true)]
    pub(crate) points: Vec<Point>,
    #[command(flatten)]
    pub(crate) preparation: PreparationArgs,
    /// Where the line goes: a plot of the outputs (.svg, .png), the report (.json), or pieces and codes (.npz)
    #[arg(short = 'o', long = "out", value_name = "OUT")]
    pub(crate) out: Option<PathBuf>,
    /// The boundary is where the only output is at this value [default: 0]
    #[arg(long, value_name = "V", allow_hyphen_values = true)]
    pub(crate) level: Option<f64>,
    /// Dark on light, or light on dark
    #[arg(long, value_name = "THEME", default_value = "light")]
    pub(crate) theme: ThemeArg,
    /// Width of a PNG in pixels
    #[arg(long, value_name = "PIXELS", default_value = "1600", value_parser = clap::value_parser!(u32).range(200..=8000))]
    pub(crate) width: u32,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// Rows of a file that a plane goes through.
#[derive(Clone, Debug)]
pub(crate) struct Anchors {
    pub(crate) data: PathBuf,
    pub(crate) rows: Vec<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ThemeArg {
    /// Dark on light
    Light,
    /// Light on dark
    Dark,
}

impl ThemeArg {
    pub(crate) fn theme(self) -> Theme {
        match self {
            Self::Light => Theme::Light,
            Self::Dark => Theme::Dark,
        }
    }
}

fn parse_anchors(text: &str) -> Result<Anchors, String> {
    let expected =
        || "expected a file, a colon and one to three row numbers, such as x.npy:0,7,12".to_owned();
    let (data, rows) =
        text.rsplit_once(':').filter(|(data, _)| !data.is_empty()).ok_or_else(expected)?;
    let rows: Option<Vec<usize>> = rows.split(',').map(|row| row.trim().parse().ok()).collect();
    let rows = rows.filter(|rows| (1..=3).contains(&rows.len())).ok_or_else(expected)?;
    Ok(Anchors { data: data.into(), rows })
}

fn parse_margin(text: &str) -> Result<f64, String> {
    let margin = text.parse().ok().filter(|margin: &f64| margin.is_finite() && *margin >= 0.0);
    margin.ok_or_else(|| "expected a number from 0 on, such as 0.3".to_owned())
}

fn parse_numbers<const N: usize>(text: &str) -> Result<[f64; N], String> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|number| number.trim().parse().ok().filter(|number: &f64| number.is_finite()))
        .collect();
    numbers
        .and_then(|numbers| <[f64; N]>::try_from(numbers).ok())
        .ok_or_else(|| format!("expected {N} numbers with commas between"))
}

fn parse_colour(text: &str) -> Result<Colour, String> {
    let unit = |text: &str| {
        let (layer, unit) = text.split_once(',')?;
        Some(Colour::Unit { layer: layer.trim().parse().ok()?, unit: unit.trim().parse().ok()? })
    };
    let colour = match text {
        "class" => Some(Colour::Class),
        "area" => Some(Colour::Area),
        "gradient" => Some(Colour::Gradient),
        "layer" => Some(Colour::Layer),
        "none" => Some(Colour::None),
        _ => text.strip_prefix("unit:").and_then(unit),
    };
    colour
        .ok_or_else(|| "expected class, area, gradient, layer, none or unit:LAYER,UNIT".to_owned())
}
