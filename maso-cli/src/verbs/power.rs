//! `maso power`: the power diagram cells that a row is in, layer by layer.

use std::time::Instant;

use maso_core::Linearization;
use maso_core::geometry::PowerCell;
use maso_io::write::NpzWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::PowerArgs;
use crate::output::{expect_output, print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{grouped, row, short, table};

/// What every user of the numbers has to know.
const CAVEAT: &str = "centroids and radii depend on how units are scaled (a unit times c, what reads it over c: the \
                      same model, other centroids); codes, walls and distances do not. Cells are comparable only \
                      inside one region of the layers before.";

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    row: usize,
    layers: Vec<LayerReport>,
    caveat: &'static str,
    seconds: f64,
}

#[derive(Serialize)]
struct LayerReport {
    name: String,
    op: String,
    units: usize,
    /// ‖μ‖ of the row's cell in the input space, inside the region of the layers before.
    centroid_norm: f64,
    /// Its squared radius ρ; it may be negative.
    squared_radius: f64,
    /// ‖x − μ‖² − ρ.
    laguerre_distance: f64,
    /// How much larger that is to the nearest of the cells that differ in one unit; null if there is none.
    gap: Option<f64>,
    /// Whether the nearest cell is that of the row's code.
    nearest_is_code: bool,
    /// ‖μ‖ in the space of what the layer reads.
    own_centroid_norm: f64,
    own_squared_radius: f64,
}

pub(crate) fn run(args: &PowerArgs) -> Outcome {
    let (model, point) = (&args.model.file.model, &args.point.point);
    expect_output(args.out.as_deref(), "npz", &[model, &point.data])?;
    let session = Session::of_region(&args.model, &args.point, &args.run)?;
    let started = Instant::now();
    let map = session.only_map()?;
    let layers: Vec<LayerReport> =
        (0..map.network().layout().layers().len()).map(|layer| layer_report(&map, layer)).collect();
    if let Some(out) = &args.out {
        write(out, &map)?;
        session.talk(&format!("wrote {}: centroids and squared radii", out.display()));
    }
    let seconds = started.elapsed().as_secs_f64();
    let run = session.report(model);
    let report = Report { run, row: point.row, layers, caveat: CAVEAT, seconds };
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

fn layer_report(map: &Linearization<'_>, layer: usize) -> LayerReport {
    let described = &map.network().layout().layers()[layer];
    let (cell, own, check) = (map.power_cell(layer), map.layer_cell(layer), map.power_check(layer));
    let squares = |numbers: &[f64]| numbers.iter().map(|n| n * n).sum::<f64>();
    LayerReport {
        name: described.name().to_owned(),
        op: described.op().to_owned(),
        units: described.units(),
        centroid_norm: squares(&cell.centroid).sqrt(),
        squared_radius: cell.radius,
        laguerre_distance: check.distance,
        gap: check.gap.is_finite().then_some(check.gap),
        nearest_is_code: check.is_code,
        own_centroid_norm: own.sources.iter().map(|(_, part)| squares(part)).sum::<f64>().sqrt(),
        own_squared_radius: own.radius,
    }
}

/// Centroids and squared radii of all layers' cells, and of all units' alone.
fn write(out: &std::path::Path, map: &Linearization<'_>) -> Outcome {
    let layers = map.network().layout().layers();
    let mut writer = NpzWriter::create(out)?;
    let cells: Vec<PowerCell> = (0..layers.len()).map(|layer| map.power_cell(layer)).collect();
    let mut array = |name: &str, cells: &[PowerCell]| -> Outcome {
        writer.begin::<f64>(&format!("{name}centroid"), &[cells.len(), map.inputs()])?;
        cells.iter().try_for_each(|cell| writer.write(&cell.centroid))?;
        let radii: Vec<f64> = cells.iter().map(|cell| cell.radius).collect();
        Ok(writer.array(&format!("{name}squared_radius"), &[cells.len()], &radii)?)
    };
    array("", &cells)?;
    for (index, layer) in layers.iter().enumerate() {
        let units: Vec<PowerCell> =
            (0..layer.units()).map(|unit| map.unit_power_cell(index, unit)).collect();
        array(&format!("unit{index}_"), &units)?;
    }
    Ok(writer.finish()?)
}

fn text(report: &Report) -> String {
    let heading =
        ["layer", "op", "units", "‖μ‖", "ρ", "‖x − μ‖² − ρ", "gap to the next", "nearest is code"];
    let mut rows = vec![row(heading)];
    for layer in &report.layers {
        rows.push(vec![
            layer.name.clone(),
            layer.op.clone(),
            grouped(layer.units as u64),
            short(layer.centroid_norm),
            short(layer.squared_radius),
            short(layer.laguerre_distance),
            layer.gap.map_or("–".to_owned(), short),
            if layer.nearest_is_code { "yes" } else { "NO" }.to_owned(),
        ]);
    }
    format!(
        "the cells of {}:{}, in the input space, each inside the region of the layers before\n\n{}\n\nnote: {CAVEAT}",
        report.run.data,
        report.row,
        table(2, &rows)
    )
}
