//! `maso slice`: the partition that a plane through the input space sees.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use maso_core::Network;
use maso_core::geometry::SliceCheck;
use maso_core::geometry::slice::{
    Pieces, Slice, SliceOptions, SliceStatistics, SliceStatus, SliceTarget, Spread,
};
use maso_io::write::AtomicFile;
use serde::Serialize;

use super::slice_files::write_npz;
use super::slice_plane::{View, view};
use crate::Outcome;
use crate::args::SliceArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::{expect_ending, expect_other, print, print_json, talk};
use crate::slice_picture::{self, Colour, Scene};
use crate::table::{count, grouped, row, short, table};

#[derive(Serialize)]
pub(super) struct Report {
    model: String,
    /// The tensor that the network ends at.
    output: String,
    /// Where plane and window come from.
    plane: String,
    /// Corners of the window in the plane's coordinates.
    window: Vec<[f64; 2]>,
    status: SliceStatus,
    /// Cells of one code each.
    regions: usize,
    /// Regions merged where the affine map is the same; null if not all layers were decided.
    pieces: Option<usize>,
    regions_per_layer: Vec<usize>,
    vertices: usize,
    edges: usize,
    /// As the input space measures it, as all lengths and areas.
    area: f64,
    /// Length of the decision boundary, or of the level set; null if there is nothing to decide.
    boundary_length: Option<f64>,
    /// Segments of it.
    boundary_lines: Option<usize>,
    /// Decisions that f64 could not make.
    exact_decisions: u64,
    statistics: SliceStatistics,
    /// The same after each of the layers before the last.
    statistics_per_layer: Vec<SliceStatistics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<SliceCheck>,
    seconds: f64,
}

const ENDINGS: [&str; 5] = ["svg", "png", "html", "json", "npz"];

pub(crate) fn run(args: &SliceArgs) -> Outcome {
    args.run.pool()?.install(|| run_on_threads(args))
}

fn run_on_threads(args: &SliceArgs) -> Outcome {
    let ending = args.out.as_deref().map(|out| expect_ending(out, &ENDINGS)).transpose()?;
    if let Some(out) = &args.out {
        let mut inputs: Vec<&Path> = vec![&args.model.file.model];
        inputs.extend(args.spec.as_deref());
        inputs.extend(args.anchors.as_ref().map(|anchors| anchors.data.as_path()));
        expect_other(out, &inputs)?;
    }
    let network = input::load_piecewise_affine(&args.model, "an exact slice")?;
    check_colour(args.color, &network)?;
    let view = view(args, &network)?;
    let options = options(args, &network)?;
    let started = Instant::now();
    let slice = network.slice(&view.plane, &view.window, &options);
    let slice = slice.map_err(|error| Failure::Usage(error.to_string()))?;
    let seconds = started.elapsed().as_secs_f64();
    let pieces = slice.pieces(&network);
    let verify = args.verify.then(|| slice.verify(&network));
    let report = report(args, &network, &view, &slice, pieces.as_ref(), verify, seconds)?;
    if let (Some(out), Some(ending)) = (&args.out, ending) {
        match ending {
            "npz" => write_npz(out, &network, &slice, pieces.as_ref())?,
            "json" => write(out, serde_json::to_string_pretty(&report)?.as_bytes())?,
            _ => {
                let scene = scene(args, &network, &slice, &view);
                write_picture(out, ending, &scene, args.width)?;
            }
        }
        note(args, &format!("wrote {}", out.display()));
    }
    if view.is_random {
        note(args, &format!("note: directions were drawn at random (--seed {})", args.seed));
    }
    if slice.status == SliceStatus::Capped {
        note(args, "note: a limit was reached; some of the window's regions are missing");
    }
    if args.run.json {
        print_json(&report)?
    } else {
        print(&text(&report))?
    }
    match &report.verify {
        Some(check) if slice.status == SliceStatus::Complete && !check.is_clean() => {
            Err(Failure::Library(format!("the slice is not what it has to be: {check:?}").into()))
        }
        _ => Ok(()),
    }
}

fn note(args: &SliceArgs, text: &str) {
    if !args.run.quiet {
        talk(text);
    }
}

