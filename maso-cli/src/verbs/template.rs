//! `maso template`: what each output's template has to do with a row.

use std::time::Instant;

use maso_core::insight::{LastLayer, NearRow, PartitionDistance, Template};
use maso_core::linearize::Estimate;
use maso_core::{Linearization, Want};
use serde::Serialize;

use super::template_picture::draw;
use crate::Outcome;
use crate::args::{ImageShape, TemplateArgs};
use crate::failure::Failure;
use crate::input;
use crate::output::{expect_output, print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{percent, row, short, table};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    row: usize,
    outputs: Vec<OutputReport>,
    /// ‖A‖², the sum of the squares of all templates' numbers.
    squared_norm: f64,
    /// Hutchinson's estimate of it.
    squared_norm_estimate: Estimate,
    /// The last matrix; null if the model ends otherwise.
    last_layer: Option<LastLayerReport>,
    /// Rows of the data whose codes are nearest.
    nearest: Vec<NeighbourReport>,
    seconds: f64,
}

#[derive(Serialize)]
struct OutputReport {
    output: usize,
    value: f64,
    /// Template · x, the template's part of the output.
    template: f64,
    offset: f64,
    /// |template · x| / (|template · x| + |offset|).
    share: f64,
    /// Of the angle between template and row.
    cosine: f64,
    norm: f64,
}

#[derive(Serialize)]
struct LastLayerReport {
    node: String,
    orthogonality_penalty: f64,
    gram: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct NeighbourReport {
    row: usize,
    /// The share of all units that are on other pieces.
    distance: f64,
    /// The same in each layer.
    layers: Vec<f64>,
}

/// Probes of the estimate.
const PROBES: usize = 32;

pub(crate) fn run(args: &TemplateArgs) -> Outcome {
    let (model, point) = (&args.model.file.model, &args.point.point);
    expect_output(args.out.as_deref(), "png", &[model, &point.data])?;
    let session =
        Session::of_point(input::load(&args.model)?, &args.model, &args.point, &args.run)?;
    let image = image_shape(args, &session)?;
    let started = Instant::now();
    let map = session.only_map()?;
    let templates = map.templates();
    if let Some(out) = &args.out {
        draw(&map, &templates, image).write(out)?;
        session.talk(&format!(
            "wrote {}: the row and {} templates",
            out.display(),
            templates.len()
        ));
    }
    let nearest = nearest(args, &session)?;
    let seconds = started.elapsed().as_secs_f64();
    let report = report(&session, args, &map, &templates, nearest, seconds);
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

/// How the input is drawn: as the user says, as its shape says, as a square if its numbers make one; as bars
/// otherwise.
fn image_shape(args: &TemplateArgs, session: &Session) -> Result<Option<ImageShape>, Failure> {
    let input = session.network().input();
    let numbers = input.len();
    if let Some(ImageShape(shape)) = args.image {
        let [channels, height, width] = shape;
        return match shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent)) {
            Some(product) if product == numbers => Ok(args.image),
            _ => Err(Failure::Usage(format!(
                "--image {channels}x{height}x{width}: the input has {numbers} numbers"
            ))),
        };
    }
    let side = numbers.isqrt();
    Ok(match input.shape[..] {
        [channels @ (1 | 3), height, width] if height > 1 => {
            Some(ImageShape([channels, height, width]))
        }
        [height, width] if height > 1 && width > 1 => Some(ImageShape([1, height, width])),
        [_] if side >= 8 && side * side == numbers => Some(ImageShape([1, side, side])),
        _ => None,
    })
}

/// The rows of the file, but for the row itself, whose codes are nearest, with their codes' distances.
fn nearest(
    args: &TemplateArgs,
    session: &Session,
) -> Result<Vec<(NearRow, PartitionDistance)>, Failure> {
    let layout = session.network().layout();
    let (own, all) = (args.point.point.row, 0..session.data.rows.len());
    if args.nearest == 0 || layout.words() == 0 {
        return Ok(Vec::new());
    }
    let mut codes = Vec::with_capacity(all.len() * layout.words());
    session.run_range(all, Want::CODES, |batch| {
        codes.extend_from_slice(batch.codes);
        Ok(())
    })?;
    let code = &codes[own * layout.words()..][..layout.words()];
    let nearest = layout.nearest(code, &codes, args.nearest + 1).into_iter();
    let others = nearest.filter(|near| near.row != own).take(args.nearest);
    Ok(others
        .map(|near| {
            let other = &codes[near.row * layout.words()..][..layout.words()];
            (near, layout.distance(code, other))
        })
        .collect())
}

fn report(
    session: &Session,
    args: &TemplateArgs,
    map: &Linearization<'_>,
    templates: &[Template],
    nearest: Vec<(NearRow, PartitionDistance)>,
    seconds: f64,
) -> Report {
    let output = |(output, template): (usize, &Template)| OutputReport {
        output,
        value: template.output,
        template: template.response,
        offset: template.offset,
        share: template.share,
        cosine: template.cosine,
        norm: template.norm,
    };
    Report {
        run: session.report_of_maps(&args.model.file.model),
        row: args.point.point.row,
        outputs: templates.iter().enumerate().map(output).collect(),
        squared_norm: templates.iter().map(|template| template.norm * template.norm).sum(),
        squared_norm_estimate: map.estimate_squared_norm(PROBES, 0),
        last_layer: session.network().last_layer().map(last_layer),
        nearest: nearest
            .into_iter()
            .map(|(near, parts)| NeighbourReport {
                row: near.row,
                distance: near.distance,
                layers: parts.layers,
            })
            .collect(),
        seconds,
    }
}

fn last_layer(layer: LastLayer) -> LastLayerReport {
    let gram = (0..layer.gram.rows()).map(|row| layer.gram.row(row).to_vec()).collect();
    let LastLayer { node, orthogonality_penalty, .. } = layer;
    LastLayerReport { node, orthogonality_penalty, gram }
}

/// Outputs that the text shows; the JSON has all.
const SHOWN: usize = 20;

fn text(report: &Report) -> String {
    let mut order: Vec<&OutputReport> = report.outputs.iter().collect();
    order.sort_by(|a, b| b.value.total_cmp(&a.value));
    let mut rows = vec![row(["output", "value", "template", "offset", "share", "cosine", "norm"])];
    for output in order.iter().take(SHOWN) {
        rows.push(vec![
            output.output.to_string(),
            short(output.value),
            short(output.template),
            short(output.offset),
            percent(output.share),
            format!("{:.3}", output.cosine),
            short(output.norm),
        ]);
    }
    let mut text = format!(
        "{}:{}: each output is template · x + offset, by the map of the row's region\n\n{}",
        report.run.data,
        report.row,
        table(1, &rows)
    );
    if order.len() > SHOWN {
        text += &format!("\n  … {} more (--json has all)", order.len() - SHOWN);
    }
    let Estimate { mean, standard_error } = report.squared_norm_estimate;
    text += &format!(
        "\n\nsum of squares of all templates: {} (estimate from {PROBES} probes: {} ± {})",
        short(report.squared_norm),
        short(mean),
        short(standard_error)
    );
    if let Some(layer) = &report.last_layer {
        text += &format!(
            "\northogonality penalty of the last layer ({}): {}",
            layer.node,
            short(layer.orthogonality_penalty)
        );
    }
    if !report.nearest.is_empty() {
        let near = report.nearest.iter();
        let near = near.map(|near| format!("{} ({})", near.row, percent(near.distance)));
        let near: Vec<String> = near.collect();
        text += &format!("\nrows of nearest code (units on other pieces): {}", near.join(", "));
    }
    text
}
