//! `maso region`: the region around one row.

use std::cell::RefCell;
use std::time::Instant;

use maso_core::geometry::{Ball, Limits, Norm, Region, Shape, WallStatus};
use maso_core::{CodeLayout, Linearization};
use maso_io::write::NpzWriter;
use serde::Serialize;

use crate::Outcome;
use crate::args::RegionArgs;
use crate::failure::Failure;
use crate::output::{Progress, expect_output, print, print_json};
use crate::session::{RunReport, Session};
use crate::table::{count, grouped, row, short, table};

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: RunReport,
    row: usize,
    inputs: usize,
    units: usize,
    /// Units whose pieces nothing changes inside of the region.
    constant_units: usize,
    /// Units with a wall through the row.
    ties: usize,
    /// Whether the row's code is that of a set with an interior; null if the time was over before.
    full_dimensional: Option<bool>,
    /// Null if not settled.
    bounded: Option<bool>,
    /// Radius of the largest ball inside; null where balls grow without end, or if it is not settled.
    inradius: Option<f64>,
    /// Whether balls inside grow without end.
    inradius_unlimited: bool,
    /// The distance to the nearest wall in each norm; null without walls.
    wall_l2: Option<f64>,
    wall_l1: Option<f64>,
    wall_linf: Option<f64>,
    /// The distance to the nearest wall that does not go through the row.
    wall_free_l2: Option<f64>,
    walls: Vec<WallReport>,
    /// The numbers of the walls that are facets.
    facets: Vec<usize>,
    /// Walls that are implied by the others.
    redundant: usize,
    /// Walls not settled in the time given.
    undecided: usize,
    neighbours: Vec<NeighbourReport>,
    seconds: f64,
}

#[derive(Serialize)]
struct WallReport {
    /// Euclidean distance of the row.
    distance: f64,
    status: WallStatus,
    /// All units that change here; none for a side of the box.
    units: Vec<UnitReport>,
}

#[derive(Serialize)]
struct UnitReport {
    /// Its number among all units, in code order.
    unit: usize,
    layer: String,
    /// Its number in the layer.
    index: usize,
    piece: usize,
    /// Its piece beyond the wall.
    across: usize,
}

#[derive(Serialize)]
struct NeighbourReport {
    /// The wall between.
    wall: usize,
    /// The units that have other pieces there.
    changed: Vec<usize>,
    /// How far the outputs' gradients turn: ‖A' − A‖ (Frobenius).
    bend: f64,
}

pub(crate) fn run(args: &RegionArgs) -> Outcome {
    let (model, point) = (&args.model.file.model, &args.point.point);
    expect_output(args.out.as_deref(), "npz", &[model, &point.data])?;
    let session = Session::of_region(&args.model, &args.point, &args.run)?;
    let started = Instant::now();
    let map = session.only_map()?;
    let region = Region::new(&map, args.bounds).map_err(|error| {
        Failure::Usage(format!("--box: {error} (row {}, as f32, after any scale)", point.row))
    })?;
    let shape = shape(&region, args, &session);
    let neighbours = neighbours(&region, &shape)
        .map_err(|error| session.explain_rows(error.at_row(point.row)))?;
    if let Some(out) = &args.out {
        write(out, &region, &shape)?;
        session.talk(&format!(
            "wrote {}: {}",
            out.display(),
            count(region.walls().len() as u64, "wall")
        ));
    }
    let seconds = started.elapsed().as_secs_f64();
    let report = report(&session, args, &region, &shape, neighbours, seconds);
    if args.run.json { print_json(&report) } else { print(&text(&report)) }
}

fn shape(region: &Region<'_>, args: &RegionArgs, session: &Session) -> Shape {
    let progress = RefCell::new(Progress::new(region.walls().len(), "walls", session.quiet));
    let tell = |done: usize, _: usize| progress.borrow_mut().advance(done);
    let deadline = args.time.and_then(|time| Instant::now().checked_add(time));
    region.shape(&Limits { deadline, progress: Some(&tell) })
}