fn check_colour(colour: Colour, network: &Network) -> Outcome {
    let Colour::Unit { layer, unit } = colour else { return Ok(()) };
    let layers = network.layout().layers();
    let units = layers.get(layer).map(maso_core::Layer::units);
    match units {
        None => Err(Failure::Usage(format!(
            "--color unit:{layer},{unit}: the model has {} nonlinear layers, numbered from 0 (see maso info)",
            layers.len()
        ))),
        Some(units) if unit >= units => Err(Failure::Usage(format!(
            "--color unit:{layer},{unit}: layer {layer} has {units} units, numbered from 0"
        ))),
        _ => Ok(()),
    }
}

fn options(args: &SliceArgs, network: &Network) -> Result<SliceOptions, Failure> {
    let all = network.layout().layers().len();
    let outputs: usize = network.output_shape().iter().product();
    let is_whole = args.layers.is_none_or(|layers| layers == all);
    if !is_whole && args.level.is_some() {
        return Err(Failure::Usage("--level needs all layers: leave --layers out".to_owned()));
    }
    let target = match (args.level, args.of) {
        (None, _) if outputs > 1 => Some(SliceTarget::Class),
        (Some(_), None) if outputs > 1 => {
            let text = format!("--level: the model has {outputs} outputs, say which with --of");
            return Err(Failure::Usage(text));
        }
        (level, of) => {
            let (output, level) = (of.unwrap_or(0), level.unwrap_or(0.0));
            (outputs > 0).then_some(SliceTarget::OutputAbove { output, level })
        }
    };
    Ok(SliceOptions {
        layers: args.layers,
        target: target.filter(|_| is_whole),
        maps: is_whole,
        max_regions: Some(args.max_regions),
        time: args.time,
        patches_beyond: None,
    })
}

fn report(
    args: &SliceArgs,
    network: &Network,
    view: &View,
    slice: &Slice,
    pieces: Option<&Pieces>,
    verify: Option<SliceCheck>,
    seconds: f64,
) -> Result<Report, Failure> {
    let decided = slice.target.is_some();
    Ok(Report {
        model: args.model.file.model.display().to_string(),
        output: network.describe().output.name,
        plane: view.source.clone(),
        window: slice.window.corners().to_vec(),
        status: slice.status,
        regions: slice.regions.len(),
        pieces: pieces.map(|pieces| pieces.count),
        regions_per_layer: slice.regions_per_layer.clone(),
        vertices: slice.regions.vertices.len(),
        edges: slice.regions.edges.len(),
        area: slice.area(),
        boundary_length: decided.then(|| slice.boundary_length()),
        boundary_lines: decided.then(|| slice.boundary().len()),
        exact_decisions: slice.exact_decisions,
        statistics: slice.statistics(),
        statistics_per_layer: earlier_layers(args, network, view, slice)?,
        verify,
        seconds,
    })
}

/// The statistics after each layer before the last.
fn earlier_layers(
    args: &SliceArgs,
    network: &Network,
    view: &View,
    slice: &Slice,
) -> Result<Vec<SliceStatistics>, Failure> {
    if slice.status != SliceStatus::Complete || !args.run.json && !is_json(args.out.as_deref()) {
        return Ok(Vec::new());
    }
    let of = |layers: usize| {
        let options = SliceOptions { layers: Some(layers), ..SliceOptions::default() };
        let slice = network.slice(&view.plane, &view.window, &options);
        slice.map(|slice| slice.statistics()).map_err(|error| Failure::Usage(error.to_string()))
    };
    (1..slice.layers()).map(of).collect()
}

fn is_json(out: Option<&Path>) -> bool {
    out.and_then(Path::extension).is_some_and(|ending| ending.eq_ignore_ascii_case("json"))
}

pub(super) fn write(out: &Path, bytes: &[u8]) -> Outcome {
    let mut file = AtomicFile::create(out)?;
    file.write_all(bytes).map_err(|error| Failure::Library(error.into()))?;
    Ok(file.finish()?)
}

