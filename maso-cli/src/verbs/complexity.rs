//! `maso complexity`: how many units have a wall near each row.

use std::time::Instant;

use maso_core::insight::{ComplexityProbe, NearWalls};
use maso_io::write::NpzWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::ComplexityArgs;
use crate::input::{self, Data};
use crate::output::{expect_output, print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{Quantiles, count, row, table};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    rows: usize,
    radius: f64,
    /// Directions of the sampled cross-polytope.
    directions: usize,
    seed: u64,
    layers: Vec<LayerReport>,
    total: LayerReport,
    seconds: f64,
}

#[derive(Serialize)]
struct LayerReport {
    name: String,
    units: usize,
    /// Units with a wall within the radius, as the row's region has it.
    near: Option<Quantiles>,
    near_mean: f64,
    /// Units that are not on one piece at all vertices of the cross-polytope.
    sampled: Option<Quantiles>,
    sampled_mean: f64,
}

pub(crate) fn run(args: &ComplexityArgs) -> Outcome {
    expect_output(args.out.as_deref(), "npz", &[&args.model.file.model, &args.data.data])?;
    let network = input::load_piecewise_affine(&args.model, "local complexity")?;
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let session = Session::new(network, data, &args.run)?;
    let started = Instant::now();
    let inputs = session.network().input().len();
    let probe = ComplexityProbe::new(inputs, args.directions, args.radius, args.seed);
    let (near, sampled) = counts(args, &session, &probe)?;
    if let Some(out) = &args.out {
        write(out, &near, &sampled)?;
        let rows = count(near.len() as u64, "row");
        session.talk(&format!("wrote {}: counts for {rows}, layer by layer", out.display()));
    }
    let report = report(args, &session, &probe, [&near, &sampled], started.elapsed().as_secs_f64());
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

fn counts(
    args: &ComplexityArgs,
    session: &Session,
    probe: &ComplexityProbe,
) -> Result<(Vec<NearWalls>, Vec<NearWalls>), crate::failure::Failure> {
    let (mut near, mut sampled) = (Vec::new(), Vec::new());
    let network = session.network();
    let alone = maso_core::Evaluator::new(network.clone()).with_tier(session.evaluator.tier());
    session.each_row(
        |number, x| {
            let map = network.linearize(x).map_err(|error| error.at_row(number))?;
            let row: Vec<f32> = x.iter().map(|&x| x as f32).collect();
            Ok((map.near_walls(args.radius), probe.count(&alone, &row)?))
        },
        |_, (exact, probed)| {
            near.push(exact);
            sampled.push(probed);
            Ok(())
        },
    )?;
    Ok((near, sampled))
}

fn write(out: &std::path::Path, near: &[NearWalls], sampled: &[NearWalls]) -> Outcome {
    let layers = near.first().map_or(0, |first| first.layers.len());
    let mut writer = NpzWriter::create(out)?;
    for (name, counts) in [("near", near), ("sampled", sampled)] {
        let numbers = counts.iter().flat_map(|count| count.layers.iter().map(|&n| n as i64));
        writer.array(name, &[counts.len(), layers], &numbers.collect::<Vec<_>>())?;
    }
    Ok(writer.finish()?)
}

fn report(
    args: &ComplexityArgs,
    session: &Session,
    probe: &ComplexityProbe,
    counts: [&[NearWalls]; 2],
    seconds: f64,
) -> Report {
    let layout = session.network().layout();
    let layer = |name: &str, units: usize, of: &dyn Fn(&NearWalls) -> usize| {
        let numbers = |counts: &[NearWalls]| -> Vec<f64> {
            counts.iter().map(|count| of(count) as f64).collect()
        };
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len().max(1) as f64;
        let [near, sampled] = counts.map(numbers);
        LayerReport {
            name: name.to_owned(),
            units,
            near_mean: mean(&near),
            near: Quantiles::of(near.into_iter()),
            sampled_mean: mean(&sampled),
            sampled: Quantiles::of(sampled.into_iter()),
        }
    };
    let layers = layout.layers().iter().enumerate();
    Report {
        run: session.report(&args.model.file.model),
        rows: session.data.range.len(),
        radius: args.radius,
        directions: probe.directions().len(),
        seed: args.seed,
        layers: layers
            .map(|(i, described)| {
                layer(described.name(), described.units(), &|count| count.layers[i])
            })
            .collect(),
        total: layer("total", layout.units(), &NearWalls::total),
        seconds,
    }
}

fn text(report: &Report) -> String {
    let mut rows =
        vec![row(["layer", "count", "mean", "least", "5 %", "median", "95 %", "largest"])];
    for layer in report.layers.iter().chain([&report.total]) {
        let name = format!("{} ({})", layer.name, count(layer.units as u64, "unit"));
        let kinds = [
            ("near", layer.near_mean, &layer.near),
            ("sampled", layer.sampled_mean, &layer.sampled),
        ];
        for (kind, mean, quantiles) in kinds {
            let mut cells = vec![name.clone(), kind.to_owned(), format!("{mean:.2}")];
            let quantiles = quantiles.as_ref().map(|quantiles| quantiles.whole());
            cells.extend(quantiles.into_iter().flatten());
            rows.push(cells);
        }
    }
    format!(
        "units with a wall within {} of {}\n\n{}\n\nnear: as the row's region has it (exact for the first \
         layer)\nsampled: units that change among the vertices of a cross-polytope along {} (seed {}); that \
         number depends on their number",
        report.radius,
        count(report.rows as u64, "row"),
        table(2, &rows),
        count(report.directions as u64, "random direction"),
        report.seed
    )
}