fn neighbours(
    region: &Region<'_>,
    shape: &Shape,
) -> Result<Vec<NeighbourReport>, maso_core::linearize::PointError> {
    let mut reports = Vec::new();
    for wall in shape.facets() {
        let point = shape.facet_points[wall].as_ref().expect("a facet has a point");
        let Some(neighbour) = region.neighbour(wall, point)? else { continue };
        let bend = Norm::L2.of(&region.bend(wall, &neighbour).response);
        reports.push(NeighbourReport { wall, changed: neighbour.changed, bend });
    }
    Ok(reports)
}

fn report(
    session: &Session,
    args: &RegionArgs,
    region: &Region<'_>,
    shape: &Shape,
    neighbours: Vec<NeighbourReport>,
    seconds: f64,
) -> Report {
    let layout = session.network().layout();
    let nearest = |norm| region.nearest_wall(norm).map(|(_, distance)| distance);
    let free = region.walls().iter().map(|wall| wall.distance).filter(|distance| *distance > 0.0);
    let statuses = |status| shape.walls.iter().filter(|wall| **wall == status).count();
    Report {
        run: session.report(&args.model.file.model),
        row: args.point.point.row,
        inputs: session.network().input().len(),
        units: layout.units(),
        constant_units: region.constant_units(),
        ties: region.ties(),
        full_dimensional: shape.full_dimensional,
        bounded: shape.bounded,
        inradius: shape.ball.inradius().filter(|radius| radius.is_finite()),
        inradius_unlimited: shape.ball == Ball::Unlimited,
        wall_l2: nearest(Norm::L2),
        wall_l1: nearest(Norm::L1),
        wall_linf: nearest(Norm::Linf),
        wall_free_l2: free.min_by(f64::total_cmp),
        walls: walls(layout, region, shape),
        facets: shape.facets().collect(),
        redundant: statuses(WallStatus::Redundant),
        undecided: statuses(WallStatus::Undecided),
        neighbours,
        seconds,
    }
}

fn walls(layout: &CodeLayout, region: &Region<'_>, shape: &Shape) -> Vec<WallReport> {
    let unit = |crossing: &maso_core::geometry::Crossing| {
        let (layer, index) = layout.place(crossing.unit).expect("a unit of the network");
        UnitReport {
            unit: crossing.unit,
            layer: layout.layers()[layer].name().to_owned(),
            index,
            piece: piece(region.map(), layer, index),
            across: crossing.across,
        }
    };
    let pairs = region.walls().iter().zip(&shape.walls);
    pairs
        .map(|(wall, &status)| WallReport {
            distance: wall.distance,
            status,
            units: wall.crossings.iter().map(unit).collect(),
        })
        .collect()
}

fn piece(map: &Linearization<'_>, layer: usize, index: usize) -> usize {
    map.trace().pieces[layer][index]
}

/// The walls as arrays.
fn write(out: &std::path::Path, region: &Region<'_>, shape: &Shape) -> Outcome {
    let walls = region.walls();
    let mut writer = NpzWriter::create(out)?;
    writer.begin::<f64>("normal", &[walls.len(), region.map().inputs()])?;
    walls.iter().try_for_each(|wall| writer.write(&wall.normal))?;
    let distances: Vec<f64> = walls.iter().map(|wall| wall.distance).collect();
    writer.array("distance", &[walls.len()], &distances)?;
    let status = |status: &WallStatus| match status {
        WallStatus::Redundant => 0i64,
        WallStatus::Facet => 1,
        WallStatus::Undecided => 2,
    };
    let statuses: Vec<i64> = shape.walls.iter().map(status).collect();
    writer.array("status", &[walls.len()], &statuses)?;
    let pairs = walls.iter().enumerate().flat_map(|(index, wall)| {
        wall.crossings.iter().map(move |crossing| [index as i64, crossing.unit as i64])
    });
    let pairs: Vec<[i64; 2]> = pairs.collect();
    writer.array("wall_units", &[pairs.len(), 2], pairs.as_flattened())?;
    Ok(writer.finish()?)
}