pub(super) fn write_picture(out: &Path, ending: &str, scene: &Scene<'_>, width: u32) -> Outcome {
    let bytes = match ending {
        "svg" => slice_picture::svg(scene),
        "png" => slice_picture::png(scene, width).map_err(|text| Failure::Library(text.into()))?,
        _ => slice_picture::html(scene),
    };
    write(out, &bytes)
}

fn scene<'a>(args: &SliceArgs, network: &'a Network, slice: &'a Slice, view: &View) -> Scene<'a> {
    let name = args.model.file.model.file_name().map(|name| name.to_string_lossy().into_owned());
    Scene {
        network,
        slice,
        title: name.unwrap_or_default(),
        subtitle: format!(
            "{}{}: {}{}",
            view.source,
            window_text(slice),
            count(slice.regions.len() as u64, "region"),
            if slice.status == SliceStatus::Capped { " (not all)" } else { "" }
        ),
        points: view.points.clone(),
        colour: args.color,
        theme: args.theme.theme(),
        axes: view.axes.clone(),
        classes: Vec::new(),
    }
}

/// The window's extent, where its corners do not tell themselves.
fn window_text(slice: &Slice) -> String {
    let corners = slice.window.corners();
    let range = |axis: usize| {
        let numbers = corners.iter().map(|at| at[axis]);
        let (low, high) =
            numbers.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
        format!("[{}, {}]", short(low), short(high))
    };
    if corners.is_empty() {
        String::new()
    } else {
        format!(", window {} × {}", range(0), range(1))
    }
}

fn text(report: &Report) -> String {
    let mut rows = vec![
        vec!["regions".to_owned(), grouped(report.regions as u64)],
        vec!["after each layer".to_owned(), list(&report.regions_per_layer)],
    ];
    if let Some(pieces) = report.pieces {
        rows.push(vec!["linear pieces".to_owned(), grouped(pieces as u64)]);
    }
    rows.push(vec![
        "vertices, edges".to_owned(),
        format!("{}, {}", grouped(report.vertices as u64), grouped(report.edges as u64)),
    ]);
    rows.push(vec!["area".to_owned(), short(report.area)]);
    if let (Some(length), Some(lines)) = (report.boundary_length, report.boundary_lines) {
        let lines = count(lines as u64, "line");
        rows.push(vec!["boundary length".to_owned(), format!("{} in {lines}", short(length))]);
    }
    rows.push(vec!["exact decisions".to_owned(), grouped(report.exact_decisions)]);
    rows.push(vec!["seconds".to_owned(), short(report.seconds)]);
    let status = match report.status {
        SliceStatus::Complete => "complete",
        SliceStatus::Capped => "capped: regions are missing",
        SliceStatus::Empty => "empty: the window has no inside",
    };
    let mut text = format!(
        "the slice of {} by {}: {status}\n\n{}",
        report.model,
        report.plane,
        table(0, &rows)
    );
    if !report.statistics.layers.is_empty() {
        text += &format!("\n\n{}", spreads(&report.statistics));
    }
    if let Some(check) = &report.verify {
        let found = if check.is_clean() { "clean" } else { "NOT CLEAN" };
        text += &format!(
            "\n\nverify: {found} (area {:.1e} off, V − E + F = {}, {} wrong codes, {} looked at exactly)",
            check.area_error, check.euler, check.wrong_codes, check.checked_exactly
        );
    }
    text
}

fn spreads(statistics: &SliceStatistics) -> String {
    let mut rows = vec![row(["of each region", "mean", "5 %", "median", "95 %", "largest"])];
    let mut add = |name: &str, spread: &Option<Spread>| {
        let Some(Spread { mean, quantiles }) = spread else { return };
        let numbers = [*mean, quantiles[1], quantiles[3], quantiles[5], quantiles[6]];
        rows.push([name.to_owned()].into_iter().chain(numbers.map(short)).collect());
    };
    add("area", &statistics.areas);
    add("sides", &statistics.sides);
    add("eccentricity", &statistics.eccentricity);
    add("gradient norm", &statistics.gradients);
    table(1, &rows)
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(|&number| grouped(number as u64)).collect::<Vec<_>>().join(" → ")
}
