//! `maso distance`: how far each row is from the walls of its region, and from the decision boundary.

use std::time::Instant;

use maso_core::Network;
use maso_core::geometry::{BoundaryDistance, BoundarySearch, Output, WallDistance};
use maso_io::write::NpzWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::DistanceArgs;
use crate::failure::Failure;
use crate::input::{self, Data};
use crate::output::{expect_output, print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{Quantiles, count, row, table};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    rows: usize,
    norm: &'static str,
    /// Of the rows with any wall at all.
    wall: Option<Quantiles>,
    /// Rows that lie on a wall.
    on_walls: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    boundary: Option<BoundaryReport>,
    seconds: f64,
}

#[derive(Serialize)]
struct BoundaryReport {
    /// Rows whose distance is exact.
    exact: usize,
    /// Rows for which no point of the boundary was found.
    without: usize,
    lower: Option<Quantiles>,
    upper: Option<Quantiles>,
    regions: Option<Quantiles>,
}

/// The results of all rows, but for points.
#[derive(Default)]
struct Found {
    walls: Vec<WallDistance>,
    boundaries: Vec<BoundaryDistance>,
}

pub(crate) fn run(args: &DistanceArgs) -> Outcome {
    expect_output(Some(&args.out), "npz", &[&args.model.file.model, &args.data.data])?;
    let network = input::load(&args.model)?;
    if args.boundary {
        input::only_piecewise_affine(&network, "the exact distance to the decision boundary")?;
    }
    let output = output(&network, args)?;
    let data = Data::open(&args.data, &args.model.file, &network)?;
    let session = Session::new(network, data, &args.run)?;
    let started = Instant::now();
    let found = write(args, &session, output)?;
    let seconds = started.elapsed().as_secs_f64();
    let rows = session.data.range.len();
    session.talk(&format!(
        "wrote {}: distances of {} in {}, in {seconds:.2} s",
        args.out.display(),
        count(rows as u64, "row"),
        args.norm
    ));
    let walls = found.walls.iter().map(|found| found.wall);
    let report = Report {
        run: session.report_of_maps(&args.model.file.model),
        rows,
        norm: args.norm.name(),
        wall: Quantiles::of(walls.filter(|wall| wall.is_finite())),
        on_walls: found.walls.iter().filter(|found| found.ties > 0).count(),
        boundary: args.boundary.then(|| boundary_report(&found.boundaries)),
        seconds,
    };
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

/// What the boundary is.
fn output(network: &Network, args: &DistanceArgs) -> Result<Output, Failure> {
    let outputs: usize = network.output_shape().iter().product();
    match args.level {
        Some(level) if outputs == 1 => Ok(Output::Level(level)),
        Some(_) => Err(Failure::Usage(format!(
            "--level is for a single output; this model has {outputs}, and its boundary is where the two \
             largest tie"
        ))),
        None => Ok(Output::of(network)),
    }
}

fn write(args: &DistanceArgs, session: &Session, output: Output) -> Result<Found, Failure> {
    let (network, rows) = (session.network(), session.data.range.len());
    let mut writer = NpzWriter::create(&args.out)?;
    if args.boundary {
        writer.begin::<f64>("point", &[rows, network.input().len()])?;
    }
    let mut found = Found::default();
    session.each_row(
        |row, x| distances(args, network, output, x).map_err(|error| error.at_row(row)),
        |_, (wall, boundary)| {
            found.walls.push(wall);
            if let Some(mut boundary) = boundary {
                let none = || vec![f64::NAN; network.input().len()];
                writer.write(&boundary.point.take().unwrap_or_else(none))?;
                found.boundaries.push(boundary);
            }
            Ok(())
        },
    )?;
    let walls = |of: fn(&WallDistance) -> f64| found.walls.iter().map(of).collect::<Vec<_>>();
    let unit = |found: &WallDistance| found.unit.map_or(-1, |unit| unit as i64);
    writer.array("wall", &[rows], &walls(|found| found.wall))?;
    writer.array("wall_unit", &[rows], &found.walls.iter().map(unit).collect::<Vec<_>>())?;
    writer.array("wall_free", &[rows], &walls(|found| found.wall_free))?;
    let ties: Vec<i64> = found.walls.iter().map(|found| found.ties as i64).collect();
    writer.array("ties", &[rows], &ties)?;
    if args.boundary {
        let all = found.boundaries.iter();
        let exact: Vec<bool> = all.clone().map(|found| found.exact).collect();
        let lower: Vec<f64> = all.clone().map(|found| found.lower).collect();
        let upper: Vec<f64> = all.map(|found| found.upper).collect();
        writer.array("lower", &[rows], &lower)?;
        writer.array("upper", &[rows], &upper)?;
        writer.array("exact", &[rows], &exact)?;
    }
    writer.finish()?;
    Ok(found)
}

type Distances = (WallDistance, Option<BoundaryDistance>);

fn distances(
    args: &DistanceArgs,
    network: &Network,
    output: Output,
    x: &[f64],
) -> Result<Distances, maso_core::linearize::PointError> {
    let map = network.linearize(x)?;
    let wall = map.wall_distances(&[args.norm])[0];
    let search = BoundarySearch {
        norm: args.norm,
        output,
        deadline: Instant::now().checked_add(args.time),
        most_regions: args.max_regions,
    };
    let boundary = args.boundary.then(|| search.run(&map)).transpose()?;
    Ok((wall, boundary))
}

fn boundary_report(all: &[BoundaryDistance]) -> BoundaryReport {
    let finite = |value: &f64| value.is_finite();
    BoundaryReport {
        exact: all.iter().filter(|found| found.exact).count(),
        without: all.iter().filter(|found| found.upper.is_infinite()).count(),
        lower: Quantiles::of(all.iter().map(|found| found.lower).filter(finite)),
        upper: Quantiles::of(all.iter().map(|found| found.upper).filter(finite)),
        regions: Quantiles::of(all.iter().map(|found| found.regions as f64)),
    }
}

fn text(report: &Report) -> String {
    let mut rows = vec![row(["", "least", "5 %", "median", "95 %", "largest"])];
    let mut add = |name: &str, quantiles: &Option<Quantiles>| {
        rows.push(match quantiles {
            Some(quantiles) => quantiles.row(name),
            None => row([name, "–", "–", "–", "–", "–"]),
        });
    };
    add("to the nearest wall", &report.wall);
    if let Some(boundary) = &report.boundary {
        add("to the boundary, at least", &boundary.lower);
        add("to the boundary, at most", &boundary.upper);
        add("regions or parts seen", &boundary.regions);
    }
    let mut text = table(1, &rows);
    if report.on_walls > 0 {
        text += &format!(
            "\n\n{} of {} on a wall of their region (equal inputs tie in max-pools, or a unit is at its knot); \
             wall_free has the nearest wall that does not go through them",
            report.on_walls,
            count(report.rows as u64, "row"),
        );
    }
    if let Some(BoundaryReport { exact, without, .. }) = &report.boundary {
        text += &format!("\n\n{exact} of {} exact", count(report.rows as u64, "distance"));
        if *without > 0 {
            text += &format!("; no boundary was found for {without}");
        }
    }
    text
}