/// Walls that the text shows; the JSON has all.
const SHOWN: usize = 10;

fn text(report: &Report) -> String {
    let Report { run, row: number, inputs, units, .. } = report;
    let mut text = format!(
        "{}:{number} in {}: a region of {} inputs, {}\n\n",
        run.data,
        run.model,
        grouped(*inputs as u64),
        count(*units as u64, "unit")
    );
    text += &format!(
        "{}: {} facets, {} redundant, {} undecided; {} constant on the region\n",
        count(report.walls.len() as u64, "wall"),
        grouped(report.facets.len() as u64),
        grouped(report.redundant as u64),
        grouped(report.undecided as u64),
        count(report.constant_units as u64, "unit"),
    );
    text += &format!("{}\n", interior(report));
    text += &distances(report);
    text += "\n\n";
    text + &nearest(report)
}

fn interior(report: &Report) -> String {
    if report.full_dimensional == Some(false) {
        return "no interior: the row's code is that of a set without one (the row lies on walls)"
            .to_owned();
    }
    let bounded = match report.bounded {
        Some(true) => "bounded",
        Some(false) => "unbounded",
        None => "bounded or not: not settled in the time given",
    };
    match report.inradius {
        Some(radius) => format!("{bounded}; the largest ball inside has radius {}", short(radius)),
        None if report.inradius_unlimited => {
            format!("{bounded}; balls inside of it grow without end")
        }
        None => format!("{bounded}; the largest ball inside was not settled in the time given"),
    }
}

fn distances(report: &Report) -> String {
    let (Some(l2), Some(l1), Some(linf)) = (report.wall_l2, report.wall_l1, report.wall_linf)
    else {
        return "no walls: the model is one affine map".to_owned();
    };
    let mut text = format!(
        "to the nearest wall: {} in L2, {} in L1, {} in L∞",
        short(l2),
        short(l1),
        short(linf)
    );
    if report.ties > 0 {
        let free = report.wall_free_l2.map_or("none".to_owned(), short);
        text += &format!(
            "\non a wall of {}; the nearest wall that does not go through the row: {free} in L2",
            count(report.ties as u64, "unit")
        );
    }
    text
}

fn nearest(report: &Report) -> String {
    let mut order: Vec<usize> = (0..report.walls.len()).collect();
    order.sort_by(|&a, &b| report.walls[a].distance.total_cmp(&report.walls[b].distance));
    let mut rows = vec![row(["wall", "kind", "units", "distance", "bend"])];
    for &index in order.iter().take(SHOWN) {
        let wall = &report.walls[index];
        let bend = report.neighbours.iter().find(|neighbour| neighbour.wall == index);
        rows.push(vec![
            index.to_string(),
            kind(wall.status).to_owned(),
            units(wall),
            short(wall.distance),
            bend.map_or("–".to_owned(), |neighbour| short(neighbour.bend)),
        ]);
    }
    let mut text = table(3, &rows);
    if order.len() > SHOWN {
        text += &format!("\n  … {} more (--json has all)", grouped((order.len() - SHOWN) as u64));
    }
    text
}

fn kind(status: WallStatus) -> &'static str {
    match status {
        WallStatus::Facet => "facet",
        WallStatus::Redundant => "redundant",
        WallStatus::Undecided => "undecided",
    }
}

fn units(wall: &WallReport) -> String {
    let Some(first) = wall.units.first() else { return "side of the box".to_owned() };
    let UnitReport { layer, index, piece, across, .. } = first;
    let more = match wall.units.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    format!("{layer}[{index}] {piece}→{across}{more}")
}
